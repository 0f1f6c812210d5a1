//! The language's text for tools: its parts, its layout, what is complete, which names there are and what they mean.
//!
//! For prompts and editors; nothing here compiles or runs.

use crate::error::Error;
use hotloop_sema as sema;
use hotloop_source::Source;
use hotloop_syntax::{self as syntax, FormatError, Limits};
use std::ops::Range;

pub use hotloop_sema::{Doc, doc};
pub use hotloop_syntax::{Entry, EntryKind, Piece};

/// The parts of a text, in order, for coloring it.
pub fn pieces(text: &str) -> Vec<(Range<usize>, Piece)> {
    syntax::pieces(text, &Limits::default())
}

/// Whether what was typed can be taken as it is, right or wrong, or goes on in a next line. An empty line ends it.
pub fn is_complete(text: &str) -> bool {
    syntax::is_complete(text, &Limits::default())
}

/// What was typed asks for this, in order.
pub fn entries(source: &Source) -> Result<Vec<Entry>, Error> {
    syntax::entries(source, &Limits::default()).map_err(|diagnostics| Error::source(source, diagnostics))
}

/// A text of functions and kernels in the one layout; comments and line breaks stay, and what it says.
pub fn format(source: &Source) -> Result<String, Error> {
    syntax::format(source, &Limits::default()).map_err(|error| match error {
        FormatError::Wrong(diagnostics) => Error::source(source, diagnostics),
        FormatError::Changed => Error::Bug(format!("formatting `{}` would change what it says", source.name())),
    })
}

/// The functions that every program can call.
pub fn functions() -> impl Iterator<Item = &'static str> {
    sema::builtins::BUILTINS.iter().map(|row| row.0).chain(sema::Module::library_names())
}

/// The constants that every program can use.
pub fn constants() -> impl Iterator<Item = &'static str> {
    sema::builtins::PREDEFINED.iter().map(|row| row.0)
}

/// The words of the language.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    syntax::keywords()
}

/// The name most like another one, if any is like it at all.
pub fn similar<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    sema::errors::similar(name, names)
}
