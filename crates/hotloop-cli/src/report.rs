//! What can go wrong in the program, how it is told, and the exit code it gives.
//!
//! Diagnostics are rendered by the engine; this decides where they go, whether in color, and what else is said.

use hotloop::{Error, SourceError};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Why the program stops early.
#[derive(Debug)]
pub enum Failure {
    /// The engine refused the text or the run.
    Engine(Error),
    /// Data or files are wrong.
    Data(String),
    /// The command line is wrong in a way that only shows later.
    Usage(String),
    /// Ctrl-C.
    Interrupted,
    /// Whoever read the output has stopped reading.
    Closed,
    /// It has been told already; this is the exit code.
    Told(u8),
}

/// The exit codes, as `--help` lists them.
const WRONG: u8 = 1;
const USAGE: u8 = 2;
const INTERNAL: u8 = 3;
/// What shells give for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

const PLEASE: &str =
    "This is a mistake in hotloop, not in your program. Please report it, with the command that led to it.";

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        if error.is_cancelled() { Failure::Interrupted } else { Failure::Engine(error) }
    }
}

impl Failure {
    /// A failure to write to standard output.
    pub fn of_stdout(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::Closed;
        }
        Failure::Data(format!("cannot write to the standard output: {}", io_text(error)))
    }

    /// Tells it on the standard error; gives the exit code.
    pub fn tell(&self) -> ExitCode {
        match self {
            Failure::Engine(error) => tell_error(error),
            Failure::Data(message) => tell(message, WRONG),
            Failure::Usage(message) => tell(&format!("{message}\n\nFor more information, try '--help'."), USAGE),
            Failure::Interrupted => tell("interrupted", INTERRUPTED),
            Failure::Closed => ExitCode::SUCCESS,
            Failure::Told(code) => ExitCode::from(*code),
        }
    }
}

/// Tells what went wrong at a prompt, where the name of the program says nothing; gives the exit code.
pub fn tell_in_session(failure: &Failure) -> u8 {
    tell_changed(failure, |text| text)
}

/// The same, with something done to the text.
pub fn tell_changed(failure: &Failure, change: impl FnOnce(String) -> String) -> u8 {
    let (text, code) = match failure {
        Failure::Engine(Error::Bug(message)) => (format!("internal error: {message}\n{PLEASE}\n"), INTERNAL),
        Failure::Engine(error) => (error.render(is_colored()), WRONG),
        Failure::Data(message) | Failure::Usage(message) => (format!("error: {message}\n"), WRONG),
        Failure::Interrupted => ("interrupted\n".to_owned(), INTERRUPTED),
        Failure::Closed | Failure::Told(_) => (String::new(), WRONG),
    };
    write_error(&change(text), 0);
    code
}

fn tell_error(error: &Error) -> ExitCode {
    match error {
        Error::Source(_) => write_error(&error.render(is_colored()), WRONG),
        Error::Run(_) if error.fault().is_some() => write_error(&error.render(is_colored()), WRONG),
        Error::Io { path, error } => {
            let reason = without_number(&error.to_string());
            tell(&format!("cannot read `{}`: {reason}", path.display()), WRONG)
        }
        Error::Run(_) | Error::Unsupported(_) => tell(&error.to_string(), WRONG),
        Error::Bug(message) => tell(&format!("internal error: {message}\n{PLEASE}"), INTERNAL),
    }
}

/// Warnings, which stop nothing.
pub fn warn(warnings: SourceError) {
    if !warnings.diagnostics.is_empty() {
        write_error(&warnings.render(is_colored()), 0);
    }
}

/// One line about what happened, on the standard error.
pub fn note(text: &str) {
    write_error(&format!("{text}\n"), 0);
}

/// A panic is told like any other mistake of ours.
pub fn hook_panics() {
    std::panic::set_hook(Box::new(|info| {
        write_error(&format!("hotloop: internal error: {info}\n{PLEASE}\n"), 0);
    }));
}

/// The exit code after a panic.
pub fn internal() -> ExitCode {
    ExitCode::from(INTERNAL)
}

fn tell(message: &str, code: u8) -> ExitCode {
    write_error(&format!("hotloop: {message}\n"), code)
}

fn write_error(text: &str, code: u8) -> ExitCode {
    // There is nowhere left to complain to when this fails.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}

fn is_colored() -> bool {
    is_colored_on(&io::stderr())
}

/// Colors are for people at a terminal who have not asked to be spared them (no-color.org).
pub fn is_colored_on(stream: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// An error of the system in words, without its number.
#[allow(clippy::needless_pass_by_value, reason = "used as a function for `map_err`")]
pub fn io_text(error: io::Error) -> String {
    without_number(&error.to_string())
}

fn without_number(text: &str) -> String {
    text.split(" (os error").next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Failure, without_number};
    use hotloop::{Error, RunError};
    use std::process::ExitCode;

    #[test]
    fn each_kind_has_its_code() {
        let code = |failure: Failure| failure.tell();
        assert_eq!(code(Error::Unsupported("not here".to_owned()).into()), ExitCode::from(1));
        assert_eq!(code(Failure::Data("bad".to_owned())), ExitCode::from(1));
        assert_eq!(code(Failure::Usage("bad".to_owned())), ExitCode::from(2));
        assert_eq!(code(Error::Bug("ours".to_owned()).into()), ExitCode::from(3));
        assert_eq!(code(Error::Run(RunError::Cancelled).into()), ExitCode::from(130));
        assert_eq!(code(Failure::Closed), ExitCode::SUCCESS);
    }

    #[test]
    fn numbers_of_system_errors_are_dropped() {
        assert_eq!(without_number("No such file or directory (os error 2)"), "No such file or directory");
        assert_eq!(without_number("plain"), "plain");
    }
}
