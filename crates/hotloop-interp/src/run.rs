//! The array level: runs the steps of a program in order.

use crate::flow::{Flow, Stop, Turn, range};
use crate::memory::Memory;
use crate::nest;
use hotloop_ir::{MatMul, Program, Step};

/// A run in progress.
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Program,
    pub(crate) memory: Memory<'a>,
    turns: u32,
}

impl<'a> Run<'a> {
    /// A run that has not begun.
    pub(crate) fn new(program: &'a Program, memory: Memory<'a>) -> Run<'a> {
        Run { program, memory, turns: 0 }
    }

    /// Runs all steps.
    pub(crate) fn all(&mut self) -> Result<(), Stop> {
        self.steps(&self.program.steps).map(|_| ())
    }

    /// Counts a point or a turn of a loop, and looks at the cancel flag every 1024 of them.
    pub(crate) fn poll(&mut self) -> Result<(), Stop> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(1024) && self.memory.cancelled() {
            return Err(Stop::Cancelled);
        }
        Ok(())
    }

    fn steps(&mut self, steps: &[Step]) -> Result<Flow, Stop> {
        for step in steps {
            let flow = self.step(step)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self, step: &Step) -> Result<Flow, Stop> {
        match step {
            Step::Nest(id) => nest::run(self, self.program.nest(*id))?,
            Step::Alloc(array, extents) => self.memory.alloc(*array, extents)?,
            Step::Free(array) => self.memory.free(*array)?,
            Step::MatMul(id) => {
                let product = self.program.product(*id);
                self.check_product(product)?;
                self.memory.matmul(*id)?;
            }
            Step::If { cond, then, otherwise } => {
                return self.steps(if self.memory.slot(*cond).is_true() { then } else { otherwise });
            }
            Step::For { index, start, stop, step, body } => {
                let [start, stop, step] = [start, stop, step].map(|slot| self.memory.slot(*slot));
                for value in range(start.as_i64(), stop.as_i64(), step.as_i64())? {
                    self.memory.set_slot(*index, hotloop_ir::Scalar::i64(value));
                    if let Turn::Leave(flow) = self.turn(body)? {
                        return Ok(flow);
                    }
                }
            }
            Step::Loop(body) => loop {
                if let Turn::Leave(flow) = self.turn(body)? {
                    return Ok(flow);
                }
            },
            Step::Block(body) => return Ok(self.steps(body)?.of_block()),
            Step::Break(depth) => return Ok(Flow::Break(*depth)),
            Step::Continue(depth) => return Ok(Flow::Continue(*depth)),
        }
        Ok(Flow::Next)
    }

    /// Whether the first and the last point of a matrix product are inside its arrays; all between are then, too.
    fn check_product(&self, product: &MatMul) -> Result<(), Stop> {
        let extents: Vec<i64> = product.axes.iter().map(|axis| self.memory.whole(*axis)).collect();
        if extents.iter().any(|extent| *extent < 0) {
            return Err(Stop::broken("no extent is negative"));
        }
        if extents.contains(&0) {
            return Ok(());
        }
        let corners = [vec![0; extents.len()], extents.iter().map(|extent| extent - 1).collect()];
        for view in product.views() {
            for corner in &corners {
                let index = nest::view_index(self, view, corner);
                let inside = |(axis, at): (usize, &i64)| (0..self.memory.extent(view.array, axis)).contains(at);
                if !index.iter().enumerate().all(inside) {
                    return Err(Stop::broken("every index is inside the array"));
                }
            }
        }
        Ok(())
    }

    fn turn(&mut self, body: &[Step]) -> Result<Turn, Stop> {
        self.poll()?;
        Ok(self.steps(body)?.of_loop())
    }
}
