//! Masks with several axes that stand for some axes of an array, and `argwhere`: both become arrays of indices, one
//! for each axis of the mask.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Index, Kind};
use crate::promote::Ty;
use hotloop_ir::{Scalar, Type};
use hotloop_source::Span;

/// The index of each element along one axis, of an array of a given shape, where a mask of that shape is true.
fn places_along(like: Expr, axis: u32, mask: Expr, span: Span) -> Expr {
    let ty = Ty::array(Type::I64, like.ty.rank);
    let index = Expr { kind: Kind::Position(Box::new(like), vec![axis]), ty, span };
    let ty = Ty::array(Type::I64, 1);
    Expr { kind: Kind::Index(Box::new(index), vec![Index::Mask(mask)]), ty, span }
}

impl<'m> Checker<'m> {
    /// Replaces masks that stand for some of the axes by arrays of indices; `base` is a variable.
    pub(super) fn masks_as_places(&mut self, base: &Expr, parts: Vec<Index>) -> Vec<Index> {
        let mut replaced = Vec::new();
        let mut axis = 0;
        for part in parts {
            let taken = super::index::axes_taken(&part);
            match part {
                Index::Mask(mask) if mask.ty.rank > 1 => {
                    // An array of the shape that the mask must have, of which only the shape is used.
                    let extent = |axis| {
                        let kind = Kind::Extent(Box::new(base.clone()), axis);
                        Expr { kind, ty: Ty::scalar(Type::I64), span: base.span }
                    };
                    let shape: Vec<Expr> = (axis..axis + taken).map(extent).collect();
                    let zero = Expr::constant(Scalar::i64(0), mask.span);
                    let kind = Kind::Fill(Box::new(zero), shape);
                    let like = Expr { kind, ty: Ty::array(Type::I64, taken), span: mask.span };
                    let places = |along| Index::Array(places_along(like.clone(), along, mask.clone(), mask.span));
                    replaced.extend((0..taken).map(places));
                }
                Index::Mask(_) | Index::At(_) | Index::Slice { .. } | Index::Array(_) | Index::NewAxis => {
                    replaced.push(part);
                }
            }
            axis += taken;
        }
        replaced
    }

    /// The indices at which an array is not zero: a row for each of them, a column for each axis.
    pub(super) fn argwhere(&mut self, body: &mut Body, array: Expr, span: Span) -> Option<Expr> {
        let mask = self.make_bool(body, array)?;
        let mut bound = Vec::new();
        let mask = self.share(body, mask, &mut bound);
        let columns = (0..mask.ty.rank).map(|axis| {
            let places = places_along(mask.clone(), axis, mask.clone(), span);
            super::arranging::with_new_axis(places, 1, span)
        });
        let value = super::arranging::concat(columns.collect(), 1, span);
        Some(super::expr::bind(bound, value))
    }

    /// `nonzero` of several axes would be several arrays.
    pub(super) fn nonzero_of_rows(&self, body: &mut Body, array: &Expr, name: &str) {
        let diag = errors::wrong_class(array.span, name, array.written(), "an array with one axis");
        let hint = "write `argwhere(…)`, whose column `argwhere(…)[:, k]` has the indices along axis k";
        body.report(diag.hint(hint));
    }
}

/// Whether a mask stands for some axes of an array beside others.
pub(super) fn has_partial_mask(parts: &[Index], rank: u32) -> bool {
    let partial = |mask: &Expr| mask.ty.rank > 1 && !(parts.len() == 1 && mask.ty.rank == rank);
    parts.iter().any(|part| matches!(part, Index::Mask(mask) if partial(mask)))
}
