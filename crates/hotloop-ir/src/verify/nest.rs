//! The rules of nests: axes, views, folds and schedules.

use super::{Check, MAX_LANES, VerifyError, ensure, in_range, lane, same_type, slot_type, turns};
use crate::matmul::MatMul;
use crate::program::{ArrayId, AxisKind, Extent, Fold, FoldDest, Nest, Program, Role, Shape, SlotId, View};
use crate::types::Type;
use std::collections::HashSet;

/// Checks a nest and its lane, and gives the slots that it writes.
pub(super) fn check(program: &Program, nest: &Nest) -> Result<Vec<SlotId>, VerifyError> {
    for axis in &nest.axes {
        extent(program, axis.extent, "an extent")?;
        ensure(!matches!(axis.extent, Extent::Const(..0)), || "a constant extent is negative".into())?;
    }
    nest.views.iter().try_for_each(|each| view(program, nest.axes.len(), each))?;
    let mut written = HashSet::new();
    for each in &nest.folds {
        fold(program, nest, each)?;
        if let FoldDest::Slot(slot) = each.dest {
            ensure(written.insert(slot), || format!("two folds go to slot {slot}"))?;
        }
    }
    schedule(nest)?;
    written.extend(lane::check(program, nest)?);
    turns::check(nest)?;
    let mut written: Vec<SlotId> = written.into_iter().collect();
    written.sort();
    Ok(written)
}

/// Checks a matrix product.
pub(super) fn product(program: &Program, product: &MatMul) -> Check {
    ensure(product.axes.len() >= 3, || "a matrix product has less than three axes".into())?;
    for axis in &product.axes {
        extent(program, *axis, "an extent")?;
        ensure(!matches!(axis, Extent::Const(..0)), || "a constant extent is negative".into())?;
    }
    let rows = product.rows();
    for (each, without) in product.views().into_iter().zip([rows + 2, rows + 1, rows]) {
        view(program, product.axes.len(), each)?;
        let used = each.dims.iter().any(|dim| dim.axis == Some(without));
        ensure(!used, || format!("a view of {} in a matrix product uses axis {without}", each.array))?;
    }
    let [ty, left, right] = product.views().map(|view| program.array(view.array).ty);
    ensure(ty.is_float() && left == ty && right == ty, || {
        "a matrix product of other types than one float type".into()
    })?;
    writable(program, product.c.array)?;
    let apart = product.a.array != product.c.array && product.b.array != product.c.array;
    ensure(apart, || format!("a matrix product reads the array {} that it writes", product.c.array))
}

/// Whether the array may be written.
pub(super) fn writable(program: &Program, array: ArrayId) -> Check {
    ensure(program.array(array).role != Role::Input, || format!("array {array} is written, but it is an input"))
}

fn extent(program: &Program, extent: Extent, what: &str) -> Check {
    match extent {
        Extent::Const(_) => Ok(()),
        Extent::Slot(slot) => same_type(slot_type(program, slot)?, Type::I64, || format!("{what}, slot {slot},")),
    }
}

fn view(program: &Program, axes: usize, view: &View) -> Check {
    let array = view.array;
    in_range(array.index(), program.arrays.len(), || format!("array {array}"))?;
    ensure(view.dims.len() == program.array(array).rank as usize, || format!("a view of {array} has another rank"))?;
    for dim in &view.dims {
        extent(program, dim.start, "the start of a view")?;
        extent(program, dim.step, "the step of a view")?;
        if let Some(axis) = dim.axis {
            in_range(axis as usize, axes, || format!("axis {axis} of the nest"))?;
        }
        let whole = dim.axis.is_some() && dim.start == Extent::Const(0) && dim.step == Extent::Const(1);
        ensure(!dim.full || whole, || format!("a dimension of a view of {array} cannot be full"))?;
    }
    Ok(())
}

fn fold(program: &Program, nest: &Nest, fold: &Fold) -> Check {
    let has_reduce = nest.axes.iter().any(|axis| axis.kind == AxisKind::Reduce);
    ensure(has_reduce, || "a fold without a `Reduce` axis".into())?;
    ensure(fold.op.admits(fold.ty), || format!("`{}` does not fold `{}`", fold.op.name(), fold.ty))?;
    match fold.dest {
        FoldDest::Slot(slot) => same_type(slot_type(program, slot)?, fold.ty, || format!("slot {slot} of a fold")),
        FoldDest::View(view) => {
            in_range(view.index(), nest.views.len(), || format!("view {view}"))?;
            let View { array, dims } = &nest.views[view.index()];
            same_type(program.array(*array).ty, fold.ty, || format!("array {array} of a fold"))?;
            writable(program, *array)?;
            let reduced = |axis: u32| nest.axes[axis as usize].kind == AxisKind::Reduce;
            let moves = dims.iter().any(|dim| dim.axis.is_some_and(reduced));
            ensure(!moves, || format!("view {view} of a fold follows a `Reduce` axis"))
        }
    }
}

fn schedule(nest: &Nest) -> Check {
    let schedule = &nest.schedule;
    let count = |kind| nest.axes.iter().filter(|axis| axis.kind == kind).count();
    ensure(schedule.lanes <= MAX_LANES, || format!("{} lanes are too many", schedule.lanes))?;
    let fits = match schedule.shape {
        Shape::Serial => schedule.lanes <= 1,
        Shape::FoldPoints => schedule.lanes <= 1 && count(AxisKind::Reduce) > 0 && count(AxisKind::Ordered) == 0,
        Shape::Map | Shape::FoldRows | Shape::FoldColumns => schedule.shape == Shape::of(&nest.axes),
    };
    ensure(fits, || format!("shape {:?} with {} lanes does not fit the axes", schedule.shape, schedule.lanes))?;
    let to_slot = nest.folds.iter().any(|fold| matches!(fold.dest, FoldDest::Slot(_)));
    let crossed = to_slot && count(AxisKind::Parallel) > 0;
    ensure(schedule.shape == Shape::Serial || !crossed, || {
        "a fold to a slot over a `Parallel` axis is not `Serial`".into()
    })
}
