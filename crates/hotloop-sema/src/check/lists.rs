//! Lists: arrays written out element by element, `[a, b, c]`, and rows of them.
//!
//! A list of bare numbers is weak as its elements are, so that `x * [0.25, 0.5, 0.25]` keeps the type of `x`. Lists of
//! arrays are those arrays along a new first axis.

use super::arranging::{concat, with_new_axis};
use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Kind};
use crate::promote::Ty;
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    /// `[a, b, …]`
    pub(super) fn list(&mut self, body: &mut Body, items: &'m [ast::Expr], span: Span) -> Option<Expr> {
        if items.is_empty() {
            let hint = "write `zeros(0)`, or `zeros(0, dtype=f32)` for another type";
            body.report(errors::mismatch(span, "a list without elements has no element type".into(), hint));
            return None;
        }
        let values: Vec<Option<Expr>> = items.iter().map(|item| self.expr(body, item)).collect();
        let values = values.into_iter().collect::<Option<Vec<Expr>>>()?;
        let rank = values[0].ty.rank;
        if let Some(other) = values.iter().find(|value| value.ty.rank != rank) {
            let message = format!("the first element is {}, this one {}", kind(rank), kind(other.ty.rank));
            body.report(errors::mismatch(other.span, message, "give elements with the same number of axes"));
            return None;
        }
        let values = self.unify(body, values, "[…]", span)?;
        match rank {
            0 => Some(listed(vec![values.len()], values, span)),
            _ => self.rows(body, values, span),
        }
    }

    /// Lists in a list: one with another axis if all are written out, else arrays along a new axis.
    fn rows(&mut self, body: &mut Body, values: Vec<Expr>, span: Span) -> Option<Expr> {
        let shape = |value: &Expr| match &value.kind {
            Kind::List(_, shape) => Some(shape.clone()),
            _ => None,
        };
        let Some(first) = shape(&values[0]).filter(|_| values.iter().all(|value| shape(value).is_some())) else {
            let parts = values.into_iter().map(|value| with_new_axis(value, 0, span)).collect();
            return Some(concat(parts, 0, span));
        };
        if let Some(other) = values.iter().find(|value| shape(value).as_ref() != Some(&first)) {
            let count = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" by ");
            let (wanted, found) = (count(&first), shape(other).map_or(String::new(), |shape| count(&shape)));
            let message = format!("the first row has {wanted} elements, this one {found}");
            body.report(errors::mismatch(other.span, message, "arrays have equal rows"));
            return None;
        }
        let whole = std::iter::once(values.len()).chain(first).collect();
        let elements = values.into_iter().flat_map(|value| match value.kind {
            Kind::List(items, _) => items,
            _ => Vec::new(),
        });
        Some(listed(whole, elements.collect(), span))
    }

    /// A list whose elements have been brought to a type.
    pub(super) fn coerce_items(
        &mut self,
        body: &mut Body,
        items: Vec<Expr>,
        shape: Vec<usize>,
        ty: Ty,
        span: Span,
    ) -> Option<Expr> {
        let items =
            items.into_iter().map(|item| self.coerce(body, item, ty.with_rank(0))).collect::<Option<Vec<_>>>()?;
        let rank = shape.len() as u32;
        Some(Expr { kind: Kind::List(items, shape), ty: ty.with_rank(rank), span })
    }
}

/// What a value with so many axes is called.
fn kind(rank: u32) -> String {
    match rank {
        0 => "a scalar".into(),
        1 => "an array with 1 axis".into(),
        _ => format!("an array with {rank} axes"),
    }
}

/// Scalars of one type as an array.
fn listed(shape: Vec<usize>, items: Vec<Expr>, span: Span) -> Expr {
    let ty = items[0].ty.with_rank(shape.len() as u32);
    Expr { kind: Kind::List(items, shape), ty, span }
}
