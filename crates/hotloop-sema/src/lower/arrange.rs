//! The elements of arrays in another arrangement: other extents, other axes, stretched, joined, moved round.
//!
//! What is a view in NumPy is one here, or a node that is computed where it is needed; only axes that are merged, and
//! arrays that are joined or moved round, are written to memory.

use super::Lower;
use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, Sel, whole};
use super::shape::{Dim, Ext};
use crate::hir::{Arrange, Expr, Stride};
use hotloop_ir::{FaultKind, Op, Role, Stmt, Value};
use hotloop_source::Span;
use std::ops::Range;

impl<'h> Lower<'h> {
    /// An array in another arrangement.
    pub fn arrange(&mut self, arrange: &'h Arrange, span: Span) -> NodeId {
        match arrange {
            Arrange::Reshape(base, extents) => {
                let node = self.arranged(base);
                let dims = self.reshaped_dims(node, extents, span);
                self.reshape(node, dims, span)
            }
            Arrange::Axes(base, axes) => {
                let node = self.arranged(base);
                self.other_axes(node, axes, span)
            }
            Arrange::Stretch(base, extents) => {
                let node = self.arranged(base);
                let dims: Vec<Dim> =
                    extents.iter().zip(0..).map(|(extent, axis)| self.given_extent(extent, axis)).collect();
                let own = self.node(node).dims.clone();
                self.fits_into(&own, &dims, span);
                let elem = self.node(node).elem;
                if self.costly(node) {
                    self.materialize(node);
                }
                self.add_node(NodeKind::Stretch(node), elem, dims)
            }
            Arrange::Concat(parts, axis) => {
                let nodes = parts.iter().map(|part| self.arranged(part)).collect::<Vec<_>>();
                self.concat(&nodes, *axis as usize, span)
            }
            Arrange::Roll(base, shift, axis) => {
                let node = self.arranged(base);
                let shift = self.expr_ext(shift);
                self.roll(node, shift, *axis as usize, span)
            }
        }
    }

    fn arranged(&mut self, base: &'h Expr) -> NodeId {
        let operand = self.operand(base);
        self.release(operand);
        self.expect_node(Some(operand), base.ty.elem, base.ty.rank)
    }

    /// A slice of an axis by the expressions of the text.
    pub fn slice_part(&mut self, axis: Dim, bounds: [Option<&'h Expr>; 2], step: &'h Stride) -> (Ext, Ext, Dim) {
        let [start, stop] = bounds.map(|bound| bound.map(|bound| self.expr_ext(bound)));
        let (step, span) = match step {
            Stride::Known(step) => return self.slice(axis, start, stop, *step),
            Stride::Given(step) => (self.expr_ext(step), step.span),
        };
        match step {
            Ext::Const(step) if step != 0 && step != i64::MIN => self.slice(axis, start, stop, step),
            Ext::Const(_) | Ext::Slot(_) => self.slice_by(axis, start, stop, step, span),
        }
    }

    /// A slice whose step, and so its direction, is known when the program runs.
    fn slice_by(&mut self, axis: Dim, start: Option<Ext>, stop: Option<Ext>, step: Ext, span: Span) -> (Ext, Ext, Dim) {
        let (by, n) = (self.ext_pending(step), self.ext_pending(self.canon(axis.extent)));
        let [zero, least] = [0, -1].map(|value| self.ext_pending(Ext::Const(value)));
        let nonzero = self.pending_op(Op::Ne, &[by, zero]);
        self.pending_check(FaultKind::ZeroStep, nonzero, [zero, zero], span, "");
        let rises = self.pending_op(Op::Lt, &[zero, by]);
        let low = self.pending_op(Op::Select, &[rises, zero, least]);
        let high = self.pending_op(Op::Add, &[n, low]);
        let first = match start {
            Some(start) => self.clamped(start, n, low, high),
            None => self.pending_op(Op::Select, &[rises, low, high]),
        };
        let last = match stop {
            Some(stop) => self.clamped(stop, n, low, high),
            None => self.pending_op(Op::Select, &[rises, high, low]),
        };
        let back = self.pending_op(Op::Sub, &[first, last]);
        let steps = self.pending_op(Op::FloorDiv, &[back, by]);
        let steps = self.pending_op(Op::Neg, &[steps]);
        let count = self.pending_op(Op::Max, &[steps, zero]);
        let extent = self.held("extent", count);
        if let Ext::Slot(slot) = extent {
            self.nonneg_slots.insert(slot);
        }
        (self.held("bound", first), step, Dim::computed(extent))
    }

    fn clamped(&mut self, bound: Ext, n: Value, low: Value, high: Value) -> Value {
        let (value, zero) = (self.ext_pending(bound), self.ext_pending(Ext::Const(0)));
        let negative = self.pending_op(Op::Lt, &[value, zero]);
        let from_end = self.pending_op(Op::Add, &[value, n]);
        let value = self.pending_op(Op::Select, &[negative, from_end, value]);
        let value = self.pending_op(Op::Min, &[value, high]);
        self.pending_op(Op::Max, &[value, low])
    }

    fn held(&mut self, name: &str, value: Value) -> Ext {
        let value = self.hold(name, value);
        Self::ref_ext(value)
    }

    /// The extents a reshape asks for, checked to hold just the elements there are.
    fn reshaped_dims(&mut self, node: NodeId, extents: &'h [Option<Expr>], span: Span) -> Vec<Dim> {
        let own = self.node(node).dims.clone();
        let given: Vec<Option<Dim>> = extents
            .iter()
            .zip(0..)
            .map(|(extent, axis)| extent.as_ref().map(|extent| self.given_extent(extent, axis)))
            .collect();
        let total = self.element_count(&own, span);
        if own.len() == 1 && given.len() == 1 && given[0].is_none() {
            return own;
        }
        let known: Vec<Dim> = given.iter().flatten().copied().collect();
        let rest = self.left_over(total, &known, given.len() == known.len(), span);
        given.into_iter().map(|dim| dim.unwrap_or(Dim::computed(rest))).collect()
    }

    /// The number of elements of a shape, checked not to overflow: no memory has held them all yet.
    fn element_count(&mut self, dims: &[Dim], span: Span) -> Ext {
        let mut count = Ext::Const(1);
        for dim in dims {
            let before = count;
            count = self.ext_op(Op::Mul, before, dim.extent);
            if count == before || count == dim.extent {
                continue;
            }
            let (most, one) = (self.ext_pending(Ext::Const(i64::MAX)), self.ext_pending(Ext::Const(1)));
            let (held, extent) = (self.ext_pending(before), self.ext_pending(dim.extent));
            let divisor = self.pending_op(Op::Max, &[extent, one]);
            let room = self.pending_op(Op::FloorDiv, &[most, divisor]);
            let fits = self.pending_op(Op::Le, &[held, room]);
            self.pending_check(FaultKind::Overflow, fits, [held, extent], span, "");
        }
        count
    }

    /// `total` divided by all the extents, checked to come out even; to come out as 1 if they are `all`.
    fn left_over(&mut self, total: Ext, given: &[Dim], all: bool, span: Span) -> Ext {
        let product = given.iter().try_fold(1i64, |product, dim| match dim.extent {
            Ext::Const(extent) => product.checked_mul(extent),
            Ext::Slot(_) => None,
        });
        if let (Ext::Const(total), Some(product @ 1..)) = (total, product)
            && total % product == 0
            && (!all || total == product)
        {
            return Ext::Const(total / product);
        }
        let elements = self.ext_pending(total);
        let [zero, one] = [0, 1].map(|value| self.ext_pending(Ext::Const(value)));
        // One division after the other cannot overflow, as the product of the extents could.
        let (mut rest, mut even, mut asked) = (elements, None, one);
        let mut empty: Option<Value> = None;
        for dim in given {
            let extent = self.ext_pending(dim.extent);
            let none = self.pending_op(Op::Eq, &[extent, zero]);
            let divisor = self.pending_op(Op::Max, &[extent, one]);
            let over = self.pending_op(Op::FloorRem, &[rest, divisor]);
            let fits = self.pending_op(Op::Eq, &[over, zero]);
            rest = self.pending_op(Op::FloorDiv, &[rest, divisor]);
            asked = self.pending_op(Op::Mul, &[asked, extent]);
            even = Some(even.map_or(fits, |even| self.pending_op(Op::And, &[even, fits])));
            empty = Some(empty.map_or(none, |empty| self.pending_op(Op::Or, &[empty, none])));
        }
        let (even, empty) = match (even, empty) {
            (Some(even), Some(empty)) => (even, empty),
            // No extent is given: the one that is open takes all elements, and none at all asks for one.
            _ if !all => return total,
            _ => {
                let one_left = self.pending_op(Op::Eq, &[elements, one]);
                self.pending_check(FaultKind::Reshape, one_left, [elements, one], span, "");
                return Ext::Const(1);
            }
        };
        let whole = match all {
            true => self.pending_op(Op::Eq, &[rest, one]),
            false => even,
        };
        let even = self.pending_op(Op::And, &[even, whole]);
        // An extent of 0 asks for no elements, and leaves open what another axis could have.
        let nothing = match all {
            true => self.pending_op(Op::Eq, &[elements, zero]),
            false => self.pending_op(Op::Ne, &[zero, zero]),
        };
        let fits = self.pending_op(Op::Select, &[empty, nothing, even]);
        self.pending_check(FaultKind::Reshape, fits, [elements, asked], span, "");
        let rest = self.held("extent", rest);
        if let Ext::Slot(slot) = rest {
            self.nonneg_slots.insert(slot);
        }
        rest
    }

    /// The elements of a node in C order under another shape with as many.
    fn reshape(&mut self, node: NodeId, dims: Vec<Dim>, span: Span) -> NodeId {
        let elem = self.node(node).elem;
        let base = match self.node(node).kind {
            NodeKind::Fill(value) => return self.add_node(NodeKind::Fill(value), elem, dims),
            // What was split is put together again by taking what it was split from.
            NodeKind::Split(base, _) => base,
            _ => node,
        };
        let own = self.node(base).dims.clone();
        let (from, to) = self.unlike(&own, &dims);
        let inner: Vec<usize> = from.clone().filter(|&axis| !own[axis].is_one()).collect();
        let base = if inner.len() > 1 { self.merge_axes(base, &from, span) } else { base };
        self.split(base, from.start, to, dims)
    }

    /// The axes in which two shapes differ, those at either end that are the same left out.
    fn unlike(&self, from: &[Dim], to: &[Dim]) -> (Range<usize>, Range<usize>) {
        let same = |a: &Dim, b: &Dim| self.canon(a.extent) == self.canon(b.extent);
        let front = from.iter().zip(to).take_while(|(a, b)| same(a, b)).count();
        let rest = from[front..].iter().rev().zip(to[front..].iter().rev());
        let back = rest.take_while(|(a, b)| same(a, b)).count();
        (front..from.len() - back, front..to.len() - back)
    }

    /// An array in memory with some neighbouring axes put together into one.
    fn merge_axes(&mut self, node: NodeId, merged: &Range<usize>, span: Span) -> NodeId {
        let own = self.node(node).dims.clone();
        let extent = self.product(&own[merged.clone()]);
        let mut dims = own.clone();
        dims.splice(merged.clone(), [Dim::computed(extent)]);
        let elem = self.node(node).elem;
        let array = self.alloc("merged", elem, &dims, Role::Temp);
        let (axes, coords) = self.open_nest(&own, &[]);
        let value = self.element(node, &coords, &own);
        let mut index = Vec::with_capacity(dims.len());
        for coord in &coords[..merged.start] {
            index.push(self.coord_value(*coord));
        }
        index.push(self.linear(&coords[merged.clone()], &own[merged.clone()]));
        for coord in &coords[merged.end..] {
            index.push(self.coord_value(*coord));
        }
        self.b().push(Stmt::StoreAt(array, index, value));
        self.close_nest(axes, span);
        self.source(array, dims)
    }

    /// The number of a point in C order.
    pub fn linear(&mut self, coords: &[Coord], dims: &[Dim]) -> Value {
        let mut linear: Option<Value> = None;
        for (coord, dim) in coords.iter().zip(dims).filter(|(_, dim)| !dim.is_one()) {
            let place = self.coord_value(*coord);
            linear = Some(match linear {
                None => place,
                Some(outer) => {
                    let extent = self.ext_value(dim.extent);
                    let rows = self.b().op(Op::Mul, &[outer, extent]);
                    self.b().op(Op::Add, &[rows, place])
                }
            });
        }
        linear.unwrap_or_else(|| self.ext_value(Ext::Const(0)))
    }

    /// A node one of whose axes, the only one of `first ..` that is in the way, is split into the axes `to`.
    fn split(&mut self, node: NodeId, first: usize, to: Range<usize>, dims: Vec<Dim>) -> NodeId {
        let own = self.node(node).dims.clone();
        let after = dims.len() - to.end;
        let middle = first..own.len() - after;
        let mut parts = Vec::with_capacity(own.len());
        parts.extend((0..first).map(|axis| (axis, 1)));
        for axis in middle.clone() {
            parts.push(if own[axis].is_one() { (to.start, 0) } else { (to.start, to.len()) });
        }
        parts.extend((0..after).map(|axis| (to.end + axis, 1)));
        let plain = middle.clone().all(|axis| own[axis].is_one() || to.len() == 1);
        if plain {
            let sel = |&(dim, count): &(usize, usize)| match count {
                0 => Sel { start: Ext::Const(0), step: Ext::Const(0), dim: None },
                _ => Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(dim) },
            };
            return self.view(node, parts.iter().map(sel).collect(), dims);
        }
        let elem = self.node(node).elem;
        self.add_node(NodeKind::Split(node, parts), elem, dims)
    }

    /// The element of a node whose axes are split.
    pub fn split_element(&mut self, base: NodeId, parts: &[(usize, usize)], coords: &[Coord], dims: &[Dim]) -> Value {
        let base_dims = self.node(base).dims.clone();
        let mut inner = Vec::with_capacity(parts.len());
        for &(first, count) in parts {
            inner.push(match count {
                0 => Coord::ZERO,
                1 => coords[first],
                _ => Coord::computed(self.linear(&coords[first..first + count], &dims[first..first + count])),
            });
        }
        self.element(base, &inner, &base_dims)
    }

    fn other_axes(&mut self, node: NodeId, axes: &[Option<u32>], span: Span) -> NodeId {
        let own = self.node(node).dims.clone();
        let rank = axes.iter().flatten().max().map_or(0, |&last| last as usize + 1);
        let mut dims = vec![Dim::known(Ext::Const(1)); rank];
        let mut sels = Vec::with_capacity(own.len());
        for (axis, to) in axes.iter().enumerate().rev() {
            let Some(to) = to.map(|to| to as usize) else {
                self.same_extent(own[axis].extent, Ext::Const(1), axis as u32, "", span);
                sels.push(Sel { start: Ext::Const(0), step: Ext::Const(0), dim: None });
                continue;
            };
            dims[to] = own[axis];
            sels.push(Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(to) });
        }
        sels.reverse();
        self.view(node, sels, dims)
    }

    /// Checks that two extents are equal.
    pub fn same_extent(&mut self, found: Ext, wanted: Ext, axis: u32, subject: &str, span: Span) {
        if self.canon(found) == self.canon(wanted) {
            return;
        }
        let (x, y) = (self.ext_pending(found), self.ext_pending(wanted));
        let equal = self.pending_op(Op::Eq, &[x, y]);
        match subject {
            "" => self.shape_check([found, wanted], equal, axis, span),
            subject => {
                let site = self.site(FaultKind::Shape, span, subject, axis);
                self.pending.b.push(Stmt::Check { cond: equal, site, shows: [x, y], at: None });
            }
        }
        self.unite(found, wanted);
    }

    /// Checks that a node has just this shape.
    pub fn same_shape(&mut self, node: NodeId, dims: &[Dim], subject: &str, span: Span) {
        let own = self.node(node).dims.clone();
        for (axis, (found, wanted)) in own.iter().zip(dims).enumerate() {
            self.same_extent(found.extent, wanted.extent, axis as u32, subject, span);
        }
    }

    /// Arrays one after the other, each computed where it goes.
    fn concat(&mut self, parts: &[NodeId], axis: usize, span: Span) -> NodeId {
        let mut dims = self.node(parts[0]).dims.clone();
        let elem = self.node(parts[0]).elem;
        let mut starts = vec![Ext::Const(0)];
        let mut end = dims[axis].extent;
        for &part in &parts[1..] {
            let own = self.node(part).dims.clone();
            for other in (0..dims.len()).filter(|&other| other != axis) {
                self.same_extent(own[other].extent, dims[other].extent, other as u32, "", span);
            }
            starts.push(end);
            end = self.sum_of_extents(end, own[axis].extent, axis as u32, span);
        }
        dims[axis] = Dim::computed(end);
        let array = self.alloc("joined", elem, &dims, Role::Temp);
        for (&part, start) in parts.iter().zip(starts) {
            let own = self.node(part).dims.clone();
            let mut sels = whole(dims.len());
            sels[axis].start = start;
            self.store_selection(array, &sels, &own, Operand::Node(part), span);
        }
        self.source(array, dims)
    }

    /// The sum of two extents, which must not overflow.
    fn sum_of_extents(&mut self, a: Ext, b: Ext, axis: u32, span: Span) -> Ext {
        let sum = self.ext_op(Op::Add, a, b);
        if let Ext::Slot(slot) = sum
            && self.nonneg_slots.insert(slot)
        {
            let (value, zero) = (self.ext_pending(sum), self.ext_pending(Ext::Const(0)));
            let fits = self.pending_op(Op::Le, &[zero, value]);
            let site = self.site(FaultKind::NegativeExtent, span, "", axis);
            self.pending.b.push(Stmt::Check { cond: fits, site, shows: [value, zero], at: None });
        }
        sum
    }

    /// What leaves an axis at one end comes in at the other.
    fn roll(&mut self, node: NodeId, shift: Ext, axis: usize, span: Span) -> NodeId {
        let dims = self.node(node).dims.clone();
        let elem = self.node(node).elem;
        let n = self.canon(dims[axis].extent);
        let divisor = self.ext_op(Op::Max, n, Ext::Const(1));
        let front = self.ext_op(Op::FloorRem, shift, divisor);
        // An axis without elements has neither part.
        let front = self.ext_op(Op::Min, front, n);
        let back = self.ext_op(Op::Sub, n, front);
        for extent in [front, back] {
            if let Ext::Slot(slot) = extent {
                self.nonneg_slots.insert(slot);
            }
        }
        let array = self.alloc("rolled", elem, &dims, Role::Temp);
        // The last `front` elements come first.
        for (from, to, extent) in [(back, Ext::Const(0), front), (Ext::Const(0), front, back)] {
            let mut part = dims.clone();
            part[axis] = Dim::known(extent);
            let (mut taken, mut put) = (whole(dims.len()), whole(dims.len()));
            (taken[axis].start, put[axis].start) = (from, to);
            let view = self.view(node, taken, part.clone());
            self.store_selection(array, &put, &part, Operand::Node(view), span);
        }
        self.source(array, dims)
    }
}
