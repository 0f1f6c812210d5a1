//! Prints the largest error of each function:
//! `hotloop-accuracy [--points N] [--exhaustive] [--type f32|f64] [--tier strict|relaxed] [--jobs N]
//! [--on cpu|gpu|regrouping] [--state FILE [--seconds N]] [NAME…]`.
//!
//! The table is Markdown; committed as `docs/accuracy.md`, which says how it was made. With `--state`, what has been
//! measured is kept in a file and not measured again; `--seconds` ends a run early, and a later one goes on.

mod state;

use hotloop::{Engine, Fastmath};
use hotloop_accuracy::{FUNCTIONS, Float, Function, Machine, Operands, Points, Worst, fingerprint, measure_chunks};
use state::{Key, State};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How many chunks are measured before the progress is noted.
const STEP: usize = 8;

struct Plan {
    points: usize,
    exhaustive: bool,
    types: Vec<String>,
    tiers: Vec<Fastmath>,
    jobs: usize,
    machine: Machine,
    state: Option<PathBuf>,
    until: Option<Instant>,
    names: Vec<String>,
}

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    function: &'static Function,
    tier: Fastmath,
    double: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = plan(std::env::args().skip(1))?;
    let rows = rows(&plan);
    let state = State::open(plan.state.as_deref())?;
    let engines: Vec<Engine> =
        (0..plan.jobs).flat_map(|_| Fastmath::ALL).map(|tier| plan.machine.engine(tier)).collect::<Result<_, _>>()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| function | type | tier | largest error, ULP | at | points | not correctly rounded | seconds |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for engines in engines.chunks(Fastmath::ALL.len()) {
            let (send, next, rows, plan, state) = (send.clone(), &next, &rows, &plan, &state);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(index) else { break };
                    let line = line(&engines[row.tier as usize], row, plan, state).map_err(|error| error.to_string());
                    if send.send((index, line)).is_err() {
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
    lines: mpsc::Receiver<(usize, Result<Option<String>, String>)>,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut waiting = std::collections::BTreeMap::new();
    let mut written = 0;
    for (index, line) in lines {
        waiting.insert(index, line);
        while let Some(line) = waiting.remove(&written) {
            written += 1;
            if let Some(line) = line? {
                writeln!(out, "{line}")?;
                out.flush()?;
            }
        }
    }
    Ok(())
}

fn plan(mut args: impl Iterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan {
        points: 1_000_000,
        exhaustive: false,
        types: vec!["f64".into(), "f32".into()],
        tiers: Fastmath::ALL.to_vec(),
        jobs: 1,
        machine: Machine::default(),
        state: None,
        until: None,
        names: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        let number = |text: String| text.parse::<usize>().map_err(|_| format!("`{text}` is not a number"));
        match arg.as_str() {
            "--points" => plan.points = number(value()?)?,
            "--jobs" => plan.jobs = number(value()?)?.max(1),
            "--on" => plan.machine = value()?.parse()?,
            "--state" => plan.state = Some(value()?.into()),
            "--seconds" => plan.until = Some(Instant::now() + Duration::from_secs(number(value()?)? as u64)),
            "--exhaustive" => plan.exhaustive = true,
            "--type" => plan.types = vec![value()?],
            "--tier" => plan.tiers = vec![value()?.parse()?],
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
        for &tier in &plan.tiers {
            for ty in &plan.types {
                rows.push(Row { function, tier, double: ty == "f64" });
            }
        }
    }
    rows
}

/// A row of the table; none where the time was over before all points had been tried.
fn line(engine: &Engine, row: &Row, plan: &Plan, state: &State) -> Result<Option<String>, Box<dyn std::error::Error>> {
    match row.double {
        true => line_of::<f64>(engine, row, |f| f.double, plan, state),
        false => line_of::<f32>(engine, row, |f| f.single, plan, state),
    }
}

fn line_of<T: Float>(
    engine: &Engine,
    row: &Row,
    rounded: fn(&Function) -> Operands<T>,
    plan: &Plan,
    state: &State,
) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let one = row.function.ranges.1.is_none();
    let which = if plan.exhaustive && one && !row.double { Points::All } else { Points::Sample(plan.points) };
    let key = Key {
        name: row.function.name.to_owned(),
        ty: T::NAME.to_owned(),
        tier: row.tier.name().to_owned(),
        chunks: which.chunks(),
        fingerprint: fingerprint::<T>(engine, row.function)?,
    };
    let mut progress = state.progress(&key);
    while progress.next < key.chunks {
        if plan.until.is_some_and(|until| Instant::now() >= until) {
            return Ok(None);
        }
        let start = Instant::now();
        let chunks = progress.next..key.chunks.min(progress.next + STEP);
        progress.next = chunks.end;
        measure_chunks(plan.machine, engine, row.function, rounded, which, chunks, &mut progress.worst)?;
        progress.seconds += start.elapsed().as_secs_f64();
        state.note(&key, &progress)?;
    }
    Ok(Some(told::<T>(row, &progress.worst, progress.seconds)))
}

fn told<T: Float>(row: &Row, worst: &Worst, seconds: f64) -> String {
    let error = match worst.error {
        0.5 => "0.5".to_owned(),
        // Rounded up, so that a printed bound holds.
        error => format!("{:.4}", (error * 1e4).ceil() / 1e4),
    };
    let at: Vec<String> = worst.at.iter().map(|&operand| hex(operand)).collect();
    let missed = 100.0 * worst.missed as f64 / worst.points as f64;
    let (name, ty, tier) = (row.function.text, T::NAME, row.tier);
    format!(
        "| `{name}` | {ty} | {tier} | {error} | {} | {} | {missed:.2} % | {seconds:.1} |",
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
