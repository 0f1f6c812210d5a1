//! Reductions: a nest with folds, what it costs to have no elements, and means.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, whole};
use super::shape::{Dim, Ext};
use super::{Lower, Ref};
use crate::hir::{Expr, Reduction};
use hotloop_ir::{AxisKind, FaultKind, Fold, FoldDest, FoldId, FoldOp, Op, Role, Stmt, Type};
use hotloop_source::Span;

impl<'h> Lower<'h> {
    /// A reduction over some axes; over none it is the element itself.
    pub fn reduce(&mut self, op: Reduction, arg: &'h Expr, axes: &[u32], keepdims: bool, span: Span) -> Operand {
        let elem = arg.ty.elem;
        let arg = self.operand(arg);
        let node = match arg {
            Operand::Scalar(value) => return Operand::Scalar(value),
            Operand::Node(node) => node,
        };
        if axes.is_empty() {
            return Operand::Node(node);
        }
        let dims = self.node(node).dims.clone();
        let counted: Vec<Dim> = axes.iter().map(|&axis| dims[axis as usize]).collect();
        let count = self.product(&counted);
        self.check_nonempty(op, count, &dims, axes, span);
        let (result, elem) = match op {
            Reduction::Fold(fold) => (self.fold(fold, node, elem, axes, span), elem),
            Reduction::Mean => {
                let sum = self.fold(FoldOp::Sum, node, elem, axes, span);
                (self.divide_by_count(sum, elem, count), elem)
            }
            Reduction::First(extreme) => (self.first_extreme(extreme, node, axes, span), Type::I64),
        };
        self.release(arg);
        match result {
            Operand::Node(node) if keepdims => Operand::Node(self.keep_dims(node, &dims, axes)),
            Operand::Scalar(value) if keepdims => {
                let one = Dim::known(Ext::Const(1));
                Operand::Node(self.add_node(NodeKind::Fill(value), elem, vec![one; dims.len()]))
            }
            result => result,
        }
    }

    /// `min`, `max` and `mean` of nothing are faults, unless there is no result either.
    fn check_nonempty(&mut self, op: Reduction, count: Ext, dims: &[Dim], axes: &[u32], span: Span) {
        match op {
            Reduction::Fold(FoldOp::Sum | FoldOp::Prod | FoldOp::All | FoldOp::Any) => {}
            Reduction::Fold(FoldOp::Min | FoldOp::Max) | Reduction::Mean | Reduction::First(_) => {
                self.need_some(count, dims, axes, span);
            }
        }
    }

    /// Faults where there are results and nothing to make them of.
    pub fn need_some(&mut self, count: Ext, dims: &[Dim], axes: &[u32], span: Span) {
        if matches!(count, Ext::Const(1..)) {
            return;
        }
        let kept: Vec<Dim> =
            (0..dims.len() as u32).filter(|axis| !axes.contains(axis)).map(|axis| dims[axis as usize]).collect();
        let results = self.product(&kept);
        let zero = self.ext_pending(Ext::Const(0));
        let count = self.ext_pending(count);
        let mut fits = self.pending.b.op(Op::Ne, &[count, zero]);
        if results != Ext::Const(1) {
            let results = self.ext_pending(results);
            let none = self.pending.b.op(Op::Eq, &[results, zero]);
            fits = self.pending.b.op(Op::Or, &[fits, none]);
        }
        self.pending_check(FaultKind::EmptyReduction, fits, [zero, zero], span, "");
    }

    /// Faults unless there is something to reduce.
    pub fn require(&mut self, cond: &'h Expr, span: Span) {
        self.prepare(cond);
        let cond = self.value(cond);
        let zero = self.ext_pending(Ext::Const(0));
        self.pending_check(FaultKind::EmptyReduction, cond, [zero, zero], span, "");
    }

    /// The numbers of an array's elements in C order over some of its axes.
    pub fn position(&mut self, base: &'h Expr, axes: &[u32]) -> NodeId {
        let base = self.array(base);
        let dims = self.node(base).dims.clone();
        let mut weights = vec![Ext::Const(0); dims.len()];
        let mut weight = Ext::Const(1);
        for &axis in axes.iter().rev() {
            weights[axis as usize] = weight;
            weight = self.ext_op(Op::Mul, weight, dims[axis as usize].extent);
        }
        self.add_node(NodeKind::Position(weights), Type::I64, dims)
    }

    /// The nest of a fold. Nodes that are needed again are stored while they pass by.
    pub fn fold(&mut self, op: FoldOp, node: NodeId, ty: Type, axes: &[u32], span: Span) -> Operand {
        let dims = self.node(node).dims.clone();
        let keep: Vec<_> = self
            .worth_keeping(node)
            .into_iter()
            .map(|kept| (kept, self.alloc("temp", self.node(kept).elem, &dims, Role::Temp)))
            .collect();
        let left: Vec<Dim> =
            (0..dims.len() as u32).filter(|axis| !axes.contains(axis)).map(|axis| dims[axis as usize]).collect();
        let result = match left.is_empty() {
            true => None,
            false => Some(self.alloc("reduced", ty, &left, Role::Temp)),
        };
        let slot = self.new_slot("reduced", ty);
        let (nest_axes, coords) = self.open_nest(&dims, axes);
        let value = self.element(node, &coords, &dims);
        for &(kept, array) in &keep {
            self.keep(kept, array, &coords, &dims);
        }
        let dest = match result {
            None => FoldDest::Slot(slot),
            Some(array) => {
                let outer: Vec<Coord> = (0..dims.len() as u32)
                    .filter(|axis| !axes.contains(axis))
                    .map(|axis| coords[axis as usize])
                    .collect();
                FoldDest::View(self.memory_view(array, &whole(left.len()), &outer, &left))
            }
        };
        let cx = self.cx();
        cx.folds.push(Fold { op, ty, dest });
        let fold = FoldId(cx.folds.len() as u32 - 1);
        cx.b.push(Stmt::Fold(fold, value));
        debug_assert!(nest_axes.iter().any(|axis| axis.kind == AxisKind::Reduce));
        self.close_nest(nest_axes, span);
        for (kept, array) in keep {
            self.kept(kept, array);
        }
        match result {
            None => Operand::Scalar(Ref::Slot(slot)),
            Some(array) => Operand::Node(self.source(array, left)),
        }
    }

    fn divide_by_count(&mut self, sum: Operand, elem: Type, count: Ext) -> Operand {
        let count = self.ext_pending(count);
        let count = self.pending.b.convert(elem, count);
        match sum {
            Operand::Scalar(sum) => {
                let sum = self.ref_value(sum);
                let mean = self.pending.b.op(Op::Div, &[sum, count]);
                Operand::Scalar(self.hold("mean", mean))
            }
            Operand::Node(node) => {
                let count = Operand::Scalar(self.hold("count", count));
                let dims = self.node(node).dims.clone();
                let kind = NodeKind::Op(Op::Div, vec![Operand::Node(node), count]);
                Operand::Node(self.add_node(kind, elem, dims))
            }
        }
    }

    /// The result with the reduced axes put back as axes of extent 1.
    pub fn keep_dims(&mut self, node: NodeId, dims: &[Dim], axes: &[u32]) -> NodeId {
        let mut sels = Vec::new();
        let mut kept = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            if axes.contains(&(axis as u32)) {
                kept.push(Dim::known(Ext::Const(1)));
                continue;
            }
            sels.push(super::node::Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(axis) });
            kept.push(*dim);
        }
        self.view(node, sels, kept)
    }
}
