//! Matrix products as a host sees them: the addresses and strides that a frame gives for the views of one.
//!
//! Every host resolves products here, so that all of them mean the same; how one is computed is the host's choice.

use crate::frame::FrameLayout;
use hotloop_ir::{Extent, MatMul, View};

/// A matrix product with its numbers filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The extents: axes that count matrices, then rows, columns, and the summed axis.
    pub extents: Vec<i64>,
    /// The result.
    pub c: Operand,
    /// The left operand.
    pub a: Operand,
    /// The right operand.
    pub b: Operand,
}

/// Where the elements of one operand are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The address of the element at point 0.
    pub base: u64,
    /// Bytes from one point to the next along each axis of the product; 0 along axes it does not use.
    pub strides: Vec<i64>,
}

impl Operand {
    /// The address of the element at a point.
    pub fn at(&self, point: &[i64]) -> u64 {
        let offsets = self.strides.iter().zip(point).map(|(stride, coord)| stride.wrapping_mul(*coord));
        offsets.fold(self.base, u64::wrapping_add_signed)
    }
}

impl Resolved {
    /// The product over the arrays of a frame, whose words `word` reads.
    pub fn of(product: &MatMul, layout: &FrameLayout, word: impl Fn(usize) -> u64) -> Resolved {
        let number = |extent: Extent| match extent {
            Extent::Const(value) => value,
            Extent::Slot(slot) => word(layout.slot(slot)) as i64,
        };
        let axes = product.axes.len();
        let operand = |view: &View| {
            let mut operand = Operand { base: word(layout.base(view.array)), strides: vec![0; axes] };
            for (d, dim) in view.dims.iter().enumerate() {
                let stride = word(layout.stride(view.array, d)) as i64;
                let offset = number(dim.start).wrapping_mul(stride);
                operand.base = operand.base.wrapping_add_signed(offset);
                if let Some(axis) = dim.axis {
                    let by = number(dim.step).wrapping_mul(stride);
                    let sum = &mut operand.strides[axis as usize];
                    *sum = sum.wrapping_add(by);
                }
            }
            operand
        };
        let [c, a, b] = product.views().map(operand);
        Resolved { extents: product.axes.iter().map(|axis| number(*axis)).collect(), c, a, b }
    }
}
