//! Where the extreme value of each line stands, found in one pass: lines are walked in blocks, and each point of a nest
//! finds the extreme value of its block and where it stands first.
//!
//! A block is walked in parts. The loop over a part only keeps the least, or the greatest, so that vectors compute it;
//! a position is looked for in one part of each block alone. What the blocks give is then compared in order, axis by
//! axis, the last one first, so that of equals the first in C order is found. A NaN is the extreme value.
//!
//! Many lines of few elements are gone over side by side instead: a part of eight elements takes as long as forty.

use super::nest::Coord;
use super::node::{NodeId, Operand};
use super::shape::{Dim, Ext};
use super::{Lower, Ref};
use hotloop_ir::semantics::neutral;
use hotloop_ir::{ArrayId, FoldOp, Local, Op, Region, Role, Scalar, SlotId, Step, Stmt, Type, Value};
use hotloop_source::Span;

/// Elements of a block.
const BLOCK: i64 = 8192;
/// Elements of a part of one: a quarter of a short line, since parts take time to begin and to search.
const PART: std::ops::RangeInclusive<i64> = 64..=512;
/// The most elements of a line that are not worth a part.
const SHORT: i64 = 32;

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

/// What is gone over.
struct Lines<'d> {
    node: NodeId,
    dims: &'d [Dim],
    /// The axes over which elements are numbered, of which the last one of the node is one.
    axes: &'d [u32],
}

/// Whether lines have few elements.
enum Short {
    Never,
    Always,
    /// Where the slot is true.
    If(SlotId),
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
        let lines = Lines { node, dims: &dims, axes };
        match (axes, &dims[..]) {
            ([_], [left @ .., _]) if !left.is_empty() => self.first_of_lines(wanted, &lines, left),
            (_, _) => self.first_over_axes(wanted, &lines),
        }
    }

    /// The number of the first extreme element of each line.
    fn first_of_lines(&mut self, wanted: Wanted, lines: &Lines<'_>, left: &[Dim]) -> Operand {
        let places = self.alloc("places", Type::I64, left, Role::Temp);
        let long = |lower: &mut Self| {
            let (from, shape) = lower.block_extremes(wanted, lines);
            lower.best_along(wanted, from, &shape, left.len(), left, [None, Some(places)]);
        };
        match self.are_short(lines.dims) {
            Short::Never => long(self),
            Short::Always => self.each_short_line(wanted, lines, places),
            Short::If(cond) => {
                let then = self.nested(|lower| lower.each_short_line(wanted, lines, places));
                let otherwise = self.nested(long);
                self.push_step(Step::If { cond, then, otherwise });
            }
        }
        Operand::Node(self.source(places, left.to_vec()))
    }

    /// The number of the first extreme element over several axes, or over the only one.
    fn first_over_axes(&mut self, wanted: Wanted, lines: &Lines<'_>) -> Operand {
        let ([mut values, mut places], mut shape) = self.block_extremes(wanted, lines);
        for &axis in lines.axes.iter().rev() {
            let left: Vec<Dim> = (0..shape.len()).filter(|&other| other != axis as usize).map(|at| shape[at]).collect();
            if left.is_empty() {
                return Operand::Scalar(self.best_of_all(wanted, [values, places], &shape));
            }
            let into = [("extremes", wanted.ty), ("places", Type::I64)];
            let into = into.map(|(name, ty)| self.alloc(name, ty, &left, Role::Temp));
            self.best_along(wanted, [values, places], &shape, axis as usize, &left, into.map(Some));
            ([values, places], shape) = (into, left);
        }
        Operand::Node(self.source(places, shape))
    }

    /// The extreme value of each block along the last axis, and where it stands; and the shape of the two.
    fn block_extremes(&mut self, wanted: Wanted, lines: &Lines<'_>) -> ([ArrayId; 2], Vec<Dim>) {
        let last = lines.dims.len() - 1;
        let n = lines.dims[last].extent;
        let whole = self.ext_op(Op::Add, n, Ext::Const(BLOCK - 1));
        let mut shape = lines.dims.to_vec();
        shape[last] = Dim::known(self.extent_op(Op::FloorDiv, whole, Ext::Const(BLOCK)));
        let values = self.alloc("extremes", wanted.ty, &shape, Role::Temp);
        let places = self.alloc("places", Type::I64, &shape, Role::Temp);
        let (nest_axes, outer) = self.open_nest(&shape, &[]);
        let mut coords = self.computed(&outer);
        let size = self.literal(Scalar::i64(BLOCK));
        let block = self.coord_value(outer[last]);
        let start = self.b().op(Op::Mul, &[block, size]);
        let end = self.b().op(Op::Add, &[start, size]);
        let n = self.ext_value(n);
        let end = self.b().op(Op::Min, &[end, n]);
        let part = self.part_of(n);
        let mut element = |lower: &mut Self, at: Value| {
            coords[last] = Coord::computed(at);
            lower.element(lines.node, &coords, lines.dims)
        };
        let best = self.begin_best(wanted, start);
        self.best_part(wanted, best, [start, end, part], &mut element);
        self.first_place(wanted, best, end, &mut element);
        coords[last] = Coord::computed(self.b().get(best.place));
        let (over, extents): (Vec<Coord>, Vec<Dim>) =
            lines.axes.iter().map(|&axis| (coords[axis as usize], lines.dims[axis as usize])).unzip();
        let place = self.linear(&over, &extents);
        let value = self.b().get(best.value);
        self.store_whole(values, &outer, value);
        self.store_whole(places, &outer, place);
        self.close_nest(nest_axes, wanted.span);
        ([values, places], shape)
    }

    /// Whether there are several lines, and each has some elements, but few.
    fn are_short(&mut self, dims: &[Dim]) -> Short {
        match dims {
            [.., Dim { extent: Ext::Const(n), .. }] if dims.len() > 1 && (1..=SHORT).contains(n) => Short::Always,
            [_] | [.., Dim { extent: Ext::Const(_), .. }] | [] => Short::Never,
            [.., Dim { extent: n @ Ext::Slot(_), .. }] => {
                let [n, one, most] = [*n, Ext::Const(1), Ext::Const(SHORT)].map(|bound| self.ext_pending(bound));
                let some = self.pending.b.op(Op::Le, &[one, n]);
                let few = self.pending.b.op(Op::Le, &[n, most]);
                let short = self.pending.b.op(Op::And, &[some, few]);
                let slot = self.new_slot("short", Type::Bool);
                self.set_pending(slot, short);
                Short::If(slot)
            }
        }
    }

    /// A nest with a point for each line, which is gone over element by element: lanes lie across the lines.
    fn each_short_line(&mut self, wanted: Wanted, lines: &Lines<'_>, places: ArrayId) {
        let last = lines.dims.len() - 1;
        let (nest_axes, outer) = self.open_nest(&lines.dims[..last], &[]);
        let mut coords = self.computed(&outer);
        let [zero, one] = [0, 1].map(|number| self.literal(Scalar::i64(number)));
        let n = self.ext_value(lines.dims[last].extent);
        let best = self.begin_best(wanted, zero);
        coords.push(Coord::ZERO);
        self.count_up(zero, n, one, |lower, at| {
            coords[last] = Coord::computed(at);
            let value = lower.element(lines.node, &coords, lines.dims);
            lower.keep_better(wanted, best, value, at);
        });
        let place = self.b().get(best.place);
        self.store_whole(places, &outer, place);
        self.close_nest(nest_axes, wanted.span);
    }

    /// The coordinates of a point as numbers.
    fn computed(&mut self, coords: &[Coord]) -> Vec<Coord> {
        coords.iter().map(|&coord| Coord::computed(self.coord_value(coord))).collect()
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

    /// Stores the best of what stands along one axis, the value and the place, into arrays without it.
    fn best_along(
        &mut self,
        wanted: Wanted,
        from: [ArrayId; 2],
        shape: &[Dim],
        axis: usize,
        left: &[Dim],
        into: [Option<ArrayId>; 2],
    ) {
        let (nest_axes, outer) = self.open_nest(left, &[]);
        let mut index: Vec<Value> = outer.iter().map(|&coord| self.coord_value(coord)).collect();
        let zero = self.literal(Scalar::i64(0));
        index.insert(axis, zero);
        let best = self.best_listed(wanted, from, index, axis, shape[axis].extent);
        for (array, local) in into.into_iter().zip([best.value, best.place]) {
            let value = self.b().get(local);
            array.into_iter().for_each(|array| self.store_whole(array, &outer, value));
        }
        self.close_nest(nest_axes, wanted.span);
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
