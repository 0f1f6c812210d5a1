//! What a second thread brings: speed where computing takes the time, and the share of the memory's speed where it does
//! not.

use super::{Context, Result, cells, head, row, size};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::{Case, Foreign};
use crate::measure::alternate;
use crate::workload::Workload;
use hotloop::TargetChoice;
use std::io::Write;

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    let threads = context.engine.threads().max(2);
    writeln!(out, "## Threads, n = {}\n", size(context.plan.large))?;
    writeln!(
        out,
        "Times of one thread over times of {threads}. The share of the memory's speed is that of the bytes that must be\n\
         moved per second, against C's `a*x + y`, copy, or sum, whichever moves them alike, with 128-bit vectors and\n\
         ordinary stores: on one thread, and on {threads} that have a part of the elements each. All take turns.\n"
    )?;
    head(
        out,
        &cells(&[
            "workload",
            "type",
            "speed-up",
            "GB/s, one thread",
            "share of C",
            "GB/s, all threads",
            "share of C, all threads",
        ]),
    )?;
    for workload in &context.plan.workloads {
        for dtype in workload.dtypes.iter().filter(|dtype| dtype.ty().is_float()) {
            row(out, &line(context, workload, *dtype, threads)?)?;
            out.flush()?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn line(context: &Context<'_>, workload: &'static Workload, dtype: Dtype, threads: usize) -> Result<Vec<String>> {
    let mut data = Data::new(workload, dtype, context.plan.large);
    let case = Case::new(&context.engine, &mut data, TargetChoice::Auto)?;
    case.run(&mut data)?;
    let on = |threads: usize| {
        let case = &case;
        move |both: &mut Both| {
            both.ours.set_threads(threads);
            drop(case.run(&mut both.ours));
        }
    };
    let (one, all) = (on(1), on(threads));
    let mut line = cells(&[workload.title, dtype.name()]);
    let bytes = data.bytes();
    let (Some(bytes), Some((kernel, theirs))) = (bytes, memory_mover(context, workload, dtype)) else {
        let mut both = Both { ours: data, theirs: None };
        let times = alternate(&mut both, context.plan.effort, &[&one, &all]);
        line.push(format!("{:.2}", times[0] / times[1]));
        let rate = |time: f64| bytes.map_or_else(String::new, |bytes| format!("{:.1}", bytes as f64 / time));
        line.extend([rate(times[0]), String::new(), rate(times[1]), String::new()]);
        return Ok(line);
    };
    let moved = theirs.bytes().unwrap_or_default() as f64;
    let mut both = Both { ours: data, theirs: Some(theirs) };
    let c_on =
        |threads: usize| move |both: &mut Both| both.theirs.iter_mut().for_each(|data| kernel.run_on(data, threads));
    let (c_one, c_all) = (c_on(1), c_on(threads));
    let times = alternate(&mut both, context.plan.effort, &[&one, &all, &c_one, &c_all]);
    line.push(format!("{:.2}", times[0] / times[1]));
    for (ours, theirs) in [(times[0], times[2]), (times[1], times[3])] {
        let speed = bytes as f64 / ours;
        line.extend([format!("{speed:.1}"), format!("{:.2}", speed / (moved / theirs))]);
    }
    Ok(line)
}

/// What is worked on in turn.
struct Both {
    ours: Data,
    theirs: Option<Data>,
}

/// The C kernel that moves memory in the same way, with its data.
fn memory_mover(context: &Context<'_>, workload: &Workload, dtype: Dtype) -> Option<(Foreign, Data)> {
    let peer = context.peers.first()?;
    let (name, like) = match workload.traffic? {
        (_, 0) => ("sum", "sum"),
        (0 | 1, _) => ("copy", "where"),
        (_, _) => ("axpy", "axpy"),
    };
    let like = Workload::of_name(like)?;
    let kernel = if like.fast_math { peer.kernel(like, dtype)? } else { peer.plain_kernel(name, dtype)? };
    Some((kernel, Data::new(like, dtype, context.plan.large)))
}
