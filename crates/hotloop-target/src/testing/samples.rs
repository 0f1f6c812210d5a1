//! Sample programs that cover the IR, each with sets of inputs.

use super::Input;
use hotloop_ir::Program;

mod elementwise;

/// A program and inputs to run it on.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it shows; also the program's name.
    pub name: String,
    /// The program, before any pass.
    pub program: Program,
    /// Sets of inputs.
    pub inputs: Vec<Vec<Input>>,
}

/// Every sample.
pub fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    elementwise::add(&mut samples);
    samples
}
