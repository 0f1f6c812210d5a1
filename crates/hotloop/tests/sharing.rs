//! Many threads, many kernels: one build, the same bits, memory that comes back.

use hotloop::{CacheLimits, Call, Engine, TargetChoice, args, named};
use std::sync::{Arc, Barrier};
use std::thread;

#[test]
fn threads_that_ask_at_once_share_one_build() {
    let engine = Engine::new();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for turn in 0..8 {
            let (engine, start) = (&engine, &start);
            scope.spawn(move || {
                let a = vec![f64::from(turn); 100];
                start.wait();
                let value = engine.eval("exp(sin(a)) + a", &named! { a }).expect("it runs");
                let x = f64::from(turn);
                assert!(
                    (value.into_array().expect("an array").as_slice::<f64>()[99] - (x.sin().exp() + x)).abs() < 1e-12
                );
            });
        }
    });
    let cache = engine.stats().cache;
    assert_eq!((cache.builds, cache.hits), (1, 7));
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let engine = Engine::new();
    let rows = 97;
    let a: Vec<f64> = (0..rows * 4999).map(|i| (f64::from(i) * 0.7).sin() * 1e3).collect();
    let view = || hotloop::View::with_shape(&a, &[rows as usize, 4999]).expect("that many");
    let module = engine.load("kernel k(a) = (a * a - 1, sum(a), sum(a, axis=0), sum(a, axis=1), max(a))");
    let kernel = module.expect("it is right").kernel("k").expect("it is there");
    let one = kernel.call_with(&args![view()], &Call::new().target(TargetChoice::Simd)).expect("it runs");
    for threads in 1..=8 {
        for target in [TargetChoice::Auto, TargetChoice::Parallel] {
            let call = Call::new().target(target).threads(threads);
            assert_eq!(kernel.call_with(&args![view()], &call).expect("it runs"), one, "{target} {threads}");
        }
    }
}

#[test]
fn calls_from_many_threads_do_not_disturb_each_other() {
    let engine = Engine::builder().threads(4).build();
    let module = engine.load("kernel k(a, x) = sqrt(a + x) * 2").expect("it is right");
    let kernel = module.kernel("k").expect("it is there");
    thread::scope(|scope| {
        for turn in 0..4 {
            let kernel = &kernel;
            scope.spawn(move || {
                let x = f64::from(turn);
                let a = vec![16.0 - x; 50_000];
                for _ in 0..20 {
                    let call = Call::new().target(TargetChoice::Parallel);
                    let value = kernel.call_with(&args![&a, x], &call).expect("it runs").into_array();
                    assert!(value.expect("an array").as_slice::<f64>().iter().all(|value| *value == 8.0));
                }
            });
        }
    });
}

#[test]
fn a_pool_of_the_caller_is_used() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
    let pool = Arc::new(pool);
    let a = vec![2.0f32; 100_000];
    let call = Call::new().target(TargetChoice::Parallel);
    let engine = Engine::builder().pool(pool.clone()).build();
    assert_eq!(engine.threads(), 3);
    let inheriting = Engine::builder().inherit_pool().build();
    for value in [
        engine.eval_with("a * a", &named! { a }, &call),
        pool.install(|| engine.eval_with("a * a", &named! { a }, &call)),
        pool.install(|| inheriting.eval_with("a * a", &named! { a }, &call)),
    ] {
        assert!(value.expect("it runs").into_array().expect("an array").as_slice::<f32>().iter().all(|x| *x == 4.0));
    }
}

#[test]
fn kernels_that_went_leave_nothing_behind() {
    let engine = Engine::builder().cache(CacheLimits { entries: 16, bytes: 1 << 24 }).build();
    let count = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
    let mut settled = 0;
    for turn in 0..count {
        let text = format!("a * {turn} + sqrt(a)");
        let value = engine.eval(&text, &named! { a: &[4.0, 9.0] }).expect("it runs");
        assert_eq!(value.into_array().expect("an array").as_slice::<f64>()[0], 4.0 * f64::from(turn) + 2.0);
        if turn == count / 4 {
            settled = resident_kib();
        }
    }
    let grown = resident_kib().saturating_sub(settled);
    assert!(grown < 8 * 1024, "{grown} KiB more after {count} kernels");
    let cache = engine.stats().cache;
    assert_eq!((cache.entries, cache.builds), (16, count as u64));
    assert!(cache.bytes <= 1 << 24);
}

/// Memory of this process, on systems that tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
