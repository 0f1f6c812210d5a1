//! Prices options in several processes that share their numbers through files in memory, and in a pool of threads of the
//! caller's.
//!
//! Nothing is copied between the processes: each maps its own part of both files. They also share a directory of compiled
//! kernels, so that the first one compiles and the others load. `shared` maps the files.

pub mod shared;

use hotloop::{Arg, Call, DiskCache, Engine, Error, Kernel, Origin, args};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use shared::Shared;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kernel, which is also an example for the command line.
pub const TEXT: &str = include_str!("../../black_scholes.hl");

/// Strike, years, rate and volatility.
pub type Market = [f64; 4];

/// The market of the worker processes.
pub const MARKET: Market = [100.0, 0.5, 0.02, 0.3];

type Failure = Box<dyn StdError + Send + Sync>;

fn prices_file(folder: &Path) -> PathBuf {
    folder.join("prices.f64")
}

fn shares_file(folder: &Path) -> PathBuf {
    folder.join("shares.f64")
}

/// Has so many processes of this program price the shares, and gives the prices and how many of the processes found the
/// kernel compiled. `program` is started as `program worker FOLDER FROM COUNT` and calls [`work`].
pub fn price_by_processes(
    program: &Path,
    folder: &Path,
    shares: &[f64],
    workers: usize,
) -> Result<(Vec<f64>, usize), Failure> {
    Shared::create(&shares_file(folder), shares)?;
    Shared::create(&prices_file(folder), &vec![0.0; shares.len()])?;
    let part = shares.len().div_ceil(workers.max(1)).max(1);
    let mut running = Vec::new();
    for from in (0..shares.len()).step_by(part) {
        let count = part.min(shares.len() - from);
        let mut command = Command::new(program);
        command.arg("worker").arg(folder).args([from.to_string(), count.to_string()]).stdout(Stdio::piped());
        running.push(command.spawn()?);
    }
    let mut found = 0;
    for worker in running {
        let output = worker.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("a worker ended with {}", output.status).into());
        }
        found += usize::from(output.stdout.starts_with(b"found"));
    }
    let prices = Shared::open(&prices_file(folder), 0, shares.len())?;
    Ok((prices.numbers().to_vec(), found))
}

/// What one worker does: prices its part in place. Says whether the kernel was there already.
pub fn work(folder: &Path, from: usize, count: usize) -> Result<bool, Failure> {
    let shares = Shared::open(&shares_file(folder), from, count)?;
    let mut prices = Shared::open(&prices_file(folder), from, count)?;
    let engine = Engine::builder().threads(1).disk_cache(DiskCache::new(folder.join("kernels"))).build();
    let kernel = engine.load(TEXT)?.kernel("black_scholes")?;
    let [strike, years, rate, sigma] = MARKET;
    let args = args![shares.numbers(), strike, years, rate, sigma];
    let prepared = kernel.prepare_for(&args)?;
    prepared.call_into(&args, &mut [Arg::from(prices.numbers_mut())])?;
    Ok(prepared.origin() == Origin::Disk)
}

/// The same shares in many markets, side by side on the threads of a pool of the caller's: the kernels inside use that
/// pool too, so that there are never more threads at work than it has. The kernel's engine was made with `inherit_pool`.
pub fn price_in_pool(
    pool: &rayon::ThreadPool,
    kernel: &Kernel,
    shares: &[f64],
    markets: &[Market],
) -> Result<Vec<Vec<f64>>, Error> {
    let price = |[strike, years, rate, sigma]: &Market| {
        let mut prices = vec![0.0; shares.len()];
        let args = args![shares, *strike, *years, *rate, *sigma];
        kernel.call_into_with(&args, &mut [Arg::from(&mut prices[..])], &Call::new())?;
        Ok(prices)
    };
    pool.install(|| markets.par_iter().map(price).collect())
}
