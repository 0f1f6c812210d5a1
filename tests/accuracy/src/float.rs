//! What the two float types have in common here: bits, neighbors, the size of a unit in the last place.

use crate::big::Big;
use hotloop::{Arg, Element};

/// `f32` and `f64`.
pub trait Float: Element + Copy + PartialEq + PartialOrd + Send + Sync {
    /// The name of the type.
    const NAME: &'static str;
    /// The bits of the fraction.
    const FRACTION: i64;
    /// The exponent of the smallest normal value.
    const LEAST: i64;
    /// The power of two that overflows.
    const OVERFLOW: i64;

    /// The value with the low bits of `bits`.
    fn of_bits(bits: u64) -> Self;
    /// The bits.
    fn bits(self) -> u64;
    /// The nearest value.
    fn of_f64(value: f64) -> Self;
    /// The same value.
    fn wide(self) -> f64;
    /// The rounded sum.
    fn plus(self, other: Self) -> Self;
    /// An array argument.
    fn arg(values: &[Self]) -> Arg<'_>;
    /// An array to write.
    fn arg_mut(values: &mut [Self]) -> Arg<'_>;

    /// The distance of a finite result, or of one that overflowed, from the exact one, in units in the last place of
    /// the exact one.
    fn error(self, exact: Big) -> f64 {
        let value = self.wide();
        let got = if value.is_infinite() { Big::ONE.scaled(Self::OVERFLOW) } else { Big::of(value.abs()) };
        let got = if value < 0.0 { -got } else { got };
        (got - exact).scaled(Self::FRACTION - exact.magnitude().clamp(Self::LEAST, Self::OVERFLOW - 1)).near().abs()
    }

    /// The same against an exact result known to 53 bits, for `f32`.
    fn rough_error(self, exact: f64) -> f64 {
        let got = if self.wide().is_infinite() {
            2f64.powi(Self::OVERFLOW as i32).copysign(self.wide())
        } else {
            self.wide()
        };
        let magnitude = (exact.abs().max(2f64.powi(Self::LEAST as i32)).to_bits() >> 52) as i64 - 1023;
        let magnitude = magnitude.min(Self::OVERFLOW - 1);
        ((got - exact) * 2f64.powi((Self::FRACTION - magnitude) as i32)).abs()
    }
}

macro_rules! floats {
    ($($float:ident $unsigned:ident $fraction:literal $least:literal $overflow:literal;)*) => {$(
        impl Float for $float {
            const NAME: &'static str = stringify!($float);
            const FRACTION: i64 = $fraction;
            const LEAST: i64 = $least;
            const OVERFLOW: i64 = $overflow;

            fn of_bits(bits: u64) -> Self {
                $float::from_bits(bits as $unsigned)
            }

            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }

            fn of_f64(value: f64) -> Self {
                value as $float
            }

            fn wide(self) -> f64 {
                f64::from(self)
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }

            fn arg(values: &[Self]) -> Arg<'_> {
                Arg::from(values)
            }

            fn arg_mut(values: &mut [Self]) -> Arg<'_> {
                Arg::from(values)
            }
        }
    )*};
}

floats! {
    f32 u32 23 -126 128;
    f64 u64 52 -1022 1024;
}

/// Whether two results are the same value, any NaN being any other and the signs of zeros counting.
pub fn same<T: Float>(got: T, wanted: T) -> bool {
    got.bits() == wanted.bits() || (got.wide().is_nan() && wanted.wide().is_nan())
}
