//! The rules of loops whose turns are computed in groups. That no turn needs what another one in its group stores is
//! promised by whoever makes the schedule.

use super::{Check, MAX_LANES, ensure};
use crate::program::{Inst, Lane, Local, Nest, Region, Stmt, Turns, Value};
use crate::types::Scalar;

/// Checks the loops that a schedule names; the lane itself has been checked.
pub(super) fn check(nest: &Nest) -> Check {
    nest.schedule.turns.iter().try_for_each(|turns| group(nest, turns))
}

fn group(nest: &Nest, turns: &Turns) -> Check {
    let lanes = turns.lanes;
    let fits = (2..=MAX_LANES).contains(&lanes) && lanes.is_power_of_two();
    ensure(fits && nest.schedule.lanes <= 1, || format!("groups of {lanes} turns"))?;
    let mut loops = Vec::new();
    loops_of(&nest.lane.body, turns.counter, &mut loops);
    let [(step, body)] = loops[..] else {
        return ensure(false, || format!("{} loops have the counter {} of a schedule", loops.len(), turns.counter));
    };
    let one = Inst::Const(Scalar::i64(1));
    ensure(*nest.lane.inst(step) == one, || format!("turns by another step than 1 of {} are grouped", turns.counter))?;
    let mut sets = Vec::new();
    for stmt in body {
        let fits = match stmt {
            Stmt::Let(value) => !matches!(nest.lane.inst(*value), Inst::Load(_)),
            Stmt::StoreAt(..) => true,
            Stmt::Set(local, value) => {
                sets.push(*local);
                collects(&nest.lane, turns, *local, *value)
            }
            Stmt::Store(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => false,
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => false,
            Stmt::Break(_) | Stmt::Continue(_) => false,
        };
        ensure(fits, || format!("a statement in the grouped turns of {}", turns.counter))?;
    }
    let folded: Vec<Local> = turns.folds.iter().map(|(local, _)| *local).collect();
    ensure(sets == folded, || format!("variables that the grouped turns of {} set", turns.counter))
}

/// Whether a value is what the variable was, combined with something.
fn collects(lane: &Lane, turns: &Turns, local: Local, value: Value) -> bool {
    let Some((_, fold)) = turns.folds.iter().find(|(folded, _)| *folded == local) else { return false };
    let Inst::Op(op, [a, b, _]) = *lane.inst(value) else { return false };
    let reads = |value: Value| *lane.inst(value) == Inst::Local(local);
    op == fold.op() && (reads(a) || reads(b)) && fold.admits(lane.ty(value))
}

fn loops_of<'a>(region: &'a [Stmt], counter: Local, found: &mut Vec<(Value, &'a Region)>) {
    for stmt in region {
        if let Stmt::For { index, step, body, .. } = stmt
            && *index == counter
        {
            found.push((*step, body));
        }
        stmt.regions().into_iter().for_each(|inner| loops_of(inner, counter, found));
    }
}
