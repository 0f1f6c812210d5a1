//! The range of an axis and its ticks, at round numbers.

/// From where to where an axis goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// The scale that holds all these finite values; none if there are none. One value is in the middle of its scale.
    pub fn around(values: impl Iterator<Item = f64>) -> Option<Scale> {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return None;
        }
        // A range whose half is nothing has no parts.
        let is_point = 0.5 * high - 0.5 * low <= 0.0;
        let margin = if is_point { 0.5 * low.abs().max(1.0) } else { 0.0 };
        // Half a range each, because a whole one may be larger than any float.
        Some(Scale { low: (low - margin).max(f64::MIN), high: (high + margin).min(f64::MAX) })
    }

    /// Where a value lies, from 0 to 1.
    pub fn part(self, value: f64) -> f64 {
        (0.5 * value - 0.5 * self.low) / (0.5 * self.high - 0.5 * self.low)
    }

    /// Round numbers within the scale, at most so many, with their texts.
    pub fn ticks(self, most: usize) -> Vec<(f64, String)> {
        let span = 0.5 * self.high - 0.5 * self.low;
        let rough = 2.0 * (span / most.max(1) as f64);
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power).into_iter().find(|step| *step >= rough);
        let step = step.filter(|step| step.is_finite() && *step > 0.0).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let places = (-step.log10().floor()).max(0.0) as usize;
        (0..most + 2)
            .map(|at| (first + at as f64) * step)
            .take_while(|value| *value <= self.high)
            .map(|value| (value, tick_text(value, places)))
            .collect()
    }
}

/// A tick's number, with as many places as the step between ticks has.
fn tick_text(value: f64, places: usize) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    // No zero has a sign here.
    format!("{:.places$}", if value == 0.0 { 0.0 } else { value })
}

#[cfg(test)]
mod tests {
    use super::Scale;

    fn ticks(low: f64, high: f64) -> Vec<String> {
        let scale = Scale::around([low, high].into_iter()).expect("two values");
        scale.ticks(5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 10.0), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(ticks(-1.0, 1.0), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(ticks(0.0, 3e9), ["0", "1e9", "2e9", "3e9"]);
        assert_eq!(ticks(3.0, 3.0), ["2", "3", "4"]);
    }

    #[test]
    fn no_range_is_too_much() {
        for (low, high) in [(f64::MIN, f64::MAX), (0.0, 5e-324), (1e300, 1.1e300), (-0.0, 0.0)] {
            let scale = Scale::around([low, high].into_iter()).expect("two values");
            assert!((0.0..=1.0).contains(&scale.part(low)) && (0.0..=1.0).contains(&scale.part(high)), "{scale:?}");
            assert!(scale.ticks(5).len() <= 7, "{scale:?}");
        }
    }
}
