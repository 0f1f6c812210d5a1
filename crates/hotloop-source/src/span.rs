//! `Span`: a range of bytes in one source.
//!
//! A span does not say which source it belongs to; whoever keeps spans of several sources keeps them apart.

use std::fmt;
use std::ops::Range;

/// A half-open range of byte offsets.
///
/// Offsets are 32 bits, so that a span is as small as a pointer; `Source` refuses longer texts by clamping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset just past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of things that stand in no text, such as code made by the compiler.
    pub const DETACHED: Span = Span { start: u32::MAX, end: u32::MAX };

    /// The span from `start` up to, not including, `end`.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The span of a range of offsets; offsets past 4 GiB are clamped.
    pub fn from_range(range: Range<usize>) -> Span {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span::new(clamp(range.start), clamp(range.end))
    }

    /// The empty span at one offset.
    pub const fn at(offset: u32) -> Span {
        Span::new(offset, offset)
    }

    /// Whether this span stands in no text.
    pub fn is_detached(self) -> bool {
        self == Span::DETACHED
    }

    /// Whether no byte lies in this span.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The number of bytes in this span.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// The smallest span that holds both; a detached one adds nothing.
    pub fn join(self, other: Span) -> Span {
        if self.is_detached() {
            return other;
        }
        if other.is_detached() {
            return self;
        }
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The empty span at the first byte.
    pub fn first(self) -> Span {
        Span::at(self.start)
    }

    /// The empty span just past the last byte.
    pub fn after(self) -> Span {
        Span::at(self.end)
    }

    /// The offsets as a range to index text with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_detached() { f.write_str("detached") } else { write!(f, "{}..{}", self.start, self.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn is_eight_bytes() {
        assert_eq!(size_of::<Span>(), 8);
    }

    #[test]
    fn joins_in_any_order_and_ignores_detached() {
        let (a, b) = (Span::new(2, 5), Span::new(7, 9));
        assert_eq!(a.join(b), Span::new(2, 9));
        assert_eq!(b.join(a), Span::new(2, 9));
        assert_eq!(a.join(Span::DETACHED), a);
        assert_eq!(Span::DETACHED.join(a), a);
    }

    #[test]
    fn offsets_past_four_gigabytes_are_clamped() {
        assert_eq!(Span::from_range(1..usize::MAX).end, u32::MAX);
    }
}
