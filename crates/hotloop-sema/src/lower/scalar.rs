//! The code of one element: scalar expressions as values of the lane at hand.

use super::{Binding, Lower, Ref, Scope};
use crate::hir::{self, Expr, Index, InstanceId, Kind, Number, StmtKind};
use hotloop_ir::{ArrayId, FaultKind, Inst, Local, Op, Region, Scalar, Stmt, Type, Value};
use hotloop_source::Span;

use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::Ext;

/// Longest pair of branches that is computed on both sides instead of branching.
const SELECTED: usize = 12;

impl<'h> Lower<'h> {
    /// A scalar expression as something the array level can refer to.
    pub fn scalar_ref(&mut self, expr: &'h Expr) -> Ref {
        debug_assert!(self.nest.is_none(), "scalars of the array level are computed between nests");
        match &expr.kind {
            Kind::Const(value) => return Ref::Const(*value),
            Kind::Number(number) => return Ref::Const(settled(number, expr.ty.elem)),
            Kind::Var(var) => {
                if let Binding::Scalar(value) = self.binding(*var) {
                    return value;
                }
            }
            Kind::Extent(base, axis) if matches!(base.kind, Kind::Var(_)) => {
                let dims = self.dims_of(base);
                return Self::ext_ref(self.canon(dims[*axis as usize].extent));
            }
            _ => {}
        }
        self.prepare(expr);
        let value = self.value(expr);
        self.hold("scalar", value)
    }

    /// Scalar code for an expression. At the array level `prepare` has been called for it.
    pub fn value(&mut self, expr: &'h Expr) -> Value {
        let elem = expr.ty.elem;
        if let Some(value) = self.ready.remove(&std::ptr::from_ref(expr)) {
            return self.ref_value(value);
        }
        match &expr.kind {
            Kind::Number(number) => self.literal(settled(number, elem)),
            Kind::Const(value) => self.literal(*value),
            Kind::Var(var) => self.var_value(*var, elem),
            Kind::Op(op, args) => {
                let args: Vec<Value> = args.iter().map(|arg| self.value(arg)).collect();
                self.b().op(*op, &args)
            }
            Kind::Checked(op, args) => {
                let args: Vec<Value> = args.iter().map(|arg| self.value(arg)).collect();
                self.checked_op(*op, &args, expr.span)
            }
            Kind::Convert(arg) => {
                let arg = self.value(arg);
                self.b().convert(elem, arg)
            }
            Kind::Bitcast(arg) => {
                let arg = self.value(arg);
                self.b().bitcast(elem, arg)
            }
            Kind::Complex(re, im) => self.pair_value(re, im),
            Kind::Part(part, value) => self.part_value(*part, value),
            Kind::IntDiv(op, a, b) => {
                let (a, b) = (self.value(a), self.value(b));
                self.int_div(*op, a, b, expr.span)
            }
            Kind::IntPow(id, a, b) => {
                let (a, b) = (self.value(a), self.value(b));
                self.int_pow(*id, a, b, expr.span)
            }
            Kind::Logic(op, a, b) => {
                let a = self.value(a);
                let total = self.total_expr(b);
                self.logic(*op, a, total, &mut |lower| lower.value(b))
            }
            Kind::Where(c, a, b) => {
                let c = self.value(c);
                let total = self.total_expr(a) && self.total_expr(b);
                self.choose(c, elem, total, &mut |lower| lower.value(a), &mut |lower| lower.value(b))
            }
            Kind::If(c, then, otherwise) => {
                let c = self.value(c);
                self.branch(c, elem, then, otherwise)
            }
            Kind::Let(bound, value) => {
                for (var, value) in bound {
                    let value = self.value(value);
                    self.bind(*var, Binding::Value(value));
                }
                self.value(value)
            }
            Kind::Map(id, args) | Kind::Inline(id, args) => self.call_value(*id, args, elem, expr.span),
            Kind::Index(base, index) => self.load_element(base, index, elem),
            Kind::Extent(base, axis) => {
                let dims = self.dims_of(base);
                let extent = self.canon(dims[*axis as usize].extent);
                self.ext_value(extent)
            }
            Kind::Size(base) => {
                let dims = self.dims_of(base);
                let mut size = self.literal(Scalar::i64(1));
                for dim in dims {
                    let extent = self.ext_value(dim.extent);
                    size = self.b().op(Op::Mul, &[size, extent]);
                }
                size
            }
            // `prepare` has computed these, and lanes contain none.
            Kind::Window(_)
            | Kind::Reduce { .. }
            | Kind::MatMul(..)
            | Kind::Fill(..)
            | Kind::FillLike(..)
            | Kind::List(..)
            | Kind::Ramp(..)
            | Kind::Require(..)
            | Kind::Walk(_)
            | Kind::ByIndex(_)
            | Kind::Position(..)
            | Kind::Arrange(_) => {
                self.unsupported(
                    expr.span,
                    "an array operation inside the code of one element",
                    "compute it before the loop",
                );
                self.literal(Scalar::new(elem, 0))
            }
        }
    }

    fn pair_value(&mut self, re: &'h Expr, im: &'h Expr) -> Value {
        let parts = [self.value(re), self.value(im)];
        self.b().pair(parts)
    }

    fn part_value(&mut self, part: hir::Part, value: &'h Expr) -> Value {
        let value = self.value(value);
        self.part(part, value)
    }

    fn var_value(&mut self, var: hir::VarId, elem: Type) -> Value {
        match self.binding(var) {
            Binding::Scalar(value) => self.ref_value(value),
            Binding::ScalarVar(slot) => self.b().slot(slot, elem),
            Binding::Value(value) => value,
            Binding::Local(local) => self.b().get(local),
            Binding::Unbound | Binding::Array(_) | Binding::Storage(_) => self.literal(Scalar::new(elem, 0)),
        }
    }

    /// The shape of an array expression that is a variable; `prepare` has seen to all others.
    pub fn dims_of(&mut self, base: &'h Expr) -> Vec<super::shape::Dim> {
        match (&base.kind, base.ty.rank) {
            (_, 0) => Vec::new(),
            (Kind::Var(var), _) => match self.binding(*var) {
                Binding::Array(node) | Binding::Storage(node) => self.node(node).dims.clone(),
                Binding::Unbound
                | Binding::Scalar(_)
                | Binding::ScalarVar(_)
                | Binding::Value(_)
                | Binding::Local(_) => {
                    vec![super::shape::Dim::known(Ext::Const(1)); base.ty.rank as usize]
                }
            },
            _ => {
                let node = self.array(base);
                self.node(node).dims.clone()
            }
        }
    }

    fn call_value(&mut self, id: InstanceId, args: &'h [Expr], elem: Type, span: Span) -> Value {
        let arrays = args.iter().any(|arg| arg.ty.rank > 0);
        let results = match arrays {
            false => {
                let values = args.iter().map(|arg| self.value(arg)).collect();
                self.inline_in_lane(id, values, span)
            }
            true => self.inline_with_arrays(id, args, span),
        };
        match results.first() {
            Some(value) => *value,
            None => self.literal(Scalar::new(elem, 0)),
        }
    }

    /// Inlines a function of scalars into the lane at hand.
    pub fn inline_in_lane(&mut self, id: InstanceId, args: Vec<Value>, span: Span) -> Vec<Value> {
        let bindings = args.into_iter().map(Binding::Value).collect();
        self.inline_bound(id, bindings, span)
    }

    /// Inlines a function some of whose arguments are arrays, whose body handles single elements.
    fn inline_with_arrays(&mut self, id: InstanceId, args: &'h [Expr], span: Span) -> Vec<Value> {
        let mut bindings = Vec::new();
        for arg in args {
            let binding = match (&arg.kind, arg.ty.rank) {
                (_, 0) => Binding::Value(self.value(arg)),
                (Kind::Var(var), _) => self.binding(*var),
                _ => Binding::Unbound,
            };
            bindings.push(binding);
        }
        self.inline_bound(id, bindings, span)
    }

    /// Inlines a function whose parameters stand for these.
    pub fn inline_bound(&mut self, id: InstanceId, bindings: Vec<Binding>, span: Span) -> Vec<Value> {
        let instance = self.hir.instance(id);
        self.count(1, span);
        if self.full() {
            return instance.results.iter().map(|ty| self.literal(Scalar::new(ty.elem, 0))).collect();
        }
        let before = self.b_len();
        let span = self.place(span);
        self.push_frame(id, Some(span));
        for (&param, binding) in instance.params.iter().zip(bindings) {
            self.bind(param, binding);
        }
        let results = self.lane_body(instance);
        self.frames.pop();
        let after = self.b_len();
        self.count(after - before, span);
        results
    }

    fn b_len(&mut self) -> usize {
        self.b().len()
    }

    pub fn lane_body(&mut self, instance: &'h hir::Instance) -> Vec<Value> {
        let body = &instance.body;
        if super::facts::returns_early(body) {
            return self.lane_body_with_returns(instance);
        }
        self.lane_stmts(&body.stmts);
        let values: &'h [Expr] = match body.stmts.last().map(|stmt| &stmt.kind) {
            Some(StmtKind::Return(values)) => values,
            _ => &body.value,
        };
        self.lane_values(values)
    }

    /// Several values, or those of one call that gives several.
    pub fn lane_values(&mut self, values: &'h [Expr]) -> Vec<Value> {
        if let [only] = values
            && let Kind::Map(id, args) | Kind::Inline(id, args) = &only.kind
            && args.iter().all(|arg| arg.ty.rank == 0)
            && !self.ready.contains_key(&std::ptr::from_ref(only))
        {
            let args = args.iter().map(|arg| self.value(arg)).collect();
            return self.inline_in_lane(*id, args, only.span);
        }
        values.iter().map(|value| self.value(value)).collect()
    }

    fn lane_body_with_returns(&mut self, instance: &'h hir::Instance) -> Vec<Value> {
        let locals: Vec<_> = instance.results.iter().map(|ty| self.b().local(ty.elem)).collect();
        self.cx().scopes.push(Scope::LaneReturn(locals.clone()));
        self.begin();
        let ended = self.lane_stmts(&instance.body.stmts);
        if !ended {
            let values = self.lane_values(&instance.body.value);
            for (&local, value) in locals.iter().zip(values) {
                self.b().set(local, value);
            }
        }
        let region = self.end();
        self.cx().scopes.pop();
        self.b().push(Stmt::Block(region));
        locals.into_iter().map(|local| self.b().get(local)).collect()
    }

    /// An element of an array in memory, checked.
    fn load_element(&mut self, base: &'h Expr, index: &'h [Index], elem: Type) -> Value {
        let Some((array, index)) = self.element_place(base, index) else {
            return self.literal(Scalar::new(elem, 0));
        };
        self.b().load_at(array, index, elem)
    }

    /// The array and the checked indices of an element.
    pub fn element_place(&mut self, base: &'h Expr, index: &'h [Index]) -> Option<(ArrayId, Vec<Value>)> {
        let node = match &base.kind {
            Kind::Var(var) => match self.binding(*var) {
                Binding::Array(node) | Binding::Storage(node) => node,
                Binding::Unbound
                | Binding::Scalar(_)
                | Binding::ScalarVar(_)
                | Binding::Value(_)
                | Binding::Local(_) => return None,
            },
            _ => self.ready_arrays.remove(&std::ptr::from_ref(base))?,
        };
        let subject = self.name_of(base);
        self.element_at(node, index, &subject)
    }

    /// The array and the checked indices of an element of a node in memory.
    pub fn element_at(&mut self, node: NodeId, index: &'h [Index], subject: &str) -> Option<(ArrayId, Vec<Value>)> {
        let dims = self.node(node).dims.clone();
        let NodeKind::Source(array, sels) = self.node(node).kind.clone() else {
            return None;
        };
        let mut checked = Vec::new();
        for (axis, (part, dim)) in index.iter().filter(|part| !matches!(part, Index::NewAxis)).zip(&dims).enumerate() {
            let Index::At(at) = part else { return None };
            let value = self.value(at);
            checked.push(self.checked(array, value, self.canon(dim.extent), at.span, subject, axis as u32));
        }
        let index = sels.iter().map(|sel| self.selected_index(*sel, &checked)).collect();
        Some((array, index))
    }

    pub fn selected_index(&mut self, sel: Sel, index: &[Value]) -> Value {
        let start = self.ext_value(sel.start);
        let Some(dim) = sel.dim else { return start };
        let step = self.ext_value(sel.step);
        let offset = if sel.step == Ext::Const(1) { index[dim] } else { self.b().op(Op::Mul, &[step, index[dim]]) };
        if sel.start == Ext::Const(0) { offset } else { self.b().op(Op::Add, &[start, offset]) }
    }

    /// An index that counts from the end where it is negative, and is checked against the extent.
    pub fn checked(
        &mut self,
        array: ArrayId,
        index: Value,
        extent: Ext,
        span: Span,
        subject: &str,
        axis: u32,
    ) -> Value {
        let n = self.ext_value(extent);
        let wraps = !self.nonneg(index) && !self.cx().no_wrap.contains(&array);
        let place = match wraps {
            false => index,
            true => {
                let zero = self.literal(Scalar::i64(0));
                let negative = self.b().op(Op::Lt, &[index, zero]);
                let from_end = self.b().op(Op::Add, &[index, n]);
                self.b().op(Op::Select, &[negative, from_end, index])
            }
        };
        let key = (array, axis, place);
        if self.cx().known.iter().any(|known| known.checked.contains(&key)) {
            return place;
        }
        // One unsigned comparison finds indices on both sides.
        let (a, b) = (self.b().bitcast(Type::U64, place), self.b().bitcast(Type::U64, n));
        let inside = self.b().op(Op::Lt, &[a, b]);
        self.check(FaultKind::Index, inside, [index, n], span, subject, axis);
        if let Some(known) = self.cx().known.last_mut() {
            known.checked.insert(key);
        }
        place
    }

    /// Whether an index is known not to be negative. Sums and products count as such although they could wrap: the
    /// check against the extent then refuses them.
    pub fn nonneg(&mut self, value: Value) -> bool {
        let inst = self.b().inst(value).clone();
        match inst {
            Inst::Const(scalar) => scalar.as_i128() >= 0,
            Inst::Axis(_) | Inst::Extent(..) => true,
            Inst::Local(local) => self.cx().nonneg.contains(&local),
            Inst::Slot(slot) => self.nonneg_slots.contains(&slot),
            Inst::Convert(from) => {
                let ty = self.b().ty(from);
                ty == Type::Bool || (ty.is_int() && !ty.is_signed() && ty != Type::U64)
            }
            Inst::Op(Op::Add | Op::Mul | Op::Or | Op::Min, [a, b, _]) => self.nonneg(a) && self.nonneg(b),
            Inst::Op(Op::And | Op::Max, [a, b, _]) => self.nonneg(a) || self.nonneg(b),
            Inst::Op(Op::Shr | Op::FloorDiv, [a, b, _]) => self.nonneg(a) && self.nonneg(b),
            Inst::Op(Op::FloorRem, [_, b, _]) => self.nonneg(b),
            Inst::Op(..) | Inst::Bitcast(_) | Inst::Load(_) | Inst::LoadAt(..) => false,
        }
    }

    /// Integer `//` or `%`, guarded against a zero divisor.
    pub fn int_div(&mut self, op: Op, a: Value, b: Value, span: Span) -> Value {
        let ty = self.b().ty(b);
        let known = self.b().constant(b).is_some_and(|scalar| scalar.bits != 0);
        if !known && self.options.zero_division == super::ZeroDivision::Fault {
            let zero = self.literal(Scalar::new(ty, 0));
            let cond = self.b().op(Op::Ne, &[b, zero]);
            let shown = self.b().convert(Type::I64, a);
            let none = self.literal(Scalar::i64(0));
            self.check(FaultKind::DivideByZero, cond, [shown, none], span, "", 0);
        }
        self.b().op(op, &[a, b])
    }

    /// Integer power: the library's loop, guarded against a negative exponent.
    pub fn int_pow(&mut self, id: InstanceId, a: Value, b: Value, span: Span) -> Value {
        let ty = self.b().ty(b);
        if ty.is_signed() {
            let zero = self.literal(Scalar::new(ty, 0));
            let cond = self.b().op(Op::Le, &[zero, b]);
            let shown = self.b().convert(Type::I64, b);
            let none = self.literal(Scalar::i64(0));
            self.check(FaultKind::NegativeExponent, cond, [shown, none], span, "", 0);
        }
        match self.inline_in_lane(id, vec![a, b], span).first() {
            Some(value) => *value,
            None => a,
        }
    }

    /// `a and b`, `a or b`. Where the right side can fault it runs only where the left does not decide.
    pub fn logic(&mut self, op: Op, a: Value, total: bool, b: &mut dyn FnMut(&mut Self) -> Value) -> Value {
        if total {
            let b = b(self);
            return self.b().op(op, &[a, b]);
        }
        let decided = self.literal(Scalar::bool(op == Op::Or));
        let mut known = |lower: &mut Self| {
            let _ = lower;
            decided
        };
        match op {
            Op::Or => self.choose(a, Type::Bool, false, &mut known, b),
            _ => self.choose(a, Type::Bool, false, b, &mut known),
        }
    }

    /// One of two values. Where an alternative can fault it runs only where it is chosen.
    pub fn choose(
        &mut self,
        cond: Value,
        elem: Type,
        total: bool,
        a: &mut dyn FnMut(&mut Self) -> Value,
        b: &mut dyn FnMut(&mut Self) -> Value,
    ) -> Value {
        if total {
            let (a, b) = (a(self), b(self));
            return self.b().op(Op::Select, &[cond, a, b]);
        }
        let local = self.b().local(elem);
        self.begin();
        let value = a(self);
        self.b().set(local, value);
        let then = self.end();
        self.begin();
        let value = b(self);
        self.b().set(local, value);
        let otherwise = self.end();
        self.b().push(Stmt::If { cond, then, otherwise });
        self.b().get(local)
    }

    /// `if` as a value: short branches without effects are both computed, others branch.
    fn branch(&mut self, cond: Value, elem: Type, then: &'h hir::Block, otherwise: &'h hir::Block) -> Value {
        let (then, a) = self.branch_side(then, elem);
        let (otherwise, b) = self.branch_side(otherwise, elem);
        if self.selectable(&then) && self.selectable(&otherwise) && then.len() + otherwise.len() <= SELECTED {
            for stmt in then.into_iter().chain(otherwise) {
                self.b().push(stmt);
            }
            return self.b().op(Op::Select, &[cond, a, b]);
        }
        let local = self.b().local(elem);
        let then = self.set_at_end(then, local, a);
        let otherwise = self.set_at_end(otherwise, local, b);
        self.b().push(Stmt::If { cond, then, otherwise });
        self.b().get(local)
    }

    /// A region that ends in setting a local to a value of it.
    fn set_at_end(&mut self, mut region: Region, local: Local, value: Value) -> Region {
        match (local.parts(), self.b().parts(value)) {
            (Some(locals), Some(parts)) => {
                region.extend(locals.into_iter().zip(parts).map(|(local, part)| Stmt::Set(local, part)));
            }
            (_, _) => region.push(Stmt::Set(local, value)),
        }
        region
    }

    fn branch_side(&mut self, block: &'h hir::Block, elem: Type) -> (Region, Value) {
        self.begin();
        self.lane_stmts(&block.stmts);
        let value = match block.value.first() {
            Some(value) => self.value(value),
            None => self.literal(Scalar::new(elem, 0)),
        };
        (self.end(), value)
    }

    /// Whether a region only computes values that can be computed anywhere.
    fn selectable(&mut self, region: &Region) -> bool {
        region.iter().all(|stmt| match stmt {
            Stmt::Let(value) => !matches!(self.b().inst(*value), Inst::LoadAt(..)),
            Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::If { .. }
            | Stmt::For { .. }
            | Stmt::Loop(_)
            | Stmt::Block(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => false,
        })
    }

    /// Whether computing an operand anywhere is harmless.
    pub fn total_operand(&mut self, operand: Operand) -> bool {
        match operand {
            Operand::Scalar(_) => true,
            Operand::Node(node) => self.total_node(node),
        }
    }
}

/// A bare number in the type it has without meeting another.
pub(crate) fn settled(number: &Number, elem: Type) -> Scalar {
    crate::check::literal(number, elem).unwrap_or(Scalar::new(elem, 0))
}
