//! Whole numbers beside a float: `floor`, `ceil`, `trunc` and `round`.
//!
//! Of `f64` drivers do not always have them: some cut through 32-bit integers, so that numbers beyond 2^24 stay as they are,
//! halves go toward zero, and -0 loses its sign. Here the bits below the unit are cut off, and one is added where the op
//! says so.

use super::code::{Code, Expr};
use super::float::{Format, copysign, magnitude};
use super::ops::word;
use hotloop_ir::Type;
use naga::{BinaryOperator as Binary, MathFunction};

/// Which whole number.
#[derive(Clone, Copy)]
pub(crate) enum Toward {
    Down,
    Up,
    Zero,
    /// The even one of two that are equally near.
    Nearest,
}

/// A whole number beside a float.
pub(crate) fn number(code: &mut Code, toward: Toward, ty: Type, a: Expr) -> Expr {
    if ty == Type::F64 {
        return own(code, toward, a);
    }
    let function = match toward {
        Toward::Down => MathFunction::Floor,
        Toward::Up => MathFunction::Ceil,
        Toward::Zero => MathFunction::Trunc,
        Toward::Nearest => MathFunction::Round,
    };
    code.math(function, a)
}

fn own(code: &mut Code, toward: Toward, a: Expr) -> Expr {
    let cut = Cut::of(code, a);
    let one = Format::of(Type::F64).float(code, 1.0);
    let (is_next, next) = match toward {
        Toward::Zero => return cut.value,
        Toward::Down => (code.binary(Binary::Less, a, cut.value), code.binary(Binary::Subtract, cut.value, one)),
        Toward::Up => (code.binary(Binary::Less, cut.value, a), code.binary(Binary::Add, cut.value, one)),
        Toward::Nearest => {
            let away = copysign(code, Type::F64, one, a);
            (cut.is_nearer_to_next(code, a), code.binary(Binary::Add, cut.value, away))
        }
    };
    code.select(is_next, next, cut.value)
}

/// A number without what stands behind the point.
struct Cut {
    value: Expr,
    /// Whether it is odd; means nothing for numbers that have no half.
    odd: Expr,
}

impl Cut {
    fn of(code: &mut Code, a: Expr) -> Cut {
        let format = Format::of(Type::F64);
        let whole = format.masked(code, a, format.sign() - 1);
        let sign = format.masked(code, a, format.sign());
        let fraction = code.u32(format.fraction);
        let exponent = code.binary(Binary::ShiftRight, whole, fraction);
        let exponent = word(code, Type::U64, exponent);
        let bias = format.bias() as u32;
        let [first, last] = [bias, bias + format.fraction].map(|exponent| code.u32(exponent));
        let is_small = code.binary(Binary::Less, exponent, first);
        let is_large = code.binary(Binary::LessEqual, last, exponent);
        // How many bits stand behind the point: all of the fraction, and none of numbers that have none.
        let behind = code.binary(Binary::Subtract, last, exponent);
        let behind = code.select(is_small, fraction, behind);
        let none = code.u32(0);
        let behind = code.select(is_large, none, behind);
        let units = code.binary(Binary::ShiftRight, whole, behind);
        // Below 2 the unit is the bit that is not stored; there the lowest bit of the exponent stands, which is its equal
        // for 1 and for 1/2.
        let [one, zero] = [1, 0].map(|bits| format.literal(code, bits));
        let unit = code.binary(Binary::And, units, one);
        let odd = code.binary(Binary::Equal, unit, one);
        let cut = code.binary(Binary::ShiftLeft, units, behind);
        let cut = code.select(is_small, zero, cut);
        let bits = code.binary(Binary::InclusiveOr, cut, sign);
        Cut { value: format.of_bits(code, bits), odd }
    }

    /// Whether the number lies beyond the middle on the way away from zero, or on it beside an odd number.
    fn is_nearer_to_next(&self, code: &mut Code, a: Expr) -> Expr {
        let half = Format::of(Type::F64).float(code, 0.5);
        let rest = code.binary(Binary::Subtract, a, self.value);
        let rest = magnitude(code, Type::F64, rest);
        let beyond = code.binary(Binary::Less, half, rest);
        let on = code.binary(Binary::Equal, half, rest);
        let tie = code.binary(Binary::LogicalAnd, on, self.odd);
        code.binary(Binary::LogicalOr, beyond, tie)
    }
}
