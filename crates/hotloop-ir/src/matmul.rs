//! Matrix products: the one piece of work that a library does instead of a nest.
//!
//! Data and the rules of the verifier. What is computed is `c[…] = Σ a[…] * b[…]` over the last axis; in which order is
//! the host's business, the same for every target.

use crate::program::{Extent, Program, SlotId, View};
use hotloop_source::Span;

/// A matrix product over a domain of axes: any number that count matrices, then rows, columns and the summed axis.
///
/// `c` does not use the summed axis, `a` not the columns, `b` not the rows; each may leave out axes that count matrices.
/// Views promise what those of nests do.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct MatMul {
    /// The extents; at least three.
    pub axes: Vec<Extent>,
    /// Where the result goes.
    pub c: View,
    /// The left operand.
    pub a: View,
    /// The right operand.
    pub b: View,
    /// Where it comes from in the source.
    pub span: Span,
}

impl MatMul {
    /// The axis of the rows; columns and the summed axis follow it.
    pub fn rows(&self) -> u32 {
        self.axes.len().saturating_sub(3) as u32
    }

    /// The result and the operands.
    pub fn views(&self) -> [&View; 3] {
        [&self.c, &self.a, &self.b]
    }

    /// Every slot that is read.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> {
        let dims = self.views().into_iter().flat_map(|view| &view.dims);
        let extents = self.axes.iter().copied().chain(dims.flat_map(|dim| [dim.start, dim.step]));
        extents.filter_map(|extent| match extent {
            Extent::Const(_) => None,
            Extent::Slot(slot) => Some(slot),
        })
    }
}

impl Program {
    /// The matrix product behind a handle.
    pub fn product(&self, id: crate::program::ProductId) -> &MatMul {
        &self.products[id.index()]
    }
}
