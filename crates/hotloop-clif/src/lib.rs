//! The targets `scalar` and `simd`: machine code by Cranelift.
//!
//! One emitter serves both: a nest is compiled for the lanes its schedule asks for, in 128-bit registers, or for one
//! lane. A program becomes one driver function and one function per nest with axes, whose code is free of relocations.
//! In reading order: `plan` says how a nest is compiled, `facts` and `liveness` what its lane needs; `nest` and the
//! shapes after it emit loops, `lane` and those after it emit what runs at each point; `driver` emits the steps.

mod columns;
mod compile;
mod constants;
mod control;
mod convert;
mod copies;
mod divide;
mod driver;
mod exec;
mod exits;
mod facts;
mod forms;
mod func;
mod isa;
mod lane;
mod literals;
mod liveness;
mod map;
mod mask;
mod memory;
mod nest;
pub mod object;
mod ops;
mod order;
mod parking;
mod plan;
mod pointers;
mod points;
mod ranges;
mod rows;
mod scale;
mod seldom;
mod several;
mod tree;
mod turns;
mod values;
mod views;

pub use ops::{VectorForm, vector_form};

use compile::{Listing, Settings, compile};
use cranelift_codegen::isa::OwnedTargetIsa;
use hotloop_ir::Program;
use hotloop_target::{Artifact, CompileError, Kernel, Literals, LoadError, Target};
use isa::Allocator;
use std::sync::Arc;

/// Changes with every change of the code made from the same program.
const CODEGEN_VERSION: u32 = 4;

/// Why this machine has no native target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAvailable(pub &'static str);

impl std::fmt::Display for NotAvailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no machine code for this machine: {}", self.0)
    }
}

impl std::error::Error for NotAvailable {}

/// The target `scalar` or `simd`.
#[derive(Clone)]
pub struct Clif {
    name: &'static str,
    most_lanes: usize,
    isa: &'static OwnedTargetIsa,
    quick: bool,
    fingerprint: String,
}

impl Clif {
    /// One point at a time.
    pub fn scalar() -> Result<Clif, NotAvailable> {
        Clif::new("scalar", 1, Allocator::Backtracking)
    }

    /// As many points at a time as the schedule asks for, in 128-bit registers.
    pub fn simd() -> Result<Clif, NotAvailable> {
        Clif::new("simd", forms::MAX_LANES, Allocator::Backtracking)
    }

    /// The same code with registers allocated in a single pass: compiled in half the time, and slower. The bits of the
    /// results are the same.
    pub fn quick(&self) -> Result<Clif, NotAvailable> {
        let quick = Clif::new(self.name, self.most_lanes, Allocator::SinglePass)?;
        Ok(Clif { quick: true, ..quick })
    }

    /// The target `simd` for processors of a level, whatever this machine has: to look at the code object files hold.
    pub fn portable(cpu: object::Cpu) -> Result<Clif, NotAvailable> {
        let host = isa::portable(cpu).map_err(NotAvailable)?;
        Ok(Clif::on("simd", forms::MAX_LANES, host))
    }

    fn new(name: &'static str, most_lanes: usize, allocator: Allocator) -> Result<Clif, NotAvailable> {
        let host = isa::host(allocator).map_err(NotAvailable)?;
        Ok(Clif::on(name, most_lanes, host))
    }

    fn on(name: &'static str, most_lanes: usize, host: &'static isa::Host) -> Clif {
        let fingerprint = format!("{name} {CODEGEN_VERSION} {}", host.fingerprint);
        Clif { name, most_lanes, isa: &host.isa, quick: false, fingerprint }
    }

    fn settings(&self) -> Settings {
        Settings { target: self.name, isa: self.isa, most_lanes: self.most_lanes, quick: self.quick }
    }

    /// The program in Cranelift's IR, as text.
    pub fn emit_clif(&self, program: &Program) -> Result<String, CompileError> {
        compile(self.settings(), program, String::new(), Listing::Clif).map(|(_, text)| text)
    }

    /// The program's machine code, as text.
    pub fn emit_asm(&self, program: &Program) -> Result<String, CompileError> {
        compile(self.settings(), program, String::new(), Listing::Asm).map(|(_, text)| text)
    }
}

impl Target for Clif {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn set_apart(&self, program: &mut Program) -> Literals {
        Literals::take(program, |program, nest| literals::decide_nothing(&program.nests[nest]))
    }

    fn compile(&self, program: &Program) -> Result<Artifact, CompileError> {
        compile(self.settings(), program, self.fingerprint.clone(), Listing::None).map(|(artifact, _)| artifact)
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Kernel>, LoadError> {
        if artifact.fingerprint != self.fingerprint {
            return Err(LoadError::Foreign { found: artifact.fingerprint.clone(), expected: self.fingerprint.clone() });
        }
        Ok(Arc::new(exec::Loaded::new(artifact)?))
    }
}
