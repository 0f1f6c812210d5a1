//! Every sample program against the interpreter, on the first adapter that is found; and every shader through naga's
//! validator, which needs no adapter.

use hotloop_gpu::{Device, Gpu, spirv, wgsl};
use hotloop_interp::Interp;
use hotloop_target::testing::{Sample, Split, run, samples};
use hotloop_target::{BuildError, CompileError, Target};

#[test]
fn every_shader_is_valid() {
    for Sample { name, program, .. } in samples() {
        if let Err(error) = wgsl(&program).and_then(|_| spirv(&program)) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn every_sample_equals_the_interpreter() {
    let device = match Device::open(0) {
        Ok(device) => device,
        Err(error) if std::env::var("HOTLOOP_REQUIRE").as_deref() == Ok("gpu") => panic!("{error}"),
        // Without a driver there is nothing to compare.
        Err(_) => return,
    };
    let gpu = Gpu::new(device);
    let mut wrong = Vec::new();
    let mut refused = 0;
    for Sample { name, program, inputs } in samples() {
        let oracle = Interp.build(&program).expect("the interpreter takes every program");
        let kernel = match gpu.build(&program) {
            Ok(kernel) => kernel,
            Err(BuildError::Compile(CompileError::Unsupported { .. })) => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        for (i, inputs) in inputs.iter().enumerate() {
            let expected = run(&program, &*oracle, inputs, Split::Whole);
            let outcome = run(&program, &*kernel, inputs, Split::Whole);
            if let Some(difference) = outcome.difference(&expected) {
                wrong.push(format!("{name} {i}: {difference} {:?}", kernel.failure()));
            }
        }
    }
    assert!(refused <= 1, "{refused} programs were refused");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_device_says_what_it_keeps() {
    let Ok(device) = Device::open(0) else { return };
    let f32 = device.exactness(hotloop_ir::Type::F32).expect("it runs").expect("every device has f32");
    assert!(f32.nan, "{f32:?}");
    assert_eq!(f32.order, device.is_strict() || f32.order, "{f32:?}");
}
