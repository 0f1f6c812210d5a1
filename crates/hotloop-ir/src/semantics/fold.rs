//! The fixed tree of every reduction. Its shape depends on the number of elements alone, never on vector width,
//! layout, schedule or threads, so that all CPU targets give the same bits.
//!
//! A fold combines the elements numbered `r = 0 .. n` in C order over the axes it combines over: all axes of the nest
//! if it goes to a slot, the `Reduce` axes if it goes to a view (then there is one fold per point of the other axes).
//!
//! 1. Block `b` holds the elements `b*FOLD_BLOCK <= r < (b+1)*FOLD_BLOCK`; the last one may be shorter.
//! 2. Inside a block there are `P = fold_partials(ty)` partial results (256 bytes). Partial `p` starts at `neutral(op,
//!    ty)` and takes the elements with `(r - b*FOLD_BLOCK) mod P == p` in ascending order:
//!    `part[p] = op(part[p], x)`.
//! 3. The partial results are halved: for `w = P/2, P/4 .. 1`: for `i in 0..w`: `part[i] = op(part[i], part[i+w])`. The
//!    result of the block is `part[0]`.
//! 4. The blocks are combined by a binary tree: for `stride = 1, 2, 4 ..` while `stride < blocks`: for `i = 0, 2*stride
//!    .. ` while `i + stride < blocks`: `res[i] = op(res[i], res[i+stride])`. The result is `res[0]`.
//! 5. Without elements the result is `empty(op, ty)`: as `neutral`, but a float sum is +0.
//!
//! Here `op` is `FoldOp::op`, and its left operand is always the one with the lower index. Combining with `neutral`
//! changes no bit (any NaN equals any NaN), so partial results that received nothing may be skipped.

use super::eval;
use crate::ops::FoldOp;
use crate::types::{Class, Scalar, Type};

/// Elements in one block.
pub const FOLD_BLOCK: usize = 4096;

/// The number of partial results inside a block.
pub const fn fold_partials(ty: Type) -> usize {
    256 / ty.bytes()
}

/// The value that changes nothing when combined.
pub fn neutral(op: FoldOp, ty: Type) -> Scalar {
    if ty.is_complex() {
        // Only sums and products of complex numbers are known to the language.
        let imag = if op == FoldOp::Prod { Scalar::new(ty.part(), 0) } else { neutral(op, ty.part()) };
        return Scalar::complex(ty, neutral(op, ty.part()).bits, imag.bits);
    }
    match op {
        FoldOp::Sum if ty == Type::F32 => Scalar::f32(-0.0),
        FoldOp::Sum if ty == Type::F64 => Scalar::f64(-0.0),
        FoldOp::Sum => Scalar::new(ty, 0),
        FoldOp::Prod if ty == Type::F32 => Scalar::f32(1.0),
        FoldOp::Prod if ty == Type::F64 => Scalar::f64(1.0),
        FoldOp::Prod => Scalar::new(ty, 1),
        FoldOp::Min => extreme(ty).1,
        FoldOp::Max => extreme(ty).0,
        FoldOp::All => Scalar::bool(true),
        FoldOp::Any => Scalar::bool(false),
    }
}

/// The result for no elements.
pub fn empty(op: FoldOp, ty: Type) -> Scalar {
    match op {
        FoldOp::Sum => Scalar::new(ty, 0),
        FoldOp::Prod | FoldOp::Min | FoldOp::Max | FoldOp::All | FoldOp::Any => neutral(op, ty),
    }
}

/// Two results as one; the first is that of the lower index.
pub fn combine(op: FoldOp, a: Scalar, b: Scalar) -> Scalar {
    eval(op.op(), &[a, b])
}

/// The smallest and the largest value of a type.
fn extreme(ty: Type) -> (Scalar, Scalar) {
    match (ty.class(), ty) {
        (Class::Float, Type::F32) => (Scalar::f32(f32::NEG_INFINITY), Scalar::f32(f32::INFINITY)),
        (Class::Float, _) => (Scalar::f64(f64::NEG_INFINITY), Scalar::f64(f64::INFINITY)),
        (Class::Signed, _) => (Scalar::new(ty, 1 << (ty.bits() - 1)), Scalar::new(ty, ty.mask() >> 1)),
        (Class::Unsigned, _) => (Scalar::new(ty, 0), Scalar::new(ty, ty.mask())),
        (Class::Half, _) => (Scalar::half(ty, f64::NEG_INFINITY), Scalar::half(ty, f64::INFINITY)),
        (Class::Bool, _) => (Scalar::bool(false), Scalar::bool(true)),
        (Class::Complex, _) => panic!("complex numbers have no order"),
    }
}

/// A reduction in progress. Elements are pushed in ascending order.
///
/// It keeps only the partial results that have received an element, so that many short reductions side by side stay
/// small.
#[derive(Clone, Debug)]
pub struct FoldState {
    op: FoldOp,
    ty: Type,
    partials: Vec<Scalar>,
    in_block: usize,
    blocks: Vec<Scalar>,
}

impl FoldState {
    /// A reduction that has received nothing.
    pub fn new(op: FoldOp, ty: Type) -> FoldState {
        FoldState { op, ty, partials: Vec::new(), in_block: 0, blocks: Vec::new() }
    }

    /// Takes the next element.
    pub fn push(&mut self, element: Scalar) {
        if self.in_block == FOLD_BLOCK {
            self.close_block();
        }
        let p = self.in_block % fold_partials(self.ty);
        if p == self.partials.len() {
            self.partials.push(neutral(self.op, self.ty));
        }
        self.partials[p] = combine(self.op, self.partials[p], element);
        self.in_block += 1;
    }

    /// The number of elements received.
    pub fn len(&self) -> usize {
        self.blocks.len() * FOLD_BLOCK + self.in_block
    }

    /// Whether nothing has been received.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The result.
    pub fn finish(mut self) -> Scalar {
        if self.in_block > 0 {
            self.close_block();
        }
        let blocks = self.blocks.len();
        let mut stride = 1;
        while stride < blocks {
            for i in (0..blocks - stride).step_by(2 * stride) {
                self.blocks[i] = combine(self.op, self.blocks[i], self.blocks[i + stride]);
            }
            stride *= 2;
        }
        self.blocks.first().copied().unwrap_or_else(|| empty(self.op, self.ty))
    }

    fn close_block(&mut self) {
        self.partials.resize(fold_partials(self.ty), neutral(self.op, self.ty));
        let mut width = self.partials.len() / 2;
        while width > 0 {
            for i in 0..width {
                self.partials[i] = combine(self.op, self.partials[i], self.partials[i + width]);
            }
            width /= 2;
        }
        self.blocks.push(self.partials[0]);
        self.partials.clear();
        self.in_block = 0;
    }
}
