//! Kernels give back the memory of their code. A program of its own: other tests beside it would take memory too.
#![cfg(target_os = "linux")]

use hotloop_clif::Clif;
use hotloop_target::testing::{Split, run, samples, scheduled};
use hotloop_target::{Status, Target};

fn status_line(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("the line exists");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn kernels_give_their_memory_back() {
    let sample = samples().into_iter().find(|sample| sample.name == "escape time f64").expect("the sample exists");
    let (program, inputs) = (scheduled(&sample.program, 4, false), sample.inputs);
    let target = Clif::simd().expect("machine code for this machine");
    let artifact = target.compile(&program).unwrap();
    let turn = || {
        let kernel = target.load(&artifact).unwrap();
        assert!(kernel.code_bytes() > 0);
        kernel
    };
    let maps = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    for _ in 0..100 {
        drop(turn());
    }
    assert_eq!(run(&program, &*turn(), &inputs[0], Split::Whole).status, Status::Ok);
    let (memory, mapped) = (status_line("VmRSS:"), maps());
    for _ in 0..10_000 {
        drop(turn());
    }
    assert!(status_line("VmRSS:") < memory + 8192, "{} KiB, then {}", memory, status_line("VmRSS:"));
    assert!(maps() < mapped + 16, "{mapped} mappings, then {}", maps());
}
