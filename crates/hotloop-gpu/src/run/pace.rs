//! How much is handed to the device at a time: long work is cut so that no dispatch takes long, and a call that is
//! waited for never runs far ahead of the device. Between the parts it can be cancelled.
//!
//! What a point costs is found out by doing a few first. A launch that nobody waits for is handed over whole.

use super::{End, Run};
use crate::device::DeviceError;
use crate::kernel::Stage;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// No dispatch shall take longer.
const LONGEST: Duration = Duration::from_millis(20);
/// What a cut dispatch aims at, so that a wrong guess stays below.
const AIM: Duration = Duration::from_millis(8);
/// Points of the first part, where nothing is known yet.
const FIRST_POINTS: u64 = 1024;
/// Operations that any device does in far less than `LONGEST`.
const QUICK: u64 = 1 << 22;
/// Batches in flight.
const AHEAD: usize = 2;
/// Dispatches in a batch, at the beginning and at most.
const BATCH: [u32; 2] = [16, 1024];

/// What was handed over and not waited for.
#[derive(Debug)]
pub(super) struct Pace {
    /// Whether the call is waited for, and so cut and kept from running ahead.
    pub(super) is_paced: bool,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    queued: u32,
    batch: u32,
    /// When the device was last known to have ended a batch.
    ended: Option<Instant>,
}

impl Pace {
    pub(super) fn new(is_paced: bool) -> Pace {
        Pace { is_paced, in_flight: VecDeque::new(), queued: 0, batch: BATCH[0], ended: None }
    }

    pub(super) fn submitted(&mut self, index: wgpu::SubmissionIndex) {
        self.queued = 0;
        self.in_flight.push_back(index);
    }
}

impl Run {
    /// Notes a dispatch; hands the batch over when it is full, and waits for the one before the last.
    pub(super) fn queued(&mut self) -> Result<(), End> {
        self.pace.queued += 1;
        if !self.pace.is_paced || self.pace.queued < self.pace.batch {
            return Ok(());
        }
        self.submit()?;
        if self.pace.in_flight.len() > AHEAD {
            let oldest = self.pace.in_flight.pop_front();
            self.device().wait_for(oldest)?;
            let now = Instant::now();
            let took = self.pace.ended.replace(now).map(|ended| now - ended);
            self.pace.batch = match took {
                Some(took) if took > LONGEST => (self.pace.batch / 2).max(1),
                Some(took) if took < AIM => (self.pace.batch * 2).min(BATCH[1]),
                Some(_) | None => self.pace.batch,
            };
        }
        self.poll()
    }

    /// Waits for all that was handed over.
    fn drain(&mut self) -> Result<(), DeviceError> {
        self.submit()?;
        let last = self.pace.in_flight.pop_back();
        self.pace.in_flight.clear();
        match last {
            Some(_) => self.device().wait_for(last),
            None => Ok(()),
        }
    }

    /// Runs the workgroups of a stage, in parts where they may take long; `part` hands over `first .. end`. What an uneven
    /// one costs is remembered for these `scalars`.
    pub(super) fn in_parts(
        &mut self,
        stage: &Stage,
        scalars: u64,
        groups: u64,
        points: u64,
        part: &mut dyn FnMut(&mut Run, u64, u64) -> Result<(), End>,
    ) -> Result<(), End> {
        let known = stage.cost_of_group(scalars);
        let expected = known.map(|cost| Duration::from_secs_f64(cost * groups as f64));
        // What a point of an uneven nest costs depends on the data, so that a guess needs room.
        let room = if stage.is_uneven() { 4 } else { 1 };
        let is_quick = match expected {
            Some(expected) => expected * room < LONGEST,
            None => points.saturating_mul(stage.operations()) < QUICK || groups <= 1,
        };
        if !self.pace.is_paced || is_quick {
            return part(self, 0, groups);
        }
        let per_group = (points / groups.max(1)).max(1);
        let mut size = match known {
            Some(cost) => groups_in(AIM / room, cost),
            None => (FIRST_POINTS / per_group).max(1),
        };
        self.drain()?;
        let mut first = 0;
        while first < groups {
            self.poll()?;
            let end = (first + size).min(groups);
            let start = Instant::now();
            part(self, first, end)?;
            self.drain()?;
            let cost = start.elapsed().as_secs_f64() / (end - first) as f64;
            stage.note_cost(scalars, cost);
            size = groups_in(AIM, cost).min(size * 8);
            first = end;
        }
        Ok(())
    }
}

/// Workgroups that take so long.
fn groups_in(time: Duration, cost: f64) -> u64 {
    ((time.as_secs_f64() / cost.max(1e-12)) as u64).max(1)
}
