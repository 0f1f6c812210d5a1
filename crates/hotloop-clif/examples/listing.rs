//! Prints the code of a sample program: `listing NAME LANES clif|asm`.

#![allow(clippy::print_stdout, reason = "a program whose purpose is to print")]

use hotloop_clif::Clif;
use hotloop_target::testing::{samples, scheduled};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, lanes, form] = args.as_slice() else {
        for sample in samples() {
            println!("{}", sample.name);
        }
        return;
    };
    let lanes: u32 = lanes.parse().expect("a number of lanes");
    let sample = samples().into_iter().find(|sample| sample.name == *name).expect("the name of a sample");
    let program = scheduled(&sample.program, lanes, false);
    let target = Clif::simd().expect("machine code for this machine");
    let text = if form == "clif" { target.emit_clif(&program) } else { target.emit_asm(&program) };
    println!("{}", text.expect("a program that compiles"));
}
