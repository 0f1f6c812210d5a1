//! Indices in a counted loop as sums, and how many turns two of them are apart. What is done about it is
//! `together` and `carry`.

use hotloop_ir::{Inst, Lane, Local, Op, Type, Value};
use rustc_hash::FxHashSet;

/// How deep an index expression is followed.
const MAX_STEPS: u32 = 16;

/// `factor * counter + Σ by * value + constant`, where the values do not change in the loop. Equal sums are equal numbers,
/// also where they wrap; indices that are in bounds differ by as much as their sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    pub(crate) factor: i64,
    values: Vec<(Value, i64)>,
    constant: i64,
}

/// When two accesses touch the same element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Apart {
    /// Never.
    Never,
    /// The second one touches in a turn what the first one touches so many turns later.
    Turns(i64),
    /// It is not known.
    Unknown,
}

impl Index {
    /// The sum that an index is; none if it is no sum.
    pub(crate) fn of(value: Value, counter: Local, lane: &Lane, inside: &FxHashSet<Value>) -> Option<Index> {
        Index::within(value, counter, lane, inside, MAX_STEPS)
    }

    fn within(value: Value, counter: Local, lane: &Lane, inside: &FxHashSet<Value>, steps: u32) -> Option<Index> {
        let steps = steps.checked_sub(1)?;
        let of = |value: Value| Index::within(value, counter, lane, inside, steps);
        match *lane.inst(value) {
            Inst::Const(scalar) if lane.ty(value) == Type::I64 => {
                Some(Index { constant: scalar.as_i64(), ..Index::default() })
            }
            Inst::Local(local) if local == counter => Some(Index { factor: 1, ..Index::default() }),
            Inst::Op(Op::Add, [a, b, _]) => of(a)?.plus(&of(b)?, 1),
            Inst::Op(Op::Sub, [a, b, _]) => of(a)?.plus(&of(b)?, -1),
            Inst::Op(Op::Neg, [a, ..]) => Index::default().plus(&of(a)?, -1),
            Inst::Op(Op::Mul, [a, b, _]) => match (of(a).and_then(|a| a.literal()), of(b).and_then(|b| b.literal())) {
                (Some(by), _) => Index::default().plus(&of(b)?, by),
                (None, Some(by)) => Index::default().plus(&of(a)?, by),
                (None, None) => Index::fixed(value, inside),
            },
            Inst::Const(_) | Inst::Local(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => {
                Index::fixed(value, inside)
            }
            Inst::Axis(_) | Inst::Slot(_) | Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => {
                Index::fixed(value, inside)
            }
        }
    }

    fn fixed(value: Value, inside: &FxHashSet<Value>) -> Option<Index> {
        (!inside.contains(&value)).then(|| Index { values: vec![(value, 1)], ..Index::default() })
    }

    /// Whether it is the counter itself.
    pub(crate) fn is_counter(&self) -> bool {
        self.factor == 1 && self.values.is_empty() && self.constant == 0
    }

    /// What does not change in the loop, each times its factor.
    pub(crate) fn terms(&self) -> &[(Value, i64)] {
        &self.values
    }

    fn literal(&self) -> Option<i64> {
        (self.factor == 0 && self.values.is_empty()).then_some(self.constant)
    }

    /// `self + by * other`; none on overflow.
    fn plus(&self, other: &Index, by: i64) -> Option<Index> {
        let mut sum = self.clone();
        sum.factor = sum.factor.checked_add(other.factor.checked_mul(by)?)?;
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(by)?)?;
        for &(value, times) in &other.values {
            let times = times.checked_mul(by)?;
            match sum.values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, whole)) => *whole = whole.checked_add(times)?,
                None => sum.values.push((value, times)),
            }
        }
        sum.values.retain(|(_, times)| *times != 0);
        sum.values.sort_unstable();
        Some(sum)
    }
}

/// When two accesses to one array touch the same element.
pub(crate) fn apart(first: &[Index], second: &[Index]) -> Apart {
    let mut turns = None;
    for (one, other) in first.iter().zip(second) {
        if one.factor != other.factor || one.values != other.values {
            continue;
        }
        let Some(difference) = other.constant.checked_sub(one.constant) else { continue };
        if one.factor == 0 {
            if difference != 0 {
                return Apart::Never;
            }
        } else {
            let by = difference / one.factor;
            if difference % one.factor != 0 || turns.is_some_and(|turns| turns != by) {
                return Apart::Never;
            }
            turns = Some(by);
        }
    }
    turns.map_or(Apart::Unknown, Apart::Turns)
}
