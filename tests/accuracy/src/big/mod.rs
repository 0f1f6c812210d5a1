//! Floats with mantissas of 256 bits, for references: more than 200 bits of a result survive every function of `math`.
//!
//! Owns the arithmetic and the ways from and to `f64`. The exponent has 64 bits, so nothing overflows or is subnormal;
//! there are no infinities and no NaN. Products and sums are cut off, not rounded: an error of a few units of 2^-255.

mod math;

pub use math::*;

/// A number: `± mantissa · 2^exponent`, the top bit of the mantissa set, or zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Big {
    negative: bool,
    exponent: i64,
    /// The lowest word first.
    mantissa: [u64; 4],
}

impl Big {
    /// Zero.
    pub const ZERO: Big = Big { negative: false, exponent: 0, mantissa: [0; 4] };
    /// One.
    pub const ONE: Big = Big { negative: false, exponent: -255, mantissa: [0, 0, 0, 1 << 63] };

    /// A positive constant from its words, lowest first.
    pub(crate) const fn of_words(mantissa: [u64; 4], exponent: i64) -> Big {
        Big { negative: false, exponent, mantissa }
    }

    /// A float; an infinity becomes a number far beyond all others.
    pub fn of(value: f64) -> Big {
        if value.is_infinite() {
            return Big { negative: value < 0.0, ..Big::ONE.scaled(1 << 20) };
        }
        let bits = value.to_bits();
        let (field, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, exponent) =
            if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field as i64 - 1075) };
        Big { negative: value < 0.0, exponent, mantissa: [mantissa, 0, 0, 0] }.normal()
    }

    /// The value cut off to 53 bits, as an `f64` in [1, 2) with the sign, and the power of two that belongs to it.
    pub fn parts(self) -> (f64, i64) {
        if self.is_zero() {
            return (0.0, 0);
        }
        let top = f64::from_bits((self.mantissa[3] >> 11) & ((1 << 52) - 1) | 1.0f64.to_bits());
        (if self.negative { -top } else { top }, self.exponent + 255)
    }

    /// About the value, as far as an `f64` can tell.
    pub fn near(self) -> f64 {
        let (value, power) = self.parts();
        let power = power.clamp(-1200, 1200) as i32;
        value * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
    }

    /// Rounded to nearest with so many bits after the first one, fewer below the exponent `least`; too large a value
    /// gives an infinity.
    pub fn rounded(self, fraction: i64, least: i64) -> f64 {
        let lowest = self.magnitude().max(least) - fraction;
        let kept = self.magnitude() - lowest + 1;
        if self.is_zero() || kept < 0 {
            return if self.negative { -0.0 } else { 0.0 };
        }
        let top = self.mantissa[3];
        let half_up = |shift: i64| (u128::from(top) + (1u128 << (shift - 1))) >> shift;
        let whole = half_up(64 - kept) as f64;
        let overflow = if fraction == 23 { 128 } else { 1024 };
        let value = if self.magnitude() >= overflow { f64::INFINITY } else { scale(whole, lowest) };
        let value = if fraction == 23 { f64::from(value as f32) } else { value };
        if self.negative { -value } else { value }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.mantissa[3] == 0
    }

    /// `floor(log2(|value|))`; far below everything for zero.
    pub fn magnitude(self) -> i64 {
        if self.is_zero() { i64::MIN / 4 } else { self.exponent + 255 }
    }

    /// Whether it is less than zero.
    pub fn is_negative(self) -> bool {
        self.negative && !self.is_zero()
    }

    /// The magnitude.
    pub fn abs(self) -> Big {
        Big { negative: false, ..self }
    }

    /// Times a power of two.
    pub fn scaled(self, power: i64) -> Big {
        if self.is_zero() { self } else { Big { exponent: self.exponent + power, ..self } }
    }

    /// Shifts the mantissa until its top bit is set.
    fn normal(mut self) -> Big {
        let Some(top) = self.mantissa.iter().rposition(|&word| word != 0) else { return Big::ZERO };
        let shift = (3 - top) as u32 * 64 + self.mantissa[top].leading_zeros();
        self.mantissa = left(self.mantissa, shift);
        self.exponent -= i64::from(shift);
        self
    }

    /// Divided by a small whole number.
    pub fn over(self, divisor: u64) -> Big {
        let mut rest = 0u128;
        let mut mantissa = [0; 4];
        for i in (0..4).rev() {
            let part = rest << 64 | u128::from(self.mantissa[i]);
            mantissa[i] = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        Big { mantissa, ..self }.normal()
    }

    /// One over it, by Newton's method.
    fn inverse(self) -> Big {
        let (value, power) = self.parts();
        let mut guess = Big::of(1.0 / value).scaled(-power);
        for _ in 0..3 {
            guess = guess + guess * (Big::ONE - self * guess);
        }
        guess
    }

    /// The square root of a number that is not negative, by Newton's method for its inverse.
    pub fn sqrt(self) -> Big {
        if self.is_zero() {
            return self;
        }
        let (value, power) = self.parts();
        let odd = power.rem_euclid(2);
        let start = 1.0 / (value * if odd == 1 { 2.0 } else { 1.0 }).sqrt();
        let mut guess = Big::of(start).scaled(-(power - odd) / 2);
        for _ in 0..3 {
            guess = guess + guess * (Big::ONE - self * guess * guess).scaled(-1);
        }
        self * guess
    }
}

/// A whole number times a power of two that it can be multiplied with exactly.
fn scale(whole: f64, power: i64) -> f64 {
    let power = power as i32;
    if power < -1000 {
        whole * 2f64.powi(-1000) * 2f64.powi(power + 1000)
    } else {
        whole * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
    }
}

fn left(words: [u64; 4], shift: u32) -> [u64; 4] {
    let (whole, bits) = ((shift / 64) as usize, shift % 64);
    std::array::from_fn(|i| {
        let at = |j: Option<usize>| j.map_or(0, |j| words[j]);
        let (high, low) = (at(i.checked_sub(whole)), at(i.checked_sub(whole + 1)));
        if bits == 0 { high } else { high << bits | low >> (64 - bits) }
    })
}

fn right(words: [u64; 4], shift: u32) -> [u64; 4] {
    let (whole, bits) = ((shift / 64) as usize, shift % 64);
    std::array::from_fn(|i| {
        let at = |j: usize| words.get(j).copied().unwrap_or(0);
        let (low, high) = (at(i + whole), at(i + whole + 1));
        if bits == 0 { low } else { low >> bits | high << (64 - bits) }
    })
}

impl std::ops::Neg for Big {
    type Output = Big;

    fn neg(self) -> Big {
        Big { negative: !self.negative, ..self }
    }
}

impl std::ops::Add for Big {
    type Output = Big;

    fn add(self, other: Big) -> Big {
        let (large, small) = if self.magnitude() >= other.magnitude() { (self, other) } else { (other, self) };
        // One bit is kept free for the carry.
        let gap = large.exponent.saturating_sub(small.exponent);
        if small.is_zero() || gap > 255 {
            return large;
        }
        let (a, b) = (right(large.mantissa, 1), right(small.mantissa, gap as u32 + 1));
        let exponent = large.exponent + 1;
        if large.negative == small.negative {
            return Big { negative: large.negative, exponent, mantissa: sum(a, b) }.normal();
        }
        let (mantissa, borrow) = difference(a, b);
        if borrow {
            return Big { negative: small.negative, exponent, mantissa: difference(b, a).0 }.normal();
        }
        Big { negative: large.negative, exponent, mantissa }.normal()
    }
}

fn sum(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut carry = 0;
    std::array::from_fn(|i| {
        let part = u128::from(a[i]) + u128::from(b[i]) + carry;
        carry = part >> 64;
        part as u64
    })
}

fn difference(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut borrow = false;
    let words = std::array::from_fn(|i| {
        let (part, first) = a[i].overflowing_sub(b[i]);
        let (part, second) = part.overflowing_sub(u64::from(borrow));
        borrow = first || second;
        part
    });
    (words, borrow)
}

impl std::ops::Sub for Big {
    type Output = Big;

    fn sub(self, other: Big) -> Big {
        self + -other
    }
}

impl std::ops::Mul for Big {
    type Output = Big;

    fn mul(self, other: Big) -> Big {
        let mut words = [0u64; 8];
        for i in 0..4 {
            let mut carry = 0u128;
            for j in 0..4 {
                let part = u128::from(self.mantissa[i]) * u128::from(other.mantissa[j]);
                let part = part + u128::from(words[i + j]) + carry;
                words[i + j] = part as u64;
                carry = part >> 64;
            }
            words[i + 4] = carry as u64;
        }
        let mut mantissa = [words[4], words[5], words[6], words[7]];
        let mut exponent = self.exponent + other.exponent + 256;
        if mantissa[3] == 0 {
            return Big::ZERO;
        }
        if mantissa[3] >> 63 == 0 {
            mantissa = left(mantissa, 1);
            mantissa[0] |= words[3] >> 63;
            exponent -= 1;
        }
        Big { negative: self.negative != other.negative, exponent, mantissa }
    }
}

impl std::ops::Div for Big {
    type Output = Big;

    #[expect(clippy::suspicious_arithmetic_impl, reason = "a quotient is a product with the inverse")]
    fn div(self, other: Big) -> Big {
        self * other.inverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leading 64 bits of results, computed with mpmath.
    #[test]
    fn functions_agree_with_published_digits() {
        let top = |value: Big| (value.mantissa[3], value.magnitude());
        assert_eq!(top(exp(Big::ONE)), (0xadf85458a2bb4a9a, 1));
        assert_eq!(top(log(Big::of(10.0))), (0x935d8dddaaa8ac16, 1));
        assert_eq!(top(erfc(Big::of(3.0))), (0xb94efb281a11505e, -16));
        assert_eq!(top(sincos(1e22).0.abs()), (0xda29d5bb5f9cb87d, -1));
    }

    #[test]
    fn arithmetic_keeps_its_bits() {
        let third = Big::ONE / Big::of(3.0);
        assert!((third * Big::of(3.0) - Big::ONE).magnitude() < -250);
        assert!((Big::of(2.0).sqrt() * Big::of(2.0).sqrt() - Big::of(2.0)).magnitude() < -250);
        assert_eq!(Big::of(-0.1).rounded(52, -1022), -0.1);
    }
}
