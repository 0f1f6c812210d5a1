//! The `hotloop` program: from the command line to an exit code.
//!
//! Owns the dispatch only. It is the edge of the project: here files are read, results printed and errors told.

mod args;
mod cache;
mod columns;
mod elements;
mod interrupt;
mod literal;
mod npy;
mod output;
mod print;
mod report;
mod run;
mod table;
mod value;

use args::{Cli, Command};
use clap::Parser;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    report::hook_panics();
    let result = catch_unwind(AssertUnwindSafe(|| match cli.command {
        Command::Eval(eval) => run::eval(&eval),
        Command::Run(run) => run::file(run),
        Command::Cache { action } => cache::act(action),
    }));
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.tell(),
        Err(_) => report::internal(),
    }
}
