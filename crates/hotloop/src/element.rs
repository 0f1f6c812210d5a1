//! The Rust types that array elements and scalars can have: one row per element type.
//!
//! The types themselves are defined in the IR; this ties each to its Rust type.

use hotloop_ir::{Scalar, Type};
use num_complex::Complex;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is an element type. All are plain values without padding; the trait is closed because memory is
/// read and written through it.
pub trait Element: Copy + Send + Sync + PartialEq + std::fmt::Debug + 'static + sealed::Sealed {
    /// The element type.
    const TYPE: Type;

    /// This value as a scalar of its type.
    fn to_scalar(self) -> Scalar;

    /// The value of a scalar, if it is of this type.
    fn from_scalar(scalar: Scalar) -> Option<Self>;
}

macro_rules! elements {
    ($($rust:ty, $variant:ident, $to:expr, $from:expr;)*) => {$(
        impl sealed::Sealed for $rust {}

        impl Element for $rust {
            const TYPE: Type = Type::$variant;

            fn to_scalar(self) -> Scalar {
                let to: fn($rust) -> u64 = $to;
                Scalar::new(Type::$variant, to(self))
            }

            fn from_scalar(scalar: Scalar) -> Option<$rust> {
                let from: fn(u64) -> $rust = $from;
                (scalar.ty == Type::$variant).then(|| from(scalar.bits))
            }
        }

        impl From<&$rust> for crate::Arg<'_> {
            fn from(value: &$rust) -> Self {
                crate::Arg::Scalar(value.to_scalar())
            }
        }
    )*};
}

elements! {
    bool, Bool, |value| value.into(), |bits| bits != 0;
    i8, I8, |value| value as u64, |bits| bits as i8;
    i16, I16, |value| value as u64, |bits| bits as i16;
    i32, I32, |value| value as u64, |bits| bits as i32;
    i64, I64, |value| value as u64, |bits| bits as i64;
    u8, U8, |value| value.into(), |bits| bits as u8;
    u16, U16, |value| value.into(), |bits| bits as u16;
    u32, U32, |value| value.into(), |bits| bits as u32;
    u64, U64, |value| value, |bits| bits;
    f32, F32, |value| value.to_bits().into(), |bits| f32::from_bits(bits as u32);
    f64, F64, |value| value.to_bits(), f64::from_bits;
    half::f16, F16, |value| value.to_bits().into(), |bits| half::f16::from_bits(bits as u16);
    half::bf16, BF16, |value| value.to_bits().into(), |bits| half::bf16::from_bits(bits as u16);
}

macro_rules! complex_elements {
    ($($part:ty, $variant:ident;)*) => {$(
        impl sealed::Sealed for Complex<$part> {}

        impl Element for Complex<$part> {
            const TYPE: Type = Type::$variant;

            fn to_scalar(self) -> Scalar {
                Scalar::complex(Type::$variant, self.re.to_bits().into(), self.im.to_bits().into())
            }

            fn from_scalar(scalar: Scalar) -> Option<Complex<$part>> {
                let [re, im] = scalar.parts().map(<$part>::from_scalar);
                Some(Complex::new(re?, im?)).filter(|_| scalar.ty == Type::$variant)
            }
        }

        impl From<&Complex<$part>> for crate::Arg<'_> {
            fn from(value: &Complex<$part>) -> Self {
                crate::Arg::Scalar(value.to_scalar())
            }
        }
    )*};
}

complex_elements! {
    f32, C64;
    f64, C128;
}

#[cfg(test)]
mod tests {
    use super::Element;
    use hotloop_ir::Type;
    use num_complex::Complex;

    fn round_trip<T: Element>(values: &[T]) {
        assert_eq!(T::TYPE.bytes(), size_of::<T>());
        for value in values {
            assert_eq!(T::from_scalar(value.to_scalar()), Some(*value));
        }
    }

    #[test]
    fn scalars_come_back() {
        round_trip(&[false, true]);
        round_trip(&[i8::MIN, -1, 0, i8::MAX]);
        round_trip(&[i16::MIN, -1, 0, i16::MAX]);
        round_trip(&[i32::MIN, -1, 0, i32::MAX]);
        round_trip(&[i64::MIN, -1, 0, i64::MAX]);
        round_trip(&[0, u8::MAX]);
        round_trip(&[0, u16::MAX]);
        round_trip(&[0, u32::MAX]);
        round_trip(&[0, u64::MAX]);
        round_trip(&[-0.0f32, 1.5, f32::MIN_POSITIVE, f32::INFINITY]);
        round_trip(&[-0.0f64, 1.5, f64::MIN_POSITIVE, f64::NEG_INFINITY]);
        round_trip(&[half::f16::MIN_POSITIVE, half::f16::MAX, half::f16::NEG_INFINITY]);
        round_trip(&[half::bf16::MIN_POSITIVE, half::bf16::MAX, half::bf16::NEG_INFINITY]);
        round_trip(&[Complex::new(-0.0f32, 1.5), Complex::new(f32::INFINITY, -2.5)]);
        round_trip(&[Complex::new(-0.0f64, 1.5), Complex::new(f64::INFINITY, -2.5)]);
        assert_eq!((-1i32).to_scalar().bits, 0xffff_ffff);
        assert_eq!(f32::from_scalar(1.0f64.to_scalar()), None);
        assert_eq!(u8::TYPE, Type::U8);
    }
}
