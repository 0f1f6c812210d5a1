//! Notes: what passes did to a program and what they could not do, as data for people who ask why.
//!
//! Notes change no code and are no part of what decides it. One table holds the kinds with their words in the text form
//! and a sentence each; how a note is shown belongs to whoever shows it.

use crate::program::NestId;
use hotloop_source::Span;

macro_rules! kinds {
    ($($variant:ident $word:literal $sentence:literal;)*) => {
        /// What a note tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum NoteKind {
            $(#[doc = $sentence] $variant,)*
        }

        impl NoteKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [NoteKind] = &[$(NoteKind::$variant),*];

            /// The word in the printed IR.
            pub const fn name(self) -> &'static str {
                match self { $(NoteKind::$variant => $word,)* }
            }

            /// The sentence for people; the note's subject is what it is about.
            pub const fn sentence(self) -> &'static str {
                match self { $(NoteKind::$variant => $sentence,)* }
            }

            /// The kind with this word.
            pub fn from_name(name: &str) -> Option<NoteKind> {
                NoteKind::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

kinds! {
    Fused "fused" "another pass over the same elements was made part of this one";
    Forwarded "forwarded" "its elements are used as they are computed and never stored";
    Recomputed "recomputed" "computed again for each of its neighbors that is read: that is cheaper than storing it";
    Stored "stored" "stored before its neighbors are read: computing it again for each of them would cost more";
    OtherDomain "other_domain" "not fused with the pass before it: the two run over different elements";
    OtherFolds "other_folds" "not fused with the pass before it: the two reduce different axes";
    OtherElement "other_element" "not fused with the pass before it: it needs other elements of what that one writes";
    NeedsResult "needs_result" "not fused with the pass before it: it needs a result that is known only at the end of that one";
    StepBetween "step_between" "not fused with the pass before it: something between the two has to happen first";
    MayFail "may_fail" "not fused with the pass before it: one of the two may fail, and where has to be found first";
    TooLarge "too_large" "not fused with the pass before it: together they would be too long for the registers";
    NothingShared "nothing_shared" "not fused with the pass before it: they have no array in common";
    InOrder "in_order" "one point at a time on one thread: each point needs the one before";
    StoreThenCheck "store_then_check" "one point at a time: something is stored before an element that may fail";
    Lists "lists" "one point at a time: a loop of each point looks up elements in a list of its own";
    ShortRows "short_rows" "takes the place of the pass before it where rows have few elements: lanes lie across the rows";
    FoldWithCheck "fold_with_check" "one point at a time: a reduction whose elements may fail";
    FoldOrder "fold_order" "one point at a time: reduced and kept axes alternate";
    TurnsTogether "turns_together" "several turns of this loop are computed together";
    TurnsElement "turns_element" "one turn at a time: it may need an element that an earlier turn of this loop stores";
    TurnsVariable "turns_variable" "one turn at a time: it needs what a variable was given in the turn before";
    TurnsOrder "turns_order" "one turn at a time: floats are added up in the order of this loop; `sum` and `prange` group them";
    TurnsBranch "turns_branch" "one turn at a time: the turns of this loop take different ways";
    TurnsCheck "turns_check" "one turn at a time: an index is checked in each turn of this loop";
    TurnsEnd "turns_end" "one turn at a time: a condition ends this loop, not a count";
    TurnsStep "turns_step" "one turn at a time: this loop counts by another step than 1";
    TurnsGain "turns_gain" "one turn at a time: vectors would gain nothing in this loop";
}

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// What it tells.
    pub kind: NoteKind,
    /// The nest it is about, if there still is one.
    pub nest: Option<NestId>,
    /// The array it is about, as the user wrote it; empty if none.
    pub subject: String,
    /// The place in the source it is about.
    pub span: Span,
}
