//! Every function stays within its bound, on a sample that takes a few seconds; `HOTLOOP_SLOW=1` takes a large one.

use hotloop::Fastmath;
use hotloop_accuracy::{FUNCTIONS, Function, Machine, Points, Worst, measure};

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

/// Bounds in f32 where a driver regroups: of most functions, and of the others.
const REGROUPED: f64 = 5.0;
const REGROUPED_OTHERS: &[(&str, f64)] = &[("pow", 256.0)];

#[test]
fn every_function_stays_within_its_bound_where_drivers_regroup() {
    let engine = match Machine::Regrouping.engine(Fastmath::Strict) {
        Ok(engine) => engine,
        Err(error) if std::env::var("HOTLOOP_REQUIRE").as_deref() == Ok("gpu") => panic!("{error}"),
        Err(_) => return,
    };
    let mut failures = Vec::new();
    for function in FUNCTIONS {
        let other = REGROUPED_OTHERS.iter().find(|(name, _)| *name == function.name);
        let bound = other.map_or(REGROUPED, |(_, bound)| *bound);
        let worst = measure::<f32>(Machine::Regrouping, &engine, function, |f| f.single, points());
        failures.extend(exceeded(function, "f32", bound, worst));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_function_stays_within_its_bound() {
    let mut failures = Vec::new();
    for fastmath in Fastmath::ALL {
        let engine = Machine::Processor.engine(fastmath).expect("it needs no device");
        for function in FUNCTIONS {
            let [double, single] = function.bounds(fastmath);
            let worst = measure::<f64>(Machine::Processor, &engine, function, |f| f.double, points());
            failures.extend(exceeded(function, "f64", double, worst));
            let worst = measure::<f32>(Machine::Processor, &engine, function, |f| f.single, points());
            failures.extend(exceeded(function, "f32", single, worst));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
