//! Where the extreme value of each line stands, found in one pass: lines are walked in blocks, and each point of a nest
//! finds the extreme value of its block and where it stands first.
//!
//! A block is walked in parts. The loop over a part only keeps the least, or the greatest, so that vectors compute it;
//! a position is looked for in one part of each block alone. What the blocks give is then compared in order, axis by
//! axis, the last one first, so that of equals the first in C order is found. A NaN is the extreme value.

use super::nest::Coord;
use super::node::{NodeId, Operand};
use super::shape::{Dim, Ext};
use super::{Lower, Ref};
use hotloop_ir::semantics::neutral;
use hotloop_ir::{ArrayId, FoldOp, Local, Op, Region, Role, Scalar, Stmt, Type, Value};
use hotloop_source::Span;

/// Elements of a block.
const BLOCK: i64 = 8192;
/// Elements of a part of one: a quarter of a short line, since parts take time to begin and to search.
const PART: std::ops::RangeInclusive<i64> = 64..=512;

/// What is looked for.
#[derive(Clone, Copy)]
struct Wanted {
    op: FoldOp,
    ty: Type,
    span: Span,
}

/// The best value so far, and where it stands.
#[derive(Clone, Copy)]
struct Best {
    value: Local,
    place: Local,
}

impl<'h> Lower<'h> {
    /// The number of the first extreme element, in C order over these axes, of which one is the last of the node.
    pub fn first_extreme(&mut self, op: FoldOp, node: NodeId, axes: &[u32], span: Span) -> Operand {
        // Values are compared, and then looked for, one by one: what takes long is computed before, in lanes.
        if !self.total_node(node) || self.worth_storing(node) {
            self.materialize(node);
        }
        let wanted = Wanted { op, ty: self.node(node).elem, span };
        let dims = self.node(node).dims.clone();
        let (mut values, mut places, mut shape) = self.block_extremes(wanted, node, &dims, axes);
        for &axis in axes.iter().rev() {
            let left: Vec<Dim> = (0..shape.len()).filter(|&other| other != axis as usize).map(|at| shape[at]).collect();
            if left.is_empty() {
                return Operand::Scalar(self.best_of_all(wanted, [values, places], &shape));
            }
            [values, places] = self.best_along(wanted, [values, places], &shape, axis as usize, &left);
            shape = left;
        }
        Operand::Node(self.source(places, shape))
    }

    /// The extreme value of each block along the last axis, and where it stands.
    fn block_extremes(
        &mut self,
        wanted: Wanted,
        node: NodeId,
        dims: &[Dim],
        axes: &[u32],
    ) -> (ArrayId, ArrayId, Vec<Dim>) {
        let last = dims.len() - 1;
        let n = dims[last].extent;
        let whole = self.ext_op(Op::Add, n, Ext::Const(BLOCK - 1));
        let mut shape = dims.to_vec();
        shape[last] = Dim::known(self.extent_op(Op::FloorDiv, whole, Ext::Const(BLOCK)));
        let values = self.alloc("extremes", wanted.ty, &shape, Role::Temp);
        let places = self.alloc("places", Type::I64, &shape, Role::Temp);
        let (nest_axes, outer) = self.open_nest(&shape, &[]);
        let mut coords: Vec<Coord> = Vec::with_capacity(dims.len());
        for &coord in &outer {
            let at = self.coord_value(coord);
            coords.push(Coord::computed(at));
        }
        let size = self.literal(Scalar::i64(BLOCK));
        let block = self.coord_value(outer[last]);
        let start = self.b().op(Op::Mul, &[block, size]);
        let end = self.b().op(Op::Add, &[start, size]);
        let n = self.ext_value(n);
        let end = self.b().op(Op::Min, &[end, n]);
        let part = self.part_of(n);
        let mut element = |lower: &mut Self, at: Value| {
            coords[last] = Coord::computed(at);
            lower.element(node, &coords, dims)
        };
        let best = self.begin_best(wanted, start);
        self.best_part(wanted, best, [start, end, part], &mut element);
        self.first_place(wanted, best, end, &mut element);
        coords[last] = Coord::computed(self.b().get(best.place));
        let (over, extents): (Vec<Coord>, Vec<Dim>) =
            axes.iter().map(|&axis| (coords[axis as usize], dims[axis as usize])).unzip();
        let place = self.linear(&over, &extents);
        let value = self.b().get(best.value);
        self.store_whole(values, &outer, value);
        self.store_whole(places, &outer, place);
        self.close_nest(nest_axes, wanted.span);
        (values, places, shape)
    }

    /// The part of a block that has its extreme value first: its value, and where it begins.
    fn best_part(
        &mut self,
        wanted: Wanted,
        best: Best,
        [start, end, size]: [Value; 3],
        element: &mut dyn FnMut(&mut Self, Value) -> Value,
    ) {
        let part = self.b().local(wanted.ty);
        self.count_up(start, end, size, |lower, first| {
            let none = lower.literal(neutral(wanted.op, wanted.ty));
            lower.b().set(part, none);
            let stop = lower.b().op(Op::Add, &[first, size]);
            let stop = lower.b().op(Op::Min, &[stop, end]);
            let one = lower.literal(Scalar::i64(1));
            lower.count_up(first, stop, one, |lower, at| {
                let value = element(lower, at);
                let old = lower.b().get(part);
                let new = lower.b().op(wanted.op.op(), &[old, value]);
                lower.b().set(part, new);
            });
            let value = lower.b().get(part);
            lower.keep_better(wanted, best, value, first);
        });
    }

    /// How many elements of a line are a part.
    fn part_of(&mut self, n: Value) -> Value {
        let [quarters, least, most] = [2, *PART.start(), *PART.end()].map(|number| self.literal(Scalar::i64(number)));
        let quarter = self.b().op(Op::Shr, &[n, quarters]);
        let part = self.b().op(Op::Max, &[quarter, least]);
        self.b().op(Op::Min, &[part, most])
    }

    /// Moves the place on to the first element with the best value; if that is a NaN, to the first one.
    fn first_place(
        &mut self,
        wanted: Wanted,
        best: Best,
        end: Value,
        element: &mut dyn FnMut(&mut Self, Value) -> Value,
    ) {
        let (from, value) = (self.b().get(best.place), self.b().get(best.value));
        let mut equal = |lower: &mut Self| {
            lower.search(best.place, [from, end], &mut |lower, at| {
                let candidate = element(lower, at);
                lower.b().op(Op::Eq, &[candidate, value])
            });
        };
        if !wanted.ty.is_float() {
            return equal(self);
        }
        let number = self.b().op(Op::Eq, &[value, value]);
        let then = self.region(|lower| equal(lower));
        let otherwise = self.region(|lower| {
            lower.search(best.place, [from, end], &mut |lower, at| {
                let candidate = element(lower, at);
                lower.b().op(Op::Ne, &[candidate, candidate])
            });
        });
        self.b().push(Stmt::If { cond: number, then, otherwise });
    }

    /// Sets a variable to the first number that hits.
    fn search(&mut self, to: Local, [from, end]: [Value; 2], hits: &mut dyn FnMut(&mut Self, Value) -> Value) {
        let one = self.literal(Scalar::i64(1));
        self.count_up(from, end, one, |lower, at| {
            let hit = hits(lower, at);
            let then = lower.region(|lower| {
                lower.b().set(to, at);
                lower.b().push(Stmt::Break(0));
            });
            lower.b().push(Stmt::If { cond: hit, then, otherwise: Vec::new() });
        });
    }

    /// The best of what stands along one axis: values and places without it.
    fn best_along(
        &mut self,
        wanted: Wanted,
        from: [ArrayId; 2],
        shape: &[Dim],
        axis: usize,
        left: &[Dim],
    ) -> [ArrayId; 2] {
        let values = self.alloc("extremes", wanted.ty, left, Role::Temp);
        let places = self.alloc("places", Type::I64, left, Role::Temp);
        let (nest_axes, outer) = self.open_nest(left, &[]);
        let mut index: Vec<Value> = outer.iter().map(|&coord| self.coord_value(coord)).collect();
        let zero = self.literal(Scalar::i64(0));
        index.insert(axis, zero);
        let best = self.best_listed(wanted, from, index, axis, shape[axis].extent);
        let (value, place) = (self.b().get(best.value), self.b().get(best.place));
        self.store_whole(values, &outer, value);
        self.store_whole(places, &outer, place);
        self.close_nest(nest_axes, wanted.span);
        [values, places]
    }

    /// The place of the best of a list.
    fn best_of_all(&mut self, wanted: Wanted, from: [ArrayId; 2], shape: &[Dim]) -> Ref {
        let slot = self.new_slot("place", Type::I64);
        let (nest_axes, _) = self.open_nest(&[], &[]);
        let zero = self.literal(Scalar::i64(0));
        let best = self.best_listed(wanted, from, vec![zero], 0, shape[0].extent);
        let place = self.b().get(best.place);
        self.b().set_slot(slot, place);
        self.close_nest(nest_axes, wanted.span);
        Ref::Slot(slot)
    }

    /// Goes over the values and places along an axis.
    fn best_listed(
        &mut self,
        wanted: Wanted,
        [values, places]: [ArrayId; 2],
        mut index: Vec<Value>,
        axis: usize,
        n: Ext,
    ) -> Best {
        let zero = self.literal(Scalar::i64(0));
        let best = self.begin_best(wanted, zero);
        let n = self.ext_value(n);
        let one = self.literal(Scalar::i64(1));
        self.count_up(zero, n, one, |lower, at| {
            index[axis] = at;
            let value = lower.b().load_at(values, index.clone(), wanted.ty);
            let place = lower.b().load_at(places, index.clone(), Type::I64);
            let first = lower.b().op(Op::Eq, &[at, zero]);
            let then = lower.region(|lower| lower.b().set(best.place, place));
            lower.b().push(Stmt::If { cond: first, then, otherwise: Vec::new() });
            lower.keep_better(wanted, best, value, place);
        });
        best
    }

    fn begin_best(&mut self, wanted: Wanted, place: Value) -> Best {
        let best = Best { value: self.b().local(wanted.ty), place: self.b().local(Type::I64) };
        let none = self.literal(neutral(wanted.op, wanted.ty));
        self.b().set(best.value, none);
        self.b().set(best.place, place);
        best
    }

    /// Takes a value and its place if it is better than the best so far: beyond it, or the first NaN.
    fn keep_better(&mut self, wanted: Wanted, best: Best, value: Value, place: Value) {
        let old = self.b().get(best.value);
        let pair = if wanted.op == FoldOp::Min { [value, old] } else { [old, value] };
        let mut better = self.b().op(Op::Lt, &pair);
        if wanted.ty.is_float() {
            let nan = self.b().op(Op::Ne, &[value, value]);
            let number = self.b().op(Op::Eq, &[old, old]);
            let first = self.b().op(Op::And, &[nan, number]);
            better = self.b().op(Op::Or, &[better, first]);
        }
        let then = self.region(|lower| {
            lower.b().set(best.value, value);
            lower.b().set(best.place, place);
        });
        self.b().push(Stmt::If { cond: better, then, otherwise: Vec::new() });
    }

    /// A loop from one number up to another; the body is given where it is.
    fn count_up(&mut self, start: Value, stop: Value, step: Value, body: impl FnOnce(&mut Self, Value)) {
        let index = self.b().local(Type::I64);
        let body = self.region(|lower| {
            let at = lower.b().get(index);
            body(lower, at);
        });
        self.b().push(Stmt::For { index, start, stop, step, body });
    }

    fn region(&mut self, make: impl FnOnce(&mut Self)) -> Region {
        self.begin();
        make(self);
        self.end()
    }
}
