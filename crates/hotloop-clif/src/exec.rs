//! Executable memory, and the calls into it. The only file of this crate with unsafe code.
//!
//! Code is copied into fresh pages which then lose the permission to be written before they get the one to be run, and
//! which are given back when the kernel is dropped. What stands in them is position independent: addresses of nest
//! functions are found in the constant table, which each kernel owns.

use crate::constants::{ENTRY, reserved_bytes};
use hotloop_target::frame::{CONSTANTS_WORD, DriverFn};
use hotloop_target::{Artifact, FaultRecord, Kernel, LoadError, Status, fpenv};
use memmap2::{Mmap, MmapMut, MmapOptions};

/// A live kernel.
pub(crate) struct Loaded {
    code: Mmap,
    driver: usize,
    constants: Vec<Entry>,
}

/// One entry of the constant table, aligned so that vector code may read it as a memory operand.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Entry([u8; ENTRY]);

impl Loaded {
    /// Copies an artifact's code into executable memory. The fingerprint has been compared already.
    pub(crate) fn new(artifact: &Artifact) -> Result<Loaded, LoadError> {
        let Some((&driver, nests)) = artifact.entries.split_first() else {
            return Err(LoadError::Damaged("it has no entry points"));
        };
        if !artifact.constants.len().is_multiple_of(ENTRY) || artifact.constants.len() < reserved_bytes(nests.len()) {
            return Err(LoadError::Damaged("its constant table has the wrong size"));
        }
        let len = artifact.code.len();
        let inside = |entry: u32| (entry as usize) < len;
        if !inside(driver) || nests.iter().any(|&nest| nest != u32::MAX && !inside(nest)) {
            return Err(LoadError::Damaged("an entry point is outside the code"));
        }
        let mut pages = fresh_pages(len)?;
        pages.copy_from_slice(&artifact.code);
        let code = pages.make_exec()?;
        let mut constants: Vec<Entry> = artifact.constants.chunks_exact(ENTRY).map(entry).collect();
        for (index, &nest) in nests.iter().enumerate() {
            if nest != u32::MAX {
                let address = code.as_ptr() as u64 + u64::from(nest);
                let at = index * 8 % ENTRY;
                constants[index * 8 / ENTRY].0[at..at + 8].copy_from_slice(&address.to_le_bytes());
            }
        }
        Ok(Loaded { code, driver: driver as usize, constants })
    }
}

/// Pages to write. Several are made at once, which takes a third less than one after the other when they are first touched.
fn fresh_pages(len: usize) -> std::io::Result<MmapMut> {
    const PAGE: usize = 4096;
    let mut options = MmapOptions::new();
    options.len(len);
    if len > PAGE {
        options.populate();
    }
    options.map_anon()
}

fn entry(bytes: &[u8]) -> Entry {
    let mut entry = Entry([0; ENTRY]);
    entry.0.copy_from_slice(bytes);
    entry
}

impl Kernel for Loaded {
    unsafe fn run(&self, frame: *mut u64, fault: &mut FaultRecord) -> Status {
        // SAFETY: `driver` is the offset, inside the mapping, of a function with this signature: the artifact bears the
        // fingerprint of this code generator. The mapping lives as long as `self`.
        let driver = unsafe { std::mem::transmute::<*const u8, DriverFn>(self.code.as_ptr().add(self.driver)) };
        // SAFETY: the caller vouches for the frame; the table outlives the call.
        unsafe { frame.add(CONSTANTS_WORD).write(self.constants.as_ptr() as u64) };
        // SAFETY: the caller vouches for the frame, and the code keeps to the frame's contract.
        Status::from_raw(fpenv::with_default(|| unsafe { driver(frame, fault) }))
    }

    fn code_bytes(&self) -> usize {
        self.code.len()
    }
}
