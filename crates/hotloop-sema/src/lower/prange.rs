//! Parallel loops: a nest with one axis, whose stores are proved disjoint and whose scalar updates are reductions.

use super::linear::Linearizer;
use super::shape::Ext;
use super::shared::{Extreme, extremes};
use super::{Binding, LaneCx, Lower, facts, flat};
use crate::errors;
use crate::hir::{Block, Expr, Index, Kind, Stmt, StmtKind, VarId};
use hotloop_ir::{Axis, AxisKind, Fold, FoldDest, FoldId, FoldOp, Local, Op, Scalar, SlotId, Stmt as IrStmt, Type};
use hotloop_source::{Diagnostic, Span};

/// A scalar that a parallel loop reduces into.
struct Reduced {
    found: Found,
    local: Local,
    partial: SlotId,
}

/// A scalar that a parallel loop reduces, and by what.
#[derive(Clone)]
struct Found {
    var: VarId,
    slot: SlotId,
    op: FoldOp,
    /// Whether a branch keeps it, `if x > m { m = x }`.
    kept: bool,
    /// The variables that keep the turn it comes from.
    positions: Vec<(VarId, SlotId)>,
}

/// One access to an array that the loop writes.
pub(super) struct Access<'h> {
    array: VarId,
    index: &'h [Index],
    span: Span,
    /// Whether it writes.
    pub store: bool,
}

impl<'h> Lower<'h> {
    /// `for var in prange(…)`.
    pub fn prange(&mut self, stmt: &'h Stmt, var: VarId, [start, stop, step]: [Ext; 3], body: &'h Block) {
        let span = stmt.span;
        if !self.prange_allowed(body, span) {
            return;
        }
        let Some(found) = self.reductions(var, body) else {
            return;
        };
        match self.disjoint(var, step, body) {
            Err(race) => return self.diags.push(*race),
            Ok(true) => {}
            Ok(false) => return self.one_after_another(stmt),
        }
        if found.is_empty() && self.flat_prange(var, [start, stop, step], body, span) {
            return;
        }
        let count = self.range_count(start, stop, step, span);
        self.prepare_block(body);
        let cx = self.prange_cx(body);
        let partials: Vec<SlotId> = found
            .iter()
            .map(|one| {
                let ty = self.slot_ty(one.slot);
                self.new_slot("partial", ty)
            })
            .collect();
        let again = found.iter().any(|one| !one.positions.is_empty()).then(|| cx.no_wrap.clone());
        let reduced = self.prange_points(cx, var, [start, step], body, found.clone(), &partials);
        for one in &reduced {
            let value = self.b().get(one.local);
            self.fold_into(one.found.op, one.partial, value);
        }
        let kind = if reduced.is_empty() { AxisKind::Parallel } else { AxisKind::Reduce };
        self.close_nest(vec![Axis { kind, extent: count }], span);
        if let Some(no_wrap) = again {
            let cx = LaneCx { no_wrap, ..LaneCx::new() };
            self.find_positions(cx, var, [start, count, step], body, &reduced, span);
        }
        self.finish_reductions(reduced);
    }

    /// Opens a nest and writes the body for one point; the scalars it reduces are locals.
    fn prange_points(
        &mut self,
        cx: LaneCx,
        var: VarId,
        [start, step]: [Ext; 2],
        body: &'h Block,
        found: Vec<Found>,
        partials: &[SlotId],
    ) -> Vec<Reduced> {
        self.nest = Some(cx);
        let reduced = self.begin_reductions(found, partials);
        let index = self.prange_index(0, start, step);
        self.bind(var, Binding::Value(index));
        self.lane_turn(&body.stmts);
        reduced
    }

    /// The lane of a parallel loop, before anything is in it.
    fn prange_cx(&mut self, body: &'h Block) -> LaneCx {
        let mut cx = LaneCx::new();
        for stored in body.stmts.iter().flat_map(facts::stored) {
            self.in_memory(stored);
            if let Some(array) = self.array_of(stored) {
                cx.no_wrap.insert(array);
            }
        }
        cx
    }

    /// Loops that are nothing but one another: one nest with an axis for each, so that lanes and threads lie over all of
    /// them. False where the inner one is not all there is, or its turns are not proved to be apart.
    fn flat_prange(&mut self, var: VarId, range: [Ext; 3], body: &'h Block, span: Span) -> bool {
        let mut vars = vec![var];
        let mut ranges = vec![range];
        let mut innermost = body;
        while let Some((var, bounds, body)) = self.only_loop(&vars, innermost) {
            vars.push(var);
            ranges.push(bounds.map(|bound| self.expr_ext(bound)));
            innermost = body;
        }
        if vars.len() == 1 {
            return false;
        }
        let counts: Vec<Ext> =
            ranges.iter().map(|&[start, stop, step]| self.range_count(start, stop, step, span)).collect();
        self.prepare_block(body);
        let cx = self.prange_cx(body);
        self.nest = Some(cx);
        for (axis, (&var, &[start, _, step])) in vars.iter().zip(&ranges).enumerate() {
            let index = self.prange_index(axis as u32, start, step);
            self.bind(var, Binding::Value(index));
        }
        self.lane_turn(&innermost.stmts);
        let axes = counts.into_iter().map(|extent| Axis { kind: AxisKind::Parallel, extent });
        self.close_nest(axes.collect(), span);
        true
    }

    /// The loop that is all there is in a body, if its turns are apart, and its range is the same in every turn of those
    /// around it and cannot fail. It need not be called parallel: it keeps nothing from turn to turn.
    fn only_loop(&mut self, around: &[VarId], body: &'h Block) -> Option<(VarId, [&'h Expr; 3], &'h Block)> {
        let [only] = &body.stmts[..] else { return None };
        let StmtKind::For { var, start, stop, step, body, .. } = &only.kind else { return None };
        let Kind::Const(by) = &step.kind else { return None };
        let bounds = [start, stop, step];
        let mut same = true;
        for bound in bounds {
            same &= self.total_expr(bound);
            bound.walk(&mut |expr| same &= !matches!(expr.kind, Kind::Var(var) if around.contains(&var)));
        }
        // What a `break` leaves is turns in their order.
        same &= !body.stmts.iter().any(leaves);
        let by = Ext::Const(by.as_i64());
        let apart = same && by != Ext::Const(0) && matches!(self.disjoint(*var, by, body), Ok(true));
        apart.then_some((*var, bounds, body))
    }

    fn fold_into(&mut self, op: FoldOp, slot: SlotId, value: hotloop_ir::Value) {
        if let (Some(slots), Some(parts)) = (slot.parts(), self.b().parts(value)) {
            slots.into_iter().zip(parts).for_each(|(slot, part)| self.fold_into(op, slot, part));
            return;
        }
        let ty = self.program.slot(slot).ty;
        let cx = self.cx();
        let fold = FoldId(cx.folds.len() as u32);
        cx.folds.push(Fold { op, ty, dest: FoldDest::Slot(slot) });
        cx.b.push(IrStmt::Fold(fold, value));
    }

    /// A loop whose turns combine values into array elements that they share: turn after turn, so that the result is
    /// that of `range`, whatever the type and the number of threads.
    fn one_after_another(&mut self, stmt: &'h Stmt) {
        if !self.laneable_stmt(stmt, true) {
            let hint = "compute them before the loop";
            return self.unsupported(stmt.span, "the bounds of this loop need array operations", hint);
        }
        self.flush();
        for stored in facts::stored(stmt) {
            self.in_memory(stored);
            if let Some(array) = self.array_of(stored) {
                self.pending.no_wrap.insert(array);
            }
        }
        self.lane_region(stmt);
        self.flush();
    }

    /// Runs over the points again, for the first one whose extreme is that of all, and sets what keeps its turn.
    fn find_positions(
        &mut self,
        cx: LaneCx,
        var: VarId,
        [start, count, step]: [Ext; 3],
        body: &'h Block,
        reduced: &[Reduced],
        span: Span,
    ) {
        let found: Vec<Found> = reduced.iter().map(|one| one.found.clone()).collect();
        let partials: Vec<SlotId> = reduced.iter().map(|one| one.partial).collect();
        let firsts: Vec<SlotId> = reduced.iter().map(|_| self.new_slot("first", Type::I64)).collect();
        let again = self.prange_points(cx, var, [start, step], body, found, &partials);
        let none = self.literal(Scalar::i64(i64::MAX));
        for (one, &first) in again.iter().zip(&firsts).filter(|(one, _)| !one.found.positions.is_empty()) {
            let ty = self.slot_ty(one.partial);
            let (own, best) = (self.b().get(one.local), self.b().slot(one.partial, ty));
            let hit = self.b().op(Op::Eq, &[own, best]);
            let point = self.b().axis(0);
            let value = self.b().op(Op::Select, &[hit, point, none]);
            self.fold_into(FoldOp::Min, first, value);
        }
        self.close_nest(vec![Axis { kind: AxisKind::Reduce, extent: count }], span);
        for (one, &first) in reduced.iter().zip(&firsts) {
            for &(position, slot) in &one.found.positions {
                let (point, start, step) = (self.pending_slot(first), self.ext_pending(start), self.ext_pending(step));
                let offset = self.pending.b.op(Op::Mul, &[point, step]);
                let turn = self.pending.b.op(Op::Add, &[start, offset]);
                let ty = self.program.slot(slot).ty;
                let turn = if ty == Type::I64 { turn } else { self.pending.b.convert(ty, turn) };
                let better = self.better(one);
                let old = self.pending_slot(slot);
                let value = self.pending.b.op(Op::Select, &[better, turn, old]);
                self.set_pending(slot, value);
                self.bind(position, Binding::ScalarVar(slot));
            }
        }
    }

    /// Whether an extreme of all points beats what was kept before the loop.
    fn better(&mut self, one: &Reduced) -> hotloop_ir::Value {
        let (old, new) = (self.pending_slot(one.found.slot), self.pending_slot(one.partial));
        let order = if one.found.op == FoldOp::Max { [old, new] } else { [new, old] };
        self.pending.b.op(Op::Lt, &order)
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

    fn prange_index(&mut self, axis: u32, start: Ext, step: Ext) -> hotloop_ir::Value {
        let point = self.b().axis(axis);
        let step_value = self.ext_value(step);
        let offset = if step == Ext::Const(1) { point } else { self.b().op(Op::Mul, &[point, step_value]) };
        let start_value = self.ext_value(start);
        if start == Ext::Const(0) { offset } else { self.b().op(Op::Add, &[start_value, offset]) }
    }

    /// The outer scalars the body changes, each with the fold that all its changes are. None after reporting others.
    fn reductions(&mut self, index: VarId, body: &'h Block) -> Option<Vec<Found>> {
        let mut found: Vec<Found> = Vec::new();
        let mut explained = Vec::new();
        for extreme in extremes(index, body) {
            explained.extend(self.keeps(&extreme, body, &mut found));
        }
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
            if explained.contains(&span) {
                continue;
            }
            let op = reduction_op(var, value);
            if op == Some(FoldOp::Prod) && value.ty.elem.is_complex() {
                let what = "a product of complex numbers inside `prange`";
                self.unsupported(span, what, "let each turn store its factor into an array, and write `prod(…)` of it");
                return None;
            }
            let known = found.iter().find(|one| one.var == var).map(|one| (one.op, one.kept));
            match (op, known) {
                (Some(op), None) => found.push(Found { var, slot, op, kept: false, positions: Vec::new() }),
                (Some(op), Some(known)) if (op, false) == known => {}
                (None, _) | (Some(_), Some(_)) => {
                    let name = self.var(var).name.clone();
                    let place = self.place(span);
                    let diag = match &value.kind {
                        Kind::Checked(..) => order_decides(place, &name),
                        _ => not_a_reduction(place, &name),
                    };
                    self.diags.push(diag);
                    return None;
                }
            }
        }
        for one in &found {
            let var = one.var;
            let position = one.positions.iter().find_map(|&(position, _)| first_read(position, body));
            if let Some(span) = position.or(read_elsewhere(var, body)) {
                let name = self.var(var).name.clone();
                let place = self.place(span);
                self.diags.push(not_a_reduction(place, &name));
                return None;
            }
        }
        Some(found)
    }

    /// Notes an extreme that a branch keeps; the assignments that this explains, none if it cannot be run in parallel.
    fn keeps(&mut self, extreme: &Extreme, body: &'h Block, found: &mut Vec<Found>) -> Vec<Span> {
        let Binding::ScalarVar(slot) = self.binding(extreme.var) else {
            return Vec::new();
        };
        let mut positions = Vec::new();
        for &position in &extreme.positions {
            // What a turn keeps for itself is no business of the others.
            if let Binding::ScalarVar(slot) = self.binding(position) {
                positions.push((position, slot));
            }
        }
        let stores = body.stmts.iter().any(|stmt| !facts::stored(stmt).is_empty());
        let known = found.iter().find(|one| one.var == extreme.var);
        let alone =
            known.is_none() && positions.iter().all(|one| found.iter().all(|other| !other.positions.contains(one)));
        match known {
            Some(known) if positions.is_empty() && known.positions.is_empty() && known.op == extreme.op => {}
            None if positions.is_empty() || (alone && !stores) => {
                found.push(Found { var: extreme.var, slot, op: extreme.op, kept: true, positions });
            }
            Some(_) | None => return Vec::new(),
        }
        extreme.spans.clone()
    }

    fn begin_reductions(&mut self, found: Vec<Found>, partials: &[SlotId]) -> Vec<Reduced> {
        let mut reduced = Vec::new();
        for (found, &partial) in found.into_iter().zip(partials) {
            let ty = self.slot_ty(found.slot);
            let local = self.b().local(ty);
            let neutral = self.literal(hotloop_ir::semantics::neutral(found.op, ty));
            self.b().set(local, neutral);
            self.bind(found.var, Binding::Local(local));
            for &(position, slot) in &found.positions {
                let ty = self.program.slot(slot).ty;
                let unused = self.b().local(ty);
                self.bind(position, Binding::Local(unused));
            }
            reduced.push(Reduced { found, local, partial });
        }
        reduced
    }

    fn finish_reductions(&mut self, reduced: Vec<Reduced>) {
        for one in reduced {
            let (old, new) = (self.pending_slot(one.found.slot), self.pending_slot(one.partial));
            let value = match one.found.kept {
                true => {
                    let better = self.better(&one);
                    self.pending.b.op(Op::Select, &[better, new, old])
                }
                false => self.pending.b.op(one.found.op.op(), &[old, new]),
            };
            self.set_pending(one.found.slot, value);
            self.bind(one.found.var, Binding::ScalarVar(one.found.slot));
        }
    }

    /// Proves that no iteration touches an element another one writes; false if they only combine values into shared
    /// elements.
    fn disjoint(&mut self, var: VarId, step: Ext, body: &'h Block) -> Result<bool, Box<Diagnostic>> {
        let mut all_apart = true;
        let accesses = self.accesses(body);
        let linear = Linearizer::new(var, body);
        let rows = flat::rows(&linear, step, body);
        let mut arrays: Vec<VarId> = accesses.iter().filter(|access| access.store).map(|access| access.array).collect();
        arrays.sort_unstable();
        arrays.dedup();
        for array in arrays {
            let list: Vec<&Access> = accesses.iter().filter(|access| access.array == array).collect();
            let indices: Vec<&[Index]> = list.iter().map(|access| access.index).collect();
            if keeps_apart(&linear, &list) || flat::keeps_to_rows(&linear, &rows, array, &indices) {
                continue;
            }
            if !self.accumulates(array, &list, body) {
                return Err(Box::new(self.race(var, array, &linear, &list)));
            }
            all_apart = false;
        }
        Ok(all_apart)
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
            &format!(
                "index one axis of `{name}` by `{index}` alone, the same in every access, or a row at a time, as in `{name}[{index}*m + j]` with `j` in `range(m)`; or change its elements only by one operation such as `+=`, and read them nowhere else; or use `range`"
            ),
        );
        diag = diag.label(self.place(store.span), "written here");
        if let Some(other) = other {
            let what = if other.store { "and here" } else { "and read here" };
            diag = diag.label(self.place(other.span), what);
        }
        diag
    }
}

/// Whether every write is apart from every access of other iterations.
fn keeps_apart(linear: &Linearizer<'_>, list: &[&Access<'_>]) -> bool {
    let writes = list.iter().enumerate().filter(|(_, access)| access.store);
    writes.into_iter().all(|(at, write)| {
        let others = list.iter().enumerate().filter(|(other, access)| !access.store || *other >= at);
        others.into_iter().all(|(_, other)| pair_apart(linear, write, other))
    })
}

/// Whether there is an axis along which two accesses of different iterations differ: both move with the loop and stay
/// apart, or they stand at different places whatever the iteration.
fn pair_apart(linear: &Linearizer<'_>, a: &Access<'_>, b: &Access<'_>) -> bool {
    let form = |part: Option<&Index>| match part {
        Some(Index::At(at)) => linear.form(at),
        Some(_) | None => None,
    };
    (0..a.index.len()).any(|axis| {
        let (Some(a), Some(b)) = (form(a.index.get(axis)), form(b.index.get(axis))) else { return false };
        match (linear.coefficient(&a), linear.coefficient(&b)) {
            (0, 0) => linear.distance(&a, &b).is_some_and(|distance| distance != 0),
            (by, other) => by == other && linear.apart(&a, &b, by),
        }
    })
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

/// Where a variable is read at all.
fn first_read(var: VarId, body: &Block) -> Option<Span> {
    let mut found = None;
    body.walk(&mut |expr| {
        if matches!(expr.kind, Kind::Var(other) if other == var) {
            found = found.or(Some(expr.span));
        }
    });
    found
}

fn order_decides(span: Span, name: &str) -> Diagnostic {
    errors::plain(
        errors::NOT_A_REDUCTION,
        span,
        format!("whether `{name}` overflows depends on the order of the turns, which a parallel loop leaves open"),
        &format!(
            "use `range`; or let each turn store its part into an array, and add those up; or combine `{name}` in a function without `@checked`"
        ),
    )
}

fn not_a_reduction(span: Span, name: &str) -> Diagnostic {
    errors::plain(
        errors::NOT_A_REDUCTION,
        span,
        format!("`{name}` is shared by the iterations of a parallel loop, and this is not a reduction of it"),
        &format!(
            "change `{name}` only by one of `+= -= *=`, `{name} = min({name}, …)`, `{name} = max({name}, …)`, `if x > {name} {{ {name} = x }}`, `and`, `or`; declare it inside the loop if it is temporary; or use `range`"
        ),
    )
}
