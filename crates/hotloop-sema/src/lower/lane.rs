//! The code of one element: statements.

use super::{Binding, Lower, Scope};
use crate::hir::{self, Expr, Stmt, StmtKind, VarId, VarKind};
use hotloop_ir::{self as ir, Op, Scalar, Type};

impl<'h> Lower<'h> {
    /// Statements in order; true if control never reaches their end.
    pub fn lane_stmts(&mut self, stmts: &'h [Stmt]) -> bool {
        stmts.iter().any(|stmt| self.lane_stmt(stmt))
    }

    fn lane_stmt(&mut self, stmt: &'h Stmt) -> bool {
        match &stmt.kind {
            StmtKind::Assign(var, value) => {
                let value = self.value(value);
                self.lane_assign(*var, value);
                false
            }
            StmtKind::AssignCall(vars, call) => {
                let values = self.lane_values(std::slice::from_ref(call));
                for (&var, value) in vars.iter().zip(values) {
                    self.lane_assign(var, value);
                }
                false
            }
            StmtKind::Store { array, index, value, merge: _ } => {
                self.lane_store(*array, index, value);
                false
            }
            StmtKind::If { cond, then, otherwise } => self.lane_if(cond, then, otherwise),
            StmtKind::While { cond, body } => {
                self.lane_while(cond, body);
                false
            }
            StmtKind::For { var, start, stop, step, body, .. } => {
                self.lane_for(*var, [start, stop, step], body);
                false
            }
            StmtKind::Break => self.leave(|scope| matches!(scope, Scope::Loop), ir::Stmt::Break),
            StmtKind::Continue => self.lane_continue(),
            StmtKind::Return(values) => self.lane_return(values),
        }
    }

    /// A jump to the nearest scope of a kind.
    fn leave(&mut self, wanted: impl Fn(&Scope) -> bool, jump: impl Fn(u32) -> ir::Stmt) -> bool {
        let cx = self.cx();
        let depth = cx.scopes.iter().rev().position(wanted);
        if let Some(depth) = depth {
            cx.b.push(jump(depth as u32));
        }
        true
    }

    /// The next turn of the innermost loop; that of a parallel one begins where this one ends.
    fn lane_continue(&mut self) -> bool {
        let cx = self.cx();
        let jump = cx.scopes.iter().rev().zip(0..).find_map(|(scope, depth)| match scope {
            Scope::Loop => Some(ir::Stmt::Continue(depth)),
            Scope::Turn => Some(ir::Stmt::Break(depth)),
            Scope::LaneReturn(_) | Scope::StepReturn(_) => None,
        });
        if let Some(jump) = jump {
            cx.b.push(jump);
        }
        true
    }

    /// One turn of a parallel loop.
    pub fn lane_turn(&mut self, stmts: &'h [Stmt]) {
        if !stmts.iter().any(super::facts::continues) {
            self.lane_stmts(stmts);
            return;
        }
        self.cx().scopes.push(Scope::Turn);
        self.begin();
        self.lane_stmts(stmts);
        let region = self.end();
        self.cx().scopes.pop();
        self.b().push(ir::Stmt::Block(region));
    }

    fn lane_return(&mut self, values: &'h [Expr]) -> bool {
        let target = self.cx().scopes.iter().rev().find_map(|scope| match scope {
            Scope::LaneReturn(locals) => Some(locals.clone()),
            Scope::Loop | Scope::Turn | Scope::StepReturn(_) => None,
        });
        // Without a target this is the last statement of a body, whose values the caller computes.
        let Some(locals) = target else { return true };
        let values = self.lane_values(values);
        for (&local, value) in locals.iter().zip(values) {
            self.b().set(local, value);
        }
        self.leave(|scope| matches!(scope, Scope::LaneReturn(_)), ir::Stmt::Break)
    }

    fn lane_assign(&mut self, var: VarId, value: ir::Value) {
        let info = self.var(var);
        match (info.kind, self.binding(var)) {
            (VarKind::Var, Binding::Local(local)) => self.b().set(local, value),
            (VarKind::Var, _) => {
                let elem = info.ty.elem;
                let local = self.b().local(elem);
                self.b().set(local, value);
                self.bind(var, Binding::Local(local));
            }
            (VarKind::Let | VarKind::Loop | VarKind::Param { .. }, _) => self.bind(var, Binding::Value(value)),
        }
    }

    fn lane_store(&mut self, array: VarId, index: &'h [hir::Index], value: &'h Expr) {
        let value = self.value(value);
        let (Binding::Storage(node) | Binding::Array(node)) = self.binding(array) else {
            return;
        };
        let subject = self.var(array).name.clone();
        if let Some((array, index)) = self.element_at(node, index, &subject) {
            self.b().push(ir::Stmt::StoreAt(array, index, value));
        }
    }

    fn lane_if(&mut self, cond: &'h Expr, then: &'h hir::Block, otherwise: &'h hir::Block) -> bool {
        let cond = self.value(cond);
        self.begin();
        let then_ended = self.lane_stmts(&then.stmts);
        let then = self.end();
        self.begin();
        let otherwise_ended = self.lane_stmts(&otherwise.stmts);
        let otherwise = self.end();
        self.b().push(ir::Stmt::If { cond, then, otherwise });
        then_ended && otherwise_ended
    }

    fn lane_while(&mut self, cond: &'h Expr, body: &'h hir::Block) {
        self.cx().scopes.push(Scope::Loop);
        self.begin();
        let cond = self.value(cond);
        let exit = vec![ir::Stmt::Break(0)];
        self.b().push(ir::Stmt::If { cond, then: Vec::new(), otherwise: exit });
        self.lane_stmts(&body.stmts);
        let region = self.end();
        self.cx().scopes.pop();
        self.b().push(ir::Stmt::Loop(region));
    }

    fn lane_for(&mut self, var: VarId, range: [&'h Expr; 3], body: &'h hir::Block) {
        let span = range[0].span;
        let [start, stop, step] = range.map(|bound| self.value(bound));
        let known_step = self.b().constant(step).map(|step| step.as_i64());
        if known_step.is_none_or(|step| step == 0) {
            let zero = self.literal(Scalar::i64(0));
            let cond = self.b().op(Op::Ne, &[step, zero]);
            self.check(ir::FaultKind::ZeroStep, cond, [zero, zero], span, "", 0);
        }
        let index = self.b().local(Type::I64);
        let rises = known_step.is_some_and(|step| step > 0);
        if rises && self.nonneg(start) {
            self.cx().nonneg.insert(index);
        }
        self.cx().scopes.push(Scope::Loop);
        self.begin();
        let value = self.b().get(index);
        self.bind(var, Binding::Value(value));
        self.lane_stmts(&body.stmts);
        let body = self.end();
        self.cx().scopes.pop();
        self.b().push(ir::Stmt::For { index, start, stop, step, body });
    }
}
