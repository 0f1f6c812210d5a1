//! The functions on `Big`: series after a reduction, or a first guess in `f64` and one exact step from there.
//!
//! Each takes finite arguments inside the domain of its function; the caller sorts out the others.

use super::Big;
use std::sync::OnceLock;

const LN2: Big = Big::of_words([0x8a0d175b8baafa2c, 0x40f343267298b62d, 0xc9e3b39803f2f6af, 0xb17217f7d1cf79ab], -256);
const LN10: Big = Big::of_words([0x83c61e8201f02d73, 0xe28fecf9da5df90e, 0xea56d62b82d30a28, 0x935d8dddaaa8ac16], -254);
const PI: Big = Big::of_words([0x020bbea63b139b22, 0x29024e088a67cc74, 0xc4c6628b80dc1cd1, 0xc90fdaa22168c234], -254);
/// Two over the square root of pi.
const ERF_SLOPE: Big =
    Big::of_words([0x39a15830cce620b1, 0x1409a0ebac3e7517, 0x71d48a7f6bfec344, 0x906eba8214db688d], -255);

/// 2/pi, the highest word first.
const TWO_OVER_PI: [u64; 22] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
    0xa9e391615ee61b08,
    0x6599855f14a06840,
];

/// A whole number.
fn whole(value: i64) -> Big {
    let big = Big::of_words([value.unsigned_abs(), 0, 0, 0], 0).normal();
    if value < 0 { -big } else { big }
}

/// `a[0] + x (a[1] + x (…))`.
fn horner(x: Big, coefficients: &[Big]) -> Big {
    coefficients.iter().rev().fold(Big::ZERO, |sum, &c| sum * x + c)
}

/// 1/1!, 1/2!, ….
fn factorials() -> &'static [Big] {
    static TABLE: OnceLock<Vec<Big>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let next = |last: &mut Big, n: u64| {
            *last = last.over(n);
            Some(*last)
        };
        (1..64).scan(Big::ONE, next).collect()
    })
}

/// `e^r - 1` for `|r| < 1`: of `r / 256` by the series, then eight times `e^2r - 1 = (e^r - 1)(e^r + 1)`.
fn small_expm1(r: Big) -> Big {
    let r = r.scaled(-8);
    let mut e = r * horner(r, &factorials()[..23]);
    for _ in 0..8 {
        e = e * (e + Big::ONE.scaled(1));
    }
    e
}

/// `e^x - 1`.
pub fn expm1(x: Big) -> Big {
    if x.magnitude() < -2 { small_expm1(x) } else { exp(x) - Big::ONE }
}

/// `e^x`.
pub fn exp(x: Big) -> Big {
    let k = (x.near() / std::f64::consts::LN_2).round().clamp(-1e9, 1e9);
    (small_expm1(x - LN2 * Big::of(k)) + Big::ONE).scaled(k as i64)
}

/// `2^x`.
pub fn exp2(x: Big) -> Big {
    let k = x.near().round().clamp(-1e9, 1e9);
    exp(LN2 * (x - Big::of(k))).scaled(k as i64)
}

/// `10^x`.
pub fn exp10(x: Big) -> Big {
    exp(LN10 * x)
}

/// `log(1 + t)` for tiny `t`.
fn tiny_log1p(t: Big) -> Big {
    let mut power = -t;
    let mut sum = Big::ZERO;
    for n in 1..9 {
        sum = sum - power.over(n);
        power = -(power * t);
    }
    sum
}

/// The natural logarithm.
pub fn log(x: Big) -> Big {
    let (mut m, mut k) = x.parts();
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        k += 1;
    }
    let guess = Big::of(m.ln());
    tiny_log1p(x.scaled(-k) * exp(-guess) - Big::ONE) + guess + LN2 * whole(k)
}

/// `log(1 + x)`.
pub fn log1p(x: Big) -> Big {
    if x.magnitude() < -36 { tiny_log1p(x) } else { log(x + Big::ONE) }
}

/// The logarithm to base 2.
pub fn log2(x: Big) -> Big {
    let (_, k) = x.parts();
    log(x.scaled(-k)) / LN2 + whole(k)
}

/// The logarithm to base 10.
pub fn log10(x: Big) -> Big {
    log(x) / LN10
}

/// Sine and cosine of an angle of at most 4, by the series.
fn small_sincos(r: Big) -> (Big, Big) {
    let z = -(r * r);
    let table = factorials();
    let odd: Vec<Big> = table.iter().copied().step_by(2).collect();
    let even: Vec<Big> = table.iter().copied().skip(1).step_by(2).collect();
    (r * horner(z, &odd), Big::ONE + z * horner(z, &even))
}

/// `x 2/pi` as the two lowest bits of its nearest whole number, and what is left, at most a half.
fn quarter_turns(x: f64) -> (u64, Big) {
    let (m, k) = Big::of(x.abs()).parts();
    // |x| = m 2^e, m of 53 bits. Bits of 2/pi whose product with it is a multiple of 8 are left out.
    let (m, e) = ((m * 2f64.powi(52)) as u64, k - 52);
    let first = (e - 64).max(0) as usize / 64;
    // The product of m and seven words, the highest word on top.
    let mut product = [0u64; 8];
    let mut carry = 0u128;
    for i in (0..7).rev() {
        let part = u128::from(m) * u128::from(TWO_OVER_PI.get(first + i).copied().unwrap_or(0)) + carry;
        product[i + 1] = part as u64;
        carry = part >> 64;
    }
    product[0] = carry as u64;
    // Its lowest bit counts 2^(e - 64 (first + 7)).
    let lowest = e - 64 * (first as i64 + 7);
    let mut turns = 0u64;
    let mut rest = Big::ZERO;
    for (i, &word) in product.iter().enumerate() {
        let weight = lowest + 64 * (7 - i as i64);
        for half in [word >> 32, word & 0xffff_ffff].into_iter().zip([weight + 32, weight]) {
            let (bits, weight) = half;
            if weight >= 2 {
                continue;
            }
            if weight >= 0 {
                turns = turns.wrapping_add(bits << weight);
            } else if weight > -32 {
                turns = turns.wrapping_add(bits >> -weight);
                rest = rest + whole((bits & ((1 << -weight) - 1)) as i64).scaled(weight);
            } else {
                rest = rest + whole(bits as i64).scaled(weight);
            }
        }
    }
    if rest.magnitude() >= -1 {
        return (turns.wrapping_add(1) & 3, rest - Big::ONE);
    }
    (turns & 3, rest)
}

fn at_turn(turns: u64, r: Big) -> (Big, Big) {
    let (s, c) = small_sincos(r);
    match turns & 3 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

/// Sine and cosine of any finite float.
pub fn sincos(x: f64) -> (Big, Big) {
    let (turns, rest) = quarter_turns(x);
    let (s, c) = if x.abs() < 0.5 { small_sincos(Big::of(x.abs())) } else { at_turn(turns, rest * PI.scaled(-1)) };
    (if x < 0.0 { -s } else { s }, c)
}

/// Sine and cosine of `x` times pi.
pub fn sincospi(x: f64) -> (Big, Big) {
    let x2 = 2.0 * (x % 2.0);
    let turns = x2.round_ties_even();
    at_turn((turns as i64).rem_euclid(4) as u64, Big::of(x2 - turns) * PI.scaled(-1))
}

/// The angle of the point `(x, y)`, not the origin.
pub fn atan2(y: Big, x: Big) -> Big {
    if y.is_zero() {
        return if x.is_negative() { PI } else { Big::ZERO };
    }
    if !x.is_negative() && !x.is_zero() && y.magnitude() - x.magnitude() < -32 {
        return tiny_atan(y / x);
    }
    let top = y.magnitude().max(x.magnitude());
    let (y, x) = (y.scaled(-top), x.scaled(-top));
    let guess = y.near().atan2(x.near());
    let (s, c) = small_sincos(Big::of(guess));
    Big::of(guess) + tiny_atan((y * c - x * s) / (x * c + y * s))
}

fn tiny_atan(t: Big) -> Big {
    let z = t * t;
    t * (Big::ONE - z.over(3) + (z * z).over(5) - (z * z * z).over(7))
}

/// The arc sine.
pub fn asin(x: Big) -> Big {
    atan2(x, ((Big::ONE - x) * (Big::ONE + x)).sqrt())
}

/// The arc cosine.
pub fn acos(x: Big) -> Big {
    atan2(((Big::ONE - x) * (Big::ONE + x)).sqrt(), x)
}

/// The hyperbolic sine.
pub fn sinh(x: Big) -> Big {
    let e = expm1(x.abs());
    let y = (e + e / (e + Big::ONE)).scaled(-1);
    if x.is_negative() { -y } else { y }
}

/// The hyperbolic cosine.
pub fn cosh(x: Big) -> Big {
    (exp(x) + exp(-x)).scaled(-1)
}

/// The hyperbolic tangent.
pub fn tanh(x: Big) -> Big {
    let e = expm1(x.abs().scaled(1));
    let y = e / (e + Big::ONE.scaled(1));
    if x.is_negative() { -y } else { y }
}

/// The inverse hyperbolic sine.
pub fn asinh(x: Big) -> Big {
    let a = x.abs();
    let z = x * x;
    let y = if a.magnitude() < -30 {
        a * (Big::ONE - z.over(6) + (z * z).over(40) * whole(3) - (z * z * z).over(112) * whole(5))
    } else {
        log(a + (z + Big::ONE).sqrt())
    };
    if x.is_negative() { -y } else { y }
}

/// The inverse hyperbolic cosine, of 1 and more.
pub fn acosh(x: Big) -> Big {
    log(x + ((x - Big::ONE) * (x + Big::ONE)).sqrt())
}

/// The inverse hyperbolic tangent, between -1 and 1.
pub fn atanh(x: Big) -> Big {
    if x.magnitude() < -32 {
        let z = x * x;
        return x * (Big::ONE + z.over(3) + (z * z).over(5) + (z * z * z).over(7));
    }
    log((Big::ONE + x) / (Big::ONE - x)).scaled(-1)
}

/// The error function: below 2 by its series of positive terms.
pub fn erf(x: Big) -> Big {
    if x.magnitude() >= 1 {
        let y = Big::ONE - erfc(x.abs());
        return if x.is_negative() { -y } else { y };
    }
    let z = (x * x).scaled(1);
    let (mut term, mut sum) = (x, x);
    for n in 1.. {
        term = (term * z).over(2 * n + 1);
        sum = sum + term;
        if term.magnitude() < sum.magnitude() - 256 {
            break;
        }
    }
    ERF_SLOPE * exp(-(x * x)) * sum
}

/// The complement of the error function; from 1/2 on by the trapezoidal rule for its integral with the pole made good
/// (Chiarella and Reichel, 1968): of step 1/4 that leaves an error of `e^(-16 pi²)`, 2^-227.
pub fn erfc(x: Big) -> Big {
    if x.is_negative() || x.magnitude() < -1 {
        return Big::ONE - erf(x);
    }
    static WEIGHTS: OnceLock<Vec<Big>> = OnceLock::new();
    let weights = WEIGHTS.get_or_init(|| (1..56).map(|n| exp(-whole(n * n).scaled(-4))).collect());
    let z = x * x;
    let sum = (1..).zip(weights).fold(z.inverse().scaled(-1), |sum, (n, &w)| sum + w / (z + whole(n * n).scaled(-4)));
    let main = x * exp(-z) * sum.scaled(-1) / PI;
    if x.near() > 12.5 { main } else { main - (expm1((PI * x).scaled(3))).inverse().scaled(1) }
}

/// `1 / (1 + e^-x)`.
pub fn sigmoid(x: Big) -> Big {
    (exp(-x) + Big::ONE).inverse()
}

/// The cube root.
pub fn cbrt(x: Big) -> Big {
    let (m, k) = x.abs().parts();
    let rest = k.rem_euclid(3);
    let mut y = Big::of((m * 2f64.powi(rest as i32)).cbrt()).scaled((k - rest) / 3);
    for _ in 0..3 {
        y = y - (y * y * y - x.abs()) / (y * y * whole(3));
    }
    if x.is_negative() { -y } else { y }
}

/// One over the square root.
pub fn rsqrt(x: Big) -> Big {
    x.sqrt().inverse()
}

/// The length of `(x, y)`.
pub fn hypot(x: Big, y: Big) -> Big {
    (x * x + y * y).sqrt()
}

/// `|x|^y`, negative if the sign says so.
pub fn pow(x: Big, y: Big, negative: bool) -> Big {
    let power = exp(y * log(x.abs()));
    if negative { -power } else { power }
}

/// Degrees of radians.
pub fn degrees(x: Big) -> Big {
    x * whole(180) / PI
}

/// Radians of degrees.
pub fn radians(x: Big) -> Big {
    x * PI.over(180)
}
