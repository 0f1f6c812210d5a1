//! The sample programs of the IR through this crate's calls: they leave what the host for testing targets gets.
//!
//! One of the files with `unsafe`: it lends the tensors of the samples as arguments.

use crate::call::{Args, Compiled, invoke};
use crate::host::Splitting;
use crate::plan::Plan;
use crate::points::SitePoints;
use crate::tiers::Code;
use crate::{Arg, Array, Call, Engine, Error, Outputs, Value};
use hotloop_interp::Interp;
use hotloop_ir::{Param, Program, Role, Scalar};
use hotloop_source::Source;
use hotloop_target::testing::{Input, Outcome, Output, Sample, Split, Tensor, run, samples};
use hotloop_target::{Status, Target};
use std::sync::Arc;

fn compiled(program: &Program) -> Arc<Compiled> {
    Arc::new(Compiled {
        code: Code::only(Interp.build(program).expect("the interpreter takes every program")),
        plan: Plan::of(program, &SitePoints::of(program)),
        source: Source::new("sample", ""),
        splitting: Splitting::Never,
        order: Vec::new(),
        origin: crate::job::Origin::Compiled(None),
    })
}

fn arg<'a>(input: &'a mut Input, is_written: bool) -> Arg<'a> {
    let tensor = match input {
        Input::Scalar(scalar) => return Arg::Scalar(*scalar),
        Input::Array(tensor) => tensor,
    };
    let shape: Vec<usize> = tensor.shape.iter().map(|extent| *extent as usize).collect();
    let size = tensor.ty.bytes() as i64;
    let strides: Vec<isize> = tensor.strides.iter().map(|stride| (stride / size) as isize).collect();
    let (base, ty) = (tensor.base(), tensor.ty);
    // SAFETY: the tensor has memory for its shape and strides, and is borrowed for as long as the argument.
    let arg = unsafe {
        if is_written {
            Arg::from_raw_mut(base, ty, &shape, &strides)
        } else {
            Arg::from_raw(base, ty, &shape, &strides)
        }
    };
    arg.expect("tensors are aligned")
}

fn args<'a>(program: &Program, inputs: &'a mut [Input]) -> Vec<Arg<'a>> {
    let written = |param: &Param| matches!(param, Param::Array(array) if program.array(*array).role == Role::Mut);
    program.params.iter().zip(inputs).map(|(param, input)| arg(input, written(param))).collect()
}

/// Large inputs are about tiles, which the interpreter does not have; leaving them out saves seconds.
fn are_small(inputs: &[Input]) -> bool {
    let elements = |input: &Input| match input {
        Input::Scalar(_) => 1,
        Input::Array(tensor) => tensor.len(),
    };
    inputs.iter().map(elements).sum::<usize>() < 3000
}

fn same(one: Scalar, other: Scalar) -> bool {
    one == other || (one.ty == other.ty && one.is_nan() && other.is_nan())
}

fn equal_array(array: &Array, tensor: &Tensor) -> bool {
    let shape: Vec<i64> = array.shape().iter().map(|extent| *extent as i64).collect();
    let elements = || tensor.values().into_iter().enumerate();
    (array.ty(), &shape) == (tensor.ty, &tensor.shape)
        && elements().all(|(at, value)| array.get(at).is_some_and(|found| same(found, value)))
}

fn equal(value: &Value, output: &Output) -> bool {
    match (value, output) {
        (Value::Scalar(one), Output::Scalar(other)) => same(*one, *other),
        (Value::Array(array), Output::Array(tensor)) => equal_array(array, tensor),
        (Value::Scalar(_), Output::Array(_)) | (Value::Array(_), Output::Scalar(_)) | (Value::Device(_), _) => false,
    }
}

fn compare(name: &str, program: &Program, result: Result<Outputs, Error>, expect: &Outcome) {
    match result {
        Ok(outputs) => {
            assert_eq!(expect.status, Status::Ok, "{name}");
            assert_eq!(outputs.len(), expect.results.len(), "{name}");
            for (value, output) in outputs.iter().zip(&expect.results) {
                assert!(equal(value, output), "{name}: {value:?} {output:?}");
            }
        }
        Err(error) => {
            let fault = error.fault().unwrap_or_else(|| panic!("{name}: {error}"));
            let record = expect.fault.unwrap_or_else(|| panic!("{name}: {error}"));
            assert_eq!(fault.kind, program.sites[record.site as usize].kind, "{name}");
        }
    }
}

#[test]
fn samples_leave_the_same() {
    let engine = Engine::new();
    for Sample { name, program, inputs } in samples() {
        let compiled = compiled(&program);
        for inputs in inputs.into_iter().filter(|inputs| are_small(inputs)) {
            let expect = run(&program, compiled.code.now(), &inputs, Split::Whole);
            let mut own = inputs.clone();
            let args = args(&program, &mut own);
            let result = invoke(&engine.inner, &compiled, Args::Positional(&args), None, &Call::new());
            drop(args);
            let arrays = own.iter().filter_map(|input| match input {
                Input::Array(tensor) => Some(tensor),
                Input::Scalar(_) => None,
            });
            for (left, right) in arrays.zip(&expect.arrays) {
                assert!(left.guards_intact(), "{name}");
                assert!(left.values().iter().zip(right.values()).all(|(one, other)| same(*one, other)), "{name}");
            }
            compare(&name, &program, result, &expect);
        }
    }
}

#[test]
fn samples_leave_the_same_in_memory_of_the_caller() {
    let engine = Engine::new();
    for Sample { name, program, inputs } in samples() {
        let compiled = compiled(&program);
        for inputs in inputs.into_iter().filter(|inputs| are_small(inputs)) {
            let expect = run(&program, compiled.code.now(), &inputs, Split::Whole);
            if expect.status != Status::Ok {
                continue;
            }
            let mut made: Vec<Array> = expect.results.iter().map(empty_like).collect();
            let mut own = inputs.clone();
            let args = args(&program, &mut own);
            let outs: Vec<Arg<'_>> = made.iter_mut().map(Arg::from).collect();
            let result = invoke(&engine.inner, &compiled, Args::Positional(&args), Some(&outs), &Call::new());
            assert_eq!(result.expect("it ran before"), Outputs::default(), "{name}");
            drop(outs);
            for (array, output) in made.iter().zip(&expect.results) {
                let matches = match output {
                    Output::Scalar(scalar) => array.get(0).is_some_and(|found| same(found, *scalar)),
                    Output::Array(tensor) => equal_array(array, tensor),
                };
                assert!(matches, "{name}: {array:?} {output:?}");
            }
        }
    }
}

fn empty_like(output: &Output) -> Array {
    match output {
        Output::Scalar(scalar) => Array::zeros(scalar.ty, &[]),
        Output::Array(tensor) => {
            let shape: Vec<usize> = tensor.shape.iter().map(|extent| *extent as usize).collect();
            Array::zeros(tensor.ty, &shape)
        }
    }
    .expect("it is small")
}
