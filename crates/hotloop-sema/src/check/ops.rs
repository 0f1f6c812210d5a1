//! Operators: which op each stands for on which types.

use super::expr::{bind, computed};
use super::{Body, Checker};
use crate::errors;
use crate::hir::{Expr, Kind, Number, VarId};
use crate::promote::{self, Ty};
use hotloop_ir::{Class, Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast::{self, BinaryOp, CompareOp, UnaryOp};

/// Largest constant exponent that is multiplied out for integers.
const MAX_EXPANDED: i128 = 64;

impl<'m> Checker<'m> {
    pub(super) fn unary(&mut self, body: &mut Body, op: UnaryOp, operand: &'m ast::Expr, span: Span) -> Option<Expr> {
        let value = computed(self.expr(body, operand)?);
        match op {
            UnaryOp::Neg => self.negate(body, value, span),
            UnaryOp::Plus => {
                if !value.ty.elem.is_number() {
                    body.report(errors::wrong_class(span, "+", value.written(), "a number"));
                    return None;
                }
                Some(value)
            }
            UnaryOp::BitNot if value.ty.elem.is_float() || value.ty.elem.is_complex() => {
                body.report(errors::wrong_class(span, "~", value.written(), "an integer or a bool"));
                None
            }
            UnaryOp::BitNot => self.op1(body, Op::Not, value, span),
            UnaryOp::Not if value.ty.elem != Type::Bool => {
                body.report(errors::not_a_condition(value.span, value.written()));
                None
            }
            UnaryOp::Not => Some(Expr::op(Op::Not, vec![value], span)),
        }
    }

    fn negate(&mut self, body: &mut Body, value: Expr, span: Span) -> Option<Expr> {
        match value.kind {
            Kind::Number(Number::Int(number)) => {
                Some(Expr { kind: Kind::Number(Number::Int(-number)), ty: value.ty, span })
            }
            Kind::Number(Number::Float { lit, negative }) => {
                Some(Expr { kind: Kind::Number(Number::Float { lit, negative: !negative }), ty: value.ty, span })
            }
            Kind::Number(Number::Imaginary { lit, negative }) => {
                Some(Expr { kind: Kind::Number(Number::Imaginary { lit, negative: !negative }), ty: value.ty, span })
            }
            _ if !value.ty.elem.is_number() => {
                body.report(errors::wrong_class(span, "-", value.written(), "a number"));
                None
            }
            _ => self.op1(body, Op::Neg, value, span),
        }
    }

    /// An op of one operand; a bare number is given its type first.
    pub(super) fn op1(&mut self, body: &mut Body, op: Op, value: Expr, span: Span) -> Option<Expr> {
        let value = self.settle_number(body, value)?;
        Some(body.guarded(Expr::op(op, vec![value], span)))
    }

    /// Gives a bare number its default type while keeping it weak, so that ops can be applied to it.
    pub(super) fn settle_number(&mut self, body: &mut Body, value: Expr) -> Option<Expr> {
        let Kind::Number(number) = &value.kind else {
            return Some(value);
        };
        match super::expr::literal(number, value.ty.elem) {
            Some(scalar) => Some(Expr { kind: Kind::Const(scalar), ty: value.ty, span: value.span }),
            None => {
                body.report(errors::literal_range(value.span, &number.text(), value.ty.elem.name()));
                None
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        body: &mut Body,
        op: BinaryOp,
        op_span: Span,
        left: &'m ast::Expr,
        right: &'m ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let left = self.expr(body, left);
        let right = self.expr(body, right);
        self.binary_of(body, op, op_span, left?, right?, span)
    }

    /// A binary operator on checked operands.
    pub(super) fn binary_of(
        &mut self,
        body: &mut Body,
        op: BinaryOp,
        op_span: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let (left, right) = (computed(left), computed(right));
        match op {
            BinaryOp::And => self.logic(body, Op::And, left, right, span),
            BinaryOp::Or => self.logic(body, Op::Or, left, right, span),
            BinaryOp::BitAnd => self.bitwise(body, Op::And, op, op_span, left, right, span),
            BinaryOp::BitOr => self.bitwise(body, Op::Or, op, op_span, left, right, span),
            BinaryOp::BitXor => self.bitwise(body, Op::Xor, op, op_span, left, right, span),
            BinaryOp::Shl => self.shift(body, Op::Shl, op, left, right, span),
            BinaryOp::Shr => self.shift(body, Op::Shr, op, left, right, span),
            BinaryOp::Add => self.arithmetic(body, Op::Add, op, op_span, left, right, span),
            BinaryOp::Sub => self.arithmetic(body, Op::Sub, op, op_span, left, right, span),
            BinaryOp::Mul => self.arithmetic(body, Op::Mul, op, op_span, left, right, span),
            BinaryOp::Div => self.divide(body, op_span, left, right, span),
            BinaryOp::FloorDiv => self.floor(body, Op::FloorDiv, "_float_floordiv", op, op_span, left, right, span),
            BinaryOp::Mod => self.floor(body, Op::FloorRem, "_float_rem", op, op_span, left, right, span),
            BinaryOp::Pow => self.power(body, op_span, left, right, span),
            BinaryOp::MatMul => self.matmul(body, op_span, left, right, span),
        }
    }

    /// Brings two operands to one element type and gives both a settled type. A real operand beside a complex one stays
    /// real, of the type of the parts.
    pub(super) fn pair(
        &mut self,
        body: &mut Body,
        op: &str,
        op_span: Span,
        left: Expr,
        right: Expr,
    ) -> Option<[Expr; 2]> {
        let values = match promote::join(left.ty, right.ty) {
            Ok(ty) if ty.elem.is_complex() => self.beside_complex(body, vec![left, right], ty)?,
            Ok(_) | Err(_) => self.unify(body, vec![left, right], op, op_span)?,
        };
        let mut values = values.into_iter();
        let (left, right) = (values.next()?, values.next()?);
        Some([self.settle_number(body, left)?, self.settle_number(body, right)?])
    }

    #[expect(clippy::too_many_arguments, reason = "an operator has its two operands and two places")]
    fn arithmetic(
        &mut self,
        body: &mut Body,
        op: Op,
        sign: BinaryOp,
        op_span: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let (a, b) = (left.written(), right.written());
        let pair = self.pair(body, sign.text(), op_span, left, right)?;
        if !pair[0].ty.elem.is_number() {
            body.report(errors::bool_with_number(op_span, sign.text(), a, b));
            return None;
        }
        Some(body.guarded(Expr::op(op, pair.into(), span)))
    }

    /// `/`: true division.
    fn divide(&mut self, body: &mut Body, op_span: Span, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let (a, b) = (left.written(), right.written());
        if promote::join(left.ty, right.ty).is_ok_and(|ty| ty.elem.is_complex()) {
            return self.complex_quotient(body, left, right, op_span, span);
        }
        let values = self.unify(body, vec![left, right], "/", op_span)?;
        if !values[0].ty.elem.is_numeric() {
            body.report(errors::bool_with_number(op_span, "/", a, b));
            return None;
        }
        let values = values.into_iter().map(|value| self.make_float(body, value)).collect::<Option<Vec<_>>>()?;
        Some(Expr::op(Op::Div, values, span))
    }

    /// An integer becomes an `f64`; a weak one a weak float.
    pub(super) fn make_float(&mut self, body: &mut Body, value: Expr) -> Option<Expr> {
        if value.ty.elem.is_float() {
            return self.settle_number(body, value);
        }
        if let Kind::Number(number) = &value.kind {
            let scalar = super::expr::literal(number, Type::F64)?;
            return Some(Expr { kind: Kind::Const(scalar), ty: Ty::weak(Type::F64), span: value.span });
        }
        let (span, weak, rank) = (value.span, value.ty.weak, value.ty.rank);
        Some(Expr { kind: Kind::Convert(Box::new(value)), ty: Ty { elem: Type::F64, weak, rank }, span })
    }

    #[expect(clippy::too_many_arguments, reason = "an operator has its two operands and two places")]
    fn floor(
        &mut self,
        body: &mut Body,
        op: Op,
        float: &str,
        sign: BinaryOp,
        op_span: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let (a, b) = (left.written(), right.written());
        let [left, right] = self.pair(body, sign.text(), op_span, left, right)?;
        let elem = if right.ty.elem.is_complex() { right.ty.elem } else { left.ty.elem };
        match elem.class() {
            Class::Bool => {
                body.report(errors::bool_with_number(op_span, sign.text(), a, b));
                None
            }
            Class::Complex => {
                body.report(errors::real_needed(op_span, sign.text(), Ty::scalar(elem)));
                None
            }
            Class::Float | Class::Half => self.library_call(body, float, vec![left, right], span),
            Class::Signed | Class::Unsigned => {
                if body.checked && op == Op::FloorDiv {
                    return Some(body.guarded(Expr::op(op, vec![left, right], span)));
                }
                let rank = left.ty.rank.max(right.ty.rank);
                let ty = Ty { elem: left.ty.elem, weak: left.ty.weak && right.ty.weak, rank };
                Some(Expr { kind: Kind::IntDiv(op, Box::new(left), Box::new(right)), ty, span })
            }
        }
    }

    fn logic(&mut self, body: &mut Body, op: Op, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        for side in [&left, &right] {
            if side.ty.elem != Type::Bool {
                body.report(errors::not_a_condition(side.span, side.written()));
                return None;
            }
        }
        let ty = Ty::array(Type::Bool, left.ty.rank.max(right.ty.rank));
        Some(Expr { kind: Kind::Logic(op, Box::new(left), Box::new(right)), ty, span })
    }

    #[expect(clippy::too_many_arguments, reason = "an operator has its two operands and two places")]
    fn bitwise(
        &mut self,
        body: &mut Body,
        op: Op,
        sign: BinaryOp,
        op_span: Span,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        for side in [&left, &right] {
            if side.ty.elem.is_float() || side.ty.elem.is_complex() {
                let diag = errors::wrong_class(op_span, sign.text(), side.written(), "integers or bools");
                body.report(if sign == BinaryOp::BitXor { diag.hint("write `**` for a power") } else { diag });
                return None;
            }
        }
        let pair = self.pair(body, sign.text(), op_span, left, right)?;
        Some(Expr::op(op, pair.into(), span))
    }

    /// `<<` and `>>`: the result has the left operand's type, the count may be any integer.
    fn shift(&mut self, body: &mut Body, op: Op, sign: BinaryOp, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        for side in [&left, &right] {
            if !side.ty.elem.is_int() {
                body.report(errors::wrong_class(side.span, sign.text(), side.written(), "integers"));
                return None;
            }
        }
        let left = match left.ty.weak && !right.ty.weak {
            true => self.coerce(body, left, Ty::scalar(right.ty.elem))?,
            false => self.settle_number(body, left)?,
        };
        let right = self.shift_count(body, right, left.ty.elem)?;
        Some(Expr::op(op, vec![left, right], span))
    }

    /// A shift count in the shifted type: one that does not fit is out of range whatever it is, so it becomes -1.
    fn shift_count(&mut self, body: &mut Body, count: Expr, elem: Type) -> Option<Expr> {
        let span = count.span;
        let bits = Scalar::int(elem, i128::from(elem.bits()));
        if let Kind::Number(Number::Int(value)) = count.kind {
            let inside = (0..i128::from(elem.bits())).contains(&value);
            let count = if inside { Scalar::int(elem, value) } else { bits };
            return Some(Expr::constant(count, span));
        }
        let count = self.settle_number(body, count)?;
        if count.ty.elem == elem || promote::widens(count.ty, elem) {
            return self.coerce(body, count, Ty::scalar(elem));
        }
        let from = count.ty.elem;
        let mut bound = Vec::new();
        let count = self.share(body, count, &mut bound);
        let limit = Expr::constant(Scalar::int(from, i128::from(elem.bits())), span);
        let zero = Expr::constant(Scalar::int(from, 0), span);
        let low = Expr::op(Op::Le, vec![zero, count.clone()], span);
        let high = Expr::op(Op::Lt, vec![count.clone(), limit], span);
        let inside = Expr::op(Op::And, vec![low, high], span);
        let rank = count.ty.rank;
        let narrow = Expr { kind: Kind::Convert(Box::new(count)), ty: Ty::array(elem, rank), span };
        Some(bind(bound, Expr::op(Op::Select, vec![inside, narrow, Expr::constant(bits, span)], span)))
    }

    fn power(&mut self, body: &mut Body, op_span: Span, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let (a, b) = (left.ty, right.ty);
        let joined = match promote::join(a, b) {
            Ok(ty) if ty.elem.is_number() => ty,
            Ok(_) => {
                body.report(errors::bool_with_number(op_span, "**", left.written(), right.written()));
                return None;
            }
            Err(why) => {
                let diag = self.no_join(why, op_span, "**", a, b);
                body.report(diag);
                return None;
            }
        };
        if let Kind::Number(Number::Int(exponent)) = right.kind
            && let Some(expanded) = self.constant_power(body, left.clone(), exponent, span)
        {
            return expanded;
        }
        let half = matches!(&right.kind, Kind::Number(number) if is_half(number));
        let left = self.coerce(body, left, joined)?;
        let right = self.coerce(body, right, joined)?;
        let (left, right) = (self.settle_number(body, left)?, self.settle_number(body, right)?);
        if joined.elem.is_float() && half {
            return self.library_call(body, "_half_power", vec![left], span);
        }
        if joined.elem.is_complex() && half {
            return self.library_call(body, "_complex_sqrt", vec![left], span);
        }
        if joined.elem.is_float() || joined.elem.is_complex() {
            return self.library_call(body, "pow", vec![left, right], span);
        }
        self.int_power(body, left, right, span)
    }

    /// `x ** n` for a literal `n` that is multiplied out; none if it is not.
    fn constant_power(&mut self, body: &mut Body, base: Expr, exponent: i128, span: Span) -> Option<Option<Expr>> {
        if base.ty.elem.is_complex() {
            return self.complex_power(body, base, exponent, span);
        }
        let float = base.ty.elem.is_float();
        if !float && exponent < 0 {
            let message = "an integer to a negative power is not an integer".to_string();
            let hint = "cast the base: `f64(…) ** …`";
            body.report(errors::plain(errors::NEGATIVE_EXPONENT, span, message, hint));
            return Some(None);
        }
        if float && exponent == 3 {
            let base = self.settle_number(body, base);
            return Some(base.and_then(|base| self.library_call(body, "_cube", vec![base], span)));
        }
        let limit = if float { 2 } else { MAX_EXPANDED };
        if exponent > limit || exponent < -1 {
            return None;
        }
        let Some(base) = self.settle_number(body, base) else {
            return Some(None);
        };
        let mut bound = Vec::new();
        let base = self.share(body, base, &mut bound);
        let one = |like: &Expr| Expr {
            kind: Kind::Const(super::expr::literal(&Number::Int(1), like.ty.elem).unwrap_or(Scalar::bool(true))),
            ty: like.ty.with_rank(0),
            span,
        };
        let value = match exponent {
            -1 => Expr::op(Op::Div, vec![one(&base), base], span),
            // The product keeps the shape; a NaN or infinity to the power 0 is 1.
            0 => Expr::op(
                Op::Select,
                vec![Expr::op(Op::Eq, vec![base.clone(), base.clone()], span), one(&base), one(&base)],
                span,
            ),
            _ => self.multiply_out(body, &base, exponent, &mut bound, span),
        };
        Some(Some(bind(bound, value)))
    }

    /// `base ** exponent` by squaring, `exponent` at least 1.
    pub(super) fn multiply_out(
        &mut self,
        body: &mut Body,
        base: &Expr,
        exponent: i128,
        bound: &mut Vec<(VarId, Expr)>,
        span: Span,
    ) -> Expr {
        if exponent == 1 {
            return base.clone();
        }
        let half = self.multiply_out(body, base, exponent / 2, bound, span);
        let half = self.share(body, half, bound);
        let square = body.guarded(Expr::op(Op::Mul, vec![half.clone(), half], span));
        match exponent % 2 {
            0 => square,
            _ => body.guarded(Expr::op(Op::Mul, vec![square, base.clone()], span)),
        }
    }

    fn int_power(&mut self, body: &mut Body, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let rank = left.ty.rank.max(right.ty.rank);
        let ty = Ty { elem: left.ty.elem, weak: left.ty.weak && right.ty.weak, rank };
        let name = if body.checked { "_checked_pow" } else { "_int_pow" };
        let id = self.library_instance(body, name, &[left.ty.with_rank(0), right.ty.with_rank(0)], span)?;
        Some(Expr { kind: Kind::IntPow(id, Box::new(left), Box::new(right)), ty, span })
    }

    pub(super) fn comparison(
        &mut self,
        body: &mut Body,
        first: &'m ast::Expr,
        rest: &'m [ast::CompareLink],
        span: Span,
    ) -> Option<Expr> {
        // Each link nests the result one deeper, which the text does not show.
        if !self.reach(rest.len(), span) {
            return None;
        }
        let mut left = self.expr(body, first).map(computed);
        let mut bound = Vec::new();
        let mut result: Option<Expr> = None;
        let mut ok = true;
        for link in rest {
            let mut right = self.expr(body, &link.operand).map(computed);
            if rest.len() > 1 {
                right = right.map(|right| self.share(body, right, &mut bound));
            }
            match (left, right.clone()) {
                (Some(a), Some(b)) => match self.compare(body, link.op, link.op_span, a, b, span) {
                    Some(next) => {
                        result = Some(match result {
                            Some(before) => Expr::op(Op::And, vec![before, next], span),
                            None => next,
                        });
                    }
                    None => ok = false,
                },
                (None, _) | (_, None) => ok = false,
            }
            left = right;
        }
        result.filter(|_| ok).map(|result| bind(bound, result))
    }

    fn compare(&mut self, body: &mut Body, op: CompareOp, op_span: Span, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        let ordered = !matches!(op, CompareOp::Eq | CompareOp::Ne);
        if ordered && a.ty.elem == Type::Bool && b.ty.elem == Type::Bool {
            let diag = errors::wrong_class(op_span, op.text(), a.written(), "numbers");
            body.report(diag.hint("bools have no order; write `and`, `or`, `not`"));
            return None;
        }
        if ordered && [&a, &b].iter().any(|side| side.ty.elem.is_complex()) {
            body.report(errors::no_order(op_span, op.text()));
            return None;
        }
        if let Some((signed, unsigned, flipped)) = mixed_u64(&a, &b) {
            let (signed, unsigned) = (signed.clone(), unsigned.clone());
            let mut bound = Vec::new();
            let signed = self.share(body, signed, &mut bound);
            return Some(bind(bound, compare_mixed(op, signed, unsigned, flipped, span)));
        }
        let [a, b] = self.pair(body, op.text(), op_span, a, b)?;
        let (op, args) = compare_op(op, a, b);
        Some(Expr::op(op, args, span))
    }
}

/// The core op for a comparison; `a > b` is `b < a`.
fn compare_op(op: CompareOp, a: Expr, b: Expr) -> (Op, Vec<Expr>) {
    match op {
        CompareOp::Lt => (Op::Lt, vec![a, b]),
        CompareOp::Le => (Op::Le, vec![a, b]),
        CompareOp::Gt => (Op::Lt, vec![b, a]),
        CompareOp::Ge => (Op::Le, vec![b, a]),
        CompareOp::Eq => (Op::Eq, vec![a, b]),
        CompareOp::Ne => (Op::Ne, vec![a, b]),
    }
}

/// A signed operand and a `u64` one, in that order, and whether they stood the other way round.
fn mixed_u64<'e>(a: &'e Expr, b: &'e Expr) -> Option<(&'e Expr, &'e Expr, bool)> {
    let strong = |expr: &Expr| !expr.ty.weak;
    match (a.ty.elem, b.ty.elem) {
        (signed, Type::U64) if signed.is_signed() && strong(a) && strong(b) => Some((a, b, false)),
        (Type::U64, signed) if signed.is_signed() && strong(a) && strong(b) => Some((b, a, true)),
        _ => None,
    }
}

/// Compares the mathematical values of a signed operand and a `u64`: where the signed one is negative the answer is
/// known, elsewhere both are compared as `u64`.
fn compare_mixed(op: CompareOp, signed: Expr, unsigned: Expr, flipped: bool, span: Span) -> Expr {
    let zero = Expr::constant(Scalar::new(signed.ty.elem, 0), span);
    let negative = Expr::op(Op::Lt, vec![signed.clone(), zero], span);
    let rank = signed.ty.rank;
    let wide = Expr { kind: Kind::Convert(Box::new(signed)), ty: Ty::array(Type::U64, rank), span };
    let (a, b) = if flipped { (unsigned, wide) } else { (wide, unsigned) };
    let (core, args) = compare_op(op, a, b);
    let compared = Expr::op(core, args, span);
    // With a negative left side `<`, `<=` and `!=` hold; with a negative right side `>`, `>=` and `!=` do.
    let known = match op {
        CompareOp::Ne => true,
        CompareOp::Eq => false,
        CompareOp::Lt | CompareOp::Le => !flipped,
        CompareOp::Gt | CompareOp::Ge => flipped,
    };
    Expr::op(Op::Select, vec![negative, Expr::constant(Scalar::bool(known), span), compared], span)
}

/// Whether a literal is exactly a half.
fn is_half(number: &Number) -> bool {
    super::expr::literal(number, Type::F64).is_some_and(|value| value.bits == 0.5f64.to_bits())
}
