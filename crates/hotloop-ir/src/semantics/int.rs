//! Ops on integers and on `bool`, and conversions from them.
//!
//! Every value is widened to 128 bits, where nothing overflows but the product, whose low bits are right all the same;
//! the result is cut to the width of its type.

use super::ill_typed;
use crate::ops::Op;
use crate::types::{Scalar, Type};

/// An op on two integers of one type.
pub(super) fn eval_int(op: Op, a: Scalar, b: Scalar) -> Scalar {
    let ty = a.ty;
    let (x, y) = (a.as_i128(), b.as_i128());
    let value = match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x.wrapping_mul(y),
        Op::FloorDiv => floor_div(x, y),
        Op::FloorRem => floor_rem(x, y),
        Op::Neg => -x,
        Op::Abs => x.abs(),
        Op::Min => x.min(y),
        Op::Max => x.max(y),
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Not => !x,
        Op::Shl => shift_left(x, y, ty),
        Op::Shr => shift_right(x, y, ty),
        Op::Div | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Copysign => ill_typed(op, ty),
        Op::Ldexp | Op::Getexp | Op::Getmant => ill_typed(op, ty),
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select | Op::Unlikely => ill_typed(op, ty),
    };
    Scalar::int(ty, value)
}

/// An op on two truth values.
pub(super) fn eval_bool(op: Op, a: Scalar, b: Scalar) -> Scalar {
    let (x, y) = (a.is_true(), b.is_true());
    Scalar::bool(match op {
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Not => !x,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::FloorRem | Op::Neg | Op::Abs => ill_typed(op, a.ty),
        Op::Min | Op::Max | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round => ill_typed(op, a.ty),
        Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant | Op::Shl | Op::Shr => ill_typed(op, a.ty),
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select | Op::Unlikely => ill_typed(op, a.ty),
    })
}

/// An integer as another type.
pub(super) fn convert(value: i128, to: Type) -> Scalar {
    match to {
        // Directly, not through `f64`: that would round twice.
        Type::F32 => Scalar::f32(value as f32),
        Type::F64 => Scalar::f64(value as f64),
        Type::F16 | Type::BF16 => Scalar::half(to, value as f64),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Scalar::int(to, value)
        }
        Type::Bool | Type::C64 | Type::C128 => panic!("a number does not convert to `{to}`"),
    }
}

fn floor_div(x: i128, y: i128) -> i128 {
    if y == 0 {
        return 0;
    }
    let quotient = x / y;
    if x % y != 0 && (x < 0) != (y < 0) { quotient - 1 } else { quotient }
}

fn floor_rem(x: i128, y: i128) -> i128 {
    if y == 0 { 0 } else { x - y * floor_div(x, y) }
}

fn shift_left(x: i128, count: i128, ty: Type) -> i128 {
    if (0..i128::from(ty.bits())).contains(&count) { x << count } else { 0 }
}

/// The operand is already extended by its sign or by zeros, so a shift by 127 is all fill.
fn shift_right(x: i128, count: i128, ty: Type) -> i128 {
    if (0..i128::from(ty.bits())).contains(&count) { x >> count } else { x >> 127 }
}
