//! Makes one nest of two: the second lane follows the first, and what the first has stored for the second is passed on
//! as a value.

use super::compatible::{kinds, same_place};
use crate::fold::{replace_in_stmt, replace_operands};
use hotloop_ir::{FoldId, Inst, Lane, Nest, NestId, Program, Stmt, Value, View, ViewId};

/// Moves the code of `later` to the end of `earlier`. The nest `later` stays behind, empty, run by no step.
pub(super) fn merge(program: &mut Program, earlier: NestId, later: NestId) {
    let second = &mut program.nests[later.index()];
    let (axes, span) = (second.axes.clone(), second.span);
    let views = std::mem::take(&mut second.views);
    let folds = std::mem::take(&mut second.folds);
    let mut lane = std::mem::take(&mut second.lane);
    let first = &mut program.nests[earlier.index()];
    // Folds are part of what decides the kinds, so both nests are put together again for the question.
    let whole = Nest { axes, views: Vec::new(), folds, lane: Lane::default(), schedule: first.schedule.clone(), span };
    if let Ok(kinds) = kinds(first, &whole) {
        first.axes.iter_mut().zip(kinds).for_each(|(axis, kind)| axis.kind = kind);
    }
    shift(&mut lane, first.views.len() as u32, first.folds.len() as u32);
    let passed = passed_on(first, &views);
    first.views.extend(views);
    let mut folds = whole.folds;
    for fold in &mut folds {
        if let hotloop_ir::FoldDest::View(view) = &mut fold.dest {
            view.0 += (first.views.len() - passed.len()) as u32;
        }
    }
    first.folds.extend(folds);
    if first.span.is_detached() {
        first.span = span;
    }
    append(first, lane, &passed);
}

/// For each view of the second nest, the value that the first has stored there.
fn passed_on(first: &Nest, views: &[View]) -> Vec<Option<Value>> {
    views.iter().map(|view| stored(first, view)).collect()
}

/// What a nest stores at a place, if it does so once, for every point.
fn stored(nest: &Nest, place: &View) -> Option<Value> {
    let mut found = None;
    for stmt in &nest.lane.body {
        if let Stmt::Store(view, value) = stmt
            && same_place(&nest.views[view.index()], place)
        {
            found = Some(*value);
            continue;
        }
        // A store inside a branch may or may not have come after.
        if stmt.regions().into_iter().any(|inner| stores(nest, inner, place)) {
            return None;
        }
    }
    found
}

fn stores(nest: &Nest, region: &[Stmt], place: &View) -> bool {
    let here = |stmt: &Stmt| matches!(stmt, Stmt::Store(view, _) if nest.views[view.index()].array == place.array);
    region.iter().any(|stmt| here(stmt) || stmt.regions().into_iter().any(|inner| stores(nest, inner, place)))
}

/// Whether a lane stores an array anywhere.
fn writes(views: &[View], region: &[Stmt], place: &View) -> bool {
    let here = |stmt: &Stmt| matches!(stmt, Stmt::Store(view, _) if views[view.index()].array == place.array);
    region.iter().any(|stmt| here(stmt) || stmt.regions().into_iter().any(|inner| writes(views, inner, place)))
}

fn append(first: &mut Nest, lane: Lane, passed: &[Option<Value>]) {
    let (values, statements) = (first.lane.values.len(), first.lane.body.len());
    let own_views = first.views.len() - passed.len();
    // What the second lane changes itself it must read back.
    let passed: Vec<Option<Value>> = passed
        .iter()
        .enumerate()
        .map(|(at, value)| value.filter(|_| !writes(&first.views, &lane.body, &first.views[own_views + at])))
        .collect();
    crate::join::append(&mut first.lane, lane);
    let lane = &mut first.lane;
    let mut same: Vec<Value> = (0..lane.values.len() as u32).map(Value).collect();
    for (index, inst) in lane.values.iter().enumerate().skip(values) {
        if let Inst::Load(view) = inst
            && let Some(value) = passed.get(view.index() - own_views).copied().flatten()
        {
            same[index] = value;
        }
    }
    lane.values[values..].iter_mut().for_each(|inst| replace_operands(inst, &same));
    lane.body[statements..].iter_mut().for_each(|stmt| replace_in_stmt(stmt, &same));
}

/// Numbers views and folds behind those of the first nest.
fn shift(lane: &mut Lane, views: u32, folds: u32) {
    for inst in &mut lane.values {
        if let Inst::Load(view) = inst {
            view.0 += views;
        }
    }
    shift_region(&mut lane.body, views, folds);
}

fn shift_region(region: &mut [Stmt], views: u32, folds: u32) {
    for stmt in region {
        match stmt {
            Stmt::Store(ViewId(view), _) => *view += views,
            Stmt::Fold(FoldId(fold), _) => *fold += folds,
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Check { .. }
            | Stmt::If { .. }
            | Stmt::For { .. }
            | Stmt::Loop(_)
            | Stmt::Block(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
        stmt.regions_mut().for_each(|inner| shift_region(inner, views, folds));
    }
}
