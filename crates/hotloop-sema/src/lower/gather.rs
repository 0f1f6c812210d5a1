//! Indexing by arrays: gathers, which are nodes, and scatters, which are statements.
//!
//! Owns where the axes of the index arrays go, the checks of computed indices and the order of a scatter. Masks over
//! all axes of an array are in `mask`.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::{Dim, Ext};
use super::tables::merging;
use super::{Binding, Lower};
use crate::hir::{Expr, Index, Kind, Merge, VarId};
use hotloop_ir::{ArrayId, AxisKind, FaultKind, FoldOp, Op, Scalar, Step, Stmt, Type, Value};
use hotloop_source::Span;

/// Elements of a node at computed indices.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    base: NodeId,
    picked: Picked,
    subject: String,
}

/// What an index with arrays takes along each axis, and the shape that is left.
#[derive(Clone, Debug)]
struct Picked {
    picks: Vec<Pick>,
    /// The axis of the result where those of the index arrays begin.
    block: usize,
    /// The shape the index arrays broadcast to.
    index_dims: Vec<Dim>,
    /// The shape of the result.
    dims: Vec<Dim>,
}

/// A store to computed places.
struct Scatter<'h> {
    node: NodeId,
    picked: Picked,
    value: Operand,
    merge: Option<&'h Merge>,
    subject: String,
}

/// What an index takes along one axis.
#[derive(Clone, Copy, Debug)]
enum Pick {
    /// A slice or a single index.
    View(Sel),
    /// Computed indices, and where they stand in the text.
    Indices(NodeId, Span),
    /// Computed indices that are in bounds.
    Places(NodeId),
}

impl Gather {
    /// The nodes it reads.
    pub fn nodes(&self) -> Vec<NodeId> {
        let indices = self.picked.picks.iter().filter_map(|pick| pick.node());
        std::iter::once(self.base).chain(indices).collect()
    }
}

impl Pick {
    fn node(&self) -> Option<NodeId> {
        match self {
            Pick::View(_) => None,
            Pick::Indices(node, _) | Pick::Places(node) => Some(*node),
        }
    }
}

impl<'h> Lower<'h> {
    /// The elements of a node at an index with arrays.
    pub fn by_array(&mut self, node: NodeId, index: &'h [Index], subject: &str, span: Span) -> NodeId {
        if let [Index::Mask(mask)] = index
            && mask.ty.rank as usize == self.node(node).dims.len()
        {
            return self.compress(node, mask, span);
        }
        // Elements that are taken twice are computed once, and those that are not taken must fault all the same.
        if self.costly(node) || !self.total_node(node) {
            self.materialize(node);
        }
        let picked = self.pick(node, index, subject, span);
        let (elem, dims) = (self.node(node).elem, picked.dims.clone());
        let gather = Gather { base: node, picked, subject: subject.to_string() };
        self.add_node(NodeKind::Gather(Box::new(gather)), elem, dims)
    }

    /// The axes of the index arrays stand where the first index is, or in front where a slice parts the indices, as in
    /// NumPy; a single number counts as an index there.
    fn pick(&mut self, node: NodeId, index: &'h [Index], subject: &str, span: Span) -> Picked {
        let from = self.node(node).dims.clone();
        let (mut picks, mut others): (Vec<Pick>, Vec<Dim>) = (Vec::new(), Vec::new());
        let mut block: Option<usize> = None;
        for part in index {
            let axis = picks.len();
            match part {
                Index::NewAxis => {
                    others.push(Dim::known(Ext::Const(1)));
                    continue;
                }
                Index::Slice { start, stop, step } => {
                    let (start, step, dim) = self.slice_part(from[axis], [start, stop].map(Option::as_ref), step);
                    picks.push(Pick::View(Sel { start, step, dim: Some(others.len()) }));
                    others.push(dim);
                    continue;
                }
                Index::At(at) => {
                    let start = self.checked_index(at, from[axis], axis as u32, subject);
                    picks.push(Pick::View(Sel { start, step: Ext::Const(0), dim: None }));
                }
                Index::Array(at) => {
                    let Operand::Node(indices) = self.operand(at) else { continue };
                    picks.push(Pick::Indices(indices, self.place(at.span)));
                }
                Index::Mask(mask) => {
                    let places = self.places_of(mask, from[axis], axis as u32, subject);
                    picks.push(Pick::Places(places));
                }
            }
            block = Some(match block {
                None => others.len(),
                Some(before) if before == others.len() => before,
                Some(_) => 0,
            });
        }
        self.assemble(picks, others, block.unwrap_or(0), span)
    }

    /// Puts the axes of the index arrays among the others.
    fn assemble(&mut self, mut picks: Vec<Pick>, mut dims: Vec<Dim>, block: usize, span: Span) -> Picked {
        let nodes: Vec<NodeId> = picks.iter().filter_map(Pick::node).collect();
        let shapes: Vec<Vec<Dim>> = nodes.iter().map(|&node| self.node(node).dims.clone()).collect();
        let index_dims = self.broadcast(&shapes, span);
        for pick in &mut picks {
            if let Pick::View(Sel { dim: Some(dim), .. }) = pick
                && *dim >= block
            {
                *dim += index_dims.len();
            }
        }
        dims.splice(block..block, index_dims.iter().copied());
        Picked { picks, block, index_dims, dims }
    }

    /// The element of a gather.
    pub fn gathered(&mut self, gather: &Gather, coords: &[Coord], dims: &[Dim]) -> Value {
        let inner = self.picked_coords(gather.base, &gather.picked, coords, dims, &gather.subject);
        let base_dims = self.node(gather.base).dims.clone();
        self.element(gather.base, &inner, &base_dims)
    }

    /// Where along each axis of the base the point lies.
    fn picked_coords(
        &mut self,
        base: NodeId,
        picked: &Picked,
        coords: &[Coord],
        dims: &[Dim],
        subject: &str,
    ) -> Vec<Coord> {
        let from = self.node(base).dims.clone();
        let block = picked.block..picked.block + picked.index_dims.len();
        let mut inner = Vec::with_capacity(from.len());
        for (axis, (pick, dim)) in picked.picks.iter().zip(from).enumerate() {
            inner.push(match pick {
                Pick::View(sel) => self.selected(*sel, coords, dims, dim.extent),
                Pick::Places(node) => Coord::computed(self.element(*node, &coords[block.clone()], &picked.index_dims)),
                Pick::Indices(node, span) => {
                    let index = self.element(*node, &coords[block.clone()], &picked.index_dims);
                    Coord::computed(self.gathered_place(index, dim.extent, *span, subject, axis as u32))
                }
            });
        }
        inner
    }

    /// An index of the lane, counted from the end where it is negative, and checked.
    fn gathered_place(&mut self, index: Value, extent: Ext, span: Span, subject: &str, axis: u32) -> Value {
        let n = self.ext_value(self.canon(extent));
        let place = self.counted(index, n);
        let inside = self.is_inside(place, n);
        self.check(FaultKind::Index, inside, [index, n], span, subject, axis);
        place
    }

    /// An index that counts from the end where it is negative.
    pub fn counted(&mut self, index: Value, n: Value) -> Value {
        if self.nonneg(index) {
            return index;
        }
        let zero = self.literal(Scalar::i64(0));
        let negative = self.b().op(Op::Lt, &[index, zero]);
        let from_end = self.b().op(Op::Add, &[index, n]);
        self.b().op(Op::Select, &[negative, from_end, index])
    }

    /// Whether `0 <= place < n`; one unsigned comparison finds indices on both sides.
    pub fn is_inside(&mut self, place: Value, n: Value) -> Value {
        let (a, b) = (self.b().bitcast(Type::U64, place), self.b().bitcast(Type::U64, n));
        self.b().op(Op::Lt, &[a, b])
    }

    /// `a[…] = value` at an index with arrays: one element after the other, in the order of the source, so that the
    /// last of several values for one place stays, and combined ones come in order.
    pub fn scatter(&mut self, var: VarId, index: &'h [Index], value: &'h Expr, merge: Option<&'h Merge>, span: Span) {
        let Binding::Storage(node) = self.binding(var) else { return };
        let NodeKind::Source(array, sels) = self.node(node).kind.clone() else { return };
        self.force_readers(array);
        let subject = self.var(var).name.clone();
        if let [Index::Mask(mask)] = index
            && mask.ty.rank as usize == self.node(node).dims.len()
        {
            return self.store_masked(node, mask, value, span);
        }
        let mut picked = self.pick(node, index, &subject, span);
        for pick in &mut picked.picks {
            if let Pick::Indices(node, _) | Pick::Places(node) = pick {
                *node = self.apart_from(*node, array);
            }
        }
        let value = self.stored_value(value, array, &picked.dims, span);
        let part = |pick: &Pick| matches!(pick, Pick::View(Sel { dim: Some(_), .. }));
        let fold = merge.filter(|_| !picked.picks.iter().any(part)).and_then(|merge| self.merge_fold(merge));
        let elem = self.program.array(array).element();
        let scatter = Scatter { node, picked, value, merge, subject };
        match fold.and_then(|fold| self.tables(fold, elem, node, &scatter.picked.dims)) {
            None => self.scatter_in_order(&scatter, array, &sels, span),
            Some(mut tables) => {
                let then = self.nested(|lower| {
                    lower.fill_tables(&mut tables);
                    let dims = scatter.picked.dims.clone();
                    lower.over_blocks(&tables, &dims, span, &mut |lower, array, block, point| {
                        let inner = lower.picked_coords(node, &scatter.picked, point, &dims, &scatter.subject);
                        let index = inner.into_iter().map(|coord| lower.coord_value(coord));
                        let place = std::iter::once(block).chain(index).collect();
                        lower.scatter_one(&scatter, array, place, point);
                    });
                    lower.merge_tables(&tables, span);
                });
                let otherwise = self.nested(|lower| lower.scatter_in_order(&scatter, array, &sels, span));
                self.push_step(Step::If { cond: tables.worth, then, otherwise });
            }
        }
    }

    /// What merges the tables of a change of elements, if it is one whose order cannot be told.
    fn merge_fold(&self, merge: &Merge) -> Option<FoldOp> {
        let Kind::Op(op, args) = &merge.result.kind else { return None };
        let [a, b] = args.as_slice() else { return None };
        let are = |a: VarId, b: VarId, values: [&Expr; 2]| matches!(values.map(|value| &value.kind), [Kind::Var(x), Kind::Var(y)] if (*x, *y) == (a, b));
        let fits = are(merge.old, merge.new, [a, b]) || (*op != Op::Sub && are(merge.old, merge.new, [b, a]));
        fits.then(|| merging(*op, merge.result.ty.elem)).flatten()
    }

    fn scatter_in_order(&mut self, scatter: &Scatter<'h>, array: ArrayId, sels: &[Sel], span: Span) {
        let Scatter { node, picked, subject, .. } = scatter;
        let (mut axes, coords) = self.open_nest(&picked.dims, &[]);
        axes.iter_mut().for_each(|axis| axis.kind = AxisKind::Ordered);
        let inner = self.picked_coords(*node, picked, &coords, &picked.dims, subject);
        let node_dims = self.node(*node).dims.clone();
        let place = self.computed_index(array, sels, &inner, &node_dims);
        self.scatter_one(scatter, array, place, &coords);
        self.close_nest(axes, span);
    }

    /// Stores what belongs to one point into an element of an array.
    fn scatter_one(&mut self, scatter: &Scatter<'h>, array: ArrayId, place: Vec<Value>, coords: &[Coord]) {
        let mut value = self.operand_element(scatter.value, coords, &scatter.picked.dims);
        if let Some(Merge { old, new, result }) = scatter.merge {
            let elem = self.program.array(array).element();
            let present = self.b().load_at(array, place.clone(), elem);
            self.bind(*old, Binding::Value(present));
            self.bind(*new, Binding::Value(value));
            value = self.value(result);
        }
        self.b().push(Stmt::StoreAt(array, place, value));
    }

    /// The value of a store to computed places: computed before the first is written.
    pub fn stored_value(&mut self, value: &'h Expr, array: hotloop_ir::ArrayId, dims: &[Dim], span: Span) -> Operand {
        let value = self.operand(value);
        self.release(value);
        match value {
            Operand::Scalar(value) => Operand::Scalar(value),
            Operand::Node(node) => {
                let shape = self.node(node).dims.clone();
                self.fits_into(&shape, dims, span);
                Operand::Node(self.apart_from(node, array))
            }
        }
    }

    /// The node, or a copy of it if it reads the array.
    pub fn apart_from(&mut self, node: NodeId, array: hotloop_ir::ArrayId) -> NodeId {
        if self.reads(node, array) { self.copy_of(node, "copy") } else { node }
    }
}
