//! Chooses how each nest is run: how lanes lie over its domain, how many points are computed together, and whether
//! its tiles may run on threads. Code generators obey and decide nothing.

use crate::lists;
use hotloop_ir::semantics::fold_partials;
use hotloop_ir::{
    Array, AxisKind, Inst, Lane, Nest, NestId, Note, NoteKind, Op, Program, Region, Schedule, Shape, Stmt, Type, Value,
};

/// Bytes of one vector register of the code generator.
const REGISTER: u32 = 16;

/// Chooses for every nest.
pub fn run(program: &mut Program) {
    for (index, nest) in program.nests.iter_mut().enumerate() {
        nest.schedule = choose(&program.arrays, nest);
        if let Some(kind) = why_one_lane(nest) {
            let (nest, subject, span) = (Some(NestId(index as u32)), String::new(), nest.span);
            program.notes.push(Note { kind, nest, subject, span });
        }
    }
}

/// What keeps a nest from computing several points together.
fn why_one_lane(nest: &Nest) -> Option<NoteKind> {
    if nest.axes.is_empty() || nest.schedule.lanes > 1 {
        return None;
    }
    let checks = has_check(&nest.lane.body);
    match nest.schedule.shape {
        Shape::Serial => Some(NoteKind::InOrder),
        Shape::FoldPoints if checks => Some(NoteKind::FoldWithCheck),
        Shape::FoldPoints => Some(NoteKind::FoldOrder),
        Shape::Map | Shape::FoldRows | Shape::FoldColumns => {
            let kind = if lists::follows(&nest.lane) { NoteKind::Lists } else { NoteKind::StoreThenCheck };
            (!vectorizable(nest, checks)).then_some(kind)
        }
    }
}

/// How many points a nest computes together, as it stands.
pub(crate) fn lanes_of(arrays: &[Array], nest: &Nest) -> u32 {
    choose(arrays, nest).lanes
}

fn choose(arrays: &[Array], nest: &Nest) -> Schedule {
    let serial = Schedule { shape: Shape::Serial, lanes: 1, ..Schedule::default() };
    let Some(last) = nest.axes.last() else {
        return serial;
    };
    if nest.axes.iter().any(|axis| axis.kind == AxisKind::Ordered) {
        return serial;
    }
    let reduces = nest.axes.iter().filter(|axis| axis.kind == AxisKind::Reduce).count();
    let checks = has_check(&nest.lane.body);
    let shape = match (reduces, last.kind) {
        (0, _) => Shape::Map,
        _ if checks => Shape::FoldPoints,
        (1, AxisKind::Reduce) => Shape::FoldRows,
        (_, AxisKind::Parallel) => Shape::FoldColumns,
        (_, AxisKind::Reduce | AxisKind::Ordered) => Shape::FoldPoints,
    };
    let lanes = match shape {
        Shape::Serial | Shape::FoldPoints => 1,
        Shape::Map | Shape::FoldRows | Shape::FoldColumns if !vectorizable(nest, checks) => 1,
        Shape::Map | Shape::FoldRows | Shape::FoldColumns => lanes(arrays, nest),
    };
    Schedule { shape, lanes, threads: true, turns: Vec::new() }
}

/// A group of lanes that meets a fault is run again point by point, so nothing may have been stored before a check.
/// Where all that a lane does is to change elements that it looks up, lanes would do it one after another.
fn vectorizable(nest: &Nest, checks: bool) -> bool {
    (!checks || !stores_before_check(&nest.lane.body, &mut false))
        && !changes_looked_up(&nest.lane, &nest.lane.body, false)
        && !lists::follows(&nest.lane)
}

/// Whether a loop reads an element at a place that comes from memory, and writes it back.
fn changes_looked_up(lane: &Lane, region: &[Stmt], looped: bool) -> bool {
    region.iter().any(|stmt| {
        let mut here = false;
        if let (Stmt::StoreAt(array, index, _), true) = (stmt, looped) {
            let same = |inst: &Inst| matches!(inst, Inst::LoadAt(from, at) if from == array && at == index);
            here = lane.values.iter().any(same) && index.iter().any(|&at| lists::looked_up(lane, at));
        }
        let inside = looped || matches!(stmt, Stmt::For { .. } | Stmt::Loop(_));
        here || stmt.regions().into_iter().any(|inner| changes_looked_up(lane, inner, inside))
    })
}

fn has_check(region: &[Stmt]) -> bool {
    region.iter().any(|stmt| matches!(stmt, Stmt::Check { .. }) || stmt.regions().into_iter().any(has_check))
}

fn stores_before_check(region: &Region, stored: &mut bool) -> bool {
    region.iter().any(|stmt| match stmt {
        Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) => {
            *stored = true;
            false
        }
        Stmt::Check { .. } => *stored,
        Stmt::If { then, otherwise, .. } => stores_before_check(then, stored) || stores_before_check(otherwise, stored),
        // A second turn comes after the first one's stores.
        Stmt::For { body, .. } | Stmt::Loop(body) => stores_before_check(body, stored) || (*stored && has_check(body)),
        Stmt::Block(body) => stores_before_check(body, stored),
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Break(_) | Stmt::Continue(_) => false,
    })
}

/// Points computed together: the widest type takes one register per copy, the narrowest at least one in all.
fn lanes(arrays: &[Array], nest: &Nest) -> u32 {
    let sizes = value_sizes(nest);
    let (Some(&widest), Some(&narrowest)) = (sizes.iter().max(), sizes.iter().min()) else {
        return 1;
    };
    let wanted = (REGISTER / widest) * copies(arrays, nest);
    let lanes = wanted.max(REGISTER / narrowest);
    let most = nest.folds.iter().map(|fold| fold_partials(fold.ty) as u32).min().unwrap_or(64);
    lanes.min(most)
}

/// Calls `f` for every value that is stored in a branch or a loop.
fn branched_stores(region: &[Stmt], inside: bool, f: &mut dyn FnMut(Value)) {
    for stmt in region {
        if let (Stmt::Store(_, value) | Stmt::StoreAt(_, _, value), true) = (stmt, inside) {
            f(*value);
        }
        stmt.regions().into_iter().for_each(|region| branched_stores(region, true, f));
    }
}

/// Bytes of every type that values computed per point have. Where there are loops, what is computed once before them
/// does not count.
fn value_sizes(nest: &Nest) -> Vec<u32> {
    let lane = &nest.lane;
    let mut looped = Vec::new();
    values_in_loops(&lane.body, false, &mut looped);
    let all = || (0..lane.values.len() as u32).map(Value).collect();
    let values: Vec<Value> = if looped.is_empty() { all() } else { looped };
    let computed = |value: &Value| {
        let is_given = matches!(lane.inst(*value), Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..) | Inst::Axis(_));
        !is_given && lane.ty(*value) != Type::Bool
    };
    let mut sizes: Vec<u32> = values.into_iter().filter(computed).map(|value| lane.ty(value).bytes() as u32).collect();
    sizes.extend(nest.folds.iter().filter(|fold| fold.ty != Type::Bool).map(|fold| fold.ty.bytes() as u32));
    // What is stored under a condition needs a mask of its size, although it may be a literal.
    branched_stores(&lane.body, false, &mut |value| sizes.push(lane.ty(value).bytes() as u32));
    let bools = lane
        .values
        .iter()
        .zip(&lane.types)
        .any(|(inst, ty)| *ty == Type::Bool && matches!(inst, Inst::Load(_) | Inst::LoadAt(..)));
    if sizes.is_empty() || bools {
        sizes.push(1);
    }
    sizes
}

/// The values that loops compute.
fn values_in_loops(region: &Region, inside: bool, values: &mut Vec<Value>) {
    for stmt in region {
        match stmt {
            Stmt::Let(value) if inside => values.push(*value),
            Stmt::If { then, otherwise, .. } => {
                values_in_loops(then, inside, values);
                values_in_loops(otherwise, inside, values);
            }
            Stmt::For { body, .. } | Stmt::Loop(body) => values_in_loops(body, true, values),
            Stmt::Block(body) => values_in_loops(body, inside, values),
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
    }
}

/// Copies of a group computed side by side: enough to hide latency, few enough for the registers and the compile time.
fn copies(arrays: &[Array], nest: &Nest) -> u32 {
    let ops = nest.lane.values.iter().filter(|inst| is_computed(inst)).count();
    let slow = nest.lane.values.iter().any(|inst| matches!(inst, Inst::Op(Op::FloorDiv | Op::FloorRem, _)));
    let pairs = nest.views.iter().any(|view| arrays[view.array.index()].pairs);
    match ops {
        _ if slow => 2,
        // Of each pair there are two values, so that more copies would not stay in registers.
        _ if pairs => 2,
        0..=64 if is_chain(&nest.lane, ops) => 8,
        0..=64 => 4,
        _ => 2,
    }
}

/// Whether nearly every op waits for the one before, as in Horner's rule: such code needs few registers, and only more
/// copies keep the processor busy.
fn is_chain(lane: &Lane, ops: usize) -> bool {
    let mut depths = vec![0; lane.values.len()];
    for (index, inst) in lane.values.iter().enumerate() {
        let deepest = inst.operands().iter().map(|arg| depths[arg.index()]).max().unwrap_or(0);
        depths[index] = deepest + usize::from(is_computed(inst));
    }
    let depth = depths.into_iter().max().unwrap_or(0);
    let mut looped = Vec::new();
    values_in_loops(&lane.body, false, &mut looped);
    ops >= 16 && depth * 10 >= ops * 9 && looped.is_empty()
}

fn is_computed(inst: &Inst) -> bool {
    matches!(inst, Inst::Op(..) | Inst::Convert(_))
}
