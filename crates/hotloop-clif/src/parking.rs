//! Puts vectors away on the stack for the time of a loop that only reads them.
//!
//! A loop that carries several vectors from turn to turn needs the registers for those. An operand in memory costs an
//! instruction nothing, while a register allocator that runs out of registers may as well put the carried vectors on
//! the stack, where each turn waits for them.

use crate::forms::{Regs, VECTOR, Val};
use crate::func::{Func, trusted};
use crate::lane::Lane;
use cranelift_codegen::ir::{self as clif, InstBuilder, StackSlotData, StackSlotKind, types};
use hotloop_ir::{Inst, Local, Region, Stmt, Type, Value};
use rustc_hash::FxHashSet;

/// The registers a loop may carry before others make room.
const MOST_CARRIED: usize = 8;

/// Where a bundle is on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parked {
    base: clif::Value,
    offset: usize,
    /// Whether there is one register that serves for all.
    same: bool,
}

impl Parked {
    /// One register of the bundle.
    pub(crate) fn read(&self, f: &mut Func<'_>, ty: clif::Type, index: usize) -> clif::Value {
        let index = if self.same { 0 } else { index };
        f.b.ins().load(ty, trusted(), self.base, (self.offset + index * VECTOR) as i32)
    }
}

impl Lane<'_, '_, '_> {
    /// Puts away what a loop reads and does not change, if it carries much. Gives what has been put away.
    pub(crate) fn park(&mut self, body: &Region) -> Vec<Value> {
        if self.carried(body) <= MOST_CARRIED {
            return Vec::new();
        }
        let found = self.only_read(body);
        let parked: Vec<Value> = found.iter().map(|(value, _)| *value).collect();
        let is_same = |regs: &Regs| regs.iter().all(|reg| *reg == regs[0]);
        let kept = |regs: &Regs| if is_same(regs) { 1 } else { regs.len() };
        let bytes = found.iter().map(|(_, regs)| kept(regs) * VECTOR).sum::<usize>();
        if bytes == 0 {
            return parked;
        }
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes as u32, VECTOR.ilog2() as u8);
        let slot = self.f.b.create_sized_stack_slot(slot);
        let base = self.f.b.ins().stack_addr(types::I64, slot, 0);
        let mut offset = 0;
        for (value, regs) in found {
            self.parked.insert(value, Parked { base, offset, same: is_same(&regs) });
            for &reg in &regs[..kept(&regs)] {
                self.f.b.ins().store(trusted(), reg, base, offset as i32);
                offset += VECTOR;
            }
        }
        parked
    }

    /// Ends the time of what has been put away.
    pub(crate) fn unpark(&mut self, parked: Vec<Value>) {
        for value in parked {
            self.parked.remove(&value);
        }
    }

    /// The registers that a loop carries from turn to turn: its mask and the variables it sets.
    fn carried(&self, body: &Region) -> usize {
        let mut set = FxHashSet::default();
        locals_set(body, &mut set);
        let registers = |local: &Local| if self.varies_local(*local) { self.locals[local.index()].len() } else { 0 };
        set.iter().map(registers).sum::<usize>() + self.active.last().map_or(0, |mask| mask.0.len())
    }

    /// The vectors that a loop reads and that were made before it.
    fn only_read(&self, body: &Region) -> Vec<(Value, Regs)> {
        let (mut made, mut read) = (FxHashSet::default(), Vec::new());
        self.operands(body, &mut made, &mut read);
        let mut seen = FxHashSet::default();
        let bundle = |value: Value| match self.values[value.index()] {
            Some(Val::Varying(regs)) => Some(regs),
            Some(Val::Uniform(_) | Val::Mask(_)) | None => self.splats.get(&value).copied(),
        };
        let before = read.into_iter().filter(|value| !made.contains(value) && seen.insert(*value));
        before.filter_map(|value| bundle(value).map(|regs| (value, regs))).collect()
    }

    fn operands(&self, body: &[Stmt], made: &mut FxHashSet<Value>, read: &mut Vec<Value>) {
        let lane = &self.code.nest.lane;
        for stmt in body {
            if let Stmt::Let(value) = stmt {
                made.insert(*value);
                if let inst @ Inst::Op(..) = lane.inst(*value) {
                    read.extend(inst.operands().iter().filter(|operand| lane.ty(**operand) != Type::Bool));
                }
            }
            for inner in stmt.regions() {
                self.operands(inner, made, read);
            }
        }
    }
}

fn locals_set(body: &[Stmt], set: &mut FxHashSet<Local>) {
    for stmt in body {
        if let Stmt::Set(local, _) = stmt {
            set.insert(*local);
        }
        for inner in stmt.regions() {
            locals_set(inner, set);
        }
    }
}
