//! Statements of the array level, and the bodies of functions that handle arrays.

use super::node::{NodeId, NodeKind, Operand, Sel, children};
use super::shape::{Dim, Ext};
use super::{Binding, Lower, Ref, Scope, facts};
use crate::hir::{self, Block, Expr, Index, InstanceId, Kind, Stmt, StmtKind, VarId, VarKind};
use hotloop_ir::{self as ir, ArrayId, SlotId, Step, Type};
use hotloop_source::Span;

impl<'h> Lower<'h> {
    /// The body of a function that handles arrays; its results.
    pub fn body_at_array_level(&mut self, instance: &'h hir::Instance) -> Vec<Operand> {
        let body = &instance.body;
        if !facts::returns_early(body) {
            self.step_stmts(&body.stmts);
            return self.operands_of(values_of(body));
        }
        if self.laneable_body(body, false) {
            return self.body_as_lane(instance);
        }
        self.body_with_returns(instance)
    }

    /// A body of scalars and single elements: all of it in the pending lane.
    fn body_as_lane(&mut self, instance: &'h hir::Instance) -> Vec<Operand> {
        self.prepare_block(&instance.body);
        for stmt in &instance.body.stmts {
            self.before_stores(stmt);
        }
        let values = self.lane_body(instance);
        values.into_iter().map(|value| Operand::Scalar(self.hold("result", value))).collect()
    }

    fn body_with_returns(&mut self, instance: &'h hir::Instance) -> Vec<Operand> {
        if instance.results.iter().any(|ty| ty.rank > 0) {
            let span = instance.body.stmts.first().map_or(Span::DETACHED, |stmt| stmt.span);
            self.unsupported(span, "an array cannot be returned early", "assign it to a `var` and return at the end");
            return Vec::new();
        }
        self.force_used(&instance.body);
        let slots: Vec<SlotId> = instance.results.iter().map(|ty| self.new_slot("result", ty.elem)).collect();
        self.flush();
        self.step_scopes.push(Scope::StepReturn(slots.clone()));
        let body = self.nested(|lower| {
            if !lower.step_stmts(&instance.body.stmts) {
                lower.set_results(&instance.body.value, &slots);
            }
        });
        self.step_scopes.pop();
        self.push_step(Step::Block(body));
        slots.into_iter().map(|slot| Operand::Scalar(Ref::Slot(slot))).collect()
    }

    fn set_results(&mut self, values: &'h [Expr], slots: &[SlotId]) {
        let values = self.operands_of(values);
        for (value, &slot) in values.into_iter().zip(slots) {
            if let Operand::Scalar(value) = value {
                let value = self.ref_value(value);
                self.set_pending(slot, value);
            }
        }
    }

    /// A list of steps of its own. What is learned of shapes inside holds only there.
    pub fn nested(&mut self, make: impl FnOnce(&mut Self)) -> Vec<Step> {
        self.flush();
        let facts = self.facts.clone();
        self.steps.push(Vec::new());
        self.levels = self.levels.max(self.steps.len());
        self.step_depth += 1;
        make(self);
        self.flush();
        self.step_depth -= 1;
        self.facts = facts;
        self.steps.pop().unwrap_or_default()
    }

    /// Several values, or those of one call that gives several.
    pub fn operands_of(&mut self, values: &'h [Expr]) -> Vec<Operand> {
        if let [only] = values {
            match &only.kind {
                Kind::Inline(id, args) if self.hir.instance(*id).results.len() != 1 => {
                    return self.inline_at_array_level(*id, args, only.span);
                }
                Kind::Map(id, args) if self.hir.instance(*id).results.len() != 1 => {
                    return self.map_results(*id, args, only);
                }
                Kind::Walk(walk) if walk.types.len() != 1 => return self.walk(walk, only.span),
                Kind::Window(window) => return self.window(window, only.span),
                _ => {}
            }
        }
        values.iter().map(|value| self.operand(value)).collect()
    }

    fn map_results(&mut self, id: InstanceId, args: &'h [Expr], call: &'h Expr) -> Vec<Operand> {
        let results = &self.hir.instance(id).results;
        if call.ty.rank == 0 {
            args.iter().for_each(|arg| self.prepare(arg));
            let args = args.iter().map(|arg| self.value(arg)).collect();
            let values = self.inline_in_lane(id, args, call.span);
            return values.into_iter().map(|value| Operand::Scalar(self.hold("result", value))).collect();
        }
        let args: Vec<Operand> = args.iter().map(|arg| self.operand(arg)).collect();
        let span = self.place(call.span);
        let node = |lower: &mut Self, (which, ty): (usize, &crate::promote::Ty)| {
            let kind = NodeKind::Map(id, args.clone(), which, span);
            let shapes: Vec<Vec<Dim>> = children(&kind).iter().map(|&child| lower.node(child).dims.clone()).collect();
            let dims = lower.broadcast(&shapes, call.span);
            Operand::Node(lower.add_node(kind, ty.elem, dims))
        };
        results.iter().enumerate().map(|result| node(self, result)).collect()
    }

    /// Inlines a function among the steps.
    pub fn inline_at_array_level(&mut self, id: InstanceId, args: &'h [Expr], span: Span) -> Vec<Operand> {
        let instance = self.hir.instance(id);
        self.count(1, span);
        if self.full() {
            return Vec::new();
        }
        let mut bindings = Vec::new();
        for (arg, &param) in args.iter().zip(&instance.params) {
            bindings.push(self.argument(arg, instance.var(param)));
        }
        let span = self.place(span);
        self.push_frame(id, Some(span));
        for (&param, binding) in instance.params.iter().zip(bindings) {
            self.bind(param, binding);
        }
        let results = self.body_at_array_level(instance);
        self.frames.pop();
        results
    }

    /// What a parameter stands for: a `mut` one shares the caller's memory.
    fn argument(&mut self, arg: &'h Expr, param: &hir::Var) -> Binding {
        let mutable = param.kind == VarKind::Param { mutable: true };
        if let (Kind::Var(var), true) = (&arg.kind, mutable)
            && let Binding::Storage(node) = self.binding(*var)
        {
            return Binding::Storage(node);
        }
        let operand = self.operand(arg);
        self.release(operand);
        match operand {
            Operand::Scalar(value) => Binding::Scalar(value),
            Operand::Node(node) if mutable => {
                let span = arg.span;
                self.unsupported(
                    span,
                    "this argument is written to, so it must be a variable that can be",
                    "pass a `mut` parameter or a `var`",
                );
                Binding::Array(node)
            }
            Operand::Node(node) => Binding::Array(node),
        }
    }

    /// Statements in order; true if control never reaches their end.
    pub fn step_stmts(&mut self, stmts: &'h [Stmt]) -> bool {
        stmts.iter().any(|stmt| self.step_stmt(stmt))
    }

    fn step_stmt(&mut self, stmt: &'h Stmt) -> bool {
        match &stmt.kind {
            StmtKind::Assign(var, value) => {
                match self.var(*var).ty.rank {
                    0 => self.assign_scalar(*var, value),
                    _ => self.assign_array(*var, value),
                }
                false
            }
            StmtKind::AssignCall(vars, call) => {
                let values = self.operands_of(std::slice::from_ref(call));
                for (&var, value) in vars.iter().zip(values) {
                    self.bind_operand(var, value);
                }
                false
            }
            StmtKind::Store { array, index, value, merge } => {
                match index.iter().any(Index::by_array) {
                    true => self.scatter(*array, index, value, merge.as_deref(), stmt.span),
                    false => self.store(*array, index, value, stmt.span),
                }
                false
            }
            StmtKind::If { .. } | StmtKind::While { .. } | StmtKind::For { .. } => self.control(stmt),
            StmtKind::Break => self.jump(Step::Break),
            StmtKind::Continue => self.jump(Step::Continue),
            StmtKind::Return(values) => self.step_return(values),
        }
    }

    /// Gives a value a name.
    pub fn bind_operand(&mut self, var: VarId, value: Operand) {
        self.release(value);
        let binding = match value {
            Operand::Scalar(value) => Binding::Scalar(value),
            Operand::Node(node) => Binding::Array(node),
        };
        self.bind(var, binding);
    }

    fn assign_scalar(&mut self, var: VarId, value: &'h Expr) {
        let info = self.var(var);
        if info.kind != VarKind::Var {
            let value = self.scalar_ref(value);
            return self.bind(var, Binding::Scalar(value));
        }
        self.prepare(value);
        let value = self.value(value);
        let slot = match self.binding(var) {
            Binding::ScalarVar(slot) => slot,
            _ => {
                let slot = self.new_slot(&info.name, info.ty.elem);
                self.bind(var, Binding::ScalarVar(slot));
                slot
            }
        };
        self.set_pending(slot, value);
    }

    /// An array variable that changes has memory of its own; one that does not is a name for a value.
    fn assign_array(&mut self, var: VarId, value: &'h Expr) {
        let operand = self.operand(value);
        self.release(operand);
        let node = match operand {
            Operand::Node(node) => node,
            Operand::Scalar(value) => {
                let ty = self.var(var).ty;
                self.expect_node(Some(Operand::Scalar(value)), ty.elem, ty.rank)
            }
        };
        let info = self.var(var);
        let declared = self.frame().declared.get(&var).copied();
        match (info.kind == VarKind::Var && self.changes(var), declared) {
            (false, _) => self.bind(var, Binding::Array(node)),
            (true, Some(depth)) if depth != self.step_depth => self.overwrite(var, node, value.span),
            (true, _) => {
                let depth = self.step_depth;
                self.frame().declared.insert(var, depth);
                let copy = self.copy_of(node, &info.name);
                self.bind(var, Binding::Storage(copy));
            }
        }
    }

    /// Whether a variable is stored into or assigned more than once.
    fn changes(&mut self, var: VarId) -> bool {
        let body = &self.hir.instance(self.frame().instance).body;
        let (mut assigned, mut stored) = (0, false);
        body.walk_stmts(&mut |stmt| match &stmt.kind {
            StmtKind::Assign(other, _) => assigned += usize::from(*other == var),
            StmtKind::Store { array, .. } => stored |= *array == var,
            StmtKind::AssignCall(..)
            | StmtKind::If { .. }
            | StmtKind::While { .. }
            | StmtKind::For { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_) => {}
        });
        let mut passed = false;
        body.walk(&mut |expr| {
            if let Kind::Inline(id, args) = &expr.kind {
                let params = &self.hir.instance(*id).params;
                passed |= args.iter().zip(params).any(|(arg, &param)| {
                    matches!(arg.kind, Kind::Var(other) if other == var)
                        && self.hir.instance(*id).var(param).kind == VarKind::Param { mutable: true }
                });
            }
        });
        assigned > 1 || stored || passed
    }

    /// Assigns a value of the same shape to an array variable declared outside this branch or loop.
    fn overwrite(&mut self, var: VarId, value: NodeId, span: Span) {
        let Binding::Storage(place) = self.binding(var) else {
            return;
        };
        let NodeKind::Source(array, sels) = self.node(place).kind.clone() else {
            return;
        };
        let dims = self.node(place).dims.clone();
        self.force_readers(array);
        let shape = self.node(value).dims.clone();
        self.fits_into(&shape, &dims, span);
        let value = self.untangled(value, array, &sels);
        self.store_selection(array, &sels, &dims, Operand::Node(value), span);
    }

    /// `a[…] = value`
    fn store(&mut self, var: VarId, index: &'h [Index], value: &'h Expr, span: Span) {
        let Binding::Storage(node) = self.binding(var) else {
            return;
        };
        let NodeKind::Source(array, _) = self.node(node).kind else {
            return;
        };
        self.force_readers(array);
        if index.iter().all(|part| matches!(part, Index::At(_))) {
            return self.store_element(node, var, index, value);
        }
        let subject = self.var(var).name.clone();
        if let Kind::ByIndex(by) = &value.kind
            && by.start.is_none()
        {
            return self.update(by, node, &subject, value.span);
        }
        let (sels, dims) = self.selection(node, index, &subject);
        let place = self.view(node, sels, dims.clone());
        if self.store_stencil(place, value, span) {
            return;
        }
        let value = self.operand(value);
        self.release(value);
        let NodeKind::Source(array, sels) = self.node(place).kind.clone() else {
            return;
        };
        let value = match value {
            Operand::Scalar(value) => Operand::Scalar(value),
            Operand::Node(value) => {
                let shape = self.node(value).dims.clone();
                self.fits_into(&shape, &dims, span);
                Operand::Node(self.untangled(value, array, &sels))
            }
        };
        self.store_selection(array, &sels, &dims, value, span);
    }

    fn store_element(&mut self, node: NodeId, var: VarId, index: &'h [Index], value: &'h Expr) {
        self.prepare(value);
        index.iter().flat_map(Index::exprs).for_each(|at| self.prepare(at));
        let value = self.value(value);
        let subject = self.var(var).name.clone();
        if let Some((array, index)) = self.element_at(node, index, &subject) {
            self.b().push(ir::Stmt::StoreAt(array, index, value));
        }
    }

    /// The value, copied first if it reads the array it will be stored into anywhere but at the place it is stored to.
    fn untangled(&mut self, value: NodeId, array: ArrayId, sels: &[Sel]) -> NodeId {
        if !self.reads(value, array) || self.reads_only_in_place(value, array, sels) {
            return value;
        }
        self.copy_of(value, "copy")
    }

    fn reads_only_in_place(&self, value: NodeId, array: ArrayId, sels: &[Sel]) -> bool {
        let shape = |node: NodeId| self.node(node).dims.iter().map(|dim| self.canon(dim.extent)).collect::<Vec<_>>();
        let wanted = shape(value);
        let mut queue = vec![value];
        while let Some(id) = queue.pop() {
            match &self.node(id).kind {
                NodeKind::Source(source, _) if *source != array => {}
                NodeKind::Source(_, own) if own == sels && shape(id) == wanted => {}
                NodeKind::Source(..) => return false,
                NodeKind::View(base, _) | NodeKind::Stretch(base) | NodeKind::Split(base, _)
                    if self.reads(*base, array) =>
                {
                    return false;
                }
                NodeKind::Gather(_) if self.reads(id, array) => return false,
                kind => queue.extend(children(kind)),
            }
        }
        true
    }

    /// Before statements that store into arrays: delayed values that read those are computed.
    fn before_stores(&mut self, stmt: &'h Stmt) {
        for var in self.written(stmt) {
            if let Binding::Storage(node) = self.binding(var)
                && let NodeKind::Source(array, _) = self.node(node).kind
            {
                self.force_readers(array);
            }
        }
    }

    /// The arrays a statement changes: stored into, assigned, or passed to a function that may.
    fn written(&self, stmt: &'h Stmt) -> Vec<VarId> {
        let mut vars = facts::stored(stmt);
        vars.extend(facts::assigned(stmt));
        stmt.walk(&mut |expr| {
            if let Kind::Inline(_, args) = &expr.kind {
                vars.extend(args.iter().filter_map(|arg| match arg.kind {
                    Kind::Var(var) if arg.ty.rank > 0 => Some(var),
                    _ => None,
                }));
            }
        });
        vars
    }

    /// Branches and loops: as scalar code where they are nothing else, else as steps.
    fn control(&mut self, stmt: &'h Stmt) -> bool {
        if self.laneable_stmt(stmt, false) && !facts::returns(stmt) && !self.jumps_out(stmt) {
            self.lane_region(stmt);
            return false;
        }
        self.before_stores(stmt);
        match &stmt.kind {
            StmtKind::If { cond, then, otherwise } => {
                self.force_used(then);
                self.force_used(otherwise);
                let cond = self.condition_slot(cond);
                let then = self.nested(|lower| lower.branch_steps(then));
                let otherwise = self.nested(|lower| lower.branch_steps(otherwise));
                self.push_step(Step::If { cond, then, otherwise });
            }
            StmtKind::While { cond, body } => self.while_steps(cond, body),
            StmtKind::For { var, start, stop, step, parallel, body } => {
                self.force_used(body);
                let [start, stop, step] = [start, stop, step].map(|bound| self.expr_ext(bound));
                match parallel {
                    true => self.prange(stmt, *var, [start, stop, step], body),
                    false => self.for_steps(*var, [start, stop, step], body, stmt.span),
                }
            }
            StmtKind::Assign(..)
            | StmtKind::AssignCall(..)
            | StmtKind::Store { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_) => {}
        }
        false
    }

    fn branch_steps(&mut self, block: &'h Block) {
        self.step_stmts(&block.stmts);
    }

    /// Whether an `if` contains a `break` or `continue` of a loop around it.
    fn jumps_out(&self, stmt: &'h Stmt) -> bool {
        fn jumps(stmt: &Stmt) -> bool {
            match &stmt.kind {
                StmtKind::Break | StmtKind::Continue => true,
                StmtKind::If { then, otherwise, .. } => then.stmts.iter().chain(&otherwise.stmts).any(jumps),
                StmtKind::While { .. }
                | StmtKind::For { .. }
                | StmtKind::Assign(..)
                | StmtKind::AssignCall(..)
                | StmtKind::Store { .. }
                | StmtKind::Return(_) => false,
            }
        }
        jumps(stmt)
    }

    fn condition_slot(&mut self, cond: &'h Expr) -> SlotId {
        self.prepare(cond);
        let value = self.value(cond);
        let slot = self.new_slot("condition", Type::Bool);
        self.set_pending(slot, value);
        self.flush();
        slot
    }

    fn while_steps(&mut self, cond: &'h Expr, body: &'h Block) {
        self.force_used(body);
        let mut used = Vec::new();
        cond.walk(&mut |expr| {
            if let Kind::Var(var) = expr.kind {
                used.push(var);
            }
        });
        used.into_iter().for_each(|var| self.in_memory(var));
        self.step_scopes.push(Scope::Loop);
        let steps = self.nested(|lower| {
            let cond = lower.condition_slot(cond);
            lower.push_step(Step::If { cond, then: Vec::new(), otherwise: vec![Step::Break(0)] });
            lower.step_stmts(&body.stmts);
        });
        self.step_scopes.pop();
        self.push_step(Step::Loop(steps));
    }

    fn for_steps(&mut self, var: VarId, [start, stop, step]: [Ext; 3], body: &'h Block, span: Span) {
        if !matches!(step, Ext::Const(value) if value != 0) {
            self.range_count(start, stop, step, span);
        }
        let rises = matches!((start, step), (Ext::Const(0..), Ext::Const(1..)));
        let index = self.new_slot(&self.var(var).name.clone(), Type::I64);
        if rises {
            self.nonneg_slots.insert(index);
        }
        let [start, stop, step] = [start, stop, step].map(|bound| self.ext_slot(bound));
        self.step_scopes.push(Scope::Loop);
        let body = self.nested(|lower| {
            lower.bind(var, Binding::Scalar(Ref::Slot(index)));
            lower.step_stmts(&body.stmts);
        });
        self.step_scopes.pop();
        self.push_step(Step::For { index, start, stop, step, body });
    }

    fn jump(&mut self, step: impl Fn(u32) -> Step) -> bool {
        let depth = self.step_scopes.iter().rev().position(|scope| matches!(scope, Scope::Loop));
        self.flush();
        if let Some(depth) = depth {
            self.push_step(step(depth as u32));
        }
        true
    }

    fn step_return(&mut self, values: &'h [Expr]) -> bool {
        let target = self.step_scopes.iter().rev().position(|scope| matches!(scope, Scope::StepReturn(_)));
        let Some(depth) = target else { return true };
        let at = self.step_scopes.len() - 1 - depth;
        let Scope::StepReturn(slots) = self.step_scopes[at].clone() else {
            return true;
        };
        self.set_results(values, &slots);
        self.flush();
        self.push_step(Step::Break(depth as u32));
        true
    }

    /// An `if` expression whose branches use array operations.
    pub fn if_at_array_level(&mut self, cond: &'h Expr, then: &'h Block, otherwise: &'h Block, elem: Type) -> Ref {
        self.force_used(then);
        self.force_used(otherwise);
        let result = self.new_slot("chosen", elem);
        let cond = self.condition_slot(cond);
        let mut sides = [then, otherwise].map(|block| {
            self.nested(|lower| {
                lower.step_stmts(&block.stmts);
                lower.set_results(&block.value, &[result]);
            })
        });
        let (then, otherwise) = (std::mem::take(&mut sides[0]), std::mem::take(&mut sides[1]));
        self.push_step(Step::If { cond, then, otherwise });
        Ref::Slot(result)
    }

    /// A statement of scalars and single elements, in the pending lane. Array-level scalars it changes become locals
    /// for its duration.
    pub fn lane_region(&mut self, stmt: &'h Stmt) {
        self.prepare_stmt(stmt);
        self.before_stores(stmt);
        let mut changed = Vec::new();
        for var in facts::assigned(stmt) {
            if let Binding::ScalarVar(slot) = self.binding(var) {
                let ty = self.slot_ty(slot);
                let value = self.pending_slot(slot);
                let local = self.pending.b.local(ty);
                self.pending.b.set(local, value);
                self.bind(var, Binding::Local(local));
                changed.push((var, slot, local));
            }
        }
        self.lane_stmts(std::slice::from_ref(stmt));
        for (var, slot, local) in changed {
            let value = self.pending.b.get(local);
            self.set_pending(slot, value);
            self.bind(var, Binding::ScalarVar(slot));
        }
    }
}

/// The expressions whose values a body gives, if it gives them at its end only.
pub(super) fn values_of(body: &Block) -> &[Expr] {
    if let Some(Stmt { kind: StmtKind::Return(values), .. }) = body.stmts.last() {
        return values;
    }
    &body.value
}
