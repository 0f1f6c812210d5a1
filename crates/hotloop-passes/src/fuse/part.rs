//! Parts scalar code that stands between two nests into what can run before the first and what has to wait for it.

use super::effects::Effects;
use hotloop_ir::{Inst, Local, Nest, NestId, Program, SlotId, Step, Stmt, Value};
use rustc_hash::FxHashSet;

/// The two parts of a step, as new nests; none if it is no scalar code or cannot be parted. Every value is in both
/// parts, `unused` takes out what is not needed.
pub(super) fn part(step: &Step, passed: &[Effects], program: &mut Program) -> Option<(NestId, NestId)> {
    let Step::Nest(id) = step else { return None };
    let nest = program.nest(*id);
    let scalar = nest.axes.is_empty() && nest.views.is_empty() && nest.folds.is_empty();
    if !scalar || sets_what_it_read(nest) {
        return None;
    }
    let waits = Waits::of(nest, passed);
    let late: Vec<bool> = nest.lane.body.iter().map(|stmt| waits.stmt(stmt)).collect();
    let early: Vec<bool> = late.iter().map(|late| !late).collect();
    let is_effect = |stmt: &Stmt| !matches!(stmt, Stmt::Let(_));
    let has = |flags: &[bool]| nest.lane.body.iter().zip(flags).any(|(stmt, flag)| *flag && is_effect(stmt));
    if !has(&early) || !has(&late) || checks_change_order(nest, &late) {
        return None;
    }
    let keep = |flags: &[bool]| {
        let mut part = nest.clone();
        let mut flags = flags.iter();
        part.lane.body.retain(|stmt| *flags.next().unwrap_or(&true) || !is_effect(stmt));
        part
    };
    let (head, tail) = (keep(&early), without_waiting(keep(&late)));
    let head = drop_waiting_lets(head, &waits);
    let parts = (Effects::of_nest(&head, program), Effects::of_nest(&tail, program));
    let fits = parts.0.slots_written.is_disjoint(&parts.1.slots_written)
        && passed.iter().all(|other| parts.0.is_independent(other));
    fits.then(|| (add(program, head), add(program, tail)))
}

/// Takes back the parts of a parting that did not help.
pub(super) fn forget(head: NestId, tail: NestId, program: &mut Program) {
    for id in [head, tail] {
        program.nests[id.index()].lane = hotloop_ir::Lane::default();
    }
}

fn add(program: &mut Program, nest: Nest) -> NestId {
    program.nests.push(nest);
    NestId(program.nests.len() as u32 - 1)
}

/// Whether a slot is read and then changed by the same code: read again, it would hold something else.
fn sets_what_it_read(nest: &Nest) -> bool {
    let mut set = FxHashSet::default();
    slots_set(&nest.lane.body, &mut set);
    nest.lane.values.iter().any(|inst| matches!(inst, Inst::Slot(slot) if set.contains(slot)))
        || !nest.lane.locals.is_empty()
}

fn slots_set(region: &[Stmt], set: &mut FxHashSet<SlotId>) {
    for stmt in region {
        if let Stmt::SetSlot(slot, _) = stmt {
            set.insert(*slot);
        }
        stmt.regions().into_iter().for_each(|inner| slots_set(inner, set));
    }
}

/// What has to wait for the nests before.
struct Waits {
    values: Vec<bool>,
}

impl Waits {
    fn of(nest: &Nest, passed: &[Effects]) -> Waits {
        let touched = |inst: &Inst| match inst {
            Inst::Slot(slot) => passed.iter().any(|other| other.slots_written.contains(slot)),
            Inst::LoadAt(array, _) | Inst::Extent(array, _) => passed.iter().any(|other| other.writes.contains(array)),
            Inst::Const(_)
            | Inst::Op(..)
            | Inst::Convert(_)
            | Inst::Bitcast(_)
            | Inst::Axis(_)
            | Inst::Local(Local(_))
            | Inst::Load(_) => false,
        };
        let mut values = vec![false; nest.lane.values.len()];
        for (index, inst) in nest.lane.values.iter().enumerate() {
            values[index] = touched(inst) || inst.operands().iter().any(|arg| values[arg.index()]);
        }
        Waits { values }
    }

    /// Whether a statement uses a value that has to wait, or is more than one.
    fn stmt(&self, stmt: &Stmt) -> bool {
        let mut waits = false;
        crate::unused::for_each_use(&vec![stmt.clone()], &mut |value: Value| waits |= self.values[value.index()]);
        waits || stmt.regions().iter().any(|inner| !inner.is_empty())
    }
}

/// Whether a check that stays would come after one that stood behind it.
fn checks_change_order(nest: &Nest, late: &[bool]) -> bool {
    let mut waited = false;
    for (stmt, late) in nest.lane.body.iter().zip(late) {
        let is_check = matches!(stmt, Stmt::Check { .. });
        if is_check && !late && waited {
            return true;
        }
        waited |= *late && (is_check || stmt.regions().iter().any(|inner| !inner.is_empty()));
    }
    false
}

/// The early part computes nothing that has to wait.
fn drop_waiting_lets(mut nest: Nest, waits: &Waits) -> Nest {
    nest.lane.body.retain(|stmt| !matches!(stmt, Stmt::Let(value) if waits.values[value.index()]));
    for (inst, waits) in nest.lane.values.iter_mut().zip(&waits.values) {
        if *waits {
            *inst = Inst::Const(hotloop_ir::Scalar::bool(false));
        }
    }
    nest
}

/// The late part computes only what it uses.
fn without_waiting(mut nest: Nest) -> Nest {
    let mut used = vec![false; nest.lane.values.len()];
    let mut queue = Vec::new();
    crate::unused::for_each_use(&nest.lane.body, &mut |value| queue.push(value));
    while let Some(value) = queue.pop() {
        if !std::mem::replace(&mut used[value.index()], true) {
            queue.extend(nest.lane.inst(value).operands());
        }
    }
    nest.lane.body.retain(|stmt| !matches!(stmt, Stmt::Let(value) if !used[value.index()]));
    for (inst, used) in nest.lane.values.iter_mut().zip(&used) {
        if !used {
            *inst = Inst::Const(hotloop_ir::Scalar::bool(false));
        }
    }
    nest
}
