//! Parallel loops: a nest with one axis, whose stores are proved disjoint and whose scalar updates are reductions.

use super::linear::{Linear, Linearizer};
use super::shape::Ext;
use super::{Binding, LaneCx, Lower, facts};
use crate::errors;
use crate::hir::{Block, Expr, Index, Kind, Stmt, StmtKind, VarId};
use hotloop_ir::{Axis, AxisKind, Fold, FoldDest, FoldId, FoldOp, Local, Op, SlotId, Stmt as IrStmt, Type};
use hotloop_source::{Diagnostic, Span};

/// A scalar that a parallel loop reduces into.
struct Reduced {
    var: VarId,
    slot: SlotId,
    op: FoldOp,
    local: Local,
    partial: SlotId,
}

/// One access to an array that the loop writes.
struct Access<'h> {
    array: VarId,
    index: &'h [Index],
    span: Span,
    store: bool,
}

impl<'h> Lower<'h> {
    /// `for var in prange(…)`.
    pub fn prange(&mut self, var: VarId, [start, stop, step]: [Ext; 3], body: &'h Block, span: Span) {
        if !self.prange_allowed(body, span) {
            return;
        }
        let Some(reduced) = self.reductions(body) else {
            return;
        };
        if let Err(race) = self.disjoint(var, body) {
            self.diags.push(*race);
            return;
        }
        let count = self.range_count(start, stop, step, span);
        self.prepare_block(body);
        let mut cx = LaneCx::new();
        for stored in body.stmts.iter().flat_map(facts::stored) {
            self.in_memory(stored);
            if let Some(array) = self.array_of(stored) {
                cx.no_wrap.insert(array);
            }
        }
        let partials: Vec<SlotId> = reduced
            .iter()
            .map(|(_, slot, _)| {
                let ty = self.program.slot(*slot).ty;
                self.new_slot("partial", ty)
            })
            .collect();
        self.nest = Some(cx);
        let reduced = self.begin_reductions(reduced, partials);
        let index = self.prange_index(start, step);
        self.bind(var, Binding::Value(index));
        self.lane_stmts(&body.stmts);
        for one in &reduced {
            let value = self.b().get(one.local);
            let ty = self.program.slot(one.slot).ty;
            let cx = self.cx();
            let fold = FoldId(cx.folds.len() as u32);
            cx.folds.push(Fold { op: one.op, ty, dest: FoldDest::Slot(one.partial) });
            cx.b.push(IrStmt::Fold(fold, value));
        }
        let kind = if reduced.is_empty() { AxisKind::Parallel } else { AxisKind::Reduce };
        self.close_nest(vec![Axis { kind, extent: count }], span);
        self.finish_reductions(reduced);
    }

    fn prange_allowed(&mut self, body: &'h Block, span: Span) -> bool {
        for stmt in &body.stmts {
            if facts::returns(stmt) {
                self.unsupported(stmt.span, "a parallel loop cannot return", "keep the result in a reduction variable");
                return false;
            }
            if leaves(stmt) {
                self.unsupported(
                    stmt.span,
                    "a parallel loop cannot be left by `break`",
                    "use `range`, or skip the work with `if`",
                );
                return false;
            }
        }
        if !self.laneable_body(body, true) {
            let hint = "use single elements inside `prange`, or `range` for array operations";
            self.unsupported(span, "array operations inside `prange` are not available yet", hint);
            return false;
        }
        true
    }

    fn array_of(&mut self, var: VarId) -> Option<hotloop_ir::ArrayId> {
        let (Binding::Storage(node) | Binding::Array(node)) = self.binding(var) else {
            return None;
        };
        match self.node(node).kind {
            super::node::NodeKind::Source(array, _) => Some(array),
            _ => None,
        }
    }

    fn prange_index(&mut self, start: Ext, step: Ext) -> hotloop_ir::Value {
        let point = self.b().axis(0);
        let step_value = self.ext_value(step);
        let offset = if step == Ext::Const(1) { point } else { self.b().op(Op::Mul, &[point, step_value]) };
        let start_value = self.ext_value(start);
        if start == Ext::Const(0) { offset } else { self.b().op(Op::Add, &[start_value, offset]) }
    }

    /// The outer scalars the body changes, each with the fold that all its changes are. None after reporting others.
    fn reductions(&mut self, body: &'h Block) -> Option<Vec<(VarId, SlotId, FoldOp)>> {
        let mut found: Vec<(VarId, SlotId, FoldOp)> = Vec::new();
        let mut changes = Vec::new();
        body.walk_stmts(&mut |stmt| {
            if let StmtKind::Assign(var, value) = &stmt.kind {
                changes.push((*var, value, stmt.span));
            }
        });
        for (var, value, span) in changes {
            let Binding::ScalarVar(slot) = self.binding(var) else {
                continue;
            };
            let op = reduction_op(var, value);
            let known = found.iter().find(|(other, ..)| *other == var).map(|(_, _, op)| *op);
            match (op, known) {
                (Some(op), None) => found.push((var, slot, op)),
                (Some(op), Some(known)) if op == known => {}
                (None, _) | (Some(_), Some(_)) => {
                    let name = self.var(var).name.clone();
                    let place = self.place(span);
                    self.diags.push(not_a_reduction(place, &name));
                    return None;
                }
            }
        }
        for &(var, ..) in &found {
            if let Some(span) = read_elsewhere(var, body) {
                let name = self.var(var).name.clone();
                let place = self.place(span);
                self.diags.push(not_a_reduction(place, &name));
                return None;
            }
        }
        Some(found)
    }

    fn begin_reductions(&mut self, found: Vec<(VarId, SlotId, FoldOp)>, partials: Vec<SlotId>) -> Vec<Reduced> {
        let mut reduced = Vec::new();
        for ((var, slot, op), partial) in found.into_iter().zip(partials) {
            let ty = self.program.slot(slot).ty;
            let local = self.b().local(ty);
            let neutral = self.literal(hotloop_ir::semantics::neutral(op, ty));
            self.b().set(local, neutral);
            self.bind(var, Binding::Local(local));
            reduced.push(Reduced { var, slot, op, local, partial });
        }
        reduced
    }

    fn finish_reductions(&mut self, reduced: Vec<Reduced>) {
        for one in reduced {
            let (old, new) = (self.pending_slot(one.slot), self.pending_slot(one.partial));
            let value = self.pending.b.op(one.op.op(), &[old, new]);
            self.set_pending(one.slot, value);
            self.bind(one.var, Binding::ScalarVar(one.slot));
        }
    }

    /// Proves that no iteration touches an element another one writes.
    fn disjoint(&mut self, var: VarId, body: &'h Block) -> Result<(), Box<Diagnostic>> {
        let accesses = self.accesses(body);
        let linear = Linearizer::new(var, body);
        let mut arrays: Vec<VarId> = accesses.iter().filter(|access| access.store).map(|access| access.array).collect();
        arrays.sort_unstable();
        arrays.dedup();
        for array in arrays {
            let list: Vec<&Access> = accesses.iter().filter(|access| access.array == array).collect();
            let rank = list[0].index.len();
            let apart = (0..rank).any(|axis| keeps_apart(&linear, &list, axis));
            if !apart {
                return Err(Box::new(self.race(var, array, &linear, &list)));
            }
        }
        Ok(())
    }

    fn accesses(&mut self, body: &'h Block) -> Vec<Access<'h>> {
        let mut found = Vec::new();
        body.walk_stmts(&mut |stmt| {
            if let StmtKind::Store { array, index, .. } = &stmt.kind {
                found.push(Access { array: *array, index, span: stmt.span, store: true });
            }
        });
        body.walk(&mut |expr| {
            if let Kind::Index(base, index) = &expr.kind
                && let Kind::Var(array) = base.kind
            {
                found.push(Access { array, index, span: expr.span, store: false });
            }
        });
        found
    }

    fn race(&self, var: VarId, array: VarId, linear: &Linearizer<'h>, list: &[&Access<'h>]) -> Diagnostic {
        let (name, index) = (&self.var(array).name, &self.var(var).name);
        let bad = list.iter().find(|access| access.store && !depends(linear, access));
        let store = bad.or_else(|| list.iter().find(|access| access.store)).unwrap_or(&list[0]);
        let other = list.iter().find(|access| access.span != store.span);
        let message = format!("iterations of this loop may write the same element of `{name}`");
        let mut diag = errors::plain(
            errors::RACE,
            self.place(store.span),
            message,
            &format!("index one axis of `{name}` by `{index}` alone, the same in every access, or use `range`"),
        );
        diag = diag.label(self.place(store.span), "written here");
        if let Some(other) = other {
            let what = if other.store { "and here" } else { "and read here" };
            diag = diag.label(self.place(other.span), what);
        }
        diag
    }
}

/// Whether along this axis every pair of accesses of two iterations differs.
fn keeps_apart(linear: &Linearizer<'_>, list: &[&Access<'_>], axis: usize) -> bool {
    let forms: Option<Vec<Linear>> = list
        .iter()
        .map(|access| match access.index.get(axis) {
            Some(Index::At(at)) => linear.form(at),
            Some(Index::Slice { .. } | Index::NewAxis | Index::Array(_) | Index::Mask(_)) | None => None,
        })
        .collect();
    let Some(forms) = forms else { return false };
    let first = &forms[0];
    let by = linear.coefficient(first);
    by != 0
        && forms.iter().all(|form| linear.coefficient(form) == by && linear.apart(first, form, by))
        && all_pairs_apart(linear, &forms, by)
}

fn all_pairs_apart(linear: &Linearizer<'_>, forms: &[Linear], by: i64) -> bool {
    forms.iter().enumerate().all(|(i, a)| forms[i + 1..].iter().all(|b| linear.apart(a, b, by)))
}

fn depends(linear: &Linearizer<'_>, access: &Access<'_>) -> bool {
    access.index.iter().any(|part| match part {
        Index::At(at) => linear.form(at).is_some_and(|form| linear.coefficient(&form) != 0),
        Index::Slice { .. } | Index::NewAxis | Index::Array(_) | Index::Mask(_) => false,
    })
}

/// Whether a statement leaves the parallel loop itself.
fn leaves(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Break => true,
        StmtKind::If { then, otherwise, .. } => then.stmts.iter().chain(&otherwise.stmts).any(leaves),
        StmtKind::Continue
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::Assign(..)
        | StmtKind::AssignCall(..)
        | StmtKind::Store { .. }
        | StmtKind::Return(_) => false,
    }
}

/// The fold that `var = value` is, if the value is `var` combined with something else.
fn reduction_op(var: VarId, value: &Expr) -> Option<FoldOp> {
    let itself = |expr: &Expr| matches!(expr.kind, Kind::Var(other) if other == var);
    match &value.kind {
        Kind::Op(op, args) if args.len() == 2 => {
            let (left, right) = (itself(&args[0]), itself(&args[1]));
            match op {
                Op::Add if left || right => Some(FoldOp::Sum),
                Op::Sub if left => Some(FoldOp::Sum),
                Op::Mul if left || right => Some(FoldOp::Prod),
                Op::Min if left || right => Some(FoldOp::Min),
                Op::Max if left || right => Some(FoldOp::Max),
                Op::And if value.ty.elem == Type::Bool && (left || right) => Some(FoldOp::All),
                Op::Or if value.ty.elem == Type::Bool && (left || right) => Some(FoldOp::Any),
                _ => None,
            }
        }
        Kind::Logic(Op::And, a, b) if itself(a) || itself(b) => Some(FoldOp::All),
        Kind::Logic(Op::Or, a, b) if itself(a) || itself(b) => Some(FoldOp::Any),
        _ => None,
    }
}

/// Where a reduction variable is read other than in its own updates.
fn read_elsewhere(var: VarId, body: &Block) -> Option<Span> {
    let mut updates = 0;
    body.walk_stmts(&mut |stmt| {
        if let StmtKind::Assign(other, _) = &stmt.kind {
            updates += usize::from(*other == var);
        }
    });
    let mut reads = Vec::new();
    body.walk(&mut |expr| {
        if matches!(expr.kind, Kind::Var(other) if other == var) {
            reads.push(expr.span);
        }
    });
    if reads.len() > updates { reads.last().copied() } else { None }
}

fn not_a_reduction(span: Span, name: &str) -> Diagnostic {
    errors::plain(
        errors::NOT_A_REDUCTION,
        span,
        format!("`{name}` is shared by the iterations of a parallel loop, and this is not a reduction of it"),
        &format!(
            "change `{name}` only by one of `+= -= *=`, `{name} = min({name}, …)`, `{name} = max({name}, …)`, `and`, `or`; declare it inside the loop if it is temporary; or use `range`"
        ),
    )
}
