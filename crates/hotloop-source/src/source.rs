//! `Source`: one named text and where its lines begin.
//!
//! Reading files is the business of whoever calls; this holds text that is already in memory.

use std::fmt;
use std::sync::Arc;

use crate::span::Span;

/// A named text with its line table. Cloning is cheap.
#[derive(Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    /// Offset of the first byte of each line; the first entry is 0.
    lines: Arc<[u32]>,
}

/// A place in a text as people count it: lines and columns from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Source {
    /// A text under the name that diagnostics show, such as a path or `<expr>`.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Source {
        let text = text.into();
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts.map_while(|at| u32::try_from(at).ok())).collect();
        Source { name: name.into(), text, lines }
    }

    /// The name that diagnostics show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text under a span; the empty text where the span does not fit.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The number of lines; a final line break begins one more, empty line.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The line (from 1) and column of an offset; offsets past the end count as the end.
    pub fn position(&self, offset: u32) -> Position {
        let offset = self.floor(offset);
        let line = self.lines.partition_point(|start| *start as usize <= offset);
        let start = self.lines[line - 1] as usize;
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The offset of the first byte of a line (from 1); the end of the text for lines past it.
    pub fn line_start(&self, line: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1));
        start.map_or(self.text.len(), |start| *start as usize)
    }

    /// The text of a line (from 1) without its line break; the empty text for lines past the end.
    pub fn line_text(&self, line: usize) -> &str {
        let text = &self.text[self.line_start(line)..];
        let text = text.split('\n').next().unwrap_or("");
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// The nearest offset at or before this one that is a character boundary of the text.
    fn floor(&self, offset: u32) -> usize {
        self.text.floor_char_boundary(offset as usize)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Source};
    use crate::span::Span;

    fn at(text: &str, offset: u32) -> (usize, usize) {
        let Position { line, column } = Source::new("test", text).position(offset);
        (line, column)
    }

    #[test]
    fn positions_count_lines_and_characters() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("ab\ncd", 2), (1, 3));
        assert_eq!(at("ab\ncd", 3), (2, 1));
        assert_eq!(at("ab\ncd", 5), (2, 3));
        assert_eq!(at("πx\ny", 2), (1, 2));
    }

    #[test]
    fn positions_never_panic() {
        assert_eq!(at("πx", 1), (1, 1));
        assert_eq!(at("ab\n", 99), (2, 1));
        assert_eq!(at("ab", u32::MAX), (1, 3));
    }

    #[test]
    fn lines_come_without_breaks() {
        let source = Source::new("test", "one\r\ntwo\n\nfour");
        let lines: Vec<_> = (0..7).map(|line| source.line_text(line)).collect();
        assert_eq!(lines, ["one", "one", "two", "", "four", "", ""]);
        assert_eq!(source.line_count(), 4);
    }

    #[test]
    fn slices_that_do_not_fit_are_empty() {
        let source = Source::new("test", "aπ");
        assert_eq!(source.slice(Span::new(1, 3)), "π");
        assert_eq!(source.slice(Span::new(1, 2)), "");
        assert_eq!(source.slice(Span::new(3, 1)), "");
        assert_eq!(source.slice(Span::DETACHED), "");
    }
}
