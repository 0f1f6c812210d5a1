//! The code of a kernel in two tiers: quick code first, better code for kernels that are used again.
//!
//! Owns which code a call runs, when the better code is made, and the engine's thread that makes it. Both come from the
//! same program and give the same bits, so calls change over unseen. How code is made is the targets' business.

use crate::call::Compiled;
use crate::job::{Job, Origin};
use crate::plan::Plan;
use crate::process::PerProcess;
use hotloop_target::{BuildError, Kernel, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Which code an engine makes of its kernels. The bits of the results do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tiers {
    /// Quick code only: compiled in half the time, and slower.
    Quick,
    /// The best code at once. A build takes longer, but all calls take the same time and no thread is started.
    Best,
    /// Quick code first; the best is made by a thread of the engine's when a kernel is used again, and takes over.
    #[default]
    Both,
}

/// A run as long as this is worth better code, even if it was the only one so far.
const LONG_RUN: Duration = Duration::from_millis(2);
/// A first run that promises to take as long as this waits for the best code instead, in estimated nanoseconds.
const WORTH_WAITING: f64 = 2e7;
/// Kernels that wait for better code at a time; others ask again when they are called again.
const QUEUE: usize = 256;

/// The code of one kernel.
pub(crate) struct Code {
    first: Arc<dyn Kernel>,
    /// What calls run from now on. Set once: to the better code, or to the first where there is no better.
    last: OnceLock<Arc<dyn Kernel>>,
    was_called: AtomicBool,
    was_asked: AtomicBool,
    /// What the better code is made of; taken by whoever makes it.
    recipe: Mutex<Option<Recipe>>,
    recipe_bytes: usize,
    /// The process that took the recipe; 0 while nobody has. Asked before the lock, which a fork may find taken.
    taken_by: AtomicU32,
}

struct Recipe {
    job: Job,
    target: Arc<dyn Target>,
}

/// What one call runs.
pub(crate) struct Turn<'c> {
    pub(crate) kernel: &'c dyn Kernel,
    /// When it began, if that is of interest.
    start: Option<Instant>,
}

impl Code {
    /// Finds or makes the first code of a program; `quick` is none for targets that have one tier.
    pub(crate) fn build(
        mut job: Job,
        best: &Arc<dyn Target>,
        quick: Option<&Arc<dyn Target>>,
        tiers: Tiers,
    ) -> Result<(Code, Plan, Origin), BuildError> {
        let quick = match (tiers, quick) {
            (Tiers::Best, _) | (_, None) => None,
            (Tiers::Quick | Tiers::Both, Some(quick)) => Some(quick),
        };
        let only = if tiers == Tiers::Quick { quick.unwrap_or(best) } else { best };
        let missed = match job.find(&**only) {
            Ok((kernel, plan)) => return Ok((Code::only(kernel), plan, Origin::Disk)),
            Err(missed) => missed,
        };
        let quick = if tiers == Tiers::Both { quick } else { None };
        // Some process has used what is on disk before, so this is not its first call.
        if let Some(Ok((kernel, plan))) = quick.map(|quick| job.find(&**quick)) {
            return Ok((Code::early(kernel, job, best, true), plan, Origin::Disk));
        }
        if let Some((kernel, plan)) = job.find_alike(&**only) {
            return Ok((Code::only(kernel), plan, Origin::Disk));
        }
        let Some(quick) = quick else {
            let (kernel, plan) = job.make(&**only)?;
            return Ok((Code::only(kernel), plan, Origin::Compiled(missed)));
        };
        if let Some((kernel, plan)) = job.find_alike(&**quick) {
            return Ok((Code::early(kernel, job, best, true), plan, Origin::Disk));
        }
        let (kernel, plan) = job.make(&**quick)?;
        Ok((Code::early(kernel, job, best, false), plan, Origin::Compiled(missed)))
    }

    /// Quick code, to be followed by the best.
    fn early(first: Arc<dyn Kernel>, job: Job, best: &Arc<dyn Target>, was_called: bool) -> Code {
        let recipe_bytes = job.memory();
        let recipe = Mutex::new(Some(Recipe { job, target: best.clone() }));
        let (was_called, was_asked) = (AtomicBool::new(was_called), AtomicBool::new(false));
        Code { first, last: OnceLock::new(), was_called, was_asked, recipe, recipe_bytes, taken_by: AtomicU32::new(0) }
    }

    /// Code that stays.
    pub(crate) fn only(kernel: Arc<dyn Kernel>) -> Code {
        Code {
            first: kernel.clone(),
            last: OnceLock::from(kernel),
            was_called: AtomicBool::new(true),
            was_asked: AtomicBool::new(true),
            recipe: Mutex::new(None),
            recipe_bytes: 0,
            taken_by: AtomicU32::new(0),
        }
    }

    /// The code that a call made now would run.
    pub(crate) fn now(&self) -> &dyn Kernel {
        &**self.last.get().unwrap_or(&self.first)
    }

    /// Bytes it takes. The better code is counted before it is there, as large as the quick: it is never larger, since
    /// it spills less.
    pub(crate) fn bytes(&self) -> usize {
        let codes = if self.last.get().is_some() { 1 } else { 2 };
        self.first.code_bytes() * codes + self.recipe_bytes
    }

    /// Whether the first call is still to come and promises, by its work in estimated nanoseconds, to take so long that
    /// the best code should be made before it.
    pub(crate) fn is_worth_waiting(&self, work: impl FnOnce() -> f64) -> bool {
        self.last.get().is_none() && !self.was_called.load(Relaxed) && work() >= WORTH_WAITING
    }

    /// Makes the better code here and now, or waits for the thread that is making it; returns when it is in place. In
    /// a process that was forked while a thread of its parent was making it, the first code stays: there is no such
    /// thread here.
    pub(crate) fn settle(&self) {
        if !self.improve() && self.taken_by.load(Relaxed) == std::process::id() {
            // A recipe that is gone was taken by someone who sets this whatever happens.
            self.last.wait();
        }
    }

    /// Makes the better code, unless someone else does or did. A failure leaves the first code in place for good.
    fn improve(&self) -> bool {
        if self.taken_by.compare_exchange(0, std::process::id(), Relaxed, Relaxed).is_err() {
            return false;
        }
        let taken = self.recipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut recipe) = taken else { return false };
        let built = catch_unwind(AssertUnwindSafe(|| recipe.job.make(&*recipe.target)));
        let kernel = match built {
            Ok(Ok((kernel, _))) => kernel,
            Ok(Err(_)) | Err(_) => self.first.clone(),
        };
        self.last.get_or_init(|| kernel);
        true
    }
}

impl Compiled {
    /// The code for one call.
    pub(crate) fn begin<'c>(self: &'c Arc<Self>, background: &Background) -> Turn<'c> {
        let code = &self.code;
        match code.last.get() {
            Some(kernel) => Turn { kernel: &**kernel, start: None },
            None => self.begin_early(background),
        }
    }

    #[cold]
    fn begin_early<'c>(self: &'c Arc<Self>, background: &Background) -> Turn<'c> {
        if self.code.was_called.swap(true, Relaxed) {
            background.ask(self);
        }
        Turn { kernel: &*self.code.first, start: Some(Instant::now()) }
    }

    /// Notes that the call is over.
    pub(crate) fn end(self: &Arc<Self>, turn: &Turn<'_>, background: &Background) {
        if turn.start.is_some_and(|start| start.elapsed() >= LONG_RUN) {
            background.ask(self);
        }
    }
}

/// The thread that makes better code: started by the first kernel that is used again, gone with the engine.
#[derive(Default)]
pub(crate) struct Background {
    jobs: PerProcess<Option<SyncSender<Weak<Compiled>>>>,
    made: Arc<Made>,
}

/// What the thread has made so far.
#[derive(Debug, Default)]
struct Made {
    builds: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Background {
    /// How many codes were made, and how long that took.
    pub(crate) fn made(&self) -> (u64, Duration) {
        (self.made.builds.load(Relaxed), Duration::from_nanos(self.made.nanoseconds.load(Relaxed)))
    }

    /// Asks for the better code of a kernel, once. Never waits: where the queue is full, a later call asks again.
    fn ask(&self, compiled: &Arc<Compiled>) {
        if compiled.code.was_asked.swap(true, Relaxed) {
            return;
        }
        let Some(jobs) = self.jobs.get_or_init(|| start(self.made.clone())) else { return };
        if jobs.try_send(Arc::downgrade(compiled)).is_err() {
            compiled.code.was_asked.store(false, Relaxed);
        }
    }
}

/// Starts the thread. Without one, kernels keep their quick code.
fn start(made: Arc<Made>) -> Option<SyncSender<Weak<Compiled>>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let thread = thread::Builder::new().name("hotloop-tiers".to_owned());
    thread.spawn(move || work(&receiver, &made)).ok().map(|_| sender)
}

/// Takes jobs until the engine is gone. The thread holds neither engine nor kernels while it waits, so nothing lives
/// longer because of it, and jobs for kernels that went cost nothing.
fn work(jobs: &Receiver<Weak<Compiled>>, made: &Made) {
    for job in jobs {
        let Some(compiled) = job.upgrade() else { continue };
        let start = Instant::now();
        if compiled.code.improve() {
            made.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
            made.builds.fetch_add(1, Relaxed);
        }
    }
}
