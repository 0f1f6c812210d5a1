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
    /// By floats, and lane by lane where a number has no room in one.
    Divided,
}

/// How an op is done on vector registers.
pub const fn vector_form(op: Op) -> VectorForm {
    match op {
        Op::FloorDiv | Op::FloorRem => VectorForm::Divided,
        Op::Shl | Op::Shr => VectorForm::UniformCount,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Neg | Op::Abs | Op::Min | Op::Max => VectorForm::Whole,
        Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Copysign => VectorForm::Whole,
        Op::Ldexp | Op::Getexp | Op::Getmant => VectorForm::Whole,
        Op::And | Op::Or | Op::Xor | Op::Not | Op::Unlikely => VectorForm::Whole,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select => VectorForm::Whole,
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
        let float = form.ty.is_float();
        let signed = form.ty.is_signed();
        match op {
            Op::Add if float => self.b.ins().fadd(a, b),
            Op::Add => self.b.ins().iadd(a, b),
            Op::Sub if float => self.b.ins().fsub(a, b),
            Op::Sub => self.b.ins().isub(a, b),
            Op::Mul if float => self.b.ins().fmul(a, b),
            Op::Mul if form.clif() == types::I8X16 => self.multiply_bytes(a, b),
            Op::Mul => self.b.ins().imul(a, b),
            Op::Div => self.b.ins().fdiv(a, b),
            Op::Neg => self.negate(form, a),
            Op::Abs if float => self.magnitude(form, a),
            Op::Abs if signed => self.b.ins().iabs(a),
            Op::Abs => a,
            Op::Min if float && form.vector => self.vector_min(form, a, b),
            Op::Min if float => self.b.ins().fmin(a, b),
            Op::Min if signed => self.b.ins().smin(a, b),
            Op::Min => self.b.ins().umin(a, b),
            Op::Max if float && form.vector => self.vector_max(form, a, b),
            Op::Max if float => self.b.ins().fmax(a, b),
            Op::Max if signed => self.b.ins().smax(a, b),
            Op::Max => self.b.ins().umax(a, b),
            Op::Sqrt => self.b.ins().sqrt(a),
            Op::Fma => self.fused(a, b, c),
            Op::Floor => self.b.ins().floor(a),
            Op::Ceil => self.b.ins().ceil(a),
            Op::Trunc => self.b.ins().trunc(a),
            Op::Round => self.b.ins().nearest(a),
            Op::Copysign => self.copy_sign(form, a, b),
            Op::Ldexp => self.ldexp(form, a, b),
            Op::Getexp => self.getexp(form, a),
            Op::Getmant => self.getmant(form, a),
            Op::FloorDiv => self.floor_quotient(form.ty, a, b),
            Op::FloorRem => self.floor_rest(form.ty, a, b),
            Op::And => self.b.ins().band(a, b),
            Op::Or => self.b.ins().bor(a, b),
            Op::Xor => self.b.ins().bxor(a, b),
            Op::Not if form.ty == Type::Bool => self.b.ins().bxor_imm_u(a, 1),
            Op::Not => self.b.ins().bnot(a),
            Op::Unlikely => a,
            Op::Shl => self.shift_left(form.ty, a, b),
            Op::Shr => self.shift_right(form.ty, a, b),
            Op::Eq => self.compare(form, (FloatCC::Equal, IntCC::Equal, IntCC::Equal), a, b),
            Op::Ne => self.compare(form, (FloatCC::NotEqual, IntCC::NotEqual, IntCC::NotEqual), a, b),
            Op::Lt => self.compare(form, (FloatCC::LessThan, IntCC::SignedLessThan, IntCC::UnsignedLessThan), a, b),
            Op::Le => {
                let orders = (FloatCC::LessThanOrEqual, IntCC::SignedLessThanOrEqual, IntCC::UnsignedLessThanOrEqual);
                self.compare(form, orders, a, b)
            }
            Op::Select => self.choose(form, a, b, c),
        }
    }

    /// A comparison, by the orders for floats, signed and unsigned integers.
    fn compare(
        &mut self,
        form: Form,
        (float, signed, unsigned): (FloatCC, IntCC, IntCC),
        a: clif::Value,
        b: clif::Value,
    ) -> clif::Value {
        match form.ty.class() {
            Class::Float | Class::Complex => self.b.ins().fcmp(float, a, b),
            Class::Signed => self.b.ins().icmp(signed, a, b),
            Class::Unsigned | Class::Bool | Class::Half => self.b.ins().icmp(unsigned, a, b),
        }
    }

    fn negate(&mut self, form: Form, a: clif::Value) -> clif::Value {
        match (form.ty.is_float(), form.vector) {
            (true, true) => {
                let sign = self.constant(form, FloatBits::of(form.ty).sign);
                let negative = self.b.ins().bxor(a, sign);
                self.negatives.insert(negative, a);
                negative
            }
            (true, false) => self.b.ins().fneg(a),
            (false, true) => {
                let zero = self.zero(form.clif());
                self.b.ins().isub(zero, a)
            }
            (false, false) => self.b.ins().ineg(a),
        }
    }

    /// `a * b + c`. Instructions exist that negate operands on their way in; Cranelift picks them where it sees its own
    /// negation, which costs two instructions by itself and is therefore written nowhere else.
    fn fused(&mut self, a: clif::Value, b: clif::Value, c: clif::Value) -> clif::Value {
        let [a, b, c] = [a, b, c].map(|operand| match self.negatives.get(&operand) {
            Some(&positive) => self.b.ins().fneg(positive),
            None => operand,
        });
        self.b.ins().fma(a, b, c)
    }

    /// The magnitude of a float.
    pub(crate) fn magnitude(&mut self, form: Form, a: clif::Value) -> clif::Value {
        if !form.vector {
            return self.b.ins().fabs(a);
        }
        let mask = self.constant(form, !FloatBits::of(form.ty).sign & form.ty.mask());
        self.b.ins().band(a, mask)
    }

    /// No vector multiplication of bytes exists: the halves are multiplied as 16-bit integers.
    fn multiply_bytes(&mut self, a: clif::Value, b: clif::Value) -> clif::Value {
        let (a_low, a_high) = (self.b.ins().swiden_low(a), self.b.ins().swiden_high(a));
        let (b_low, b_high) = (self.b.ins().swiden_low(b), self.b.ins().swiden_high(b));
        let low = self.b.ins().imul(a_low, b_low);
        let high = self.b.ins().imul(a_high, b_high);
        self.narrow_wrapping(2, low, high)
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
        if !form.vector {
            return self.b.ins().fcopysign(a, b);
        }
        let magnitude = self.magnitude(form, a);
        let sign = self.constant(form, FloatBits::of(form.ty).sign);
        let sign = self.b.ins().band(b, sign);
        self.b.ins().bor(magnitude, sign)
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

    /// Whether a count is less than the width. The machine takes counts modulo the width, so others are put right.
    fn count_fits(&mut self, ty: Type, count: clif::Value) -> clif::Value {
        let bits = self.constant(Form::scalar(ty), u64::from(ty.bits()));
        self.b.ins().icmp(IntCC::UnsignedLessThan, count, bits)
    }

    /// A count made at most the width less 1: all fill, for a signed shift to the right.
    fn largest_count(&mut self, ty: Type, count: clif::Value) -> clif::Value {
        let fits = self.count_fits(ty, count);
        let most = self.constant(Form::scalar(ty), u64::from(ty.bits() - 1));
        self.b.ins().select(fits, count, most)
    }

    /// A shift count that is known now and less than the width.
    fn known_count(&self, ty: Type, count: clif::Value) -> Option<i64> {
        let def = self.b.func.dfg.value_def(count).inst()?;
        match self.b.func.dfg.insts[def] {
            clif::InstructionData::UnaryImm { opcode: clif::Opcode::Iconst, imm } => {
                Some(imm.bits()).filter(|count| (0..i64::from(ty.bits())).contains(count))
            }
            _ => None,
        }
    }

    fn shift_left(&mut self, ty: Type, a: clif::Value, count: clif::Value) -> clif::Value {
        if let Some(count) = self.known_count(ty, count) {
            return self.b.ins().ishl_imm_u(a, count);
        }
        let fits = self.count_fits(ty, count);
        let shifted = self.b.ins().ishl(a, count);
        let zero = self.constant(Form::scalar(ty), 0);
        self.b.ins().select(fits, shifted, zero)
    }

    fn shift_right(&mut self, ty: Type, a: clif::Value, count: clif::Value) -> clif::Value {
        if let Some(count) = self.known_count(ty, count) {
            return if ty.is_signed() { self.b.ins().sshr_imm_u(a, count) } else { self.b.ins().ushr_imm_u(a, count) };
        }
        if ty.is_signed() {
            let count = self.largest_count(ty, count);
            return self.b.ins().sshr(a, count);
        }
        let fits = self.count_fits(ty, count);
        let shifted = self.b.ins().ushr(a, count);
        let zero = self.constant(Form::scalar(ty), 0);
        self.b.ins().select(fits, shifted, zero)
    }

    /// A shift of a vector register by one count for all lanes, a scalar of the same type.
    pub(crate) fn shift_all(&mut self, left: bool, ty: Type, a: clif::Value, count: clif::Value) -> clif::Value {
        if !left && ty.is_signed() {
            let count = self.largest_count(ty, count);
            return self.b.ins().sshr(a, count);
        }
        let shifted = if left { self.b.ins().ishl(a, count) } else { self.b.ins().ushr(a, count) };
        let fits = self.count_fits(ty, count);
        let keep = self.splat_bool(ty.bytes(), fits);
        self.b.ins().band(shifted, keep)
    }

    /// A shift of a vector register by a count known now, whatever its value.
    pub(crate) fn shift_const(&mut self, left: bool, ty: Type, a: clif::Value, count: i128) -> clif::Value {
        let width = i128::from(ty.bits());
        let fits = (0..width).contains(&count);
        match (left, ty.is_signed()) {
            (true, _) if fits => self.b.ins().ishl_imm_u(a, count as i64),
            (false, true) => self.b.ins().sshr_imm_u(a, if fits { count as i64 } else { width as i64 - 1 }),
            (false, false) if fits => self.b.ins().ushr_imm_u(a, count as i64),
            (true, _) | (false, false) => self.zero(int_vector(ty.bytes())),
        }
    }
}
