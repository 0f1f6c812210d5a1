//! The instruction set compiled for, and the settings of the code generator.
//!
//! Cranelift is built once per register allocator and shared by all threads. The level required on x86-64 is v3: below
//! it Cranelift would call library functions for fused multiply-add, and code would no longer be free of relocations.

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use std::sync::OnceLock;

/// How registers are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocator {
    /// The better code.
    Backtracking,
    /// The faster compilation; spills much in loops.
    SinglePass,
}

impl Allocator {
    const fn name(self) -> &'static str {
        match self {
            Allocator::Backtracking => "backtracking",
            Allocator::SinglePass => "single_pass",
        }
    }
}

/// A code generator, and everything about the machine and the settings that decides the bytes of its code.
pub(crate) struct Host {
    pub(crate) isa: OwnedTargetIsa,
    pub(crate) fingerprint: String,
}

/// The code generator for this machine, or why there is none.
pub(crate) fn host(allocator: Allocator) -> Result<&'static Host, &'static str> {
    static BACKTRACKING: OnceLock<Result<Host, &'static str>> = OnceLock::new();
    static SINGLE_PASS: OnceLock<Result<Host, &'static str>> = OnceLock::new();
    let cell = match allocator {
        Allocator::Backtracking => &BACKTRACKING,
        Allocator::SinglePass => &SINGLE_PASS,
    };
    cell.get_or_init(|| build(allocator)).as_ref().map_err(|reason| *reason)
}

fn build(allocator: Allocator) -> Result<Host, &'static str> {
    check_level()?;
    finish(cranelift_native::builder()?, allocator, false)
}

macro_rules! levels {
    ($($(#[$meta:meta])+ $variant:ident $name:literal $flags:expr;)*) => {
        /// Which processors an object file is for.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Cpu {
            $($(#[$meta])+ $variant,)*
        }

        impl Cpu {
            /// Every level.
            pub const ALL: &'static [Cpu] = &[$(Cpu::$variant),*];

            /// The name in options.
            pub const fn name(self) -> &'static str {
                match self { $(Cpu::$variant => $name,)* }
            }

            /// What the code generator calls the level and what it leaves out of it; nothing for this machine's own.
            const fn flags(self) -> &'static [&'static str] {
                match self { $(Cpu::$variant => $flags,)* }
            }
        }
    };
}

levels! {
    /// x86-64-v3: AVX2 and FMA, what code of hotloop needs at least.
    #[default]
    V3 "v3" &["x86-64-v3", "has_avx"];
    /// x86-64-v4: AVX-512 too.
    V4 "v4" &["x86-64-v4", "has_avx", "has_avx512f"];
    /// This machine, whatever it has.
    Native "native" &[];
}

/// The code generator for object files: position independent, for processors of a level, whatever this machine has.
pub(crate) fn portable(cpu: Cpu) -> Result<&'static Host, &'static str> {
    static LEVELS: [OnceLock<Result<Host, &'static str>>; Cpu::ALL.len()] = [const { OnceLock::new() }; Cpu::ALL.len()];
    LEVELS[cpu as usize].get_or_init(|| build_portable(cpu)).as_ref().map_err(|reason| *reason)
}

fn build_portable(cpu: Cpu) -> Result<Host, &'static str> {
    if cpu == Cpu::Native {
        check_level()?;
        return finish(cranelift_native::builder()?, Allocator::Backtracking, true);
    }
    if cfg!(not(target_arch = "x86_64")) {
        return Err("only x86-64 processors are supported");
    }
    let mut isa = cranelift_native::builder_with_options(false)?;
    for flag in cpu.flags() {
        isa.enable(flag).map_err(|_| "the code generator does not know the level")?;
    }
    finish(isa, Allocator::Backtracking, true)
}

fn finish(isa: isa::Builder, allocator: Allocator, is_pic: bool) -> Result<Host, &'static str> {
    let mut builder = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let choices = [
        ("opt_level", "none"),
        ("regalloc_algorithm", allocator.name()),
        ("enable_verifier", verify),
        ("is_pic", if is_pic { "true" } else { "false" }),
        // Nothing unwinds through code made here for this process; a linker or a debugger may ask for it in an object.
        ("unwind_info", if is_pic { "true" } else { "false" }),
        // Stack probes are written in line: a call would need a relocation.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in choices {
        builder.set(name, value).map_err(|_| "a setting of the code generator is not known")?;
    }
    let isa = isa.finish(settings::Flags::new(builder));
    let isa = isa.map_err(|_| "the code generator does not take its settings")?;
    let fingerprint = fingerprint(&isa);
    Ok(Host { isa, fingerprint })
}

#[cfg(target_arch = "x86_64")]
fn check_level() -> Result<(), &'static str> {
    let ok = std::is_x86_feature_detected!("avx")
        && std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("fma")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("lzcnt")
        && std::is_x86_feature_detected!("popcnt");
    if ok { Ok(()) } else { Err("the processor lacks AVX2, FMA or BMI (x86-64-v3)") }
}

#[cfg(not(target_arch = "x86_64"))]
fn check_level() -> Result<(), &'static str> {
    Err("only x86-64 processors are supported")
}

fn fingerprint(isa: &OwnedTargetIsa) -> String {
    let mut text = format!("cranelift {} {}", cranelift_codegen::VERSION, isa.triple());
    for flag in isa.flags().iter() {
        text.push(' ');
        text.push_str(&format!("{}={}", flag.name, flag.value_string()));
    }
    for flag in isa.isa_flags() {
        // Features that are off are left out: the list is long.
        if flag.as_bool() != Some(false) {
            text.push(' ');
            text.push_str(&format!("{}={}", flag.name, flag.value_string()));
        }
    }
    text
}
