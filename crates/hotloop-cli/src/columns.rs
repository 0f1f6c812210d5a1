//! How the elements of one printed array look: all equally wide, floats with their points below each other.
//!
//! The rules are NumPy's defaults: at most eight digits after the point, fewer where they suffice; exponents where the
//! values are large, small or far apart.

use hotloop::{Scalar, Type};

/// The most digits after the point.
const DIGITS: usize = 8;

/// The form of all elements of an array.
pub enum Columns {
    /// Integers and bools, right-aligned.
    Right(usize),
    /// Floats without exponents: columns before and after the point.
    Fixed { before: usize, after: usize },
    /// Floats with exponents: columns before the point, digits after it, digits of the exponent.
    Exponent { before: usize, after: usize, exponent: usize },
    /// Complex numbers: the columns of either part, and how wide imaginary parts are with their sign.
    Complex { real: Box<Columns>, imag: Box<Columns>, width: usize },
}

impl Columns {
    /// The form that fits these elements of type `ty`.
    pub fn new(ty: Type, shown: &[Scalar]) -> Columns {
        match ty {
            Type::Bool => Columns::Right("false".len()),
            Type::F32 | Type::F64 | Type::F16 | Type::BF16 => float_columns(ty, shown),
            Type::C64 | Type::C128 => complex_columns(ty.part(), shown),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                Columns::Right(widest(shown.iter().map(|scalar| scalar.as_i128().to_string().len())))
            }
        }
    }

    /// An element in this form.
    pub fn word(&self, scalar: Scalar) -> String {
        match self {
            Columns::Complex { real, imag, width } => {
                let [re, im] = scalar.parts();
                let signed = signed_word(imag, im);
                let digits = signed.trim_end().len();
                format!(
                    "{}{:>pad$}{}j{}",
                    real.word(re),
                    "",
                    &signed[..digits],
                    &signed[digits..],
                    pad = width - signed.len()
                )
            }
            Columns::Right(width) => format!("{:>width$}", crate::print::scalar_text(scalar)),
            Columns::Fixed { before, after } => match is_finite(scalar) {
                true => {
                    let (whole, fraction) = fixed(scalar);
                    format!("{whole:>before$}.{fraction:<after$}")
                }
                false => format!("{:>width$}", nonfinite(scalar), width = before + 1 + after),
            },
            Columns::Exponent { before, after, exponent } => match is_finite(scalar) {
                true => {
                    let parts = scientific(scalar);
                    let Parts { whole, fraction, sign, power } = parts;
                    format!("{whole:>before$}.{fraction:0<after$}e{sign}{power:0>exponent$}")
                }
                false => {
                    let width = before + 1 + after + 2 + exponent;
                    format!("{:>width$}", nonfinite(scalar))
                }
            },
        }
    }
}

fn complex_columns(part: Type, shown: &[Scalar]) -> Columns {
    let of = |at: usize| float_columns(part, &shown.iter().map(|scalar| scalar.parts()[at]).collect::<Vec<Scalar>>());
    let (real, imag) = (Box::new(of(0)), Box::new(of(1)));
    let width = widest(shown.iter().map(|scalar| signed_word(&imag, scalar.parts()[1]).len()));
    Columns::Complex { real, imag, width }
}

/// An imaginary part with its sign in front, without the spaces before it.
fn signed_word(columns: &Columns, imag: Scalar) -> String {
    let word = columns.word(imag);
    let word = word.trim_start();
    if word.starts_with('-') { word.to_owned() } else { format!("+{word}") }
}

fn float_columns(ty: Type, shown: &[Scalar]) -> Columns {
    let finite: Vec<Scalar> = shown.iter().copied().filter(|scalar| is_finite(*scalar)).collect();
    let room = widest(shown.iter().filter(|scalar| !is_finite(**scalar)).map(|scalar| nonfinite(*scalar).len()));
    if needs_exponents(ty, &finite) {
        let parts: Vec<Parts> = finite.iter().map(|scalar| scientific(*scalar)).collect();
        let after = widest(parts.iter().map(|parts| parts.fraction.len()));
        let exponent = widest(parts.iter().map(|parts| parts.power.len()));
        let before = widest(parts.iter().map(|parts| parts.whole.len()));
        let before = before.max(room.saturating_sub(1 + after + 2 + exponent));
        return Columns::Exponent { before, after, exponent };
    }
    let parts: Vec<(String, String)> = finite.iter().map(|scalar| fixed(*scalar)).collect();
    let after = widest(parts.iter().map(|(_, fraction)| fraction.len()));
    let before = widest(parts.iter().map(|(whole, _)| whole.len()));
    Columns::Fixed { before: before.max(room.saturating_sub(1 + after)), after }
}

fn needs_exponents(ty: Type, finite: &[Scalar]) -> bool {
    // A float of 32 bits is sure of six digits only, one of 16 of three.
    let large = match ty {
        Type::F16 | Type::BF16 => 1e3,
        Type::F32 => 1e6,
        _ => 1e8,
    };
    let sizes = finite.iter().map(|scalar| scalar.as_f64().abs()).filter(|size| *size != 0.0);
    let (least, most) = sizes.fold((f64::INFINITY, 0.0f64), |(least, most), size| (least.min(size), most.max(size)));
    // Numbers of 32 bits are compared and divided as such.
    let (small, ratio) = match ty {
        Type::F32 => ((least as f32) < 0.0001f32, f64::from(most as f32 / least as f32)),
        _ => (least < 0.0001, most / least),
    };
    most > 0.0 && (most >= large || small || ratio > 1000.0)
}

fn widest(widths: impl Iterator<Item = usize>) -> usize {
    widths.max().unwrap_or(0)
}

fn is_finite(scalar: Scalar) -> bool {
    scalar.as_f64().is_finite()
}

fn nonfinite(scalar: Scalar) -> &'static str {
    match scalar.as_f64() {
        value if value.is_nan() => "nan",
        value if value < 0.0 => "-inf",
        _ => "inf",
    }
}

/// The digits before and after the point: the fewest that identify the value, but no more than `DIGITS`.
fn fixed(scalar: Scalar) -> (String, String) {
    let value = crate::print::shortest(scalar);
    let shortest = if scalar.ty == Type::F32 { (value as f32).to_string() } else { value.to_string() };
    let (whole, fraction) = split(&shortest);
    if fraction.len() <= DIGITS {
        return (whole, fraction);
    }
    split(&format!("{value:.DIGITS$}"))
}

/// A number with one digit before the point and an exponent.
struct Parts {
    whole: String,
    fraction: String,
    sign: char,
    power: String,
}

fn scientific(scalar: Scalar) -> Parts {
    let value = crate::print::shortest(scalar);
    let shortest = if scalar.ty == Type::F32 { format!("{:e}", value as f32) } else { format!("{value:e}") };
    let parts = exponent_parts(&shortest);
    if parts.fraction.len() <= DIGITS { parts } else { exponent_parts(&format!("{value:.DIGITS$e}")) }
}

fn exponent_parts(text: &str) -> Parts {
    let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = split(mantissa);
    let (sign, power) = match power.strip_prefix('-') {
        Some(power) => ('-', power),
        None => ('+', power),
    };
    Parts { whole, fraction, sign, power: format!("{power:0>2}") }
}

fn split(text: &str) -> (String, String) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (whole.to_owned(), fraction.trim_end_matches('0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::Columns;
    use hotloop::Element;

    fn line<T: Element>(values: &[T]) -> String {
        let shown: Vec<_> = values.iter().map(|value| value.to_scalar()).collect();
        let columns = Columns::new(T::TYPE, &shown);
        shown.iter().map(|scalar| columns.word(*scalar)).collect::<Vec<_>>().join(" ")
    }

    // The expected texts are those of NumPy 2.4.6, without the brackets.

    #[test]
    fn fixed_points() {
        assert_eq!(line(&[1.0, 2.0]), "1. 2.");
        assert_eq!(line(&[0.1, 0.25, 100.0]), "  0.1    0.25 100.  ");
        assert_eq!(line(&[1.0 / 3.0]), "0.33333333");
        assert_eq!(line(&[2.0 / 3.0, 1.0]), "0.66666667 1.        ");
        assert_eq!(line(&[1.0f32 / 3.0]), "0.33333334");
        assert_eq!(line(&[-0.0, 0.0]), "-0.  0.");
        assert_eq!(line(&[0.000123456789]), "0.00012346");
        assert_eq!(line(&[99_999_999.5]), "99999999.5");
        assert_eq!(line(&[1000.0, 1.0]), "1000.    1.");
        assert_eq!(line(&[0.1f32, 0.2]), "0.1 0.2");
    }

    #[test]
    fn exponents() {
        assert_eq!(line(&[1e8]), "1.e+08");
        assert_eq!(line(&[1e-5, 1.0]), "1.e-05 1.e+00");
        assert_eq!(line(&[1.5e10, -2.0]), " 1.5e+10 -2.0e+00");
        assert_eq!(line(&[1e-300, 1.25]), "1.00e-300 1.25e+000");
        assert_eq!(line(&[1001.0, 1.0]), "1.001e+03 1.000e+00");
        assert_eq!(line(&[0.0, 1.23456789012e10]), "0.00000000e+00 1.23456789e+10");
        assert_eq!(line(&[1e6f32]), "1.e+06");
        assert_eq!(line(&[999_999.0f32]), "999999.");
        assert_eq!(line(&[f32::MAX]), "3.4028235e+38");
    }

    #[test]
    fn infinities_and_nans() {
        assert_eq!(line(&[f64::NAN, 1.0]), "nan  1.");
        assert_eq!(line(&[f64::INFINITY, -1.5]), " inf -1.5");
        assert_eq!(line(&[f64::NEG_INFINITY, 1.0]), "-inf   1.");
        assert_eq!(line(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), " nan  inf -inf");
        assert_eq!(line(&[f64::NAN, 1e10]), "   nan 1.e+10");
    }
}
