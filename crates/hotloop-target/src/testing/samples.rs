//! Sample programs that cover the IR, each with sets of inputs.

use super::{Input, Tensor};
use hotloop_ir::{Class, Program, Scalar, Type};

mod control;
mod elementwise;
mod faults;
mod folds;
mod indexed;
mod steps;
mod views;

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

impl Sample {
    fn new(make: super::Make, inputs: Vec<Vec<Input>>) -> Sample {
        Sample { name: make.program.name.clone(), program: make.program, inputs }
    }
}

/// Every sample.
pub fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    elementwise::add(&mut samples);
    views::add(&mut samples);
    control::add(&mut samples);
    folds::add(&mut samples);
    steps::add(&mut samples);
    faults::add(&mut samples);
    indexed::add(&mut samples);
    samples
}

/// A number that depends on nothing but `i`, as a value of the type. Floats are of mixed size and sign, so that the
/// order of additions shows in the bits.
fn noise(ty: Type, i: usize) -> Scalar {
    let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    let float = (mixed % 200_001) as f64 * 1.1e-3 - 110.0;
    match (ty.class(), ty) {
        (Class::Bool, _) => Scalar::bool(mixed.is_multiple_of(3)),
        (Class::Signed | Class::Unsigned, _) => Scalar::new(ty, mixed),
        (Class::Float, Type::F32) => Scalar::f32(float as f32),
        (Class::Float, _) => Scalar::f64(float),
        (Class::Half, _) => Scalar::half(ty, float),
        (Class::Complex, _) => Scalar::complex(ty, mixed, mixed),
    }
}

/// A dense tensor of such numbers.
fn noisy(ty: Type, shape: &[i64]) -> Input {
    let count = shape.iter().product::<i64>() as usize;
    Input::Array(Tensor::dense(ty, shape, &(0..count).map(|i| noise(ty, i)).collect::<Vec<_>>()))
}

/// A dense vector of integers.
fn ints(ty: Type, values: impl IntoIterator<Item = i64>) -> Input {
    let values: Vec<Scalar> = values.into_iter().map(|value| Scalar::int(ty, value.into())).collect();
    Input::Array(Tensor::vector(ty, &values))
}
