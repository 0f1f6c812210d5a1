//! Every function stays within its bound, on a sample that takes a few seconds; `HOTLOOP_SLOW=1` takes a large one.

use hotloop::{Engine, Fastmath, Options};
use hotloop_accuracy::{FUNCTIONS, Function, Points, Worst, measure};

fn points() -> Points {
    Points::Sample(if std::env::var_os("HOTLOOP_SLOW").is_some() { 10_000_000 } else { 30_000 })
}

fn exceeded(function: &Function, ty: &str, bound: f64, worst: Result<Worst, hotloop::Error>) -> Option<String> {
    match worst {
        Err(error) => Some(format!("{} in {ty}: {error}", function.text)),
        Ok(worst) if worst.error > bound => Some(format!(
            "{} in {ty} at {:?}: {:e}, {:e} is right; an error of {} and {bound} is allowed",
            function.text, worst.at, worst.got, worst.wanted, worst.error
        )),
        Ok(_) => None,
    }
}

#[test]
fn every_function_stays_within_its_bound() {
    let mut failures = Vec::new();
    for fastmath in Fastmath::ALL {
        let engine = Engine::builder().options(Options { fastmath, ..Options::default() }).build();
        for function in FUNCTIONS {
            let [double, single] = function.bounds(fastmath);
            let worst = measure::<f64>(&engine, function, |f| f.double, points());
            failures.extend(exceeded(function, "f64", double, worst));
            let worst = measure::<f32>(&engine, function, |f| f.single, points());
            failures.extend(exceeded(function, "f32", single, worst));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
