//! Conversions between element types as shader code.
//!
//! Drivers and naga differ from the language in three places: signs when widening, the ends of the range when a float
//! becomes an integer, and NaN. All three are written out.

use super::code::{Code, Expr};
use super::ops::{narrow, word};
use super::types::{kind, register};
use hotloop_ir::{Class, Scalar, Type};
use naga::{BinaryOperator as Binary, ScalarKind};

/// A value of type `from` as type `to`.
pub(crate) fn convert(code: &mut Code, from: Type, to: Type, value: Expr) -> Expr {
    if from == to {
        return value;
    }
    match (from.class(), to.class()) {
        (Class::Bool, _) => {
            let [one, zero] = [1, 0].map(|bit| code.scalar(one_or_zero(to, bit)));
            code.select(value, one, zero)
        }
        // Halves are converted by integer ops before there is a lane.
        (Class::Half | Class::Complex, _) | (_, Class::Half | Class::Complex) => value,
        (Class::Float, Class::Float) => code.convert(value, ScalarKind::Float, to.bytes() as u8),
        (Class::Float, Class::Bool | Class::Signed | Class::Unsigned) => from_float(code, from, to, value),
        (Class::Signed | Class::Unsigned, Class::Float) => code.convert(value, ScalarKind::Float, to.bytes() as u8),
        (Class::Signed | Class::Unsigned, Class::Bool | Class::Signed | Class::Unsigned) => {
            between_ints(code, from, to, value)
        }
    }
}

fn one_or_zero(ty: Type, bit: u64) -> Scalar {
    match ty {
        Type::F32 => Scalar::f32(bit as f32),
        Type::F64 => Scalar::f64(bit as f64),
        Type::Bool | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Scalar::new(ty, bit)
        }
        Type::F16 | Type::BF16 => Scalar::half(ty, bit as f64),
        Type::C64 | Type::C128 => unreachable!("programs have no complex types"),
    }
}

/// Wraps or extends: first the width, by the sign the value has, then the sign.
fn between_ints(code: &mut Code, from: Type, to: Type, value: Expr) -> Expr {
    let (was, is) = (register(from), register(to));
    let sized = match (was.width, is.width) {
        (8, 4) => word(code, from, value),
        (4, 8) if was.kind == ScalarKind::Sint => widen(code, value),
        (4, 8) => code.convert(value, was.kind, 8),
        _ => value,
    };
    let present = if (was.width, is.width) == (8, 4) { ScalarKind::Uint } else { was.kind };
    let signed = if present == is.kind { sized } else { code.bitcast(sized, is.kind) };
    narrow(code, to, signed)
}

/// An `i32` as an `i64`, by shifts: Mesa's software driver (22.3) takes the comparison of a converted one with 0 for
/// an unsigned one.
fn widen(code: &mut Code, value: Expr) -> Expr {
    let bits = code.bitcast(value, ScalarKind::Uint);
    let bits = code.convert(bits, ScalarKind::Uint, 8);
    let bits = code.bitcast(bits, ScalarKind::Sint);
    let half = code.u32(32);
    let high = code.binary(Binary::ShiftLeft, bits, half);
    code.binary(Binary::ShiftRight, high, half)
}

/// Truncates and saturates; NaN gives 0.
fn from_float(code: &mut Code, from: Type, to: Type, value: Expr) -> Expr {
    let float = |value: f64| if from == Type::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) };
    let (least, most) = range(to);
    // One above the largest integer is a power of two, so exact as a float.
    let [low, above] = [least as f64, (most + 1) as f64].map(|bound| code.scalar(float(bound)));
    let too_small = code.binary(Binary::Less, value, low);
    let too_large = code.binary(Binary::GreaterEqual, value, above);
    let ordered = code.binary(Binary::GreaterEqual, value, low);
    let zero = code.scalar(float(0.0));
    let inside = code.select(ordered, value, zero);
    let inside = code.select(too_large, zero, inside);
    let converted = code.convert(inside, kind(to), register(to).width);
    let [least, most] = [least, most].map(|bound| code.scalar(Scalar::int(to, bound)));
    let converted = code.select(too_small, least, converted);
    code.select(too_large, most, converted)
}

/// The smallest and the largest value of an integer type.
fn range(ty: Type) -> (i128, i128) {
    let bits = ty.bits();
    if ty.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

/// The same bits as another type of the same size.
pub(crate) fn bitcast(code: &mut Code, from: Type, to: Type, value: Expr) -> Expr {
    let (was, is) = (register(from), register(to));
    let cast = if was.kind == is.kind { value } else { code.bitcast(value, is.kind) };
    narrow(code, to, cast)
}
