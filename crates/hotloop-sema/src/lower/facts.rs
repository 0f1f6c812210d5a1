//! Questions about the checked tree and the graph that lowering asks before it decides.

use super::Lower;
use super::node::{NodeId, NodeKind, children};
use crate::hir::{self, Block, Expr, Index, InstanceId, Kind, Stmt, StmtKind, VarId};

/// Whether a body returns anywhere but as its last statement.
pub(crate) fn returns_early(block: &Block) -> bool {
    let mut returns = 0;
    block.walk_stmts(&mut |stmt| returns += usize::from(matches!(stmt.kind, StmtKind::Return(_))));
    let last = matches!(block.stmts.last().map(|stmt| &stmt.kind), Some(StmtKind::Return(_)));
    returns > usize::from(last)
}

/// Whether a statement contains a `return`.
pub(crate) fn returns(stmt: &Stmt) -> bool {
    let mut found = matches!(stmt.kind, StmtKind::Return(_));
    for_nested(stmt, &mut |inner| found |= matches!(inner.kind, StmtKind::Return(_)));
    found
}

fn for_nested<'a>(stmt: &'a Stmt, f: &mut dyn FnMut(&'a Stmt)) {
    match &stmt.kind {
        StmtKind::If { then, otherwise, .. } => {
            then.walk_stmts(f);
            otherwise.walk_stmts(f);
        }
        StmtKind::While { body, .. } | StmtKind::For { body, .. } => body.walk_stmts(f),
        StmtKind::Assign(..)
        | StmtKind::AssignCall(..)
        | StmtKind::Store { .. }
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Return(_) => {}
    }
}

/// The variables assigned in a statement.
pub(crate) fn assigned(stmt: &Stmt) -> Vec<VarId> {
    let mut vars = Vec::new();
    let mut note = |stmt: &Stmt| match &stmt.kind {
        StmtKind::Assign(var, _) => vars.push(*var),
        StmtKind::AssignCall(list, _) => vars.extend(list),
        StmtKind::Store { .. }
        | StmtKind::If { .. }
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Return(_) => {}
    };
    note(stmt);
    for_nested(stmt, &mut note);
    vars.sort_unstable();
    vars.dedup();
    vars
}

/// The arrays stored into by a statement.
pub(crate) fn stored(stmt: &Stmt) -> Vec<VarId> {
    let mut vars = Vec::new();
    let mut note = |stmt: &Stmt| {
        if let StmtKind::Store { array, .. } = stmt.kind {
            vars.push(array);
        }
    };
    note(stmt);
    for_nested(stmt, &mut note);
    vars.sort_unstable();
    vars.dedup();
    vars
}

impl<'h> Lower<'h> {
    /// Whether a statement can be code of one element: scalars and single elements of named arrays only. A parallel
    /// loop can not, unless the statement stands in one already.
    pub fn laneable_stmt(&self, stmt: &'h Stmt, in_prange: bool) -> bool {
        let mut fits = true;
        let mut check = |stmt: &'h Stmt| {
            fits &= match &stmt.kind {
                StmtKind::For { parallel, .. } => in_prange || !parallel,
                StmtKind::Store { index, .. } => index.iter().all(|part| matches!(part, Index::At(_))),
                StmtKind::Assign(..)
                | StmtKind::AssignCall(..)
                | StmtKind::If { .. }
                | StmtKind::While { .. }
                | StmtKind::Break
                | StmtKind::Continue
                | StmtKind::Return(_) => true,
            };
        };
        check(stmt);
        for_nested(stmt, &mut check);
        let mut exprs = true;
        stmt.walk(&mut |expr| exprs &= self.laneable_node(expr, in_prange));
        fits && exprs
    }

    /// Whether a body can be code of one element.
    pub fn laneable_body(&self, block: &'h Block, in_prange: bool) -> bool {
        block.stmts.iter().all(|stmt| self.laneable_stmt(stmt, in_prange))
            && block.value.iter().all(|value| self.laneable_expr(value, in_prange))
    }

    /// Whether an expression can be code of one element.
    pub fn laneable_expr(&self, expr: &'h Expr, in_prange: bool) -> bool {
        let mut fits = true;
        expr.walk(&mut |inner| fits &= self.laneable_node(inner, in_prange));
        if let Kind::If(_, then, otherwise) = &expr.kind {
            fits &= self.laneable_body(then, in_prange) && self.laneable_body(otherwise, in_prange);
        }
        fits
    }

    fn laneable_node(&self, expr: &'h Expr, in_prange: bool) -> bool {
        let named = |base: &Expr| matches!(base.kind, Kind::Var(_));
        match &expr.kind {
            Kind::Var(_) => true,
            Kind::Reduce { .. }
            | Kind::MatMul(..)
            | Kind::Fill(..)
            | Kind::FillLike(..)
            | Kind::List(..)
            | Kind::Ramp(..)
            | Kind::Arrange(_) => false,
            Kind::Require(..) | Kind::Position(..) | Kind::Walk(_) | Kind::ByIndex(_) | Kind::Window(_) => false,
            Kind::Index(base, index) => {
                expr.ty.rank == 0 && named(base) && index.iter().all(|part| matches!(part, Index::At(_)))
            }
            Kind::Extent(base, _) | Kind::Size(base) => named(base),
            Kind::Inline(id, args) => {
                expr.ty.rank == 0
                    && args.iter().all(|arg| arg.ty.rank == 0 || named(arg))
                    && self.laneable_instance(*id, in_prange)
            }
            Kind::Number(_)
            | Kind::Const(_)
            | Kind::Op(..)
            | Kind::Checked(..)
            | Kind::IntDiv(..)
            | Kind::IntPow(..)
            | Kind::Convert(_)
            | Kind::Bitcast(_)
            | Kind::Complex(..)
            | Kind::Part(..)
            | Kind::Logic(..)
            | Kind::Where(..)
            | Kind::If(..)
            | Kind::Let(..)
            | Kind::Map(..) => expr.ty.rank == 0,
        }
    }

    /// Whether a function's body can be code of one element. Remembered, since functions may be called very often.
    fn laneable_instance(&self, id: InstanceId, in_prange: bool) -> bool {
        let key = (id, in_prange);
        if let Some(known) = self.laneable.borrow().get(&key) {
            return *known;
        }
        let instance = self.hir.instance(id);
        let fits = instance.scalar || self.laneable_body(&instance.body, in_prange);
        self.laneable.borrow_mut().insert(key, fits);
        fits
    }

    /// Whether scalar code can be run where its value is not needed: it cannot fault and always ends.
    pub fn total_expr(&mut self, expr: &'h Expr) -> bool {
        let mut total = true;
        let mut calls = Vec::new();
        expr.walk(&mut |inner| match &inner.kind {
            Kind::IntDiv(_, _, divisor) => total &= nonzero(divisor),
            Kind::Checked(..) | Kind::IntPow(..) | Kind::Index(..) => total = false,
            Kind::Require(..) | Kind::Walk(_) | Kind::ByIndex(_) => total = false,
            Kind::Map(id, _) | Kind::Inline(id, _) => calls.push(*id),
            Kind::Window(_) => total = false,
            Kind::Number(_)
            | Kind::Const(_)
            | Kind::Var(_)
            | Kind::Op(..)
            | Kind::Convert(_)
            | Kind::Bitcast(_)
            | Kind::Complex(..)
            | Kind::Part(..)
            | Kind::Logic(..)
            | Kind::Where(..)
            | Kind::If(..)
            | Kind::Let(..)
            | Kind::Reduce { .. }
            | Kind::MatMul(..)
            | Kind::Extent(..)
            | Kind::Size(_)
            | Kind::Fill(..)
            | Kind::FillLike(..)
            | Kind::List(..)
            | Kind::Ramp(..)
            | Kind::Position(..)
            | Kind::Arrange(_) => {}
        });
        total && calls.into_iter().all(|id| self.total_instance(id))
    }

    pub fn total_instance(&mut self, id: InstanceId) -> bool {
        if let Some(known) = self.total.get(&id) {
            return *known;
        }
        let instance = self.hir.instance(id);
        let mut total = true;
        instance.body.walk_stmts(&mut |stmt| {
            // A user's loop may never end; the library's do.
            let loops = matches!(stmt.kind, StmtKind::While { .. }) && !instance.library;
            total &= !loops && !matches!(stmt.kind, StmtKind::Store { .. });
        });
        let exprs: Vec<&'h Expr> =
            instance.body.stmts.iter().flat_map(stmt_exprs).chain(instance.body.value.iter()).collect();
        total = total && exprs.into_iter().all(|expr| self.total_expr(expr));
        self.total.insert(id, total);
        total
    }

    /// Whether a node's elements can be computed where they are not needed.
    pub fn total_node(&mut self, node: NodeId) -> bool {
        let mut queue = vec![node];
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(id) = queue.pop() {
            if !seen.insert(id) {
                continue;
            }
            let kind = self.node(id).kind.clone();
            let total = match &kind {
                NodeKind::Checked(..) | NodeKind::IntDiv(..) | NodeKind::IntPow(..) | NodeKind::Gather(_) => false,
                NodeKind::Map(instance, ..) => self.total_instance(*instance),
                NodeKind::Source(..)
                | NodeKind::View(..)
                | NodeKind::Stretch(_)
                | NodeKind::Split(..)
                | NodeKind::Op(..)
                | NodeKind::Convert(_)
                | NodeKind::Bitcast(_)
                | NodeKind::Complex(..)
                | NodeKind::Part(..)
                | NodeKind::Logic(..)
                | NodeKind::Where(..)
                | NodeKind::Fill(_)
                | NodeKind::Ramp(..)
                | NodeKind::Position(_) => true,
            };
            if !total {
                return false;
            }
            queue.extend(children(&kind));
        }
        true
    }
}

/// Every expression of a statement and of those inside it.
fn stmt_exprs(stmt: &Stmt) -> Vec<&Expr> {
    let mut found = stmt.exprs();
    for_nested(stmt, &mut |inner| found.extend(inner.exprs()));
    found
}

/// Whether an expression is a literal other than 0.
fn nonzero(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Const(value) => value.bits != 0,
        Kind::Number(hir::Number::Int(value)) => *value != 0,
        _ => false,
    }
}

/// Whether a statement of a loop's body has a `continue` of that loop.
pub fn continues(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Continue => true,
        StmtKind::If { then, otherwise, .. } => then.stmts.iter().chain(&otherwise.stmts).any(continues),
        StmtKind::Break
        | StmtKind::While { .. }
        | StmtKind::For { .. }
        | StmtKind::Assign(..)
        | StmtKind::AssignCall(..)
        | StmtKind::Store { .. }
        | StmtKind::Return(_) => false,
    }
}
