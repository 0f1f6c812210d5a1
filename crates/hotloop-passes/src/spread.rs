//! Gives lanes the constants that scalars hold: where a scalar is set once, to a constant, and before every step that
//! reads it, its readers use the constant.
//!
//! A `let` of a number, or a formula of numbers, comes as such a scalar. As a constant it is folded, and in a lane it is
//! an entry of the table of constants and no register for the whole loop.

use crate::fold::fold_lane;
use hotloop_ir::{FoldDest, Inst, Lane, Nest, Param, Program, Region, Scalar, SlotId, Step, Stmt, Value};
use rustc_hash::FxHashMap;

/// Spreads constants over the program.
pub fn run(program: &mut Program) {
    let sets = count_sets(program);
    let mut constants = FxHashMap::default();
    let mut read_before = vec![false; program.slots.len()];
    for step in &program.steps {
        let mut nests = Vec::new();
        nests_of(step, &mut nests);
        for nest in nests {
            let nest = &mut program.nests[nest];
            substitute(&mut nest.lane, &constants);
            note_reads(nest, &mut read_before);
        }
        if let Step::Nest(id) = step {
            let lane = &program.nests[id.index()].lane;
            let set_once = |slot: SlotId| sets[slot.index()] == 1 && !read_before[slot.index()];
            constants.extend(constant_sets(lane).filter(|(slot, _)| set_once(*slot)));
        }
    }
}

/// The slots that are set once, before every step that reads them, and what each is set to, where `of` knows that.
pub(crate) fn set_once<T>(program: &Program, of: impl Fn(&Inst) -> Option<T>) -> FxHashMap<SlotId, T> {
    let sets = count_sets(program);
    let mut read_before = vec![false; program.slots.len()];
    let mut found = FxHashMap::default();
    for step in &program.steps {
        let mut nests = Vec::new();
        nests_of(step, &mut nests);
        nests.iter().for_each(|nest| note_reads(&program.nests[*nest], &mut read_before));
        if let Step::Nest(id) = step {
            let lane = &program.nests[id.index()].lane;
            let once = |slot: SlotId| sets[slot.index()] == 1 && !read_before[slot.index()];
            let known = slot_sets(lane).filter(|(slot, _)| once(*slot));
            found.extend(known.filter_map(|(slot, value)| Some((slot, of(lane.inst(value))?))));
        }
    }
    found
}

/// The constants a lane sets slots to, whatever way it takes.
fn constant_sets(lane: &Lane) -> impl Iterator<Item = (SlotId, Scalar)> {
    slot_sets(lane).filter_map(|(slot, value)| constant(lane.inst(value)).map(|scalar| (slot, scalar)))
}

/// The slots a lane sets whatever way it takes.
fn slot_sets(lane: &Lane) -> impl Iterator<Item = (SlotId, Value)> {
    lane.body.iter().filter_map(|stmt| match stmt {
        Stmt::SetSlot(slot, value) => Some((*slot, *value)),
        Stmt::Let(_)
        | Stmt::Set(..)
        | Stmt::Store(..)
        | Stmt::StoreAt(..)
        | Stmt::Fold(..)
        | Stmt::Check { .. }
        | Stmt::If { .. }
        | Stmt::For { .. }
        | Stmt::Loop(_)
        | Stmt::Block(_)
        | Stmt::Break(_)
        | Stmt::Continue(_) => None,
    })
}

fn constant(inst: &Inst) -> Option<Scalar> {
    if let Inst::Const(scalar) = inst { Some(*scalar) } else { None }
}

fn substitute(lane: &mut Lane, constants: &FxHashMap<SlotId, Scalar>) {
    let mut changed = false;
    for inst in &mut lane.values {
        if let Inst::Slot(slot) = inst
            && let Some(scalar) = constants.get(slot)
        {
            *inst = Inst::Const(*scalar);
            changed = true;
        }
    }
    if changed {
        fold_lane(lane);
    }
}

/// Marks the slots a lane reads: one that is set later, or in the same lane, holds something else here.
fn note_reads(nest: &Nest, read: &mut [bool]) {
    for inst in &nest.lane.values {
        if let Inst::Slot(slot) = inst {
            read[slot.index()] = true;
        }
    }
}

fn nests_of(step: &Step, nests: &mut Vec<usize>) {
    match step {
        Step::Nest(id) => nests.push(id.index()),
        Step::If { then, otherwise, .. } => then.iter().chain(otherwise).for_each(|step| nests_of(step, nests)),
        Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => {
            body.iter().for_each(|step| nests_of(step, nests));
        }
        Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
    }
}

/// How many places give each slot a value.
fn count_sets(program: &Program) -> Vec<u32> {
    let mut sets = vec![0; program.slots.len()];
    for param in &program.params {
        match param {
            Param::Scalar(slot) => sets[slot.index()] += 1,
            Param::Pair(pair) => pair.iter().for_each(|slot| sets[slot.index()] += 1),
            Param::Array(_) => {}
        }
    }
    for nest in &program.nests {
        count_in_region(&nest.lane.body, &mut sets);
        for fold in &nest.folds {
            if let FoldDest::Slot(slot) = fold.dest {
                sets[slot.index()] += 1;
            }
        }
    }
    count_in_steps(&program.steps, &mut sets);
    sets
}

fn count_in_region(region: &Region, sets: &mut [u32]) {
    for stmt in region {
        match stmt {
            Stmt::SetSlot(slot, _) => sets[slot.index()] += 1,
            Stmt::If { then, otherwise, .. } => {
                count_in_region(then, sets);
                count_in_region(otherwise, sets);
            }
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => count_in_region(body, sets),
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
    }
}

fn count_in_steps(steps: &[Step], sets: &mut [u32]) {
    for step in steps {
        match step {
            Step::For { index, body, .. } => {
                sets[index.index()] += 1;
                count_in_steps(body, sets);
            }
            Step::If { then, otherwise, .. } => {
                count_in_steps(then, sets);
                count_in_steps(otherwise, sets);
            }
            Step::Loop(body) | Step::Block(body) => count_in_steps(body, sets),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}
