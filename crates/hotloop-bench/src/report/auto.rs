//! Whether the automatic choice of target is as good as the best fixed one, over all sizes.

use super::{Context, Result, cells, head, row, size};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
use crate::measure::{Candidate, alternate, time};
use crate::workload::Workload;
use hotloop::TargetChoice;
use std::io::Write;

const FIXED: [TargetChoice; 3] = [TargetChoice::Scalar, TargetChoice::Simd, TargetChoice::Parallel];

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "## The choice of target\n")?;
    writeln!(out, "`auto` against the best fixed target; the goal is 1.10 at every size.\n")?;
    for name in ["axpy", "bs", "sum"] {
        let Some(workload) = context.plan.workloads.iter().find(|workload| workload.name == name) else { continue };
        writeln!(out, "### {}, f64\n", workload.title)?;
        head(out, &cells(&["n", "scalar", "simd", "parallel", "auto", "auto / best"]))?;
        let mut elements = 1;
        while elements <= 10 * context.plan.large {
            row(out, &line(context, workload, elements)?)?;
            out.flush()?;
            elements *= 10;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn line(context: &Context<'_>, workload: &'static Workload, elements: usize) -> Result<Vec<String>> {
    let mut data = Data::new(workload, Dtype::F64, elements);
    data.set_threads(context.engine.threads());
    let targets = FIXED.iter().chain([&TargetChoice::Auto]);
    let cases = targets.map(|target| Case::new(&context.engine, &mut data, *target));
    let cases: Vec<Case> = cases.collect::<std::result::Result<_, _>>()?;
    let runs: Vec<_> = cases.iter().map(|case| |data: &mut Data| drop(case.run(data))).collect();
    let candidates: Vec<Candidate<'_, Data>> = runs.iter().map(|run| run as Candidate<'_, Data>).collect();
    let times = alternate(&mut data, context.plan.effort, &candidates);
    let best = times[..FIXED.len()].iter().copied().fold(f64::INFINITY, f64::min);
    let mut line = vec![size(elements)];
    line.extend(times.iter().map(|nanoseconds| time(*nanoseconds)));
    line.push(format!("{:.2}", times[FIXED.len()] / best));
    Ok(line)
}
