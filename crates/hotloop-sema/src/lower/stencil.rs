//! Stencils: an interior nest whose reads are affine, and a slab on each side where they may go beyond the edge.
//!
//! Along each axis the interior is what every offset stays inside of. The low and the high slab of an axis span the
//! interior of the axes before it and the whole of those after it, so that each point is in exactly one nest. Indices
//! beyond the edge follow the border's rule, which holds for arrays of any size, smaller than the stencil too.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, Sel, whole};
use super::shape::{Dim, Ext};
use super::{Binding, Lower};
use crate::hir::{self, Border, Expr, Form, InstanceId, Kind, Tap, Window};
use hotloop_ir::{ArrayId, Op, Role, Scalar, SlotId, Step, Type, Value};
use hotloop_source::Span;
use std::collections::HashMap;

/// A part of the domain.
struct Piece {
    /// For each axis the first coordinate and the extent.
    ranges: Vec<(Ext, Dim)>,
    /// For each axis whether offsets may go beyond the edge.
    outside: Vec<bool>,
}

/// What every nest of one stencil needs.
struct Stencil<'h> {
    id: InstanceId,
    instance: &'h hir::Instance,
    args: Vec<Operand>,
    border: &'h Border,
    dims: Vec<Dim>,
    /// Where each result goes: an array, and what is selected from it.
    places: Vec<(ArrayId, Vec<Sel>)>,
    span: Span,
}

/// An index along one axis after the border's rule, and whether it was inside.
#[derive(Clone, Copy)]
struct Ruled {
    index: Value,
    inside: Value,
}

impl<'h> Lower<'h> {
    /// The results of a function that is run at every place of its arguments.
    pub fn window(&mut self, window: &'h Window, span: Span) -> Vec<Operand> {
        self.count(1, span);
        if self.full() {
            return Vec::new();
        }
        match &window.form {
            Form::Stencil(border) => self.stencil(window.id, &window.args, border, span),
            Form::Cores(cores) => self.over_cores(window.id, &window.args, cores, span),
        }
    }

    fn stencil(&mut self, id: InstanceId, args: &'h [Expr], border: &'h Border, span: Span) -> Vec<Operand> {
        let instance = self.hir.instance(id);
        if !self.laneable_body(&instance.body, false) {
            let what = format!("`{}` works on whole arrays; a stencil computes one element", instance.name);
            self.unsupported(span, &what, "compute them before, and pass them to the stencil");
            return Vec::new();
        }
        let mut stencil = self.begin_stencil(id, args, border, span);
        self.stencil_to_memory(&mut stencil);
        stencil.args.iter().for_each(|&arg| self.release(arg));
        let node = |&(array, _): &(ArrayId, Vec<Sel>)| Operand::Node(self.source(array, stencil.dims.clone()));
        stencil.places.iter().map(node).collect()
    }

    /// The arguments in place, and the shape.
    fn begin_stencil(&mut self, id: InstanceId, args: &'h [Expr], border: &'h Border, span: Span) -> Stencil<'h> {
        let instance = self.hir.instance(id);
        let operands: Vec<Operand> = args.iter().map(|arg| self.operand(arg)).collect();
        for (i, &operand) in operands.iter().enumerate() {
            if let Operand::Node(node) = operand {
                self.ready_to_read(node, i, instance, &args[i]);
            }
        }
        let dims = self.common_shape(args, &operands, &instance.taps, span);
        Stencil { id, instance, args: operands, border, dims, places: Vec::new(), span }
    }

    /// Runs all parts of a stencil.
    fn run_stencil(&mut self, stencil: &Stencil<'h>) {
        for piece in self.pieces(stencil) {
            self.stencil_nest(stencil, &piece);
        }
    }

    /// Runs a stencil into new arrays.
    fn stencil_to_memory(&mut self, stencil: &mut Stencil<'h>) {
        let (results, rank) = (&stencil.instance.results, stencil.dims.len());
        stencil.places =
            results.iter().map(|ty| (self.alloc("stencil", ty.elem, &stencil.dims, Role::Temp), whole(rank))).collect();
        self.run_stencil(stencil);
    }

    /// `a[…] = f(b)` for a stencil `f` whose results can go where they are stored at once, since nothing that it reads is
    /// written and nothing in it faults. False, and nothing is done, for all others.
    pub fn store_stencil(&mut self, place: NodeId, value: &'h Expr, span: Span) -> bool {
        let Kind::Window(window) = &value.kind else { return false };
        let Form::Stencil(border) = &window.form else { return false };
        let super::node::Node { kind: NodeKind::Source(array, sels), dims, .. } = self.node(place).clone() else {
            return false;
        };
        let instance = self.hir.instance(window.id);
        let apart = window.args.iter().all(|arg| self.is_other_memory(arg, array));
        let fits = value.ty.rank as usize == dims.len() && instance.results.len() == 1;
        if !apart || !fits || !self.laneable_body(&instance.body, false) || !self.total_instance(window.id) {
            return false;
        }
        let mut stencil = self.begin_stencil(window.id, &window.args, border, value.span);
        let differ = stencil.dims.iter().zip(&dims).filter(|(a, b)| self.canon(a.extent) != self.canon(b.extent));
        let differ: Vec<(Ext, Ext)> = differ.map(|(a, b)| (a.extent, b.extent)).collect();
        if differ.is_empty() {
            stencil.places = vec![(array, sels)];
            self.run_stencil(&stencil);
        } else {
            let cond = self.all_equal(&differ);
            let then = self.nested(|lower| {
                differ.iter().for_each(|&(a, b)| lower.unite(a, b));
                stencil.places = vec![(array, sels.clone())];
                lower.run_stencil(&stencil);
            });
            // A result with one element along an axis is repeated, others do not fit.
            let otherwise = self.nested(|lower| {
                lower.fits_into(&stencil.dims, &dims, span);
                lower.stencil_to_memory(&mut stencil);
                let result = lower.source(stencil.places[0].0, stencil.dims.clone());
                lower.store_selection(array, &sels, &dims, Operand::Node(result), span);
            });
            self.push_step(Step::If { cond, then, otherwise });
        }
        stencil.args.iter().for_each(|&arg| self.release(arg));
        true
    }

    /// Whether an argument is a scalar, or a named array in memory other than this one.
    fn is_other_memory(&mut self, arg: &Expr, array: ArrayId) -> bool {
        let Kind::Var(var) = arg.kind else { return false };
        if arg.ty.rank == 0 {
            return true;
        }
        match self.binding(var) {
            Binding::Array(node) | Binding::Storage(node) => {
                matches!(self.node(node).kind, NodeKind::Source(other, _) if other != array)
            }
            Binding::Unbound | Binding::Scalar(_) | Binding::ScalarVar(_) | Binding::Value(_) | Binding::Local(_) => {
                false
            }
        }
    }

    /// A slot that tells whether all these extents are equal.
    fn all_equal(&mut self, pairs: &[(Ext, Ext)]) -> SlotId {
        let slot = self.new_slot("fits", Type::Bool);
        let mut all: Option<Value> = None;
        for &(a, b) in pairs {
            let (a, b) = (self.ext_pending(a), self.ext_pending(b));
            let equal = self.pending_op(Op::Eq, &[a, b]);
            all = Some(match all {
                None => equal,
                Some(before) => self.pending_op(Op::And, &[before, equal]),
            });
        }
        if let Some(all) = all {
            self.set_pending(slot, all);
        }
        slot
    }

    /// Puts an argument into memory that plain indices read, or that is too costly to compute at every offset.
    fn ready_to_read(&mut self, node: NodeId, param: usize, instance: &'h hir::Instance, arg: &Expr) {
        let taps = instance.taps.iter().filter(|tap| tap.param == param).count();
        let mut indexed = false;
        instance.body.walk(&mut |expr| indexed |= matches!(expr.kind, Kind::Var(var) if var == instance.params[param]));
        if indexed {
            self.materialize(node);
        }
        let subject = self.name_of(arg);
        self.read_at_places(node, taps, &subject, arg.span);
    }

    /// The shape of the arrays that are read by offsets, which is one.
    fn common_shape(&mut self, args: &'h [Expr], operands: &[Operand], taps: &[Tap], span: Span) -> Vec<Dim> {
        let mut found: Option<Vec<Dim>> = None;
        for tap in taps {
            let Operand::Node(node) = operands[tap.param] else { continue };
            let dims = self.node(node).dims.clone();
            match &found {
                None => found = Some(dims),
                Some(first) => {
                    let subject = self.name_of(&args[tap.param]);
                    for (axis, (dim, wanted)) in dims.iter().zip(first).enumerate() {
                        self.same_extent(dim.extent, wanted.extent, axis as u32, &subject, span);
                    }
                }
            }
        }
        found.unwrap_or_default()
    }

    /// The interior, then the slabs, axis by axis.
    fn pieces(&mut self, stencil: &Stencil<'h>) -> Vec<Piece> {
        let taps = &stencil.instance.taps;
        let whole: Vec<(Ext, Dim)> = stencil.dims.iter().map(|&dim| (Ext::Const(0), dim)).collect();
        let mut ranges = whole.clone();
        let mut slabs = Vec::new();
        for axis in 0..whole.len() {
            let low = taps.iter().map(|tap| -tap.offsets[axis]).max().unwrap_or(0).max(0);
            let high = taps.iter().map(|tap| tap.offsets[axis]).max().unwrap_or(0).max(0);
            let n = self.canon(stencil.dims[axis].extent);
            let outside: Vec<bool> = (0..whole.len()).map(|other| other >= axis).collect();
            let mut slab = |range: (Ext, Ext)| {
                let mut ranges = ranges.clone();
                ranges[axis] = (range.0, Dim::known(range.1));
                slabs.push(Piece { ranges, outside: outside.clone() });
            };
            let first = self.extent_op(Op::Min, n, Ext::Const(low));
            if low > 0 {
                slab((Ext::Const(0), first));
            }
            if high > 0 {
                let rest = self.ext_op(Op::Sub, n, Ext::Const(high));
                let start = self.extent_op(Op::Max, rest, first);
                slab((start, self.extent_op(Op::Sub, n, start)));
            }
            if low + high > 0 {
                let (start, _, dim) = self.slice(stencil.dims[axis], Some(Ext::Const(low)), cut(high), 1);
                ranges[axis] = (start, dim);
            }
        }
        let interior = Piece { ranges, outside: vec![false; whole.len()] };
        std::iter::once(interior).chain(slabs).collect()
    }

    fn stencil_nest(&mut self, stencil: &Stencil<'h>, piece: &Piece) {
        let dims: Vec<Dim> = piece.ranges.iter().map(|range| range.1).collect();
        let (axes, mut point) = self.open_nest(&dims, &[]);
        for ((coord, range), dim) in point.iter_mut().zip(&piece.ranges).zip(&stencil.dims) {
            let all = range.0 == Ext::Const(0) && self.canon(range.1.extent) == self.canon(dim.extent);
            *coord = Coord { start: range.0, full: coord.full && all, ..*coord };
        }
        let on_border = piece.outside.contains(&true);
        let values = match stencil.border {
            Border::Skip(kept) if on_border => self.kept_elements(stencil, *kept, &point),
            Border::Fill(values) if on_border => values.iter().map(|&value| self.literal(value)).collect(),
            Border::Constant(_)
            | Border::Edge
            | Border::Reflect
            | Border::Mirror
            | Border::Wrap
            | Border::Skip(_)
            | Border::Fill(_) => self.stencil_elements(stencil, piece, &point),
        };
        for ((array, sels), value) in stencil.places.iter().zip(values) {
            let view = self.memory_view(*array, sels, &point, &stencil.dims);
            self.b().push(hotloop_ir::Stmt::Store(view, value));
        }
        self.close_nest(axes, stencil.span);
    }

    /// The kept array's own element in the type of each result.
    fn kept_elements(&mut self, stencil: &Stencil<'h>, kept: usize, point: &[Coord]) -> Vec<Value> {
        let Operand::Node(node) = stencil.args[kept] else { return Vec::new() };
        let element = self.element(node, point, &stencil.dims);
        let from = self.node(node).elem;
        let converted = |ty: &crate::promote::Ty| match ty.elem == from {
            true => element,
            false => self.b().convert(ty.elem, element),
        };
        stencil.instance.results.iter().map(converted).collect()
    }

    /// The function's results at one point.
    fn stencil_elements(&mut self, stencil: &Stencil<'h>, piece: &Piece, point: &[Coord]) -> Vec<Value> {
        let mut bindings = Vec::new();
        for &arg in &stencil.args {
            bindings.push(match arg {
                Operand::Scalar(value) => Binding::Scalar(value),
                Operand::Node(node) => Binding::Array(node),
            });
        }
        let mut ruled = HashMap::new();
        for tap in &stencil.instance.taps {
            let value = self.tapped(stencil, tap, piece, point, &mut ruled);
            bindings.push(Binding::Value(value));
        }
        self.inline_bound(stencil.id, bindings, stencil.span)
    }

    fn tapped(
        &mut self,
        stencil: &Stencil<'h>,
        tap: &Tap,
        piece: &Piece,
        point: &[Coord],
        ruled: &mut HashMap<(usize, i64), Ruled>,
    ) -> Value {
        let Operand::Node(node) = stencil.args[tap.param] else {
            return self.literal(Scalar::new(Type::I64, 0));
        };
        let mut coords = Vec::new();
        let mut inside = None;
        for (axis, (&coord, &offset)) in point.iter().zip(&tap.offsets).enumerate() {
            if offset == 0 {
                coords.push(coord);
                continue;
            }
            if !piece.outside[axis] {
                let start = self.ext_op(Op::Add, coord.start, Ext::Const(offset));
                coords.push(Coord { start, full: false, ..coord });
                continue;
            }
            let known = ruled.get(&(axis, offset)).copied();
            let rule = known.unwrap_or_else(|| self.ruled(stencil, coord, axis, offset));
            ruled.insert((axis, offset), rule);
            coords.push(Coord::computed(rule.index));
            inside = Some(match inside {
                None => rule.inside,
                Some(before) => self.b().op(Op::And, &[before, rule.inside]),
            });
        }
        let element = self.element(node, &coords, &stencil.dims);
        match (stencil.border, inside) {
            (Border::Constant(values), Some(inside)) => {
                let beyond = self.literal(values[tap.param]);
                self.b().op(Op::Select, &[inside, element, beyond])
            }
            (_, _) => element,
        }
    }

    /// The index beside a point along one axis, brought inside by the border's rule. There is at least one element.
    fn ruled(&mut self, stencil: &Stencil<'h>, coord: Coord, axis: usize, offset: i64) -> Ruled {
        let point = self.coord_value(coord);
        let (zero, one) = (self.literal(Scalar::i64(0)), self.literal(Scalar::i64(1)));
        let offset = self.literal(Scalar::i64(offset));
        let n = self.ext_value(stencil.dims[axis].extent);
        let at = self.b().op(Op::Add, &[point, offset]);
        let last = self.b().op(Op::Sub, &[n, one]);
        let (low, high) = (self.b().op(Op::Le, &[zero, at]), self.b().op(Op::Lt, &[at, n]));
        let inside = self.b().op(Op::And, &[low, high]);
        let index = match stencil.border {
            Border::Constant(_) | Border::Edge | Border::Skip(_) | Border::Fill(_) => {
                let index = self.b().op(Op::Min, &[at, last]);
                self.b().op(Op::Max, &[index, zero])
            }
            Border::Wrap => self.b().op(Op::FloorRem, &[at, n]),
            Border::Reflect => {
                let period = self.b().op(Op::Add, &[n, n]);
                let end = self.b().op(Op::Sub, &[period, one]);
                self.mirrored(at, n, period, end)
            }
            Border::Mirror => {
                let period = self.b().op(Op::Add, &[last, last]);
                let period = self.b().op(Op::Max, &[period, one]);
                self.mirrored(at, n, period, period)
            }
        };
        Ruled { index, inside }
    }

    /// The remainder by the period; in its second half it runs back from `end`.
    fn mirrored(&mut self, at: Value, n: Value, period: Value, end: Value) -> Value {
        let phase = self.b().op(Op::FloorRem, &[at, period]);
        let back = self.b().op(Op::Sub, &[end, phase]);
        let forth = self.b().op(Op::Lt, &[phase, n]);
        self.b().op(Op::Select, &[forth, phase, back])
    }
}

/// The stop of a slice that leaves so many elements out at the end.
fn cut(high: i64) -> Option<Ext> {
    (high > 0).then_some(Ext::Const(-high))
}
