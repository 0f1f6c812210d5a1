//! The memory pool: buffers that calls give back are kept for the next call, and can be counted, limited and freed.
//!
//! Making a buffer is slow (the driver clears it), so none is freed before somebody asks.

use crate::device::{Device, DeviceError};
use std::collections::BTreeMap;

/// What the pool holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounters {
    /// In arrays that are alive.
    pub in_use: u64,
    /// Taken from the device: in use, or kept for later.
    pub reserved: u64,
    /// The most that was ever in use at once.
    pub peak: u64,
    /// The most that may be reserved.
    pub limit: Option<u64>,
}

/// Buffers that are free, by size.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: BTreeMap<u64, Vec<wgpu::Buffer>>,
    counters: PoolCounters,
}

impl Pool {
    pub(crate) fn counters(&self) -> PoolCounters {
        self.counters
    }

    fn take(&mut self, size: u64) -> Option<wgpu::Buffer> {
        let list = self.free.get_mut(&size)?;
        let buffer = list.pop();
        if list.is_empty() {
            self.free.remove(&size);
        }
        buffer
    }

    fn used(&mut self, size: u64) {
        self.counters.in_use += size;
        self.counters.peak = self.counters.peak.max(self.counters.in_use);
    }

    /// Frees what nobody uses.
    fn trim(&mut self) {
        let freed: u64 = self.free.iter().map(|(size, list)| size * list.len() as u64).sum();
        self.free.clear();
        self.counters.reserved = self.counters.reserved.saturating_sub(freed);
    }
}

/// The size a buffer of so many bytes gets: a multiple of an eighth of the power of two below it, so that little is
/// wasted and sizes recur.
fn class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let grain = (bytes.next_power_of_two() / 16).max(16);
    bytes.div_ceil(grain) * grain
}

impl Device {
    /// What the pool holds.
    pub fn memory(&self) -> PoolCounters {
        self.pool.lock().map_or_else(|poisoned| poisoned.into_inner().counters(), |pool| pool.counters())
    }

    /// Limits what the pool may reserve; none lifts the limit.
    pub fn set_memory_limit(&self, limit: Option<u64>) {
        if let Ok(mut pool) = self.pool.lock() {
            pool.counters.limit = limit;
        }
    }

    /// Gives unused memory back to the device.
    pub fn trim(&self) {
        if let Ok(mut pool) = self.pool.lock() {
            pool.trim();
        }
    }

    /// A buffer of at least so many bytes. What it holds is anything.
    pub(crate) fn take_buffer(&self, bytes: u64) -> Result<wgpu::Buffer, DeviceError> {
        let limit = self.info.max_array_bytes;
        if bytes > limit {
            return Err(DeviceError::TooLarge { bytes, limit });
        }
        let size = class(bytes).min(limit.max(256));
        {
            let Ok(mut pool) = self.pool.lock() else { return self.make(size) };
            if let Some(buffer) = pool.take(size) {
                pool.used(size);
                return Ok(buffer);
            }
            let over = |pool: &Pool| pool.counters.limit.is_some_and(|limit| pool.counters.reserved + size > limit);
            if over(&pool) {
                pool.trim();
            }
            if over(&pool) {
                return Err(DeviceError::OutOfMemory { wanted: size, reserved: pool.counters.reserved });
            }
        }
        let made = self.make(size).or_else(|_| {
            self.trim();
            self.make(size)
        });
        let buffer = made.map_err(|error| match error {
            DeviceError::OutOfMemory { reserved, .. } => DeviceError::OutOfMemory { wanted: size, reserved },
            other @ (DeviceError::NotFound(_)
            | DeviceError::Open { .. }
            | DeviceError::Lost(_)
            | DeviceError::TooLarge { .. }
            | DeviceError::Refused(_)) => other,
        })?;
        if let Ok(mut pool) = self.pool.lock() {
            pool.counters.reserved += size;
            pool.used(size);
        }
        Ok(buffer)
    }

    fn make(&self, size: u64) -> Result<wgpu::Buffer, DeviceError> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.guarded(|| self.device.create_buffer(&descriptor))
    }

    /// Takes a buffer back.
    pub(crate) fn give_buffer(&self, buffer: wgpu::Buffer) {
        if let Ok(mut pool) = self.pool.lock() {
            let size = buffer.size();
            pool.counters.in_use = pool.counters.in_use.saturating_sub(size);
            pool.free.entry(size).or_default().push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_waste_little_and_recur() {
        for bytes in [1u64, 255, 256, 257, 1000, 4096, 1_000_000, 123_456_789] {
            let size = class(bytes);
            assert!(size >= bytes && size.is_multiple_of(16));
            assert!(size <= 256.max(bytes + bytes / 8 + 16), "{bytes} became {size}");
            assert_eq!(class(size), size);
        }
    }
}
