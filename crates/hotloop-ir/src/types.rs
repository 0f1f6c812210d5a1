//! The table of element types, and typed constants.
//!
//! A row per type: everything else that knows about types (names, sizes, classes, iteration) is derived from it.
//! Promotion rules belong to the front end; arithmetic on constants belongs to `semantics`.

use crate::half::{BF16, F16};
use std::fmt;

/// What arithmetic a type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Truth values; stored as one byte, 0 or 1.
    Bool,
    /// Two's complement integers.
    Signed,
    /// Unsigned integers.
    Unsigned,
    /// IEEE 754 binary floats.
    Float,
    /// Floats of two bytes: stored, copied and chosen between, never computed with. Their value is read through `f32`.
    Half,
    /// A real and an imaginary part: a type of the language and of its callers. Programs have the parts in its place.
    Complex,
}

macro_rules! element_types {
    ($($variant:ident $name:literal $bytes:literal $class:ident;)*) => {
        /// The type of one array element, and of every scalar value in a program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Type {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Type {
            /// Every type, in the order of the table.
            pub const ALL: &'static [Type] = &[$(Type::$variant),*];

            /// The name used in the language and in every printed form.
            pub const fn name(self) -> &'static str {
                match self { $(Type::$variant => $name,)* }
            }

            /// Bytes one element takes in memory.
            pub const fn bytes(self) -> usize {
                match self { $(Type::$variant => $bytes,)* }
            }

            /// What arithmetic the type has.
            pub const fn class(self) -> Class {
                match self { $(Type::$variant => Class::$class,)* }
            }

            /// The type with this name.
            pub fn from_name(name: &str) -> Option<Type> {
                match name { $($name => Some(Type::$variant),)* _ => None }
            }
        }
    };
}

element_types! {
    // variant name bytes class
    Bool "bool" 1 Bool;
    I8   "i8"   1 Signed;
    I16  "i16"  2 Signed;
    I32  "i32"  4 Signed;
    I64  "i64"  8 Signed;
    U8   "u8"   1 Unsigned;
    U16  "u16"  2 Unsigned;
    U32  "u32"  4 Unsigned;
    U64  "u64"  8 Unsigned;
    F32  "f32"  4 Float;
    F64  "f64"  8 Float;
    BF16 "bf16" 2 Half;
    F16  "f16"  2 Half;
    C64  "c64"  8 Complex;
    C128 "c128" 16 Complex;
}

impl Type {
    /// Bits of one element.
    pub const fn bits(self) -> u32 {
        self.bytes() as u32 * 8
    }

    /// `f32` or `f64`.
    pub const fn is_float(self) -> bool {
        matches!(self.class(), Class::Float)
    }

    /// A signed or unsigned integer; not `bool`.
    pub const fn is_int(self) -> bool {
        matches!(self.class(), Class::Signed | Class::Unsigned)
    }

    /// A signed integer.
    pub const fn is_signed(self) -> bool {
        matches!(self.class(), Class::Signed)
    }

    /// `f16` or `bf16`: stored in two bytes, computed in `f32`.
    pub const fn is_half(self) -> bool {
        matches!(self.class(), Class::Half)
    }

    /// `c64` or `c128`: two floats, the real part first.
    pub const fn is_complex(self) -> bool {
        matches!(self.class(), Class::Complex)
    }

    /// The type of the parts of a complex number; a type that has no parts is its own.
    pub const fn part(self) -> Type {
        match self {
            Type::C64 => Type::F32,
            Type::C128 => Type::F64,
            Type::Bool
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::F32
            | Type::F64
            | Type::BF16
            | Type::F16 => self,
        }
    }

    /// The complex type whose parts are this float; none for other types.
    pub const fn complex(self) -> Option<Type> {
        match self {
            Type::F32 => Some(Type::C64),
            Type::F64 => Some(Type::C128),
            Type::Bool
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::BF16
            | Type::F16
            | Type::C64
            | Type::C128 => None,
        }
    }

    /// Every type that programs have: all but the complex ones.
    pub fn reals() -> impl Iterator<Item = Type> {
        Type::ALL.iter().copied().filter(|ty| !ty.is_complex())
    }

    /// Integer or float: a type with arithmetic of its own.
    pub const fn is_numeric(self) -> bool {
        !matches!(self.class(), Class::Bool | Class::Half | Class::Complex)
    }

    /// Integer, float or complex: a type with arithmetic in the language.
    pub const fn is_number(self) -> bool {
        self.is_numeric() || self.is_complex()
    }

    /// The bits of a value of this type, or of each of its parts, inside a 64-bit word.
    pub const fn mask(self) -> u64 {
        if self.part().bytes() == 8 { u64::MAX } else { (1 << (self.part().bytes() * 8)) - 1 }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar of any element type: its type and its bits, zero-extended to 64.
///
/// Integers are two's complement, floats IEEE bits, `bool` is 0 or 1. Equality is equality of bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    /// The element type.
    pub ty: Type,
    /// The bits, of a complex number those of the real part; those above the type's width are zero.
    pub bits: u64,
    /// The bits of the imaginary part; zero for all other types.
    pub imag: u64,
}

impl Scalar {
    /// A scalar from raw bits; bits above the type's width are dropped.
    pub const fn new(ty: Type, bits: u64) -> Scalar {
        Scalar { ty, bits: bits & ty.mask(), imag: 0 }
    }

    /// A complex number from the bits of its parts; bits above the width of a part are dropped.
    pub const fn complex(ty: Type, real: u64, imag: u64) -> Scalar {
        Scalar { ty, bits: real & ty.mask(), imag: imag & ty.mask() }
    }

    /// The parts of a complex number; of another one itself and zero bits.
    pub const fn parts(self) -> [Scalar; 2] {
        let ty = self.ty.part();
        [Scalar::new(ty, self.bits), Scalar::new(ty, self.imag)]
    }

    /// The bytes in memory, the low byte first; as many as the type has.
    pub fn to_bytes(self) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        let size = self.ty.part().bytes();
        bytes[..8].copy_from_slice(&self.bits.to_le_bytes());
        if self.ty.is_complex() {
            bytes[size..2 * size].copy_from_slice(&self.imag.to_le_bytes()[..size]);
        }
        (bytes, self.ty.bytes())
    }

    /// The scalar whose bytes these are; those that lack are 0.
    pub fn from_bytes(ty: Type, bytes: &[u8]) -> Scalar {
        let word = |at: usize| {
            let mut word = [0; 8];
            let part = bytes.iter().skip(at).take(ty.part().bytes());
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(word)
        };
        match ty.is_complex() {
            true => Scalar::complex(ty, word(0), word(ty.part().bytes())),
            false => Scalar::new(ty, word(0)),
        }
    }

    /// A truth value.
    pub const fn bool(value: bool) -> Scalar {
        Scalar::new(Type::Bool, value as u64)
    }

    /// An `i64`.
    pub const fn i64(value: i64) -> Scalar {
        Scalar::new(Type::I64, value as u64)
    }

    /// An `f32`.
    pub const fn f32(value: f32) -> Scalar {
        Scalar::new(Type::F32, value.to_bits() as u64)
    }

    /// An `f64`.
    pub const fn f64(value: f64) -> Scalar {
        Scalar::new(Type::F64, value.to_bits())
    }

    /// The nearest number of a half type.
    pub fn half(ty: Type, value: f64) -> Scalar {
        let format = if ty == Type::BF16 { BF16 } else { F16 };
        Scalar::new(ty, format.round(value))
    }

    /// An integer of type `ty` that wraps modulo its width. `ty` must not be a float.
    pub const fn int(ty: Type, value: i128) -> Scalar {
        Scalar::new(ty, value as u64)
    }

    /// The value of an integer or bool, sign-extended; floats give their bits.
    pub const fn as_i128(self) -> i128 {
        match self.ty.class() {
            Class::Signed => {
                let shift = 64 - self.ty.bits();
                (((self.bits << shift) as i64) >> shift) as i128
            }
            Class::Bool | Class::Unsigned | Class::Float | Class::Half | Class::Complex => self.bits as i128,
        }
    }

    /// The value of an `i64`-sized quantity; other types are sign- or zero-extended first.
    pub const fn as_i64(self) -> i64 {
        self.as_i128() as i64
    }

    /// The value of a float, widened exactly, of a complex number the real part; integers and bool give their bits read as
    /// a number.
    pub fn as_f64(self) -> f64 {
        match self.ty {
            Type::F32 => f32::from_bits(self.bits as u32) as f64,
            Type::F64 => f64::from_bits(self.bits),
            Type::F16 => F16.value(self.bits),
            Type::BF16 => BF16.value(self.bits),
            Type::C64 | Type::C128 => self.parts()[0].as_f64(),
            Type::Bool
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64 => self.as_i128() as f64,
        }
    }

    /// Whether a `bool` is true; for other types, whether any bit is set.
    pub const fn is_true(self) -> bool {
        self.bits != 0 || self.imag != 0
    }

    /// Whether a float, or a part of a complex number, is a NaN; false for all other types.
    pub fn is_nan(self) -> bool {
        match self.ty.class() {
            Class::Float | Class::Half => self.as_f64().is_nan(),
            Class::Complex => self.parts().iter().any(|part| part.is_nan()),
            Class::Bool | Class::Signed | Class::Unsigned => false,
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Scalar {
    /// Prints so that the text reads back to the same bits: `2i32`, `0.5f32`, `nan`s with their bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ty.class() {
            Class::Bool => write!(f, "{}", self.is_true()),
            Class::Signed | Class::Unsigned => write!(f, "{}{}", self.as_i128(), self.ty),
            Class::Complex => write!(f, "{:?}+{:?}j", self.parts()[0], self.parts()[1]),
            Class::Float | Class::Half if self.is_nan() => write!(f, "nan:{:#x}{}", self.bits, self.ty),
            Class::Float if self.ty == Type::F32 => write!(f, "{:?}f32", f32::from_bits(self.bits as u32)),
            Class::Float => write!(f, "{:?}f64", f64::from_bits(self.bits)),
            Class::Half => write!(f, "{:?}{}", self.as_f64(), self.ty),
        }
    }
}
