//! The parameter block of a dispatch: what stands in which of its 32-bit words.
//!
//! | words | content |
//! |---|---|
//! | 0 | number of points the dispatch walks, or of pieces where it folds |
//! | 1 | the dispatch's number in its call, for fault records |
//! | 2 | points of the reduction that one result combines |
//! | 3 | blocks of such a reduction |
//! | 4 | points along the axes walked in order |
//! | 5 | the first workgroup, where a dispatch is cut |
//! | 6, 7 | zero |
//! | 8 | the piece whose partial result is the first that is bound |
//! | per axis | its extent |
//! | per view | index of the element at point 0, then the increment per axis of the nest |
//! | per array with computed indices or extents | its extents, then its strides, in elements |
//! | per slot that is read | its value: low word, high word |

use hotloop_ir::{ArrayId, Inst, Nest, Program, SlotId, Stmt, ViewId};

/// Word of the number of points or pieces.
pub(crate) const COUNT: usize = 0;
/// Word of the dispatch's number.
pub(crate) const SEQUENCE: usize = 1;
/// Word of the points that one result combines.
pub(crate) const REDUCED: usize = 2;
/// Word of the number of blocks.
pub(crate) const BLOCKS: usize = 3;
/// Word of the number of points walked in order.
pub(crate) const ORDERED: usize = 4;
/// Word of the first workgroup.
pub(crate) const FIRST_GROUP: usize = 5;
/// The first of two words that are 0.
pub(crate) const ZERO: usize = 6;
/// Word of the piece whose partial result is the first that is bound.
pub(crate) const FIRST_PARTIAL: usize = 8;
const HEADER: usize = 9;

/// Where everything stands.
#[derive(Clone, Debug)]
pub(crate) struct ParamLayout {
    axes: usize,
    views: usize,
    /// Arrays whose extents or strides are needed, with their first word.
    pub(crate) arrays: Vec<(ArrayId, usize)>,
    /// Slots that are read, with their first word.
    pub(crate) slots: Vec<(SlotId, usize)>,
    /// Number of words.
    pub(crate) words: usize,
}

impl ParamLayout {
    /// The layout for a nest.
    pub(crate) fn of(program: &Program, nest: &Nest) -> ParamLayout {
        let axes = nest.axes.len();
        let mut words = HEADER + axes + nest.views.len() * (1 + axes);
        let (mut arrays, mut slots) = (Vec::new(), Vec::new());
        for inst in &nest.lane.values {
            match inst {
                Inst::LoadAt(array, _) | Inst::Extent(array, _) => arrays.push(*array),
                Inst::Slot(slot) => slots.push(*slot),
                Inst::Const(_)
                | Inst::Op(..)
                | Inst::Convert(_)
                | Inst::Bitcast(_)
                | Inst::Axis(_)
                | Inst::Local(_)
                | Inst::Load(_) => {}
            }
        }
        walk(&nest.lane.body, &mut |stmt| {
            if let Stmt::StoreAt(array, ..) = stmt {
                arrays.push(*array);
            }
        });
        let arrays = place(arrays, &mut words, |array| 2 * program.array(*array).rank as usize);
        let slots = place(slots, &mut words, |_| 2);
        ParamLayout { axes, views: nest.views.len(), arrays, slots, words }
    }

    /// Word of an axis' extent.
    pub(crate) fn axis(&self, axis: usize) -> usize {
        HEADER + axis
    }

    /// Word of the index a view has at point 0; the increments per axis follow.
    pub(crate) fn view(&self, view: ViewId) -> usize {
        debug_assert!(view.index() < self.views);
        HEADER + self.axes + view.index() * (1 + self.axes)
    }

    /// First word of an array's extents; its strides follow.
    pub(crate) fn array(&self, array: ArrayId) -> Option<usize> {
        self.arrays.iter().find(|(known, _)| *known == array).map(|(_, word)| *word)
    }

    /// First word of a slot's value.
    pub(crate) fn slot(&self, slot: SlotId) -> Option<usize> {
        self.slots.iter().find(|(known, _)| *known == slot).map(|(_, word)| *word)
    }
}

fn place<T: Copy + Ord>(mut list: Vec<T>, words: &mut usize, size: impl Fn(&T) -> usize) -> Vec<(T, usize)> {
    list.sort_unstable();
    list.dedup();
    let placed = list.into_iter().map(|item| {
        let word = *words;
        *words += size(&item);
        (item, word)
    });
    placed.collect()
}

/// Calls `f` for every statement, those inside others included.
pub(crate) fn walk<'a>(region: &'a [Stmt], f: &mut dyn FnMut(&'a Stmt)) {
    for stmt in region {
        f(stmt);
        for inner in stmt.regions() {
            walk(inner, f);
        }
    }
}
