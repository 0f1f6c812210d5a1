//! The `hotloop` program: from the command line to an exit code.
//!
//! Owns the dispatch only. It is the edge of the project: here files are read, results printed and errors told.

mod args;
mod bench;
mod cache;
mod check;
mod columns;
mod compile;
#[cfg(feature = "gpu")]
mod devices;
mod differential;
mod elements;
mod expectations;
mod explain;
mod format;
mod interrupt;
mod literal;
mod machine;
mod made;
mod mapped;
mod measured;
mod npy;
mod output;
mod picture_file;
mod plot;
mod print;
mod progress;
mod repl;
mod report;
mod run;
mod stats;
mod table;
mod tables;
mod value;
mod whys;

use args::{Cli, Command};
use clap::Parser;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "gpu")]
    devices::quiet_driver();
    let cli = Cli::parse();
    report::hook_panics();
    let result = catch_unwind(AssertUnwindSafe(|| match cli.command {
        None => repl::run(&args::Repl::default()),
        Some(Command::Eval(eval)) => run::eval(&eval),
        Some(Command::Run(run)) => run::file(run),
        Some(Command::Repl(repl)) => repl::run(&repl),
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Test(test)) => expectations::run(&test),
        Some(Command::Bench(bench)) => bench::run(bench),
        Some(Command::Why(why)) => whys::run(why),
        Some(Command::Fmt(fmt)) => format::run(&fmt),
        Some(Command::Compile(compile)) => compile::compile(&compile),
        Some(Command::Cache { action }) => cache::act(action),
        #[cfg(feature = "gpu")]
        Some(Command::Devices) => devices::show(),
    }));
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.tell(),
        Err(_) => report::internal(),
    }
}
