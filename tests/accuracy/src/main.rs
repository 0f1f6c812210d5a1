//! Prints the largest error of each function:
//! `hotloop-accuracy [--points N] [--exhaustive] [--type f32|f64] [--jobs N] [NAME…]`.
//!
//! The table is Markdown; committed as `docs/accuracy.md`, which says how it was made.

use hotloop::{Engine, Error};
use hotloop_accuracy::{FUNCTIONS, Float, Function, Points, Worst, measure};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

struct Plan {
    points: usize,
    exhaustive: bool,
    types: Vec<String>,
    jobs: usize,
    names: Vec<String>,
}

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    function: &'static Function,
    double: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = plan(std::env::args().skip(1))?;
    let rows = rows(&plan);
    let mut out = std::io::stdout().lock();
    writeln!(out, "| function | type | tier | largest error, ULP | at | points | not correctly rounded | seconds |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs {
            let (send, next, rows, plan) = (send.clone(), &next, &rows, &plan);
            scope.spawn(move || {
                let engine = Engine::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(index) else { break };
                    if send.send((index, line(&engine, row, plan).map_err(|error| error.to_string()))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        in_order(receive, &mut out)
    })
}

/// Writes lines in the order of their numbers, each as soon as it can be.
fn in_order(
    lines: mpsc::Receiver<(usize, Result<String, String>)>,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut waiting = std::collections::BTreeMap::new();
    let mut written = 0;
    for (index, line) in lines {
        waiting.insert(index, line);
        while let Some(line) = waiting.remove(&written) {
            writeln!(out, "{}", line?)?;
            out.flush()?;
            written += 1;
        }
    }
    Ok(())
}

fn plan(mut args: impl Iterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan {
        points: 1_000_000,
        exhaustive: false,
        types: vec!["f64".into(), "f32".into()],
        jobs: 1,
        names: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        let number = |text: String| text.parse::<usize>().map_err(|_| format!("`{text}` is not a number"));
        match arg.as_str() {
            "--points" => plan.points = number(value()?)?,
            "--jobs" => plan.jobs = number(value()?)?.max(1),
            "--exhaustive" => plan.exhaustive = true,
            "--type" => plan.types = vec![value()?],
            name if FUNCTIONS.iter().any(|function| function.name == name) => plan.names.push(name.to_owned()),
            other => return Err(format!("`{other}` is no function and no option")),
        }
    }
    Ok(plan)
}

fn rows(plan: &Plan) -> Vec<Row> {
    let wanted = |function: &&Function| plan.names.is_empty() || plan.names.iter().any(|name| name == function.name);
    let mut rows = Vec::new();
    for function in FUNCTIONS.iter().filter(wanted) {
        for ty in &plan.types {
            rows.push(Row { function, double: ty == "f64" });
        }
    }
    rows
}

fn line(engine: &Engine, row: &Row, plan: &Plan) -> Result<String, Error> {
    let start = Instant::now();
    let one = row.function.ranges.1.is_none();
    let which = if plan.exhaustive && one && !row.double { Points::All } else { Points::Sample(plan.points) };
    let worst = if row.double {
        measure::<f64>(engine, row.function, |f| f.double, which)?
    } else {
        measure::<f32>(engine, row.function, |f| f.single, which)?
    };
    let seconds = start.elapsed().as_secs_f64();
    Ok(if row.double { told::<f64>(row, &worst, seconds) } else { told::<f32>(row, &worst, seconds) })
}

fn told<T: Float>(row: &Row, worst: &Worst, seconds: f64) -> String {
    let error = match worst.error {
        0.5 => "0.5".to_owned(),
        // Rounded up, so that a printed bound holds.
        error => format!("{:.4}", (error * 1e4).ceil() / 1e4),
    };
    let at: Vec<String> = worst.at.iter().map(|&operand| hex(operand)).collect();
    let missed = 100.0 * worst.missed as f64 / worst.points as f64;
    let (name, ty) = (row.function.text, T::NAME);
    format!(
        "| `{name}` | {ty} | strict | {error} | {} | {} | {missed:.2} % | {seconds:.1} |",
        at.join(", "),
        worst.points
    )
}

/// A float in hexadecimal, as the language reads it.
fn hex(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let bits = value.to_bits();
    let (field, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    let (fraction, power) = if field == 0 {
        let shift = fraction.leading_zeros() - 11;
        (fraction << shift & ((1 << 52) - 1), -1022 - i64::from(shift))
    } else {
        (fraction, field - 1023)
    };
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}0x1{}{digits}p{power}", if digits.is_empty() { "" } else { "." })
}
