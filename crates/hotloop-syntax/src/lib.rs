//! The language's text: from characters to a tree and back. Knows no types and no meaning.

pub mod ast;
pub mod literal;
pub mod ops;
