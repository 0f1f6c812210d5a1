//! Whether an array expression that is read at several places beside each other is computed at each of them or stored
//! first.
//!
//! A reader of one place more computes the expression once more for each element; storing it writes each element once
//! and reads it back from a cache, but needs memory of its own. Owns the bound and the notes that tell the decision.

use super::Lower;
use super::node::{NodeId, NodeKind, Sel};
use hotloop_ir::{Note, NoteKind};
use hotloop_source::Span;

/// Ops for each element, beyond those of the first place, from which on storing is better. Where arrays fit a cache it
/// pays from about five on, where they do not the new memory costs as much as dozens.
const MOST_AGAIN: u32 = 8;
/// Places of one node that are told apart.
const MOST_PLACES: usize = 64;

impl<'h> Lower<'h> {
    /// Says that a delayed node is about to be read through a selection. With others before it, that may be reason
    /// to store the node.
    pub fn read_beside(&mut self, node: NodeId, sels: &[Sel], subject: &str, span: Span) {
        if matches!(self.node(node).kind, NodeKind::Source(..)) {
            return;
        }
        let edges = self.node(node).edges as usize;
        let (readers, places) = self.places.entry(node).or_default();
        *readers += 1;
        if places.len() < MOST_PLACES && !places.iter().any(|known| known == sels) {
            places.push(sels.to_vec());
        }
        // Every reader through a selection holds the node; whoever else does reads it where it is.
        let ways = places.len() + usize::from(edges > *readers);
        self.read_at_places(node, ways, subject, span);
    }

    /// Decides for a delayed node that is read at so many places.
    pub fn read_at_places(&mut self, node: NodeId, places: usize, subject: &str, span: Span) {
        let cost = self.cost(node);
        if places < 2 || cost == 0 || matches!(self.node(node).kind, NodeKind::Source(..)) {
            return;
        }
        let again = cost.saturating_mul(places as u32 - 1);
        let kind = if again > MOST_AGAIN { NoteKind::Stored } else { NoteKind::Recomputed };
        let span = self.place(span);
        let note = Note { kind, nest: None, subject: subject.to_owned(), span };
        if kind == NoteKind::Stored {
            self.materialize(node);
            // What was said of fewer places does not hold any more.
            let kept = self.recomputed.remove(&node);
            self.program.notes.retain(|other| Some(other) != kept.as_ref());
        } else if self.recomputed.insert(node, note.clone()).is_some() {
            // It was said before; only the first place is told.
            return;
        }
        if !self.program.notes.contains(&note) {
            self.program.notes.push(note);
        }
    }
}
