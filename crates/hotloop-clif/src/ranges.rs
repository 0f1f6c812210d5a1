//! What is known of the range of a float, from the literals it was clamped with.
//!
//! Only `ldexp` asks: a power known to be small takes one multiplication instead of three. The literals that it may come
//! upon decide the code; all other float literals are read from the constant table.

use hotloop_ir::{Class, Inst, Lane, Op, Value};

/// A value is NaN or lies within these bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FloatRange {
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Whether it is a whole number.
    pub(crate) whole: bool,
}

/// How far the search goes.
const MAX_STEPS: usize = 12;

/// The range of a float, if it has finite bounds.
pub(crate) fn float_range(lane: &Lane, value: Value) -> Option<FloatRange> {
    let range = search(lane, value, MAX_STEPS, &mut |_| ());
    (range.least.is_finite() && range.most.is_finite()).then_some(range)
}

/// Which of a lane's values are not literals that decide the code.
pub(crate) fn decide_nothing(lane: &Lane) -> Vec<bool> {
    let mut free = vec![true; lane.values.len()];
    for inst in &lane.values {
        if let Inst::Op(Op::Ldexp, args) = inst {
            for arg in args {
                search(lane, *arg, MAX_STEPS, &mut |value| free[value.index()] = false);
            }
        }
    }
    free
}

const ANY: FloatRange = FloatRange { least: f64::NEG_INFINITY, most: f64::INFINITY, whole: false };

/// `seen` is told of every literal on the way.
fn search(lane: &Lane, value: Value, steps: usize, seen: &mut dyn FnMut(Value)) -> FloatRange {
    if steps == 0 || !lane.ty(value).is_float() {
        return ANY;
    }
    match lane.inst(value) {
        Inst::Const(scalar) => {
            seen(value);
            let number = scalar.as_f64();
            if number.is_nan() {
                return ANY;
            }
            FloatRange { least: number, most: number, whole: number.fract() == 0.0 }
        }
        Inst::Op(op, args) => of_op(lane, *op, *args, steps - 1, seen),
        Inst::Convert(from) => of_convert(lane, *from, steps - 1, seen),
        Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) => ANY,
        Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => ANY,
    }
}

fn of_convert(lane: &Lane, from: Value, steps: usize, seen: &mut dyn FnMut(Value)) -> FloatRange {
    let ty = lane.ty(from);
    match ty.class() {
        Class::Float => search(lane, from, steps, seen),
        Class::Half | Class::Complex => ANY,
        Class::Bool => FloatRange { least: 0.0, most: 1.0, whole: true },
        Class::Signed => {
            let most = (ty.bits() as f64 - 1.0).exp2();
            FloatRange { least: -most, most, whole: true }
        }
        Class::Unsigned => FloatRange { least: 0.0, most: (ty.bits() as f64).exp2(), whole: true },
    }
}

fn of_op(lane: &Lane, op: Op, args: [Value; 3], steps: usize, seen: &mut dyn FnMut(Value)) -> FloatRange {
    let mut arg = |index: usize| search(lane, args[index], steps, seen);
    match op {
        Op::Round | Op::Floor | Op::Ceil | Op::Trunc => {
            let range = arg(0);
            FloatRange { least: range.least.floor(), most: range.most.ceil(), whole: true }
        }
        Op::Min => {
            let (a, b) = (arg(0), arg(1));
            FloatRange { least: a.least.min(b.least), most: a.most.min(b.most), whole: a.whole && b.whole }
        }
        Op::Max => {
            let (a, b) = (arg(0), arg(1));
            FloatRange { least: a.least.max(b.least), most: a.most.max(b.most), whole: a.whole && b.whole }
        }
        Op::Select => {
            let (a, b) = (arg(1), arg(2));
            FloatRange { least: a.least.min(b.least), most: a.most.max(b.most), whole: a.whole && b.whole }
        }
        Op::Neg => {
            let range = arg(0);
            FloatRange { least: -range.most, most: -range.least, whole: range.whole }
        }
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::FloorRem | Op::Abs | Op::Sqrt | Op::Fma => ANY,
        Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant | Op::And | Op::Or | Op::Xor | Op::Not | Op::Unlikely => {
            ANY
        }
        Op::Shl | Op::Shr | Op::Eq | Op::Ne | Op::Lt | Op::Le => ANY,
    }
}
