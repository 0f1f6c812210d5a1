//! How lanes leave loops under masks: one by one, which clears them in the loop's mask, or all together by a real jump.
//!
//! A condition such as `n < limit and x <= 4` may have a part that is the same in all lanes. That part needs no mask; and
//! since it depends on few numbers, it is tested at the start of a turn, so that the rest of the turn is one block.

use crate::control::Open;
use crate::lane::{Lane, MaskVar};
use cranelift_codegen::ir::{self as clif, InstBuilder};
use hotloop_ir::{Inst, Op, Region, Stmt, Value};

/// The rest of a turn is run without a branch before it up to so many statements: it is for nothing in the last turn
/// only.
const SHORT: usize = 40;

/// A test that leaves a loop or block: lanes stay where the condition is this.
#[derive(Clone, Copy)]
struct Exit {
    cond: Value,
    stays: bool,
}

impl Lane<'_, '_, '_> {
    /// The usual exit of a loop, `if cond { break }` right in its body, takes lanes out of one mask and needs no other.
    pub(crate) fn leaves_at_once(&mut self, cond: Value, then: &Region, otherwise: &Region) -> bool {
        let Some(&Open::Lanes { alive: None, after, .. }) = self.open.last() else { return false };
        let (Some(exit), Some(now)) = (self.exit(cond, then, otherwise), self.active.last().cloned()) else {
            return false;
        };
        let cond = match self.shared_part(exit) {
            Some((shared, rest)) if after.is_some() => {
                self.leave_together(Exit { cond: shared, ..exit }, after);
                rest
            }
            Some(_) | None => exit.cond,
        };
        let cond = self.mask(cond, self.code.mask_class);
        let before = self.read_mask(&now);
        let rest = if exit.stays { self.f.mask_and(before, cond) } else { self.f.mask_and_not(before, cond) };
        self.write_mask(&now, rest);
        true
    }

    /// What an `if` tests that does nothing but leave the loop or block around it.
    fn exit(&self, cond: Value, then: &Region, otherwise: &Region) -> Option<Exit> {
        let (stays, region) = match (then.is_empty(), otherwise.is_empty()) {
            (false, true) => (false, then),
            (true, false) => (true, otherwise),
            (true, true) | (false, false) => return None,
        };
        let [Stmt::Break(0)] = region.as_slice() else { return None };
        Some(match self.code.nest.lane.inst(cond) {
            Inst::Op(Op::Not, [inner, ..]) => Exit { cond: *inner, stays: !stays },
            Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => Exit { cond, stays },
            Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) => Exit { cond, stays },
            Inst::Extent(..) => Exit { cond, stays },
        })
    }

    /// The part of a condition that is the same in all lanes, if that alone can make them leave, and the other part.
    fn shared_part(&self, exit: Exit) -> Option<(Value, Value)> {
        let splits = if exit.stays { Op::And } else { Op::Or };
        let Inst::Op(op, [a, b, _]) = *self.code.nest.lane.inst(exit.cond) else { return None };
        let varies = |value: Value| self.code.facts.varying[value.index()];
        match (varies(a), varies(b)) {
            (false, true) if op == splits => Some((a, b)),
            (true, false) if op == splits => Some((b, a)),
            (true | false, true | false) => None,
        }
    }

    /// Takes all lanes out of a loop by a real jump; once for each condition.
    fn leave_together(&mut self, exit: Exit, after: Option<clif::Block>) {
        let Some(after) = after.filter(|_| !self.left_together.contains(&exit.cond)) else { return };
        self.left_together.push(exit.cond);
        let cond = self.uniform(exit.cond);
        let go_on = self.f.b.create_block();
        let (yes, no) = if exit.stays { (go_on, after) } else { (after, go_on) };
        self.f.b.ins().brif(cond, yes, &[], no, &[]);
        self.f.enter_sealed(go_on);
    }

    /// At the start of a turn: the test that takes all lanes out together, if only numbers are computed before it. What
    /// follows is then in one piece. Gives how many statements have been looked at; of them, those that do not vary are
    /// done.
    fn leave_early(&mut self, body: &Region, after: clif::Block) -> usize {
        let numbers = body.iter().take_while(|stmt| self.is_number(stmt)).count();
        let Some(Stmt::If { cond, then, otherwise }) = body.get(numbers) else { return 0 };
        let Some(exit) = self.exit(*cond, then, otherwise) else { return 0 };
        let Some((shared, _)) = self.shared_part(exit) else { return 0 };
        for stmt in &body[..numbers] {
            if !self.varies_number(stmt) {
                self.stmt(stmt);
            }
        }
        self.leave_together(Exit { cond: shared, ..exit }, Some(after));
        numbers
    }

    /// Whether a statement computes a number that may as well be computed later.
    fn is_number(&self, stmt: &Stmt) -> bool {
        let Stmt::Let(value) = stmt else { return false };
        match self.code.nest.lane.inst(*value) {
            Inst::LoadAt(..) | Inst::Load(_) => false,
            Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) => true,
            Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => true,
        }
    }

    fn varies_number(&self, stmt: &Stmt) -> bool {
        matches!(stmt, Stmt::Let(value) if self.code.facts.varying[value.index()])
    }

    /// One turn of a loop under masks. The one test for lanes left in the loop comes right after the first statement
    /// that can take some out, since a turn with no lane would cost more than it; but if what follows is cheap, it is
    /// left to the end of the turn, which then has no branch.
    pub(crate) fn turn(&mut self, body: &Region, alive: &MaskVar, after: clif::Block, may_jump: bool) -> bool {
        let first = body.iter().position(|stmt| leaves(stmt, 0));
        let first = first.filter(|&first| !self.is_cheap(&body[first + 1..], SHORT));
        let known = self.splat_log.len();
        let early = if may_jump { self.leave_early(body, after) } else { 0 };
        for (index, stmt) in body.iter().enumerate() {
            if index >= early || self.varies_number(stmt) {
                self.stmt(stmt);
            }
            if first == Some(index) {
                self.leave_if_none(alive, after);
            }
        }
        for value in self.splat_log.split_off(known) {
            self.splats.remove(&value);
        }
        first.is_some()
    }

    pub(crate) fn any_of(&mut self, mask: &MaskVar) -> clif::Value {
        let mask = self.read_mask(mask);
        self.f.mask_any(mask, self.lanes)
    }

    pub(crate) fn leave_if_none(&mut self, alive: &MaskVar, after: clif::Block) {
        let any = self.any_of(alive);
        let go_on = self.f.b.create_block();
        self.f.b.ins().brif(any, go_on, &[], after, &[]);
        self.f.enter_sealed(go_on);
    }
}

/// Whether a statement may take lanes out of the loop `depth` constructs around it.
fn leaves(stmt: &Stmt, depth: u32) -> bool {
    let inside = |region: &Region, depth| region.iter().any(|stmt| leaves(stmt, depth));
    match stmt {
        Stmt::Break(target) => *target >= depth,
        Stmt::Continue(target) => *target > depth,
        Stmt::If { then, otherwise, .. } => inside(then, depth) || inside(otherwise, depth),
        Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => inside(body, depth + 1),
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => false,
        Stmt::Fold(..) | Stmt::Check { .. } => false,
    }
}
