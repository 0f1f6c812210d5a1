//! Every sample program gives the bits of the interpreter, on both targets, for every number of lanes.

use hotloop_clif::Clif;
use hotloop_interp::Interp;
use hotloop_ir::Program;
use hotloop_target::testing::{Input, Outcome, Sample, Split, run, samples, scheduled};
use hotloop_target::{Kernel, Target};
use std::sync::Arc;

fn build(target: &dyn Target, program: &Program) -> Arc<dyn Kernel> {
    target.build(program).unwrap_or_else(|error| panic!("`{}`: {error}", program.name))
}

/// Collects what differs, so that one run shows all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, what: &str, oracle: &[Outcome], program: &Program, target: &dyn Target, sets: &[Vec<Input>]) {
        let kernel = build(target, program);
        for (index, (inputs, expected)) in sets.iter().zip(oracle).enumerate() {
            for split in [Split::Whole, Split::Backwards, Split::Threads(3)] {
                let outcome = run(program, &*kernel, inputs, split);
                if let Some(difference) = outcome.difference(expected) {
                    self.0.push(format!("{what}, inputs {index}, {split:?}: {difference}"));
                    break;
                }
            }
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{} differences:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn oracle(sample: &Sample) -> Vec<Outcome> {
    let kernel = build(&Interp, &sample.program);
    sample.inputs.iter().map(|inputs| run(&sample.program, &*kernel, inputs, Split::Whole)).collect()
}

#[test]
fn all_lanes_give_the_same_bits() {
    let (scalar, simd) = (Clif::scalar().unwrap(), Clif::simd().unwrap());
    let mut differences = Differences::default();
    for sample in samples() {
        let expected = oracle(&sample);
        let Sample { name, program, inputs } = &sample;
        differences.compare(&format!("{name} unscheduled"), &expected, program, &simd, inputs);
        differences.compare(&format!("{name} scalar"), &expected, &scheduled(program, 8, true), &scalar, inputs);
        for lanes in [1, 2, 4, 8, 16] {
            let program = scheduled(program, lanes, true);
            differences.compare(&format!("{name} x{lanes}"), &expected, &program, &simd, inputs);
        }
    }
    differences.none();
}

#[test]
fn quick_code_gives_the_same_bits() {
    let quick = Clif::simd().unwrap().quick().unwrap();
    let mut differences = Differences::default();
    for sample in samples() {
        let program = scheduled(&sample.program, 4, false);
        differences.compare(&format!("{} quick", sample.name), &oracle(&sample), &program, &quick, &sample.inputs);
    }
    differences.none();
}
