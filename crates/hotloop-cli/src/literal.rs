//! Values written on the command line: numbers and nested lists of numbers.
//!
//! Owns their syntax and which element type they get. Files are read elsewhere; what a type means for a kernel is the
//! engine's business.

use hotloop::{Array, MAX_RANK, Scalar, Type, Value};
use hotloop_cases::data::parts_of;

/// A value written out.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number without a type, which takes the type of what it meets.
    Weak(Scalar),
    /// A typed scalar or an array.
    Typed(Value),
}

/// Reads a number or a list. Numbers in lists that carry no suffix get the type `want`, or else `i64`, or `f64` if any
/// of them has a point or an exponent.
pub fn parse(text: &str, want: Option<Type>) -> Result<Literal, String> {
    let text = text.trim();
    if text.starts_with('[') {
        return Ok(Literal::Typed(Value::Array(List::parse(text)?.into_array(want)?)));
    }
    let number = Number::parse(text)?;
    match (number.suffix, &number.kind) {
        (Some(ty), _) => Ok(Literal::Typed(Value::Scalar(number.to_scalar(ty)?))),
        (None, Kind::Bool(value)) => Ok(Literal::Typed(Value::Scalar(Scalar::bool(*value)))),
        (None, Kind::Int(_)) => Ok(Literal::Weak(number.to_scalar(Type::I64)?)),
        (None, Kind::Float) => Ok(Literal::Weak(number.to_scalar(Type::F64)?)),
        (None, Kind::Complex(_)) => Ok(Literal::Weak(number.to_scalar(Type::C128)?)),
    }
}

/// One number, not yet of a type.
#[derive(Debug)]
pub struct Number {
    /// The digits, without separators and suffix.
    text: String,
    kind: Kind,
    suffix: Option<Type>,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Bool(bool),
    Int(i128),
    Float,
    /// A complex number, by the texts of its parts.
    Complex([String; 2]),
}

impl Number {
    /// Takes a number apart: sign, digits with `_` between them, point, exponent, suffix; or `0x…`, `inf`, `nan`,
    /// `true`, `false`.
    pub fn parse(text: &str) -> Result<Number, String> {
        let wrong = || format!("`{}` is not a number", shown(text));
        if let Ok(value) = text.parse() {
            return Ok(Number { text: text.to_owned(), kind: Kind::Bool(value), suffix: None });
        }
        let (body, suffix) = split_suffix(text);
        let digits = without_separators(body).ok_or_else(wrong)?;
        if digits.ends_with(['j', ')']) {
            let parts = parts_of(&digits).ok_or_else(wrong)?;
            let are_numbers = parts.iter().all(|part| matches!(kind(part), Some(Kind::Int(_) | Kind::Float)));
            return match are_numbers {
                true => Ok(Number { text: digits, kind: Kind::Complex(parts), suffix }),
                false => Err(wrong()),
            };
        }
        let kind = kind(&digits).ok_or_else(wrong)?;
        Ok(Number { text: digits, kind, suffix })
    }

    /// The value in a type; an error where it does not fit.
    pub fn to_scalar(&self, ty: Type) -> Result<Scalar, String> {
        let text = &self.text;
        match &self.kind {
            Kind::Bool(value) if ty == Type::Bool => Ok(Scalar::bool(*value)),
            Kind::Bool(_) => Err(format!("`{text}` is not a number of type `{ty}`")),
            Kind::Int(_) | Kind::Float if ty == Type::Bool => Err(format!("`{text}` is not `true` or `false`")),
            Kind::Complex(parts) if ty.is_complex() => {
                let [real, imag] = parts.each_ref().map(|part| Number::parse(part)?.to_scalar(ty.part()));
                Ok(Scalar::complex(ty, real?.bits, imag?.bits))
            }
            Kind::Complex(_) => Err(format!("`{text}` is a complex number, which `{ty}` does not hold")),
            Kind::Int(_) | Kind::Float if ty.is_complex() => {
                Ok(Scalar::complex(ty, self.to_scalar(ty.part())?.bits, 0))
            }
            Kind::Int(value) if ty.is_int() => int_scalar(*value, ty),
            Kind::Float if ty.is_int() => Err(format!("`{text}` is not a whole number, which `{ty}` needs")),
            // Each float is rounded once, from the text; hexadecimal integers only have their value.
            Kind::Int(value) if ty == Type::F32 => Ok(Scalar::f32(text.parse().unwrap_or(*value as f32))),
            Kind::Int(value) if ty.is_half() => Ok(Scalar::half(ty, text.parse().unwrap_or(*value as f64))),
            Kind::Int(value) => Ok(Scalar::f64(text.parse().unwrap_or(*value as f64))),
            Kind::Float if ty == Type::F32 => text.parse().map(Scalar::f32).map_err(|error| error.to_string()),
            Kind::Float if ty.is_half() => {
                text.parse().map(|value| Scalar::half(ty, value)).map_err(|error| error.to_string())
            }
            Kind::Float => text.parse().map(Scalar::f64).map_err(|error| error.to_string()),
        }
    }

    /// The type a list of such numbers has when nothing says otherwise.
    fn natural(&self) -> Type {
        match self.kind {
            Kind::Bool(_) => Type::Bool,
            Kind::Int(_) => Type::I64,
            Kind::Float => Type::F64,
            Kind::Complex(_) => Type::C128,
        }
    }
}

fn int_scalar(value: i128, ty: Type) -> Result<Scalar, String> {
    let scalar = Scalar::int(ty, value);
    if scalar.as_i128() == value {
        return Ok(scalar);
    }
    let unsigned = ty == Type::I64 && u64::try_from(value).is_ok();
    let hint = if unsigned { format!("; write `{value}u64`") } else { String::new() };
    Err(format!("{value} does not fit `{ty}`{hint}"))
}

fn split_suffix(text: &str) -> (&str, Option<Type>) {
    let unsigned = text.trim_start_matches(['+', '-']);
    let is_hex = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    for ty in Type::ALL.iter().copied().filter(|ty| ty.is_number()) {
        // `f32` at the end of a hexadecimal number is three of its digits.
        if is_hex && (ty.is_float() || ty.is_complex()) {
            continue;
        }
        if let Some(body) = text.strip_suffix(ty.name()) {
            return (body.strip_suffix('_').unwrap_or(body), Some(ty));
        }
    }
    (text, None)
}

/// The text without its `_`s; none if one of them is not between digits.
fn without_separators(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_hexdigit);
    let separated = |(at, byte): (usize, &u8)| *byte != b'_' || digit(at.checked_sub(1)) && digit(Some(at + 1));
    bytes.iter().enumerate().all(separated).then(|| text.replace('_', ""))
}

fn kind(digits: &str) -> Option<Kind> {
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if is_hex { i128::from_str_radix(hex, 16).ok().map(|value| Kind::Int(sign * value)) } else { None };
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than 128 bits hold are still a number of type float.
        return Some(unsigned.parse().map_or(Kind::Float, |value: i128| Kind::Int(sign * value)));
    }
    let named = unsigned == "inf" || unsigned == "nan";
    let plain = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let starts = unsigned.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.');
    (named || plain && starts && unsigned.parse::<f64>().is_ok()).then_some(Kind::Float)
}

/// Text of strangers in a message: short, and without control characters.
pub fn shown(text: &str) -> String {
    const LIMIT: usize = 60;
    let head: String = text.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if text.chars().nth(LIMIT).is_some() { format!("{head}…") } else { head }
}

/// A nested list, flat, with its shape.
#[derive(Default)]
struct List {
    numbers: Vec<Number>,
    shape: Vec<Option<usize>>,
    /// How many lists stand around each number, once one has been seen.
    leaf: Option<usize>,
}

impl List {
    fn parse(text: &str) -> Result<List, String> {
        let mut list = List::default();
        let rest = list.items(&text[1..], 1)?;
        if !rest.is_empty() {
            return Err(format!("`{}` follows the list", shown(rest)));
        }
        match list.leaf {
            Some(leaf) if leaf != list.shape.len() => Err(mixed()),
            Some(_) | None => Ok(list),
        }
    }

    /// Reads what follows the `[` of a list at this depth; gives what follows its `]`.
    fn items<'t>(&mut self, text: &'t str, depth: usize) -> Result<&'t str, String> {
        if depth > MAX_RANK {
            return Err(format!("arrays have at most {MAX_RANK} axes"));
        }
        if self.shape.len() < depth {
            self.shape.push(None);
        }
        let mut rest = text.trim_start();
        let mut count = 0;
        while !rest.starts_with(']') {
            rest = self.item(rest, depth)?.trim_start();
            count += 1;
            match rest.strip_prefix(',') {
                Some(after) => rest = after.trim_start(),
                None if rest.starts_with(']') => {}
                None if rest.is_empty() => return Err("the list has no closing `]`".to_owned()),
                None => return Err(format!("`,` or `]` is missing before `{}`", shown(rest))),
            }
        }
        match self.shape[depth - 1].replace(count) {
            Some(other) if other != count => {
                Err(format!("the lists have different lengths: {other} and {count}; arrays have equal rows"))
            }
            Some(_) | None => Ok(&rest[1..]),
        }
    }

    fn item<'t>(&mut self, text: &'t str, depth: usize) -> Result<&'t str, String> {
        if let Some(inner) = text.strip_prefix('[') {
            return self.items(inner, depth + 1);
        }
        let end = text.find([',', ']', '[']).unwrap_or(text.len());
        let word = text[..end].trim();
        if word.is_empty() {
            let missing = if end == text.len() { "the list has no closing `]`" } else { "a number is missing" };
            return Err(missing.to_owned());
        }
        if *self.leaf.get_or_insert(depth) != depth {
            return Err(mixed());
        }
        self.numbers.push(Number::parse(word)?);
        Ok(&text[end..])
    }

    fn into_array(self, want: Option<Type>) -> Result<Array, String> {
        let shape: Vec<usize> = self.shape.iter().map(|extent| extent.unwrap_or(0)).collect();
        let ty = self.element_type(want)?;
        let scalars = self.numbers.iter().map(|number| number.to_scalar(ty)).collect::<Result<Vec<Scalar>, _>>()?;
        crate::elements::array(ty, &scalars, &shape)
    }

    fn element_type(&self, want: Option<Type>) -> Result<Type, String> {
        let mut suffixes = self.numbers.iter().filter_map(|number| number.suffix);
        if let Some(first) = suffixes.next() {
            return match suffixes.find(|other| *other != first) {
                Some(other) => Err(format!("the list has numbers of types `{first}` and `{other}`")),
                None => Ok(first),
            };
        }
        let naturals = self.numbers.iter().map(Number::natural);
        let ty = match (naturals.clone().min(), naturals.max()) {
            (Some(Type::Bool), Some(Type::Bool)) => return Ok(Type::Bool),
            (Some(Type::Bool), Some(_)) => {
                return Err("the list mixes numbers with `true` and `false`".to_owned());
            }
            (_, widest) => widest.unwrap_or(Type::F64),
        };
        Ok(want.unwrap_or(ty))
    }
}

fn mixed() -> String {
    "the list mixes numbers and lists, or lists of different depths".to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Literal, parse};
    use hotloop::{Array, Complex, Element, Scalar, Type, Value};

    fn array<T: Element>(values: &[T], shape: &[usize]) -> Literal {
        Literal::Typed(Value::Array(Array::from_vec(values.to_vec(), shape).expect("a shape that fits")))
    }

    fn scalar<T: Element>(value: T) -> Literal {
        Literal::Typed(Value::Scalar(value.to_scalar()))
    }

    #[track_caller]
    fn check(text: &str, expect: Literal) {
        assert_eq!(parse(text, None), Ok(expect), "{text}");
    }

    #[track_caller]
    fn fails(text: &str, message: &str) {
        let error = parse(text, None).expect_err(text);
        assert!(error.contains(message), "{text}: {error}");
    }

    #[test]
    fn bare_numbers_are_weak() {
        check("3", Literal::Weak(Scalar::i64(3)));
        check(" -7 ", Literal::Weak(Scalar::i64(-7)));
        check("+1_000", Literal::Weak(Scalar::i64(1000)));
        check("0xff", Literal::Weak(Scalar::i64(255)));
        check("-0x10", Literal::Weak(Scalar::i64(-16)));
        check("2.5", Literal::Weak(Scalar::f64(2.5)));
        check("1e-3+infj", Literal::Weak(Complex::new(1e-3, f64::INFINITY).to_scalar()));
        check("1e-3", Literal::Weak(Scalar::f64(1e-3)));
        check(".5", Literal::Weak(Scalar::f64(0.5)));
        check("-inf", Literal::Weak(Scalar::f64(f64::NEG_INFINITY)));
        check("9223372036854775807", Literal::Weak(Scalar::i64(i64::MAX)));
        assert!(matches!(parse("nan", None), Ok(Literal::Weak(value)) if value.is_nan()));
    }

    #[test]
    fn suffixes_give_the_type() {
        check("2.5f32", scalar(2.5f32));
        check("2f32", scalar(2.0f32));
        check("200u8", scalar(200u8));
        check("-5_i16", scalar(-5i16));
        check("0xffu16", scalar(255u16));
        check("18446744073709551615u64", scalar(u64::MAX));
        check("inff32", scalar(f32::INFINITY));
        check("true", scalar(true));
        check("1.5-2jc64", scalar(Complex::new(1.5f32, -2.0)));
        // Just above a tie of f32: through f64 it would be rounded to 1.
        check("1.000000059604644776024f32", scalar(f32::from_bits(0x3F80_0001)));
    }

    #[test]
    fn lists_are_arrays() {
        check("[1, 2, 3]", array(&[1i64, 2, 3], &[3]));
        check("[1, 2.5]", array(&[1.0, 2.5], &[2]));
        check("[[1,2],[3,4],]", array(&[1i64, 2, 3, 4], &[2, 2]));
        check("[1, 2u8]", array(&[1u8, 2], &[2]));
        check("[1, 2.5f32]", array(&[1.0f32, 2.5], &[2]));
        check("[true,false]", array(&[true, false], &[2]));
        check("[]", array::<f64>(&[], &[0]));
        check("[[],[]]", array::<f64>(&[], &[2, 0]));
        check("[1, 2j]", array(&[Complex::new(1.0, 0.0), Complex::new(0.0, 2.0)], &[2]));
        check("[(1-2.5j), -1e+3j]", array(&[Complex::new(1.0, -2.5), Complex::new(0.0, -1000.0)], &[2]));
        check("[[[1]]]", array(&[1i64], &[1, 1, 1]));
    }

    #[test]
    fn an_annotation_types_bare_lists() {
        let list = |text, ty| parse(text, Some(ty));
        assert_eq!(list("[1, 2]", Type::F32), Ok(array(&[1.0f32, 2.0], &[2])));
        assert_eq!(list("[1i32]", Type::F32), Ok(array(&[1i32], &[1])));
        assert_eq!(list("[1.5]", Type::I64), Err("`1.5` is not a whole number, which `i64` needs".to_owned()));
        assert_eq!(list("3", Type::F32), Ok(Literal::Weak(Scalar::i64(3))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        fails("x", "`x` is not a number");
        fails("", "`` is not a number");
        fails("1__0", "is not a number");
        fails("1e", "is not a number");
        fails("--1", "is not a number");
        fails("0x", "is not a number");
        fails("infinity", "is not a number");
        fails("300u8", "300 does not fit `u8`");
        fails("-1u64", "-1 does not fit `u64`");
        fails("9223372036854775808", "write `9223372036854775808u64`");
        fails("2.5i32", "`2.5` is not a whole number");
        fails("[1, 2", "no closing `]`");
        fails("[1,", "no closing `]`");
        fails("[1,,2]", "a number is missing");
        fails("[1 2]", "`1 2` is not a number");
        fails("[1]]", "`]` follows the list");
        fails("[[1,2],[3]]", "different lengths: 2 and 1");
        fails("[1,[2]]", "mixes numbers and lists");
        fails("[[],1]", "mixes numbers and lists");
        fails("[[1],2]", "mixes numbers and lists");
        fails("[[1][2]]", "`,` or `]` is missing before `[2]]`");
        fails("[1u8, 2i8]", "`u8` and `i8`");
        fails("[1, true]", "mixes numbers with `true`");
        fails(&"[".repeat(100_000), "at most 32 axes");
        fails("\u{1b}[2J", "`\\u{1b}[2J` is not a number");
    }
}
