//! The array level: runs the steps of a program in order.

use crate::flow::{Flow, Stop, Turn, range};
use crate::memory::Memory;
use crate::nest;
use hotloop_ir::{Program, Step};

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

    fn turn(&mut self, body: &[Step]) -> Result<Turn, Stop> {
        self.poll()?;
        Ok(self.steps(body)?.of_loop())
    }
}
