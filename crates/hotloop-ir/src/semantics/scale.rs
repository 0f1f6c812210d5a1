//! `ldexp`, `getexp` and `getmant` on the bits of a float: exact, with at most one rounding at the end.
//!
//! They mean what AVX-512's `vscalef`, `vgetexp` and `vgetmant` mean, except that a NaN operand of `ldexp` always gives
//! NaN (`vscalef` of a quiet NaN by an infinity gives +inf or 0).

/// The layout of a binary float.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Bits of the fraction.
    fraction: u32,
    /// Bits of the exponent.
    exponent: u32,
}

/// `f32`.
pub(super) const F32: Format = Format { fraction: 23, exponent: 8 };
/// `f64`.
pub(super) const F64: Format = Format { fraction: 52, exponent: 11 };

impl Format {
    const fn bias(self) -> i32 {
        (1 << (self.exponent - 1)) - 1
    }

    const fn sign(self) -> u64 {
        1 << (self.fraction + self.exponent)
    }

    /// Also the magnitude above which a float is a NaN.
    const fn infinity(self) -> u64 {
        ((1 << self.exponent) - 1) << self.fraction
    }

    const fn nan(self) -> u64 {
        self.infinity() | 1 << (self.fraction - 1)
    }

    /// A nonzero finite magnitude as a significand with its top bit at `fraction`, and the exponent of that bit.
    fn normalize(self, magnitude: u64) -> (u64, i32) {
        let biased = (magnitude >> self.fraction) as i32;
        if biased > 0 {
            let hidden = 1 << self.fraction;
            return (magnitude & (hidden - 1) | hidden, biased - self.bias());
        }
        let shift = magnitude.leading_zeros() - (63 - self.fraction);
        (magnitude << shift, 1 - self.bias() - shift as i32)
    }

    /// The float nearest to a normalized significand at an exponent; ties go to even.
    fn round(self, significand: u64, exponent: i32) -> u64 {
        let biased = exponent + self.bias();
        if biased > 2 * self.bias() {
            return self.infinity();
        }
        if biased >= 1 {
            return (biased as u64) << self.fraction | (significand & ((1 << self.fraction) - 1));
        }
        let shift = (1 - biased) as u32;
        if shift > self.fraction + 1 {
            return 0;
        }
        let kept = significand >> shift;
        let lost = significand & ((1 << shift) - 1);
        let half = 1 << (shift - 1);
        // A carry out of the largest subnormal gives the smallest normal by itself.
        kept + u64::from(lost > half || (lost == half && kept & 1 == 1))
    }
}

/// `x * 2^floor(n)`, rounded once.
pub(super) fn ldexp(format: Format, x: u64, n: f64) -> u64 {
    let sign = x & format.sign();
    let magnitude = x & !format.sign();
    let infinity = format.infinity();
    if magnitude > infinity || n.is_nan() {
        return format.nan();
    }
    if (magnitude == 0 && n == f64::INFINITY) || (magnitude == infinity && n == f64::NEG_INFINITY) {
        return format.nan();
    }
    if magnitude == 0 || magnitude == infinity {
        return x;
    }
    let (significand, exponent) = format.normalize(magnitude);
    // Any power beyond this over- or underflows whatever it scales; infinite powers are clamped like the others.
    let power = n.floor().clamp(-10_000.0, 10_000.0) as i32;
    sign | format.round(significand, exponent + power)
}

/// `floor(log2(|x|))`.
pub(super) fn getexp(format: Format, x: u64) -> u64 {
    let magnitude = x & !format.sign();
    if magnitude >= format.infinity() {
        return magnitude;
    }
    if magnitude == 0 {
        return format.sign() | format.infinity();
    }
    from_int(format, format.normalize(magnitude).1)
}

/// `x / 2^getexp(x)`: the sign of `x` and a magnitude in [1, 2).
pub(super) fn getmant(format: Format, x: u64) -> u64 {
    let sign = x & format.sign();
    let magnitude = x & !format.sign();
    let one = (format.bias() as u64) << format.fraction;
    if magnitude > format.infinity() {
        return x;
    }
    if magnitude == 0 || magnitude == format.infinity() {
        return sign | one;
    }
    sign | one | (format.normalize(magnitude).0 & ((1 << format.fraction) - 1))
}

/// A small integer as a float.
fn from_int(format: Format, value: i32) -> u64 {
    if value == 0 {
        return 0;
    }
    let sign = if value < 0 { format.sign() } else { 0 };
    let magnitude = u64::from(value.unsigned_abs());
    let exponent = 63 - magnitude.leading_zeros();
    sign | format.round(magnitude << (format.fraction - exponent), exponent as i32)
}
