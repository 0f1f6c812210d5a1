//! The entry point of a nest's shader: which invocation runs which points, and the fault record of each workgroup.

use super::code::{Code, Expr};
use super::lane::{Channels, param, point};
use super::params::{self, ParamLayout};
use super::{Buffer, FAULT_WORDS, Globals, Shader, Spread, WORKGROUP, can_fault, fold, sets, types};
use hotloop_ir::{AxisKind, Nest, Program};
use naga::{
    AddressSpace, AtomicFunction, Barrier, BinaryOperator as Binary, Binding, BuiltIn, EntryPoint, Expression,
    Function, FunctionArgument, GlobalVariable, Handle, Module, ShaderStage, Span, Statement, TypeInner, VectorSize,
};

/// The shader of a nest, for a device whose `fma` rounds once or not.
pub(crate) fn shade(program: &Program, nest: &Nest, fused: bool) -> Shader {
    let layout = ParamLayout::of(program, nest);
    let mut module = Module::default();
    let mut globals = Globals::new(&mut module);
    let channels = Channels::new(&mut globals, nest);
    let body = point(program, nest, &layout, &mut globals, &channels, fused);
    let function = globals.module.functions.append(body, Span::UNDEFINED);
    let checked = can_fault(nest);
    let mut entry = Entry::new(&mut globals, nest, &layout, &channels, function, checked);
    let spread = if nest.folds.is_empty() {
        entry.points();
        Spread::Points
    } else {
        Spread::Blocks(fold::blocks(&mut entry))
    };
    let size = match spread {
        Spread::Points if is_serial(nest) => 1,
        Spread::Points => WORKGROUP,
        Spread::Blocks(size) => size,
    };
    let main = entry.code.finish();
    let buffers = globals.bound();
    add_entry(&mut module, main, size);
    Shader { module, buffers, params: layout, spread, checked, sets: sets(nest) }
}

/// Adds the entry point `main`.
pub(super) fn add_entry(module: &mut Module, function: Function, size: u32) {
    module.entry_points.push(EntryPoint {
        name: "main".to_owned(),
        stage: ShaderStage::Compute,
        early_depth_test: None,
        workgroup_size: [size, 1, 1],
        workgroup_size_overrides: None,
        function,
        mesh_info: None,
        task_payload: None,
        incoming_ray_payload: None,
    });
}

/// Whether one invocation runs the whole nest.
fn is_serial(nest: &Nest) -> bool {
    nest.axes.iter().all(|axis| axis.kind == AxisKind::Ordered)
}

/// The entry function under construction.
pub(super) struct Entry<'a, 'm> {
    pub(super) globals: &'a mut Globals<'m>,
    pub(super) nest: &'a Nest,
    pub(super) layout: &'a ParamLayout,
    pub(super) channels: &'a Channels,
    pub(super) code: Code,
    function: Handle<Function>,
    checked: bool,
    pub(super) u32_type: Handle<naga::Type>,
    /// The invocation's place in its workgroup.
    pub(super) place: Expr,
    /// The workgroup's number among those that were started.
    started: Expr,
    /// The workgroup's number in its nest, and how many were started.
    pub(super) group: Expr,
    pub(super) groups: Expr,
    /// The first fault of this invocation: number, then what `point` left.
    record: [Expr; 8],
    faulted: Expr,
}

impl<'a, 'm> Entry<'a, 'm> {
    fn new(
        globals: &'a mut Globals<'m>,
        nest: &'a Nest,
        layout: &'a ParamLayout,
        channels: &'a Channels,
        function: Handle<Function>,
        checked: bool,
    ) -> Entry<'a, 'm> {
        let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
        let mut code = Code::new("main");
        let [place, started, groups] = builtins(&mut code, globals, u32_type);
        let first = param(&mut code, globals, params::FIRST_GROUP);
        let group = code.binary(Binary::Add, started, first);
        let record = std::array::from_fn(|part| code.local(&format!("record_{part}"), u32_type));
        let faulted = code.local("faulted", u32_type);
        Entry {
            globals,
            nest,
            layout,
            channels,
            code,
            function,
            checked,
            u32_type,
            place,
            started,
            group,
            groups,
            record,
            faulted,
        }
    }

    /// A point per invocation. Where faults are recorded the grid is small and walks the points in strides.
    fn points(&mut self) {
        let count = param(&mut self.code, self.globals, params::COUNT);
        let size = self.code.u32(if is_serial(self.nest) { 1 } else { WORKGROUP });
        let base = self.code.binary(Binary::Multiply, self.group, size);
        let first = self.code.binary(Binary::Add, base, self.place);
        if self.checked {
            let stride = self.code.binary(Binary::Multiply, self.groups, size);
            self.count(first, count, stride, |entry, number| entry.run_walk(number));
            self.report();
        } else {
            let inside = self.code.binary(Binary::Less, first, count);
            self.code.open();
            self.run_walk(first);
            let accept = self.code.close();
            self.code.push(Statement::If { condition: inside, accept, reject: naga::Block::new() });
        }
    }

    /// A counting loop whose body needs the whole entry.
    pub(super) fn count(&mut self, from: Expr, to: Expr, by: Expr, body: impl FnOnce(&mut Self, Expr)) {
        let variable = self.code.local("i", self.u32_type);
        self.code.store(variable, from);
        self.code.open();
        let index = self.code.load(variable);
        let done = self.code.binary(Binary::GreaterEqual, index, to);
        self.code.when(done, |code| code.push(Statement::Break));
        body(self, index);
        let block = self.code.close();
        self.code.open();
        let next = self.code.binary(Binary::Add, index, by);
        self.code.store(variable, next);
        let wrapped = self.code.binary(Binary::Less, next, index);
        let continuing = self.code.close();
        self.code.push(Statement::Loop { body: block, continuing, break_if: Some(wrapped) });
    }

    /// The points with one place on the parallel axes: one, or all along the ordered axes.
    fn run_walk(&mut self, number: Expr) {
        let ordered = self.nest.axes.iter().any(|axis| axis.kind == AxisKind::Ordered);
        if !ordered {
            let coords = self.coords(number, |_| true);
            self.run_point(number, &coords);
            return;
        }
        let outer = self.coords(number, |kind| kind != AxisKind::Ordered);
        let [zero, one] = [0, 1].map(|value| self.code.u32(value));
        let count = param(&mut self.code, self.globals, params::ORDERED);
        self.count(zero, count, one, |entry, step| {
            let inner = entry.coords(step, |kind| kind == AxisKind::Ordered);
            let mut coords = outer.clone();
            for (axis, coord) in inner.iter().enumerate() {
                if entry.nest.axes[axis].kind == AxisKind::Ordered {
                    coords[axis] = *coord;
                }
            }
            let number = entry.number(&coords);
            entry.run_point(number, &coords);
        });
    }

    /// The coordinates along the chosen axes from a number in C order over them; 0 along the others.
    pub(super) fn coords(&mut self, number: Expr, chosen: impl Fn(AxisKind) -> bool) -> Vec<Expr> {
        let zero = self.code.u32(0);
        let mut coords = vec![zero; self.nest.axes.len()];
        let axes: Vec<usize> = (0..coords.len()).filter(|axis| chosen(self.nest.axes[*axis].kind)).collect();
        let mut rest = number;
        for (nth, axis) in axes.iter().enumerate().rev() {
            if nth == 0 {
                coords[*axis] = rest;
                break;
            }
            let extent = param(&mut self.code, self.globals, self.layout.axis(*axis));
            coords[*axis] = self.code.binary(Binary::Modulo, rest, extent);
            rest = self.code.binary(Binary::Divide, rest, extent);
        }
        coords
    }

    /// The number of the point at some coordinates.
    pub(super) fn number(&mut self, coords: &[Expr]) -> Expr {
        let mut number = self.code.u32(0);
        for (axis, coord) in coords.iter().enumerate() {
            let extent = param(&mut self.code, self.globals, self.layout.axis(axis));
            let scaled = self.code.binary(Binary::Multiply, number, extent);
            number = self.code.binary(Binary::Add, scaled, *coord);
        }
        number
    }

    /// Calls `point`, and keeps the record of the first fault: the points of an invocation come in ascending order
    /// within a workgroup's piece, so that the lowest number is kept by comparing.
    pub(super) fn run_point(&mut self, number: Expr, coords: &[Expr]) {
        let arguments = std::iter::once(number).chain(coords.iter().copied()).collect();
        self.code.push(Statement::Call { function: self.function, arguments, result: None });
        if !self.checked {
            return;
        }
        let fault: Vec<Expr> = self.channels.fault.iter().map(|variable| self.load_private(*variable)).collect();
        let zero = self.code.u32(0);
        let failed = self.code.binary(Binary::NotEqual, fault[0], zero);
        let (record, faulted) = (self.record, self.faulted);
        let site = self.code.constant(Expression::GlobalVariable(self.channels.fault[0]));
        self.code.when(failed, |code| {
            code.store(site, zero);
            let (known, lowest) = (code.load(faulted), code.load(record[0]));
            let fresh = code.binary(Binary::Equal, known, zero);
            let lower = code.binary(Binary::Less, number, lowest);
            let first = code.binary(Binary::LogicalOr, fresh, lower);
            code.when(first, |code| {
                let one = code.u32(1);
                code.store(faulted, one);
                for (part, value) in record.into_iter().zip([number].into_iter().chain(fault)) {
                    code.store(part, value);
                }
            });
        });
    }

    fn load_private(&mut self, variable: Handle<GlobalVariable>) -> Expr {
        let pointer = self.code.constant(Expression::GlobalVariable(variable));
        self.code.load(pointer)
    }

    /// The value that the last point contributed to a fold.
    pub(super) fn contribution(&mut self, fold: usize) -> Expr {
        self.load_private(self.channels.folds[fold])
    }

    /// Writes the record of the workgroup's lowest fault, unless an earlier dispatch has faulted.
    pub(super) fn report(&mut self) {
        if !self.checked {
            return;
        }
        let atomic = self
            .globals
            .module
            .types
            .insert(naga::Type { name: None, inner: TypeInner::Atomic(naga::Scalar::U32) }, Span::UNDEFINED);
        let lowest = self.globals.variable("lowest", AddressSpace::WorkGroup, atomic);
        let faults = self.globals.buffer(Buffer::Faults, atomic, true);
        let sequence = param(&mut self.code, self.globals, params::SEQUENCE);
        let (record, faulted, place, started) = (self.record, self.faulted, self.place, self.started);
        let code = &mut self.code;
        let [zero, most] = [0, u32::MAX].map(|value| code.u32(value));
        let lowest = code.constant(Expression::GlobalVariable(lowest));
        let is_first = code.binary(Binary::Equal, place, zero);
        code.when(is_first, |code| code.store(lowest, most));
        code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
        let known = code.load(faulted);
        let failed = code.binary(Binary::NotEqual, known, zero);
        let number = code.load(record[0]);
        code.when(failed, |code| atomic_min(code, lowest, number));
        code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
        let winner = code.load(lowest);
        let mine = code.binary(Binary::Equal, winner, number);
        let mine = code.binary(Binary::LogicalAnd, failed, mine);
        code.when(mine, |code| {
            let faults = code.constant(Expression::GlobalVariable(faults));
            let first = code.element(faults, zero);
            atomic_min(code, first, sequence);
            let winner = code.load(first);
            let current = code.binary(Binary::Equal, winner, sequence);
            code.when(current, |code| write_record(code, faults, started, sequence, record));
        });
    }
}

fn atomic_min(code: &mut Code, pointer: Expr, value: Expr) {
    code.push(Statement::Atomic { pointer, fun: AtomicFunction::Min, value, result: None });
}

/// Writes a record, unless another part of the same nest has left a lower one in its place.
fn write_record(code: &mut Code, faults: Expr, started: Expr, sequence: Expr, record: [Expr; 8]) {
    let size = code.u32(FAULT_WORDS);
    let base = code.binary(Binary::Multiply, started, size);
    let values: Vec<Expr> = record.into_iter().map(|part| code.load(part)).collect();
    let pointers: Vec<Expr> = (0..=values.len() as u32)
        .map(|word| {
            let offset = code.u32(1 + word);
            let at = code.binary(Binary::Add, base, offset);
            code.element(faults, at)
        })
        .collect();
    let (known, lowest) = (code.load(pointers[0]), code.load(pointers[1]));
    let stale = code.binary(Binary::NotEqual, known, sequence);
    let lower = code.binary(Binary::Less, values[0], lowest);
    let counts = code.binary(Binary::LogicalOr, stale, lower);
    code.when(counts, |code| {
        for (pointer, value) in pointers.into_iter().zip([sequence].into_iter().chain(values)) {
            code.store(pointer, value);
        }
    });
}

/// The built-in inputs: place in the workgroup, number of the workgroup, number of workgroups.
pub(super) fn builtins(code: &mut Code, globals: &mut Globals<'_>, u32_type: Handle<naga::Type>) -> [Expr; 3] {
    let inner = TypeInner::Vector { size: VectorSize::Tri, scalar: naga::Scalar::U32 };
    let vector = globals.module.types.insert(naga::Type { name: None, inner }, Span::UNDEFINED);
    let inputs = [
        ("place", u32_type, BuiltIn::LocalInvocationIndex),
        ("group", vector, BuiltIn::WorkGroupId),
        ("groups", vector, BuiltIn::NumWorkGroups),
    ];
    for (name, ty, builtin) in inputs {
        let binding = Some(Binding::BuiltIn(builtin));
        code.function.arguments.push(FunctionArgument { name: Some(name.to_owned()), ty, binding });
    }
    let [place, group, groups] = [0, 1, 2].map(|index| code.constant(Expression::FunctionArgument(index)));
    let mut part = |base, index| code.emit(Expression::AccessIndex { base, index });
    let [x, y, width, height] =
        [(group, 0), (group, 1), (groups, 0), (groups, 1)].map(|(base, index)| part(base, index));
    let rows = code.binary(Binary::Multiply, y, width);
    let number = code.binary(Binary::Add, rows, x);
    let all = code.binary(Binary::Multiply, width, height);
    [place, number, all]
}
