//! Printing and parsing are each other's inverse, on real texts and on random trees.

use hotloop_source::{Source, Span};
use hotloop_syntax::ast::{
    BinaryOp, Block, CompareLink, CompareOp, Expr, ExprKind, FloatLit, If, IfArm, Index, IndexElem, IndexKind, IntLit,
    Name, NamedArg, Pattern, Place, Stmt, StmtKind, UnaryOp,
};
use hotloop_syntax::{Limits, dump, dump_block, dump_expr, parse_body, parse_expr, parse_file};
use hotloop_syntax::{print_block, print_expr, print_file};

#[track_caller]
fn expr(text: &str, expect: &str) {
    let (expr, diags) = parse_expr(&Source::new("test", text), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{text}: {diags:?}");
    assert_eq!(print_expr(&expr.expect("a value")), expect);
}

#[test]
fn parentheses_stand_only_where_needed() {
    expr("((a)+(b*c))", "a + b * c");
    expr("(a+b)*c", "(a + b) * c");
    expr("a-(b-c)", "a - (b - c)");
    expr("(a**b)**(c**d)", "(a**b)**c**d");
    expr("(-a)**(-b)", "(-a)**-b");
    expr("-(a**b)", "-a**b");
    expr("(a<b)<c", "(a < b) < c");
    expr("(not a)==b", "(not a) == b");
    expr("!(a==b)||c", "not a == b or c");
    expr("(if a then b else c)+1", "(if a { b } else { c }) + 1");
    expr("f(if a then b else c)", "f(if a { b } else { c })");
    expr("(1).x", "(1).x");
    expr("(a+b)[0]", "(a + b)[0]");
    expr("a[ (1) : : 2,@ -1,newaxis ,...]", "a[1::2, @-1, newaxis, ...]");
    expr("(a,)", "(a,)");
    expr("f( x,k = 1 )", "f(x, k=1)");
}

#[test]
fn files_have_one_form() {
    let text = "@checked @a(k=\"(n)\",1)\nkernel f(x,y:mut f64[:,:])->(f64,i32){\nlet (a,b)=g(x);y[:,0]+=1\nfor i in range(3){if i>1{break}}\n(a,b)}\nfn g(x){x}";
    let expect = "@checked\n@a(k = \"(n)\", 1)\nkernel f(x, y: mut f64[:, :]) -> (f64, i32) {\n    let (a, b) = g(x)\n    \
                  y[:, 0] += 1\n    for i in range(3) {\n        if i > 1 {\n            break\n        }\n    }\n    \
                  (a, b)\n}\n\nfn g(x) = x\n";
    let (file, diags) = parse_file(&Source::new("test", text), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{diags:?}");
    assert_eq!(print_file(&file), expect);
    let (again, diags) = parse_file(&Source::new("test", expect), &Limits::DEFAULT);
    assert!(diags.is_empty(), "{diags:?}");
    assert_eq!(print_file(&again), expect);
    assert_eq!(dump(&again), dump(&file));
}

#[test]
fn random_trees_come_back() {
    for seed in 1..3000u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let tree = random.block(4);
        let text = print_block(&tree);
        let (again, diags) = parse_body(&Source::new("test", text.as_str()), &Limits::DEFAULT);
        assert!(diags.is_empty(), "seed {seed}: {text}\n{diags:?}");
        assert_eq!(dump_block(&again), dump_block(&tree), "seed {seed}: {text}");
        assert_eq!(print_block(&again), text, "seed {seed}");
    }
}

#[test]
fn random_expressions_come_back() {
    for seed in 1..6000u64 {
        let mut random = Random(seed.wrapping_mul(0xD134_2543_DE82_EF95));
        let tree = random.expr(6);
        let text = print_expr(&tree);
        let (again, diags) = parse_expr(&Source::new("test", text.as_str()), &Limits::DEFAULT);
        assert!(diags.is_empty(), "seed {seed}: {text}\n{diags:?}");
        assert_eq!(dump_expr(&again.expect("a value")), dump_expr(&tree), "seed {seed}: {text}");
    }
}

/// Makes trees that the parser could have made.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn many<T>(&mut self, least: usize, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn name(&mut self) -> Name {
        Name { text: self.pick(&["a", "b", "x1", "σ", "pi"]).into(), span: Span::DETACHED }
    }

    fn expr(&mut self, depth: usize) -> Expr {
        let kind = if depth == 0 { self.leaf() } else { self.node(depth - 1) };
        Expr::new(kind, Span::DETACHED)
    }

    fn boxed(&mut self, depth: usize) -> Box<Expr> {
        Box::new(self.expr(depth))
    }

    fn leaf(&mut self) -> ExprKind {
        match self.below(5) {
            0 => ExprKind::Int(IntLit { value: self.below(1000) as u128, suffix: self.suffix(&["i32", "u8"]) }),
            1 => ExprKind::Float(self.float()),
            2 => ExprKind::Imaginary(FloatLit::parse("1.5", None).expect("a number")),
            _ => ExprKind::Name(self.name().text),
        }
    }

    fn float(&mut self) -> FloatLit {
        let text = self.pick(&["1.5", ".5", "1.", "1e-9", "0x1.8p3"]);
        FloatLit::parse(text, self.suffix(&["f32", "f64"])).expect("a number")
    }

    fn suffix(&mut self, from: &[&str]) -> Option<Name> {
        let text = self.pick(from);
        (self.below(2) == 0).then(|| Name { text: text.into(), span: Span::DETACHED })
    }

    fn node(&mut self, depth: usize) -> ExprKind {
        match self.below(14) {
            0 => ExprKind::Unary { op: self.pick(UnaryOp::ALL), operand: self.boxed(depth) },
            1..=4 => ExprKind::Binary {
                op: self.pick(BinaryOp::ALL),
                op_span: Span::DETACHED,
                left: self.boxed(depth),
                right: self.boxed(depth),
            },
            5 => {
                let rest = self.many(1, 3, |random| CompareLink {
                    op: random.pick(CompareOp::ALL),
                    op_span: Span::DETACHED,
                    operand: random.expr(depth),
                });
                ExprKind::Compare { first: self.boxed(depth), rest }
            }
            6 => self.call(depth),
            7 => ExprKind::Index(self.index(depth)),
            8 => ExprKind::Field { base: self.boxed(depth), name: self.name() },
            9 => ExprKind::Tuple(self.many(0, 3, |random| random.expr(depth))),
            10 => ExprKind::List(self.many(0, 3, |random| random.expr(depth))),
            11 => ExprKind::If(Box::new(self.conditional(depth, 1))),
            _ => self.leaf(),
        }
    }

    fn call(&mut self, depth: usize) -> ExprKind {
        let callee = Box::new(Expr::new(ExprKind::Name(self.name().text), Span::DETACHED));
        let args = self.many(0, 3, |random| random.expr(depth));
        let named = (self.below(3) == 0).then(|| NamedArg { name: self.name(), value: self.expr(depth) });
        ExprKind::Call { callee, args, named: named.into_iter().collect() }
    }

    fn index(&mut self, depth: usize) -> Index {
        let elements = self.many(1, 3, |random| {
            let kind = match random.below(6) {
                0 => IndexKind::Slice {
                    start: random.maybe(depth),
                    stop: random.maybe(depth),
                    step: random.maybe(depth),
                },
                1 => IndexKind::NewAxis,
                2 => IndexKind::Ellipsis,
                3 => IndexKind::Offset(random.boxed(depth)),
                _ => IndexKind::At(random.boxed(depth)),
            };
            IndexElem { kind, span: Span::DETACHED }
        });
        Index { base: self.boxed(depth), elements, span: Span::DETACHED }
    }

    fn maybe(&mut self, depth: usize) -> Option<Box<Expr>> {
        if self.below(2) == 0 { Some(self.boxed(depth)) } else { None }
    }

    /// An `if` with an `else`, in which every way has a value, so that it stands for itself everywhere.
    fn conditional(&mut self, depth: usize, arms: usize) -> If {
        let arms = self.many(1, 1 + arms, |random| IfArm { cond: random.expr(depth), body: random.valued(depth) });
        If { arms, otherwise: Some(self.valued(depth)), span: Span::DETACHED }
    }

    fn valued(&mut self, depth: usize) -> Block {
        let stmts = if depth > 0 { self.many(0, 1, |random| random.stmt(depth - 1)) } else { Vec::new() };
        Block { stmts, value: Some(self.boxed(depth)), span: Span::DETACHED }
    }

    fn block(&mut self, depth: usize) -> Block {
        let mut stmts = self.many(0, 3, |random| random.stmt(depth));
        let value = self.maybe(depth);
        // Without a value after it the last expression would become one.
        if value.is_none() {
            while stmts.pop_if(|stmt| matches!(stmt.kind, StmtKind::Expr(_) | StmtKind::If(_))).is_some() {}
        }
        Block { stmts, value, span: Span::DETACHED }
    }

    fn stmt(&mut self, depth: usize) -> Stmt {
        let below = depth.saturating_sub(1);
        let kind = match self.below(10) {
            0 => StmtKind::Let { pattern: self.pattern(), ty: None, value: self.expr(depth) },
            1 => StmtKind::Var { name: self.name(), ty: None, value: self.expr(depth) },
            2 | 3 => {
                let op = self.pick(&[None, Some(BinaryOp::Add), Some(BinaryOp::Pow), Some(BinaryOp::Shl)]);
                StmtKind::Assign { place: self.place(depth), op, value: self.expr(depth) }
            }
            4 if depth > 0 => StmtKind::If(self.conditional(below, 2)),
            5 if depth > 0 => StmtKind::While { cond: self.expr(below), body: self.block(below) },
            6 if depth > 0 => StmtKind::For { var: self.name(), iter: self.expr(below), body: self.block(below) },
            7 if self.below(2) == 0 => StmtKind::Break,
            7 => StmtKind::Continue,
            8 => StmtKind::Return(self.maybe(depth).map(|value| *value)),
            _ => StmtKind::Expr(Expr::new(self.call(below), Span::DETACHED)),
        };
        Stmt { kind, span: Span::DETACHED }
    }

    fn pattern(&mut self) -> Pattern {
        if self.below(2) == 0 {
            return Pattern::Name(self.name());
        }
        Pattern::Tuple(self.many(0, 3, Random::name), Span::DETACHED)
    }

    fn place(&mut self, depth: usize) -> Place {
        match self.below(3) {
            0 => Place::Index(self.index(depth)),
            1 if depth > 0 => Place::Tuple(self.many(1, 3, |random| random.place(depth - 1)), Span::DETACHED),
            _ => Place::Name(self.name()),
        }
    }
}
