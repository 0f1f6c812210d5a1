//! Programs of loops against C: scalar C, C as the compiler vectorises it, one thread and two.

use super::{Result, cells, head, row};
use crate::ffi::Library;
use crate::measure::{Effort, alternate, time};
use crate::peers::loop_library;
use crate::programs::{LoopData, LoopProgram, alike};
use hotloop::{Engine, TargetChoice};
use std::io::Write;

/// Flags of both builds; nothing that would change a bit.
const COMMON: &[&str] = &["-O3", "-fPIC", "-w", "-ffp-contract=off"];
/// Flags of the build without vectors.
const SCALAR: &[&str] = &["-fno-tree-vectorize", "-fno-tree-slp-vectorize"];
/// Flags of the build with them.
const VECTOR: &[&str] = &["-mprefer-vector-width=128", "-fno-math-errno", "-fno-trapping-math"];

/// Measures the programs and writes the section.
pub fn write(effort: Effort, programs: &[&'static LoopProgram], out: &mut dyn Write) -> Result<()> {
    let library = |name: &str, flags: &[&str]| loop_library(name, &[COMMON, flags].concat());
    let (scalar, vector) = (library("scalar", SCALAR)?, library("vector", VECTOR)?);
    let engine = Engine::new();
    writeln!(out, "## Programs of loops\n")?;
    writeln!(
        out,
        "Written by `hotloop-bench loops`. Each program is the same loops in both languages, and its results\n\
         are the same to the bit. C is built by gcc with `{}`, scalar C with `{}`, vector C with `{}`;\n\
         for the instruction set of hotloop's own code. C checks no index, hotloop every one.\n",
        COMMON.join(" "),
        SCALAR.join(" "),
        VECTOR.join(" ")
    )?;
    let titles =
        ["program", "hotloop", "scalar C", "hotloop / scalar C", "vector C", "hotloop / vector C", "two threads"];
    head(out, &cells(&titles))?;
    for program in programs {
        row(out, &line(&engine, effort, program, scalar, vector)?)?;
        out.flush()?;
    }
    writeln!(out)?;
    Ok(())
}

fn line(
    engine: &Engine,
    effort: Effort,
    program: &'static LoopProgram,
    scalar: Library,
    vector: Library,
) -> Result<Vec<String>> {
    let mut data = LoopData::new(program);
    let prepared = data.prepare(engine, TargetChoice::Auto)?;
    let missing = || format!("no C function `{}`", program.name);
    let functions = [
        scalar.loop_function(program.name).ok_or_else(missing)?,
        vector.loop_function(program.name).ok_or_else(missing)?,
    ];
    for _ in 0..3 {
        data.run(&prepared, 1)?;
    }
    let own = data.arrays().to_vec();
    data.run_c(functions[0]);
    if !alike(&own, data.arrays()) {
        return Err(format!("`{}` gives other numbers than C", program.name).into());
    }
    let on = |threads: usize| {
        let prepared = &prepared;
        move |data: &mut LoopData| drop(data.run(prepared, threads))
    };
    let with = |function| move |data: &mut LoopData| data.run_c(function);
    let candidates: [&dyn Fn(&mut LoopData); 5] =
        [&LoopData::refill, &on(1), &with(functions[0]), &with(functions[1]), &on(2)];
    let used = if program.parallel { 5 } else { 4 };
    let all = alternate(&mut data, effort, &candidates[..used]);
    let times: Vec<f64> = all.iter().map(|time| (time - all[0]).max(1.0)).collect();
    let speed_up = if program.parallel { format!("{:.2} times", times[1] / times[4]) } else { String::new() };
    Ok(vec![
        program.title.to_owned(),
        time(times[1]),
        time(times[2]),
        format!("{:.2}", times[1] / times[2]),
        time(times[3]),
        format!("{:.2}", times[1] / times[3]),
        speed_up,
    ])
}
