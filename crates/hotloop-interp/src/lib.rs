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

use hotloop_ir::Program;
use hotloop_target::{FaultRecord, FrameLayout, Kernel, Status};

/// The kernel of a verified program.
pub fn kernel(program: Program) -> impl Kernel {
    Interpreted { layout: FrameLayout::of(&program), program }
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
