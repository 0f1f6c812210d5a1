//! Values combined by index on threads: each block of them in a table of its own, and the tables into the array at the
//! end.
//!
//! Only where nobody can tell in which order values came together: sums and products of whole numbers, least and
//! greatest values. Floats are added in the order of the source, on one thread. Whether there is so much to do that the
//! tables are worth their memory is asked when the program runs.

use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand};
use super::shape::{Dim, Ext};
use super::walked::Walked;
use super::{Lower, Ref};
use hotloop_ir::{ArrayId, FoldOp, Op, SlotId, Type, Value, semantics};
use hotloop_source::Span;

/// The fewest tables that are better than the one order.
const LEAST: i64 = 8;
/// The most tables.
const MOST: i64 = 1024;
/// The fewest values for one table, and for each of its cells.
const VALUES: i64 = 4096;
const VALUES_PER_CELL: i64 = 8;

/// Makes the code for an element: gets the tables, which of them is that of the block, and where the element lies.
type EachElement<'e, 'h> = dyn FnMut(&mut Lower<'h>, ArrayId, Value, &[Coord]) + 'e;

/// Tables for values that are combined into an array.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    fold: FoldOp,
    elem: Type,
    /// What they are combined into.
    pub target: NodeId,
    /// How many tables.
    count: Ext,
    /// Whether they are worth it.
    pub worth: SlotId,
    /// The tables, one behind the other; none before `fill_tables`.
    node: NodeId,
}

/// What the tables hold is added, multiplied, … into the array by this; none where the order of the values shows.
pub(crate) fn merging(op: Op, elem: Type) -> Option<FoldOp> {
    let exact = [(Op::Add, FoldOp::Sum), (Op::Sub, FoldOp::Sum), (Op::Mul, FoldOp::Prod)];
    let extremes = [(Op::Min, FoldOp::Min), (Op::Max, FoldOp::Max)];
    let of = |list: &[(Op, FoldOp)]| list.iter().find(|(one, _)| *one == op).map(|(_, fold)| *fold);
    let ordered = elem.is_int() || matches!(elem, Type::F32 | Type::F64);
    of(&exact).filter(|_| elem.is_int()).or_else(|| of(&extremes).filter(|_| ordered))
}

impl<'h> Lower<'h> {
    /// Whether tables may be worth it for values of this shape, asked in a slot; none if they cannot be.
    pub fn tables(&mut self, fold: FoldOp, elem: Type, target: NodeId, dims: &[Dim]) -> Option<Tables> {
        let first = dims.first()?.extent;
        let total = self.product(dims);
        let shape = self.node(target).dims.clone();
        let cells = self.product(&shape);
        let cells = self.ext_op(Op::Max, cells, Ext::Const(1));
        let needed = self.ext_op(Op::Mul, cells, Ext::Const(VALUES_PER_CELL));
        let by_cells = self.ext_op(Op::FloorDiv, total, needed);
        let by_values = self.ext_op(Op::FloorDiv, total, Ext::Const(VALUES));
        let count = self.ext_op(Op::Min, by_cells, by_values);
        let count = self.ext_op(Op::Min, count, first);
        let count = self.ext_op(Op::Min, count, Ext::Const(MOST));
        if shape.is_empty() || matches!(count, Ext::Const(..LEAST)) {
            return None;
        }
        let (least, count_value) = (self.ext_pending(Ext::Const(LEAST)), self.ext_pending(count));
        let enough = self.pending.b.op(Op::Le, &[least, count_value]);
        let worth = self.new_slot("worth", Type::Bool);
        self.set_pending(worth, enough);
        Some(Tables { fold, elem, target, count, worth, node: target })
    }

    /// Makes the tables, in which nothing has been combined yet.
    pub fn fill_tables(&mut self, tables: &mut Tables) {
        let neutral = Ref::Const(semantics::neutral(tables.fold, tables.elem));
        let mut dims = vec![Dim::known(tables.count)];
        dims.extend(self.node(tables.target).dims.clone());
        let fill = self.add_node(NodeKind::Fill(neutral), tables.elem, dims);
        tables.node = self.copy_of(fill, "tables");
    }

    /// A nest with a point for each block of a shape.
    pub fn over_blocks(&mut self, tables: &Tables, dims: &[Dim], span: Span, each: &mut EachElement<'_, 'h>) {
        let NodeKind::Source(array, _) = self.node(tables.node).kind else { return };
        // Rounded up by way of the negated extent, which cannot overflow.
        let less = self.ext_op(Op::Sub, Ext::Const(0), dims[0].extent);
        let less = self.ext_op(Op::FloorDiv, less, tables.count);
        let size = self.ext_op(Op::Sub, Ext::Const(0), less);
        let counts = self.counts_of(dims);
        let (axes, coords) = self.open_nest(&[Dim::known(tables.count)], &[]);
        let block = self.coord_value(coords[0]);
        let (size, end) = (self.ext_value(size), self.ext_value(dims[0].extent));
        let start = self.b().op(Op::Mul, &[block, size]);
        let start = self.b().op(Op::Min, &[start, end]);
        let stop = self.b().op(Op::Add, &[start, size]);
        let stop = self.b().op(Op::Min, &[stop, end]);
        self.points(dims, [start, stop], &mut Vec::new(), &mut |lower, point| {
            let at = lower.linear(point, dims);
            lower.walked = Some(Walked { counts, at: Some(at) });
            each(lower, array, block, point);
        });
        self.walked = None;
        self.close_nest(axes, span);
    }

    /// Combines what the tables hold into the array.
    pub fn merge_tables(&mut self, tables: &Tables, span: Span) {
        let NodeKind::Source(array, sels) = self.node(tables.target).kind.clone() else { return };
        let dims = self.node(tables.target).dims.clone();
        let merged = self.fold(tables.fold, tables.node, tables.elem, &[0], span);
        let kind = NodeKind::Op(tables.fold.op(), vec![Operand::Node(tables.target), merged]);
        let all = self.add_node(kind, tables.elem, dims.clone());
        self.store_selection(array, &sels, &dims, Operand::Node(all), span);
    }
}
