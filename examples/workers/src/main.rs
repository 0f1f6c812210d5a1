//! Prices a million options with four processes: `cargo run --release -p workers`. The processes are this program again.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder, from, count] = &args[..]
        && role == "worker"
    {
        let found = workers::work(Path::new(folder), from.parse()?, count.parse()?)?;
        println!("{}", if found { "found" } else { "compiled" });
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let shares: Vec<f64> = (0..1_000_000).map(|i| 50.0 + f64::from(i) * 1e-4).collect();
    for round in 1..=2 {
        let program = std::env::current_exe()?;
        let (prices, found) = workers::price_by_processes(&program, folder.path(), &shares, 4)?;
        println!("round {round}: {found} of 4 processes found the kernel; the last price is {:.4}", prices[999_999]);
    }
    Ok(())
}
