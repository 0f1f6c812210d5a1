//! Conversions between element types, on scalars and on bundles.
//!
//! `vector_convert` says with `None` which conversions of bundles are left to the scalar form, lane by lane. A bundle
//! goes through 32-bit integers where there is no direct way and nothing is rounded twice.

use crate::forms::{Form, Mask, Regs, VECTOR, int_vector, regs_for, scalar_type, vector_type};
use crate::func::Func;
use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use hotloop_ir::{Class, Type};

impl Func<'_> {
    /// A scalar as another type.
    pub(crate) fn convert(&mut self, from: Type, to: Type, value: clif::Value) -> clif::Value {
        match (from.is_float(), to.is_float()) {
            _ if from == to => value,
            (false, false) => self.int_to_int(from, to, value),
            (false, true) if from.is_signed() => self.b.ins().fcvt_from_sint(scalar_type(to), value),
            (false, true) => self.b.ins().fcvt_from_uint(scalar_type(to), value),
            (true, true) if to == Type::F64 => self.b.ins().fpromote(types::F64, value),
            (true, true) => self.b.ins().fdemote(types::F32, value),
            (true, false) => self.float_to_int(to, value),
        }
    }

    fn int_to_int(&mut self, from: Type, to: Type, value: clif::Value) -> clif::Value {
        let ty = scalar_type(to);
        if from.bytes() > to.bytes() {
            self.b.ins().ireduce(ty, value)
        } else if from.bytes() == to.bytes() {
            value
        } else if from.is_signed() {
            self.b.ins().sextend(ty, value)
        } else {
            self.b.ins().uextend(ty, value)
        }
    }

    fn float_to_int(&mut self, to: Type, value: clif::Value) -> clif::Value {
        match to {
            Type::I32 | Type::I64 => self.b.ins().fcvt_to_sint_sat(scalar_type(to), value),
            Type::U32 | Type::U64 => self.b.ins().fcvt_to_uint_sat(scalar_type(to), value),
            Type::F32 | Type::F64 | Type::F16 | Type::BF16 | Type::C64 | Type::C128 => value,
            Type::Bool | Type::I8 | Type::I16 | Type::U8 | Type::U16 => {
                let wide = self.b.ins().fcvt_to_sint_sat(types::I32, value);
                let clamped = self.clamp_to(Form::scalar(Type::I32), to, wide);
                self.b.ins().ireduce(scalar_type(to), clamped)
            }
        }
    }

    /// 32-bit integers clamped to the values of a smaller type.
    fn clamp_to(&mut self, form: Form, to: Type, value: clif::Value) -> clif::Value {
        let (least, most) = if to.is_signed() {
            (-(1i64 << (to.bits() - 1)), (1i64 << (to.bits() - 1)) - 1)
        } else {
            (0, (1i64 << to.bits()) - 1)
        };
        let least = self.constant(form, least as u64 & form.ty.mask());
        let value = self.b.ins().smax(value, least);
        let most = self.constant(form, most as u64);
        self.b.ins().smin(value, most)
    }

    /// A mask as numbers: 0 or 1.
    pub(crate) fn mask_to_numbers(&mut self, mask: Mask, to: Type, lanes: usize) -> Regs {
        let mask = self.mask_to(mask, to.bytes(), lanes);
        let form = Form::vector(to);
        let one = if to.is_float() { crate::ops::FloatBits::of(to).one } else { 1 };
        Regs::make(mask.regs.len(), |i| {
            let one = self.constant(form, one);
            let reg = self.cast(form.clif(), mask.regs[i]);
            self.b.ins().band(reg, one)
        })
    }

    /// A bundle as another type, if that is better done in vector registers.
    pub(crate) fn vector_convert(&mut self, from: Type, to: Type, regs: &Regs, lanes: usize) -> Option<Regs> {
        match (from.class(), to.class()) {
            // Halves are converted by integer ops before there is a lane, and programs have no complex numbers.
            (Class::Bool | Class::Half | Class::Complex, _) | (_, Class::Bool | Class::Half | Class::Complex) => None,
            (Class::Float, Class::Float) if from == to => Some(*regs),
            (Class::Float, Class::Float) if to == Type::F64 => Some(self.widen_floats(regs, lanes)),
            (Class::Float, Class::Float) => Some(self.narrow_floats(regs, lanes)),
            (Class::Float, Class::Signed | Class::Unsigned) => self.floats_to_ints(from, to, regs, lanes),
            (Class::Signed | Class::Unsigned, Class::Float) => self.ints_to_floats(from, to, regs, lanes),
            (Class::Signed | Class::Unsigned, Class::Signed | Class::Unsigned) => {
                Some(self.resize_ints(from, to.bytes(), regs, lanes))
            }
        }
    }

    /// Integers of another size: extended by their sign or by zeros, or cut.
    pub(crate) fn resize_ints(&mut self, from: Type, bytes: usize, regs: &Regs, lanes: usize) -> Regs {
        let mut regs = *regs;
        let mut size = from.bytes();
        while size < bytes {
            let source = regs;
            size *= 2;
            regs = Regs::make(regs_for(lanes, size), |i| {
                let reg = source[i / 2];
                match (from.is_signed(), i % 2 == 0) {
                    (true, true) => self.b.ins().swiden_low(reg),
                    (true, false) => self.b.ins().swiden_high(reg),
                    (false, true) => self.b.ins().uwiden_low(reg),
                    (false, false) => self.b.ins().uwiden_high(reg),
                }
            });
        }
        while size > bytes {
            let source = regs;
            let last = source.len() - 1;
            regs = Regs::make(regs_for(lanes, size / 2), |i| {
                self.narrow_wrapping(size, source[(2 * i).min(last)], source[(2 * i + 1).min(last)])
            });
            size /= 2;
        }
        regs
    }

    /// The low halves of the integers of two registers.
    pub(crate) fn narrow_wrapping(&mut self, size: usize, low: clif::Value, high: clif::Value) -> clif::Value {
        if size == 8 {
            return self.even_words(low, high);
        }
        // Cut to unsigned numbers of the smaller size, which the saturating instruction then keeps.
        let ty = int_vector(size);
        let keep = if size == 4 { 0xffff } else { 0xff };
        let form = Form::vector(if size == 4 { Type::U32 } else { Type::U16 });
        let cut = |func: &mut Self, reg| {
            let keep = func.constant(form, keep);
            let reg = func.cast(ty, reg);
            func.b.ins().band(reg, keep)
        };
        let (low, high) = (cut(self, low), cut(self, high));
        self.b.ins().unarrow(low, high)
    }

    /// The 32-bit words 0 and 2 of both registers.
    fn even_words(&mut self, low: clif::Value, high: clif::Value) -> clif::Value {
        const EVEN: [u8; 16] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
        self.shuffle(low, high, EVEN, types::I32X4)
    }

    fn shuffle(&mut self, low: clif::Value, high: clif::Value, order: [u8; 16], ty: clif::Type) -> clif::Value {
        let (low, high) = (self.cast(types::I8X16, low), self.cast(types::I8X16, high));
        let order = self.b.func.dfg.immediates.push(clif::ConstantData::from(order.as_slice()));
        let shuffled = self.b.ins().shuffle(low, high, order);
        self.cast(ty, shuffled)
    }

    /// One part of the pairs that two registers hold.
    pub(crate) fn parts_of_pairs(&mut self, ty: Type, part: usize, low: clif::Value, high: clif::Value) -> clif::Value {
        let order = |first: usize, step: usize| words(ty.bytes(), |at| first + step * at);
        self.shuffle(low, high, order(part, 2), vector_type(ty))
    }

    /// The lower or the upper half of the pairs whose parts two registers hold.
    pub(crate) fn pairs_of_parts(
        &mut self,
        ty: Type,
        upper: bool,
        real: clif::Value,
        imag: clif::Value,
    ) -> clif::Value {
        let whole = VECTOR / ty.bytes();
        let first = if upper { whole / 2 } else { 0 };
        let order = words(ty.bytes(), |at| first + at / 2 + at % 2 * whole);
        self.shuffle(real, imag, order, vector_type(ty))
    }

    /// The upper 64 bits of a register, moved down.
    pub(crate) fn upper_half(&mut self, reg: clif::Value, ty: clif::Type) -> clif::Value {
        const UPPER: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
        self.shuffle(reg, reg, UPPER, ty)
    }

    /// The lower 64 bits of two registers.
    fn lower_halves(&mut self, low: clif::Value, high: clif::Value, ty: clif::Type) -> clif::Value {
        const LOWER: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
        self.shuffle(low, high, LOWER, ty)
    }

    fn widen_floats(&mut self, regs: &Regs, lanes: usize) -> Regs {
        Regs::make(regs_for(lanes, 8), |i| {
            let reg = if i % 2 == 0 { regs[i / 2] } else { self.upper_half(regs[i / 2], types::F32X4) };
            self.b.ins().fvpromote_low(reg)
        })
    }

    fn narrow_floats(&mut self, regs: &Regs, lanes: usize) -> Regs {
        Regs::make(regs_for(lanes, 4), |i| {
            let low = self.b.ins().fvdemote(regs[2 * i]);
            match regs.get(2 * i + 1) {
                None => low,
                Some(&high) => {
                    let high = self.b.ins().fvdemote(high);
                    self.lower_halves(low, high, types::F32X4)
                }
            }
        })
    }

    fn ints_to_floats(&mut self, from: Type, to: Type, regs: &Regs, lanes: usize) -> Option<Regs> {
        match (from, to) {
            // Through `f64` they would be rounded twice.
            (Type::I64 | Type::U64, Type::F32) => None,
            (Type::I64, _) => Some(Regs::make(regs.len(), |i| self.b.ins().fcvt_from_sint(types::F64X2, regs[i]))),
            (Type::U64, _) => Some(Regs::make(regs.len(), |i| self.b.ins().fcvt_from_uint(types::F64X2, regs[i]))),
            (Type::U32, Type::F32) => {
                Some(Regs::make(regs.len(), |i| self.b.ins().fcvt_from_uint(types::F32X4, regs[i])))
            }
            (Type::U32, _) => Some(self.words_to_doubles(regs, lanes, false)),
            (Type::Bool | Type::F32 | Type::F64 | Type::F16 | Type::BF16 | Type::C64 | Type::C128, _) => None,
            (Type::I8 | Type::I16 | Type::I32 | Type::U8 | Type::U16, _) => {
                let words = self.resize_ints(from, 4, regs, lanes);
                if to == Type::F64 {
                    return Some(self.words_to_doubles(&words, lanes, true));
                }
                Some(Regs::make(words.len(), |i| self.b.ins().fcvt_from_sint(types::F32X4, words[i])))
            }
        }
    }

    fn words_to_doubles(&mut self, words: &Regs, lanes: usize, signed: bool) -> Regs {
        Regs::make(regs_for(lanes, 8), |i| {
            let reg = if i % 2 == 0 { words[i / 2] } else { self.upper_half(words[i / 2], types::I32X4) };
            if signed {
                let wide = self.b.ins().swiden_low(reg);
                self.b.ins().fcvt_from_sint(types::F64X2, wide)
            } else {
                let wide = self.b.ins().uwiden_low(reg);
                self.b.ins().fcvt_from_uint(types::F64X2, wide)
            }
        })
    }

    fn floats_to_ints(&mut self, from: Type, to: Type, regs: &Regs, lanes: usize) -> Option<Regs> {
        match (from, to) {
            (_, Type::I64 | Type::U64) | (Type::F64, Type::U32) => None,
            (Type::F32, Type::U32) => {
                Some(Regs::make(regs.len(), |i| self.b.ins().fcvt_to_uint_sat(types::I32X4, regs[i])))
            }
            (_, Type::Bool | Type::F32 | Type::F64 | Type::F16 | Type::BF16 | Type::C64 | Type::C128) => None,
            (_, Type::I8 | Type::I16 | Type::I32 | Type::U8 | Type::U16 | Type::U32) => {
                let words = self.floats_to_words(from, regs, lanes);
                if to == Type::I32 {
                    return Some(words);
                }
                let clamped = Regs::make(words.len(), |i| self.clamp_to(Form::vector(Type::I32), to, words[i]));
                Some(self.resize_ints(Type::I32, to.bytes(), &clamped, lanes))
            }
        }
    }

    fn floats_to_words(&mut self, from: Type, regs: &Regs, lanes: usize) -> Regs {
        if from == Type::F32 {
            return Regs::make(regs.len(), |i| self.b.ins().fcvt_to_sint_sat(types::I32X4, regs[i]));
        }
        Regs::make(regs_for(lanes, 4), |i| {
            let low = self.doubles_to_words(regs[2 * i]);
            match regs.get(2 * i + 1).copied() {
                None => low,
                Some(high) => {
                    let high = self.doubles_to_words(high);
                    self.lower_halves(low, high, types::I32X4)
                }
            }
        })
    }

    /// Two doubles as two words and two zeros; the only spelling that Cranelift takes.
    fn doubles_to_words(&mut self, reg: clif::Value) -> clif::Value {
        let wide = self.b.ins().fcvt_to_sint_sat(types::I64X2, reg);
        let zero = self.zero(types::I64X2);
        self.b.ins().snarrow(wide, zero)
    }
}

/// The order of bytes that takes words of some size, by their number among those of two registers.
fn words(size: usize, word: impl Fn(usize) -> usize) -> [u8; VECTOR] {
    std::array::from_fn(|at| (word(at / size) * size + at % size) as u8)
}
