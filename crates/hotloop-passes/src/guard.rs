//! Tests the indices of loops in scalar code once, before the outermost loop: in nests without axes, and in those that
//! compute one point at a time.
//!
//! Where the bounds of all loops and the indices in them are sums of what does not change, the least and the greatest
//! index are known before the first turn. The loop is then kept in two forms: one without those checks, and the one as
//! written, which runs where a test fails and finds the fault, or wraps the negative index.

use crate::bounds::{Form, Known, Leaf, MAX_LEAF, index_check, note};
use crate::fold::{replace_in_stmt, replace_operands};
use crate::schedule;
use hotloop_ir::{Inst, Lane, Op, Program, Region, Scalar, Stmt, Type, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// Most tests before one loop.
const MOST_TESTS: usize = 40;
/// Most values of a loop that is kept twice, and of a lane in which one is.
const MOST_VALUES: usize = 1500;
const LARGEST_LANE: usize = 20_000;

/// Guards the loops of every nest that has one lane.
pub fn run(program: &mut Program) {
    for nest in &mut program.nests {
        if !has_loop(&nest.lane.body) || (!nest.axes.is_empty() && schedule::lanes_of(&program.arrays, nest) > 1) {
            continue;
        }
        let mut body = std::mem::take(&mut nest.lane.body);
        guard_in(&mut body, &mut nest.lane);
        nest.lane.body = body;
    }
    crate::reuse::run(program);
    crate::unused::run(program);
}

fn has_loop(region: &[Stmt]) -> bool {
    let inner = |stmt: &Stmt| stmt.regions().into_iter().any(has_loop);
    region.iter().any(|stmt| matches!(stmt, Stmt::For { .. }) || inner(stmt))
}

fn guard_in(region: &mut Region, lane: &mut Lane) {
    let mut guarded = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        match &mut stmt {
            Stmt::For { .. } => guarded.extend(guard(stmt, lane)),
            Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => {
                stmt.regions_mut().for_each(|inner| guard_in(inner, lane));
                guarded.push(stmt);
            }
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => {
                guarded.push(stmt)
            }
            Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => guarded.push(stmt),
        }
    }
    *region = guarded;
}

/// What a loop needs for some of its checks to hold.
#[derive(Default)]
struct Found {
    needs: Vec<Form>,
    leaves: Vec<Leaf>,
    /// The checks, by their conditions.
    holds: FxHashSet<Value>,
    /// Indices that would wrap, by what they are where they do not.
    plain: FxHashMap<Value, Value>,
}

/// The statements that a loop becomes.
fn guard(mut stmt: Stmt, lane: &mut Lane) -> Vec<Stmt> {
    let (mut inside, mut set) = (FxHashSet::default(), FxHashSet::default());
    note(std::slice::from_ref(&stmt), &mut inside, &mut set);
    if inside.len() > MOST_VALUES || lane.values.len() > LARGEST_LANE {
        return vec![stmt];
    }
    let mut found = Found::default();
    collect(std::slice::from_ref(&stmt), &mut Known::new(lane, &inside, &set), lane, &mut found);
    if found.holds.is_empty() {
        return vec![stmt];
    }
    let mut same: Vec<Value> = (0..lane.values.len() as u32).map(Value).collect();
    let as_written = copy(std::slice::from_ref(&stmt), lane, &mut same);
    let mut plain: Vec<Value> = (0..lane.values.len() as u32).map(Value).collect();
    found.plain.iter().for_each(|(wrapped, index)| plain[wrapped.index()] = *index);
    replace_in_stmt(&mut stmt, &plain);
    without_checks(&mut stmt, lane, &found, &plain);
    let mut test = Test { lane, list: Vec::new() };
    let cond = test.all(&found);
    let mut list = test.list;
    list.push(Stmt::If { cond, then: vec![stmt], otherwise: as_written });
    list
}

/// Drops the checks that the test has made from the loops inside a statement.
fn without_checks(stmt: &mut Stmt, lane: &mut Lane, found: &Found, plain: &[Value]) {
    for region in stmt.regions_mut() {
        region.retain(|stmt| !matches!(stmt, Stmt::Check { cond, .. } if found.holds.contains(cond)));
        for inner in region {
            if let Stmt::Let(value) = inner {
                replace_operands(&mut lane.values[value.index()], plain);
            }
            without_checks(inner, lane, found, plain);
        }
    }
}

/// Looks for checks whose indices have bounds.
fn collect(region: &[Stmt], known: &mut Known<'_>, lane: &Lane, found: &mut Found) {
    for stmt in region {
        match stmt {
            Stmt::Check { cond, .. } => {
                let Some(needs) = known.needs(*cond) else { continue };
                let impossible = |form: &Form| form.as_constant().is_some_and(|value| value < 0);
                let new: Vec<Form> = needs.nonnegative.into_iter().filter(|form| !found.needs.contains(form)).collect();
                if new.iter().any(impossible) || found.needs.len() + new.len() > MOST_TESTS {
                    continue;
                }
                found.needs.extend(new.into_iter().filter(|form| form.as_constant().is_none()));
                found.leaves.extend(needs.leaves);
                found.holds.insert(*cond);
                let index = index_check(lane, *cond).map(|(index, _)| index);
                if let Some((wrapped, plain)) = index.and_then(|at| Some((at, known.unwrapped(at)?))) {
                    found.plain.insert(wrapped, plain);
                }
            }
            Stmt::For { index, start, stop, step, body } => {
                known.enter(*index, [*start, *stop, *step]);
                collect(body, known, lane, found);
                known.leave();
            }
            Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => {
                stmt.regions().into_iter().for_each(|inner| collect(inner, known, lane, found));
            }
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => {}
            Stmt::Fold(..) | Stmt::Break(_) | Stmt::Continue(_) => {}
        }
    }
}

/// A copy of a region with values of its own; `same` holds what stands for each value.
pub(crate) fn copy(region: &[Stmt], lane: &mut Lane, same: &mut Vec<Value>) -> Region {
    let mut copied = Vec::with_capacity(region.len());
    for stmt in region {
        let of = |value: &Value| same[value.index()];
        copied.push(match stmt {
            Stmt::Let(value) => {
                let mut inst = lane.values[value.index()].clone();
                replace_operands(&mut inst, same);
                let ty = lane.ty(*value);
                let made = push(lane, inst, ty);
                same[value.index()] = made;
                Stmt::Let(made)
            }
            Stmt::Set(local, value) => Stmt::Set(*local, of(value)),
            Stmt::Store(view, value) => Stmt::Store(*view, of(value)),
            Stmt::StoreAt(array, index, value) => Stmt::StoreAt(*array, index.iter().map(of).collect(), of(value)),
            Stmt::SetSlot(slot, value) => Stmt::SetSlot(*slot, of(value)),
            Stmt::Fold(fold, value) => Stmt::Fold(*fold, of(value)),
            Stmt::Check { cond, site, shows, at } => {
                let shows = [of(&shows[0]), of(&shows[1])];
                Stmt::Check { cond: of(cond), site: *site, shows, at: at.as_ref().map(of) }
            }
            Stmt::If { cond, then, otherwise } => {
                let cond = of(cond);
                Stmt::If { cond, then: copy(then, lane, same), otherwise: copy(otherwise, lane, same) }
            }
            Stmt::For { index, start, stop, step, body } => {
                let [start, stop, step] = [start, stop, step].map(of);
                Stmt::For { index: *index, start, stop, step, body: copy(body, lane, same) }
            }
            Stmt::Loop(body) => Stmt::Loop(copy(body, lane, same)),
            Stmt::Block(body) => Stmt::Block(copy(body, lane, same)),
            Stmt::Break(depth) => Stmt::Break(*depth),
            Stmt::Continue(depth) => Stmt::Continue(*depth),
        });
    }
    copied
}

pub(crate) fn push(lane: &mut Lane, inst: Inst, ty: Type) -> Value {
    lane.values.push(inst);
    lane.types.push(ty);
    Value(lane.values.len() as u32 - 1)
}

/// The code of the test before a loop.
struct Test<'a> {
    lane: &'a mut Lane,
    list: Vec<Stmt>,
}

impl Test<'_> {
    fn let_(&mut self, inst: Inst, ty: Type) -> Value {
        let value = push(self.lane, inst, ty);
        self.list.push(Stmt::Let(value));
        value
    }

    fn int(&mut self, value: i64) -> Value {
        self.let_(Inst::Const(Scalar::i64(value)), Type::I64)
    }

    fn op(&mut self, op: Op, a: Value, b: Value) -> Value {
        let ty = op.result(self.lane.ty(b));
        self.let_(Inst::Op(op, [a, b, a]), ty)
    }

    /// Whether all leaves are small and no form is negative.
    fn all(&mut self, found: &Found) -> Value {
        let mut leaves: Vec<(Leaf, Value)> = Vec::new();
        let mut cond = self.let_(Inst::Const(Scalar::bool(true)), Type::Bool);
        for leaf in &found.leaves {
            if leaves.iter().all(|(known, _)| known != leaf) {
                let value = self.leaf(*leaf);
                leaves.push((*leaf, value));
                let (least, most) = (self.int(-MAX_LEAF), self.int(MAX_LEAF));
                let (low, high) = (self.op(Op::Lt, least, value), self.op(Op::Lt, value, most));
                let small = self.op(Op::And, low, high);
                cond = self.op(Op::And, cond, small);
            }
        }
        for form in found.needs.iter().filter(|form| !form.is_nonnegative()) {
            let fits = self.is_nonnegative(form, &leaves);
            cond = self.op(Op::And, cond, fits);
        }
        cond
    }

    fn leaf(&mut self, leaf: Leaf) -> Value {
        match leaf {
            Leaf::Slot(slot) => self.let_(Inst::Slot(slot), Type::I64),
            Leaf::Extent(array, axis) => self.let_(Inst::Extent(array, axis), Type::I64),
            Leaf::Value(value) => value,
            Leaf::Counter(_) => unreachable!("bounds are made of what does not change in the loop"),
        }
    }

    fn is_nonnegative(&mut self, form: &Form, leaves: &[(Leaf, Value)]) -> Value {
        let mut sum = self.int(form.constant);
        for (leaf, by) in &form.terms {
            let Some((_, value)) = leaves.iter().find(|(known, _)| known == leaf) else { continue };
            let by = self.int(*by);
            let term = self.op(Op::Mul, *value, by);
            sum = self.op(Op::Add, sum, term);
        }
        let zero = self.int(0);
        self.op(Op::Le, zero, sum)
    }
}
