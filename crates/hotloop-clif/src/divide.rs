//! Division of whole numbers toward minus infinity, and its rest: on scalars by the machine's division, on bundles by
//! that of floats.
//!
//! Vectors have no division of whole numbers, but floats have room for those below 2^51: the quotient of two of them is
//! at least 1/|b| away from every whole number that it is not, which is more than rounding moves it, so its floor is that
//! of the exact quotient; and the product of that floor with the divisor, and its difference from `a`, are exact. Numbers
//! of 32 bits and less always have room. Those of 64 bits are looked at, and a bundle with one beyond is divided lane by
//! lane.

use crate::forms::{Form, Regs, Val, vector_type};
use crate::func::Func;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use hotloop_ir::{Op, Type};

/// 1.5 * 2^52 as a float: a whole number of at most 2^51 that is added to it stands in its last bits.
const ANCHOR: u64 = 0x4338 << 48;
/// Bits of the largest whole number that has room.
const ROOM: u32 = 51;

impl Func<'_> {
    /// `FloorDiv` or `FloorRem` of bundles.
    pub(crate) fn divide_bundles(&mut self, op: Op, ty: Type, [a, b]: [&Regs; 2], lanes: usize) -> Regs {
        if ty.bytes() == 8 {
            return self.divide_long(op, ty, [a, b], lanes);
        }
        let [a, b] = [a, b].map(|regs| self.resize_ints(ty, 8, regs, lanes));
        let divided = Regs::make(a.len(), |i| self.divide_by_floats(op, a[i], b[i]));
        self.resize_ints(Type::I64, ty.bytes(), &divided, lanes)
    }

    /// The same for numbers of 64 bits, of which some may have no room.
    fn divide_long(&mut self, op: Op, ty: Type, [a, b]: [&Regs; 2], lanes: usize) -> Regs {
        let mut looked_at: Vec<clif::Value> = a.iter().chain(b.iter()).copied().collect();
        // What is the same in all lanes stands in every register of a bundle.
        looked_at.dedup();
        let beyond = looked_at.into_iter().map(|reg| self.beyond_room(ty, reg)).collect::<Vec<_>>();
        let beyond = beyond.into_iter().reduce(|one, other| self.b.ins().bor(one, other));
        let (fast, slow, done) = (self.b.create_block(), self.cold_block(), self.b.create_block());
        let results = Regs::make(a.len(), |_| self.b.append_block_param(done, vector_type(ty)));
        if let Some(beyond) = beyond {
            let any = self.b.ins().vany_true(beyond);
            self.b.ins().brif(any, slow, &[], fast, &[]);
        }
        self.enter_sealed(slow);
        let elements: Vec<clif::Value> = (0..lanes)
            .map(|lane| {
                let [a, b] = [a, b].map(|regs| self.lane_of(regs, ty.bytes(), lane));
                self.op(op, Form::scalar(ty), [a, b, b])
            })
            .collect();
        let regs = match self.collect(ty, &elements) {
            Val::Varying(regs) => regs,
            Val::Uniform(reg) => Regs::same(a.len(), reg),
            Val::Mask(mask) => mask.regs,
        };
        self.b.ins().jump(done, &regs.iter().map(|&reg| BlockArg::Value(reg)).collect::<Vec<_>>());
        self.enter_sealed(fast);
        let regs: Vec<BlockArg> =
            (0..a.len()).map(|i| BlockArg::Value(self.divide_by_floats(op, a[i], b[i]))).collect();
        self.b.ins().jump(done, &regs);
        self.enter_sealed(done);
        results
    }

    /// Numbers that are 0 in all lanes if all of a register have room.
    fn beyond_room(&mut self, ty: Type, reg: clif::Value) -> clif::Value {
        if !ty.is_signed() {
            return self.b.ins().ushr_imm_u(reg, i64::from(ROOM));
        }
        let least = self.constant(Form::vector(ty), 1 << ROOM);
        let positive = self.b.ins().iadd(reg, least);
        self.b.ins().ushr_imm_u(positive, i64::from(ROOM) + 1)
    }

    /// `FloorDiv` or `FloorRem` of two registers of 64-bit numbers that have room.
    fn divide_by_floats(&mut self, op: Op, a: clif::Value, b: clif::Value) -> clif::Value {
        let [x, y] = [a, b].map(|reg| self.with_room_to_float(reg));
        let quotient = self.b.ins().fdiv(x, y);
        let quotient = self.b.ins().floor(quotient);
        let result = if op == Op::FloorDiv {
            quotient
        } else {
            let product = self.b.ins().fmul(quotient, y);
            self.b.ins().fsub(x, product)
        };
        let anchor = self.constant(Form::vector(Type::F64), ANCHOR);
        let anchored = self.b.ins().fadd(result, anchor);
        let anchored = self.cast(types::I64X2, anchored);
        let anchor = self.constant(Form::vector(Type::I64), ANCHOR);
        let result = self.b.ins().isub(anchored, anchor);
        // By zero both are 0.
        let zero = self.zero(types::I64X2);
        let by_zero = self.b.ins().icmp(IntCC::Equal, b, zero);
        self.b.ins().band_not(result, by_zero)
    }

    fn with_room_to_float(&mut self, reg: clif::Value) -> clif::Value {
        let anchor = self.constant(Form::vector(Type::I64), ANCHOR);
        let anchored = self.b.ins().iadd(reg, anchor);
        let anchored = self.cast(types::F64X2, anchored);
        let anchor = self.constant(Form::vector(Type::F64), ANCHOR);
        self.b.ins().fsub(anchored, anchor)
    }

    /// The divisor made 1 where the machine would trap: for 0 and, if signed, for -1, by which the smallest integer
    /// cannot be divided.
    ///
    /// Conditions are compared where they are chosen by, and never joined: a truth value in a register is a byte of it,
    /// for which the processor waits until the rest of that register is known, which may be the division before.
    fn safe_divisor(&mut self, ty: Type, b: clif::Value) -> clif::Value {
        let one = self.constant(Form::scalar(ty), 1);
        let traps = if ty.is_signed() {
            let next = self.b.ins().iadd(b, one);
            self.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, next, 1)
        } else {
            self.b.ins().icmp_imm_u(IntCC::Equal, b, 0)
        };
        self.b.ins().select(traps, one, b)
    }

    /// The truncated quotient of signed integers and the rest.
    fn divide_signed(&mut self, a: clif::Value, divisor: clif::Value) -> [clif::Value; 2] {
        let quotient = self.b.ins().sdiv(a, divisor);
        let product = self.b.ins().imul(quotient, divisor);
        [quotient, self.b.ins().isub(a, product)]
    }

    /// `floor` where that is not the truncated quotient: the rest is not 0 and has another sign than the divisor.
    fn toward_floor(
        &mut self,
        [rest, divisor]: [clif::Value; 2],
        floor: clif::Value,
        truncated: clif::Value,
    ) -> clif::Value {
        let some = self.b.ins().icmp_imm_u(IntCC::NotEqual, rest, 0);
        let floor = self.b.ins().select(some, floor, truncated);
        let signs = self.b.ins().bxor(rest, divisor);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        self.b.ins().select(differ, floor, truncated)
    }

    pub(crate) fn floor_quotient(&mut self, ty: Type, a: clif::Value, b: clif::Value) -> clif::Value {
        let divisor = self.safe_divisor(ty, b);
        let quotient = if ty.is_signed() {
            let [quotient, rest] = self.divide_signed(a, divisor);
            let lower = self.b.ins().iadd_imm_s(quotient, -1);
            let quotient = self.toward_floor([rest, divisor], lower, quotient);
            let negated = self.b.ins().ineg(a);
            let negate = self.b.ins().icmp_imm_s(IntCC::Equal, b, -1);
            self.b.ins().select(negate, negated, quotient)
        } else {
            self.b.ins().udiv(a, divisor)
        };
        let zero = self.constant(Form::scalar(ty), 0);
        let by_zero = self.b.ins().icmp_imm_u(IntCC::Equal, b, 0);
        self.b.ins().select(by_zero, zero, quotient)
    }

    /// By a divisor made 1 the rest is 0, as it should be.
    pub(crate) fn floor_rest(&mut self, ty: Type, a: clif::Value, b: clif::Value) -> clif::Value {
        let divisor = self.safe_divisor(ty, b);
        if !ty.is_signed() {
            return self.b.ins().urem(a, divisor);
        }
        let [_, rest] = self.divide_signed(a, divisor);
        let moved = self.b.ins().iadd(rest, divisor);
        self.toward_floor([rest, divisor], moved, rest)
    }
}
