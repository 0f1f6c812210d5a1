//! What the turns of a parallel loop may share beyond plain folds: extremes kept by a branch, with the turn that had them,
//! and array elements that values are added up in.
//!
//! An extreme kept by a branch is a fold like `min` and `max`, except that it never takes a NaN. Its position comes from
//! a second run over the points, which finds the first whose extreme is that of all.

use super::Lower;
use super::prange::Access;
use crate::hir::{Block, Expr, Index, Kind, Stmt, StmtKind, VarId};
use hotloop_ir::{FoldOp, Op};
use hotloop_source::Span;

/// `if x > m { m = x }`, perhaps with `k = i` beside it.
pub(super) struct Extreme {
    /// The variable that keeps the extreme.
    pub var: VarId,
    /// Which extreme.
    pub op: FoldOp,
    /// The variables that keep the turn that had it.
    pub positions: Vec<VarId>,
    /// The assignments this explains.
    pub spans: Vec<Span>,
}

/// The extremes that a parallel loop over `index` keeps by branches.
pub(super) fn extremes(index: VarId, body: &Block) -> Vec<Extreme> {
    let mut found = Vec::new();
    body.walk_stmts(&mut |stmt| found.extend(extreme(index, stmt)));
    found
}

fn extreme(index: VarId, stmt: &Stmt) -> Option<Extreme> {
    let StmtKind::If { cond, then, otherwise } = &stmt.kind else { return None };
    if !otherwise.stmts.is_empty() {
        return None;
    }
    let mut kept = None;
    let mut positions = Vec::new();
    let mut spans = Vec::new();
    for inner in &then.stmts {
        let StmtKind::Assign(var, value) = &inner.kind else { return None };
        spans.push(inner.span);
        match compared(cond, *var, value) {
            Some((op, strict)) if kept.is_none() => kept = Some((*var, op, strict)),
            Some(_) => return None,
            None if matches!(plain(value).kind, Kind::Var(other) if other == index) => positions.push(*var),
            None => return None,
        }
    }
    let (var, op, strict) = kept?;
    // Only with a strict comparison is the position that of the first turn.
    (strict || positions.is_empty()).then_some(Extreme { var, op, positions, spans })
}

/// Which extreme `var` keeps if `value` is assigned where `cond` holds, and whether the comparison is strict.
fn compared(cond: &Expr, var: VarId, value: &Expr) -> Option<(FoldOp, bool)> {
    let itself = |expr: &Expr| matches!(expr.kind, Kind::Var(other) if other == var);
    match &cond.kind {
        Kind::Logic(Op::And, a, b) => {
            let (first, second) = (compared(a, var, value), compared(b, var, value));
            match (first, reads(b, var), second, reads(a, var)) {
                (Some(found), false, _, _) | (_, _, Some(found), false) => Some(found),
                (_, _, _, _) => None,
            }
        }
        Kind::Op(op @ (Op::Lt | Op::Le), args) => {
            // `x > m` is `m < x`.
            let above = itself(&args[0]) && alike(&args[1], value);
            let below = itself(&args[1]) && alike(&args[0], value);
            match (above, below) {
                (true, _) => Some((FoldOp::Max, *op == Op::Lt)),
                (_, true) => Some((FoldOp::Min, *op == Op::Lt)),
                (false, false) => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression mentions a variable.
fn reads(expr: &Expr, var: VarId) -> bool {
    let mut found = false;
    expr.walk(&mut |inner| found |= matches!(inner.kind, Kind::Var(other) if other == var));
    found
}

/// An expression without the conversions around it.
fn plain(expr: &Expr) -> &Expr {
    match &expr.kind {
        Kind::Convert(inner) => plain(inner),
        _ => expr,
    }
}

/// Whether two expressions are written alike, so that at one place of the program they have one value.
pub(super) fn alike(a: &Expr, b: &Expr) -> bool {
    let all = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b));
    a.ty.elem == b.ty.elem
        && match (&a.kind, &b.kind) {
            (Kind::Var(a), Kind::Var(b)) => a == b,
            (Kind::Const(a), Kind::Const(b)) => a == b,
            (Kind::Number(a), Kind::Number(b)) => a == b,
            (Kind::Op(p, a), Kind::Op(q, b)) => p == q && all(a, b),
            (Kind::Checked(p, a), Kind::Checked(q, b)) => p == q && all(a, b),
            (Kind::Map(p, a), Kind::Map(q, b)) | (Kind::Inline(p, a), Kind::Inline(q, b)) => p == q && all(a, b),
            (Kind::Convert(a), Kind::Convert(b)) | (Kind::Bitcast(a), Kind::Bitcast(b)) => alike(a, b),
            (Kind::Part(p, a), Kind::Part(q, b)) => p == q && alike(a, b),
            (Kind::Complex(a, c), Kind::Complex(b, d)) => alike(a, b) && alike(c, d),
            (Kind::IntDiv(p, a, c), Kind::IntDiv(q, b, d)) => p == q && alike(a, b) && alike(c, d),
            (Kind::Index(a, i), Kind::Index(b, j)) => alike(a, b) && same_place(i, j),
            _ => false,
        }
}

fn same_place(a: &[Index], b: &[Index]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|pair| matches!(pair, (Index::At(a), Index::At(b)) if alike(a, b)))
}

impl<'h> Lower<'h> {
    /// Whether a loop changes an array only by combining values into its elements, each time by one and the same op
    /// whose order does not matter, as in `count[bin[i]] += 1`.
    pub(super) fn accumulates(&self, array: VarId, accesses: &[&Access<'h>], body: &'h Block) -> bool {
        let mut ops = Vec::new();
        let mut fits = true;
        body.walk_stmts(&mut |stmt| {
            if let StmtKind::Store { array: stored, index, value, .. } = &stmt.kind
                && *stored == array
            {
                let op = combined(array, index, value);
                fits &= op.is_some();
                ops.extend(op);
            }
        });
        let reads = accesses.iter().filter(|access| !access.store).count();
        fits && reads == ops.len() && ops.iter().all(|op| *op == ops[0])
    }
}

/// The op by which a store combines a value with the element it replaces.
fn combined(array: VarId, index: &[Index], value: &Expr) -> Option<Op> {
    let (op, args) = match &plain(value).kind {
        Kind::Op(op, args) => (*op, args),
        Kind::Checked(op, args) => (op.op(), args),
        _ => return None,
    };
    let element = |expr: &Expr| match &plain(expr).kind {
        Kind::Index(base, at) => matches!(base.kind, Kind::Var(other) if other == array) && same_place(at, index),
        _ => false,
    };
    let (left, right) = (args.first().is_some_and(element), args.get(1).is_some_and(element));
    match op {
        Op::Add | Op::Mul | Op::Min | Op::Max | Op::And | Op::Or | Op::Xor if left != right => Some(op),
        Op::Sub if left && !right => Some(Op::Add),
        _ => None,
    }
}
