//! Makes programs for tests without the front end.

use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{
    Array, ArrayId, Axis, AxisKind, Counts, Extent, FaultKind, Fold, FoldDest, FoldId, FoldOp, Layout, Nest, NestId,
    Param, Program, ResultRef, Role, Schedule, Site, SiteId, Slot, SlotId, Step, Type, View, ViewDim, ViewId,
};

/// A program in the making.
#[derive(Debug)]
pub struct Make {
    /// What has been made so far.
    pub program: Program,
}

/// The dimension of a view that follows an axis from its first element.
pub fn dim(axis: u32) -> ViewDim {
    ViewDim { start: Extent::Const(0), step: Extent::Const(1), axis: Some(axis), full: false }
}

/// The dimension of a view that stays at one index.
pub fn fixed(index: Extent) -> ViewDim {
    ViewDim { start: index, step: Extent::Const(0), axis: None, full: false }
}

impl Make {
    /// An empty program.
    pub fn new(name: impl Into<String>) -> Make {
        Make { program: Program { name: name.into(), ..Program::default() } }
    }

    /// An array parameter that is read.
    pub fn input(&mut self, ty: Type, rank: u32, layout: Layout) -> ArrayId {
        self.param_array(ty, rank, layout, Role::Input)
    }

    /// An array parameter that is read and written.
    pub fn in_place(&mut self, ty: Type, rank: u32, layout: Layout) -> ArrayId {
        self.param_array(ty, rank, layout, Role::Mut)
    }

    fn param_array(&mut self, ty: Type, rank: u32, layout: Layout, role: Role) -> ArrayId {
        let array = self.array(Array { name: String::new(), ty, rank, role, layout, pairs: false });
        self.program.params.push(Param::Array(array));
        array
    }

    fn array(&mut self, array: Array) -> ArrayId {
        let id = ArrayId(self.program.arrays.len() as u32);
        let prefix = match array.role {
            Role::Input | Role::Mut => "x",
            Role::Output => "out",
            Role::Temp => "tmp",
        };
        self.program.arrays.push(Array { name: format!("{prefix}{}", id.0), ..array });
        id
    }

    /// A result array, and the step that allocates it.
    pub fn output(&mut self, ty: Type, extents: &[SlotId]) -> ArrayId {
        let array = self.unallocated(ty, extents.len() as u32, Role::Output);
        self.program.results.push(ResultRef::Array(array));
        self.program.steps.push(Step::Alloc(array, extents.to_vec()));
        array
    }

    /// A temporary, and the step that allocates it.
    pub fn temp(&mut self, ty: Type, extents: &[SlotId]) -> ArrayId {
        let array = self.unallocated(ty, extents.len() as u32, Role::Temp);
        self.program.steps.push(Step::Alloc(array, extents.to_vec()));
        array
    }

    /// An array of this role that the caller allocates with a step of its own.
    pub fn unallocated(&mut self, ty: Type, rank: u32, role: Role) -> ArrayId {
        self.array(Array { name: String::new(), ty, rank, role, layout: Layout::Dense, pairs: false })
    }

    /// A slot.
    pub fn slot(&mut self, ty: Type) -> SlotId {
        let id = SlotId(self.program.slots.len() as u32);
        self.program.slots.push(Slot { name: id.to_string(), ty });
        id
    }

    /// A scalar parameter.
    pub fn param(&mut self, ty: Type) -> SlotId {
        let slot = self.slot(ty);
        self.program.params.push(Param::Scalar(slot));
        slot
    }

    /// Makes a slot a result.
    pub fn result(&mut self, slot: SlotId) {
        self.program.results.push(ResultRef::Scalar(slot));
    }

    /// A place that can fault.
    pub fn site(&mut self, kind: FaultKind) -> SiteId {
        let span = hotloop_ir::Span::DETACHED;
        self.program.sites.push(Site { kind, span, subject: String::new(), axis: 0, counts: Counts::Points });
        SiteId(self.program.sites.len() as u32 - 1)
    }

    /// A nest that no step runs yet.
    pub fn nest(&mut self, domain: Domain) -> NestId {
        self.program.nests.push(domain.finish());
        NestId(self.program.nests.len() as u32 - 1)
    }

    /// A nest, and the step that runs it.
    pub fn run(&mut self, domain: Domain) {
        let nest = self.nest(domain);
        self.program.steps.push(Step::Nest(nest));
    }

    /// A nest without axes that puts one computed value into a slot.
    pub fn assign_nest(&mut self, slot: SlotId, value: impl FnOnce(&mut LaneBuilder) -> Value) -> NestId {
        let mut domain = Domain::new(&[]);
        let value = value(&mut domain.lane);
        domain.lane.set_slot(slot, value);
        self.nest(domain)
    }

    /// As `assign_nest`, and the step that runs it.
    pub fn assign(&mut self, slot: SlotId, value: impl FnOnce(&mut LaneBuilder) -> Value) {
        let nest = self.assign_nest(slot, value);
        self.program.steps.push(Step::Nest(nest));
    }

    /// Slots that hold the extents of an array.
    pub fn extents(&mut self, array: ArrayId) -> Vec<SlotId> {
        let rank = self.program.array(array).rank;
        let slots: Vec<SlotId> = (0..rank).map(|_| self.slot(Type::I64)).collect();
        let mut domain = Domain::new(&[]);
        for (axis, slot) in (0..rank).zip(&slots) {
            let extent = domain.lane.extent(array, axis);
            domain.lane.set_slot(*slot, extent);
        }
        self.run(domain);
        slots
    }
}

/// A nest in the making.
#[derive(Debug)]
pub struct Domain {
    /// Its lane.
    pub lane: LaneBuilder,
    axes: Vec<Axis>,
    views: Vec<View>,
    folds: Vec<Fold>,
}

impl Domain {
    /// A domain with these axes.
    pub fn new(axes: &[(AxisKind, Extent)]) -> Domain {
        let axes = axes.iter().map(|(kind, extent)| Axis { kind: *kind, extent: *extent }).collect();
        Domain { lane: LaneBuilder::new(), axes, views: Vec::new(), folds: Vec::new() }
    }

    /// Parallel axes with extents held by slots.
    pub fn parallel(extents: &[SlotId]) -> Domain {
        let axes: Vec<_> = extents.iter().map(|slot| (AxisKind::Parallel, Extent::Slot(*slot))).collect();
        Domain::new(&axes)
    }

    /// A view.
    pub fn view(&mut self, array: ArrayId, dims: &[ViewDim]) -> ViewId {
        self.views.push(View { array, dims: dims.to_vec() });
        ViewId(self.views.len() as u32 - 1)
    }

    /// A view whose dimensions follow the axes of the nest one by one, from end to end.
    pub fn whole(&mut self, array: ArrayId) -> ViewId {
        let dims: Vec<ViewDim> = (0..self.axes.len() as u32).map(|axis| ViewDim { full: true, ..dim(axis) }).collect();
        self.view(array, &dims)
    }

    /// A fold of a value.
    pub fn fold(&mut self, op: FoldOp, dest: FoldDest, value: Value) -> FoldId {
        let id = FoldId(self.folds.len() as u32);
        self.folds.push(Fold { op, ty: self.lane.ty(value), dest });
        self.lane.push(hotloop_ir::Stmt::Fold(id, value));
        id
    }

    /// Stores a value through a new view that follows the axes one by one.
    pub fn store(&mut self, array: ArrayId, value: Value) {
        let view = self.whole(array);
        self.lane.push(hotloop_ir::Stmt::Store(view, value));
    }

    fn finish(self) -> Nest {
        Nest {
            axes: self.axes,
            views: self.views,
            folds: self.folds,
            lane: self.lane.finish(),
            schedule: Schedule::default(),
            span: hotloop_ir::Span::DETACHED,
        }
    }
}
