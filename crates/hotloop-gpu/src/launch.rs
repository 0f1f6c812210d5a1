//! A call that has been handed to the device and that nobody waits for yet.

use crate::device::DeviceError;
use crate::memory::Memory;
use crate::run::{Ended, Run};
use hotloop_ir::{ArrayId, Type};
use hotloop_target::{FaultRecord, Status};

/// A call on its way. Dropping it leaves the work to the device.
pub struct Launched {
    run: Run,
    /// How it ended before everything was handed over.
    early: Option<Ended>,
}

/// How a call ended.
pub struct Outcome {
    /// Whether it ended well.
    pub status: Status,
    /// Its first fault, if that is how it ended.
    pub fault: FaultRecord,
    /// The frame after the call.
    pub frame: Vec<u64>,
}

impl Launched {
    pub(crate) fn begin(mut run: Run) -> Result<Launched, DeviceError> {
        let early = run.begin()?;
        Ok(Launched { run, early })
    }

    /// The frame as far as the host knows it: extents are there, slots that shaders write are not.
    pub fn frame(&self) -> &[u64] {
        self.run.words()
    }

    /// An array of the call, which later calls on the device may use before this one has ended.
    pub fn array(&self, array: ArrayId, ty: Type, len: usize) -> Option<Memory> {
        let lease = self.run.arrays().get(array.index())?.clone()?;
        Some(Memory::new(lease, ty, len))
    }

    /// Whether waiting would take no time.
    pub fn is_done(&self) -> bool {
        self.early.is_some() || self.run.is_done()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wait(&mut self) -> Result<Outcome, DeviceError> {
        let ended = match self.early.take() {
            Some(ended) => Some(ended),
            None => self.run.finish()?,
        };
        let Ended { status, fault } = ended.unwrap_or(Ended { status: Status::Ok, fault: FaultRecord::default() });
        Ok(Outcome { status, fault, frame: self.run.words().to_vec() })
    }
}
