//! Addresses of affine accesses: what is computed once per call, once per row, and at each point.
//!
//! Views of one array that differ only by a constant along its last, unit-stride axis share their base address: the
//! difference becomes the displacement of the access. So do those that stay at a constant of that axis each.

use crate::func::Func;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use hotloop_ir::{Extent, Layout, Nest, Type, View, ViewDim};
use rustc_hash::FxHashMap;

/// What is known of a view inside its nest function.
#[derive(Clone, Debug)]
pub(crate) struct ViewCode {
    /// The element type.
    pub(crate) ty: Type,
    /// Bytes per point along the inner axis, if the view moves along it.
    pub(crate) inner: Option<Stride>,
    /// Added to every address.
    pub(crate) disp: i32,
    /// The view whose base this one shares; itself if none.
    pub(crate) root: usize,
    /// Address of the element at point 0.
    origin: clif::Value,
    /// Bytes per point along each other axis.
    steps: Vec<(usize, clif::Value)>,
}

/// The distance of neighbours along the inner axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stride {
    /// The element size.
    Unit,
    /// Twice the element size: one part of pairs that lie side by side, which is the part of this number.
    Pairs(usize),
    /// So many bytes.
    Bytes(clif::Value),
}

/// Words of the frame that were read, by their numbers.
type Words = FxHashMap<usize, clif::Value>;

/// Displacements stay far from what 32 bits hold.
const MAX_SHIFT: i64 = 1 << 20;

impl Func<'_> {
    /// What is computed once per call.
    pub(crate) fn views(&mut self, nest: &Nest, inner: Option<usize>) -> Vec<ViewCode> {
        let mut codes: Vec<ViewCode> = Vec::with_capacity(nest.views.len());
        let mut words = FxHashMap::default();
        for (index, view) in nest.views.iter().enumerate() {
            let shared = (0..index).find(|&other| self.same_base(&nest.views[other], view, inner));
            let code = match shared {
                Some(other) => {
                    let disp = self.const_offset(view, inner).map_or(0, |(_, disp)| disp);
                    let part = self.unit_dim(view, inner).and_then(|(_, part)| part);
                    let inner = part.map(Stride::Pairs).or(codes[other].inner);
                    ViewCode { disp, inner, ..codes[other].clone() }
                }
                None => self.view(view, inner, index, &mut words),
            };
            codes.push(code);
        }
        codes
    }

    /// The array axis along which neighbours on the inner axis are neighbours in memory, or belong to neighbouring
    /// pairs; and which part of them, if they do.
    fn unit_dim(&self, view: &View, inner: Option<usize>) -> Option<(usize, Option<usize>)> {
        let array = self.program.array(view.array);
        let last = view.dims.len().checked_sub(1)?;
        let part = match view.dims[last] {
            ViewDim { start: Extent::Const(part @ 0..=1), axis: None, .. } if array.pairs => Some(part as usize),
            _ => None,
        };
        let axis = if part.is_some() { last.checked_sub(1)? } else { last };
        let on_inner = |dim: &ViewDim| inner.is_some() && dim.axis.map(|axis| axis as usize) == inner;
        let alone = view.dims.iter().filter(|dim| on_inner(dim)).count() == 1;
        let unit = on_inner(&view.dims[axis]) && view.dims[axis].step == Extent::Const(1);
        let gapless = match array.layout {
            Layout::Dense => true,
            Layout::UnitInner => part.is_none(),
            Layout::Strided => false,
        };
        (alone && unit && gapless).then_some((axis, part))
    }

    /// The last axis of the array where a view stays at one of its places, known by now, and neighbours lie side by side.
    fn fixed_dim(&self, view: &View) -> Option<usize> {
        let array = self.program.array(view.array);
        let last = view.dims.len().checked_sub(1)?;
        let fixed = matches!(view.dims[last], ViewDim { start: Extent::Const(_), axis: None, .. });
        (fixed && array.layout != Layout::Strided && !array.pairs).then_some(last)
    }

    /// The constant part of a view's address, in bytes, if it has one that fits; and the first axis it stands for.
    fn const_offset(&self, view: &View, inner: Option<usize>) -> Option<(usize, i32)> {
        let (axis, part) = self.unit_dim(view, inner).or_else(|| Some((self.fixed_dim(view)?, None)))?;
        let size = self.program.array(view.array).ty.bytes() as i32;
        match view.dims[axis].start {
            Extent::Const(start) if start.abs() < MAX_SHIFT => Some(match part {
                None => (axis, start as i32 * size),
                Some(part) => (axis, (2 * start as i32 + part as i32) * size),
            }),
            Extent::Const(_) | Extent::Slot(_) => None,
        }
    }

    fn same_base(&self, one: &View, other: &View, inner: Option<usize>) -> bool {
        let shifts = [one, other].map(|view| self.const_offset(view, inner));
        let compared = match shifts {
            [Some((axis, _)), Some((same, _))] if axis == same && one.dims[axis].axis == other.dims[axis].axis => axis,
            [_, _] => one.dims.len(),
        };
        one.array == other.array && one.dims[..compared] == other.dims[..compared]
    }

    fn view(&mut self, view: &View, inner: Option<usize>, index: usize, words: &mut Words) -> ViewCode {
        let ty = self.program.array(view.array).ty;
        let unit = self.unit_dim(view, inner);
        let disp = self.const_offset(view, inner);
        let mut origin = self.known_word(self.layout.base(view.array), words);
        let mut steps: Vec<(usize, clif::Value)> = Vec::new();
        let mut along_inner: Option<Stride> = None;
        for (axis, dim) in view.dims.iter().enumerate() {
            let is_unit = unit.is_some_and(|(unit, _)| unit == axis);
            if is_unit {
                let part = unit.and_then(|(_, part)| part);
                along_inner = Some(part.map_or(Stride::Unit, Stride::Pairs));
            }
            // Behind the axis of the pairs there is only that of their parts.
            let placed = disp.is_some_and(|(first, _)| axis >= first);
            if placed || (dim.start == Extent::Const(0) && (is_unit || dim.axis.is_none())) {
                continue;
            }
            let stride = self.known_word(self.layout.stride(view.array, axis), words);
            if dim.start != Extent::Const(0) {
                let start = self.extent(dim.start);
                origin = self.add_scaled(origin, start, stride);
            }
            let Some(nest_axis) = dim.axis.map(|axis| axis as usize).filter(|_| !is_unit) else {
                continue;
            };
            let step = self.step_bytes(dim, stride);
            if Some(nest_axis) == inner {
                along_inner = Some(Stride::Bytes(match along_inner {
                    Some(Stride::Bytes(other)) => self.b.ins().iadd(other, step),
                    Some(Stride::Unit | Stride::Pairs(_)) | None => step,
                }));
            } else {
                steps.push((nest_axis, step));
            }
        }
        ViewCode { ty, inner: along_inner, disp: disp.map_or(0, |(_, disp)| disp), root: index, origin, steps }
    }

    /// A word of the frame that does not change while the nest runs, read once.
    fn known_word(&mut self, word: usize, words: &mut Words) -> clif::Value {
        *words.entry(word).or_insert_with(|| self.word(word))
    }

    fn step_bytes(&mut self, dim: &ViewDim, stride: clif::Value) -> clif::Value {
        if dim.step == Extent::Const(1) {
            return stride;
        }
        let step = self.extent(dim.step);
        self.b.ins().imul(step, stride)
    }

    /// The base address of each view for a row: for point 0 along the inner axis, the displacement left out.
    pub(crate) fn row_bases(&mut self, views: &[ViewCode], coords: &[clif::Value]) -> Vec<clif::Value> {
        let mut bases: Vec<clif::Value> = Vec::with_capacity(views.len());
        for (index, view) in views.iter().enumerate() {
            let base = if view.root < index {
                bases[view.root]
            } else {
                view.steps.iter().fold(view.origin, |base, &(axis, step)| self.add_scaled(base, coords[axis], step))
            };
            bases.push(base);
        }
        bases
    }

    /// The address, but for the displacement, of a view's element at a point of the inner axis.
    pub(crate) fn address(&mut self, view: &ViewCode, base: clif::Value, point: Option<clif::Value>) -> clif::Value {
        match (view.inner, point) {
            (None, _) | (_, None) => base,
            (Some(stride @ (Stride::Unit | Stride::Pairs(_))), Some(point)) => {
                let size = view.ty.bytes() * if matches!(stride, Stride::Pairs(_)) { 2 } else { 1 };
                let offset =
                    if size == 1 { point } else { self.b.ins().ishl_imm_u(point, i64::from(size.trailing_zeros())) };
                self.b.ins().iadd(base, offset)
            }
            (Some(Stride::Bytes(stride)), Some(point)) => self.add_scaled(base, point, stride),
        }
    }
}
