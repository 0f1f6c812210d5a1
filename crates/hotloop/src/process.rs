//! What each process has to make for itself: threads do not follow a fork.
//!
//! A value made before a fork is there in the child too, but the threads it speaks of are not, and whoever waits for
//! them waits for ever. So values are asked for by process, and the child makes its own.

use std::sync::OnceLock;

/// A value of each process that asks for it.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    made: OnceLock<Made<T>>,
}

#[derive(Debug)]
struct Made<T> {
    process: u32,
    value: T,
    /// What processes that came of this one made.
    forked: Box<PerProcess<T>>,
}

impl<T> Default for PerProcess<T> {
    fn default() -> PerProcess<T> {
        PerProcess { made: OnceLock::new() }
    }
}

impl<T> PerProcess<T> {
    /// The value of this process; makes it at the first call.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let process = std::process::id();
        let mut at = self;
        while let Some(made) = at.made.get() {
            if made.process == process {
                return &made.value;
            }
            at = &made.forked;
        }
        &at.made.get_or_init(|| Made { process, value: make(), forked: Box::default() }).value
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

    #[test]
    fn a_process_makes_its_value_once() {
        let value = PerProcess::default();
        assert_eq!(*value.get_or_init(|| 1), 1);
        assert_eq!(*value.get_or_init(|| 2), 1);
    }
}
