//! What a caller can choose for one call, and what it can learn from it.

use crate::cancel::CancelToken;
use crate::progress::Progress;
use crate::targets::TargetChoice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Choices for one call; the default leaves all of them to the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// The most threads this call uses, the caller's included; the engine's number if none.
    pub threads: Option<usize>,
    /// The target; the engine's if none.
    pub target: Option<TargetChoice>,
    /// Stops the call when it is cancelled.
    pub cancel: Option<&'a CancelToken>,
    /// Takes down how long the call took.
    pub timing: Option<&'a Timing>,
    /// Says how far the call is while it runs.
    pub progress: Option<&'a Progress>,
    /// Whether results stay on the device although no argument is there.
    pub on_device: bool,
}

impl<'a> Call<'a> {
    /// All choices left to the engine.
    pub fn new() -> Call<'a> {
        Call::default()
    }

    /// At most so many threads; 0 counts as 1.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Call<'a> {
        self.threads = Some(threads);
        self
    }

    /// This target.
    #[must_use]
    pub fn target(mut self, target: TargetChoice) -> Call<'a> {
        self.target = Some(target);
        self
    }

    /// Stops when this token is cancelled.
    #[must_use]
    pub fn cancel(mut self, token: &'a CancelToken) -> Call<'a> {
        self.cancel = Some(token);
        self
    }

    /// Says in `progress` how far it is.
    #[must_use]
    pub fn progress(mut self, progress: &'a Progress) -> Call<'a> {
        self.progress = Some(progress);
        self
    }

    /// Leaves the results on the device of target `gpu`, although no argument is there: for kernels that make arrays.
    #[must_use]
    pub fn on_device(mut self) -> Call<'a> {
        self.on_device = true;
        self
    }

    /// Adds the times of the call to `timing`.
    #[must_use]
    pub fn timing(mut self, timing: &'a Timing) -> Call<'a> {
        self.timing = Some(timing);
        self
    }
}

/// Times summed over the calls that were given it.
#[derive(Debug, Default)]
pub struct Timing {
    compile: AtomicU64,
    run: AtomicU64,
}

impl Timing {
    /// Nothing so far.
    pub fn new() -> Timing {
        Timing::default()
    }

    /// Time spent making kernels, from the text to code that can run; zero when all were found in the cache.
    pub fn compile(&self) -> Duration {
        Duration::from_nanos(self.compile.load(Relaxed))
    }

    /// Time spent running kernels, the allocation of results included.
    pub fn run(&self) -> Duration {
        Duration::from_nanos(self.run.load(Relaxed))
    }

    pub(crate) fn add_compile(&self, time: Duration) {
        self.compile.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn add_run(&self, time: Duration) {
        self.run.fetch_add(time.as_nanos() as u64, Relaxed);
    }
}
