//! What this machine can do at most, measured: bytes per second from memory, operations per second on floats.
//!
//! Measured with kernels of our own on the same target and threads, so that the numbers are limits for others like
//! them: a copy of arrays larger than the caches, and long chains of arithmetic on arrays inside of them.

use crate::report::Failure;
use hotloop::{Arg, Call, Engine, args};
use std::time::Instant;

/// The limits of this machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Bytes read and written per second.
    pub bytes: f64,
    /// Operations on `f64`s per second; twice as many for `f32`.
    pub operations: f64,
}

/// Elements of the arrays that are copied: 64 MiB each way.
const COPIED: usize = 1 << 23;
/// Elements of the arrays that are computed with, per thread.
const COMPUTED: usize = 1 << 15;
/// Links of the chain of arithmetic; each is a product and a sum.
const LINKS: usize = 48;
const RUNS: usize = 6;

/// Measures; takes a few tenths of a second.
pub fn measure(engine: &Engine, call: &Call<'_>, threads: usize) -> Result<Limits, Failure> {
    let (from, mut to) = (vec![1.0f64; COPIED], vec![0.0f64; COPIED]);
    let copy = best(engine, call, "kernel copy(x) = 2 * x", &from, &mut to)?;
    let count = COMPUTED * threads;
    let (from, mut to) = (vec![0.5f64; count], vec![0.0f64; count]);
    let mut chain = "x".to_owned();
    (0..LINKS).for_each(|_| chain = format!("({chain}) * 0.5 + x"));
    let arithmetic = best(engine, call, &format!("kernel chain(x) = {chain}"), &from, &mut to)?;
    Ok(Limits { bytes: 16.0 * COPIED as f64 / copy, operations: (2 * LINKS * count) as f64 / arithmetic })
}

/// The shortest of several runs, in seconds.
fn best(engine: &Engine, call: &Call<'_>, text: &str, from: &[f64], to: &mut [f64]) -> Result<f64, Failure> {
    let module = engine.load(text)?;
    let name = module.kernels().next().map(|info| info.name.clone()).unwrap_or_default();
    let args = args![from];
    let types: Vec<hotloop::ArgType> = args.iter().map(hotloop::arg_type).collect();
    let prepared = module.kernel(&name)?.prepare_with(&types, call)?;
    prepared.wait_best();
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        prepared.call_into_with(&args, &mut [Arg::from(&mut *to)], call)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}
