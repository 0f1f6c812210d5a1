//! The frame: the block of 8-byte words through which compiled code, the interpreter and the host share a call.
//!
//! | words | content |
//! |---|---|
//! | 0 | `*const HostTable`: the callbacks of this call |
//! | 1 | `*const u8`: the cancel flag; not 0 means stop |
//! | 2 | `*const u8`: the constant table of the kernel, 16-byte aligned; set by the kernel |
//! | 3 | reserved, 0 |
//! | per array | base address, then one extent per axis (elements), then one stride per axis (bytes) |
//! | per slot | the scalar's bits, zero-extended |
//! | per nest | address of its partial results, or 0 |
//!
//! Compiled code has two kinds of entry, both `extern "C"`:
//! - the driver, `fn(frame: *mut u64, fault: *mut FaultRecord) -> i32`, runs all steps;
//! - a nest, `fn(frame: *mut u64, fault: *mut FaultRecord, lo: i64, hi: i64) -> i32`, runs tiles `lo .. hi`.
//!
//! Both return a [`Status`]. Workers share the frame and have a fault record each.

use hotloop_ir::{ArrayId, NestId, Program, SlotId};

/// Number of words before the arrays.
pub const HEADER_WORDS: usize = 4;
/// Word of the callbacks.
pub const HOST_WORD: usize = 0;
/// Word of the cancel flag's address.
pub const CANCEL_WORD: usize = 1;
/// Word of the constant table's address.
pub const CONSTANTS_WORD: usize = 2;

/// What a compiled entry returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// All went well.
    Ok = 0,
    /// A run-time fault; the record is filled.
    Fault = 1,
    /// The cancel flag was seen.
    Cancelled = 2,
    /// A callback failed; the host knows why.
    Host = 3,
}

impl Status {
    /// The status a compiled entry returned. Anything unknown is taken for a failure of the host.
    pub const fn from_raw(raw: i32) -> Status {
        match raw {
            0 => Status::Ok,
            1 => Status::Fault,
            2 => Status::Cancelled,
            _ => Status::Host,
        }
    }
}

/// The first run-time fault a worker met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FaultRecord {
    /// Linear index of the point in its nest.
    pub linear: i64,
    /// The two numbers the kind of fault shows.
    pub shows: [i64; 2],
    /// The number of the element: of the point itself, but where a point is many elements.
    pub element: i64,
    /// Index into `Program::sites`.
    pub site: u32,
    /// Not used; keeps the size a multiple of 8.
    pub reserved: u32,
}

/// Byte offset of `FaultRecord::linear`.
pub const FAULT_LINEAR: i32 = 0;
/// Byte offset of `FaultRecord::shows[0]`; `shows[1]` is 8 bytes on.
pub const FAULT_SHOWS: i32 = 8;
/// Byte offset of `FaultRecord::element`.
pub const FAULT_ELEMENT: i32 = 24;
/// Byte offset of `FaultRecord::site`.
pub const FAULT_SITE: i32 = 32;

/// A compiled nest.
pub type NestFn = unsafe extern "C" fn(frame: *mut u64, fault: *mut FaultRecord, lo: i64, hi: i64) -> i32;
/// A compiled driver.
pub type DriverFn = unsafe extern "C" fn(frame: *mut u64, fault: *mut FaultRecord) -> i32;

/// The callbacks compiled code may call during a run. Each gets `data` as its first argument and returns a status.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct HostTable {
    /// What the callbacks need; passed through.
    pub data: *mut u8,
    /// `alloc(data, frame, array)`: the driver has stored the extents into the frame; makes the memory and stores
    /// base and strides.
    pub alloc: unsafe extern "C" fn(data: *mut u8, frame: *mut u64, array: u32) -> i32,
    /// `free(data, frame, array)`: takes the memory of a temporary back.
    pub free: unsafe extern "C" fn(data: *mut u8, frame: *mut u64, array: u32) -> i32,
    /// `matmul(data, frame, product)`: computes a matrix product of the program, over the arrays in the frame.
    pub matmul: unsafe extern "C" fn(data: *mut u8, frame: *mut u64, product: u32) -> i32,
    /// `partials(data, frame, nest, bytes)`: makes `bytes` bytes, 64-byte aligned, that live until the call ends or
    /// the same nest asks again, and stores their address into the frame's word for the nest.
    pub partials: unsafe extern "C" fn(data: *mut u8, frame: *mut u64, nest: u32, bytes: i64) -> i32,
    /// `par_for(data, frame, fault, run, nest, tiles)`: runs `run` over tiles `0 .. tiles`, on several threads if
    /// that pays; fills `fault` with the record of lowest linear index.
    pub par_for: unsafe extern "C" fn(
        data: *mut u8,
        frame: *mut u64,
        fault: *mut FaultRecord,
        run: NestFn,
        nest: u32,
        tiles: i64,
    ) -> i32,
}

/// Byte offset of `HostTable::data`.
pub const HOST_DATA: i32 = 0;
/// Byte offset of `HostTable::alloc`.
pub const HOST_ALLOC: i32 = 8;
/// Byte offset of `HostTable::free`.
pub const HOST_FREE: i32 = 16;
/// Byte offset of `HostTable::matmul`.
pub const HOST_MATMUL: i32 = 24;
/// Byte offset of `HostTable::partials`.
pub const HOST_PARTIALS: i32 = 32;
/// Byte offset of `HostTable::par_for`.
pub const HOST_PAR_FOR: i32 = 40;

/// Where everything stands in the frame of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    arrays: Vec<(usize, usize)>,
    slots: usize,
    nests: usize,
    words: usize,
}

impl FrameLayout {
    /// The layout for a program.
    pub fn of(program: &Program) -> FrameLayout {
        let mut next = HEADER_WORDS;
        let mut arrays = Vec::with_capacity(program.arrays.len());
        for array in &program.arrays {
            let rank = array.rank as usize;
            arrays.push((next, rank));
            next += 1 + 2 * rank;
        }
        let slots = next;
        let nests = slots + program.slots.len();
        FrameLayout { arrays, slots, nests, words: nests + program.nests.len() }
    }

    /// Total number of words.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Word of an array's base address.
    pub fn base(&self, array: ArrayId) -> usize {
        self.arrays[array.index()].0
    }

    /// The number of axes of an array.
    pub fn rank(&self, array: ArrayId) -> usize {
        self.arrays[array.index()].1
    }

    /// Word of an array's extent along `axis`.
    pub fn extent(&self, array: ArrayId, axis: usize) -> usize {
        self.base(array) + 1 + axis
    }

    /// Word of an array's stride, in bytes, along `axis`.
    pub fn stride(&self, array: ArrayId, axis: usize) -> usize {
        self.base(array) + 1 + self.rank(array) + axis
    }

    /// Word of a slot.
    pub fn slot(&self, slot: SlotId) -> usize {
        self.slots + slot.index()
    }

    /// Word of a nest's partial results.
    pub fn partials(&self, nest: NestId) -> usize {
        self.nests + nest.index()
    }
}
