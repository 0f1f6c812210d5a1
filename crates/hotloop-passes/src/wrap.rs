//! Asks whether an index is negative only where it is not in bounds as it is: in scalar code, where the answer is a jump
//! that is foreseen.
//!
//! An index `i` that may count from the end is `i < 0 ? i + n : i`, and then checked. That is six instructions on the way
//! to every element. As an unsigned number a negative index is beyond every extent, so that one comparison finds the
//! common case, and the rest stands out of the way.

use crate::bounds::{Bound, index_check};
use crate::guard::push;
use crate::unused::for_each_use;
use hotloop_ir::{Inst, Lane, Op, Program, Region, Stmt, Type, Value};

/// Changes the checks of all nests that compute one point at a time.
pub fn run(program: &mut Program) {
    let mut changed = false;
    for nest in program.nests.iter_mut().filter(|nest| nest.schedule.lanes <= 1) {
        let mut body = std::mem::take(&mut nest.lane.body);
        let uses = uses(&body, &nest.lane);
        changed |= wrap_in(&mut body, &mut nest.lane, &uses);
        nest.lane.body = body;
    }
    if changed {
        crate::unused::run(program);
    }
}

/// How often each value is used.
fn uses(body: &Region, lane: &Lane) -> Vec<u32> {
    let mut uses = vec![0; lane.values.len()];
    for_each_use(body, &mut |value| uses[value.index()] += 1);
    for inst in &lane.values {
        inst.operands().iter().for_each(|operand| uses[operand.index()] += 1);
    }
    uses
}

fn wrap_in(region: &mut Region, lane: &mut Lane, uses: &[u32]) -> bool {
    let mut changed = false;
    let mut list: Region = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        for inner in stmt.regions_mut() {
            changed |= wrap_in(inner, lane, uses);
        }
        match wrapped(&stmt, &list, lane, uses) {
            Some(wrapped) => {
                // Counting from the end goes out of the way too if nothing else needs it.
                let alone = uses[wrapped.from_end.index()] == 1;
                let moves = |value: &Value| wrapped.moved.contains(value) || (alone && *value == wrapped.from_end);
                let moved: Vec<Stmt> =
                    list.extract_if(.., |stmt| matches!(stmt, Stmt::Let(value) if moves(value))).collect();
                let counted = moved.into_iter().filter(|stmt| *stmt == Stmt::Let(wrapped.from_end)).collect();
                wrapped.check_apart(counted, stmt, lane, &mut list);
                changed = true;
            }
            None => list.push(stmt),
        }
    }
    *region = list;
    changed
}

/// An index that may count from the end, at its check.
struct Wrapped {
    /// The index as written.
    index: Value,
    /// The same from the front: `index` or `index + n`.
    from_front: Value,
    /// `index + n`.
    from_end: Value,
    /// `n` as an unsigned number.
    extent: Value,
    /// What is computed behind the check from now on.
    moved: [Value; 3],
}

/// The index that a statement checks, if nothing but the check needs it before.
fn wrapped(stmt: &Stmt, before: &Region, lane: &Lane, uses: &[u32]) -> Option<Wrapped> {
    let Stmt::Check { cond, .. } = stmt else { return None };
    let (from_front, bound) = index_check(lane, *cond)?;
    let Inst::Op(Op::Lt, [unsigned, extent, _]) = *lane.inst(*cond) else { return None };
    let Inst::Op(Op::Select, [negative, from_end, index]) = *lane.inst(from_front) else { return None };
    let Inst::Op(Op::Lt, [tested, zero, _]) = *lane.inst(negative) else { return None };
    let Inst::Op(Op::Add, [added_to, added, _]) = *lane.inst(from_end) else { return None };
    let is_zero = matches!(lane.inst(zero), Inst::Const(scalar) if scalar.bits == 0);
    let same = match bound {
        Bound::Value(extent) => added == extent,
        Bound::Const(extent) => matches!(lane.inst(added), Inst::Const(scalar) if scalar.as_i64() == extent),
    };
    let moved = [from_front, unsigned, *cond];
    let only_here = uses[unsigned.index()] == 1 && uses[cond.index()] == 1;
    let computed_here = |value: &Value| before.iter().any(|stmt| matches!(stmt, Stmt::Let(made) if made == value));
    let fits = tested == index && added_to == index && is_zero && same && only_here;
    let fits = fits && moved.iter().all(computed_here) && !is_used_before(from_front, unsigned, before, lane);
    fits.then_some(Wrapped { index, from_front, from_end, extent, moved })
}

/// Whether something but `other` needs a value before the end of a list.
fn is_used_before(value: Value, other: Value, list: &Region, lane: &Lane) -> bool {
    let mut used = false;
    for_each_use(list, &mut |used_here| used |= used_here == value);
    used || computes_with(value, other, list, lane)
}

fn computes_with(value: Value, other: Value, list: &[Stmt], lane: &Lane) -> bool {
    list.iter().any(|stmt| {
        let own = matches!(stmt, Stmt::Let(made) if *made != other && lane.inst(*made).operands().contains(&value));
        own || stmt.regions().into_iter().any(|inner| computes_with(value, other, inner, lane))
    })
}

impl Wrapped {
    /// The index in bounds as it is, or else, out of the way, counted from the end (by `counted`) and checked.
    fn check_apart(&self, mut counted: Region, check: Stmt, lane: &mut Lane, list: &mut Region) {
        let &Wrapped { index, from_front, from_end, extent, moved: [_, unsigned, cond] } = self;
        let place = hotloop_ir::Local(lane.locals.len() as u32);
        lane.locals.push(Type::I64);
        let let_ = |lane: &mut Lane, inst, ty, list: &mut Region| {
            let value = push(lane, inst, ty);
            list.push(Stmt::Let(value));
            value
        };
        let as_it_is = let_(lane, Inst::Bitcast(index), Type::U64, list);
        let beyond = let_(lane, Inst::Op(Op::Le, [extent, as_it_is, extent]), Type::Bool, list);
        let beyond = let_(lane, Inst::Op(Op::Unlikely, [beyond; 3]), Type::Bool, list);
        list.push(Stmt::Set(place, index));
        lane.values[unsigned.index()] = Inst::Bitcast(from_end);
        counted.extend([Stmt::Let(unsigned), Stmt::Let(cond), check, Stmt::Set(place, from_end)]);
        list.push(Stmt::If { cond: beyond, then: counted, otherwise: Vec::new() });
        lane.values[from_front.index()] = Inst::Local(place);
        list.push(Stmt::Let(from_front));
    }
}
