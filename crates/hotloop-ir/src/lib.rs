//! The typed IR that serves every target: element types, core ops, the Program, its meaning and its rules.
//!
//! A [`Program`] has two levels. At the array level, [`Step`]s allocate arrays, run [`Nest`]s and branch and loop over
//! scalars held in slots. At the element level, each nest has a [`Lane`]: the code for one point of its domain, in
//! single assignment over scalar element types with structured control flow. `semantics` defines what every op and
//! every reduction means, down to the bit; `verify` lists what is true of every correct program; `build` makes lanes;
//! `text` prints a program and `read` reads it back.

pub mod build;
pub mod half;
mod hash;
mod matmul;
mod names;
pub mod notes;
pub mod ops;
pub mod program;
mod read;
pub mod semantics;
mod shape;
pub mod text;
pub mod types;
pub mod verify;

pub use hash::hash128;
pub use hotloop_source::Span;
pub use matmul::MatMul;
pub use notes::{Note, NoteKind};
pub use ops::{FoldOp, Op};
pub use program::*;
pub use read::{ReadError, read};
pub use types::{Class, Scalar, Type};
pub use verify::{VerifyError, verify};
