//! Elements between host and device: host arrays have any strides and narrow elements, device arrays are dense and
//! have elements of 4 or 8 bytes. Counts and times what crosses.
//!
//! One of the files with `unsafe`: it reads and writes the caller's arrays.

use crate::device::{Device, DeviceError};
use crate::pool::{Kind, Lease};
use crate::shade::stored_bytes;
use hotloop_ir::Type;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// What has crossed between host and device so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Arrays brought to the device.
    pub uploads: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// How long the host was busy with them; the device may still have been copying.
    pub upload_time: Duration,
    /// Arrays brought to the host.
    pub downloads: u64,
    /// Their bytes.
    pub downloaded_bytes: u64,
    /// How long the host waited for them, work before them included.
    pub download_time: Duration,
}

/// Bytes of a buffer that the host can read.
pub(crate) struct Mapped {
    lease: Lease,
    bytes: u64,
}

impl Mapped {
    /// Gives the bytes to `read`.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Result<T, DeviceError> {
        let range = self.lease.get_mapped_range(..self.bytes.next_multiple_of(8));
        let range = range.map_err(|error| DeviceError::Refused(error.to_string()))?;
        Ok(read(&range[..self.bytes as usize]))
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.lease.unmap();
    }
}

impl Device {
    /// What has crossed between host and device so far.
    pub fn transfers(&self) -> Transfers {
        self.transfers.lock().map_or_else(|poisoned| *poisoned.into_inner(), |transfers| *transfers)
    }

    /// Brings bytes to a buffer.
    pub(crate) fn put(&self, buffer: &wgpu::Buffer, bytes: &[u8], start: Instant) {
        if bytes.is_empty() {
            return;
        }
        if bytes.len().is_multiple_of(4) {
            self.queue.write_buffer(buffer, 0, bytes);
        } else {
            let mut padded = bytes.to_vec();
            padded.resize(bytes.len().next_multiple_of(4), 0);
            self.queue.write_buffer(buffer, 0, &padded);
        }
        if let Ok(mut transfers) = self.transfers.lock() {
            transfers.uploads += 1;
            transfers.uploaded_bytes += bytes.len() as u64;
            transfers.upload_time += start.elapsed();
        }
    }

    /// Notes that arrays were brought to the host.
    pub(crate) fn note_downloads(&self, arrays: u64, bytes: u64, start: Instant) {
        if let Ok(mut transfers) = self.transfers.lock() {
            transfers.downloads += arrays;
            transfers.downloaded_bytes += bytes;
            transfers.download_time += start.elapsed();
        }
    }

    /// Brings the beginnings of some buffers to the host, in one go, after all work handed over so far.
    pub(crate) fn fetch(self: &Arc<Device>, wanted: &[(&wgpu::Buffer, u64)]) -> Result<Vec<Mapped>, DeviceError> {
        self.alive()?;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut mapped = Vec::with_capacity(wanted.len());
        for (buffer, bytes) in wanted {
            let lease = self.take(Kind::Staging, (*bytes).max(8))?;
            encoder.copy_buffer_to_buffer(buffer, 0, &lease, 0, bytes.next_multiple_of(4));
            mapped.push((lease, *bytes));
        }
        let (sender, receiver) = channel();
        let submission = self.guarded(|| {
            let submission = self.queue.submit([encoder.finish()]);
            for (lease, bytes) in &mapped {
                let sender = sender.clone();
                lease.map_async(wgpu::MapMode::Read, ..bytes.next_multiple_of(8), move |result| {
                    let _ = sender.send(result);
                });
            }
            submission
        })?;
        drop(sender);
        self.wait_for(Some(submission))?;
        for _ in 0..mapped.len() {
            match receiver.recv() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.why_lost(error.to_string())),
                Err(error) => return Err(self.why_lost(error.to_string())),
            }
        }
        Ok(mapped.into_iter().map(|(lease, bytes)| Mapped { lease, bytes }).collect())
    }
}

/// A host array as the frame gives it.
#[derive(Clone, Debug)]
pub(crate) struct HostArray {
    pub(crate) base: *mut u8,
    pub(crate) ty: Type,
    pub(crate) extents: Vec<usize>,
    /// In bytes.
    pub(crate) strides: Vec<isize>,
}

impl HostArray {
    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.extents.iter().product()
    }

    fn is_plain(&self) -> bool {
        let mut stride = self.ty.bytes() as isize;
        let dense = self.extents.iter().zip(&self.strides).rev().all(|(extent, own)| {
            let fits = *extent == 1 || *own == stride;
            stride *= *extent as isize;
            fits
        });
        dense && stored_bytes(self.ty) == self.ty.bytes()
    }

    /// Gives the elements as the device wants them to `take`.
    ///
    /// # Safety
    /// Every element can be read.
    pub(crate) unsafe fn with_packed<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        let (count, size) = (self.len(), stored_bytes(self.ty));
        if self.is_plain() {
            // SAFETY: the array has no gaps, and its elements can be read.
            return take(unsafe { std::slice::from_raw_parts(self.base, count * size) });
        }
        let mut out = Vec::with_capacity(count * size);
        self.each(|offset| {
            // SAFETY: `each` gives the offsets of elements, which can be read.
            let word = unsafe { read(self.base.wrapping_offset(offset), self.ty) };
            out.extend_from_slice(&word.to_le_bytes()[..size]);
        });
        take(&out)
    }

    /// Writes elements that came from the device.
    ///
    /// # Safety
    /// Every element can be written, and `bytes` holds as many.
    pub(crate) unsafe fn unpack(&self, bytes: &[u8]) {
        let size = stored_bytes(self.ty);
        if self.is_plain() {
            // SAFETY: the array has no gaps, its elements can be written, and there are as many bytes.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base, self.len() * size) };
            return;
        }
        let mut chunks = bytes.chunks_exact(size);
        self.each(|offset| {
            let mut word = [0; 8];
            if let Some(chunk) = chunks.next() {
                word[..size].copy_from_slice(chunk);
            }
            // SAFETY: `each` gives the offsets of elements, which can be written.
            unsafe { write(self.base.wrapping_offset(offset), self.ty, u64::from_le_bytes(word)) };
        });
    }

    /// Dense elements of the host as the device wants them.
    pub(crate) fn widened(ty: Type, bytes: &[u8]) -> Vec<u8> {
        let size = stored_bytes(ty);
        let mut out = Vec::with_capacity(bytes.len() / ty.bytes() * size);
        for element in bytes.chunks_exact(ty.bytes()) {
            // SAFETY: the chunk holds one element.
            let word = unsafe { read(element.as_ptr(), ty) };
            out.extend_from_slice(&word.to_le_bytes()[..size]);
        }
        out
    }

    /// Elements of the device as dense elements of the host.
    pub(crate) fn narrowed(ty: Type, bytes: &[u8], into: &mut [u8]) {
        let (size, narrow) = (stored_bytes(ty), ty.bytes());
        for (element, out) in bytes.chunks_exact(size).zip(into.chunks_exact_mut(narrow)) {
            out.copy_from_slice(&element[..narrow]);
        }
    }

    /// Calls `f` with the byte offset of every element, in C order.
    fn each(&self, mut f: impl FnMut(isize)) {
        let rank = self.extents.len();
        let mut at = vec![0usize; rank];
        let mut offset = 0isize;
        for _ in 0..self.len() {
            f(offset);
            for axis in (0..rank).rev() {
                at[axis] += 1;
                offset += self.strides[axis];
                if at[axis] < self.extents[axis] {
                    break;
                }
                offset -= self.strides[axis] * self.extents[axis] as isize;
                at[axis] = 0;
            }
        }
    }
}

/// An element, extended by its sign or by zeros to 64 bits; any nonzero bool is 1.
///
/// # Safety
/// The element can be read.
unsafe fn read(at: *const u8, ty: Type) -> u64 {
    // SAFETY: the caller promises that the element can be read; it need not be aligned.
    unsafe {
        match ty {
            Type::Bool => u64::from(at.read() != 0),
            Type::I8 => at.cast::<i8>().read() as i64 as u64,
            Type::U8 => u64::from(at.read()),
            Type::I16 => at.cast::<i16>().read_unaligned() as i64 as u64,
            Type::U16 | Type::F16 | Type::BF16 => u64::from(at.cast::<u16>().read_unaligned()),
            Type::I32 | Type::U32 | Type::F32 => u64::from(at.cast::<u32>().read_unaligned()),
            Type::I64 | Type::U64 | Type::F64 => at.cast::<u64>().read_unaligned(),
            Type::C64 | Type::C128 => unreachable!("programs have no complex types"),
        }
    }
}

/// Writes an element.
///
/// # Safety
/// The element can be written.
unsafe fn write(at: *mut u8, ty: Type, word: u64) {
    // SAFETY: the caller promises that the element can be written; it need not be aligned.
    unsafe {
        match ty.bytes() {
            1 => at.write(word as u8),
            2 => at.cast::<u16>().write_unaligned(word as u16),
            4 => at.cast::<u32>().write_unaligned(word as u32),
            _ => at.cast::<u64>().write_unaligned(word),
        }
    }
}
