//! Array expressions as a graph of nodes: each an array value that need not exist in memory.

use super::gather::Gather;
use super::shape::{Dim, Ext};
use super::{Binding, Lower, Ref};
use crate::hir::{self, Exact, Expr, Index, InstanceId, Kind, Part, VarId};
use hotloop_ir::{ArrayId, FaultKind, Op, Role, Stmt, Type, Value};
use hotloop_source::Span;

/// A node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

/// An array value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// How its elements come about.
    pub kind: NodeKind,
    /// Its element type.
    pub elem: Type,
    /// Its shape.
    pub dims: Vec<Dim>,
    /// How many nodes, and expressions being lowered, hold it as an operand.
    pub edges: u32,
    /// How many nodes stand above memory, this one included.
    pub height: u32,
}

/// A part of an element-wise operation: the same for every element, or an array.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    /// A scalar.
    Scalar(Ref),
    /// An array.
    Node(NodeId),
}

/// How an array is selected from along one axis of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sel {
    /// The index at coordinate 0.
    pub start: Ext,
    /// The increment.
    pub step: Ext,
    /// The axis of the result that walks it, or none for a single index.
    pub dim: Option<usize>,
}

/// How a node's elements come about.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// A view of an array in memory, one selection per axis of the array.
    Source(ArrayId, Vec<Sel>),
    /// A view of another node, one selection per axis of that node.
    View(NodeId, Vec<Sel>),
    /// A core op.
    Op(Op, Vec<Operand>),
    /// Conversion to the node's type.
    Convert(Operand),
    /// The same bits as the node's type.
    Bitcast(Operand),
    /// Complex numbers with these parts.
    Complex(Operand, Operand),
    /// A part of complex numbers.
    Part(Part, Operand),
    /// An integer op whose overflow is a fault.
    Checked(Exact, Vec<Operand>, Span),
    /// Guarded integer `//` or `%`.
    IntDiv(Op, Operand, Operand, Span),
    /// Guarded integer power.
    IntPow(InstanceId, Operand, Operand, Span),
    /// `and`, `or`.
    Logic(Op, Operand, Operand),
    /// `where`.
    Where(Operand, Operand, Operand),
    /// One result of a function of scalars.
    Map(InstanceId, Vec<Operand>, usize, Span),
    /// All elements equal.
    Fill(Ref),
    /// `start + step * i`.
    Ramp(Ref, Ref),
    /// The sum of the coordinates, each times its weight.
    Position(Vec<Ext>),
    /// Elements of another node at indices that are computed.
    Gather(Box<Gather>),
    /// Another node broadcast to the node's shape.
    Stretch(NodeId),
    /// Another node whose axes are each split into so many of this one's, from the first of them on.
    Split(NodeId, Vec<(usize, usize)>),
}

/// Highest node: names built on one another over many statements are put into memory before they get higher, so that
/// recursion over nodes stays within the stack. One expression alone is not as high.
const MAX_HEIGHT: u32 = 340;

impl<'h> Lower<'h> {
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub fn add_node(&mut self, kind: NodeKind, elem: Type, dims: Vec<Dim>) -> NodeId {
        let mut height = 1;
        for child in children(&kind) {
            if self.node(child).height >= MAX_HEIGHT {
                self.materialize(child);
            }
            height = height.max(self.node(child).height + 1);
        }
        self.nodes.push(Node { kind, elem, dims, edges: 0, height });
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// A whole array in memory.
    pub fn source(&mut self, array: ArrayId, dims: Vec<Dim>) -> NodeId {
        let elem = self.program.array(array).element();
        self.add_node(NodeKind::Source(array, whole(dims.len())), elem, dims)
    }

    /// An expression of any rank, held until its node becomes part of another or `release` is called.
    pub fn operand(&mut self, expr: &'h Expr) -> Operand {
        if expr.ty.rank == 0 {
            return Operand::Scalar(self.scalar_ref(expr));
        }
        let node = self.array(expr);
        self.node_mut(node).edges += 1;
        Operand::Node(node)
    }

    /// Says that an operand has been used up, or is known by a name from here on.
    pub fn release(&mut self, operand: Operand) {
        if let Operand::Node(node) = operand {
            let edges = &mut self.node_mut(node).edges;
            *edges = edges.saturating_sub(1);
        }
    }

    fn operands(&mut self, exprs: &'h [Expr]) -> Vec<Operand> {
        exprs.iter().map(|expr| self.operand(expr)).collect()
    }

    /// An element-wise node over operands.
    pub fn elementwise(&mut self, kind: NodeKind, elem: Type, span: Span) -> NodeId {
        let shapes: Vec<Vec<Dim>> = children(&kind).iter().map(|&child| self.node(child).dims.clone()).collect();
        let dims = self.broadcast(&shapes, span);
        self.compute_once(&kind, &dims);
        self.add_node(kind, elem, dims)
    }

    /// Puts costly operands that a larger shape would compute over and over into memory first.
    fn compute_once(&mut self, kind: &NodeKind, dims: &[Dim]) {
        for child in children(kind) {
            let own = &self.node(child).dims;
            let skip = dims.len() - own.len();
            let wider = |(i, dim): (usize, &Dim)| !dim.is_one() && (i < skip || own[i - skip].is_one());
            if dims.iter().enumerate().any(wider) && self.worth_storing(child) {
                self.materialize(child);
            }
        }
    }

    /// An array expression.
    pub fn array(&mut self, expr: &'h Expr) -> NodeId {
        let (elem, span) = (expr.ty.elem, expr.span);
        match &expr.kind {
            Kind::Var(var) => self.array_var(*var),
            Kind::Op(op, args) => {
                let args = self.operands(args);
                self.elementwise(NodeKind::Op(*op, args), elem, span)
            }
            Kind::Checked(op, args) => {
                let args = self.operands(args);
                self.elementwise(NodeKind::Checked(*op, args, span), elem, span)
            }
            Kind::Convert(arg) => {
                let arg = self.operand(arg);
                self.elementwise(NodeKind::Convert(arg), elem, span)
            }
            Kind::Bitcast(arg) => {
                let arg = self.operand(arg);
                self.elementwise(NodeKind::Bitcast(arg), elem, span)
            }
            Kind::Complex(re, im) => self.pair_node(re, im, expr),
            Kind::Part(part, value) => self.part_node(*part, value, expr),
            Kind::IntDiv(op, a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                self.elementwise(NodeKind::IntDiv(*op, a, b, span), elem, span)
            }
            Kind::IntPow(id, a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                self.elementwise(NodeKind::IntPow(*id, a, b, span), elem, span)
            }
            Kind::Logic(op, a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                self.elementwise(NodeKind::Logic(*op, a, b), elem, span)
            }
            Kind::Where(c, a, b) => {
                let (c, a, b) = (self.operand(c), self.operand(a), self.operand(b));
                self.elementwise(NodeKind::Where(c, a, b), elem, span)
            }
            Kind::Map(id, args) => {
                let args = self.operands(args);
                let span = self.place(span);
                self.elementwise(NodeKind::Map(*id, args, 0, span), elem, span)
            }
            Kind::Inline(id, args) => {
                let values = self.inline_at_array_level(*id, args, span);
                values.iter().for_each(|&value| self.release(value));
                self.expect_node(values.into_iter().next(), elem, expr.ty.rank)
            }
            Kind::Window(window) => {
                let values = self.window(window, span);
                self.expect_node(values.into_iter().next(), elem, expr.ty.rank)
            }
            Kind::Let(bound, value) => {
                self.bind_all(bound);
                self.array(value)
            }
            Kind::MatMul(left, right, checked) => {
                let value = self.matmul(left, right, *checked, span);
                self.expect_node(Some(value), elem, expr.ty.rank)
            }
            Kind::Reduce { op, arg, axes, keepdims } => {
                let value = self.reduce(*op, arg, axes, *keepdims, span);
                self.expect_node(Some(value), elem, expr.ty.rank)
            }
            Kind::ByIndex(by) => self.by_index(by, span),
            Kind::Walk(walk) => {
                let value = self.walk(walk, span).into_iter().next();
                self.expect_node(value, elem, expr.ty.rank)
            }
            Kind::Require(cond, value) => {
                self.require(cond, span);
                self.array(value)
            }
            Kind::Position(base, axes) => self.position(base, axes),
            Kind::Index(base, index) => self.index(base, index, span),
            Kind::Arrange(arrange) => self.arrange(arrange, span),
            Kind::Fill(value, extents) => self.filled(value, extents),
            Kind::FillLike(value, like) => self.filled_like(value, like),
            Kind::List(items, shape) => self.written_out(items, shape, elem),
            Kind::Ramp(start, step, count) => self.ramp(start, step, count),
            // These are scalars; checking gives none of them an axis.
            Kind::Number(_) | Kind::Const(_) | Kind::If(..) | Kind::Extent(..) | Kind::Size(_) => {
                self.expect_node(None, elem, expr.ty.rank)
            }
        }
    }

    /// An array whose elements are stored one by one.
    fn written_out(&mut self, items: &'h [Expr], shape: &[usize], elem: Type) -> NodeId {
        let values: Vec<Ref> = items.iter().map(|item| self.scalar_ref(item)).collect();
        let dims: Vec<Dim> = shape.iter().map(|&extent| Dim::known(Ext::Const(extent as i64))).collect();
        let array = self.alloc("list", elem, &dims, Role::Temp);
        for (at, value) in values.into_iter().enumerate() {
            let mut rest = at;
            let mut index: Vec<Value> = Vec::with_capacity(shape.len());
            for extent in shape.iter().rev() {
                index.push(self.ext_pending(Ext::Const((rest % extent) as i64)));
                rest /= extent;
            }
            index.reverse();
            let value = self.ref_value(value);
            self.b().push(Stmt::StoreAt(array, index, value));
        }
        self.flush();
        self.source(array, dims)
    }

    fn filled(&mut self, value: &'h Expr, extents: &'h [Expr]) -> NodeId {
        let elem = value.ty.elem;
        let value = self.scalar_ref(value);
        let dims = extents.iter().zip(0..).map(|(extent, axis)| self.given_extent(extent, axis)).collect();
        self.add_node(NodeKind::Fill(value), elem, dims)
    }

    fn filled_like(&mut self, value: &'h Expr, like: &'h Expr) -> NodeId {
        let elem = value.ty.elem;
        let value = self.scalar_ref(value);
        let like = self.array(like);
        let dims = self.node(like).dims.clone();
        self.add_node(NodeKind::Fill(value), elem, dims)
    }

    fn ramp(&mut self, start: &'h Expr, step: &'h Expr, count: &'h Expr) -> NodeId {
        let elem = start.ty.elem;
        let (start, step) = (self.scalar_ref(start), self.scalar_ref(step));
        let dim = self.given_extent(count, 0);
        self.add_node(NodeKind::Ramp(start, step), elem, vec![dim])
    }

    fn pair_node(&mut self, re: &'h Expr, im: &'h Expr, expr: &Expr) -> NodeId {
        let (re, im) = (self.operand(re), self.operand(im));
        self.elementwise(NodeKind::Complex(re, im), expr.ty.elem, expr.span)
    }

    fn part_node(&mut self, part: Part, value: &'h Expr, expr: &Expr) -> NodeId {
        let value = self.operand(value);
        self.elementwise(NodeKind::Part(part, value), expr.ty.elem, expr.span)
    }

    /// The node of an operand; a scalar where checking promised an array fills one.
    pub fn expect_node(&mut self, value: Option<Operand>, elem: Type, rank: u32) -> NodeId {
        let one = Dim::known(Ext::Const(1));
        match value {
            Some(Operand::Node(node)) => node,
            Some(Operand::Scalar(value)) => self.add_node(NodeKind::Fill(value), elem, vec![one; rank as usize]),
            None => {
                let zero = Ref::Const(hotloop_ir::Scalar::new(elem, 0));
                self.add_node(NodeKind::Fill(zero), elem, vec![one; rank as usize])
            }
        }
    }

    fn array_var(&mut self, var: VarId) -> NodeId {
        let uses = &mut self.frame().uses[var.0 as usize];
        *uses = uses.saturating_sub(1);
        match self.binding(var) {
            Binding::Array(node) => node,
            // Memory that changes gets a node of its own for each mention, so that one can be copied in time.
            Binding::Storage(node) => {
                let Node { kind, elem, dims, .. } = self.node(node).clone();
                self.add_node(kind, elem, dims)
            }
            Binding::Scalar(value) => {
                let elem = self.var(var).ty.elem;
                self.expect_node(Some(Operand::Scalar(value)), elem, 0)
            }
            Binding::Unbound | Binding::ScalarVar(_) | Binding::Value(_) | Binding::Local(_) => {
                let ty = self.var(var).ty;
                self.expect_node(None, ty.elem, ty.rank)
            }
        }
    }

    /// Binds the values of a `Let`.
    pub fn bind_all(&mut self, bound: &'h [(VarId, Expr)]) {
        for (var, value) in bound {
            let value = self.operand(value);
            self.bind_operand(*var, value);
        }
    }

    /// An extent the user computes: checked not to be negative.
    pub fn given_extent(&mut self, expr: &'h Expr, axis: u32) -> Dim {
        let extent = self.expr_ext(expr);
        let known = match extent {
            Ext::Const(value) => value >= 0,
            Ext::Slot(slot) => self.nonneg_slots.contains(&slot),
        };
        if !known {
            let (value, zero) = (self.ext_pending(extent), self.ext_pending(Ext::Const(0)));
            let cond = self.pending.b.op(Op::Le, &[zero, value]);
            let site = self.site(FaultKind::NegativeExtent, expr.span, "", axis);
            self.pending_used = true;
            self.pending.b.push(Stmt::Check { cond, site, shows: [value, zero], at: None });
            if let Ext::Slot(slot) = extent {
                self.nonneg_slots.insert(slot);
            }
        }
        Dim::computed(extent)
    }

    /// A view of an array.
    fn index(&mut self, base: &'h Expr, index: &'h [Index], span: Span) -> NodeId {
        let node = match self.operand(base) {
            Operand::Node(node) => node,
            Operand::Scalar(value) => self.add_node(NodeKind::Fill(value), base.ty.elem, Vec::new()),
        };
        let subject = self.name_of(base);
        if index.iter().any(Index::by_array) {
            return self.by_array(node, index, &subject, span);
        }
        let (sels, dims) = self.selection(node, index, &subject);
        self.read_beside(node, &sels, &subject, span);
        self.view(node, sels, dims)
    }

    /// What an index selects along each axis of a node, and the shape that is left.
    pub fn selection(&mut self, node: NodeId, index: &'h [Index], subject: &str) -> (Vec<Sel>, Vec<Dim>) {
        let from = self.node(node).dims.clone();
        let (mut sels, mut dims) = (Vec::new(), Vec::new());
        for part in index {
            match part {
                Index::NewAxis => dims.push(Dim::known(Ext::Const(1))),
                Index::At(at) => {
                    let axis = sels.len();
                    let start = self.checked_index(at, from[axis], axis as u32, subject);
                    sels.push(Sel { start, step: Ext::Const(0), dim: None });
                }
                Index::Slice { start, stop, step } => {
                    let (start, step, dim) = self.slice_part(from[sels.len()], [start, stop].map(Option::as_ref), step);
                    sels.push(Sel { start, step, dim: Some(dims.len()) });
                    dims.push(dim);
                }
                // Indices by arrays are gathered or scattered; they select no view.
                Index::Array(_) | Index::Mask(_) => {}
            }
        }
        (sels, dims)
    }

    /// A single index, checked, negative ones counted from the end.
    pub fn checked_index(&mut self, at: &'h Expr, axis_dim: Dim, axis: u32, subject: &str) -> Ext {
        let at_ext = self.expr_ext(at);
        let (value, n) = (self.ext_pending(at_ext), self.ext_pending(axis_dim.extent));
        let zero = self.ext_pending(Ext::Const(0));
        let negative = self.pending.b.op(Op::Lt, &[value, zero]);
        let from_end = self.pending.b.op(Op::Add, &[value, n]);
        let index = self.pending.b.op(Op::Select, &[negative, from_end, value]);
        let (low, high) = (self.pending.b.op(Op::Le, &[zero, index]), self.pending.b.op(Op::Lt, &[index, n]));
        let inside = self.pending.b.op(Op::And, &[low, high]);
        let site = self.site(FaultKind::Index, at.span, subject, axis);
        self.pending.b.push(hotloop_ir::Stmt::Check { cond: inside, site, shows: [value, n], at: None });
        if let Ext::Const(0..) = at_ext {
            return at_ext;
        }
        let slot = self.new_slot("index", Type::I64);
        self.set_pending(slot, index);
        self.nonneg_slots.insert(slot);
        Ext::Slot(slot)
    }

    /// The name of an array expression, if it is a variable.
    pub fn name_of(&self, base: &Expr) -> String {
        match base.kind {
            Kind::Var(var) => self.var(var).name.clone(),
            _ => String::new(),
        }
    }

    /// A view of a node; views of memory are folded into one.
    pub fn view(&mut self, node: NodeId, sels: Vec<Sel>, dims: Vec<Dim>) -> NodeId {
        let elem = self.node(node).elem;
        let NodeKind::Source(array, inner) = self.node(node).kind.clone() else {
            return self.add_node(NodeKind::View(node, sels), elem, dims);
        };
        let folded = inner.into_iter().map(|sel| match sel.dim {
            None => sel,
            Some(dim) => self.compose(sel, sels[dim]),
        });
        let folded = folded.collect();
        self.add_node(NodeKind::Source(array, folded), elem, dims)
    }

    /// A selection of a selection.
    fn compose(&mut self, outer: Sel, inner: Sel) -> Sel {
        let offset = self.ext_op(Op::Mul, outer.step, inner.start);
        Sel {
            start: self.ext_op(Op::Add, outer.start, offset),
            step: self.ext_op(Op::Mul, outer.step, inner.step),
            dim: inner.dim,
        }
    }

    /// Whether a node, in memory or not, reads an array.
    pub fn reads(&self, node: NodeId, array: ArrayId) -> bool {
        let mut queue = vec![node];
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(id) = queue.pop() {
            if !seen.insert(id) {
                continue;
            }
            let kind = &self.node(id).kind;
            if matches!(kind, NodeKind::Source(source, _) if *source == array) {
                return true;
            }
            queue.extend(children(kind));
        }
        false
    }

    /// Puts every delayed value that is still needed and reads the array into memory, before the array changes.
    pub fn force_readers(&mut self, array: ArrayId) {
        for frame in 0..self.frames.len() {
            for var in 0..self.frames[frame].vars.len() {
                let Binding::Array(node) = self.frames[frame].vars[var] else {
                    continue;
                };
                if self.frames[frame].uses[var] > 0 && self.reads(node, array) {
                    self.detach(node);
                }
            }
        }
    }

    /// Puts the delayed values of variables used in a block that will be run repeatedly into memory.
    pub fn force_used(&mut self, block: &'h hir::Block) {
        let mut used = Vec::new();
        block.walk(&mut |expr| {
            if let Kind::Var(var) = expr.kind {
                used.push(var);
            }
        });
        for var in used {
            if let Binding::Array(node) = self.binding(var) {
                self.materialize(node);
            }
        }
    }

    /// The inputs of an element-wise node in bound-variable form: how many later uses a node has beyond its parents.
    pub fn later_uses(&self, node: NodeId) -> u32 {
        let mut uses = 0;
        for frame in &self.frames {
            for (binding, left) in frame.vars.iter().zip(&frame.uses) {
                if matches!(binding, Binding::Array(bound) if *bound == node) {
                    uses += left;
                }
            }
        }
        uses
    }
}

/// The selections of a whole array.
pub(crate) fn whole(rank: usize) -> Vec<Sel> {
    (0..rank).map(|dim| Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(dim) }).collect()
}

/// The array operands of a node.
pub(crate) fn children(kind: &NodeKind) -> Vec<NodeId> {
    let of = |operands: &[Operand]| {
        let nodes = operands.iter().filter_map(|operand| match operand {
            Operand::Node(node) => Some(*node),
            Operand::Scalar(_) => None,
        });
        nodes.collect()
    };
    match kind {
        NodeKind::Source(..) | NodeKind::Fill(_) | NodeKind::Ramp(..) | NodeKind::Position(_) => Vec::new(),
        NodeKind::View(node, _) | NodeKind::Stretch(node) | NodeKind::Split(node, _) => vec![*node],
        NodeKind::Gather(gather) => gather.nodes(),
        NodeKind::Op(_, args) | NodeKind::Checked(_, args, _) | NodeKind::Map(_, args, ..) => of(args),
        NodeKind::Convert(arg) | NodeKind::Bitcast(arg) | NodeKind::Part(_, arg) => of(&[*arg]),
        NodeKind::Complex(re, im) => of(&[*re, *im]),
        NodeKind::IntDiv(_, a, b, _) | NodeKind::IntPow(_, a, b, _) | NodeKind::Logic(_, a, b) => of(&[*a, *b]),
        NodeKind::Where(c, a, b) => of(&[*c, *a, *b]),
    }
}
