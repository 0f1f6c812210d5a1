//! Heat in a plate, with the plate on the GPU: what a program does whose arrays stay on the device between calls.
//!
//! Shows explicit transfers, launching without waiting, results that go into the next call before they are computed,
//! events, and the counters of memory and transfers.

use hotloop::{Array, Call, Device, DeviceArray, Engine, Error, Kernel, TargetChoice, args};
use std::sync::Arc;
use std::time::Duration;

/// The kernels: one step of the explicit scheme, and how far a plate is from being even.
pub const TEXT: &str = "\
kernel step(u: f32[:, :], out: mut f32[:, :]) {
    out[1:-1, 1:-1] = u[1:-1, 1:-1]
        + 0.2 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1])
}
kernel spread(u: f32[:, :]) = max(u) - min(u)
";

/// A plate on the device.
pub struct Plate {
    device: Arc<Device>,
    step: Kernel,
    spread: Kernel,
    now: DeviceArray,
    next: DeviceArray,
}

impl Plate {
    /// Brings a plate to the engine's device; it crosses once, and its double is made there.
    pub fn new(engine: &Engine, plate: &Array) -> Result<Plate, Error> {
        let module = engine.load(TEXT)?;
        let now = engine.to_device(plate)?;
        let next = now.clone();
        let (step, spread) = (module.kernel("step")?, module.kernel("spread")?);
        Ok(Plate { device: engine.device()?, step, spread, now, next })
    }

    /// Runs so many steps; gives the time the device took. Each step is handed over at once and none is waited for.
    pub fn run(&mut self, steps: usize) -> Result<Duration, Error> {
        let call = Call::new().target(TargetChoice::Gpu);
        let start = self.device.event()?;
        for _ in 0..steps {
            self.step.launch(&args![&self.now, &mut self.next], &call)?;
            std::mem::swap(&mut self.now, &mut self.next);
        }
        let end = self.device.event()?;
        Ok(end.since(&start)?)
    }

    /// The difference between the hottest and the coldest point; only this number comes to the host.
    pub fn spread(&self) -> Result<f32, Error> {
        Ok(self.spread.call(&args![&self.now])?.scalar()?)
    }

    /// The plate, brought to the host.
    pub fn to_host(&self) -> Result<Array, Error> {
        self.now.to_host()
    }
}
