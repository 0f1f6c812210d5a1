//! The domain of a nest: its points one after the other in C order, and the reductions over them.
//!
//! The kinds of axes and the schedule change nothing here: C order is right for all of them.

use crate::flow::Stop;
use crate::lane::Point;
use crate::run::Run;
use hotloop_ir::semantics::{FoldState, empty};
use hotloop_ir::{AxisKind, Fold, FoldDest, FoldId, Nest, Scalar, View, ViewId};
use std::collections::HashMap;

/// Runs the lane for every point.
pub(crate) fn run(run: &mut Run<'_>, nest: &Nest) -> Result<(), Stop> {
    let extents: Vec<i64> = nest.axes.iter().map(|axis| run.memory.whole(axis.extent)).collect();
    let points = count(&extents)?;
    let mut folds = Folds::new(nest, &extents);
    let mut point = Point::new(nest);
    for linear in 0..points {
        run.poll()?;
        point.place(linear, &extents);
        point.run(run, &mut folds)?;
    }
    if points == 0 {
        folds.write_empty(run)?;
    }
    Ok(())
}

/// The number of points.
fn count(extents: &[i64]) -> Result<i64, Stop> {
    if extents.iter().any(|extent| *extent < 0) {
        return Err(Stop::broken("no extent is negative"));
    }
    if extents.contains(&0) {
        return Ok(0);
    }
    let product = extents.iter().try_fold(1i64, |product, extent| product.checked_mul(*extent));
    product.ok_or_else(|| Stop::broken("the points can be counted"))
}

/// The coordinates of a point, by its number.
pub(crate) fn coordinates(mut linear: i64, extents: &[i64], coords: &mut [i64]) {
    for (coord, extent) in coords.iter_mut().zip(extents).rev() {
        *coord = linear % extent;
        linear /= extent;
    }
}

/// The index that a view gives at a point.
pub(crate) fn view_index(run: &Run<'_>, view: &View, coords: &[i64]) -> Vec<i64> {
    let dims = view.dims.iter().map(|dim| {
        let start = run.memory.whole(dim.start);
        let walked = dim.axis.map_or(0, |axis| run.memory.whole(dim.step).wrapping_mul(coords[axis as usize]));
        start.wrapping_add(walked)
    });
    dims.collect()
}

/// The reductions of a nest. Each result is written as soon as its last element has come.
pub(crate) struct Folds<'a> {
    nest: &'a Nest,
    extents: &'a [i64],
    open: HashMap<(FoldId, i64), FoldState>,
}

impl<'a> Folds<'a> {
    fn new(nest: &'a Nest, extents: &'a [i64]) -> Folds<'a> {
        Folds { nest, extents, open: HashMap::new() }
    }

    /// Takes the value that a point contributes.
    pub(crate) fn push(&mut self, run: &mut Run<'_>, id: FoldId, coords: &[i64], value: Scalar) -> Result<(), Stop> {
        let fold = self.nest.folds[id.index()];
        let key = (id, self.group(fold, coords));
        let state = self.open.entry(key).or_insert_with(|| FoldState::new(fold.op, fold.ty));
        state.push(value);
        if state.len() as i64 == self.elements(fold)
            && let Some(state) = self.open.remove(&key)
        {
            self.write(run, fold, coords, state.finish())?;
        }
        Ok(())
    }

    /// Writes the results of reductions over no elements.
    fn write_empty(&self, run: &mut Run<'_>) -> Result<(), Stop> {
        let kept: Vec<i64> = self.keeps().map(|(extent, keeps)| if keeps { *extent } else { 1 }).collect();
        let mut coords = vec![0; kept.len()];
        for fold in &self.nest.folds {
            let results = match fold.dest {
                FoldDest::Slot(_) => 1,
                FoldDest::View(_) => count(&kept)?,
            };
            for linear in 0..results {
                run.poll()?;
                if matches!(fold.dest, FoldDest::View(_)) {
                    coordinates(linear, &kept, &mut coords);
                }
                self.write(run, *fold, &coords, empty(fold.op, fold.ty))?;
            }
        }
        Ok(())
    }

    /// Each axis: its extent, and whether folds to a view keep it.
    fn keeps(&self) -> impl Iterator<Item = (&i64, bool)> {
        self.extents.iter().zip(self.nest.axes.iter().map(|axis| axis.kind != AxisKind::Reduce))
    }

    /// How many elements a fold combines into one result.
    fn elements(&self, fold: Fold) -> i64 {
        match fold.dest {
            FoldDest::Slot(_) => self.extents.iter().product(),
            FoldDest::View(_) => self.keeps().filter(|(_, keeps)| !keeps).map(|(extent, _)| extent).product(),
        }
    }

    /// The number of the result that a point contributes to.
    fn group(&self, fold: Fold, coords: &[i64]) -> i64 {
        match fold.dest {
            FoldDest::Slot(_) => 0,
            FoldDest::View(_) => {
                let kept = self.keeps().zip(coords).filter(|((_, keeps), _)| *keeps);
                kept.fold(0, |group, ((extent, _), coord)| group * extent + coord)
            }
        }
    }

    fn write(&self, run: &mut Run<'_>, fold: Fold, coords: &[i64], result: Scalar) -> Result<(), Stop> {
        match fold.dest {
            FoldDest::Slot(slot) => {
                run.memory.set_slot(slot, result);
                Ok(())
            }
            FoldDest::View(ViewId(view)) => {
                let view = &self.nest.views[view as usize];
                let index = view_index(run, view, coords);
                run.memory.store(view.array, &index, result)
            }
        }
    }
}
