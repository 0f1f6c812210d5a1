//! What is known of a whole number: its least and its greatest value, and extents of arrays that it does not exceed by
//! more than a constant. Arithmetic that may wrap gives no knowledge. How ranges flow through a lane is `ranges`.

use hotloop_ir::{ArrayId, Class, Op, Type};

/// The extent of an array along an axis: not negative, and the same as long as a nest runs.
pub(super) type Extent = (ArrayId, u32);

/// Most extents that are remembered for one number.
const MOST_EXTENTS: usize = 4;
/// Larger distances from an extent are not remembered.
const MOST_DISTANCE: i64 = 1 << 40;

/// The numbers a value may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) most: i64,
    /// The value is at most each of these extents plus the constant.
    pub(super) below: Vec<(Extent, i64)>,
}

impl Range {
    /// One number.
    pub(super) fn of(value: i64) -> Range {
        Range { least: value, most: value, below: Vec::new() }
    }

    /// All numbers of a type; none for types whose numbers are not followed.
    pub(super) fn of_type(ty: Type) -> Option<Range> {
        let bits = ty.bits();
        let (least, most) = match ty.class() {
            Class::Signed => (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits)),
            Class::Unsigned if bits < 64 => (0, (1 << bits) - 1),
            Class::Bool | Class::Unsigned | Class::Float | Class::Half | Class::Complex => return None,
        };
        Some(Range { least, most, below: Vec::new() })
    }

    /// An extent, of which an upper bound is known.
    pub(super) fn extent(extent: Extent, most: i64) -> Range {
        Range { least: 0, most, below: vec![(extent, 0)] }
    }

    /// Whether the value is known to be less than an extent plus a constant.
    pub(super) fn is_below(&self, extent: Extent, by: i64) -> bool {
        self.below.iter().any(|(known, at_most)| *known == extent && *at_most < by)
    }

    /// What holds if the value is in both ranges.
    pub(super) fn meet(&self, other: &Range) -> Range {
        let mut both = self.clone();
        both.least = both.least.max(other.least);
        both.most = both.most.min(other.most);
        for &(extent, by) in &other.below {
            match both.below.iter().position(|(known, _)| *known == extent) {
                Some(at) => both.below[at].1 = both.below[at].1.min(by),
                None if both.below.len() < MOST_EXTENTS => both.below.push((extent, by)),
                None => {}
            }
        }
        both
    }

    /// What holds if the value is in one of the two. A number that is at most `c` is at most any extent plus `c`.
    pub(super) fn join(&self, other: &Range) -> Range {
        let mut below = Vec::new();
        for (one, two) in [(self, other), (other, self)] {
            for &(extent, by) in &one.below {
                let there = two.below.iter().find(|(known, _)| *known == extent).map(|(_, by)| *by);
                let bound = by.max(there.unwrap_or(two.most));
                let known = below.iter().any(|(known, _)| *known == extent);
                if !known && bound <= MOST_DISTANCE && below.len() < MOST_EXTENTS {
                    below.push((extent, bound));
                }
            }
        }
        Range { least: self.least.min(other.least), most: self.most.max(other.most), below }
    }

    /// A range that a growing sequence of ranges soon reaches.
    pub(super) fn widen(&self, next: &Range, all: &Range) -> Range {
        let joined = self.join(next);
        let least = if joined.least < self.least {
            [1, 0, -1].into_iter().find(|step| *step <= joined.least && *step >= all.least).unwrap_or(all.least)
        } else {
            self.least
        };
        let most = if joined.most > self.most { all.most } else { self.most };
        let grown = |(extent, by): &(Extent, i64)| self.below.iter().any(|(known, was)| known == extent && was < by);
        let below = joined.below.into_iter().filter(|bound| !grown(bound)).collect();
        Range { least, most, below }
    }

    /// The range moved by a constant; none if it leaves the whole numbers of 64 bits.
    pub(super) fn shifted(&self, by: i64) -> Option<Range> {
        let (least, most) = (self.least.checked_add(by)?, self.most.checked_add(by)?);
        Some(Range { least, most, below: self.below_by(by) })
    }

    /// The extents that the range moved by a constant lies below.
    pub(super) fn below_by(&self, by: i64) -> Vec<(Extent, i64)> {
        let moved = self.below.iter().filter_map(|&(extent, was)| Some((extent, was.checked_add(by)?)));
        moved.filter(|(_, by)| by.abs() <= MOST_DISTANCE).collect()
    }

    /// The range if the value is less than one of this range, or no greater.
    pub(super) fn beneath(&self, strictly: bool) -> Range {
        let by = -i64::from(strictly);
        Range { least: i64::MIN, most: self.most.saturating_add(by), below: self.below_by(by) }
    }

    /// The range if the value is greater than one of this range, or no less.
    pub(super) fn above(&self, strictly: bool) -> Range {
        Range { least: self.least.saturating_add(i64::from(strictly)), most: i64::MAX, below: Vec::new() }
    }

    fn is_constant(&self) -> Option<i64> {
        (self.least == self.most).then_some(self.least)
    }

    /// The range of an op on whole numbers of a type; all of the type where nothing is known, as where it may wrap.
    pub(super) fn op(op: Op, ty: Type, a: &Range, b: &Range) -> Option<Range> {
        let all = Range::of_type(ty)?;
        let fits = |least: i128, most: i128, below: Vec<(Extent, i64)>| {
            let inside = least >= i128::from(all.least) && most <= i128::from(all.most);
            inside.then_some(Range { least: least as i64, most: most as i64, below })
        };
        let (al, am, bl, bm) = (i128::from(a.least), i128::from(a.most), i128::from(b.least), i128::from(b.most));
        let found = match op {
            Op::Add => {
                let below = if b.most >= a.most { b.below_by(a.most) } else { a.below_by(b.most) };
                fits(al + bl, am + bm, below)
            }
            Op::Sub => fits(al - bm, am - bl, a.below_by(b.least.checked_neg().unwrap_or(i64::MAX))),
            Op::Mul => {
                let corners = [al * bl, al * bm, am * bl, am * bm];
                fits(*corners.iter().min()?, *corners.iter().max()?, Vec::new())
            }
            Op::Neg => fits(-am, -al, Vec::new()),
            Op::Abs if a.least >= 0 => Some(a.clone()),
            Op::Min => {
                let both = a.meet(b);
                Some(Range { least: a.least.min(b.least), ..both })
            }
            Op::Max => {
                let either = a.join(b);
                Some(Range { least: a.least.max(b.least), ..either })
            }
            Op::FloorDiv if b.least >= 1 && a.least >= 0 => {
                Some(Range { least: a.least / b.most, most: a.most / b.least, below: a.below.clone() })
            }
            Op::FloorRem if b.least >= 1 => {
                let within = b.beneath(true);
                Some(Range { least: 0, ..within })
            }
            Op::And if ty != Type::Bool && (a.least >= 0 || b.least >= 0) => {
                let not_negative = [a, b].into_iter().filter(|range| range.least >= 0);
                let most = not_negative.map(|range| range.most).min()?;
                Some(Range { least: 0, most, below: Vec::new() })
            }
            Op::Shr if a.least >= 0 && b.least >= 0 => match b.is_constant() {
                Some(by) if by < 63 => Some(Range { least: a.least >> by, most: a.most >> by, below: a.below.clone() }),
                Some(_) | None => Some(Range { least: 0, most: a.most, below: a.below.clone() }),
            },
            Op::Unlikely => Some(a.clone()),
            Op::Abs | Op::FloorDiv | Op::FloorRem | Op::And | Op::Shr | Op::Or | Op::Xor | Op::Not | Op::Shl => None,
            Op::Div | Op::Sqrt | Op::Fma | Op::Floor | Op::Ceil | Op::Trunc | Op::Round | Op::Copysign => None,
            Op::Ldexp | Op::Getexp | Op::Getmant | Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Select => None,
        };
        Some(found.unwrap_or(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: Extent = (ArrayId(0), 0);

    fn between(least: i64, most: i64) -> Range {
        Range { least, most, below: Vec::new() }
    }

    #[test]
    fn what_may_wrap_is_not_known() {
        let all = Range::of_type(Type::I64).expect("a type of whole numbers");
        let one = Range::of(1);
        assert_eq!(Range::op(Op::Add, Type::I64, &between(0, i64::MAX), &one), Some(all.clone()));
        assert_eq!(Range::op(Op::Sub, Type::I64, &all, &one), Some(all));
        let bytes = Range::of_type(Type::U8);
        assert_eq!(Range::op(Op::Sub, Type::U8, &between(0, 3), &one), bytes);
        assert_eq!(Range::op(Op::Add, Type::U8, &between(0, 3), &one), Some(between(1, 4)));
    }

    #[test]
    fn extents_are_followed_through_sums() {
        let index = Range { least: 1, most: i64::MAX - 1, below: vec![(E, -1)] };
        let before = Range::op(Op::Sub, Type::I64, &index, &Range::of(1)).expect("a range");
        assert_eq!((before.least, before.below.clone()), (0, vec![(E, -2)]));
        let after = Range::op(Op::Add, Type::I64, &index, &Range::of(1)).expect("a range");
        assert!(index.is_below(E, 0) && before.is_below(E, -1) && !after.is_below(E, 0));
    }

    #[test]
    fn joined_ranges_hold_both() {
        let index = Range { least: 0, most: i64::MAX - 1, below: vec![(E, 0)] };
        assert_eq!(index.join(&Range::of(-1)).below, [(E, 0)]);
        assert_eq!(index.join(&Range::of(5)).below, [(E, 5)]);
        assert_eq!(index.join(&between(0, i64::MAX)).below, []);
    }
}
