//! Correctly rounded functions that CORE-MATH does not have: special cases here, the rest from 256 bits.

use crate::big::{self, Big};
use crate::float::Float;

fn rounded<T: Float>(value: Big) -> T {
    T::of_f64(value.rounded(T::FRACTION, T::LEAST))
}

/// `1 / (1 + e^-x)`.
pub fn sigmoid<T: Float>(x: T) -> T {
    match x.wide() {
        x if x.is_nan() => T::of_f64(x),
        x if x > 800.0 => T::of_f64(1.0),
        x if x < -800.0 => T::of_f64(0.0),
        x => rounded(big::sigmoid(Big::of(x))),
    }
}

fn proportional<T: Float>(x: T, function: fn(Big) -> Big) -> T {
    if x.wide() == 0.0 || !x.wide().is_finite() { x } else { rounded(function(Big::of(x.wide()))) }
}

/// Degrees of radians.
pub fn degrees<T: Float>(x: T) -> T {
    proportional(x, big::degrees)
}

/// Radians of degrees.
pub fn radians<T: Float>(x: T) -> T {
    proportional(x, big::radians)
}

/// The third power.
pub fn cube<T: Float>(x: T) -> T {
    proportional(x, |x| x * x * x)
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
