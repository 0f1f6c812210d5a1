//! `Limits`: how much text, how many parts and how deep a tree the parser takes.
//!
//! Text from strangers is read under these limits, so that no text can exhaust memory or the stack, here or in any
//! later phase that walks the tree by recursion.

/// The limits of one parse. Exceeding one is a diagnostic and ends the parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text; never more than `u32::MAX / 2`, whatever stands here.
    pub text_bytes: usize,
    /// Tokens, line breaks included.
    pub tokens: usize,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Constructs open at one time: brackets, blocks, operators waiting for their right side.
    pub depth: usize,
    /// Nodes from the root of an item to its deepest leaf; a sum of `n` terms is `n` high.
    pub height: usize,
    /// Diagnostics reported before the parser gives up.
    pub errors: usize,
}

impl Limits {
    /// The limits for text from anyone.
    pub const DEFAULT: Limits =
        Limits { text_bytes: 1 << 20, tokens: 200_000, nodes: 200_000, depth: 128, height: 500, errors: 100 };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
