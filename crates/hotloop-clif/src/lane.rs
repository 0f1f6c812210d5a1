//! Emits the code of a lane for one point, or for a group of neighbouring points in vector registers.
//!
//! This file owns the state of one emission and the statements without control flow; `control` has the others, `values`
//! the instructions, `memory` the loads and stores.

use crate::control::Open;
use crate::facts::Facts;
use crate::forms::{Form, Mask, Regs, Val, int_vector, regs_for, vector_type};
use crate::func::{Func, trusted};
use crate::parking::Parked;
use crate::pointers::Pointers;
use crate::views::ViewCode;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use cranelift_frontend::Variable;
use hotloop_ir::{Inst, Local, Nest, Op, Region, SiteId, Stmt, Type, Value};
use hotloop_target::Status;
use hotloop_target::frame::{FAULT_ELEMENT, FAULT_LINEAR, FAULT_SHOWS, FAULT_SITE};
use rustc_hash::FxHashMap;

/// A nest being compiled: what its function has computed outside the lanes.
pub(crate) struct NestCode<'n> {
    pub(crate) nest: &'n Nest,
    pub(crate) inner: Option<usize>,
    pub(crate) facts: Facts,
    /// The extent of each axis.
    pub(crate) extents: Vec<clif::Value>,
    pub(crate) views: Vec<ViewCode>,
    /// Bytes of the integers of control masks.
    pub(crate) mask_class: usize,
    /// Most turns of a loop that are computed together.
    pub(crate) most_turns: usize,
    /// Whether the turns of short loops are emitted several times, one after another.
    pub(crate) copies: bool,
    /// The coordinates of the row; that of the inner axis is not used.
    pub(crate) coords: Vec<clif::Value>,
    /// The base address of each view in this row.
    pub(crate) rows: Vec<clif::Value>,
    /// Values computed outside.
    pub(crate) hoisted: Vec<Option<Val>>,
    /// Those of them that are also needed in all lanes of a vector.
    pub(crate) splats: FxHashMap<Value, Regs>,
}

/// What a failing check does.
#[derive(Clone, Copy)]
pub(crate) enum OnFault {
    /// Records the fault and returns: points run in ascending order.
    Return,
    /// Records the fault if no earlier point has one, sets the variable, and goes to the block.
    Lowest(Variable, clif::Block),
    /// Goes to the scalar loop, which takes the index of the group's first point and will find the fault.
    Scalar(clif::Block),
}

/// A mask in variables.
#[derive(Clone)]
pub(crate) struct MaskVar(pub(crate) Vec<Variable>);

/// The emission of one lane.
pub(crate) struct Lane<'l, 'f, 'n> {
    pub(crate) f: &'l mut Func<'f>,
    pub(crate) code: &'l NestCode<'n>,
    /// Points computed together; 1 in scalar code.
    pub(crate) lanes: usize,
    /// The point, or the first of the group, along the inner axis.
    pub(crate) point: Option<clif::Value>,
    /// Points that this group lies ahead of `point`.
    pub(crate) ahead: usize,
    pub(crate) on_fault: OnFault,
    pub(crate) values: Vec<Option<Val>>,
    pub(crate) locals: Vec<Vec<Variable>>,
    /// Numbers that do not vary, spread over the lanes; valid in the open regions.
    pub(crate) splats: FxHashMap<Value, Regs>,
    pub(crate) splat_log: Vec<Value>,
    pub(crate) open: Vec<Open>,
    /// The masks of the open diverging constructs; the last one holds now.
    pub(crate) active: Vec<MaskVar>,
    /// Conditions on which all lanes have left their loop by a real jump.
    pub(crate) left_together: Vec<Value>,
    /// What has been put away for the time of a loop.
    pub(crate) parked: FxHashMap<Value, Parked>,
    /// Addresses that the open loop has computed before its first turn.
    pub(crate) pointers: Pointers,
    /// The variables that have a value for each turn of the group that is being emitted.
    pub(crate) grouped: Vec<Local>,
    /// What was given to each fold.
    pub(crate) folds: Vec<Option<Val>>,
    /// Pairs that have been read, by the view whose base they share and their displacement; valid until something is
    /// written or another region begins.
    pub(crate) pairs: Vec<((usize, i32), Vec<clif::Value>)>,
}

impl<'l, 'f, 'n> Lane<'l, 'f, 'n> {
    /// A lane about to be emitted.
    pub(crate) fn new(
        f: &'l mut Func<'f>,
        code: &'l NestCode<'n>,
        lanes: usize,
        point: Option<clif::Value>,
        on_fault: OnFault,
    ) -> Lane<'l, 'f, 'n> {
        Lane {
            f,
            code,
            lanes,
            point,
            ahead: 0,
            on_fault,
            values: code.hoisted.clone(),
            locals: Vec::new(),
            splats: if lanes > 1 { code.splats.clone() } else { FxHashMap::default() },
            splat_log: Vec::new(),
            open: Vec::new(),
            active: Vec::new(),
            left_together: Vec::new(),
            parked: FxHashMap::default(),
            pointers: Pointers::default(),
            grouped: Vec::new(),
            folds: vec![None; code.nest.folds.len()],
            pairs: Vec::new(),
        }
    }

    /// Emits the whole lane and gives what each fold got.
    pub(crate) fn emit(mut self) -> Vec<Option<Val>> {
        self.declare_locals();
        self.region(&self.code.nest.lane.body);
        self.folds
    }

    fn declare_locals(&mut self) {
        for (index, &ty) in self.code.nest.lane.locals.iter().enumerate() {
            let varies = self.varies_local(Local(index as u32));
            let variables = if !varies {
                let zero = self.f.constant(Form::scalar(ty), 0);
                vec![self.f.variable(zero)]
            } else {
                let (clif_ty, len) = self.local_shape(ty);
                let zero = self.f.zero(clif_ty);
                (0..len).map(|_| self.f.variable(zero)).collect()
            };
            self.locals.push(variables);
        }
    }

    /// The vector type and the number of registers of a varying local.
    fn local_shape(&self, ty: Type) -> (clif::Type, usize) {
        if ty == Type::Bool {
            let class = self.code.mask_class;
            return (int_vector(class), regs_for(self.lanes, class));
        }
        (vector_type(ty), regs_for(self.lanes, ty.bytes()))
    }

    /// Whether the local has a value of its own in each lane.
    pub(crate) fn varies_local(&self, local: Local) -> bool {
        self.lanes > 1 && (self.code.facts.varying_local[local.index()] || self.grouped.contains(&local))
    }

    /// Emits the statements of a region; false if none of them is followed by what comes after the region.
    pub(crate) fn region(&mut self, region: &Region) -> bool {
        let known = self.splat_log.len();
        let mut falls_through = true;
        let mut written = false;
        self.pairs.clear();
        for (at, stmt) in region.iter().enumerate() {
            if std::mem::take(&mut written) {
                continue;
            }
            if let (Stmt::Store(view, value), Some(Stmt::Store(next, other))) = (stmt, region.get(at + 1)) {
                written = self.store_both([(*view, *value), (*next, *other)]);
                if written {
                    continue;
                }
            }
            falls_through = self.stmt(stmt);
            if !falls_through {
                break;
            }
        }
        self.pairs.clear();
        for value in self.splat_log.split_off(known) {
            self.splats.remove(&value);
        }
        falls_through
    }

    /// Emits a statement; false if control never goes past it.
    pub(crate) fn stmt(&mut self, stmt: &Stmt) -> bool {
        if !matches!(stmt, Stmt::Let(_)) {
            self.pairs.clear();
        }
        match stmt {
            Stmt::Let(value) => self.compute(*value),
            Stmt::Set(local, value) => self.set(*local, *value),
            Stmt::Store(view, value) => self.store(*view, *value),
            Stmt::StoreAt(array, index, value) => self.store_at(*array, index, *value),
            Stmt::SetSlot(slot, value) => {
                let ty = self.code.nest.lane.ty(*value);
                let value = self.uniform(*value);
                let word = self.f.as_word(ty, value);
                self.f.set_word(self.f.layout.slot(*slot), word);
            }
            Stmt::Fold(fold, value) => self.folds[fold.index()] = Some(self.value(*value)),
            Stmt::Check { cond, site, shows, at } => self.check(*cond, *site, *shows, *at),
            Stmt::If { cond, then, otherwise } => return self.branch(stmt, *cond, then, otherwise),
            Stmt::For { index, start, stop, step, body } => {
                return self.for_loop(stmt, *index, [*start, *stop, *step], body);
            }
            Stmt::Loop(body) => return self.endless_loop(stmt, body),
            Stmt::Block(body) => return self.block(stmt, body),
            Stmt::Break(depth) => return self.leave(*depth, false),
            Stmt::Continue(depth) => return self.leave(*depth, true),
        }
        true
    }

    /// Computes a value where it stands, unless it was computed outside or is a literal, made at each use.
    fn compute(&mut self, value: Value) {
        let literal = matches!(self.code.nest.lane.inst(value), Inst::Const(_));
        if !literal && self.code.hoisted[value.index()].is_none() {
            let computed = self.inst(value);
            self.values[value.index()] = Some(computed);
        }
    }

    fn set(&mut self, local: Local, value: Value) {
        let ty = self.code.nest.lane.locals[local.index()];
        if !self.varies_local(local) {
            let value = self.uniform(value);
            self.f.b.def_var(self.locals[local.index()][0], value);
            return;
        }
        if self.add_to_local(local, value) {
            return;
        }
        let class = self.code.mask_class;
        let new = if ty == Type::Bool { self.mask(value, class).regs } else { self.spread(value) };
        self.set_varying(local, new);
    }

    /// A sum that some lanes take: the others add zero, which costs less than a choice. One is added by subtracting the
    /// mask itself. False if the value is no such sum.
    fn add_to_local(&mut self, local: Local, value: Value) -> bool {
        let lane = &self.code.nest.lane;
        let ty = lane.ty(value);
        let (Inst::Op(Op::Add, [a, b, _]), false) = (lane.inst(value), ty.is_float()) else { return false };
        let old = Regs::make(self.locals[local.index()].len(), |i| self.f.b.use_var(self.locals[local.index()][i]));
        let is_old = |of: &Value| self.values[of.index()] == Some(Val::Varying(old));
        let step = if is_old(a) { *b } else { *a };
        let sum = is_old(a) || is_old(b);
        if !sum || !self.code.facts.kept(local, self.open.iter().map(Open::id)) {
            return false;
        }
        let Some(mask) = self.active_mask() else { return false };
        let mask = self.f.mask_to(mask, ty.bytes(), self.lanes);
        let one = matches!(lane.inst(step), Inst::Const(scalar) if scalar.bits == 1);
        let steps = (!one).then(|| self.spread(step));
        for (index, &reg) in old.iter().enumerate() {
            let new = match steps {
                None => self.f.b.ins().isub(reg, mask.regs[index]),
                Some(steps) => {
                    let step = self.f.b.ins().band(steps[index], mask.regs[index]);
                    self.f.b.ins().iadd(reg, step)
                }
            };
            self.f.b.def_var(self.locals[local.index()][index], new);
        }
        true
    }

    /// Changes a varying local in the active lanes; in the others too, if they will not read it.
    pub(crate) fn set_varying(&mut self, local: Local, new: Regs) {
        let ty = self.code.nest.lane.locals[local.index()];
        let class = if ty == Type::Bool { self.code.mask_class } else { ty.bytes() };
        let form = Form::vector(if ty == Type::Bool { crate::forms::signed_type(class) } else { ty });
        let kept = self.code.facts.kept(local, self.open.iter().map(Open::id));
        let mask = if kept { self.active_mask() } else { None };
        let mask = mask.map(|mask| self.f.mask_to(mask, class, self.lanes));
        for (index, &reg) in new.iter().enumerate() {
            let variable = self.locals[local.index()][index];
            let reg = match mask {
                None => reg,
                Some(mask) => {
                    let old = self.f.b.use_var(variable);
                    self.f.blend(form, mask.regs[index], reg, old)
                }
            };
            self.f.b.def_var(variable, reg);
        }
    }

    /// The mask of the lanes that run, or none if all do.
    pub(crate) fn active_mask(&mut self) -> Option<Mask> {
        let variables = self.active.last()?.clone();
        Some(self.read_mask(&variables))
    }

    /// The present value of a mask in variables.
    pub(crate) fn read_mask(&mut self, mask: &MaskVar) -> Mask {
        let regs = Regs::make(mask.0.len(), |i| self.f.b.use_var(mask.0[i]));
        Mask { class: self.code.mask_class, regs }
    }

    /// Changes a mask in variables.
    pub(crate) fn write_mask(&mut self, to: &MaskVar, mask: Mask) {
        for (&variable, &reg) in to.0.iter().zip(mask.regs.iter()) {
            self.f.b.def_var(variable, reg);
        }
    }

    /// A mask in new variables.
    pub(crate) fn mask_var(&mut self, mask: Mask) -> MaskVar {
        MaskVar(mask.regs.iter().map(|&reg| self.f.variable(reg)).collect())
    }

    fn check(&mut self, cond: Value, site: SiteId, shows: [Value; 2], at: Option<Value>) {
        match self.on_fault {
            OnFault::Scalar(block) => self.check_group(cond, block),
            OnFault::Return | OnFault::Lowest(..) => self.check_point(cond, site, shows, at),
        }
    }

    /// Leaves the vector code if any active lane fails.
    fn check_group(&mut self, cond: Value, scalar: clif::Block) {
        let class = self.code.mask_class;
        let cond = self.mask(cond, class);
        let mut failed = self.f.mask_not(cond);
        if let Some(active) = self.active_mask() {
            failed = self.f.mask_and(failed, active);
        }
        let failed = self.f.mask_any(failed, self.lanes);
        let go_on = self.f.b.create_block();
        let point: Vec<BlockArg> = self.point.map(BlockArg::Value).into_iter().collect();
        self.f.b.ins().brif(failed, scalar, &point, go_on, &[]);
        self.f.enter_sealed(go_on);
    }

    fn check_point(&mut self, cond: Value, site: SiteId, shows: [Value; 2], at: Option<Value>) {
        let cond = self.uniform(cond);
        let failed = self.f.cold_block();
        let go_on = self.f.b.create_block();
        self.f.b.ins().brif(cond, go_on, &[], failed, &[]);
        self.f.enter_sealed(failed);
        let linear = self.linear();
        match self.on_fault {
            OnFault::Lowest(faulted, next) => {
                let before = self.f.b.ins().load(types::I64, trusted(), self.f.fault, FAULT_LINEAR);
                let lower = self.f.is(IntCC::SignedLessThan, linear, before);
                let earlier = self.f.b.use_var(faulted);
                let none = self.f.b.ins().icmp_imm_u(IntCC::Equal, earlier, 0);
                let record = self.f.b.ins().bor(none, lower);
                let (write, skip) = (self.f.cold_block(), self.f.cold_block());
                self.f.b.ins().brif(record, write, &[], skip, &[]);
                self.f.enter_sealed(write);
                self.record(site, linear, shows, at);
                let yes = self.f.b.ins().iconst(types::I8, 1);
                self.f.b.def_var(faulted, yes);
                self.f.b.ins().jump(next, &[]);
                self.f.enter_sealed(skip);
                self.f.b.ins().jump(next, &[]);
            }
            OnFault::Return | OnFault::Scalar(_) => {
                self.record(site, linear, shows, at);
                self.f.ret(Status::Fault);
            }
        }
        self.f.enter_sealed(go_on);
    }

    fn record(&mut self, site: SiteId, linear: clif::Value, shows: [Value; 2], at: Option<Value>) {
        self.f.b.ins().store(trusted(), linear, self.f.fault, FAULT_LINEAR);
        let element = at.map_or(linear, |at| self.uniform(at));
        self.f.b.ins().store(trusted(), element, self.f.fault, FAULT_ELEMENT);
        for (show, offset) in shows.into_iter().zip([FAULT_SHOWS, FAULT_SHOWS + 8]) {
            let ty = self.code.nest.lane.ty(show);
            let value = self.uniform(show);
            let value = self.f.convert(ty, Type::I64, value);
            self.f.b.ins().store(trusted(), value, self.f.fault, offset);
        }
        let site = self.f.b.ins().iconst(types::I32, i64::from(site.0));
        self.f.b.ins().store(trusted(), site, self.f.fault, FAULT_SITE);
    }

    /// The number of this point, in C order over all axes.
    fn linear(&mut self) -> clif::Value {
        let mut linear = self.f.int(0);
        for axis in 0..self.code.nest.axes.len() {
            let at = match self.point {
                Some(point) if Some(axis) == self.code.inner => point,
                Some(_) | None => self.code.coords[axis],
            };
            linear = self.f.add_scaled(at, linear, self.code.extents[axis]);
        }
        linear
    }
}
