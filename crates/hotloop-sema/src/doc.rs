//! What there is to know of a function: how it is called, what it gives, how exact it is, and one example.
//!
//! Builtins say what they are in their own table; functions of the library have a comment above them in `std/`, which
//! ends in how far they may be off. Here stand signatures and examples; those of functions of arrays, and what words of
//! the language are for, in `rows`.

mod rows;

use crate::builtins::{BUILTINS, Predefined, predefined};
use crate::module::Module;

/// What there is to know of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// How it is called.
    pub signature: String,
    /// What it gives.
    pub meaning: String,
    /// How exact it is; empty for what is exact.
    pub accuracy: String,
    /// An expression that uses it; empty if there is none.
    pub example: String,
}

/// Functions of the library and of builtins: signature, meaning (of builtins only where the table's line is not
/// enough), example.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("abs", "abs(x)", "", "abs(-2.5)"),
    ("acos", "acos(x)", "the angle in [0, pi] with this cosine", "acos(0.5)"),
    ("acosh", "acosh(x)", "inverse of cosh", "acosh(2.0)"),
    ("all", "all(x, axis=…, keepdims=false)", "", "all(linspace(1, 2, 5) > 0)"),
    ("angle", "angle(z)", "", "angle(-2 + 0j)"),
    ("any", "any(x, axis=…, keepdims=false)", "", "any(arange(5) == 3)"),
    ("arange", "arange(stop), arange(start, stop), arange(start, stop, step)", "", "arange(2, 10, 3)"),
    ("arg", "arg(z)", "", "arg(-2 + 0j)"),
    ("asin", "asin(x)", "the angle in [-pi/2, pi/2] with this sine", "asin(0.5)"),
    ("asinh", "asinh(x)", "inverse of sinh", "asinh(2.0)"),
    ("atan", "atan(x)", "the angle in [-pi/2, pi/2] with this tangent", "atan(1.0)"),
    ("atan2", "atan2(y, x)", "the angle of the point (x, y)", "atan2(1.0, -1.0)"),
    ("atanh", "atanh(x)", "inverse of tanh", "atanh(0.5)"),
    ("bits", "bits(x)", "", "bits(1.0)"),
    ("cbrt", "cbrt(x)", "cube root", "cbrt(27.0)"),
    ("ceil", "ceil(x)", "", "ceil(1.2)"),
    ("clip", "clip(x, low, high)", "", "clip(arange(6), 1, 3)"),
    ("complex", "complex(re, im)", "", "complex(1, 2)"),
    ("conj", "conj(z)", "", "conj(1 + 2j)"),
    ("copysign", "copysign(x, y)", "", "copysign(2.0, -0.0)"),
    ("cos", "cos(x)", "cosine of an angle in radians", "cos(pi / 3)"),
    ("cosh", "cosh(x)", "hyperbolic cosine", "cosh(1.0)"),
    ("cospi", "cospi(x)", "cosine of x times pi, without the error of that product", "cospi(1.5)"),
    ("degrees", "degrees(x)", "radians as degrees", "degrees(pi)"),
    ("erf", "erf(x)", "error function", "erf(0.5)"),
    ("erfc", "erfc(x)", "1 - erf(x), exact for large x too", "erfc(5.0)"),
    ("exp", "exp(x)", "e to the power x", "exp(1.0)"),
    ("exp10", "exp10(x)", "10 to the power x", "exp10(3.0)"),
    ("exp2", "exp2(x)", "2 to the power x", "exp2(0.5)"),
    ("expm1", "expm1(x)", "exp(x) - 1, exact for small x too", "expm1(1e-9)"),
    ("floor", "floor(x)", "", "floor(-1.2)"),
    ("fma", "fma(a, b, c)", "", "fma(0.1, 10, -1)"),
    ("fmax", "fmax(x, y)", "the larger; a number if one of them is NaN", "fmax(nan, 1.0)"),
    ("fmin", "fmin(x, y)", "the smaller; a number if one of them is NaN", "fmin(nan, 1.0)"),
    ("from_bits", "from_bits(i)", "", "from_bits(0x3ff0000000000000)"),
    ("full", "full(value, extents…)", "", "full(7u8, 2, 3)"),
    ("getexp", "getexp(x)", "", "getexp(10.0)"),
    ("getmant", "getmant(x)", "", "getmant(10.0)"),
    ("hypot", "hypot(x, y)", "sqrt(x*x + y*y) without overflow", "hypot(3.0, 4.0)"),
    ("imag", "imag(z)", "", "imag(1 + 2j)"),
    ("isfinite", "isfinite(x)", "whether x is neither infinite nor NaN", "isfinite(1.0)"),
    ("isinf", "isinf(x)", "whether x is infinite", "isinf(-inf)"),
    ("isnan", "isnan(x)", "whether x is NaN", "isnan(nan)"),
    ("ldexp", "ldexp(x, n)", "", "ldexp(0.75, 4.0)"),
    ("len", "len(a)", "", "len(arange(7))"),
    ("linspace", "linspace(start, stop, count)", "", "linspace(0, 1, 5)"),
    ("log", "log(x)", "natural logarithm", "log(e)"),
    ("log10", "log10(x)", "logarithm to base 10", "log10(1000.0)"),
    ("log1p", "log1p(x)", "log(1 + x), exact for small x too", "log1p(1e-9)"),
    ("log2", "log2(x)", "logarithm to base 2", "log2(8.0)"),
    ("max", "max(x, axis=…, keepdims=false), max(a, b, …)", "", "max(linspace(0, 3, 7))"),
    ("mean", "mean(x, axis=…, keepdims=false)", "", "mean(linspace(0, 3, 7))"),
    ("min", "min(x, axis=…, keepdims=false), min(a, b, …)", "", "min(arange(5), 2)"),
    (
        "normal",
        "normal(seed, index)",
        "the number of the standard normal distribution that belongs to a seed and an index",
        "normal(1, arange(3))",
    ),
    ("ones", "ones(extents…)", "", "ones(2, 3)"),
    ("ones_like", "ones_like(a)", "", "ones_like(arange(3))"),
    ("pow", "pow(x, y)", "x to the power y; also x**y", "pow(2.0, 0.5)"),
    ("prod", "prod(x, axis=…, keepdims=false)", "", "prod(arange(1, 6))"),
    ("radians", "radians(x)", "degrees as radians", "radians(180.0)"),
    (
        "random",
        "random(seed, index)",
        "the number in [0, 1) that belongs to a seed and an index",
        "random(1, arange(3))",
    ),
    ("real", "real(z)", "", "real(1 + 2j)"),
    ("round", "round(x)", "", "round(2.5)"),
    ("rsqrt", "rsqrt(x)", "1 / sqrt(x)", "rsqrt(4.0)"),
    ("shape", "shape(a, axis)", "", "shape(zeros(2, 3), 1)"),
    ("sigmoid", "sigmoid(x)", "1 / (1 + exp(-x))", "sigmoid(0.5)"),
    ("sign", "sign(x)", "-1, 0 or 1", "sign(-3.0)"),
    ("signbit", "signbit(x)", "whether the sign is minus, of zeros too", "signbit(-0.0)"),
    ("sin", "sin(x)", "sine of an angle in radians", "sin(pi / 6)"),
    ("sinh", "sinh(x)", "hyperbolic sine", "sinh(1.0)"),
    ("sinpi", "sinpi(x)", "sine of x times pi, without the error of that product", "sinpi(1e10)"),
    ("size", "size(a)", "", "size(zeros(2, 3))"),
    ("sqrt", "sqrt(x)", "", "sqrt(2.0)"),
    ("sum", "sum(x, axis=…, keepdims=false)", "", "sum(arange(101))"),
    ("tan", "tan(x)", "tangent of an angle in radians", "tan(pi / 4)"),
    ("tanh", "tanh(x)", "hyperbolic tangent", "tanh(0.5)"),
    ("tanpi", "tanpi(x)", "tangent of x times pi, without the error of that product", "tanpi(0.25)"),
    ("trunc", "trunc(x)", "", "trunc(-1.7)"),
    ("unlikely", "unlikely(condition)", "", "unlikely(2 < 1)"),
    ("where", "where(condition, a, b)", "", "where(arange(4) > 1, 1, 0)"),
    ("zeros", "zeros(extents…)", "", "zeros(2, 3)"),
    ("zeros_like", "zeros_like(a)", "", "zeros_like(arange(3))"),
];

/// What there is to know of a function, a constant or a word of the language; none for names that mean nothing.
pub fn doc(name: &str) -> Option<Doc> {
    if let Some(constant) = predefined(name) {
        let meaning = match constant {
            Predefined::Number(value) => format!("the number {value:?}, of the type of what it meets"),
            Predefined::Bool(value) => format!("the bool {value}"),
        };
        let (signature, accuracy) = (name.to_owned(), String::new());
        return Some(Doc { signature, meaning, accuracy, example: name.to_owned() });
    }
    if let Some((_, signature, meaning, example)) = rows::WORDS.iter().find(|row| row.0 == name) {
        let [signature, meaning, example] = [signature, meaning, example].map(|text| (*text).to_owned());
        return Some(Doc { signature, meaning, accuracy: String::new(), example });
    }
    let row = ROWS.iter().chain(rows::ARRAYS).find(|row| row.0 == name);
    let (_, signature, meaning, example) = row.copied().unwrap_or((name, "", "", ""));
    if let Some((_, _, help)) = BUILTINS.iter().find(|row| row.0 == name) {
        let signature = if signature.is_empty() { format!("{name}(…)") } else { signature.to_owned() };
        let meaning = if meaning.is_empty() { help } else { meaning };
        let (meaning, accuracy) = (meaning.to_owned(), String::new());
        return Some(Doc { signature, meaning, accuracy, example: example.to_owned() });
    }
    library_doc(name, signature, meaning, example)
}

fn library_doc(name: &str, signature: &str, meaning: &str, example: &str) -> Option<Doc> {
    let library = Module::library();
    let item = &library.items[*library.by_name.get(name).filter(|_| !name.starts_with('_'))?.first()?];
    let params: Vec<&str> = item.params.iter().map(|param| &*param.name.text).collect();
    let written = format!("{name}({})", params.join(", "));
    let comment = comment(name);
    let accuracy = comment.rsplit_once(" ULP").and_then(|(before, _)| before.rsplit(' ').next());
    Some(Doc {
        signature: if signature.is_empty() { written } else { signature.to_owned() },
        meaning: if meaning.is_empty() { comment.clone() } else { meaning.to_owned() },
        accuracy: accuracy.map_or(String::new(), |ulps| {
            format!("within {ulps} {} in the last place", if ulps == "1" { "unit" } else { "units" })
        }),
        example: example.to_owned(),
    })
}

/// The comment right above a function of the library, as one line.
fn comment(name: &str) -> String {
    let text = crate::module::LIBRARY_TEXT;
    let above: Vec<&str> = text.lines().take_while(|line| !line.starts_with(&format!("fn {name}("))).collect();
    let lines: Vec<&str> = above.iter().rev().map_while(|line| line.strip_prefix('#')).collect();
    lines.iter().rev().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{ROWS, doc, rows};
    use crate::builtins::BUILTINS;
    use crate::module::Module;

    #[test]
    fn every_name_has_an_answer() {
        for name in BUILTINS.iter().map(|row| row.0).chain(Module::library_names()) {
            let doc = doc(name).unwrap_or_else(|| panic!("`{name}` has none"));
            assert!(doc.signature.starts_with(name), "{name}");
            assert!(!doc.meaning.is_empty(), "`{name}` needs a meaning");
            assert!(!doc.signature.ends_with("(…)") && !doc.example.is_empty(), "`{name}` needs a row in `doc`");
        }
        assert_eq!(doc("nothing"), None);
    }

    #[test]
    fn rows_are_in_order_and_about_functions() {
        assert!([ROWS, rows::ARRAYS, rows::WORDS].iter().all(|rows| rows.is_sorted_by_key(|row| row.0)));
        for row in ROWS.iter().chain(rows::ARRAYS) {
            assert!(doc(row.0).is_some(), "there is no `{}`", row.0);
        }
    }

    #[test]
    fn accuracy_comes_from_the_library() {
        assert_eq!(doc("exp").expect("it is there").accuracy, "within 0.95 units in the last place");
        assert_eq!(doc("sum").expect("it is there").accuracy, "");
    }
}
