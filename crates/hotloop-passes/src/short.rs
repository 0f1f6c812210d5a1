//! Keeps a second form of reductions along the last axis for rows of few elements: each element of a row is computed by
//! code of its own, and lanes lie across the rows.
//!
//! Beginning and ending a row costs as much as dozens of elements, and the number of elements is often known only when
//! the kernel runs: a step chooses between the two forms. The second one is the tree that fixes the order of every
//! reduction, written out.

mod form;
mod starts;

use crate::join;
use form::Form;
use hotloop_ir::{AxisKind, Extent, Fold, FoldDest, Inst, Nest, NestId, Note, NoteKind, Program, Step, Stmt, ViewId};
use starts::Starts;

/// The most elements of a row that are written out, a power of two: far below the partial results that a block of any
/// type has, so that each element is a leaf of the tree.
const MOST: usize = 8;
/// The same for elements that take more than a few values to compute.
const MOST_OF_LARGE: usize = 4;
/// The most values of an element, for each of the two.
const SMALL: usize = 8;
const LARGE: usize = 20;

/// Looks through all steps.
pub fn run(program: &mut Program) {
    let mut steps = std::mem::take(&mut program.steps);
    let changed = within(&mut steps, program);
    program.steps = steps;
    if changed {
        crate::unused::run(program);
    }
}

fn within(steps: &mut Vec<Step>, program: &mut Program) -> bool {
    let mut changed = false;
    let mut list = Vec::with_capacity(steps.len());
    for mut step in std::mem::take(steps) {
        match &mut step {
            Step::Nest(id) => {
                let id = *id;
                if let Some(most) = most_written_out(program.nest(id)) {
                    step = both_forms(id, most, program, &mut list);
                    changed = true;
                }
            }
            Step::If { then, otherwise, .. } => {
                changed |= within(then, program);
                changed |= within(otherwise, program);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => changed |= within(body, program),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
        list.push(step);
    }
    *steps = list;
    changed
}

/// Up to how many elements of a row are written out, if they are.
fn most_written_out(nest: &Nest) -> Option<usize> {
    let (last, kept) = nest.axes.split_last()?;
    let plain = |fold: &Fold| matches!(fold.dest, FoldDest::View(_)) && !fold.ty.is_complex() && !fold.ty.is_half();
    let straight = |stmt: &Stmt| matches!(stmt, Stmt::Let(_) | Stmt::Fold(..));
    let rows = last.kind == AxisKind::Reduce
        && !kept.is_empty()
        && kept.iter().all(|axis| axis.kind == AxisKind::Parallel)
        && !nest.folds.is_empty()
        && nest.folds.iter().all(plain)
        && nest.lane.body.iter().all(straight);
    if !rows {
        return None;
    }
    let size = differing(nest).into_iter().filter(|&differs| differs).count();
    let most = if size <= SMALL { MOST } else { MOST_OF_LARGE };
    let fits = match last.extent {
        Extent::Const(extent) => (1..=most as i64).contains(&extent),
        Extent::Slot(_) => true,
    };
    (fits && size <= LARGE).then_some(most)
}

/// Of each value, whether each element of a row has its own.
fn differing(nest: &Nest) -> Vec<bool> {
    let last = nest.axes.len() as u32 - 1;
    let mut differs = vec![false; nest.lane.values.len()];
    for stmt in &nest.lane.body {
        let Stmt::Let(value) = stmt else { continue };
        let inst = nest.lane.inst(*value);
        let own = match inst {
            Inst::Axis(axis) => *axis == last,
            Inst::Load(view) => walks(nest, *view),
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::LoadAt(..) => false,
            Inst::Const(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => false,
        };
        differs[value.index()] = own || inst.operands().iter().any(|operand| differs[operand.index()]);
    }
    differs
}

/// Whether a view goes along the last axis.
fn walks(nest: &Nest, view: ViewId) -> bool {
    let last = nest.axes.len() as u32 - 1;
    nest.views[view.index()].dims.iter().any(|dim| dim.axis == Some(last))
}

/// The step that runs a nest in the form that fits; what it needs to know is computed before it.
fn both_forms(id: NestId, most: usize, program: &mut Program, list: &mut Vec<Step>) -> Step {
    let nest = program.nest(id).clone();
    let extent = nest.axes[nest.axes.len() - 1].extent;
    let mut starts = Starts::new(extent);
    let short = Form::of(nest, most).written_out(&mut starts, program);
    let Extent::Slot(extent) = extent else {
        join::put_behind(list, program, starts.finish());
        program.nests[id.index()] = short;
        return Step::Nest(id);
    };
    let cond = starts.is_long(extent, most, program);
    join::put_behind(list, program, starts.finish());
    let (form, span) = (NestId(program.nests.len() as u32), short.span);
    program.nests.push(short);
    program.notes.push(Note { kind: NoteKind::ShortRows, nest: Some(form), subject: String::new(), span });
    Step::If { cond, then: vec![Step::Nest(id)], otherwise: vec![Step::Nest(form)] }
}
