//! The element level: runs the code of a lane for one point, statement by statement, every value through `semantics`.

use crate::flow::{Flow, Stop, Turn, range};
use crate::nest::{Folds, coordinates, view_index};
use crate::run::Run;
use hotloop_ir::program::{Local, Value};
use hotloop_ir::semantics::{bitcast, convert, eval};
use hotloop_ir::{Inst, Nest, Region, Scalar, Stmt, Type};
use hotloop_target::FaultRecord;

/// A point of a nest and what its lane has computed so far. One serves all points in turn.
pub(crate) struct Point<'a> {
    nest: &'a Nest,
    values: Vec<Scalar>,
    locals: Vec<Scalar>,
    coords: Vec<i64>,
    linear: i64,
}

impl<'a> Point<'a> {
    /// Room for the values of a lane.
    pub(crate) fn new(nest: &'a Nest) -> Point<'a> {
        let zeros = |types: &[Type]| types.iter().map(|ty| Scalar::new(*ty, 0)).collect();
        Point {
            nest,
            values: zeros(&nest.lane.types),
            locals: zeros(&nest.lane.locals),
            coords: vec![0; nest.axes.len()],
            linear: 0,
        }
    }

    /// Goes to a point: locals are zero again. Values need no reset, for each is computed before it is used.
    pub(crate) fn place(&mut self, linear: i64, extents: &[i64]) {
        self.linear = linear;
        coordinates(linear, extents, &mut self.coords);
        self.locals.iter_mut().for_each(|local| local.bits = 0);
    }

    /// Runs the lane.
    pub(crate) fn run(&mut self, run: &mut Run<'_>, folds: &mut Folds<'_>) -> Result<(), Stop> {
        let nest = self.nest;
        self.region(run, folds, &nest.lane.body).map(|_| ())
    }

    fn region(&mut self, run: &mut Run<'_>, folds: &mut Folds<'_>, region: &Region) -> Result<Flow, Stop> {
        for stmt in region {
            let flow = self.stmt(run, folds, stmt)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, run: &mut Run<'_>, folds: &mut Folds<'_>, stmt: &Stmt) -> Result<Flow, Stop> {
        match stmt {
            Stmt::Let(value) => self.values[value.index()] = self.compute(run, *value)?,
            Stmt::Set(local, value) => self.set(*local, self.get(*value)),
            Stmt::Store(view, value) => {
                let view = &self.nest.views[view.index()];
                let index = view_index(run, view, &self.coords);
                run.memory.store(view.array, &index, self.get(*value))?;
            }
            Stmt::StoreAt(array, index, value) => run.memory.store(*array, &self.index(index), self.get(*value))?,
            Stmt::SetSlot(slot, value) => run.memory.set_slot(*slot, self.get(*value)),
            Stmt::Fold(id, value) => folds.push(run, *id, &self.coords, self.get(*value))?,
            Stmt::Check { cond, site, shows, at } => {
                if !self.get(*cond).is_true() {
                    let shows = shows.map(|value| self.get(value).as_i64());
                    let linear = self.linear;
                    let element = at.map_or(linear, |at| self.get(at).as_i64());
                    return Err(Stop::Fault(FaultRecord { linear, shows, element, site: site.0, reserved: 0 }));
                }
            }
            Stmt::If { cond, then, otherwise } => {
                return self.region(run, folds, if self.get(*cond).is_true() { then } else { otherwise });
            }
            Stmt::For { index, start, stop, step, body } => {
                let [start, stop, step] = [start, stop, step].map(|value| self.get(*value).as_i64());
                for value in range(start, stop, step)? {
                    self.set(*index, Scalar::i64(value));
                    if let Turn::Leave(flow) = self.turn(run, folds, body)? {
                        return Ok(flow);
                    }
                }
            }
            Stmt::Loop(body) => loop {
                if let Turn::Leave(flow) = self.turn(run, folds, body)? {
                    return Ok(flow);
                }
            },
            Stmt::Block(body) => return Ok(self.region(run, folds, body)?.of_block()),
            Stmt::Break(depth) => return Ok(Flow::Break(*depth)),
            Stmt::Continue(depth) => return Ok(Flow::Continue(*depth)),
        }
        Ok(Flow::Next)
    }

    fn turn(&mut self, run: &mut Run<'_>, folds: &mut Folds<'_>, body: &Region) -> Result<Turn, Stop> {
        run.poll()?;
        Ok(self.region(run, folds, body)?.of_loop())
    }

    fn compute(&self, run: &Run<'_>, value: Value) -> Result<Scalar, Stop> {
        let lane = &self.nest.lane;
        Ok(match lane.inst(value) {
            Inst::Const(scalar) => *scalar,
            Inst::Op(op, args) => eval(*op, &args.map(|arg| self.get(arg))[..op.arity()]),
            Inst::Convert(of) => convert(self.get(*of), lane.ty(value)),
            Inst::Bitcast(of) => bitcast(self.get(*of), lane.ty(value)),
            Inst::Axis(axis) => Scalar::i64(self.coords[*axis as usize]),
            Inst::Slot(slot) => run.memory.slot(*slot),
            Inst::Local(local) => self.locals[local.index()],
            Inst::Load(view) => {
                let view = &self.nest.views[view.index()];
                run.memory.load(view.array, &view_index(run, view, &self.coords))?
            }
            Inst::LoadAt(array, index) => run.memory.load(*array, &self.index(index))?,
            Inst::Extent(array, axis) => Scalar::i64(run.memory.extent(*array, *axis as usize)),
        })
    }

    fn index(&self, values: &[Value]) -> Vec<i64> {
        values.iter().map(|value| self.get(*value).as_i64()).collect()
    }

    fn get(&self, value: Value) -> Scalar {
        self.values[value.index()]
    }

    fn set(&mut self, local: Local, value: Scalar) {
        self.locals[local.index()] = value;
    }
}
