//! Loads and stores of a lane: whole bundles where neighbours are neighbours in memory, lane by lane elsewhere.
//!
//! Lanes that are not active read from the constant table and write nothing.

use crate::forms::{Mask, Regs, VECTOR, Val, int_type, regs_for, scalar_type, vector_type};
use crate::func::{Func, unaligned};
use crate::lane::Lane;
use crate::pointers::Spacing;
use crate::views::Stride;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder, types};
use hotloop_ir::{ArrayId, Layout, Type, Value, ViewId};

impl Func<'_> {
    /// One element; bools become 0 or 1 whatever byte is there.
    pub(crate) fn load_element(&mut self, ty: Type, address: clif::Value, disp: i32) -> clif::Value {
        let element = self.b.ins().load(scalar_type(ty), unaligned(), address, disp);
        if ty == Type::Bool { self.b.ins().icmp_imm_u(IntCC::NotEqual, element, 0) } else { element }
    }

    /// The addresses of elements so many bytes apart, asked for in order; `fours` is that of the last of them whose number
    /// is a multiple of four. The three behind it are sums that an access makes by itself.
    pub(crate) fn spaced(&mut self, fours: &mut clif::Value, stride: clif::Value, number: usize) -> clif::Value {
        let times = |f: &mut Self, shift| f.b.ins().ishl_imm_u(stride, shift);
        let by = match number % 4 {
            0 if number == 0 => return *fours,
            0 => {
                let by = times(self, 2);
                *fours = self.b.ins().iadd(*fours, by);
                return *fours;
            }
            1 => stride,
            2 => times(self, 1),
            _ => {
                let two = times(self, 1);
                self.b.ins().iadd(stride, two)
            }
        };
        self.b.ins().iadd(*fours, by)
    }

    /// A bundle of neighbouring elements.
    pub(crate) fn load_bundle(&mut self, ty: Type, address: clif::Value, disp: i32, lanes: usize) -> Val {
        let bytes = lanes * ty.bytes();
        let clif_ty = vector_type(ty);
        let regs = if bytes >= VECTOR {
            Regs::make(bytes / VECTOR, |i| self.b.ins().load(clif_ty, unaligned(), address, disp + (i * VECTOR) as i32))
        } else {
            let reg = self.load_part(bytes, address, disp);
            Regs::same(1, self.cast(clif_ty, reg))
        };
        if ty == Type::Bool { Val::Mask(self.bytes_to_mask(&regs)) } else { Val::Varying(regs) }
    }

    /// A bundle of pairs as they lie in memory.
    fn load_pairs(&mut self, ty: Type, address: clif::Value, disp: i32, lanes: usize) -> Vec<clif::Value> {
        let clif_ty = vector_type(ty);
        let load = |at: usize| self.b.ins().load(clif_ty, unaligned(), address, disp + (at * VECTOR) as i32);
        (0..regs_for(lanes, 2 * ty.bytes())).map(load).collect()
    }

    /// One part of a bundle of pairs.
    fn part_of_bundle(&mut self, ty: Type, part: usize, pairs: &[clif::Value], lanes: usize) -> Val {
        let regs = Regs::make(regs_for(lanes, ty.bytes()), |i| {
            let high = pairs.get(2 * i + 1).copied().unwrap_or(pairs[2 * i]);
            self.parts_of_pairs(ty, part, pairs[2 * i], high)
        });
        Val::Varying(regs)
    }

    /// Writes pairs made of two bundles.
    fn store_pairs(&mut self, ty: Type, parts: [&Regs; 2], address: clif::Value, disp: i32, lanes: usize) {
        for at in 0..regs_for(lanes, 2 * ty.bytes()) {
            let pairs = self.pairs_of_parts(ty, at % 2 == 1, parts[0][at / 2], parts[1][at / 2]);
            self.b.ins().store(unaligned(), pairs, address, disp + (at * VECTOR) as i32);
        }
    }

    /// Fewer bytes than a register has.
    fn load_part(&mut self, bytes: usize, address: clif::Value, disp: i32) -> clif::Value {
        if bytes == 8 {
            let part = self.b.ins().load(types::I64, unaligned(), address, disp);
            return self.b.ins().scalar_to_vector(types::I64X2, part);
        }
        let part = self.b.ins().load(int_type(bytes), unaligned(), address, disp);
        let part = if bytes == 4 { part } else { self.b.ins().uextend(types::I32, part) };
        self.b.ins().scalar_to_vector(types::I32X4, part)
    }

    /// Writes a bundle to neighbouring elements. Masks are written as numbers.
    pub(crate) fn store_bundle(&mut self, ty: Type, regs: &Regs, address: clif::Value, disp: i32, lanes: usize) {
        let bytes = lanes * ty.bytes();
        if bytes < VECTOR {
            let ints = crate::forms::int_vector(bytes);
            let reg = self.cast(ints, regs[0]);
            let part = self.b.ins().extractlane(reg, 0);
            self.b.ins().store(unaligned(), part, address, disp);
            return;
        }
        for (index, &reg) in regs.iter().enumerate() {
            self.b.ins().store(unaligned(), reg, address, disp + (index * VECTOR) as i32);
        }
    }
}

impl Lane<'_, '_, '_> {
    /// The point, or the first of the group, along the inner axis.
    pub(crate) fn here(&mut self) -> Option<clif::Value> {
        let point = self.point?;
        Some(if self.ahead == 0 { point } else { self.f.b.ins().iadd_imm_s(point, self.ahead as i64) })
    }

    /// Where the element of a view is, or the first one of the group: an address and a displacement.
    fn place(&mut self, view: ViewId) -> (clif::Value, i32) {
        let code = &self.code.views[view.index()];
        let base = self.code.rows[view.index()];
        let apart = match code.inner {
            Some(Stride::Unit) => Some(1),
            Some(Stride::Pairs(_)) => Some(2),
            Some(Stride::Bytes(_)) | None => None,
        };
        if let Some(apart) = apart {
            let address = self.f.address(code, base, self.point);
            return (address, code.disp + (self.ahead * apart * code.ty.bytes()) as i32);
        }
        let point = self.here();
        (self.f.address(code, base, point), code.disp)
    }

    /// The element of a view, or the elements for the whole group.
    pub(crate) fn load(&mut self, view: ViewId) -> Val {
        let code = &self.code.views[view.index()];
        let (address, disp) = self.place(view);
        if !self.moves(view) {
            return Val::Uniform(self.f.load_element(code.ty, address, disp));
        }
        match code.inner {
            Some(Stride::Bytes(stride)) => self.load_spaced(code.ty, address, disp, stride),
            Some(Stride::Pairs(part)) => {
                let first = disp - (part * code.ty.bytes()) as i32;
                let pairs = self.pairs(code.ty, code.root, address, first);
                self.f.part_of_bundle(code.ty, part, &pairs, self.lanes)
            }
            Some(Stride::Unit) | None => self.f.load_bundle(code.ty, address, disp, self.lanes),
        }
    }

    /// The pairs of the whole group, read once for both parts unless something was written between.
    fn pairs(&mut self, ty: Type, root: usize, address: clif::Value, disp: i32) -> Vec<clif::Value> {
        if let Some((_, pairs)) = self.pairs.iter().find(|(place, _)| *place == (root, disp)) {
            return pairs.clone();
        }
        let pairs = self.f.load_pairs(ty, address, disp, self.lanes);
        self.pairs.push(((root, disp), pairs.clone()));
        pairs
    }

    /// Writes both parts of the pairs of the whole group at once; false where these are no two such stores.
    pub(crate) fn store_both(&mut self, [real, imag]: [(ViewId, Value); 2]) -> bool {
        let (first, second) = (&self.code.views[real.0.index()], &self.code.views[imag.0.index()]);
        let side_by_side = matches!((first.inner, second.inner), (Some(Stride::Pairs(0)), Some(Stride::Pairs(1))))
            && first.root == second.root
            && second.disp - first.disp == first.ty.bytes() as i32;
        if !side_by_side || self.lanes == 1 || self.active_mask().is_some() {
            return false;
        }
        let ty = first.ty;
        let parts = [real.1, imag.1].map(|value| self.numbers(value));
        let (address, disp) = self.place(real.0);
        self.f.store_pairs(ty, [&parts[0], &parts[1]], address, disp, self.lanes);
        true
    }

    /// The elements for the whole group, so many bytes apart.
    fn load_spaced(&mut self, ty: Type, first: clif::Value, disp: i32, stride: clif::Value) -> Val {
        let mut fours = first;
        self.gather(ty, |lane, number| (lane.f.spaced(&mut fours, stride, number), disp))
    }

    /// The elements for the whole group at the addresses that `place` gives. Each is put into its register as soon as it
    /// is read, so that it is read from memory there, and takes no register before.
    fn gather(&mut self, ty: Type, mut place: impl FnMut(&mut Self, usize) -> (clif::Value, i32)) -> Val {
        let mut regs = Vec::new();
        for number in 0..self.lanes {
            let (address, disp) = place(self, number);
            let element = self.f.load_element(ty, address, disp);
            self.f.put(ty, &mut regs, element);
        }
        self.f.filled(ty, &regs, self.lanes)
    }

    /// Writes the element of a view, or the elements for the whole group.
    pub(crate) fn store(&mut self, view: ViewId, value: Value) {
        let code = &self.code.views[view.index()];
        let (address, disp) = self.place(view);
        if self.lanes == 1 {
            let value = self.uniform(value);
            self.f.b.ins().store(unaligned(), value, address, disp);
            return;
        }
        let mask = self.active_mask();
        if let (None, Some(Stride::Unit)) = (mask, code.inner) {
            let regs = self.numbers(value);
            self.f.store_bundle(code.ty, &regs, address, disp, self.lanes);
            return;
        }
        let step = match code.inner {
            None => None,
            Some(Stride::Unit) => Some(self.f.int(code.ty.bytes() as i64)),
            Some(Stride::Pairs(_)) => Some(self.f.int(2 * code.ty.bytes() as i64)),
            Some(Stride::Bytes(stride)) => Some(stride),
        };
        let bits = mask.map(|mask| self.f.mask_bits(mask, self.lanes));
        let mut address = address;
        for lane in 0..self.lanes {
            let element = self.element(value, lane);
            self.store_lane(bits, lane, element, address, disp);
            if let Some(step) = step.filter(|_| lane + 1 < self.lanes) {
                address = self.f.b.ins().iadd(address, step);
            }
        }
    }

    /// A value as a bundle that can be stored.
    fn numbers(&mut self, value: Value) -> Regs {
        let ty = self.code.nest.lane.ty(value);
        match self.value(value) {
            Val::Mask(mask) => self.f.mask_to_numbers(mask, Type::U8, self.lanes),
            Val::Uniform(scalar) if ty == Type::Bool => {
                let reg = self.f.b.ins().splat(types::I8X16, scalar);
                Regs::same(regs_for(self.lanes, 1), reg)
            }
            Val::Uniform(_) | Val::Varying(_) => self.spread(value),
        }
    }

    /// Writes the element of one lane, if the lane is active.
    fn store_lane(
        &mut self,
        bits: Option<clif::Value>,
        lane: usize,
        element: clif::Value,
        address: clif::Value,
        disp: i32,
    ) {
        let Some(bits) = bits else {
            self.f.b.ins().store(unaligned(), element, address, disp);
            return;
        };
        let bit = self.f.b.ins().band_imm_u(bits, 1 << lane);
        self.f.when(bit, |f| {
            f.b.ins().store(unaligned(), element, address, disp);
        });
    }

    /// The element at computed indices.
    pub(crate) fn load_at(&mut self, array: ArrayId, index: &[Value]) -> Val {
        let ty = self.f.program.array(array).ty;
        match self.pointed(array, index) {
            Some((address, disp, Spacing::Unit)) if self.lanes > 1 => {
                return self.f.load_bundle(ty, address, disp, self.lanes);
            }
            Some((address, disp, Spacing::Bytes(stride))) if self.lanes > 1 => {
                return self.load_spaced(ty, address, disp, stride);
            }
            Some((address, disp, _)) => return Val::Uniform(self.f.load_element(ty, address, disp)),
            None => {}
        }
        let mask = self.active_mask();
        let (base, moving) = self.element_base(array, index);
        if moving.is_empty() {
            let address = self.address_if_any(base, mask);
            return Val::Uniform(self.f.load_element(ty, address, 0));
        }
        let bits = mask.map(|mask| self.f.mask_bits(mask, self.lanes));
        self.gather(ty, |lane, number| {
            let mut address = lane.element_address(base, &moving, number);
            if let Some(bits) = bits {
                let bit = lane.f.b.ins().band_imm_u(bits, 1 << number);
                address = lane.f.b.ins().select(bit, address, lane.f.consts);
            }
            (address, 0)
        })
    }

    /// With no lane active nobody has checked the index, so the address is replaced.
    fn address_if_any(&mut self, address: clif::Value, mask: Option<Mask>) -> clif::Value {
        let Some(mask) = mask else { return address };
        let any = self.f.mask_any(mask, self.lanes);
        self.f.b.ins().select(any, address, self.f.consts)
    }

    /// Writes the element at computed indices; in order of the lanes.
    pub(crate) fn store_at(&mut self, array: ArrayId, index: &[Value], value: Value) {
        if let Some((address, disp, spacing)) = self.pointed(array, index) {
            return self.store_pointed(array, value, address, disp, spacing);
        }
        let (base, moving) = self.element_base(array, index);
        if self.lanes == 1 {
            let value = self.uniform(value);
            self.f.b.ins().store(unaligned(), value, base, 0);
            return;
        }
        let mask = self.active_mask();
        let bits = mask.map(|mask| self.f.mask_bits(mask, self.lanes));
        for lane in 0..self.lanes {
            let address = self.element_address(base, &moving, lane);
            let element = self.element(value, lane);
            self.store_lane(bits, lane, element, address, 0);
        }
    }

    /// Writes the element at an address, or those of the whole group, of which none is the same as another.
    fn store_pointed(&mut self, array: ArrayId, value: Value, address: clif::Value, disp: i32, spacing: Spacing) {
        let step = match spacing {
            Spacing::Unit if self.lanes > 1 => {
                let regs = self.numbers(value);
                let ty = self.f.program.array(array).ty;
                return self.f.store_bundle(ty, &regs, address, disp, self.lanes);
            }
            Spacing::Bytes(stride) if self.lanes > 1 => stride,
            Spacing::Unit | Spacing::Bytes(_) | Spacing::Same => {
                let value = self.uniform(value);
                self.f.b.ins().store(unaligned(), value, address, disp);
                return;
            }
        };
        let mut address = address;
        for lane in 0..self.lanes {
            let element = self.element(value, lane);
            self.f.b.ins().store(unaligned(), element, address, disp);
            if lane + 1 < self.lanes {
                address = self.f.b.ins().iadd(address, step);
            }
        }
    }

    /// The address that the uniform indices give, and each varying index with the stride it takes.
    fn element_base(&mut self, array: ArrayId, index: &[Value]) -> (clif::Value, Vec<(Value, Scale)>) {
        let mut base = self.base(array);
        let mut moving = Vec::new();
        for (axis, &value) in index.iter().enumerate() {
            let scale = self.scale(array, axis);
            match self.value(value) {
                Val::Uniform(at) => base = self.add_index(base, at, scale),
                Val::Varying(_) | Val::Mask(_) => moving.push((value, scale)),
            }
        }
        (base, moving)
    }

    pub(crate) fn scale(&mut self, array: ArrayId, axis: usize) -> Scale {
        let info = self.f.program.array(array);
        let last = axis + 1 == info.rank as usize;
        match info.layout {
            Layout::Dense | Layout::UnitInner if last => Scale::Shift(i64::from(info.ty.bytes().trailing_zeros())),
            Layout::Dense | Layout::UnitInner | Layout::Strided => {
                Scale::Bytes(self.f.word(self.f.layout.stride(array, axis)))
            }
        }
    }

    pub(crate) fn add_index(&mut self, base: clif::Value, at: clif::Value, scale: Scale) -> clif::Value {
        match scale {
            Scale::Shift(0) => self.f.b.ins().iadd(base, at),
            Scale::Shift(shift) => {
                let offset = self.f.b.ins().ishl_imm_u(at, shift);
                self.f.b.ins().iadd(base, offset)
            }
            Scale::Bytes(stride) => self.f.add_scaled(base, at, stride),
        }
    }

    fn element_address(&mut self, base: clif::Value, moving: &[(Value, Scale)], lane: usize) -> clif::Value {
        let mut address = base;
        for &(index, scale) in moving {
            let at = self.element(index, lane);
            address = self.add_index(address, at, scale);
        }
        address
    }
}

/// How an index becomes bytes.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    Shift(i64),
    Bytes(clif::Value),
}
