//! Random trees of loops: accepted by the checker but for few, and short enough to be read when they fail.

use super::eval::wrap;
use super::model::{Arith, Cond, End, Expr, ITEMS, Kind, Order, Stmt, Store, Tree, VARS};
use crate::data::Random;
use hotloop::Type;

/// The deepest nesting of statements.
const DEPTH: usize = 3;

/// The tree of a seed.
pub fn tree(seed: u64) -> Tree {
    let mut maker = Maker { random: Random::new(seed), whole: true };
    maker.whole = maker.below(2) == 0;
    let ty = maker.pick(&[Type::I64, Type::I32, Type::I16, Type::I8]);
    let kind = if maker.whole {
        Kind::Whole
    } else {
        Kind::Turn { parallel: maker.below(4) > 0, greatest: maker.below(2) == 0 }
    };
    let len = if maker.whole { ITEMS as usize } else { maker.pick(&[0, 1, 5, 17, 37, 150, 2500]) };
    let x = (0..len).map(|_| wrap(ty, maker.random.bits() as i64)).map(|x| if ty == Type::I8 { x } else { x % 1000 });
    let x = x.collect();
    let count = 3 + maker.below(4);
    let body = maker.block(0, false, count);
    Tree { ty, x, kind, body }
}

struct Maker {
    random: Random,
    whole: bool,
}

impl Maker {
    fn below(&mut self, end: usize) -> usize {
        ((self.random.bits() >> 20) % end as u64) as usize
    }

    fn between(&mut self, low: i64, end: i64) -> i64 {
        low + self.below((end - low) as usize) as i64
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn var(&mut self) -> usize {
        self.below(VARS)
    }

    fn block(&mut self, depth: usize, looped: bool, count: usize) -> Vec<Stmt> {
        (0..count).map(|_| self.stmt(depth, looped)).collect()
    }

    fn inner(&mut self, depth: usize, looped: bool) -> Vec<Stmt> {
        let count = 1 + self.below(3);
        self.block(depth + 1, looped, count)
    }

    fn store(&mut self) -> Store {
        self.pick(&[Store::Set, Store::Add, Store::Sub])
    }

    fn stmt(&mut self, depth: usize, looped: bool) -> Stmt {
        let simple = depth >= DEPTH;
        match self.below(if simple { 6 } else { 12 }) {
            0..3 => Stmt::Var(self.var(), self.store(), self.expr(0)),
            3 => Stmt::Item(self.store(), self.expr(1), self.expr(0)),
            4 if self.whole => match self.below(3) {
                0 => Stmt::Scale(self.between(1, 4), self.var()),
                1 => Stmt::Shift(self.var()),
                _ => Stmt::Total(self.var()),
            },
            4 | 5 if !self.whole => {
                let value = self.expr(1);
                if self.below(2) == 0 { Stmt::Sum(value) } else { Stmt::Best(value) }
            }
            6 | 7 => self.exit(depth, looped),
            8 | 9 => {
                let cond = self.cond(0);
                let yes = self.inner(depth, looped);
                let no = if self.below(5) < 3 { self.inner(depth, looped) } else { Vec::new() };
                Stmt::If(cond, yes, no)
            }
            10 => self.counted(depth),
            11 => Stmt::While(self.between(1, 5), self.cond(0), self.inner(depth, true)),
            _ => Stmt::Var(self.var(), self.store(), self.expr(0)),
        }
    }

    /// A way out under a condition. A parallel turn is only ended, never left by `break` or `return`.
    fn exit(&mut self, depth: usize, looped: bool) -> Stmt {
        let cond = self.cond(0);
        let way = match (looped, self.whole) {
            (true, _) => {
                if self.below(2) == 0 {
                    Stmt::Break
                } else {
                    Stmt::Continue
                }
            }
            (false, false) => Stmt::Continue,
            (false, true) if depth > 0 => Stmt::Return,
            (false, true) => return Stmt::Item(Store::Add, self.expr(1), self.expr(1)),
        };
        let way = if looped && self.whole && self.below(6) == 0 { Stmt::Return } else { way };
        Stmt::If(cond, vec![way], Vec::new())
    }

    fn counted(&mut self, depth: usize) -> Stmt {
        let step = self.pick(&[1, 1, 1, 2, 3, -1, -2]);
        let (low, high) = (self.between(-2, 3), self.between(0, 6));
        let (first, end) = match (step > 0, self.below(4)) {
            (true, 0) => (low, End::Of(self.var(), self.between(2, 7))),
            (true, _) => (low, End::At(high)),
            (false, _) => (high, End::At(low)),
        };
        Stmt::For(first, end, step, self.inner(depth, true))
    }

    fn expr(&mut self, depth: usize) -> Expr {
        let leaf = depth > 2 || self.below(3) == 0;
        if leaf {
            return match self.below(6) {
                0..3 => Expr::Var(self.var()),
                3 => Expr::Counter(self.below(3)),
                4 => Expr::Item(Box::new(Expr::Var(self.var()))),
                _ => Expr::Out,
            };
        }
        let a = Box::new(self.expr(depth + 1));
        match self.below(5) {
            0 => Expr::With(Arith::Rem, a, self.between(2, 8)),
            1 => Expr::With(self.pick(&[Arith::Add, Arith::Sub, Arith::Mul]), a, self.between(0, 9)),
            _ => Expr::Both(self.pick(&[Arith::Add, Arith::Sub, Arith::Mul]), a, Box::new(self.expr(depth + 1))),
        }
    }

    /// Remainders are compared, so that neither outcome is rare.
    fn cond(&mut self, depth: usize) -> Cond {
        if depth < 2 && self.below(4) == 0 {
            let a = Box::new(self.cond(depth + 1));
            return match self.below(3) {
                0 => Cond::And(a, Box::new(self.cond(depth + 1))),
                1 => Cond::Or(a, Box::new(self.cond(depth + 1))),
                _ => Cond::Not(a),
            };
        }
        let order = self.pick(&[Order::Lt, Order::Le, Order::Eq, Order::Ne]);
        let mut side = || Expr::With(Arith::Rem, Box::new(self.expr(1)), 5);
        Cond::Compare(order, side(), side())
    }
}
