//! Processes give the bits that one gives, and compile once.

use hotloop::{Engine, args};
use std::path::Path;
use workers::{MARKET, TEXT, price_by_processes};

#[test]
fn processes_share_arrays_and_kernels() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_workers"));
    let shares: Vec<f64> = (0..30_011).map(|i| 40.0 + f64::from(i) * 0.004).collect();
    let kernel = Engine::new().load(TEXT).and_then(|module| module.kernel("black_scholes")).expect("a kernel");
    let [strike, years, rate, sigma] = MARKET;
    let alone = kernel.call(&args![&shares, strike, years, rate, sigma]).expect("it runs").into_array();
    let alone = alone.expect("an array");
    let (prices, found) = price_by_processes(program, folder.path(), &shares, 1).expect("it runs");
    assert_eq!((prices.as_slice(), found), (alone.as_slice::<f64>(), 0), "one worker, which compiles");
    for workers in [2, 4, 7] {
        let (prices, found) = price_by_processes(program, folder.path(), &shares, workers).expect("it runs");
        assert_eq!(prices, alone.as_slice::<f64>(), "{workers} workers");
        assert_eq!(found, workers, "the kernel is there");
    }
    let (none, _) = price_by_processes(program, folder.path(), &[], 3).expect("nothing to do");
    assert!(none.is_empty());
    let error = workers::work(folder.path(), 5, 1).expect_err("there are no numbers now");
    assert!(error.to_string().contains("fewer numbers"), "{error}");
}
