//! The line editor: history across runs, colors, completion, and when a text of several lines is complete.

use super::commands;
use crate::report::{Failure, is_colored_on};
use hotloop::text::{self, Piece};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Helper};
use std::borrow::Cow;
use std::path::PathBuf;

/// How many entries are kept across runs.
const HISTORY: usize = 10_000;
const PROMPT: &str = "> ";

/// An editor at a terminal.
pub struct Editor {
    inner: rustyline::Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
}

/// What came from the terminal.
pub enum Typed {
    /// A complete text.
    Text(String),
    /// Nothing: the text was given up.
    Nothing,
    /// The end.
    End,
}

impl Editor {
    /// An editor with the history of earlier runs.
    pub fn new() -> Result<Editor, Failure> {
        let colors = if is_colored_on(&std::io::stdout()) { ColorMode::Enabled } else { ColorMode::Disabled };
        let config = Config::builder()
            .max_history_size(HISTORY)
            .map_err(terminal)?
            .completion_type(CompletionType::List)
            .color_mode(colors)
            .build();
        let mut inner = rustyline::Editor::with_config(config).map_err(terminal)?;
        inner.set_helper(Some(Assistant { files: FilenameCompleter::new(), names: Vec::new() }));
        let history = history_file();
        if let Some(path) = &history {
            // A history that cannot be read is as good as none.
            let _ = inner.load_history(path);
        }
        Ok(Editor { inner, history })
    }

    /// The names of the session, for completion.
    pub fn knows(&mut self, names: Vec<String>) {
        if let Some(assistant) = self.inner.helper_mut() {
            assistant.names = names;
        }
    }

    /// Waits for a complete text.
    pub fn read(&mut self) -> Result<Typed, Failure> {
        match self.inner.readline(PROMPT) {
            Ok(typed) if typed.trim().is_empty() => Ok(Typed::Nothing),
            Ok(typed) => {
                self.remember(&typed);
                Ok(Typed::Text(typed))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Nothing),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(terminal(error)),
        }
    }

    /// Kept at once, so that nothing is lost however the session ends.
    fn remember(&mut self, typed: &str) {
        let is_new = self.inner.add_history_entry(typed).unwrap_or(false);
        if let (true, Some(path)) = (is_new, &self.history) {
            let _ = self.inner.append_history(path);
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function for `map_err`")]
fn terminal(error: ReadlineError) -> Failure {
    Failure::Data(format!("cannot use the terminal: {error}"))
}

/// The file of the history, in the place where this system keeps data of programs; its folder is made.
fn history_file() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = variable("HOTLOOP_HISTORY") {
        return Some(file);
    }
    let home = || variable("HOME");
    let data = if cfg!(windows) {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local").join("share")))
    };
    let folder = data?.join("hotloop");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Helps while typing.
struct Assistant {
    files: FilenameCompleter,
    names: Vec<String>,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let typed = context.input();
        let complete = typed.trim_start().starts_with(':') || text::is_complete(typed);
        Ok(if complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..at];
        let is_command = before.trim_start().starts_with(':');
        if is_command && !before.trim_start().contains(' ') {
            let start = before.find(':').map_or(0, |colon| colon + 1);
            return Ok((start, candidates(commands::names(), &before[start..])));
        }
        let in_quotes = before.matches('"').count() % 2 == 1;
        let takes_file = [":load ", ":save ", ":plot "].iter().any(|command| before.trim_start().starts_with(command));
        let (start, found) = self.complete_name(before);
        if in_quotes || takes_file && (found.is_empty() || before.ends_with(['/', '.'])) {
            return self.files.complete_path(line, at);
        }
        Ok((start, found))
    }
}

impl Assistant {
    fn complete_name(&self, before: &str) -> (usize, Vec<Pair>) {
        let is_part = |c: char| c == '_' || c.is_alphanumeric();
        let start = before.trim_end_matches(is_part).len();
        // Names with a dot are columns of tables.
        let dotted = before.trim_end_matches(|c: char| c == '.' || is_part(c)).len();
        if before[dotted..].contains('.') {
            let found = candidates(self.names.iter().map(String::as_str), &before[dotted..]);
            return if found.is_empty() { (start, found) } else { (dotted, found) };
        }
        let word = &before[start..];
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return (start, Vec::new());
        }
        let mut names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let known = text::functions().chain(text::constants()).chain(text::keywords()).chain(["load", "save"]);
        known.for_each(|name| names.push(name));
        (start, candidates(names.into_iter(), word))
    }
}

fn candidates<'a>(names: impl Iterator<Item = &'a str>, word: &str) -> Vec<Pair> {
    let mut found: Vec<&str> = names.filter(|name| name.starts_with(word)).collect();
    found.sort_unstable();
    found.dedup();
    found.iter().map(|name| Pair { display: (*name).to_owned(), replacement: (*name).to_owned() }).collect()
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if line.trim_start().starts_with(':') {
            let end = line.trim_end().find(' ').unwrap_or(line.len());
            return Cow::Owned(format!("\x1b[1m{}\x1b[0m{}", &line[..end], &line[end..]));
        }
        let mut out = String::with_capacity(line.len() * 2);
        let mut end = 0;
        for (range, piece) in text::pieces(line) {
            out.push_str(line.get(end..range.start).unwrap_or(""));
            end = range.end;
            let part = &line[range];
            match color(piece) {
                Some(color) => out.push_str(&format!("\x1b[{color}m{part}\x1b[0m")),
                None => out.push_str(part),
            }
        }
        out.push_str(line.get(end..).unwrap_or(""));
        Cow::Owned(out)
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

/// The color of a part, as a code of the terminal.
fn color(piece: Piece) -> Option<&'static str> {
    match piece {
        Piece::Keyword => Some("35"),
        Piece::Function => Some("36"),
        Piece::Number => Some("33"),
        Piece::Text => Some("32"),
        Piece::Comment => Some("2"),
        Piece::Name | Piece::Sign => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Assistant;
    use rustyline::completion::FilenameCompleter;
    use rustyline::highlight::Highlighter;

    fn assistant() -> Assistant {
        Assistant { files: FilenameCompleter::new(), names: vec!["signal".to_owned(), "size_of".to_owned()] }
    }

    #[test]
    fn names_are_completed() {
        let found = |before: &str| -> Vec<String> {
            assistant().complete_name(before).1.into_iter().map(|pair| pair.replacement).collect()
        };
        assert_eq!(found("2 * sigm"), ["sigmoid"]);
        assert_eq!(found("siz"), ["size", "size_of"]);
        assert!(found("2").is_empty() && found("").is_empty());
        assert_eq!(assistant().complete_name("2 * sigm").0, 4);
        let mut assistant = assistant();
        assistant.names.extend(["t.day".to_owned(), "t.dew".to_owned()]);
        let (start, columns) = assistant.complete_name("2*t.d");
        assert_eq!((start, columns.len()), (2, 2));
        assert!(assistant.complete_name("x.d").1.is_empty() && assistant.complete_name("1.").1.is_empty());
    }

    #[test]
    fn colors_keep_the_text() {
        for line in ["fn f(x) = sin(x) # é", ":why x", "x = \"a", "", "  2.5 $ 3"] {
            let colored = assistant().highlight(line, 0).into_owned();
            let mut plain = String::new();
            for part in colored.split('\x1b') {
                plain.push_str(if colored.starts_with(part) && plain.is_empty() && !part.contains('m') {
                    part
                } else {
                    part.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(part, |(_, rest)| rest)
                });
            }
            assert_eq!(plain, line, "{colored:?}");
        }
    }
}
