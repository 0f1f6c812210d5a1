//! Values combined into an array by index, one after another: a nest in order over the values.

use super::Lower;
use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::{Dim, Ext};
use crate::hir::{ByIndex, Outside};
use hotloop_ir::{ArrayId, AxisKind, Op, Scalar, Step, Stmt, Type, Value};
use hotloop_source::Span;

/// How many indices are computed at a time where that takes more than reading them: they stay in the cache.
const CHUNK: i64 = 4096;

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
        match self.chunkable(by, &values, &dims) {
            true => self.combine_chunks(by, target, &values, dims[0].extent, subject, span),
            false => self.combine_all(by, target, &values, &dims, subject, span),
        }
        values.into_iter().for_each(|value| self.release(value));
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

    /// Steps over the values, a chunk at a time.
    fn combine_chunks(
        &mut self,
        by: &'h ByIndex,
        target: NodeId,
        values: &[Operand],
        n: Ext,
        subject: &str,
        span: Span,
    ) {
        let index = self.new_slot("chunk", Type::I64);
        self.nonneg_slots.insert(index);
        let [start, stop, step] = [Ext::Const(0), n, Ext::Const(CHUNK)].map(|bound| self.ext_slot(bound));
        let body = self.nested(|lower| {
            let rest = lower.ext_op(Op::Sub, n, Ext::Slot(index));
            let dim = Dim::known(lower.ext_op(Op::Min, rest, Ext::Const(CHUNK)));
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
            lower.combine_all(by, target, &parts, &[dim], subject, span);
        });
        self.push_step(Step::For { index, start, stop, step, body });
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
        let extents: Vec<Ext> = self.node(target).dims.clone().iter().map(|dim| self.canon(dim.extent)).collect();
        let (mut axes, coords) = self.open_nest(dims, &[]);
        axes.iter_mut().for_each(|axis| axis.kind = AxisKind::Ordered);
        if by.outside != Outside::Fault {
            self.cx().no_wrap.insert(array);
        }
        let mut given: Vec<Value> = values
            .iter()
            .map(|value| match *value {
                Operand::Scalar(value) => self.ref_value(value),
                Operand::Node(node) => self.element(node, &coords, dims),
            })
            .collect();
        if let Some(value) = given.pop() {
            match by.outside {
                Outside::Fault | Outside::FaultNegative => {
                    let each = given.into_iter().zip(&extents).zip(0..);
                    let checked: Vec<Value> = each
                        .map(|((index, &extent), axis)| self.checked(array, index, extent, span, subject, axis))
                        .collect();
                    self.combine_one(by, array, &sels, &checked, value, span);
                }
                Outside::Ignore => self.combine_inside(by, array, &sels, &given, &extents, value, span),
            }
        }
        self.close_nest(axes, span);
    }

    #[expect(clippy::too_many_arguments, reason = "one access, written in one place")]
    fn combine_inside(
        &mut self,
        by: &'h ByIndex,
        array: ArrayId,
        sels: &[Sel],
        index: &[Value],
        extents: &[Ext],
        value: Value,
        span: Span,
    ) {
        let mut inside = self.literal(Scalar::bool(true));
        for (&index, &extent) in index.iter().zip(extents) {
            let extent = self.ext_value(extent);
            let (index, extent) = (self.b().bitcast(Type::U64, index), self.b().bitcast(Type::U64, extent));
            let fits = self.b().op(Op::Lt, &[index, extent]);
            inside = self.b().op(Op::And, &[inside, fits]);
        }
        self.begin();
        self.combine_one(by, array, sels, index, value, span);
        let then = self.end();
        self.b().push(Stmt::If { cond: inside, then, otherwise: Vec::new() });
    }

    /// `a[index] = combine(a[index], value)`
    fn combine_one(&mut self, by: &ByIndex, array: ArrayId, sels: &[Sel], index: &[Value], value: Value, span: Span) {
        let place: Vec<Value> = sels.iter().map(|sel| self.selected_index(*sel, index)).collect();
        let old = self.b().load_at(array, place.clone(), by.elem);
        let new = self.combine(by.combine, &[by.elem], &[old], &[value], span);
        for value in new {
            self.b().push(Stmt::StoreAt(array, place.clone(), value));
        }
    }
}
