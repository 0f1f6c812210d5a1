//! Numbers in a file that several processes map into their memory.
//!
//! The one file of this program with `unsafe`. Each process maps only the part it works on, so that no two of them have
//! the same memory while one writes.

use memmap2::{MmapMut, MmapOptions};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Some of the numbers of a file, where they are.
pub struct Shared {
    map: Option<MmapMut>,
}

impl Shared {
    /// Makes a file of these numbers.
    pub fn create(path: &Path, numbers: &[f64]) -> io::Result<()> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        fs::write(path, bytes)
    }

    /// Maps so many numbers from one on. The file must have them.
    pub fn open(path: &Path, from: usize, count: usize) -> io::Result<Shared> {
        let file = File::options().read(true).write(true).open(path)?;
        let (start, len) = (from * size_of::<f64>(), count * size_of::<f64>());
        if (start + len) as u64 > file.metadata()?.len() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has fewer numbers"));
        }
        if len == 0 {
            return Ok(Shared { map: None });
        }
        // SAFETY: the file was made by this program, which never cuts it short and has each part of it mapped by one
        // process at a time.
        let map = unsafe { MmapOptions::new().offset(start as u64).len(len).map_mut(&file) }?;
        Ok(Shared { map: Some(map) })
    }

    /// The numbers.
    pub fn numbers(&self) -> &[f64] {
        let Some(map) = &self.map else { return &[] };
        // SAFETY: all bits are a number. A mapping begins on a page and the part in it at a multiple of eight bytes, so
        // that nothing is left before or after the numbers.
        let (before, numbers, after) = unsafe { map.align_to::<f64>() };
        debug_assert!(before.is_empty() && after.is_empty());
        numbers
    }

    /// The numbers, to be changed in the file.
    pub fn numbers_mut(&mut self) -> &mut [f64] {
        let Some(map) = &mut self.map else { return &mut [] };
        // SAFETY: as in `numbers`; the borrow is exclusive here, and no other process has this part.
        let (before, numbers, after) = unsafe { map.align_to_mut::<f64>() };
        debug_assert!(before.is_empty() && after.is_empty());
        numbers
    }
}
