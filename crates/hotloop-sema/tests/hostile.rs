//! The deepest texts that the parser lets pass, through checking and lowering on the stack of an ordinary thread: none
//! may overflow it, panic or take long, and code that multiplies is refused as too large.
//!
//! A text may be lowered or refused with a diagnostic; where it matters which, the test says so.

use std::time::{Duration, Instant};

use hotloop_ir::{Layout, Program, Type, verify};
use hotloop_sema::{ArgType, EXPRESSION, Module, Options, lower};
use hotloop_source::{Source, render};
use hotloop_syntax::{Limits, parse_body, parse_file};

/// What a thread of the standard library gets by default.
const STACK: usize = 2 << 20;
/// Far more than any text here takes, so that a busy machine does not fail the test.
const PATIENCE: Duration = Duration::from_secs(20);

const ARRAY: ArgType = ArgType::Array { ty: Type::F64, rank: 1, ones: 0, layout: Layout::Dense };
/// The arguments that every text is lowered for: types whose code differs most.
const ARGUMENTS: [ArgType; 3] = [ARRAY, ArgType::Scalar(Type::F64), ArgType::Scalar(Type::I32)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Expression,
    File,
}

/// Lowers the first kernel with all its arguments alike, and answers the codes of what is wrong.
fn codes(kind: Kind, text: &str, arg: ArgType) -> Vec<&'static str> {
    let source = Source::new("hostile", text);
    let (module, diags) = match kind {
        Kind::Expression => {
            let (body, diags) = parse_body(&source, &Limits::DEFAULT);
            assert!(diags.is_empty(), "the parser takes it: {}", render(&diags[0], &source, false));
            Module::of_expression(body)
        }
        Kind::File => {
            let (file, diags) = parse_file(&source, &Limits::DEFAULT);
            assert!(diags.is_empty(), "the parser takes it: {}", render(&diags[0], &source, false));
            Module::of_file(file)
        }
    };
    assert!(diags.is_empty(), "the declarations are right: {}", render(&diags[0], &source, false));
    let kernel = module.kernels().next().expect("a kernel");
    assert!(kind == Kind::File || kernel.name == EXPRESSION);
    let args = vec![arg; kernel.params.len()];
    match lower(&module, &kernel.name, &args, &Options::default()) {
        Ok(program) => {
            well_formed(&program);
            Vec::new()
        }
        Err(diags) => {
            assert!(!diags.is_empty(), "a refusal has a reason");
            assert!(diags.iter().take(8).all(|diag| render(diag, &source, false).len() < 8192));
            diags.iter().map(|diag| diag.code).collect()
        }
    }
}

fn well_formed(program: &Program) {
    if let Err(faults) = verify(program) {
        panic!("{faults:?}");
    }
}

/// The codes for each of the arguments, found on a small stack and in time.
#[track_caller]
fn outcomes(kind: Kind, text: String) -> Vec<Vec<&'static str>> {
    let head: String = text.chars().take(60).collect();
    let start = Instant::now();
    let run = move || ARGUMENTS.map(|arg| codes(kind, &text, arg)).to_vec();
    // An overflow ends the whole test with the name of the thread.
    let name = head.replace('\0', "");
    let thread = std::thread::Builder::new().name(name).stack_size(STACK).spawn(run).expect("a thread");
    let codes = thread.join().expect("no panic");
    let took = start.elapsed();
    assert!(took < PATIENCE, "{head}: {took:?}");
    codes
}

/// The text is lowered.
#[track_caller]
fn taken(kind: Kind, text: String) {
    let head: String = text.chars().take(60).collect();
    assert_eq!(outcomes(kind, text), [[""; 0]; 3], "{head}");
}

/// The text is lowered, or refused as too large or too deep, or as wrong for some of the types.
#[track_caller]
fn harmless(kind: Kind, text: String) {
    outcomes(kind, text);
}

/// The text is refused as too large, and nothing else is said.
#[track_caller]
fn too_large(kind: Kind, text: String) {
    let head: String = text.chars().take(60).collect();
    for codes in outcomes(kind, text) {
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == "E0141"), "{head}: {codes:?}");
    }
}

fn nested(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

/// The largest number below `most` for which `takes` holds, if it holds up to there.
fn largest(most: usize, takes: impl Fn(usize) -> bool) -> usize {
    let (mut taken, mut refused) = (1, most);
    while refused - taken > 1 {
        let middle = (taken + refused) / 2;
        if takes(middle) {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    taken
}

/// Tries texts made for numbers up to `most`: the largest that the parser takes, and those around the largest that is
/// not refused as too large.
#[track_caller]
fn harmless_up_to(most: usize, kind: Kind, make: impl Fn(usize) -> String) {
    let parsed = largest(most, |times| {
        let source = Source::new("hostile", make(times));
        match kind {
            Kind::Expression => parse_body(&source, &Limits::DEFAULT).1.is_empty(),
            Kind::File => parse_file(&source, &Limits::DEFAULT).1.is_empty(),
        }
    });
    harmless(kind, make(parsed));
    largest(parsed, |times| outcomes(kind, make(times)).iter().all(|codes| !codes.contains(&"E0141")));
}

/// More than the parser takes of anything that nests.
const MANY: usize = 1000;

#[test]
fn short_chains_are_lowered() {
    for op in ["+", "-", "*", "/", "//", "%"] {
        taken(Kind::Expression, format!("a{}", format!("{op}a").repeat(200)));
    }
    taken(Kind::Expression, format!("a{}", " < a".repeat(100)));
    taken(Kind::Expression, nested("(", "a", ")", 120));
    taken(Kind::Expression, nested("abs(", "a", ")", 120));
    taken(Kind::File, tower(60, |below| format!("{below}(x) * 2")));
}

#[test]
fn long_chains() {
    let chain = |first: &str, next: &str| {
        harmless_up_to(MANY, Kind::Expression, |times| first.to_owned() + &next.repeat(times));
    };
    for op in ["+", "-", "*", "/", "//", "%", "<<", "&", "<", "and a > 1 or"] {
        chain("a", &format!(" {op} a"));
    }
    for next in ["[0]", "[newaxis]", "[1:]", ".shape"] {
        chain("a", next);
    }
    chain("if a > 0 { 1 } else { 2 }", " + if a > 0 { 1 } else { 2 }");
    let branches = |times| "if a > 0 then 1 else ".repeat(times) + "0";
    harmless_up_to(MANY, Kind::Expression, branches);
    let arms = |times| format!("if a > 0 {{ 1 }} {} else {{ 2 }}", "else if a > 1 { 2 } ".repeat(times));
    harmless_up_to(MANY, Kind::Expression, arms);
    let arguments = |times| format!("max(a{})", ", a".repeat(times));
    harmless_up_to(MANY, Kind::Expression, arguments);
}

#[test]
fn long_lists() {
    harmless(Kind::Expression, format!("a{}", " < a".repeat(20_000)));
    harmless(Kind::Expression, format!("max(a{})", ", a".repeat(20_000)));
    harmless(Kind::Expression, format!("a[{}]", "newaxis, ".repeat(20_000)));
    harmless(Kind::Expression, format!("{}a", "let b = a\n".repeat(5_000)));
}

#[test]
fn deep_nesting() {
    for (open, inner, close) in [
        ("(", "a", ")"),
        ("-", "a", ""),
        ("~", "a", ""),
        ("not ", "a", ""),
        ("not not ", "a > 0", ""),
        ("a**", "2", ""),
        ("2**", "a", ""),
        ("1.5**(", "a", ")"),
        ("sin(", "a", ")"),
        ("where(a > 0, a, ", "a", ")"),
        ("sum(", "a", ")"),
        ("a + sum(", "a", ")"),
        ("a * (a + sum(", "a", ", axis=0))"),
        ("a < (", "a", ")"),
        ("a[", "0", "]"),
        ("if a > 0 then ", "1", " else 2"),
        ("if (", "a > 0", ") then true else false"),
        ("if a > 0 { ", "1", " } else { 2 }"),
        ("a + (a * (a - -", "a", "))"),
        ("1 + a + a + a + a + (", "a", ")"),
    ] {
        harmless_up_to(MANY, Kind::Expression, |times| nested(open, inner, close, times));
    }
}

#[test]
fn nested_blocks() {
    for open in [
        "if n < 3 {\n",
        "while n < 3 {\nn += 1\n",
        "for i in range(3) {\n",
        "for i in prange(3) {\n",
        "if sum(a) > 0 {\n",
        "while n < sum(a) {\nn += 1\n",
        "let b = a + n\nif n < 3 {\n",
    ] {
        for inner in ["n += 1\n", "n += sum(a)\n", "return n\n"] {
            let make = |times| format!("kernel k(a) {{\nvar n = 0\n{}n }}\n", nested(open, inner, "}\n", times));
            harmless_up_to(MANY, Kind::File, make);
        }
    }
}

/// `fn f0`, then functions that each call the one before as `call` says, given its name, then a kernel.
fn tower(levels: usize, call: impl Fn(&str) -> String) -> String {
    let mut text = String::from("fn f0(x) = x + 1\n");
    for level in 1..=levels {
        text += &format!("fn f{level}(x) {{ {} }}\n", call(&format!("f{}", level - 1)));
    }
    text + &format!("kernel k(x) = f{levels}(x)\n")
}

#[test]
fn towers_of_calls() {
    for call in [
        "F(x)",
        "1 + (2 - -F(x))",
        "if x > 0 { F(x) } else { x }",
        "var n = x\nwhile n < 3 { n += F(n) }\nn",
        "if x > 1 { return x }\nreturn F(x)",
        "F(x + sum(x))",
        "sum(F(x) + 1) + x",
        "let (y, z) = (F(x), x)\ny + z",
    ] {
        harmless_up_to(MANY, Kind::File, |levels| tower(levels, |below| call.replace('F', below)));
    }
}

#[test]
fn towers_of_blocks() {
    for levels in [4, 60] {
        for open in ["if x > 0 {", "while x > 0 {", "for i in range(3) {"] {
            let call =
                |below: &str, times| format!("var n = x\n{}\nn", nested(open, &format!("n = {below}(n)"), "}", times));
            harmless_up_to(MANY, Kind::File, |times| tower(levels, |below| call(below, times)));
        }
        let brackets = |below: &str, times| nested("(", &format!("{below}(x)"), ")", times);
        harmless_up_to(MANY, Kind::File, |times| tower(levels, |below| brackets(below, times)));
        let sum = |below: &str, times| format!("{below}(x){}", "+x".repeat(times));
        harmless_up_to(MANY, Kind::File, |times| tower(levels, |below| sum(below, times)));
        let branches = |below: &str, times| nested("if x > 0 { ", &format!("{below}(x)"), " } else { x }", times);
        harmless_up_to(MANY, Kind::File, |times| tower(levels, |below| branches(below, times)));
    }
}

/// Each function is checked when those below it are known already; only lowering goes all the way down.
#[test]
fn towers_from_below() {
    for call in ["F(x)", "if x > 0 { F(x) } else { x }", "var n = x\nwhile n < 3 { n += F(n) }\nn", "sum(x) + F(x)"] {
        harmless_up_to(MANY, Kind::File, |levels| {
            let calls: String = (0..levels).map(|level| format!("let y{level} = f{level}(x)\n")).collect();
            tower(levels, |below| call.replace('F', below)) + &format!("kernel last(x) {{ {calls} x }}\n")
        });
    }
}

#[test]
fn code_that_doubles_is_refused() {
    for call in [
        "F(x) + F(x * 2)",
        "let y = F(x)\nF(y)",
        "if F(x) > 0 { F(x) } else { x }",
        "F(F(x))",
        "F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x)",
        "x + sum(F(x) + F(-x) + x)",
    ] {
        too_large(Kind::File, tower(60, |below| call.replace('F', below)));
    }
}

#[test]
fn values_that_build_on_one_another() {
    for next in
        ["b + b", "b * b + a", "sum(b) + b", "b[1:] + b[:-1]", "b[::-1]", "-b", "where(b > 0, b, a)", "abs(b)[1:]"]
    {
        for (first, again) in [("let", "let"), ("var", "")] {
            let next = format!("{again} b = {next}\n");
            harmless(Kind::Expression, format!("{first} b = a\n{}b", next.repeat(400)));
        }
    }
}
