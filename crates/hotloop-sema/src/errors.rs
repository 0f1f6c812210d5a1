//! The diagnostics of meaning: one constructor per code, with the words users see.
//!
//! Codes E0100 to E0299 belong here; the syntax has those below. [`CODES`] lists them all.

use crate::promote::Ty;
use hotloop_source::{Diagnostic, Span};
use std::cmp::Reverse;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $code:literal;)*) => {
        $($(#[doc = $doc])+ pub const $name: &str = $code;)*

        /// Every code of this crate.
        pub const CODES: &[&str] = &[$($code),*];
    };
}

codes! {
    /// A name that nothing declares.
    UNKNOWN_NAME "E0100";
    /// A function that does not exist.
    UNKNOWN_FUNCTION "E0101";
    /// Two items or parameters of one name.
    DUPLICATE "E0102";
    /// A type name that does not exist.
    UNKNOWN_TYPE "E0103";
    /// An attribute that does not exist, or wrong arguments of one.
    BAD_ATTRIBUTE "E0104";
    /// A kernel that does not exist.
    UNKNOWN_KERNEL "E0105";
    /// A wrong number of arguments, or a wrong keyword.
    BAD_ARGUMENTS "E0110";
    /// Operand types that do not go together.
    BAD_OPERANDS "E0111";
    /// `u64` with a signed integer.
    U64_WITH_SIGNED "E0112";
    /// A bool used as a number, or a number as a condition.
    BOOL_AND_NUMBER "E0113";
    /// A literal that does not fit its type.
    LITERAL_RANGE "E0114";
    /// An argument of the wrong type or rank.
    ARGUMENT_TYPE "E0115";
    /// A negative literal exponent of an integer power.
    NEGATIVE_EXPONENT "E0116";
    /// A condition that is an array.
    ARRAY_CONDITION "E0117";
    /// Assignment to what cannot change.
    NOT_ASSIGNABLE "E0120";
    /// A value of another type, rank or number than needed.
    TYPE_MISMATCH "E0121";
    /// A value is needed and none is given.
    NO_VALUE "E0122";
    /// `break` or `continue` outside a loop.
    OUTSIDE_LOOP "E0123";
    /// A loop over something other than a range.
    BAD_LOOP "E0124";
    /// Too many, or wrong, indices.
    BAD_INDEX "E0130";
    /// An axis that the array does not have.
    BAD_AXIS "E0131";
    /// A function that calls itself.
    RECURSION "E0140";
    /// A limit on size or depth.
    TOO_LARGE "E0141";
    /// A write in a parallel loop that may meet another iteration's access.
    RACE "E0150";
    /// A scalar changed in a parallel loop in a way that is no reduction.
    NOT_A_REDUCTION "E0151";
    /// Something the language has or will have, but not in this place.
    UNSUPPORTED "E0160";
}

/// `name` is declared nowhere.
pub fn unknown_name(span: Span, name: &str, similar: Option<&str>) -> Diagnostic {
    let diag = Diagnostic::error(UNKNOWN_NAME, span, format!("`{name}` is not defined"));
    match similar {
        Some(similar) => diag.hint(format!("did you mean `{similar}`?")),
        None => diag.hint(format!("declare it with `let {name} = …`, or make it a parameter")),
    }
}

/// No function has this name.
pub fn unknown_function(span: Span, name: &str, similar: Option<&str>) -> Diagnostic {
    let diag = Diagnostic::error(UNKNOWN_FUNCTION, span, format!("there is no function `{name}`"));
    match similar {
        Some(similar) => diag.hint(format!("did you mean `{similar}`?")),
        None => diag.hint(format!("define it with `fn {name}(…) = …`")),
    }
}

/// Two things of one name.
pub fn duplicate(span: Span, what: &str, name: &str, first: Span) -> Diagnostic {
    Diagnostic::error(DUPLICATE, span, format!("{what} `{name}` is defined twice"))
        .label(first, "first defined here")
        .hint("give one of them another name")
}

/// No element type has this name.
pub fn unknown_type(span: Span, name: &str) -> Diagnostic {
    let names: Vec<_> = hotloop_ir::Type::ALL.iter().map(|ty| ty.name()).collect();
    Diagnostic::error(UNKNOWN_TYPE, span, format!("there is no type `{name}`"))
        .hint(format!("the types are {}", names.join(" ")))
}

/// Two operand types that make no third.
pub fn bad_operands(span: Span, op: &str, a: Ty, b: Ty) -> Diagnostic {
    Diagnostic::error(BAD_OPERANDS, span, format!("`{op}` does not take `{}` and `{}`", a.describe(), b.describe()))
}

/// `u64` with a signed type.
pub fn u64_with_signed(span: Span, op: &str, a: Ty, b: Ty) -> Diagnostic {
    Diagnostic::error(
        U64_WITH_SIGNED,
        span,
        format!("`{op}` of `{}` and `{}`: no integer type holds both", a.describe(), b.describe()),
    )
    .hint("cast one side: `i64(…)` or `u64(…)`; or both to `f64(…)` if rounding is fine")
}

/// A bool where a number is needed.
pub fn bool_with_number(span: Span, op: &str, a: Ty, b: Ty) -> Diagnostic {
    Diagnostic::error(
        BOOL_AND_NUMBER,
        span,
        format!("`{op}` of `{}` and `{}`: a bool is not a number", a.describe(), b.describe()),
    )
    .hint("cast the bool, for example `i64(…)` or `f64(…)`, or use `where(condition, a, b)`")
}

/// An operand of the wrong class.
pub fn wrong_class(span: Span, op: &str, ty: Ty, needs: &str) -> Diagnostic {
    Diagnostic::error(BAD_OPERANDS, span, format!("`{op}` needs {needs}, not `{}`", ty.describe()))
}

/// A complex number where only a real one has a meaning.
pub fn real_needed(span: Span, op: &str, ty: Ty) -> Diagnostic {
    wrong_class(span, op, ty, "a real number").hint("take what it is about: `real(…)`, `imag(…)` or `abs(…)`")
}

/// An order of complex numbers.
pub fn no_order(span: Span, op: &str) -> Diagnostic {
    Diagnostic::error(BAD_OPERANDS, span, format!("`{op}` does not take complex numbers, which have no order"))
        .hint("compare `abs(…)`, `real(…)` or `imag(…)`; `==` and `!=` compare both parts")
}

/// A condition that is no bool.
pub fn not_a_condition(span: Span, ty: Ty) -> Diagnostic {
    Diagnostic::error(BOOL_AND_NUMBER, span, format!("a condition must be a bool, this is `{}`", ty.describe()))
        .hint("compare it, for example `… != 0`")
}

/// A condition that is an array.
pub fn array_condition(span: Span, ty: Ty) -> Diagnostic {
    Diagnostic::error(ARRAY_CONDITION, span, format!("a condition must be one bool, this is `{}`", ty.describe()))
        .hint("write `where(condition, a, b)` for a choice per element, or `any(…)` / `all(…)` for one answer")
}

/// A literal out of its type's range.
pub fn literal_range(span: Span, text: &str, ty: &str) -> Diagnostic {
    Diagnostic::error(LITERAL_RANGE, span, format!("`{text}` does not fit in `{ty}`"))
        .hint("use a wider type, or a suffix such as `i64` or `f64`")
}

/// A wrong number of arguments.
pub fn argument_count(span: Span, name: &str, expected: &str, found: usize) -> Diagnostic {
    Diagnostic::error(BAD_ARGUMENTS, span, format!("`{name}` takes {expected}, {found} given"))
}

/// A keyword the function does not have.
pub fn unknown_keyword(span: Span, name: &str, keyword: &str, known: &[&str]) -> Diagnostic {
    let diag = Diagnostic::error(BAD_ARGUMENTS, span, format!("`{name}` has no keyword argument `{keyword}`"));
    if known.is_empty() {
        diag.hint("leave the keyword out")
    } else {
        diag.hint(format!("it has {}", known.join(", ")))
    }
}

/// Something general about types, with a hint.
pub fn mismatch(span: Span, message: String, hint: &str) -> Diagnostic {
    Diagnostic::error(TYPE_MISMATCH, span, message).hint(hint)
}

/// A recursive function.
pub fn recursion(span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(RECURSION, span, format!("`{name}` calls itself; functions are inlined, so they cannot recurse"))
        .hint("write it as a loop")
}

/// A size limit.
pub fn too_large(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(TOO_LARGE, span, format!("this is too large: {what}")).hint("split the kernel, or use a loop")
}

/// Not supported in this place.
pub fn unsupported(span: Span, what: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(UNSUPPORTED, span, what.to_string()).hint(hint)
}

/// A mistake of a kind that has its own code and needs no label.
pub fn plain(code: &'static str, span: Span, message: String, hint: &str) -> Diagnostic {
    Diagnostic::error(code, span, message).hint(hint)
}

/// The name among `names` that is nearest to `name`, if any is near enough.
pub fn similar<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 4;
    // Of names equally near, that which begins alike for longest: a slip is more likely at the end.
    let differs = |other: &str| Reverse(name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count());
    names
        .map(|other| (distance(name, other, limit), differs(other), other))
        .filter(|(distance, ..)| *distance <= limit)
        .min()
        .map(|(.., other)| other)
}

/// Levenshtein distance, given up above `limit`.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
