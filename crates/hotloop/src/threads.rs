//! Runs the tiles of a nest on several threads.
//!
//! Owns the pool and the handing out of tiles; whether splitting pays is decided in `host`. Tiles are taken in small
//! chunks from one counter, the caller takes part, and at the end it waits only for threads that hold a chunk: a
//! thread that was asked but has not come yet finds the job closed and leaves. So neither a busy core nor a sleeping
//! thread holds up a call. One of the files with `unsafe`: threads share the frame.

use crate::process::PerProcess;
use crate::progress::Shared;
use hotloop_target::frame::NestFn;
use hotloop_target::{FaultRecord, Status, fpenv};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};

/// Where threads come from.
#[derive(Debug)]
pub(crate) struct Threads {
    own: PerProcess<Option<Arc<rayon::ThreadPool>>>,
    supplied: Option<Arc<rayon::ThreadPool>>,
    inherit: bool,
    count: usize,
    /// The process whose threads the supplied ones are.
    process: u32,
}

impl Threads {
    pub(crate) fn new(supplied: Option<Arc<rayon::ThreadPool>>, inherit: bool, count: Option<usize>) -> Threads {
        let available = || match &supplied {
            Some(pool) => pool.current_num_threads(),
            None => thread::available_parallelism().map_or(1, usize::from),
        };
        let count = count.unwrap_or_else(available).max(1);
        Threads { own: PerProcess::default(), supplied, inherit, count, process: std::process::id() }
    }

    /// The most threads a call uses when it does not say.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Asks another thread to run something soon; false if there is no other thread. In a process forked from the one
    /// that made the engine, the caller's pool has no threads: kernels run on the calling one. The engine's own are
    /// made anew.
    fn spawn(&self, body: impl FnOnce() + Send + 'static) -> bool {
        let is_at_home = std::process::id() == self.process;
        if self.inherit && is_at_home && rayon::current_thread_index().is_some() {
            rayon::spawn(body);
            return true;
        }
        let pool = match &self.supplied {
            Some(pool) => Some(pool).filter(|_| is_at_home),
            None => self.own.get_or_init(|| self.make_pool()).as_ref(),
        };
        pool.map(|pool| pool.spawn(body)).is_some()
    }

    /// The engine's own threads, made when they are first needed, in each process.
    fn make_pool(&self) -> Option<Arc<rayon::ThreadPool>> {
        // The caller works too. More threads than the count are wanted only when a call asks for them, and then
        // chunks are shared among those there are.
        let threads = self.count.max(2) - 1;
        let name = |index| format!("hotloop-{index}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build();
        // Without threads a kernel still runs, on the caller's.
        pool.ok().map(Arc::new)
    }
}

/// The code of one nest and its frame.
#[derive(Clone, Copy)]
pub(crate) struct Work<'p> {
    pub(crate) run: NestFn,
    pub(crate) frame: *mut u64,
    pub(crate) tiles: i64,
    /// Where to count the tiles that are done.
    pub(crate) progress: Option<&'p Arc<Shared>>,
}

/// In how many pieces one thread does a nest that is watched.
const PIECES: i64 = 64;

/// Runs all tiles on the calling thread.
///
/// # Safety
/// The frame is the one the nest was compiled for, filled as the target's contract says.
pub(crate) unsafe fn run_here(work: Work<'_>, fault: &mut FaultRecord) -> Status {
    let Some(progress) = work.progress else {
        // SAFETY: the caller's promise.
        return Status::from_raw(unsafe { (work.run)(work.frame, fault, 0, work.tiles) });
    };
    let (mut lo, piece, mut outcome) = (0, (work.tiles / PIECES).max(1), Status::Ok);
    while lo < work.tiles {
        let hi = lo.saturating_add(piece).min(work.tiles);
        let mut record = FaultRecord::default();
        // SAFETY: as above.
        match Status::from_raw(unsafe { (work.run)(work.frame, &mut record, lo, hi) }) {
            Status::Ok => {}
            // The rest is done as with several threads; the pieces come in order, so the first fault counts.
            Status::Fault if outcome == Status::Ok => (outcome, *fault) = (Status::Fault, record),
            Status::Fault => {}
            status @ (Status::Cancelled | Status::Host) => return status,
        }
        progress.advance(hi - lo);
        lo = hi;
    }
    outcome
}

/// Runs all tiles on up to `threads` threads, the caller among them, `chunk` tiles at a time.
///
/// # Safety
/// As for [`run_here`]; and tiles of the nest may run at the same time.
pub(crate) unsafe fn run_parallel(
    pool: &Threads,
    work: Work<'_>,
    threads: usize,
    chunk: i64,
    fault: &mut FaultRecord,
) -> Status {
    let job = Arc::new(Job {
        run: work.run,
        frame: work.frame,
        tiles: work.tiles,
        progress: work.progress.cloned(),
        chunk: chunk.max(1),
        next: AtomicI64::new(0),
        members: AtomicUsize::new(0),
        caller: thread::current(),
        outcome: Mutex::new(Outcome { status: Status::Ok, fault: FaultRecord::default() }),
    });
    for _ in 1..threads {
        let job = job.clone();
        if !pool.spawn(move || job.help()) {
            break;
        }
    }
    // The caller is in the default environment already: it has come through the kernel's entry.
    job.take_chunks();
    job.close();
    let outcome = job.outcome.lock().unwrap_or_else(PoisonError::into_inner);
    if outcome.status == Status::Fault {
        *fault = outcome.fault;
    }
    outcome.status
}

/// One nest being run by several threads.
struct Job {
    run: NestFn,
    frame: *mut u64,
    tiles: i64,
    progress: Option<Arc<Shared>>,
    chunk: i64,
    /// The first tile that nobody has taken.
    next: AtomicI64,
    /// Twice the number of helpers inside, plus 1 when closed.
    members: AtomicUsize,
    caller: Thread,
    outcome: Mutex<Outcome>,
}

struct Outcome {
    status: Status,
    fault: FaultRecord,
}

// SAFETY: the frame is only touched between entering and leaving, while the caller keeps it alive; compiled nests of
// parallel axes write disjoint memory.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

const CLOSED: usize = 1;
const MEMBER: usize = 2;
/// How often the caller looks before it goes to sleep: about as long as a wake-up takes.
const SPINS: usize = 2000;

impl Job {
    /// What a helper does; does nothing once the job is closed.
    fn help(&self) {
        let before = self.members.fetch_add(MEMBER, Ordering::Acquire);
        if before & CLOSED == 0 {
            fpenv::with_default(|| self.take_chunks());
        }
        // Release: what this thread wrote is seen by the caller when it finds everyone gone.
        let before = self.members.fetch_sub(MEMBER, Ordering::Release);
        if before == MEMBER | CLOSED {
            self.caller.unpark();
        }
    }

    fn take_chunks(&self) {
        loop {
            let lo = self.next.fetch_add(self.chunk, Ordering::Relaxed);
            if lo >= self.tiles {
                return;
            }
            let hi = lo.saturating_add(self.chunk).min(self.tiles);
            let mut fault = FaultRecord::default();
            // SAFETY: the promise of `run_parallel`, whose caller is kept waiting while this thread is a member.
            let status = Status::from_raw(unsafe { (self.run)(self.frame, &mut fault, lo, hi) });
            if status != Status::Ok {
                self.note(status, fault);
            }
            if let Some(progress) = &self.progress {
                progress.advance(hi - lo);
            }
        }
    }

    /// Keeps the fault of lowest index; stops the others when there is no use in going on.
    fn note(&self, status: Status, fault: FaultRecord) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match (outcome.status, status) {
            (_, Status::Ok) => {}
            (Status::Ok, Status::Fault) => *outcome = Outcome { status, fault },
            (Status::Fault, Status::Fault) => {
                if fault.linear < outcome.fault.linear {
                    outcome.fault = fault;
                }
            }
            (Status::Cancelled | Status::Host, Status::Fault) => {}
            (_, Status::Cancelled | Status::Host) => {
                outcome.status = status;
                self.next.store(self.tiles, Ordering::Relaxed);
            }
        }
    }

    /// Lets nobody in any more and waits until everybody inside has left.
    fn close(&self) {
        let mut members = self.members.fetch_or(CLOSED, Ordering::Acquire) | CLOSED;
        let mut spins = 0;
        while members != CLOSED {
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                thread::park();
            }
            members = self.members.load(Ordering::Acquire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Threads, Work, run_here, run_parallel};
    use hotloop_target::{FaultRecord, Status};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// Counts each tile in a word of the frame; tiles from word 0's number on fault, with the tile as linear index.
    unsafe extern "C" fn count(frame: *mut u64, fault: *mut FaultRecord, lo: i64, hi: i64) -> i32 {
        let mut status = Status::Ok;
        for tile in lo..hi {
            // SAFETY: the tests give a frame of one word more than tiles, and no tile is run twice at a time.
            unsafe {
                *frame.add(1 + tile as usize) += 1;
                if tile as u64 >= *frame && status == Status::Ok {
                    (*fault).linear = tile;
                    status = Status::Fault;
                }
            }
        }
        status as i32
    }

    unsafe extern "C" fn cancelled(frame: *mut u64, _: *mut FaultRecord, _: i64, _: i64) -> i32 {
        // SAFETY: the frame is one `AtomicU64`.
        unsafe { (*frame.cast::<AtomicU64>()).fetch_add(1, Relaxed) };
        Status::Cancelled as i32
    }

    fn run(pool: &Threads, tiles: usize, threads: usize, chunk: i64, first_fault: u64) -> (Status, i64) {
        let mut frame = vec![0; tiles + 1];
        frame[0] = first_fault;
        let mut fault = FaultRecord::default();
        let work = Work { run: count, frame: frame.as_mut_ptr(), tiles: tiles as i64, progress: None };
        // SAFETY: `count` asks for such a frame.
        let status = unsafe { run_parallel(pool, work, threads, chunk, &mut fault) };
        assert!(frame[1..].iter().all(|runs| *runs == 1), "every tile is run once");
        (status, fault.linear)
    }

    #[test]
    fn every_tile_runs_once() {
        let pool = Threads::new(None, false, Some(4));
        for tiles in [0, 1, 2, 3, 17, 1000] {
            for threads in [1, 2, 3, 8] {
                for chunk in [0, 1, 3, 5000] {
                    assert_eq!(run(&pool, tiles, threads, chunk, u64::MAX).0, Status::Ok);
                }
            }
        }
    }

    #[test]
    fn the_lowest_fault_is_kept() {
        let pool = Threads::new(None, false, Some(4));
        for first in [0, 1, 500, 999] {
            for _ in 0..20 {
                assert_eq!(run(&pool, 1000, 4, 7, first), (Status::Fault, first as i64));
            }
        }
    }

    #[test]
    fn cancelling_stops_the_rest() {
        let pool = Threads::new(None, false, Some(4));
        let mut runs = 0u64;
        let work = Work { run: cancelled, frame: &raw mut runs, tiles: 1_000_000, progress: None };
        // SAFETY: `cancelled` asks for such a frame.
        let status = unsafe { run_parallel(&pool, work, 4, 1, &mut FaultRecord::default()) };
        assert_eq!(status, Status::Cancelled);
        assert!(runs < 100, "{runs}");
    }

    #[test]
    fn pools_of_the_caller_are_used() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
        let pool = Arc::new(pool);
        let supplied = Threads::new(Some(pool.clone()), false, None);
        assert_eq!(supplied.count(), 3);
        assert_eq!(run(&supplied, 100, 3, 1, u64::MAX).0, Status::Ok);
        assert!(supplied.own.get().is_none());
        let inheriting = Threads::new(None, true, Some(3));
        assert_eq!(pool.install(|| run(&inheriting, 100, 3, 1, u64::MAX).0), Status::Ok);
        assert!(inheriting.own.get().is_none());
    }

    #[test]
    fn no_thread_is_started_before_it_is_needed() {
        let pool = Threads::new(None, false, None);
        let mut frame = vec![u64::MAX, 0];
        let work = Work { run: count, frame: frame.as_mut_ptr(), tiles: 1, progress: None };
        // SAFETY: `count` asks for such a frame.
        assert_eq!(unsafe { run_here(work, &mut FaultRecord::default()) }, Status::Ok);
        assert!(pool.own.get().is_none());
    }
}
