//! `hotloop check`: what is wrong with a file, without running it; with `--differential`, whether all targets agree.
//!
//! What a kernel's body means is known for the types of its arguments only, so kernels whose parameters have types are
//! checked to the end and others as far as the text goes.

use crate::args::Check;
use crate::differential;
use crate::report::{self, Failure};
use hotloop::{ArgType, KernelInfo, SourceError, array_of};

pub const HELP: &str = "\
Kernels whose parameters all have types, as in `kernel k(x: f64[:], n: i64)`, are checked to the end. With
--differential they are also run on every target, with arrays of many lengths, random numbers, zeros, infinities and
NaNs, and must give the same bits and the same errors; a difference is shown with the smallest input that has it.";

/// `hotloop check`.
pub fn run(command: &Check) -> Result<(), Failure> {
    let mut code = None;
    for path in &command.files {
        match file(path, command) {
            Ok(()) => {}
            Err(failure @ (Failure::Closed | Failure::Interrupted)) => return Err(failure),
            Err(failure) => code = Some(report::tell_in_session(&failure)),
        }
    }
    code.map_or(Ok(()), |code| Err(Failure::Told(code)))
}

fn file(path: &std::path::Path, command: &Check) -> Result<(), Failure> {
    let engine = crate::run::builder(command.fastmath).build();
    let module = engine.load_file(path)?;
    report::warn(SourceError { source: module.source().clone(), diagnostics: module.warnings().to_vec() });
    let mut wrong = false;
    let mut typed = 0;
    for info in module.kernels() {
        let Some(types) = types(info) else { continue };
        typed += 1;
        if let Err(error) = module.kernel(&info.name).and_then(|kernel| kernel.validate(&types)) {
            report::tell_in_session(&error.into());
            wrong = true;
        }
    }
    if wrong {
        return Err(Failure::Told(1));
    }
    let all = module.kernels().count();
    say(&format!("{}: {all} {}, {typed} checked to the end", path.display(), plural(all, "kernel")))?;
    if command.differential { differential::run(&module, command) } else { Ok(()) }
}

/// The types of a kernel's parameters, if all have one.
pub fn types(info: &KernelInfo) -> Option<Vec<ArgType>> {
    let ty = |param: &hotloop::ParamInfo| {
        let annotation = param.annotation?;
        array_of(annotation.ty, annotation.rank as usize).ok()
    };
    info.params.iter().map(ty).collect()
}

/// One line on the standard output.
pub fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::of_stdout)
}

/// A word for one or several things.
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
