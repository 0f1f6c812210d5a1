//! Large blocks of memory that results and temporaries gave back, kept for the next ones.
//!
//! The first touch of every page of fresh memory is a fault of the processor, which takes longer than most kernels take
//! to fill the page. So an engine keeps a bounded number of bytes of what was given back, hands them out again, and
//! gives them to the system when it is told to or ends. Small blocks are the allocator's business.

use crate::array::Buffer;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// From this size on allocators ask the system for every block.
const LEAST: usize = 128 << 10;
/// A block is not handed out for less than this share of its size, in percent.
const FILLED: usize = 75;
/// What an engine keeps unless it is told otherwise.
pub(crate) const USUAL: usize = 128 << 20;

/// The memory an engine keeps for later results and temporaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptMemory {
    /// Bytes that nobody uses.
    pub bytes: usize,
    /// The most bytes that are kept.
    pub limit: usize,
    /// Blocks handed out again.
    pub reused: u64,
    /// Large blocks that came from the system, as none that was kept would do.
    pub fresh: u64,
}

/// The blocks of one engine.
#[derive(Debug)]
pub(crate) struct Kept {
    limit: usize,
    shelf: Mutex<Shelf>,
    reused: AtomicU64,
    fresh: AtomicU64,
}

#[derive(Debug, Default)]
struct Shelf {
    /// The one given back first comes first.
    blocks: Vec<Buffer>,
    bytes: usize,
}

impl Kept {
    pub(crate) fn new(limit: usize) -> Arc<Kept> {
        Arc::new(Kept { limit, shelf: Mutex::default(), reused: AtomicU64::new(0), fresh: AtomicU64::new(0) })
    }

    /// So many bytes, as [`Buffer::aligned`]; large ones come back here when they are dropped.
    pub(crate) fn take(self: &Arc<Kept>, bytes: usize) -> Option<Buffer> {
        if bytes < LEAST || self.limit == 0 {
            return Buffer::aligned(bytes);
        }
        let (buffer, count) = match self.find(bytes) {
            Some(block) => (block.cut(bytes), &self.reused),
            None => (Buffer::aligned(bytes)?, &self.fresh),
        };
        count.fetch_add(1, Relaxed);
        Some(buffer.with_home(Arc::downgrade(self)))
    }

    /// The smallest block that will do.
    fn find(&self, bytes: usize) -> Option<Buffer> {
        let mut shelf = self.shelf();
        let fits = |block: &Buffer| block.room() >= bytes && block.room() / 100 * FILLED <= bytes;
        let fitting = shelf.blocks.iter().enumerate().filter(|(_, block)| fits(block));
        let (at, _) = fitting.min_by_key(|(_, block)| block.room())?;
        let block = shelf.blocks.remove(at);
        shelf.bytes -= block.room();
        Some(block)
    }

    /// Takes a block back; the ones that were given back first go where it would be too much.
    pub(crate) fn give(&self, block: Buffer) {
        let mut shelf = self.shelf();
        shelf.bytes += block.room();
        shelf.blocks.push(block);
        let mut gone = Vec::new();
        while shelf.bytes > self.limit {
            let block = shelf.blocks.remove(0);
            shelf.bytes -= block.room();
            gone.push(block);
        }
        // The system takes its time over large blocks, which need not be at the cost of others.
        drop(shelf);
        drop(gone);
    }

    /// Gives everything to the system; says how many bytes that were.
    pub(crate) fn empty(&self) -> usize {
        let shelf = std::mem::take(&mut *self.shelf());
        shelf.bytes
    }

    pub(crate) fn told(&self) -> KeptMemory {
        let (bytes, limit) = (self.shelf().bytes, self.limit);
        KeptMemory { bytes, limit, reused: self.reused.load(Relaxed), fresh: self.fresh.load(Relaxed) }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A shelf is whole between any two of its operations.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, LEAST};

    #[test]
    fn large_blocks_come_back_and_small_ones_do_not() {
        let kept = Kept::new(10 * LEAST);
        let first = kept.take(LEAST).expect("memory");
        let address = first.as_ptr();
        drop(first);
        drop(kept.take(LEAST - 1).expect("memory"));
        assert!(kept.told().bytes >= LEAST && kept.told().bytes < 2 * LEAST);
        let again = kept.take(LEAST - LEAST / 8).expect("memory");
        assert_eq!(again.len(), LEAST - LEAST / 8);
        assert_ne!(again.as_ptr(), address, "less than the least is not looked for here");
        let again = kept.take(LEAST).expect("memory");
        assert_eq!((again.as_ptr(), again.len(), kept.told().bytes), (address, LEAST, 0));
        assert_eq!((kept.told().reused, kept.told().fresh), (1, 1));
    }

    #[test]
    fn a_block_is_not_wasted_on_much_less() {
        let kept = Kept::new(100 * LEAST);
        drop(kept.take(8 * LEAST).expect("memory"));
        let half = kept.take(4 * LEAST).expect("memory");
        assert_eq!((half.len(), kept.told().fresh), (4 * LEAST, 2));
        let most = kept.take(7 * LEAST).expect("memory");
        assert_eq!((most.len(), kept.told().reused), (7 * LEAST, 1));
        drop(most);
        let whole = kept.take(8 * LEAST).expect("memory");
        assert_eq!((whole.len(), kept.told().reused), (8 * LEAST, 2));
    }

    #[test]
    fn the_limit_holds_and_the_oldest_goes_first() {
        let kept = Kept::new(5 * LEAST);
        let blocks: Vec<_> = (0..4).map(|_| kept.take(2 * LEAST).expect("memory")).collect();
        let addresses: Vec<_> = blocks.iter().map(|block| block.as_ptr()).collect();
        blocks.into_iter().for_each(drop);
        assert!(kept.told().bytes <= 5 * LEAST);
        let left = [kept.take(2 * LEAST).expect("memory"), kept.take(2 * LEAST).expect("memory")];
        assert_eq!(kept.told().reused, 2);
        assert!(left.iter().all(|block| addresses[2..].contains(&block.as_ptr())));
        left.into_iter().for_each(drop);
        assert!(kept.empty() >= 4 * LEAST);
        assert_eq!(kept.told().bytes, 0);
    }

    #[test]
    fn memory_outlives_its_engine() {
        let kept = Kept::new(5 * LEAST);
        let block = kept.take(LEAST).expect("memory");
        drop(kept);
        drop(block);
        let none = Kept::new(0);
        drop(none.take(LEAST).expect("memory"));
        assert_eq!(none.told().bytes, 0);
    }
}
