//! Elements between host and device: host arrays have any strides and narrow elements, device arrays are dense and
//! have elements of 4 or 8 bytes.
//!
//! One of the two files of the crate with `unsafe`: it reads and writes the caller's arrays.

use crate::shade::stored_bytes;
use hotloop_ir::Type;

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

    /// The elements as the device wants them.
    ///
    /// # Safety
    /// Every element can be read.
    pub(crate) unsafe fn pack(&self) -> Vec<u8> {
        let (count, size) = (self.len(), stored_bytes(self.ty));
        if self.is_plain() {
            // SAFETY: the array has no gaps, and its elements can be read.
            return unsafe { std::slice::from_raw_parts(self.base, count * size) }.to_vec();
        }
        let mut out = Vec::with_capacity(count * size);
        self.each(|offset| {
            // SAFETY: `each` gives the offsets of elements, which can be read.
            let word = unsafe { read(self.base.wrapping_offset(offset), self.ty) };
            out.extend_from_slice(&word.to_le_bytes()[..size]);
        });
        out
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
            Type::U16 => u64::from(at.cast::<u16>().read_unaligned()),
            Type::I32 | Type::U32 | Type::F32 => u64::from(at.cast::<u32>().read_unaligned()),
            Type::I64 | Type::U64 | Type::F64 => at.cast::<u64>().read_unaligned(),
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
