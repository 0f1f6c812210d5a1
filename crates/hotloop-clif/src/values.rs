//! Instructions of a lane: from values of the IR to registers.
//!
//! A value all of whose operands are uniform is computed once, in scalar registers. Otherwise its operands are spread
//! over bundles as needed; what has no vector form is done lane by lane.

use crate::facts::view_uses;
use crate::forms::{Form, Mask, Regs, VECTOR, Val, int_vector, regs_for, scalar_type, signed_type, vector_type};
use crate::func::Func;
use crate::lane::Lane;
use crate::ops::{VectorForm, vector_form};
use crate::parking::Parked;
use crate::ranges::float_range;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use hotloop_ir::{Inst, Op, Scalar, Type, Value};

impl Lane<'_, '_, '_> {
    /// A value computed before.
    pub(crate) fn value(&mut self, value: Value) -> Val {
        match self.values[value.index()] {
            Some(val) => val,
            // Only literals are not kept: each use reads the table anew.
            None => {
                let val = self.inst(value);
                if !matches!(self.code.nest.lane.inst(value), Inst::Const(_)) {
                    self.values[value.index()] = Some(val);
                }
                val
            }
        }
    }

    /// A value that is the same in all lanes.
    pub(crate) fn uniform(&mut self, value: Value) -> clif::Value {
        match self.value(value) {
            Val::Uniform(value) => value,
            Val::Varying(regs) => self.f.lane_of(&regs, self.code.nest.lane.ty(value).bytes(), 0),
            Val::Mask(mask) => self.f.mask_lane(mask, 0),
        }
    }

    /// The literal, if the value is one.
    pub(crate) fn literal(&self, value: Value) -> Option<Scalar> {
        match self.code.nest.lane.inst(value) {
            Inst::Const(scalar) => Some(*scalar),
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) => None,
            Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => None,
        }
    }

    /// A number in all lanes of a bundle.
    pub(crate) fn spread(&mut self, value: Value) -> Regs {
        let ty = self.code.nest.lane.ty(value);
        if let Some(scalar) = self.literal(value) {
            // One load serves all registers of the bundle: loads are as scarce as arithmetic.
            let reg = self.f.constant(Form::vector(ty), scalar.bits);
            return Regs::same(regs_for(self.lanes, ty.bytes()), reg);
        }
        if let Some(regs) = self.splats.get(&value) {
            return *regs;
        }
        match self.value(value) {
            Val::Varying(regs) => regs,
            Val::Uniform(scalar) => {
                let regs = self.f.spread(ty, scalar, self.lanes);
                self.splats.insert(value, regs);
                self.splat_log.push(value);
                regs
            }
            Val::Mask(mask) => self.f.mask_to_numbers(mask, Type::I8, self.lanes),
        }
    }

    /// A number as an operand of an op on bundles.
    fn operand(&mut self, value: Value) -> Operand {
        match self.literal(value) {
            Some(scalar) if regs_for(self.lanes, scalar.ty.bytes()) == 1 || !self.parked.is_empty() => {
                Operand::Literal(scalar.bits)
            }
            Some(_) | None => match self.parked.get(&value) {
                Some(&parked) => Operand::Parked(parked),
                None => Operand::Regs(self.spread(value)),
            },
        }
    }

    /// A bool as a mask of a class.
    pub(crate) fn mask(&mut self, value: Value, class: usize) -> Mask {
        match self.value(value) {
            Val::Mask(mask) => self.f.mask_to(mask, class, self.lanes),
            Val::Uniform(value) => self.f.mask_of(value, class, self.lanes),
            Val::Varying(regs) => Mask { class, regs },
        }
    }

    /// Computes a value.
    pub(crate) fn inst(&mut self, value: Value) -> Val {
        let lane = &self.code.nest.lane;
        let ty = lane.ty(value);
        match lane.inst(value) {
            Inst::Const(scalar) => Val::Uniform(self.f.constant(Form::scalar(ty), scalar.bits)),
            Inst::Op(op, args) => self.apply(*op, *args),
            Inst::Convert(from) => self.convert(*from, ty),
            Inst::Bitcast(from) => self.bitcast(*from, ty),
            Inst::Axis(axis) => self.axis(*axis as usize),
            Inst::Slot(slot) => {
                let word = self.f.layout.slot(*slot);
                Val::Uniform(self.f.word_as(scalar_type(ty), word))
            }
            Inst::Local(local) => self.local(*local, ty),
            Inst::Load(view) => self.load(*view),
            Inst::LoadAt(array, index) => self.load_at(*array, index),
            Inst::Extent(array, axis) => {
                let word = self.f.layout.extent(*array, *axis as usize);
                Val::Uniform(self.f.word(word))
            }
        }
    }

    fn local(&mut self, local: hotloop_ir::Local, ty: Type) -> Val {
        let variables = &self.locals[local.index()];
        if !self.varies_local(local) {
            return Val::Uniform(self.f.b.use_var(variables[0]));
        }
        let regs = Regs::make(variables.len(), |i| self.f.b.use_var(variables[i]));
        if ty == Type::Bool { Val::Mask(Mask { class: self.code.mask_class, regs }) } else { Val::Varying(regs) }
    }

    fn axis(&mut self, axis: usize) -> Val {
        let Some(point) = self.here().filter(|_| Some(axis) == self.code.inner) else {
            return Val::Uniform(self.code.coords[axis]);
        };
        // Turns that are computed together belong to one point.
        if self.lanes == 1 || !self.grouped.is_empty() {
            return Val::Uniform(point);
        }
        Val::Varying(self.numbers_from(point))
    }

    fn is_uniform(&self, value: Value) -> bool {
        match self.values[value.index()] {
            Some(val) => matches!(val, Val::Uniform(_)),
            None => true,
        }
    }

    fn apply(&mut self, op: Op, args: [Value; 3]) -> Val {
        let args = &args[..op.arity()];
        let ty = self.code.nest.lane.ty(args[args.len() - 1]);
        if args.iter().all(|arg| self.is_uniform(*arg)) {
            let mut scalars = [clif::Value::from_u32(0); 3];
            for (scalar, arg) in scalars.iter_mut().zip(args) {
                *scalar = self.uniform(*arg);
            }
            return Val::Uniform(self.scalar_op(op, ty, args, scalars));
        }
        if op == Op::Select {
            return self.select(args);
        }
        if ty == Type::Bool {
            return self.mask_op(op, args);
        }
        match vector_form(op) {
            VectorForm::Divided => {
                let [a, b] = [args[0], args[1]].map(|arg| self.spread(arg));
                Val::Varying(self.f.divide_bundles(op, ty, [&a, &b], self.lanes))
            }
            VectorForm::UniformCount if self.is_uniform(args[1]) => self.shift_bundle(op == Op::Shl, ty, args),
            VectorForm::UniformCount => self.lane_by_lane(op, args),
            VectorForm::Whole => self.bundle_op(op, ty, args),
        }
    }

    fn scalar_op(&mut self, op: Op, ty: Type, args: &[Value], scalars: [clif::Value; 3]) -> clif::Value {
        let form = Form::scalar(ty);
        if op == Op::Ldexp
            && let Some(whole) = self.small_power(ty, args[1])
        {
            return self.f.ldexp_small(form, scalars[0], scalars[1], whole);
        }
        self.f.op(op, form, scalars)
    }

    /// Whether a power is known to be NaN or small enough for one multiplication, and then whether it is whole.
    fn small_power(&self, ty: Type, power: Value) -> Option<bool> {
        let range = float_range(&self.code.nest.lane, power)?;
        let (least, most) = Func::small_powers(ty);
        (range.least.floor() >= least && range.most <= most).then_some(range.whole)
    }

    fn bundle_op(&mut self, op: Op, ty: Type, args: &[Value]) -> Val {
        let form = Form::vector(ty);
        let operands: Vec<Operand> = args.iter().map(|arg| self.operand(*arg)).collect();
        let small = if op == Op::Ldexp { self.small_power(ty, args[1]) } else { None };
        let regs = Regs::make(regs_for(self.lanes, ty.bytes()), |i| {
            let mut regs = [clif::Value::from_u32(0); 3];
            for (reg, operand) in regs.iter_mut().zip(&operands) {
                *reg = operand.reg(self.f, form, i);
            }
            match small {
                Some(whole) => self.f.ldexp_small(form, regs[0], regs[1], whole),
                None => self.f.op(op, form, regs),
            }
        });
        if op.result(ty) == Type::Bool { Val::Mask(Mask { class: ty.bytes(), regs }) } else { Val::Varying(regs) }
    }

    fn shift_bundle(&mut self, left: bool, ty: Type, args: &[Value]) -> Val {
        let regs = self.spread(args[0]);
        if let Some(count) = self.literal(args[1]) {
            let shifted = Regs::make(regs.len(), |i| self.f.shift_const(left, ty, regs[i], count.as_i128()));
            return Val::Varying(shifted);
        }
        let count = self.uniform(args[1]);
        Val::Varying(Regs::make(regs.len(), |i| self.f.shift_all(left, ty, regs[i], count)))
    }

    /// The class of the first operand that is a mask already.
    fn class_of(&mut self, args: &[Value]) -> usize {
        for arg in args {
            if let Some(Val::Mask(mask)) = self.values[arg.index()] {
                return mask.class;
            }
        }
        self.code.mask_class
    }

    fn mask_op(&mut self, op: Op, args: &[Value]) -> Val {
        let class = self.class_of(args);
        let a = self.mask(args[0], class);
        if op == Op::Unlikely {
            return Val::Mask(a);
        }
        if op == Op::Not {
            return Val::Mask(self.f.mask_not(a));
        }
        let b = self.mask(args[1], class);
        let bits = match op {
            Op::Eq | Op::Ne => Op::Xor,
            other => other,
        };
        let form = Form::vector(signed_type(class));
        let regs = Regs::make(a.regs.len(), |i| self.f.op(bits, form, [a.regs[i], b.regs[i], b.regs[i]]));
        let mask = Mask { class, regs };
        Val::Mask(if op == Op::Eq { self.f.mask_not(mask) } else { mask })
    }

    fn select(&mut self, args: &[Value]) -> Val {
        let ty = self.code.nest.lane.ty(args[1]);
        if ty == Type::Bool {
            let class = self.class_of(args);
            let (cond, a, b) = (self.mask(args[0], class), self.mask(args[1], class), self.mask(args[2], class));
            let form = Form::vector(signed_type(class));
            let regs = Regs::make(a.regs.len(), |i| self.f.blend(form, cond.regs[i], a.regs[i], b.regs[i]));
            return Val::Mask(Mask { class, regs });
        }
        let cond = self.mask(args[0], ty.bytes());
        let form = Form::vector(ty);
        // Zero on one side makes the choice a mask.
        let is_zero = |lane: &Self, arg| lane.literal(arg).is_some_and(|scalar| scalar.bits == 0);
        if is_zero(self, args[2]) {
            let a = self.operand(args[1]);
            return Val::Varying(Regs::make(cond.regs.len(), |i| {
                let (cond, a) = (self.f.cast(form.clif(), cond.regs[i]), a.reg(self.f, form, i));
                self.f.b.ins().band(cond, a)
            }));
        }
        let (a, b) = (self.operand(args[1]), self.operand(args[2]));
        Val::Varying(Regs::make(cond.regs.len(), |i| {
            let (a, b) = (a.reg(self.f, form, i), b.reg(self.f, form, i));
            self.f.blend(form, cond.regs[i], a, b)
        }))
    }

    fn lane_by_lane(&mut self, op: Op, args: &[Value]) -> Val {
        let ty = self.code.nest.lane.ty(args[args.len() - 1]);
        let elements: Vec<clif::Value> = (0..self.lanes)
            .map(|lane| {
                let mut scalars = [clif::Value::from_u32(0); 3];
                for (scalar, arg) in scalars.iter_mut().zip(args) {
                    *scalar = self.element(*arg, lane);
                }
                self.f.op(op, Form::scalar(ty), scalars)
            })
            .collect();
        self.f.collect(op.result(ty), &elements)
    }

    /// The value of one lane.
    pub(crate) fn element(&mut self, value: Value, lane: usize) -> clif::Value {
        match self.value(value) {
            Val::Uniform(scalar) => scalar,
            Val::Varying(regs) => self.f.lane_of(&regs, self.code.nest.lane.ty(value).bytes(), lane),
            Val::Mask(mask) => self.f.mask_lane(mask, lane),
        }
    }

    fn convert(&mut self, from: Value, to: Type) -> Val {
        let source = self.code.nest.lane.ty(from);
        match self.value(from) {
            Val::Uniform(scalar) => Val::Uniform(self.f.convert(source, to, scalar)),
            Val::Mask(mask) if to == Type::Bool => Val::Mask(mask),
            Val::Mask(mask) => Val::Varying(self.f.mask_to_numbers(mask, to, self.lanes)),
            Val::Varying(regs) => match self.f.vector_convert(source, to, &regs, self.lanes) {
                Some(regs) => Val::Varying(regs),
                None => {
                    let elements: Vec<clif::Value> = (0..self.lanes)
                        .map(|lane| {
                            let element = self.f.lane_of(&regs, source.bytes(), lane);
                            self.f.convert(source, to, element)
                        })
                        .collect();
                    self.f.collect(to, &elements)
                }
            },
        }
    }

    fn bitcast(&mut self, from: Value, to: Type) -> Val {
        match self.value(from) {
            Val::Uniform(scalar) => Val::Uniform(self.f.cast(scalar_type(to), scalar)),
            Val::Varying(regs) => Val::Varying(Regs::make(regs.len(), |i| self.f.cast(vector_type(to), regs[i]))),
            Val::Mask(mask) => Val::Mask(mask),
        }
    }

    /// Whether a view moves along the vector axis.
    pub(crate) fn moves(&self, view: hotloop_ir::ViewId) -> bool {
        self.lanes > 1 && self.code.inner.is_some_and(|inner| view_uses(self.code.nest, view, inner))
    }
}

/// An operand of an op on bundles. A literal that is used once is read from the table there, where it costs no register;
/// what has been put away is read back.
enum Operand {
    Regs(Regs),
    Literal(u64),
    Parked(Parked),
}

impl Operand {
    fn reg(&self, f: &mut Func<'_>, form: Form, index: usize) -> clif::Value {
        match self {
            Operand::Regs(regs) => regs[index],
            Operand::Literal(bits) => f.constant(form, *bits),
            Operand::Parked(parked) => parked.read(f, form.clif(), index),
        }
    }
}

impl Func<'_> {
    /// A scalar in all lanes of a bundle.
    pub(crate) fn spread(&mut self, ty: Type, scalar: clif::Value, lanes: usize) -> Regs {
        let reg = self.splat(ty, scalar);
        Regs::same(regs_for(lanes, ty.bytes()), reg)
    }

    /// A bundle from its elements; bools become a mask.
    pub(crate) fn collect(&mut self, ty: Type, elements: &[clif::Value]) -> Val {
        let mut regs = Vec::new();
        elements.iter().for_each(|&element| self.put(ty, &mut regs, element));
        self.filled(ty, &regs, elements.len())
    }

    /// Puts the next element of a bundle into its register.
    pub(crate) fn put(&mut self, ty: Type, regs: &mut Vec<(clif::Value, usize)>, element: clif::Value) {
        match regs.last_mut() {
            Some((reg, filled)) if *filled < VECTOR / ty.bytes() => {
                *reg = self.b.ins().insertlane(*reg, element, *filled as u8);
                *filled += 1;
            }
            Some(_) | None => regs.push((self.b.ins().splat(vector_type(ty), element), 1)),
        }
    }

    /// The bundle whose elements have been put into registers.
    pub(crate) fn filled(&mut self, ty: Type, regs: &[(clif::Value, usize)], lanes: usize) -> Val {
        let regs = Regs::make(regs_for(lanes, ty.bytes()), |i| regs[i].0);
        if ty == Type::Bool { Val::Mask(self.bytes_to_mask(&regs)) } else { Val::Varying(regs) }
    }

    /// Bytes that are not 0 as a mask.
    pub(crate) fn bytes_to_mask(&mut self, bytes: &Regs) -> Mask {
        let ty = int_vector(1);
        let regs = Regs::make(bytes.len(), |i| {
            let zero = self.zero(ty);
            let unset = self.b.ins().icmp(IntCC::Equal, bytes[i], zero);
            self.b.ins().bnot(unset)
        });
        Mask { class: 1, regs }
    }
}
