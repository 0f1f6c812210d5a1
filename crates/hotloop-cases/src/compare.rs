//! Comparing results: as bits, or within what a case allows. Any NaN equals any NaN.

use crate::case::{Expected, Tolerance};
use crate::data::Data;
use hotloop::{Scalar, Type};

/// Whether a result is what a case expects; the error shows the first difference.
pub fn expect(what: &str, expected: &Expected, found: &Data) -> Result<(), String> {
    compare(what, &expected.data, found, &expected.tolerance)
}

/// Whether two results are the same bits.
pub fn same(what: &str, expected: &Data, found: &Data) -> Result<(), String> {
    compare(what, expected, found, &Tolerance::Exact)
}

fn compare(what: &str, expected: &Data, found: &Data, tolerance: &Tolerance) -> Result<(), String> {
    if (expected.ty, &expected.shape) != (found.ty, &found.shape) {
        return Err(format!(
            "{what} is {} of shape {:?}, expected {} of shape {:?}",
            found.ty, found.shape, expected.ty, expected.shape
        ));
    }
    if expected.bits.len() != found.bits.len() {
        return Err(format!("{what} has {} elements, expected {}", found.bits.len(), expected.bits.len()));
    }
    for at in 0..expected.bits.len() {
        let (want, have) = (expected.get(at), found.get(at));
        if !near(want, have, tolerance) {
            let index = index(at, &expected.shape);
            let off = distance(want, have).map_or(String::new(), |ulps| format!(", {ulps} ulps away"));
            return Err(format!("{what}{index:?} is {have}, expected {want}{off}"));
        }
    }
    Ok(())
}

fn near(want: Scalar, have: Scalar, tolerance: &Tolerance) -> bool {
    if want.ty.is_complex() {
        return near_complex(want, have, tolerance);
    }
    if want == have || (want.is_nan() && have.is_nan()) {
        return true;
    }
    if want.is_nan() || have.is_nan() {
        return false;
    }
    match tolerance {
        Tolerance::Exact => false,
        Tolerance::Ulp(limit) => distance(want, have).is_some_and(|ulps| ulps <= *limit),
        Tolerance::Within(limit) => (want.as_f64() - have.as_f64()).abs() <= *limit,
    }
}

/// Part by part; a last place is that of the larger part.
fn near_complex(want: Scalar, have: Scalar, tolerance: &Tolerance) -> bool {
    let (wanted, had) = (want.parts(), have.parts());
    let unit = wanted.iter().map(|part| last_place(*part)).fold(0.0, f64::max);
    wanted.iter().zip(had).all(|(want, have)| {
        let within = match tolerance {
            Tolerance::Ulp(limit) => Tolerance::Within(unit * *limit as f64),
            Tolerance::Exact => Tolerance::Exact,
            Tolerance::Within(limit) => Tolerance::Within(*limit),
        };
        near(*want, have, &within)
    })
}

/// The distance to the next float away from 0; 0 for what is not finite.
fn last_place(part: Scalar) -> f64 {
    let next = Scalar::new(part.ty, part.bits.wrapping_add(1));
    let distance = (next.as_f64() - part.as_f64()).abs();
    if distance.is_finite() { distance } else { 0.0 }
}

/// How many floats lie between two; none for other types.
pub fn distance(a: Scalar, b: Scalar) -> Option<u64> {
    // Bits as sign and magnitude become numbers in the order of the floats, with both zeros in one place.
    let place = |scalar: Scalar, sign: u64| {
        let magnitude = (scalar.bits & (sign - 1)) as i128;
        if scalar.bits & sign == 0 { magnitude } else { -magnitude }
    };
    let sign = match a.ty {
        Type::F32 => 1 << 31,
        Type::F64 => 1 << 63,
        Type::F16 | Type::BF16 => 1 << 15,
        Type::Bool | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            return None;
        }
        Type::C64 | Type::C128 => return None,
    };
    Some((place(a, sign) - place(b, sign)).unsigned_abs() as u64)
}

/// The indices of an element from its place in C order.
pub fn index(at: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = at;
    let mut index = vec![0; shape.len()];
    for (slot, extent) in index.iter_mut().zip(shape).rev() {
        *slot = rest % extent;
        rest /= extent;
    }
    index
}
