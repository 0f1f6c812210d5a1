//! `CancelToken`: stops running calls from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Stops the calls it was given to, from any thread. Clones are the same token.
///
/// A running kernel looks at the token often enough to stop within 50 ms; what it has written by then stays written.
/// A cancelled token also stops later calls, until it is reset.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    flag: Arc<AtomicU8>,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Stops all calls that have this token, now and later. Can be called in a signal handler.
    pub fn cancel(&self) {
        self.flag.store(1, Relaxed);
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Relaxed) != 0
    }

    /// Lets calls run again.
    pub fn reset(&self) {
        self.flag.store(0, Relaxed);
    }

    pub(crate) fn flag(&self) -> &AtomicU8 {
        &self.flag
    }
}
