//! The reference interpreter: the target `interp`.
//!
//! It runs programs point by point in the order in which they are written, in the form they have before any pass, and
//! takes every value from `hotloop_ir::semantics`. All other targets must equal it to the bit, so it is obvious rather
//! than fast and is never optimized. It ignores schedules, uses one thread and checks every index.

mod flow;
mod lane;
mod memory;
mod nest;
mod run;

use hotloop_ir::{Program, read, text, verify};
use hotloop_target::BuildError;
use hotloop_target::{Artifact, CompileError, FaultRecord, FrameLayout, Kernel, LoadError, Status, Target};
use std::sync::Arc;

/// The target `interp`. Its artifacts are the text of the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interp;

impl Target for Interp {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn fingerprint(&self) -> String {
        format!("interp {} {}", env!("CARGO_PKG_VERSION"), text::HEADER)
    }

    fn compile(&self, program: &Program) -> Result<Artifact, CompileError> {
        let code = text::print(program).into_bytes();
        Ok(Artifact { fingerprint: self.fingerprint(), code, constants: Vec::new(), entries: Vec::new() })
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Kernel>, LoadError> {
        let expected = self.fingerprint();
        if artifact.fingerprint != expected {
            return Err(LoadError::Foreign { found: artifact.fingerprint.clone(), expected });
        }
        let text = std::str::from_utf8(&artifact.code).map_err(|_| LoadError::Damaged("its text is not UTF-8"))?;
        let program = read(text).map_err(|_| LoadError::Damaged("its text is no program"))?;
        verify(&program).map_err(|_| LoadError::Damaged("its program breaks a rule"))?;
        Ok(kernel(program))
    }

    fn build(&self, program: &Program) -> Result<Arc<dyn Kernel>, BuildError> {
        Ok(kernel(program.clone()))
    }
}

/// The kernel of a verified program.
fn kernel(program: Program) -> Arc<dyn Kernel> {
    Arc::new(Interpreted { layout: FrameLayout::of(&program), program })
}

/// A program as a kernel.
struct Interpreted {
    program: Program,
    layout: FrameLayout,
}

impl Kernel for Interpreted {
    unsafe fn run(&self, frame: *mut u64, fault: &mut FaultRecord) -> Status {
        // SAFETY: the caller promises what `Memory` asks for.
        let memory = unsafe { memory::Memory::new(frame, &self.program, &self.layout) };
        match run::Run::new(&self.program, memory).all() {
            Ok(()) => Status::Ok,
            Err(stop) => stop.report(fault),
        }
    }

    fn code_bytes(&self) -> usize {
        0
    }
}
