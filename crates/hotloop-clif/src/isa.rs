//! The instruction set compiled for, and the settings of the code generator.
//!
//! Cranelift is built once per register allocator and shared by all threads. The level required on x86-64 is v3: below
//! it Cranelift would call library functions for fused multiply-add, and code would no longer be free of relocations.

use cranelift_codegen::isa::OwnedTargetIsa;
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

/// The code generator for this machine, or why there is none.
pub(crate) fn host(allocator: Allocator) -> Result<&'static OwnedTargetIsa, &'static str> {
    static BACKTRACKING: OnceLock<Result<OwnedTargetIsa, &'static str>> = OnceLock::new();
    static SINGLE_PASS: OnceLock<Result<OwnedTargetIsa, &'static str>> = OnceLock::new();
    let cell = match allocator {
        Allocator::Backtracking => &BACKTRACKING,
        Allocator::SinglePass => &SINGLE_PASS,
    };
    cell.get_or_init(|| build(allocator)).as_ref().map_err(|reason| *reason)
}

fn build(allocator: Allocator) -> Result<OwnedTargetIsa, &'static str> {
    check_level()?;
    let mut builder = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let choices = [
        ("opt_level", "none"),
        ("regalloc_algorithm", allocator.name()),
        ("enable_verifier", verify),
        ("is_pic", "false"),
        // Stack probes are written in line: a call would need a relocation.
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
    ];
    for (name, value) in choices {
        builder.set(name, value).map_err(|_| "a setting of the code generator is not known")?;
    }
    let isa = cranelift_native::builder()?;
    isa.finish(settings::Flags::new(builder)).map_err(|_| "the code generator does not take its settings")
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

/// Everything about the machine and the settings that decides the bytes of the code.
pub(crate) fn fingerprint(isa: &OwnedTargetIsa) -> String {
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
