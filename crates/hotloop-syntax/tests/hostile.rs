//! Texts made to exhaust the parser, and texts made of noise: none may panic, overflow or run away.
//!
//! Everything runs on a stack of one and a half megabytes, three quarters of what a thread gets by default.

use hotloop_source::Source;
use hotloop_syntax::{Limits, dump, dump_block, parse_body, parse_file, print_block, print_file};

fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(run).expect("a thread");
    thread.join().expect("no panic");
}

/// Parses, walks and drops the tree, and answers the codes of the diagnostics.
fn codes(text: &str) -> Vec<&'static str> {
    let source = Source::new("test", text);
    let (block, mut diags) = parse_body(&source, &Limits::DEFAULT);
    assert!(dump_block(&block).len() < 64 << 20 && print_block(&block).len() < 64 << 20);
    let (file, more) = parse_file(&source, &Limits::DEFAULT);
    assert!(dump(&file).len() < 64 << 20 && print_file(&file).len() < 64 << 20);
    assert!(diags.len() <= Limits::DEFAULT.errors + 1 && more.len() <= Limits::DEFAULT.errors + 1);
    for diag in diags.iter().chain(&more).take(8) {
        assert!(hotloop_source::render(diag, &source, false).len() < 4096);
    }
    diags.drain(..).map(|diag| diag.code).collect()
}

#[track_caller]
fn check(text: String, code: &'static str) {
    on_small_stack(move || {
        let codes = codes(&text);
        let head: String = text.chars().take(20).collect();
        assert!(codes.contains(&code), "{head}: {codes:?}");
    });
}

const MANY: usize = 100_000;

#[test]
fn deep_nesting_is_refused() {
    for open in
        ["(", "[", "-", "not ", "!", "~", "a**", "f(", "a[", "if a {", "while a {", "1 or (", "if a then ", "a<("]
    {
        check(open.repeat(MANY), "E0004");
    }
    check(format!("{}x{}", "(".repeat(MANY), ")".repeat(MANY)), "E0004");
    check(format!("{}x{}", "if a { ".repeat(30_000), " }".repeat(30_000)), "E0004");
    check(format!("{}b", "if a then b else ( ".repeat(20_000)), "E0004");
}

#[test]
fn long_chains_are_refused() {
    check(format!("a{}", "+a".repeat(10_000)), "E0005");
    check(format!("a{}", "[0]".repeat(10_000)), "E0005");
    check(format!("a{}", "()".repeat(10_000)), "E0005");
    check(format!("a{}", ".b".repeat(10_000)), "E0005");
    check(format!("if a {{ }} {}", "else if a { } ".repeat(10_000)), "E0005");
    check(format!("{} 0", "if a then b else ".repeat(10_000)), "E0005");
}

#[test]
fn chains_inside_brackets_add_up() {
    let inner = format!("{}a{}", "(".repeat(100), format!("{})", "+a".repeat(50)).repeat(100));
    check(inner, "E0005");
}

#[test]
fn wide_texts_are_refused_or_taken() {
    check("a;".repeat(MANY + 1), "E0002");
    check("+".repeat(1_000_000), "E0004");
    check("a".repeat((1 << 20) + 1), "E0001");
    check("$ ".repeat(MANY), "E0006");
    check("2x\n".repeat(MANY / 2), "E0006");
    on_small_stack(|| {
        assert_eq!(codes(&"a".repeat(1 << 20))[..], [] as [&str; 0]);
        assert_eq!(codes(&" ".repeat(1 << 20))[..], [] as [&str; 0]);
        assert_eq!(codes(&"# x\n".repeat(1 << 17))[..], [] as [&str; 0]);
        assert_eq!(codes(&format!("f({})", "a,".repeat(MANY / 2)))[..], [] as [&str; 0]);
        assert_eq!(codes(&format!("a{}", " < a".repeat(MANY / 2)))[..], [] as [&str; 0]);
    });
}

#[test]
fn mismatched_brackets_take_no_time() {
    let half = MANY - 1;
    check(format!("{}{}", "(".repeat(half), "]".repeat(half)), "E0021");
    check(format!("{}{}", "({".repeat(half / 2), ")".repeat(half)), "E0021");
    check(format!("{}{}", "{".repeat(half), "\n".repeat(half)), "E0020");
    check(format!("{}{}", "(".repeat(half), "\nlet".repeat(half / 2)), "E0020");
}

#[test]
fn long_lines_and_lists_take_no_time() {
    check("fn ".repeat(MANY), "E0042");
    on_small_stack(|| {
        let args: String = (0..40_000).map(|at| format!("a{at}=1,")).collect();
        assert!(codes(&format!("f({args})")).is_empty());
    });
}

#[test]
fn lists_of_small_statements_do_not_add_up() {
    on_small_stack(|| {
        assert!(codes(&"x = a + b\n".repeat(10_000)).is_empty());
        assert!(codes(&format!("while c {{\n{}}}", "if a { f(x) }\n".repeat(5_000))).is_empty());
    });
}

#[test]
fn limits_hold_exactly() {
    let limits = Limits { depth: 10, height: 20, nodes: 50, ..Limits::DEFAULT };
    let ok = |text: String| parse_body(&Source::new("test", text), &limits).1.is_empty();
    assert!(ok(format!("a{}", "+a".repeat(18))));
    assert!(!ok(format!("a{}", "+a".repeat(20))));
    assert!(ok(format!("{}a{}", "(".repeat(9), ")".repeat(9))));
    assert!(!ok(format!("{}a{}", "(".repeat(10), ")".repeat(10))));
    assert!(ok(format!("f({})", "a,".repeat(45))));
    assert!(!ok(format!("f({})", "a,".repeat(50))));
}

/// A small generator of noise; the seeds are fixed so that a failure can be repeated.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

#[test]
fn noise_of_bytes() {
    on_small_stack(|| {
        for seed in 1..3000 {
            let mut noise = Noise(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15));
            let length = noise.next(60);
            let bytes: Vec<u8> = (0..length).map(|_| noise.next(256) as u8).collect();
            codes(&String::from_utf8_lossy(&bytes));
        }
    });
}

const WORDS: &[&str] = &[
    "fn ",
    "kernel ",
    "let ",
    "var ",
    "if ",
    "then ",
    "else ",
    "while ",
    "for ",
    "in ",
    "break ",
    "continue ",
    "return ",
    " or ",
    " and ",
    " not ",
    "mut ",
    "x",
    "y",
    "f(",
    "a[",
    "1",
    "2.5",
    "0x1p3",
    "3f32",
    "2x",
    "\"s\"",
    "'",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ";",
    "\n",
    ".",
    "...",
    "=",
    "==",
    "<",
    "+",
    "-",
    "*",
    "**",
    "//",
    "@",
    "->",
    "+=",
    "?",
    "#",
    "$",
    "é",
    "newaxis",
    "elif ",
    "def ",
    "fn f(x) {\n",
    "if x {\n",
    "\nfn ",
    "1.",
    ".5",
    "1e",
    "\r\n",
];

#[test]
fn noise_of_tokens() {
    on_small_stack(|| {
        for seed in 1..6000 {
            let mut noise = Noise(u64::wrapping_mul(seed, 0xD134_2543_DE82_EF95));
            let length = noise.next(40);
            let text: String = (0..length).map(|_| WORDS[noise.next(WORDS.len())]).collect();
            codes(&text);
        }
    });
}

#[test]
fn right_texts_with_one_wrong_byte() {
    let text = "@stencil(border = edge)\nfn f(a: f64[:, :]) -> f64 {\n    let (p, q) = g(a[@-1, 1:], k=2)\n    var n = 0i32\n\
                    while n < 3 and not p { n += 1; a[n, ...] = -q**2 }\n    if p { 1.5 } else { 0x1.8p3f32 }\n}\n";
    on_small_stack(move || {
        assert_eq!(parse_file(&Source::new("test", text), &Limits::DEFAULT).1, []);
        for at in 0..text.len() {
            for put in ["", "(", "}", "\n", "\"", "x", "0", "=", "é"] {
                codes(&format!("{}{put}{}", &text[..at], &text[at + 1..]));
            }
            codes(&text[..at]);
        }
    });
}
