//! `Task`: work with kernels that goes on while the caller does something else.
//!
//! A task has a thread of its own and owns what it works on, or shares it behind an `Arc`; whoever wants to lend arrays
//! uses `std::thread::scope` instead. Kernels inside it use the engine's threads as everywhere.

use crate::cancel::CancelToken;
use crate::error::{Error, RunError};
use crate::options::Call;
use std::thread::{Builder, JoinHandle};

/// Work that has been started and can be waited for. Dropping it cancels the kernel it is in and waits for nothing.
///
/// ```
/// use hotloop::{Engine, Error, Task, args};
/// use std::sync::Arc;
///
/// # fn main() -> Result<(), Error> {
/// let kernel = Engine::new().load("kernel energy(x) = sum(x * x)")?.kernel("energy")?;
/// let x = Arc::new(vec![0.5; 1_000_000]);
/// let shared = x.clone();
/// let task = Task::spawn(move |call| kernel.call_with(&args![&*shared], call)?.scalar::<f64>().map_err(Error::from))?;
/// // … something else, with `x` too …
/// assert_eq!(task.join()?, 250_000.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Task<T> {
    thread: Option<JoinHandle<Result<T, Error>>>,
    token: CancelToken,
}

impl<T: Send + 'static> Task<T> {
    /// Starts work. It is given the choices for its calls, which carry the token that [`Task::cancel`] sets: calls made
    /// without them cannot be cancelled from here.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn<F>(work: F) -> Result<Task<T>, Error>
    where
        F: FnOnce(&Call<'_>) -> Result<T, Error> + Send + 'static,
    {
        let token = CancelToken::new();
        let own = token.clone();
        let thread = Builder::new().name("hotloop task".to_owned());
        match thread.spawn(move || work(&Call::new().cancel(&own))) {
            Ok(thread) => Ok(Task { thread: Some(thread), token }),
            Err(error) => Err(RunError::Thread(error.to_string()).into()),
        }
    }
}

impl<T> Task<T> {
    /// Whether the work is done, so that [`Task::join`] does not wait.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops the kernel the work is in, within 50 ms, and those it would still call; `join` then gives
    /// [`RunError::Cancelled`] unless the work makes something else of it.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Waits for the work, and gives what it gave.
    ///
    /// # Errors
    /// What the work failed with.
    ///
    /// # Panics
    /// If the work panicked, with its panic. Kernels do not panic.
    pub fn join(mut self) -> Result<T, Error> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Err(Error::Bug("a task was waited for twice".to_owned())),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.cancel();
        }
    }
}
