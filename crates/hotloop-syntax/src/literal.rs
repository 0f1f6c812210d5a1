//! Numbers as they are written.
//!
//! A float keeps its text, so that an f32 is rounded once, from the text, and never through f64. Whether a number fits
//! the type it gets is not checked here.

use std::sync::Arc;

use crate::ast::Name;

/// A whole number.
#[derive(Clone, Debug, PartialEq)]
pub struct IntLit {
    /// The value; texts past 128 bits are refused by the parser.
    pub value: u128,
    /// The suffix, such as `i32`.
    pub suffix: Option<Name>,
}

/// A number with a point, an exponent or a float suffix.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLit {
    /// The digits without separators and without the suffix: `1.5`, `1e-9`, `3`, `0x1.8p3`.
    pub text: Arc<str>,
    /// The value, rounded once to f64.
    pub value: f64,
    /// The suffix, such as `f32`.
    pub suffix: Option<Name>,
}

impl FloatLit {
    /// A number from its text without separators and suffix; none if it is not one.
    pub fn parse(text: &str, suffix: Option<Name>) -> Option<FloatLit> {
        let value = to_f64(text)?;
        Some(FloatLit { text: text.into(), value, suffix })
    }

    /// The value, rounded once to f32.
    pub fn to_f32(&self) -> f32 {
        match hex_parts(&self.text) {
            Some(parts) => parts.round(24, -149, 128) as f32,
            None => self.text.parse().unwrap_or(self.value as f32),
        }
    }
}

fn to_f64(text: &str) -> Option<f64> {
    if text.starts_with("0x") || text.starts_with("0X") {
        return Some(hex_parts(text)?.round(53, -1074, 1024));
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if plain { text.parse().ok() } else { None }
}

/// A hex float: `digits * 2**exponent`, where `sticky` says that bits below the last one were cut off.
struct HexParts {
    digits: u128,
    sticky: bool,
    exponent: i64,
}

/// Takes `0x1.8p3` apart; none if the text is not of this form.
fn hex_parts(text: &str) -> Option<HexParts> {
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let mut parts = HexParts { digits: 0, sticky: false, exponent: exponent_value(exponent)? };
    let mut fraction = false;
    let mut any = false;
    for c in mantissa.chars() {
        if c == '.' && !fraction {
            fraction = true;
            continue;
        }
        any = true;
        parts.push(c.to_digit(16)?, fraction);
    }
    any.then_some(parts)
}

/// The exponent, clamped far outside of what a float can hold.
fn exponent_value(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for c in digits.chars() {
        value = (value * 10 + i64::from(c.to_digit(10)?)).min(1 << 40);
    }
    Some(if negative { -value } else { value })
}

impl HexParts {
    fn push(&mut self, digit: u32, fraction: bool) {
        if self.digits >> 120 == 0 {
            self.digits = self.digits << 4 | u128::from(digit);
            self.exponent -= if fraction { 4 } else { 0 };
        } else {
            self.sticky |= digit != 0;
            self.exponent += if fraction { 0 } else { 4 };
        }
    }

    /// Rounds to nearest, ties to even, in a format with `bits` of precision, whose smallest step is
    /// `2**smallest` and whose first power past the range is `2**limit`.
    fn round(&self, bits: i64, smallest: i64, limit: i64) -> f64 {
        if self.digits == 0 {
            return 0.0;
        }
        let width = 128 - i64::from(self.digits.leading_zeros());
        if self.exponent + width > limit {
            return f64::INFINITY;
        }
        let step = (self.exponent + width - bits).max(smallest);
        let kept = self.shifted(step - self.exponent);
        let width = 128 - i64::from(kept.leading_zeros());
        if step + width > limit { f64::INFINITY } else { scale(kept as f64, step) }
    }

    /// The digits divided by `2**shift`, rounded to the nearest, ties to even.
    fn shifted(&self, shift: i64) -> u128 {
        if shift <= 0 {
            return self.digits << -shift;
        }
        if shift > 128 {
            return 0;
        }
        let kept = if shift == 128 { 0 } else { self.digits >> shift };
        let half = 1u128 << (shift - 1);
        let rest = self.digits & (half - 1);
        let above = self.digits & half != 0;
        let up = above && (rest != 0 || self.sticky || kept & 1 == 1);
        kept + u128::from(up)
    }
}

/// `value * 2**exponent` for results that are exact, in two steps so that no factor leaves the range of f64.
fn scale(value: f64, exponent: i64) -> f64 {
    let half = exponent / 2;
    let power = |exponent: i64| f64::from_bits(((exponent + 1023) as u64) << 52);
    value * power(half) * power(exponent - half)
}

#[cfg(test)]
mod tests {
    use super::FloatLit;

    fn both(text: &str) -> (f64, f32) {
        let literal = FloatLit::parse(text, None).expect("a number");
        (literal.value, literal.to_f32())
    }

    #[test]
    fn decimal_numbers_round_once() {
        // This is just above a tie of f32: through f64 it would land on the tie and round to even.
        let text = "1.000000059604644776024";
        assert_eq!(both(text).1, f32::from_bits(0x3F80_0001));
        assert_eq!(both(text).0 as f32, 1.0);
        assert_eq!(both(".5"), (0.5, 0.5));
        assert_eq!(both("1."), (1.0, 1.0));
        assert_eq!(both("4.0e-9").0, 4.0e-9);
        assert_eq!(both("1e999").0, f64::INFINITY);
    }

    #[test]
    fn hex_numbers_are_exact() {
        assert_eq!(both("0x1.8p3"), (12.0, 12.0));
        assert_eq!(both("0xAp-1"), (5.0, 5.0));
        assert_eq!(both("0x.8p1"), (1.0, 1.0));
        assert_eq!(both("0x1.921fb54442d18p1").0, std::f64::consts::PI);
        assert_eq!(both("0x1p-1074").0.to_bits(), 1);
        assert_eq!(both("0x1.fffffffffffffp1023").0, f64::MAX);
        assert_eq!(both("0x1.ffffffffffffffp1023").0, f64::INFINITY);
        assert_eq!(both("0x1p99999999999999999999").0, f64::INFINITY);
        assert_eq!(both("0x1p-99999999999999999999").0, 0.0);
        assert_eq!(both("0x0.0p0").0, 0.0);
    }

    #[test]
    fn hex_numbers_round_to_even_once() {
        assert_eq!(both("0x1.000001p0").1, 1.0);
        assert_eq!(both("0x1.0000010000000000000000000000000000001p0").1, f32::from_bits(0x3F80_0001));
        assert_eq!(both("0x1.000003p0").1, f32::from_bits(0x3F80_0002));
        assert_eq!(both("0x1p-149").1.to_bits(), 1);
        assert_eq!(both("0x1p-150").1, 0.0);
        assert_eq!(both("0x1.8p-150").1.to_bits(), 1);
        assert_eq!(both("0x1.ffffffp127").1, f32::INFINITY);
        assert_eq!(both("0x1.fffffep127").1, f32::MAX);
    }

    #[test]
    fn hex_numbers_agree_with_decimal_ones() {
        let mut state = 1u64;
        for _ in 0..2000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (digits, exponent) = (state >> 3, (state >> 50) as i32 % 200 - 100);
            let exact = digits as f64 * 2f64.powi(exponent);
            assert_eq!(both(&format!("0x{digits:x}p{exponent}")).0, exact);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "0x", "0x1", "0xp1", "0x1p", "0x1p+", "0x1.2.3p1", "inf", "nan", "1e", "0xgp1"] {
            assert!(FloatLit::parse(text, None).is_none(), "{text}");
        }
    }
}
