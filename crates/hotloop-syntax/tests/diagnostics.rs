//! What the parser says about wrong texts: codes, places and hints.

use hotloop_source::{Diagnostic, Source};
use hotloop_syntax::{CODES, Limits, parse_body, parse_expr, parse_file};

/// Each diagnostic as `CODE text under its span`, in order.
fn shown(source: &Source, diags: &[Diagnostic]) -> String {
    let lines = diags.iter().map(|diag| {
        assert!(CODES.iter().any(|(code, _)| *code == diag.code), "{diag}");
        format!("{} {}", diag.code, source.slice(diag.span))
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn body(text: &str, expect: &str) {
    let source = Source::new("test", text);
    let (_, diags) = parse_body(&source, &Limits::DEFAULT);
    assert_eq!(shown(&source, &diags), expect, "{text}: {diags:?}");
}

#[track_caller]
fn file(text: &str, expect: &str) {
    let source = Source::new("test", text);
    let (_, diags) = parse_file(&source, &Limits::DEFAULT);
    assert_eq!(shown(&source, &diags), expect, "{text}: {diags:?}");
}

#[track_caller]
fn hint(text: &str, expect: &str) {
    let (_, diags) = parse_body(&Source::new("test", text), &Limits::DEFAULT);
    let hints: Vec<_> = diags.iter().flat_map(|diag| diag.hints.clone()).collect();
    assert_eq!(hints.join("; "), expect, "{text}: {diags:?}");
}

#[test]
fn numbers() {
    body("2x", "E0013 2x");
    hint("2x", "write `2*x` to multiply; types of numbers are written as in `2i32` or `0.5f32`");
    body("1.5i32", "E0014 1.5i32");
    body("0x + 1", "E0015 0x");
    body("0b2", "E0016 0b2");
    body("1e999", "E0017 1e999");
    body(&"9".repeat(50), &format!("E0018 {}", "9".repeat(50)));
    body("2(x)", "E0038 2");
    body("(2)(x)", "E0038 2");
    body("2 x", "E0055 2 x");
    body("(a) b", "E0055 ) b");
}

#[test]
fn characters_and_strings() {
    body("a $ b", "E0010 $; E0033 b");
    hint("a \u{00D7}", "write `*`");
    body("f(\"x\")", "E0050 \"x\"");
    file("@a('x')\nfn f() = 1", "E0012 'x'");
    file("@a(\"x)\nfn f() = 1", "E0020 (; E0011 \"x)");
}

#[test]
fn brackets() {
    body("f(a, b\nlet x = 1", "E0020 (");
    body("a[1, (2\nx = 3]", "E0020 (; E0055 2\nx");
    body("a)", "E0021 )");
    body("{", "E0020 {; E0032 {");
    file("fn f() {\n x = (1\n}\nfn g() = 1", "E0020 (");
    file("fn f() {\n x = 1\nfn g() = 1", "E0020 {");
    file("fn f() = 1 }\nfn g() = 1", "E0021 }");
    file("fn f() = [1)]", "E0021 )");
}

#[test]
fn assignments() {
    body("if x = 1 { }", "E0049 =");
    hint("if x = 1 { }", "did you mean `==`?");
    body("f(x) = 1", "E0034 f(x)");
    body("(a, 2) = 1", "E0034 2");
    body("x: f64 = 1", "E0054 x");
    body("let a, b = f(x)", "E0051 ,");
    body("return a, b", "E0051 ,");
    body("let x == 1", "E0030 ==");
    body("let 3 = 1", "E0030 3");
    body("x++\ny", "E0047 ++");
    body("x = a--", "E0047 --");
    hint("x++", "write `x += 1`");
}

#[test]
fn calls_and_indices() {
    body("f(a=1, b)", "E0035 b");
    body("f(a=1, a=2)", "E0036 a");
    body("a[]", "E0039 []");
    body("f(a b)", "E0030 b");
    body("a.1", "E0033 .1");
    body("f(,)", "E0032 ,");
    body("a.", "E0030 ");
}

#[test]
fn habits_of_other_languages() {
    body("if x: \n y = 1", "E0043 :");
    body("while x: \n y = 1", "E0043 :");
    file("fn f(x):\n    return x\n\nfn g(x) = x", "E0043 :");
    file("def f(x) { x }\nfn g(x) = x", "E0044 def");
    body("if a { } elif b { }", "E0044 elif");
    body("if a { }\nelif b { }", "E0044 elif");
    body("lambda x: x", "E0044 lambda");
    body("x is y", "E0044 is");
    body("a if c else b", "E0048 if");
    body("f(a if c else b)", "E0048 if");
    body("c ? a : b", "E0048 ?");
    body("a == not b", "E0037 not");
    body("if c then a", "E0040 ");
    file("fn f(x = 1) = x", "E0041 =");
    file("fn f(mut x: f64[:]) = x", "E0052 mut");
    file("fn f(x: f64[]) = x", "E0053 ]");
    file("fn f(x: f64[3]) = x", "E0053 3");
}

#[test]
fn names_of_other_languages_words_are_free() {
    body("let from = 1; a[from:is] + pass", "");
}

#[test]
fn items() {
    file("let x = 1", "E0031 let");
    file("x + 1\ny\nfn f() = 2", "E0031 x");
    file("fn f() { fn g() = 1 }", "E0042 fn");
    file("@checked\nlet x = 1", "E0046 @checked");
    file("fn (x) = 1", "E0030 (");
    file("fn f = 1", "E0030 =");
    file("fn f(x)", "E0030 ");
    file("kernel kernel(x) = 1", "E0030 kernel");
    file("fn f(x) -> = 1", "E0030 =");
}

#[test]
fn missing_operands() {
    body("a +", "E0032 ");
    body("* b", "E0032 *");
    body("a * / b", "E0032 /");
    body("else { }", "E0032 else");
    body("a b", "E0033 b");
    body("f(a) { }", "E0033 {");
}

#[test]
fn parse_expr_wants_exactly_one() {
    let codes = |text: &str| {
        let (expr, diags) = parse_expr(&Source::new("test", text), &Limits::DEFAULT);
        assert_eq!(expr.is_some(), diags.is_empty());
        diags.iter().map(|diag| diag.code).collect::<Vec<_>>()
    };
    assert!(codes("\n a + 1 # b\n").is_empty());
    for text in ["", "let x = 1", "a; b", "x = 1"] {
        assert_eq!(codes(text), ["E0045"], "{text}");
    }
    assert_eq!(codes("a +"), ["E0032"]);
}

#[test]
fn every_wrong_statement_and_item_is_reported_and_the_rest_is_kept() {
    let text = "fn a( = 1\nfn b() {\n let = 1\n x = 2\n y = 2z\n x\n}\nkernel c() = 3 3\nkernel d() = 4";
    let source = Source::new("test", text);
    let (file, diags) = parse_file(&source, &Limits::DEFAULT);
    assert_eq!(shown(&source, &diags), "E0020 (; E0030 =; E0030 =; E0013 2z; E0055 3 3");
    let names: Vec<_> = file.items.iter().map(|item| &*item.name.text).collect();
    assert_eq!(names, ["b", "d"]);
    assert_eq!(file.items[0].body.stmts.len(), 1);
}

#[test]
fn every_code_is_listed_once_and_in_order() {
    assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
    assert!(CODES.iter().all(|(code, text)| code.len() == 5 && code.starts_with("E00") && !text.is_empty()));
}

#[test]
fn every_diagnostic_has_a_message_without_a_full_stop() {
    for text in ["2x", "a[", "x: f64 = 1", "a if b", "* b", "f(a=1, b)", "$"] {
        let (_, diags) = parse_body(&Source::new("test", text), &Limits::DEFAULT);
        assert!(diags.iter().all(|diag| !diag.message.ends_with('.') && !diag.message.is_empty()), "{text}");
        assert!(!diags.is_empty(), "{text}");
    }
}
