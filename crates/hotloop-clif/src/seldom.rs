//! Branches that are said to be taken seldom: one lane after the other instead of all under a mask.
//!
//! Such a region, long as it may be, is emitted once for a single lane rather than for every register of a bundle. What
//! it reads lies on the stack, one cell per lane, and what it sets is read back from there.

use crate::forms::{Mask, Regs, VECTOR, Val, int_type, signed_type, vector_type};
use crate::func::{Func, trusted};
use crate::lane::{Lane, OnFault};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder, StackSlotData, StackSlotKind, types};
use cranelift_frontend::Variable;
use hotloop_ir::{Inst, Local, Op, Region, Stmt, Type, Value};
use std::collections::BTreeSet;

/// A bundle on the stack.
#[derive(Clone, Copy)]
struct Kept {
    base: clif::Value,
    /// The type of its cells.
    ty: Type,
    /// Whether the cells are masks: all ones or all zeros.
    is_mask: bool,
}

impl Kept {
    fn of(f: &mut Func<'_>, regs: &Regs, ty: Type, is_mask: bool) -> Kept {
        let bytes = (regs.len() * VECTOR) as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, VECTOR.ilog2() as u8);
        let slot = f.b.create_sized_stack_slot(slot);
        let base = f.b.ins().stack_addr(types::I64, slot, 0);
        for (index, &reg) in regs.iter().enumerate() {
            f.b.ins().store(trusted(), reg, base, (index * VECTOR) as i32);
        }
        Kept { base, ty, is_mask }
    }

    fn mask(f: &mut Func<'_>, mask: Mask) -> Kept {
        Kept::of(f, &mask.regs, signed_type(mask.class), true)
    }

    fn cell(&self, f: &mut Func<'_>, lane: clif::Value) -> clif::Value {
        let offset = f.b.ins().ishl_imm_u(lane, i64::from(self.ty.bytes().trailing_zeros()));
        f.b.ins().iadd(self.base, offset)
    }

    /// The value of one lane; masks give bools.
    fn read(&self, f: &mut Func<'_>, lane: clif::Value) -> clif::Value {
        let cell = self.cell(f, lane);
        if !self.is_mask {
            return f.b.ins().load(crate::forms::scalar_type(self.ty), trusted(), cell, 0);
        }
        let mask = f.b.ins().load(int_type(self.ty.bytes()), trusted(), cell, 0);
        f.b.ins().icmp_imm_u(IntCC::NotEqual, mask, 0)
    }

    /// Replaces the value of one lane.
    fn write(&self, f: &mut Func<'_>, lane: clif::Value, value: clif::Value) {
        let cell = self.cell(f, lane);
        let value = if self.is_mask { self.mask_of(f, value) } else { value };
        f.b.ins().store(trusted(), value, cell, 0);
    }

    fn mask_of(&self, f: &mut Func<'_>, truth: clif::Value) -> clif::Value {
        let bytes = self.ty.bytes();
        let wide = if bytes == 1 { truth } else { f.b.ins().uextend(int_type(bytes), truth) };
        f.b.ins().ineg(wide)
    }

    fn register(&self, f: &mut Func<'_>, index: usize) -> clif::Value {
        f.b.ins().load(vector_type(self.ty), trusted(), self.base, (index * VECTOR) as i32)
    }
}

/// What a region reads from outside, and the locals it touches.
#[derive(Default)]
struct Touched {
    made: BTreeSet<Value>,
    read: BTreeSet<Value>,
    locals: BTreeSet<Local>,
    set: BTreeSet<Local>,
}

impl Lane<'_, '_, '_> {
    /// Whether a branch is seldom taken and its region only computes.
    pub(crate) fn is_seldom(&self, cond: Value, then: &Region, otherwise: &Region) -> bool {
        let marked = matches!(self.code.nest.lane.inst(cond), Inst::Op(Op::Unlikely, _));
        marked && otherwise.is_empty() && self.only_computes(then, 0)
    }

    /// Whether statements only compute and set locals, and do not leave the region; `depth` loops and blocks are open.
    fn only_computes(&self, region: &[Stmt], depth: u32) -> bool {
        region.iter().all(|stmt| match stmt {
            Stmt::Let(value) => match self.code.nest.lane.inst(*value) {
                Inst::Load(_) | Inst::LoadAt(..) => false,
                Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) => true,
                Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => true,
            },
            Stmt::Set(..) => true,
            Stmt::Break(levels) | Stmt::Continue(levels) => *levels < depth,
            Stmt::If { then, otherwise, .. } => self.only_computes(then, depth) && self.only_computes(otherwise, depth),
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => self.only_computes(body, depth + 1),
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => false,
        })
    }

    /// Runs a region for each lane of the mask by itself, if there are any.
    pub(crate) fn one_by_one(&mut self, mask: Mask, region: &Region) {
        let any = self.f.mask_any(mask, self.lanes);
        let seldom = self.f.cold_block();
        let after = self.f.b.create_block();
        self.f.b.ins().brif(any, seldom, &[], after, &[]);
        self.f.enter_sealed(seldom);
        let mut touched = Touched::default();
        self.touch(region, &mut touched);
        let values = self.keep_values(&touched);
        let locals = self.keep_locals(&touched);
        let mask = Kept::mask(self.f, mask);
        let (code, point, ahead, known, uniform) =
            (self.code, self.point, self.ahead, self.values.clone(), self.locals.clone());
        let (zero, lanes) = (self.f.int(0), self.f.int(self.lanes as i64));
        self.f.count(zero, lanes, 1, |f, index| {
            let active = mask.read(f, index);
            f.when(active, |f| {
                let point = point.map(|point| f.b.ins().iadd(point, index));
                let mut lane = Lane::new(f, code, 1, point, OnFault::Return);
                lane.ahead = ahead;
                lane.values = known;
                for (value, kept) in &values {
                    lane.values[value.index()] = Some(Val::Uniform(kept.read(lane.f, index)));
                }
                lane.locals = uniform;
                for (local, kept) in &locals {
                    let first = kept.read(lane.f, index);
                    lane.locals[local.index()] = vec![lane.f.variable(first)];
                }
                lane.region(region);
                for (local, kept) in locals.iter().filter(|(local, _)| touched.set.contains(local)) {
                    let last = lane.f.b.use_var(lane.locals[local.index()][0]);
                    kept.write(lane.f, index, last);
                }
            });
        });
        for (local, kept) in locals.iter().filter(|(local, _)| touched.set.contains(local)) {
            for (index, variable) in self.locals[local.index()].clone().into_iter().enumerate() {
                let reg = kept.register(self.f, index);
                self.f.b.def_var(variable, reg);
            }
        }
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(after);
    }

    /// Puts what differs between lanes and is read from outside on the stack.
    fn keep_values(&mut self, touched: &Touched) -> Vec<(Value, Kept)> {
        let mut kept = Vec::new();
        for &value in touched.read.difference(&touched.made) {
            let ty = self.code.nest.lane.ty(value);
            match self.values[value.index()] {
                Some(Val::Varying(regs)) => kept.push((value, Kept::of(self.f, &regs, ty, false))),
                Some(Val::Mask(mask)) => kept.push((value, Kept::mask(self.f, mask))),
                Some(Val::Uniform(_)) | None => {}
            }
        }
        kept
    }

    /// Puts the varying locals on the stack.
    fn keep_locals(&mut self, touched: &Touched) -> Vec<(Local, Kept)> {
        let mut kept = Vec::new();
        for &local in &touched.locals {
            if !self.varies_local(local) {
                continue;
            }
            let variables: Vec<Variable> = self.locals[local.index()].clone();
            let regs = Regs::make(variables.len(), |index| self.f.b.use_var(variables[index]));
            let ty = self.code.nest.lane.locals[local.index()];
            let is_mask = ty == Type::Bool;
            let ty = if is_mask { signed_type(self.code.mask_class) } else { ty };
            kept.push((local, Kept::of(self.f, &regs, ty, is_mask)));
        }
        kept
    }

    fn touch(&self, region: &[Stmt], touched: &mut Touched) {
        let lane = &self.code.nest.lane;
        for stmt in region {
            match stmt {
                Stmt::Let(value) => {
                    touched.made.insert(*value);
                    let inst = lane.inst(*value);
                    touched.read.extend(inst.operands());
                    if let Inst::Local(local) = inst {
                        touched.locals.insert(*local);
                    }
                }
                Stmt::Set(local, value) => {
                    touched.read.insert(*value);
                    touched.locals.insert(*local);
                    touched.set.insert(*local);
                }
                Stmt::If { cond, .. } => {
                    touched.read.insert(*cond);
                }
                Stmt::For { index, start, stop, step, .. } => {
                    touched.read.extend([*start, *stop, *step]);
                    touched.locals.insert(*index);
                    touched.set.insert(*index);
                }
                Stmt::Loop(_) | Stmt::Block(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
                // Regions with these are not run one lane after the other.
                Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
            }
            for inner in stmt.regions() {
                self.touch(inner, touched);
            }
        }
    }
}
