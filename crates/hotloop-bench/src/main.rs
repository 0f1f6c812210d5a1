//! `hotloop-bench`: measures and prints the page of figures.
//!
//!     hotloop-bench table [--quick] [--ratios] [--size N]… [WORKLOAD…]
//!     hotloop-bench loops [--quick] [PROGRAM…]
//!     hotloop-bench maths [--quick] [--size N] [FUNCTION…]
//!     hotloop-bench start [--quick]
//!     hotloop-bench gpu [--size N]…

use hotloop_bench::gpu;
use hotloop_bench::maths::{FUNCTIONS, Function};
use hotloop_bench::measure::Effort;
use hotloop_bench::programs::{LoopProgram, PROGRAMS};
use hotloop_bench::report::{self, Plan};
use hotloop_bench::{WORKLOADS, Workload};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, rest)) if command == "table" => plan(rest)
            .and_then(|plan| report::write(&plan, &mut io::stdout().lock()).map_err(|error| error.to_string())),
        Some((command, rest)) if command == "loops" => loops(rest),
        Some((command, rest)) if command == "maths" => maths(rest),
        Some((command, rest)) if command == "start" => start(rest),
        Some((command, rest)) if command == "gpu" => gpu_plan(rest)
            .and_then(|plan| gpu::write(plan, &mut io::stdout().lock()).map_err(|error| error.to_string())),
        _ => Err(usage()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nothing is left to do if even that cannot be written.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn plan(arguments: &[String]) -> Result<Plan, String> {
    let mut plan = Plan::full();
    let (mut workloads, mut sizes) = (Vec::new(), Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => plan.effort = Effort::QUICK,
            "--ratios" => plan.only_ratios = true,
            "--size" => {
                let size = arguments.next().and_then(|text| text.parse().ok());
                sizes.push(size.ok_or("`--size` needs a number of elements")?);
            }
            name => workloads.push(Workload::of_name(name).ok_or_else(usage)?),
        }
    }
    if !workloads.is_empty() {
        plan.workloads = workloads;
    }
    if !sizes.is_empty() {
        plan.sizes = sizes;
    }
    Ok(plan)
}

fn loops(arguments: &[String]) -> Result<(), String> {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with("--"));
    let effort = match flags.as_slice() {
        [] => Effort::FULL,
        [flag] if *flag == "--quick" => Effort::QUICK,
        _ => return Err(usage()),
    };
    let named = names.iter().map(|name| LoopProgram::of_name(name)).collect::<Option<Vec<_>>>().ok_or_else(usage)?;
    let programs = if named.is_empty() { PROGRAMS.iter().collect() } else { named };
    report::programs::write(effort, &programs, &mut io::stdout().lock()).map_err(|error| error.to_string())
}

fn maths(arguments: &[String]) -> Result<(), String> {
    let (mut effort, mut elements, mut functions) = (Effort::FULL, 100_000, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--size" => {
                let size = arguments.next().and_then(|text| text.parse().ok());
                elements = size.ok_or("`--size` needs a number of elements")?;
            }
            name => functions.push(Function::of_name(name).ok_or_else(usage)?),
        }
    }
    let functions = if functions.is_empty() { FUNCTIONS.iter().collect() } else { functions };
    report::maths::write(effort, elements, &functions, &mut io::stdout().lock()).map_err(|error| error.to_string())
}

fn start(arguments: &[String]) -> Result<(), String> {
    let effort = match arguments {
        [] => Effort::FULL,
        [flag] if flag == "--quick" => Effort::QUICK,
        _ => return Err(usage()),
    };
    report::starting::write(effort, &mut io::stdout().lock()).map_err(|error| error.to_string())
}

fn gpu_plan(arguments: &[String]) -> Result<Option<gpu::Plan>, String> {
    let mut sizes = Vec::new();
    for pair in arguments.chunks(2) {
        match pair {
            [option, size] if option == "--size" => {
                sizes.push(size.parse().map_err(|_| "`--size` needs a number of elements")?);
            }
            _ => return Err(usage()),
        }
    }
    Ok((!sizes.is_empty()).then_some(gpu::Plan { sizes, rounds: 5 }))
}

fn usage() -> String {
    let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    format!(
        "usage: hotloop-bench table [--quick] [--ratios] [--size N]… [WORKLOAD…]\n\
         \x20      hotloop-bench loops [--quick] [PROGRAM…]\n\
         \x20      hotloop-bench maths [--quick] [--size N] [FUNCTION…]\n\
         \x20      hotloop-bench start [--quick]\n\
         \x20      hotloop-bench gpu [--size N]…\n\
         --quick measures less; --ratios only compares with C; the workloads are {}",
        names.join(" ")
    )
}
