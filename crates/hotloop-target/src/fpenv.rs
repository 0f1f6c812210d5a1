//! The floating-point environment compiled code runs in: rounding to nearest, subnormals kept, no traps.
//!
//! Host programs may have changed it (code built with fast-math flags does), so everything that enters compiled code,
//! on whichever thread, goes through here. On x86-64 the upper halves of the vector registers are cleared too: code for
//! 128-bit registers runs many times slower while they hold something.

/// Runs `body` in the default environment and puts back the environment it found.
pub fn with_default<R>(body: impl FnOnce() -> R) -> R {
    arch::clear_upper_halves();
    let found = arch::control();
    if found & arch::CONTROL == arch::DEFAULT & arch::CONTROL {
        return body();
    }
    let _restore = Restore(found);
    arch::set_control(arch::DEFAULT);
    body()
}

/// Puts the environment back, even when the body unwinds.
struct Restore(arch::Word);

impl Drop for Restore {
    fn drop(&mut self) {
        arch::set_control(self.0);
    }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use std::arch::asm;

    pub(super) type Word = u32;
    /// All exceptions masked, round to nearest.
    pub(super) const DEFAULT: Word = 0x1f80;
    /// Everything but the sticky exception flags.
    pub(super) const CONTROL: Word = 0xffc0;

    pub(super) fn clear_upper_halves() {
        if std::is_x86_feature_detected!("avx") {
            // SAFETY: the processor has the instruction. It changes upper halves only, all of which are declared as
            // clobbered, as the ABI's caller-saved registers.
            unsafe { asm!("vzeroupper", clobber_abi("sysv64"), options(nomem, nostack, preserves_flags)) };
        }
    }

    pub(super) fn control() -> Word {
        let mut word: Word = 0;
        // SAFETY: stores four bytes to a place of four bytes.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) };
        word
    }

    pub(super) fn set_control(word: Word) {
        // SAFETY: `word` was read from the register or is the default; no reserved bit is set. Code compiled by Rust
        // between here and the restoring call only passes pointers along.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, readonly, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use std::arch::asm;

    pub(super) type Word = u64;
    pub(super) const DEFAULT: Word = 0;
    /// Rounding, flush to zero, default NaN and the trap bits.
    pub(super) const CONTROL: Word = 0x07c0_9f00;

    pub(super) fn clear_upper_halves() {}

    pub(super) fn control() -> Word {
        let word: Word;
        // SAFETY: reads a register that every process may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) word, options(nomem, nostack, preserves_flags)) };
        word
    }

    pub(super) fn set_control(word: Word) {
        // SAFETY: `word` was read from the register or is its default.
        unsafe { asm!("msr fpcr, {}", in(reg) word, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    pub(super) type Word = u32;
    pub(super) const DEFAULT: Word = 0;
    pub(super) const CONTROL: Word = 0;

    pub(super) fn clear_upper_halves() {}

    pub(super) fn control() -> Word {
        0
    }

    pub(super) fn set_control(_: Word) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{arch, with_default};
    use std::hint::black_box;

    #[test]
    fn flush_to_zero_is_off_inside_and_back_outside() {
        let found = arch::control();
        arch::set_control(found | 0x8040);
        let inside = with_default(|| black_box(f64::MIN_POSITIVE) / black_box(4.0));
        let after = arch::control();
        arch::set_control(found);
        assert!(inside > 0.0);
        assert_eq!(after & 0x8040, 0x8040);
    }
}
