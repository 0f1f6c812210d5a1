//! The language's text: from characters to a tree, and from a tree back to text.
//!
//! Knows no types and no meaning: whether a name exists or an operand fits is decided in later phases. Parsing never
//! fails and never overflows; all it can complain about is in `errors`, and how much it takes is in `Limits`.

pub mod ast;
mod changes;
mod dump;
mod errors;
mod format;
mod layout;
mod lexer;
mod limits;
mod literal;
mod number;
mod ops;
mod parser;
mod print;
mod prompt;
mod spacing;
mod token;

pub use changes::{Changes, changes};
pub use dump::{dump, dump_block, dump_expr};
pub use errors::CODES;
pub use format::{FormatError, format};
pub use limits::Limits;
pub use parser::{parse_body, parse_expr, parse_file};
pub use print::{print_block, print_expr, print_file};
pub use prompt::{Entry, EntryKind, Piece, entries, is_complete, keywords, pieces};
