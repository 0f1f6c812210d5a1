//! The two half formats: what their bits mean, and how a number is rounded to them.
//!
//! For constants, for the interpreter's host and for tests. Kernels convert by integer ops instead, which
//! `build::half` spells out; the suite compares the two for every pattern of bits.

/// A binary float of two bytes: a sign, then the exponent, then the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    /// Bits of the fraction.
    fraction: u32,
    /// The exponent of the smallest normal number.
    least: i32,
}

/// IEEE 754 binary16.
pub const F16: Half = Half { fraction: 10, least: -14 };
/// The upper half of an `f32`.
pub const BF16: Half = Half { fraction: 7, least: -126 };

const SIGN: u64 = 0x8000;

impl Half {
    /// The bits of infinity: all ones in the exponent.
    const fn infinity(self) -> u64 {
        0x7fff >> self.fraction << self.fraction
    }

    /// The number these bits stand for, exactly.
    pub fn value(self, bits: u64) -> f64 {
        let magnitude = bits & 0x7fff;
        let fraction = (magnitude & ((1 << self.fraction) - 1)) as f64;
        let exponent = (magnitude >> self.fraction) as i32;
        let unit = f64::from(self.least - self.fraction as i32).exp2();
        let value = match magnitude.cmp(&self.infinity()) {
            std::cmp::Ordering::Greater => f64::NAN,
            std::cmp::Ordering::Equal => f64::INFINITY,
            std::cmp::Ordering::Less if exponent == 0 => fraction * unit,
            std::cmp::Ordering::Less => {
                (fraction + (1 << self.fraction) as f64) * unit * f64::from(exponent - 1).exp2()
            }
        };
        if bits & SIGN == 0 { value } else { -value }
    }

    /// The bits of the nearest number, to even on a tie; beyond the largest by half a unit it is infinity.
    pub fn round(self, value: f64) -> u64 {
        let sign = if value.is_sign_negative() { SIGN } else { 0 };
        if value.is_nan() {
            return sign | self.infinity() | 1 << (self.fraction - 1);
        }
        // All from here on is infinity.
        let magnitude = value.abs().min(128f64.exp2());
        let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(self.least);
        // A power of two, so that scaling is exact; what is below the least unit vanishes without a trace anyway.
        let scaled = magnitude * f64::from(self.fraction as i32 - exponent).exp2();
        let units = scaled.round_ties_even();
        let bits = units as u64 + (((exponent - self.least) as u64) << self.fraction);
        sign | bits.min(self.infinity())
    }
}

#[cfg(test)]
mod tests {
    use super::{BF16, F16};

    #[test]
    fn every_pattern_comes_back() {
        for format in [F16, BF16] {
            for bits in 0..=0xffff {
                let value = format.value(bits);
                if !value.is_nan() {
                    assert_eq!(format.round(value), bits, "{format:?} {bits:#x}");
                }
            }
        }
    }

    #[test]
    fn bfloats_are_the_upper_halves_of_floats() {
        for bits in 0..=0xffffu32 {
            let wide = f32::from_bits(bits << 16);
            assert!(wide.is_nan() || f64::from(wide) == BF16.value(bits.into()), "{bits:#x}");
        }
    }

    #[test]
    fn ties_go_to_even_and_the_largest_to_infinity() {
        let unit = (-24f64).exp2();
        assert_eq!([0.5, 0.75, 1.5, 2.5].map(|n| F16.round(n * unit)), [0, 1, 2, 2]);
        assert_eq!([65504.0, 65519.99, 65520.0, 1e300].map(|x| F16.round(x)), [0x7bff, 0x7bff, 0x7c00, 0x7c00]);
        assert_eq!([1.0, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0].map(|x| F16.round(x)), [0x3c00, 0x3c00, 0x3c02]);
        assert_eq!(F16.round(-1e-300), 0x8000);
        assert_eq!(F16.round(f64::NAN), 0x7e00);
        assert_eq!(BF16.round(f64::from(f32::MAX)), 0x7f80);
    }
}
