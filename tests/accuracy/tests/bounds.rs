//! Every function stays within its bound, on a sample that takes a few seconds; `HOTLOOP_SLOW=1` takes a large one.

use hotloop::{Engine, TargetChoice};
use hotloop_accuracy::{FUNCTIONS, Float, Reference, measure};

fn points() -> usize {
    if std::env::var_os("HOTLOOP_SLOW").is_some() { 10_000_000 } else { 50_000 }
}

fn exceeded<T: Float>(engine: &Engine, text: &str, reference: Reference<T>, bound: u64) -> Option<String> {
    let worst = match measure(engine, text, reference, points(), TargetChoice::Simd) {
        Ok(worst) => worst,
        Err(error) => return Some(format!("{text} in {}: {error}", T::NAME)),
    };
    let (at, got, wanted) = (&worst.at, worst.got, worst.wanted);
    let told = || format!("{text} in {} at {at:?}: {got:e}, {wanted:e} is right, {bound} steps allowed", T::NAME);
    (worst.distance > bound).then(told)
}

#[test]
fn every_function_stays_within_its_bound() {
    let engine = Engine::new();
    let failures: Vec<String> = FUNCTIONS
        .iter()
        .flat_map(|row| {
            let double = exceeded(&engine, row.text, row.double, row.bounds[0]);
            double.into_iter().chain(exceeded(&engine, row.text, row.single, row.bounds[1]))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
