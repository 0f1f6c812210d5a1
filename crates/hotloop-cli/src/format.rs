//! `hotloop fmt`: files in the one layout.

use crate::args::Fmt;
use crate::report::{Failure, io_text, note};
use hotloop::{Source, text};
use std::io::{self, Read, Write};
use std::path::Path;

/// `hotloop fmt`.
pub fn run(command: &Fmt) -> Result<(), Failure> {
    let mut changed = Vec::new();
    let mut failed = None;
    for path in &command.files {
        match file(path, command.check) {
            Ok(false) => {}
            Ok(true) => changed.push(path.display().to_string()),
            Err(failure @ Failure::Closed) => return Err(failure),
            // The other files are still worth formatting.
            Err(failure) => failed = Some(crate::report::tell_in_session(&failure)),
        }
    }
    if let Some(code) = failed {
        return Err(Failure::Told(code));
    }
    if command.check && !changed.is_empty() {
        changed.iter().for_each(|path| note(&format!("{path} would change")));
        return Err(Failure::Told(1));
    }
    Ok(())
}

/// Formats one file; whether that changes it.
fn file(path: &Path, only_check: bool) -> Result<bool, Failure> {
    let is_stream = path == Path::new("-");
    let wrong =
        |verb: &str, error: io::Error| Failure::Data(format!("cannot {verb} `{}`: {}", path.display(), io_text(error)));
    let mut before = String::new();
    if is_stream {
        io::stdin().lock().read_to_string(&mut before).map_err(|error| wrong("read", error))?;
    } else {
        before = std::fs::read_to_string(path).map_err(|error| wrong("read", error))?;
    }
    let after = text::format(&Source::new(path.display().to_string(), before.as_str()))?;
    let is_changed = before != after;
    if only_check || !is_stream && !is_changed {
        return Ok(is_changed);
    }
    if is_stream {
        let mut out = io::stdout().lock();
        out.write_all(after.as_bytes()).and_then(|()| out.flush()).map_err(Failure::of_stdout)?;
    } else {
        crate::output::replace(path, after.as_bytes()).map_err(|error| wrong("write", error))?;
    }
    Ok(is_changed)
}
