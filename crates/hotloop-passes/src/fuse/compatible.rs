//! Whether a nest may be run as part of an earlier one, with nothing between them.

use super::effects::Effects;
use hotloop_ir::{ArrayId, AxisKind, Extent, FoldDest, Inst, Nest, NoteKind, Program, Stmt, View};

/// Most values of two nests together; more where what one stores need not be loaded again.
const MOST_VALUES: usize = 400;
const MOST_FORWARDING: usize = 1500;

/// Says what keeps the two apart.
pub(super) fn check(first: &Nest, second: &Nest, program: &Program) -> Result<(), NoteKind> {
    let (early, late) = (Effects::of_nest(first, program), Effects::of_nest(second, program));
    let mut touched = early.reads.union(&early.writes);
    if !touched.any(|array| late.reads.contains(array) || late.writes.contains(array)) {
        return Err(NoteKind::NothingShared);
    }
    kinds(first, second)?;
    if !early.slots_written.is_disjoint(&late.slots_read) || !early.slots_written.is_disjoint(&late.slots_written) {
        return Err(NoteKind::NeedsResult);
    }
    let slows = early.faults && first.folds.is_empty() && !second.folds.is_empty();
    if has_check(&second.lane.body) || (early.faults && late.faults) || slows {
        return Err(NoteKind::MayFail);
    }
    let mut carries = false;
    for array in early.writes.iter().chain(&late.writes) {
        let is_read = late.reads.contains(array);
        let crossed = early.writes.contains(array) && (is_read || late.writes.contains(array))
            || early.reads.contains(array) && late.writes.contains(array);
        if crossed {
            same_elements(*array, first, second)?;
            carries |= is_read;
        }
    }
    let most = if carries { MOST_FORWARDING } else { MOST_VALUES };
    match first.lane.values.len() + second.lane.values.len() <= most {
        true => Ok(()),
        false => Err(NoteKind::TooLarge),
    }
}

/// The kinds of axes of the fused nest.
pub(super) fn kinds(first: &Nest, second: &Nest) -> Result<Vec<AxisKind>, NoteKind> {
    let alike =
        first.axes.len() == second.axes.len() && first.axes.iter().zip(&second.axes).all(|(a, b)| a.extent == b.extent);
    let ordered = first.axes.iter().chain(&second.axes).any(|axis| axis.kind == AxisKind::Ordered);
    if !alike || ordered {
        return Err(NoteKind::OtherDomain);
    }
    let of = |nest: &Nest| nest.axes.iter().map(|axis| axis.kind).collect::<Vec<_>>();
    match (first.folds.is_empty(), second.folds.is_empty()) {
        (true, false) => Ok(of(second)),
        (_, true) => Ok(of(first)),
        (false, false) if of(first) == of(second) => Ok(of(first)),
        (false, false) => Err(NoteKind::OtherFolds),
    }
}

/// Whether every point of both nests touches the same element of an array, and no other point does.
fn same_elements(array: ArrayId, first: &Nest, second: &Nest) -> Result<(), NoteKind> {
    for nest in [first, second] {
        let folded = nest.folds.iter().any(|fold| match fold.dest {
            FoldDest::Slot(_) => false,
            FoldDest::View(view) => nest.views[view.index()].array == array,
        });
        if folded {
            return Err(NoteKind::NeedsResult);
        }
        if touches_at(array, nest) {
            return Err(NoteKind::OtherElement);
        }
    }
    let mut views = first.views.iter().chain(&second.views).filter(|view| view.array == array);
    let Some(model) = views.next() else { return Ok(()) };
    match is_one_to_one(model, first.axes.len()) && views.all(|view| same_place(view, model)) {
        true => Ok(()),
        false => Err(NoteKind::OtherElement),
    }
}

/// Whether two views give the same element for every point.
pub(super) fn same_place(a: &View, b: &View) -> bool {
    let place = |view: &View| view.dims.iter().map(|dim| (dim.start, dim.step, dim.axis)).collect::<Vec<_>>();
    a.array == b.array && place(a) == place(b)
}

/// Whether different points have different elements.
fn is_one_to_one(view: &View, axes: usize) -> bool {
    let walks = |axis: u32| {
        let mut dims = view.dims.iter().filter(move |dim| dim.axis == Some(axis));
        dims.any(|dim| matches!(dim.step, Extent::Const(step) if step != 0))
    };
    (0..axes as u32).all(walks)
}

/// Whether a nest touches an array through computed indices.
fn touches_at(array: ArrayId, nest: &Nest) -> bool {
    let loads = nest.lane.values.iter().any(|inst| matches!(inst, Inst::LoadAt(other, _) if *other == array));
    loads || stores_at(array, &nest.lane.body)
}

fn stores_at(array: ArrayId, region: &[Stmt]) -> bool {
    let here = |stmt: &Stmt| matches!(stmt, Stmt::StoreAt(other, ..) if *other == array);
    region.iter().any(|stmt| here(stmt) || stmt.regions().into_iter().any(|inner| stores_at(array, inner)))
}

fn has_check(region: &[Stmt]) -> bool {
    let here = |stmt: &Stmt| matches!(stmt, Stmt::Check { .. });
    region.iter().any(|stmt| here(stmt) || stmt.regions().into_iter().any(has_check))
}
