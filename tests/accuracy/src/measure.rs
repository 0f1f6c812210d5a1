//! Runs one function over many arguments and finds the result with the largest error.
//!
//! Results are compared with correctly rounded ones first. Where they differ, the error is computed against 256 bits,
//! unless it clearly cannot be the largest.

use crate::float::{Float, same};
use crate::machines::Machine;
use crate::points::{self, CHUNK};
use crate::table::{Function, Operands};
use hotloop::{Arg, Call, Engine, Error, Prepared, array_of};
use std::ops::Range;

/// Which arguments are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// So many.
    Sample(usize),
    /// All values of a type of 32 bits.
    All,
}

/// The worst result of a function.
#[derive(Clone, Debug)]
pub struct Worst {
    /// Its error in units in the last place, at most 0.5 where it is correctly rounded; infinite where it is NaN and
    /// should not be or the other way about, or where a zero has the wrong sign.
    pub error: f64,
    /// The operands.
    pub at: Vec<f64>,
    /// What was computed.
    pub got: f64,
    /// The correctly rounded result.
    pub wanted: f64,
    /// How many points were tried.
    pub points: usize,
    /// How many results were not the correctly rounded one.
    pub missed: usize,
}

impl Worst {
    /// Before any point has been tried.
    pub fn none() -> Worst {
        Worst { error: 0.5, at: Vec::new(), got: 0.0, wanted: 0.0, points: 0, missed: 0 }
    }
}

impl Points {
    fn total(self) -> usize {
        match self {
            Points::Sample(count) => count,
            Points::All => 1 << 32,
        }
    }

    /// How many chunks they are cut into.
    pub fn chunks(self) -> usize {
        self.total().div_ceil(CHUNK)
    }
}

/// The worst of the points, on the engine's target.
pub fn measure<T: Float>(
    machine: Machine,
    engine: &Engine,
    function: &Function,
    rounded: fn(&Function) -> Operands<T>,
    which: Points,
) -> Result<Worst, Error> {
    let mut worst = Worst::none();
    measure_chunks(machine, engine, function, rounded, which, 0..which.chunks(), &mut worst)?;
    Ok(worst)
}

/// Goes on with some chunks of the points.
pub fn measure_chunks<T: Float>(
    machine: Machine,
    engine: &Engine,
    function: &Function,
    rounded: fn(&Function) -> Operands<T>,
    which: Points,
    chunks: Range<usize>,
    worst: &mut Worst,
) -> Result<(), Error> {
    let prepared = prepare::<T>(engine, function)?;
    let mut got = vec![T::of_f64(0.0); CHUNK.min(which.total())];
    for chunk in chunks {
        let (x, y) = operands(function, which, chunk);
        let count = x.len();
        run(&prepared, &x, y.as_deref(), &mut got[..count])?;
        compare(machine, worst, function, rounded(function), &x, y.as_deref(), &got[..count]);
        worst.points += count;
    }
    Ok(())
}

/// A number that changes with the results of a function: of those of the first chunk.
pub fn fingerprint<T: Float>(engine: &Engine, function: &Function) -> Result<u64, Error> {
    let prepared = prepare::<T>(engine, function)?;
    let (x, y) = operands::<T>(function, Points::Sample(CHUNK), 0);
    let mut got = vec![T::of_f64(0.0); CHUNK];
    run(&prepared, &x, y.as_deref(), &mut got)?;
    let bits = got.iter().map(|value| if value.wide().is_nan() { u64::MAX } else { value.bits() });
    Ok(bits.fold(0, |hash: u64, bits| (hash ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)))
}

fn operands<T: Float>(function: &Function, which: Points, chunk: usize) -> (Vec<T>, Option<Vec<T>>) {
    let count = CHUNK.min(which.total() - chunk * CHUNK);
    match (which, function.ranges) {
        (Points::All, _) => (points::all(chunk, count), None),
        (Points::Sample(_), (ranges, None)) => (points::single(ranges, chunk, count), None),
        (Points::Sample(_), (first, Some(second))) => {
            let (x, y) = points::pairs([first, second], chunk, count);
            (x, Some(y))
        }
    }
}

fn prepare<T: Float>(engine: &Engine, function: &Function) -> Result<Prepared, Error> {
    let params = if function.ranges.1.is_some() { "x, y" } else { "x" };
    let module = engine.load(&format!("kernel f({params}) = {}\n", function.text))?;
    let types = vec![array_of(T::TYPE, 1)?; if function.ranges.1.is_some() { 2 } else { 1 }];
    let prepared = module.kernel("f")?.prepare_with(&types, &Call::new())?;
    prepared.wait_best();
    Ok(prepared)
}

fn run<T: Float>(prepared: &Prepared, x: &[T], y: Option<&[T]>, got: &mut [T]) -> Result<(), Error> {
    let args: Vec<Arg<'_>> = std::iter::once(x).chain(y).map(T::arg).collect();
    prepared.call_into(&args, &mut [T::arg_mut(got)])
}

fn compare<T: Float>(
    machine: Machine,
    worst: &mut Worst,
    function: &Function,
    rounded: Operands<T>,
    x: &[T],
    y: Option<&[T]>,
    got: &[T],
) {
    for (i, &got) in got.iter().enumerate() {
        let (a, b) = (x[i], y.map_or(x[i], |y| y[i]));
        let wanted = rounded.call(a, b);
        if same(got, wanted) || !machine.promises(function, [a.wide(), b.wide(), wanted.wide()]) {
            continue;
        }
        worst.missed += 1;
        if !hopeless(got, wanted) && cannot_be_worst(worst.error, function, a, b, got, wanted) {
            continue;
        }
        let error = if hopeless(got, wanted) { f64::INFINITY } else { got.error((function.exact)(a.wide(), b.wide())) };
        if error > worst.error {
            let at = std::iter::once(a).chain(y.map(|y| y[i])).map(Float::wide).collect();
            *worst = Worst { error, at, got: got.wide(), wanted: wanted.wide(), ..*worst };
        }
    }
}

/// Whether a result that is off is clearly no worse than one with this error, without 256 bits.
fn cannot_be_worst<T: Float>(error: f64, function: &Function, x: T, y: T, got: T, wanted: T) -> bool {
    at_most(got, wanted) <= error
        || (T::FRACTION < 30 && got.rough_error(function.double.call(x.wide(), y.wide())) < error - 1e-6)
}

/// A bound of a result's error from how many floats it is away from the right one. Where a power of two lies between
/// them, or is one of them, units change, and there is none.
fn at_most<T: Float>(got: T, wanted: T) -> f64 {
    let (a, b) = (got.bits(), wanted.bits());
    let is_power = b & ((1 << T::FRACTION) - 1) == 0;
    if is_power || a >> T::FRACTION != b >> T::FRACTION { f64::INFINITY } else { a.abs_diff(b) as f64 + 0.5 }
}

/// Whether two different results cannot be compared as numbers.
fn hopeless<T: Float>(got: T, wanted: T) -> bool {
    let (a, b) = (got.wide(), wanted.wide());
    let largest = T::of_bits(T::of_f64(f64::INFINITY).bits() - 1).wide();
    a.is_nan()
        || b.is_nan()
        || (a == 0.0 && b == 0.0)
        || (b.is_infinite() && a.abs() != largest)
        || (a.is_infinite() && b.abs() != largest)
}
