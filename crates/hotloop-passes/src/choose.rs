//! Turns short branches of scalar code into choices: where a branch does nothing but set whole numbers, both ways are
//! computed and one is taken, since a jump that data decide costs more than that whenever it is not foreseen.

use hotloop_ir::{Inst, Lane, Op, Program, Region, Stmt, Value};

/// Most values that are computed for nothing, and most variables that are set.
const MOST_VALUES: usize = 4;
const MOST_SETS: usize = 2;

/// Looks through the loops of every nest without axes.
pub fn run(program: &mut Program) {
    for nest in program.nests.iter_mut().filter(|nest| nest.axes.is_empty()) {
        let mut body = std::mem::take(&mut nest.lane.body);
        choose_in(&mut body, &mut nest.lane);
        nest.lane.body = body;
    }
}

fn choose_in(region: &mut Region, lane: &mut Lane) {
    let mut chosen = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        stmt.regions_mut().for_each(|inner| choose_in(inner, lane));
        match stmt {
            Stmt::If { cond, then, otherwise } if otherwise.is_empty() && is_short(&then, lane) => {
                choose(cond, then, lane, &mut chosen);
            }
            stmt => chosen.push(stmt),
        }
    }
    *region = chosen;
}

/// Whether a branch only computes a few values and sets whole numbers.
fn is_short(region: &[Stmt], lane: &Lane) -> bool {
    let sets = region.iter().filter(|stmt| matches!(stmt, Stmt::Set(..))).count();
    let fits = |stmt: &Stmt| match stmt {
        Stmt::Let(value) => is_cheap(lane.inst(*value)),
        Stmt::Set(local, _) => lane.locals[local.index()].is_int(),
        Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => false,
        Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => false,
        Stmt::Break(_) | Stmt::Continue(_) => false,
    };
    (1..=MOST_SETS).contains(&sets) && region.len() <= MOST_VALUES + sets && region.iter().all(fits)
}

fn is_cheap(inst: &Inst) -> bool {
    match inst {
        Inst::Op(op, _) => {
            let whole = matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Min | Op::Max | Op::Select);
            whole || matches!(op, Op::And | Op::Or | Op::Xor | Op::Not | Op::Eq | Op::Ne | Op::Lt | Op::Le)
        }
        Inst::Const(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => true,
        Inst::Convert(_) | Inst::Load(_) | Inst::LoadAt(..) => false,
    }
}

/// The statements of a branch, with what they set chosen by the condition.
fn choose(cond: Value, branch: Region, lane: &mut Lane, into: &mut Region) {
    for stmt in branch {
        let Stmt::Set(local, value) = stmt else {
            into.push(stmt);
            continue;
        };
        let ty = lane.ty(value);
        let mut push = |inst| {
            lane.values.push(inst);
            lane.types.push(ty);
            let made = Value(lane.values.len() as u32 - 1);
            into.push(Stmt::Let(made));
            made
        };
        let old = push(Inst::Local(local));
        let new = push(Inst::Op(Op::Select, [cond, value, old]));
        into.push(Stmt::Set(local, new));
    }
}
