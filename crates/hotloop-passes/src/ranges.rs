//! Finds what indices can be from the conditions around them, and drops the checks that hold.
//!
//! A walk over each lane keeps the range of every whole number: between constants, and below the extents of arrays. A
//! branch, a check that was passed and the range of a counter teach it more; at the head of a loop it keeps what all
//! turns leave true. `while j > 0 and a[j - 1] > x` needs no check of `j - 1` then, and no look whether it is negative.

mod range;

use crate::bounds::{Bound, index_check};
use hotloop_ir::{Inst, Layout, Local, Nest, Op, Program, Region, Role, Scalar, SlotId, Stmt, Type, Value};
use range::{Extent, Range};
use rustc_hash::FxHashMap;

/// How deep expressions are followed.
const MAX_STEPS: u32 = 6;
/// Most rounds until what holds at the head of a loop must be found.
const MOST_ROUNDS: u32 = 8;
/// Most work for one lane; one that needs more stays as it is.
const MOST_WORK: usize = 4_000_000;

/// Drops checks in every lane.
pub fn run(program: &mut Program) {
    let extents = extents_in_slots(program);
    for index in 0..program.nests.len() {
        if !has_check(&program.nests[index].lane.body) {
            continue;
        }
        let mut body = std::mem::take(&mut program.nests[index].lane.body);
        let decided = {
            let nest = &program.nests[index];
            let mut walk = Walk { program, nest, extents: &extents, open: Vec::new(), work: 0, decided: None };
            walk.lane(&mut body)
        };
        let lane = &mut program.nests[index].lane;
        lane.body = body;
        if !decided.is_empty() {
            decided.into_iter().for_each(|(value, is)| lane.values[value.index()] = Inst::Const(Scalar::bool(is)));
            crate::fold::fold_lane(lane);
        }
    }
    crate::unused::run(program);
}

fn has_check(region: &[Stmt]) -> bool {
    region.iter().any(|stmt| matches!(stmt, Stmt::Check { .. }) || stmt.regions().into_iter().any(has_check))
}

/// The slots that hold the extent of a parameter as soon as they are read.
fn extents_in_slots(program: &Program) -> FxHashMap<SlotId, Extent> {
    let lasting = |extent: &Extent| matches!(program.array(extent.0).role, Role::Input | Role::Mut);
    let extents = crate::spread::set_once(program, |inst| match inst {
        Inst::Extent(array, axis) => Some((*array, *axis)),
        Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) => None,
        Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) => None,
    });
    extents.into_iter().filter(|(_, extent)| lasting(extent)).collect()
}

/// What is known at a place that can be reached.
#[derive(Clone, PartialEq)]
struct State {
    locals: Vec<Option<Range>>,
    values: FxHashMap<Value, Range>,
    /// The value that a variable is known to hold.
    held: FxHashMap<Local, Value>,
}

/// A loop or block that the walk is in: what is known where it is left, and where its next turn starts.
#[derive(Default)]
struct Open {
    left: Option<State>,
    again: Option<State>,
}

struct Walk<'a> {
    program: &'a Program,
    nest: &'a Nest,
    extents: &'a FxHashMap<SlotId, Extent>,
    open: Vec<Open>,
    work: usize,
    /// Comparisons whose result is known; none while what holds at the head of a loop is still sought.
    decided: Option<Vec<(Value, bool)>>,
}

impl Walk<'_> {
    /// Walks a lane, drops its checks that hold and gives the comparisons that are decided.
    fn lane(&mut self, body: &mut Region) -> Vec<(Value, bool)> {
        let zero = |ty: &Type| Range::of_type(*ty).map(|_| Range::of(0));
        let locals: Vec<_> = self.nest.lane.locals.iter().map(zero).collect();
        let entry = State { locals, values: FxHashMap::default(), held: FxHashMap::default() };
        // A trial tells whether the work stays small.
        self.region(body, Some(entry.clone()));
        if self.work > MOST_WORK {
            return Vec::new();
        }
        self.work = 0;
        self.decided = Some(Vec::new());
        self.region(body, Some(entry));
        self.decided.take().unwrap_or_default()
    }

    /// Walks a region; gives what is known behind it, or none if nothing gets there.
    fn region(&mut self, region: &mut Region, mut state: Option<State>) -> Option<State> {
        let mut holds = Vec::new();
        for (at, stmt) in region.iter_mut().enumerate() {
            let reached = state.as_mut()?;
            self.work += 1;
            if self.work > MOST_WORK {
                return None;
            }
            if let Stmt::Check { cond, .. } = stmt {
                let cond = *cond;
                if self.decide(cond, reached) == Some(true) {
                    holds.push(at);
                }
                self.learn(cond, true, reached, MAX_STEPS);
                continue;
            }
            state = self.stmt(stmt, state);
        }
        if self.decided.is_some() {
            let mut at = 0;
            region.retain(|_| (!holds.contains(&at), at += 1).0);
        }
        state
    }

    fn stmt(&mut self, stmt: &mut Stmt, state: Option<State>) -> Option<State> {
        let mut state = state?;
        match stmt {
            Stmt::Let(value) => self.define(*value, &mut state),
            Stmt::Set(local, value) => {
                let range = self.range(*value, &state);
                state.locals[local.index()] = range;
                state.held.insert(*local, *value);
            }
            Stmt::If { cond, then, otherwise } => return self.branch(*cond, [then, otherwise], state),
            Stmt::For { index, start, stop, step, body } => {
                return self.counted(*index, [*start, *stop, *step], body, state);
            }
            Stmt::Loop(body) => return self.turns(body, None, state).1.left,
            Stmt::Block(body) => {
                self.open.push(Open::default());
                let end = self.region(body, Some(state));
                let left = self.open.pop().and_then(|open| open.left);
                return self.join(end, left);
            }
            Stmt::Break(depth) => return self.leave(*depth, false, state),
            Stmt::Continue(depth) => return self.leave(*depth, true, state),
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
        }
        Some(state)
    }

    fn define(&mut self, value: Value, state: &mut State) {
        let lane = &self.nest.lane;
        if let Inst::Local(local) = lane.inst(value) {
            if let Some(range) = state.locals[local.index()].clone() {
                state.values.insert(value, range);
            }
            state.held.entry(*local).or_insert(value);
            return;
        }
        // The value of an earlier turn tells nothing about this one.
        state.values.remove(&value);
        if let Some(range) = self.range_of(value, state, 1) {
            state.values.insert(value, range);
        }
        if self.decided.is_some()
            && let Inst::Op(Op::Lt | Op::Le | Op::Eq | Op::Ne, _) = lane.inst(value)
            && let Some(is) = self.decide(value, state)
            && let Some(decided) = &mut self.decided
        {
            decided.push((value, is));
        }
    }

    fn branch(&mut self, cond: Value, regions: [&mut Region; 2], state: State) -> Option<State> {
        self.work += 2 * state.values.len();
        let [then, otherwise] = regions;
        let mut other = state.clone();
        let mut state = state;
        self.learn(cond, true, &mut state, MAX_STEPS);
        self.learn(cond, false, &mut other, MAX_STEPS);
        let then = self.region(then, Some(state));
        let otherwise = self.region(otherwise, Some(other));
        self.join(then, otherwise)
    }

    fn counted(&mut self, index: Local, bounds: [Value; 3], body: &mut Region, state: State) -> Option<State> {
        let [start, stop, step] = bounds.map(|bound| self.range(bound, &state));
        let range = match (start, stop, step) {
            (Some(start), Some(stop), Some(step)) if step.least > 0 => {
                let up = stop.beneath(true);
                Some(Range { least: start.least, ..up })
            }
            (Some(start), Some(stop), Some(step)) if step.most < 0 => {
                Some(Range { least: stop.above(true).least, ..start })
            }
            (_, _, _) => Range::of_type(Type::I64),
        };
        let before = state.clone();
        let (end, open) = self.turns(body, Some((index, range)), state);
        let after = self.join(end, open.left);
        let mut after = self.join(Some(before), after)?;
        after.held.remove(&index);
        Some(after)
    }

    /// Walks the body of a loop until what is known at its head holds for all turns. Gives what is known at the end of a
    /// turn and where the loop is left.
    fn turns(
        &mut self,
        body: &mut Region,
        counter: Option<(Local, Option<Range>)>,
        entry: State,
    ) -> (Option<State>, Open) {
        let decided = self.decided.take();
        let mut head = State { held: FxHashMap::default(), ..entry };
        for round in 0.. {
            let (end, open) = self.turn(body, &counter, &head);
            let back = self.join(end, open.again);
            let Some(back) = back else { break };
            if self.work > MOST_WORK {
                break;
            }
            let wider = self.widen(&head, &back, round >= MOST_ROUNDS);
            if wider == head {
                break;
            }
            head = wider;
        }
        self.decided = decided;
        let (end, mut open) = self.turn(body, &counter, &head);
        let end = self.join(end, open.again.take());
        (end, open)
    }

    fn turn(
        &mut self,
        body: &mut Region,
        counter: &Option<(Local, Option<Range>)>,
        head: &State,
    ) -> (Option<State>, Open) {
        self.work += head.values.len();
        let mut state = head.clone();
        if let Some((index, range)) = counter {
            state.locals[index.index()].clone_from(range);
        }
        self.open.push(Open::default());
        let end = self.region(body, Some(state));
        (end, self.open.pop().unwrap_or_default())
    }

    fn leave(&mut self, depth: u32, again: bool, state: State) -> Option<State> {
        let at = self.open.len().checked_sub(1 + depth as usize)?;
        let open = &mut self.open[at];
        let known = if again { open.again.take() } else { open.left.take() };
        let joined = self.join(known, Some(state));
        let open = &mut self.open[at];
        *(if again { &mut open.again } else { &mut open.left }) = joined;
        None
    }

    fn join(&mut self, one: Option<State>, other: Option<State>) -> Option<State> {
        let (mut one, other) = match (one, other) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return one.or(other),
        };
        self.work += one.values.len();
        for (range, other) in one.locals.iter_mut().zip(other.locals) {
            *range = range.take().zip(other).map(|(range, other)| range.join(&other));
        }
        one.values.retain(|value, range| other.values.get(value).map(|other| *range = range.join(other)).is_some());
        one.held.retain(|local, value| other.held.get(local) == Some(value));
        Some(one)
    }

    /// What holds at the head of a loop and at the end of a turn. Only variables change from turn to turn; what was
    /// learned of values from before the loop stays true.
    fn widen(&self, head: &State, back: &State, give_up: bool) -> State {
        let mut wider = head.clone();
        for (index, range) in wider.locals.iter_mut().enumerate() {
            let Some(all) = Range::of_type(self.nest.lane.locals[index]) else { continue };
            let grown = match (range.as_ref(), &back.locals[index]) {
                (Some(range), Some(next)) if range.join(next) == *range => continue,
                (Some(range), Some(next)) if !give_up => range.widen(next, &all),
                (_, _) => all,
            };
            *range = Some(grown);
        }
        wider
    }

    /// The range of a whole number; none for other types.
    fn range(&self, value: Value, state: &State) -> Option<Range> {
        self.range_of(value, state, MAX_STEPS)
    }

    fn range_of(&self, value: Value, state: &State, steps: u32) -> Option<Range> {
        let lane = &self.nest.lane;
        let all = Range::of_type(lane.ty(value))?;
        let known = state.values.get(&value).map_or_else(|| all.clone(), |known| known.meet(&all));
        let Some(steps) = steps.checked_sub(1) else { return Some(known) };
        let of = |value: Value| self.range_of(value, state, steps);
        let found = match *lane.inst(value) {
            Inst::Const(scalar) => Some(Range::of(scalar.as_i64())),
            Inst::Op(Op::Select, [cond, a, b]) => match self.decide(cond, state) {
                Some(true) => of(a),
                Some(false) => of(b),
                None => of(a).zip(of(b)).map(|(a, b)| a.join(&b)),
            },
            Inst::Op(op, [a, b, _]) => {
                let operands = of(a).zip(of(b));
                let found = operands.as_ref().and_then(|(a, b)| Range::op(op, lane.ty(value), a, b));
                let rest = operands.filter(|_| op == Op::Sub).and_then(|(_, b)| self.rest_of_extent(a, &b));
                found.map(|found| rest.map_or(found.clone(), |rest| found.meet(&rest)))
            }
            Inst::Convert(from) => of(from).filter(|from| from.least >= all.least && from.most <= all.most),
            Inst::Axis(axis) => self.coordinate(axis as usize),
            Inst::Slot(slot) => self.extents.get(&slot).map(|extent| self.extent(*extent)),
            Inst::Extent(array, axis) => Some(self.extent((array, axis))),
            Inst::Bitcast(_) | Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) => None,
        };
        Some(found.map_or(known.clone(), |found| known.meet(&found)))
    }

    /// The extent that a value is a constant more or less than, and the constant.
    fn beside_extent(&self, value: Value, steps: u32) -> Option<(Extent, i64)> {
        let lane = &self.nest.lane;
        let constant = |value: Value| match lane.inst(value) {
            Inst::Const(scalar) if lane.ty(value) == Type::I64 => Some(scalar.as_i64()).filter(|by| by.abs() < 1 << 40),
            Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) => None,
            Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => None,
        };
        match *lane.inst(value) {
            Inst::Extent(array, axis) => Some(((array, axis), 0)),
            Inst::Slot(slot) => self.extents.get(&slot).map(|extent| (*extent, 0)),
            Inst::Op(op @ (Op::Add | Op::Sub), [a, b, _]) => {
                let (extent, by) = self.beside_extent(a, steps.checked_sub(1)?)?;
                let more = constant(b)?;
                Some((extent, if op == Op::Add { by + more } else { by - more }))
            }
            Inst::Op(..) | Inst::Const(_) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) => None,
            Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) => None,
        }
    }

    /// What is known of an extent, or a little less than one, minus a number that is not negative.
    fn rest_of_extent(&self, from: Value, less: &Range) -> Option<Range> {
        let (extent, by) = self.beside_extent(from, MAX_STEPS).filter(|(_, by)| *by <= 0 && less.least >= 0)?;
        let (_, beyond) = less.below.iter().find(|(known, _)| *known == extent)?;
        Some(Range { least: by - beyond, most: i64::MAX, below: Vec::new() })
    }

    /// The range of an extent. Elements that lie side by side all have to fit into memory.
    fn extent(&self, extent: Extent) -> Range {
        let array = self.program.array(extent.0);
        let side_by_side = array.rank == 1 && array.layout == Layout::Dense;
        let size = if side_by_side { array.ty.bytes() as i64 } else { 1 };
        Range::extent(extent, i64::MAX / size)
    }

    fn coordinate(&self, axis: usize) -> Option<Range> {
        let points = match self.nest.axes.get(axis)?.extent {
            hotloop_ir::Extent::Const(points) => Range::of(points),
            hotloop_ir::Extent::Slot(slot) => self.extent(*self.extents.get(&slot)?),
        };
        let up = points.beneath(true);
        Some(Range { least: 0, ..up })
    }

    /// Whether a condition is known to hold, or not to.
    fn decide(&self, cond: Value, state: &State) -> Option<bool> {
        let lane = &self.nest.lane;
        if let Some((index, extent)) = index_check(lane, cond) {
            let index = self.range(index, state)?;
            let is_less = match extent {
                Bound::Value(extent) => self.is_less(&index, extent, state)?,
                Bound::Const(extent) => index.most < extent,
            };
            let holds = index.least >= 0 && is_less;
            return holds.then_some(true);
        }
        let Inst::Op(op, [a, b, _]) = *lane.inst(cond) else {
            return matches!(lane.inst(cond), Inst::Const(scalar) if scalar.bits == 1).then_some(true);
        };
        let ranges = || self.range(a, state).zip(self.range(b, state));
        match op {
            Op::Lt => {
                let (from, to) = ranges()?;
                let less = self.is_less(&from, b, state)?;
                if less { Some(true) } else { (from.least >= to.most).then_some(false) }
            }
            Op::Le => {
                let (from, to) = ranges()?;
                let more = self.is_less(&to, a, state)?;
                if more { Some(false) } else { (from.most <= to.least).then_some(true) }
            }
            Op::Eq | Op::Ne => {
                let (from, to) = ranges()?;
                (from.most < to.least || from.least > to.most).then_some(op == Op::Ne)
            }
            Op::And => match (self.decide_part(a, state), self.decide_part(b, state)) {
                (Some(true), Some(true)) => Some(true),
                (Some(false), _) | (_, Some(false)) => Some(false),
                (_, _) => None,
            },
            Op::Or | Op::Xor | Op::Not | Op::Unlikely | Op::Select => None,
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::FloorRem | Op::Neg | Op::Abs => None,
            Op::Min | Op::Max | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round => None,
            Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant | Op::Shl | Op::Shr => None,
        }
    }

    /// Whether one side of an `and` is known; its sides are comparisons and no further conditions.
    fn decide_part(&self, cond: Value, state: &State) -> Option<bool> {
        let is_and = matches!(self.nest.lane.inst(cond), Inst::Op(Op::And, _));
        if is_and || self.nest.lane.ty(cond) != Type::Bool { None } else { self.decide(cond, state) }
    }

    /// Whether all numbers of a range are less than a value.
    fn is_less(&self, range: &Range, than: Value, state: &State) -> Option<bool> {
        let extent = self.beside_extent(than, MAX_STEPS).filter(|(_, by)| *by <= 0);
        let than = self.range(than, state)?;
        Some(extent.is_some_and(|(extent, by)| range.is_below(extent, by)) || range.most < than.least)
    }

    /// Learns that a condition holds, or that it does not.
    fn learn(&self, cond: Value, holds: bool, state: &mut State, steps: u32) {
        let Some(steps) = steps.checked_sub(1) else { return };
        let lane = &self.nest.lane;
        if let Some((index, extent)) = index_check(lane, cond) {
            let extent = match extent {
                Bound::Value(extent) => self.range(extent, state),
                Bound::Const(extent) => Some(Range::of(extent)),
            };
            if holds && let Some(range) = extent.filter(|extent| extent.least >= 0) {
                let up = range.beneath(true);
                self.narrow(index, &Range { least: 0, ..up }, state, steps);
            }
            return;
        }
        let Inst::Op(op, [a, b, _]) = *lane.inst(cond) else { return };
        match (op, holds) {
            (Op::And, true) | (Op::Or, false) => {
                self.learn(a, holds, state, steps);
                self.learn(b, holds, state, steps);
            }
            (Op::Not, _) => self.learn(a, !holds, state, steps),
            (Op::Unlikely, _) => self.learn(a, holds, state, steps),
            (Op::Lt, true) => self.order(a, b, true, state, steps),
            (Op::Lt, false) => self.order(b, a, false, state, steps),
            (Op::Le, true) => self.order(a, b, false, state, steps),
            (Op::Le, false) => self.order(b, a, true, state, steps),
            (Op::Eq, true) | (Op::Ne, false) => {
                self.order(a, b, false, state, steps);
                self.order(b, a, false, state, steps);
            }
            (Op::Eq | Op::And, false) | (Op::Ne | Op::Or, true) => {}
            (Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::FloorRem | Op::Neg | Op::Abs, _) => {}
            (Op::Min | Op::Max | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round, _) => {}
            (Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant | Op::Shl | Op::Shr | Op::Xor, _) => {}
            (Op::Select, _) => {}
        }
    }

    /// Learns that one whole number is less than another, or no greater.
    fn order(&self, less: Value, more: Value, strictly: bool, state: &mut State, steps: u32) {
        let Some((low, high)) = self.range(less, state).zip(self.range(more, state)) else { return };
        self.narrow(less, &high.beneath(strictly), state, steps);
        self.narrow(more, &low.above(strictly), state, steps);
    }

    /// Learns that a value is in a range; so are the variable that holds it, and what it is a constant more or less than.
    fn narrow(&self, value: Value, range: &Range, state: &mut State, steps: u32) {
        let Some(known) = self.range(value, state) else { return };
        let narrow = known.meet(range);
        for (local, held) in &state.held {
            if *held == value {
                state.locals[local.index()] = Some(narrow.clone());
            }
        }
        state.values.insert(value, narrow);
        let (Inst::Op(op @ (Op::Add | Op::Sub), [a, b, _]), Some(steps)) =
            (self.nest.lane.inst(value), steps.checked_sub(1))
        else {
            return;
        };
        let Inst::Const(by) = self.nest.lane.inst(*b) else { return };
        let by = if *op == Op::Add { by.as_i64().checked_neg() } else { Some(by.as_i64()) };
        // What wraps says nothing about its operands.
        let stays = |by: i64| {
            let (operand, all) = (self.range(*a, state)?, Range::of_type(self.nest.lane.ty(*a))?);
            operand.shifted(by.checked_neg()?).filter(|moved| moved.least >= all.least && moved.most <= all.most)
        };
        if let Some(by) = by
            && stays(by).is_some()
        {
            let low = range.least.checked_add(by).unwrap_or(i64::MIN);
            let high = range.most.checked_add(by).unwrap_or(i64::MAX);
            let below = range.below_by(by);
            self.narrow(*a, &Range { least: low, most: high, below }, state, steps);
        }
    }
}
