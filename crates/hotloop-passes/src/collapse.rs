//! Merges neighboring axes of a nest that every view walks as one run of memory, so that a contiguous array of any rank
//! is one long loop. The order of points, and so every linear index, stays the same.

use hotloop_ir::build::LaneBuilder;
use hotloop_ir::{Array, Extent, Inst, Layout, Nest, NestId, Op, Program, Slot, Step, Type, View};

/// Collapses every nest.
pub fn run(program: &mut Program) {
    let mut steps = std::mem::take(&mut program.steps);
    collapse_list(&mut steps, program);
    program.steps = steps;
    crate::unused::compact(program);
}

fn collapse_list(steps: &mut Vec<Step>, program: &mut Program) {
    let mut list = Vec::with_capacity(steps.len());
    for mut step in std::mem::take(steps) {
        match &mut step {
            Step::Nest(id) => {
                let id = *id;
                collapse_nest(id, program, &mut list);
            }
            Step::If { then, otherwise, .. } => {
                collapse_list(then, program);
                collapse_list(otherwise, program);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => collapse_list(body, program),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
        list.push(step);
    }
    *steps = list;
}

fn collapse_nest(id: NestId, program: &mut Program, list: &mut Vec<Step>) {
    let mut outer = program.nest(id).axes.len().saturating_sub(1);
    while outer > 0 {
        outer -= 1;
        if can_merge(program.nest(id), outer as u32, &program.arrays) {
            let axes = &program.nest(id).axes;
            let extent = product(axes[outer].extent, axes[outer + 1].extent, program, list);
            merge(&mut program.nests[id.index()], outer as u32, extent);
        }
    }
}

/// Whether axes `outer` and `outer + 1` are one run for every view and no code asks for either coordinate.
fn can_merge(nest: &Nest, outer: u32, arrays: &[Array]) -> bool {
    let inner = outer + 1;
    nest.axes[outer as usize].kind == nest.axes[inner as usize].kind
        && !nest.lane.values.iter().any(|inst| matches!(inst, Inst::Axis(axis) if *axis == outer || *axis == inner))
        && nest.views.iter().all(|view| one_run(view, outer, arrays))
}

fn one_run(view: &View, outer: u32, arrays: &[Array]) -> bool {
    let walks = |axis: u32| {
        let mut dims = view.dims.iter().enumerate().filter(move |(_, dim)| dim.axis == Some(axis));
        (dims.next(), dims.next())
    };
    match (walks(outer), walks(outer + 1)) {
        ((None, _), (None, _)) => true,
        ((Some((d, first)), None), (Some((e, second)), None)) => {
            e == d + 1
                && second.full
                && first.step == Extent::Const(1)
                && arrays[view.array.index()].layout == Layout::Dense
        }
        (_, _) => false,
    }
}

/// Takes axis `outer + 1` out; views walk the merged axis along their inner dimension, beyond its extent.
fn merge(nest: &mut Nest, outer: u32, extent: Extent) {
    let inner = outer + 1;
    nest.axes[outer as usize].extent = extent;
    nest.axes.remove(inner as usize);
    for view in &mut nest.views {
        for dim in &mut view.dims {
            match dim.axis {
                Some(axis) if axis == outer => {
                    // The index at point 0 stays; the run is walked by the inner dimension.
                    let whole = dim.full;
                    (dim.axis, dim.step, dim.full) = (None, Extent::Const(0), whole);
                }
                Some(axis) if axis == inner => dim.axis = Some(outer),
                Some(axis) if axis > inner => dim.axis = Some(axis - 1),
                Some(_) | None => {}
            }
        }
        fix_full(view, outer);
    }
    for inst in &mut nest.lane.values {
        if let Inst::Axis(axis) = inst {
            *axis -= u32::from(*axis > inner);
        }
    }
}

/// The merged dimension counts as whole if both were.
fn fix_full(view: &mut View, merged: u32) {
    let Some(at) = view.dims.iter().position(|dim| dim.axis == Some(merged)) else {
        return;
    };
    if at > 0 {
        let whole = view.dims[at - 1].full;
        view.dims[at].full &= whole;
        view.dims[at - 1].full = false;
    }
}

/// A slot (or constant) with the product of two extents, computed before the nest.
fn product(a: Extent, b: Extent, program: &mut Program, list: &mut Vec<Step>) -> Extent {
    if let (Extent::Const(a), Extent::Const(b)) = (a, b) {
        // No array has so many points; the allocation before the nest says so.
        return Extent::Const(a.saturating_mul(b));
    }
    let slot = hotloop_ir::SlotId(program.slots.len() as u32);
    program.slots.push(Slot { name: "extent".to_string(), ty: Type::I64 });
    let mut b_ = LaneBuilder::new();
    let mut read = |extent: Extent| match extent {
        Extent::Const(value) => b_.const_(hotloop_ir::Scalar::i64(value)),
        Extent::Slot(slot) => b_.slot(slot, Type::I64),
    };
    let (a, b) = (read(a), read(b));
    let value = b_.op(Op::Mul, &[a, b]);
    b_.set_slot(slot, value);
    crate::join::put_behind(list, program, b_.finish());
    Extent::Slot(slot)
}
