//! Correctly rounded functions that CORE-MATH does not have: special cases here, the rest from 256 bits.

use crate::big::{self, Big};
use crate::float::Float;

/// 2^-50.
const STEP_50: f64 = 1.0 / (1u64 << 50) as f64;

fn rounded<T: Float>(value: Big) -> T {
    T::of_f64(value.rounded(T::FRACTION, T::LEAST))
}

/// The rounded value where 50 bits of it tell, which they nearly always do in f32.
fn told_by<T: Float>(value: f64) -> Option<T> {
    let low = T::of_f64(value * (1.0 - STEP_50));
    let high = T::of_f64(value * (1.0 + STEP_50));
    (T::FRACTION < 30 && low.bits() == high.bits()).then_some(low)
}

/// `1 / (1 + e^-x)`.
pub fn sigmoid<T: Float>(x: T) -> T {
    if let Some(value) = told_by(1.0 / (1.0 + core_math::exp(-x.wide()))) {
        return value;
    }
    match x.wide() {
        x if x.is_nan() => T::of_f64(x),
        x if x > 800.0 => T::of_f64(1.0),
        x if x < -800.0 => T::of_f64(0.0),
        x => rounded(big::sigmoid(Big::of(x))),
    }
}

fn proportional<T: Float>(x: T, rough: fn(f64) -> f64, function: fn(Big) -> Big) -> T {
    if let Some(value) = told_by(rough(x.wide())) {
        return value;
    }
    if x.wide() == 0.0 || !x.wide().is_finite() { x } else { rounded(function(Big::of(x.wide()))) }
}

/// Degrees of radians.
pub fn degrees<T: Float>(x: T) -> T {
    proportional(x, f64::to_degrees, big::degrees)
}

/// Radians of degrees.
pub fn radians<T: Float>(x: T) -> T {
    proportional(x, f64::to_radians, big::radians)
}

/// The third power.
pub fn cube<T: Float>(x: T) -> T {
    proportional(x, |x| x * x * x, |x| x * x * x)
}

/// `x^0.5` as `pow` has it.
pub fn half_power<T: Float>(x: T) -> T {
    let x = x.wide();
    T::of_f64(if x == f64::NEG_INFINITY { f64::INFINITY } else { (x + 0.0).sqrt() })
}

/// The remainder with the divisor's sign.
pub fn remainder<T: Float>(x: T, y: T) -> T {
    let (a, b) = (x.wide(), y.wide());
    let r = a % b;
    let same_sign = r.is_sign_negative() == b.is_sign_negative();
    T::of_f64(match r {
        r if r.is_nan() => r,
        0.0 => 0.0f64.copysign(b),
        r if same_sign => r,
        r if b.is_infinite() => b.copysign(b) + r * 0.0,
        r => return T::of_f64(r).plus(y),
    })
}

/// The exact remainder.
pub fn exact_remainder(x: f64, y: f64) -> Big {
    let r = x % y;
    if r != 0.0 && r.is_sign_negative() != y.is_sign_negative() { Big::of(r) + Big::of(y) } else { Big::of(r) }
}

/// The exact floor of the quotient.
pub fn whole_quotient(x: f64, y: f64) -> Big {
    let r = x % y;
    let toward_zero = (Big::of(x) - Big::of(r)) / Big::of(y);
    if r != 0.0 && r.is_sign_negative() != y.is_sign_negative() { toward_zero - Big::ONE } else { toward_zero }
}

/// The floor of the quotient, as NumPy has it.
pub fn floor_quotient<T: Float>(x: T, y: T) -> T {
    let (a, b) = (x.wide(), y.wide());
    if b == 0.0 || a.is_nan() || b.is_nan() || a == 0.0 {
        return T::of_f64(a / b);
    }
    if a.is_infinite() {
        return T::of_f64(f64::NAN);
    }
    if b.is_infinite() {
        return T::of_f64(if a.is_sign_negative() == b.is_sign_negative() { 0.0 } else { -1.0 });
    }
    let whole = whole_quotient(a, b);
    if whole.magnitude() < -1 {
        return T::of_f64(0.0f64.copysign(a / b));
    }
    rounded(whole)
}
