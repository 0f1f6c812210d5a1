//! Matrix products: a step for the library where both operands are matrices of floats, a nest of ours where one is a
//! vector or the elements are whole numbers.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::{Dim, Ext};
use super::{LaneCx, Lower, Ref};
use crate::hir::{Exact, Expr};
use hotloop_ir::{FaultKind, FoldOp, MatMul, Op, ProductId, Role, Scalar, Step, Type, View};
use hotloop_source::Span;

/// The bits of the lower half of a 64-bit integer.
const LOWER: i64 = u32::MAX as i64;

impl<'h> Lower<'h> {
    /// `left @ right`.
    pub fn matmul(&mut self, left: &'h Expr, right: &'h Expr, checked: bool, span: Span) -> Operand {
        let elem = left.ty.elem;
        let subject = match (self.name_of(left), self.name_of(right)) {
            (a, b) if a.is_empty() || b.is_empty() => String::new(),
            (a, b) => format!("{a} @ {b}"),
        };
        let (held, other) = (self.operand(left), self.operand(right));
        let (a, b) =
            (self.expect_node(Some(held), elem, left.ty.rank), self.expect_node(Some(other), elem, right.ty.rank));
        self.check_inner(a, b, span, &subject);
        let result = match (left.ty.rank, right.ty.rank) {
            (2.., 2..) if elem.is_float() => Operand::Node(self.by_library(a, b, span)),
            _ => self.by_nest(a, b, checked, span),
        };
        self.release(held);
        self.release(other);
        result
    }

    /// The extents that are summed over have to be equal; one of 1 does not broadcast.
    fn check_inner(&mut self, a: NodeId, b: NodeId, span: Span, subject: &str) {
        let inner = [self.node(a).dims.last(), self.node(b).dims.iter().rev().take(2).next_back()];
        let [Some(&x), Some(&y)] = inner else { return };
        if self.canon(x.extent) == self.canon(y.extent) {
            return;
        }
        let (left, right) = (self.ext_pending(x.extent), self.ext_pending(y.extent));
        let fits = self.pending.b.op(Op::Eq, &[left, right]);
        self.pending_check(FaultKind::Inner, fits, [left, right], span, subject);
        self.unite(x.extent, y.extent);
    }

    /// A sum of products; the columns of the right operand, if it has several, are the last axis of the nest.
    fn by_nest(&mut self, a: NodeId, b: NodeId, checked: bool, span: Span) -> Operand {
        let (rank_a, rank_b) = (self.node(a).dims.len(), self.node(b).dims.len());
        let elem = self.node(a).elem;
        let (left, right) = match (rank_a, rank_b) {
            (_, 1) => (a, b),
            (1, _) => (self.with_axis(a, 1), b),
            (_, _) => (self.with_axis(a, rank_a), self.with_axis(b, rank_b - 2)),
        };
        let factors = vec![Operand::Node(left), Operand::Node(right)];
        let kind = match checked {
            true => NodeKind::Checked(Exact::Mul, factors, span),
            false => NodeKind::Op(Op::Mul, factors),
        };
        let node = self.elementwise(kind, elem, span);
        let rank = self.node(node).dims.len() as u32;
        let axis = if rank_b == 1 { rank - 1 } else { rank - 2 };
        match checked {
            true => self.exact_sum(node, axis, span),
            false => self.fold(FoldOp::Sum, node, elem, &[axis], span),
        }
    }

    /// A sum of 64-bit integers along an axis; a fault where it does not fit. The upper and the lower halves are added up
    /// by themselves, which cannot overflow.
    fn exact_sum(&mut self, node: NodeId, axis: u32, span: Span) -> Operand {
        let elem = self.node(node).elem;
        if self.worth_storing(node) {
            self.materialize(node);
        }
        let number = |value: i64| Operand::Scalar(Ref::Const(Scalar::int(elem, value.into())));
        let [half, lower, unit] = [number(32), number(LOWER), number(LOWER + 1)];
        let sums = [(Op::Shr, half), (Op::And, lower)].map(|(op, by)| {
            let part = self.elementwise(NodeKind::Op(op, vec![Operand::Node(node), by]), elem, span);
            self.fold(FoldOp::Sum, part, elem, &[axis], span)
        });
        let [upper, rest] = sums;
        let over = self.operand_op(Op::Shr, rest, half, elem, span);
        let upper = self.operand_op(Op::Add, upper, over, elem, span);
        let rest = self.operand_op(Op::And, rest, lower, elem, span);
        let upper = match upper {
            Operand::Scalar(value) => {
                let args =
                    [value, Ref::Const(Scalar::int(elem, (LOWER + 1).into()))].map(|value| self.ref_value(value));
                let value = self.checked_op(Exact::Total, &args, span);
                Operand::Scalar(self.hold("sum", value))
            }
            Operand::Node(_) => {
                let span = self.place(span);
                let kind = NodeKind::Checked(Exact::Total, vec![upper, unit], span);
                Operand::Node(self.elementwise(kind, elem, span))
            }
        };
        self.operand_op(Op::Or, upper, rest, elem, span)
    }

    /// An op on scalars of the array level, or on arrays.
    fn operand_op(&mut self, op: Op, a: Operand, b: Operand, elem: Type, span: Span) -> Operand {
        match (a, b) {
            (Operand::Scalar(a), Operand::Scalar(b)) => {
                let args = [a, b].map(|value| self.ref_value(value));
                let value = self.b().op(op, &args);
                Operand::Scalar(self.hold("sum", value))
            }
            (_, _) => Operand::Node(self.elementwise(NodeKind::Op(op, vec![a, b]), elem, span)),
        }
    }

    /// The node with a new axis of extent 1 before axis `at`.
    fn with_axis(&mut self, node: NodeId, at: usize) -> NodeId {
        let mut dims = self.node(node).dims.clone();
        let place = |axis: usize| axis + usize::from(axis >= at);
        let sel = |axis| Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(place(axis)) };
        let sels = (0..dims.len()).map(sel).collect();
        dims.insert(at, Dim::known(Ext::Const(1)));
        self.view(node, sels, dims)
    }

    /// A step for the library. Operands that are views of memory are used where they are.
    fn by_library(&mut self, a: NodeId, b: NodeId, span: Span) -> NodeId {
        for node in [a, b] {
            self.materialize(node);
        }
        let elem = self.node(a).elem;
        let (left, right) = (self.node(a).dims.clone(), self.node(b).dims.clone());
        let (m, n, k) = (left[left.len() - 2], right[right.len() - 1], left[left.len() - 1]);
        let stacks = [left[..left.len() - 2].to_vec(), right[..right.len() - 2].to_vec()];
        let mut domain = self.broadcast(&stacks, span);
        let matrices = domain.len();
        domain.extend([m, n]);
        let array = self.alloc("product", elem, &domain, Role::Temp);
        let result = self.source(array, domain.clone());
        domain.push(k);
        self.nest = Some(LaneCx::new());
        let [rows, columns, summed] = [matrices, matrices + 1, matrices + 2];
        let views = [
            self.product_view(result, &domain, matrices, [rows, columns]),
            self.product_view(a, &domain, matrices, [rows, summed]),
            self.product_view(b, &domain, matrices, [summed, columns]),
        ];
        self.nest = None;
        let [c, a, b] = views;
        let axes = domain.iter().map(|dim| self.canon(dim.extent)).collect();
        let span = self.place(span);
        let id = ProductId(self.program.products.len() as u32);
        self.program.products.push(MatMul { axes, c, a, b, span });
        self.flush();
        self.push_step(Step::MatMul(id));
        result
    }

    /// The view of a node in memory whose last two axes are these of the domain and whose others are its first.
    fn product_view(&mut self, node: NodeId, domain: &[Dim], matrices: usize, last: [usize; 2]) -> View {
        let dims = self.node(node).dims.clone();
        let skip = matrices + 2 - dims.len();
        let mut coords = Vec::new();
        for (i, dim) in dims.iter().enumerate() {
            let axis = match dims.len() - i {
                1 => last[1],
                2 => last[0],
                _ => skip + i,
            };
            let walk =
                Coord { start: Ext::Const(0), step: Ext::Const(1), axis: Some(axis as u32), full: true, at: None };
            let of_stack = axis < matrices;
            coords.push(if of_stack { self.broadcast_coord(walk, *dim, domain[axis]) } else { walk });
        }
        let NodeKind::Source(array, sels) = self.node(node).kind.clone() else {
            unreachable!("operands of products have been put into memory")
        };
        let id = self.memory_view(array, &sels, &coords, &dims);
        self.cx().views[id.index()].clone()
    }
}
