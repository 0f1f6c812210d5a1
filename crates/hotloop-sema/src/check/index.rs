//! Indexing: how many axes an index takes and leaves, and what its parts may be.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Index, Kind, Number};
use crate::promote::Ty;
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    pub(super) fn index_expr(&mut self, body: &mut Body, index: &'m ast::Index, span: Span) -> Option<Expr> {
        let base = self.expr(body, &index.base)?;
        if base.ty.rank == 0 {
            let newaxis = index.elements.iter().all(|element| element.kind == ast::IndexKind::NewAxis);
            if !newaxis {
                let message = format!("`{}` is a scalar and cannot be indexed", base.ty.describe());
                body.report(errors::plain(errors::BAD_INDEX, index.base.span, message, "index an array"));
                return None;
            }
        }
        let used = index.elements.iter().filter(|element| takes_axis(&element.kind)).count();
        let rank = base.ty.rank as usize;
        if used > rank {
            let message = format!("{used} indices for an array with {rank} axes");
            body.report(errors::plain(errors::BAD_INDEX, span, message, "give at most one index per axis"));
            return None;
        }
        let parts = self.parts(body, index, rank - used)?;
        let left = parts.iter().filter(|part| !matches!(part, Index::At(_))).count();
        if left > MAX_RANK {
            let message = format!("this has {left} axes, more than {MAX_RANK}");
            body.report(errors::plain(errors::TOO_LARGE, span, message, "use fewer axes"));
            return None;
        }
        let ty = Ty { elem: base.ty.elem, weak: false, rank: left as u32 };
        Some(Expr { kind: Kind::Index(Box::new(base), parts), ty, span })
    }

    /// The parts, with the ellipsis (or the missing end) written out as whole slices.
    fn parts(&mut self, body: &mut Body, index: &'m ast::Index, open: usize) -> Option<Vec<Index>> {
        let whole = || Index::Slice { start: None, stop: None, step: 1 };
        let mut parts = Vec::new();
        let mut expanded = false;
        for element in &index.elements {
            match &element.kind {
                ast::IndexKind::Ellipsis if expanded => {
                    let message = "an index takes one `...`".into();
                    body.report(errors::plain(errors::BAD_INDEX, element.span, message, "write `:` for the others"));
                    return None;
                }
                ast::IndexKind::Ellipsis => {
                    expanded = true;
                    parts.extend((0..open).map(|_| whole()));
                }
                kind => parts.push(self.part(body, kind, element.span)?),
            }
        }
        if !expanded {
            parts.extend((0..open).map(|_| whole()));
        }
        Some(parts)
    }

    fn part(&mut self, body: &mut Body, kind: &'m ast::IndexKind, span: Span) -> Option<Index> {
        match kind {
            ast::IndexKind::At(at) => {
                let at = self.expr(body, at)?;
                if at.ty.rank > 0 {
                    let hint = "use a loop over the indices: `for i in prange(len(index)) { … }`";
                    let what = "indexing by an array is not available yet";
                    body.report(errors::unsupported(span, what, hint));
                    return None;
                }
                Some(Index::At(self.whole_number(body, at, "an index")?))
            }
            ast::IndexKind::Slice { start, stop, step } => {
                let start = self.bound(body, start)?;
                let stop = self.bound(body, stop)?;
                let step = match step {
                    Some(step) => self.slice_step(body, step)?,
                    None => 1,
                };
                Some(Index::Slice { start, stop, step })
            }
            ast::IndexKind::NewAxis => Some(Index::NewAxis),
            ast::IndexKind::Offset(_) => {
                let hint = "write it with slices: `a[:-2] + a[2:]`";
                body.report(errors::unsupported(span, "relative offsets belong into `@stencil` functions", hint));
                None
            }
            ast::IndexKind::Ellipsis => None,
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

    fn slice_step(&mut self, body: &mut Body, step: &'m ast::Expr) -> Option<i64> {
        let value = self.expr(body, step)?;
        match value.kind {
            Kind::Number(Number::Int(step)) if step != 0 && i64::try_from(step).is_ok_and(|step| step != i64::MIN) => {
                Some(step as i64)
            }
            Kind::Number(Number::Int(0)) => {
                let message = "a slice cannot have step 0".into();
                body.report(errors::plain(errors::BAD_INDEX, step.span, message, "use a step of at least 1, or -1"));
                None
            }
            _ => {
                let message = "a slice's step must be a literal whole number".into();
                body.report(errors::plain(errors::BAD_INDEX, step.span, message, "use a loop for other steps"));
                None
            }
        }
    }
}

/// Most axes an array can have.
pub(crate) const MAX_RANK: usize = 16;

fn takes_axis(kind: &ast::IndexKind) -> bool {
    match kind {
        ast::IndexKind::At(_) | ast::IndexKind::Slice { .. } | ast::IndexKind::Offset(_) => true,
        ast::IndexKind::NewAxis | ast::IndexKind::Ellipsis => false,
    }
}
