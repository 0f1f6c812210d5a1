//! Values as text for people: arrays in the form NumPy prints them, scalars so that they read back to the same bits.
//!
//! Owns the brackets, the line breaks and the shortening; how wide numbers are and how many digits they show is in
//! `columns`.

use crate::columns::Columns;
use hotloop::{Array, KernelInfo, ResultType, Scalar, Type, Value};
use std::ops::Range;

/// Columns of text, as NumPy's default.
const WIDTH: usize = 75;
/// Arrays of more elements are shortened.
const THRESHOLD: usize = 1000;
/// How many elements are shown at each edge of a shortened axis.
const EDGE: usize = 3;

/// A value as text, without a line break at its end; `label` goes before it.
pub fn value_text(value: &Value, label: &str) -> String {
    match value {
        Value::Scalar(scalar) => format!("{label}{}", scalar_text(*scalar)),
        Value::Array(array) => array_text(array, label),
        Value::Device(array) => format!("{label}{array:?}"),
    }
}

/// The shortest text that reads back to the same scalar.
pub fn scalar_text(scalar: Scalar) -> String {
    match scalar.ty {
        Type::Bool => scalar.is_true().to_string(),
        Type::C64 | Type::C128 => {
            let [real, imag] = scalar.parts().map(scalar_text);
            let sign = if imag.starts_with('-') { "" } else { "+" };
            format!("{real}{sign}{imag}j")
        }
        Type::F32 | Type::F64 | Type::F16 | Type::BF16 if scalar.is_nan() => "nan".to_owned(),
        Type::F32 => format!("{:?}", scalar.as_f64() as f32),
        Type::F64 => format!("{:?}", scalar.as_f64()),
        Type::F16 | Type::BF16 => format!("{:?}", shortest(scalar)),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            scalar.as_i128().to_string()
        }
    }
}

/// The value; of a half the number of fewest digits that rounds to it.
pub fn shortest(scalar: Scalar) -> f64 {
    let value = scalar.as_f64();
    if !scalar.ty.is_half() || !value.is_finite() {
        return value;
    }
    let texts = (0..8).map(|digits| format!("{value:.digits$e}"));
    let numbers = texts.filter_map(|text| text.parse().ok());
    numbers.into_iter().find(|number| Scalar::half(scalar.ty, *number) == scalar).unwrap_or(value)
}

/// A type with its extents: `f64[3, 4]`, or `f64` for a scalar.
pub fn type_text(ty: Type, shape: &[usize]) -> String {
    if shape.is_empty() {
        return ty.to_string();
    }
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("{ty}[{}]", extents.join(", "))
}

/// Types as they are written in the language: `f64[:, :]`, several in parentheses.
pub fn type_names(types: &[ResultType]) -> String {
    let name = |ty: &ResultType| annotation_text(ty.ty, ty.rank);
    match types {
        [one] => name(one),
        all => format!("({})", all.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

fn annotation_text(ty: Type, rank: usize) -> String {
    if rank == 0 { ty.to_string() } else { format!("{ty}[{}]", vec![":"; rank].join(", ")) }
}

/// A kernel with its parameters.
pub fn signature_text(info: &KernelInfo) -> String {
    let params = info.params.iter().map(|param| match param.annotation {
        Some(ty) => {
            let mutable = if ty.mutable { "mut " } else { "" };
            format!("{}: {mutable}{}", param.name, annotation_text(ty.ty, ty.rank as usize))
        }
        None => param.name.clone(),
    });
    format!("kernel {}({})", info.name, params.collect::<Vec<_>>().join(", "))
}

/// Words in lines of at most so many columns.
pub fn filled(words: &[&str], width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// A number of bytes: `1.5 MB`.
pub fn bytes_text(bytes: f64) -> String {
    rate_text(bytes, "B")
}

/// A number with a unit, in thousands of it where that is shorter: `12.3 GB/s`.
pub fn rate_text(rate: f64, unit: &str) -> String {
    const PREFIXES: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let power = if rate >= 1000.0 { (rate.log10() / 3.0) as usize } else { 0 };
    let power = power.min(PREFIXES.len() - 1);
    let value = rate / 1000f64.powi(power as i32);
    let places = if power == 0 && value.fract() == 0.0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.places$} {}{unit}", PREFIXES[power])
}

fn array_text(array: &Array, label: &str) -> String {
    if array.is_empty() {
        return format!("{label}[]");
    }
    let axes: Vec<Axis> = array.shape().iter().map(|extent| Axis::new(*extent, array.len() > THRESHOLD)).collect();
    let mut shown = Vec::new();
    collect(array, &axes, 0, &mut shown);
    let columns = Columns::new(array.ty(), &shown);
    let mut words = shown.iter().map(|scalar| columns.word(*scalar));
    let indent = " ".repeat(label.chars().count() + 1);
    let mut out = label.to_owned();
    push_axis(&mut out, &axes, &mut words, &indent, WIDTH);
    out
}

/// Which indices of an axis are shown: all, or those at its edges.
struct Axis {
    extent: usize,
    head: Range<usize>,
    tail: Range<usize>,
}

impl Axis {
    fn new(extent: usize, is_shortened: bool) -> Axis {
        if is_shortened && extent > 2 * EDGE {
            return Axis { extent, head: 0..EDGE, tail: extent - EDGE..extent };
        }
        Axis { extent, head: 0..0, tail: 0..extent }
    }

    fn is_shortened(&self) -> bool {
        !self.head.is_empty()
    }
}

/// The shown elements, in order.
fn collect(array: &Array, axes: &[Axis], position: usize, out: &mut Vec<Scalar>) {
    let Some((axis, inner)) = axes.split_first() else {
        out.extend(array.get(position));
        return;
    };
    for index in axis.head.clone().chain(axis.tail.clone()) {
        collect(array, inner, position * axis.extent + index, out);
    }
}

/// Adds one axis in brackets. `indent` is what its later lines begin with, `width` how far its lines may reach.
fn push_axis(out: &mut String, axes: &[Axis], words: &mut impl Iterator<Item = String>, indent: &str, width: usize) {
    let Some((axis, inner)) = axes.split_first() else {
        return;
    };
    out.push('[');
    if inner.is_empty() {
        push_row(out, axis, words, indent, width - 1);
    } else {
        push_rows(out, axis, inner, words, indent, width);
    }
    out.push(']');
}

/// The elements of an innermost axis, in as many lines as they need.
fn push_row(out: &mut String, axis: &Axis, words: &mut impl Iterator<Item = String>, indent: &str, width: usize) {
    let mut line = Line { out, used: indent.len(), indent, width };
    for _ in axis.head.clone() {
        line.push(words.next());
    }
    if axis.is_shortened() {
        line.push(Some("...".to_owned()));
    }
    for _ in axis.tail.clone() {
        line.push(words.next());
    }
}

/// A line that is being filled.
struct Line<'a> {
    out: &'a mut String,
    /// Columns taken, the space before the next word included.
    used: usize,
    indent: &'a str,
    width: usize,
}

impl Line<'_> {
    fn push(&mut self, word: Option<String>) {
        let Some(word) = word else { return };
        let is_first = self.used <= self.indent.len();
        if !is_first && self.used + word.len() > self.width {
            // Padding of the last word is not left at the end of a line.
            self.out.truncate(self.out.trim_end().len());
            self.out.push('\n');
            self.out.push_str(self.indent);
            self.used = self.indent.len();
        } else if !is_first {
            self.out.push(' ');
        }
        self.out.push_str(&word);
        self.used += word.len() + 1;
    }
}

/// The parts of an outer axis, each on lines of its own, with as many empty lines between as there are axes within.
fn push_rows(
    out: &mut String,
    axis: &Axis,
    inner: &[Axis],
    words: &mut impl Iterator<Item = String>,
    indent: &str,
    width: usize,
) {
    let between = format!("{}{indent}", "\n".repeat(inner.len()));
    let deeper = format!("{indent} ");
    let mut is_first = true;
    let mut separate = |out: &mut String| {
        if !std::mem::take(&mut is_first) {
            out.push_str(&between);
        }
    };
    for _ in axis.head.clone() {
        separate(out);
        push_axis(out, inner, words, &deeper, width - 1);
    }
    if axis.is_shortened() {
        separate(out);
        out.push_str("...");
    }
    for _ in axis.tail.clone() {
        separate(out);
        push_axis(out, inner, words, &deeper, width - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::value_text;
    use hotloop::{Array, Complex, Element, Value};

    fn text<T: Element>(elements: Vec<T>, shape: &[usize]) -> String {
        value_text(&Value::Array(Array::from_vec(elements, shape).expect("a shape that fits")), "")
    }

    fn line<T: Element>(elements: &[T]) -> String {
        text(elements.to_vec(), &[elements.len()])
    }

    fn scalar<T: Element>(value: T) -> String {
        value_text(&Value::Scalar(value.to_scalar()), "")
    }

    #[test]
    fn rates_have_three_digits() {
        let texts = [0.0, 12.0, 1500.0, 999_950.0, 2.5e9, 1e21].map(|rate| super::rate_text(rate, "B/s"));
        assert_eq!(texts, ["0 B/s", "12 B/s", "1.5 kB/s", "1000 kB/s", "2.5 GB/s", "1000000 PB/s"]);
        assert_eq!(super::filled(&["ab", "cd", "e"], 5), "ab cd\ne");
    }

    // The expected texts are those of `print` on the same arrays in NumPy 2.4.6, with `true` and `false` for its `True`
    // and `False`.

    #[test]
    fn scalars_read_back() {
        assert_eq!(scalar(0.1f32), "0.1");
        assert_eq!(scalar(2.0), "2.0");
        assert_eq!(scalar(-0.0), "-0.0");
        assert_eq!(scalar(1e-9), "1e-9");
        assert_eq!(scalar(f64::NAN), "nan");
        assert_eq!(scalar(f32::NEG_INFINITY), "-inf");
        assert_eq!(scalar(u64::MAX), "18446744073709551615");
        assert_eq!(scalar(-3i8), "-3");
        assert_eq!(scalar(true), "true");
        assert_eq!(scalar(Complex::new(1.5, -2.0)), "1.5-2.0j");
        assert_eq!(scalar(Complex::new(-0.0f32, f32::INFINITY)), "-0.0+infj");
    }

    #[test]
    fn words_are_aligned() {
        assert_eq!(line(&[1i64, -20, 300]), "[  1 -20 300]");
        assert_eq!(line(&[true, false]), "[ true false]");
        assert_eq!(line(&[true, true]), "[ true  true]");
        assert_eq!(line(&[1.0, 2.5, -3.0]), "[ 1.   2.5 -3. ]");
        assert_eq!(line::<f64>(&[]), "[]");
        assert_eq!(text(Vec::<i64>::new(), &[2, 0]), "[]");
    }

    #[test]
    fn parts_are_aligned() {
        let of = |parts: &[(f64, f64)]| line(&parts.iter().map(|&(re, im)| Complex::new(re, im)).collect::<Vec<_>>());
        assert_eq!(of(&[(1.0, 2.0), (3.5, -1.0)]), "[1. +2.j 3.5-1.j]");
        assert_eq!(of(&[(1.0, 10.0), (-1.0, 2.25)]), "[ 1.+10.j   -1. +2.25j]");
        assert_eq!(of(&[(1.0, f64::NAN), (f64::INFINITY, -2.0)]), "[ 1.+nanj inf -2.j]");
        assert_eq!(of(&[(1e-9, 1.0), (1.0, 1e10)]), "[1.e-09+1.e+00j 1.e+00+1.e+10j]");
    }

    #[test]
    fn axes_are_nested() {
        assert_eq!(text((1..=4).collect::<Vec<i64>>(), &[2, 2]), "[[1 2]\n [3 4]]");
        let cube = "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]";
        assert_eq!(text((0..8).collect::<Vec<i64>>(), &[2, 2, 2]), cube);
        let four = "[[[[0 1]]\n\n  [[2 3]]]\n\n\n [[[4 5]]\n\n  [[6 7]]]]";
        assert_eq!(text((0..8).collect::<Vec<i64>>(), &[2, 2, 1, 2]), four);
    }

    #[test]
    fn long_rows_are_broken() {
        let expect = "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]";
        assert_eq!(line(&(0..30).collect::<Vec<i64>>()), expect);
        let halves: Vec<f64> = (0..20).map(|i| f64::from(i) / 2.0).collect();
        let expect = "[0.  0.5 1.  1.5 2.  2.5 3.  3.5 4.  4.5 5.  5.5 6.  6.5 7.  7.5 8.  8.5\n 9.  9.5]";
        assert_eq!(line(&halves), expect);
    }

    #[test]
    fn large_arrays_are_shortened() {
        assert_eq!(line(&(0..1001).collect::<Vec<i64>>()), "[   0    1    2 ...  998  999 1000]");
        let square = text((0..10_000).collect::<Vec<i64>>(), &[100, 100]);
        let expect = "[[   0    1    2 ...   97   98   99]\n [ 100  101  102 ...  197  198  199]\n \
                      [ 200  201  202 ...  297  298  299]\n ...\n [9700 9701 9702 ... 9797 9798 9799]\n \
                      [9800 9801 9802 ... 9897 9898 9899]\n [9900 9901 9902 ... 9997 9998 9999]]";
        assert_eq!(square, expect);
        let tall = text((0..1200).collect::<Vec<i64>>(), &[600, 2]);
        let expect = "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n [1194 1195]\n [1196 1197]\n [1198 1199]]";
        assert_eq!(tall, expect);
    }

    #[test]
    fn labels_indent_what_follows() {
        let square = Value::Array(Array::from_vec(vec![1i64, 2, 3, 4], &[2, 2]).expect("four"));
        assert_eq!(value_text(&square, "[0] = "), "[0] = [[1 2]\n       [3 4]]");
    }
}
