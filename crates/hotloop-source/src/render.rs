//! A diagnostic as text for people, with the lines it is about and carets under the places.
//!
//! Works for any span, fitting or not, and for any text: long lines are cut to a window around the marked place and
//! control characters never reach the terminal.

use std::fmt::Write;

use crate::diag::{Diagnostic, Severity};
use crate::source::Source;
use crate::span::Span;
use crate::width;

/// The columns of source text shown of one line.
const WINDOW: usize = 100;
/// The columns kept in sight before the marked place when a line is cut.
const LEAD: usize = 40;

/// Renders a diagnostic, ending in a line break; `color` adds ANSI colors.
pub fn render(diag: &Diagnostic, source: &Source, color: bool) -> String {
    let paint = Paint { on: color, main: severity_color(diag.severity) };
    let mut out = String::new();
    let title = format!("{}[{}]", diag.severity.word(), diag.code);
    paint.push(&mut out, paint.main, &title);
    paint.push(&mut out, BOLD, &format!(": {}", shown(&diag.message)));
    out.push('\n');
    let marks = marks(diag, source);
    let gutter = marks.iter().map(|mark| mark.line).max().unwrap_or(1).to_string().len();
    push_place(&mut out, diag, source, gutter, paint);
    push_lines(&mut out, &marks, source, gutter, paint);
    for hint in &diag.hints {
        let _ = write!(out, "{:gutter$} ", "");
        paint.push(&mut out, BLUE, "=");
        paint.push(&mut out, BOLD, " hint:");
        let _ = writeln!(out, " {}", shown(hint));
    }
    out
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";

fn severity_color(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    }
}

#[derive(Clone, Copy)]
struct Paint {
    on: bool,
    main: &'static str,
}

impl Paint {
    fn push(self, out: &mut String, style: &str, text: &str) {
        if self.on {
            let _ = write!(out, "\x1b[{style}m{text}\x1b[0m");
        } else {
            out.push_str(text);
        }
    }
}

/// One underlined stretch of one line, in byte offsets within the line.
struct Mark<'a> {
    line: usize,
    start: usize,
    end: usize,
    message: &'a str,
    primary: bool,
}

/// The marks in the order they are shown: by line, the primary one first within its line.
fn marks<'a>(diag: &'a Diagnostic, source: &Source) -> Vec<Mark<'a>> {
    let primary = mark(diag.span, "", true, source);
    let labels = diag.labels.iter().map(|label| mark(label.span, &label.message, false, source));
    let mut marks: Vec<_> = std::iter::once(primary).chain(labels).flatten().collect();
    marks.sort_by_key(|mark| (mark.line, !mark.primary));
    marks
}

fn mark<'a>(span: Span, message: &'a str, primary: bool, source: &Source) -> Option<Mark<'a>> {
    if span.is_detached() {
        return None;
    }
    let line = source.position(span.start).line;
    let (from, text) = (source.line_start(line), source.line_text(line));
    // A span of several lines, or one that runs past its line, is marked to the end of its first line.
    let within = |offset: u32| text.floor_char_boundary((offset as usize).saturating_sub(from));
    let start = within(span.start);
    Some(Mark { line, start, end: within(span.end).max(start), message, primary })
}

fn push_place(out: &mut String, diag: &Diagnostic, source: &Source, gutter: usize, paint: Paint) {
    let _ = write!(out, "{:gutter$}", "");
    paint.push(out, BLUE, "-->");
    let _ = write!(out, " {}", shown(source.name()));
    if !diag.span.is_detached() {
        let position = source.position(diag.span.start);
        let _ = write!(out, ":{}:{}", position.line, position.column);
    }
    out.push('\n');
}

fn push_lines(out: &mut String, marks: &[Mark<'_>], source: &Source, gutter: usize, paint: Paint) {
    let mut before: Option<usize> = None;
    for group in marks.chunk_by(|a, b| a.line == b.line) {
        let line = group[0].line;
        match before {
            Some(last) if last + 1 < line => paint_line(out, paint, "..."),
            Some(_) => {}
            None => paint_line(out, paint, &format!("{:gutter$} |", "")),
        }
        push_line(out, group, source.line_text(line), gutter, paint);
        before = Some(line);
    }
}

fn paint_line(out: &mut String, paint: Paint, text: &str) {
    paint.push(out, BLUE, text);
    out.push('\n');
}

/// One source line and one row of carets or dashes for each mark in it.
fn push_line(out: &mut String, group: &[Mark<'_>], text: &str, gutter: usize, paint: Paint) {
    let window = Window::around(text, group[0].start);
    paint.push(out, BLUE, &format!("{:gutter$} |", group[0].line));
    let shown = window.shown();
    let _ = writeln!(out, "{}{shown}", if shown.is_empty() { "" } else { " " });
    for mark in group {
        let (column, length) = window.place(mark.start, mark.end);
        let (sign, style) = if mark.primary { ("^", paint.main) } else { ("-", BLUE) };
        let space = if mark.message.is_empty() { "" } else { " " };
        let under = format!("{}{space}{}", sign.repeat(length), self::shown(mark.message));
        paint.push(out, BLUE, &format!("{:gutter$} |", ""));
        let _ = write!(out, " {:column$}", "");
        paint.push(out, style, &under);
        out.push('\n');
    }
}

/// The part of a line that is shown.
struct Window<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Window<'a> {
    /// The whole line if it fits, else a part of it with `focus` in sight.
    fn around(text: &'a str, focus: usize) -> Window<'a> {
        if columns(text) <= WINDOW {
            return Window { text, start: 0, end: text.len() };
        }
        let start = focus - tail(&text[..focus], LEAD);
        let end = start + head(&text[start..], WINDOW);
        Window { text, start, end }
    }

    fn shown(&self) -> String {
        let mut out = String::from(self.before());
        self.text[self.start..self.end].chars().for_each(|c| width::push_shown(&mut out, c));
        if self.end < self.text.len() {
            out.push_str(" ...");
        }
        out
    }

    /// The column and the length of the marks under a stretch of the line, at least one column long.
    fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let clamp = |offset: usize| offset.clamp(self.start, self.end);
        let (start, end) = (clamp(start), clamp(end));
        let column = self.before().len() + columns(&self.text[self.start..start]);
        (column, columns(&self.text[start..end]).max(1))
    }

    fn before(&self) -> &'static str {
        if self.start > 0 { "... " } else { "" }
    }
}

fn columns(text: &str) -> usize {
    text.chars().map(width::columns).sum()
}

/// The bytes of the longest head of a text that fits in so many columns.
fn head(text: &str, limit: usize) -> usize {
    fitting(text.chars(), limit)
}

/// The bytes of the longest tail of a text that fits in so many columns.
fn tail(text: &str, limit: usize) -> usize {
    fitting(text.chars().rev(), limit)
}

fn fitting(chars: impl Iterator<Item = char>, limit: usize) -> usize {
    let mut used = 0;
    let fits = chars.take_while(|c| {
        used += width::columns(*c);
        used <= limit
    });
    fits.map(char::len_utf8).sum()
}

/// Text of messages and names, which may quote the source, made harmless.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| width::push_shown(&mut out, c));
    out
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::diag::Diagnostic;
    use crate::source::Source;
    use crate::span::Span;

    fn check(text: &str, diag: Diagnostic, expect: &str) {
        assert_eq!(render(&diag, &Source::new("a.hl", text), false), expect);
    }

    fn error(start: u32, end: u32) -> Diagnostic {
        Diagnostic::error("E0102", Span::new(start, end), "`y` is not known")
    }

    #[test]
    fn carets_and_hint() {
        let expect =
            "error[E0102]: `y` is not known\n --> a.hl:2:5\n  |\n2 | x + yy\n  |     ^^\n  = hint: write `x`\n";
        check("let\nx + yy\nz", error(8, 10).hint("write `x`"), expect);
    }

    #[test]
    fn labels_follow_by_line() {
        let diag = error(5, 6).label(Span::new(0, 1), "opened here").label(Span::new(3, 4), "seen");
        let expect = "error[E0102]: `y` is not known\n --> a.hl:3:3\n  |\n1 | (\n  | - opened here\n...\n\
                      3 | a y\n  |   ^\n  | - seen\n";
        check("(\n\na y", diag, expect);
    }

    #[test]
    fn tabs_and_wide_text_line_up() {
        let expect = "error[E0102]: `y` is not known\n --> a.hl:1:4\n  |\n1 |     漢 yy\n  |        ^^\n";
        check("\t漢 yy", error(5, 7), expect);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}y{}", "a".repeat(1000), "b".repeat(1000));
        let out = render(&error(1000, 1001), &Source::new("a.hl", text), false);
        let lines: Vec<_> = out.lines().collect();
        assert!(lines.iter().all(|line| line.len() < 120), "{out}");
        let column = lines[4].find('^').expect("a caret");
        assert_eq!(&lines[3][column..=column], "y");
    }

    #[test]
    fn several_lines_show_the_first() {
        let expect = "error[E0102]: `y` is not known\n --> a.hl:1:3\n  |\n1 | a bc\n  |   ^^\n";
        check("a bc\nd\ne", error(2, 8), expect);
    }

    #[test]
    fn detached_shows_the_name_only() {
        let diag = Diagnostic::error("E0001", Span::DETACHED, "too much");
        check("x", diag, "error[E0001]: too much\n --> a.hl\n");
    }

    #[test]
    fn odd_spans_do_not_panic() {
        let texts = ["", "\n", "π\tx\r\n漢漢\n", "abc"];
        for text in texts {
            let source = Source::new("a.hl", text);
            for start in (0..12).chain([u32::MAX - 1, u32::MAX]) {
                for end in (0..12).chain([u32::MAX - 1, u32::MAX]) {
                    let diag = error(start, end).label(Span::new(end, start), "back");
                    assert!(render(&diag, &source, true).starts_with("\x1b["));
                }
            }
        }
    }

    #[test]
    fn color_wraps_but_does_not_change_the_text() {
        let source = Source::new("a.hl", "x + y");
        let plain = render(&error(4, 5), &source, false);
        let mut colored = render(&error(4, 5), &source, true);
        for style in ["\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;34m"] {
            colored = colored.replace(style, "");
        }
        assert_eq!(colored, plain);
    }
}
