//! Computes before a loop of scalar code what does not change in it.
//!
//! Core ops are total, so that computing what a turn might not have reached is harmless. Elements are not moved. A check
//! is, where each turn begins with it and it is the same in all of them: it is made once, if there is a turn, since it
//! fails in the first one or in none.

use crate::guard::push;
use hotloop_ir::{Inst, Lane, Local, Op, Program, Region, SlotId, Stmt, Type, Value};
use rustc_hash::FxHashSet;

/// Moves values out of the loops of every nest without axes.
pub fn run(program: &mut Program) {
    for nest in program.nests.iter_mut().filter(|nest| nest.axes.is_empty()) {
        let mut body = std::mem::take(&mut nest.lane.body);
        hoist_in(&mut body, &mut nest.lane);
        nest.lane.body = body;
    }
}

/// What a loop computes and sets.
#[derive(Default)]
struct Changes {
    values: FxHashSet<Value>,
    locals: FxHashSet<Local>,
    slots: FxHashSet<SlotId>,
}

fn hoist_in(region: &mut Region, lane: &mut Lane) {
    let mut hoisted = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        stmt.regions_mut().for_each(|inner| hoist_in(inner, lane));
        let mut changes = Changes::default();
        if let Stmt::For { .. } | Stmt::Loop(_) = &stmt {
            changes.note(std::slice::from_ref(&stmt));
        }
        match &mut stmt {
            Stmt::For { start, stop, step, body, .. } => {
                move_out(body, lane, &mut changes, &mut hoisted);
                if let Some(up) = counts_up(*step, lane) {
                    let [from, to] = if up { [*start, *stop] } else { [*stop, *start] };
                    check_once(checks_ahead(body, &changes), [from, to], lane, &mut hoisted);
                }
            }
            Stmt::Loop(body) => move_out(body, lane, &mut changes, &mut hoisted),
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => {}
            Stmt::Fold(..) | Stmt::Check { .. } | Stmt::If { .. } | Stmt::Block(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        hoisted.push(stmt);
    }
    *region = hoisted;
}

/// Moves what does not change out of a region that a loop runs, and of the branches in it.
fn move_out(region: &mut Region, lane: &Lane, changes: &mut Changes, before: &mut Region) {
    region.retain_mut(|stmt| match stmt {
        Stmt::Let(value) if changes.keeps(lane.inst(*value)) => {
            changes.values.remove(value);
            before.push(Stmt::Let(*value));
            false
        }
        Stmt::If { then, otherwise, .. } => {
            move_out(then, lane, changes, before);
            move_out(otherwise, lane, changes, before);
            true
        }
        Stmt::Block(body) => {
            move_out(body, lane, changes, before);
            true
        }
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => true,
        Stmt::Fold(..) | Stmt::Check { .. } | Stmt::For { .. } | Stmt::Loop(_) => true,
        Stmt::Break(_) | Stmt::Continue(_) => true,
    });
}

/// Takes the checks out with which every turn begins, and which are the same in all of them.
fn checks_ahead(body: &mut Region, changes: &Changes) -> Region {
    let mut ahead = true;
    let stays = |value: &Value| !changes.values.contains(value);
    let taken = body.extract_if(.., |stmt| match stmt {
        Stmt::Check { cond, shows, at, site: _ } => {
            ahead &= stays(cond) && shows.iter().all(stays) && at.iter().all(stays);
            ahead
        }
        Stmt::Let(_) => false,
        Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) => {
            ahead = false;
            false
        }
        Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) | Stmt::Break(_) | Stmt::Continue(_) => {
            ahead = false;
            false
        }
    });
    taken.collect()
}

/// Makes checks if a loop between two numbers has a turn.
fn check_once(checks: Region, [from, to]: [Value; 2], lane: &mut Lane, list: &mut Region) {
    if !checks.is_empty() {
        let cond = push(lane, Inst::Op(Op::Lt, [from, to, from]), Type::Bool);
        list.push(Stmt::Let(cond));
        list.push(Stmt::If { cond, then: checks, otherwise: Vec::new() });
    }
}

/// Whether a loop counts up, if that is known.
fn counts_up(step: Value, lane: &Lane) -> Option<bool> {
    let Inst::Const(step) = lane.inst(step) else { return None };
    Some(step.as_i64() > 0)
}

impl Changes {
    fn note(&mut self, region: &[Stmt]) {
        for stmt in region {
            match stmt {
                Stmt::Let(value) => {
                    self.values.insert(*value);
                }
                Stmt::Set(local, _) | Stmt::For { index: local, .. } => {
                    self.locals.insert(*local);
                }
                Stmt::SetSlot(slot, _) => {
                    self.slots.insert(*slot);
                }
                Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
                Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
            }
            stmt.regions().into_iter().for_each(|inner| self.note(inner));
        }
    }

    /// Whether an instruction gives the same in every turn, and can be run where there is none.
    fn keeps(&self, inst: &Inst) -> bool {
        match inst {
            Inst::Const(_) | Inst::Extent(..) => true,
            Inst::Slot(slot) => !self.slots.contains(slot),
            Inst::Local(local) => !self.locals.contains(local),
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => {
                inst.operands().iter().all(|operand| !self.values.contains(operand))
            }
            Inst::Axis(_) | Inst::Load(_) | Inst::LoadAt(..) => false,
        }
    }
}
