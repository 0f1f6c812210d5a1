//! What kernels do to the process: permissions of pages, the floating-point environment, threads; and damaged artifacts.

use hotloop_clif::{Clif, VectorForm, vector_form};
use hotloop_ir::{Op, Program};
use hotloop_target::testing::{Call, Input, Split, run, run_call, samples, scheduled};
use hotloop_target::{Artifact, CompileError, LoadError, Status, Target};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

fn sample(name: &str) -> (Program, Vec<Vec<Input>>) {
    let sample = samples().into_iter().find(|sample| sample.name == name).expect("the sample exists");
    (scheduled(&sample.program, 4, false), sample.inputs)
}

fn simd() -> Clif {
    Clif::simd().expect("machine code for this machine")
}

#[test]
#[cfg(target_os = "linux")]
fn no_page_is_writable_and_executable() {
    let (program, _) = sample("escape time f64");
    let kernel = simd().build(&program).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let both = maps.lines().find(|line| line.split_whitespace().nth(1).is_some_and(|p| p.contains("wx")));
    assert_eq!(both, None);
    drop(kernel);
}

#[test]
fn artifacts_survive_as_bytes() {
    let (program, inputs) = sample("two checks");
    let artifact = simd().compile(&program).unwrap();
    let again = simd().compile(&program).unwrap();
    assert_eq!(artifact, again, "the same program gives the same bytes");
    let kernel = simd().load(&artifact.clone()).unwrap();
    let direct = simd().build(&program).unwrap();
    for inputs in &inputs {
        let (a, b) = (run(&program, &*kernel, inputs, Split::Whole), run(&program, &*direct, inputs, Split::Whole));
        assert_eq!(a.difference(&b), None);
    }
}

#[test]
fn foreign_and_damaged_artifacts_are_refused() {
    let (program, _) = sample("two checks");
    let artifact = simd().compile(&program).unwrap();
    let foreign = Clif::scalar().unwrap().load(&artifact);
    assert!(matches!(foreign, Err(LoadError::Foreign { .. })));
    let quick = simd().quick().unwrap().load(&artifact);
    assert!(matches!(quick, Err(LoadError::Foreign { .. })));
    let refused = |change: fn(&mut Artifact)| {
        let mut damaged = artifact.clone();
        change(&mut damaged);
        matches!(simd().load(&damaged), Err(LoadError::Damaged(_)))
    };
    assert!(refused(|artifact| artifact.entries.clear()));
    assert!(refused(|artifact| artifact.entries[0] = 1 << 30));
    assert!(refused(|artifact| artifact.code.clear()));
    assert!(refused(|artifact| artifact.constants.truncate(8)));
    assert!(refused(|artifact| artifact.constants.clear()));
}

#[test]
fn a_running_kernel_can_be_cancelled() {
    let (program, inputs) = sample("escape time f64");
    let cancelled = AtomicU8::new(1);
    let call = Call { split: Split::Whole, cancel: &cancelled };
    let nonempty = inputs.iter().find(|set| matches!(&set[0], Input::Array(tensor) if tensor.shape[0] > 0)).unwrap();
    for target in [simd(), Clif::scalar().unwrap()] {
        let kernel = target.build(&program).unwrap();
        assert_eq!(run_call(&program, &*kernel, nonempty, call).status, Status::Cancelled);
    }
}

#[test]
fn a_long_loop_is_cancelled_soon() {
    use hotloop_ir::{Scalar, Stmt, Type};
    use hotloop_target::testing::{Domain, Make};
    let mut make = Make::new("forever");
    let slot = make.slot(Type::I64);
    make.result(slot);
    let mut domain = Domain::new(&[]);
    let lane = &mut domain.lane;
    let local = lane.local(Type::I64);
    lane.begin();
    let now = lane.get(local);
    let zero = lane.const_(Scalar::i64(0));
    let never = lane.op(Op::Lt, &[now, zero]);
    lane.begin();
    lane.push(Stmt::Break(0));
    let then = lane.end();
    lane.push(Stmt::If { cond: never, then, otherwise: Vec::new() });
    let body = lane.end();
    lane.push(Stmt::Loop(body));
    let value = lane.get(local);
    lane.set_slot(slot, value);
    make.run(domain);
    let program = make.program;
    let kernel = simd().build(&program).unwrap();
    let wait = || {
        let cancel = AtomicU8::new(0);
        std::thread::scope(|scope| {
            let stopper = scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(30));
                cancel.store(1, Ordering::SeqCst);
                Instant::now()
            });
            let outcome = run_call(&program, &*kernel, &[], Call { split: Split::Whole, cancel: &cancel });
            assert_eq!(outcome.status, Status::Cancelled);
            stopper.join().unwrap().elapsed()
        })
    };
    // On a machine that is busy with other work, threads of one process wait for each other; one try in time will do.
    let waits: Vec<Duration> = (0..5).map(|_| wait()).collect();
    assert!(waits.iter().any(|wait| *wait < Duration::from_millis(50)), "{waits:?}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_environment_of_the_caller_does_not_matter() {
    let (program, inputs) = sample("sum of f64");
    let kernel = simd().build(&program).unwrap();
    let expected: Vec<_> = inputs.iter().map(|inputs| run(&program, &*kernel, inputs, Split::Whole)).collect();
    for (inputs, expected) in inputs.iter().zip(&expected) {
        let found = control();
        // Flush to zero, subnormals are zero, round down.
        set_control(found | 0x8040 | 0x2000);
        let outcome = run(&program, &*kernel, inputs, Split::Whole);
        let after = control();
        set_control(found);
        assert_eq!(after & 0xffc0, (found | 0x8040 | 0x2000) & 0xffc0, "the caller's settings are put back");
        assert_eq!(outcome.difference(expected), None);
    }
}

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores four bytes to a place of four bytes.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack)) };
    word
}

#[cfg(target_arch = "x86_64")]
fn set_control(word: u32) {
    // SAFETY: the word was read from the register, with settings added that every processor has.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, readonly)) };
}

#[test]
fn kernels_are_compiled_and_run_on_many_threads() {
    let (program, inputs) = sample("collatz");
    let shared = simd().build(&program).unwrap();
    let expected: Vec<_> = inputs.iter().map(|inputs| run(&program, &*shared, inputs, Split::Whole)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let own = simd().build(&program).unwrap();
                for kernel in [&own, &shared] {
                    for (inputs, expected) in inputs.iter().zip(&expected) {
                        assert_eq!(run(&program, &**kernel, inputs, Split::Whole).difference(expected), None);
                    }
                }
            });
        }
    });
}

#[test]
fn listings_show_the_code() {
    let (program, _) = sample("escape time f64");
    let clif = simd().emit_clif(&program).unwrap();
    assert!(clif.contains("; driver") && clif.contains("f64x2") && clif.contains("fcmp le"), "{clif}");
    let asm = simd().emit_asm(&program).unwrap();
    assert!(asm.contains("driver:") && asm.contains("ret"), "{asm}");
    assert!(!Clif::scalar().unwrap().emit_clif(&program).unwrap().contains("f64x2"));
}

#[test]
fn too_deep_and_too_large_programs_are_refused() {
    use hotloop_ir::Step;
    let (mut program, _) = sample("two checks");
    for _ in 0..200 {
        program.steps = vec![Step::Block(std::mem::take(&mut program.steps))];
    }
    assert!(matches!(simd().compile(&program), Err(CompileError::Limit { .. })));
}

#[test]
fn the_table_of_vector_forms_is_what_the_documents_say() {
    let by_lane: Vec<&str> =
        Op::ALL.iter().filter(|op| vector_form(**op) != VectorForm::Whole).map(|op| op.name()).collect();
    assert_eq!(by_lane, ["floordiv", "floorrem", "shl", "shr"]);
}
