//! Quick code first, the best code later: the same bits, one build, nothing left behind.

use hotloop::{Array, Call, Engine, Prepared, TargetChoice, Tiers, args, named};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

const TEXT: &str = "kernel k(a: f64[:], x: f64) = (exp(sin(a) * x) + erf(a), sum(a * a), max(a))";

fn prepared(engine: &Engine, a: &[f64]) -> Prepared {
    let kernel = engine.load(TEXT).expect("it is right").kernel("k").expect("it is there");
    kernel.prepare_for(&args![a, 0.5]).expect("it compiles")
}

fn numbers(len: i32) -> Vec<f64> {
    (0..len).map(|i| (f64::from(i) * 0.37).sin() * 3.0).collect()
}

/// Waits until the engine has made that much in the background.
fn wait_for(engine: &Engine, builds: u64) {
    let start = Instant::now();
    while engine.stats().background_builds < builds {
        assert!(start.elapsed() < Duration::from_secs(60), "the background builds do not come");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_second_call_asks_for_the_best_code_and_the_bits_stay() {
    let a = numbers(1003);
    let both = Engine::new();
    let handle = prepared(&both, &a);
    let quick_bytes = handle.code_bytes();
    let first = handle.call(&args![&a, 0.5]).expect("it runs");
    assert_eq!(both.stats().background_builds, 0, "one short call is no reason");
    assert_eq!(handle.call(&args![&a, 0.5]).expect("it runs"), first);
    wait_for(&both, 1);
    handle.wait_best();
    assert!(handle.code_bytes() < quick_bytes, "{} is not less than {quick_bytes}", handle.code_bytes());
    for tiers in [Tiers::Quick, Tiers::Best] {
        let engine = Engine::builder().tiers(tiers).build();
        let other = prepared(&engine, &a);
        for _ in 0..5 {
            assert_eq!(other.call(&args![&a, 0.5]).expect("it runs"), first, "{tiers:?}");
        }
        let expected = if tiers == Tiers::Best { handle.code_bytes() } else { quick_bytes };
        assert_eq!(other.code_bytes(), expected, "{tiers:?}");
        assert_eq!(engine.stats().background_builds, 0, "{tiers:?}");
    }
    assert_eq!(handle.call(&args![&a, 0.5]).expect("it runs"), first);
    assert_eq!(both.stats().background_builds, 1);
    assert!(both.stats().background_time > Duration::ZERO);
}

#[test]
fn a_long_first_run_is_reason_enough() {
    let engine = Engine::new();
    let text = "kernel spin(n: i64) { var i = 0\n var x = 1u64\n while i < n { x = x * 6364136223846793005u64 + 1u64\n \
                i += 1 }\n x }";
    let kernel = engine.load(text).expect("it is right").kernel("spin").expect("it is there");
    kernel.call(&args![10_000_000i64]).expect("it runs");
    wait_for(&engine, 1);
}

#[test]
fn a_first_call_on_much_data_waits_for_the_best_code() {
    let engine = Engine::new();
    let a = vec![0.25; 3_000_000];
    let value = engine.eval("sin(a) * exp(a)", &named! { a }).expect("it runs");
    let small = Engine::builder().tiers(Tiers::Best).build().eval("sin(a) * exp(a)", &named! { a: &a[..1] });
    let small = small.expect("it runs").into_array().expect("an array");
    let value = value.into_array().expect("an array");
    assert!(value.as_slice::<f64>().iter().all(|x| x.to_bits() == small.as_slice::<f64>()[0].to_bits()));
    assert_eq!(engine.stats().background_builds, 0);
}

#[test]
fn many_threads_share_one_better_build() {
    let a = numbers(4097);
    let engine = Engine::new();
    let handle = prepared(&engine, &a);
    let expected = handle.call_with(&args![&a, 0.5], &Call::new().target(TargetChoice::Interp)).expect("it runs");
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for turn in 0..8 {
            let (handle, start, a, expected) = (&handle, &start, &a, &expected);
            scope.spawn(move || {
                start.wait();
                for call in 0..200 {
                    assert_eq!(&handle.call(&args![a, 0.5]).expect("it runs"), expected);
                    if turn == 0 && call == 100 {
                        handle.wait_best();
                    }
                }
            });
        }
    });
    assert!(engine.stats().background_builds <= 1);
}

#[test]
fn an_engine_goes_with_jobs_pending() {
    for _ in 0..20 {
        let engine = Engine::new();
        for turn in 0..20 {
            let text = format!("exp(a * {turn}) + sin(a)");
            for _ in 0..2 {
                engine.eval(&text, &named! { a: &[0.5, 1.5] }).expect("it runs");
            }
        }
        let start = Instant::now();
        drop(engine);
        assert!(start.elapsed() < Duration::from_secs(1));
    }
    let start = Instant::now();
    while threads_of_tiers() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "threads of engines that went are still there");
        thread::sleep(Duration::from_millis(5));
    }
}

/// How many threads of dropped engines may still run; engines of the other tests of this file have theirs too, so this
/// counts only above what they can have.
fn threads_of_tiers() -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("hotloop-tiers")).count().saturating_sub(5)
}

#[test]
fn memory_of_both_codes_is_counted() {
    let a = numbers(3);
    let (both, quick) = (Engine::new(), Engine::builder().tiers(Tiers::Quick).build());
    let (one, other) = (prepared(&both, &a), prepared(&quick, &a));
    one.wait_best();
    let more = both.stats().cache.bytes - quick.stats().cache.bytes;
    assert!(more >= one.code_bytes(), "{more} bytes more for {} of code", one.code_bytes());
    assert_eq!(other.call(&args![&a, 0.5]).expect("it runs"), one.call(&args![&a, 0.5]).expect("it runs"));
    let array = Array::from(a.clone());
    assert_eq!(one.call(&args![&array, 0.5]).expect("it runs"), one.call(&args![&a, 0.5]).expect("it runs"));
}
