//! Times of many runs: collecting them, and what there is to say about them.

use crate::report::Failure;
use std::time::{Duration, Instant};

/// Runs are measured for about so long,
const BUDGET: Duration = Duration::from_millis(800);
/// at least so many of them,
const LEAST: usize = 5;
/// and at most so many.
const MOST: usize = 10_000;

/// What many runs took, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// How many runs.
    pub runs: usize,
    /// The shortest.
    pub min: f64,
    /// Half of the runs took less.
    pub median: f64,
    /// The average.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// 95 of 100 runs took less.
    pub p95: f64,
}

impl Stats {
    /// Runs something until enough is known; quick runs are measured several at a time.
    pub fn measure(mut run: impl FnMut() -> Result<(), Failure>) -> Result<Stats, Failure> {
        let first = timed(&mut run, 1)?;
        // A reading of the clock must be short beside what it measures.
        let batch = (20e-6 / first.max(1e-9)).ceil().clamp(1.0, 1000.0) as usize;
        let mut times = Vec::new();
        let start = Instant::now();
        while times.len() < LEAST || start.elapsed() < BUDGET && times.len() < MOST {
            times.push(timed(&mut run, batch)?);
        }
        Ok(Stats::of(times))
    }

    /// The statistics of these times, of which there is at least one.
    pub fn of(mut times: Vec<f64>) -> Stats {
        times.sort_unstable_by(f64::total_cmp);
        let runs = times.len().max(1);
        let at = |part: f64| times.get(((runs - 1) as f64 * part).round() as usize).copied().unwrap_or(0.0);
        let mean = times.iter().sum::<f64>() / runs as f64;
        let variance = times.iter().map(|time| (time - mean) * (time - mean)).sum::<f64>() / runs as f64;
        Stats { runs, min: at(0.0), median: at(0.5), mean, deviation: variance.sqrt(), p95: at(0.95) }
    }
}

fn timed(run: &mut impl FnMut() -> Result<(), Failure>, batch: usize) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..batch {
        run()?;
    }
    Ok(start.elapsed().as_secs_f64() / batch as f64)
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn statistics_of_known_times() {
        let stats = Stats::of(vec![4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!((stats.runs, stats.min, stats.median, stats.mean, stats.p95), (5, 1.0, 3.0, 3.0, 5.0));
        assert!((stats.deviation - 2.0f64.sqrt()).abs() < 1e-15);
        assert_eq!(Stats::of(vec![7.0]).median, 7.0);
    }

    #[test]
    fn everything_measured_was_run() {
        let mut count = 0usize;
        let stats = Stats::measure(|| {
            count += 1;
            std::thread::sleep(std::time::Duration::from_millis(60));
            Ok(())
        });
        let stats = stats.expect("it runs");
        assert!(stats.runs >= 5 && count == stats.runs + 1 && stats.min >= 0.06);
    }
}
