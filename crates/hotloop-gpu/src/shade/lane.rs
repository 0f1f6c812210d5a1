//! The code of one point of a nest, as the shader function `point`.
//!
//! It gets the point's number and its coordinates. Where a check fails it leaves a record in private variables and
//! returns. Loops become naga loops; leaving several at once goes through a variable that says how many are left.

use super::code::{Code, Expr};
use super::params::ParamLayout;
use super::{Buffer, Globals, convert, ops, types, written};
use hotloop_ir::program::{Local, Value};
use hotloop_ir::{ArrayId, Class, FoldId, Inst, Nest, Program, Region, SiteId, SlotId, Stmt, Type, ViewId};
use naga::{
    AddressSpace, BinaryOperator as Binary, Expression, Function, FunctionArgument, GlobalVariable, Handle, ScalarKind,
    Statement,
};

/// The private variables through which `point` talks to the entry.
pub(crate) struct Channels {
    /// Site of the fault plus one, or 0; then the two numbers and the element, each low word and high word.
    pub(crate) fault: [Handle<GlobalVariable>; 7],
    /// What the point contributes to each fold.
    pub(crate) folds: Vec<Handle<GlobalVariable>>,
}

impl Channels {
    /// The variables for a nest.
    pub(crate) fn new(globals: &mut Globals<'_>, nest: &Nest) -> Channels {
        let word = types::scalar_type(globals.module, naga::Scalar::U32);
        let names = [
            "fault_site",
            "fault_a_low",
            "fault_a_high",
            "fault_b_low",
            "fault_b_high",
            "fault_at_low",
            "fault_at_high",
        ];
        let fault = names.map(|name| globals.variable(name, AddressSpace::Private, word));
        let folds = nest.folds.iter().enumerate().map(|(index, fold)| {
            let ty = types::scalar_type(globals.module, types::register(fold.ty));
            globals.variable(&format!("fold_{index}"), AddressSpace::Private, ty)
        });
        Channels { fault, folds: folds.collect() }
    }
}

/// The function `point(number, coordinates…)`.
pub(crate) fn point(
    program: &Program,
    nest: &Nest,
    layout: &ParamLayout,
    globals: &mut Globals<'_>,
    channels: &Channels,
    fused: bool,
) -> Function {
    let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
    let mut code = Code::new("point");
    code.fused = fused;
    let names = std::iter::once("number".to_owned()).chain((0..nest.axes.len()).map(|axis| format!("at_{axis}")));
    for name in names {
        code.function.arguments.push(FunctionArgument { name: Some(name), ty: u32_type, binding: None });
    }
    let coords = (0..nest.axes.len()).map(|axis| code.constant(Expression::FunctionArgument(axis as u32 + 1)));
    let coords = coords.collect();
    let writes = written(nest);
    let mut lane = Lane {
        program,
        nest,
        layout,
        globals,
        channels,
        coords,
        writes,
        values: vec![None; nest.lane.values.len()],
        locals: Vec::new(),
        exit: None,
        code,
    };
    lane.declare_locals();
    lane.region(&nest.lane.body);
    lane.code.finish()
}

struct Lane<'a, 'g, 'm> {
    program: &'a Program,
    nest: &'a Nest,
    layout: &'a ParamLayout,
    globals: &'g mut Globals<'m>,
    channels: &'a Channels,
    coords: Vec<Expr>,
    writes: Vec<ArrayId>,
    values: Vec<Option<Expr>>,
    locals: Vec<Expr>,
    /// Says which loops are still to be left: 2n leaves n of them, 2n+1 leaves n and continues the next.
    exit: Option<Expr>,
    code: Code,
}

impl Lane<'_, '_, '_> {
    fn declare_locals(&mut self) {
        for (index, ty) in self.nest.lane.locals.iter().enumerate() {
            let naga_type = types::scalar_type(self.globals.module, types::register(*ty));
            let local = self.code.local(&format!("l{index}"), naga_type);
            let zero = self.code.scalar(hotloop_ir::Scalar::new(*ty, 0));
            self.code.store(local, zero);
            self.locals.push(local);
        }
    }

    fn get(&mut self, value: Value) -> Expr {
        match self.values[value.index()] {
            Some(expr) => expr,
            // The verifier has seen that every value is computed before it is used.
            None => self.code.scalar(hotloop_ir::Scalar::new(self.nest.lane.ty(value), 0)),
        }
    }

    fn local(&self, local: Local) -> Expr {
        self.locals[local.index()]
    }

    fn region(&mut self, region: &Region) {
        for stmt in region {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let(value) => {
                let expr = self.compute(*value);
                self.values[value.index()] = Some(expr);
            }
            Stmt::Set(local, value) => {
                let value = self.get(*value);
                self.code.store(self.locals[local.index()], value);
            }
            Stmt::Store(view, value) => {
                let (pointer, ty) = self.view_element(*view);
                self.store(pointer, ty, *value);
            }
            Stmt::StoreAt(array, index, value) => {
                let (pointer, ty) = self.computed_element(*array, index);
                self.store(pointer, ty, *value);
            }
            Stmt::SetSlot(slot, value) => self.set_slot(*slot, *value),
            Stmt::Fold(fold, value) => self.fold(*fold, *value),
            Stmt::Check { cond, site, shows, at } => self.check(*cond, *site, *shows, *at),
            Stmt::If { cond, then, otherwise } => {
                let condition = self.get(*cond);
                let accept = self.block(then);
                let reject = self.block(otherwise);
                self.code.push(Statement::If { condition, accept, reject });
            }
            Stmt::For { index, start, stop, step, body } => self.counted(*index, [*start, *stop, *step], body),
            Stmt::Loop(body) => {
                let block = self.block(body);
                self.looped(block, body);
            }
            Stmt::Block(body) => {
                self.code.open();
                self.region(body);
                if !ends(body) {
                    self.code.push(Statement::Break);
                }
                let block = self.code.close();
                self.looped(block, body);
            }
            Stmt::Break(0) => self.code.push(Statement::Break),
            Stmt::Continue(0) => self.code.push(Statement::Continue),
            Stmt::Break(depth) => self.leave(2 * depth),
            Stmt::Continue(depth) => self.leave(2 * depth + 1),
        }
    }

    fn block(&mut self, region: &Region) -> naga::Block {
        self.code.open();
        self.region(region);
        self.code.close()
    }

    fn store(&mut self, pointer: Expr, ty: Type, value: Value) {
        let mut value = self.get(value);
        if ty == Type::Bool {
            let [one, zero] = [1, 0].map(|bit| self.code.u32(bit));
            value = self.code.select(value, one, zero);
        }
        self.code.store(pointer, value);
    }

    /// A loop around a block that is done, and what follows where the block left more than this loop.
    fn looped(&mut self, body: naga::Block, region: &Region) {
        self.code.push(Statement::Loop { body, continuing: naga::Block::new(), break_if: None });
        self.after_loop(region);
    }

    fn counted(&mut self, index: Local, [start, stop, step]: [Value; 3], body: &Region) {
        let i64_type = types::scalar_type(self.globals.module, naga::Scalar::I64);
        let next = self.code.local("next", i64_type);
        let [start, stop, step] = [start, stop, step].map(|value| self.get(value));
        self.code.store(next, start);
        let zero = self.code.scalar(hotloop_ir::Scalar::i64(0));
        let upwards = self.code.binary(Binary::Less, zero, step);
        self.code.open();
        let now = self.code.load(next);
        let (over, under) =
            (self.code.binary(Binary::GreaterEqual, now, stop), self.code.binary(Binary::LessEqual, now, stop));
        let done = self.code.select(upwards, over, under);
        self.code.when(done, |code| code.push(Statement::Break));
        self.code.store(self.local(index), now);
        self.region(body);
        let block = self.code.close();
        self.code.open();
        let after = self.code.binary(Binary::Add, now, step);
        self.code.store(next, after);
        // The count ends where the next value would overflow.
        let (fell, rose) = (self.code.binary(Binary::Less, after, now), self.code.binary(Binary::Greater, after, now));
        let wrapped = self.code.select(upwards, fell, rose);
        let continuing = self.code.close();
        self.code.push(Statement::Loop { body: block, continuing, break_if: Some(wrapped) });
        self.after_loop(body);
    }

    fn exit(&mut self) -> Expr {
        if let Some(exit) = self.exit {
            return exit;
        }
        let u32_type = types::scalar_type(self.globals.module, naga::Scalar::U32);
        let exit = self.code.local("exit", u32_type);
        self.exit = Some(exit);
        exit
    }

    /// Leaves the innermost loop, and says what the ones around it are to do.
    fn leave(&mut self, what: u32) {
        let exit = self.exit();
        let what = self.code.u32(what);
        self.code.store(exit, what);
        self.code.push(Statement::Break);
    }

    /// After a loop whose body may have left loops around it: goes on leaving.
    fn after_loop(&mut self, body: &Region) {
        if !escapes(body, 0) {
            return;
        }
        let exit = self.exit();
        let [zero, two] = [0, 2].map(|value| self.code.u32(value));
        let left = self.code.load(exit);
        let leaving = self.code.binary(Binary::NotEqual, left, zero);
        self.code.open();
        let rest = self.code.binary(Binary::Subtract, left, two);
        self.code.store(exit, rest);
        let one = self.code.u32(1);
        let again = self.code.binary(Binary::Equal, rest, one);
        self.code.open();
        self.code.store(exit, zero);
        self.code.push(Statement::Continue);
        let accept = self.code.close();
        self.code.open();
        self.code.push(Statement::Break);
        let reject = self.code.close();
        self.code.push(Statement::If { condition: again, accept, reject });
        let accept = self.code.close();
        self.code.push(Statement::If { condition: leaving, accept, reject: naga::Block::new() });
    }

    fn check(&mut self, cond: Value, site: SiteId, shows: [Value; 2], at: Option<Value>) {
        let cond = self.get(cond);
        let failed = self.code.unary(naga::UnaryOperator::LogicalNot, cond);
        self.code.open();
        let mut words = vec![self.code.u32(site.0 + 1)];
        for value in shows {
            let (ty, value) = (self.nest.lane.ty(value), self.get(value));
            words.extend(two_words(&mut self.code, ty, value));
        }
        words.extend(match at {
            Some(at) => {
                let at = self.get(at);
                two_words(&mut self.code, Type::I64, at)
            }
            None => [self.code.constant(Expression::FunctionArgument(0)), self.code.u32(0)],
        });
        for (variable, word) in self.channels.fault.into_iter().zip(words) {
            let pointer = self.code.constant(Expression::GlobalVariable(variable));
            self.code.store(pointer, word);
        }
        self.code.push(Statement::Return { value: None });
        let accept = self.code.close();
        self.code.push(Statement::If { condition: failed, accept, reject: naga::Block::new() });
    }

    fn fold(&mut self, fold: FoldId, value: Value) {
        let value = self.get(value);
        let pointer = self.code.constant(Expression::GlobalVariable(self.channels.folds[fold.index()]));
        self.code.store(pointer, value);
    }

    fn set_slot(&mut self, slot: SlotId, value: Value) {
        let (ty, value) = (self.nest.lane.ty(value), self.get(value));
        write_slot(&mut self.code, self.globals, slot, ty, value);
    }

    fn compute(&mut self, value: Value) -> Expr {
        let lane = &self.nest.lane;
        let ty = lane.ty(value);
        match lane.inst(value) {
            // Drivers that see a zero fold `x + 0` to `x`, which is wrong for -0, and `x * 0` to 0.
            Inst::Const(scalar) if ty.is_float() && scalar.as_f64() == 0.0 => self.hidden_zero(*scalar),
            Inst::Const(scalar) => self.code.scalar(*scalar),
            Inst::Op(op, args) => {
                let operand = lane.ty(args[op.arity() - 1]);
                let args = args.map(|arg| self.get(arg));
                ops::op(&mut self.code, *op, operand, args)
            }
            Inst::Convert(of) => {
                let (from, of) = (lane.ty(*of), self.get(*of));
                convert::convert(&mut self.code, from, ty, of)
            }
            Inst::Bitcast(of) => {
                let (from, of) = (lane.ty(*of), self.get(*of));
                convert::bitcast(&mut self.code, from, ty, of)
            }
            Inst::Axis(axis) => {
                let coord = self.coords[*axis as usize];
                convert::convert(&mut self.code, Type::U32, Type::I64, coord)
            }
            Inst::Slot(slot) => {
                let word = self.layout.slot(*slot).unwrap_or_default();
                self.param_scalar(word, ty)
            }
            Inst::Local(local) => self.code.load(self.locals[local.index()]),
            Inst::Load(view) => {
                let (pointer, ty) = self.view_element(*view);
                self.load(pointer, ty)
            }
            Inst::LoadAt(array, index) => {
                let (pointer, ty) = self.computed_element(*array, index);
                self.load(pointer, ty)
            }
            Inst::Extent(array, axis) => {
                let word = self.layout.array(*array).unwrap_or_default() + *axis as usize;
                let extent = param(&mut self.code, self.globals, word);
                convert::convert(&mut self.code, Type::U32, Type::I64, extent)
            }
        }
    }

    /// A zero that the driver cannot see: the parameter block holds one.
    fn hidden_zero(&mut self, zero: hotloop_ir::Scalar) -> Expr {
        let unsigned = self.param_scalar(super::params::ZERO, zero.ty);
        if zero.bits == 0 { unsigned } else { super::float::negate(&mut self.code, zero.ty, unsigned) }
    }

    fn load(&mut self, pointer: Expr, ty: Type) -> Expr {
        let value = self.code.load(pointer);
        if ty != Type::Bool {
            return value;
        }
        let zero = self.code.u32(0);
        self.code.binary(Binary::NotEqual, value, zero)
    }

    /// A scalar from two words of the parameter block.
    fn param_scalar(&mut self, word: usize, ty: Type) -> Expr {
        let low = param(&mut self.code, self.globals, word);
        if ty.bytes() == 8 {
            let high = param(&mut self.code, self.globals, word + 1);
            let [low, high] = [low, high].map(|part| self.code.convert(part, ScalarKind::Uint, 8));
            let half = self.code.u32(32);
            let high = self.code.binary(Binary::ShiftLeft, high, half);
            let whole = self.code.binary(Binary::InclusiveOr, high, low);
            return if ty == Type::U64 { whole } else { self.code.bitcast(whole, types::kind(ty)) };
        }
        match ty.class() {
            Class::Bool => {
                let zero = self.code.u32(0);
                self.code.binary(Binary::NotEqual, low, zero)
            }
            Class::Unsigned | Class::Half | Class::Complex => low,
            Class::Signed => {
                let signed = self.code.bitcast(low, ScalarKind::Sint);
                ops::narrow(&mut self.code, ty, signed)
            }
            Class::Float => self.code.bitcast(low, ScalarKind::Float),
        }
    }

    fn array(&mut self, array: ArrayId) -> (Expr, Type) {
        let ty = self.program.array(array).ty;
        let element = types::scalar_type(self.globals.module, types::memory(ty));
        let writes = self.writes.contains(&array);
        let variable = self.globals.buffer(Buffer::Array(array), element, writes);
        (self.code.constant(Expression::GlobalVariable(variable)), ty)
    }

    fn view_element(&mut self, view: ViewId) -> (Expr, Type) {
        let index = view_index(&mut self.code, self.globals, self.layout, self.nest, view, &self.coords);
        let (base, ty) = self.array(self.nest.views[view.index()].array);
        (self.code.element(base, index), ty)
    }

    fn computed_element(&mut self, array: ArrayId, index: &[Value]) -> (Expr, Type) {
        let strides = self.layout.array(array).unwrap_or_default() + self.program.array(array).rank as usize;
        let mut sum = None;
        for (axis, value) in index.iter().enumerate() {
            let at = self.get(*value);
            let at = ops::word(&mut self.code, Type::I64, at);
            let stride = param(&mut self.code, self.globals, strides + axis);
            let term = self.code.binary(Binary::Multiply, at, stride);
            sum = Some(match sum {
                None => term,
                Some(sum) => self.code.binary(Binary::Add, sum, term),
            });
        }
        let at = sum.unwrap_or_else(|| self.code.u32(0));
        let (base, ty) = self.array(array);
        (self.code.element(base, at), ty)
    }
}

/// The element a view gives at some coordinates.
pub(crate) fn view_index(
    code: &mut Code,
    globals: &mut Globals<'_>,
    layout: &ParamLayout,
    nest: &Nest,
    view: ViewId,
    coords: &[Expr],
) -> Expr {
    let word = layout.view(view);
    let mut index = param(code, globals, word);
    for (axis, coord) in coords.iter().enumerate() {
        if nest.views[view.index()].dims.iter().any(|dim| dim.axis == Some(axis as u32)) {
            let step = param(code, globals, word + 1 + axis);
            let offset = code.binary(Binary::Multiply, step, *coord);
            index = code.binary(Binary::Add, index, offset);
        }
    }
    index
}

/// A word of the parameter block.
pub(crate) fn param(code: &mut Code, globals: &mut Globals<'_>, word: usize) -> Expr {
    let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
    let variable = globals.buffer(Buffer::Params, u32_type, false);
    let base = code.constant(Expression::GlobalVariable(variable));
    let index = code.u32(word as u32);
    let pointer = code.element(base, index);
    code.load(pointer)
}

/// Writes a slot into the buffer of slots.
pub(crate) fn write_slot(code: &mut Code, globals: &mut Globals<'_>, slot: SlotId, ty: Type, value: Expr) {
    let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
    let variable = globals.buffer(Buffer::Slots, u32_type, true);
    let base = code.constant(Expression::GlobalVariable(variable));
    for (part, word) in slot_words(code, ty, value).into_iter().enumerate() {
        let index = code.u32(2 * slot.0 + part as u32);
        let pointer = code.element(base, index);
        code.store(pointer, word);
    }
}

/// The bits of a scalar, zero-extended to two words.
fn slot_words(code: &mut Code, ty: Type, value: Expr) -> [Expr; 2] {
    if ty.bytes() == 8 {
        let bits = if ty == Type::U64 { value } else { code.bitcast(value, ScalarKind::Uint) };
        return halves(code, bits);
    }
    let word = match ty.class() {
        Class::Bool => {
            let [one, zero] = [1, 0].map(|bit| code.u32(bit));
            code.select(value, one, zero)
        }
        Class::Unsigned | Class::Half | Class::Complex => value,
        Class::Signed | Class::Float => {
            let bits = code.bitcast(value, ScalarKind::Uint);
            let mask = code.u32(ty.mask() as u32);
            code.binary(Binary::And, bits, mask)
        }
    };
    [word, code.u32(0)]
}

/// An integer, extended by its sign to two words.
fn two_words(code: &mut Code, ty: Type, value: Expr) -> [Expr; 2] {
    match (ty.class(), ty.bytes()) {
        (Class::Signed, 8) => {
            let bits = code.bitcast(value, ScalarKind::Uint);
            halves(code, bits)
        }
        (Class::Unsigned, 8) => halves(code, value),
        (Class::Signed, _) => {
            let sign = code.u32(31);
            let fill = code.binary(Binary::ShiftRight, value, sign);
            [value, fill].map(|part| code.bitcast(part, ScalarKind::Uint))
        }
        (Class::Bool | Class::Unsigned | Class::Float | Class::Half | Class::Complex, _) => [value, code.u32(0)],
    }
}

fn halves(code: &mut Code, bits: Expr) -> [Expr; 2] {
    let half = code.u32(32);
    let high = code.binary(Binary::ShiftRight, bits, half);
    [bits, high].map(|part| ops::word(code, Type::U64, part))
}

/// Whether a region always leaves by its last statement.
fn ends(region: &Region) -> bool {
    matches!(region.last(), Some(Stmt::Break(_) | Stmt::Continue(_)))
}

/// Whether a statement inside leaves more than the loops inside; `depth` counts the loops around it from the region.
fn escapes(region: &[Stmt], depth: u32) -> bool {
    region.iter().any(|stmt| {
        let inner = match stmt {
            Stmt::Break(n) | Stmt::Continue(n) => return *n > depth,
            Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => depth + 1,
            Stmt::If { .. }
            | Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. } => depth,
        };
        stmt.regions().into_iter().any(|region| escapes(region, inner))
    })
}
