//! What texts mean as trees.

use hotloop_source::Source;
use hotloop_syntax::{Limits, ast, dump, dump_block, dump_expr, parse_body, parse_expr, parse_file};

fn squeeze(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("( ", "(").replace(" )", ")")
}

#[track_caller]
fn expr(text: &str, expect: &str) {
    let (expr, diags) = parse_expr(&Source::new("test", text), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{text}: {diags:?}");
    assert_eq!(squeeze(&dump_expr(&expr.expect("a value"))), expect, "{text}");
}

#[track_caller]
fn body(text: &str, expect: &str) {
    let (block, diags) = parse_body(&Source::new("test", text), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{text}: {diags:?}");
    assert_eq!(squeeze(&dump_block(&block)), format!("(block {expect})"), "{text}");
}

#[track_caller]
fn file(text: &str, expect: &str) {
    let (file, diags) = parse_file(&Source::new("test", text), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{text}: {diags:?}");
    assert_eq!(squeeze(&dump(&file)), squeeze(expect), "{text}");
}

#[test]
fn products_bind_tighter_than_sums() {
    expr("2*a + 3*b", "(+ (* 2 a) (* 3 b))");
    expr("a - b - c", "(- (- a b) c)");
    expr("a / b * c // d % e @ f", "(@ (% (// (* (/ a b) c) d) e) f)");
    expr("(a + b) * c", "(* (+ a b) c)");
}

#[test]
fn powers_lean_right_and_beat_the_sign_before_them() {
    expr("-x**2", "(- (** x 2))");
    expr("2.0**-1", "(** 2.0 (- 1))");
    expr("a**b**c", "(** a (** b c))");
    expr("a**-b**c", "(** a (- (** b c)))");
    expr("(-x)**2", "(** (- x) 2)");
    expr("-x * -y", "(* (- x) (- y))");
    expr("~a & b", "(& (~ a) b)");
    expr("a.b[0]**c(1)", "(** (index (.b a) 0) (call c 1))");
}

#[test]
fn bit_operators_bind_tighter_than_comparisons() {
    expr("a & 1 == 0", "(compare (& a 1) == 0)");
    expr("a | b ^ c & d << e + f", "(| a (^ b (& c (<< d (+ e f)))))");
    expr("a << 1 >> 2", "(>> (<< a 1) 2)");
}

#[test]
fn comparisons_chain_unless_in_parentheses() {
    expr("a < b <= c", "(compare a < b <= c)");
    expr("(a < b) == c", "(compare (compare a < b) == c)");
    expr("a < (b < c)", "(compare a < (compare b < c))");
    expr("a >= b > c == d != e", "(compare a >= b > c == d != e)");
}

#[test]
fn logic_binds_loosest() {
    expr("a or b and not c == d", "(or a (and b (not (compare c == d))))");
    expr("a || b && !c", "(or a (and b (not c)))");
    expr("not not a and b", "(and (not (not a)) b)");
    expr("a or b or c", "(or (or a b) c)");
}

#[test]
fn literals_keep_their_text_and_suffix() {
    expr("[0xFF, 0b11u8, 1_000, 2i32]", "(list 255 3u8 1000 2i32)");
    expr("[1.5, .5, 1., 1e-9, 3f32, 0x1.8p3, 2j]", "(list 1.5 .5 1. 1e-9 3f32 0x1.8p3 2j)");
    expr("[pi, true, nan]", "(list pi true nan)");
}

#[test]
fn tuples_and_lists() {
    expr("()", "(tuple)");
    expr("(a,)", "(tuple a)");
    expr("(a, b,)", "(tuple a b)");
    expr("((a))", "a");
    expr("[[1, 2], [3, 4],]", "(list (list 1 2) (list 3 4))");
}

#[test]
fn calls_take_positional_then_keyword_arguments() {
    expr("f()", "(call f)");
    expr("sum(x, axis=0, keepdims=true)", "(call sum x (axis= 0) (keepdims= true))");
    expr("f(a)(b).c(d)", "(call (.c (call (call f a) b)) d)");
    expr("f(a == b)", "(call f (compare a == b))");
}

#[test]
fn index_elements() {
    expr("a[i, 1:-1, ::2, newaxis, ...]", "(index a i (slice 1 (- 1) _) (slice _ _ 2) (newaxis) ...)");
    expr("a[:, 1:, :n, ::, a:b:c]", "(index a (slice _ _ _) (slice 1 _ _) (slice _ n _) (slice _ _ _) (slice a b c))");
    expr("a[@-1, @0]", "(index a (offset (- 1)) (offset 0))");
    expr("a[newaxis + 1]", "(index a (+ newaxis 1))");
    expr("a[x > 0][0]", "(index (index a (compare x > 0)) 0)");
}

#[test]
fn conditionals_have_two_forms_and_one_tree() {
    let tree = "(if c (block (value a)) (else (block (value b))))";
    expr("if c { a } else { b }", tree);
    expr("if c then a else b", tree);
    expr("if c {\n a \n}\nelse\n{ b }", tree);
    expr("if c then a\nelse b", tree);
    expr("1 + (if c then a else b) * 2", &format!("(+ 1 (* {tree} 2))"));
    let chain = "(if a (block (value 1)) b (block (value 2)) (else (block (value 3))))";
    expr("if a { 1 } else if b { 2 } else { 3 }", chain);
    expr("if a then 1 else if b then 2 else 3", chain);
}

#[test]
fn statements() {
    body("let x = 1; x", "(let x 1) (value x)");
    body("let (a, b) = f(x)", "(let (a b) (call f x))");
    body("let x: f64 = 2", "(let x: f64 2)");
    body("var n = 0i32; var m: i32 = 0", "(var n 0i32) (var m: i32 0)");
    body(
        "x = 1\na[i, :] = 2\n(a, b[0]) = (b[0], a)",
        "(= x 1) (= (index a i (slice _ _ _)) 2) \
         (= (tuple a (index b 0)) (tuple (index b 0) a))",
    );
    body(
        "while a { break }\nfor i in range(3) { continue }",
        "(while a (block (break))) \
         (for i (call range 3) (block (continue)))",
    );
    body("return; return a", "(return) (return a)");
    body("f(x)\nx", "(do (call f x)) (value x)");
    body("f(x);", "(value (call f x))");
    body("a", "(value a)");
}

#[test]
fn every_compound_assignment() {
    for sign in ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"] {
        body(&format!("x {sign}= 1"), &format!("({sign}= x 1)"));
    }
}

#[test]
fn an_if_is_a_value_only_at_the_end_and_if_every_way_has_one() {
    body("if c { a } else { b }", "(value (if c (block (value a)) (else (block (value b)))))");
    body("if c { a } else { b }\nx", "(if c (block (value a)) (else (block (value b)))) (value x)");
    body("if c { a }", "(if c (block (value a)))");
    body("if c { a } else { x = b }", "(if c (block (value a)) (else (block (= x b))))");
}

#[test]
fn lines_go_on_after_operators_and_in_brackets() {
    body("a +\n\n b\nc", "(do (+ a b)) (value c)");
    body("f(a,\n b\n)\nc", "(do (call f a b)) (value c)");
    body("let x =\n 1", "(let x 1)");
    body("a # and\n-b", "(do a) (value (- b))");
    body(
        "f(if c {\n let x = 1\n x\n} else { 2 })",
        "(value (call f (if c (block (let x 1) (value x)) \
         (else (block (value 2))))))",
    );
}

#[test]
fn items() {
    file("fn cnd(x) = 0.5 * x", "(fn cnd (params x) (block (value (* 0.5 x))))\n");
    file(
        "kernel jacobi(u: f64[:, :], out: mut f64[:, :], steps: i64) -> (f64, i32[:]) {\n return\n}",
        "(kernel jacobi (params u: f64[:, :] out: mut f64[:, :] steps: i64) (-> tuple f64 i32[:]) (block (return)))",
    );
    file("kernel f(\n x,\n y: f32,\n) -> f32 {\n}\n", "(kernel f (params x y: f32) (-> f32) (block))");
    file("fn a() = 1\n\n# comment\nfn b() = 2", "(fn a (params) (block (value 1))) (fn b (params) (block (value 2)))");
}

#[test]
fn attributes() {
    file(
        "@checked\n@stencil(border = constant(0)) @vectorize(target = parallel)\n\nfn f(a) = a[@-1]",
        "(fn f (@checked) (@stencil (border= (call constant 0))) (@vectorize (target= parallel))
           (params a) (block (value (index a (offset (- 1))))))",
    );
    file(
        "@guvectorize(\"(n),(n)->()\")\n@fastmath(relaxed)\nfn f(a, b) = a @ b",
        "(fn f (@guvectorize \"(n),(n)->()\") (@fastmath relaxed) (params a b) (block (value (@ a b))))",
    );
}

#[test]
fn a_kernel_with_everything() {
    file(
        "@vectorize
         fn escape(cr, ci, limit: i32) {
             var zr = 0.0; var zi = 0.0; var n = 0i32
             while n < limit and zr*zr + zi*zi <= 4.0 {
                 let t = zr*zr - zi*zi + cr
                 zi = 2.0*zr*zi + ci
                 zr = t
                 n += 1
             }
             n
         }",
        "(fn escape (@vectorize) (params cr ci limit: i32) (block
            (var zr 0.0) (var zi 0.0) (var n 0i32)
            (while (and (compare n < limit) (compare (+ (* zr zr) (* zi zi)) <= 4.0))
              (block (let t (+ (- (* zr zr) (* zi zi)) cr)) (= zi (+ (* (* 2.0 zr) zi) ci)) (= zr t) (+= n 1)))
            (value n)))",
    );
}

#[test]
fn spans_cover_the_text_of_each_part() {
    let text = "kernel f(x: f64[:]) = (x + 1) * sum(x, axis=0)";
    let source = Source::new("test", text);
    let (file, _) = parse_file(&source, &Limits::DEFAULT);
    let item = &file.items[0];
    assert_eq!(source.slice(item.span), text);
    assert_eq!(source.slice(item.params[0].span), "x: f64[:]");
    let value = item.body.value.as_ref().expect("a value");
    assert_eq!(source.slice(value.span), "(x + 1) * sum(x, axis=0)");
    let ast::ExprKind::Binary { left, op_span, right, .. } = &value.kind else { panic!("{value:?}") };
    assert_eq!(source.slice(left.span), "x + 1");
    assert_eq!(source.slice(*op_span), "*");
    assert_eq!(source.slice(right.span), "sum(x, axis=0)");
}

#[test]
fn long_dumps_are_indented() {
    let text = format!("f({})", ["a_rather_long_name"; 6].join(", "));
    let (expr, _) = parse_expr(&Source::new("test", text), &Limits::DEFAULT);
    let shown = dump_expr(&expr.expect("a value"));
    assert_eq!(shown.lines().count(), 8, "{shown}");
    assert!(shown.starts_with("(call\n  f\n  a_rather_long_name\n"), "{shown}");
}
