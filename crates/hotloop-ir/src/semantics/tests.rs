//! The meaning of ops against expectations written down or computed in another way.

use super::*;
use crate::ops::FoldOp;

fn ints() -> impl Iterator<Item = Type> {
    Type::ALL.iter().copied().filter(|ty| ty.is_int())
}

fn int(ty: Type, value: i128) -> Scalar {
    Scalar::int(ty, value)
}

/// Small numbers and both ends of the range.
fn some_ints(ty: Type) -> Vec<Scalar> {
    let (low, high) = range(ty);
    [0, 1, -1, 2, -2, 3, 7, -7, 100, low, low + 1, low / 2, high, high - 1, high / 2]
        .map(|value| int(ty, value))
        .to_vec()
}

fn range(ty: Type) -> (i128, i128) {
    if ty.is_signed() { (-(1 << (ty.bits() - 1)), (1 << (ty.bits() - 1)) - 1) } else { (0, (1 << ty.bits()) - 1) }
}

/// The value modulo the width of the type, computed without bit operations.
fn wrapped(ty: Type, value: i128) -> i128 {
    let (low, high) = range(ty);
    (value - low).rem_euclid(high - low + 1) + low
}

const F64S: [f64; 15] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    2.5,
    3.5,
    -0.3,
    1e300,
    5e-324,
    -1e-310,
    f64::MAX,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    0.1,
];

fn f64s(op: Op, args: &[f64]) -> f64 {
    eval(op, &args.iter().map(|x| Scalar::f64(*x)).collect::<Vec<_>>()).as_f64()
}

fn f32s(op: Op, args: &[f32]) -> f32 {
    eval(op, &args.iter().map(|x| Scalar::f32(*x)).collect::<Vec<_>>()).as_f64() as f32
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn integer_arithmetic_wraps() {
    for ty in ints() {
        for a in some_ints(ty) {
            let x = a.as_i128();
            assert_eq!(eval(Op::Neg, &[a]).as_i128(), wrapped(ty, -x), "{a}");
            assert_eq!(eval(Op::Abs, &[a]).as_i128(), wrapped(ty, if x < 0 { -x } else { x }), "{a}");
            assert_eq!(eval(Op::Not, &[a]).as_i128(), wrapped(ty, -x - 1), "{a}");
            for b in some_ints(ty) {
                let y = b.as_i128();
                let of = |op| eval(op, &[a, b]).as_i128();
                assert_eq!(of(Op::Add), wrapped(ty, x + y), "{a} + {b}");
                assert_eq!(of(Op::Sub), wrapped(ty, x - y), "{a} - {b}");
                let product = (0..ty.bits()).filter(|bit| b.bits >> bit & 1 == 1);
                let product = product.fold(0, |sum, bit| wrapped(ty, sum + wrapped(ty, x << bit)));
                assert_eq!(of(Op::Mul), product, "{a} * {b}");
                assert_eq!(of(Op::Min), if x < y { x } else { y });
                assert_eq!(of(Op::Max), if x < y { y } else { x });
            }
        }
    }
}

#[test]
fn integer_division_floors_and_never_traps() {
    for (x, y, quotient, rest) in [
        (7, 2, 3, 1),
        (-7, 2, -4, 1),
        (7, -2, -4, -1),
        (-7, -2, 3, -1),
        (6, 3, 2, 0),
        (-6, 3, -2, 0),
        (5, 0, 0, 0),
        (-5, 0, 0, 0),
    ] {
        for ty in [Type::I8, Type::I16, Type::I32, Type::I64] {
            assert_eq!(eval(Op::FloorDiv, &[int(ty, x), int(ty, y)]), int(ty, quotient), "{x} // {y} {ty}");
            assert_eq!(eval(Op::FloorRem, &[int(ty, x), int(ty, y)]), int(ty, rest), "{x} % {y} {ty}");
        }
    }
    for ty in ints() {
        let (low, high) = range(ty);
        let minus_one = int(ty, -1);
        if ty.is_signed() {
            assert_eq!(eval(Op::FloorDiv, &[int(ty, low), minus_one]), int(ty, low), "wraps");
            assert_eq!(eval(Op::FloorRem, &[int(ty, low), minus_one]), int(ty, 0));
        } else {
            assert_eq!(eval(Op::FloorDiv, &[int(ty, high), int(ty, 2)]), int(ty, high / 2));
        }
        for a in some_ints(ty) {
            for b in some_ints(ty).into_iter().filter(|b| b.bits != 0) {
                let (q, r) = (eval(Op::FloorDiv, &[a, b]).as_i128(), eval(Op::FloorRem, &[a, b]).as_i128());
                assert_eq!(wrapped(ty, q * b.as_i128() + r), a.as_i128(), "{a} {b}");
                assert!(r == 0 || (r < 0) == (b.as_i128() < 0), "{a} % {b} has the sign of the divisor");
                assert!(r.abs() < b.as_i128().abs());
            }
        }
    }
}

#[test]
fn shifts_by_any_count_are_defined() {
    for ty in ints() {
        let bits = i128::from(ty.bits());
        for a in some_ints(ty) {
            for count in [0, 1, 3, bits - 1, bits, bits + 1, 100, -1] {
                let count = int(ty, count);
                let n = count.as_i128();
                let inside = n >= 0 && n < bits;
                let power = if inside { 1i128 << n } else { 1 };
                let left = if inside { wrapped(ty, a.as_i128() * power) } else { 0 };
                let right = if inside { a.as_i128().div_euclid(power) } else { -i128::from(a.as_i128() < 0) };
                assert_eq!(eval(Op::Shl, &[a, count]).as_i128(), left, "{a} << {count}");
                assert_eq!(eval(Op::Shr, &[a, count]).as_i128(), right, "{a} >> {count}");
            }
        }
    }
}

#[test]
fn bit_ops_work_on_ints_and_truth_values() {
    for ty in ints() {
        let (a, b) = (int(ty, 0b1100), int(ty, 0b1010));
        assert_eq!(eval(Op::And, &[a, b]), int(ty, 0b1000));
        assert_eq!(eval(Op::Or, &[a, b]), int(ty, 0b1110));
        assert_eq!(eval(Op::Xor, &[a, b]), int(ty, 0b0110));
    }
    for (a, b, and, or, xor) in [
        (false, false, false, false, false),
        (false, true, false, true, true),
        (true, false, false, true, true),
        (true, true, true, true, false),
    ] {
        let args = [Scalar::bool(a), Scalar::bool(b)];
        assert_eq!(eval(Op::And, &args), Scalar::bool(and));
        assert_eq!(eval(Op::Or, &args), Scalar::bool(or));
        assert_eq!(eval(Op::Xor, &args), Scalar::bool(xor));
        assert_eq!(eval(Op::Not, &args), Scalar::bool(!a));
    }
}

#[test]
fn comparisons_know_signs_nan_and_zeros() {
    let holds = |op, a, b| eval(op, &[a, b]).is_true();
    for ty in ints() {
        let (low, high) = range(ty);
        assert!(holds(Op::Lt, int(ty, low), int(ty, high)) && holds(Op::Le, int(ty, low), int(ty, low)));
        assert!(!holds(Op::Lt, int(ty, high), int(ty, low)) && !holds(Op::Le, int(ty, high), int(ty, low)));
        assert!(holds(Op::Eq, int(ty, high), int(ty, high)) && holds(Op::Ne, int(ty, high), int(ty, low)));
        assert!(!holds(Op::Eq, int(ty, high), int(ty, low)) && !holds(Op::Ne, int(ty, high), int(ty, high)));
    }
    assert!(holds(Op::Eq, Scalar::bool(true), Scalar::bool(true)));
    assert!(holds(Op::Ne, Scalar::bool(true), Scalar::bool(false)));
    for make in [Scalar::f64 as fn(f64) -> Scalar, |x| Scalar::f32(x as f32)] {
        let (nan, one) = (make(f64::NAN), make(1.0));
        for (a, b) in [(nan, one), (one, nan), (nan, nan)] {
            assert!(!holds(Op::Eq, a, b) && !holds(Op::Lt, a, b) && !holds(Op::Le, a, b) && holds(Op::Ne, a, b));
        }
        assert!(holds(Op::Eq, make(-0.0), make(0.0)) && holds(Op::Le, make(0.0), make(-0.0)));
        assert!(!holds(Op::Lt, make(-0.0), make(0.0)) && holds(Op::Lt, make(f64::NEG_INFINITY), make(-1.0)));
    }
}

#[test]
fn select_takes_bits() {
    let nan = Scalar::new(Type::F32, 0xffa0_0001);
    let other = Scalar::f32(1.0);
    assert_eq!(eval(Op::Select, &[Scalar::bool(true), nan, other]), nan);
    assert_eq!(eval(Op::Select, &[Scalar::bool(false), nan, other]), other);
    for ty in Type::reals() {
        let (a, b) = (Scalar::new(ty, 1), Scalar::new(ty, 0));
        assert_eq!(eval(Op::Select, &[Scalar::bool(true), a, b]), a);
        assert_eq!(eval(Op::Select, &[Scalar::bool(false), a, b]), b);
    }
}

#[test]
fn float_arithmetic_is_that_of_the_type() {
    for a in F64S {
        for b in F64S {
            assert!(same(f64s(Op::Add, &[a, b]), a + b) && same(f64s(Op::Sub, &[a, b]), a - b));
            assert!(same(f64s(Op::Mul, &[a, b]), a * b) && same(f64s(Op::Div, &[a, b]), a / b));
            let (x, y) = (a as f32, b as f32);
            assert!(same(f32s(Op::Add, &[x, y]).into(), (x + y).into()));
            // The quotient and product of two f32, rounded to f64 and then to f32, are correctly rounded.
            assert!(same(f32s(Op::Mul, &[x, y]).into(), ((f64::from(x) * f64::from(y)) as f32).into()));
            assert!(same(f32s(Op::Div, &[x, y]).into(), ((f64::from(x) / f64::from(y)) as f32).into()));
        }
        assert!(same(f64s(Op::Sqrt, &[a]), a.sqrt()));
        assert!(same(f32s(Op::Sqrt, &[a as f32]).into(), (f64::from(a as f32).sqrt() as f32).into()));
    }
    assert_eq!(f32s(Op::Add, &[16_777_216.0, 1.0]), 16_777_216.0, "f32 computes in f32");
    assert_eq!(f64s(Op::Sqrt, &[2.0]).to_bits(), 0x3ff6_a09e_667f_3bcd);
}

#[test]
fn fma_rounds_once() {
    // (1 + e)(1 - e) - 1 = -e*e exactly, which a rounded product loses.
    let e = f64::EPSILON;
    assert_eq!(f64s(Op::Fma, &[1.0 + e, 1.0 - e, -1.0]), -e * e);
    let e = f32::EPSILON;
    assert_eq!(f32s(Op::Fma, &[1.0 + e, 1.0 - e, -1.0]), -e * e);
    // Rounding an f32 fma through f64 gives the wrong neighbor here: the sum lies just beside a tie.
    let (a, c) = (1.0f32 + f32::EPSILON, 2.0f32.powi(-60));
    let tie = f32s(Op::Mul, &[1.5, a]);
    assert!(f32s(Op::Fma, &[1.5, a, c]) >= tie && f32s(Op::Fma, &[1.5, a, -c]) < f32s(Op::Fma, &[1.5, a, c]));
    assert!(f64s(Op::Fma, &[f64::INFINITY, 0.0, 1.0]).is_nan());
}

#[test]
fn min_and_max_propagate_nan_and_order_zeros() {
    for (a, b, min, max) in [
        (1.0, 2.0, 1.0, 2.0),
        (-0.0, 0.0, -0.0, 0.0),
        (f64::INFINITY, 3.0, 3.0, f64::INFINITY),
        (-1.0, f64::NEG_INFINITY, f64::NEG_INFINITY, -1.0),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            assert!(same(f64s(Op::Min, &[a, b]), min) && same(f64s(Op::Max, &[a, b]), max), "{a} {b}");
            assert!(same(f32s(Op::Min, &[a as f32, b as f32]).into(), min));
            assert!(same(f32s(Op::Max, &[a as f32, b as f32]).into(), max));
        }
    }
    for other in F64S {
        for args in [[f64::NAN, other], [other, f64::NAN]] {
            assert!(f64s(Op::Min, &args).is_nan() && f64s(Op::Max, &args).is_nan());
            let args = args.map(|x| x as f32);
            assert!(f32s(Op::Min, &args).is_nan() && f32s(Op::Max, &args).is_nan());
        }
    }
}

#[test]
fn rounding_has_four_directions_and_keeps_signs() {
    // x, floor, ceil, trunc, round
    for (x, floor, ceil, trunc, round) in [
        (2.5, 2.0, 3.0, 2.0, 2.0),
        (3.5, 3.0, 4.0, 3.0, 4.0),
        (-2.5, -3.0, -2.0, -2.0, -2.0),
        (-0.3, -1.0, -0.0, -0.0, -0.0),
        (0.5, 0.0, 1.0, 0.0, 0.0),
        (-0.5, -1.0, -0.0, -0.0, -0.0),
        (8_388_609.0, 8_388_609.0, 8_388_609.0, 8_388_609.0, 8_388_609.0),
        (f64::INFINITY, f64::INFINITY, f64::INFINITY, f64::INFINITY, f64::INFINITY),
        (-0.0, -0.0, -0.0, -0.0, -0.0),
    ] {
        for (op, expected) in [(Op::Floor, floor), (Op::Ceil, ceil), (Op::Trunc, trunc), (Op::Round, round)] {
            assert!(same(f64s(op, &[x]), expected), "{} {x}", op.name());
            assert!(same(f32s(op, &[x as f32]).into(), expected), "{} {x}", op.name());
        }
    }
    assert_eq!(f64s(Op::Round, &[0.499_999_999_999_999_94]), 0.0);
}

#[test]
fn sign_ops_move_one_bit() {
    for bits in [0u64, 1, 0x7ff8_0000_0000_0001, 0xfff0_0000_0000_0001, 0xbff0_0000_0000_0000] {
        let x = Scalar::new(Type::F64, bits);
        assert_eq!(eval(Op::Neg, &[x]).bits, bits ^ 1 << 63);
        assert_eq!(eval(Op::Abs, &[x]).bits, bits & !(1 << 63));
        assert_eq!(eval(Op::Copysign, &[x, Scalar::f64(-2.0)]).bits, bits | 1 << 63);
        assert_eq!(eval(Op::Copysign, &[x, Scalar::f64(0.0)]).bits, bits & !(1 << 63));
    }
    let x = Scalar::new(Type::F32, 0xff80_0001);
    assert_eq!(eval(Op::Neg, &[x]).bits, 0x7f80_0001);
    assert_eq!(eval(Op::Abs, &[x]).bits, 0x7f80_0001);
    assert_eq!(eval(Op::Copysign, &[Scalar::f32(3.0), x]), Scalar::f32(-3.0));
}

/// `m * 2^e` for a normal `m` in [1, 2): exact products and at most one that rounds, done by the hardware.
fn scaled_slowly(x: f64, n: i32) -> f64 {
    let exponent = f64s(Op::Getexp, &[x]) as i32 + n;
    let mantissa = f64s(Op::Getmant, &[x]);
    let power = |e: i32| {
        assert!((-1074..=1023).contains(&e));
        if e >= -1022 { f64::from_bits(((e + 1023) as u64) << 52) } else { f64::from_bits(1 << (e + 1074)) }
    };
    match exponent {
        1024.. => mantissa * power(1023) * 2.0,
        -1022..=1023 => mantissa * power(exponent),
        // Still normal after the first product, so that only the second one rounds.
        -2074..=-1023 => mantissa * power(-1000) * power(exponent + 1000),
        _ => 0.0 * mantissa,
    }
}

#[test]
fn ldexp_rounds_once() {
    // Significands with one, two and three bits beyond a subnormal's, where rounding twice goes wrong.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let bits = next();
        let x = f64::from_bits(if bits & 7 == 0 { bits & 0x800f_ffff_ffff_ffff } else { bits });
        let x = if x.is_finite() && x != 0.0 { x } else { 1.0 + f64::EPSILON };
        let exponent = f64s(Op::Getexp, &[x]) as i32;
        let wide = (next() % 4300) as i32 - 2150;
        let edge = -1022 - exponent - (next() % 60) as i32;
        for n in [wide, edge] {
            let (found, expected) = (f64s(Op::Ldexp, &[x, f64::from(n)]), scaled_slowly(x, n));
            assert_eq!(found.to_bits(), expected.to_bits(), "ldexp({x:e}, {n})");
        }
        let single = f32::from_bits(next() as u32);
        let single = if single.is_finite() { single } else { 1.0 };
        for n in [(next() % 560) as i32 - 280, -126 - (next() % 60) as i32] {
            let expected = (f64::from(single) * 2.0f64.powi(n)) as f32;
            assert_eq!(f32s(Op::Ldexp, &[single, n as f32]).to_bits(), expected.to_bits(), "ldexp({single:e}, {n})");
        }
    }
    // 1.5 units below a tie: rounding first to 53 bits and then to the subnormal would go up.
    let x = f64::from_bits(0x3ff0_0000_0000_0003);
    assert_eq!(f64s(Op::Ldexp, &[x, -1023.0]), f64::from_bits(0x0008_0000_0000_0002));
    assert_eq!(f64s(Op::Ldexp, &[f64::from_bits(0x001f_ffff_ffff_ffff), -1.0]), f64::from_bits(0x0010_0000_0000_0000));
}

#[test]
fn ldexp_has_the_corner_cases_of_vscalef() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (x, n, expected) in [
        (3.0, 2.0, 12.0),
        (3.0, 2.9, 12.0),
        (3.0, -0.5, 1.5),
        (1.0, 1e300, inf),
        (-1.0, 1e300, -inf),
        (-1.0, -1e300, -0.0),
        (1.0, inf, inf),
        (-1.0, inf, -inf),
        (-1.0, -inf, -0.0),
        (inf, inf, inf),
        (-inf, 5.0, -inf),
        (inf, -inf, nan),
        (0.0, inf, nan),
        (-0.0, -inf, -0.0),
        (-0.0, 7.0, -0.0),
        (nan, 1.0, nan),
        (1.0, nan, nan),
        (nan, inf, nan),
        (inf, nan, nan),
        (0.0, nan, nan),
        (5e-324, 1074.0, 1.0),
        (5e-324, 2097.0, 2.0f64.powi(1023)),
        (5e-324, -1.0, 0.0),
        (1.5e-323, -1.0, 1e-323),
    ] {
        assert!(same(f64s(Op::Ldexp, &[x, n]), expected), "ldexp({x}, {n})");
    }
    assert_eq!(f32s(Op::Ldexp, &[1.0, f32::INFINITY]), f32::INFINITY);
    assert!(f32s(Op::Ldexp, &[0.0, f32::INFINITY]).is_nan());
}

#[test]
fn getexp_and_getmant_take_floats_apart() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (x, exponent, mantissa) in [
        (1.0, 0.0, 1.0),
        (-6.0, 2.0, -1.5),
        (0.75, -1.0, 1.5),
        (0.0, -inf, 1.0),
        (-0.0, -inf, -1.0),
        (inf, inf, 1.0),
        (-inf, inf, -1.0),
        (nan, nan, nan),
        (5e-324, -1074.0, 1.0),
        (-1.5e-323, -1073.0, -1.5),
        (f64::MIN_POSITIVE, -1022.0, 1.0),
        (f64::MAX, 1023.0, 2.0 - f64::EPSILON),
    ] {
        assert!(same(f64s(Op::Getexp, &[x]), exponent), "getexp({x})");
        assert!(same(f64s(Op::Getmant, &[x]), mantissa), "getmant({x})");
    }
    for (x, exponent, mantissa) in [(1.4e-45f32, -149.0, 1.0), (-3.0, 1.0, -1.5), (f32::MAX, 127.0, 2.0 - f32::EPSILON)]
    {
        assert_eq!((f32s(Op::Getexp, &[x]), f32s(Op::Getmant, &[x])), (exponent, mantissa));
    }
    assert_eq!(f32s(Op::Getexp, &[0.0]), f32::NEG_INFINITY);
    assert!(f32s(Op::Getmant, &[f32::NAN]).is_nan());
    for x in F64S.into_iter().filter(|x| x.is_finite() && *x != 0.0) {
        let back = f64s(Op::Ldexp, &[f64s(Op::Getmant, &[x]), f64s(Op::Getexp, &[x])]);
        assert_eq!(back.to_bits(), x.to_bits());
    }
}

#[test]
fn floats_saturate_to_integers() {
    for ty in ints() {
        let (low, high) = range(ty);
        let convert = |x: f64| convert(Scalar::f64(x), ty).as_i128();
        assert_eq!(convert(f64::NAN), 0);
        assert_eq!((convert(f64::INFINITY), convert(f64::NEG_INFINITY)), (high, low));
        assert_eq!((convert(1e30), convert(-1e30)), (high, low));
        assert_eq!((convert(2.99), convert(-0.99)), (2, 0));
        assert_eq!(convert(-1.99), if ty.is_signed() { -1 } else { 0 });
        // The power of two just past the range is a float in every type.
        let beyond = (high + 1) as f64;
        assert_eq!((convert(beyond), convert(-beyond - 4096.0)), (high, low));
        let inside = f64::from_bits(beyond.to_bits() - 1);
        assert_eq!(convert(inside), if ty.bits() <= 32 { high } else { inside as i128 });
        assert_eq!(super::convert(Scalar::f32(f32::MAX), ty).as_i128(), high);
        assert_eq!(super::convert(Scalar::f32(f32::NAN), ty).as_i128(), 0);
        assert_eq!(super::convert(Scalar::f32(99.75), ty).as_i128(), 99);
    }
}

#[test]
fn integers_round_once_to_floats() {
    // (2^40 + 2^16 + 1) is just above a tie of f32; f64 holds it, so one rounding goes up.
    let above = (1i128 << 40) + (1 << 16) + 1;
    assert_eq!(convert(int(Type::U64, above), Type::F32), Scalar::f32((1u64 << 40) as f32 + (1 << 17) as f32));
    // 2^63 + 2^39 + 1: rounding to f64 first loses the 1, and the tie then goes to even.
    let trap = (1i128 << 63) + (1 << 39) + 1;
    assert_eq!(convert(int(Type::U64, trap), Type::F32).bits, 0x5f00_0001);
    assert_eq!(convert(int(Type::U64, -1), Type::F32), Scalar::f32(18_446_744_073_709_551_616.0));
    assert_eq!(convert(int(Type::U64, -1), Type::F64), Scalar::f64(18_446_744_073_709_551_616.0));
    assert_eq!(convert(int(Type::I64, (1 << 53) + 1), Type::F64), Scalar::f64(9_007_199_254_740_992.0));
    assert_eq!(convert(int(Type::I64, (1 << 53) + 3), Type::F64), Scalar::f64(9_007_199_254_740_996.0));
    assert_eq!(convert(int(Type::I32, 16_777_217), Type::F32), Scalar::f32(16_777_216.0));
    assert_eq!(convert(int(Type::I8, -5), Type::F64), Scalar::f64(-5.0));
    assert_eq!(convert(Scalar::f64(1.0 + 2.0f64.powi(-24)), Type::F32), Scalar::f32(1.0));
    assert_eq!(convert(Scalar::f64(1e-46), Type::F32), Scalar::f32(0.0));
    assert_eq!(convert(Scalar::f64(1e39), Type::F32), Scalar::f32(f32::INFINITY));
    assert!(convert(Scalar::f32(f32::NAN), Type::F64).is_nan());
}

#[test]
fn integers_wrap_or_extend_to_integers() {
    for from in ints() {
        for to in ints() {
            for value in some_ints(from) {
                assert_eq!(convert(value, to).as_i128(), wrapped(to, value.as_i128()), "{value} to {to}");
            }
        }
    }
    for to in Type::reals() {
        assert_eq!(convert(Scalar::bool(false), to).bits, 0);
        assert_eq!(convert(Scalar::bool(true), to).as_f64(), 1.0);
    }
}

#[test]
fn bit_casts_keep_bits() {
    assert_eq!(bitcast(Scalar::f32(-1.0), Type::U32), int(Type::U32, 0xbf80_0000));
    assert_eq!(bitcast(int(Type::I64, -1), Type::F64).bits, u64::MAX);
    assert_eq!(bitcast(int(Type::U8, 255), Type::I8), int(Type::I8, -1));
}

#[test]
#[should_panic(expected = "does not take")]
fn ill_typed_operands_are_a_mistake() {
    eval(Op::Sqrt, &[int(Type::I32, 4)]);
}

/// The tree as the documentation states it, all blocks at once.
fn folded_literally(op: FoldOp, ty: Type, elements: &[Scalar]) -> Scalar {
    let p = 256 / ty.bytes();
    let combine = |a: Scalar, b: Scalar| eval(op.op(), &[a, b]);
    let mut res = Vec::new();
    for block in 0..elements.len().div_ceil(4096) {
        let mut part = vec![neutral(op, ty); p];
        for r in block * 4096..elements.len().min((block + 1) * 4096) {
            part[(r - block * 4096) % p] = combine(part[(r - block * 4096) % p], elements[r]);
        }
        let mut w = p / 2;
        while w >= 1 {
            for i in 0..w {
                part[i] = combine(part[i], part[i + w]);
            }
            w /= 2;
        }
        res.push(part[0]);
    }
    let mut stride = 1;
    while stride < res.len() {
        let mut i = 0;
        while i + stride < res.len() {
            res[i] = combine(res[i], res[i + stride]);
            i += 2 * stride;
        }
        stride *= 2;
    }
    res.first().copied().unwrap_or(empty(op, ty))
}

#[test]
fn folds_follow_the_tree() {
    for ty in Type::reals() {
        for &op in FoldOp::ALL.iter().filter(|op| op.admits(ty)) {
            for n in [0usize, 1, 2, 5, 31, 32, 33, 63, 64, 65, 257, 4095, 4096, 4097, 10_000, 7 * 4096 + 3] {
                let element = |i: usize| {
                    let noise = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    match ty.class() {
                        Class::Float | Class::Half => convert(Scalar::f64(noise as f64 * 1e-3 - 5000.1), ty),
                        Class::Bool => Scalar::bool((op == FoldOp::All) != (noise.is_multiple_of(5000))),
                        Class::Signed | Class::Unsigned | Class::Complex => Scalar::new(ty, noise | 1),
                    }
                };
                let elements: Vec<Scalar> = (0..n).map(element).collect();
                let mut state = FoldState::new(op, ty);
                elements.iter().for_each(|x| state.push(*x));
                assert_eq!(state.len(), n);
                assert_eq!(state.is_empty(), n == 0);
                assert_eq!(state.finish(), folded_literally(op, ty, &elements), "{} {ty} of {n}", op.name());
            }
        }
    }
}

#[test]
fn the_tree_is_not_a_plain_loop() {
    // 2^53 + 1 + 1 + …: added one by one the ones vanish, in partial results of their own they do not.
    let mut state = FoldState::new(FoldOp::Sum, Type::F64);
    state.push(Scalar::f64(9_007_199_254_740_992.0));
    (0..31).for_each(|_| state.push(Scalar::f64(1.0)));
    assert_eq!(state.finish(), Scalar::f64(9_007_199_254_741_022.0));
}

#[test]
fn neutral_elements_change_nothing() {
    for ty in Type::reals() {
        for &op in FoldOp::ALL.iter().filter(|op| op.admits(ty)) {
            let values: Vec<Scalar> = match ty.class() {
                Class::Float | Class::Half => F64S.iter().map(|x| convert(Scalar::f64(*x), ty)).collect(),
                Class::Bool => vec![Scalar::bool(false), Scalar::bool(true)],
                Class::Signed | Class::Unsigned | Class::Complex => some_ints(ty),
            };
            for x in values {
                for found in [combine(op, x, neutral(op, ty)), combine(op, neutral(op, ty), x)] {
                    assert!(found == x || (found.is_nan() && x.is_nan()), "{} {x}: {found}", op.name());
                }
            }
        }
    }
}

#[test]
fn folds_of_nothing_and_of_one_element() {
    for ty in [Type::F32, Type::F64, Type::I32, Type::U64] {
        assert_eq!(empty(FoldOp::Sum, ty).bits, 0, "an empty float sum is +0");
        assert_eq!(empty(FoldOp::Prod, ty).as_f64(), convert(Scalar::f64(1.0), ty).as_f64());
    }
    assert_eq!(empty(FoldOp::Min, Type::I8), int(Type::I8, 127));
    assert_eq!(empty(FoldOp::Max, Type::I8), int(Type::I8, -128));
    assert_eq!(empty(FoldOp::Min, Type::U32), int(Type::U32, u32::MAX.into()));
    assert_eq!(empty(FoldOp::Max, Type::U32), int(Type::U32, 0));
    assert_eq!(empty(FoldOp::Min, Type::F32), Scalar::f32(f32::INFINITY));
    assert_eq!(empty(FoldOp::Max, Type::F64), Scalar::f64(f64::NEG_INFINITY));
    assert_eq!(
        (empty(FoldOp::All, Type::Bool), empty(FoldOp::Any, Type::Bool)),
        (Scalar::bool(true), Scalar::bool(false))
    );
    let mut state = FoldState::new(FoldOp::Sum, Type::F64);
    state.push(Scalar::f64(-0.0));
    assert_eq!(state.finish(), Scalar::f64(-0.0));
}
