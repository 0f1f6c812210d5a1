//! From nodes to nests: the code that computes one element, and where the elements go.

use super::node::{Node, NodeId, NodeKind, Operand, Sel, children, whole};
use super::shape::{Dim, Ext};
use super::{LaneCx, Lower, Ref};
use crate::hir::Part;
use hotloop_ir::{
    Array, ArrayId, Axis, AxisKind, Counts, FaultKind, Layout, Op, Role, Scalar, Step, Stmt, Type, Value, View,
    ViewDim, ViewId,
};
use hotloop_source::Span;
use rustc_hash::FxHashMap as HashMap;

/// Where along one axis of a node the point of the nest lies: `start + step * point[axis]`, or `start + step * value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Coord {
    /// The coordinate at point 0.
    pub start: Ext,
    /// The increment per point.
    pub step: Ext,
    /// The axis of the nest, or none.
    pub axis: Option<u32>,
    /// What takes the place of the point where a lane walks the node by itself: a value of the lane, and no axis.
    pub at: Option<Value>,
    /// Whether the axis walks the node's whole axis.
    pub full: bool,
}

impl Coord {
    /// The coordinate 0 everywhere.
    pub const ZERO: Coord = Coord { start: Ext::Const(0), step: Ext::Const(0), axis: None, at: None, full: false };

    /// A coordinate that the lane computes.
    pub fn computed(at: Value) -> Coord {
        Coord { at: Some(at), step: Ext::Const(1), ..Coord::ZERO }
    }
}

/// What one evaluation of a shared node costs, in ops; above this it is kept rather than computed twice.
const CHEAP: u32 = 6;
/// The same where every element is used along a whole axis: what divides is stored.
const BRIEF: u32 = 4;

impl<'h> Lower<'h> {
    /// Opens a nest over a shape. Axes known to have one point are left out unless they are reduced.
    pub fn open_nest(&mut self, dims: &[Dim], reduced: &[u32]) -> (Vec<Axis>, Vec<Coord>) {
        let (mut axes, mut coords) = (Vec::new(), Vec::new());
        for (i, dim) in dims.iter().enumerate() {
            let reduce = reduced.contains(&(i as u32));
            if dim.is_one() && !reduce {
                coords.push(Coord::ZERO);
                continue;
            }
            let kind = if reduce { AxisKind::Reduce } else { AxisKind::Parallel };
            let axis = Some(axes.len() as u32);
            coords.push(Coord { step: Ext::Const(1), axis, full: true, ..Coord::ZERO });
            axes.push(Axis { kind, extent: self.canon(dim.extent) });
        }
        self.nest = Some(LaneCx::new());
        (axes, coords)
    }

    /// Closes the open nest and adds it, after the scalars it needs.
    pub fn close_nest(&mut self, axes: Vec<Axis>, span: Span) {
        let Some(cx) = self.nest.take() else { return };
        self.flush();
        let span = self.place(span);
        self.add_nest(cx, axes, span);
    }

    /// Stores nodes of one shape into arrays of that shape.
    pub fn store_nest(&mut self, stores: &[(NodeId, ArrayId)], dims: &[Dim], span: Span) {
        let (axes, coords) = self.open_nest(dims, &[]);
        for &(node, array) in stores {
            let value = self.element(node, &coords, dims);
            self.store_whole(array, &coords, value);
        }
        self.close_nest(axes, span);
    }

    /// Stores a value at the nest's point of an array of the nest's shape.
    pub fn store_whole(&mut self, array: ArrayId, coords: &[Coord], value: Value) {
        let dims = self.array_dims[array.index()].iter().map(|&extent| Dim::known(extent)).collect::<Vec<_>>();
        let view = self.memory_view(array, &whole(dims.len()), coords, &dims);
        self.b().push(Stmt::Store(view, value));
    }

    /// Stores an operand into a selection of an array.
    pub fn store_selection(&mut self, array: ArrayId, sels: &[Sel], dims: &[Dim], value: Operand, span: Span) {
        let (axes, coords) = self.open_nest(dims, &[]);
        let value = match value {
            Operand::Scalar(value) => self.ref_value(value),
            Operand::Node(node) => self.element(node, &coords, dims),
        };
        let view = self.memory_view(array, sels, &coords, dims);
        self.b().push(Stmt::Store(view, value));
        self.close_nest(axes, span);
    }

    /// A new array of a shape, with the step that makes it.
    pub fn alloc(&mut self, name: &str, ty: Type, dims: &[Dim], role: Role) -> ArrayId {
        let id = ArrayId(self.program.arrays.len() as u32);
        let rank = dims.len() as u32;
        let array = Array { name: name.to_string(), ty, rank, role, layout: Layout::Dense, pairs: false };
        let array = super::in_memory(array);
        let extents: Vec<Ext> = dims.iter().map(|dim| self.canon(dim.extent)).collect();
        let parts = array.pairs.then_some(Ext::Const(2));
        let slots = extents.iter().copied().chain(parts).map(|extent| self.ext_slot(extent)).collect();
        self.program.arrays.push(array);
        self.array_dims.push(extents);
        self.flush();
        self.push_step(Step::Alloc(id, slots));
        id
    }

    /// Puts a node into memory, once; nodes that are views of memory are there already.
    pub fn materialize(&mut self, node: NodeId) {
        if matches!(self.node(node).kind, NodeKind::Source(..)) {
            return;
        }
        self.detach(node);
    }

    /// Puts a node into memory of its own.
    pub fn detach(&mut self, node: NodeId) {
        let Node { elem, dims, .. } = self.node(node).clone();
        let array = self.alloc("temp", elem, &dims, Role::Temp);
        self.store_nest(&[(node, array)], &dims, Span::DETACHED);
        self.now_in_memory(node, array);
    }

    /// A copy of a node in memory of its own.
    pub fn copy_of(&mut self, node: NodeId, name: &str) -> NodeId {
        let Node { elem, dims, .. } = self.node(node).clone();
        let array = self.alloc(name, elem, &dims, Role::Temp);
        self.store_nest(&[(node, array)], &dims, Span::DETACHED);
        self.source(array, dims)
    }

    fn now_in_memory(&mut self, node: NodeId, array: ArrayId) {
        for child in children(&self.node(node).kind.clone()) {
            let edges = &mut self.node_mut(child).edges;
            *edges = edges.saturating_sub(1);
        }
        let rank = self.node(node).dims.len();
        let node = self.node_mut(node);
        node.kind = NodeKind::Source(array, whole(rank));
        node.height = 1;
    }

    /// The array a node will be a result in; filled by `store_results` unless it is that array already.
    pub fn output(&mut self, node: NodeId, span: Span) -> ArrayId {
        let Node { kind, elem, dims, .. } = self.node(node).clone();
        if let NodeKind::Source(array, sels) = &kind {
            let own = self.program.array(*array).role == Role::Temp && *sels == whole(dims.len());
            if own && self.array_dims[array.index()].len() == dims.len() && self.step_scopes.is_empty() {
                self.program.arrays[array.index()].role = Role::Output;
                return *array;
            }
        }
        let array = self.alloc("result", elem, &dims, Role::Output);
        self.outputs.push((node, array, span));
        array
    }

    /// Fills the outputs, those of one shape in one nest.
    pub fn store_results(&mut self) {
        let mut open = std::mem::take(&mut self.outputs);
        while let Some(&(first, _, span)) = open.first() {
            let dims = self.node(first).dims.clone();
            let shape: Vec<Ext> = dims.iter().map(|dim| self.canon(dim.extent)).collect();
            let same = |lower: &Self, node: NodeId| {
                lower.node(node).dims.iter().map(|dim| lower.canon(dim.extent)).collect::<Vec<_>>() == shape
            };
            let (group, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(|&(node, ..)| same(self, node));
            let group: Vec<(NodeId, ArrayId)> = group.into_iter().map(|(node, array, _)| (node, array)).collect();
            self.store_nest(&group, &dims, span);
            open = rest;
        }
    }

    /// The element of a node at coordinates given for a shape the node broadcasts to.
    pub fn element(&mut self, node: NodeId, coords: &[Coord], dims: &[Dim]) -> Value {
        let own = self.node(node).dims.clone();
        let skip = coords.len() - own.len();
        let mut inner = Vec::with_capacity(own.len());
        for (i, dim) in own.iter().enumerate() {
            inner.push(self.broadcast_coord(coords[skip + i], *dim, dims[skip + i]));
        }
        let key = (node, inner);
        let cx = self.cx();
        if let Some(value) = cx.known.iter().find_map(|known| known.nodes.get(&key)) {
            return *value;
        }
        let value = self.compute_element(node, &key.1, &own);
        if let Some(known) = self.cx().known.last_mut() {
            known.nodes.insert(key, value);
        }
        value
    }

    /// The coordinate of an operand whose extent may be 1 where the result's is not.
    pub fn broadcast_coord(&mut self, coord: Coord, own: Dim, result: Dim) -> Coord {
        if own.is_one() {
            return Coord::ZERO;
        }
        if self.canon(own.extent) == self.canon(result.extent) {
            return coord;
        }
        if !own.maybe_one {
            return Coord { full: false, ..coord };
        }
        let factor = self.not_one(own.extent);
        Coord {
            start: self.ext_op(Op::Mul, coord.start, factor),
            step: self.ext_op(Op::Mul, coord.step, factor),
            full: false,
            ..coord
        }
    }

    pub fn operand_element(&mut self, operand: Operand, coords: &[Coord], dims: &[Dim]) -> Value {
        match operand {
            Operand::Scalar(value) => self.ref_value(value),
            Operand::Node(node) => self.element(node, coords, dims),
        }
    }

    fn compute_element(&mut self, id: NodeId, coords: &[Coord], dims: &[Dim]) -> Value {
        let Node { kind, elem, .. } = self.node(id).clone();
        match kind {
            NodeKind::Source(array, sels) if coords.iter().any(|coord| coord.at.is_some()) => {
                let index = self.computed_index(array, &sels, coords, dims);
                self.b().load_at(array, index, elem)
            }
            NodeKind::Source(array, sels) => {
                let view = self.memory_view(array, &sels, coords, dims);
                self.b().load(view, elem)
            }
            NodeKind::Gather(gather) => self.gathered(&gather, coords, dims),
            NodeKind::Stretch(base) => self.element(base, coords, dims),
            NodeKind::Split(base, parts) => self.split_element(base, &parts, coords, dims),
            NodeKind::View(base, sels) => self.view_element(base, &sels, coords, dims),
            NodeKind::Op(op, args) => {
                let args = self.operand_elements(&args, coords, dims);
                self.b().op(op, &args)
            }
            NodeKind::Checked(op, args, span) => {
                let args = self.operand_elements(&args, coords, dims);
                self.checked_op(op, &args, span)
            }
            NodeKind::Convert(arg) => {
                let arg = self.operand_element(arg, coords, dims);
                self.b().convert(elem, arg)
            }
            NodeKind::Bitcast(arg) => {
                let arg = self.operand_element(arg, coords, dims);
                self.b().bitcast(elem, arg)
            }
            NodeKind::Complex(re, im) => self.pair_element([re, im], coords, dims),
            NodeKind::Part(part, value) => {
                let value = self.operand_element(value, coords, dims);
                self.part(part, value)
            }
            NodeKind::IntDiv(op, a, b, span) => {
                let (a, b) = (self.operand_element(a, coords, dims), self.operand_element(b, coords, dims));
                self.int_div(op, a, b, span)
            }
            NodeKind::IntPow(instance, a, b, span) => {
                let (a, b) = (self.operand_element(a, coords, dims), self.operand_element(b, coords, dims));
                self.int_pow(instance, a, b, span)
            }
            NodeKind::Logic(op, a, b) => {
                let a = self.operand_element(a, coords, dims);
                let total = self.total_operand(b);
                self.logic(op, a, total, &mut |lower| lower.operand_element(b, coords, dims))
            }
            NodeKind::Where(c, a, b) => {
                let c = self.operand_element(c, coords, dims);
                let total = self.total_operand(a) && self.total_operand(b);
                self.choose(c, elem, total, &mut |lower| lower.operand_element(a, coords, dims), &mut |lower| {
                    lower.operand_element(b, coords, dims)
                })
            }
            NodeKind::Map(instance, args, which, span) => {
                let args = self.operand_elements(&args, coords, dims);
                let results = self.inline_in_lane(instance, args, span);
                results[which]
            }
            NodeKind::Fill(value) => self.ref_value(value),
            NodeKind::Ramp(start, step) => self.ramp_element([start, step], coords[0], elem),
            NodeKind::Position(weights) => self.position_element(&weights, coords),
        }
    }

    fn operand_elements(&mut self, args: &[Operand], coords: &[Coord], dims: &[Dim]) -> Vec<Value> {
        args.iter().map(|&arg| self.operand_element(arg, coords, dims)).collect()
    }

    fn ramp_element(&mut self, [start, step]: [Ref; 2], coord: Coord, elem: Type) -> Value {
        let index = self.coord_value(coord);
        let (start, step) = (self.ref_value(start), self.ref_value(step));
        let index = self.b().convert(elem, index);
        let offset = self.b().op(Op::Mul, &[step, index]);
        self.b().op(Op::Add, &[start, offset])
    }

    fn view_element(&mut self, base: NodeId, sels: &[Sel], coords: &[Coord], dims: &[Dim]) -> Value {
        let base_dims = self.node(base).dims.clone();
        let mut inner = Vec::new();
        for (sel, base_dim) in sels.iter().zip(&base_dims) {
            inner.push(self.selected(*sel, coords, dims, base_dim.extent));
        }
        self.element(base, &inner, &base_dims)
    }

    fn pair_element(&mut self, parts: [Operand; 2], coords: &[Coord], dims: &[Dim]) -> Value {
        let parts = parts.map(|part| self.operand_element(part, coords, dims));
        self.b().pair(parts)
    }

    /// The number of an element over the axes that have a weight.
    fn position_element(&mut self, weights: &[Ext], coords: &[Coord]) -> Value {
        let mut sum = self.literal(Scalar::i64(0));
        for (&weight, &coord) in weights.iter().zip(coords).filter(|(weight, _)| **weight != Ext::Const(0)) {
            let (coord, weight) = (self.coord_value(coord), self.ext_value(weight));
            let offset = self.b().op(Op::Mul, &[coord, weight]);
            sum = self.b().op(Op::Add, &[sum, offset]);
        }
        sum
    }

    /// The coordinate along one axis of a base from the coordinates of the view of it.
    pub fn selected(&mut self, sel: Sel, coords: &[Coord], dims: &[Dim], extent: Ext) -> Coord {
        let Some(dim) = sel.dim else {
            return Coord { start: sel.start, ..Coord::ZERO };
        };
        let coord = coords[dim];
        let offset = self.ext_op(Op::Mul, sel.step, coord.start);
        let straight = sel.start == Ext::Const(0) && sel.step == Ext::Const(1);
        Coord {
            start: self.ext_op(Op::Add, sel.start, offset),
            step: self.ext_op(Op::Mul, sel.step, coord.step),
            axis: coord.axis,
            at: coord.at,
            full: coord.full && straight && self.canon(dims[dim].extent) == self.canon(extent),
        }
    }

    /// A coordinate as a number.
    pub fn coord_value(&mut self, coord: Coord) -> Value {
        let start = self.ext_value(coord.start);
        let point = match (coord.axis, coord.at) {
            (Some(axis), _) => self.b().axis(axis),
            (None, Some(at)) => at,
            (None, None) => return start,
        };
        let step = self.ext_value(coord.step);
        let offset = if coord.step == Ext::Const(1) { point } else { self.b().op(Op::Mul, &[step, point]) };
        if coord.start == Ext::Const(0) { offset } else { self.b().op(Op::Add, &[start, offset]) }
    }

    /// The indices of an element of an array in memory at coordinates that the lane computes.
    pub fn computed_index(&mut self, array: ArrayId, sels: &[Sel], coords: &[Coord], dims: &[Dim]) -> Vec<Value> {
        let extents = self.array_dims[array.index()].clone();
        let mut index = Vec::with_capacity(sels.len());
        for (sel, extent) in sels.iter().zip(extents) {
            let coord = self.selected(*sel, coords, dims, extent);
            index.push(self.coord_value(coord));
        }
        index
    }

    /// The view of the open nest that selects from an array in memory.
    pub fn memory_view(&mut self, array: ArrayId, sels: &[Sel], coords: &[Coord], dims: &[Dim]) -> ViewId {
        let extents = self.array_dims[array.index()].clone();
        let mut view = View { array, dims: Vec::new() };
        for (sel, extent) in sels.iter().zip(extents) {
            let coord = self.selected(*sel, coords, dims, extent);
            view.dims.push(ViewDim {
                start: coord.start,
                step: if coord.axis.is_some() { coord.step } else { Ext::Const(0) },
                axis: coord.axis,
                full: coord.full,
            });
        }
        let pairs = self.program.array(array).pairs;
        let views = &mut self.cx().views;
        if pairs {
            return pair_of_views(views, view);
        }
        let known = views.iter().position(|other| *other == view);
        ViewId(known.unwrap_or_else(|| {
            views.push(view);
            views.len() - 1
        }) as u32)
    }

    /// Nodes inside `root` that are costly, have `root`'s shape, and are needed again after this nest: worth storing
    /// while they are computed.
    pub fn worth_keeping(&mut self, root: NodeId) -> Vec<NodeId> {
        let mut inside: HashMap<NodeId, u32> = HashMap::default();
        let (mut queue, mut order) = (vec![root], Vec::new());
        inside.insert(root, 1);
        while let Some(id) = queue.pop() {
            order.push(id);
            for child in children(&self.node(id).kind) {
                let count = inside.entry(child).or_insert_with(|| {
                    queue.push(child);
                    0
                });
                *count += 1;
            }
        }
        let shape = self.shape_of(root);
        let mut keep = Vec::new();
        for id in order {
            let delayed = !matches!(self.node(id).kind, NodeKind::Source(..));
            let elsewhere = self.node(id).edges + self.later_uses(id) > inside[&id];
            if delayed && elsewhere && self.shape_of(id) == shape && self.costly(id) {
                keep.push(id);
            }
        }
        keep
    }

    fn shape_of(&self, node: NodeId) -> Vec<Ext> {
        self.node(node).dims.iter().map(|dim| self.canon(dim.extent)).collect()
    }

    /// Whether a node is better kept than computed twice.
    pub fn costly(&self, node: NodeId) -> bool {
        self.cost(node) > CHEAP
    }

    /// Whether a node that is used many times over is better put into memory first.
    pub fn worth_storing(&self, node: NodeId) -> bool {
        self.cost(node) > BRIEF
    }

    /// Ops to compute one element, counting shared nodes once, capped.
    pub fn cost(&self, root: NodeId) -> u32 {
        let (mut queue, mut seen, mut cost) = (vec![root], rustc_hash::FxHashSet::default(), 0u32);
        while let Some(id) = queue.pop() {
            if !seen.insert(id) {
                continue;
            }
            let kind = &self.node(id).kind;
            cost += match kind {
                NodeKind::Source(..) | NodeKind::View(..) | NodeKind::Fill(_) | NodeKind::Stretch(_) => 0,
                NodeKind::Complex(..) | NodeKind::Part(..) => 0,
                NodeKind::Split(..) => 2,
                NodeKind::Gather(_) => 8,
                NodeKind::Ramp(..) | NodeKind::Position(_) | NodeKind::Bitcast(_) | NodeKind::Convert(_) => 1,
                NodeKind::Logic(..) | NodeKind::Where(..) => 1,
                NodeKind::Checked(..) => 5,
                NodeKind::Op(Op::Div | Op::Sqrt, _) => 5,
                NodeKind::Op(..) => 1,
                NodeKind::IntDiv(..) | NodeKind::IntPow(..) | NodeKind::Map(..) => 20,
            };
            queue.extend(children(kind));
        }
        cost
    }

    /// Keeps a node that is computed in the open nest: stores it into a new array. The array's `Alloc` step must have
    /// been made before the nest was opened.
    pub fn keep(&mut self, node: NodeId, array: ArrayId, coords: &[Coord], dims: &[Dim]) {
        let value = self.element(node, coords, dims);
        self.store_whole(array, coords, value);
    }

    /// After the nest is closed, kept nodes are read from memory.
    pub fn kept(&mut self, node: NodeId, array: ArrayId) {
        self.now_in_memory(node, array);
    }

    /// A check in the lane at hand.
    pub fn check(&mut self, kind: FaultKind, cond: Value, shows: [Value; 2], span: Span, subject: &str, axis: u32) {
        let (counts, at) = self.walked.map_or((Counts::Points, None), |walked| (walked.counts, walked.at));
        let site = self.site_of(kind, span, (subject, axis), counts);
        self.b().push(Stmt::Check { cond, site, shows, at });
    }

    /// A part of a complex value of the lane at hand.
    pub fn part(&mut self, part: Part, value: Value) -> Value {
        match self.b().parts(value) {
            Some(parts) => parts[part as usize],
            None => value,
        }
    }

    /// A literal in the lane at hand.
    pub fn literal(&mut self, value: Scalar) -> Value {
        self.b().const_(value)
    }

    /// A reference to a scalar value of the pending lane: a literal, or a new slot that holds it.
    pub fn hold(&mut self, name: &str, value: Value) -> Ref {
        if let Some(scalar) = self.pending.b.constant(value) {
            return Ref::Const(scalar);
        }
        let slot = self.new_slot(name, self.pending.b.ty(value));
        self.set_pending(slot, value);
        Ref::Slot(slot)
    }
}

/// The views of both parts of an array of pairs, side by side.
fn pair_of_views(views: &mut Vec<View>, view: View) -> ViewId {
    let both = [0, 1].map(|part| {
        let mut of_part = view.clone();
        of_part.dims.push(ViewDim { start: Ext::Const(part), step: Ext::Const(0), axis: None, full: false });
        of_part
    });
    let known = views.windows(2).position(|pair| *pair == both);
    let first = known.unwrap_or_else(|| {
        views.extend(both);
        views.len() - 2
    });
    ViewId(first as u32).pair()
}
