//! Conversions between `f32` and the half formats, spelled out in integer ops.
//!
//! So no target knows anything about halves but how to move two bytes, every target gives the same bits, and vector code
//! comes by itself. No step depends on subnormal `f32`s, which some GPUs take for 0.

use super::LaneBuilder;
use crate::ops::Op;
use crate::program::Value;
use crate::types::{Class, Scalar, Type};

impl LaneBuilder {
    /// A conversion from a half, to one, or between the two.
    pub(super) fn convert_half(&mut self, ty: Type, value: Value) -> Value {
        if self.ty(value).is_half() {
            let wide = self.widen(value);
            return self.convert(ty, wide);
        }
        let narrow = self.odd_float(value);
        let bits = if ty == Type::F16 { self.f16_bits(narrow) } else { self.bf16_bits(narrow) };
        self.bitcast(ty, bits)
    }

    fn i32(&mut self, value: i32) -> Value {
        self.const_(Scalar::int(Type::I32, value.into()))
    }

    fn with(&mut self, op: Op, left: Value, right: i32) -> Value {
        let right = self.i32(right);
        self.op(op, &[left, right])
    }

    /// The `f32` a half stands for, exactly.
    fn widen(&mut self, value: Value) -> Value {
        let format = self.ty(value);
        let bits = self.bitcast(Type::U16, value);
        let bits = self.convert(Type::I32, bits);
        if format == Type::BF16 {
            let bits = self.with(Op::Shl, bits, 16);
            return self.bitcast(Type::F32, bits);
        }
        let sign = self.with(Op::And, bits, 0x8000);
        let sign = self.with(Op::Shl, sign, 16);
        let magnitude = self.with(Op::And, bits, 0x7fff);
        let magnitude = self.with(Op::Shl, magnitude, 13);
        // Both formats differ in the bias of the exponent; its largest value stays the largest.
        let normal = self.with(Op::Add, magnitude, 112 << 23);
        let special = self.with(Op::Or, magnitude, 0x7f80_0000);
        // With the exponent of 2^-14 before it, a subnormal is that much too large.
        let above = self.with(Op::Add, magnitude, 113 << 23);
        let above = self.bitcast(Type::F32, above);
        let excess = self.const_(Scalar::f32((-14f32).exp2()));
        let subnormal = self.op(Op::Sub, &[above, excess]);
        let subnormal = self.bitcast(Type::I32, subnormal);
        let below = self.with(Op::Lt, magnitude, 1 << 23);
        let limit = self.i32(31 << 23);
        let beyond = self.op(Op::Le, &[limit, magnitude]);
        let finite = self.op(Op::Select, &[below, subnormal, normal]);
        let magnitude = self.op(Op::Select, &[beyond, special, finite]);
        let bits = self.op(Op::Or, &[magnitude, sign]);
        self.bitcast(Type::F32, bits)
    }

    /// An `f32` that rounds to the same half as the value: narrowed to odd, so that nothing is rounded twice.
    fn odd_float(&mut self, value: Value) -> Value {
        let from = self.ty(value);
        match from.class() {
            Class::Float if from == Type::F32 => return value,
            Class::Float | Class::Half | Class::Complex => {}
            Class::Bool | Class::Signed | Class::Unsigned if from.bytes() < 4 => return self.convert(Type::F32, value),
            Class::Bool | Class::Signed | Class::Unsigned => {
                let wide = self.convert(Type::F64, value);
                return self.odd_float(wide);
            }
        }
        let near = self.convert(Type::F32, value);
        let back = self.convert(Type::F64, near);
        let bits = self.bitcast(Type::I32, near);
        let odd = self.with(Op::And, bits, 1);
        let even = self.with(Op::Eq, odd, 0);
        let (magnitude, kept) = (self.op(Op::Abs, &[value]), self.op(Op::Abs, &[back]));
        let (more, less) = (self.op(Op::Lt, &[magnitude, kept]), self.op(Op::Lt, &[kept, magnitude]));
        let (above, below) = (self.with(Op::Sub, bits, 1), self.with(Op::Add, bits, 1));
        let moved = self.op(Op::Select, &[less, below, bits]);
        let moved = self.op(Op::Select, &[more, above, moved]);
        let bits = self.op(Op::Select, &[even, moved, bits]);
        self.bitcast(Type::F32, bits)
    }

    /// A sum that carries into the kept bits where the ones dropped are more than a half, or a half beside an odd one.
    fn rounded(&mut self, bits: Value, dropped: i32) -> Value {
        let last = self.with(Op::Shr, bits, dropped);
        let last = self.with(Op::And, last, 1);
        let sum = self.with(Op::Add, bits, (1 << (dropped - 1)) - 1);
        let sum = self.op(Op::Add, &[sum, last]);
        self.with(Op::Shr, sum, dropped)
    }

    /// The bits of the nearest `f16`, as a `u16`.
    fn f16_bits(&mut self, value: Value) -> Value {
        let all = self.bitcast(Type::I32, value);
        let magnitude = self.with(Op::And, all, i32::MAX);
        let moved = self.with(Op::Sub, magnitude, 112 << 23);
        let normal = self.rounded(moved, 13);
        // The last place of numbers beside a half is the unit of subnormals, so that the addition rounds to it.
        let number = self.bitcast(Type::F32, magnitude);
        let half = self.const_(Scalar::f32(0.5));
        let sum = self.op(Op::Add, &[number, half]);
        let sum = self.bitcast(Type::I32, sum);
        let subnormal = self.with(Op::Sub, sum, 126 << 23);
        let below = self.with(Op::Lt, magnitude, 113 << 23);
        let finite = self.op(Op::Select, &[below, subnormal, normal]);
        let limit = self.i32((143 << 23) - 1);
        let beyond = self.op(Op::Lt, &[limit, magnitude]);
        let infinity = self.i32(0x7c00);
        let bits = self.op(Op::Select, &[beyond, infinity, finite]);
        let nan = self.op(Op::Ne, &[value, value]);
        let quiet = self.i32(0x7e00);
        let bits = self.op(Op::Select, &[nan, quiet, bits]);
        let sign = self.with(Op::Shr, all, 16);
        let sign = self.with(Op::And, sign, 0x8000);
        let bits = self.op(Op::Or, &[bits, sign]);
        self.convert(Type::U16, bits)
    }

    /// The bits of the nearest `bf16`, as a `u16`.
    fn bf16_bits(&mut self, value: Value) -> Value {
        let all = self.bitcast(Type::I32, value);
        let magnitude = self.with(Op::And, all, i32::MAX);
        let near = self.rounded(magnitude, 16);
        let nan = self.op(Op::Ne, &[value, value]);
        let quiet = self.i32(0x7fc0);
        let bits = self.op(Op::Select, &[nan, quiet, near]);
        let sign = self.with(Op::Shr, all, 16);
        let sign = self.with(Op::And, sign, 0x8000);
        let bits = self.op(Op::Or, &[bits, sign]);
        self.convert(Type::U16, bits)
    }
}
