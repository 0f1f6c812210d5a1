//! What must be in place before scalar code of the array level is written: reductions it uses are run, arrays whose
//! elements it reads are in memory.

use super::node::Operand;
use super::{Binding, Lower};
use crate::hir::{Block, Expr, Index, Kind, Stmt, StmtKind, VarId};

impl<'h> Lower<'h> {
    /// Makes an expression ready for `value` in the pending lane.
    pub fn prepare(&mut self, expr: &'h Expr) {
        match &expr.kind {
            Kind::Number(_) | Kind::Const(_) | Kind::Var(_) => {}
            Kind::MatMul(left, right, checked) => {
                if let Operand::Scalar(value) = self.matmul(left, right, *checked, expr.span) {
                    self.ready.insert(std::ptr::from_ref(expr), value);
                }
            }
            Kind::Reduce { op, arg, axes, keepdims } => {
                if let Operand::Scalar(value) = self.reduce(*op, arg, axes, *keepdims, expr.span) {
                    self.ready.insert(std::ptr::from_ref(expr), value);
                }
            }
            Kind::Walk(walk) => {
                if let Some(Operand::Scalar(value)) = self.walk(walk, expr.span).into_iter().next() {
                    self.ready.insert(std::ptr::from_ref(expr), value);
                }
            }
            Kind::Require(cond, value) => {
                self.require(cond, expr.span);
                let value = self.scalar_ref(value);
                self.ready.insert(std::ptr::from_ref(expr), value);
            }
            Kind::Window(window) => {
                let values = self.window(window, expr.span);
                if let Some(Operand::Scalar(value)) = values.into_iter().next() {
                    self.ready.insert(std::ptr::from_ref(expr), value);
                }
            }
            Kind::Index(base, index) => self.prepare_element(base, index),
            Kind::Extent(base, axis) => {
                if !matches!(base.kind, Kind::Var(_)) {
                    let dims = self.dims_of(base);
                    let extent = self.canon(dims[*axis as usize].extent);
                    self.ready.insert(std::ptr::from_ref(expr), Self::ext_ref(extent));
                }
            }
            Kind::Size(base) => {
                if !matches!(base.kind, Kind::Var(_)) && base.ty.rank > 0 {
                    let dims = self.dims_of(base);
                    let size = self.product(&dims);
                    self.ready.insert(std::ptr::from_ref(expr), Self::ext_ref(size));
                }
            }
            Kind::Inline(id, args) => {
                if self.laneable_expr(expr, false) {
                    args.iter().for_each(|arg| self.prepare_argument(arg));
                    return;
                }
                let values = self.inline_at_array_level(*id, args, expr.span);
                if let Some(Operand::Scalar(value)) = values.into_iter().next() {
                    self.ready.insert(std::ptr::from_ref(expr), value);
                }
            }
            Kind::Let(bound, value) => {
                if self.laneable_expr(expr, false) {
                    expr.children().into_iter().for_each(|child| self.prepare(child));
                    return;
                }
                self.bind_all(bound);
                let value = self.scalar_ref(value);
                self.ready.insert(std::ptr::from_ref(expr), value);
            }
            Kind::If(cond, then, otherwise) => {
                if self.laneable_expr(expr, false) {
                    self.prepare(cond);
                    self.prepare_block(then);
                    self.prepare_block(otherwise);
                    return;
                }
                let value = self.if_at_array_level(cond, then, otherwise, expr.ty.elem);
                self.ready.insert(std::ptr::from_ref(expr), value);
            }
            Kind::Op(..)
            | Kind::Checked(..)
            | Kind::IntDiv(..)
            | Kind::IntPow(..)
            | Kind::Convert(_)
            | Kind::Bitcast(_)
            | Kind::Complex(..)
            | Kind::Part(..)
            | Kind::Logic(..)
            | Kind::Where(..)
            | Kind::Map(..)
            | Kind::Fill(..)
            | Kind::FillLike(..)
            | Kind::List(..)
            | Kind::Ramp(..)
            | Kind::Position(..)
            | Kind::ByIndex(_)
            | Kind::Arrange(_) => expr.children().into_iter().for_each(|child| self.prepare(child)),
        }
    }

    /// An element's indices, and its array in memory.
    fn prepare_element(&mut self, base: &'h Expr, index: &'h [Index]) {
        index.iter().flat_map(Index::exprs).for_each(|at| self.prepare(at));
        match base.kind {
            Kind::Var(var) => self.in_memory(var),
            _ => {
                let node = self.array(base);
                self.materialize(node);
                self.ready_arrays.insert(std::ptr::from_ref(base), node);
            }
        }
    }

    fn prepare_argument(&mut self, arg: &'h Expr) {
        match arg.kind {
            Kind::Var(var) if arg.ty.rank > 0 => self.in_memory(var),
            _ => self.prepare(arg),
        }
    }

    /// Puts a named array into memory.
    pub fn in_memory(&mut self, var: VarId) {
        if let Binding::Array(node) = self.binding(var) {
            self.materialize(node);
        }
    }

    /// Puts the named arrays that code of one element will read into memory.
    pub fn prepare_block(&mut self, block: &'h Block) {
        let mut arrays = Vec::new();
        block.walk(&mut |expr| named_array(expr, &mut arrays));
        arrays.into_iter().for_each(|var| self.in_memory(var));
    }

    /// The same for one statement.
    pub fn prepare_stmt(&mut self, stmt: &'h Stmt) {
        let mut arrays = Vec::new();
        stmt.walk(&mut |expr| named_array(expr, &mut arrays));
        if let StmtKind::Store { array, .. } = stmt.kind {
            arrays.push(array);
        }
        arrays.into_iter().for_each(|var| self.in_memory(var));
    }
}

fn named_array(expr: &Expr, arrays: &mut Vec<VarId>) {
    if let (Kind::Var(var), true) = (&expr.kind, expr.ty.rank > 0) {
        arrays.push(*var);
    }
}
