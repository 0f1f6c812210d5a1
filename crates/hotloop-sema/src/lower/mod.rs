//! Lowering: from the checked tree to the Program.
//!
//! Array expressions are kept as a graph of nodes and become nests only where a result, a store, a reduction or an
//! element is needed, so that one expression is one pass over memory. Scalars of the array level live in slots and are
//! computed in `pending`, a lane without axes that is closed before each step that needs it. Files: `shape` extents
//! and slices, `node` array expressions, `arrange` other arrangements, `gather` and `mask` indexing by arrays, `nest`
//! nodes to nests, `neighbors` what is computed again where it is read, `reduce`, `scalar` and `lane` the code of one
//! element, `step` statements of the array level, `prange`, `facts` questions about the checked tree.

mod arrange;
mod by_index;
mod cores;
mod facts;
mod flat;
mod gather;
mod lane;
mod linear;
mod mask;
mod matmul;
mod neighbors;
mod nest;
mod node;
mod overflow;
mod position;
mod prange;
mod prepare;
mod reduce;
mod scalar;
mod shape;
mod shared;
mod stencil;
mod step;
mod tables;
mod walk;
mod walked;

use crate::errors;
use crate::fastmath::Fastmath;
use crate::hir::{self, InstanceId, VarId};
use crate::promote::Ty;
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::{
    Array, ArrayId, Counts, Fold, Layout, Local, Nest, NestId, Param, Program, ResultRef, Role, Scalar, Schedule, Site,
    SiteId, Slot, SlotId, Step, Type, Value, View,
};
use hotloop_source::{Diagnostic, Span};
use node::{Node, NodeId};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use shape::{Dim, Ext, ShapeFacts};
use std::cell::RefCell;

/// Most values in all lanes of a program together.
const MAX_VALUES: usize = 150_000;
/// Deepest nesting of regions, and of lists of steps: what the verifier allows, less some for what passes add.
const MAX_LEVELS: usize = hotloop_ir::verify::MAX_DEPTH as usize - 56;

/// What the call passes for one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgType {
    /// A scalar of this type.
    Scalar(Type),
    /// A bare number, `I64` or `F64`, which takes the type it meets.
    Weak(Type),
    /// An array.
    Array {
        /// The element type.
        ty: Type,
        /// The number of axes, at least 1.
        rank: u32,
        /// Bit d is set if axis d has extent 1, so that it broadcasts.
        ones: u32,
        /// How it lies in memory.
        layout: Layout,
    },
}

/// What integer division by zero does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ZeroDivision {
    /// A run-time fault.
    #[default]
    Fault,
    /// The result is 0.
    Zero,
}

/// Choices that change what a program means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// What integer division by zero does.
    pub zero_division: ZeroDivision,
    /// How exactly floating-point expressions are computed where no attribute says it.
    pub fastmath: Fastmath,
    /// Whether what runs the program may regroup sums and products. Functions of the library are then their relaxed
    /// bodies in either tier: the strict ones rest on the roundings of single operations.
    pub regrouped: bool,
}

impl ArgType {
    /// The type as checking sees it.
    pub(crate) fn ty(self) -> Ty {
        match self {
            ArgType::Scalar(ty) => Ty::scalar(ty),
            ArgType::Weak(ty) => Ty::weak(ty),
            ArgType::Array { ty, rank, .. } => Ty::array(ty, rank),
        }
    }

    /// The type as a user would write it.
    pub fn describe(self) -> String {
        self.ty().describe()
    }
}

/// A scalar known to the array level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ref {
    /// Known now.
    Const(Scalar),
    /// Held by a slot that no longer changes while the reference is in use.
    Slot(SlotId),
}

/// What a variable stands for at this point of lowering.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Binding {
    /// Nothing yet.
    Unbound,
    /// An array-level scalar that does not change.
    Scalar(Ref),
    /// An array-level scalar that may change.
    ScalarVar(SlotId),
    /// An array value.
    Array(NodeId),
    /// An array with memory that can be stored into: a `mut` parameter or a `var`.
    Storage(NodeId),
    /// A value of the lane being built.
    Value(Value),
    /// A local of the lane being built.
    Local(Local),
}

/// A function being lowered.
struct Frame {
    instance: InstanceId,
    vars: Vec<Binding>,
    /// How many mentions of each variable are still to be lowered.
    uses: Vec<u32>,
    /// At which depth each array variable with memory of its own was declared.
    declared: HashMap<VarId, usize>,
    /// Where a call into the library stands in the user's text.
    call: Option<Span>,
}

/// What can be left by `break`, `continue` or `return`, in lanes and among steps.
#[derive(Clone, Debug)]
enum Scope {
    /// A loop of the user's.
    Loop,
    /// One turn of a parallel loop, a block.
    Turn,
    /// The body of an inlined function in a lane, with the locals its results go to.
    LaneReturn(Vec<Local>),
    /// The body of an inlined function among steps, with the slots its results go to.
    StepReturn(Vec<SlotId>),
}

/// The lane being built.
#[derive(Default)]
struct LaneCx {
    b: LaneBuilder,
    views: Vec<View>,
    folds: Vec<Fold>,
    known: Vec<Known>,
    scopes: Vec<Scope>,
    nonneg: HashSet<Local>,
    /// Arrays whose indices must not be negative here: those written in a parallel loop.
    no_wrap: HashSet<ArrayId>,
}

/// What has been computed in one region of a lane.
#[derive(Default)]
struct Known {
    nodes: HashMap<(NodeId, Vec<nest::Coord>), Value>,
    checked: HashSet<(ArrayId, u32, Value)>,
}

impl LaneCx {
    fn new() -> LaneCx {
        LaneCx { b: LaneBuilder::new(), known: vec![Known::default()], ..LaneCx::default() }
    }
}

/// The state of lowering one kernel.
struct Lower<'h> {
    hir: &'h hir::Program,
    options: Options,
    program: Program,
    /// The open lists of steps, innermost last.
    steps: Vec<Vec<Step>>,
    step_scopes: Vec<Scope>,
    /// How many branches and loops of the array level are open.
    step_depth: usize,
    pending: LaneCx,
    pending_used: bool,
    nest: Option<LaneCx>,
    frames: Vec<Frame>,
    nodes: Vec<Node>,
    /// How often, and through which selections, delayed nodes are read.
    places: HashMap<NodeId, (usize, Vec<Vec<node::Sel>>)>,
    /// What was said of nodes that are computed again for each reader.
    recomputed: HashMap<NodeId, hotloop_ir::Note>,
    /// Results still to be filled.
    outputs: Vec<(NodeId, ArrayId, Span)>,
    /// The extents of each array of the program.
    array_dims: Vec<Vec<Ext>>,
    facts: ShapeFacts,
    /// Scalars that `prepare` has computed, by the expression that will ask for them.
    ready: HashMap<*const hir::Expr, Ref>,
    /// Arrays that `prepare` has put into memory, likewise.
    ready_arrays: HashMap<*const hir::Expr, NodeId>,
    total: HashMap<InstanceId, bool>,
    laneable: RefCell<HashMap<(InstanceId, bool), bool>>,
    nonneg_slots: HashSet<SlotId>,
    /// The element that the code at hand is at, where a point of the open nest is many of them.
    walked: Option<walked::Walked>,
    size: usize,
    /// The deepest nesting of regions and of lists of steps.
    levels: usize,
    diags: Vec<Diagnostic>,
}

/// Checks and lowers a kernel for the types of one call.
///
/// # Errors
/// Everything wrong with the kernel for these types, in the order of the text.
pub fn lower(
    module: &crate::Module,
    kernel: &str,
    args: &[ArgType],
    options: &Options,
) -> Result<Program, Vec<Diagnostic>> {
    let types: Vec<Ty> = args.iter().map(|arg| arg.ty()).collect();
    let described: Vec<String> = args.iter().map(|arg| arg.describe()).collect();
    let checked = crate::check::check(module, kernel, &types, &described, options)?;
    let mut lower = Lower::new(&checked.program, *options);
    lower.kernel(checked.root, kernel, args);
    if lower.levels > MAX_LEVELS {
        let span = module.kernels().find(|info| info.name == kernel).map_or(Span::DETACHED, |info| info.span);
        lower.diags.push(errors::too_large(span, "loops, branches and inlined functions are nested too deeply"));
    }
    match lower.diags.is_empty() {
        true => Ok(lower.program),
        false => Err(lower.diags),
    }
}

impl<'h> Lower<'h> {
    fn new(hir: &'h hir::Program, options: Options) -> Lower<'h> {
        Lower {
            hir,
            options,
            program: Program::default(),
            steps: vec![Vec::new()],
            step_scopes: Vec::new(),
            pending: LaneCx::new(),
            pending_used: false,
            nest: None,
            frames: Vec::new(),
            nodes: Vec::new(),
            places: HashMap::default(),
            recomputed: HashMap::default(),
            outputs: Vec::new(),
            array_dims: Vec::new(),
            facts: ShapeFacts::default(),
            ready: HashMap::default(),
            ready_arrays: HashMap::default(),
            step_depth: 0,
            total: HashMap::default(),
            laneable: RefCell::new(HashMap::default()),
            nonneg_slots: HashSet::default(),
            walked: None,
            size: 0,
            levels: 0,
            diags: Vec::new(),
        }
    }

    fn kernel(&mut self, root: InstanceId, name: &str, args: &[ArgType]) {
        self.program.name = name.to_string();
        self.push_frame(root, None);
        let instance = self.hir.instance(root);
        for (&var, &arg) in instance.params.iter().zip(args) {
            self.param(instance, var, arg);
        }
        let results = self.body_at_array_level(instance);
        let mut spans = step::values_of(&instance.body).iter().map(|value| value.span);
        for (value, ty) in results.into_iter().zip(&instance.results) {
            let result = self.result(value, *ty, spans.next().unwrap_or(Span::DETACHED));
            self.program.results.push(result);
        }
        self.store_results();
        self.flush();
        self.program.steps = self.steps.pop().unwrap_or_default();
    }

    /// Makes a parameter: a slot, or an array whose extents are read into slots.
    fn param(&mut self, instance: &'h hir::Instance, id: VarId, arg: ArgType) {
        let var = instance.var(id);
        let binding = match arg {
            ArgType::Scalar(ty) | ArgType::Weak(ty) => {
                let given = self.new_slot(&var.name, ty);
                self.program.params.push(given.parts().map_or(Param::Scalar(given), Param::Pair));
                Binding::Scalar(self.converted(given, ty, var.ty.elem, &var.name))
            }
            ArgType::Array { ty, rank, ones, layout } => {
                let mutable = var.kind == hir::VarKind::Param { mutable: true };
                let role = if mutable { Role::Mut } else { Role::Input };
                let array = Array { name: var.name.clone(), ty, rank, role, layout, pairs: false };
                let node = self.param_array(in_memory(array), ones);
                if mutable { Binding::Storage(node) } else { Binding::Array(node) }
            }
        };
        self.bind(id, binding);
    }

    /// The parameter's slot in the type the annotation asks for.
    fn converted(&mut self, given: SlotId, from: Type, to: Type, name: &str) -> Ref {
        if from == to {
            return Ref::Slot(given);
        }
        let value = self.pending_slot(given);
        let value = self.pending.b.convert(to, value);
        let slot = self.new_slot(name, to);
        self.set_pending(slot, value);
        Ref::Slot(slot)
    }

    fn param_array(&mut self, array: Array, ones: u32) -> NodeId {
        let (rank, name) = (array.axes(), array.name.clone());
        let id = ArrayId(self.program.arrays.len() as u32);
        self.program.params.push(Param::Array(id));
        self.program.arrays.push(array);
        let mut dims = Vec::new();
        for axis in 0..rank {
            if ones >> axis & 1 == 1 {
                dims.push(Ext::Const(1));
                continue;
            }
            let slot = self.new_slot(&format!("{name}.{axis}"), Type::I64);
            let extent = self.pending.b.extent(id, axis);
            self.set_pending(slot, extent);
            self.nonneg_slots.insert(slot);
            dims.push(Ext::Slot(slot));
        }
        self.array_dims.push(dims.clone());
        self.source(id, dims.into_iter().map(Dim::known).collect())
    }

    fn push_frame(&mut self, id: InstanceId, call: Option<Span>) {
        let instance = self.hir.instance(id);
        let mut uses = vec![0; instance.vars.len()];
        instance.body.walk(&mut |expr| {
            if let hir::Kind::Var(var) = expr.kind {
                uses[var.0 as usize] += 1;
            }
        });
        let vars = vec![Binding::Unbound; instance.vars.len()];
        // Inside the library, places are those of the outermost call into it.
        let call = match self.frames.last() {
            Some(frame) if frame.call.is_some() => frame.call,
            _ if instance.library => call,
            _ => None,
        };
        self.frames.push(Frame { instance: id, vars, uses, declared: HashMap::default(), call });
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a function is being lowered")
    }

    fn bind(&mut self, var: VarId, binding: Binding) {
        self.frame().vars[var.0 as usize] = binding;
    }

    fn binding(&mut self, var: VarId) -> Binding {
        self.frame().vars[var.0 as usize]
    }

    fn var(&self, id: VarId) -> &'h hir::Var {
        let frame = self.frames.last().expect("a function is being lowered");
        self.hir.instance(frame.instance).var(id)
    }

    /// The place in the user's text for a place in the function at hand.
    fn place(&self, span: Span) -> Span {
        self.frames.last().and_then(|frame| frame.call).unwrap_or(span)
    }

    fn site(&mut self, kind: hotloop_ir::FaultKind, span: Span, subject: &str, axis: u32) -> SiteId {
        self.site_of(kind, span, (subject, axis), Counts::Points)
    }

    fn site_of(
        &mut self,
        kind: hotloop_ir::FaultKind,
        span: Span,
        (subject, axis): (&str, u32),
        counts: Counts,
    ) -> SiteId {
        let site = Site { kind, span: self.place(span), subject: subject.to_string(), axis, counts };
        if let Some(known) = self.program.sites.iter().position(|other| *other == site) {
            return SiteId(known as u32);
        }
        self.program.sites.push(site);
        SiteId(self.program.sites.len() as u32 - 1)
    }

    /// A new slot; for a complex number two, one for each part.
    fn new_slot(&mut self, name: &str, ty: Type) -> SlotId {
        if ty.is_complex() {
            let real = self.new_slot(&format!("{name}.real"), ty.part());
            self.new_slot(&format!("{name}.imag"), ty.part());
            return real.pair();
        }
        self.program.slots.push(Slot { name: name.to_string(), ty });
        SlotId(self.program.slots.len() as u32 - 1)
    }

    fn slot_ty(&self, slot: SlotId) -> Type {
        match slot.parts() {
            Some([real, _]) => self.slot_ty(real).complex().unwrap_or(Type::C128),
            None => self.program.slot(slot).ty,
        }
    }

    fn push_step(&mut self, step: Step) {
        self.steps.last_mut().expect("the outermost list stays open").push(step);
    }

    /// The lane that code goes to now: the open nest, or else the pending scalars.
    fn cx(&mut self) -> &mut LaneCx {
        match &mut self.nest {
            Some(cx) => cx,
            None => {
                self.pending_used = true;
                &mut self.pending
            }
        }
    }

    fn b(&mut self) -> &mut LaneBuilder {
        &mut self.cx().b
    }

    fn begin(&mut self) {
        let cx = self.cx();
        cx.b.begin();
        cx.known.push(Known::default());
        let levels = cx.known.len();
        self.levels = self.levels.max(levels);
    }

    fn end(&mut self) -> hotloop_ir::Region {
        let cx = self.cx();
        cx.known.pop();
        cx.b.end()
    }

    fn pending_slot(&mut self, slot: SlotId) -> Value {
        self.pending_used = true;
        let ty = self.slot_ty(slot);
        self.pending.b.slot(slot, ty)
    }

    fn set_pending(&mut self, slot: SlotId, value: Value) {
        self.pending_used = true;
        self.pending.b.set_slot(slot, value);
    }

    /// Closes the pending scalars, so that a step can use what they have computed.
    fn flush(&mut self) {
        if !std::mem::take(&mut self.pending_used) {
            return;
        }
        let cx = std::mem::replace(&mut self.pending, LaneCx::new());
        self.add_nest(cx, Vec::new(), Span::DETACHED);
    }

    fn add_nest(&mut self, cx: LaneCx, axes: Vec<hotloop_ir::Axis>, span: Span) {
        let lane = cx.b.finish();
        self.count(lane.values.len(), span);
        let id = NestId(self.program.nests.len() as u32);
        let (views, folds) = (cx.views, cx.folds);
        self.program.nests.push(Nest { axes, views, folds, lane, schedule: Schedule::default(), span });
        self.push_step(Step::Nest(id));
    }

    /// Counts towards the size limit; whoever makes much code asks `full` first.
    fn count(&mut self, values: usize, span: Span) {
        let before = self.size;
        self.size += values;
        if before <= MAX_VALUES && self.size > MAX_VALUES {
            let span = self.place(span);
            self.diags.push(errors::too_large(span, "the inlined functions are too long together"));
        }
    }

    fn full(&self) -> bool {
        self.size > MAX_VALUES
    }

    fn unsupported(&mut self, span: Span, what: &str, hint: &str) {
        let span = self.place(span);
        self.diags.push(errors::unsupported(span, what, hint));
    }

    /// A result: scalars get a slot of their own; arrays an output, filled by `store_results` unless they are one.
    fn result(&mut self, value: node::Operand, ty: Ty, span: Span) -> ResultRef {
        match value {
            node::Operand::Scalar(value) => {
                let slot = self.new_slot("result", ty.elem);
                let value = self.ref_value(value);
                self.set_pending(slot, value);
                slot.parts().map_or(ResultRef::Scalar(slot), ResultRef::Pair)
            }
            node::Operand::Node(node) => {
                let array = self.output(node, span);
                ResultRef::Array(array)
            }
        }
    }

    fn ref_value(&mut self, value: Ref) -> Value {
        match value {
            Ref::Const(scalar) => self.b().const_(scalar),
            Ref::Slot(slot) => {
                let ty = self.slot_ty(slot);
                self.b().slot(slot, ty)
            }
        }
    }
}

/// An array as the program has it: one of complex numbers has an axis more, along which the parts lie.
fn in_memory(array: Array) -> Array {
    if !array.ty.is_complex() {
        return array;
    }
    let layout = if array.layout == Layout::Dense { Layout::Dense } else { Layout::UnitInner };
    Array { ty: array.ty.part(), rank: array.rank + 1, layout, pairs: true, ..array }
}
