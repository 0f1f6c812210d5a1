//! Reductions: their argument's type, their axes and `keepdims`.

use super::{Body, Checker};
use crate::builtins::Builtin;
use crate::errors;
use crate::hir::{Expr, Kind, Number, Reduction};
use crate::promote::{Ty, accumulator};
use hotloop_ir::{FoldOp, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

/// The keywords of every reduction.
const KEYWORDS: &[&str] = &["axis", "keepdims"];

impl<'m> Checker<'m> {
    pub(super) fn reduction(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        mut args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        if args.len() != 1 {
            let diag = errors::argument_count(span, name, "1 array", args.len());
            let hint = format!("axes are keyword arguments: `{name}(x, axis=0)`");
            body.report(if args.len() == 2 { diag.hint(hint) } else { diag });
            return None;
        }
        let arg = args.remove(0);
        let (arg, op) = self.reduced(body, name, builtin, arg, span)?;
        let mut axes: Vec<u32> = (0..arg.ty.rank).collect();
        let mut keepdims = false;
        for keyword in named {
            match &*keyword.name.text {
                "axis" => axes = self.axes(body, &keyword.value, arg.ty.rank)?,
                "keepdims" => keepdims = self.flag(body, &keyword.value)?,
                other => {
                    body.report(errors::unknown_keyword(keyword.name.span, name, other, KEYWORDS));
                    return None;
                }
            }
        }
        let rank = if keepdims { arg.ty.rank } else { arg.ty.rank - axes.len() as u32 };
        let ty = Ty { elem: arg.ty.elem, weak: arg.ty.weak, rank };
        Some(Expr { kind: Kind::Reduce { op, arg: Box::new(arg), axes, keepdims }, ty, span })
    }

    /// The argument in the accumulator's type.
    fn reduced(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        arg: Expr,
        span: Span,
    ) -> Option<(Expr, Reduction)> {
        let arg = self.settle_number(body, arg)?;
        let (fold, to) = match builtin {
            Builtin::Mean => (None, if arg.ty.elem.is_float() { arg.ty.elem } else { Type::F64 }),
            Builtin::Logical(fold) => {
                if arg.ty.elem != Type::Bool {
                    let diag = errors::wrong_class(span, name, arg.ty, "bools");
                    body.report(diag.hint(format!("compare first: `{name}(x != 0)`")));
                    return None;
                }
                (Some(fold), Type::Bool)
            }
            Builtin::Extreme(fold) => {
                let arg_ty = arg.ty;
                if !arg_ty.elem.is_numeric() {
                    let diag = errors::wrong_class(span, name, arg_ty, "numbers");
                    body.report(diag.hint("write `any(…)` or `all(…)` for bools"));
                    return None;
                }
                (Some(fold), arg_ty.elem)
            }
            Builtin::Accumulate(FoldOp::Prod) if arg.ty.elem == Type::Bool => {
                body.report(errors::wrong_class(span, name, arg.ty, "numbers").hint("write `all(…)` for bools"));
                return None;
            }
            Builtin::Accumulate(fold) => (Some(fold), accumulator(arg.ty.elem)),
            _ => return None,
        };
        let weak = arg.ty.weak;
        let arg = match arg.ty.elem == to {
            true => arg,
            false => {
                let (rank, span) = (arg.ty.rank, arg.span);
                Expr { kind: Kind::Convert(Box::new(arg)), ty: Ty { elem: to, weak, rank }, span }
            }
        };
        Some((arg, fold.map_or(Reduction::Mean, Reduction::Fold)))
    }

    /// One axis or a tuple of them, ascending and without repetition.
    fn axes(&mut self, body: &mut Body, expr: &'m ast::Expr, rank: u32) -> Option<Vec<u32>> {
        let list: Vec<&ast::Expr> = match &expr.kind {
            ast::ExprKind::Tuple(list) | ast::ExprKind::List(list) => list.iter().collect(),
            _ => vec![expr],
        };
        let mut axes = Vec::new();
        for item in list {
            let value = self.expr(body, item)?;
            let axis = self.axis(body, &value, rank)?;
            if axes.contains(&axis) {
                let message = format!("axis {axis} is named twice");
                body.report(errors::plain(errors::BAD_AXIS, item.span, message, "name each axis once"));
                return None;
            }
            axes.push(axis);
        }
        axes.sort_unstable();
        Some(axes)
    }

    /// A literal axis; negative ones count from the end.
    pub(super) fn axis(&mut self, body: &mut Body, value: &Expr, rank: u32) -> Option<u32> {
        let Kind::Number(Number::Int(axis)) = value.kind else {
            let message = "an axis must be a literal whole number".into();
            body.report(errors::plain(errors::BAD_AXIS, value.span, message, "write a number such as `axis=0`"));
            return None;
        };
        let rank = i128::from(rank);
        if axis < -rank || axis >= rank {
            let message = format!("axis {axis} does not exist: the array has {rank} axes");
            let hint = match rank {
                0 => "a scalar has no axes; leave the axis out".to_string(),
                _ => format!("axes run from 0 to {}, or from -{rank} to -1", rank - 1),
            };
            body.report(errors::plain(errors::BAD_AXIS, value.span, message, &hint));
            return None;
        }
        Some(axis.rem_euclid(rank) as u32)
    }

    /// A literal `true` or `false`.
    fn flag(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<bool> {
        let value = self.expr(body, expr)?;
        match value.kind {
            Kind::Const(scalar) if scalar.ty == Type::Bool => Some(scalar.is_true()),
            _ => {
                let message = "this must be `true` or `false`, as a literal".into();
                body.report(errors::plain(errors::BAD_ARGUMENTS, expr.span, message, "write `keepdims=true`"));
                None
            }
        }
    }
}
