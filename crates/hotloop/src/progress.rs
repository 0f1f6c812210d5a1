//! `Progress`: how far a running call is, for whoever waits for it.
//!
//! Loops between nests count in slots, and slots stand in the frame, where another thread may look; a nest whose tiles
//! are handed out counts them. So a call that is watched costs nothing but that its nests come in pieces. What counts in
//! registers, a loop inside one lane, cannot be seen. One of the files with `unsafe`: it reads the frame of a running call.

use crate::call::Compiled;
use crate::plan::Plan;
use hotloop_ir::{Program, Step};
use hotloop_target::FrameLayout;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// How far a call is. Give it to one call at a time; clones are the same.
///
/// ```
/// use hotloop::{Call, Engine, Progress, args};
/// let kernel = Engine::new().load("kernel k(n: i64) { var x = zeros(3); for i in range(n) { x = x + 1 }; sum(x) }")?;
/// let progress = Progress::new();
/// assert_eq!(progress.fraction(), None);
/// let call = Call::new().progress(&progress);
/// assert_eq!(kernel.kernel("k")?.call_with(&args![5i64], &call)?.scalar::<f64>()?, 15.0);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    watched: Mutex<Option<Watched>>,
    /// One more than the nest at work; 0 before the first.
    nest: AtomicUsize,
    done: AtomicI64,
    tiles: AtomicI64,
}

/// A call that runs.
struct Watched {
    frame: *const u64,
    compiled: Arc<Compiled>,
}

// SAFETY: the frame is only read, atomically, and taken out of its place, under the lock, before it goes away.
unsafe impl Send for Watched {}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watched").field(&self.compiled.plan.kernel).finish()
    }
}

/// A part of a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// A nest whose tiles may be handed out.
    Nest(usize),
    /// A counted loop over steps: the words of its index and its bounds, and the nests inside.
    Counted { index: usize, start: usize, stop: usize, step: usize, nests: Vec<usize> },
    /// Something that may take long and does not say how long.
    Open,
}

impl Part {
    /// The parts of a program.
    pub(crate) fn all(program: &Program, layout: &FrameLayout) -> Vec<Part> {
        let mut parts = Vec::new();
        for step in &program.steps {
            collect(program, layout, step, &mut parts);
        }
        parts
    }
}

fn collect(program: &Program, layout: &FrameLayout, step: &Step, parts: &mut Vec<Part>) {
    match step {
        Step::Nest(nest) if program.nest(*nest).schedule.threads => parts.push(Part::Nest(nest.index())),
        Step::For { index, start, stop, step, body } => {
            let mut inside = Vec::new();
            body.iter().for_each(|step| collect(program, layout, step, &mut inside));
            let nests = inside.into_iter().flat_map(|part| match part {
                Part::Nest(nest) => vec![nest],
                Part::Counted { nests, .. } => nests,
                Part::Open => Vec::new(),
            });
            let [index, start, stop, step] = [*index, *start, *stop, *step].map(|slot| layout.slot(slot));
            parts.push(Part::Counted { index, start, stop, step, nests: nests.collect() });
        }
        Step::If { then, otherwise, .. } => {
            then.iter().chain(otherwise).for_each(|step| collect(program, layout, step, parts));
        }
        Step::Block(body) => body.iter().for_each(|step| collect(program, layout, step, parts)),
        Step::Loop(_) | Step::MatMul(_) => parts.push(Part::Open),
        Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::Break(_) | Step::Continue(_) => {}
    }
}

impl Progress {
    /// Of a call to come.
    pub fn new() -> Progress {
        Progress::default()
    }

    /// The part that is done, from 0 to 1; none where nothing is running or nothing tells. It need not grow evenly, and
    /// can go back a little when more work turns up.
    pub fn fraction(&self) -> Option<f64> {
        let watched = self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = watched.as_ref()?;
        // SAFETY: the frame lives while it is in its place, the words of a plan are in it, and whoever else writes them
        // does so by single stores of machine code or atomically.
        let word = |at: usize| unsafe { AtomicU64::from_ptr(watched.frame.add(at).cast_mut()).load(Relaxed) };
        let tiles = self.shared.tiles.load(Relaxed).max(1);
        let at = Current {
            nest: self.shared.nest.load(Relaxed).checked_sub(1),
            share: (self.shared.done.load(Relaxed) as f64 / tiles as f64).clamp(0.0, 1.0),
        };
        fraction(&watched.compiled.plan, &at, word)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    /// Lets others look at a frame for as long as the guard lives.
    ///
    /// # Safety
    /// The frame is of this kernel and filled, nobody writes its slots but machine code and atomic stores, and it
    /// outlives the guard.
    pub(crate) unsafe fn watch(self: &Arc<Shared>, frame: *const u64, compiled: Arc<Compiled>) -> Guard {
        self.nest.store(0, Relaxed);
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(Watched { frame, compiled });
        Guard(self.clone())
    }

    /// A nest begins.
    pub(crate) fn begin(&self, nest: usize, tiles: i64) {
        self.done.store(0, Relaxed);
        self.tiles.store(tiles, Relaxed);
        self.nest.store(nest + 1, Relaxed);
    }

    /// Tiles of it are done.
    pub(crate) fn advance(&self, tiles: i64) {
        self.done.fetch_add(tiles, Relaxed);
    }
}

/// Ends the watch.
pub(crate) struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        *self.0.watched.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Where a call is.
struct Current {
    nest: Option<usize>,
    /// The part of the nest that is done.
    share: f64,
}

/// The done part of a call, by what its parts are estimated to cost.
fn fraction(plan: &Plan, at: &Current, word: impl Fn(usize) -> u64) -> Option<f64> {
    let here = at.nest.and_then(|nest| plan.way.iter().position(|part| part.has(nest)));
    let (mut total, mut done, mut tells) = (0.0, 0.0, here.is_some());
    for (number, part) in plan.way.iter().enumerate() {
        let cost = |nest: usize| plan.work(nest, &word);
        let (cost, share) = match part {
            Part::Open => return None,
            Part::Nest(nest) => (cost(*nest), if here == Some(number) { at.share } else { 0.0 }),
            Part::Counted { index, start, stop, step, nests } => {
                let [index, start, stop, step] = [*index, *start, *stop, *step].map(|at| word(at) as i64 as f64);
                // A loop that is still to come, however long, makes what one nest before it has done say nothing.
                if step == 0.0 && here.is_some_and(|here| here < number && matches!(plan.way[here], Part::Nest(_))) {
                    return None;
                }
                let turns = if step == 0.0 { 0.0 } else { ((stop - start) / step).ceil().max(0.0) };
                // Before the first turn the words are 0, some of them earlier than others, which says nothing.
                let share = if index == 0.0 || turns == 0.0 { 0.0 } else { (index - start) / step / turns };
                (turns * nests.iter().map(|nest| cost(*nest)).sum::<f64>().max(1.0), share)
            }
        };
        let share = if here.is_some_and(|here| number < here) { 1.0 } else { share.clamp(0.0, 1.0) };
        tells |= share > 0.0;
        total += cost.max(1.0);
        done += cost.max(1.0) * share;
    }
    (tells && total > 0.0).then_some(done / total)
}

impl Part {
    fn has(&self, nest: usize) -> bool {
        match self {
            Part::Nest(other) => *other == nest,
            Part::Counted { nests, .. } => nests.contains(&nest),
            Part::Open => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Current, Part, fraction};
    use crate::cost::{Cost, Term};
    use crate::plan::{ExtentPlan, NestPlan, Plan};

    fn plan(way: Vec<Part>) -> Plan {
        let nest = |extent| NestPlan { extents: vec![ExtentPlan::Const(extent)], cost: Cost(vec![Term::Number(1.0)]) };
        Plan {
            kernel: "k".to_owned(),
            words: 8,
            params: Vec::new(),
            results: Vec::new(),
            arrays: Vec::new(),
            nests: vec![nest(100), nest(300)],
            products: Vec::new(),
            sites: Vec::new(),
            way,
            writes_params: false,
        }
    }

    fn counted(nests: Vec<usize>) -> Part {
        Part::Counted { index: 0, start: 1, stop: 2, step: 3, nests }
    }

    #[test]
    fn nests_count_by_their_cost() {
        let plan = plan(vec![Part::Nest(0), Part::Nest(1)]);
        let at = |nest, share| fraction(&plan, &Current { nest, share }, |_| 0);
        assert_eq!(at(None, 0.0), None, "nothing has begun");
        assert_eq!((at(Some(0), 0.5), at(Some(1), 0.0), at(Some(1), 1.0)), (Some(0.125), Some(0.25), Some(1.0)));
    }

    #[test]
    fn loops_count_their_turns() {
        let plan = plan(vec![Part::Nest(0), counted(vec![1])]);
        let words = |words: [i64; 4]| move |at: usize| words[at] as u64;
        let at = Current { nest: Some(1), share: 0.5 };
        assert_eq!(fraction(&plan, &at, words([5, 0, 10, 1])), Some((100.0 + 5.0 * 300.0) / 3100.0));
        assert_eq!(fraction(&plan, &at, words([6, 10, 0, -2])), Some((100.0 + 2.0 * 300.0) / 1600.0));
        assert_eq!(fraction(&plan, &at, words([0, 0, 0, 0])), Some(100.0 / 101.0));
        let before = Current { nest: Some(0), share: 0.5 };
        assert_eq!(fraction(&plan, &before, words([0, 0, 0, 0])), None, "the loop has no bounds yet");
        assert_eq!(fraction(&plan, &before, words([0, 0, 10, 1])), Some(50.0 / 3100.0));
        let alone = self::plan(vec![counted(Vec::new())]);
        let nowhere = Current { nest: None, share: 0.0 };
        assert_eq!(fraction(&alone, &nowhere, words([3, 0, 4, 1])), Some(0.75));
        assert_eq!(fraction(&alone, &nowhere, words([0, 0, 4, 1])), None);
        assert_eq!(fraction(&alone, &nowhere, words([3, 0, 9, 0])), None);
        assert_eq!(fraction(&alone, &nowhere, words([i64::MIN, i64::MAX, i64::MIN, 0])), None, "whatever stands there");
    }

    #[test]
    fn what_does_not_tell_makes_the_whole_unknown() {
        let plan = plan(vec![Part::Nest(0), Part::Open]);
        assert_eq!(fraction(&plan, &Current { nest: Some(0), share: 0.5 }, |_| 0), None);
    }
}
