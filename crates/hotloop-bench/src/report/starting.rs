//! What the first result costs: of a kernel that is on disk, of a new engine, and of a new process.
//!
//! Every run starts anew, so the median counts, not the least. How long the phases of compiling take is another section.

use super::{Result, cells, head, row};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
use crate::measure::{Effort, median, middle, time};
use crate::workload::Workload;
use hotloop::{Arg, Call, DiskCache, Engine, Origin, TargetChoice, Tiers};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The goals, in nanoseconds: of a reload, of a new engine's first result, and of a process.
const RELOAD: f64 = 50e3;
const FIRST: f64 = 200e3;
const PROCESS: f64 = 20e6;

/// Measures and writes the section.
pub fn write(effort: Effort, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "## Starting\n")?;
    writeln!(
        out,
        "Medians of runs that each start anew. A reload is what a kernel's first use takes beyond checking and lowering its\n\
         text: finding it on disk, verifying the file, and making its code executable.\n"
    )?;
    head(out, &cells(&["what", "time", "goal"]))?;
    let runs = if effort.least > 1 { 201 } else { 1 };
    for name in ["axpy", "bs"] {
        let Some(workload) = Workload::of_name(name) else { continue };
        let [whole, reload] = reload(workload, runs)?;
        let title = format!("{} of f64: reload from disk", workload.title);
        row(out, &[title, time(reload), time(RELOAD)])?;
        row(out, &["the same with its text checked and lowered".to_owned(), time(whole), String::new()])?;
    }
    let first = first_result(runs)?;
    row(out, &["`2*a + 1`, n = 1000, first result of a new engine".to_owned(), time(first), time(FIRST)])?;
    for (title, nanoseconds) in processes(runs)? {
        row(out, &[title.to_owned(), time(nanoseconds), time(PROCESS)])?;
    }
    writeln!(out)?;
    Ok(())
}

/// A kernel that is on disk: from its module to code that can be called, and how much of that is not lowering. Each run
/// is followed by lowering alone, so that both see the machine in the same state; the median of the differences counts.
fn reload(workload: &'static Workload, runs: usize) -> Result<[f64; 2]> {
    let folder = tempfile::tempdir()?;
    let disk = DiskCache::new(folder.path());
    let engine = || Engine::builder().disk_cache(disk.clone()).tiers(Tiers::Best).build();
    let mut data = Data::new(workload, Dtype::F64, 1000);
    let case = Case::new(&engine(), &mut data, TargetChoice::Simd)?;
    let call = Call::new().target(TargetChoice::Simd);
    let (types, name) = (case.prepared().types(), workload.kernel(Dtype::F64));
    let lower = lowering(workload, &name);
    let mut beyond = Vec::with_capacity(runs);
    let mut all_from_disk = true;
    let whole = median(runs, || {
        let kernel = engine().load(workload.text).and_then(|module| module.kernel(&name));
        let start = Instant::now();
        let prepared = kernel.and_then(|kernel| kernel.prepare_with(types, &call));
        let time = start.elapsed();
        all_from_disk &= prepared.is_ok_and(|prepared| prepared.origin() == Origin::Disk);
        beyond.push(lower(types).map(|lowering| time.saturating_sub(lowering)));
        time
    });
    if !all_from_disk {
        return Err("a kernel that is on disk was compiled".into());
    }
    let beyond: Option<Vec<Duration>> = beyond.into_iter().collect();
    Ok([whole, middle(beyond.ok_or("the workload does not lower")?)])
}

/// What takes the time that lowering a workload takes.
fn lowering(workload: &'static Workload, name: &str) -> impl Fn(&[hotloop::ArgType]) -> Option<Duration> {
    let source = hotloop_source::Source::new(workload.name, workload.text);
    let (file, _) = hotloop_syntax::parse_file(&source, &hotloop::TextLimits::default());
    let (module, _) = hotloop_sema::Module::of_file(file);
    let (name, options) = (name.to_owned(), hotloop_sema::Options::default());
    move |types| {
        let start = Instant::now();
        let program = hotloop_sema::lower(&module, &name, types, &options);
        let time = start.elapsed();
        black_box(program).is_ok().then_some(time)
    }
}

/// From the text to the array of results, in a new engine without a disk cache.
fn first_result(runs: usize) -> Result<f64> {
    let a = vec![1.5f64; 1000];
    let args = [("a", Arg::from(&a))];
    let mut failure = None;
    let nanoseconds = median(runs, || {
        let engine = Engine::new();
        let start = Instant::now();
        let result = engine.eval("2*a + 1", &args);
        let time = start.elapsed();
        failure = black_box(result).err().or(failure.take());
        time
    });
    failure.map_or(Ok(nanoseconds), |failure| Err(failure.into()))
}

/// The command line, where it was built beside this program: a whole process with nothing stored, and with its kernel on disk.
fn processes(runs: usize) -> Result<Vec<(&'static str, f64)>> {
    let program = std::env::current_exe()?.with_file_name(format!("hotloop{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir()?;
    let without =
        ("`hotloop eval --no-cache '2*a+1' a=3`, a process", evaluate(&program, folder.path(), &["--no-cache"], runs)?);
    let with =
        ("`hotloop eval '2*a+1' a=3`, a process, its kernel on disk", evaluate(&program, folder.path(), &[], runs)?);
    Ok(vec![without, with])
}

fn evaluate(program: &PathBuf, cache: &Path, options: &[&str], runs: usize) -> Result<f64> {
    let mut command = Command::new(program);
    command.arg("eval").args(options).args(["2*a+1", "a=3"]).env("HOTLOOP_CACHE_DIR", cache);
    let output = command.output()?;
    if output.stdout.trim_ascii() != b"7" {
        return Err(format!("`hotloop eval` does not give 7: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    command.stdout(Stdio::null());
    let mut failed = false;
    let nanoseconds = median(runs, || {
        let start = Instant::now();
        let status = command.status();
        failed |= !status.is_ok_and(|status| status.success());
        start.elapsed()
    });
    if failed { Err("`hotloop eval` fails".into()) } else { Ok(nanoseconds) }
}
