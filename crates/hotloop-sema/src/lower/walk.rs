//! Walks along axes by a function of two values: reductions and scans in blocks of fixed size.
//!
//! A block is combined from its first element on. A reduction then combines the results of the blocks, a scan what all
//! blocks before one give with each value inside it. Blocks are points of a nest, so they run on threads and in lanes,
//! and since their size is fixed, so is every bit of the results.

use super::Lower;
use super::Ref;
use super::nest::Coord;
use super::node::{NodeId, Operand};
use super::shape::{Dim, Ext};
use super::walked::Place;
use crate::hir::{Combine, Gives, Order, Walk};
use hotloop_ir::{ArrayId, Local, Op, Role, Scalar, Stmt, Type, Value};
use hotloop_source::Span;

/// Elements in a block. Not a power of two, so that blocks that run side by side do not meet in the same cache lines.
const BLOCK: i64 = 1008;

/// What every part of one walk needs to know.
#[derive(Clone, Copy)]
struct Way<'a> {
    combine: Combine,
    types: &'a [Type],
    identity: &'a [Ref],
    axis: usize,
    span: Span,
    /// How its elements are numbered, if the function can fault.
    place: Option<&'a Place>,
    /// Elements that one place along the axis stands for.
    scale: i64,
}

/// Blocks of one size that follow one another along an axis.
#[derive(Clone, Copy)]
struct Blocks {
    /// The number of the first one.
    first: Ext,
    /// How many.
    count: Ext,
    /// Elements in each.
    size: Ext,
}

impl<'h> Lower<'h> {
    /// The values a walk gives.
    pub fn walk(&mut self, walk: &'h Walk, span: Span) -> Vec<Operand> {
        let given = self.operands_of(&walk.args);
        let nodes: Vec<NodeId> = given
            .iter()
            .zip(&walk.types)
            .map(|(&value, &ty)| match value {
                Operand::Node(node) => node,
                Operand::Scalar(value) => {
                    let elem = self.ref_type(value).unwrap_or(ty);
                    self.expect_node(Some(Operand::Scalar(value)), elem, 0)
                }
            })
            .collect();
        let identity: Vec<Ref> = walk.identity.iter().map(|value| self.scalar_ref(value)).collect();
        let shapes: Vec<Vec<Dim>> = nodes.iter().map(|&node| self.node(node).dims.clone()).collect();
        let dims = self.broadcast(&shapes, span);
        let twice = matches!(walk.gives, Gives::Each | Gives::Before);
        for &node in &nodes {
            // A fault names the element it is at, and a scan computes its elements twice.
            if !self.total_node(node) || (twice && self.worth_storing(node)) {
                self.materialize(node);
            }
        }
        given.iter().for_each(|&value| self.release(value));
        let axes: Vec<usize> = match walk.gives {
            Gives::Last { .. } => walk.axes.iter().rev().map(|&axis| axis as usize).collect(),
            Gives::Each | Gives::Before => vec![walk.axes[0] as usize],
        };
        let places = self.numberings(walk.combine, &dims, &axes);
        let ways = axes.iter().zip(&places).map(|(&axis, place)| Way {
            combine: walk.combine,
            types: &walk.types,
            identity: &identity,
            axis,
            span,
            place: place.as_ref(),
            scale: 1,
        });
        let ways: Vec<Way> = ways.collect();
        match walk.gives {
            Gives::Last { keepdims } => {
                let results = self.last(ways, nodes, &dims, walk.order);
                match keepdims {
                    false => results,
                    true => results.into_iter().map(|value| self.with_ones(value, &dims, &walk.axes)).collect(),
                }
            }
            Gives::Each | Gives::Before => self.scan(&ways[0], &nodes, &dims, walk.order, walk.gives == Gives::Before),
        }
    }

    fn ref_type(&self, value: Ref) -> Option<Type> {
        match value {
            Ref::Const(scalar) => Some(scalar.ty),
            Ref::Slot(slot) => Some(self.slot_ty(slot)),
        }
    }

    fn with_ones(&mut self, value: Operand, dims: &[Dim], axes: &[u32]) -> Operand {
        match value {
            Operand::Node(node) => Operand::Node(self.keep_dims(node, dims, axes)),
            Operand::Scalar(value) => {
                let elem = self.ref_type(value).unwrap_or(Type::Bool);
                let one = Dim::known(Ext::Const(1));
                let kind = super::node::NodeKind::Fill(value);
                Operand::Node(self.add_node(kind, elem, vec![one; dims.len()]))
            }
        }
    }

    /// The last values along one axis after another.
    fn last(&mut self, ways: Vec<Way>, mut nodes: Vec<NodeId>, dims: &[Dim], order: Order) -> Vec<Operand> {
        let mut dims = dims.to_vec();
        let mut results = Vec::new();
        for way in ways {
            let n = dims[way.axis].extent;
            if way.identity.is_empty() {
                self.need_some(n, &dims, &[way.axis as u32], way.span);
            }
            results = match (order, n) {
                (Order::Straight, _) | (Order::Blocks, Ext::Const(..=BLOCK)) => self.straight(&way, &nodes, &dims),
                (Order::Blocks, _) => {
                    let (parts, shape) = self.block_results(&way, &nodes, &dims);
                    self.straight(&Way { scale: BLOCK, ..way }, &parts, &shape)
                }
            };
            dims.remove(way.axis);
            nodes = results.iter().zip(way.types).map(|(&value, &ty)| self.expect_node(Some(value), ty, 0)).collect();
        }
        results
    }

    /// The whole blocks along an axis, and the elements after them as one more block.
    fn blocks(&mut self, n: Ext, order: Order) -> [Blocks; 2] {
        let zero = Ext::Const(0);
        if order == Order::Straight {
            let count = self.ext_op(Op::Min, n, Ext::Const(1));
            return [Blocks { first: zero, count: zero, size: zero }, Blocks { first: zero, count, size: n }];
        }
        let full = self.ext_op(Op::FloorDiv, n, Ext::Const(BLOCK));
        let rest = self.ext_op(Op::FloorRem, n, Ext::Const(BLOCK));
        let tail = self.ext_op(Op::Min, rest, Ext::Const(1));
        [Blocks { first: zero, count: full, size: Ext::Const(BLOCK) }, Blocks { first: full, count: tail, size: rest }]
    }

    /// The result of each block, in arrays whose axis has one element per block.
    fn block_results(&mut self, way: &Way, nodes: &[NodeId], dims: &[Dim]) -> (Vec<NodeId>, Vec<Dim>) {
        let blocks = self.blocks(dims[way.axis].extent, Order::Blocks);
        let mut shape = dims.to_vec();
        shape[way.axis] = Dim::known(self.ext_op(Op::Add, blocks[0].count, blocks[1].count));
        let parts = self.alloc_all(way, "blocks", &shape);
        for group in blocks {
            self.totals(way, nodes, dims, group, &parts);
        }
        let nodes = parts.into_iter().map(|array| self.source(array, shape.clone())).collect();
        (nodes, shape)
    }

    fn alloc_all(&mut self, way: &Way, name: &str, shape: &[Dim]) -> Vec<ArrayId> {
        way.types.iter().map(|&ty| self.alloc(name, ty, shape, Role::Temp)).collect()
    }

    /// Stores what the elements of each block give into one element per block.
    fn totals(&mut self, way: &Way, nodes: &[NodeId], dims: &[Dim], group: Blocks, parts: &[ArrayId]) {
        if group.count == Ext::Const(0) {
            return;
        }
        let (axes, mut coords) = self.open_blocks(way, dims, group);
        let block = self.block_number(way, &coords, group);
        let start = self.block_start(way, &coords, group);
        let first = self.elements(way, nodes, dims, &coords, start);
        let carried = self.carry(&first);
        self.turns(Ext::Const(1), group.size, |lower, turn| {
            let at = lower.b().op(Op::Add, &[start, turn]);
            let next = lower.elements(way, nodes, dims, &coords, at);
            lower.mark(way.place, &coords, at, way.scale);
            lower.advance(way, &carried, &next);
        });
        coords[way.axis] = Coord::computed(block);
        for (&local, &array) in carried.iter().zip(parts) {
            let value = self.b().get(local);
            self.store_computed(array, &coords, value);
        }
        self.walked = None;
        self.close_nest(axes, way.span);
    }

    /// One after another: what the elements along the axis give. The first has been found to be there if there is no
    /// identity.
    fn straight(&mut self, way: &Way, nodes: &[NodeId], dims: &[Dim]) -> Vec<Operand> {
        let n = dims[way.axis].extent;
        let mut left = dims.to_vec();
        left.remove(way.axis);
        let arrays = if left.is_empty() { Vec::new() } else { self.alloc_all(way, "reduced", &left) };
        let (axes, mut coords) = self.open_nest(&left, &[]);
        let outer = coords.clone();
        coords.insert(way.axis, Coord::ZERO);
        let (carried, from) = match way.identity {
            [] => {
                let zero = self.literal(Scalar::i64(0));
                let first = self.elements(way, nodes, dims, &coords, zero);
                (self.carry(&first), 1)
            }
            identity => {
                let values: Vec<Value> = identity.iter().map(|&value| self.ref_value(value)).collect();
                (self.carry(&values), 0)
            }
        };
        self.turns(Ext::Const(from), n, |lower, at| {
            let next = lower.elements(way, nodes, dims, &coords, at);
            lower.mark(way.place, &coords, at, way.scale);
            lower.advance(way, &carried, &next);
        });
        self.walked = None;
        let values: Vec<Value> = carried.iter().map(|&local| self.b().get(local)).collect();
        if left.is_empty() {
            let slots: Vec<_> = way.types.iter().map(|&ty| self.new_slot("reduced", ty)).collect();
            for (&slot, value) in slots.iter().zip(values) {
                self.b().set_slot(slot, value);
            }
            self.close_nest(axes, way.span);
            return slots.into_iter().map(|slot| Operand::Scalar(Ref::Slot(slot))).collect();
        }
        for (&array, value) in arrays.iter().zip(values) {
            self.store_whole(array, &outer, value);
        }
        self.close_nest(axes, way.span);
        arrays.into_iter().map(|array| Operand::Node(self.source(array, left.clone()))).collect()
    }

    /// The values after, or before, each element along an axis.
    fn scan(&mut self, way: &Way, nodes: &[NodeId], dims: &[Dim], order: Order, before: bool) -> Vec<Operand> {
        let blocks = self.blocks(dims[way.axis].extent, order);
        // The last block is not needed for what comes after it, and all but the last are whole.
        let count = self.ext_op(Op::Add, blocks[0].count, blocks[1].count);
        let earlier = self.ext_op(Op::Sub, count, Ext::Const(1));
        let earlier = self.ext_op(Op::Max, earlier, Ext::Const(0));
        let mut shape = dims.to_vec();
        shape[way.axis] = Dim::known(earlier);
        let offsets = match order {
            Order::Straight => Vec::new(),
            Order::Blocks => self.alloc_all(way, "offsets", &shape),
        };
        if order == Order::Blocks {
            let group = Blocks { count: earlier, ..blocks[0] };
            self.totals(way, nodes, dims, group, &offsets);
            self.accumulate(way, &shape, &offsets);
        }
        let outputs = self.alloc_all(way, "scanned", dims);
        for group in blocks {
            self.scan_blocks(way, nodes, dims, group, &offsets, &outputs, before);
        }
        outputs.into_iter().map(|array| Operand::Node(self.source(array, dims.to_vec()))).collect()
    }

    /// Turns the result of each block into that of all blocks up to it, in place.
    fn accumulate(&mut self, way: &Way, shape: &[Dim], offsets: &[ArrayId]) {
        let mut left = shape.to_vec();
        left.remove(way.axis);
        let some = Dim::known(self.ext_op(Op::Min, shape[way.axis].extent, Ext::Const(1)));
        left.push(some);
        let (axes, mut coords) = self.open_nest(&left, &[]);
        coords.pop();
        coords.insert(way.axis, Coord::ZERO);
        let zero = self.literal(Scalar::i64(0));
        let first = self.stored(way, offsets, &coords, zero);
        self.mark(way.place, &coords, zero, BLOCK);
        let first = match way.identity {
            [] => first,
            identity => {
                let values: Vec<Value> = identity.iter().map(|&value| self.ref_value(value)).collect();
                self.combined(way, &values, &first)
            }
        };
        let carried = self.carry(&first);
        self.store_all(way, offsets, &coords, zero, &first);
        self.turns(Ext::Const(1), shape[way.axis].extent, |lower, at| {
            let next = lower.stored(way, offsets, &coords, at);
            lower.mark(way.place, &coords, at, BLOCK);
            lower.advance(way, &carried, &next);
            let values: Vec<Value> = carried.iter().map(|&local| lower.b().get(local)).collect();
            lower.store_all(way, offsets, &coords, at, &values);
        });
        self.walked = None;
        self.close_nest(axes, way.span);
    }

    #[expect(clippy::too_many_arguments, reason = "all of them belong to one nest, and only here")]
    fn scan_blocks(
        &mut self,
        way: &Way,
        nodes: &[NodeId],
        dims: &[Dim],
        group: Blocks,
        offsets: &[ArrayId],
        outputs: &[ArrayId],
        before: bool,
    ) {
        if group.count == Ext::Const(0) {
            return;
        }
        let (axes, coords) = self.open_blocks(way, dims, group);
        let start = self.block_start(way, &coords, group);
        let offset = self.offset(way, &coords, group, offsets);
        let first = self.elements(way, nodes, dims, &coords, start);
        let carried = self.carry(&first);
        self.mark(way.place, &coords, start, way.scale);
        match (before, &offset) {
            (true, Offset::Known(values)) => self.store_all(way, outputs, &coords, start, values),
            (true, Offset::After { .. } | Offset::None) | (false, _) => {
                let values = self.with_offset(way, &offset, &first);
                self.store_all(way, outputs, &coords, start, &values);
            }
        }
        self.turns(Ext::Const(1), group.size, |lower, turn| {
            let at = lower.b().op(Op::Add, &[start, turn]);
            let old: Vec<Value> = carried.iter().map(|&local| lower.b().get(local)).collect();
            let next = lower.elements(way, nodes, dims, &coords, at);
            if before {
                let one = lower.literal(Scalar::i64(1));
                let last = lower.b().op(Op::Sub, &[at, one]);
                lower.mark(way.place, &coords, last, way.scale);
                let values = lower.with_offset(way, &offset, &old);
                lower.store_all(way, outputs, &coords, at, &values);
            }
            lower.mark(way.place, &coords, at, way.scale);
            lower.advance(way, &carried, &next);
            if !before {
                let new: Vec<Value> = carried.iter().map(|&local| lower.b().get(local)).collect();
                let values = lower.with_offset(way, &offset, &new);
                lower.store_all(way, outputs, &coords, at, &values);
            }
        });
        self.walked = None;
        self.close_nest(axes, way.span);
    }

    /// What comes before a block. With an identity every block has something before it.
    fn offset(&mut self, way: &Way, coords: &[Coord], group: Blocks, offsets: &[ArrayId]) -> Offset {
        let given: Vec<Value> = way.identity.iter().map(|&value| self.ref_value(value)).collect();
        if offsets.is_empty() {
            return if given.is_empty() { Offset::None } else { Offset::Known(given) };
        }
        let block = self.block_number(way, coords, group);
        let (zero, one) = (self.literal(Scalar::i64(0)), self.literal(Scalar::i64(1)));
        let later = self.b().op(Op::Lt, &[zero, block]);
        let locals: Vec<Local> = way.types.iter().map(|&ty| self.b().local(ty)).collect();
        for (&local, &value) in locals.iter().zip(&given) {
            self.b().set(local, value);
        }
        self.begin();
        let previous = self.b().op(Op::Sub, &[block, one]);
        let values = self.stored(way, offsets, coords, previous);
        for (&local, value) in locals.iter().zip(values) {
            self.b().set(local, value);
        }
        let then = self.end();
        self.b().push(Stmt::If { cond: later, then, otherwise: Vec::new() });
        let values = locals.iter().map(|&local| self.b().get(local)).collect();
        if given.is_empty() { Offset::After { later, values } } else { Offset::Known(values) }
    }

    /// Values inside a block with what comes before it.
    fn with_offset(&mut self, way: &Way, offset: &Offset, values: &[Value]) -> Vec<Value> {
        match offset {
            Offset::None => values.to_vec(),
            Offset::Known(before) => self.combined(way, before, values),
            Offset::After { later, values: before } => {
                let locals = self.carry(values);
                self.begin();
                let all = self.combined(way, before, values);
                for (&local, value) in locals.iter().zip(all) {
                    self.b().set(local, value);
                }
                let then = self.end();
                self.b().push(Stmt::If { cond: *later, then, otherwise: Vec::new() });
                locals.into_iter().map(|local| self.b().get(local)).collect()
            }
        }
    }

    /// Opens a nest with a point for each block of each line along the axis.
    fn open_blocks(&mut self, way: &Way, dims: &[Dim], group: Blocks) -> (Vec<hotloop_ir::Axis>, Vec<Coord>) {
        let mut points = dims.to_vec();
        points[way.axis] = Dim::known(group.count);
        self.open_nest(&points, &[])
    }

    fn block_number(&mut self, way: &Way, coords: &[Coord], group: Blocks) -> Value {
        let block = self.coord_value(coords[way.axis]);
        if group.first == Ext::Const(0) {
            return block;
        }
        let first = self.ext_value(group.first);
        self.b().op(Op::Add, &[first, block])
    }

    fn block_start(&mut self, way: &Way, coords: &[Coord], group: Blocks) -> Value {
        let block = self.block_number(way, coords, group);
        let size = self.literal(Scalar::i64(BLOCK));
        self.b().op(Op::Mul, &[block, size])
    }

    /// A loop over `from .. to` whose body is given the number of the turn.
    fn turns(&mut self, from: Ext, to: Ext, body: impl FnOnce(&mut Self, Value)) {
        let (start, stop) = (self.ext_value(from), self.ext_value(to));
        let step = self.literal(Scalar::i64(1));
        let index = self.b().local(Type::I64);
        self.begin();
        let at = self.b().get(index);
        body(self, at);
        let body = self.end();
        self.b().push(Stmt::For { index, start, stop, step, body });
    }

    /// The elements at one place along the axis, in the types that are carried.
    fn elements(&mut self, way: &Way, nodes: &[NodeId], dims: &[Dim], coords: &[Coord], at: Value) -> Vec<Value> {
        let mut coords = coords.to_vec();
        coords[way.axis] = Coord::computed(at);
        let each = nodes.iter().zip(way.types).map(|(&node, &ty)| {
            let value = self.element(node, &coords, dims);
            self.b().convert(ty, value)
        });
        each.collect()
    }

    /// The values of arrays of our own at one place along the axis.
    fn stored(&mut self, way: &Way, arrays: &[ArrayId], coords: &[Coord], at: Value) -> Vec<Value> {
        let mut coords = coords.to_vec();
        coords[way.axis] = Coord::computed(at);
        let index: Vec<Value> = coords.iter().map(|&coord| self.coord_value(coord)).collect();
        arrays.iter().zip(way.types).map(|(&array, &ty)| self.b().load_at(array, index.clone(), ty)).collect()
    }

    fn store_all(&mut self, way: &Way, arrays: &[ArrayId], coords: &[Coord], at: Value, values: &[Value]) {
        let mut coords = coords.to_vec();
        coords[way.axis] = Coord::computed(at);
        for (&array, &value) in arrays.iter().zip(values) {
            self.store_computed(array, &coords, value);
        }
    }

    fn store_computed(&mut self, array: ArrayId, coords: &[Coord], value: Value) {
        let index = coords.iter().map(|&coord| self.coord_value(coord)).collect();
        self.b().push(Stmt::StoreAt(array, index, value));
    }

    /// New variables that hold these values.
    fn carry(&mut self, values: &[Value]) -> Vec<Local> {
        let hold = |&value: &Value| {
            let ty = self.b().ty(value);
            let local = self.b().local(ty);
            self.b().set(local, value);
            local
        };
        values.iter().map(hold).collect()
    }

    /// Combines what is carried with the next values.
    fn advance(&mut self, way: &Way, carried: &[Local], next: &[Value]) {
        let old: Vec<Value> = carried.iter().map(|&local| self.b().get(local)).collect();
        let new = self.combined(way, &old, next);
        for (&local, value) in carried.iter().zip(new) {
            self.b().set(local, value);
        }
    }

    fn combined(&mut self, way: &Way, a: &[Value], b: &[Value]) -> Vec<Value> {
        self.combine(way.combine, way.types, a, b, way.span)
    }

    /// Two lists of values as one, in the types that are carried.
    pub fn combine(&mut self, combine: Combine, types: &[Type], a: &[Value], b: &[Value], span: Span) -> Vec<Value> {
        let results = match combine {
            Combine::Op(op) => a.iter().zip(b).map(|(&a, &b)| self.b().op(op, &[a, b])).collect(),
            Combine::Call(id) => self.inline_in_lane(id, [a, b].concat(), span),
        };
        let each = results.into_iter().zip(types).map(|(value, &ty)| self.b().convert(ty, value));
        each.collect()
    }
}

/// What comes before the elements of a block.
enum Offset {
    /// Nothing: there is one block.
    None,
    /// These values.
    Known(Vec<Value>),
    /// These values for all blocks but the first.
    After { later: Value, values: Vec<Value> },
}
