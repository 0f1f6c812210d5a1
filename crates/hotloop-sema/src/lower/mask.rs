//! Masks: the elements where an array of bools is true, in C order, and stores to them.
//!
//! Compaction counts the elements of each block, turns the counts into places, and fills the blocks; so it can run on
//! threads and comes out the same on all of them.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand};
use super::shape::{Dim, Ext};
use super::{LaneCx, Lower, Ref, Scope};
use crate::hir::Expr;
use hotloop_ir::{ArrayId, FaultKind, Local, Op, Role, Scalar, SlotId, Stmt, Type, Value};
use hotloop_source::Span;

/// Elements of one block of a mask with one axis. With more axes a block is what lies at one index of the first.
const BLOCK: i64 = 4096;

/// A mask over all axes of a shape, cut into blocks along the first.
struct Blocks {
    mask: NodeId,
    dims: Vec<Dim>,
    /// Indices of the first axis per block.
    rows: i64,
    count: Dim,
}

impl<'h> Lower<'h> {
    /// `a[mask]`: an array with one axis.
    pub fn compress(&mut self, node: NodeId, mask: &'h Expr, span: Span) -> NodeId {
        let mask = self.mask_for(node, mask);
        self.selected_by(node, mask, span)
    }

    /// The mask as a node with the shape of what it selects from.
    fn mask_for(&mut self, node: NodeId, mask: &'h Expr) -> NodeId {
        let subject = self.name_of(mask);
        let span = mask.span;
        let Operand::Node(mask) = self.operand(mask) else { return node };
        self.release(Operand::Node(mask));
        let dims = self.node(node).dims.clone();
        self.same_shape(mask, &dims, &subject, span);
        mask
    }

    /// The indices at which a mask with one axis is true, for an axis of the same extent.
    pub fn places_of(&mut self, mask: &'h Expr, dim: Dim, axis: u32, subject: &str) -> NodeId {
        let span = mask.span;
        let Operand::Node(mask) = self.operand(mask) else {
            return self.expect_node(None, Type::I64, 1);
        };
        self.release(Operand::Node(mask));
        let extent = self.node(mask).dims[0].extent;
        self.same_extent(extent, dim.extent, axis, subject, span);
        let (zero, one) = (Ref::Const(Scalar::i64(0)), Ref::Const(Scalar::i64(1)));
        let places = self.add_node(NodeKind::Ramp(zero, one), Type::I64, vec![dim]);
        self.selected_by(places, mask, span)
    }

    /// The elements of a node where a mask of its shape is true.
    fn selected_by(&mut self, node: NodeId, mask: NodeId, span: Span) -> NodeId {
        for each in [node, mask] {
            // Both are read in other lanes than they are computed in, the mask twice.
            if self.costly(each) || !self.total_node(each) {
                self.materialize(each);
            }
        }
        let blocks = self.mask_blocks(mask, node);
        let counts = self.counts(&blocks, span);
        let total = self.places(counts, blocks.count, span);
        let elem = self.node(node).elem;
        let dim = Dim::computed(Ext::Slot(total));
        let result = self.alloc("selected", elem, &[dim], Role::Temp);
        self.fill_selected(&blocks, node, counts, result, total, span);
        self.source(result, vec![dim])
    }

    fn mask_blocks(&mut self, mask: NodeId, node: NodeId) -> Blocks {
        let dims = self.node(node).dims.clone();
        let first = self.canon(dims[0].extent);
        let rows = if dims.len() == 1 { BLOCK } else { 1 };
        // Rounded up by way of the negated extent, which cannot overflow.
        let less = self.ext_op(Op::Sub, Ext::Const(0), first);
        let blocks = self.ext_op(Op::FloorDiv, less, Ext::Const(rows));
        let count = self.ext_op(Op::Sub, Ext::Const(0), blocks);
        Blocks { mask, dims, rows, count: Dim::known(count) }
    }

    /// How many elements of each block are selected.
    fn counts(&mut self, blocks: &Blocks, span: Span) -> ArrayId {
        // One more than there are blocks: where the last one ends.
        let ends = self.ext_op(Op::Add, blocks.count.extent, Ext::Const(1));
        let counts = self.alloc("counts", Type::I64, &[Dim::known(ends)], Role::Temp);
        let (axes, coords) = self.open_nest(&[blocks.count], &[]);
        let count = self.b().local(Type::I64);
        let zero = self.literal(Scalar::i64(0));
        self.b().set(count, zero);
        self.block_points(blocks, coords[0], &mut |lower, _, chosen| {
            let one = lower.b().convert(Type::I64, chosen);
            lower.add_to(count, one);
        });
        let value = self.b().get(count);
        let block = self.coord_value(coords[0]);
        self.b().push(Stmt::StoreAt(counts, vec![block], value));
        self.close_nest(axes, span);
        counts
    }

    /// Turns counts into the places where the blocks begin; the slot of their sum.
    fn places(&mut self, counts: ArrayId, count: Dim, span: Span) -> SlotId {
        let total = self.new_slot("total", Type::I64);
        self.nonneg_slots.insert(total);
        self.nest = Some(LaneCx::new());
        let place = self.b().local(Type::I64);
        let (zero, stop) = (self.literal(Scalar::i64(0)), self.ext_value(count.extent));
        self.b().set(place, zero);
        self.count_to(zero, stop, &mut |lower, block| {
            let here = lower.b().load_at(counts, vec![block], Type::I64);
            let before = lower.b().get(place);
            lower.b().push(Stmt::StoreAt(counts, vec![block], before));
            lower.add_to(place, here);
        });
        let value = self.b().get(place);
        self.b().push(Stmt::StoreAt(counts, vec![stop], value));
        self.b().set_slot(total, value);
        self.close_nest(Vec::new(), span);
        total
    }

    /// Every element is written to the next place, which moves on only behind one that is selected, until the block's
    /// places are full. So nothing depends on what the mask looks like, and no block writes to another's places.
    fn fill_selected(
        &mut self,
        blocks: &Blocks,
        node: NodeId,
        counts: ArrayId,
        result: ArrayId,
        total: SlotId,
        span: Span,
    ) {
        let (axes, coords) = self.open_nest(&[blocks.count], &[]);
        let block = self.coord_value(coords[0]);
        let place = self.b().local(Type::I64);
        let begin = self.b().load_at(counts, vec![block], Type::I64);
        self.b().set(place, begin);
        let one = self.literal(Scalar::i64(1));
        let next = self.b().op(Op::Add, &[block, one]);
        let end = self.b().load_at(counts, vec![next], Type::I64);
        let all = self.ext_value(Ext::Slot(total));
        self.block_points(blocks, coords[0], &mut |lower, point, chosen| {
            let here = lower.b().get(place);
            let room = lower.b().op(Op::Lt, &[here, end]);
            let step = lower.b().convert(Type::I64, chosen);
            lower.begin();
            // Always true; a place that is computed is checked before it is written.
            let inside = lower.is_inside(here, all);
            lower.check(FaultKind::Index, inside, [here, all], span, "", 0);
            let value = lower.element(node, point, &blocks.dims);
            lower.b().push(Stmt::StoreAt(result, vec![here], value));
            lower.add_to(place, step);
            let then = lower.end();
            lower.b().push(Stmt::If { cond: room, then, otherwise: Vec::new() });
        });
        self.close_nest(axes, span);
    }

    /// Code for each point of a block: gets the point and whether it is selected.
    fn block_points(&mut self, blocks: &Blocks, block: Coord, each: &mut dyn FnMut(&mut Self, &[Coord], Value)) {
        let block = self.coord_value(block);
        let rows = self.literal(Scalar::i64(blocks.rows));
        let start = self.b().op(Op::Mul, &[block, rows]);
        let end = self.ext_value(blocks.dims[0].extent);
        let left = self.b().op(Op::Sub, &[end, start]);
        let size = self.b().op(Op::Min, &[left, rows]);
        let stop = self.b().op(Op::Add, &[start, size]);
        self.points(&blocks.dims, [start, stop], &mut Vec::new(), &mut |lower, point| {
            let chosen = lower.element(blocks.mask, point, &blocks.dims);
            each(lower, point, chosen);
        });
    }

    /// Loops over the points of a shape in C order, a part of its first axis.
    pub fn points(
        &mut self,
        dims: &[Dim],
        [start, stop]: [Value; 2],
        point: &mut Vec<Coord>,
        each: &mut dyn FnMut(&mut Self, &[Coord]),
    ) {
        self.count_to(start, stop, &mut |lower, index| {
            point.push(Coord::computed(index));
            match dims.get(point.len()) {
                None => each(lower, point),
                Some(next) => {
                    let (zero, end) = (lower.literal(Scalar::i64(0)), lower.ext_value(next.extent));
                    lower.points(dims, [zero, end], point, each);
                }
            }
            point.pop();
        });
    }

    /// A loop of the lane over `start .. stop`.
    fn count_to(&mut self, start: Value, stop: Value, body: &mut dyn FnMut(&mut Self, Value)) {
        let index = self.b().local(Type::I64);
        self.cx().nonneg.insert(index);
        let step = self.literal(Scalar::i64(1));
        self.cx().scopes.push(Scope::Loop);
        self.begin();
        let value = self.b().get(index);
        body(self, value);
        let body = self.end();
        self.cx().scopes.pop();
        self.b().push(Stmt::For { index, start, stop, step, body });
    }

    fn add_to(&mut self, local: Local, by: Value) {
        let old = self.b().get(local);
        let new = self.b().op(Op::Add, &[old, by]);
        self.b().set(local, new);
    }

    /// `a[mask] = value` with as many values as the mask selects.
    pub fn store_masked(&mut self, node: NodeId, mask: &'h Expr, value: &'h Expr, span: Span) {
        let NodeKind::Source(array, sels) = self.node(node).kind.clone() else { return };
        let mask = self.mask_for(node, mask);
        let mask = self.apart_from(mask, array);
        if self.costly(mask) || !self.total_node(mask) {
            self.materialize(mask);
        }
        let dims = self.node(node).dims.clone();
        let selected = Dim::known(Ext::Slot(self.selected_count(mask, &dims, span)));
        let value = self.stored_value(value, array, &[selected], span);
        self.nest = Some(LaneCx::new());
        let place = self.b().local(Type::I64);
        self.cx().nonneg.insert(place);
        let zero = self.literal(Scalar::i64(0));
        self.b().set(place, zero);
        let end = self.ext_value(dims[0].extent);
        self.points(&dims, [zero, end], &mut Vec::new(), &mut |lower, point| {
            let chosen = lower.element(mask, point, &dims);
            lower.begin();
            let here = lower.b().get(place);
            let value = lower.operand_element(value, &[Coord::computed(here)], &[selected]);
            let index = lower.computed_index(array, &sels, point, &dims);
            lower.b().push(Stmt::StoreAt(array, index, value));
            let one = lower.literal(Scalar::i64(1));
            lower.add_to(place, one);
            let then = lower.end();
            lower.b().push(Stmt::If { cond: chosen, then, otherwise: Vec::new() });
        });
        self.close_nest(Vec::new(), span);
    }

    /// How many elements a mask selects, in a slot.
    fn selected_count(&mut self, mask: NodeId, dims: &[Dim], span: Span) -> SlotId {
        let total = self.new_slot("selected", Type::I64);
        self.nonneg_slots.insert(total);
        self.nest = Some(LaneCx::new());
        let count = self.b().local(Type::I64);
        let zero = self.literal(Scalar::i64(0));
        self.b().set(count, zero);
        let end = self.ext_value(dims[0].extent);
        self.points(dims, [zero, end], &mut Vec::new(), &mut |lower, point| {
            let chosen = lower.element(mask, point, dims);
            let one = lower.b().convert(Type::I64, chosen);
            lower.add_to(count, one);
        });
        let value = self.b().get(count);
        self.b().set_slot(total, value);
        self.close_nest(Vec::new(), span);
        total
    }
}
