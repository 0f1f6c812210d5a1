//! The constant table of one kernel: 16-byte entries that all its functions read through one pointer.
//!
//! A constant is written as often as it fits, so that the same entry serves scalar and vector code. The first entries
//! are kept for the addresses of the nest functions, which only `exec` knows.

use hotloop_ir::Type;
use rustc_hash::FxHashMap;

pub(crate) use hotloop_target::artifact::ENTRY;

/// The table under construction.
#[derive(Debug)]
pub(crate) struct Constants {
    bytes: Vec<u8>,
    known: FxHashMap<[u8; ENTRY], i32>,
}

/// Bytes at the start of the table that hold nest addresses. Never 0, so that there is always an entry to read from.
pub(crate) fn reserved_bytes(nests: usize) -> usize {
    (nests * 8).max(1).next_multiple_of(ENTRY)
}

impl Constants {
    /// A table with room for the addresses of so many nests.
    pub(crate) fn new(nests: usize) -> Constants {
        Constants { bytes: vec![0; reserved_bytes(nests)], known: FxHashMap::default() }
    }

    /// The byte offset of an entry full of this value.
    pub(crate) fn splat(&mut self, ty: Type, bits: u64) -> i32 {
        let mut entry = [0; ENTRY];
        for lane in entry.chunks_exact_mut(ty.bytes()) {
            lane.copy_from_slice(&bits.to_le_bytes()[..ty.bytes()]);
        }
        self.entry(entry)
    }

    /// The byte offset of an entry.
    pub(crate) fn entry(&mut self, entry: [u8; ENTRY]) -> i32 {
        let end = self.bytes.len() as i32;
        let bytes = &mut self.bytes;
        *self.known.entry(entry).or_insert_with(|| {
            bytes.extend_from_slice(&entry);
            end
        })
    }

    /// The finished table.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
