//! How execution goes on after a statement or a step, and why a run stops early.

use hotloop_target::{FaultRecord, Status};

/// Where execution goes after a statement or step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next one.
    Next,
    /// Out of the n-th enclosing loop or block.
    Break(u32),
    /// To the next turn of the n-th enclosing loop.
    Continue(u32),
}

/// What a loop does after its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Another turn.
    Again,
    /// It ends, and execution goes on so.
    Leave(Flow),
}

impl Flow {
    /// The body of a loop ended so: what the loop does.
    pub(crate) fn of_loop(self) -> Turn {
        match self {
            Flow::Next | Flow::Continue(0) => Turn::Again,
            Flow::Break(0) => Turn::Leave(Flow::Next),
            Flow::Break(n) => Turn::Leave(Flow::Break(n - 1)),
            Flow::Continue(n) => Turn::Leave(Flow::Continue(n - 1)),
        }
    }

    /// The body of a block ended so: how execution goes on after the block.
    pub(crate) fn of_block(self) -> Flow {
        match self.of_loop() {
            Turn::Again => Flow::Next,
            Turn::Leave(flow) => flow,
        }
    }
}

/// Why a run ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A run-time fault of the program.
    Fault(FaultRecord),
    /// The cancel flag was seen.
    Cancelled,
    /// A callback failed, or the program broke a promise that the verifier cannot check.
    Host,
}

impl Stop {
    /// A broken promise: a mistake in whatever made the program, so that tests want to hear of it at once.
    #[track_caller]
    pub(crate) fn broken(promise: &str) -> Stop {
        debug_assert!(false, "the program broke a promise: {promise}");
        Stop::Host
    }

    /// The status of the call; a fault fills the record.
    pub(crate) fn report(self, fault: &mut FaultRecord) -> Status {
        match self {
            Stop::Fault(record) => {
                *fault = record;
                Status::Fault
            }
            Stop::Cancelled => Status::Cancelled,
            Stop::Host => Status::Host,
        }
    }
}

/// The values that a counted loop takes, as Python's `range`. The count ends where the next value would overflow.
pub(crate) fn range(start: i64, stop: i64, step: i64) -> Result<impl Iterator<Item = i64>, Stop> {
    if step == 0 {
        return Err(Stop::broken("a counted loop has a step other than 0"));
    }
    let inside = move |value: &i64| if step > 0 { *value < stop } else { *value > stop };
    Ok(std::iter::successors(Some(start), move |value| value.checked_add(step)).take_while(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_both_ways_and_stop_at_the_end_of_the_integers() {
        let values = |start, stop, step| range(start, stop, step).map(|values| values.collect::<Vec<_>>()).ok();
        assert_eq!(values(0, 5, 2), Some(vec![0, 2, 4]));
        assert_eq!(values(5, 0, -2), Some(vec![5, 3, 1]));
        assert_eq!(values(3, 3, 1), Some(vec![]));
        assert_eq!(values(i64::MAX - 1, i64::MAX, 5), Some(vec![i64::MAX - 1]));
        assert_eq!(values(i64::MIN + 1, i64::MIN, -7), Some(vec![i64::MIN + 1]));
    }

    #[test]
    fn each_level_takes_one_from_the_depth() {
        assert_eq!(Flow::Break(2).of_loop(), Turn::Leave(Flow::Break(1)));
        assert_eq!(Flow::Break(0).of_loop(), Turn::Leave(Flow::Next));
        assert_eq!(Flow::Continue(1).of_loop(), Turn::Leave(Flow::Continue(0)));
        assert_eq!(Flow::Continue(0).of_loop(), Turn::Again);
        assert_eq!(Flow::Break(0).of_block(), Flow::Next);
        assert_eq!(Flow::Continue(1).of_block(), Flow::Continue(0));
    }
}
