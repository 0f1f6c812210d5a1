//! Builds lanes: values with shared subexpressions, and regions of statements.
//!
//! The builder keeps one open region per level of nesting. A pure value asked for twice, where the first is still in
//! scope, is computed once. It knows nothing of types beyond what an op needs, and folds no constants; passes do that.

mod complex;
mod half;

use crate::ops::Op;
use crate::program::{ArrayId, Inst, Lane, Local, Region, SlotId, Stmt, Value, ViewId};
use crate::types::{Scalar, Type};
use rustc_hash::FxHashMap as HashMap;

/// Makes one [`Lane`].
#[derive(Debug, Default)]
pub struct LaneBuilder {
    lane: Lane,
    open: Vec<Scope>,
    /// The parts of complex values.
    pairs: Vec<[Value; 2]>,
}

/// A region being written, with the pure values it has computed.
#[derive(Debug, Default)]
struct Scope {
    region: Region,
    known: HashMap<Key, Value>,
}

/// A pure instruction and its type: what makes two values the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Const(Scalar),
    Op(Op, [Value; 3]),
    Convert(Type, Value),
    Bitcast(Type, Value),
    Axis(u32),
    Slot(SlotId),
    Extent(ArrayId, u32),
}

impl LaneBuilder {
    /// A builder with the lane's outermost region open.
    pub fn new() -> LaneBuilder {
        LaneBuilder { lane: Lane::default(), open: vec![Scope::default()], pairs: Vec::new() }
    }

    /// Closes the outermost region and gives the lane. Every region opened since must be closed.
    pub fn finish(mut self) -> Lane {
        assert_eq!(self.open.len(), 1, "a region was left open");
        self.lane.body = self.open.pop().map(|scope| scope.region).unwrap_or_default();
        self.lane
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        match self.parts(value) {
            Some([real, _]) => complex::complex_of(self.lane.ty(real)),
            None => self.lane.ty(value),
        }
    }

    /// The instruction that gives a value; of a complex one, its real part.
    pub fn inst(&self, value: Value) -> &Inst {
        self.lane.inst(self.parts(value).map_or(value, |[real, _]| real))
    }

    /// The number of values so far.
    pub fn len(&self) -> usize {
        self.lane.values.len()
    }

    /// Whether there is no value yet.
    pub fn is_empty(&self) -> bool {
        self.lane.values.is_empty()
    }

    /// The literal, if the value is one and not complex.
    pub fn constant(&self, value: Value) -> Option<Scalar> {
        if self.parts(value).is_some() {
            return None;
        }
        match self.lane.inst(value) {
            Inst::Const(scalar) => Some(*scalar),
            Inst::Op(..)
            | Inst::Convert(_)
            | Inst::Bitcast(_)
            | Inst::Axis(_)
            | Inst::Slot(_)
            | Inst::Local(_)
            | Inst::Load(_)
            | Inst::LoadAt(..)
            | Inst::Extent(..) => None,
        }
    }

    /// A new local variable.
    pub fn local(&mut self, ty: Type) -> Local {
        if ty.is_complex() {
            let first = self.local(ty.part());
            self.local(ty.part());
            return first.pair();
        }
        self.lane.locals.push(ty);
        Local(self.lane.locals.len() as u32 - 1)
    }

    /// A literal.
    pub fn const_(&mut self, scalar: Scalar) -> Value {
        if scalar.ty.is_complex() {
            return self.complex_const(scalar);
        }
        self.pure(Key::Const(scalar), Inst::Const(scalar), scalar.ty)
    }

    /// A core op on its operands; as many as its arity.
    pub fn op(&mut self, op: Op, args: &[Value]) -> Value {
        assert_eq!(args.len(), op.arity(), "wrong number of operands for `{}`", op.name());
        if let Some(value) = self.complex_op(op, args) {
            return value;
        }
        let mut operands = [args[0]; 3];
        operands[..args.len()].copy_from_slice(args);
        let ty = op.result(self.ty(args[args.len() - 1]));
        self.pure(Key::Op(op, operands), Inst::Op(op, operands), ty)
    }

    /// The value converted to `ty`; itself if it has that type.
    pub fn convert(&mut self, ty: Type, value: Value) -> Value {
        if self.ty(value) == ty {
            return value;
        }
        if ty.is_complex() {
            return self.complex_from(ty, value);
        }
        if ty.is_half() || self.ty(value).is_half() {
            return self.convert_half(ty, value);
        }
        self.pure(Key::Convert(ty, value), Inst::Convert(value), ty)
    }

    /// The value's bits as `ty`; itself if it has that type.
    pub fn bitcast(&mut self, ty: Type, value: Value) -> Value {
        if self.ty(value) == ty {
            return value;
        }
        self.pure(Key::Bitcast(ty, value), Inst::Bitcast(value), ty)
    }

    /// The coordinate of the point along a nest axis.
    pub fn axis(&mut self, axis: u32) -> Value {
        self.pure(Key::Axis(axis), Inst::Axis(axis), Type::I64)
    }

    /// An array-level scalar. Slots do not change while a nest with axes runs; in a nest without axes the value is
    /// read anew after each `set_slot`.
    pub fn slot(&mut self, slot: SlotId, ty: Type) -> Value {
        if let Some(slots) = slot.parts() {
            let parts = slots.map(|slot| self.slot(slot, ty.part()));
            return self.pair(parts);
        }
        self.pure(Key::Slot(slot), Inst::Slot(slot), ty)
    }

    /// The extent of an array along an axis.
    pub fn extent(&mut self, array: ArrayId, axis: u32) -> Value {
        self.pure(Key::Extent(array, axis), Inst::Extent(array, axis), Type::I64)
    }

    /// The present value of a local.
    pub fn get(&mut self, local: Local) -> Value {
        if let Some(locals) = local.parts() {
            let parts = locals.map(|local| self.get(local));
            return self.pair(parts);
        }
        let ty = self.lane.locals[local.index()];
        self.effectful(Inst::Local(local), ty)
    }

    /// The element of a view.
    pub fn load(&mut self, view: ViewId, ty: Type) -> Value {
        if let Some(views) = view.parts() {
            let parts = views.map(|view| self.load(view, ty.part()));
            return self.pair(parts);
        }
        self.effectful(Inst::Load(view), ty)
    }

    /// The element at checked indices.
    pub fn load_at(&mut self, array: ArrayId, index: Vec<Value>, ty: Type) -> Value {
        if ty.is_complex() {
            return self.load_pair_at(array, &index, ty);
        }
        self.effectful(Inst::LoadAt(array, index), ty)
    }

    /// Appends a statement. Use [`LaneBuilder::set_slot`] for slots.
    pub fn push(&mut self, stmt: Stmt) {
        if let Some(stmt) = self.complex_stmt(stmt) {
            self.scope().region.push(stmt);
        }
    }

    /// Sets a local.
    pub fn set(&mut self, local: Local, value: Value) {
        self.push(Stmt::Set(local, value));
    }

    /// Sets a slot and forgets what was read from it before.
    pub fn set_slot(&mut self, slot: SlotId, value: Value) {
        if slot.parts().is_some() {
            return self.push(Stmt::SetSlot(slot, value));
        }
        self.push(Stmt::SetSlot(slot, value));
        for scope in &mut self.open {
            scope.known.remove(&Key::Slot(slot));
        }
    }

    /// Opens a region inside the present one.
    pub fn begin(&mut self) {
        self.open.push(Scope::default());
    }

    /// Closes the region opened last and gives it.
    pub fn end(&mut self) -> Region {
        assert!(self.open.len() > 1, "no region to close");
        self.open.pop().map(|scope| scope.region).unwrap_or_default()
    }

    fn scope(&mut self) -> &mut Scope {
        self.open.last_mut().expect("the outermost region stays open until `finish`")
    }

    fn pure(&mut self, key: Key, inst: Inst, ty: Type) -> Value {
        if let Some(value) = self.open.iter().find_map(|scope| scope.known.get(&key)) {
            return *value;
        }
        let value = self.effectful(inst, ty);
        self.scope().known.insert(key, value);
        value
    }

    fn effectful(&mut self, inst: Inst, ty: Type) -> Value {
        let value = Value(self.lane.values.len() as u32);
        self.lane.values.push(inst);
        self.lane.types.push(ty);
        self.push(Stmt::Let(value));
        value
    }
}
