//! Events: marks in the device's work, for timing. Where the device has a clock of its own it takes the time; elsewhere
//! the host waits for the work before the mark and takes the time itself.

use crate::device::{Device, DeviceError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whose clock an event reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClock {
    /// The device's: the time between two events is what the device spent between them.
    Device,
    /// The host's, after waiting for the device: the time holds the way to the device and back.
    Host,
}

/// A mark in the work of a device.
#[derive(Debug)]
pub struct Event {
    device: Arc<Device>,
    mark: Mark,
}

#[derive(Debug)]
enum Mark {
    Query(wgpu::Buffer),
    Time(Instant),
}

impl Device {
    /// Marks the end of all work that was handed over so far.
    ///
    /// # Errors
    /// If the device fails.
    pub fn event(self: &Arc<Device>) -> Result<Event, DeviceError> {
        self.alive()?;
        let needed = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
        if !self.device.features().contains(needed) {
            self.synchronize()?;
            return Ok(Event { device: self.clone(), mark: Mark::Time(Instant::now()) });
        }
        let buffer = self.guarded(|| {
            let queries = self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 1,
            });
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            let descriptor = wgpu::BufferDescriptor { label: None, size: 8, usage, mapped_at_creation: false };
            let buffer = self.device.create_buffer(&descriptor);
            let mut encoder = self.device.create_command_encoder(&Default::default());
            encoder.write_timestamp(&queries, 0);
            encoder.resolve_query_set(&queries, 0..1, &buffer, 0);
            self.queue.submit([encoder.finish()]);
            buffer
        })?;
        Ok(Event { device: self.clone(), mark: Mark::Query(buffer) })
    }
}

impl Event {
    /// Whose clock it reads.
    pub fn clock(&self) -> EventClock {
        match self.mark {
            Mark::Query(_) => EventClock::Device,
            Mark::Time(_) => EventClock::Host,
        }
    }

    /// The time from an earlier event of the same device to this one; waits for both.
    ///
    /// # Errors
    /// If the device fails.
    pub fn since(&self, earlier: &Event) -> Result<Duration, DeviceError> {
        match (&earlier.mark, &self.mark) {
            (Mark::Query(from), Mark::Query(to)) => {
                let mut ticks = [0u64; 2];
                for (tick, mapped) in ticks.iter_mut().zip(self.device.fetch(&[(from, 8), (to, 8)])?) {
                    *tick = mapped.with(|bytes| {
                        let mut word = [0; 8];
                        word.copy_from_slice(bytes);
                        u64::from_le_bytes(word)
                    })?;
                }
                let period = f64::from(self.device.queue.get_timestamp_period());
                Ok(Duration::from_nanos((ticks[1].saturating_sub(ticks[0]) as f64 * period) as u64))
            }
            (Mark::Time(from), Mark::Time(to)) => Ok(to.saturating_duration_since(*from)),
            (Mark::Query(_), Mark::Time(_)) | (Mark::Time(_), Mark::Query(_)) => {
                Err(DeviceError::Refused("the two events are of different devices".to_owned()))
            }
        }
    }
}
