//! Runs one function over many arguments and finds the result with the largest error.
//!
//! Results are compared with correctly rounded ones first. Where they differ, the error is computed against 256 bits,
//! unless it clearly cannot be the largest.

use crate::float::{Float, same};
use crate::points::{self, CHUNK};
use crate::table::{Function, Operands};
use hotloop::{Arg, Call, Engine, Error, Prepared, TargetChoice, array_of};

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

/// The worst of the points, on the target `simd`.
pub fn measure<T: Float>(
    engine: &Engine,
    function: &Function,
    rounded: fn(&Function) -> Operands<T>,
    which: Points,
) -> Result<Worst, Error> {
    let prepared = prepare::<T>(engine, function)?;
    let total = match which {
        Points::Sample(count) => count,
        Points::All => 1 << 32,
    };
    let mut worst = Worst { error: 0.5, at: Vec::new(), got: 0.0, wanted: 0.0, points: total, missed: 0 };
    let mut got = vec![T::of_f64(0.0); CHUNK.min(total)];
    for chunk in 0..total.div_ceil(CHUNK) {
        let count = CHUNK.min(total - chunk * CHUNK);
        let (x, y) = match (which, function.ranges) {
            (Points::All, _) => (points::all(chunk, count), None),
            (Points::Sample(_), (ranges, None)) => (points::single(ranges, chunk, count), None),
            (Points::Sample(_), (first, Some(second))) => {
                let (x, y) = points::pairs([first, second], chunk, count);
                (x, Some(y))
            }
        };
        let mut args = vec![T::arg(&x)];
        args.extend(y.as_deref().map(T::arg));
        run(&prepared, &args, &mut got[..count])?;
        compare(&mut worst, function, rounded(function), &x, y.as_deref(), &got[..count]);
    }
    Ok(worst)
}

fn prepare<T: Float>(engine: &Engine, function: &Function) -> Result<Prepared, Error> {
    let params = if function.ranges.1.is_some() { "x, y" } else { "x" };
    let module = engine.load(&format!("kernel f({params}) = {}\n", function.text))?;
    let types = vec![array_of(T::TYPE, 1)?; if function.ranges.1.is_some() { 2 } else { 1 }];
    let prepared = module.kernel("f")?.prepare_with(&types, &Call::new().target(TargetChoice::Simd))?;
    prepared.wait_best();
    Ok(prepared)
}

fn run<T: Float>(prepared: &Prepared, args: &[Arg<'_>], got: &mut [T]) -> Result<(), Error> {
    prepared.call_into(args, &mut [T::arg_mut(got)])
}

fn compare<T: Float>(
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
        if same(got, wanted) {
            continue;
        }
        worst.missed += 1;
        let error = if hopeless(got, wanted) {
            f64::INFINITY
        } else if T::FRACTION < 30 && got.rough_error(function.double.call(a.wide(), b.wide())) < worst.error - 1e-6 {
            continue;
        } else {
            got.error((function.exact)(a.wide(), b.wide()))
        };
        if error > worst.error {
            let at = std::iter::once(a).chain(y.map(|y| y[i])).map(Float::wide).collect();
            *worst = Worst { error, at, got: got.wide(), wanted: wanted.wide(), ..*worst };
        }
    }
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
