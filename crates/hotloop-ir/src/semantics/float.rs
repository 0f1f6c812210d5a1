//! Ops on floats, and conversions from them.
//!
//! Each op computes in the precision of its type and rounds once. The arithmetic is that of Rust, which is IEEE 754
//! without contraction; `mul_add` rounds once on every platform.

use super::{ill_typed, scale};
use crate::ops::Op;
use crate::types::{Scalar, Type};

macro_rules! float_ops {
    ($eval:ident $min:ident $max:ident $float:ident $bits:ident $format:expr;) => {
        /// An op on floats of this type.
        pub(super) fn $eval(op: Op, args: [Scalar; 3]) -> Scalar {
            let [a, b, c] = args.map(|arg| $float::from_bits(arg.bits as $bits));
            Scalar::$float(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Neg => -a,
                Op::Abs => a.abs(),
                Op::Min => $min(a, b),
                Op::Max => $max(a, b),
                Op::Sqrt => a.sqrt(),
                Op::Fma => a.mul_add(b, c),
                Op::Floor => a.floor(),
                Op::Ceil => a.ceil(),
                Op::Trunc => a.trunc(),
                Op::Round => a.round_ties_even(),
                Op::Copysign => a.copysign(b),
                Op::Ldexp => return Scalar::new(args[0].ty, scale::ldexp($format, args[0].bits, f64::from(b))),
                Op::Getexp => return Scalar::new(args[0].ty, scale::getexp($format, args[0].bits)),
                Op::Getmant => return Scalar::new(args[0].ty, scale::getmant($format, args[0].bits)),
                Op::FloorDiv | Op::FloorRem | Op::And | Op::Or | Op::Xor | Op::Not | Op::Shl | Op::Shr => {
                    ill_typed(op, args[0].ty)
                }
                Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select | Op::Unlikely => ill_typed(op, args[0].ty),
            })
        }

        /// A NaN if either is one; -0 is less than +0.
        fn $min(a: $float, b: $float) -> $float {
            if a.is_nan() || (!b.is_nan() && (a < b || (a == b && a.is_sign_negative()))) { a } else { b }
        }

        /// A NaN if either is one; -0 is less than +0.
        fn $max(a: $float, b: $float) -> $float {
            if a.is_nan() || (!b.is_nan() && (a > b || (a == b && a.is_sign_positive()))) { a } else { b }
        }
    };
}

float_ops! { eval_f32 min_f32 max_f32 f32 u32 scale::F32; }
float_ops! { eval_f64 min_f64 max_f64 f64 u64 scale::F64; }

/// A float, widened exactly, as another type. Rust's `as` truncates, saturates and takes NaN to 0.
pub(super) fn convert(value: f64, to: Type) -> Scalar {
    match to {
        Type::I8 => Scalar::int(to, value as i8 as i128),
        Type::I16 => Scalar::int(to, value as i16 as i128),
        Type::I32 => Scalar::int(to, value as i32 as i128),
        Type::I64 => Scalar::int(to, value as i64 as i128),
        Type::U8 => Scalar::int(to, value as u8 as i128),
        Type::U16 => Scalar::int(to, value as u16 as i128),
        Type::U32 => Scalar::int(to, value as u32 as i128),
        Type::U64 => Scalar::int(to, value as u64 as i128),
        Type::F32 => Scalar::f32(value as f32),
        Type::F64 => Scalar::f64(value),
        Type::F16 | Type::BF16 => Scalar::half(to, value),
        Type::Bool | Type::C64 | Type::C128 => panic!("a number does not convert to `{to}`"),
    }
}
