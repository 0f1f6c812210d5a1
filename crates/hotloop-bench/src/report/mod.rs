//! The page of figures: which sections it has, in which order.
//!
//! Each section is a file; this one owns what they share. Figures go to the given writer, progress is for the caller.

mod auto;
mod calls;
mod compile;
mod machine;
pub mod maths;
pub mod programs;
mod ratios;
pub mod starting;
mod threads;

use crate::measure::Effort;
use crate::peers::{self, Peer};
use crate::workload::{WORKLOADS, Workload};
use hotloop::{Engine, Fastmath, Options};
use std::io::{self, Write};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long.
    pub effort: Effort,
    /// The sizes of the comparison with C.
    pub sizes: Vec<usize>,
    /// The largest size of the sections on threads and targets.
    pub large: usize,
    /// The workloads.
    pub workloads: Vec<&'static Workload>,
    /// Whether only the comparison with C is wanted.
    pub only_ratios: bool,
}

impl Plan {
    /// Everything, for publishing.
    pub fn full() -> Plan {
        Plan {
            effort: Effort::FULL,
            sizes: vec![1_000, 100_000, 10_000_000],
            large: 10_000_000,
            workloads: WORKLOADS.iter().collect(),
            only_ratios: false,
        }
    }

    /// Everything once, on small data, to see that it works.
    pub fn smoke() -> Plan {
        Plan { effort: Effort::ONCE, sizes: vec![1_000], large: 10_000, ..Plan::full() }
    }
}

/// What sections work with.
struct Context<'a> {
    engine: Engine,
    /// One whose programs may be contracted and reassociated, as C may with `-ffast-math`.
    relaxed: Engine,
    peers: Vec<Peer>,
    plan: &'a Plan,
}

/// An error of a section.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures and writes the page.
pub fn write(plan: &Plan, out: &mut dyn Write) -> Result<()> {
    let options = Options { fastmath: Fastmath::Relaxed, ..Options::default() };
    let relaxed = Engine::builder().options(options).build();
    let context = Context { engine: Engine::new(), relaxed, peers: peers::all()?, plan };
    machine::write(&context, out)?;
    ratios::write(&context, out)?;
    if plan.only_ratios {
        return Ok(());
    }
    compile::write(&context, out)?;
    starting::write(plan.effort, out)?;
    calls::write(&context, out)?;
    threads::write(&context, out)?;
    auto::write(&context, out)
}

/// One line of a table.
fn row(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

/// The head of a table; columns from the second on are numbers.
fn head(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    row(out, cells)?;
    let rule: Vec<String> = (0..cells.len()).map(|index| if index == 0 { "---" } else { "---:" }.to_owned()).collect();
    row(out, &rule)
}

/// Borrowed cells as owned ones.
fn cells(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// A number of elements, short.
fn size(elements: usize) -> String {
    let exponent = (elements.max(1) as f64).log10().round() as u32;
    if elements == 10usize.pow(exponent) && elements >= 1000 { format!("1e{exponent}") } else { elements.to_string() }
}
