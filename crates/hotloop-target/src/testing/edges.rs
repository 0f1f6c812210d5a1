//! Values at which ops and conversions go wrong, per type.

use hotloop_ir::{Class, Scalar, Type};

/// Many awkward values of a type.
pub fn edges(ty: Type) -> Vec<Scalar> {
    match ty.class() {
        Class::Bool => vec![Scalar::bool(false), Scalar::bool(true)],
        Class::Signed | Class::Unsigned => int_edges(ty),
        Class::Float | Class::Half => float_edges(ty, FLOATS),
        Class::Complex => Vec::new(),
    }
}

/// A dozen of them, for ops with three operands.
pub fn few_edges(ty: Type) -> Vec<Scalar> {
    match ty.class() {
        Class::Bool | Class::Signed | Class::Unsigned => edges(ty).into_iter().take(12).collect(),
        Class::Float | Class::Half => float_edges(ty, &FLOATS[..14]),
        Class::Complex => Vec::new(),
    }
}

/// Small numbers, both ends of the range, powers of two and their neighbors (also shift counts), and numbers that no
/// float of the same width holds.
fn int_edges(ty: Type) -> Vec<Scalar> {
    let bits = ty.bits();
    let top = 1i128 << (bits - 1);
    let mut values = vec![0, 1, -1, 2, -2, 3, -7, top, top - 1, top + 1, 10, i128::from(bits)];
    values.extend([100, i128::from(bits) - 1, i128::from(bits) + 1, top / 2, -top / 2 - 1, 0x5555_5555_5555_5555]);
    values.extend([(1 << 24) + 1, (1 << 53) + 1, (1 << 40) + 3, 1 << 31, (1 << 63) - 513, top - 65, 77, -33]);
    let mut scalars: Vec<Scalar> = values.into_iter().map(|value| Scalar::int(ty, value)).collect();
    let mut seen = std::collections::HashSet::new();
    scalars.retain(|scalar| seen.insert(*scalar));
    scalars
}

/// Widened to `f64`; those an `f32` cannot hold round.
const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.1,
    -2.5,
    3.5,
    1e30,
    -1e-30,
    1.5,
    1.000_000_119_209_289_6,
    0.5,
    -0.5,
    0.499_999_999_999_999_94,
    0.499_999_97,
    2.5,
    127.5,
    -128.5,
    255.0,
    256.0,
    -129.0,
    32767.9,
    65536.0,
    2147483647.0,
    2147483648.0,
    -2147483649.0,
    4294967295.5,
    4294967296.0,
    9007199254740993.0,
    4503599627370497.5,
    8388609.5,
    -8388607.5,
    9223372036854775807.0,
    9223372036854774784.0,
    -9223372036854775808.0,
    -9223372036854777856.0,
    18446744073709551615.0,
    18446744073709549568.0,
    3.402_823_466_385_288_6e38,
    3.402_823_567e38,
    1.175_494_350_822_287_5e-38,
    1.4e-45,
    7.0e-46,
    -2.1e-45,
    1e-310,
    5e-324,
    2.225_073_858_507_201e-308,
    f64::MAX,
    f64::MIN_POSITIVE,
    150.0,
    -149.5,
    -1074.0,
    1023.0,
    -2000.25,
    1e10,
];

/// The floats, and for `f32` its own subnormals and end of range, which are in the table as decimal numbers.
fn float_edges(ty: Type, table: &[f64]) -> Vec<Scalar> {
    let make = |value: &f64| match ty {
        Type::F32 => Scalar::f32(*value as f32),
        Type::F16 | Type::BF16 => Scalar::half(ty, *value),
        Type::Bool
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::C64
        | Type::C128
        | Type::F64 => Scalar::f64(*value),
    };
    table.iter().map(make).collect()
}
