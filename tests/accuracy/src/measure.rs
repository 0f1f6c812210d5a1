//! Runs one function over many arguments on one target and finds the result farthest from its reference.

use crate::float::{Float, distance};
use crate::points;
use crate::table::Reference;
use hotloop::{Call, Engine, Error, TargetChoice};

/// The worst result of a function.
#[derive(Clone, Debug)]
pub struct Worst {
    /// How many values lie between it and the reference, itself included; `u64::MAX` for a wrong NaN or sign of zero.
    pub distance: u64,
    /// The operands.
    pub at: Vec<f64>,
    /// What was computed.
    pub got: f64,
    /// The reference.
    pub wanted: f64,
    /// How many points were tried.
    pub points: usize,
}

/// The worst of `count` points.
pub fn measure<T: Float>(
    engine: &Engine,
    text: &str,
    reference: Reference<T>,
    count: usize,
    target: TargetChoice,
) -> Result<Worst, Error> {
    let (x, y) = match reference {
        Reference::One(_, range) => (points::single(range, count), None),
        Reference::Two(_, ranges) => {
            let (x, y) = points::pairs(ranges, count);
            (x, Some(y))
        }
    };
    let mut args = vec![("x", T::arg(&x))];
    args.extend(y.as_ref().map(|y| ("y", T::arg(y))));
    let got = engine.eval_with(text, &args, &Call::new().target(target))?.into_array()?;
    let operands = |i: usize| (x[i], y.as_ref().map(|y| y[i]));
    Ok(worst_of(got.as_slice::<T>(), operands, reference))
}

fn worst_of<T: Float>(got: &[T], operands: impl Fn(usize) -> (T, Option<T>), reference: Reference<T>) -> Worst {
    let mut worst = Worst { distance: 0, at: Vec::new(), got: 0.0, wanted: 0.0, points: got.len() };
    for (i, &got) in got.iter().enumerate() {
        let (x, y) = operands(i);
        let wanted = match (reference, y) {
            (Reference::One(function, _), _) => function(x),
            (Reference::Two(function, _), y) => function(x, y.unwrap_or(x)),
        };
        let distance = distance(got, wanted);
        if distance > worst.distance || i == 0 {
            let at = std::iter::once(x).chain(y).map(Float::wide).collect();
            worst = Worst { distance, at, got: got.wide(), wanted: wanted.wide(), ..worst };
        }
    }
    worst
}
