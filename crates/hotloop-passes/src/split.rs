//! Splits a loop at the one turn that stores an element which all turns read, so that the turns before it and those
//! after it can be grouped.
//!
//! In `for j in range(n) { a[i, j] -= a[i, k] * a[k, j] }` only the turn in which `j` is `k` stores `a[i, k]`. The three
//! parts run in the order of the turns, and the turn between by itself, so every turn reads what it did before.

use crate::guard::{copy, push};
use crate::together::own_counter;
use hotloop_ir::{Inst, Lane, Local, Op, Stmt, Turns, Type, Value};

/// The statements that a loop by 1 becomes, whose turns are grouped but for that in which the counter is `meeting`.
pub(crate) fn around(
    stmt: Stmt,
    meeting: Value,
    turns: &Turns,
    lane: &mut Lane,
    grouped: &mut Vec<Turns>,
) -> Vec<Stmt> {
    let Stmt::For { index, start, stop, step, body } = stmt else { return vec![stmt] };
    let mut list = Vec::new();
    let mut op = |lane: &mut Lane, op: Op, [a, b]: [Value; 2]| {
        let value = push(lane, Inst::Op(op, [a, b, a]), op.result(Type::I64));
        list.push(Stmt::Let(value));
        value
    };
    // Both bounds lie in the range, also where the meeting turn does not. If there are turns at all, `meeting` is an index
    // in bounds, so the number after it does not wrap; if there are none, all parts are empty.
    let first = op(lane, Op::Max, [meeting, start]);
    let first = op(lane, Op::Min, [first, stop]);
    let behind = op(lane, Op::Add, [meeting, step]);
    let behind = op(lane, Op::Max, [behind, start]);
    let behind = op(lane, Op::Min, [behind, stop]);
    let met = op(lane, Op::Lt, [first, behind]);
    let part = |lane: &mut Lane, grouped: &mut Vec<Turns>| -> (Local, Vec<Stmt>) {
        let mut same: Vec<Value> = (0..lane.values.len() as u32).map(Value).collect();
        let body = copy(&body, lane, &mut same);
        let own = own_counter(index, &body, lane);
        grouped.push(Turns { counter: own, ..turns.clone() });
        (own, body)
    };
    let (before, body_before) = part(lane, grouped);
    let (after, body_after) = part(lane, grouped);
    list.push(Stmt::For { index: before, start, stop: first, step, body: body_before });
    let mut turn = vec![Stmt::Set(index, first)];
    turn.extend(body);
    list.push(Stmt::If { cond: met, then: turn, otherwise: Vec::new() });
    list.push(Stmt::For { index: after, start: behind, stop, step, body: body_after });
    list
}
