//! The matrix product: `@` and `dot`.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Kind};
use crate::promote::{Ty, accumulator};
use hotloop_ir::{Op, Type};
use hotloop_source::Span;

impl<'m> Checker<'m> {
    /// `a @ b` on checked operands: vectors, matrices, and stacks of matrices that broadcast.
    pub(super) fn matmul(
        &mut self,
        body: &mut Body,
        op_span: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        if left.ty.rank == 0 || right.ty.rank == 0 {
            let message = format!(
                "`@` needs two arrays, not `{}` and `{}`",
                left.written().describe(),
                right.written().describe()
            );
            body.report(errors::plain(errors::BAD_OPERANDS, op_span, message, "write `*` to multiply by a number"));
            return None;
        }
        for side in [&left, &right] {
            if side.ty.elem == Type::Bool {
                let diag = errors::wrong_class(side.span, "@", side.written(), "numbers");
                body.report(diag.hint("convert the bools first, for example `i64(…)`"));
                return None;
            }
        }
        let [left, right] = self.pair(body, "@", op_span, left, right)?;
        if [&left, &right].iter().any(|side| side.ty.elem.is_complex()) {
            return self.complex_matmul(body, left, right, span);
        }
        let checked = body.checked && left.ty.elem.is_int();
        Some(product(left, right, checked, span))
    }

    /// `dot(a, b)`: with a scalar a product, else `@` for what has at most two axes.
    pub(super) fn dot(&mut self, body: &mut Body, mut args: Vec<Expr>, span: Span) -> Option<Expr> {
        let (right, left) = (args.pop()?, args.pop()?);
        let ranks = [left.ty.rank, right.ty.rank];
        if ranks.contains(&0) {
            let [left, right] = self.pair(body, "dot", span, left, right)?;
            if left.ty.elem == Type::Bool {
                body.report(errors::wrong_class(span, "dot", left.written(), "numbers"));
                return None;
            }
            return Some(body.guarded(Expr::op(Op::Mul, vec![left, right], span)));
        }
        if ranks.iter().any(|rank| *rank > 2) {
            let hint = "write `a @ b`, which multiplies the matrices of the last two axes";
            body.report(errors::unsupported(span, "`dot` of arrays with more than two axes", hint));
            return None;
        }
        self.matmul(body, span, left, right, span)
    }
}

/// Whole numbers are multiplied and added in 64 bits, as in `sum`.
fn widened(value: Expr, to: Type) -> Expr {
    if value.ty.elem == to {
        return value;
    }
    let (span, rank) = (value.span, value.ty.rank);
    Expr { kind: Kind::Convert(Box::new(value)), ty: Ty::array(to, rank), span }
}

/// The matrix product of operands of one type.
pub(super) fn product(left: Expr, right: Expr, checked: bool, span: Span) -> Expr {
    let to = accumulator(left.ty.elem);
    let (left, right) = (widened(left, to), widened(right, to));
    let rank = match (left.ty.rank, right.ty.rank) {
        (1, 1) => 0,
        (1, rank) | (rank, 1) => rank - 1,
        (a, b) => a.max(b),
    };
    let kind = Kind::MatMul(Box::new(left), Box::new(right), checked);
    Expr { kind, ty: Ty { elem: to, weak: false, rank }, span }
}
