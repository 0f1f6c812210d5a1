//! The memory pool: buffers that nobody uses any more are kept for later, and can be counted, limited and freed.
//!
//! Making a buffer is slow (the driver clears it), so none is freed before somebody asks. A `Lease` gives its buffer
//! back by itself: what is handed to the device later comes after all that used the buffer before.

use crate::device::{Device, DeviceError};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

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

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// What shaders read and write.
    Storage,
    /// What the host reads.
    Staging,
}

/// Buffers that are free, by kind and size.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: BTreeMap<(Kind, u64), Vec<wgpu::Buffer>>,
    counters: PoolCounters,
}

impl Pool {
    pub(crate) fn counters(&self) -> PoolCounters {
        self.counters
    }

    fn take(&mut self, kind: Kind, size: u64) -> Option<wgpu::Buffer> {
        let list = self.free.get_mut(&(kind, size))?;
        let buffer = list.pop();
        if list.is_empty() {
            self.free.remove(&(kind, size));
        }
        buffer
    }

    fn used(&mut self, size: u64) {
        self.counters.in_use += size;
        self.counters.peak = self.counters.peak.max(self.counters.in_use);
    }

    /// Frees what nobody uses.
    fn trim(&mut self) {
        let freed: u64 = self.free.iter().map(|((_, size), list)| size * list.len() as u64).sum();
        self.free.clear();
        self.counters.reserved = self.counters.reserved.saturating_sub(freed);
    }
}

/// The size a buffer of so many bytes gets: a multiple of an eighth of the power of two below it, so that little is
/// wasted and sizes recur.
fn class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let grain = (bytes.next_power_of_two() / 16).max(32);
    bytes.div_ceil(grain) * grain
}

/// A buffer of the pool, in use.
pub(crate) struct Lease {
    device: Arc<Device>,
    buffer: wgpu::Buffer,
    kind: Kind,
}

impl Deref for Lease {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.buffer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut pool) = self.device.pool.lock() {
            let size = self.buffer.size();
            pool.counters.in_use = pool.counters.in_use.saturating_sub(size);
            pool.free.entry((self.kind, size)).or_default().push(self.buffer.clone());
        }
    }
}

impl Lease {
    /// The device it is on.
    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.device
    }
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

    /// Takes what is in use now for the most that ever was.
    pub fn reset_peak(&self) {
        if let Ok(mut pool) = self.pool.lock() {
            pool.counters.peak = pool.counters.in_use;
        }
    }

    /// Gives unused memory back to the device.
    pub fn trim(&self) {
        if let Ok(mut pool) = self.pool.lock() {
            pool.trim();
        }
    }

    /// A buffer of at least so many bytes. What it holds is anything.
    pub(crate) fn take_buffer(self: &Arc<Device>, bytes: u64) -> Result<Arc<Lease>, DeviceError> {
        self.take(Kind::Storage, bytes).map(Arc::new)
    }

    /// As `take_buffer`, of either kind.
    pub(crate) fn take(self: &Arc<Device>, kind: Kind, bytes: u64) -> Result<Lease, DeviceError> {
        let limit = self.info.max_array_bytes;
        if bytes > limit {
            return Err(DeviceError::TooLarge { bytes, limit });
        }
        let size = class(bytes).min((limit & !31).max(256));
        let lease = |buffer| Lease { device: self.clone(), buffer, kind };
        {
            let Ok(mut pool) = self.pool.lock() else { return self.make(kind, size).map(lease) };
            if let Some(buffer) = pool.take(kind, size) {
                pool.used(size);
                return Ok(lease(buffer));
            }
            let over = |pool: &Pool| pool.counters.limit.is_some_and(|limit| pool.counters.reserved + size > limit);
            if over(&pool) {
                pool.trim();
            }
            if over(&pool) {
                let PoolCounters { reserved, limit, .. } = pool.counters;
                return Err(DeviceError::OutOfMemory { wanted: size, reserved, limit });
            }
        }
        let made = self.make(kind, size).or_else(|_| {
            self.trim();
            self.make(kind, size)
        });
        let buffer = made.map_err(|error| match error {
            DeviceError::OutOfMemory { reserved, limit, .. } => {
                DeviceError::OutOfMemory { wanted: size, reserved, limit }
            }
            other @ (DeviceError::NotFound(_)
            | DeviceError::Open { .. }
            | DeviceError::Lost(_)
            | DeviceError::TooLarge { .. }
            | DeviceError::TooMany { .. }
            | DeviceError::Refused(_)) => other,
        })?;
        if let Ok(mut pool) = self.pool.lock() {
            pool.counters.reserved += size;
            pool.used(size);
        }
        Ok(lease(buffer))
    }

    fn make(&self, kind: Kind, size: u64) -> Result<wgpu::Buffer, DeviceError> {
        let usage = match kind {
            Kind::Storage => wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            Kind::Staging => wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        };
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.guarded(|| self.device.create_buffer(&descriptor))
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn classes_waste_little_and_recur() {
        for bytes in [1u64, 255, 256, 257, 1000, 4096, 1_000_000, 123_456_789] {
            let size = class(bytes);
            assert!(size >= bytes && size.is_multiple_of(32));
            assert!(size <= 256.max(bytes + bytes / 8 + 32), "{bytes} became {size}");
            assert_eq!(class(size), size);
        }
    }
}
