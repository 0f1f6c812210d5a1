//! Bounds of indices in loops of lanes: linear forms over what does not change in a loop, and over counters whose ranges
//! are linear forms again.
//!
//! A form stands for the number that its arithmetic would give without wrapping. Whoever uses bounds to leave out a check
//! also asks, before the loop, that all leaves are small; then no arithmetic they went through has wrapped.

use hotloop_ir::{ArrayId, Inst, Lane, Local, Op, SlotId, Stmt, Type, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a form is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    /// An array-level scalar that the lane does not set.
    Slot(SlotId),
    /// The extent of an array.
    Extent(ArrayId, u32),
    /// A value computed before the loop.
    Value(Value),
    /// The counter of a loop around the index.
    Counter(Local),
}

/// `constant + Σ factor * leaf`; no factor is 0, no leaf comes twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    pub(crate) constant: i64,
    pub(crate) terms: Vec<(Leaf, i64)>,
}

/// Largest factor and constant, largest leaf, and most leaves: no sum of products of these overflows.
const MAX_FACTOR: i64 = 1 << 12;
const MAX_CONSTANT: i64 = 1 << 40;
pub(crate) const MAX_LEAF: i64 = 1 << 45;
const MAX_TERMS: usize = 8;
/// How deep an index expression is followed.
const MAX_STEPS: u32 = 24;

impl Form {
    pub(crate) fn constant(constant: i64) -> Form {
        Form { constant, terms: Vec::new() }
    }

    fn leaf(leaf: Leaf) -> Form {
        Form { constant: 0, terms: vec![(leaf, 1)] }
    }

    /// `self + factor * other`; none if it grows out of its limits.
    pub(crate) fn plus(&self, other: &Form, factor: i64) -> Option<Form> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(factor)?)?;
        for &(leaf, by) in &other.terms {
            let by = by.checked_mul(factor)?;
            match sum.terms.iter_mut().find(|(known, _)| *known == leaf) {
                Some((_, whole)) => *whole = whole.checked_add(by)?,
                None => sum.terms.push((leaf, by)),
            }
        }
        sum.terms.retain(|(_, by)| *by != 0);
        let small = sum.terms.iter().all(|(_, by)| by.abs() <= MAX_FACTOR) && sum.constant.abs() <= MAX_CONSTANT;
        (small && sum.terms.len() <= MAX_TERMS).then_some(sum)
    }

    /// Whether it cannot be negative, if leaves that are extents are not.
    pub(crate) fn is_nonnegative(&self) -> bool {
        self.constant >= 0 && self.terms.iter().all(|(leaf, by)| *by > 0 && matches!(leaf, Leaf::Extent(..)))
    }

    /// The number, if it is one.
    pub(crate) fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }
}

/// What must be true before a loop for a check in it to hold in all turns.
pub(crate) struct Needs {
    /// None of these may be negative.
    pub(crate) nonnegative: [Form; 2],
    /// All of these must be small.
    pub(crate) leaves: Vec<Leaf>,
}

/// The least and the greatest value of a counter; none where it is not known.
type Range = (Option<Form>, Option<Form>);

/// What is known at a place inside loops.
pub(crate) struct Known<'a> {
    lane: &'a Lane,
    /// The values computed inside the outermost of the loops.
    inside: &'a FxHashSet<Value>,
    /// The slots that the lane sets.
    set: &'a FxHashSet<SlotId>,
    /// The open counted loops, outermost first.
    counters: Vec<Local>,
    ranges: FxHashMap<Local, Range>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(lane: &'a Lane, inside: &'a FxHashSet<Value>, set: &'a FxHashSet<SlotId>) -> Known<'a> {
        Known { lane, inside, set, counters: Vec::new(), ranges: FxHashMap::default() }
    }

    /// Goes into a counted loop. Its range is known only if both ends stay within the limits of forms in all turns of the
    /// loops around it.
    pub(crate) fn enter(&mut self, index: Local, [start, stop, step]: [Value; 3]) {
        let stays = |bound: Value| {
            let form = self.form(bound)?;
            self.extreme(&form, false).and(self.extreme(&form, true))
        };
        let limited = stays(start).is_some() && stays(stop).is_some();
        let by = self.form(step).and_then(|form| form.as_constant()).filter(|_| limited);
        let range = match by {
            Some(by) if by > 0 => (self.form(start), self.beside(stop, -1)),
            Some(by) if by < 0 => (self.beside(stop, 1), self.form(start)),
            Some(_) | None => (None, None),
        };
        self.ranges.insert(index, range);
        self.counters.push(index);
    }

    /// Leaves it again.
    pub(crate) fn leave(&mut self) {
        if let Some(index) = self.counters.pop() {
            self.ranges.remove(&index);
        }
    }

    fn beside(&self, bound: Value, by: i64) -> Option<Form> {
        self.form(bound)?.plus(&Form::constant(by), 1)
    }

    /// The form of an index.
    pub(crate) fn form(&self, value: Value) -> Option<Form> {
        self.form_of(value, MAX_STEPS)
    }

    fn form_of(&self, value: Value, steps: u32) -> Option<Form> {
        if self.lane.ty(value) != Type::I64 || steps == 0 {
            return None;
        }
        let of = |value: Value| self.form_of(value, steps - 1);
        let other = || (!self.inside.contains(&value)).then(|| Form::leaf(Leaf::Value(value)));
        match *self.lane.inst(value) {
            Inst::Const(scalar) => Form::default().plus(&Form::constant(scalar.as_i64()), 1),
            Inst::Extent(array, axis) => Some(Form::leaf(Leaf::Extent(array, axis))),
            Inst::Slot(slot) if !self.set.contains(&slot) => Some(Form::leaf(Leaf::Slot(slot))),
            Inst::Local(local) if self.ranges.contains_key(&local) => Some(Form::leaf(Leaf::Counter(local))),
            Inst::Op(Op::Add, [a, b, _]) => of(a)?.plus(&of(b)?, 1),
            Inst::Op(Op::Sub, [a, b, _]) => of(a)?.plus(&of(b)?, -1),
            Inst::Op(Op::Neg, [a, ..]) => Form::default().plus(&of(a)?, -1),
            Inst::Op(Op::Mul, [a, b, _]) => {
                let (a, b) = (of(a)?, of(b)?);
                match (a.as_constant(), b.as_constant()) {
                    (Some(factor), _) => Form::default().plus(&b, factor),
                    (None, Some(factor)) => Form::default().plus(&a, factor),
                    (None, None) => None,
                }
            }
            Inst::Op(Op::Select, _) => match self.unwrapped(value) {
                Some(index) => of(index),
                None => other(),
            },
            Inst::Slot(_) | Inst::Local(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => other(),
            Inst::Axis(_) | Inst::Load(_) | Inst::LoadAt(..) => other(),
        }
    }

    /// The index that counts from the end where it is negative, if a value is that: it is asked not to be negative.
    pub(crate) fn unwrapped(&self, value: Value) -> Option<Value> {
        let Inst::Op(Op::Select, [negative, _, index]) = *self.lane.inst(value) else { return None };
        let Inst::Op(Op::Lt, [tested, zero, _]) = *self.lane.inst(negative) else { return None };
        let is_zero = matches!(self.lane.inst(zero), Inst::Const(scalar) if scalar.bits == 0);
        (tested == index && is_zero).then_some(index)
    }

    /// A bound of a form over all turns of the open loops.
    fn extreme(&self, form: &Form, greatest: bool) -> Option<Form> {
        let mut bound = form.clone();
        for &index in self.counters.iter().rev() {
            let leaf = Leaf::Counter(index);
            let Some(by) = bound.terms.iter().find(|(known, _)| *known == leaf).map(|(_, by)| *by) else { continue };
            let (least, most) = &self.ranges[&index];
            let end = if (by > 0) == greatest { most } else { least };
            bound.terms.retain(|(known, _)| *known != leaf);
            bound = bound.plus(end.as_ref()?, by)?;
        }
        Some(bound)
    }

    /// What must be true for a check of an index to hold in all turns; none if it is no such check, or its bounds are
    /// not known.
    pub(crate) fn needs(&self, cond: Value) -> Option<Needs> {
        let (index, extent) = index_check(self.lane, cond)?;
        let index = self.form(index)?;
        let extent = match extent {
            Bound::Value(extent) => self.form(extent)?,
            Bound::Const(extent) => Form::default().plus(&Form::constant(extent), 1)?,
        };
        let least = self.extreme(&index, false)?;
        let room = extent.plus(&index, -1)?.plus(&Form::constant(-1), 1)?;
        let nonnegative = [least, self.extreme(&room, false)?];
        let ranges = self.counters.iter().filter_map(|index| self.ranges.get(index));
        let ends = ranges.flat_map(|(least, most)| [least.as_ref(), most.as_ref()]).flatten();
        let terms = ends.chain([&index, &extent]).flat_map(|form| &form.terms);
        let leaves = terms.map(|(leaf, _)| *leaf).filter(|leaf| !matches!(leaf, Leaf::Counter(_))).collect();
        Some(Needs { nonnegative, leaves })
    }
}

/// What an index is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// An extent that is computed.
    Value(Value),
    /// One that is known, and not negative.
    Const(i64),
}

/// The index and the extent of a check that compares them as unsigned numbers.
pub(crate) fn index_check(lane: &Lane, cond: Value) -> Option<(Value, Bound)> {
    let Inst::Op(Op::Lt, [a, b, _]) = *lane.inst(cond) else { return None };
    let Inst::Bitcast(index) = *lane.inst(a) else { return None };
    let extent = match *lane.inst(b) {
        Inst::Bitcast(extent) => Bound::Value(extent),
        Inst::Const(extent) => Bound::Const(i64::try_from(extent.bits).ok()?),
        Inst::Op(..) | Inst::Convert(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) => return None,
        Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => return None,
    };
    (lane.ty(a) == Type::U64 && lane.ty(index) == Type::I64).then_some((index, extent))
}

/// The values that a region computes and the slots it sets.
pub(crate) fn note(region: &[Stmt], values: &mut FxHashSet<Value>, slots: &mut FxHashSet<SlotId>) {
    for stmt in region {
        match stmt {
            Stmt::Let(value) => {
                values.insert(*value);
            }
            Stmt::SetSlot(slot, _) => {
                slots.insert(*slot);
            }
            Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        stmt.regions().into_iter().for_each(|inner| note(inner, values, slots));
    }
}
