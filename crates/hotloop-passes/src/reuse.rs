//! Computes nothing twice: a value that equals an earlier one in scope takes its place, and a variable that has just
//! been set is not read back.
//!
//! Equal means equal bits: the same op on the same operands, the same element with no store to its array in between, the
//! same variable with no assignment in between. An element that has just been stored is not read back. Nothing is moved, so what a branch or a loop guards stays inside it.

use crate::fold::{replace_in_stmt, replace_operands};
use hotloop_ir::{
    ArrayId, Inst, Lane, Local, Nest, Op, Program, Region, Scalar, SlotId, Stmt, Type, Value, View, ViewId,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Reuses values in every lane.
pub fn run(program: &mut Program) {
    for nest in &mut program.nests {
        reuse_in(nest);
    }
    crate::unused::compact(program);
}

fn reuse_in(nest: &mut Nest) {
    let mut body = std::mem::take(&mut nest.lane.body);
    let mut written = FxHashSet::default();
    arrays_written(&body, &nest.views, &mut written);
    let mut walk = Walk {
        lane: &mut nest.lane,
        views: &nest.views,
        written,
        same: Vec::new(),
        known: FxHashMap::default(),
        scope: Vec::new(),
        locals: FxHashMap::default(),
        slots: FxHashMap::default(),
        arrays: FxHashMap::default(),
        versions: 0,
    };
    walk.same = (0..walk.lane.values.len() as u32).map(Value).collect();
    walk.region(&mut body);
    nest.lane.body = body;
}

/// What a value is, with operands by their first equals.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Const(Scalar),
    Op(Op, [Value; 3]),
    Convert(Value, Type),
    Bitcast(Value, Type),
    Axis(u32),
    /// The variable and which of its assignments it holds.
    Slot(SlotId, u32),
    Local(Local, u32),
    Load(ViewId),
    /// The element, and after which of the stores to its array.
    LoadAt(ArrayId, Vec<Value>, u32),
    Extent(ArrayId, u32),
}

struct Walk<'a> {
    lane: &'a mut Lane,
    views: &'a [View],
    /// Arrays the lane writes: two loads of them may differ.
    written: FxHashSet<ArrayId>,
    /// The first equal of each value.
    same: Vec<Value>,
    /// The values in scope.
    known: FxHashMap<Key, Value>,
    /// The keys in `known`, innermost region last.
    scope: Vec<Key>,
    /// Which assignment each variable holds; 0 where it has none yet.
    locals: FxHashMap<Local, u32>,
    slots: FxHashMap<SlotId, u32>,
    /// After which of the stores to it each array is; 0 where there was none.
    arrays: FxHashMap<ArrayId, u32>,
    versions: u32,
}

impl Walk<'_> {
    fn region(&mut self, region: &mut Region) {
        let outer = self.scope.len();
        let statements = std::mem::take(region);
        region.reserve(statements.len());
        for mut stmt in statements {
            if self.stmt(&mut stmt) {
                region.push(stmt);
            }
        }
        for key in self.scope.drain(outer..) {
            self.known.remove(&key);
        }
    }

    /// Walks one statement; whether it is still needed.
    fn stmt(&mut self, stmt: &mut Stmt) -> bool {
        match stmt {
            Stmt::Let(value) => return self.define(*value),
            Stmt::If { cond, then, otherwise } => {
                *cond = self.same[cond.index()];
                self.region(then);
                self.forget(then);
                self.region(otherwise);
                self.forget(otherwise);
            }
            Stmt::For { index, start, stop, step, body } => {
                for bound in [start, stop, step] {
                    *bound = self.same[bound.index()];
                }
                let index = *index;
                self.new_local(index);
                self.repeated(body);
                self.new_local(index);
            }
            Stmt::Loop(body) => self.repeated(body),
            Stmt::Block(body) => {
                self.region(body);
                // A break may have skipped any of its assignments.
                self.forget(body);
            }
            Stmt::Set(local, value) => {
                let (local, value) = (*local, self.same[value.index()]);
                replace_in_stmt(stmt, &self.same);
                let version = self.new_local(local);
                self.learn(Key::Local(local, version), value);
            }
            Stmt::SetSlot(slot, value) => {
                let (slot, value) = (*slot, self.same[value.index()]);
                replace_in_stmt(stmt, &self.same);
                let version = self.new_slot(slot);
                self.learn(Key::Slot(slot, version), value);
            }
            Stmt::Store(view, _) => {
                let array = self.views[view.index()].array;
                replace_in_stmt(stmt, &self.same);
                self.new_array(array);
            }
            Stmt::StoreAt(array, ..) => {
                let array = *array;
                replace_in_stmt(stmt, &self.same);
                let version = self.new_array(array);
                if let Stmt::StoreAt(_, index, value) = stmt {
                    self.learn(Key::LoadAt(array, index.clone(), version), *value);
                }
            }
            Stmt::Fold(..) | Stmt::Check { .. } => replace_in_stmt(stmt, &self.same),
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        true
    }

    /// A body that runs several times: at its start, variables hold what any turn has left.
    fn repeated(&mut self, body: &mut Region) {
        self.forget(body);
        self.region(body);
        self.forget(body);
    }

    /// Whether a value has to be computed.
    fn define(&mut self, value: Value) -> bool {
        replace_operands(&mut self.lane.values[value.index()], &self.same);
        let Some(key) = self.key(value) else { return true };
        match self.known.get(&key) {
            Some(earlier) => {
                self.same[value.index()] = *earlier;
                false
            }
            None => {
                self.learn(key, value);
                true
            }
        }
    }

    fn learn(&mut self, key: Key, value: Value) {
        self.known.insert(key.clone(), value);
        self.scope.push(key);
    }

    /// What a value is; none if two of them may differ.
    fn key(&self, value: Value) -> Option<Key> {
        let ty = self.lane.ty(value);
        Some(match self.lane.inst(value) {
            Inst::Const(scalar) => Key::Const(*scalar),
            Inst::Op(op, args) => Key::Op(*op, ordered(*op, *args)),
            Inst::Convert(of) => Key::Convert(*of, ty),
            Inst::Bitcast(of) => Key::Bitcast(*of, ty),
            Inst::Axis(axis) => Key::Axis(*axis),
            Inst::Slot(slot) => Key::Slot(*slot, self.slots.get(slot).copied().unwrap_or(0)),
            Inst::Local(local) => Key::Local(*local, self.locals.get(local).copied().unwrap_or(0)),
            Inst::Load(view) if self.written.contains(&self.views[view.index()].array) => return None,
            Inst::Load(view) => Key::Load(self.first_view(*view)),
            Inst::LoadAt(array, index) => {
                Key::LoadAt(*array, index.clone(), self.arrays.get(array).copied().unwrap_or(0))
            }
            Inst::Extent(array, axis) => Key::Extent(*array, *axis),
        })
    }

    /// The first view that gives the same elements.
    fn first_view(&self, view: ViewId) -> ViewId {
        let wanted = &self.views[view.index()];
        let earlier = self.views.iter().take(MOST_VIEWS).position(|view| view == wanted);
        earlier.map_or(view, |index| ViewId(index as u32))
    }

    fn new_local(&mut self, local: Local) -> u32 {
        self.versions += 1;
        self.locals.insert(local, self.versions);
        self.versions
    }

    fn new_slot(&mut self, slot: SlotId) -> u32 {
        self.versions += 1;
        self.slots.insert(slot, self.versions);
        self.versions
    }

    fn new_array(&mut self, array: ArrayId) -> u32 {
        self.versions += 1;
        self.arrays.insert(array, self.versions);
        self.versions
    }

    /// Forgets what the variables hold that a region assigns, and the arrays that it stores to.
    fn forget(&mut self, region: &Region) {
        for stmt in region {
            match stmt {
                Stmt::Set(local, _) => {
                    self.new_local(*local);
                }
                Stmt::SetSlot(slot, _) => {
                    self.new_slot(*slot);
                }
                Stmt::If { then, otherwise, .. } => {
                    self.forget(then);
                    self.forget(otherwise);
                }
                Stmt::For { index, body, .. } => {
                    self.new_local(*index);
                    self.forget(body);
                }
                Stmt::Loop(body) | Stmt::Block(body) => self.forget(body),
                Stmt::Store(view, _) => {
                    self.new_array(self.views[view.index()].array);
                }
                Stmt::StoreAt(array, ..) => {
                    self.new_array(*array);
                }
                Stmt::Let(_) | Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => {}
            }
        }
    }
}

/// How many views are looked through for an equal one.
const MOST_VIEWS: usize = 64;

/// The operands in one order, where their order changes no bit. Beyond the arity they repeat the first.
fn ordered(op: Op, [a, b, c]: [Value; 3]) -> [Value; 3] {
    match op.commutes() && op.arity() == 2 && b < a {
        true => [b, a, b],
        false => [a, b, c],
    }
}

/// The arrays a region stores to.
fn arrays_written(region: &Region, views: &[View], written: &mut FxHashSet<ArrayId>) {
    for stmt in region {
        match stmt {
            Stmt::Store(view, _) => {
                written.insert(views[view.index()].array);
            }
            Stmt::StoreAt(array, ..) => {
                written.insert(*array);
            }
            Stmt::If { then, otherwise, .. } => {
                arrays_written(then, views, written);
                arrays_written(otherwise, views, written);
            }
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => arrays_written(body, views, written),
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
    }
}
