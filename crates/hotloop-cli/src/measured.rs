//! What is said about a measured kernel: its times, and its rates beside the limits of this machine.

use crate::machine::Limits;
use crate::print::rate_text;
use crate::run::seconds_text;
use crate::stats::Stats;
use hotloop::Why;
use serde_json::{Value as Json, json};

/// Work per call, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Points of all passes.
    pub points: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// Operations; none where there are loops inside whose turns are not known.
    pub operations: Option<f64>,
}

impl Work {
    /// The work of a kernel for arguments of these names and shapes; none if an extent is not known from them.
    pub fn of(why: &Why, shapes: &[(String, Vec<usize>)]) -> Option<Work> {
        let mut work = Work { operations: Some(0.0), ..Work::default() };
        for nest in &why.nests {
            let extents = nest.axes.iter().map(|(_, name)| extent(name, shapes)).collect::<Option<Vec<f64>>>()?;
            let points: f64 = extents.iter().product();
            if nest.depth > 0 {
                return None;
            }
            let traffic = nest.traffic;
            work.points += points;
            work.bytes += points * f64::from(traffic.bytes_read + traffic.bytes_written);
            let operations = (!traffic.has_loops).then_some(points * f64::from(traffic.operations));
            work.operations = work.operations.zip(operations).map(|(sum, more)| sum + more);
        }
        (work.points > 0.0).then_some(work)
    }
}

/// An extent such as `7`, `x.0`, or the size of several axes together, `x.0*x.1`.
fn extent(name: &str, shapes: &[(String, Vec<usize>)]) -> Option<f64> {
    let mut product = 1.0;
    for part in name.split(['*', '×']) {
        let part = part.trim();
        product *= match part.parse::<f64>() {
            Ok(number) => number,
            Err(_) => {
                let (array, axis) = part.rsplit_once('.')?;
                let (_, shape) = shapes.iter().find(|(other, _)| other == array)?;
                *shape.get(axis.parse::<usize>().ok()?)? as f64
            }
        };
    }
    Some(product)
}

/// The lines for people.
pub fn text(stats: &Stats, work: Option<Work>, limits: Limits) -> String {
    let mut text = format!(
        "{} runs: median {}, min {}\nmean {} ± {}, 95 % below {}",
        stats.runs,
        seconds_text(stats.median),
        seconds_text(stats.min),
        seconds_text(stats.mean),
        seconds_text(stats.deviation),
        seconds_text(stats.p95)
    );
    if let Some(work) = work {
        let share = |rate: f64, limit: f64| format!("{:.0} % of this machine's ", 100.0 * rate / limit);
        text += &format!("\n{}", rate_text(work.points / stats.median, "points/s"));
        if work.bytes > 0.0 {
            let rate = work.bytes / stats.median;
            text += &format!(
                "\n{}: {}{}",
                rate_text(rate, "B/s"),
                share(rate, limits.bytes),
                rate_text(limits.bytes, "B/s from memory")
            );
        }
        if let Some(operations) = work.operations.filter(|operations| *operations > 0.0) {
            let rate = operations / stats.median;
            let limit = rate_text(limits.operations, "FLOP/s");
            text += &format!("\n{}: {}{limit} in f64", rate_text(rate, "FLOP/s"), share(rate, limits.operations));
        }
    }
    text
}

/// The same as JSON.
pub fn json(stats: &Stats, work: Option<Work>, limits: Limits) -> Json {
    let rate = |amount: Option<f64>| amount.map(|amount| amount / stats.median);
    json!({
        "runs": stats.runs,
        "seconds": {
            "median": stats.median,
            "min": stats.min,
            "mean": stats.mean,
            "deviation": stats.deviation,
            "p95": stats.p95,
        },
        "points_per_second": rate(work.map(|work| work.points)),
        "bytes_per_second": rate(work.map(|work| work.bytes)),
        "operations_per_second": rate(work.and_then(|work| work.operations)),
        "limits": { "bytes_per_second": limits.bytes, "operations_per_second": limits.operations },
    })
}

#[cfg(test)]
mod tests {
    use super::extent;

    #[test]
    fn extents_are_looked_up() {
        let shapes = [("x".to_owned(), vec![3, 4])];
        assert_eq!(extent("x.1", &shapes), Some(4.0));
        assert_eq!(extent("7", &shapes), Some(7.0));
        assert_eq!(extent("x.0*x.1", &shapes), Some(12.0));
        assert_eq!(extent("y.0", &shapes), None);
        assert_eq!(extent("n", &shapes), None);
    }
}
