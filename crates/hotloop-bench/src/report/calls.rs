//! What a call costs that has hardly anything to compute.

use super::{Context, Result, cells, head, row};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
use crate::measure::{Effort, alternate, least, time};
use crate::workload::WORKLOADS;
use hotloop::{Arg, Engine, TargetChoice, named};
use std::cell::RefCell;
use std::hint::black_box;
use std::io::Write;

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    let effort = context.plan.effort;
    writeln!(out, "## The cost of a call\n")?;
    head(out, &cells(&["`a*x + y` of f64, n = 1", "time", "goal"]))?;
    for (name, nanoseconds, goal) in others(context, effort)? {
        row(out, &[name.to_owned(), time(nanoseconds), goal.map_or_else(String::new, time)])?;
    }
    writeln!(out)?;
    Ok(())
}

type Line = (&'static str, f64, Option<f64>);

fn others(context: &Context<'_>, effort: Effort) -> Result<Vec<Line>> {
    let engine = &context.engine;
    let (x, y, a) = ([1.0f64], [2.0f64], 2.5f64);
    let module = engine.load(WORKLOADS[0].text)?;
    let kernel = module.kernel("axpy")?;
    let args = hotloop::args![a, &x, &y];
    let prepared = kernel.prepare_for(&args)?;
    engine.eval("a*x + y", &named! { a: a, x: &x, y: &y })?;
    // In a cell, as what is timed may only read.
    let (mut z, into) = ([0.0f64], "prepared handle, result into the caller's array");
    let outs = RefCell::new([Arg::from(&mut z[..])]);
    let into_outs = || drop(black_box(prepared.call_into(&args, &mut outs.borrow_mut()[..])));
    let raw = raw_views(engine, effort)?;
    Ok(vec![
        (into, least(effort, &into_outs), Some(200.0)),
        ("the same through raw memory, its views made for each call", raw, None),
        ("prepared handle, a new array", least(effort, &|| drop(black_box(prepared.call(&args)))), None),
        ("`Kernel::call`, found in the cache", least(effort, &|| drop(black_box(kernel.call(&args)))), None),
        (
            "`Engine::eval`, found in the cache",
            least(effort, &|| drop(black_box(engine.eval("a*x + y", &named! { a: a, x: &x, y: &y })))),
            Some(1000.0),
        ),
    ])
}

/// A call as another language makes it: from a block of pointers and extents.
fn raw_views(engine: &Engine, effort: Effort) -> Result<f64> {
    let mut data = Data::new(&WORKLOADS[0], Dtype::F64, 1);
    let case = Case::new(engine, &mut data, TargetChoice::Auto)?;
    case.run(&mut data)?;
    Ok(alternate(&mut data, effort, &[&|data| drop(case.run(data))])[0])
}
