//! Prices a million options with four threads and prints a few of them: `cargo run --release -p embed`.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use embed::{Market, Pricer};
use hotloop::{Engine, Error};

fn main() -> Result<(), Error> {
    let engine = Engine::new();
    let pricer = Pricer::new(&engine)?;
    let shares: Vec<f64> = (0..1_000_000).map(|i| 50.0 + f64::from(i) * 1e-4).collect();
    let mut prices = vec![0.0; shares.len()];
    let market = Market { strike: 100.0, years: 0.5, rate: 0.02, sigma: 0.3 };
    pricer.price_by_threads(&shares, market, &mut prices, 4)?;
    for i in (0..shares.len()).step_by(250_000) {
        println!("a share at {:6.2}: an option for {:7.4}", shares[i], prices[i]);
    }
    Ok(())
}
