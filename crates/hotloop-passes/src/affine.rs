//! Turns element accesses by affine indices into views, checked once for a whole loop.
//!
//! An index that is the coordinate of one axis times a constant, plus what does not change in the nest, is in bounds
//! everywhere if it is at both ends of the axis. Both ends of every such index are tested before the nest, which is
//! kept in two forms: the fast one without those checks, its accesses views that can be vectorized, and the one as
//! written, which finds the fault (or wraps the negative index) where a test fails.

use hotloop_ir::build::LaneBuilder;
use hotloop_ir::{
    ArrayId, Extent, Inst, Lane, Nest, NestId, Op, Program, Region, Scalar, Schedule, Slot, SlotId, Span, Step, Stmt,
    Type, Value, View, ViewDim, ViewId,
};
use rustc_hash::FxHashMap;

/// Largest factor of a coordinate, and largest extent, for which no product can overflow.
const MAX_FACTOR: i64 = 1 << 20;
const MAX_EXTENT: i64 = 1 << 40;

/// Rewrites every nest it can.
pub fn run(program: &mut Program) {
    let mut steps = std::mem::take(&mut program.steps);
    rewrite_list(&mut steps, program);
    program.steps = steps;
    crate::unused::compact(program);
}

fn rewrite_list(steps: &mut Vec<Step>, program: &mut Program) {
    let mut list = Vec::with_capacity(steps.len());
    for mut step in std::mem::take(steps) {
        match &mut step {
            Step::Nest(id) => {
                let id = *id;
                if let Some((guard, test, fast)) = split(id, program) {
                    list.push(Step::Nest(test));
                    list.push(Step::If { cond: guard, then: vec![Step::Nest(fast)], otherwise: vec![Step::Nest(id)] });
                    continue;
                }
            }
            Step::If { then, otherwise, .. } => {
                rewrite_list(then, program);
                rewrite_list(otherwise, program);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => rewrite_list(body, program),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
        list.push(step);
    }
    *steps = list;
}

/// `constant + Σ factor * axis + Σ factor * leaf`, where a leaf is a slot or an extent.
#[derive(Clone, Debug, Default, PartialEq)]
struct Affine {
    constant: i64,
    axes: Vec<(u32, i64)>,
    leaves: Vec<(Leaf, i64)>,
}

/// What does not change while a nest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Leaf {
    Slot(SlotId),
    Extent(ArrayId, u32),
}

/// The guard slot, the nest that sets it, and the fast form of a nest; none if nothing in it is affine.
fn split(id: NestId, program: &mut Program) -> Option<(SlotId, NestId, NestId)> {
    let nest = program.nest(id);
    if nest.axes.is_empty() {
        return None;
    }
    let mut checks = Vec::new();
    affine_checks(&nest.lane.body, &nest.lane, &mut checks);
    if checks.is_empty() {
        return None;
    }
    let mut fast = nest.clone();
    let axes: Vec<Extent> = nest.axes.iter().map(|axis| axis.extent).collect();
    let mut test = Test { b: LaneBuilder::new(), offsets: FxHashMap::default(), axes };
    let mut guard = test.b.const_(Scalar::bool(true));
    for (index, extent) in &checks {
        let inside = test.inside(index, extent);
        guard = test.b.op(Op::And, &[guard, inside]);
    }
    drop_checks(&mut fast.lane);
    to_views(&mut fast, &mut test, program);
    let slot = new_slot(program, "in_bounds", Type::Bool);
    test.b.set_slot(slot, guard);
    let test = add(program, test.b.finish());
    program.nests.push(fast);
    Some((slot, test, NestId(program.nests.len() as u32 - 1)))
}

fn new_slot(program: &mut Program, name: &str, ty: Type) -> SlotId {
    program.slots.push(Slot { name: name.to_string(), ty });
    SlotId(program.slots.len() as u32 - 1)
}

fn add(program: &mut Program, lane: Lane) -> NestId {
    let (axes, views, folds) = (Vec::new(), Vec::new(), Vec::new());
    program.nests.push(Nest { axes, views, folds, lane, schedule: Schedule::default(), span: Span::DETACHED });
    NestId(program.nests.len() as u32 - 1)
}

/// The index and the extent of every check that compares an affine index with an extent.
fn affine_checks(region: &[Stmt], lane: &Lane, found: &mut Vec<(Affine, Affine)>) {
    for stmt in region {
        if let Stmt::Check { cond, .. } = stmt {
            found.extend(bounds_check(lane, *cond));
        }
        stmt.regions().into_iter().for_each(|inner| affine_checks(inner, lane, found));
    }
}

/// `index as u64 < extent as u64`, with an affine index and an extent that does not change.
fn bounds_check(lane: &Lane, cond: Value) -> Option<(Affine, Affine)> {
    let Inst::Op(Op::Lt, [a, b, _]) = *lane.inst(cond) else { return None };
    let (Inst::Bitcast(index), Inst::Bitcast(extent)) = (lane.inst(a), lane.inst(b)) else { return None };
    if lane.ty(a) != Type::U64 {
        return None;
    }
    let (index, extent) = (affine(lane, *index)?, affine(lane, *extent)?);
    let simple = index.axes.len() <= 1 && index.axes.iter().all(|(_, factor)| factor.abs() <= MAX_FACTOR);
    (simple && extent.axes.is_empty()).then_some((index, extent))
}

fn affine(lane: &Lane, value: Value) -> Option<Affine> {
    if lane.ty(value) != Type::I64 {
        return None;
    }
    match *lane.inst(value) {
        Inst::Const(scalar) => Some(Affine { constant: scalar.as_i64(), ..Affine::default() }),
        Inst::Axis(axis) => Some(Affine { axes: vec![(axis, 1)], ..Affine::default() }),
        Inst::Slot(slot) => Some(Affine { leaves: vec![(Leaf::Slot(slot), 1)], ..Affine::default() }),
        Inst::Extent(array, axis) => Some(Affine { leaves: vec![(Leaf::Extent(array, axis), 1)], ..Affine::default() }),
        Inst::Op(Op::Add, [a, b, _]) => affine(lane, a)?.plus(&affine(lane, b)?, 1),
        Inst::Op(Op::Sub, [a, b, _]) => affine(lane, a)?.plus(&affine(lane, b)?, -1),
        Inst::Op(Op::Neg, [a, ..]) => Affine::default().plus(&affine(lane, a)?, -1),
        Inst::Op(Op::Mul, [a, b, _]) => {
            let (a, b) = (affine(lane, a)?, affine(lane, b)?);
            match (a.as_constant(), b.as_constant()) {
                (Some(factor), _) => Affine::default().plus(&b, factor),
                (None, Some(factor)) => Affine::default().plus(&a, factor),
                (None, None) => None,
            }
        }
        // A negative index that counts from the end: the guard asks for an index that is not negative anyway.
        Inst::Op(Op::Select, [negative, _, index]) => {
            let Inst::Op(Op::Lt, [tested, zero, _]) = *lane.inst(negative) else { return None };
            let is_zero = matches!(lane.inst(zero), Inst::Const(scalar) if scalar.bits == 0);
            (tested == index && is_zero).then(|| affine(lane, index))?
        }
        Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) => None,
    }
}

impl Affine {
    fn as_constant(&self) -> Option<i64> {
        (self.axes.is_empty() && self.leaves.is_empty()).then_some(self.constant)
    }

    /// `self + factor * other`; none on overflow.
    fn plus(&self, other: &Affine, factor: i64) -> Option<Affine> {
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(factor)?)?;
        add_terms(&mut sum.axes, &other.axes, factor)?;
        add_terms(&mut sum.leaves, &other.leaves, factor)?;
        Some(sum)
    }
}

fn add_terms<T: Copy + PartialEq>(terms: &mut Vec<(T, i64)>, more: &[(T, i64)], factor: i64) -> Option<()> {
    for &(term, by) in more {
        let by = by.checked_mul(factor)?;
        match terms.iter_mut().find(|(other, _)| *other == term) {
            Some((_, sum)) => *sum = sum.checked_add(by)?,
            None => terms.push((term, by)),
        }
    }
    terms.retain(|(_, factor)| *factor != 0);
    Some(())
}

/// The scalar code before the nest.
struct Test {
    b: LaneBuilder,
    /// Slots that hold the parts of indices that do not change.
    offsets: FxHashMap<String, Extent>,
    axes: Vec<Extent>,
}

impl Test {
    fn int(&mut self, value: i64) -> Value {
        self.b.const_(Scalar::i64(value))
    }

    fn extent(&mut self, extent: Extent) -> Value {
        match extent {
            Extent::Const(value) => self.int(value),
            Extent::Slot(slot) => self.b.slot(slot, Type::I64),
        }
    }

    /// The part of an index that does not change.
    fn offset(&mut self, form: &Affine) -> Value {
        let mut sum = self.int(form.constant);
        for &(leaf, factor) in &form.leaves {
            let leaf = match leaf {
                Leaf::Slot(slot) => self.b.slot(slot, Type::I64),
                Leaf::Extent(array, axis) => self.b.extent(array, axis),
            };
            let factor = self.int(factor);
            let term = self.b.op(Op::Mul, &[leaf, factor]);
            sum = self.b.op(Op::Add, &[sum, term]);
        }
        sum
    }

    /// Whether the index is in bounds at both ends of its axis.
    fn inside(&mut self, index: &Affine, extent: &Affine) -> Value {
        let (offset, extent) = (self.offset(index), self.offset(extent));
        let first = self.within(offset, extent);
        let Some(&(axis, factor)) = index.axes.first() else { return first };
        let points = self.extent(self.axes[axis as usize]);
        let (one, limit, factor) = (self.int(1), self.int(MAX_EXTENT), self.int(factor));
        let last = self.b.op(Op::Sub, &[points, one]);
        let distance = self.b.op(Op::Mul, &[last, factor]);
        let end = self.b.op(Op::Add, &[offset, distance]);
        let last_inside = self.within(end, extent);
        let both = self.b.op(Op::And, &[first, last_inside]);
        let small = self.b.op(Op::Lt, &[points, limit]);
        self.b.op(Op::And, &[both, small])
    }

    fn within(&mut self, index: Value, extent: Value) -> Value {
        let zero = self.int(0);
        let low = self.b.op(Op::Le, &[zero, index]);
        let high = self.b.op(Op::Lt, &[index, extent]);
        self.b.op(Op::And, &[low, high])
    }

    /// The offset as the start of a view: a constant, or a slot set here.
    fn start(&mut self, form: &Affine, program: &mut Program) -> Extent {
        if form.leaves.is_empty() {
            return Extent::Const(form.constant);
        }
        if let ([(Leaf::Slot(slot), 1)], 0) = (form.leaves.as_slice(), form.constant) {
            return Extent::Slot(*slot);
        }
        let key = format!("{:?} {}", form.leaves, form.constant);
        if let Some(known) = self.offsets.get(&key) {
            return *known;
        }
        let value = self.offset(form);
        let slot = new_slot(program, "offset", Type::I64);
        self.b.set_slot(slot, value);
        self.offsets.insert(key, Extent::Slot(slot));
        Extent::Slot(slot)
    }
}

/// Removes the checks that the guard has made.
fn drop_checks(lane: &mut Lane) {
    let mut body = std::mem::take(&mut lane.body);
    drop_in(&mut body, lane);
    lane.body = body;
}

fn drop_in(region: &mut Region, lane: &Lane) {
    region.retain(|stmt| !matches!(stmt, Stmt::Check { cond, .. } if bounds_check(lane, *cond).is_some()));
    region.iter_mut().flat_map(Stmt::regions_mut).for_each(|inner| drop_in(inner, lane));
}

/// Replaces accesses all of whose indices are affine by views. An index that may wrap keeps its access as it is unless
/// it has been tested, which every index that is accessed has.
fn to_views(nest: &mut Nest, test: &mut Test, program: &mut Program) {
    for i in 0..nest.lane.values.len() {
        if let Inst::LoadAt(array, index) = nest.lane.values[i].clone()
            && let Some(view) = view(array, &index, nest, test, program)
        {
            nest.lane.values[i] = Inst::Load(view);
        }
    }
    let mut body = std::mem::take(&mut nest.lane.body);
    stores_to_views(&mut body, nest, test, program);
    nest.lane.body = body;
}

fn stores_to_views(region: &mut Region, nest: &mut Nest, test: &mut Test, program: &mut Program) {
    for stmt in region {
        if let Stmt::StoreAt(array, index, value) = stmt {
            let (array, value) = (*array, *value);
            if let Some(view) = view(array, &index.clone(), nest, test, program) {
                *stmt = Stmt::Store(view, value);
            }
        }
        stmt.regions_mut().for_each(|inner| stores_to_views(inner, nest, test, program));
    }
}

fn view(array: ArrayId, index: &[Value], nest: &mut Nest, test: &mut Test, program: &mut Program) -> Option<ViewId> {
    let forms = index.iter().map(|&value| affine(&nest.lane, value)).collect::<Option<Vec<_>>>()?;
    if forms.iter().any(|form| form.axes.len() > 1 || form.axes.iter().any(|(_, by)| by.abs() > MAX_FACTOR)) {
        return None;
    }
    let mut dims = Vec::new();
    for form in &forms {
        let start = test.start(form, program);
        let (axis, step) = match form.axes.first() {
            Some(&(axis, step)) => (Some(axis), step),
            None => (None, 0),
        };
        dims.push(ViewDim { start, step: Extent::Const(step), axis, full: false });
    }
    let view = View { array, dims };
    let known = nest.views.iter().position(|other| *other == view);
    Some(ViewId(known.unwrap_or_else(|| {
        nest.views.push(view);
        nest.views.len() - 1
    }) as u32))
}
