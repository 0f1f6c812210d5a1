//! Core ops on one register, scalar or vector. Bundles and masks are put together in `values`.
//!
//! `vector_form` is the table of what has a vector form; the rest is done lane by lane with the scalar one. Comparisons
//! give a bool (scalar) or integers that are all ones or all zeros (vector). `select` stands in `values`.

use crate::forms::{Form, int_vector};
use crate::func::Func;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use hotloop_ir::{Class, Op, Type};

/// How an op is done on a vector register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorForm {
    /// In vector registers.
    Whole,
    /// In vector registers if the second operand is the same in all lanes, lane by lane if not.
    UniformCount,
    /// Lane by lane.
    Lanes,
}

/// How an op on operands of type `ty` is done on a vector register.
pub const fn vector_form(op: Op, ty: Type) -> VectorForm {
    match op {
        Op::FloorDiv | Op::FloorRem => VectorForm::Lanes,
        Op::Shl | Op::Shr => VectorForm::UniformCount,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Abs | Op::Min | Op::Max => VectorForm::Whole,
        Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Copysign => VectorForm::Whole,
        Op::Ldexp | Op::Getexp | Op::Getmant => VectorForm::Whole,
        Op::And | Op::Or | Op::Xor | Op::Not => VectorForm::Whole,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select => {
            let _ = ty;
            VectorForm::Whole
        }
    }
}

/// The bits of a float type that its ops need.
#[derive(Clone, Copy)]
pub(crate) struct FloatBits {
    /// The sign bit.
    pub(crate) sign: u64,
    /// Infinity.
    pub(crate) infinity: u64,
    /// One.
    pub(crate) one: u64,
}

impl FloatBits {
    /// Those of a float type.
    pub(crate) const fn of(ty: Type) -> FloatBits {
        if ty.bytes() == 4 {
            FloatBits { sign: 1 << 31, infinity: 0x7f80_0000, one: 0x3f80_0000 }
        } else {
            FloatBits { sign: 1 << 63, infinity: 0x7ff0 << 48, one: 0x3ff0 << 48 }
        }
    }
}

impl Func<'_> {
    /// An op on one register. A vector register takes only ops whose `vector_form` is `Whole`.
    pub(crate) fn op(&mut self, op: Op, form: Form, [a, b, c]: [clif::Value; 3]) -> clif::Value {
        match op {
            Op::Eq | Op::Ne | Op::Lt | Op::Le => self.compare(op, form, a, b),
            Op::Add | Op::Sub | Op::Mul | Op::Neg | Op::Abs | Op::Min | Op::Max => match form.ty.class() {
                Class::Float => self.float_op(op, form, [a, b, c]),
                Class::Bool | Class::Signed | Class::Unsigned => self.int_op(op, form, a, b),
            },
            Op::Div | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Copysign => {
                self.float_op(op, form, [a, b, c])
            }
            Op::Ldexp => self.ldexp(form, a, b),
            Op::Getexp => self.getexp(form, a),
            Op::Getmant => self.getmant(form, a),
            Op::FloorDiv | Op::FloorRem => self.floor_divide(op, form.ty, a, b),
            Op::And | Op::Or | Op::Xor | Op::Not => self.bit_op(op, form, a, b),
            Op::Shl | Op::Shr => self.shift(op, form.ty, a, b),
            Op::Select => self.choose(form, a, b, c),
        }
    }

    fn int_op(&mut self, op: Op, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let signed = form.ty.is_signed();
        match op {
            Op::Add => self.b.ins().iadd(a, b),
            Op::Sub => self.b.ins().isub(a, b),
            Op::Mul if form.clif() == types::I8X16 => self.multiply_bytes(a, b),
            Op::Mul => self.b.ins().imul(a, b),
            Op::Neg if form.vector => {
                let zero = self.zero(form.clif());
                self.b.ins().isub(zero, a)
            }
            Op::Neg => self.b.ins().ineg(a),
            Op::Abs if signed => self.b.ins().iabs(a),
            Op::Abs => a,
            Op::Min if signed => self.b.ins().smin(a, b),
            Op::Min => self.b.ins().umin(a, b),
            Op::Max if signed => self.b.ins().smax(a, b),
            Op::Max => self.b.ins().umax(a, b),
            Op::Div | Op::FloorDiv | Op::FloorRem | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc => a,
            Op::Round | Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant | Op::And | Op::Or | Op::Xor => a,
            Op::Not | Op::Shl | Op::Shr | Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select => a,
        }
    }

    /// No vector multiplication of bytes exists: the halves are multiplied as 16-bit integers.
    fn multiply_bytes(&mut self, a: clif::Value, b: clif::Value) -> clif::Value {
        let (a_low, a_high) = (self.b.ins().swiden_low(a), self.b.ins().swiden_high(a));
        let (b_low, b_high) = (self.b.ins().swiden_low(b), self.b.ins().swiden_high(b));
        let low = self.b.ins().imul(a_low, b_low);
        let high = self.b.ins().imul(a_high, b_high);
        self.narrow_wrapping(2, low, high)
    }

    fn float_op(&mut self, op: Op, form: Form, [a, b, c]: [clif::Value; 3]) -> clif::Value {
        let bits = FloatBits::of(form.ty);
        match op {
            Op::Add => self.b.ins().fadd(a, b),
            Op::Sub => self.b.ins().fsub(a, b),
            Op::Mul => self.b.ins().fmul(a, b),
            Op::Div => self.b.ins().fdiv(a, b),
            Op::Neg if form.vector => {
                let sign = self.constant(form, bits.sign);
                self.b.ins().bxor(a, sign)
            }
            Op::Neg => self.b.ins().fneg(a),
            Op::Abs if form.vector => {
                let magnitude = self.constant(form, !bits.sign & form.ty.mask());
                self.b.ins().band(a, magnitude)
            }
            Op::Abs => self.b.ins().fabs(a),
            Op::Min if form.vector => self.vector_min(form, a, b),
            Op::Min => self.b.ins().fmin(a, b),
            Op::Max if form.vector => self.vector_max(form, a, b),
            Op::Max => self.b.ins().fmax(a, b),
            Op::Sqrt => self.b.ins().sqrt(a),
            Op::Fma => self.b.ins().fma(a, b, c),
            Op::Floor => self.b.ins().floor(a),
            Op::Ceil => self.b.ins().ceil(a),
            Op::Trunc => self.b.ins().trunc(a),
            Op::Round => self.b.ins().nearest(a),
            Op::Copysign if form.vector => self.copy_sign(form, a, b),
            Op::Copysign => self.b.ins().fcopysign(a, b),
            Op::FloorDiv | Op::FloorRem | Op::Ldexp | Op::Getexp | Op::Getmant | Op::And | Op::Or | Op::Xor => a,
            Op::Not | Op::Shl | Op::Shr | Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select => a,
        }
    }

    /// Both orders of the x86 minimum, which gives its second operand for NaN and for zeros, joined by `or`: -0 wins
    /// over +0, and a NaN joined with anything stays one.
    fn vector_min(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let one = self.lesser(form, a, b);
        let other = self.lesser(form, b, a);
        self.b.ins().bor(one, other)
    }

    /// As `vector_min`, joined by `and`, which makes +0 win but could lose a NaN: those are put back.
    fn vector_max(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let one = self.greater(form, a, b);
        let other = self.greater(form, b, a);
        let both = self.b.ins().band(one, other);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, a, b);
        let nan = self.cast(form.clif(), nan);
        self.b.ins().bor(both, nan)
    }

    /// `a < b ? a : b`, spelled as Cranelift recognizes it.
    fn lesser(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let less = self.b.ins().fcmp(FloatCC::LessThan, a, b);
        let less = self.cast(form.clif(), less);
        self.b.ins().bitselect(less, a, b)
    }

    /// `b < a ? a : b`, spelled as Cranelift recognizes it.
    fn greater(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let less = self.b.ins().fcmp(FloatCC::LessThan, b, a);
        let less = self.cast(form.clif(), less);
        self.b.ins().bitselect(less, a, b)
    }

    fn copy_sign(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        let bits = FloatBits::of(form.ty);
        let magnitude = self.constant(form, !bits.sign & form.ty.mask());
        let magnitude = self.b.ins().band(a, magnitude);
        let sign = self.constant(form, bits.sign);
        let sign = self.b.ins().band(b, sign);
        self.b.ins().bor(magnitude, sign)
    }

    fn bit_op(&mut self, op: Op, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        match op {
            Op::And => self.b.ins().band(a, b),
            Op::Or => self.b.ins().bor(a, b),
            Op::Xor => self.b.ins().bxor(a, b),
            _ if form.ty == Type::Bool => self.b.ins().bxor_imm_u(a, 1),
            _ => self.b.ins().bnot(a),
        }
    }

    fn compare(&mut self, op: Op, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        if form.ty.is_float() {
            return self.b.ins().fcmp(float_order(op), a, b);
        }
        self.b.ins().icmp(int_order(op, form.ty), a, b)
    }

    /// `cond ? a : b` on one register; `cond` is what a comparison in the same form gives.
    ///
    /// A scalar float is chosen in integer registers: the choice between float registers would be a branch.
    pub(crate) fn choose(&mut self, form: Form, cond: clif::Value, a: clif::Value, b: clif::Value) -> clif::Value {
        if form.vector {
            return self.blend(form, cond, a, b);
        }
        if !form.ty.is_float() {
            return self.b.ins().select(cond, a, b);
        }
        let (a, b) = (self.cast(form.ints(), a), self.cast(form.ints(), b));
        let chosen = self.b.ins().select(cond, a, b);
        self.cast(form.clif(), chosen)
    }

    /// `cond ? a : b` per lane, where the lanes of `cond` are all ones or all zeros.
    pub(crate) fn blend(&mut self, form: Form, cond: clif::Value, a: clif::Value, b: clif::Value) -> clif::Value {
        if cfg!(not(target_arch = "x86_64")) {
            let cond = self.cast(form.clif(), cond);
            return self.b.ins().bitselect(cond, a, b);
        }
        let ty = if form.ty.bytes() == 2 { types::I8X16 } else { int_vector(form.ty.bytes()) };
        let (cond, a, b) = (self.cast(ty, cond), self.cast(ty, a), self.cast(ty, b));
        let blended = self.b.ins().blendv(cond, a, b);
        self.cast(form.clif(), blended)
    }

    /// Integer division on scalars. The divisor is made 1 where the machine would trap: for 0 and for -1, by which the
    /// smallest integer cannot be divided.
    fn floor_divide(&mut self, op: Op, ty: Type, a: clif::Value, b: clif::Value) -> clif::Value {
        let form = Form::scalar(ty);
        let zero = self.constant(form, 0);
        let one = self.constant(form, 1);
        let by_zero = self.b.ins().icmp(IntCC::Equal, b, zero);
        if !ty.is_signed() {
            let divisor = self.b.ins().select(by_zero, one, b);
            if op == Op::FloorRem {
                return self.b.ins().urem(a, divisor);
            }
            let quotient = self.b.ins().udiv(a, divisor);
            return self.b.ins().select(by_zero, zero, quotient);
        }
        let minus_one = self.constant(form, ty.mask());
        let negate = self.b.ins().icmp(IntCC::Equal, b, minus_one);
        let special = self.b.ins().bor(by_zero, negate);
        let divisor = self.b.ins().select(special, one, b);
        let quotient = self.b.ins().sdiv(a, divisor);
        let product = self.b.ins().imul(quotient, divisor);
        let rest = self.b.ins().isub(a, product);
        // The machine truncates: where the rest has the other sign than the divisor, the floor is one less.
        let unequal = self.b.ins().icmp(IntCC::NotEqual, rest, zero);
        let signs = self.b.ins().bxor(rest, divisor);
        let differ = self.b.ins().icmp(IntCC::SignedLessThan, signs, zero);
        let adjust = self.b.ins().band(unequal, differ);
        if op == Op::FloorRem {
            let moved = self.b.ins().iadd(rest, divisor);
            return self.b.ins().select(adjust, moved, rest);
        }
        let lower = self.b.ins().isub(quotient, one);
        let quotient = self.b.ins().select(adjust, lower, quotient);
        let negated = self.b.ins().ineg(a);
        let quotient = self.b.ins().select(negate, negated, quotient);
        self.b.ins().select(by_zero, zero, quotient)
    }

    /// A shift of a scalar. The machine takes the count modulo the width, so others are put right.
    fn shift(&mut self, op: Op, ty: Type, a: clif::Value, count: clif::Value) -> clif::Value {
        let form = Form::scalar(ty);
        let bits = self.constant(form, u64::from(ty.bits()));
        let in_range = self.b.ins().icmp(IntCC::UnsignedLessThan, count, bits);
        if op == Op::Shr && ty.is_signed() {
            let most = self.constant(form, u64::from(ty.bits() - 1));
            let count = self.b.ins().select(in_range, count, most);
            return self.b.ins().sshr(a, count);
        }
        let shifted = match op {
            Op::Shl => self.b.ins().ishl(a, count),
            _ => self.b.ins().ushr(a, count),
        };
        let zero = self.constant(form, 0);
        self.b.ins().select(in_range, shifted, zero)
    }

    /// A shift of vector registers by one count for all lanes, a scalar of the same type.
    pub(crate) fn shift_all(&mut self, op: Op, ty: Type, a: clif::Value, count: clif::Value) -> clif::Value {
        let scalar = Form::scalar(ty);
        let bits = self.constant(scalar, u64::from(ty.bits()));
        let in_range = self.b.ins().icmp(IntCC::UnsignedLessThan, count, bits);
        if op == Op::Shr && ty.is_signed() {
            let most = self.constant(scalar, u64::from(ty.bits() - 1));
            let count = self.b.ins().select(in_range, count, most);
            return self.b.ins().sshr(a, count);
        }
        let shifted = match op {
            Op::Shl => self.b.ins().ishl(a, count),
            _ => self.b.ins().ushr(a, count),
        };
        let keep = self.splat_bool(ty.bytes(), in_range);
        self.b.ins().band(shifted, keep)
    }

    /// A shift of vector registers by a count known now and as given, whatever its value.
    pub(crate) fn shift_const(&mut self, op: Op, ty: Type, a: clif::Value, count: i128) -> clif::Value {
        let width = i128::from(ty.bits());
        let fits = (0..width).contains(&count);
        match op {
            Op::Shl if fits => self.b.ins().ishl_imm_u(a, count as i64),
            Op::Shr if ty.is_signed() => self.b.ins().sshr_imm_u(a, if fits { count as i64 } else { width as i64 - 1 }),
            Op::Shr if fits => self.b.ins().ushr_imm_u(a, count as i64),
            _ => self.zero(int_vector(ty.bytes())),
        }
    }
}

fn float_order(op: Op) -> FloatCC {
    match op {
        Op::Eq => FloatCC::Equal,
        Op::Ne => FloatCC::NotEqual,
        Op::Lt => FloatCC::LessThan,
        _ => FloatCC::LessThanOrEqual,
    }
}

fn int_order(op: Op, ty: Type) -> IntCC {
    match (op, ty.is_signed()) {
        (Op::Eq, _) => IntCC::Equal,
        (Op::Ne, _) => IntCC::NotEqual,
        (Op::Lt, true) => IntCC::SignedLessThan,
        (Op::Lt, false) => IntCC::UnsignedLessThan,
        (_, true) => IntCC::SignedLessThanOrEqual,
        (_, false) => IntCC::UnsignedLessThanOrEqual,
    }
}
