//! Joins nests without axes that run one after the other: one lane then holds the scalar code between two real nests.

use hotloop_ir::{Inst, Lane, Local, Nest, NestId, Program, Schedule, Span, Step, Stmt, Value};

/// Joins in every list of steps.
pub fn run(program: &mut Program) {
    let mut steps = std::mem::take(&mut program.steps);
    join_list(&mut steps, &mut program.nests);
    program.steps = steps;
    crate::unused::compact(program);
}

fn join_list(steps: &mut Vec<Step>, nests: &mut [Nest]) {
    let mut joined: Vec<Step> = Vec::with_capacity(steps.len());
    for mut step in std::mem::take(steps) {
        match &mut step {
            Step::If { then, otherwise, .. } => {
                join_list(then, nests);
                join_list(otherwise, nests);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => join_list(body, nests),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
        if let (Some(Step::Nest(first)), Step::Nest(second)) = (joined.last(), &step) {
            let (first, second) = (first.index(), second.index());
            if joinable(&nests[first]) && joinable(&nests[second]) {
                let lane = std::mem::take(&mut nests[second].lane);
                append(&mut nests[first].lane, lane);
                continue;
            }
        }
        joined.push(step);
    }
    *steps = joined;
}

fn joinable(nest: &Nest) -> bool {
    nest.axes.is_empty() && nest.views.is_empty() && nest.folds.is_empty()
}

/// Puts scalar code behind the steps of a list: into the last one if that is scalar code too.
pub(crate) fn put_behind(list: &mut Vec<Step>, program: &mut Program, lane: Lane) {
    match list.last() {
        _ if lane.body.is_empty() => {}
        Some(Step::Nest(before)) if joinable(program.nest(*before)) => {
            append(&mut program.nests[before.index()].lane, lane);
        }
        _ => {
            list.push(Step::Nest(NestId(program.nests.len() as u32)));
            let schedule = Schedule::default();
            let (axes, views, folds) = Default::default();
            program.nests.push(Nest { axes, views, folds, lane, schedule, span: Span::DETACHED });
        }
    }
}

/// Appends one lane's code to another's.
pub(crate) fn append(first: &mut Lane, mut second: Lane) {
    let (values, locals) = (first.values.len() as u32, first.locals.len() as u32);
    let shift = |value: &mut Value| value.0 += values;
    for inst in &mut second.values {
        match inst {
            Inst::Op(_, args) => args.iter_mut().for_each(shift),
            Inst::Convert(value) | Inst::Bitcast(value) => shift(value),
            Inst::LoadAt(_, index) => index.iter_mut().for_each(shift),
            Inst::Local(local) => local.0 += locals,
            Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Load(_) | Inst::Extent(..) => {}
        }
    }
    shift_region(&mut second.body, values, locals);
    first.values.append(&mut second.values);
    first.types.append(&mut second.types);
    first.locals.append(&mut second.locals);
    first.body.append(&mut second.body);
}

fn shift_region(region: &mut [Stmt], values: u32, locals: u32) {
    let shift = |value: &mut Value| value.0 += values;
    let shift_local = |local: &mut Local| local.0 += locals;
    for stmt in region {
        match stmt {
            Stmt::Let(value) | Stmt::Store(_, value) | Stmt::SetSlot(_, value) | Stmt::Fold(_, value) => shift(value),
            Stmt::Set(local, value) => {
                shift_local(local);
                shift(value);
            }
            Stmt::StoreAt(_, index, value) => {
                index.iter_mut().for_each(shift);
                shift(value);
            }
            Stmt::Check { cond, shows, at, site: _ } => {
                shift(cond);
                shows.iter_mut().chain(at).for_each(shift);
            }
            Stmt::If { cond, then, otherwise } => {
                shift(cond);
                shift_region(then, values, locals);
                shift_region(otherwise, values, locals);
            }
            Stmt::For { index, start, stop, step, body } => {
                shift_local(index);
                [start, stop, step].into_iter().for_each(shift);
                shift_region(body, values, locals);
            }
            Stmt::Loop(body) | Stmt::Block(body) => shift_region(body, values, locals),
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
    }
}
