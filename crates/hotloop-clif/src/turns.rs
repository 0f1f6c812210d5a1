//! Loops of scalar code whose turns are computed in groups, as the schedule asks: lanes lie along the turns.
//!
//! The body is emitted twice, here for whole groups and by `control` for the turns left over. Variables that collect have
//! a partial result for each lane here, combined behind the last group.

use crate::forms::{Form, Regs, VECTOR, Val, regs_for};
use crate::lane::Lane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use cranelift_frontend::Variable;
use hotloop_ir::semantics::neutral;
use hotloop_ir::{FoldOp, Inst, Local, Region, Stmt, Turns, Type};
use rustc_hash::FxHashSet;

/// A variable that collects: what it is outside the groups, and its partial results inside.
struct Collected {
    local: Local,
    op: FoldOp,
    outside: Vec<Variable>,
    inside: Vec<Variable>,
}

impl Lane<'_, '_, '_> {
    /// Emits the whole groups of a loop, if its turns are grouped; gives where the turns one by one start.
    pub(crate) fn grouped_turns(
        &mut self,
        counter: Local,
        [start, stop]: [clif::Value; 2],
        body: &Region,
    ) -> clif::Value {
        let code = self.code;
        let grouped = code.nest.schedule.turns.iter().find(|turns| turns.counter == counter && self.lanes == 1);
        let Some(turns) = grouped else { return start };
        let lanes = self.group_of(turns) as i64;
        if lanes < 2 {
            return start;
        }
        let (enter, after) = (self.f.b.create_block(), self.f.b.create_block());
        let at = self.f.variable(start);
        let some = self.f.is(IntCC::SignedLessThan, start, stop);
        let left = self.f.b.ins().isub(stop, start);
        let group = self.f.int(lanes);
        let enough = self.f.is(IntCC::UnsignedLessThanOrEqual, group, left);
        let any = self.f.b.ins().band(some, enough);
        self.f.b.ins().brif(any, enter, &[], after, &[]);
        self.f.enter_sealed(enter);
        let whole = self.f.b.ins().band_imm_s(left, -lanes);
        let end = self.f.b.ins().iadd(start, whole);
        self.groups(turns, at, [start, end], body);
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(after);
        self.f.b.use_var(at)
    }

    /// How many turns are computed together.
    fn group_of(&self, turns: &Turns) -> usize {
        (turns.lanes as usize).min(self.code.most_turns)
    }

    /// The loop over the groups; there is at least one.
    fn groups(&mut self, turns: &Turns, at: Variable, [start, end]: [clif::Value; 2], body: &Region) {
        let lanes = self.group_of(turns);
        let group = self.f.int(lanes as i64);
        let known = self.splat_log.len();
        let around = self.open_pointers(turns.counter, at, [start, group], body);
        let counter = std::mem::take(&mut self.locals[turns.counter.index()]);
        self.lanes = lanes;
        self.spread_around(body);
        let collected: Vec<Collected> = turns.folds.iter().map(|fold| self.collect(*fold)).collect();
        self.grouped = turns.folds.iter().map(|(local, _)| *local).chain([turns.counter]).collect();
        let first = self.turns_at(start);
        self.locals[turns.counter.index()] = first.iter().map(|&reg| self.f.variable(reg)).collect();
        let (poll, header) = (self.f.b.create_block(), self.f.b.create_block());
        self.f.b.ins().jump(poll, &[]);
        let stop = self.open_group(poll, header, at, Some(true), end);
        self.f.b.switch_to_block(header);
        let here = self.f.b.use_var(at);
        let regs = self.turns_at(here);
        self.set_varying(turns.counter, regs);
        self.region(body);
        self.advance_pointers();
        let next = self.f.b.ins().iadd(here, group);
        self.f.b.def_var(at, next);
        let (left, done) = (self.f.b.create_block(), self.f.b.create_block());
        let more = self.f.is(IntCC::SignedLessThan, next, stop);
        self.f.b.ins().brif(more, header, &[], left, &[]);
        self.f.b.seal_block(header);
        self.f.enter_sealed(left);
        let more = self.f.is(IntCC::SignedLessThan, next, end);
        self.f.b.ins().brif(more, poll, &[], done, &[]);
        self.f.b.seal_block(poll);
        self.f.enter_sealed(done);
        let results: Vec<clif::Value> = collected.iter().map(|collected| self.result(collected)).collect();
        self.lanes = 1;
        self.grouped.clear();
        for (collected, result) in collected.into_iter().zip(results) {
            self.f.b.def_var(collected.outside[0], result);
            self.locals[collected.local.index()] = collected.outside;
        }
        let last = self.f.b.ins().iadd_imm_s(end, -1);
        self.f.b.def_var(counter[0], last);
        self.locals[turns.counter.index()] = counter;
        self.pointers = around;
        for value in self.splat_log.split_off(known) {
            self.splats.remove(&value);
        }
    }

    /// A number and those that follow it, one for each lane.
    pub(crate) fn numbers_from(&mut self, first: clif::Value) -> Regs {
        self.added_to(first, |lane, entry| lane.f.vector_entry(types::I64X2, entry))
    }

    /// The numbers of the turns of a group. They are not read from the table of constants: loads would be made also where
    /// only addresses need the counter.
    fn turns_at(&mut self, first: clif::Value) -> Regs {
        self.added_to(first, |lane, entry| {
            let entry = lane.f.b.func.dfg.constants.insert(clif::ConstantData::from(entry.as_slice()));
            lane.f.b.ins().vconst(types::I64X2, entry)
        })
    }

    /// A number plus 0, 1, 2 and so on, whose vectors are made of their bytes.
    fn added_to(&mut self, first: clif::Value, mut vector: impl FnMut(&mut Self, [u8; VECTOR]) -> clif::Value) -> Regs {
        let all = self.f.splat(Type::I64, first);
        Regs::make(regs_for(self.lanes, 8), |i| {
            let mut entry = [0; VECTOR];
            entry[..8].copy_from_slice(&(2 * i as u64).to_le_bytes());
            entry[8..].copy_from_slice(&(2 * i as u64 + 1).to_le_bytes());
            let steps = vector(self, entry);
            self.f.b.ins().iadd(all, steps)
        })
    }

    /// Spreads before the loop what does not change in it and its vectors use.
    fn spread_around(&mut self, body: &Region) {
        let lane = &self.code.nest.lane;
        let mut inside = FxHashSet::default();
        for stmt in body {
            let Stmt::Let(value) = stmt else { continue };
            inside.insert(*value);
            if matches!(lane.inst(*value), Inst::LoadAt(..)) {
                continue;
            }
            for operand in lane.inst(*value).operands() {
                let uniform = matches!(self.values[operand.index()], Some(Val::Uniform(_)));
                let literal = matches!(lane.inst(*operand), Inst::Const(_));
                if uniform && !literal && !inside.contains(operand) && lane.ty(*operand) != Type::Bool {
                    self.spread(*operand);
                }
            }
        }
    }

    /// Gives a variable that collects a partial result for each lane.
    fn collect(&mut self, (local, op): (Local, FoldOp)) -> Collected {
        let ty = self.code.nest.lane.locals[local.index()];
        let start = self.f.constant(Form::vector(ty), neutral(op, ty).bits);
        let inside: Vec<Variable> = (0..regs_for(self.lanes, ty.bytes())).map(|_| self.f.variable(start)).collect();
        let outside = std::mem::replace(&mut self.locals[local.index()], inside.clone());
        Collected { local, op, outside, inside }
    }

    /// What a variable has collected: first register by register, then lane by lane.
    fn result(&mut self, collected: &Collected) -> clif::Value {
        let Collected { local, op, outside, inside } = collected;
        let ty = self.code.nest.lane.locals[local.index()];
        let op = op.op();
        let mut all = self.f.b.use_var(inside[0]);
        for &variable in &inside[1..] {
            let more = self.f.b.use_var(variable);
            all = self.f.op(op, Form::vector(ty), [all, more, all]);
        }
        let mut result = self.f.b.use_var(outside[0]);
        for lane in 0..self.lanes.min(VECTOR / ty.bytes()) {
            let part = self.f.b.ins().extractlane(all, lane as u8);
            result = self.f.op(op, Form::scalar(ty), [result, part, result]);
        }
        result
    }
}
