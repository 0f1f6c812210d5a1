//! Arrangements: built-ins that give the elements of arrays in another order, shape or selection.
//!
//! Most are written in terms of a few: reshaping, exchanging and stretching axes, joining, and indexing.

use super::expr::bind;
use super::index::{MAX_RANK, rank_left};
use super::making::{Given, indices, listed, number_of, row_and_column};
use super::{Body, Checker};
use crate::builtins::Arranging;
use crate::errors;
use crate::hir::{Arrange, Expr, Index, Kind, Stride};
use crate::promote::Ty;
use hotloop_ir::{Op, Type};
use hotloop_source::Span;
use hotloop_syntax::ast::{self, BinaryOp};

/// How many levels of the checked tree a call adds at most.
const LEVELS: usize = 4;

impl<'m> Checker<'m> {
    /// A call that arranges the elements of arrays.
    pub(super) fn arranging(&mut self, body: &mut Body, arranging: Arranging, given: &Given<'m>) -> Option<Expr> {
        self.enter(LEVELS, given.span)?;
        let result = self.arranged(body, arranging, given);
        self.leave(LEVELS);
        let result = result?;
        if result.ty.rank as usize > MAX_RANK {
            let message = format!("this has {} axes, more than {MAX_RANK}", result.ty.rank);
            body.report(errors::plain(errors::TOO_LARGE, given.span, message, "use fewer axes"));
            return None;
        }
        Some(result)
    }

    fn arranged(&mut self, body: &mut Body, arranging: Arranging, given: &Given<'m>) -> Option<Expr> {
        let (keywords, least, most, expected): (&[&str], _, _, _) = match arranging {
            Arranging::Reshape => (&[], 2, MAX_RANK + 1, "an array and the extents"),
            Arranging::BroadcastTo => (&[], 2, MAX_RANK + 1, "an array and the extents"),
            Arranging::Tile => (&[], 2, MAX_RANK + 1, "an array and a count for each axis"),
            Arranging::Transpose => (&["axes"], 1, MAX_RANK + 1, "an array, and all its axes in another order"),
            Arranging::SwapAxes | Arranging::MoveAxis => (&[], 3, 3, "3 arguments: an array and two axes"),
            Arranging::ExpandDims => (&["axis"], 1, 2, "an array and an axis"),
            Arranging::Squeeze => (&["axis"], 1, 2, "an array and an axis"),
            Arranging::Flip | Arranging::Diff => (&["axis"], 1, 1, "1 array"),
            Arranging::Roll => (&["axis"], 2, 2, "an array and a shift"),
            Arranging::Repeat => (&["axis"], 2, 2, "an array and a count"),
            Arranging::Take => (&["axis"], 2, 2, "an array and indices"),
            Arranging::Concat | Arranging::Stack => (&["axis"], 1, usize::MAX, "arrays"),
            Arranging::Outer => (&[], 2, 2, "2 arrays with one axis"),
            Arranging::Ravel | Arranging::Nonzero | Arranging::Argwhere | Arranging::Diag => (&[], 1, 1, "1 array"),
            Arranging::Triangle(_) => (&["k"], 1, 1, "1 array"),
        };
        self.arguments_fit(body, given, keywords, least, most, expected)?;
        if matches!(arranging, Arranging::Concat | Arranging::Stack) {
            return self.join(body, arranging == Arranging::Stack, given);
        }
        let span = given.span;
        let array = self.expr(body, &given.args[0])?;
        let array = self.array(body, given.name, array)?;
        let rest = &given.args[1..];
        match arranging {
            Arranging::Reshape => self.reshape(body, array, rest, span),
            Arranging::Ravel => Some(ravel(array, span)),
            Arranging::Transpose => self.transpose(body, array, given),
            Arranging::SwapAxes => {
                let [a, b] = self.two_axes(body, rest, array.ty.rank)?;
                let mut axes: Vec<u32> = (0..array.ty.rank).collect();
                axes.swap(a as usize, b as usize);
                Some(with_axes(array, axes.into_iter().map(Some).collect(), span))
            }
            Arranging::MoveAxis => {
                let [from, to] = self.two_axes(body, rest, array.ty.rank)?;
                let mut order: Vec<u32> = (0..array.ty.rank).collect();
                let moved = order.remove(from as usize);
                order.insert(to as usize, moved);
                Some(in_order(array, &order, span))
            }
            Arranging::Flip => {
                let axes = match given.keyword("axis") {
                    Some(axis) => self.axes(body, axis, array.ty.rank)?,
                    None => (0..array.ty.rank).collect(),
                };
                let parts = (0..array.ty.rank).map(|axis| match axes.contains(&axis) {
                    true => Index::Slice { start: None, stop: None, step: Stride::Known(-1) },
                    false => Index::whole(),
                });
                let parts = parts.collect();
                Some(index(array, parts, span))
            }
            Arranging::Roll => self.roll(body, array, given),
            Arranging::Outer => {
                let other = self.expr(body, &rest[0])?;
                let other = self.array(body, given.name, other)?;
                self.with_one_axis(body, given.name, &array)?;
                self.with_one_axis(body, given.name, &other)?;
                let column = index(array, vec![Index::whole(), Index::NewAxis], span);
                self.binary_of(body, BinaryOp::Mul, span, column, other, span)
            }
            Arranging::Squeeze => self.squeeze(body, array, given),
            Arranging::ExpandDims => self.expand_dims(body, array, given),
            Arranging::Repeat => self.repeat(body, array, given),
            Arranging::Tile => self.tile(body, array, rest, given),
            Arranging::Diag => self.diag(body, array, span),
            Arranging::Triangle(upper) => self.triangle(body, array, upper, given),
            Arranging::BroadcastTo => {
                let extents = self.extents(body, rest)?;
                self.stretch(body, array, extents, span)
            }
            Arranging::Diff => self.diff(body, array, given),
            Arranging::Take => self.take(body, array, given),
            Arranging::Nonzero => self.nonzero(body, array, given),
            Arranging::Argwhere => self.argwhere(body, array, span),
            Arranging::Concat | Arranging::Stack => None,
        }
    }

    /// Extents of which one may be -1: what the others leave.
    fn reshape(&mut self, body: &mut Body, array: Expr, extents: &'m [ast::Expr], span: Span) -> Option<Expr> {
        let mut list = Vec::new();
        for extent in listed(extents) {
            let value = self.expr(body, extent)?;
            if !matches!(value.kind, Kind::Number(crate::hir::Number::Int(-1))) {
                list.push(Some(self.whole_number(body, value, "an extent")?));
                continue;
            }
            if list.iter().any(Option::is_none) {
                let message = "only one extent can be -1".into();
                body.report(errors::plain(errors::BAD_ARGUMENTS, extent.span, message, "write the others out"));
                return None;
            }
            list.push(None);
        }
        Some(reshaped(array, list, span))
    }

    fn transpose(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let rank = array.ty.rank;
        let listed = match given.keyword("axes") {
            Some(axes) => listed(std::slice::from_ref(axes)),
            None => listed(&given.args[1..]),
        };
        if listed.is_empty() {
            return Some(transposed(array, given.span));
        }
        let mut order = Vec::new();
        for axis in &listed {
            let value = self.expr(body, axis)?;
            let axis = self.axis(body, &value, rank)?;
            if order.contains(&axis) {
                let message = format!("axis {axis} is named twice");
                body.report(errors::plain(errors::BAD_AXIS, value.span, message, "name each axis once"));
                return None;
            }
            order.push(axis);
        }
        if order.len() < rank as usize {
            let message = format!("{} axes are named, the array has {rank}", order.len());
            body.report(errors::plain(errors::BAD_AXIS, given.span, message, "name each axis once, or none"));
            return None;
        }
        Some(in_order(array, &order, given.span))
    }

    fn two_axes(&mut self, body: &mut Body, args: &'m [ast::Expr], rank: u32) -> Option<[u32; 2]> {
        let (a, b) = (self.expr(body, &args[0])?, self.expr(body, &args[1])?);
        Some([self.axis(body, &a, rank)?, self.axis(body, &b, rank)?])
    }

    /// The axis of a keyword, if it is there.
    fn axis_given(&mut self, body: &mut Body, given: &Given<'m>, rank: u32) -> Option<Option<u32>> {
        match given.keyword("axis") {
            None => Some(None),
            Some(axis) => {
                let axis = self.expr(body, axis)?;
                Some(Some(self.axis(body, &axis, rank)?))
            }
        }
    }

    fn with_one_axis(&mut self, body: &mut Body, name: &str, array: &Expr) -> Option<()> {
        if array.ty.rank == 1 {
            return Some(());
        }
        let diag = errors::wrong_class(array.span, name, array.written(), "an array with one axis");
        body.report(diag.hint("write `ravel(…)` around it"));
        None
    }

    /// Without an axis the elements are moved as if they stood in one row.
    fn roll(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let span = given.span;
        let shift = self.expr(body, &given.args[1])?;
        let shift = self.whole_number(body, shift, "a shift")?;
        let rank = array.ty.rank;
        let rolled = |base: Expr, axis| {
            let ty = base.ty;
            arrange(Arrange::Roll(base, shift, axis), ty, span)
        };
        match (self.axis_given(body, given, rank)?, rank) {
            (Some(axis), _) => Some(rolled(array, axis)),
            (None, 1) => Some(rolled(array, 0)),
            (None, _) => {
                let mut bound = Vec::new();
                let array = self.share(body, array, &mut bound);
                let extents = (0..rank).map(|axis| Some(extent(&array, axis))).collect();
                let row = rolled(ravel(array, span), 0);
                Some(bind(bound, reshaped(row, extents, span)))
            }
        }
    }

    fn squeeze(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let axes = match (given.keyword("axis"), given.args.get(1)) {
            (Some(axes), None) | (None, Some(axes)) => self.axes(body, axes, array.ty.rank)?,
            (Some(_), Some(_)) | (None, None) => {
                let message = "`squeeze` needs the axis, since extents are known only at run time".into();
                body.report(errors::plain(errors::BAD_ARGUMENTS, given.span, message, "write `squeeze(a, axis=0)`"));
                return None;
            }
        };
        if axes.len() == array.ty.rank as usize {
            let message = "`squeeze` would leave no axis".into();
            body.report(errors::plain(errors::BAD_AXIS, given.span, message, "write `a[0]` for the one element"));
            return None;
        }
        let mut next = 0;
        let map = (0..array.ty.rank).map(|axis| match axes.contains(&axis) {
            true => None,
            false => {
                next += 1;
                Some(next - 1)
            }
        });
        let map = map.collect();
        Some(with_axes(array, map, given.span))
    }

    fn expand_dims(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let ((Some(axis), None) | (None, Some(axis))) = (given.keyword("axis"), given.args.get(1)) else {
            let message = "`expand_dims` needs an array and one axis".into();
            body.report(errors::plain(errors::BAD_ARGUMENTS, given.span, message, "write `expand_dims(a, 0)`"));
            return None;
        };
        let axis = self.expr(body, axis)?;
        let axis = self.axis(body, &axis, array.ty.rank + 1)?;
        Some(with_new_axis(array, axis, given.span))
    }

    /// Without an axis the elements are taken as one row.
    fn repeat(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let span = given.span;
        let count = self.expr(body, &given.args[1])?;
        let count = self.whole_number(body, count, "a count")?;
        let (array, axis) = match self.axis_given(body, given, array.ty.rank)? {
            Some(axis) => (array, axis),
            None => (ravel(array, span), 0),
        };
        let rank = array.ty.rank;
        let mut bound = Vec::new();
        let array = self.share(body, array, &mut bound);
        let count = self.share(body, count, &mut bound);
        let mut wide: Vec<Expr> = (0..rank).map(|axis| extent(&array, axis)).collect();
        let long = Expr::op(Op::Mul, vec![extent(&array, axis), count.clone()], span);
        let mut whole: Vec<Option<Expr>> = wide.iter().cloned().map(Some).collect();
        whole[axis as usize] = Some(long);
        wide.insert(axis as usize + 1, count);
        let apart = with_new_axis(array, axis + 1, span);
        let wide = self.stretch(body, apart, wide, span)?;
        Some(bind(bound, reshaped(wide, whole, span)))
    }

    fn tile(&mut self, body: &mut Body, array: Expr, counts: &'m [ast::Expr], given: &Given<'m>) -> Option<Expr> {
        let span = given.span;
        let counts = self.extents(body, counts)?;
        let rank = array.ty.rank as usize;
        if counts.len() != rank {
            let message = format!("{} counts for an array with {rank} axes", counts.len());
            body.report(errors::plain(errors::BAD_ARGUMENTS, span, message, "give one count for each axis"));
            return None;
        }
        let mut bound = Vec::new();
        let array = self.share(body, array, &mut bound);
        let (mut parts, mut wide, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, count) in counts.into_iter().enumerate() {
            let count = self.share(body, count, &mut bound);
            let own = extent(&array, axis as u32);
            whole.push(Some(Expr::op(Op::Mul, vec![count.clone(), own.clone()], span)));
            parts.extend([Index::NewAxis, Index::whole()]);
            wide.extend([count, own]);
        }
        let apart = index(array, parts, span);
        let wide = self.stretch(body, apart, wide, span)?;
        Some(bind(bound, reshaped(wide, whole, span)))
    }

    /// The diagonal of a matrix, a view; or a matrix with this diagonal.
    fn diag(&mut self, body: &mut Body, array: Expr, span: Span) -> Option<Expr> {
        let mut bound = Vec::new();
        let array = self.share(body, array, &mut bound);
        let value = match array.ty.rank {
            1 => {
                let n = extent(&array, 0);
                let [row, column] = row_and_column(n.clone(), n, Expr::int(0, span), span);
                let on = Expr::op(Op::Eq, vec![row, column], span);
                let zero = number_of(array.ty.elem, 0, span);
                self.where_of(body, on, array, zero, span)?
            }
            2 => {
                let shorter = Expr::op(Op::Min, vec![extent(&array, 0), extent(&array, 1)], span);
                let shorter = self.share(body, shorter, &mut bound);
                let part = || Index::Slice { start: None, stop: Some(shorter.clone()), step: Stride::Known(1) };
                let square = index(array, vec![part(), part()], span);
                with_axes(square, vec![Some(0), Some(0)], span)
            }
            _ => {
                let diag = errors::wrong_class(array.span, "diag", array.written(), "an array with one or two axes");
                body.report(diag);
                return None;
            }
        };
        Some(bind(bound, value))
    }

    /// Zero above, or below, the diagonal `k` of the last two axes.
    fn triangle(&mut self, body: &mut Body, array: Expr, upper: bool, given: &Given<'m>) -> Option<Expr> {
        let (rank, span) = (array.ty.rank, given.span);
        if rank < 2 {
            let diag = errors::wrong_class(array.span, given.name, array.written(), "an array with two axes or more");
            body.report(diag);
            return None;
        }
        let k = match given.keyword("k") {
            Some(k) => {
                let k = self.expr(body, k)?;
                self.whole_number(body, k, "the diagonal")?
            }
            None => Expr::int(0, span),
        };
        let mut bound = Vec::new();
        let array = self.share(body, array, &mut bound);
        let [row, column] = row_and_column(extent(&array, rank - 2), extent(&array, rank - 1), k, span);
        let kept = Expr::op(Op::Le, if upper { vec![row, column] } else { vec![column, row] }, span);
        let zero = number_of(array.ty.elem, 0, span);
        let value = self.where_of(body, kept, array, zero, span)?;
        Some(bind(bound, value))
    }

    fn stretch(&mut self, body: &mut Body, array: Expr, extents: Vec<Expr>, span: Span) -> Option<Expr> {
        if extents.len() < array.ty.rank as usize {
            let message = format!("an array with {} axes does not fit a shape with {}", array.ty.rank, extents.len());
            body.report(errors::mismatch(span, message, "give an extent for each axis"));
            return None;
        }
        let ty = Ty::array(array.ty.elem, extents.len() as u32);
        Some(arrange(Arrange::Stretch(array, extents), ty, span))
    }

    fn diff(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let (rank, span) = (array.ty.rank, given.span);
        let axis = self.axis_given(body, given, rank)?.unwrap_or(rank - 1);
        let mut bound = Vec::new();
        let array = self.share(body, array, &mut bound);
        let side = |start: Option<Expr>, stop: Option<Expr>| {
            let mut parts: Vec<Index> = (0..rank).map(|_| Index::whole()).collect();
            parts[axis as usize] = Index::Slice { start, stop, step: Stride::Known(1) };
            index(array.clone(), parts, span)
        };
        let (later, earlier) = (side(Some(Expr::int(1, span)), None), side(None, Some(Expr::int(-1, span))));
        let value = self.binary_of(body, BinaryOp::Sub, span, later, earlier, span)?;
        Some(bind(bound, value))
    }

    /// Without an axis the elements are taken as one row.
    fn take(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        let at = self.expr(body, &given.args[1])?;
        let (array, axis) = match self.axis_given(body, given, array.ty.rank)? {
            Some(axis) => (array, axis),
            None if array.ty.rank == 1 => (array, 0),
            None => (ravel(array, given.span), 0),
        };
        if at.ty.elem == Type::Bool {
            let diag = errors::wrong_class(at.span, given.name, at.written(), "whole numbers");
            body.report(diag.hint("write `a[mask]` for the elements where a mask is true"));
            return None;
        }
        let mut parts: Vec<Index> = (0..array.ty.rank).map(|_| Index::whole()).collect();
        parts[axis as usize] = self.index_by(body, at)?;
        Some(index(array, parts, given.span))
    }

    fn nonzero(&mut self, body: &mut Body, array: Expr, given: &Given<'m>) -> Option<Expr> {
        if array.ty.rank != 1 {
            self.nonzero_of_rows(body, &array, given.name);
            return None;
        }
        let mask = self.make_bool(body, array)?;
        let mut bound = Vec::new();
        let mask = self.share(body, mask, &mut bound);
        let places = indices(extent(&mask, 0), given.span);
        Some(bind(bound, index(places, vec![Index::Mask(mask)], given.span)))
    }

    /// Arrays one after the other along an axis, the first unless it is named; those of a stack get that axis anew.
    fn join(&mut self, body: &mut Body, stack: bool, given: &Given<'m>) -> Option<Expr> {
        let listed = listed(given.args);
        let mut arrays = Vec::new();
        for arg in &listed {
            let array = self.expr(body, arg)?;
            arrays.push(self.array(body, given.name, array)?);
        }
        let rank = arrays.first()?.ty.rank;
        if let Some(other) = arrays.iter().find(|array| array.ty.rank != rank) {
            let message = format!("the first array has {rank} axes, this one has {}", other.ty.rank);
            body.report(errors::mismatch(other.span, message, "give arrays with the same number of axes"));
            return None;
        }
        let axis = self.axis_given(body, given, rank + u32::from(stack))?.unwrap_or(0);
        let mut parts = self.unify(body, arrays, given.name, given.span)?;
        if stack {
            parts = parts.into_iter().map(|part| with_new_axis(part, axis, given.span)).collect();
        }
        Some(concat(parts, axis, given.span))
    }

    /// `a.T`
    pub(super) fn transposed(&mut self, body: &mut Body, array: Expr, span: Span) -> Option<Expr> {
        let array = self.array(body, "T", array)?;
        Some(transposed(array, span))
    }
}

fn arrange(arrange: Arrange, ty: Ty, span: Span) -> Expr {
    Expr { kind: Kind::Arrange(Box::new(arrange)), ty: Ty { weak: false, ..ty }, span }
}

/// Arrays of one type and rank one after the other along an axis; there is at least one.
pub(super) fn concat(parts: Vec<Expr>, axis: u32, span: Span) -> Expr {
    let ty = parts[0].ty;
    arrange(Arrange::Concat(parts, axis), ty, span)
}

fn reshaped(array: Expr, extents: Vec<Option<Expr>>, span: Span) -> Expr {
    let ty = Ty::array(array.ty.elem, extents.len() as u32);
    arrange(Arrange::Reshape(array, extents), ty, span)
}

fn ravel(array: Expr, span: Span) -> Expr {
    reshaped(array, vec![None], span)
}

fn transposed(array: Expr, span: Span) -> Expr {
    let rank = array.ty.rank;
    with_axes(array, (0..rank).rev().map(Some).collect(), span)
}

/// The array whose axis `i` is the axis `order[i]` of the operand.
fn in_order(array: Expr, order: &[u32], span: Span) -> Expr {
    let mut map = vec![None; order.len()];
    for (to, &from) in (0..).zip(order) {
        map[from as usize] = Some(to);
    }
    with_axes(array, map, span)
}

fn with_axes(array: Expr, map: Vec<Option<u32>>, span: Span) -> Expr {
    let rank = map.iter().flatten().max().map_or(0, |last| last + 1);
    let ty = Ty::array(array.ty.elem, rank);
    arrange(Arrange::Axes(array, map), ty, span)
}

/// The array with an axis of one element put in.
pub(super) fn with_new_axis(array: Expr, axis: u32, span: Span) -> Expr {
    let mut parts: Vec<Index> = (0..array.ty.rank).map(|_| Index::whole()).collect();
    parts.insert(axis as usize, Index::NewAxis);
    index(array, parts, span)
}

fn index(base: Expr, parts: Vec<Index>, span: Span) -> Expr {
    let ty = Ty::array(base.ty.elem, rank_left(&parts, base.ty.rank));
    Expr { kind: Kind::Index(Box::new(base), parts), ty, span }
}

/// The extent of an axis of an array that is shared.
fn extent(array: &Expr, axis: u32) -> Expr {
    Expr { kind: Kind::Extent(Box::new(array.clone()), axis), ty: Ty::scalar(Type::I64), span: array.span }
}
