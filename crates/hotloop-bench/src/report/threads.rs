//! What a second thread brings: speed where computing takes the time, and the share of the memory's speed where it does
//! not.

use super::{Context, Result, cells, head, row, size};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
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
         moved per second, against C's `a*x + y`, copy, or sum on one thread, whichever moves them alike, with 128-bit\n\
         vectors and ordinary stores.\n"
    )?;
    head(out, &cells(&["workload", "type", "speed-up", "GB/s, one thread", "share of C", "GB/s, all threads"]))?;
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
        move |data: &mut Data| {
            data.set_threads(threads);
            drop(case.run(data));
        }
    };
    let times = alternate(&mut data, context.plan.effort, &[&on(1), &on(threads)]);
    let mut line = cells(&[workload.title, dtype.name()]);
    line.push(format!("{:.2}", times[0] / times[1]));
    let Some(bytes) = data.bytes() else {
        line.extend(cells(&["", "", ""]));
        return Ok(line);
    };
    let speed = bytes as f64 / times[0];
    line.push(format!("{speed:.1}"));
    let share = memory_speed(context, workload, dtype).map(|memory| format!("{:.2}", speed / memory));
    line.push(share.unwrap_or_default());
    line.push(format!("{:.1}", bytes as f64 / times[1]));
    Ok(line)
}

/// Bytes per nanosecond of the C kernel that moves memory in the same way.
fn memory_speed(context: &Context<'_>, workload: &Workload, dtype: Dtype) -> Option<f64> {
    let peer = context.peers.first()?;
    let (name, like) = match workload.traffic? {
        (_, 0) => ("sum", "sum"),
        (0 | 1, _) => ("copy", "where"),
        (_, _) => ("axpy", "axpy"),
    };
    let like = Workload::of_name(like)?;
    let mut data = Data::new(like, dtype, context.plan.large);
    let kernel = if like.fast_math { peer.kernel(like, dtype)? } else { peer.plain_kernel(name, dtype)? };
    let time = alternate(&mut data, context.plan.effort, &[&|data| kernel.run(data)])[0];
    Some(data.bytes()? as f64 / time)
}
