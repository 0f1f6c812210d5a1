//! What a call costs that has hardly anything to compute.

use super::{Context, Result, cells, head, row};
use crate::data::Data;
use crate::dtype::Dtype;
use crate::ffi::Case;
use crate::measure::{Effort, alternate, least, time};
use crate::workload::WORKLOADS;
use hotloop::{TargetChoice, named};
use std::hint::black_box;
use std::io::Write;

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    let effort = context.plan.effort;
    writeln!(out, "## The cost of a call\n")?;
    head(out, &cells(&["`a*x + y` of f64, n = 1", "time", "goal"]))?;
    let mut data = Data::new(&WORKLOADS[0], Dtype::F64, 1);
    let case = Case::new(&context.engine, &mut data, TargetChoice::Auto)?;
    case.run(&mut data)?;
    let into = alternate(&mut data, effort, &[&|data| drop(case.run(data))])[0];
    row(out, &[cells(&["prepared handle, result into the caller's array"])[0].clone(), time(into), time(200.0)])?;
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
    Ok(vec![
        ("prepared handle, a new array", least(effort, &|| drop(black_box(prepared.call(&args)))), None),
        ("`Kernel::call`, found in the cache", least(effort, &|| drop(black_box(kernel.call(&args)))), None),
        (
            "`Engine::eval`, found in the cache",
            least(effort, &|| drop(black_box(engine.eval("a*x + y", &named! { a: a, x: &x, y: &y })))),
            Some(1000.0),
        ),
    ])
}
