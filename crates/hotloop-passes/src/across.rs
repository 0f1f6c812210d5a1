//! Whether the loops inside a nest are better computed several turns at a time than at several points of the nest.
//!
//! Lanes across the points read what lies a row apart where each point goes along a row of its own; lanes along the
//! turns read whole vectors. What is done about it is `together`'s.

use crate::index::Index;
use crate::together::is_innermost;
use hotloop_ir::{Inst, Lane, Local, Nest, Region, Stmt, Value};

/// The most statements beside the innermost loops; more are better computed in lanes.
const MOST_BESIDE: usize = 64;

/// What differs between neighboring points along the last axis of a nest.
pub(crate) struct Differs<'a> {
    lane: &'a Lane,
    last: u32,
    values: Vec<bool>,
    locals: Vec<bool>,
}

impl<'a> Differs<'a> {
    /// Looks through a lane until nothing new is found.
    pub(crate) fn of(nest: &'a Nest) -> Differs<'a> {
        let lane = &nest.lane;
        let last = nest.axes.len().saturating_sub(1) as u32;
        let (values, locals) = (vec![false; lane.values.len()], vec![false; lane.locals.len()]);
        let mut found = Differs { lane, last, values, locals };
        while found.pass(&lane.body) {}
        found
    }

    fn pass(&mut self, region: &[Stmt]) -> bool {
        let mut news = false;
        for stmt in region {
            match stmt {
                Stmt::Let(value) => {
                    let differs = self.inst(*value);
                    news |= differs && !std::mem::replace(&mut self.values[value.index()], differs);
                }
                Stmt::Set(local, value) | Stmt::For { index: local, start: value, .. } => {
                    let differs = self.values[value.index()];
                    news |= differs && !std::mem::replace(&mut self.locals[local.index()], differs);
                }
                Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
                Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
            }
            for inner in stmt.regions() {
                news |= self.pass(inner);
            }
        }
        news
    }

    fn inst(&self, value: Value) -> bool {
        match self.lane.inst(value) {
            Inst::Axis(axis) => *axis == self.last,
            Inst::Local(local) => self.locals[local.index()],
            Inst::Load(_) => true,
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::LoadAt(..) => {
                self.lane.inst(value).operands().iter().any(|operand| self.values[operand.index()])
            }
            Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..) => false,
        }
    }

    /// Whether neighboring points read a row, or part of one, apart, of which each goes along its own: these are the
    /// index along each axis, and the first number of the loop.
    pub(crate) fn by_rows(&self, index: &[Index], start: Value) -> bool {
        let differs = |value: Value| self.values[value.index()];
        let is_point = |value: Value| *self.lane.inst(value) == Inst::Axis(self.last);
        let Some((along, others)) = index.split_last() else { return false };
        let other = others.iter().any(|index| index.terms().iter().any(|(value, _)| differs(*value)));
        let own = along.terms().iter().any(|&(value, by)| differs(value) && !(by == 1 && is_point(value)));
        along.factor == 1 && (other || own || (differs(start) && !is_point(start)))
    }
}

/// Whether a nest does little but run its innermost loops, of which each counts.
pub(crate) fn is_loops(nest: &Nest) -> bool {
    let mut beside = 0;
    only_counts(&nest.lane.body, &mut beside) && beside <= MOST_BESIDE
}

fn only_counts(region: &[Stmt], beside: &mut usize) -> bool {
    region.iter().all(|stmt| {
        let innermost = matches!(stmt, Stmt::For { body, .. } if is_innermost(body));
        let endless = matches!(stmt, Stmt::Loop(_));
        *beside += 1;
        !endless && (innermost || stmt.regions().into_iter().all(|inner| only_counts(inner, beside)))
    })
}

/// Calls `f` for each innermost counted loop: its counter, its first number, its step and its body.
pub(crate) fn for_each_loop<'a>(region: &'a [Stmt], f: &mut dyn FnMut(Local, [Value; 2], &'a Region)) {
    for stmt in region {
        if let Stmt::For { index, start, step, body, .. } = stmt
            && is_innermost(body)
        {
            f(*index, [*start, *step], body);
            continue;
        }
        stmt.regions().into_iter().for_each(|inner| for_each_loop(inner, f));
    }
}
