//! Argument types: from arguments, in words, and as bytes of a signature.
//!
//! What they mean for a kernel is the front end's business.

use crate::arg::{Arg, Seen};
use crate::error::{ArgumentError, layout_words};
use crate::view::{Parts, ones};
use hotloop_ir::{Layout, Type};
use hotloop_sema::ArgType;
use smallvec::SmallVec;

/// Bytes of a signature under construction; most fit without an allocation.
pub(crate) type Detail = SmallVec<[u8; 256]>;

/// The type a kernel is specialized to for this argument.
pub fn arg_type(arg: &Arg<'_>) -> ArgType {
    match arg.seen() {
        Seen::Scalar(scalar) => ArgType::Scalar(scalar.ty),
        Seen::Weak(scalar) => ArgType::Weak(scalar.ty),
        Seen::Array(parts) | Seen::ArrayMut(parts) => array_type(parts),
        Seen::Device(array, _) => {
            let (ty, shape) = (array.ty(), array.shape());
            ArgType::Array { ty, rank: shape.len() as u32, ones: ones(shape), layout: Layout::Dense }
        }
    }
}

fn array_type(parts: &Parts) -> ArgType {
    ArgType::Array { ty: parts.ty, rank: parts.shape.len() as u32, ones: parts.ones(), layout: parts.layout() }
}

/// The type of a dense array of which no axis is known to have one point: the usual argument, for preparing a kernel
/// without an example.
pub fn array_of(ty: Type, rank: usize) -> Result<ArgType, ArgumentError> {
    match rank {
        0 => Ok(ArgType::Scalar(ty)),
        1..=crate::MAX_RANK => Ok(ArgType::Array { ty, rank: rank as u32, ones: 0, layout: Layout::Dense }),
        found => Err(ArgumentError::Rank { found }),
    }
}

/// Adds a type to a signature; no two types give the same bytes.
pub(crate) fn sign(ty: &ArgType, detail: &mut Detail) {
    match ty {
        ArgType::Scalar(ty) => detail.extend_from_slice(&[0, *ty as u8]),
        ArgType::Weak(ty) => detail.extend_from_slice(&[1, *ty as u8]),
        ArgType::Array { ty, rank, ones, layout } => {
            let layout = match layout {
                Layout::Dense => 0,
                Layout::UnitInner => 1,
                Layout::Strided => 2,
            };
            detail.extend_from_slice(&[2, *ty as u8, *rank as u8, layout]);
            detail.extend_from_slice(&ones.to_le_bytes());
        }
    }
}

/// Adds bytes of any length to a signature.
pub(crate) fn sign_bytes(bytes: &[u8], detail: &mut Detail) {
    detail.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    detail.extend_from_slice(bytes);
}

/// Whether one handle can serve both, with another specialization at most: the same element type and rank.
pub(crate) fn is_alike(one: &ArgType, other: &ArgType) -> bool {
    element_and_rank(one) == element_and_rank(other)
}

fn element_and_rank(ty: &ArgType) -> (Type, u32) {
    match ty {
        ArgType::Scalar(ty) | ArgType::Weak(ty) => (*ty, 0),
        ArgType::Array { ty, rank, .. } => (*ty, *rank),
    }
}

/// A type in words, for messages.
pub(crate) fn words(ty: &ArgType) -> String {
    match ty {
        ArgType::Scalar(ty) => format!("a scalar of type `{ty}`"),
        ArgType::Weak(ty) => format!("a number held as `{ty}`"),
        ArgType::Array { ty, rank, layout, .. } => {
            let axes = vec![":"; *rank as usize].join(", ");
            format!("`{ty}[{axes}]`, {}", layout_words(*layout))
        }
    }
}
