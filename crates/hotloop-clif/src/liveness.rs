//! Which locals are needed after each construct of a lane, seen from a single point of the domain.
//!
//! Masked code uses it to leave out blends: a lane that is not active keeps its locals only if it will read them again.
//! Sets of locals are propagated backwards until nothing changes; each pass visits each statement once.

use hotloop_ir::{Inst, Lane, Local, Region, Stmt};
use rustc_hash::FxHashMap;

/// A set of locals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalSet(Vec<u64>);

impl LocalSet {
    fn empty(locals: usize) -> LocalSet {
        LocalSet(vec![0; locals.div_ceil(64)])
    }

    /// Whether the local is in the set.
    pub(crate) fn contains(&self, local: Local) -> bool {
        self.0[local.index() / 64] >> (local.index() % 64) & 1 == 1
    }

    fn insert(&mut self, local: Local) {
        self.0[local.index() / 64] |= 1 << (local.index() % 64);
    }

    fn remove(&mut self, local: Local) {
        self.0[local.index() / 64] &= !(1 << (local.index() % 64));
    }

    /// Adds another set.
    pub(crate) fn add(&mut self, other: &LocalSet) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// What is live around one `If`, `For`, `Loop` or `Block`.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    /// After it.
    pub(crate) out: LocalSet,
    /// Before the second region of an `If`.
    pub(crate) otherwise: LocalSet,
    /// Before each turn of a loop.
    pub(crate) head: LocalSet,
}

/// What is live around each construct, by number.
pub(crate) fn liveness(lane: &Lane, number: &FxHashMap<*const Stmt, usize>) -> Vec<Around> {
    let empty = LocalSet::empty(lane.locals.len());
    let around = Around { out: empty.clone(), otherwise: empty.clone(), head: empty.clone() };
    let mut pass =
        Pass { lane, number, around: vec![around; number.len()], open: Vec::new(), changed: true, after_nest: empty };
    while pass.changed {
        pass.changed = false;
        let out = pass.after_nest.clone();
        pass.region(&lane.body, out);
    }
    pass.around
}

struct Pass<'a> {
    lane: &'a Lane,
    number: &'a FxHashMap<*const Stmt, usize>,
    around: Vec<Around>,
    /// The enclosing `For`s, `Loop`s and `Block`s.
    open: Vec<usize>,
    changed: bool,
    after_nest: LocalSet,
}

impl Pass<'_> {
    /// What is live before a region, given what is live after it.
    fn region(&mut self, region: &Region, out: LocalSet) -> LocalSet {
        region.iter().rev().fold(out, |live, stmt| self.stmt(stmt, live))
    }

    fn stmt(&mut self, stmt: &Stmt, mut live: LocalSet) -> LocalSet {
        match stmt {
            Stmt::Let(value) => {
                if let Inst::Local(local) = self.lane.inst(*value) {
                    live.insert(*local);
                }
                live
            }
            Stmt::Set(local, _) => {
                live.remove(*local);
                live
            }
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => live,
            Stmt::If { then, otherwise, .. } => {
                let id = self.enter(stmt, &live);
                let mut before = self.region(then, live.clone());
                let otherwise = self.region(otherwise, live);
                before.add(&otherwise);
                self.around[id].otherwise = otherwise;
                before
            }
            Stmt::For { index, body, .. } => self.turns(stmt, body, Some(*index), live),
            Stmt::Loop(body) => self.turns(stmt, body, None, live),
            Stmt::Block(body) => {
                let id = self.enter(stmt, &live);
                self.open.push(id);
                let before = self.region(body, live);
                self.open.pop();
                before
            }
            Stmt::Break(depth) => self.around[self.target(*depth)].out.clone(),
            Stmt::Continue(depth) => self.around[self.target(*depth)].head.clone(),
        }
    }

    fn turns(&mut self, stmt: &Stmt, body: &Region, index: Option<Local>, live: LocalSet) -> LocalSet {
        let id = self.enter(stmt, &live);
        self.open.push(id);
        let head = self.around[id].head.clone();
        let mut before = self.region(body, head);
        self.open.pop();
        if let Some(index) = index {
            before.remove(index);
            before.add(&live);
        }
        if before != self.around[id].head {
            self.around[id].head = before.clone();
            self.changed = true;
        }
        before
    }

    fn enter(&mut self, stmt: &Stmt, live: &LocalSet) -> usize {
        let id = self.number[&std::ptr::from_ref(stmt)];
        if self.around[id].out != *live {
            self.around[id].out = live.clone();
            self.changed = true;
        }
        id
    }

    fn target(&self, depth: u32) -> usize {
        self.open[self.open.len() - 1 - depth as usize]
    }
}
