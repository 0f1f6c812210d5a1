//! Fuses nests: a pass over the same points as an earlier one becomes part of it, and temporaries that only carried
//! values from one to the other disappear.
//!
//! Owns the order of work and the notes. What a step touches is in `effects`, whether two nests may be one in
//! `compatible`, the joining of their lanes in `merge`, the parting of scalar code that stands between in `part`, and
//! the removal of what is stored for nobody in `unread`. Faults stay what they were: of two nests one at most can fail.

mod compatible;
mod effects;
mod merge;
mod part;
mod unread;

use effects::Effects;
use hotloop_ir::{NestId, Note, NoteKind, Program, Step};

/// How many steps before a nest are looked at.
const REACH: usize = 64;

/// Fuses in every list of steps.
pub fn run(program: &mut Program) {
    let (mut steps, nests) = (std::mem::take(&mut program.steps), program.nests.len());
    let fused = fuse_list(&mut steps, program);
    program.steps = steps;
    if program.nests.len() > nests {
        crate::unused::compact(program);
    }
    if fused {
        unread::drop_unread(program);
        crate::unused::run(program);
        crate::join::run(program);
    }
}

fn fuse_list(steps: &mut Vec<Step>, program: &mut Program) -> bool {
    let mut fused = false;
    for step in steps.iter_mut() {
        match step {
            Step::If { then, otherwise, .. } => {
                fused |= fuse_list(then, program);
                fused |= fuse_list(otherwise, program);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => fused |= fuse_list(body, program),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
    let mut second = 0;
    while second < steps.len() {
        match partner(steps, second, program) {
            Some(first) => {
                fused = true;
                second = first + 1;
            }
            None => second += 1,
        }
    }
    fused
}

/// The nest with a domain that a step runs.
fn domain(step: &Step, program: &Program) -> Option<NestId> {
    match step {
        Step::Nest(id) if !program.nest(*id).axes.is_empty() => Some(*id),
        Step::Nest(_)
        | Step::Alloc(..)
        | Step::Free(_)
        | Step::MatMul(_)
        | Step::If { .. }
        | Step::For { .. }
        | Step::Loop(_)
        | Step::Block(_)
        | Step::Break(_)
        | Step::Continue(_) => None,
    }
}

/// Fuses the nest at `second` into one before it, if there is one that fits; gives the new place of the fused nest.
fn partner(steps: &mut Vec<Step>, second: usize, program: &mut Program) -> Option<usize> {
    let later = domain(&steps[second], program)?;
    let mut nearest: Option<NoteKind> = None;
    for first in (second.saturating_sub(REACH)..second).rev() {
        if !effects::is_simple(&steps[first]) {
            break;
        }
        let Some(earlier) = domain(&steps[first], program) else { continue };
        let reason = match compatible::check(program.nest(earlier), program.nest(later), program) {
            Ok(()) => match clear_between(steps, first, second, program) {
                Some(between) => {
                    note(program, NoteKind::Fused, earlier, later);
                    merge::merge(program, earlier, later);
                    return Some(rearrange(steps, first, second, between));
                }
                None => NoteKind::StepBetween,
            },
            Err(reason) => reason,
        };
        nearest = nearest.or(Some(reason));
    }
    if let Some(reason) = nearest.filter(|reason| *reason != NoteKind::NothingShared) {
        let known = program.notes.iter().any(|note| note.nest == Some(later) && note.kind == reason);
        if !known {
            note(program, reason, later, later);
        }
    }
    None
}

fn note(program: &mut Program, kind: NoteKind, about: NestId, place: NestId) {
    let span = program.nest(place).span;
    program.notes.push(Note { kind, nest: Some(about), subject: String::new(), span });
}

/// The steps between two nests: those that go before both, and those that go behind.
struct Between {
    before: Vec<Step>,
    after: Vec<Step>,
}

/// Sorts what stands between two nests to both sides of them; none where something has to stay between.
fn clear_between(steps: &[Step], first: usize, second: usize, program: &mut Program) -> Option<Between> {
    let earlier = Effects::of(&steps[first], program);
    let later = Effects::of(&steps[second], program);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    // What has gone behind, and the first nest itself: whatever goes before the nests goes before all of these.
    let mut passed = vec![earlier];
    let mut made = Vec::new();
    for step in &steps[first + 1..second] {
        let own = Effects::of(step, program);
        if passed.iter().all(|other| own.is_independent(other)) {
            before.push(step.clone());
            continue;
        }
        let parted = part::part(step, &passed, program);
        let (head, tail) = match parted {
            Some((head, tail)) => {
                made.push((head, tail));
                (Some(Step::Nest(head)), Step::Nest(tail))
            }
            None => (None, step.clone()),
        };
        before.extend(head);
        let own = Effects::of(&tail, program);
        if own.guards || !own.is_independent(&later) {
            made.iter().for_each(|(head, tail)| part::forget(*head, *tail, program));
            return None;
        }
        passed.push(own);
        after.push(tail);
    }
    Some(Between { before, after })
}

/// Puts the fused nest between the steps that stood between the two; gives its place.
fn rearrange(steps: &mut Vec<Step>, first: usize, second: usize, between: Between) -> usize {
    let fused = steps[first].clone();
    let place = first + between.before.len();
    let replaced = between.before.into_iter().chain([fused]).chain(between.after);
    steps.splice(first..=second, replaced);
    place
}
