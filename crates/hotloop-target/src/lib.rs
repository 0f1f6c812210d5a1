//! What a target is: the contract between the engine and whatever runs programs.
//!
//! A [`Target`] turns a verified program into an [`Artifact`] (bytes that can be stored) and an artifact into a live
//! [`Kernel`]. A kernel runs over a frame (see `frame`) and calls back to the host for memory and threads. Targets know
//! nothing of text, of caches, or of each other.

pub mod artifact;
pub mod bytes;
pub mod error;
pub mod fpenv;
pub mod frame;
pub mod literals;
pub mod matmul;
pub mod signature;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tiles;

pub use artifact::Artifact;
pub use error::{CompileError, LoadError};
pub use frame::{FaultRecord, FrameLayout, HostTable, Status};
pub use literals::Literals;
pub use signature::{Lookup, Signature};

use hotloop_ir::Program;
use std::any::Any;
use std::sync::Arc;

/// Something that can run programs.
pub trait Target: Any + Send + Sync {
    /// The name in options and messages: `interp`, `scalar`, `simd`.
    fn name(&self) -> &'static str;

    /// Everything besides the program that decides the artifact's bytes: code generator version, CPU level, settings.
    fn fingerprint(&self) -> String;

    /// Whether sums and products of floats are computed as the program has them; where not, it is to do without
    /// functions that rest on single roundings.
    fn keeps_order(&self) -> bool {
        true
    }

    /// Sets apart the literals that its code reads from the constant table and nothing else looks at; none for targets
    /// without such a table. What is compiled of the program then is to be bound to them.
    fn set_apart(&self, program: &mut Program) -> Literals {
        let _ = program;
        Literals::default()
    }

    /// Compiles a verified program.
    fn compile(&self, program: &Program) -> Result<Artifact, CompileError>;

    /// Makes an artifact of this target, from this process or an earlier one, callable.
    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Kernel>, LoadError>;

    /// Compiles and loads in one go; targets that need no bytes in between can do without.
    fn build(&self, program: &Program) -> Result<Arc<dyn Kernel>, BuildError> {
        let artifact = self.compile(program).map_err(BuildError::Compile)?;
        self.load(&artifact).map_err(BuildError::Load)
    }
}

/// Why a program did not become a kernel.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It could not be compiled.
    #[error(transparent)]
    Compile(CompileError),
    /// The code could not be made callable.
    #[error(transparent)]
    Load(LoadError),
}

/// Live code. Calls are re-entrant and may come from any thread.
pub trait Kernel: Any + Send + Sync {
    /// Runs the program once.
    ///
    /// # Safety
    /// `frame` points to `FrameLayout::of(program).words()` words, filled as `frame` documents: host table, cancel flag,
    /// every parameter's base address, extents and strides (valid for reads, and for writes where the role says so, for
    /// the whole call), and every scalar parameter's slot. The other words are 0. No written array overlaps any other
    /// array. Slots are written by machine code or atomically: other threads may look at them during the call.
    unsafe fn run(&self, frame: *mut u64, fault: &mut FaultRecord) -> Status;

    /// Bytes of executable memory this kernel holds; 0 for interpreted ones.
    fn code_bytes(&self) -> usize;

    /// Why the last run on this thread gave `Status::Host`, if the target itself is the reason; asked once.
    fn failure(&self) -> Option<String> {
        None
    }
}
