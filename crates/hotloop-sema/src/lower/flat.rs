//! Rows laid one behind the other: `out[i*m + j]`, where each turn of a parallel loop over `i` writes the row from `i*m` on.
//!
//! With `j` from 0 up to `m`, no two turns name the same element unless `i*m` wraps around. Every turn writes its whole
//! row whatever the data say: then a row beyond the end, which comes before any that wraps, is an error already.

use super::linear::Linearizer;
use super::shape::Ext;
use super::shared::alike;
use crate::hir::{Block, Expr, Index, Kind, StmtKind, VarId};
use hotloop_ir::Op;

/// A loop over the elements of a row: its variable, and how many there are.
pub(super) struct Row<'h> {
    column: VarId,
    width: &'h Expr,
    /// The arrays whose elements each turn of it writes.
    writes: Vec<VarId>,
}

/// The loops over rows in the body of a parallel loop that goes up by 1.
pub(super) fn rows<'h>(linear: &Linearizer<'h>, step: Ext, body: &'h Block) -> Vec<Row<'h>> {
    let mut one_way = step == Ext::Const(1);
    body.walk_stmts(&mut |stmt| {
        one_way &= !matches!(stmt.kind, StmtKind::Break | StmtKind::Continue | StmtKind::Return(_));
    });
    let row = |kind: &'h StmtKind| match kind {
        StmtKind::For { var, start, stop, step, body, .. } => {
            let whole = number(start) == Some(0) && number(step) == Some(1) && linear.stays(stop);
            let writes = body.stmts.iter().filter_map(|stmt| match &stmt.kind {
                StmtKind::Store { array, .. } => Some(*array),
                StmtKind::Assign(..) | StmtKind::AssignCall(..) | StmtKind::If { .. } | StmtKind::While { .. } => None,
                StmtKind::For { .. } | StmtKind::Break | StmtKind::Continue | StmtKind::Return(_) => None,
            });
            whole.then(|| Row { column: *var, width: stop, writes: writes.collect() })
        }
        StmtKind::Store { .. } | StmtKind::Assign(..) | StmtKind::AssignCall(..) | StmtKind::If { .. } => None,
        StmtKind::While { .. } | StmtKind::Break | StmtKind::Continue | StmtKind::Return(_) => None,
    };
    if one_way { body.stmts.iter().filter_map(|stmt| row(&stmt.kind)).collect() } else { Vec::new() }
}

/// Whether all accesses to an array are to the row of their turn: each index is `i*m + j`, with one `m` in all of them.
pub(super) fn keeps_to_rows<'h>(
    linear: &Linearizer<'h>,
    rows: &[Row<'h>],
    array: VarId,
    indices: &[&'h [Index]],
) -> bool {
    let row_of = |index: &&'h [Index]| {
        let [Index::At(at)] = index else { return None };
        rows.iter().find(|row| linear.is_row_element(at, row))
    };
    let found: Option<Vec<&Row<'h>>> = indices.iter().map(row_of).collect();
    let Some(found) = found.filter(|found| !found.is_empty()) else { return false };
    // Each loop over columns that comes up is there in full in every turn, and so is one that writes.
    found.iter().all(|row| alike(row.width, found[0].width)) && found.iter().any(|row| row.writes.contains(&array))
}

impl<'h> Linearizer<'h> {
    /// Whether an expression is a number or a variable that the loop does not change.
    fn stays(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Var(var) => self.is_fixed(*var),
            _ => number(expr).is_some(),
        }
    }

    /// Whether an index is the loop's variable times the width of a row, plus its column.
    fn is_row_element(&self, at: &'h Expr, row: &Row<'_>) -> bool {
        let Some((Op::Add, [a, b])) = parts(self.resolved(at)) else { return false };
        let column = |expr: &Expr| matches!(&expr.kind, Kind::Var(var) if *var == row.column);
        let start = |expr: &'h Expr| {
            let Some((Op::Mul, [a, b])) = parts(self.resolved(expr)) else { return false };
            (self.is_index(a) && alike(b, row.width)) || (self.is_index(b) && alike(a, row.width))
        };
        (column(a) && start(b)) || (column(b) && start(a))
    }
}

/// The op of an expression and its two operands.
fn parts(expr: &Expr) -> Option<(Op, &[Expr; 2])> {
    match &expr.kind {
        Kind::Op(op, args) => Some((*op, args.as_slice().try_into().ok()?)),
        Kind::Checked(op, args) => Some((op.op(), args.as_slice().try_into().ok()?)),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        Kind::Const(value) if value.ty.is_int() => Some(value.as_i64()),
        _ => None,
    }
}
