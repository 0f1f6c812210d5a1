//! Prices many options with one kernel that several threads of the host program call at once.
//!
//! Shows what a host does: load the text once, prepare the kernel for its types, let each thread call it on its own part
//! of memory the host owns, and tell the kinds of errors apart. The threads are the host's; each call uses only one.

use hotloop::{Arg, Call, Engine, Error, Prepared, args};
use std::thread;

/// The kernel, which is also an example for the command line.
pub const TEXT: &str = include_str!("../../black_scholes.hl");

/// What does not differ from option to option.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    /// The price at which the share may be bought.
    pub strike: f64,
    /// Years until then.
    pub years: f64,
    /// Rate of interest.
    pub rate: f64,
    /// Volatility.
    pub sigma: f64,
}

/// The kernel, compiled for an array of prices and a market.
pub struct Pricer {
    kernel: Prepared,
}

impl Pricer {
    /// Compiles the kernel. The examples say which types the calls will have; their values do not matter.
    pub fn new(engine: &Engine) -> Result<Pricer, Error> {
        let kernel = engine.load(TEXT)?.kernel("black_scholes")?;
        let prices: &[f64] = &[];
        Ok(Pricer { kernel: kernel.prepare_for(&args![prices, 0.0, 0.0, 0.0, 0.0])? })
    }

    /// Writes one price into `out` per element of `shares`; both belong to the caller and nothing is copied.
    pub fn price(&self, shares: &[f64], market: Market, out: &mut [f64]) -> Result<(), Error> {
        let Market { strike, years, rate, sigma } = market;
        let args = args![shares, strike, years, rate, sigma];
        self.kernel.call_into_with(&args, &mut [Arg::from(out)], &Call::new().threads(1))
    }

    /// The same by so many threads of our own, each with its own part. A kernel can be called by all of them at once.
    pub fn price_by_threads(
        &self,
        shares: &[f64],
        market: Market,
        out: &mut [f64],
        threads: usize,
    ) -> Result<(), Error> {
        let part = shares.len().div_ceil(threads.max(1)).max(1);
        thread::scope(|scope| {
            let workers: Vec<_> = shares
                .chunks(part)
                .zip(out.chunks_mut(part))
                .map(|(shares, out)| scope.spawn(move || self.price(shares, market, out)))
                .collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }
}

/// The examples of the README are compiled and run with the tests of this package.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
