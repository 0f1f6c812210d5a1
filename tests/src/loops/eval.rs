//! What a random program of loops means, after `docs/language.md` alone: it walks the tree, a statement at a time.
//!
//! Integers wrap to their type after each operation, a remainder has the divisor's sign, the end of a range is computed
//! once, and a slice is read before it is written. Every tree ends: its loops have few turns.

use super::model::{Arith, Cond, End, Expr, ITEMS, Kind, Order, Stmt, Store, Tree, VARS};
use hotloop::Type;

/// What a program comes to.
pub struct Results {
    /// The scalars it returns.
    pub scalars: Vec<i64>,
    /// What `out` holds, where there is one.
    pub out: Option<Vec<i64>>,
}

/// What a statement says of those behind it.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
    Return,
}

struct Machine<'t> {
    tree: &'t Tree,
    vars: [i64; VARS],
    counters: Vec<i64>,
    /// The local array, or `out`.
    array: Vec<i64>,
    turn: usize,
    sum: i64,
    best: i64,
}

/// Runs a program. `out` begins as zeros.
pub fn run(tree: &Tree) -> Results {
    let mut machine =
        Machine { tree, vars: [0; VARS], counters: Vec::new(), array: Vec::new(), turn: 0, sum: 0, best: 1 };
    match tree.kind {
        Kind::Whole => {
            machine.array = tree.x.clone();
            machine.vars = [1, tree.x[1], 3];
            machine.block(&tree.body);
            Results { scalars: [&machine.vars[..], &machine.array].concat(), out: None }
        }
        Kind::Turn { .. } => {
            machine.array = vec![0; tree.x.len()];
            for turn in 0..tree.x.len() {
                machine.turn = turn;
                machine.vars = [tree.x[turn], wrap(tree.ty, turn as i64), 3];
                machine.counters = vec![turn as i64];
                machine.block(&tree.body);
            }
            Results { scalars: vec![machine.sum, machine.best], out: Some(machine.array) }
        }
    }
}

/// The number of this type with the same low bits.
pub fn wrap(ty: Type, value: i64) -> i64 {
    let unused = 64 - 8 * ty.bytes();
    value << unused >> unused
}

impl Machine<'_> {
    fn block(&mut self, body: &[Stmt]) -> Flow {
        for stmt in body {
            let flow = self.stmt(stmt);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn stmt(&mut self, stmt: &Stmt) -> Flow {
        match stmt {
            Stmt::Var(var, store, value) => {
                self.vars[*var] = self.stored(self.vars[*var], *store, value);
                Flow::Next
            }
            Stmt::Item(store, index, value) => {
                let at = self.place(index);
                self.array[at] = self.stored(self.array[at], *store, value);
                Flow::Next
            }
            Stmt::Scale(by, var) => {
                let add = self.vars[*var];
                self.array = self
                    .array
                    .iter()
                    .map(|item| self.wrap(self.wrap(item.wrapping_mul(*by)).wrapping_add(add)))
                    .collect();
                Flow::Next
            }
            Stmt::Shift(var) => {
                let before = self.array.clone();
                for at in 1..before.len() {
                    self.array[at] = self.wrap(before[at - 1].wrapping_add(self.vars[*var]));
                }
                Flow::Next
            }
            Stmt::Total(var) => {
                let total = self.array.iter().fold(0i64, |sum, item| sum.wrapping_add(*item));
                self.vars[*var] = self.wrap(total);
                Flow::Next
            }
            Stmt::Sum(value) => {
                self.sum = self.wrap(self.sum.wrapping_add(self.expr(value)));
                Flow::Next
            }
            Stmt::Best(value) => {
                let value = self.expr(value);
                let greatest = matches!(self.tree.kind, Kind::Turn { greatest: true, .. });
                self.best = if greatest { self.best.max(value) } else { self.best.min(value) };
                Flow::Next
            }
            Stmt::If(cond, yes, no) => self.block(if self.cond(cond) { yes } else { no }),
            Stmt::For(first, end, step, body) => self.counted(*first, end, *step, body),
            Stmt::While(most, cond, body) => self.repeated(*most, cond, body),
            Stmt::Break => Flow::Break,
            Stmt::Continue => Flow::Continue,
            Stmt::Return => Flow::Return,
        }
    }

    fn counted(&mut self, first: i64, end: &End, step: i64, body: &[Stmt]) -> Flow {
        let end = match end {
            End::At(end) => *end,
            End::Of(var, by) => self.vars[*var].rem_euclid(*by),
        };
        let mut counter = first;
        while if step > 0 { counter < end } else { counter > end } {
            self.counters.push(counter);
            let flow = self.block(body);
            self.counters.pop();
            match flow {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return => return flow,
            }
            counter += step;
        }
        Flow::Next
    }

    fn repeated(&mut self, most: i64, cond: &Cond, body: &[Stmt]) -> Flow {
        let mut turns = 0;
        while turns < most && self.cond(cond) {
            turns += 1;
            match self.block(body) {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return => return Flow::Return,
            }
        }
        Flow::Next
    }

    fn stored(&self, old: i64, store: Store, value: &Expr) -> i64 {
        let value = self.expr(value);
        match store {
            Store::Set => value,
            Store::Add => self.wrap(old.wrapping_add(value)),
            Store::Sub => self.wrap(old.wrapping_sub(value)),
        }
    }

    fn wrap(&self, value: i64) -> i64 {
        wrap(self.tree.ty, value)
    }

    fn place(&self, index: &Expr) -> usize {
        match self.tree.kind {
            Kind::Whole => self.expr(index).rem_euclid(ITEMS) as usize,
            Kind::Turn { .. } => self.turn,
        }
    }

    fn expr(&self, expr: &Expr) -> i64 {
        match expr {
            Expr::Var(var) => self.vars[*var],
            Expr::Counter(level) => match self.counters.len() {
                0 => self.vars[0],
                count => self.wrap(self.counters[count - 1 - level % count]),
            },
            Expr::Item(index) => match self.tree.kind {
                Kind::Whole => self.array[self.place(index)],
                Kind::Turn { .. } => self.tree.x[self.turn],
            },
            Expr::Out => match self.tree.kind {
                Kind::Whole => self.vars[0],
                Kind::Turn { .. } => self.array[self.turn],
            },
            Expr::Both(op, a, b) => self.arith(*op, self.expr(a), self.expr(b)),
            Expr::With(op, a, literal) => self.arith(*op, self.expr(a), *literal),
        }
    }

    fn arith(&self, op: Arith, a: i64, b: i64) -> i64 {
        self.wrap(match op {
            Arith::Add => a.wrapping_add(b),
            Arith::Sub => a.wrapping_sub(b),
            Arith::Mul => a.wrapping_mul(b),
            Arith::Rem => a.rem_euclid(b),
        })
    }

    fn cond(&self, cond: &Cond) -> bool {
        match cond {
            Cond::Compare(order, a, b) => {
                let (a, b) = (self.expr(a), self.expr(b));
                match order {
                    Order::Lt => a < b,
                    Order::Le => a <= b,
                    Order::Eq => a == b,
                    Order::Ne => a != b,
                }
            }
            Cond::And(a, b) => self.cond(a) && self.cond(b),
            Cond::Or(a, b) => self.cond(a) || self.cond(b),
            Cond::Not(a) => !self.cond(a),
        }
    }
}
