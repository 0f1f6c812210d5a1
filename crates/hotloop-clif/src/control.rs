//! Control flow of a lane: branches where all lanes go the same way, masks where they may part.
//!
//! A diverging construct has a mask of its own, in variables: the lanes that run now. A jump that some lanes take clears
//! them in the masks of all constructs they leave; a diverging loop also remembers which lanes are still in it and
//! ends when there are none. Code under masks may run with no lane active; loops in it that do not diverge are skipped
//! then, since nothing would vouch for their end.

use crate::copies::Counted;
use crate::facts::inner_regions;
use crate::forms::{Form, Mask, Regs};
use crate::lane::{Lane, MaskVar};
use crate::pointers::is_innermost;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use cranelift_frontend::Variable;
use hotloop_ir::{Inst, Local, Op, Region, Stmt, Type, Value};

/// A construct being emitted.
#[derive(Clone)]
pub(crate) enum Open {
    /// An `If` with a real branch.
    Branch { id: usize },
    /// An `If` under masks.
    Masked { id: usize },
    /// A loop or block whose exits are real jumps.
    Jumps { id: usize, leave: clif::Block, again: Option<clif::Block> },
    /// A loop or block under masks: the place of its mask in `active`, the lanes still in it, where those can be others
    /// than the active ones (loops that are continued), and where a loop goes when it has none left.
    Lanes { id: usize, level: usize, alive: Option<MaskVar>, after: Option<clif::Block> },
}

impl Open {
    /// The construct's number.
    pub(crate) fn id(&self) -> usize {
        match self {
            Open::Branch { id } | Open::Masked { id } | Open::Jumps { id, .. } | Open::Lanes { id, .. } => *id,
        }
    }
}

/// The masks of a loop: the lanes still in it, and those that run now. They are the same variables if no lane can be
/// continued before the others.
struct LoopLanes {
    alive: MaskVar,
    now: MaskVar,
    continued: bool,
}

/// Whether a region ends by leaving or continuing a loop.
fn leaves(region: &Region) -> bool {
    matches!(region.last(), Some(Stmt::Break(_) | Stmt::Continue(_)))
}

/// Turns of an innermost loop between two looks at the cancel flag.
const GROUP: i64 = 1024;

/// A linear region is run without a branch around it up to so many statements.
const CHEAP: usize = 12;

/// A linear region that is seldom run is written for vectors up to so many statements, for one lane beyond.
const SHORT: usize = 48;

impl Lane<'_, '_, '_> {
    fn diverges(&self, stmt: &Stmt) -> bool {
        self.lanes > 1 && self.code.facts.diverges(stmt)
    }

    pub(crate) fn branch(&mut self, stmt: &Stmt, cond: Value, then: &Region, otherwise: &Region) -> bool {
        let id = self.code.facts.number(stmt);
        if self.diverges(stmt) {
            self.masked_branch(id, cond, then, otherwise);
            return true;
        }
        let seldom = matches!(self.code.nest.lane.inst(cond), Inst::Op(Op::Unlikely, _));
        let cond = self.uniform(cond);
        self.open.push(Open::Branch { id });
        let then_block = if seldom { self.f.cold_block() } else { self.f.b.create_block() };
        let after = self.f.b.create_block();
        let else_block = if otherwise.is_empty() { after } else { self.f.b.create_block() };
        if leaves(otherwise) && !leaves(then) {
            // The first block of a branch is laid out behind the second, and a loop goes on more often than not.
            let not = self.f.negated(cond);
            self.f.b.ins().brif(not, else_block, &[], then_block, &[]);
        } else {
            self.f.b.ins().brif(cond, then_block, &[], else_block, &[]);
        }
        let mut falls_through = otherwise.is_empty();
        for (block, region) in [(then_block, then), (else_block, otherwise)] {
            if block == after {
                continue;
            }
            self.f.enter_sealed(block);
            if self.region(region) {
                self.f.b.ins().jump(after, &[]);
                falls_through = true;
            }
        }
        self.open.pop();
        if falls_through {
            self.f.enter_sealed(after);
        }
        falls_through
    }

    fn masked_branch(&mut self, id: usize, cond: Value, then: &Region, otherwise: &Region) {
        if self.leaves_at_once(cond, then, otherwise) {
            return;
        }
        let class = self.code.mask_class;
        let seldom = cond;
        let cond = self.mask(cond, class);
        let (then_mask, else_mask) = match self.active_mask() {
            None => (cond, if otherwise.is_empty() { cond } else { self.f.mask_not(cond) }),
            Some(active) => (self.f.mask_and(active, cond), self.f.mask_and_not(active, cond)),
        };
        if self.is_seldom(seldom, then, otherwise) {
            return match self.is_cheap(then, SHORT) {
                true => self.seldom_together(id, then_mask, then),
                false => self.one_by_one(then_mask, then),
            };
        }
        let then_mask = self.mask_var(then_mask);
        let else_mask = self.mask_var(else_mask);
        self.open.push(Open::Masked { id });
        for (mask, region) in [(then_mask, then), (else_mask, otherwise)] {
            if !region.is_empty() {
                self.masked_region(mask, region);
            }
        }
        self.open.pop();
    }

    /// A short region out of the way, under a mask. Arguments beyond a function's usual range may fill whole arrays.
    fn seldom_together(&mut self, id: usize, mask: Mask, region: &Region) {
        let mask = self.mask_var(mask);
        self.open.push(Open::Masked { id });
        self.active.push(mask);
        let body = self.f.cold_block();
        self.if_any_in(body, |lane| {
            lane.region(region);
        });
        self.active.pop();
        self.open.pop();
    }

    fn masked_region(&mut self, mask: MaskVar, region: &Region) {
        self.active.push(mask);
        if self.is_cheap(region, CHEAP) {
            self.region(region);
        } else {
            self.if_any(|lane| {
                lane.region(region);
            });
        }
        self.active.pop();
    }

    /// Runs the code unless no lane is active.
    fn if_any(&mut self, emit: impl FnOnce(&mut Self)) {
        let body = self.f.b.create_block();
        self.if_any_in(body, emit);
    }

    /// The same with the code in this block.
    fn if_any_in(&mut self, body: clif::Block, emit: impl FnOnce(&mut Self)) {
        let Some(active) = self.active_mask() else {
            return emit(self);
        };
        let any = self.f.mask_any(active, self.lanes);
        let after = self.f.b.create_block();
        self.f.b.ins().brif(any, body, &[], after, &[]);
        self.f.enter_sealed(body);
        let known = self.splat_log.len();
        emit(self);
        for value in self.splat_log.split_off(known) {
            self.splats.remove(&value);
        }
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(after);
    }

    /// Whether running a region without need costs little. Jumps out of enclosing uniform loops need a branch.
    pub(crate) fn is_cheap(&self, region: &[Stmt], most: usize) -> bool {
        region.len() <= most
            && region.iter().all(|stmt| match stmt {
                Stmt::Let(value) => match self.code.nest.lane.inst(*value) {
                    Inst::LoadAt(..) => false,
                    Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) => true,
                    Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::Extent(..) => true,
                },
                Stmt::Set(..) => true,
                Stmt::Break(_) | Stmt::Continue(_) => true,
                Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) => false,
                Stmt::Check { .. } | Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => false,
            })
    }

    pub(crate) fn block(&mut self, stmt: &Stmt, body: &Region) -> bool {
        let id = self.code.facts.number(stmt);
        if self.diverges(stmt) {
            let mask = self.active_or_all();
            let mask = self.mask_var(mask);
            self.open.push(Open::Lanes { id, level: self.active.len(), alive: None, after: None });
            self.active.push(mask);
            self.region(body);
            self.active.pop();
            self.open.pop();
            return true;
        }
        let after = self.f.b.create_block();
        self.open.push(Open::Jumps { id, leave: after, again: None });
        if self.region(body) {
            self.f.b.ins().jump(after, &[]);
        }
        self.open.pop();
        self.f.enter_sealed(after);
        true
    }

    fn active_or_all(&mut self) -> Mask {
        match self.active_mask() {
            Some(mask) => mask,
            None => self.f.all_true(self.code.mask_class, self.lanes),
        }
    }

    pub(crate) fn endless_loop(&mut self, stmt: &Stmt, body: &Region) -> bool {
        if self.diverges(stmt) {
            self.lanes_loop(stmt, body);
        } else {
            self.if_any(|lane| lane.uniform_loop(stmt, body));
        }
        true
    }

    fn lanes_loop(&mut self, stmt: &Stmt, body: &Region) {
        let id = self.code.facts.number(stmt);
        let entry = self.active_or_all();
        let lanes = self.loop_lanes(id, entry);
        let parked = self.park(body);
        let header = self.f.enter_loop();
        let after = self.f.b.create_block();
        self.f.poll_cancel();
        let tested = self.masked_turn(id, &lanes, body, after, None);
        self.unpark(parked);
        self.f.order_by_need();
        if tested {
            self.f.b.ins().jump(header, &[]);
        } else {
            let any = self.any_of(&lanes.alive);
            self.f.b.ins().brif(any, header, &[], after, &[]);
        }
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
    }

    /// The masks of a loop that starts with these lanes.
    fn loop_lanes(&mut self, id: usize, entry: Mask) -> LoopLanes {
        let alive = self.mask_var(entry);
        let continued = self.code.facts.continued(id);
        let now = if continued { self.mask_var(entry) } else { alive.clone() };
        LoopLanes { alive, now, continued }
    }

    /// One turn: lanes that were continued come back, the counter of each lane is set, the body runs. Gives whether it
    /// has tested if any lane is left.
    fn masked_turn(
        &mut self,
        id: usize,
        lanes: &LoopLanes,
        body: &Region,
        after: clif::Block,
        counter: Option<(Local, Regs)>,
    ) -> bool {
        if lanes.continued {
            let mask = self.read_mask(&lanes.alive);
            self.write_mask(&lanes.now, mask);
        }
        let alive = lanes.continued.then(|| lanes.alive.clone());
        self.open.push(Open::Lanes { id, level: self.active.len(), alive, after: Some(after) });
        self.active.push(lanes.now.clone());
        if let Some((index, at)) = counter {
            self.set_varying(index, at);
        }
        let tested = self.turn(body, &lanes.alive, after, !lanes.continued);
        self.active.pop();
        self.open.pop();
        tested
    }

    /// Leaves or continues the n-th enclosing loop or block; false if all lanes did by a real jump.
    pub(crate) fn leave(&mut self, depth: u32, is_continue: bool) -> bool {
        let mut masked = false;
        let mut jump = None;
        let mut passed = 0;
        let mut level = self.active.len();
        let mut left: Vec<MaskVar> = Vec::new();
        for open in self.open.iter().rev() {
            match open {
                Open::Branch { .. } => continue,
                Open::Masked { .. } => {
                    masked = true;
                    continue;
                }
                Open::Jumps { leave, again, .. } if !masked => {
                    let target = passed == depth;
                    jump = Some(again.filter(|_| target && is_continue).unwrap_or(*leave));
                }
                Open::Jumps { .. } => {}
                Open::Lanes { level: own, alive, .. } => {
                    masked = true;
                    level = *own;
                    if !(passed == depth && is_continue) {
                        left.extend(alive.clone());
                    }
                }
            }
            if passed == depth {
                break;
            }
            passed += 1;
        }
        if masked && let Some(gone) = self.active_mask() {
            left.extend_from_slice(&self.active[level..]);
            for mask in left {
                let rest = self.read_mask(&mask);
                let rest = self.f.mask_and_not(rest, gone);
                self.write_mask(&mask, rest);
            }
        }
        match jump {
            Some(block) => {
                self.f.b.ins().jump(block, &[]);
                false
            }
            None => true,
        }
    }

    pub(crate) fn for_loop(&mut self, stmt: &Stmt, index: Local, range: [Value; 3], body: &Region) -> bool {
        if !self.diverges(stmt) {
            self.if_any(|lane| lane.counted(stmt, index, range, body));
        } else if self.varies_local(index) {
            self.lanes_for(stmt, index, range, body);
        } else {
            self.shared_for(stmt, index, range, body);
        }
        true
    }

    /// All lanes count together, with real jumps.
    fn counted(&mut self, stmt: &Stmt, index: Local, range: [Value; 3], body: &Region) {
        let id = self.code.facts.number(stmt);
        let [start, stop, step] = range.map(|value| self.uniform(value));
        let form = Form::scalar(Type::I64);
        let sign = self.sign_of(range[2]);
        let copies = self.copies_of_turns(index, range, body);
        if let (Some(up), true) = (sign, copies > 1) {
            return self.counted_in_copies(&Counted { id, index, start, stop, up, copies, body });
        }
        let start = self.grouped_turns(index, [start, stop], body);
        let (header, latch, after) = (self.f.b.create_block(), self.f.b.create_block(), self.f.b.create_block());
        let some = self.in_range(form, sign, [start, stop, step]);
        let counter = self.f.variable(start);
        let innermost = is_innermost(body);
        let around = innermost.then(|| self.open_pointers(index, counter, [start, step], body));
        let unit = self.code.nest.lane.inst(range[2]).clone();
        let unit = matches!(unit, Inst::Const(scalar) if scalar.as_i64().abs() == 1);
        let poll = !self.is_short(range, body);
        // Short turns are polled in groups.
        let groups = (poll && innermost && unit).then(|| self.f.b.create_block());
        self.f.b.ins().brif(some, groups.unwrap_or(header), &[], after, &[]);
        let group_end = groups.map(|groups| self.open_group(groups, header, counter, sign, stop));
        self.f.b.switch_to_block(header);
        if poll && groups.is_none() {
            self.f.poll_cancel();
        }
        let at = self.f.b.use_var(counter);
        self.set_counter(index, at);
        self.open.push(Open::Jumps { id, leave: after, again: Some(latch) });
        if self.region(body) {
            self.f.b.ins().jump(latch, &[]);
        }
        self.open.pop();
        self.f.enter_sealed(latch);
        self.advance_pointers();
        let at = self.f.b.use_var(counter);
        let next = self.f.b.ins().iadd(at, step);
        match (groups, group_end) {
            (Some(groups), Some(end)) => {
                self.f.b.def_var(counter, next);
                let (more, left) = (self.in_range(form, sign, [next, end, step]), self.f.b.create_block());
                self.f.b.ins().brif(more, header, &[], left, &[]);
                self.f.enter_sealed(left);
                let more = self.in_range(form, sign, [next, stop, step]);
                self.f.b.ins().brif(more, groups, &[], after, &[]);
                self.f.b.seal_block(groups);
            }
            (Some(_), None) | (None, _) => {
                let more = self.has_next(form, sign, [at, stop, step]);
                self.f.b.def_var(counter, next);
                self.f.b.ins().brif(more, header, &[], after, &[]);
            }
        }
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
        if let Some(around) = around {
            self.pointers = around;
        }
    }

    /// Begins a group of turns by 1 or -1 with a look at the cancel flag; gives where it ends.
    pub(crate) fn open_group(
        &mut self,
        groups: clif::Block,
        header: clif::Block,
        counter: Variable,
        up: Option<bool>,
        stop: clif::Value,
    ) -> clif::Value {
        self.f.b.switch_to_block(groups);
        self.f.poll_cancel();
        let at = self.f.b.use_var(counter);
        let most = self.f.int(GROUP);
        let end = match up {
            Some(false) => {
                let left = self.f.b.ins().isub(at, stop);
                let turns = self.f.b.ins().umin(left, most);
                self.f.b.ins().isub(at, turns)
            }
            Some(true) | None => {
                let left = self.f.b.ins().isub(stop, at);
                let turns = self.f.b.ins().umin(left, most);
                self.f.b.ins().iadd(at, turns)
            }
        };
        self.f.b.ins().jump(header, &[]);
        end
    }

    pub(crate) fn set_counter(&mut self, index: Local, at: clif::Value) {
        if self.varies_local(index) {
            let regs = self.f.spread(Type::I64, at, self.lanes);
            self.set_varying(index, regs);
        } else {
            self.f.b.def_var(self.locals[index.index()][0], at);
        }
    }

    /// Lanes may leave one by one, but those that stay count together.
    fn shared_for(&mut self, stmt: &Stmt, index: Local, range: [Value; 3], body: &Region) {
        let id = self.code.facts.number(stmt);
        let [start, stop, step] = range.map(|value| self.uniform(value));
        let form = Form::scalar(Type::I64);
        let sign = self.sign_of(range[2]);
        let entry = self.active_or_all();
        let lanes = self.loop_lanes(id, entry);
        let counter = self.f.variable(start);
        let (header, after) = (self.f.b.create_block(), self.f.b.create_block());
        let some = self.in_range(form, sign, [start, stop, step]);
        let any = self.f.mask_any(entry, self.lanes);
        let some = self.f.b.ins().band(some, any);
        self.f.b.ins().brif(some, header, &[], after, &[]);
        self.f.b.switch_to_block(header);
        self.f.poll_cancel();
        let at = self.f.b.use_var(counter);
        self.f.b.def_var(self.locals[index.index()][0], at);
        let tested = self.masked_turn(id, &lanes, body, after, None);
        let at = self.f.b.use_var(counter);
        let mut more = self.has_next(form, sign, [at, stop, step]);
        if !tested {
            let any = self.any_of(&lanes.alive);
            more = self.f.b.ins().band(more, any);
        }
        let next = self.f.b.ins().iadd(at, step);
        self.f.b.def_var(counter, next);
        self.f.b.ins().brif(more, header, &[], after, &[]);
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
    }

    /// Every lane counts for itself.
    fn lanes_for(&mut self, stmt: &Stmt, index: Local, range: [Value; 3], body: &Region) {
        let id = self.code.facts.number(stmt);
        let [start, stop, step] = range.map(|value| self.spread(value));
        let sign = self.sign_of(range[2]);
        let entry = self.active_or_all();
        let some = self.lanes_mask(start, stop, step, |lane, form, regs| lane.in_range(form, sign, regs));
        let entry = self.f.mask_and(entry, some);
        let lanes = self.loop_lanes(id, entry);
        let counter: Vec<_> = start.iter().map(|&reg| self.f.variable(reg)).collect();
        let (header, after) = (self.f.b.create_block(), self.f.b.create_block());
        let any = self.f.mask_any(entry, self.lanes);
        self.f.b.ins().brif(any, header, &[], after, &[]);
        self.f.b.switch_to_block(header);
        self.f.poll_cancel();
        let at = Regs::make(counter.len(), |i| self.f.b.use_var(counter[i]));
        self.masked_turn(id, &lanes, body, after, Some((index, at)));
        let at = Regs::make(counter.len(), |i| self.f.b.use_var(counter[i]));
        let more = self.lanes_mask(at, stop, step, |lane, form, regs| lane.has_next(form, sign, regs));
        let rest = self.read_mask(&lanes.alive);
        let rest = self.f.mask_and(rest, more);
        self.write_mask(&lanes.alive, rest);
        for (index, &variable) in counter.iter().enumerate() {
            let next = self.f.b.ins().iadd(at[index], step[index]);
            self.f.b.def_var(variable, next);
        }
        let any = self.f.mask_any(rest, self.lanes);
        self.f.b.ins().brif(any, header, &[], after, &[]);
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
    }

    fn lanes_mask(
        &mut self,
        at: Regs,
        stop: Regs,
        step: Regs,
        mut test: impl FnMut(&mut Self, Form, [clif::Value; 3]) -> clif::Value,
    ) -> Mask {
        let regs = Regs::make(at.len(), |i| test(self, Form::vector(Type::I64), [at[i], stop[i], step[i]]));
        self.f.mask_to(Mask { class: 8, regs }, self.code.mask_class, self.lanes)
    }

    /// Whether a literal step counts up; none if it is not a literal.
    fn sign_of(&self, step: Value) -> Option<bool> {
        self.whole_literal(step).map(|step| step > 0)
    }

    /// The whole number that a literal is.
    pub(crate) fn whole_literal(&self, value: Value) -> Option<i64> {
        self.literal(value).map(|scalar| scalar.as_i64())
    }

    /// Whether the range has a first value.
    pub(crate) fn in_range(&mut self, form: Form, up: Option<bool>, [at, stop, step]: [clif::Value; 3]) -> clif::Value {
        match up {
            Some(true) => self.f.op(Op::Lt, form, [at, stop, at]),
            Some(false) => self.f.op(Op::Lt, form, [stop, at, at]),
            None => {
                let below = self.f.op(Op::Lt, form, [at, stop, at]);
                let above = self.f.op(Op::Lt, form, [stop, at, at]);
                self.by_direction(form, step, below, above)
            }
        }
    }

    /// Whether there is a value after this one. The distance to the bound is compared, as an unsigned number: the next
    /// value itself might overflow.
    fn has_next(&mut self, form: Form, up: Option<bool>, [at, stop, step]: [clif::Value; 3]) -> clif::Value {
        let unsigned = Form { ty: Type::U64, ..form };
        let zero = self.f.constant(form, 0);
        let ahead = |lane: &mut Self| {
            let distance = lane.f.b.ins().isub(stop, at);
            lane.f.op(Op::Lt, unsigned, [step, distance, step])
        };
        let behind = |lane: &mut Self| {
            let distance = lane.f.b.ins().isub(at, stop);
            let size = lane.f.b.ins().isub(zero, step);
            lane.f.op(Op::Lt, unsigned, [size, distance, size])
        };
        match up {
            Some(true) => ahead(self),
            Some(false) => behind(self),
            None => {
                let (ahead, behind) = (ahead(self), behind(self));
                self.by_direction(form, step, ahead, behind)
            }
        }
    }

    /// The first truth where the step is positive, the second where it is negative, false where it is zero: no check
    /// has been passed there by a lane that is not active.
    fn by_direction(&mut self, form: Form, step: clif::Value, up: clif::Value, down: clif::Value) -> clif::Value {
        let zero = self.f.constant(form, 0);
        let positive = self.f.op(Op::Lt, form, [zero, step, zero]);
        let negative = self.f.op(Op::Lt, form, [step, zero, zero]);
        let up = self.f.b.ins().band(positive, up);
        let down = self.f.b.ins().band(negative, down);
        self.f.b.ins().bor(up, down)
    }

    /// Whether a loop is sure to end soon.
    fn is_short(&self, range: [Value; 3], body: &Region) -> bool {
        let [start, stop, step] = range.map(|value| self.whole_literal(value));
        let (Some(start), Some(stop), Some(_)) = (start, stop, step) else {
            return false;
        };
        let nested = body.iter().any(|stmt| inner_regions(stmt)[0].is_some() && !matches!(stmt, Stmt::If { .. }));
        !nested && start.abs_diff(stop) <= 256
    }
}
