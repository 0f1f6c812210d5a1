//! Arrays in files that are mapped into memory instead of read: nothing is copied, and only what is used is loaded.
//!
//! The one file of the program with `unsafe`. Whoever cuts a mapped file short while it is in use ends the program; that
//! is the price every program pays that maps files, and small files are read instead.

use crate::elements::for_type;
use hotloop::{Array, Element, Type, View};
use memmap2::Mmap;
use std::fs::File;

/// An array in a mapped file.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    /// Where its elements begin in the file.
    start: usize,
    ty: Type,
    shape: Vec<usize>,
    /// Whether the first axis is the innermost one.
    is_fortran: bool,
}

/// Smaller files are read.
pub const LEAST: u64 = 1 << 16;

impl Mapped {
    /// Maps a file whose elements are as this machine has them in memory; none where that cannot be, so that the file
    /// has to be read.
    pub fn open(file: &File, start: u64, ty: Type, shape: &[usize], is_fortran: bool) -> Option<Mapped> {
        let start = usize::try_from(start).ok()?;
        let bytes = shape.iter().try_fold(ty.bytes(), |bytes, extent| bytes.checked_mul(*extent))?;
        // A byte that is neither 0 nor 1 is no bool, so those are looked at while they are read.
        if ty == Type::Bool || !start.is_multiple_of(ty.bytes()) || shape.is_empty() {
            return None;
        }
        // SAFETY: the mapping is only read. Were the file changed meanwhile, the elements would be others, all of whose
        // bits are valid; were it cut short, the system ends the program, as the first lines say.
        let map = unsafe { Mmap::map(file) }.ok()?;
        let is_whole = start.checked_add(bytes).is_some_and(|end| end <= map.len());
        is_whole.then(|| Mapped { map, start, ty, shape: shape.to_vec(), is_fortran })
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The array where it is.
    pub fn view(&self) -> View<'_> {
        let stored: Vec<usize> =
            if self.is_fortran { self.shape.iter().rev().copied().collect() } else { self.shape.clone() };
        let mut strides = vec![1isize; stored.len()];
        for axis in (1..stored.len()).rev() {
            strides[axis - 1] = strides[axis] * stored[axis] as isize;
        }
        let base = self.map[self.start..].as_ptr();
        // SAFETY: `open` has found that the elements lie in the mapping and are aligned; the view borrows the mapping.
        let view = unsafe { View::from_raw(base, self.ty, &stored, &strides) };
        let view = view.unwrap_or_else(|_| empty(self.ty));
        if self.is_fortran { view.transposed() } else { view }
    }

    /// A copy in memory.
    pub fn to_array(&self) -> Result<Array, String> {
        self.view().to_array().map_err(|error| error.to_string())
    }
}

fn empty<'a>(ty: Type) -> View<'a> {
    fn of<'a, T: Element>() -> View<'a> {
        View::new::<T>(&[])
    }
    for_type!(ty, of())
}

#[cfg(test)]
mod tests {
    use super::Mapped;
    use hotloop::{Array, Type};
    use std::fs::File;

    #[test]
    fn arrays_are_seen_in_their_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("elements");
        let bytes: Vec<u8> = (0..7i32).flat_map(i32::to_ne_bytes).collect();
        std::fs::write(&path, &bytes).expect("written");
        let file = File::open(&path).expect("it is there");
        let open = |start, ty, shape: &[usize], is_fortran| Mapped::open(&file, start, ty, shape, is_fortran);
        let plain = open(4, Type::I32, &[2, 3], false).expect("it fits").to_array();
        assert_eq!(plain, Ok(Array::from_vec((1..7).collect::<Vec<i32>>(), &[2, 3]).expect("six")));
        let turned = open(4, Type::I32, &[2, 3], true).expect("it fits").to_array();
        assert_eq!(turned, Ok(Array::from_vec(vec![1i32, 3, 5, 2, 4, 6], &[2, 3]).expect("six")));
        assert!(open(4, Type::I32, &[7], false).is_none(), "too long");
        assert!(open(2, Type::I32, &[2], false).is_none(), "not aligned");
        assert!(open(0, Type::Bool, &[4], false).is_none(), "not every byte is a bool");
        assert!(open(4, Type::I32, &[usize::MAX, 8], false).is_none(), "too large");
    }
}
