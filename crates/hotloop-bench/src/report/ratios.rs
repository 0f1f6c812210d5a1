//! The comparison with C: one table per size.

use super::{Context, Result, cells, head, row, size};
use crate::data::{Data, distance};
use crate::dtype::Dtype;
use crate::ffi::{Case, Foreign, pin, unpin};
use crate::measure::{Candidate, alternate, time};
use crate::workload::Workload;
use hotloop::{TargetChoice, Type};
use std::io::Write;

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "## Against C, one thread\n")?;
    if context.peers.is_empty() {
        writeln!(out, "No C compiler was found, so hotloop's times stand alone.\n")?;
    }
    pin(context.engine.threads().saturating_sub(1));
    for elements in &context.plan.sizes {
        writeln!(out, "### n = {}\n", size(*elements))?;
        let mut titles = cells(&["workload", "type", "hotloop", "GB/s", "relaxed"]);
        for peer in &context.peers {
            titles.push(peer.name.clone());
            titles.push(format!("hotloop / {}", peer.name));
        }
        titles.push("goal".to_owned());
        head(out, &titles)?;
        for workload in &context.plan.workloads {
            for dtype in workload.dtypes {
                row(out, &line(context, workload, *dtype, *elements)?)?;
                out.flush()?;
            }
        }
        writeln!(out)?;
    }
    unpin();
    Ok(())
}

fn line(context: &Context<'_>, workload: &'static Workload, dtype: Dtype, elements: usize) -> Result<Vec<String>> {
    let star = if workload.fast_math { " \\*" } else { "" };
    let mut line = vec![format!("{}{star}", workload.title), dtype.name().to_owned()];
    let mut data = Data::new(workload, dtype, elements);
    let case = match Case::new(&context.engine, &mut data, TargetChoice::Auto) {
        Ok(case) => case,
        Err(error) => {
            line.push(format!("not possible: {}", error.to_string().lines().next().unwrap_or_default()));
            return Ok(line);
        }
    };
    case.run(&mut data)?;
    let own = data.results();
    let columns: Vec<Option<Foreign>> = context.peers.iter().map(|peer| peer.kernel(workload, dtype)).collect();
    let foreign: Vec<Foreign> = columns.iter().copied().flatten().collect();
    let wrong: Vec<bool> = foreign.iter().map(|kernel| !agrees(*kernel, &mut data, &own)).collect();
    // The case has run once, so it runs again.
    let relaxed = Case::new(&context.relaxed, &mut data, TargetChoice::Auto)?;
    relaxed.run(&mut data)?;
    let ours = |data: &mut Data| drop(case.run(data));
    let ours_relaxed = |data: &mut Data| drop(relaxed.run(data));
    let theirs: Vec<_> = foreign.iter().map(|kernel| |data: &mut Data| kernel.run(data)).collect();
    let mut candidates: Vec<Candidate<'_, Data>> = vec![&ours, &ours_relaxed];
    candidates.extend(theirs.iter().map(|kernel| kernel as Candidate<'_, Data>));
    let times = alternate(&mut data, context.plan.effort, &candidates);
    line.push(time(times[0]));
    line.push(data.bytes().map_or_else(String::new, |bytes| format!("{:.1}", bytes as f64 / times[0])));
    line.push(time(times[1]));
    let mut measured = times[2..].iter().zip(wrong);
    for column in columns {
        let Some((peer, wrong)) = column.and_then(|_| measured.next()) else {
            line.extend([String::new(), String::new()]);
            continue;
        };
        line.push(time(*peer));
        line.push(if wrong { "results differ".to_owned() } else { format!("{:.2}", times[0] / peer) });
    }
    line.push(workload.goal.map_or_else(String::new, |goal| format!("{goal}")));
    Ok(line)
}

/// Whether a C kernel computes the same, within the tolerance.
fn agrees(kernel: Foreign, data: &mut Data, own: &[Vec<f64>]) -> bool {
    data.clear();
    kernel.run(data);
    let workload = data.workload();
    let is_float = match workload.outs.first() {
        Some((_, ty)) => ty.unwrap_or(data.dtype().ty()).is_float(),
        None => data.dtype().ty() == Type::F32 || data.dtype().ty() == Type::F64,
    };
    distance(is_float, own, &data.results()) <= workload.tolerance(data.dtype())
}
