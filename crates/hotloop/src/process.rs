//! What each process has to make for itself: threads do not follow a fork.
//!
//! A value made before a fork is there in the child too, but the threads it speaks of are not, and whoever waits for
//! them waits for ever. So values are asked for by process, and the child makes its own.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A value of each process that asks for it.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    /// The process that is making the value; 0 while none is. A fork may find a thread of the parent's in the middle of
    /// it, for which the child must not wait, as it would at a lock.
    maker: AtomicU32,
    made: OnceLock<Made<T>>,
}

#[derive(Debug)]
struct Made<T> {
    process: u32,
    value: T,
    /// What processes that came of this one made.
    forked: Box<PerProcess<T>>,
}

/// How often a thread looks whether another one of its process is done.
const PAUSE: Duration = Duration::from_micros(50);

impl<T> Default for PerProcess<T> {
    fn default() -> PerProcess<T> {
        PerProcess { maker: AtomicU32::new(0), made: OnceLock::new() }
    }
}

impl<T> PerProcess<T> {
    /// The value of this process; makes it at the first call.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let process = std::process::id();
        let mut at = self;
        loop {
            match at.made.get() {
                Some(made) if made.process == process => return &made.value,
                Some(made) => at = &made.forked,
                None if at.claim(process) => break,
                None => std::thread::sleep(PAUSE),
            }
        }
        let claim = Claim(&at.maker);
        let value = make();
        // The lock is held for as long as it takes to move the value.
        let made = at.made.get_or_init(|| Made { process, value, forked: Box::default() });
        std::mem::forget(claim);
        &made.value
    }

    /// Whether it is this thread that makes the value. Claims of other processes are void here.
    fn claim(&self, process: u32) -> bool {
        let maker = self.maker.load(Ordering::Relaxed);
        let free = maker != process && self.made.get().is_none();
        free && self.maker.compare_exchange(maker, process, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Lets another thread try where making panics.
struct Claim<'a>(&'a AtomicU32);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

#[cfg(test)]
impl<T> PerProcess<T> {
    /// The value of the process that asked first, if one has.
    pub(crate) fn get(&self) -> Option<&T> {
        self.made.get().map(|made| &made.value)
    }
}

#[cfg(test)]
mod tests {
    use super::PerProcess;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_process_makes_its_value_once() {
        let value = PerProcess::default();
        assert_eq!(*value.get_or_init(|| 1), 1);
        assert_eq!(*value.get_or_init(|| 2), 1);
    }

    #[test]
    fn threads_that_ask_at_once_get_one_value() {
        let (value, made) = (PerProcess::default(), AtomicU32::new(0));
        let make = || {
            std::thread::sleep(super::PAUSE * 20);
            made.fetch_add(1, Ordering::Relaxed)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| *value.get_or_init(make))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().expect("a value") == 0));
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_another_process_was_making_is_not_waited_for() {
        let value = PerProcess::default();
        value.maker.store(u32::MAX, Ordering::Relaxed);
        assert_eq!(*value.get_or_init(|| 3), 3);
    }

    #[test]
    fn a_panic_leaves_the_value_to_the_next() {
        let value = PerProcess::default();
        let panics = std::panic::AssertUnwindSafe(|| *value.get_or_init(|| panic!("of the maker")));
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(*value.get_or_init(|| 4), 4);
    }
}
