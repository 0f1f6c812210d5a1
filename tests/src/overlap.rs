//! Arguments that share memory: the answer must be that of separate copies, on every target, or a refusal.
//!
//! One of the files with `unsafe`: views of the same memory are made from its address.

use crate::plan::CONFIGS;
use hotloop::{Arg, Call, Engine, Type};
use libtest_mimic::Trial;

/// Kernels that write `y` and read `a`, which may be the same memory, shifted or backwards.
const KERNELS: &[(&str, &str)] = &[
    ("whole", "kernel k(y: mut f64[:], a: f64[:]) { y[:] = a * 2 + 1 }"),
    ("reversed", "kernel k(y: mut f64[:], a: f64[:]) { y[::-1] = a }"),
    ("two statements", "kernel k(y: mut f64[:], a: f64[:]) { y[:] = a + 1\n y[1:] = a[:-1] * 3 }"),
    ("neighbors", "kernel k(y: mut f64[:], a: f64[:]) { y[1:-1] = a[:-2] + a[2:] }"),
    ("loop", "kernel k(y: mut f64[:], a: f64[:]) { for i in range(len(a)) { y[i] = a[i] + a[-1] } }"),
    ("parallel loop", "kernel k(y: mut f64[:], a: f64[:]) { for i in prange(len(a)) { y[i] = a[len(a) - 1 - i] } }"),
    ("reduction", "kernel k(y: mut f64[:], a: f64[:]) { y[:] = a - sum(a)\n y[0] = max(a) }"),
];

/// Offset and stride of `a` in the memory of `y`, which begins at 8 and has stride 1.
const PLACES: &[(isize, isize)] =
    &[(8, 1), (7, 1), (9, 1), (0, 1), (16, 1), (27, -1), (26, -1), (8, 2), (0, 2), (12, 0)];

/// Elements of each argument.
const LEN: usize = 20;
/// Elements of the memory.
const MEMORY: usize = 64;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let trial = |(name, text): &'static (&str, &str)| Trial::test(format!("overlap/{name}"), || Ok(check(text)?));
    KERNELS.iter().map(trial).collect()
}

fn check(text: &str) -> Result<(), String> {
    let engine = Engine::builder().threads(3).build();
    let module = engine.load(text).map_err(|error| error.to_string())?;
    let kernel = module.kernel("k").map_err(|error| error.to_string())?;
    for (offset, stride) in PLACES {
        let want = separate(&kernel, *offset, *stride)?;
        for config in CONFIGS {
            let call = Call::default().target(config.target).threads(config.threads);
            let have = shared(&kernel, *offset, *stride, &call)?;
            if want != have {
                return Err(format!("{} at {offset} by {stride}: {have:?}, expected {want:?}", config.name));
            }
        }
    }
    Ok(())
}

fn memory() -> Vec<f64> {
    (0..MEMORY).map(|at| (at * at % 37) as f64).collect()
}

/// What `y` becomes when `a` is a copy.
fn separate(kernel: &hotloop::Kernel, offset: isize, stride: isize) -> Result<Vec<f64>, String> {
    let source = memory();
    let mut y = source[8..8 + LEN].to_vec();
    let a: Vec<f64> = (0..LEN as isize).map(|at| source[(offset + at * stride) as usize]).collect();
    let call = Call::default().target(CONFIGS[0].target);
    kernel.call_with(&[(&mut y).into(), (&a).into()], &call).map_err(|error| error.to_string())?;
    Ok(y)
}

/// What `y` becomes when `a` is a view of the same memory.
fn shared(kernel: &hotloop::Kernel, offset: isize, stride: isize, call: &Call<'_>) -> Result<Vec<f64>, String> {
    let mut memory = memory();
    let base = memory.as_mut_ptr();
    let text = |error: hotloop::ArgumentError| error.to_string();
    // SAFETY: both views stay inside the memory, whose only other use is below, after the call.
    let (y, a) = unsafe {
        let y = Arg::from_raw_mut(base.add(8).cast(), Type::F64, &[LEN], &[1]).map_err(text)?;
        let a = Arg::from_raw(base.offset(offset).cast(), Type::F64, &[LEN], &[stride]).map_err(text)?;
        (y, a)
    };
    kernel.call_with(&[y, a], call).map_err(|error| error.to_string())?;
    Ok(memory[8..8 + LEN].to_vec())
}
