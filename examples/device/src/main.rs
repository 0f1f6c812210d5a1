//! Lets a plate with one hot spot cool on the GPU: `cargo run --release -p device`.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use device::Plate;
use hotloop::{Array, Engine, Error, TargetChoice};

const SIZE: usize = 512;

fn main() -> Result<(), Error> {
    for info in Engine::devices() {
        println!("{} ({}, {})", info.name, info.backend, info.driver);
    }
    let engine = Engine::builder().target(TargetChoice::Gpu).build();
    let mut heat = vec![0.0f32; SIZE * SIZE];
    heat[(SIZE / 2) * SIZE + SIZE / 2] = 1000.0;
    let mut plate = Plate::new(&engine, &Array::from_vec(heat, &[SIZE, SIZE])?)?;
    for _ in 0..4 {
        let time = plate.run(100)?;
        println!("100 steps in {time:?}; hottest minus coldest: {:.3}", plate.spread()?);
    }
    let (memory, transfers) = (engine.device()?.memory(), engine.device()?.transfers());
    println!("{} KiB on the device, {} KiB at most", memory.in_use >> 10, memory.peak >> 10);
    println!("{} arrays went there, {} came back", transfers.uploads, transfers.downloads);
    Ok(())
}
