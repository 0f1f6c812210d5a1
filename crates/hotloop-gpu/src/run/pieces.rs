//! Which part of each array a part of a dispatch touches: what must be bound, and how far a dispatch must be cut so
//! that it can be.
//!
//! Works on numbers only. Views are affine, so the elements that a box of coordinates reaches lie between two corners.

use hotloop_ir::ArrayId;

/// A view with its numbers filled in: the element at point 0, and the step per axis of the nest, in elements.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) array: ArrayId,
    pub(super) base: i64,
    pub(super) steps: Vec<i64>,
}

/// What one workgroup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many points, numbered along the axes that are not ordered.
    Points(u64),
    /// A block of so many points of a reduction over all axes.
    Blocks(u64),
    /// A block of so many points of a reduction over some axes; each result has so many of them.
    Rows(u64, u64),
    /// A result of a reduction: the one, or one of those over some axes.
    Results,
    /// A tile of a matrix product with so many rows and columns, of so many tiles down and to the right, and the terms
    /// `from .. to` of its sums.
    Tiles { side: u64, tiles: [u64; 2], terms: [u64; 2] },
}

/// The domain of a nest: per axis its extent, and whether it is counted by a unit's numbers.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    pub(super) extents: Vec<u64>,
    pub(super) reduced: Vec<bool>,
    pub(super) ordered: Vec<bool>,
}

impl Domain {
    /// The coordinates that workgroups `first ..= last` reach, as the lowest and highest per axis. The domain is not
    /// empty.
    pub(super) fn reached(&self, unit: Unit, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut out: Vec<(u64, u64)> = self.extents.iter().map(|extent| (0, extent.saturating_sub(1))).collect();
        let mut narrow = |chosen: &dyn Fn(usize) -> bool, low: u64, high: u64| {
            let axes: Vec<usize> = (0..self.extents.len()).filter(|axis| chosen(*axis)).collect();
            let extents: Vec<u64> = axes.iter().map(|axis| self.extents[*axis]).collect();
            for (axis, range) in axes.into_iter().zip(between(low, high, &extents)) {
                out[axis] = range;
            }
        };
        match unit {
            Unit::Points(size) => {
                narrow(&|axis| !self.ordered[axis], first * size, last.saturating_mul(size).saturating_add(size - 1));
            }
            Unit::Blocks(size) => {
                narrow(&|_| true, first * size, last.saturating_mul(size).saturating_add(size - 1));
            }
            Unit::Rows(size, blocks) => {
                let (top, bottom) = (first / blocks, last / blocks);
                narrow(&|axis| !self.reduced[axis], top, bottom);
                if top == bottom {
                    let (low, high) = (first % blocks * size, last % blocks * size + size - 1);
                    narrow(&|axis| self.reduced[axis], low, high);
                }
            }
            Unit::Results => narrow(&|axis| !self.reduced[axis], first, last),
            Unit::Tiles { side, tiles, terms } => {
                let rows = self.extents.len() - 3;
                let mut counts = self.extents[..rows].to_vec();
                counts.extend(tiles);
                let reached = between(first, last, &counts);
                for (axis, (low, high)) in reached.into_iter().enumerate() {
                    let size = if axis < rows { 1 } else { side };
                    let end = self.extents[axis].saturating_sub(1);
                    out[axis] = ((low * size).min(end), (high * size + size - 1).min(end));
                }
                out[rows + 2] = (terms[0], terms[1].saturating_sub(1).max(terms[0]));
            }
        }
        out
    }
}

/// The lowest and highest coordinate per axis among the numbers `low ..= high` in C order; numbers past the end count
/// as the last.
fn between(low: u64, high: u64, extents: &[u64]) -> Vec<(u64, u64)> {
    let count: u64 = extents.iter().product();
    let (low, high) = (low.min(count.saturating_sub(1)), high.min(count.saturating_sub(1)));
    let (from, to) = (coords(low, extents), coords(high, extents));
    let mut differ = false;
    let mut out = Vec::with_capacity(extents.len());
    for (axis, extent) in extents.iter().enumerate() {
        out.push(if differ { (0, extent.saturating_sub(1)) } else { (from[axis], to[axis]) });
        differ |= from[axis] != to[axis];
    }
    out
}

fn coords(number: u64, extents: &[u64]) -> Vec<u64> {
    let mut rest = number;
    let mut out = vec![0; extents.len()];
    for (at, extent) in out.iter_mut().zip(extents).rev() {
        *at = rest % extent.max(&1);
        rest /= extent.max(&1);
    }
    out
}

/// The elements of an array, of so many, that the views reach in a box of coordinates: the first, and the one past the
/// last. A view of a border may point outside; what is outside is not touched.
pub(super) fn window(array: ArrayId, len: u64, reaches: &[Reach], area: &[(u64, u64)]) -> (u64, u64) {
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    for reach in reaches.iter().filter(|reach| reach.array == array) {
        let (mut least, mut most) = (reach.base, reach.base);
        for (step, (from, to)) in reach.steps.iter().zip(area) {
            let ends = [step.saturating_mul(*from as i64), step.saturating_mul(*to as i64)];
            least = least.saturating_add(ends[0].min(ends[1]));
            most = most.saturating_add(ends[0].max(ends[1]));
        }
        low = low.min(least);
        high = high.max(most);
    }
    let last = (len as i64 - 1).max(0);
    if low > high {
        return (0, 1.min(len));
    }
    (low.clamp(0, last) as u64, (high.clamp(0, last) as u64 + 1).min(len))
}

#[cfg(test)]
mod tests {
    use super::{Domain, Reach, Unit, between, window};
    use hotloop_ir::ArrayId;

    #[test]
    fn boxes_hold_all_numbers_between() {
        let extents = [3u64, 4, 5];
        for low in 0..60 {
            for high in low..60 {
                let area = between(low, high, &extents);
                for number in low..=high {
                    let at = super::coords(number, &extents);
                    assert!(at.iter().zip(&area).all(|(at, (from, to))| from <= at && at <= to));
                }
            }
        }
        assert_eq!(between(7, 7, &extents), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(between(100, 200, &extents), [(2, 2), (3, 3), (4, 4)]);
    }

    #[test]
    fn units_reach_what_they_take() {
        let domain = Domain { extents: vec![4, 10], reduced: vec![false, true], ordered: vec![false; 2] };
        assert_eq!(domain.reached(Unit::Rows(4, 3), 3, 3), [(1, 1), (0, 3)]);
        assert_eq!(domain.reached(Unit::Rows(4, 3), 4, 5), [(1, 1), (4, 9)]);
        assert_eq!(domain.reached(Unit::Rows(4, 3), 2, 3), [(0, 1), (0, 9)]);
        assert_eq!(domain.reached(Unit::Results, 1, 2), [(1, 2), (0, 9)]);
        assert_eq!(domain.reached(Unit::Points(8), 0, 0), [(0, 0), (0, 7)]);
        assert_eq!(domain.reached(Unit::Blocks(10), 2, 9), [(2, 3), (0, 9)]);
        let product = Domain { extents: vec![2, 100, 130, 50], reduced: vec![false; 4], ordered: vec![false; 4] };
        let tiles = |terms| Unit::Tiles { side: 64, tiles: [2, 3], terms };
        assert_eq!(product.reached(tiles([16, 32]), 4, 4), [(0, 0), (64, 99), (64, 127), (16, 31)]);
        assert_eq!(product.reached(tiles([0, 50]), 4, 5), [(0, 0), (64, 99), (64, 129), (0, 49)]);
        assert_eq!(product.reached(tiles([0, 50]), 5, 6), [(0, 1), (0, 99), (0, 129), (0, 49)]);
    }

    #[test]
    fn windows_hold_what_views_reach() {
        let (array, other) = (ArrayId(0), ArrayId(1));
        let forwards = Reach { array, base: 11, steps: vec![10, 1] };
        let backwards = Reach { array, base: 39, steps: vec![-10, 0] };
        let reaches = [forwards, backwards, Reach { array: other, base: 0, steps: vec![1, 1] }];
        assert_eq!(window(array, 40, &reaches[..1], &[(1, 2), (0, 7)]), (21, 39));
        assert_eq!(window(array, 40, &reaches, &[(1, 2), (0, 7)]), (19, 39));
        assert_eq!(window(array, 20, &reaches, &[(1, 2), (0, 7)]), (19, 20));
        assert_eq!(window(ArrayId(2), 20, &reaches, &[(1, 2), (0, 7)]), (0, 1));
    }
}
