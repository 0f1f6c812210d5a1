//! Indexing: how many axes an index takes and leaves, and what its parts may be.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Index, Kind, Number, Stride};
use crate::promote::Ty;
use hotloop_ir::Type;
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    pub(super) fn index_expr(&mut self, body: &mut Body, index: &'m ast::Index, span: Span) -> Option<Expr> {
        if let Some(tap) = self.tap(body, index, span) {
            return tap;
        }
        let base = self.expr(body, &index.base)?;
        if base.ty.rank == 0 {
            let newaxis = index.elements.iter().all(|element| element.kind == ast::IndexKind::NewAxis);
            if !newaxis {
                let message = format!("`{}` is a scalar and cannot be indexed", base.ty.describe());
                body.report(errors::plain(errors::BAD_INDEX, index.base.span, message, "index an array"));
                return None;
            }
        }
        let given = index.elements.iter().map(|element| self.part(body, &element.kind, element.span));
        let given: Vec<Option<Index>> = given.collect::<Option<_>>()?;
        let used: u32 = given.iter().flatten().map(axes_taken).sum();
        if used > base.ty.rank {
            let message = format!("{used} indices for an array with {} axes", base.ty.rank);
            body.report(errors::plain(errors::BAD_INDEX, span, message, "give at most one index per axis"));
            return None;
        }
        let mut parts = self.parts(body, index, given, base.ty.rank - used)?;
        let (mut base, mut bound) = (base, Vec::new());
        if super::masked::has_partial_mask(&parts, base.ty.rank) {
            base = self.share(body, base, &mut bound);
            parts = self.masks_as_places(&base, parts);
        }
        let left = rank_left(&parts, base.ty.rank);
        if left as usize > MAX_RANK {
            let message = format!("this has {left} axes, more than {MAX_RANK}");
            body.report(errors::plain(errors::TOO_LARGE, span, message, "use fewer axes"));
            return None;
        }
        let ty = Ty { elem: base.ty.elem, weak: false, rank: left };
        let value = Expr { kind: Kind::Index(Box::new(base), parts), ty, span };
        Some(if bound.is_empty() { value } else { super::expr::bind(bound, value) })
    }

    /// The parts, with the ellipsis (or the missing end) written out as whole slices.
    fn parts(
        &mut self,
        body: &mut Body,
        index: &'m ast::Index,
        given: Vec<Option<Index>>,
        open: u32,
    ) -> Option<Vec<Index>> {
        let mut parts = Vec::new();
        let mut expanded = false;
        for (element, part) in index.elements.iter().zip(given) {
            match part {
                Some(part) => parts.push(part),
                None if expanded => {
                    let message = "an index takes one `...`".into();
                    body.report(errors::plain(errors::BAD_INDEX, element.span, message, "write `:` for the others"));
                    return None;
                }
                None => {
                    expanded = true;
                    parts.extend((0..open).map(|_| Index::whole()));
                }
            }
        }
        if !expanded {
            parts.extend((0..open).map(|_| Index::whole()));
        }
        Some(parts)
    }

    /// One part; the ellipsis is none. The outer option is for errors.
    #[expect(clippy::option_option, reason = "the ellipsis and an error are two things")]
    fn part(&mut self, body: &mut Body, kind: &'m ast::IndexKind, span: Span) -> Option<Option<Index>> {
        let part = match kind {
            ast::IndexKind::At(at) => {
                let at = self.expr(body, at)?;
                self.index_by(body, at)?
            }
            ast::IndexKind::Slice { start, stop, step } => {
                let start = self.bound(body, start)?;
                let stop = self.bound(body, stop)?;
                let step = match step {
                    Some(step) => self.slice_step(body, step)?,
                    None => Stride::Known(1),
                };
                Index::Slice { start, stop, step }
            }
            ast::IndexKind::NewAxis => Index::NewAxis,
            ast::IndexKind::Offset(_) => {
                let hint = "mark the function `@stencil` and index its parameters, or use slices: `a[:-2] + a[2:]`";
                body.report(errors::unsupported(span, "relative offsets belong into `@stencil` functions", hint));
                return None;
            }
            ast::IndexKind::Ellipsis => return Some(None),
        };
        Some(Some(part))
    }

    /// An index by a value: a number, an array of numbers, or a mask.
    pub(super) fn index_by(&mut self, body: &mut Body, at: Expr) -> Option<Index> {
        match (at.ty.rank, at.ty.elem) {
            (0, _) => Some(Index::At(self.whole_number(body, at, "an index")?)),
            (_, Type::Bool) => Some(Index::Mask(at)),
            (_, elem) if elem.is_int() => Some(Index::Array(self.coerce(body, at, Ty::scalar(Type::I64))?)),
            _ => {
                let message =
                    format!("indices must be whole numbers or bools, these are `{}`", at.written().describe());
                body.report(errors::mismatch(at.span, message, "cast them: `i64(…)`"));
                None
            }
        }
    }

    /// A bound that is absent or an `i64`. The outer option is for errors.
    #[expect(clippy::option_option, reason = "absent and in error are two things")]
    fn bound(&mut self, body: &mut Body, bound: &'m Option<Box<ast::Expr>>) -> Option<Option<Expr>> {
        match bound {
            None => Some(None),
            Some(bound) => {
                let value = self.expr(body, bound)?;
                Some(Some(self.whole_number(body, value, "a slice bound")?))
            }
        }
    }

    fn slice_step(&mut self, body: &mut Body, step: &'m ast::Expr) -> Option<Stride> {
        let value = self.expr(body, step)?;
        match value.kind {
            Kind::Number(Number::Int(0)) => {
                let message = "a slice cannot have step 0".into();
                body.report(errors::plain(errors::BAD_INDEX, step.span, message, "use a step of at least 1, or -1"));
                None
            }
            Kind::Number(Number::Int(known)) if known.unsigned_abs() < 1 << 63 => Some(Stride::Known(known as i64)),
            _ => Some(Stride::Given(self.whole_number(body, value, "a slice's step")?)),
        }
    }
}

/// Most axes an array can have.
pub(crate) const MAX_RANK: usize = 16;

/// The number of axes that indexing leaves.
pub(crate) fn rank_left(parts: &[Index], rank: u32) -> u32 {
    let taken: u32 = parts.iter().map(axes_taken).sum();
    let kept = parts.iter().filter(|part| matches!(part, Index::Slice { .. } | Index::NewAxis)).count() as u32;
    let by_arrays = parts.iter().filter_map(|part| match part {
        Index::Array(indices) => Some(indices.ty.rank),
        Index::Mask(_) => Some(1),
        Index::At(_) | Index::Slice { .. } | Index::NewAxis => None,
    });
    kept + rank.saturating_sub(taken) + by_arrays.max().unwrap_or(0)
}

/// The number of the array's axes that a part takes up.
pub(super) fn axes_taken(part: &Index) -> u32 {
    match part {
        Index::At(_) | Index::Slice { .. } | Index::Array(_) => 1,
        Index::Mask(mask) => mask.ty.rank,
        Index::NewAxis => 0,
    }
}
