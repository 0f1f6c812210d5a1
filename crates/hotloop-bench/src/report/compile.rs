//! How long a kernel takes from its text to code that can be called, by phase.

use super::{Context, Result, cells, head, row};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
use crate::measure::{median, time};
use crate::workload::Workload;
use hotloop::{ArgType, Call, Engine, TargetChoice, TextLimits};
use hotloop_clif::Clif;
use hotloop_sema::{Module, Options, lower};
use hotloop_source::Source;
use hotloop_target::Target;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

const PHASES: [&str; 7] = ["parse", "check", "lower", "passes", "codegen", "load", "sum"];

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "## From text to code\n")?;
    writeln!(out, "Medians of warm runs in one process; `engine` is a whole `load` and `prepare` in a new engine.\n")?;
    let mut titles = cells(&["kernel", "type"]);
    titles.extend(PHASES.iter().map(|phase| (*phase).to_owned()));
    titles.extend(cells(&["engine", "bytes of code"]));
    head(out, &titles)?;
    for name in ["axpy", "quad", "bs", "softmax", "mandel"] {
        let Some(workload) = Workload::of_name(name) else { continue };
        if !context.plan.workloads.iter().any(|wanted| wanted.name == name) {
            continue;
        }
        for dtype in workload.dtypes {
            let line = line(context, workload, *dtype);
            row(out, &line.unwrap_or_else(|error| vec![workload.title.to_owned(), error.to_string()]))?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn line(context: &Context<'_>, workload: &'static Workload, dtype: Dtype) -> Result<Vec<String>> {
    let runs = if context.plan.effort.least > 1 { 41 } else { 1 };
    let mut data = Data::new(workload, dtype, 1000);
    let case = Case::new(&context.engine, &mut data, TargetChoice::Simd)?;
    let types = case.prepared().types();
    let clif = Clif::simd()?;
    let mut phases: Vec<Vec<f64>> = vec![Vec::new(); PHASES.len()];
    for _ in 0..runs + runs / 4 {
        let times = phase_times(&clif, workload, dtype, types)?;
        phases.iter_mut().zip(times).for_each(|(all, time)| all.push(time.as_nanos() as f64));
    }
    let whole = median(runs, || {
        let engine = Engine::new();
        let start = Instant::now();
        let module = engine.load(workload.text);
        let call = Call::new().target(TargetChoice::Simd);
        let made = module.and_then(|module| module.kernel(&workload.kernel(dtype))?.prepare_with(types, &call));
        let time = start.elapsed();
        black_box(made.is_ok());
        time
    });
    let mut line = vec![workload.title.to_owned(), dtype.name().to_owned()];
    line.extend(phases.into_iter().map(|times| time(middle(times))));
    line.extend([time(whole), case.prepared().code_bytes().to_string()]);
    Ok(line)
}

/// The times of one run of the phases, in the order of the table.
fn phase_times(clif: &Clif, workload: &Workload, dtype: Dtype, types: &[ArgType]) -> Result<[Duration; 7]> {
    let mut marks = vec![Instant::now()];
    let mut mark = || marks.push(Instant::now());
    let source = Source::new(workload.name, workload.text);
    let (file, _) = hotloop_syntax::parse_file(&source, &TextLimits::default());
    mark();
    let (module, _) = Module::of_file(file);
    mark();
    let program = lower(&module, &workload.kernel(dtype), types, &Options::default());
    let program = program.map_err(|_| "the workload does not lower")?;
    mark();
    let program = hotloop_passes::run(program);
    mark();
    let artifact = clif.compile(&program)?;
    mark();
    black_box(clif.load(&artifact)?);
    mark();
    let mut times = [Duration::ZERO; 7];
    for (index, pair) in marks.windows(2).enumerate() {
        times[index] = pair[1] - pair[0];
        times[6] += times[index];
    }
    Ok(times)
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
