//! The rules of the array level.

use super::{Around, Check, ensure, in_range, same_type, slot_type};
use crate::program::{ArrayId, NestId, Program, Role, SlotId, Step};
use crate::types::Type;

/// Checks all steps. `written` holds the slots that each nest writes.
pub(super) fn check(program: &Program, written: &[Vec<SlotId>]) -> Check {
    let mut steps = Steps {
        program,
        written,
        around: Around::default(),
        fixed: vec![false; program.slots.len()],
        ran: vec![false; program.nests.len()],
        multiplied: vec![false; program.products.len()],
    };
    steps.list(&program.steps)?;
    let missing = steps.ran.iter().position(|ran| !ran);
    ensure(missing.is_none(), || format!("no step runs nest n{}", missing.unwrap_or_default()))?;
    let missing = steps.multiplied.iter().position(|ran| !ran);
    ensure(missing.is_none(), || format!("no step runs product p{}", missing.unwrap_or_default()))
}

struct Steps<'a> {
    program: &'a Program,
    written: &'a [Vec<SlotId>],
    around: Around,
    /// Whether a slot is the index of a loop around the present step.
    fixed: Vec<bool>,
    ran: Vec<bool>,
    /// Whether a step runs each product.
    multiplied: Vec<bool>,
}

impl Steps<'_> {
    fn list(&mut self, steps: &[Step]) -> Check {
        self.around.enter()?;
        for (i, step) in steps.iter().enumerate() {
            self.step(step, i + 1 == steps.len())?;
        }
        self.around.leave();
        Ok(())
    }

    fn step(&mut self, step: &Step, is_last: bool) -> Check {
        match step {
            Step::Nest(nest) => self.nest(*nest),
            Step::Alloc(array, extents) => self.alloc(*array, extents),
            Step::Free(array) => {
                in_range(array.index(), self.program.arrays.len(), || format!("array {array}"))?;
                let is_temp = self.program.array(*array).role == Role::Temp;
                ensure(is_temp, || format!("array {array} is freed, but it is no temporary"))
            }
            Step::MatMul(id) => {
                in_range(id.index(), self.program.products.len(), || format!("product {id}"))?;
                let before = std::mem::replace(&mut self.multiplied[id.index()], true);
                ensure(!before, || format!("two steps run product {id}"))
            }
            Step::If { cond, then, otherwise } => {
                same_type(slot_type(self.program, *cond)?, Type::Bool, || format!("the condition {cond}"))?;
                self.list(then)?;
                self.list(otherwise)
            }
            Step::For { index, start, stop, step, body } => {
                for slot in [index, start, stop, step] {
                    same_type(slot_type(self.program, *slot)?, Type::I64, || format!("slot {slot} of a loop"))?;
                }
                self.write(*index)?;
                self.fixed[index.index()] = true;
                self.body(body, true)?;
                self.fixed[index.index()] = false;
                Ok(())
            }
            Step::Loop(body) => self.body(body, true),
            Step::Block(body) => self.body(body, false),
            Step::Break(depth) => self.around.break_out(*depth, is_last),
            Step::Continue(depth) => self.around.continue_with(*depth, is_last),
        }
    }

    fn body(&mut self, body: &[Step], is_loop: bool) -> Check {
        self.around.loops.push(is_loop);
        self.list(body)?;
        self.around.loops.pop();
        Ok(())
    }

    fn nest(&mut self, nest: NestId) -> Check {
        in_range(nest.index(), self.program.nests.len(), || format!("nest {nest}"))?;
        let before = std::mem::replace(&mut self.ran[nest.index()], true);
        ensure(!before, || format!("two steps run nest {nest}"))?;
        self.written[nest.index()].iter().try_for_each(|slot| self.write(*slot))
    }

    fn write(&self, slot: SlotId) -> Check {
        ensure(!self.fixed[slot.index()], || format!("slot {slot} is written inside the loop that counts it"))
    }

    fn alloc(&self, array: ArrayId, extents: &[SlotId]) -> Check {
        in_range(array.index(), self.program.arrays.len(), || format!("array {array}"))?;
        let wanted = self.program.array(array);
        ensure(matches!(wanted.role, Role::Output | Role::Temp), || format!("array {array} has memory already"))?;
        ensure(extents.len() == wanted.rank as usize, || format!("array {array} is allocated with another rank"))?;
        extents
            .iter()
            .try_for_each(|slot| same_type(slot_type(self.program, *slot)?, Type::I64, || format!("the extent {slot}")))
    }
}
