//! Arrays that stay on the device: dense elements in a buffer of the pool, shared between clones.
//!
//! Knows bytes and element types; shapes are the caller's business.

use crate::device::{Device, DeviceError};
use crate::pool::Lease;
use crate::shade::stored_bytes;
use crate::transfer::HostArray;
use hotloop_ir::Type;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The elements of an array on a device. Clones are the same elements.
#[derive(Clone)]
pub struct Memory {
    lease: Arc<Lease>,
    ty: Type,
    len: usize,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} {})", self.len, self.ty)
    }
}

impl Device {
    /// Brings elements to the device; `bytes` are those of dense elements of the type, as the host has them.
    ///
    /// # Errors
    /// If there is no memory, or the device is lost.
    pub fn upload(self: &Arc<Device>, ty: Type, bytes: &[u8]) -> Result<Memory, DeviceError> {
        self.alive()?;
        let (start, len) = (Instant::now(), bytes.len() / ty.bytes());
        let lease = self.take_buffer((len * stored_bytes(ty)) as u64)?;
        if stored_bytes(ty) == ty.bytes() {
            self.put(&lease, bytes, start);
        } else {
            self.put(&lease, &HostArray::widened(ty, bytes), start);
        }
        // Copies begin with the next submission, which may be far off.
        self.guarded(|| self.queue.submit([]))?;
        Ok(Memory { lease, ty, len })
    }
}

impl Memory {
    pub(crate) fn new(lease: Arc<Lease>, ty: Type, len: usize) -> Memory {
        Memory { lease, ty, len }
    }

    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    /// The device it is on.
    pub fn device(&self) -> &Arc<Device> {
        self.lease.device()
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes the elements take on the device; those of fewer than four bytes take four there.
    pub fn bytes(&self) -> usize {
        self.len * stored_bytes(self.ty)
    }

    /// Whether someone else holds the same elements: another clone, or a launch that has not been waited for.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.lease) > 1
    }

    /// Whether both are the same elements.
    pub fn is_same(&self, other: &Memory) -> bool {
        Arc::ptr_eq(&self.lease, &other.lease)
    }

    /// Brings the elements to the host, after all work that was handed over before.
    ///
    /// # Errors
    /// If the device is lost, or `into` has another size than the elements have on the host.
    pub fn download(&self, into: &mut [u8]) -> Result<(), DeviceError> {
        if into.len() != self.len * self.ty.bytes() {
            return Err(DeviceError::Refused(format!("{} bytes for {} elements", into.len(), self.len)));
        }
        if self.len == 0 {
            return self.device().alive();
        }
        let start = Instant::now();
        let mapped = self.device().fetch(&[(&self.lease, self.bytes() as u64)])?;
        for part in &mapped {
            part.with(|bytes| match stored_bytes(self.ty) == self.ty.bytes() {
                true => into.copy_from_slice(bytes),
                false => HostArray::narrowed(self.ty, bytes, into),
            })?;
        }
        self.device().note_downloads(1, self.bytes() as u64, start);
        Ok(())
    }

    /// The same elements in memory of their own; the host does not see them.
    ///
    /// # Errors
    /// If there is no memory, or the device is lost.
    pub fn copy(&self) -> Result<Memory, DeviceError> {
        let device = self.device();
        device.alive()?;
        let lease = device.take_buffer(self.bytes() as u64)?;
        if self.len > 0 {
            device.guarded(|| {
                let mut encoder = device.device.create_command_encoder(&Default::default());
                encoder.copy_buffer_to_buffer(&self.lease, 0, &lease, 0, (self.bytes() as u64).next_multiple_of(4));
                device.queue.submit([encoder.finish()])
            })?;
        }
        Ok(Memory { lease, ty: self.ty, len: self.len })
    }
}
