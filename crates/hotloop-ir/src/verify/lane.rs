//! The rules of lanes: values, their types and scopes, statements and control flow.

use super::{Around, Check, VerifyError, ensure, error, in_range, nest::writable, same_type, slot_type};
use crate::ops::Op;
use crate::program::{ArrayId, FoldId, Inst, Lane, Local, Nest, Program, Region, SlotId, Stmt, Value, ViewId};
use crate::types::Type;

/// Checks a lane, and gives the slots that it sets.
pub(super) fn check(program: &Program, nest: &Nest) -> Result<Vec<SlotId>, VerifyError> {
    let lane = &nest.lane;
    ensure(lane.types.len() == lane.values.len(), || "the values and their types are not equally many".into())?;
    let complex = lane.types.iter().chain(&lane.locals).any(|ty| ty.is_complex());
    ensure(!complex, || "a value or a local is complex".into())?;
    let mut walk = Walk {
        program,
        nest,
        lane,
        around: Around::default(),
        computed: vec![State::No; lane.values.len()],
        counting: vec![false; lane.locals.len()],
        folded: vec![false; nest.folds.len()],
        set: Vec::new(),
    };
    walk.region(&lane.body)?;
    let missing = walk.folded.iter().position(|folded| !folded);
    ensure(missing.is_none(), || format!("fold r{} is given no value", missing.unwrap_or_default()))?;
    Ok(walk.set)
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not computed yet.
    No,
    /// Computed, and the present statement can use it.
    InScope,
    /// Computed in a region that has ended.
    Gone,
}

struct Walk<'a> {
    program: &'a Program,
    nest: &'a Nest,
    lane: &'a Lane,
    around: Around,
    computed: Vec<State>,
    /// Whether a local is the index of a loop around the present statement.
    counting: Vec<bool>,
    folded: Vec<bool>,
    set: Vec<SlotId>,
}

impl Walk<'_> {
    fn region(&mut self, region: &Region) -> Check {
        self.around.enter()?;
        for (i, stmt) in region.iter().enumerate() {
            self.stmt(stmt, i + 1 == region.len())?;
        }
        self.around.leave();
        for stmt in region {
            if let Stmt::Let(value) = stmt {
                self.computed[value.index()] = State::Gone;
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &Region, is_loop: bool) -> Check {
        self.around.loops.push(is_loop);
        self.region(body)?;
        self.around.loops.pop();
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt, is_last: bool) -> Check {
        match stmt {
            Stmt::Let(value) => self.define(*value),
            Stmt::Set(local, value) => {
                let ty = self.use_value(*value)?;
                same_type(ty, self.assign(*local)?, || format!("what local {local} is set to"))
            }
            Stmt::Store(view, value) => {
                let array = self.view(*view)?;
                writable(self.program, array)?;
                same_type(self.use_value(*value)?, self.program.array(array).ty, || {
                    format!("what is stored in {array}")
                })
            }
            Stmt::StoreAt(array, index, value) => {
                let ty = self.element(*array, index)?;
                writable(self.program, *array)?;
                same_type(self.use_value(*value)?, ty, || format!("what is stored in {array}"))
            }
            Stmt::SetSlot(slot, value) => self.set_slot(*slot, *value),
            Stmt::Fold(fold, value) => self.fold(*fold, *value),
            Stmt::Check { cond, site, shows, at } => {
                self.condition(*cond)?;
                if let Some(at) = at {
                    same_type(self.use_value(*at)?, Type::I64, || format!("the element {at} of a check"))?;
                }
                in_range(site.index(), self.program.sites.len(), || format!("site {site}"))?;
                shows.iter().try_for_each(|value| {
                    let ty = self.use_value(*value)?;
                    ensure(ty.is_int(), || format!("a check shows {value}, which is `{ty}`"))
                })
            }
            Stmt::If { cond, then, otherwise } => {
                self.condition(*cond)?;
                self.region(then)?;
                self.region(otherwise)
            }
            Stmt::For { index, start, stop, step, body } => {
                for bound in [start, stop, step] {
                    same_type(self.use_value(*bound)?, Type::I64, || format!("the bound {bound} of a loop"))?;
                }
                same_type(self.assign(*index)?, Type::I64, || format!("the index {index} of a loop"))?;
                self.counting[index.index()] = true;
                self.body(body, true)?;
                self.counting[index.index()] = false;
                Ok(())
            }
            Stmt::Loop(body) => self.body(body, true),
            Stmt::Block(body) => self.body(body, false),
            Stmt::Break(depth) => self.around.break_out(*depth, is_last),
            Stmt::Continue(depth) => self.around.continue_with(*depth, is_last),
        }
    }

    fn define(&mut self, value: Value) -> Check {
        in_range(value.index(), self.lane.values.len(), || format!("value {value}"))?;
        let at_value = |error: VerifyError| VerifyError { value: Some(value), ..error };
        self.inst(value).map_err(at_value)?;
        let before = std::mem::replace(&mut self.computed[value.index()], State::InScope);
        ensure(before == State::No, || format!("value {value} is computed twice"))
    }

    fn inst(&self, value: Value) -> Check {
        let ty = self.lane.ty(value);
        let found = match self.lane.inst(value) {
            Inst::Const(scalar) => {
                ensure(scalar.bits & !scalar.ty.mask() == 0, || "a constant has bits beyond its type".into())?;
                ensure(scalar.ty != Type::Bool || scalar.bits <= 1, || "a constant `bool` is neither 0 nor 1".into())?;
                scalar.ty
            }
            Inst::Op(op, args) => self.op(*op, args)?,
            Inst::Convert(of) => {
                let from = self.use_value(*of)?;
                let computed = !from.is_half() && !ty.is_half();
                ensure(from != ty && ty != Type::Bool && computed, || format!("`{from}` does not convert to `{ty}`"))?;
                ty
            }
            Inst::Bitcast(of) => {
                let from = self.use_value(*of)?;
                let fits = from != ty && from.bytes() == ty.bytes() && from != Type::Bool && ty != Type::Bool;
                ensure(fits, || format!("`{from}` is no bit cast of `{ty}`"))?;
                ty
            }
            Inst::Axis(axis) => {
                in_range(*axis as usize, self.nest.axes.len(), || format!("axis {axis}"))?;
                Type::I64
            }
            Inst::Slot(slot) => slot_type(self.program, *slot)?,
            Inst::Local(local) => self.local(*local)?,
            Inst::Load(view) => self.program.array(self.view(*view)?).ty,
            Inst::LoadAt(array, index) => self.element(*array, index)?,
            Inst::Extent(array, axis) => {
                in_range(array.index(), self.program.arrays.len(), || format!("array {array}"))?;
                in_range(*axis as usize, self.program.array(*array).rank as usize, || {
                    format!("axis {axis} of {array}")
                })?;
                Type::I64
            }
        };
        same_type(found, ty, || "the instruction".into())
    }

    fn op(&self, op: Op, args: &[Value; 3]) -> Result<Type, VerifyError> {
        let types = args[..op.arity()].iter().map(|arg| self.use_value(*arg)).collect::<Result<Vec<_>, _>>()?;
        let ty = types[op.arity() - 1];
        ensure(op.accepts().admits(ty), || format!("`{}` does not take `{ty}`", op.name()))?;
        for (i, found) in types.iter().enumerate() {
            let expected = if op == Op::Select && i == 0 { Type::Bool } else { ty };
            same_type(*found, expected, || format!("operand {i} of `{}`", op.name()))?;
        }
        let repeats = args[op.arity()..].iter().all(|arg| *arg == args[0]);
        ensure(repeats, || format!("`{}` has operands beyond its arity", op.name()))?;
        Ok(op.result(ty))
    }

    fn use_value(&self, value: Value) -> Result<Type, VerifyError> {
        in_range(value.index(), self.lane.values.len(), || format!("value {value}"))?;
        match self.computed[value.index()] {
            State::InScope => Ok(self.lane.ty(value)),
            State::No => Err(error(format!("value {value} is used before it is computed"))),
            State::Gone => Err(error(format!("value {value} is used outside its region"))),
        }
    }

    fn condition(&self, value: Value) -> Check {
        same_type(self.use_value(value)?, Type::Bool, || format!("the condition {value}"))
    }

    fn local(&self, local: Local) -> Result<Type, VerifyError> {
        in_range(local.index(), self.lane.locals.len(), || format!("local {local}"))?;
        Ok(self.lane.locals[local.index()])
    }

    fn assign(&self, local: Local) -> Result<Type, VerifyError> {
        let ty = self.local(local)?;
        ensure(!self.counting[local.index()], || format!("local {local} is set inside the loop that counts it"))?;
        Ok(ty)
    }

    fn view(&self, view: ViewId) -> Result<ArrayId, VerifyError> {
        in_range(view.index(), self.nest.views.len(), || format!("view {view}"))?;
        Ok(self.nest.views[view.index()].array)
    }

    fn element(&self, array: ArrayId, index: &[Value]) -> Result<Type, VerifyError> {
        in_range(array.index(), self.program.arrays.len(), || format!("array {array}"))?;
        let wanted = self.program.array(array);
        ensure(index.len() == wanted.rank as usize, || format!("array {array} is indexed with another rank"))?;
        for value in index {
            same_type(self.use_value(*value)?, Type::I64, || format!("the index {value}"))?;
        }
        Ok(wanted.ty)
    }

    fn set_slot(&mut self, slot: SlotId, value: Value) -> Check {
        ensure(self.nest.axes.is_empty(), || format!("slot {slot} is set in a nest with axes"))?;
        let ty = slot_type(self.program, slot)?;
        same_type(self.use_value(value)?, ty, || format!("what slot {slot} is set to"))?;
        self.set.push(slot);
        Ok(())
    }

    fn fold(&mut self, fold: FoldId, value: Value) -> Check {
        in_range(fold.index(), self.nest.folds.len(), || format!("fold {fold}"))?;
        ensure(self.around.depth == 1, || format!("fold {fold} is given a value in an inner region"))?;
        let before = std::mem::replace(&mut self.folded[fold.index()], true);
        ensure(!before, || format!("fold {fold} is given two values"))?;
        same_type(self.use_value(value)?, self.nest.folds[fold.index()].ty, || format!("what goes into fold {fold}"))
    }
}
