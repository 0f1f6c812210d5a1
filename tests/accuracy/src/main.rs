//! Prints how far each function is from correctly rounded: `hotloop-accuracy [points] [name…]`.

use hotloop::{Engine, Error, TargetChoice};
use hotloop_accuracy::{FUNCTIONS, Float, Reference, measure};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let count = match args.first().and_then(|arg| arg.parse().ok()) {
        Some(count) => {
            args.remove(0);
            count
        }
        None => 1_000_000,
    };
    let engine = Engine::new();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:8} {:4} {:>5} {:>9}  farthest point", "function", "type", "steps", "points")?;
    for function in FUNCTIONS.iter().filter(|row| args.is_empty() || args.iter().any(|name| name == row.name)) {
        writeln!(out, "{}", line(&engine, function.name, function.text, function.double, count)?)?;
        writeln!(out, "{}", line(&engine, function.name, function.text, function.single, count)?)?;
    }
    Ok(())
}

fn line<T: Float>(
    engine: &Engine,
    name: &str,
    text: &str,
    reference: Reference<T>,
    count: usize,
) -> Result<String, Error> {
    let worst = measure(engine, text, reference, count, TargetChoice::Simd)?;
    let steps = if worst.distance == u64::MAX { "wrong".to_owned() } else { worst.distance.to_string() };
    let at: Vec<String> = worst.at.iter().map(|operand| format!("{operand:e}")).collect();
    let (at, ty) = (at.join(", "), T::NAME);
    Ok(format!("{name:8} {ty:4} {steps:>5} {:>9}  {at}: {:e} for {:e}", worst.points, worst.got, worst.wanted))
}
