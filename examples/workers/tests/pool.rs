//! Kernels called on all threads of a rayon pool, each of which wants threads itself: nobody waits for ever, there are no
//! more threads than the pool has, and the bits are those of one thread.

use hotloop::{Engine, args};
use std::sync::mpsc;
use std::time::Duration;
use workers::{Market, TEXT, price_in_pool};

#[test]
fn a_pool_inside_itself() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
    let engine = Engine::builder().inherit_pool().build();
    let kernel = engine.load(TEXT).and_then(|module| module.kernel("black_scholes")).expect("a kernel");
    // Large enough that each call is cut into parts for several threads.
    let shares: Vec<f64> = (0..300_000).map(|i| 40.0 + f64::from(i) * 4e-4).collect();
    let markets: Vec<Market> = (0..12).map(|i| [90.0 + f64::from(i), 0.5, 0.02, 0.3]).collect();
    let alone: Vec<Vec<f64>> = markets
        .iter()
        .map(|&[strike, years, rate, sigma]| {
            let result =
                kernel.call_with(&args![&shares, strike, years, rate, sigma], &hotloop::Call::new().threads(1));
            result.expect("it runs").into_array().expect("an array").as_slice::<f64>().to_vec()
        })
        .collect();
    let before = threads();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let prices = price_in_pool(&pool, &kernel, &shares, &markets);
        tell.send((prices, threads())).expect("the test waits");
    });
    let (prices, during) = told.recv_timeout(Duration::from_secs(120)).expect("it comes to an end");
    assert_eq!(prices.expect("it runs"), alone);
    // The one thread more is the one that called the pool.
    assert!(during <= before + 1, "{before} threads before, {during} during");
}

/// Threads of this process, on systems that tell.
fn threads() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
}
