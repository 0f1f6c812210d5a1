//! What every op, conversion and reduction means, down to the bit.
//!
//! This is the only definition: code generators are tested against it, passes fold constants with it and the
//! interpreter runs through it. A NaN result may have any payload and sign, except where an op moves bits (`neg`,
//! `abs`, `copysign`, `select`, bit casts). Everything here takes well-typed operands, as `verify` guarantees them.

mod float;
mod fold;
mod int;
mod scale;

pub use fold::{FOLD_BLOCK, FoldState, combine, empty, fold_partials, neutral};

use crate::ops::Op;
use crate::types::{Class, Scalar, Type};
use std::cmp::Ordering;

/// The value of a core op on as many operands as its arity; further ones are ignored.
///
/// # Panics
/// If the operands are not of types the op takes.
pub fn eval(op: Op, args: &[Scalar]) -> Scalar {
    let arity = op.arity();
    let [a, b, c] = std::array::from_fn(|i| args[i.min(arity - 1)]);
    match op {
        Op::Select => return if a.is_true() { b } else { c },
        Op::Unlikely => return a,
        Op::Eq | Op::Ne | Op::Lt | Op::Le => return Scalar::bool(compare(op, a, b)),
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::FloorRem | Op::Neg | Op::Abs => {}
        Op::Min | Op::Max | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round => {}
        Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant => {}
        Op::And | Op::Or | Op::Xor | Op::Not | Op::Shl | Op::Shr => {}
    }
    match a.ty {
        Type::F32 => float::eval_f32(op, [a, b, c]),
        Type::F64 => float::eval_f64(op, [a, b, c]),
        Type::Bool => int::eval_bool(op, a, b),
        Type::F16 | Type::BF16 | Type::C64 | Type::C128 => ill_typed(op, a.ty),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            int::eval_int(op, a, b)
        }
    }
}

/// A comparison. NaN is equal to nothing and in no order; -0 equals +0.
fn compare(op: Op, a: Scalar, b: Scalar) -> bool {
    let order = match a.ty.class() {
        Class::Float | Class::Half => a.as_f64().partial_cmp(&b.as_f64()),
        Class::Bool | Class::Signed | Class::Unsigned => Some(a.as_i128().cmp(&b.as_i128())),
        Class::Complex => ill_typed(op, a.ty),
    };
    if op == Op::Ne {
        return order != Some(Ordering::Equal);
    }
    match order {
        None => false,
        Some(Ordering::Less) => op != Op::Eq,
        Some(Ordering::Equal) => op != Op::Lt,
        Some(Ordering::Greater) => false,
    }
}

/// The value as another type: integers wrap or extend, integers to floats round to nearest even, floats to integers
/// truncate and saturate with NaN giving 0, `f64` to `f32` and anything to a half rounds to nearest even (64-bit integers
/// are made `f64` first), `bool` gives 0 or 1.
///
/// # Panics
/// If a number is to become a `bool`: that is a comparison, not a conversion.
pub fn convert(value: Scalar, to: Type) -> Scalar {
    if value.ty == to {
        return value;
    }
    match value.ty.class() {
        Class::Float | Class::Half => float::convert(value.as_f64(), to),
        Class::Bool | Class::Signed | Class::Unsigned => int::convert(value.as_i128(), to),
        Class::Complex => panic!("programs have no complex numbers"),
    }
}

/// The same bits read as another type of the same size.
///
/// # Panics
/// If the sizes differ, or either type is `bool` and the other is not.
pub fn bitcast(value: Scalar, to: Type) -> Scalar {
    assert!(
        value.ty == to || (value.ty.bytes() == to.bytes() && value.ty != Type::Bool && to != Type::Bool),
        "no bit cast from `{}` to `{to}`",
        value.ty
    );
    Scalar::new(to, value.bits)
}

/// Stops on operands that no verified program has.
#[cold]
fn ill_typed(op: Op, ty: Type) -> ! {
    panic!("`{}` does not take `{ty}`", op.name())
}

#[cfg(test)]
mod tests;
