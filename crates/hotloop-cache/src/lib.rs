//! Where compiled kernels are kept under their signatures. Knows nothing of text, of types, or of how they are made.

mod memory;

pub use memory::{Counters, Limits, Memory};
