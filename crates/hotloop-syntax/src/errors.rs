//! What the parser can complain about: one code and one constructor each.
//!
//! A message says what is wrong with the author's own text in backticks; a hint says what to write instead.

use hotloop_source::{Diagnostic, Span};

macro_rules! codes {
    ($($name:ident $code:literal $text:literal,)*) => {
        $(pub(crate) const $name: &str = $code;)*

        /// Every code of this crate with a line about it.
        pub const CODES: &[(&str, &str)] = &[$(($code, $text),)*];
    };
}

codes! {
    TEXT_TOO_LONG "E0001" "the text is longer than the limit",
    TOO_MANY_TOKENS "E0002" "the text has more tokens than the limit",
    TOO_MANY_NODES "E0003" "the tree has more nodes than the limit",
    TOO_DEEP "E0004" "brackets, blocks or operators are nested too deeply",
    TOO_HIGH "E0005" "an expression has too many operators in a chain",
    TOO_MANY_ERRORS "E0006" "the text has more errors than are shown",
    UNKNOWN_CHARACTER "E0010" "a character has no meaning",
    UNENDED_STRING "E0011" "a string does not end on its line",
    SINGLE_QUOTES "E0012" "a string is written in single quotes",
    BAD_NUMBER "E0013" "a number has an unknown suffix or is not one",
    NOT_WHOLE "E0014" "a suffix of whole numbers follows a number with a point",
    NO_DIGITS "E0015" "a number has no digits after its prefix",
    BAD_DIGIT "E0016" "a digit is too large for the base of its number",
    FLOAT_TOO_LARGE "E0017" "a number is larger than any float",
    INT_TOO_LARGE "E0018" "a whole number does not fit 128 bits",
    UNCLOSED "E0020" "a bracket is not closed",
    STRAY_CLOSER "E0021" "a closing bracket closes nothing",
    EXPECTED "E0030" "something else is needed here",
    EXPECTED_ITEM "E0031" "only functions and kernels stand outside of bodies",
    EXPECTED_EXPR "E0032" "an expression is missing",
    EXPECTED_END "E0033" "a statement goes on where it should end",
    NOT_A_PLACE "E0034" "the left side cannot be assigned to",
    POSITIONAL_AFTER_KEYWORD "E0035" "a positional argument follows a keyword argument",
    REPEATED_KEYWORD "E0036" "a keyword argument is given twice",
    NOT_NEEDS_PARENTHESES "E0037" "`not` stands behind an operator that binds tighter",
    NUMBER_CALLED "E0038" "a number is called like a function",
    EMPTY_INDEX "E0039" "an index is empty",
    MISSING_ELSE "E0040" "`if … then` has no `else`",
    DEFAULT_VALUE "E0041" "a parameter has a default value",
    NESTED_ITEM "E0042" "a function is written inside a body",
    COLON_BLOCK "E0043" "a block begins with a colon",
    FOREIGN_WORD "E0044" "a word of another language is used",
    NOT_ONE_EXPR "E0045" "the text is not exactly one expression",
    LOOSE_ATTRIBUTE "E0046" "an attribute stands before nothing",
    INCREMENT "E0047" "`++` or `--` is used as a statement",
    FOREIGN_CONDITIONAL "E0048" "a conditional is written as in another language",
    ASSIGN_IN_EXPR "E0049" "`=` is used where a value is needed",
    STRING_OUTSIDE "E0050" "a string stands outside of an attribute",
    BARE_TUPLE "E0051" "several values are written without parentheses",
    MISPLACED_MUT "E0052" "`mut` stands before a name instead of its type",
    BAD_RANK "E0053" "the axes of an array type are not written as colons",
    MISSING_LET "E0054" "a declaration lacks its `let` or `var`",
    IMPLICIT_PRODUCT "E0055" "a multiplication lacks its `*`",
    NOT_AT_PROMPT "E0090" "a statement that only makes sense in a body is typed at a prompt",
}

/// Diagnostics up to a limit, so that no text can make them without end.
pub(crate) struct Sink {
    diags: Vec<Diagnostic>,
    limit: usize,
    full: bool,
}

impl Sink {
    pub(crate) fn new(limit: usize) -> Sink {
        Sink { diags: Vec::new(), limit, full: false }
    }

    pub(crate) fn push(&mut self, diag: Diagnostic) {
        if self.diags.len() < self.limit {
            self.diags.push(diag);
        } else if !self.full {
            let message = format!("more than {} errors; the rest is not shown", self.limit);
            self.diags.push(Diagnostic::error(TOO_MANY_ERRORS, diag.span, message));
            self.full = true;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The diagnostics in the order of the text.
    pub(crate) fn into_vec(mut self) -> Vec<Diagnostic> {
        self.diags.sort_by_key(|diag| (diag.code == TOO_MANY_ERRORS, diag.span.start));
        self.diags
    }
}

fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, span, message)
}

/// A piece of the author's text as it may stand in a message.
fn quote(text: &str) -> String {
    const SHOWN: usize = 40;
    let head: String = text.chars().take(SHOWN).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{head}…") } else { head }
}

pub(crate) fn text_too_long(bytes: usize, limit: usize) -> Diagnostic {
    error(TEXT_TOO_LONG, Span::at(0), format!("the text has {bytes} bytes; the limit is {limit}"))
        .hint("split it into several files, or raise the limit on the size of the text")
}

pub(crate) fn too_many_tokens(span: Span, limit: usize) -> Diagnostic {
    error(TOO_MANY_TOKENS, span, format!("the text has more than {limit} tokens"))
        .hint("split it into several files, or raise the limit on tokens")
}

pub(crate) fn too_many_nodes(span: Span, limit: usize) -> Diagnostic {
    error(TOO_MANY_NODES, span, format!("the text has more than {limit} expressions and statements"))
        .hint("split it into several files, or raise the limit on nodes")
}

pub(crate) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    error(TOO_DEEP, span, format!("more than {limit} levels of nesting"))
        .hint("name the inner parts with `let` and use the names here")
}

pub(crate) fn too_high(span: Span, limit: usize) -> Diagnostic {
    error(TOO_HIGH, span, format!("a chain of more than {limit} operators"))
        .hint("split the expression: `let part = …`, then go on with `part`")
}

pub(crate) fn unknown_character(span: Span, c: char) -> Diagnostic {
    let shown = if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
    let diag = error(UNKNOWN_CHARACTER, span, format!("`{shown}` has no meaning here"));
    match LOOKALIKES.iter().find(|(look, _)| *look == c) {
        Some((_, plain)) => diag.hint(format!("write `{plain}`")),
        None => diag.hint("remove it; comments begin with `#`"),
    }
}

/// Characters that editors and web pages put where plain ones are meant.
const LOOKALIKES: &[(char, &str)] = &[
    ('\u{2212}', "-"),
    ('\u{2013}', "-"),
    ('\u{00D7}', "*"),
    ('\u{00B7}', "*"),
    ('\u{22C5}', "*"),
    ('\u{00F7}', "/"),
    ('\u{2264}', "<="),
    ('\u{2265}', ">="),
    ('\u{2260}', "!="),
    ('\u{2192}', "->"),
    ('\u{00B2}', "**2"),
    ('\u{00B3}', "**3"),
    ('\u{201C}', "\""),
    ('\u{201D}', "\""),
    ('\u{2026}', "..."),
    ('\u{00A0}', " "),
    ('\\', "( … ) around what takes several lines"),
];

pub(crate) fn unended_string(span: Span) -> Diagnostic {
    error(UNENDED_STRING, span, "this string does not end on its line").hint("close it with `\"`")
}

pub(crate) fn single_quotes(span: Span, inside: &str) -> Diagnostic {
    error(SINGLE_QUOTES, span, format!("`'{}'` is in single quotes", quote(inside)))
        .hint(format!("write `\"{}\"`", quote(inside)))
}

pub(crate) fn bad_number(span: Span, text: &str) -> Diagnostic {
    error(BAD_NUMBER, span, format!("`{}` is not a number", quote(text)))
        .hint("write numbers as `12`, `1.5`, `1e-9`, `0xFF` or `0x1.8p3`")
}

pub(crate) fn bad_suffix(span: Span, digits: &str, suffix: &str) -> Diagnostic {
    let (digits, suffix) = (quote(digits), quote(suffix));
    error(BAD_NUMBER, span, format!("`{digits}{suffix}` is not a number"))
        .hint(format!("write `{digits}*{suffix}` to multiply; types of numbers are written as in `2i32` or `0.5f32`"))
}

pub(crate) fn not_whole(span: Span, digits: &str, suffix: &str) -> Diagnostic {
    let digits = quote(digits);
    error(NOT_WHOLE, span, format!("`{digits}` is not a whole number, but `{suffix}` asks for one"))
        .hint(format!("write `{digits}f64`, or a whole number before `{suffix}`"))
}

pub(crate) fn no_digits(span: Span) -> Diagnostic {
    error(NO_DIGITS, span, "this number has no digits").hint("write digits after the prefix, as in `0xFF`")
}

pub(crate) fn bad_digit(span: Span, digit: char, radix: u32) -> Diagnostic {
    error(BAD_DIGIT, span, format!("`{digit}` is not a digit in base {radix}"))
        .hint("write `0b` before binary, `0o` before octal and `0x` before hexadecimal digits")
}

pub(crate) fn float_too_large(span: Span, text: &str) -> Diagnostic {
    error(FLOAT_TOO_LARGE, span, format!("`{}` is larger than any f64", quote(text))).hint("write `inf` for infinity")
}

pub(crate) fn int_too_large(span: Span) -> Diagnostic {
    error(INT_TOO_LARGE, span, "this number does not fit any integer type")
        .hint("write it as a float, with `.0` at its end")
}

/// The innermost bracket, and those around it that are not closed either.
pub(crate) fn unclosed(span: Span, open: &str, close: &str, outer: &[Span]) -> Diagnostic {
    const SHOWN: usize = 3;
    let others = match outer.len() {
        0 => String::new(),
        1 => ", nor is the one around it".to_owned(),
        count => format!(", nor are {count} around it"),
    };
    let mut diag = error(UNCLOSED, span, format!("`{open}` is not closed{others}"));
    for outer in outer.iter().take(SHOWN) {
        diag = diag.label(*outer, "not closed either");
    }
    diag.hint(format!("add the `{close}` that belongs to it"))
}

pub(crate) fn stray_closer(span: Span, text: &str, open: Option<Span>) -> Diagnostic {
    let diag = error(STRAY_CLOSER, span, format!("`{text}` closes nothing"));
    let diag = match open {
        Some(open) => diag.label(open, "this is open here"),
        None => diag,
    };
    diag.hint("remove it, or open it before")
}

pub(crate) fn expected(span: Span, what: &str, found: &str) -> Diagnostic {
    error(EXPECTED, span, format!("expected {what}, found {found}"))
}

pub(crate) fn expected_item(span: Span, found: &str) -> Diagnostic {
    error(EXPECTED_ITEM, span, format!("expected `fn` or `kernel`, found {found}"))
        .hint("statements stand in the body of a function: `kernel name(x) { … }` or `kernel name(x) = …`")
}

pub(crate) fn expected_expr(span: Span, found: &str) -> Diagnostic {
    error(EXPECTED_EXPR, span, format!("expected an expression, found {found}"))
}

pub(crate) fn leading_operator(span: Span, found: &str) -> Diagnostic {
    expected_expr(span, found)
        .hint("an expression goes on in the next line after an operator at the end of the line, or inside parentheses")
}

pub(crate) fn expected_end(span: Span, found: &str) -> Diagnostic {
    error(EXPECTED_END, span, format!("expected the end of the statement, found {found}"))
        .hint("put the next statement in a new line, or write `;` before it")
}

pub(crate) fn not_a_place(span: Span, text: &str) -> Diagnostic {
    error(NOT_A_PLACE, span, format!("`{}` cannot be assigned to", quote(text)))
        .hint("assign to a variable, as in `x = …`, or to a part of an array, as in `a[i] = …`")
}

pub(crate) fn positional_after_keyword(span: Span, text: &str, keyword: Span) -> Diagnostic {
    error(POSITIONAL_AFTER_KEYWORD, span, format!("`{}` follows a keyword argument", quote(text)))
        .label(keyword, "the keyword argument")
        .hint("write arguments without a keyword first")
}

pub(crate) fn repeated_keyword(span: Span, name: &str, first: Span) -> Diagnostic {
    error(REPEATED_KEYWORD, span, format!("`{}` is given twice", quote(name)))
        .label(first, "given here")
        .hint("remove one of them")
}

pub(crate) fn not_needs_parentheses(span: Span, text: &str) -> Diagnostic {
    error(NOT_NEEDS_PARENTHESES, span, format!("`{text}` binds more loosely than the operator before it"))
        .hint("write `(not …)`")
}

pub(crate) fn number_called(span: Span, text: &str) -> Diagnostic {
    let text = quote(text);
    error(NUMBER_CALLED, span, format!("`{text}` is a number and cannot be called"))
        .hint(format!("write `{text} * (…)` to multiply"))
}

pub(crate) fn empty_index(span: Span) -> Diagnostic {
    error(EMPTY_INDEX, span, "nothing stands between `[` and `]`").hint("write `[i]` for an element, `[:]` for all")
}

pub(crate) fn missing_else(span: Span, found: &str) -> Diagnostic {
    error(MISSING_ELSE, span, format!("expected `else`, found {found}")).hint("write `if c then a else b`")
}

pub(crate) fn default_value(span: Span, name: &str) -> Diagnostic {
    error(DEFAULT_VALUE, span, format!("parameter `{}` has a default value", quote(name)))
        .hint("remove the value and pass it in the call")
}

pub(crate) fn nested_item(span: Span, word: &str) -> Diagnostic {
    error(NESTED_ITEM, span, format!("`{word}` inside a body")).hint("move it out of the body")
}

pub(crate) fn colon_block(span: Span) -> Diagnostic {
    error(COLON_BLOCK, span, "expected `{`, found `:`").hint("put the block in braces: `{ … }`")
}

pub(crate) fn foreign_word(span: Span, word: &str, instead: &str) -> Diagnostic {
    error(FOREIGN_WORD, span, format!("`{word}` is not a word of this language")).hint(instead)
}

pub(crate) fn not_one_expr(span: Span) -> Diagnostic {
    error(NOT_ONE_EXPR, span, "expected one expression").hint("write one expression, such as `2*a + 3*b`")
}

pub(crate) fn loose_attribute(span: Span, name: &str) -> Diagnostic {
    error(LOOSE_ATTRIBUTE, span, format!("`@{}` stands before no function", quote(name)))
        .hint("put it before `fn` or `kernel`")
}

pub(crate) fn increment(span: Span, sign: &str) -> Diagnostic {
    error(INCREMENT, span, format!("`{sign}{sign}` is not an operator")).hint(format!("write `x {sign}= 1`"))
}

pub(crate) fn foreign_conditional(span: Span, text: &str) -> Diagnostic {
    error(FOREIGN_CONDITIONAL, span, format!("`{text}` cannot follow an expression"))
        .hint("write `if c { a } else { b }`, or `if c then a else b`")
}

pub(crate) fn assign_in_expr(span: Span) -> Diagnostic {
    error(ASSIGN_IN_EXPR, span, "`=` is not an operator of expressions").hint("did you mean `==`?")
}

pub(crate) fn string_outside(span: Span) -> Diagnostic {
    error(STRING_OUTSIDE, span, "a string is not a value")
        .hint("strings stand only in attributes, as in `@name(\"…\")`")
}

pub(crate) fn bare_tuple(span: Span) -> Diagnostic {
    error(BARE_TUPLE, span, "several values without parentheses").hint("write `(a, b)`")
}

pub(crate) fn misplaced_mut(span: Span) -> Diagnostic {
    error(MISPLACED_MUT, span, "`mut` stands before the type, not before the name").hint("write `name: mut f64[:]`")
}

pub(crate) fn bad_rank(span: Span, element: &str, found: &str) -> Diagnostic {
    let element = quote(element);
    error(BAD_RANK, span, format!("expected `:` for each axis, found {found}"))
        .hint(format!("write `{element}[:]` for one axis, `{element}[:, :]` for two"))
}

pub(crate) fn missing_let(span: Span, name: &str) -> Diagnostic {
    let name = quote(name);
    error(MISSING_LET, span, format!("`{name}` is declared without `let` or `var`"))
        .hint(format!("write `let {name}: …`, or `var {name}: …` for a variable"))
}

pub(crate) fn implicit_product(span: Span, left: &str, right: &str) -> Diagnostic {
    let (left, right) = (quote(left), quote(right));
    error(IMPLICIT_PRODUCT, span, format!("there is no operator between `{left}` and `{right}`"))
        .hint(format!("write `{left}*{right}` to multiply"))
}

pub(crate) fn not_at_prompt(span: Span) -> Diagnostic {
    error(NOT_AT_PROMPT, span, "a prompt takes definitions, assignments, expressions, `if`, `while` and `for`")
        .hint("put this into a kernel: `kernel name(x: mut f64[:]) { … }`, and call it")
}
