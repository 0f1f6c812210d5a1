//! Lanes without arrays, run on the host: the scalar work between nests costs no trip to the device.
//!
//! Every value comes from `hotloop_ir::semantics`, so it has the bits of the CPU targets.

use hotloop_ir::program::Value;
use hotloop_ir::semantics::{bitcast, convert, eval};
use hotloop_ir::{ArrayId, Inst, Nest, Region, Scalar, SlotId, Stmt, Type};
use hotloop_target::FaultRecord;

/// Why a lane stops before its end.
pub(crate) enum Stop {
    Fault(FaultRecord),
    Cancelled,
}

/// What a lane reads and writes.
pub(crate) trait Slots {
    /// The value of a slot.
    fn slot(&self, slot: SlotId) -> Scalar;
    /// Writes a slot.
    fn set_slot(&mut self, slot: SlotId, value: Scalar);
    /// The extent of an array.
    fn extent(&self, array: ArrayId, axis: u32) -> i64;
    /// Whether the call is to stop.
    fn cancelled(&self) -> bool;
}

/// Whether a nest can run on the host: one point that touches no element of an array.
pub(crate) fn is_scalar(nest: &Nest) -> bool {
    let mut touches = false;
    crate::shade::params::walk(&nest.lane.body, &mut |stmt| {
        touches |= matches!(stmt, Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::Fold(..));
    });
    let loads = nest.lane.values.iter().any(|inst| matches!(inst, Inst::Load(_) | Inst::LoadAt(..)));
    nest.axes.is_empty() && nest.folds.is_empty() && !touches && !loads
}

/// Runs the one point of a nest.
pub(crate) fn run(nest: &Nest, slots: &mut dyn Slots) -> Result<(), Stop> {
    let zeros = |types: &[Type]| types.iter().map(|ty| Scalar::new(*ty, 0)).collect();
    let mut point = Point { nest, slots, values: zeros(&nest.lane.types), locals: zeros(&nest.lane.locals), turns: 0 };
    point.region(&nest.lane.body).map(|_| ())
}

/// Where execution goes on: to the next statement, or out of so many loops and perhaps on with the one after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break(u32),
    Continue(u32),
}

struct Point<'a> {
    nest: &'a Nest,
    slots: &'a mut dyn Slots,
    values: Vec<Scalar>,
    locals: Vec<Scalar>,
    turns: u32,
}

impl Point<'_> {
    fn get(&self, value: Value) -> Scalar {
        self.values[value.index()]
    }

    fn region(&mut self, region: &Region) -> Result<Flow, Stop> {
        for stmt in region {
            let flow = self.stmt(stmt)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<Flow, Stop> {
        match stmt {
            Stmt::Let(value) => self.values[value.index()] = self.compute(*value),
            Stmt::Set(local, value) => self.locals[local.index()] = self.get(*value),
            Stmt::SetSlot(slot, value) => {
                let value = self.get(*value);
                self.slots.set_slot(*slot, value);
            }
            Stmt::Check { cond, site, shows, at } => {
                if !self.get(*cond).is_true() {
                    let shows = shows.map(|value| self.get(value).as_i64());
                    let element = at.map_or(0, |at| self.get(at).as_i64());
                    return Err(Stop::Fault(FaultRecord { linear: 0, shows, element, site: site.0, reserved: 0 }));
                }
            }
            Stmt::If { cond, then, otherwise } => {
                return self.region(if self.get(*cond).is_true() { then } else { otherwise });
            }
            Stmt::For { index, start, stop, step, body } => {
                let [start, stop, step] = [start, stop, step].map(|value| self.get(*value).as_i64());
                let mut now = Some(start);
                while let Some(value) = now.filter(|now| if step > 0 { *now < stop } else { *now > stop }) {
                    self.locals[index.index()] = Scalar::i64(value);
                    if let Some(flow) = self.turn(body)? {
                        return Ok(flow);
                    }
                    now = value.checked_add(step);
                }
            }
            Stmt::Loop(body) => loop {
                if let Some(flow) = self.turn(body)? {
                    return Ok(flow);
                }
            },
            Stmt::Block(body) => {
                let flow = self.region(body)?;
                return Ok(left(flow).unwrap_or(Flow::Next));
            }
            Stmt::Break(depth) => return Ok(Flow::Break(*depth)),
            Stmt::Continue(depth) => return Ok(Flow::Continue(*depth)),
            // `is_scalar` lets no such lane through.
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::Fold(..) => {}
        }
        Ok(Flow::Next)
    }

    /// One turn of a loop; gives how execution goes on if the loop ends.
    fn turn(&mut self, body: &Region) -> Result<Option<Flow>, Stop> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(1024) && self.slots.cancelled() {
            return Err(Stop::Cancelled);
        }
        Ok(left(self.region(body)?))
    }

    fn compute(&self, value: Value) -> Scalar {
        let lane = &self.nest.lane;
        match lane.inst(value) {
            Inst::Const(scalar) => *scalar,
            Inst::Op(op, args) => eval(*op, &args.map(|arg| self.get(arg))[..op.arity()]),
            Inst::Convert(of) => convert(self.get(*of), lane.ty(value)),
            Inst::Bitcast(of) => bitcast(self.get(*of), lane.ty(value)),
            Inst::Slot(slot) => self.slots.slot(*slot),
            Inst::Local(local) => self.locals[local.index()],
            Inst::Extent(array, axis) => Scalar::i64(self.slots.extent(*array, *axis)),
            // Nests without axes have no coordinates, and `is_scalar` lets no load through.
            Inst::Axis(_) | Inst::Load(_) | Inst::LoadAt(..) => Scalar::new(lane.ty(value), 0),
        }
    }
}

/// What the end of a loop's or block's body means for it: none, it goes on.
fn left(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Next | Flow::Continue(0) => None,
        Flow::Break(0) => Some(Flow::Next),
        Flow::Break(n) => Some(Flow::Break(n - 1)),
        Flow::Continue(n) => Some(Flow::Continue(n - 1)),
    }
}
