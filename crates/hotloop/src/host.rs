//! The callbacks of a call: memory for results, temporaries and partial results, and threads for nests.
//!
//! Owns everything a call allocates. One of the files with `unsafe`: compiled code calls in with raw pointers. No
//! panic leaves a callback, and no failed allocation ends the process.

use crate::arena::{Arena, Place};
use crate::array::{ALIGN, Array, Buffer, Shape};
use crate::error::{ArgumentError, RunError};
use crate::kept::Kept;
use crate::matmul::{Task, run_tiles};
use crate::plan::Plan;
use crate::progress::Shared;
use crate::threads::{Threads, Work, run_here, run_parallel};
use crate::view::Parts;
use hotloop_target::frame::{CANCEL_WORD, NestFn};
use hotloop_target::{FaultRecord, HostTable, Status};
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// When tiles go to other threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Splitting {
    /// Never.
    Never,
    /// Where it makes the call faster.
    WhenItPays,
    /// Wherever there are two tiles.
    Always,
}

/// What the callbacks of one call work on.
pub(crate) struct Host<'a> {
    plan: &'a Plan,
    pool: &'a Threads,
    threads: usize,
    splitting: Splitting,
    kept: &'a Arc<Kept>,
    memory_limit: usize,
    used: usize,
    /// By result: the caller's memory that is written directly.
    direct: &'a [Option<&'a Parts>],
    /// By result: memory made here.
    results: SmallVec<[Option<Array>; 2]>,
    temps: Arena,
    partials: SmallVec<[(u32, Buffer); 2]>,
    failure: Option<Failure>,
    progress: Option<&'a Arc<Shared>>,
}

/// Why a callback failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The caller's mistake, or no memory.
    Run(RunError),
    /// Ours.
    Bug(String),
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        Failure::Run(error)
    }
}

impl<'a> Host<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        pool: &'a Threads,
        kept: &'a Arc<Kept>,
        direct: &'a [Option<&'a Parts>],
    ) -> Host<'a> {
        Host {
            plan,
            pool,
            kept,
            threads: pool.count(),
            splitting: Splitting::WhenItPays,
            memory_limit: usize::MAX,
            used: 0,
            direct,
            results: SmallVec::new(),
            temps: Arena::default(),
            partials: SmallVec::new(),
            failure: None,
            progress: None,
        }
    }

    pub(crate) fn with_splitting(mut self, splitting: Splitting, threads: usize) -> Host<'a> {
        self.splitting = splitting;
        self.threads = threads.max(1);
        self
    }

    pub(crate) fn with_memory_limit(mut self, bytes: usize) -> Host<'a> {
        self.memory_limit = bytes;
        self
    }

    /// Counts tiles there.
    pub(crate) fn with_progress(mut self, progress: Option<&'a Arc<Shared>>) -> Host<'a> {
        self.progress = progress;
        self
    }

    /// The table through which compiled code calls this host; good as long as the host stays where it is.
    pub(crate) fn table(&mut self) -> HostTable {
        HostTable { data: std::ptr::from_mut(self).cast(), alloc, free, matmul, partials, par_for }
    }

    /// The memory made for a result.
    pub(crate) fn take_result(&mut self, result: usize) -> Option<Array> {
        self.results.get_mut(result)?.take()
    }

    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Makes the memory of an array whose extents are in `shape`.
    fn alloc(&mut self, array: u32, shape: &[usize]) -> Result<*mut u8, Failure> {
        let plan = self.plan.arrays.get(array as usize).ok_or_else(|| bug("an array that is not there"))?;
        match plan.result {
            Some(result) => match self.direct.get(result).copied().flatten() {
                Some(out) => self.check_out(result, out, shape),
                None => self.alloc_result(result, array, shape),
            },
            None => self.alloc_temp(array, shape),
        }
    }

    fn check_out(&self, index: usize, out: &Parts, shape: &[usize]) -> Result<*mut u8, Failure> {
        if *out.shape == *shape {
            return Ok(out.base);
        }
        let (expected, found) = (shape.to_vec(), out.shape.to_vec());
        let kernel = self.plan.kernel.clone();
        Err(RunError::Argument(ArgumentError::OutShape { kernel, index, expected, found }).into())
    }

    fn alloc_result(&mut self, result: usize, array: u32, shape: &[usize]) -> Result<*mut u8, Failure> {
        if self.results.len() <= result {
            self.results.resize_with(result + 1, || None);
        }
        if let Some(present) = &self.results[result] {
            if present.shape() == shape {
                return Ok(present.as_ptr());
            }
            self.used -= present.byte_len();
            self.results[result] = None;
        }
        // Temporaries that come later need not find the memory of earlier ones where it would add to that of a result.
        self.used -= self.temps.release();
        let bytes = self.reserve(array, shape)?;
        let ty = self.plan.arrays[array as usize].ty;
        let made = Array::uninit_in(self.kept, ty, shape).map_err(|_| self.no_memory(array, bytes as u128, None))?;
        let base = made.as_ptr();
        self.results[result] = Some(made);
        Ok(base)
    }

    /// Memory for a temporary, which the program writes before it reads.
    fn alloc_temp(&mut self, array: u32, shape: &[usize]) -> Result<*mut u8, Failure> {
        let size = self.plan.arrays[array as usize].ty.bytes();
        let needed = byte_count(shape, size).filter(|bytes| *bytes <= isize::MAX as u128 - ALIGN as u128);
        let Some(needed) = needed else {
            return Err(self.no_memory(array, byte_count(shape, size).unwrap_or(u128::MAX), None));
        };
        match self.temps.place(array, needed as usize) {
            Place::Ready(base) => Ok(base),
            Place::Needs { bytes, released } => {
                self.used -= released;
                let plan = &self.plan.arrays[array as usize];
                self.account(bytes as u128, || describe(&plan.name, plan.result, shape))?;
                let chunk = self.kept.take(bytes).ok_or_else(|| self.no_memory(array, bytes as u128, None))?;
                Ok(self.temps.add(array, chunk))
            }
        }
    }

    fn alloc_partials(&mut self, nest: u32, bytes: i64) -> Result<*mut u8, Failure> {
        let bytes = usize::try_from(bytes).map_err(|_| bug("a negative number of bytes"))?;
        if let Some(at) = self.partials.iter().position(|(id, _)| *id == nest) {
            if self.partials[at].1.len() >= bytes {
                return Ok(self.partials[at].1.as_ptr());
            }
            self.used -= self.partials[at].1.len();
            self.partials.swap_remove(at);
        }
        let what = || "the partial results of a reduction".to_owned();
        self.account(bytes as u128, what)?;
        let none = || RunError::Memory { what: what(), bytes: bytes as u128, limit: None };
        let buffer = self.kept.take(bytes).ok_or_else(none)?;
        let base = buffer.as_ptr();
        self.partials.push((nest, buffer));
        Ok(base)
    }

    /// Counts the bytes of an array against the limit.
    fn reserve(&mut self, array: u32, shape: &[usize]) -> Result<usize, Failure> {
        let plan = &self.plan.arrays[array as usize];
        let bytes = byte_count(shape, plan.ty.bytes()).unwrap_or(u128::MAX);
        if bytes > isize::MAX as u128 {
            return Err(self.no_memory(array, bytes, None));
        }
        let what = || describe(&plan.name, plan.result, shape);
        self.account(bytes, what)
    }

    fn account(&mut self, bytes: u128, what: impl Fn() -> String) -> Result<usize, Failure> {
        if bytes > (self.memory_limit - self.used.min(self.memory_limit)) as u128 {
            return Err(RunError::Memory { what: what(), bytes, limit: Some(self.memory_limit) }.into());
        }
        let bytes = bytes as usize;
        self.used += bytes;
        Ok(bytes)
    }

    fn no_memory(&self, array: u32, bytes: u128, limit: Option<usize>) -> Failure {
        let plan = &self.plan.arrays[array as usize];
        RunError::Memory { what: describe(&plan.name, plan.result, &[]), bytes, limit }.into()
    }

    /// How many threads get tiles, and how many at a time; `total` is the work in estimated nanoseconds.
    fn split(&self, tiles: i64, total: impl FnOnce() -> f64) -> (usize, i64) {
        let most = self.threads.min(usize::try_from(tiles).unwrap_or(usize::MAX));
        if most <= 1 {
            return (1, tiles);
        }
        match self.splitting {
            Splitting::Never => (1, tiles),
            Splitting::Always => (most, (tiles / (most as i64 * CHUNKS)).max(1)),
            Splitting::WhenItPays => {
                let total = total();
                let threads = most.min((total / THREAD_SHARE) as usize);
                if threads <= 1 {
                    return (1, tiles);
                }
                let smallest = (tiles as f64 * SMALLEST_CHUNK / total) as i64;
                (threads, (tiles / (threads as i64 * CHUNKS)).max(smallest).max(1))
            }
        }
    }
}

/// What a thread must have to do, in estimated nanoseconds, to be worth waking.
const THREAD_SHARE: f64 = 15_000.0;
/// The work in one chunk, in estimated nanoseconds, below which taking it costs too much.
const SMALLEST_CHUNK: f64 = 2_000.0;
/// Chunks per thread where there is enough work: what a busy core can hold up at the end is one of them.
const CHUNKS: i64 = 16;

fn byte_count(shape: &[usize], size: usize) -> Option<u128> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(size as u128, |bytes, extent| bytes.checked_mul(*extent as u128))
}

fn describe(name: &str, result: Option<usize>, shape: &[usize]) -> String {
    let kind = if result.is_some() { "the result" } else { "the temporary array" };
    match (name.is_empty(), shape.is_empty()) {
        (true, true) => kind.to_owned(),
        (true, false) => format!("{kind} of shape {shape:?}"),
        (false, true) => format!("{kind} `{name}`"),
        (false, false) => format!("{kind} `{name}` of shape {shape:?}"),
    }
}

fn bug(detail: &str) -> Failure {
    Failure::Bug(format!("compiled code asked for {detail}"))
}

/// Runs a callback; keeps what went wrong in the host, panics included.
///
/// # Safety
/// `data` is the host of a running call, and no other reference to it is in use.
unsafe fn guarded(data: *mut u8, body: impl FnOnce(&mut Host<'_>) -> Result<(), Failure>) -> i32 {
    // SAFETY: the caller's promise.
    let host = unsafe { &mut *data.cast::<Host<'_>>() };
    let failure = match catch_unwind(AssertUnwindSafe(|| body(host))) {
        Ok(Ok(())) => return Status::Ok as i32,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Bug("a callback panicked".to_owned()),
    };
    host.failure = Some(failure);
    Status::Host as i32
}

unsafe extern "C" fn alloc(data: *mut u8, frame: *mut u64, array: u32) -> i32 {
    let body = |host: &mut Host<'_>| {
        let plan = host.plan;
        let Some(info) = plan.arrays.get(array as usize) else { return Err(bug("an array that is not there")) };
        let mut shape: Shape = SmallVec::new();
        for axis in 0..info.rank {
            // SAFETY: the frame has a word for every extent of every array of the plan.
            let extent = unsafe { *frame.add(info.base + 1 + axis) } as i64;
            shape.push(usize::try_from(extent).map_err(|_| bug("a negative extent"))?);
        }
        let base = host.alloc(array, &shape)?;
        let mut stride = info.ty.bytes() as u64;
        // The parts of complex numbers lie along one axis more.
        let axes = info.rank + usize::from(info.ty.is_complex());
        // SAFETY: the frame has a word for the base and every stride of every array of the plan.
        unsafe {
            *frame.add(info.base) = base.expose_provenance() as u64;
            if axes > info.rank {
                *frame.add(info.base + 2 * axes) = info.ty.part().bytes() as u64;
            }
            for axis in (0..info.rank).rev() {
                *frame.add(info.base + 1 + axes + axis) = stride;
                stride = stride.wrapping_mul(shape[axis] as u64);
            }
        }
        Ok(())
    };
    // SAFETY: compiled code passes the data of the table it was given.
    unsafe { guarded(data, body) }
}

unsafe extern "C" fn free(data: *mut u8, _: *mut u64, array: u32) -> i32 {
    let body = |host: &mut Host<'_>| {
        host.temps.free(array);
        Ok(())
    };
    // SAFETY: compiled code passes the data of the table it was given.
    unsafe { guarded(data, body) }
}

unsafe extern "C" fn matmul(data: *mut u8, frame: *mut u64, product: u32) -> i32 {
    let mut status = Status::Ok;
    let body = |host: &mut Host<'_>| {
        // SAFETY: the frame has a word for everything the plan speaks of.
        let word = |at: usize| unsafe { *frame.add(at) };
        let plan = host.plan.products.get(product as usize).ok_or_else(|| bug("a product that is not there"))?;
        let cancel = std::ptr::with_exposed_provenance(word(CANCEL_WORD) as usize);
        // SAFETY: compiled code passes the frame of this plan, and the flag outlives the call.
        let task = unsafe { Task::new(plan, word, cancel) };
        let mut task = task.ok_or_else(|| bug("a product without rows and columns"))?;
        let tiles = task.count();
        let (threads, chunk) = host.split(tiles, || task.cost());
        let work = Work { run: run_tiles, frame: (&raw mut task).cast(), tiles, progress: None };
        let fault = &mut FaultRecord::default();
        // SAFETY: the task outlives the run, and its tiles are different parts of the result.
        status = unsafe {
            if threads <= 1 { run_here(work, fault) } else { run_parallel(host.pool, work, threads, chunk, fault) }
        };
        if status == Status::Host { Err(bug("a product that the library gave up")) } else { Ok(()) }
    };
    // SAFETY: compiled code passes the data of the table it was given.
    let own = unsafe { guarded(data, body) };
    if own == Status::Ok as i32 { status as i32 } else { own }
}

unsafe extern "C" fn partials(data: *mut u8, frame: *mut u64, nest: u32, bytes: i64) -> i32 {
    let body = |host: &mut Host<'_>| {
        let base = host.alloc_partials(nest, bytes)?;
        let word = host.plan.words - host.plan.nests.len() + nest as usize;
        // SAFETY: the frame ends with one word per nest.
        unsafe { *frame.add(word) = base.expose_provenance() as u64 };
        Ok(())
    };
    // SAFETY: compiled code passes the data of the table it was given.
    unsafe { guarded(data, body) }
}

unsafe extern "C" fn par_for(
    data: *mut u8,
    frame: *mut u64,
    fault: *mut FaultRecord,
    run: NestFn,
    nest: u32,
    tiles: i64,
) -> i32 {
    let mut status = Status::Ok;
    let body = |host: &mut Host<'_>| {
        // SAFETY: the frame has a word for every slot, and the record is the caller's own.
        let (word, fault) = unsafe { (|at: usize| *frame.add(at), &mut *fault) };
        let plan = host.plan;
        let (threads, chunk) = host.split(tiles, || plan.work(nest as usize, word));
        if let Some(progress) = host.progress {
            progress.begin(nest as usize, tiles);
        }
        let work = Work { run, frame, tiles, progress: host.progress };
        // SAFETY: compiled code passes its own frame, and asks only for nests whose tiles may run at the same time.
        status = unsafe {
            if threads <= 1 { run_here(work, fault) } else { run_parallel(host.pool, work, threads, chunk, fault) }
        };
        Ok(())
    };
    // SAFETY: compiled code passes the data of the table it was given, and nests do not call back.
    let own = unsafe { guarded(data, body) };
    if own == Status::Ok as i32 { status as i32 } else { own }
}
