//! Core ops as shader code: one match over the table of ops, and the integer ones.
//!
//! Nothing here relies on what drivers leave open: divisors, shift counts and NaNs are tested by our own code.

use super::code::{Code, Expr};
use super::float;
use super::types::{kind, register};
use super::whole::{self, Toward};
use hotloop_ir::{Class, Op, Scalar, Type};
use naga::{BinaryOperator as Binary, Expression, MathFunction, ScalarKind, UnaryOperator as Unary};

/// The value of an op; `ty` is the type of its (last) operand.
pub(crate) fn op(code: &mut Code, op: Op, ty: Type, [a, b, c]: [Expr; 3]) -> Expr {
    match op {
        Op::Select => code.select(a, b, c),
        Op::Eq => code.binary(Binary::Equal, a, b),
        Op::Ne => {
            // Some drivers take `!=` of floats for an ordered comparison.
            let equal = code.binary(Binary::Equal, a, b);
            code.unary(Unary::LogicalNot, equal)
        }
        Op::Lt => code.binary(Binary::Less, a, b),
        Op::Le => code.binary(Binary::LessEqual, a, b),
        Op::Add => number(code, Number::Arithmetic(Binary::Add), ty, a, b),
        Op::Sub => number(code, Number::Arithmetic(Binary::Subtract), ty, a, b),
        Op::Mul => number(code, Number::Arithmetic(Binary::Multiply), ty, a, b),
        Op::Neg => number(code, Number::Neg, ty, a, b),
        Op::Abs => number(code, Number::Abs, ty, a, b),
        Op::Min | Op::Max => number(code, Number::Extreme(op), ty, a, b),
        Op::Div => code.binary(Binary::Divide, a, b),
        Op::FloorDiv | Op::FloorRem => divide(code, op, ty, a, b),
        Op::Sqrt => code.math(MathFunction::Sqrt, a),
        Op::Fma if !code.fused => float::fma(code, ty, [a, b, c]),
        Op::Fma => {
            code.emit(Expression::Math { fun: MathFunction::Fma, arg: a, arg1: Some(b), arg2: Some(c), arg3: None })
        }
        Op::Floor => whole::number(code, Toward::Down, ty, a),
        Op::Ceil => whole::number(code, Toward::Up, ty, a),
        Op::Trunc => whole::number(code, Toward::Zero, ty, a),
        Op::Round => whole::number(code, Toward::Nearest, ty, a),
        Op::Copysign => float::copysign(code, ty, a, b),
        Op::Ldexp => float::ldexp(code, ty, a, b),
        Op::Getexp => float::getexp(code, ty, a),
        Op::Getmant => float::getmant(code, ty, a),
        Op::Unlikely => a,
        Op::And => bits(code, [Binary::LogicalAnd, Binary::And], ty, a, b),
        Op::Or => bits(code, [Binary::LogicalOr, Binary::InclusiveOr], ty, a, b),
        Op::Xor => bits(code, [Binary::NotEqual, Binary::ExclusiveOr], ty, a, b),
        Op::Not if ty == Type::Bool => code.unary(Unary::LogicalNot, a),
        Op::Not => {
            let wide = code.unary(Unary::BitwiseNot, a);
            narrow(code, ty, wide)
        }
        Op::Shl | Op::Shr => shift(code, op, ty, a, b),
    }
}

/// The ops that integers and floats share.
#[derive(Clone, Copy)]
enum Number {
    Arithmetic(Binary),
    Neg,
    Abs,
    Extreme(Op),
}

fn number(code: &mut Code, what: Number, ty: Type, a: Expr, b: Expr) -> Expr {
    if ty.is_float() {
        return match what {
            Number::Arithmetic(op) => code.binary(op, a, b),
            Number::Neg => float::negate(code, ty, a),
            Number::Abs => float::magnitude(code, ty, a),
            Number::Extreme(op) => float::extreme(code, op, ty, a, b),
        };
    }
    let wide = match what {
        Number::Arithmetic(op) => code.binary(op, a, b),
        Number::Neg => negate(code, ty, a),
        Number::Abs if ty.is_signed() => {
            let zero = code.scalar(Scalar::new(ty, 0));
            let negative = code.binary(Binary::Less, a, zero);
            let negated = negate(code, ty, a);
            code.select(negative, negated, a)
        }
        Number::Abs => a,
        Number::Extreme(op) => {
            let less = code.binary(Binary::Less, a, b);
            if op == Op::Min { code.select(less, a, b) } else { code.select(less, b, a) }
        }
    };
    narrow(code, ty, wide)
}

/// `0 - a`, which wraps; a unary minus of the smallest integer is undefined in some shading languages.
fn negate(code: &mut Code, ty: Type, a: Expr) -> Expr {
    let zero = code.scalar(Scalar::new(ty, 0));
    code.binary(Binary::Subtract, zero, a)
}

/// Cuts a 32-bit register to the type's width and extends it again.
pub(crate) fn narrow(code: &mut Code, ty: Type, value: Expr) -> Expr {
    if ty.bits() >= 32 || !ty.is_int() {
        return value;
    }
    let count = code.u32(32 - ty.bits());
    let top = code.binary(Binary::ShiftLeft, value, count);
    code.binary(Binary::ShiftRight, top, count)
}

/// Floor division and its remainder; 0 where the divisor is 0.
fn divide(code: &mut Code, op: Op, ty: Type, a: Expr, b: Expr) -> Expr {
    let [zero, one] = [0, 1].map(|value| code.scalar(Scalar::int(ty, value)));
    let is_zero = code.binary(Binary::Equal, b, zero);
    if !ty.is_signed() {
        let divisor = code.select(is_zero, one, b);
        let quotient = code.binary(Binary::Divide, a, divisor);
        let result = if op == Op::FloorDiv { quotient } else { rest(code, a, quotient, divisor) };
        return code.select(is_zero, zero, result);
    }
    // Dividing by -1 overflows for the smallest integer, so it is a negation instead.
    let minus_one = code.scalar(Scalar::int(ty, -1));
    let is_minus_one = code.binary(Binary::Equal, b, minus_one);
    let special = code.binary(Binary::LogicalOr, is_zero, is_minus_one);
    let divisor = code.select(special, one, b);
    let quotient = code.binary(Binary::Divide, a, divisor);
    let remainder = rest(code, a, quotient, divisor);
    let signs = code.binary(Binary::ExclusiveOr, remainder, divisor);
    let differ = code.binary(Binary::Less, signs, zero);
    let inexact = code.binary(Binary::NotEqual, remainder, zero);
    let down = code.binary(Binary::LogicalAnd, differ, inexact);
    if op == Op::FloorDiv {
        let lower = code.binary(Binary::Subtract, quotient, one);
        let floored = code.select(down, lower, quotient);
        let negated = negate(code, ty, a);
        let negated = narrow(code, ty, negated);
        let result = code.select(is_minus_one, negated, floored);
        return code.select(is_zero, zero, result);
    }
    let raised = code.binary(Binary::Add, remainder, divisor);
    let floored = code.select(down, raised, remainder);
    code.select(special, zero, floored)
}

fn rest(code: &mut Code, a: Expr, quotient: Expr, divisor: Expr) -> Expr {
    let product = code.binary(Binary::Multiply, quotient, divisor);
    code.binary(Binary::Subtract, a, product)
}

/// A bitwise op: on bools, and on integers.
fn bits(code: &mut Code, [logical, bitwise]: [Binary; 2], ty: Type, a: Expr, b: Expr) -> Expr {
    if ty == Type::Bool {
        return code.binary(logical, a, b);
    }
    let wide = code.binary(bitwise, a, b);
    narrow(code, ty, wide)
}

/// Shifts; a count outside the width gives 0, or the sign's fill.
fn shift(code: &mut Code, op: Op, ty: Type, a: Expr, count: Expr) -> Expr {
    let zero = code.scalar(Scalar::new(ty, 0));
    let width = code.scalar(Scalar::int(ty, i128::from(ty.bits())));
    let mut inside = code.binary(Binary::Less, count, width);
    if ty.is_signed() {
        let whole = code.binary(Binary::LessEqual, zero, count);
        inside = code.binary(Binary::LogicalAnd, whole, inside);
    }
    let count = word(code, ty, count);
    if op == Op::Shl {
        let none = code.u32(0);
        let count = code.select(inside, count, none);
        let shifted = code.binary(Binary::ShiftLeft, a, count);
        let shifted = narrow(code, ty, shifted);
        return code.select(inside, shifted, zero);
    }
    let most = code.u32(ty.bits() - 1);
    let count = code.select(inside, count, most);
    let shifted = code.binary(Binary::ShiftRight, a, count);
    if ty.is_signed() { shifted } else { code.select(inside, shifted, zero) }
}

/// The low 32 bits of an integer.
pub(crate) fn word(code: &mut Code, ty: Type, value: Expr) -> Expr {
    let same = if register(ty).width == 8 { code.convert(value, kind(ty), 4) } else { value };
    match ty.class() {
        Class::Signed => code.bitcast(same, ScalarKind::Uint),
        Class::Bool | Class::Unsigned | Class::Float | Class::Half | Class::Complex => same,
    }
}
