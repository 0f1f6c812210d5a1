//! Masks: truth per lane as integers of all ones or all zeros, brought from one integer size to another on demand.

use crate::forms::{Mask, Regs, VECTOR, int_vector, regs_for};
use crate::func::Func;
use cranelift_codegen::ir::{self as clif, InstBuilder, types};

/// The size of integer whose mask fills exactly one register; bytes where it takes more than one even of those.
pub(crate) const fn one_register_class(lanes: usize) -> usize {
    if lanes < VECTOR { VECTOR / lanes } else { 1 }
}

impl Func<'_> {
    /// The mask as integers of another size.
    pub(crate) fn mask_to(&mut self, mask: Mask, class: usize, lanes: usize) -> Mask {
        let mut mask = mask;
        while mask.class > class {
            mask = self.mask_half(mask, lanes);
        }
        while mask.class < class {
            mask = self.mask_double(mask, lanes);
        }
        mask
    }

    /// Saturating narrowing keeps 0 and -1; 64-bit masks are narrowed as pairs of 32-bit ones.
    fn mask_half(&mut self, mask: Mask, lanes: usize) -> Mask {
        let class = mask.class / 2;
        let source = int_vector(mask.class.min(4));
        let len = regs_for(lanes, class);
        let regs = Regs::make(len, |i| {
            let low = mask.regs[(2 * i).min(mask.regs.len() - 1)];
            let high = mask.regs[(2 * i + 1).min(mask.regs.len() - 1)];
            let (low, high) = (self.cast(source, low), self.cast(source, high));
            let narrow = self.b.ins().snarrow(low, high);
            self.cast(int_vector(class), narrow)
        });
        Mask { class, regs }
    }

    fn mask_double(&mut self, mask: Mask, lanes: usize) -> Mask {
        let class = mask.class * 2;
        let len = regs_for(lanes, class);
        let regs = Regs::make(len, |i| {
            let from = mask.regs[i / 2];
            if i % 2 == 0 { self.b.ins().swiden_low(from) } else { self.b.ins().swiden_high(from) }
        });
        Mask { class, regs }
    }

    /// A bool as a mask that is the same in all lanes.
    pub(crate) fn mask_of(&mut self, value: clif::Value, class: usize, lanes: usize) -> Mask {
        let reg = self.splat_bool(class, value);
        Mask { class, regs: Regs::same(regs_for(lanes, class), reg) }
    }

    /// A mask that is true everywhere.
    pub(crate) fn all_true(&mut self, class: usize, lanes: usize) -> Mask {
        let ty = int_vector(class);
        Mask { class, regs: Regs::make(regs_for(lanes, class), |_| self.vector_entry(ty, [0xff; VECTOR])) }
    }

    /// Both true, lane by lane; the masks are of the same class.
    pub(crate) fn mask_and(&mut self, a: Mask, b: Mask) -> Mask {
        Mask { class: a.class, regs: Regs::make(a.regs.len(), |i| self.b.ins().band(a.regs[i], b.regs[i])) }
    }

    /// The first true and the second false, lane by lane; the masks are of the same class.
    pub(crate) fn mask_and_not(&mut self, a: Mask, b: Mask) -> Mask {
        let regs = Regs::make(a.regs.len(), |i| {
            let not = self.b.ins().bnot(b.regs[i]);
            self.b.ins().band(a.regs[i], not)
        });
        Mask { class: a.class, regs }
    }

    /// The opposite.
    pub(crate) fn mask_not(&mut self, mask: Mask) -> Mask {
        Mask { class: mask.class, regs: Regs::make(mask.regs.len(), |i| self.b.ins().bnot(mask.regs[i])) }
    }

    /// Whether any lane is true, as a bool. Lanes that do not count must not be there.
    pub(crate) fn mask_any(&mut self, mask: Mask, lanes: usize) -> clif::Value {
        let mask = self.mask_to(mask, mask.class.max(one_register_class(lanes)), lanes);
        let mut all = mask.regs[0];
        for &reg in &mask.regs[1..] {
            all = self.b.ins().bor(all, reg);
        }
        self.b.ins().vany_true(all)
    }

    /// A bit per lane, as a 32-bit integer.
    pub(crate) fn mask_bits(&mut self, mask: Mask, lanes: usize) -> clif::Value {
        let mask = self.mask_to(mask, one_register_class(lanes), lanes);
        let mut bits = self.b.ins().vhigh_bits(types::I32, mask.regs[0]);
        for (index, &reg) in mask.regs.iter().enumerate().skip(1) {
            let more = self.b.ins().vhigh_bits(types::I32, reg);
            let more = self.b.ins().ishl_imm_u(more, (index * VECTOR) as i64);
            bits = self.b.ins().bor(bits, more);
        }
        bits
    }

    /// One lane, as a bool.
    pub(crate) fn mask_lane(&mut self, mask: Mask, lane: usize) -> clif::Value {
        let lane = self.lane_of(&mask.regs, mask.class, lane);
        let low = if mask.class == 1 { lane } else { self.b.ins().ireduce(types::I8, lane) };
        self.b.ins().band_imm_u(low, 1)
    }
}
