//! How values of the IR lie in registers: one scalar register for a value all lanes share, a bundle of 128-bit vector
//! registers for one that differs from lane to lane.
//!
//! A bundle of `lanes` elements of `size` bytes takes `lanes * size / 16` registers, at least one; of a register only
//! partly used, the upper lanes hold anything. A bool that differs is a mask: integers of some size (its class) that
//! are all ones or all zeros.

use cranelift_codegen::ir::{self as clif, types};
use hotloop_ir::Type;

/// Bytes of a vector register.
pub(crate) const VECTOR: usize = 16;
/// The most lanes of a nest.
pub(crate) const MAX_LANES: usize = 32;
const MAX_REGS: usize = MAX_LANES * 8 / VECTOR;

/// An element type in a scalar register or in all lanes of a vector register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) ty: Type,
    pub(crate) vector: bool,
}

impl Form {
    /// One value.
    pub(crate) const fn scalar(ty: Type) -> Form {
        Form { ty, vector: false }
    }

    /// A vector register full of values.
    pub(crate) const fn vector(ty: Type) -> Form {
        Form { ty, vector: true }
    }

    /// Cranelift's type.
    pub(crate) fn clif(self) -> clif::Type {
        if self.vector { vector_type(self.ty) } else { scalar_type(self.ty) }
    }

    /// The integers of the same size and number.
    pub(crate) fn ints(self) -> clif::Type {
        if self.vector { int_vector(self.ty.bytes()) } else { int_type(self.ty.bytes()) }
    }
}

/// Cranelift's type for one value.
pub(crate) fn scalar_type(ty: Type) -> clif::Type {
    match ty {
        Type::Bool | Type::I8 | Type::U8 => types::I8,
        Type::I16 | Type::U16 | Type::F16 | Type::BF16 => types::I16,
        Type::I32 | Type::U32 => types::I32,
        Type::I64 | Type::U64 => types::I64,
        Type::F32 => types::F32,
        Type::F64 => types::F64,
        Type::C64 | Type::C128 => unreachable!("programs have no complex types"),
    }
}

/// Cranelift's type for a vector register full of values.
pub(crate) fn vector_type(ty: Type) -> clif::Type {
    match ty {
        Type::F32 => types::F32X4,
        Type::F64 => types::F64X2,
        Type::Bool | Type::I8 | Type::U8 | Type::I16 | Type::U16 | Type::I32 | Type::U32 | Type::I64 | Type::U64 => {
            int_vector(ty.bytes())
        }
        Type::F16 | Type::BF16 => int_vector(ty.bytes()),
        Type::C64 | Type::C128 => unreachable!("programs have no complex types"),
    }
}

/// One integer of this many bytes.
pub(crate) fn int_type(bytes: usize) -> clif::Type {
    match bytes {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}

/// A vector register full of integers of this many bytes.
pub(crate) fn int_vector(bytes: usize) -> clif::Type {
    match bytes {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}

/// The signed integer type of this many bytes.
pub(crate) fn signed_type(bytes: usize) -> Type {
    match bytes {
        1 => Type::I8,
        2 => Type::I16,
        4 => Type::I32,
        _ => Type::I64,
    }
}

/// Registers that a bundle of elements of this many bytes takes.
pub(crate) const fn regs_for(lanes: usize, bytes: usize) -> usize {
    let regs = lanes * bytes / VECTOR;
    if regs == 0 { 1 } else { regs }
}

/// The registers of a bundle, lowest lanes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regs {
    len: u8,
    regs: [clif::Value; MAX_REGS],
}

impl Regs {
    /// So many registers, each made by `make`.
    pub(crate) fn make(len: usize, mut make: impl FnMut(usize) -> clif::Value) -> Regs {
        let mut regs = [clif::Value::from_u32(0); MAX_REGS];
        for (index, reg) in regs.iter_mut().enumerate().take(len) {
            *reg = make(index);
        }
        Regs { len: len as u8, regs }
    }

    /// The same register so many times.
    pub(crate) fn same(len: usize, reg: clif::Value) -> Regs {
        Regs { len: len as u8, regs: [reg; MAX_REGS] }
    }
}

impl std::ops::Deref for Regs {
    type Target = [clif::Value];

    fn deref(&self) -> &[clif::Value] {
        &self.regs[..self.len as usize]
    }
}

/// A truth value per lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    /// Bytes of the integers.
    pub(crate) class: usize,
    /// All ones where true, zeros elsewhere.
    pub(crate) regs: Regs,
}

/// A value of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Val {
    /// The same in every lane, in a scalar register.
    Uniform(clif::Value),
    /// A number per lane.
    Varying(Regs),
    /// A truth value per lane.
    Mask(Mask),
}
