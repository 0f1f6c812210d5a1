//! For the tests of targets: tensors with guarded memory, a small host that runs a kernel over them, a maker of
//! programs, and sample programs that cover the IR.
//!
//! Compiled only with the cargo feature `testing`. Mistakes in a test panic with the reason.

mod edges;
mod host;
mod make;
mod samples;
mod tensor;

pub use edges::{edges, few_edges};
pub use host::{Call, Input, Outcome, Output, Split, run, run_call};
pub use make::{Domain, Make, dim, fixed};
pub use samples::{Sample, samples};
pub use tensor::Tensor;

use hotloop_ir::{Program, Schedule, Shape};

/// The program with every nest in the shape its axes allow, `lanes` points at a time where lanes lie along an axis.
pub fn scheduled(program: &Program, lanes: u32, threads: bool) -> Program {
    let mut program = program.clone();
    for nest in &mut program.nests {
        let shape = Shape::of(&nest.axes);
        let lanes = match shape {
            Shape::Map | Shape::FoldRows | Shape::FoldColumns => lanes,
            Shape::Serial | Shape::FoldPoints => 1,
        };
        nest.schedule = Schedule { shape, lanes, threads: threads && shape != Shape::Serial, turns: Vec::new() };
    }
    program
}
