//! `ldexp`, `getexp` and `getmant` as sequences of cheap ops, in scalar and vector registers alike.
//!
//! No step but the last of each sequence rounds, so that the results are those of `semantics` for all operands.

use crate::forms::Form;
use crate::func::Func;
use crate::ops::FloatBits;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use hotloop_ir::{Op, Scalar, Type};

/// The numbers of a float type.
#[derive(Clone, Copy)]
struct Range {
    /// Bits of the fraction.
    fraction: i64,
    /// The exponent of the largest power of two.
    most: f64,
    /// The exponent of the smallest normal power of two.
    least: f64,
    /// A scaling below `least` that leaves enough for a last step below the subnormals, so that only one step rounds.
    down: f64,
    /// 1.5 * 2^fraction: added to a small whole number, leaves it in the low bits.
    magic: f64,
}

fn range(ty: Type) -> Range {
    if ty == Type::F32 {
        Range { fraction: 23, most: 127.0, least: -126.0, down: -126.0 + 24.0, magic: 12_582_912.0 }
    } else {
        Range { fraction: 52, most: 1023.0, least: -1022.0, down: -1022.0 + 53.0, magic: 6_755_399_441_055_744.0 }
    }
}

/// The bits of a number as a float type.
fn bits(ty: Type, value: f64) -> u64 {
    if ty == Type::F32 { Scalar::f32(value as f32).bits } else { Scalar::f64(value).bits }
}

impl Func<'_> {
    fn float(&mut self, form: Form, value: f64) -> clif::Value {
        self.constant(form, bits(form.ty, value))
    }

    fn less(&mut self, form: Form, a: clif::Value, b: clif::Value) -> clif::Value {
        self.op(Op::Lt, form, [a, b, a])
    }

    /// `2^n` for a whole `n` between `least` and `most`; anything for others.
    fn power_of_two(&mut self, form: Form, n: clif::Value) -> clif::Value {
        let range = range(form.ty);
        let magic = self.float(form, range.magic + range.most);
        let biased = self.b.ins().fadd(n, magic);
        let biased = self.cast(form.ints(), biased);
        let power = self.b.ins().ishl_imm_u(biased, range.fraction);
        self.cast(form.clif(), power)
    }

    /// `x * 2^floor(n)`, rounded once.
    pub(crate) fn ldexp(&mut self, form: Form, x: clif::Value, n: clif::Value) -> clif::Value {
        let range = range(form.ty);
        let mut rest = self.b.ins().floor(n);
        let mut x = x;
        // Two steps bring every power that matters into the range of one multiplication.
        for _ in 0..2 {
            (x, rest) = self.ldexp_step(form, x, rest);
        }
        let least = self.float(form, range.least);
        let low = self.less(form, rest, least);
        let least = self.float(form, range.least);
        let rest = self.choose(form, low, least, rest);
        let most = self.float(form, range.most);
        let high = self.less(form, most, rest);
        let most = self.float(form, range.most);
        let rest = self.choose(form, high, most, rest);
        let power = self.power_of_two(form, rest);
        // An infinite power scales by infinity or by zero, and NaN makes everything NaN.
        let size = self.magnitude(form, n);
        let infinity = self.constant(form, FloatBits::of(form.ty).infinity);
        let finite = self.less(form, size, infinity);
        let zero = self.constant(form, 0);
        let negative = self.less(form, n, zero);
        let zero = self.constant(form, 0);
        let special = self.choose(form, negative, zero, n);
        let power = self.choose(form, finite, power, special);
        self.b.ins().fmul(x, power)
    }

    /// Takes one step of a power too large for one multiplication; leaves others as they are.
    fn ldexp_step(&mut self, form: Form, x: clif::Value, n: clif::Value) -> (clif::Value, clif::Value) {
        let range = range(form.ty);
        let most = self.float(form, range.most);
        let high = self.less(form, most, n);
        let least = self.float(form, range.least);
        let low = self.less(form, n, least);
        let (up, down, same) =
            (self.float(form, range.most.exp2()), self.float(form, range.down.exp2()), self.float(form, 1.0));
        let factor = self.choose(form, low, down, same);
        let factor = self.choose(form, high, up, factor);
        let (up, down, zero) = (self.float(form, range.most), self.float(form, range.down), self.float(form, 0.0));
        let taken = self.choose(form, low, down, zero);
        let taken = self.choose(form, high, up, taken);
        (self.b.ins().fmul(x, factor), self.b.ins().fsub(n, taken))
    }

    /// `x * 2^floor(n)` where `n` is NaN or lies between `least` and `most`.
    pub(crate) fn ldexp_small(&mut self, form: Form, x: clif::Value, n: clif::Value, whole: bool) -> clif::Value {
        let floor = if whole { n } else { self.b.ins().floor(n) };
        let power = self.power_of_two(form, floor);
        let known = self.op(Op::Eq, form, [n, n, n]);
        let power = self.choose(form, known, power, n);
        self.b.ins().fmul(x, power)
    }

    /// The powers that `ldexp_small` takes.
    pub(crate) fn small_powers(ty: Type) -> (f64, f64) {
        let range = range(ty);
        (range.least, range.most)
    }

    /// Whether a magnitude is below the normal numbers, and `x` made normal where it is.
    fn normalized(&mut self, form: Form, x: clif::Value) -> (clif::Value, clif::Value) {
        let range = range(form.ty);
        let size = self.magnitude(form, x);
        let least = self.float(form, range.least.exp2());
        let tiny = self.less(form, size, least);
        let scale = self.float(form, (range.fraction as f64 + 2.0).exp2());
        let scaled = self.b.ins().fmul(x, scale);
        (tiny, self.choose(form, tiny, scaled, x))
    }

    /// `floor(log2(|x|))`.
    pub(crate) fn getexp(&mut self, form: Form, x: clif::Value) -> clif::Value {
        let range = range(form.ty);
        let size = self.magnitude(form, x);
        let (tiny, normal) = self.normalized(form, size);
        let field = self.cast(form.ints(), normal);
        let field = self.b.ins().ushr_imm_u(field, range.fraction);
        // The biased exponent, put into the low bits of 2^fraction, is that much more than it.
        let base = self.constant(Form { ty: int_of(form.ty), ..form }, bits(form.ty, (range.fraction as f64).exp2()));
        let field = self.b.ins().bor(field, base);
        let field = self.cast(form.clif(), field);
        let bias = self.float(form, (range.fraction as f64).exp2() + range.most);
        let exponent = self.b.ins().fsub(field, bias);
        let (shift, none) = (self.float(form, range.fraction as f64 + 2.0), self.float(form, 0.0));
        let shift = self.choose(form, tiny, shift, none);
        let exponent = self.b.ins().fsub(exponent, shift);
        let infinity = self.constant(form, FloatBits::of(form.ty).infinity);
        let finite = self.less(form, size, infinity);
        let exponent = self.choose(form, finite, exponent, size);
        let zero = self.float(form, 0.0);
        let is_zero = self.op(Op::Eq, form, [size, zero, size]);
        let minus_infinity = self.float(form, f64::NEG_INFINITY);
        self.choose(form, is_zero, minus_infinity, exponent)
    }

    /// The sign of `x` and a magnitude in [1, 2).
    pub(crate) fn getmant(&mut self, form: Form, x: clif::Value) -> clif::Value {
        let numbers = FloatBits::of(form.ty);
        let ints = Form { ty: int_of(form.ty), ..form };
        let (_, normal) = self.normalized(form, x);
        let field = self.cast(form.ints(), normal);
        let keep = self.constant(ints, !numbers.infinity & form.ty.mask());
        let field = self.b.ins().band(field, keep);
        let one = self.constant(ints, numbers.one);
        let field = self.b.ins().bor(field, one);
        let mantissa = self.cast(form.clif(), field);
        let known = self.op(Op::Eq, form, [x, x, x]);
        self.choose(form, known, mantissa, x)
    }
}

/// The integers of a float type's size.
fn int_of(ty: Type) -> Type {
    if ty == Type::F32 { Type::I32 } else { Type::I64 }
}
