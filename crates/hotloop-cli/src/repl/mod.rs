//! The prompt: `hotloop` without arguments, or `hotloop repl`.
//!
//! Reads from a terminal with an editor, or from anything else line by line, and hands each complete text to the
//! session. Ctrl-C stops a running kernel and nothing else; Ctrl-D leaves.

mod bound;
mod commands;
mod editor;
mod files;
mod inspect;
mod loading;
mod session;

use crate::args::Repl;
use crate::report::{self, Failure};
use editor::{Editor, Typed};
use files::as_typed;
use hotloop::{CancelToken, text};
use session::Session;
use std::io::{self, BufRead, IsTerminal, Write};

/// `hotloop repl`.
pub fn run(options: &Repl) -> Result<(), Failure> {
    let mut builder = crate::run::builder(options.fastmath);
    if let Some(threads) = options.threads {
        builder = builder.threads(threads.into());
    }
    if let Some(disk) = crate::cache::disk(options.no_cache) {
        builder = builder.disk_cache(disk);
    }
    let cancel = CancelToken::new();
    crate::interrupt::cancels(&cancel);
    let mut session = Session::new(builder.build(), cancel);
    session.target = options.target;
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        interactive(&mut session)
    } else {
        piped(&mut session)
    }
}

const GREETING: &str = "hotloop compiles array expressions. `:help` shows what there is, Ctrl-D leaves.";

fn interactive(session: &mut Session) -> Result<(), Failure> {
    print(GREETING)?;
    let mut editor = Editor::new()?;
    loop {
        editor.knows(session.names());
        match editor.read()? {
            Typed::Text(typed) => {
                for part in parts(&typed) {
                    if enter(session, &part)?.is_some() {
                        break;
                    }
                }
            }
            Typed::Nothing => {}
            Typed::End => return Ok(()),
        }
    }
}

/// Text that comes from a file or another program: the same without an editor. A failure does not end it, but is
/// remembered in the exit code.
fn piped(session: &mut Session) -> Result<(), Failure> {
    let mut typed = String::new();
    io::stdin().lock().read_to_string_lossy(&mut typed)?;
    let mut failed = None;
    for part in parts(&typed) {
        failed = enter(session, &part)?.or(failed);
    }
    failed.map_or(Ok(()), |failure| Err(Failure::Told(failure)))
}

/// Runs one complete text. What went wrong in it is told here and given back as its exit code; what ends the session
/// is an error.
fn enter(session: &mut Session, typed: &str) -> Result<Option<u8>, Failure> {
    let mut closed = None;
    let stand_ins = session.stand_ins.clone();
    stand_ins.borrow_mut().clear();
    let result = session.enter(typed, &mut |text| {
        if closed.is_none() {
            closed = print(&as_typed(text, &stand_ins.borrow())).err();
        }
    });
    if let Some(closed) = closed {
        return Err(closed);
    }
    match result {
        Ok(()) => Ok(None),
        Err(end @ (Failure::Closed | Failure::Told(_))) => Err(end),
        Err(failure) => Ok(Some(report::tell_changed(&failure, |text| as_typed(&text, &stand_ins.borrow())))),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::of_stdout)
}

/// A text of many lines as complete entries. A line that begins with `else` belongs to the one before.
fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        part.push_str(line);
        let goes_on = lines.peek().is_some_and(|next| next.trim_start().starts_with("else"));
        let is_command = part.trim_start().starts_with(':');
        if is_command || !goes_on && text::is_complete(&part) {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push('\n');
        }
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Reading text of strangers.
trait ReadLossy {
    fn read_to_string_lossy(&mut self, out: &mut String) -> Result<(), Failure>;
}

impl<R: BufRead> ReadLossy for R {
    fn read_to_string_lossy(&mut self, out: &mut String) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let wrong = |error| Failure::Data(format!("cannot read the standard input: {}", report::io_text(error)));
        self.read_to_end(&mut bytes).map_err(wrong)?;
        out.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn texts_are_cut_where_they_are_complete() {
        let text =
            "x = 1\n\nfn f(a) {\n\n  a\n}\n:help\ny = x +\n 2\nif x > 1 { 1 }\nelse { 2 }\n@vectorize\nfn g(x) = x";
        let expect = [
            "x = 1",
            "fn f(a) {\n\n  a\n}",
            ":help",
            "y = x +\n 2",
            "if x > 1 { 1 }\nelse { 2 }",
            "@vectorize\nfn g(x) = x",
        ];
        let found: Vec<String> = parts(text).iter().map(|part| part.trim().to_owned()).collect();
        assert_eq!(found, expect);
    }
}
