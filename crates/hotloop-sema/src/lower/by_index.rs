//! Values combined into an array by index, one after another: a nest in order over the values. Where the order cannot
//! be told, and there are many, blocks of them go into tables of their own; see `tables`.

use super::Lower;
use super::nest::Coord;
use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::{Dim, Ext};
use super::tables::{Tables, merging};
use crate::hir::{ByIndex, Combine, Outside};
use hotloop_ir::{ArrayId, AxisKind, Op, Scalar, Step, Stmt, Type, Value};
use hotloop_source::Span;

/// How many indices are computed at a time where that takes more than reading them: they stay in the cache.
const CHUNK: i64 = 4096;
/// The same where threads share them.
const TABLES_CHUNK: i64 = 1 << 17;

/// Makes the steps of one chunk from its values and their shape.
type EachChunk<'e, 'h> = dyn FnMut(&mut Lower<'h>, &[Operand], &[Dim]) + 'e;

impl<'h> Lower<'h> {
    /// A new array made by index.
    pub fn by_index(&mut self, by: &'h ByIndex, span: Span) -> NodeId {
        let Some(start) = &by.start else {
            // Checking makes these for stores only.
            return self.expect_node(None, by.elem, 1);
        };
        let values = self.indexed_values(by);
        let start = self.operand(start);
        let node = self.expect_node(Some(start), by.elem, 1);
        let target = self.copy_of(node, "by index");
        self.release(start);
        self.combine_at(by, target, values, "", span);
        target
    }

    /// An array in memory, changed in place.
    pub fn update(&mut self, by: &'h ByIndex, target: NodeId, subject: &str, span: Span) {
        let values = self.indexed_values(by);
        let NodeKind::Source(array, _) = self.node(target).kind else { return };
        for value in &values {
            if let Operand::Node(node) = value
                && self.reads(*node, array)
            {
                self.detach(*node);
            }
        }
        self.combine_at(by, target, values, subject, span);
    }

    /// The indices, and then the values.
    fn indexed_values(&mut self, by: &'h ByIndex) -> Vec<Operand> {
        by.index.iter().chain([&by.value]).map(|expr| self.operand(expr)).collect()
    }

    fn combine_at(&mut self, by: &'h ByIndex, target: NodeId, values: Vec<Operand>, subject: &str, span: Span) {
        let shapes: Vec<Vec<Dim>> = values
            .iter()
            .filter_map(|value| match value {
                Operand::Node(node) => Some(self.node(*node).dims.clone()),
                Operand::Scalar(_) => None,
            })
            .collect();
        let dims = self.broadcast(&shapes, span);
        let fold = match by.combine {
            Combine::Op(op) => merging(op, by.elem),
            Combine::Call(_) => None,
        };
        let chunks = self.chunkable(by, &values, &dims);
        let in_order = |lower: &mut Self| {
            let chunk = chunks.then_some(CHUNK);
            lower.all_or_chunks(&values, &dims, chunk, &mut |lower, parts, dims| {
                lower.combine_all(by, target, parts, dims, subject, span);
            });
        };
        match fold.and_then(|fold| self.tables(fold, by.elem, target, &dims)) {
            None => in_order(self),
            Some(mut tables) => {
                let then = self.nested(|lower| {
                    lower.fill_tables(&mut tables);
                    let chunk = chunks.then_some(TABLES_CHUNK);
                    lower.all_or_chunks(&values, &dims, chunk, &mut |lower, parts, dims| {
                        lower.combine_blocks(by, &tables, parts, dims, subject, span);
                    });
                    lower.merge_tables(&tables, span);
                });
                let otherwise = self.nested(in_order);
                self.push_step(Step::If { cond: tables.worth, then, otherwise });
            }
        }
        values.into_iter().for_each(|value| self.release(value));
    }

    /// Makes the steps of all values at once, or of a chunk at a time.
    fn all_or_chunks(&mut self, values: &[Operand], dims: &[Dim], chunk: Option<i64>, each: &mut EachChunk<'_, 'h>) {
        match chunk {
            None => each(self, values, dims),
            Some(size) => self.chunks(values, dims[0].extent, size, each),
        }
    }

    /// Each block of values into a table of its own.
    fn combine_blocks(
        &mut self,
        by: &'h ByIndex,
        tables: &Tables,
        values: &[Operand],
        dims: &[Dim],
        subject: &str,
        span: Span,
    ) {
        let extents = self.extents(tables.target);
        self.over_blocks(tables, dims, span, &mut |lower, array, block, point| {
            let given = lower.operand_elements_at(values, point, dims);
            lower.combine_given(by, array, given, &extents, (subject, span), &mut |_, index| {
                std::iter::once(block).chain(index.iter().copied()).collect()
            });
        });
    }

    /// Whether indices can be computed in lanes, some at a time, before they are used in order. They must not fault,
    /// since a fault names the element.
    fn chunkable(&mut self, by: &ByIndex, values: &[Operand], dims: &[Dim]) -> bool {
        let [dim] = dims else { return false };
        let mut costly = false;
        for value in values {
            let Operand::Node(node) = *value else { continue };
            let own = self.node(node).dims.clone();
            let same = own.len() == 1 && self.canon(own[0].extent) == self.canon(dim.extent);
            if !same || !self.total_node(node) {
                return false;
            }
            costly |= self.worth_storing(node);
        }
        costly && by.outside == Outside::Ignore && !dim.is_one()
    }

    /// Steps over the values, a chunk at a time, whose costly ones are computed before it is used.
    fn chunks(&mut self, values: &[Operand], n: Ext, size: i64, each: &mut EachChunk<'_, 'h>) {
        let index = self.new_slot("chunk", Type::I64);
        self.nonneg_slots.insert(index);
        let [start, stop, step] = [Ext::Const(0), n, Ext::Const(size)].map(|bound| self.ext_slot(bound));
        let body = self.nested(|lower| {
            let rest = lower.ext_op(Op::Sub, n, Ext::Slot(index));
            let dim = Dim::known(lower.ext_op(Op::Min, rest, Ext::Const(size)));
            let part = Sel { start: Ext::Slot(index), step: Ext::Const(1), dim: Some(0) };
            let parts: Vec<Operand> = values
                .iter()
                .map(|value| match *value {
                    Operand::Scalar(value) => Operand::Scalar(value),
                    Operand::Node(node) => {
                        let costly = lower.worth_storing(node);
                        let view = lower.view(node, vec![part], vec![dim]);
                        if costly {
                            lower.materialize(view);
                        }
                        Operand::Node(view)
                    }
                })
                .collect();
            each(lower, &parts, &[dim]);
        });
        self.push_step(Step::For { index, start, stop, step, body });
    }

    /// The extents of an array that indices are checked against.
    fn extents(&self, target: NodeId) -> Vec<Ext> {
        self.node(target).dims.iter().map(|dim| self.canon(dim.extent)).collect()
    }

    fn operand_elements_at(&mut self, values: &[Operand], coords: &[Coord], dims: &[Dim]) -> Vec<Value> {
        values.iter().map(|&value| self.operand_element(value, coords, dims)).collect()
    }

    fn combine_all(
        &mut self,
        by: &'h ByIndex,
        target: NodeId,
        values: &[Operand],
        dims: &[Dim],
        subject: &str,
        span: Span,
    ) {
        let NodeKind::Source(array, sels) = self.node(target).kind.clone() else { return };
        let extents = self.extents(target);
        let (mut axes, coords) = self.open_nest(dims, &[]);
        axes.iter_mut().for_each(|axis| axis.kind = AxisKind::Ordered);
        let given = self.operand_elements_at(values, &coords, dims);
        let mut place = |lower: &mut Self, index: &[Value]| -> Vec<Value> {
            sels.iter().map(|sel| lower.selected_index(*sel, index)).collect()
        };
        self.combine_given(by, array, given, &extents, (subject, span), &mut place);
        self.close_nest(axes, span);
    }

    /// Combines one value, the last that is given, where the indices before it say: `place` makes of them an element of
    /// the array.
    fn combine_given(
        &mut self,
        by: &ByIndex,
        array: ArrayId,
        mut given: Vec<Value>,
        extents: &[Ext],
        (subject, span): (&str, Span),
        place: &mut dyn FnMut(&mut Self, &[Value]) -> Vec<Value>,
    ) {
        if by.outside != Outside::Fault {
            self.cx().no_wrap.insert(array);
        }
        let Some(value) = given.pop() else { return };
        match by.outside {
            Outside::Fault | Outside::FaultNegative => {
                let each = given.into_iter().zip(extents).zip(0..);
                let checked: Vec<Value> = each
                    .map(|((index, &extent), axis)| self.checked(array, index, extent, span, subject, axis))
                    .collect();
                let place = place(self, &checked);
                self.combine_one(by, array, place, value, span);
            }
            Outside::Ignore => {
                let inside = self.all_inside(&given, extents);
                self.begin();
                let place = place(self, &given);
                self.combine_one(by, array, place, value, span);
                let then = self.end();
                self.b().push(Stmt::If { cond: inside, then, otherwise: Vec::new() });
            }
        }
    }

    fn all_inside(&mut self, index: &[Value], extents: &[Ext]) -> Value {
        let mut inside = self.literal(Scalar::bool(true));
        for (&index, &extent) in index.iter().zip(extents) {
            let extent = self.ext_value(extent);
            let fits = self.is_inside(index, extent);
            inside = self.b().op(Op::And, &[inside, fits]);
        }
        inside
    }

    /// `a[place] = combine(a[place], value)`
    fn combine_one(&mut self, by: &ByIndex, array: ArrayId, place: Vec<Value>, value: Value, span: Span) {
        let old = self.b().load_at(array, place.clone(), by.elem);
        let new = self.combine(by.combine, &[by.elem], &[old], &[value], span);
        for value in new {
            self.b().push(Stmt::StoreAt(array, place.clone(), value));
        }
    }
}
