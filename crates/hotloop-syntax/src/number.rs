//! Numbers: where one ends in the text, and what it is.
//!
//! The extent is generous: letters directly after the digits belong to the number, so that `2x` is one wrong number
//! with one clear diagnostic.

use hotloop_source::{Diagnostic, Span};

use crate::ast::{ExprKind, FloatLit, IntLit, Name};
use crate::errors;

/// The suffixes that make a number a float.
const FLOAT_SUFFIXES: &[&str] = &["f16", "bf16", "f32", "f64"];
/// The suffixes of whole numbers.
const INT_SUFFIXES: &[&str] = &["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];

/// The parts of a number's text, each possibly empty.
#[derive(Clone, Copy)]
struct Shape<'a> {
    /// 2, 8, 10 or 16.
    radix: u32,
    /// Whether there is a point or an exponent.
    float: bool,
    /// From the first digit (or prefix) to the end of the exponent.
    digits: &'a str,
    /// The letters after it.
    suffix: &'a str,
}

/// The bytes of the number that a text begins with; 0 if it does not begin with one.
pub(crate) fn length(text: &str) -> usize {
    shape(text).map_or(0, |shape| shape.digits.len() + shape.suffix.len())
}

/// What a number token stands for.
pub(crate) fn parse(text: &str, span: Span) -> Result<ExprKind, Diagnostic> {
    let wrong = || errors::bad_number(span, text);
    let shape = shape(text).ok_or_else(wrong)?;
    let at = span.end - shape.suffix.len() as u32;
    let suffix = (!shape.suffix.is_empty()).then(|| Name { text: shape.suffix.into(), span: Span::new(at, span.end) });
    let digits: String = shape.digits.chars().filter(|c| *c != '_').collect();
    match shape.suffix {
        "j" if shape.radix == 10 => Ok(ExprKind::Imaginary(float(&digits, None, span)?)),
        known if FLOAT_SUFFIXES.contains(&known) && (shape.radix == 10 || shape.float) => {
            Ok(ExprKind::Float(float(&digits, suffix, span)?))
        }
        "" if shape.float => Ok(ExprKind::Float(float(&digits, None, span)?)),
        known if INT_SUFFIXES.contains(&known) && shape.float => Err(errors::not_whole(span, shape.digits, known)),
        known if known.is_empty() || INT_SUFFIXES.contains(&known) => {
            Ok(ExprKind::Int(IntLit { value: whole(&digits, shape.radix, span)?, suffix }))
        }
        unknown => Err(errors::bad_suffix(span, shape.digits, unknown)),
    }
}

fn float(digits: &str, suffix: Option<Name>, span: Span) -> Result<FloatLit, Diagnostic> {
    let literal = FloatLit::parse(digits, suffix).ok_or_else(|| errors::bad_number(span, digits))?;
    if literal.value.is_finite() { Ok(literal) } else { Err(errors::float_too_large(span, digits)) }
}

/// The value of a whole number; the prefix of the radix is two bytes.
fn whole(digits: &str, radix: u32, span: Span) -> Result<u128, Diagnostic> {
    let digits = if radix == 10 { digits } else { &digits[2..] };
    if digits.is_empty() {
        return Err(errors::no_digits(span));
    }
    let mut value: u128 = 0;
    for c in digits.chars() {
        let digit = c.to_digit(radix).ok_or_else(|| errors::bad_digit(span, c, radix))?;
        let next = value.checked_mul(radix.into()).and_then(|value| value.checked_add(digit.into()));
        value = next.ok_or_else(|| errors::int_too_large(span))?;
    }
    Ok(value)
}

fn shape(text: &str) -> Option<Shape<'_>> {
    let bytes = text.as_bytes();
    let second = bytes.get(1).copied().unwrap_or(0);
    match bytes.first()? {
        b'0' if matches!(second, b'x' | b'X') => Some(hex(text)),
        b'0' if matches!(second, b'b' | b'B') => Some(radix(text, 2)),
        b'0' if matches!(second, b'o' | b'O') => Some(radix(text, 8)),
        b'0'..=b'9' => Some(decimal(text)),
        b'.' if second.is_ascii_digit() => Some(decimal(text)),
        _ => None,
    }
}

fn radix(text: &str, radix: u32) -> Shape<'_> {
    // Digits too large for the radix are taken as well, so that the diagnostic can name them.
    split(text, 2 + run(&text[2..], |byte| byte.is_ascii_digit()), radix, false)
}

fn hex(text: &str) -> Shape<'_> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    let mut end = 2 + run(&text[2..], is_digit);
    if text[end..].starts_with('.') {
        let fraction = end + 1 + run(&text[end + 1..], is_digit);
        if text[fraction..].starts_with(['p', 'P']) {
            end = fraction;
        }
    }
    let exponent = exponent(&text[end..], ['p', 'P']);
    split(text, end + exponent, 16, exponent > 0)
}

fn decimal(text: &str) -> Shape<'_> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let mut end = run(text, is_digit);
    let mut float = false;
    // `1...` is a number before an ellipsis.
    if text[end..].starts_with('.') && !text[end + 1..].starts_with('.') {
        end += 1 + run(&text[end + 1..], is_digit);
        float = true;
    }
    let exponent = exponent(&text[end..], ['e', 'E']);
    split(text, end + exponent, 10, float || exponent > 0)
}

/// The bytes of an exponent, or 0 if the letter is not followed by digits.
fn exponent(text: &str, letters: [char; 2]) -> usize {
    if !text.starts_with(letters) {
        return 0;
    }
    let sign = usize::from(text[1..].starts_with(['+', '-']));
    let digits = run(&text[1 + sign..], |byte| byte.is_ascii_digit());
    if digits == 0 { 0 } else { 1 + sign + digits }
}

/// The bytes of the digits and separators that a text begins with.
fn run(text: &str, is_digit: impl Fn(u8) -> bool) -> usize {
    let part = |byte: &u8| is_digit(*byte) || *byte == b'_';
    match text.as_bytes().first() {
        Some(first) if part(first) => text.bytes().take_while(part).count(),
        _ => 0,
    }
}

fn split(text: &str, end: usize, radix: u32, float: bool) -> Shape<'_> {
    let (digits, rest) = text.split_at(end);
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let suffix = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    Shape { radix, float, digits, suffix: &rest[..suffix] }
}

#[cfg(test)]
mod tests {
    use hotloop_source::Span;

    use super::parse;
    use crate::ast::ExprKind;

    fn check(text: &str, expect: &str) {
        let shown = match parse(text, Span::new(0, text.len() as u32)) {
            Ok(ExprKind::Int(int)) => format!("{} {}", int.value, int.suffix.map_or("-".into(), |name| name.text)),
            Ok(ExprKind::Float(float)) => {
                format!("{} {:?} {}", float.text, float.value, float.suffix.map_or("-".into(), |name| name.text))
            }
            Ok(ExprKind::Imaginary(float)) => format!("{}j", float.text),
            Ok(other) => format!("{other:?}"),
            Err(diag) => diag.code.to_owned(),
        };
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn whole_numbers() {
        check("0", "0 -");
        check("1_000i64", "1000 i64");
        check("0xFF_u8", "255 u8");
        check("0x1f32", "7986 -");
        check("0b101", "5 -");
        check("0o17", "15 -");
        check("340282366920938463463374607431768211455", "340282366920938463463374607431768211455 -");
    }

    #[test]
    fn floats() {
        check("1.", "1. 1.0 -");
        check(".5f32", ".5 0.5 f32");
        check("3f32", "3 3.0 f32");
        check("1_0.2_5e1_0f64", "10.25e10 102500000000.0 f64");
        check("0x1.8p3", "0x1.8p3 12.0 -");
        check("0x1.8p3f32", "0x1.8p3 12.0 f32");
        check("2.5j", "2.5j");
    }

    #[test]
    fn wrong_numbers() {
        check("2x", "E0013");
        check("1.5i32", "E0014");
        check("1e", "E0013");
        check("0x", "E0015");
        check("0b12", "E0016");
        check("0b1f32", "E0013");
        check("1e999", "E0017");
        check("340282366920938463463374607431768211456", "E0018");
        check("1.5jf32", "E0013");
    }
}
