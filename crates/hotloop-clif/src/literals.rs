//! Which literals decide nothing about the code of a lane, so that they can be set apart from it.
//!
//! Floats are always read from the constant table; only those that a range may be found by stay. Whole numbers are
//! parts of instructions in scalar code and decide indices, bounds and loops, so in vector code those are set apart
//! that only reach elements.

use crate::ranges;
use hotloop_ir::{Inst, Nest, Op, Stmt, Type, Value};

/// For each value of a nest's lane, whether it is a literal that may be set apart.
pub(crate) fn decide_nothing(nest: &Nest) -> Vec<bool> {
    let lane = &nest.lane;
    let mut free = ranges::decide_nothing(lane);
    let mut bound = vec![nest.schedule.lanes == 1; lane.values.len()];
    statements(&lane.body, &mut |value| bound[value.index()] = true);
    for index in (0..lane.values.len()).rev() {
        let inst = &lane.values[index];
        let keeps = !reads_any_number(inst);
        // An instruction reads values that stand before it.
        if bound[index] || keeps {
            inst.operands().iter().for_each(|value| bound[value.index()] = true);
        }
    }
    for (index, free) in free.iter_mut().enumerate() {
        *free &= match lane.types[index] {
            Type::F32 | Type::F64 => true,
            Type::I32 | Type::U32 | Type::I64 | Type::U64 => !bound[index],
            Type::Bool | Type::I8 | Type::I16 | Type::U8 | Type::U16 => false,
            Type::F16 | Type::BF16 | Type::C64 | Type::C128 => false,
        };
    }
    free
}

/// Whether an instruction has one code whatever its whole operands are.
fn reads_any_number(inst: &Inst) -> bool {
    match inst {
        Inst::Op(op, _) => match op {
            Op::Add | Op::Sub | Op::Mul | Op::Min | Op::Max | Op::And | Op::Or | Op::Xor | Op::Select => true,
            Op::Eq | Op::Ne | Op::Lt | Op::Le => true,
            Op::Div | Op::FloorDiv | Op::FloorRem | Op::Neg | Op::Abs | Op::Sqrt | Op::Fma | Op::Not => false,
            Op::Round | Op::Floor | Op::Ceil | Op::Trunc | Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant => false,
            Op::Shl | Op::Shr | Op::Unlikely => false,
        },
        Inst::Const(_) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) => false,
        Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => false,
    }
}

/// The values that statements use for more than an element that is stored or folded.
fn statements(region: &[Stmt], uses: &mut dyn FnMut(Value)) {
    for stmt in region {
        match stmt {
            Stmt::Let(_) | Stmt::Store(..) | Stmt::Fold(..) | Stmt::Loop(_) | Stmt::Block(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => {}
            Stmt::Set(_, value) | Stmt::SetSlot(_, value) => uses(*value),
            Stmt::StoreAt(_, index, _) => index.iter().for_each(|value| uses(*value)),
            Stmt::Check { cond, shows, at, .. } => {
                uses(*cond);
                shows.iter().chain(at).for_each(|value| uses(*value));
            }
            Stmt::If { cond, .. } => uses(*cond),
            Stmt::For { start, stop, step, .. } => [start, stop, step].into_iter().for_each(|value| uses(*value)),
        }
        for region in stmt.regions() {
            statements(region, uses);
        }
    }
}
