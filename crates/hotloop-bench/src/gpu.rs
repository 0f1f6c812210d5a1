//! The GPU's figures: copy speed first, then each kernel as a fraction of it, launch latency and transfer rates.
//!
//! `hotloop-bench gpu` writes the page that stands in `docs/gpu-performance.md`. Times are the device's own where it has
//! a clock. Arrays stay on the device; what does not fit is left out and said so.

use hotloop::{Array, Call, Device, DeviceArray, DeviceInfo, Element, Engine, Error, Kernel, TargetChoice, args};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Numbers of elements.
    pub sizes: Vec<usize>,
    /// Times each figure is taken; the middle one counts.
    pub rounds: usize,
}

impl Plan {
    /// A page worth keeping: up to 2^28 elements on cards, and to 2^22 on drivers that compute on the processor.
    pub fn full(info: &DeviceInfo) -> Plan {
        let powers: &[u32] = if info.kind == hotloop::DeviceKind::Software { &[18, 22] } else { &[20, 24, 28] };
        Plan { sizes: powers.iter().map(|power| 1 << power).collect(), rounds: 5 }
    }
}

const TEXT: &str = "\
kernel copy(a: ELEM[:], out: mut ELEM[:]) {
    out[:] = a
}
kernel axpy(a: ELEM[:], out: mut ELEM[:]) {
    out[:] = 2.5 * a + out
}
kernel linear(a: ELEM[:], b: ELEM[:]) = 2 * a + 3 * b
kernel total(a: ELEM[:]) = sum(a)
kernel softmax(a: ELEM[:, :]) {
    let e = exp(a - max(a, axis=1, keepdims=true))
    e / sum(e, axis=1, keepdims=true)
}
kernel stencil(a: ELEM[:, :], out: mut ELEM[:, :]) {
    out[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
}
fn cnd(x) = 0.5 * erfc(-x / sqrt(2.0))
kernel black_scholes(s: ELEM[:], t: ELEM[:]) {
    let d1 = (log(s / 100) + (0.02 + 0.3**2 / 2) * t) / (0.3 * sqrt(t))
    let d2 = d1 - 0.3 * sqrt(t)
    s * cnd(d1) - 100 * exp(-0.02 * t) * cnd(d2)
}
@vectorize
fn escape(cr, ci) {
    var zr = 0.0; var zi = 0.0; var n = 0i32
    while n < 100i32 and zr*zr + zi*zi <= 4.0 {
        let t = zr*zr - zi*zi + cr
        zi = 2.0*zr*zi + ci
        zr = t
        n += 1
    }
    n
}
kernel mandelbrot(a: ELEM[:], b: ELEM[:]) = escape(3 * a - 2, 2 * b - 1)
kernel nbody(a: ELEM[:], b: ELEM[:]) {
    let dx = a[newaxis, :] - a[:, newaxis]
    let dy = b[newaxis, :] - b[:, newaxis]
    let r2 = dx * dx + dy * dy + 0.01
    let f = 1 / (r2 * sqrt(r2))
    (sum(dx * f, axis=1), sum(dy * f, axis=1))
}
";

/// A kernel with what it needs and what counts.
struct Row {
    name: &'static str,
    /// Arrays of elements moved at least: read and written.
    arrays: f64,
    shape: Shape,
    /// Whether it has a second array to write.
    writes: bool,
    inputs: usize,
}

/// How the elements lie.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Line,
    /// So many elements in a row.
    Table(usize),
    /// As many bodies as pairs make the elements.
    Pairs,
}

const ROWS: &[Row] = &[
    Row { name: "axpy", arrays: 3.0, shape: Shape::Line, writes: true, inputs: 1 },
    Row { name: "linear", arrays: 3.0, shape: Shape::Line, writes: false, inputs: 2 },
    Row { name: "total", arrays: 1.0, shape: Shape::Line, writes: false, inputs: 1 },
    Row { name: "softmax", arrays: 2.0, shape: Shape::Table(1024), writes: false, inputs: 1 },
    Row { name: "stencil", arrays: 2.0, shape: Shape::Table(1024), writes: true, inputs: 1 },
    Row { name: "black_scholes", arrays: 3.0, shape: Shape::Line, writes: false, inputs: 2 },
    Row { name: "mandelbrot", arrays: 2.5, shape: Shape::Line, writes: false, inputs: 2 },
    Row { name: "nbody", arrays: 0.0, shape: Shape::Pairs, writes: false, inputs: 2 },
];

/// Writes the page for the first device.
pub fn write(plan: Option<Plan>, out: &mut dyn Write) -> Result<(), Error> {
    let device = Device::open(0)?;
    let info = device.info().clone();
    let plan = plan.unwrap_or_else(|| Plan::full(&info));
    let engine = Engine::builder().target(TargetChoice::Gpu).device(device.clone()).build();
    let bench = Bench { engine, device, rounds: plan.rounds };
    bench.page(&info, &plan, out).map_err(|error| match error {
        Stop::Engine(error) => error,
        Stop::Output(error) => Error::Io { path: "<output>".into(), error },
    })
}

enum Stop {
    Engine(Error),
    Output(io::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Engine(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

struct Bench {
    engine: Engine,
    device: Arc<Device>,
    rounds: usize,
}

impl Bench {
    fn page(&self, info: &DeviceInfo, plan: &Plan, out: &mut dyn Write) -> Result<(), Stop> {
        writeln!(out, "# Target `gpu` in figures\n")?;
        writeln!(
            out,
            "Written by `cargo run --release -p hotloop-bench -- gpu`, on {} ({:?}, {}, {}).",
            info.name, info.kind, info.backend, info.driver
        )?;
        if info.kind == hotloop::DeviceKind::Software {
            writeln!(
                out,
                "This is a driver that computes on the processor: the figures show that everything runs, and nothing of what a GPU does. Elsewhere the same line measures the GPU."
            )?;
        }
        if cfg!(debug_assertions) {
            writeln!(out, "It was a debug build: the times of the host are longer than they need be.")?;
        }
        self.latencies(out)?;
        writeln!(
            out,
            "\nEach kernel reads and writes arrays that stay on the device. *Copy* is the speed of `out[:] = a` for the same type and size; the fraction is of it, for the bytes a kernel cannot do without. `nbody` counts pairs as elements.\n"
        )?;
        writeln!(
            out,
            "| kernel | type | elements | time | GB/s | of copy | elements/s |\n|---|---|---|---|---|---|---|"
        )?;
        for size in &plan.sizes {
            self.rows::<f32>(*size, out)?;
            if info.f64 {
                self.rows::<f64>(*size, out)?;
            }
        }
        Ok(())
    }

    /// Launching, calling, and moving.
    fn latencies(&self, out: &mut dyn Write) -> Result<(), Stop> {
        let module = self.engine.load("kernel one(x: f32[:]) = x + 1").map_err(Stop::Engine)?;
        let one = module.kernel("one").map_err(Stop::Engine)?;
        let x = self.engine.to_device(&Array::from(vec![1.0f32])).map_err(Stop::Engine)?;
        one.call(&args![&x])?;
        let (mut launch, mut call) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let start = Instant::now();
            for _ in 0..200 {
                one.launch(&args![&x], &Call::new())?;
            }
            launch.push(start.elapsed() / 200);
            self.device.synchronize().map_err(Error::from)?;
            let start = Instant::now();
            for _ in 0..50 {
                one.call(&args![&x])?;
            }
            call.push(start.elapsed() / 50);
        }
        let array = Array::from(vec![1.0f32; 1 << 22]);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        for _ in 0..=self.rounds {
            let start = Instant::now();
            let there = self.engine.to_device(&array)?;
            self.device.synchronize().map_err(Error::from)?;
            up.push(start.elapsed());
            let start = Instant::now();
            there.to_host()?;
            down.push(start.elapsed());
        }
        let rate = |time: Duration| array.byte_len() as f64 / time.as_secs_f64() / 1e9;
        writeln!(
            out,
            "\n- Launching a kernel: {:.1} µs of the host; calling it and waiting: {:.1} µs.",
            micro(middle(launch)),
            micro(middle(call))
        )?;
        writeln!(
            out,
            "- To the device {:.2} GB/s, to the host {:.2} GB/s (16 MiB at a time).",
            rate(middle(up)),
            rate(middle(down))
        )?;
        Ok(())
    }

    fn rows<T: Number>(&self, size: usize, out: &mut dyn Write) -> Result<(), Stop> {
        let module = self.engine.load(&TEXT.replace("ELEM", T::TYPE.name()))?;
        let copy = Row { name: "copy", arrays: 2.0, shape: Shape::Line, writes: true, inputs: 1 };
        let mut speed = None;
        for row in std::iter::once(&copy).chain(ROWS) {
            let kernel = module.kernel(row.name)?;
            match self.time::<T>(&kernel, row, size) {
                Ok((time, count)) => {
                    let bytes = row.arrays * (count * T::TYPE.bytes()) as f64;
                    let rate = bytes / time.as_secs_f64();
                    let copied = *speed.get_or_insert(rate);
                    let (gigabytes, fraction) = match row.arrays > 0.0 {
                        true => (format!("{:.2}", rate / 1e9), format!("{:.0} %", 100.0 * rate / copied)),
                        false => ("–".to_owned(), "–".to_owned()),
                    };
                    let elements = count as f64 / time.as_secs_f64();
                    writeln!(
                        out,
                        "| {} | {} | {count} | {:.1} µs | {gigabytes} | {fraction} | {elements:.2e} |",
                        row.name,
                        T::TYPE,
                        micro(time)
                    )?;
                }
                Err(error @ (Error::Unsupported(_) | Error::Run(_))) => {
                    writeln!(out, "| {} | {} | {size} | not run: {error} | | | |", row.name, T::TYPE)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The time of one run, and its number of elements.
    fn time<T: Number>(&self, kernel: &Kernel, row: &Row, size: usize) -> Result<(Duration, usize), Error> {
        let shape = match row.shape {
            Shape::Line => vec![size],
            Shape::Table(columns) => vec![size / columns, columns],
            Shape::Pairs => vec![(size as f64).sqrt() as usize],
        };
        let array = |seed: usize| -> Result<DeviceArray, Error> {
            let values =
                (0..shape.iter().product()).map(|i: usize| T::of(((i * 37 + seed) % 1009 + 1) as f64 / 1010.0));
            self.engine.to_device(&Array::from_vec(values.collect(), &shape)?)
        };
        let (a, mut b) = (array(1)?, array(7)?);
        let run = |b: &mut DeviceArray| -> Result<(), Error> {
            match (row.writes, row.inputs) {
                (true, _) => kernel.launch(&args![&a, b], &Call::new())?,
                (false, 1) => kernel.launch(&args![&a], &Call::new())?,
                (false, _) => kernel.launch(&args![&a, &*b], &Call::new())?,
            };
            Ok(())
        };
        run(&mut b)?;
        self.device.synchronize()?;
        let mut times = Vec::new();
        for _ in 0..self.rounds {
            let before = self.device.event()?;
            run(&mut b)?;
            times.push(self.device.event()?.since(&before)?);
        }
        let count = if row.shape == Shape::Pairs { shape[0] * shape[0] } else { shape.iter().product() };
        Ok((middle(times).max(Duration::from_nanos(1)), count))
    }
}

/// The element types that are measured.
trait Number: Element {
    fn of(value: f64) -> Self;
}

impl Number for f32 {
    fn of(value: f64) -> f32 {
        value as f32
    }
}

impl Number for f64 {
    fn of(value: f64) -> f64 {
        value
    }
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micro(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
