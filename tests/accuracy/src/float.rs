//! What the two float types have in common here: bits, an order of all values, and the distance between two of them.

use hotloop::{Arg, Element};

/// `f32` and `f64`.
pub trait Float: Element + Copy {
    /// The name of the type.
    const NAME: &'static str;
    /// The exponents of ten between which spread arguments lie.
    const DECADES: f64;

    /// The value with the low bits of `bits`.
    fn of_bits(bits: u64) -> Self;
    /// The nearest value.
    fn of_f64(value: f64) -> Self;
    /// The same value.
    fn wide(self) -> f64;
    /// The place among all values in order, both zeros at 0.
    fn place(self) -> i64;
    /// An array argument.
    fn arg(values: &[Self]) -> Arg<'_>;
}

macro_rules! floats {
    ($($float:ident $signed:ident $unsigned:ident $decades:literal;)*) => {$(
        impl Float for $float {
            const NAME: &'static str = stringify!($float);
            const DECADES: f64 = $decades;

            fn of_bits(bits: u64) -> Self {
                $float::from_bits(bits as $unsigned)
            }

            fn of_f64(value: f64) -> Self {
                value as $float
            }

            fn wide(self) -> f64 {
                f64::from(self)
            }

            fn place(self) -> i64 {
                let bits = self.to_bits() as $signed;
                i64::from(if bits < 0 { $signed::MIN.wrapping_sub(bits) } else { bits })
            }

            fn arg(values: &[Self]) -> Arg<'_> {
                Arg::from(values)
            }
        }
    )*};
}

floats! {
    f32 i32 u32 37.0;
    f64 i64 u64 307.0;
}

/// The number of steps from one value to the next between `got` and `wanted`; the most there is where one is NaN and
/// the other is not, or where a zero has the wrong sign.
pub fn distance<T: Float>(got: T, wanted: T) -> u64 {
    let (a, b) = (got.wide(), wanted.wide());
    if a.is_nan() || b.is_nan() {
        return if a.is_nan() && b.is_nan() { 0 } else { u64::MAX };
    }
    if a == 0.0 && b == 0.0 && a.is_sign_negative() != b.is_sign_negative() {
        return u64::MAX;
    }
    got.place().abs_diff(wanted.place())
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn neighbours_are_one_apart() {
        assert_eq!(distance(1.0f64, 1.0f64.next_up()), 1);
        assert_eq!(distance(f32::from_bits(1), -f32::from_bits(1)), 2);
        assert_eq!(distance(f64::MAX, f64::INFINITY), 1);
    }

    #[test]
    fn a_missing_nan_and_a_wrong_zero_are_as_far_as_can_be() {
        assert_eq!(distance(f64::NAN, f64::NAN), 0);
        assert_eq!(distance(f64::NAN, 1.0), u64::MAX);
        assert_eq!(distance(0.0f32, -0.0), u64::MAX);
    }
}
