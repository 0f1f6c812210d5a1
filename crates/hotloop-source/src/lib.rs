//! Text, positions in it, and what there is to say about it.
//!
//! Owns source files with their line tables, spans, diagnostics as plain data, and their rendering for a
//! terminal. Knows nothing of the language: which diagnostics exist is decided by the crates that report them.

mod diag;
mod render;
mod source;
mod span;
mod width;

pub use diag::{Diagnostic, Label, Severity};
pub use render::render;
pub use source::{Position, Source};
pub use span::Span;
