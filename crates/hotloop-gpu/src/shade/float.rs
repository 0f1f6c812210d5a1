//! Float ops that drivers leave open or do not have, on the bits of the float.

use super::code::{Code, Expr};
use hotloop_ir::{Op, Scalar, Type};
use naga::{BinaryOperator as Binary, MathFunction, ScalarKind};

/// The layout of a float: its integer type, and how many bits its fraction has.
pub(crate) struct Format {
    ty: Type,
    bits: Type,
    pub(crate) fraction: u32,
    exponent: u32,
}

impl Format {
    pub(crate) fn of(ty: Type) -> Format {
        if ty == Type::F32 {
            Format { ty, bits: Type::U32, fraction: 23, exponent: 8 }
        } else {
            Format { ty, bits: Type::U64, fraction: 52, exponent: 11 }
        }
    }

    pub(crate) const fn sign(&self) -> u64 {
        1 << (self.fraction + self.exponent)
    }

    const fn infinity(&self) -> u64 {
        ((1 << self.exponent) - 1) << self.fraction
    }

    pub(crate) const fn bias(&self) -> i64 {
        (1 << (self.exponent - 1)) - 1
    }

    pub(crate) fn literal(&self, code: &mut Code, bits: u64) -> Expr {
        code.scalar(Scalar::new(self.bits, bits))
    }

    fn to_bits(&self, code: &mut Code, value: Expr) -> Expr {
        code.bitcast(value, ScalarKind::Uint)
    }

    pub(crate) fn masked(&self, code: &mut Code, value: Expr, mask: u64) -> Expr {
        let bits = self.to_bits(code, value);
        let mask = self.literal(code, mask);
        code.binary(Binary::And, bits, mask)
    }

    pub(crate) fn of_bits(&self, code: &mut Code, bits: Expr) -> Expr {
        code.bitcast(bits, ScalarKind::Float)
    }

    pub(crate) fn float(&self, code: &mut Code, value: f64) -> Expr {
        let scalar = if self.ty == Type::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) };
        code.scalar(scalar)
    }

    fn is_nan(&self, code: &mut Code, value: Expr) -> Expr {
        let magnitude = self.masked(code, value, self.sign() - 1);
        let infinity = self.literal(code, self.infinity());
        code.binary(Binary::Less, infinity, magnitude)
    }
}

/// Flips the sign bit.
pub(crate) fn negate(code: &mut Code, ty: Type, a: Expr) -> Expr {
    let format = Format::of(ty);
    let bits = format.to_bits(code, a);
    let sign = format.literal(code, format.sign());
    let flipped = code.binary(Binary::ExclusiveOr, bits, sign);
    format.of_bits(code, flipped)
}

/// Clears the sign bit.
pub(crate) fn magnitude(code: &mut Code, ty: Type, a: Expr) -> Expr {
    let format = Format::of(ty);
    let bits = format.masked(code, a, format.sign() - 1);
    format.of_bits(code, bits)
}

/// The magnitude of `a` with the sign of `b`.
pub(crate) fn copysign(code: &mut Code, ty: Type, a: Expr, b: Expr) -> Expr {
    let format = Format::of(ty);
    let magnitude = format.masked(code, a, format.sign() - 1);
    let sign = format.masked(code, b, format.sign());
    let bits = code.binary(Binary::InclusiveOr, magnitude, sign);
    format.of_bits(code, bits)
}

/// `min` and `max`: NaNs win, and -0 is less than +0.
pub(crate) fn extreme(code: &mut Code, op: Op, ty: Type, a: Expr, b: Expr) -> Expr {
    let format = Format::of(ty);
    let (a_nan, b_nan) = (format.is_nan(code, a), format.is_nan(code, b));
    let before = if op == Op::Min { code.binary(Binary::Less, a, b) } else { code.binary(Binary::Less, b, a) };
    let equal = code.binary(Binary::Equal, a, b);
    let sign = format.masked(code, a, format.sign());
    let zero = format.literal(code, 0);
    let wanted = if op == Op::Min { Binary::NotEqual } else { Binary::Equal };
    let signed = code.binary(wanted, sign, zero);
    let tie = code.binary(Binary::LogicalAnd, equal, signed);
    let first = code.binary(Binary::LogicalOr, before, tie);
    let chosen = code.select(first, a, b);
    let or_b = code.select(b_nan, b, chosen);
    code.select(a_nan, a, or_b)
}

/// A magnitude as a significand whose top bit stands at `fraction`, and the exponent of that bit (an `i32`).
/// Means nothing for zeros, infinities and NaNs.
fn normalize(code: &mut Code, format: &Format, magnitude: Expr) -> (Expr, Expr) {
    let fraction = code.u32(format.fraction);
    let biased = code.binary(Binary::ShiftRight, magnitude, fraction);
    let biased = super::ops::word(code, format.bits, biased);
    let none = code.u32(0);
    let subnormal = code.binary(Binary::Equal, biased, none);
    let zeros = leading_zeros(code, format, magnitude);
    let before = code.u32(format.bits.bits() - 1 - format.fraction);
    let shift = code.binary(Binary::Subtract, zeros, before);
    let shift = code.select(subnormal, shift, none);
    let raised = code.binary(Binary::ShiftLeft, magnitude, shift);
    let one = code.u32(1);
    let biased = code.select(subnormal, one, biased);
    let [biased, shift] = [biased, shift].map(|value| code.bitcast(value, ScalarKind::Sint));
    let bias = code.scalar(Scalar::int(Type::I32, i128::from(format.bias())));
    let exponent = code.binary(Binary::Subtract, biased, bias);
    let exponent = code.binary(Binary::Subtract, exponent, shift);
    (raised, exponent)
}

fn leading_zeros(code: &mut Code, format: &Format, value: Expr) -> Expr {
    if format.ty == Type::F32 {
        return code.math(MathFunction::CountLeadingZeros, value);
    }
    let half = code.u32(32);
    let high = code.binary(Binary::ShiftRight, value, half);
    let [high, low] = [high, value].map(|part| super::ops::word(code, Type::U64, part));
    let [in_high, in_low] = [high, low].map(|part| code.math(MathFunction::CountLeadingZeros, part));
    let below = code.binary(Binary::Add, in_low, half);
    let none = code.u32(0);
    let empty = code.binary(Binary::Equal, high, none);
    code.select(empty, below, in_high)
}

/// `floor(log2(|x|))`.
pub(crate) fn getexp(code: &mut Code, ty: Type, a: Expr) -> Expr {
    let format = Format::of(ty);
    let magnitude = format.masked(code, a, format.sign() - 1);
    let (_, exponent) = normalize(code, &format, magnitude);
    let value = code.convert(exponent, ScalarKind::Float, ty.bytes() as u8);
    let zero = format.literal(code, 0);
    let is_zero = code.binary(Binary::Equal, magnitude, zero);
    let lowest = code.scalar(Scalar::new(ty, format.sign() | format.infinity()));
    let value = code.select(is_zero, lowest, value);
    let infinity = format.literal(code, format.infinity());
    let special = code.binary(Binary::GreaterEqual, magnitude, infinity);
    let itself = format.of_bits(code, magnitude);
    code.select(special, itself, value)
}

/// The sign of `x` and a magnitude in [1, 2).
pub(crate) fn getmant(code: &mut Code, ty: Type, a: Expr) -> Expr {
    let format = Format::of(ty);
    let magnitude = format.masked(code, a, format.sign() - 1);
    let (significand, _) = normalize(code, &format, magnitude);
    let mask = format.literal(code, (1 << format.fraction) - 1);
    let kept = code.binary(Binary::And, significand, mask);
    let [zero, infinity] = [0, format.infinity()].map(|bits| format.literal(code, bits));
    let is_zero = code.binary(Binary::Equal, magnitude, zero);
    let is_infinite = code.binary(Binary::Equal, magnitude, infinity);
    let special = code.binary(Binary::LogicalOr, is_zero, is_infinite);
    let kept = code.select(special, zero, kept);
    let sign = format.masked(code, a, format.sign());
    let one = format.literal(code, (format.bias() as u64) << format.fraction);
    let signed_one = code.binary(Binary::InclusiveOr, sign, one);
    let bits = code.binary(Binary::InclusiveOr, signed_one, kept);
    let value = format.of_bits(code, bits);
    let nan = format.is_nan(code, a);
    code.select(nan, a, value)
}

/// `x * 2^floor(n)`, rounded once: the mantissa is scaled in two steps of which only the last can round.
pub(crate) fn ldexp(code: &mut Code, ty: Type, a: Expr, n: Expr) -> Expr {
    let format = Format::of(ty);
    let magnitude = format.masked(code, a, format.sign() - 1);
    let (_, exponent) = normalize(code, &format, magnitude);
    let mantissa = getmant(code, ty, a);
    // Any power beyond this over- or underflows whatever it scales.
    let reach = 4 * (format.bias() + i64::from(format.fraction));
    let power = clamp_power(code, &format, n, reach);
    let sum = code.binary(Binary::Add, exponent, power);
    // Half of the bias keeps both factors normal: the exponent that is left is cut to where all results are 0 or inf.
    let step = (format.bias() + 1) / 2;
    let (low, high) = (step - 2 * format.bias(), 2 * format.bias() - step);
    let sum = clamp_int(code, sum, low, high);
    let zero = code.scalar(Scalar::int(Type::I32, 0));
    let negative = code.binary(Binary::Less, sum, zero);
    let [up, down] = [step, -step].map(|step| code.scalar(Scalar::int(Type::I32, i128::from(step))));
    let last = code.select(negative, down, up);
    let first = code.binary(Binary::Subtract, sum, last);
    let first = power_of_two(code, &format, first);
    let last = power_of_two(code, &format, last);
    let scaled = code.binary(Binary::Multiply, mantissa, first);
    let scaled = code.binary(Binary::Multiply, scaled, last);
    special_scale(code, &format, a, n, magnitude, scaled)
}

/// What `ldexp` gives for zeros, infinities and NaNs.
fn special_scale(code: &mut Code, format: &Format, a: Expr, n: Expr, magnitude: Expr, scaled: Expr) -> Expr {
    let [zero, infinity] = [0, format.infinity()].map(|bits| format.literal(code, bits));
    let is_zero = code.binary(Binary::Equal, magnitude, zero);
    let is_infinite = code.binary(Binary::Equal, magnitude, infinity);
    let fixed = code.binary(Binary::LogicalOr, is_zero, is_infinite);
    let value = code.select(fixed, a, scaled);
    let n_bits = format.to_bits(code, n);
    let up = code.binary(Binary::Equal, n_bits, infinity);
    let lowest = format.literal(code, format.sign() | format.infinity());
    let down = code.binary(Binary::Equal, n_bits, lowest);
    let no_up = code.binary(Binary::LogicalAnd, is_zero, up);
    let no_down = code.binary(Binary::LogicalAnd, is_infinite, down);
    let none = code.binary(Binary::LogicalOr, no_up, no_down);
    let (a_nan, n_nan) = (format.is_nan(code, a), format.is_nan(code, n));
    let none = code.binary(Binary::LogicalOr, none, a_nan);
    let none = code.binary(Binary::LogicalOr, none, n_nan);
    let nan = code.scalar(Scalar::new(format.ty, format.infinity() | 1 << (format.fraction - 1)));
    code.select(none, nan, value)
}

/// A power as an `i32`: rounded down and cut to a range.
fn clamp_power(code: &mut Code, format: &Format, n: Expr, reach: i64) -> Expr {
    let floor = code.math(MathFunction::Floor, n);
    let [low, high] = [-reach as f64, reach as f64].map(|bound| format.float(code, bound));
    let below = code.binary(Binary::Less, floor, low);
    let floor = code.select(below, low, floor);
    let inside = code.binary(Binary::Less, floor, high);
    let floor = code.select(inside, floor, high);
    code.convert(floor, ScalarKind::Sint, 4)
}

fn clamp_int(code: &mut Code, value: Expr, low: i64, high: i64) -> Expr {
    let [low, high] = [low, high].map(|bound| code.scalar(Scalar::int(Type::I32, i128::from(bound))));
    let below = code.binary(Binary::Less, value, low);
    let value = code.select(below, low, value);
    let above = code.binary(Binary::Less, high, value);
    code.select(above, high, value)
}

/// `2^e` for a normal exponent, an `i32`.
fn power_of_two(code: &mut Code, format: &Format, exponent: Expr) -> Expr {
    let bias = code.scalar(Scalar::int(Type::I32, i128::from(format.bias())));
    let biased = code.binary(Binary::Add, exponent, bias);
    let biased = code.bitcast(biased, ScalarKind::Uint);
    let biased = if format.ty == Type::F32 { biased } else { code.convert(biased, ScalarKind::Uint, 8) };
    let fraction = code.u32(format.fraction);
    let bits = code.binary(Binary::ShiftLeft, biased, fraction);
    format.of_bits(code, bits)
}

/// `a*b + c` rounded once, for devices whose own rounds twice: the product and the sum are taken exactly, and all but
/// the last rounding are to odd, which the last one cannot mistake (Boldo and Melquiond, "Emulation of a FMA and
/// correctly rounded sums", 2008). For `f64` that holds where no step over- or underflows.
pub(crate) fn fma(code: &mut Code, ty: Type, [a, b, c]: [Expr; 3]) -> Expr {
    if ty == Type::F32 {
        let [a, b, c] = [a, b, c].map(|value| code.convert(value, ScalarKind::Float, 8));
        let product = code.binary(Binary::Multiply, a, b);
        let sum = odd_sum(code, product, c);
        return code.convert(sum, ScalarKind::Float, 4);
    }
    let plain = code.binary(Binary::Multiply, a, b);
    let plain = code.binary(Binary::Add, plain, c);
    let [by_a, by_b, by_c, back] = scales(code, [a, b, c], plain);
    let [a, b, c] = [(a, by_a), (b, by_b), (c, by_c)].map(|(value, by)| code.binary(Binary::Multiply, value, by));
    let (high, low) = two_product(code, a, b);
    let (middle, rest) = two_sum(code, c, low);
    let (top, under) = two_sum(code, high, middle);
    let tail = odd_sum(code, under, rest);
    let exact = code.binary(Binary::Add, top, tail);
    let exact = code.binary(Binary::Multiply, exact, back);
    let odd = odd_sum(code, top, tail);
    let odd = code.binary(Binary::Multiply, odd, back);
    let least = code.scalar(Scalar::f64(f64::MIN_POSITIVE));
    let size = magnitude(code, ty, exact);
    let subnormal = code.binary(Binary::Less, size, least);
    let exact = code.select(subnormal, odd, exact);
    // Splitting overflows for huge factors, infinities and NaNs; there, and for the sign of zero, the plain operations
    // say what comes out.
    let format = Format::of(ty);
    let exponent = format.masked(code, exact, format.infinity());
    let infinity = format.literal(code, format.infinity());
    let failed = code.binary(Binary::Equal, exponent, infinity);
    let zero = code.scalar(Scalar::f64(0.0));
    let (exact_zero, plain_zero) = (code.binary(Binary::Equal, exact, zero), code.binary(Binary::Equal, plain, zero));
    let both = code.binary(Binary::LogicalAnd, exact_zero, plain_zero);
    let failed = code.binary(Binary::LogicalOr, failed, both);
    code.select(failed, plain, exact)
}

/// Powers of two for the factors, the addend and the result of an `fma`, so that neither splitting nor error terms
/// leave the range of floats; `plain` is about the result.
fn scales(code: &mut Code, operands: [Expr; 3], plain: Expr) -> [Expr; 4] {
    let [a, b, c] = operands.map(|value| magnitude(code, Type::F64, value));
    let plain = magnitude(code, Type::F64, plain);
    let bounds = [-900, 900, -300].map(|power| code.scalar(Scalar::f64(2f64.powi(power))));
    let [tiny, huge, little] = bounds;
    let below = |code: &mut Code, value, bound| code.binary(Binary::Less, value, bound);
    let any = |code: &mut Code, first, second| code.binary(Binary::LogicalOr, first, second);
    let (a_huge, b_huge) = (below(code, huge, a), below(code, huge, b));
    let (a_little, b_little) = (below(code, a, little), below(code, b, little));
    let factor_huge = any(code, a_huge, b_huge);
    let result_huge = below(code, huge, plain);
    let large = any(code, factor_huge, result_huge);
    // A small result may also be what two large terms leave; those need no help.
    let (result_tiny, addend_little) = (below(code, plain, tiny), below(code, c, little));
    let small = code.binary(Binary::LogicalAnd, result_tiny, addend_little);
    let chosen = |code: &mut Code, [shrunk, grown, a_raised, b_raised, as_is]: [i32; 5]| {
        let powers = [shrunk, grown, a_raised, b_raised, as_is].map(|power| code.scalar(Scalar::f64(2f64.powi(power))));
        let in_large = code.select(b_little, powers[3], powers[0]);
        let in_large = code.select(a_little, powers[2], in_large);
        let otherwise = code.select(small, powers[1], powers[4]);
        code.select(large, in_large, otherwise)
    };
    // The rows: both factors large, a small result, a huge factor beside a small one, and everything else.
    [
        chosen(code, [-110, 110, 200, -200, 0]),
        chosen(code, [-110, 0, -200, 200, 0]),
        chosen(code, [-220, 110, 0, 0, 0]),
        chosen(code, [220, -110, 0, 0, 0]),
    ]
}

/// A product as the sum of two floats (Dekker, with Veltkamp's splitting).
fn two_product(code: &mut Code, a: Expr, b: Expr) -> (Expr, Expr) {
    let product = code.binary(Binary::Multiply, a, b);
    let [(a_high, a_low), (b_high, b_low)] = [a, b].map(|value| {
        let factor = code.scalar(Scalar::f64(134_217_729.0));
        let scaled = code.binary(Binary::Multiply, factor, value);
        let above = code.binary(Binary::Subtract, scaled, value);
        let high = code.binary(Binary::Subtract, scaled, above);
        (high, code.binary(Binary::Subtract, value, high))
    });
    let parts = [(a_high, b_high), (a_high, b_low), (a_low, b_high), (a_low, b_low)];
    let [first, second, third, fourth] = parts.map(|(a, b)| code.binary(Binary::Multiply, a, b));
    let error = code.binary(Binary::Subtract, first, product);
    let error = code.binary(Binary::Add, error, second);
    let error = code.binary(Binary::Add, error, third);
    let error = code.binary(Binary::Add, error, fourth);
    (product, error)
}

/// A sum as the sum of two floats (Knuth).
fn two_sum(code: &mut Code, a: Expr, b: Expr) -> (Expr, Expr) {
    let sum = code.binary(Binary::Add, a, b);
    let b_part = code.binary(Binary::Subtract, sum, a);
    let a_part = code.binary(Binary::Subtract, sum, b_part);
    let a_error = code.binary(Binary::Subtract, a, a_part);
    let b_error = code.binary(Binary::Subtract, b, b_part);
    (sum, code.binary(Binary::Add, a_error, b_error))
}

/// A sum of `f64`s, rounded to odd: an inexact one gets the neighbor whose last bit is set.
fn odd_sum(code: &mut Code, a: Expr, b: Expr) -> Expr {
    let format = Format::of(Type::F64);
    let (sum, error) = two_sum(code, a, b);
    let bits = format.to_bits(code, sum);
    let [zero, one] = [0, 1].map(|value| format.literal(code, value));
    let last = code.binary(Binary::And, bits, one);
    let even = code.binary(Binary::Equal, last, zero);
    let nothing = code.scalar(Scalar::f64(0.0));
    let (above, below) = (code.binary(Binary::Less, nothing, error), code.binary(Binary::Less, error, nothing));
    let inexact = code.binary(Binary::LogicalOr, above, below);
    let change = code.binary(Binary::LogicalAnd, even, inexact);
    let sign = format.masked(code, sum, format.sign());
    let positive = code.binary(Binary::Equal, sign, zero);
    let away = code.binary(Binary::Equal, positive, above);
    let (up, down) = (code.binary(Binary::Add, bits, one), code.binary(Binary::Subtract, bits, one));
    let moved = code.select(away, up, down);
    let chosen = code.select(change, moved, bits);
    format.of_bits(code, chosen)
}
