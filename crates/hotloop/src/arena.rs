//! The memory of the temporaries of one call: chunks, of which what is given back is handed out again.
//!
//! The program says where each temporary's life begins and ends; sizes are known only when it runs. Memory beyond the
//! temporaries that live at the same time is taken only where the parts given back do not fit.

use crate::array::{ALIGN, Buffer};
use smallvec::SmallVec;

/// The temporaries of one call.
#[derive(Default)]
pub(crate) struct Arena {
    chunks: SmallVec<[Option<Buffer>; 2]>,
    /// Parts that nobody uses, by chunk and place; neighbors are joined.
    free: SmallVec<[Part; 4]>,
    live: SmallVec<[(u32, Part); 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    chunk: usize,
    start: usize,
    len: usize,
}

/// What an array asks of the arena.
pub(crate) enum Place {
    /// Here.
    Ready(*mut u8),
    /// Nowhere yet: a chunk of so many bytes has to be added first, after `released` bytes were given to the system.
    Needs { bytes: usize, released: usize },
}

impl Arena {
    /// The memory of an array: what it has, if that is enough, or else a part of what has been given back.
    pub(crate) fn place(&mut self, array: u32, bytes: usize) -> Place {
        let bytes = bytes.max(1).next_multiple_of(ALIGN);
        if let Some((_, part)) = self.live.iter().find(|(id, _)| *id == array) {
            if part.len >= bytes {
                return Place::Ready(self.address(*part));
            }
            self.free(array);
        }
        let fits = self.free.iter().enumerate().filter(|(_, part)| part.len >= bytes);
        match fits.min_by_key(|(_, part)| part.len).map(|(at, _)| at) {
            Some(at) => Place::Ready(self.take(at, array, bytes)),
            None => Place::Needs { bytes, released: self.release() },
        }
    }

    /// Adds a chunk and gives all of it to an array.
    pub(crate) fn add(&mut self, array: u32, chunk: Buffer) -> *mut u8 {
        let part = Part { chunk: self.chunks.len(), start: 0, len: chunk.len() };
        self.chunks.push(Some(chunk));
        self.live.push((array, part));
        self.address(part)
    }

    /// Takes an array's memory back. One that has none has nothing to give.
    pub(crate) fn free(&mut self, array: u32) {
        let Some(at) = self.live.iter().position(|(id, _)| *id == array) else { return };
        let (_, part) = self.live.swap_remove(at);
        let place = self.free.partition_point(|other| *other < part);
        self.free.insert(place, part);
        self.join(place);
        self.join(place.wrapping_sub(1));
    }

    /// Joins a free part with the next one if they touch.
    fn join(&mut self, at: usize) {
        let (Some(&first), Some(&second)) = (self.free.get(at), self.free.get(at.wrapping_add(1))) else { return };
        if first.chunk == second.chunk && first.start + first.len == second.start {
            self.free[at].len += second.len;
            self.free.remove(at + 1);
        }
    }

    fn take(&mut self, at: usize, array: u32, bytes: usize) -> *mut u8 {
        let part = self.free[at];
        let taken = Part { len: bytes, ..part };
        match part.len == bytes {
            true => drop(self.free.remove(at)),
            false => self.free[at] = Part { start: part.start + bytes, len: part.len - bytes, ..part },
        }
        self.live.push((array, taken));
        self.address(taken)
    }

    /// Gives chunks that nobody uses back to the system; says how many bytes that were.
    pub(crate) fn release(&mut self) -> usize {
        let mut bytes = 0;
        let chunks = &mut self.chunks;
        self.free.retain(|part| {
            let whole = chunks[part.chunk].as_ref().is_some_and(|chunk| chunk.len() == part.len);
            if whole {
                chunks[part.chunk] = None;
                bytes += part.len;
            }
            !whole
        });
        bytes
    }

    fn address(&self, part: Part) -> *mut u8 {
        let chunk = self.chunks[part.chunk].as_ref().map_or(std::ptr::null_mut(), Buffer::as_ptr);
        chunk.wrapping_add(part.start)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arena, Place};
    use crate::array::Buffer;

    /// An arena that counts what it holds.
    #[derive(Default)]
    struct Counted {
        arena: Arena,
        held: usize,
        most: usize,
    }

    impl Counted {
        fn alloc(&mut self, array: u32, bytes: usize) -> *mut u8 {
            match self.arena.place(array, bytes) {
                Place::Ready(base) => base,
                Place::Needs { bytes, released } => {
                    self.held = self.held - released + bytes;
                    self.most = self.most.max(self.held);
                    self.arena.add(array, Buffer::aligned(bytes).expect("a little memory"))
                }
            }
        }
    }

    #[test]
    fn what_was_given_back_is_used_again() {
        let mut memory = Counted::default();
        let first = memory.alloc(0, 1000);
        memory.arena.free(0);
        assert_eq!(memory.alloc(1, 900), first);
        assert_eq!(memory.most, 1024);
    }

    #[test]
    fn parts_that_touch_become_one() {
        let mut memory = Counted::default();
        let first = memory.alloc(0, 4096);
        memory.arena.free(0);
        let parts: Vec<*mut u8> = (1..5).map(|array| memory.alloc(array, 1024)).collect();
        assert!(parts.windows(2).all(|pair| pair[1] as usize - pair[0] as usize == 1024));
        [2, 4, 1, 3].into_iter().for_each(|array| memory.arena.free(array));
        assert_eq!((memory.alloc(9, 4096), memory.most), (first, 4096));
    }

    #[test]
    fn chunks_that_are_too_small_go_before_larger_ones_come() {
        let mut memory = Counted::default();
        for (array, bytes) in [(0, 64), (1, 128), (2, 6400)] {
            memory.alloc(array, bytes);
            memory.arena.free(array);
        }
        assert_eq!(memory.most, 6400);
    }

    #[test]
    fn arrays_that_live_share_nothing() {
        let mut memory = Counted::default();
        let (a, b) = (memory.alloc(0, 100), memory.alloc(1, 100));
        assert!((a as usize).abs_diff(b as usize) >= 128);
        assert_eq!(memory.alloc(0, 50), a, "an array keeps what it has while that is enough");
        memory.arena.free(7);
        assert_eq!(memory.alloc(1, 0), b);
    }
}
