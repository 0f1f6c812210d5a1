//! Timing on a machine that others use too: candidates take turns, and the best of many rounds counts.

use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The time one sample should take at least, so that the clock does not matter.
    pub sample: Duration,
    /// The time all rounds of one candidate should take together.
    pub total: Duration,
    /// The fewest rounds.
    pub least: usize,
    /// The most rounds.
    pub most: usize,
}

impl Effort {
    /// For figures that are published.
    pub const FULL: Effort =
        Effort { sample: Duration::from_micros(100), total: Duration::from_millis(300), least: 9, most: 200 };
    /// For a first look.
    pub const QUICK: Effort =
        Effort { sample: Duration::from_micros(50), total: Duration::from_millis(60), least: 4, most: 60 };
    /// For tests: whether it runs at all.
    pub const ONCE: Effort = Effort { sample: Duration::ZERO, total: Duration::ZERO, least: 1, most: 1 };
}

/// One of several ways to do the same.
pub type Candidate<'a, C> = &'a dyn Fn(&mut C);

/// Times the candidates in turn, round after round; gives the least nanoseconds per call of each.
pub fn alternate<C>(context: &mut C, effort: Effort, candidates: &[Candidate<'_, C>]) -> Vec<f64> {
    let calls: Vec<u32> = candidates.iter().map(|candidate| calibrate(context, effort, *candidate)).collect();
    let mut best = vec![f64::INFINITY; candidates.len()];
    let start = Instant::now();
    let budget = effort.total * candidates.len() as u32;
    for round in 0..effort.most {
        if round >= effort.least && start.elapsed() > budget {
            break;
        }
        for (index, candidate) in candidates.iter().enumerate() {
            let time = sample(context, *candidate, calls[index]);
            best[index] = best[index].min(time);
        }
    }
    best
}

/// The least nanoseconds per call of one thing.
pub fn least(effort: Effort, body: &dyn Fn()) -> f64 {
    alternate(&mut (), effort, &[&|()| body()])[0]
}

/// The median nanoseconds of some runs of one thing, each timed by itself, after some that are not counted.
pub fn median(runs: usize, mut body: impl FnMut() -> Duration) -> f64 {
    for _ in 0..runs.div_ceil(4) {
        body();
    }
    middle((0..runs).map(|_| body()).collect())
}

/// The median of times, in nanoseconds.
pub fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_nanos() as f64)
}

/// How many calls one sample takes. The first call pays for page faults and cold caches.
fn calibrate<C>(context: &mut C, effort: Effort, candidate: Candidate<'_, C>) -> u32 {
    candidate(context);
    let mut calls = 1;
    loop {
        let time = sample(context, candidate, calls) * f64::from(calls);
        let wanted = effort.sample.as_nanos() as f64;
        if time >= wanted || calls >= 1 << 20 {
            return calls;
        }
        calls = ((f64::from(calls) * wanted / time.max(1.0) * 1.2) as u32).clamp(calls + 1, calls * 16);
    }
}

fn sample<C>(context: &mut C, candidate: Candidate<'_, C>, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        candidate(context);
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// A time in words.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.3} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.3} ms", ns / 1e6),
        ns => format!("{:.3} s", ns / 1e9),
    }
}
