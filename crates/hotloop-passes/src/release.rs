//! Gives temporaries back behind their last use, so that those that come later take their memory.
//!
//! A temporary belongs to the innermost list of steps that holds all its uses; its life ends behind the last step there
//! that touches it, branches and loops as a whole. Only where memory is asked for afterwards does that matter, so
//! nothing else is given back before the call ends. Owns the `Free` steps; what they do belongs to the host.

use hotloop_ir::{ArrayId, Inst, Nest, Program, Role, Step, Stmt};
use rustc_hash::{FxHashMap, FxHashSet};

/// Adds the `Free` steps.
pub fn run(program: &mut Program) {
    let mut steps = std::mem::take(&mut program.steps);
    let mut all = Uses::default();
    steps.iter().for_each(|step| count(step, program, &mut all));
    Lives { program, all, owned: FxHashSet::default() }.release(&mut steps, Around { more: false, again: false });
    program.steps = steps;
}

/// How many steps touch each array.
type Uses = FxHashMap<ArrayId, usize>;

struct Lives<'a> {
    program: &'a Program,
    all: Uses,
    /// Arrays that a list already done owns.
    owned: FxHashSet<ArrayId>,
}

/// What stands around a list.
#[derive(Clone, Copy)]
struct Around {
    /// Whether memory may be asked for after it.
    more: bool,
    /// Whether it may run again, so that what it finds in an array may come from the turn before.
    again: bool,
}

impl Lives<'_> {
    /// Works on one list and those inside it; gives the uses in it.
    fn release(&mut self, steps: &mut Vec<Step>, around: Around) -> Uses {
        let asks: Vec<bool> = steps.iter().map(asks_for_memory).collect();
        let asked_after = |at: usize| around.more || asks[at + 1..].contains(&true);
        let mut uses = Uses::default();
        let mut lives: FxHashMap<ArrayId, (usize, usize)> = FxHashMap::default();
        for (at, step) in steps.iter_mut().enumerate() {
            let own = self.within(step, Around { more: asked_after(at), ..around });
            for (array, more) in own {
                *uses.entry(array).or_default() += more;
                lives.entry(array).or_insert((at, at)).1 = at;
            }
        }
        lives.retain(|id, _| self.all[id] == uses[id] && self.owned.insert(*id));
        lives.retain(|id, (first, last)| {
            let fresh = !around.again || matches!(&steps[*first], Step::Alloc(array, _) if array == id);
            self.program.array(*id).role == Role::Temp && fresh && asked_after(*last)
        });
        let mut ends: Vec<(usize, ArrayId)> = lives.into_iter().map(|(id, (_, last))| (last, id)).collect();
        ends.sort_unstable();
        for (at, array) in ends.into_iter().rev() {
            steps.insert(at + 1, Step::Free(array));
        }
        uses
    }

    /// The uses in a step; lists inside it are worked on.
    fn within(&mut self, step: &mut Step, around: Around) -> Uses {
        match step {
            Step::If { then, otherwise, .. } => {
                let mut both = self.release(then, around);
                for (array, uses) in self.release(otherwise, around) {
                    *both.entry(array).or_default() += uses;
                }
                both
            }
            // In the next turn another array may ask for memory.
            Step::For { body, .. } | Step::Loop(body) => {
                let more = around.more || body.iter().map(requests).sum::<usize>() > 1;
                self.release(body, Around { more, again: true })
            }
            Step::Block(body) => self.release(body, around),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {
                let mut uses = Uses::default();
                count(step, self.program, &mut uses);
                uses
            }
        }
    }
}

fn asks_for_memory(step: &Step) -> bool {
    requests(step) > 0
}

/// How many steps ask for memory.
fn requests(step: &Step) -> usize {
    match step {
        Step::Alloc(..) => 1,
        Step::If { then, otherwise, .. } => then.iter().chain(otherwise).map(requests).sum(),
        Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => body.iter().map(requests).sum(),
        Step::Nest(_) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => 0,
    }
}

/// Counts the steps that touch arrays, those in lists too.
fn count(step: &Step, program: &Program, uses: &mut Uses) {
    let arrays: FxHashSet<ArrayId> = match step {
        Step::Nest(id) => of_nest(program.nest(*id)),
        Step::Alloc(array, _) | Step::Free(array) => FxHashSet::from_iter([*array]),
        Step::MatMul(id) => FxHashSet::from_iter(program.product(*id).views().map(|view| view.array)),
        Step::If { then, otherwise, .. } => {
            then.iter().chain(otherwise).for_each(|step| count(step, program, uses));
            return;
        }
        Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => {
            body.iter().for_each(|step| count(step, program, uses));
            return;
        }
        Step::Break(_) | Step::Continue(_) => return,
    };
    arrays.into_iter().for_each(|array| *uses.entry(array).or_default() += 1);
}

fn of_nest(nest: &Nest) -> FxHashSet<ArrayId> {
    let mut arrays: FxHashSet<ArrayId> = nest.views.iter().map(|view| view.array).collect();
    for inst in &nest.lane.values {
        if let Inst::LoadAt(array, _) | Inst::Extent(array, _) = inst {
            arrays.insert(*array);
        }
    }
    stored_at(&nest.lane.body, &mut arrays);
    arrays
}

fn stored_at(region: &[Stmt], arrays: &mut FxHashSet<ArrayId>) {
    for stmt in region {
        if let Stmt::StoreAt(array, ..) = stmt {
            arrays.insert(*array);
        }
        stmt.regions().into_iter().for_each(|inner| stored_at(inner, arrays));
    }
}
