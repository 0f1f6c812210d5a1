//! What a step reads, writes and may stop at.

use hotloop_ir::{ArrayId, Extent, FaultKind, FoldDest, Inst, Nest, Program, SlotId, Step, Stmt};
use rustc_hash::FxHashSet;

/// What running a step touches.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    pub(super) reads: FxHashSet<ArrayId>,
    /// Arrays stored into or given memory.
    pub(super) writes: FxHashSet<ArrayId>,
    pub(super) slots_read: FxHashSet<SlotId>,
    pub(super) slots_written: FxHashSet<SlotId>,
    /// Whether it may end the call.
    pub(super) faults: bool,
    /// Whether it is scalar code with a check that later steps may rely on, such as one of shapes.
    pub(super) guards: bool,
}

/// Whether steps can be moved past this one at all: it always goes on with the next.
pub(super) fn is_simple(step: &Step) -> bool {
    match step {
        Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) => true,
        Step::If { .. } | Step::For { .. } | Step::Loop(_) | Step::Block(_) | Step::Break(_) | Step::Continue(_) => {
            false
        }
    }
}

impl Effects {
    /// The effects of a simple step.
    pub(super) fn of(step: &Step, program: &Program) -> Effects {
        let mut effects = Effects::default();
        match step {
            Step::Nest(id) => effects.nest(program.nest(*id), program),
            Step::Alloc(array, extents) => {
                effects.writes.insert(*array);
                effects.slots_read.extend(extents);
            }
            Step::Free(array) => drop(effects.writes.insert(*array)),
            Step::MatMul(id) => {
                let product = program.product(*id);
                effects.reads.extend([product.a.array, product.b.array]);
                effects.writes.insert(product.c.array);
                effects.slots_read.extend(product.slots());
            }
            Step::If { .. }
            | Step::For { .. }
            | Step::Loop(_)
            | Step::Block(_)
            | Step::Break(_)
            | Step::Continue(_) => {
                (effects.faults, effects.guards) = (true, true);
            }
        }
        effects
    }

    /// The effects of a nest.
    pub(super) fn of_nest(nest: &Nest, program: &Program) -> Effects {
        let mut effects = Effects::default();
        effects.nest(nest, program);
        effects
    }

    /// Whether the two can change places.
    pub(super) fn is_independent(&self, other: &Effects) -> bool {
        let apart = |writes: &FxHashSet<ArrayId>, more: &Effects| {
            writes.is_disjoint(&more.writes) && writes.is_disjoint(&more.reads)
        };
        let slots_apart = |writes: &FxHashSet<SlotId>, more: &Effects| {
            writes.is_disjoint(&more.slots_written) && writes.is_disjoint(&more.slots_read)
        };
        apart(&self.writes, other)
            && apart(&other.writes, self)
            && slots_apart(&self.slots_written, other)
            && slots_apart(&other.slots_written, self)
            && !(self.faults && other.faults)
    }

    fn extent(&mut self, extent: Extent) {
        if let Extent::Slot(slot) = extent {
            self.slots_read.insert(slot);
        }
    }

    fn nest(&mut self, nest: &Nest, program: &Program) {
        nest.axes.iter().for_each(|axis| self.extent(axis.extent));
        for dim in nest.views.iter().flat_map(|view| &view.dims) {
            self.extent(dim.start);
            self.extent(dim.step);
        }
        for inst in &nest.lane.values {
            match inst {
                Inst::Slot(slot) => drop(self.slots_read.insert(*slot)),
                Inst::Load(view) => drop(self.reads.insert(nest.views[view.index()].array)),
                Inst::LoadAt(array, _) | Inst::Extent(array, _) => drop(self.reads.insert(*array)),
                Inst::Const(_)
                | Inst::Op(..)
                | Inst::Convert(_)
                | Inst::Bitcast(_)
                | Inst::Axis(_)
                | Inst::Local(_) => {}
            }
        }
        for fold in &nest.folds {
            match fold.dest {
                FoldDest::Slot(slot) => drop(self.slots_written.insert(slot)),
                FoldDest::View(view) => drop(self.writes.insert(nest.views[view.index()].array)),
            }
        }
        self.region(&nest.lane.body, nest, program);
    }

    fn region(&mut self, region: &[Stmt], nest: &Nest, program: &Program) {
        for stmt in region {
            match stmt {
                Stmt::Store(view, _) => drop(self.writes.insert(nest.views[view.index()].array)),
                Stmt::StoreAt(array, ..) => drop(self.writes.insert(*array)),
                Stmt::SetSlot(slot, _) => drop(self.slots_written.insert(*slot)),
                Stmt::Check { site, .. } => {
                    self.faults = true;
                    let kind = program.sites[site.index()].kind;
                    self.guards |= nest.axes.is_empty() && kind != FaultKind::EmptyReduction;
                }
                // A loop may never end, and then nothing behind it happens.
                Stmt::Loop(_) => self.faults = true,
                Stmt::Let(_)
                | Stmt::Set(..)
                | Stmt::Fold(..)
                | Stmt::If { .. }
                | Stmt::For { .. }
                | Stmt::Block(_)
                | Stmt::Break(_)
                | Stmt::Continue(_) => {}
            }
            stmt.regions().into_iter().for_each(|inner| self.region(inner, nest, program));
        }
    }
}
