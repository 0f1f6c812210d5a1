//! The tree of a random program of loops, its printing as text, and ways to change it.
//!
//! It is the generator's own: nothing of the engine's reading, checking or lowering is used, so that a mistake there
//! cannot be in what programs are compared with. What a tree means is in `eval.rs`.

use hotloop::Type;

/// Scalars of a program.
pub const VARS: usize = 3;
/// Elements of the local array.
pub const ITEMS: i64 = 7;
/// What a whole kernel returns: an array itself cannot be returned early.
const RESULTS: &str = "(p0, p1, p2, a[0], a[1], a[2], a[3], a[4], a[5], a[6])";

/// A kernel `k` with one element type for all its numbers.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The element type: a signed integer.
    pub ty: Type,
    /// The argument.
    pub x: Vec<i64>,
    /// What the body is.
    pub kind: Kind,
    /// The body.
    pub body: Vec<Stmt>,
}

/// What the body of a program is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The body of the kernel, which works on scalars and on a local array.
    Whole,
    /// One turn of a loop over the argument, `prange` or not, with stores into `out` and the reductions `sum_` and `best`.
    Turn {
        /// Whether the loop is a `prange`.
        parallel: bool,
        /// Whether `best` is the greatest; the least otherwise.
        greatest: bool,
    },
}

/// A number.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A scalar.
    Var(usize),
    /// The counter of an enclosing `for`, counted from the innermost; the first scalar where there is none.
    Counter(usize),
    /// An element: of the local array at an index that is brought into range, or the turn's own of `x`.
    Item(Box<Expr>),
    /// The turn's own element of `out`; the first scalar where there is none.
    Out,
    /// An operation of two.
    Both(Arith, Box<Expr>, Box<Expr>),
    /// An operation with a literal.
    With(Arith, Box<Expr>, i64),
}

/// An operation. The right side of a remainder is a positive literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arith {
    /// The sum.
    Add,
    /// The difference.
    Sub,
    /// The product.
    Mul,
    /// The remainder.
    Rem,
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Cond {
    /// A comparison.
    Compare(Order, Expr, Expr),
    /// Both.
    And(Box<Cond>, Box<Cond>),
    /// Either.
    Or(Box<Cond>, Box<Cond>),
    /// The contrary.
    Not(Box<Cond>),
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Equal.
    Eq,
    /// Different.
    Ne,
}

/// How something is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Store {
    /// By `=`.
    Set,
    /// By `+=`.
    Add,
    /// By `-=`.
    Sub,
}

/// Where a range ends.
#[derive(Clone, Debug)]
pub enum End {
    /// At a literal.
    At(i64),
    /// At a scalar's remainder by a literal, as it was before the loop.
    Of(usize, i64),
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// A store into a scalar.
    Var(usize, Store, Expr),
    /// A store into an element of the local array, or the turn's own of `out`.
    Item(Store, Expr, Expr),
    /// `a = a * literal + scalar`.
    Scale(i64, usize),
    /// `a[1:] = a[:-1] + scalar`, which reads everything before it writes.
    Shift(usize),
    /// A scalar gets the sum of the local array.
    Total(usize),
    /// `sum_ += …`.
    Sum(Expr),
    /// `best = max(best, …)`, or `min`.
    Best(Expr),
    /// A choice.
    If(Cond, Vec<Stmt>, Vec<Stmt>),
    /// A counted loop: first, end, step.
    For(i64, End, i64, Vec<Stmt>),
    /// A loop of so many turns at most, and as long as the condition holds.
    While(i64, Cond, Vec<Stmt>),
    /// Leaves a loop.
    Break,
    /// Ends a turn.
    Continue,
    /// Leaves the kernel with what there is.
    Return,
}

impl Tree {
    /// The program as text.
    pub fn text(&self) -> String {
        let mut printer =
            Printer { ty: self.ty.name(), kind: self.kind, text: String::new(), counters: Vec::new(), made: 0 };
        printer.program(&self.body);
        printer.text
    }

    /// Applies a change to every statement, the inner ones first; whether one was changed.
    pub fn change(&mut self, change: fn(&mut Stmt) -> bool) -> bool {
        change_all(&mut self.body, change)
    }

    /// All trees with one statement less, or with one replaced by what is in it.
    pub fn smaller(&self) -> Vec<Tree> {
        let mut trees = Vec::new();
        for open in [false, true] {
            for at in 0.. {
                let mut tree = self.clone();
                let mut left = at;
                if !take(&mut tree.body, &mut left, open) {
                    break;
                }
                trees.push(tree);
            }
        }
        trees
    }
}

impl Stmt {
    /// The blocks in it.
    fn blocks(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::If(_, yes, no) => vec![yes, no],
            Stmt::For(.., body) | Stmt::While(.., body) => vec![body],
            Stmt::Var(..)
            | Stmt::Item(..)
            | Stmt::Scale(..)
            | Stmt::Shift(_)
            | Stmt::Total(_)
            | Stmt::Sum(_)
            | Stmt::Best(_)
            | Stmt::Break
            | Stmt::Continue
            | Stmt::Return => Vec::new(),
        }
    }
}

fn change_all(body: &mut [Stmt], change: fn(&mut Stmt) -> bool) -> bool {
    let mut any = false;
    for stmt in body {
        for block in stmt.blocks() {
            any |= change_all(block, change);
        }
        any |= change(stmt);
    }
    any
}

/// Takes statement `left` of a walk away; leaves what is in it if asked to. Whether there was one.
fn take(body: &mut Vec<Stmt>, left: &mut usize, open: bool) -> bool {
    for at in 0..body.len() {
        if *left == 0 {
            let mut stmt = body.remove(at);
            let inner: Vec<Stmt> = stmt.blocks().into_iter().flat_map(std::mem::take).collect();
            if open {
                body.splice(at..at, inner);
            }
            return true;
        }
        *left -= 1;
        if body[at].blocks().into_iter().any(|block| take(block, left, open)) {
            return true;
        }
    }
    false
}

struct Printer {
    ty: &'static str,
    kind: Kind,
    text: String,
    counters: Vec<String>,
    made: usize,
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        self.text += &"    ".repeat(depth);
        self.text += text;
        self.text.push('\n');
    }

    fn program(&mut self, body: &[Stmt]) {
        let ty = self.ty;
        match self.kind {
            Kind::Whole => {
                self.line(0, &format!("kernel k(x: {ty}[:]) {{"));
                self.line(1, &format!("var a = x + {ty}(0)"));
                self.line(1, &format!("var p0 = {ty}(1); var p1 = x[1]; var p2 = {ty}(3)"));
                self.block(1, body);
                self.line(1, RESULTS);
            }
            Kind::Turn { parallel, .. } => {
                let range = if parallel { "prange" } else { "range" };
                self.line(0, &format!("kernel k(x: {ty}[:], out: mut {ty}[:]) {{"));
                self.line(1, &format!("var sum_ = {ty}(0); var best = {ty}(1)"));
                self.line(1, &format!("for i in {range}(len(x)) {{"));
                self.line(2, &format!("var p0 = x[i]; var p1 = {ty}(i); var p2 = {ty}(3)"));
                self.counters.push("i".into());
                self.block(2, body);
                self.line(1, "}");
                self.line(1, "(sum_, best)");
            }
        }
        self.line(0, "}");
    }

    fn block(&mut self, depth: usize, body: &[Stmt]) {
        for stmt in body {
            self.stmt(depth, stmt);
        }
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{}", self.made)
    }

    fn stmt(&mut self, depth: usize, stmt: &Stmt) {
        let ty = self.ty;
        match stmt {
            Stmt::Var(var, store, value) => {
                let line = format!("p{var} {} {}", sign(*store), self.expr(value));
                self.line(depth, &line);
            }
            Stmt::Item(store, index, value) => {
                let line = format!("{} {} {}", self.place(index), sign(*store), self.expr(value));
                self.line(depth, &line);
            }
            Stmt::Scale(by, var) => self.line(depth, &format!("a = a * {by} + p{var}")),
            Stmt::Shift(var) => self.line(depth, &format!("a[1:] = a[:-1] + p{var}")),
            Stmt::Total(var) => self.line(depth, &format!("p{var} = {ty}(sum(a))")),
            Stmt::Sum(value) => {
                let line = format!("sum_ += {}", self.expr(value));
                self.line(depth, &line);
            }
            Stmt::Best(value) => {
                let line = format!("best = {}(best, {})", self.best(), self.expr(value));
                self.line(depth, &line);
            }
            Stmt::If(cond, yes, no) => self.choice(depth, cond, yes, no),
            Stmt::For(first, end, step, body) => self.counted(depth, (*first, end, *step), body),
            Stmt::While(most, cond, body) => {
                let name = self.fresh("w");
                self.line(depth, &format!("var {name} = 0"));
                let line = format!("while {name} < {most} and {} {{", self.cond(cond));
                self.line(depth, &line);
                self.line(depth + 1, &format!("{name} += 1"));
                self.block(depth + 1, body);
                self.line(depth, "}");
            }
            Stmt::Break => self.line(depth, "break"),
            Stmt::Continue => self.line(depth, "continue"),
            Stmt::Return => self.line(depth, &format!("return {RESULTS}")),
        }
    }

    fn best(&self) -> &'static str {
        match self.kind {
            Kind::Turn { greatest: true, .. } => "max",
            Kind::Turn { greatest: false, .. } | Kind::Whole => "min",
        }
    }

    fn choice(&mut self, depth: usize, cond: &Cond, yes: &[Stmt], no: &[Stmt]) {
        let line = format!("if {} {{", self.cond(cond));
        self.line(depth, &line);
        self.block(depth + 1, yes);
        if !no.is_empty() {
            self.line(depth, "} else {");
            self.block(depth + 1, no);
        }
        self.line(depth, "}");
    }

    fn counted(&mut self, depth: usize, (first, end, step): (i64, &End, i64), body: &[Stmt]) {
        let name = self.fresh("k");
        let end = match end {
            End::At(end) => end.to_string(),
            End::Of(var, by) => format!("i64(p{var} % {by})"),
        };
        self.line(depth, &format!("for {name} in range({first}, {end}, {step}) {{"));
        self.counters.push(name);
        self.block(depth + 1, body);
        self.counters.pop();
        self.line(depth, "}");
    }

    fn place(&self, index: &Expr) -> String {
        match self.kind {
            Kind::Whole => format!("a[{} % {ITEMS}]", self.expr(index)),
            Kind::Turn { .. } => "out[i]".into(),
        }
    }

    fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::Var(var) => format!("p{var}"),
            Expr::Counter(level) => match self.counters.len() {
                0 => "p0".into(),
                count => format!("{}({})", self.ty, self.counters[count - 1 - level % count]),
            },
            Expr::Item(index) => match self.kind {
                Kind::Whole => self.place(index),
                Kind::Turn { .. } => "x[i]".into(),
            },
            Expr::Out => if self.kind == Kind::Whole { "p0" } else { "out[i]" }.into(),
            Expr::Both(op, a, b) => format!("({} {} {})", self.expr(a), arith(*op), self.expr(b)),
            Expr::With(op, a, literal) => format!("({} {} {literal})", self.expr(a), arith(*op)),
        }
    }

    fn cond(&self, cond: &Cond) -> String {
        match cond {
            Cond::Compare(order, a, b) => {
                let sign = match order {
                    Order::Lt => "<",
                    Order::Le => "<=",
                    Order::Eq => "==",
                    Order::Ne => "!=",
                };
                format!("{} {sign} {}", self.expr(a), self.expr(b))
            }
            Cond::And(a, b) => format!("({} and {})", self.cond(a), self.cond(b)),
            Cond::Or(a, b) => format!("({} or {})", self.cond(a), self.cond(b)),
            Cond::Not(a) => format!("(not {})", self.cond(a)),
        }
    }
}

fn arith(op: Arith) -> &'static str {
    match op {
        Arith::Add => "+",
        Arith::Sub => "-",
        Arith::Mul => "*",
        Arith::Rem => "%",
    }
}

fn sign(store: Store) -> &'static str {
    match store {
        Store::Set => "=",
        Store::Add => "+=",
        Store::Sub => "-=",
    }
}
