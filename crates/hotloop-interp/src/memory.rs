//! The frame and the arrays it points to: every read and write of the interpreter goes through here.
//!
//! All `unsafe` code of the crate but the entry is in this file. Every index is checked against the extents in the
//! frame, so that a wrong program stops instead of touching other memory.

use crate::flow::Stop;
use hotloop_ir::{ArrayId, Extent, ProductId, Program, Scalar, SlotId, Type};
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::{FrameLayout, HostTable, Status};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The memory of one call.
pub(crate) struct Memory<'a> {
    frame: *mut u64,
    program: &'a Program,
    layout: &'a FrameLayout,
}

impl<'a> Memory<'a> {
    /// The memory behind a frame.
    ///
    /// # Safety
    /// As `Kernel::run` asks for, for this program and as long as the value lives.
    pub(crate) unsafe fn new(frame: *mut u64, program: &'a Program, layout: &'a FrameLayout) -> Memory<'a> {
        Memory { frame, program, layout }
    }

    fn word(&self, index: usize) -> u64 {
        assert!(index < self.layout.words());
        // SAFETY: the frame has that many words, and nobody else writes them while the interpreter runs.
        unsafe { self.frame.add(index).read() }
    }

    fn set_word(&mut self, index: usize, value: u64) {
        assert!(index < self.layout.words());
        // SAFETY: as for reading; `frame` came as a pointer to mutable words, which others may look at meanwhile.
        unsafe { AtomicU64::from_ptr(self.frame.add(index)).store(value, Ordering::Relaxed) }
    }

    /// The value of a slot.
    pub(crate) fn slot(&self, slot: SlotId) -> Scalar {
        Scalar::new(self.program.slot(slot).ty, self.word(self.layout.slot(slot)))
    }

    /// Writes a slot.
    pub(crate) fn set_slot(&mut self, slot: SlotId, value: Scalar) {
        self.set_word(self.layout.slot(slot), value.bits);
    }

    /// The extent of an array along an axis.
    pub(crate) fn extent(&self, array: ArrayId, axis: usize) -> i64 {
        self.word(self.layout.extent(array, axis)) as i64
    }

    /// A whole number of the array level.
    pub(crate) fn whole(&self, extent: Extent) -> i64 {
        match extent {
            Extent::Const(value) => value,
            Extent::Slot(slot) => self.slot(slot).as_i64(),
        }
    }

    /// Whether the call is to stop.
    pub(crate) fn cancelled(&self) -> bool {
        let flag = self.word(CANCEL_WORD) as *mut u8;
        // SAFETY: the frame holds the address of a flag that lives as long as the call; others change it atomically.
        !flag.is_null() && unsafe { AtomicU8::from_ptr(flag) }.load(Ordering::Relaxed) != 0
    }

    /// Has the host make the memory of an array.
    pub(crate) fn alloc(&mut self, array: ArrayId, extents: &[SlotId]) -> Result<(), Stop> {
        for (axis, slot) in extents.iter().enumerate() {
            let extent = self.slot(*slot).bits;
            self.set_word(self.layout.extent(array, axis), extent);
        }
        let host = self.host();
        // SAFETY: the table's function is called with its own data, this frame and an array of this program.
        answer(unsafe { (host.alloc)(host.data, self.frame, array.0) })
    }

    /// Gives the memory of a temporary back to the host.
    pub(crate) fn free(&mut self, array: ArrayId) -> Result<(), Stop> {
        let host = self.host();
        // SAFETY: the table's function is called with its own data, this frame and an array of this program.
        answer(unsafe { (host.free)(host.data, self.frame, array.0) })
    }

    /// Has the host compute a matrix product.
    pub(crate) fn matmul(&mut self, product: ProductId) -> Result<(), Stop> {
        let host = self.host();
        // SAFETY: the table's function is called with its own data, this frame and a product of this program, whose
        // views have been found inside their arrays.
        answer(unsafe { (host.matmul)(host.data, self.frame, product.0) })
    }

    fn host(&self) -> HostTable {
        // SAFETY: the frame holds the address of the host's table, which lives as long as the call.
        unsafe { *(self.word(HOST_WORD) as *const HostTable) }
    }

    /// The element at an index. Any nonzero byte is true.
    pub(crate) fn load(&self, array: ArrayId, index: &[i64]) -> Result<Scalar, Stop> {
        let ty = self.program.array(array).ty;
        let at = self.address(array, index)?;
        // SAFETY: `address` gives elements inside the array, whose memory is valid for reads during the call.
        let bits = unsafe {
            match ty.bytes() {
                1 => u64::from(at.read()),
                2 => u64::from(at.cast::<u16>().read_unaligned()),
                4 => u64::from(at.cast::<u32>().read_unaligned()),
                _ => at.cast::<u64>().read_unaligned(),
            }
        };
        Ok(if ty == Type::Bool { Scalar::bool(bits != 0) } else { Scalar::new(ty, bits) })
    }

    /// Writes the element at an index.
    pub(crate) fn store(&mut self, array: ArrayId, index: &[i64], value: Scalar) -> Result<(), Stop> {
        let at = self.address(array, index)?;
        // SAFETY: `address` gives elements inside the array; the verifier lets programs write only arrays whose
        // memory the caller or the host gave for writing.
        unsafe {
            match value.ty.bytes() {
                1 => at.write(value.bits as u8),
                2 => at.cast::<u16>().write_unaligned(value.bits as u16),
                4 => at.cast::<u32>().write_unaligned(value.bits as u32),
                _ => at.cast::<u64>().write_unaligned(value.bits),
            }
        }
        Ok(())
    }

    /// Where an element stands, after a check of its index.
    fn address(&self, array: ArrayId, index: &[i64]) -> Result<*mut u8, Stop> {
        let mut offset = 0i64;
        for (axis, at) in index.iter().enumerate() {
            if !(0..self.extent(array, axis)).contains(at) {
                return Err(Stop::broken("every index is inside the array"));
            }
            let stride = self.word(self.layout.stride(array, axis)) as i64;
            offset = offset.wrapping_add(at.wrapping_mul(stride));
        }
        let base = self.word(self.layout.base(array)) as *mut u8;
        if base.is_null() || index.len() != self.layout.rank(array) {
            return Err(Stop::broken("an array has memory and an index per axis"));
        }
        Ok(base.wrapping_offset(offset as isize))
    }
}

/// What a callback's status means for the run.
fn answer(raw: i32) -> Result<(), Stop> {
    match Status::from_raw(raw) {
        Status::Ok => Ok(()),
        Status::Cancelled => Err(Stop::Cancelled),
        Status::Fault | Status::Host => Err(Stop::Host),
    }
}
