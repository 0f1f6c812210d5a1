//! The example is right, and its answer does not depend on the number of threads.

use embed::{Market, Pricer, TEXT};
use hotloop::{Engine, Error, args};

const MARKET: Market = Market { strike: 100.0, years: 0.5, rate: 0.02, sigma: 0.3 };

#[test]
fn prices_are_right() {
    let engine = Engine::new();
    let pricer = Pricer::new(&engine).expect("it compiles");
    let mut prices = [0.0; 3];
    pricer.price(&[90.0, 100.0, 110.0], MARKET, &mut prices).expect("it runs");
    // From Python's math.erfc and math.exp.
    for (price, expected) in prices.iter().zip([4.269673827473266, 8.91178851134395, 15.385567901448383]) {
        assert!((price - expected).abs() < 1e-12, "{price} is not {expected}");
    }
}

#[test]
fn threads_change_no_bit() {
    let engine = Engine::new();
    let pricer = Pricer::new(&engine).expect("it compiles");
    let shares: Vec<f64> = (0..10_007).map(|i| 40.0 + f64::from(i) * 0.01).collect();
    let mut alone = vec![0.0; shares.len()];
    pricer.price(&shares, MARKET, &mut alone).expect("it runs");
    for threads in [1, 2, 3, 8] {
        let mut together = vec![0.0; shares.len()];
        pricer.price_by_threads(&shares, MARKET, &mut together, threads).expect("it runs");
        assert_eq!(together, alone, "with {threads} threads");
    }
}

#[test]
fn mistakes_come_back_as_errors() {
    let engine = Engine::new();
    let mistyped = TEXT.replace("erfc(", "erfk(");
    let error = engine
        .load(&mistyped)
        .and_then(|module| module.kernel("black_scholes")?.call(&args![1.0, 1.0, 1.0, 1.0, 1.0]))
        .expect_err("there is no such function");
    assert!(matches!(error, Error::Source(_)));
    assert!(error.to_string().contains("erfk"), "{error}");

    let pricer = Pricer::new(&engine).expect("it compiles");
    let error = pricer.price(&[1.0, 2.0], MARKET, &mut [0.0]).expect_err("the result does not fit");
    assert!(matches!(error, Error::Run(_)), "{error}");
}
