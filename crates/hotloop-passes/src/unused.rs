//! Removes what nothing reads: values, locals that are only set, slots that are only set, checks that always hold, and
//! steps without effect. Loads go too: the Program has promised that they are in bounds.

use hotloop_ir::{
    Extent, FoldDest, Inst, Lane, Nest, NestId, Param, Program, Region, ResultRef, SlotId, Step, Stmt, Type, Value,
};
use rustc_hash::FxHashSet;

/// Removes until nothing more goes.
pub fn run(program: &mut Program) {
    loop {
        let slots = read_slots(program);
        let mut changed = false;
        for nest in &mut program.nests {
            changed |= clean_lane(&mut nest.lane, &slots);
        }
        let mut steps = std::mem::take(&mut program.steps);
        changed |= clean_steps(&mut steps, &program.nests);
        program.steps = steps;
        if !changed {
            break;
        }
    }
    compact(program);
}

/// The slots that something reads.
fn read_slots(program: &Program) -> FxHashSet<SlotId> {
    let mut read = FxHashSet::default();
    for result in &program.results {
        match result {
            ResultRef::Scalar(slot) => {
                read.insert(*slot);
            }
            ResultRef::Pair(pair) => read.extend(pair),
            ResultRef::Array(_) => {}
        }
    }
    for nest in &program.nests {
        let mut note = |extent: Extent| {
            if let Extent::Slot(slot) = extent {
                read.insert(slot);
            }
        };
        nest.axes.iter().for_each(|axis| note(axis.extent));
        for dim in nest.views.iter().flat_map(|view| &view.dims) {
            note(dim.start);
            note(dim.step);
        }
        for inst in &nest.lane.values {
            if let Inst::Slot(slot) = inst {
                read.insert(*slot);
            }
        }
    }
    read.extend(program.products.iter().flat_map(hotloop_ir::MatMul::slots));
    steps_read(&program.steps, &mut read);
    read
}

fn steps_read(steps: &[Step], read: &mut FxHashSet<SlotId>) {
    for step in steps {
        match step {
            Step::Alloc(_, extents) => read.extend(extents),
            Step::If { cond, then, otherwise } => {
                read.insert(*cond);
                steps_read(then, read);
                steps_read(otherwise, read);
            }
            Step::For { start, stop, step, body, .. } => {
                read.extend([start, stop, step]);
                steps_read(body, read);
            }
            Step::Loop(body) | Step::Block(body) => steps_read(body, read),
            Step::Nest(_) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

/// Removes from one lane; whether anything went.
fn clean_lane(lane: &mut Lane, slots: &FxHashSet<SlotId>) -> bool {
    let mut body = std::mem::take(&mut lane.body);
    let before = count(&body);
    remove_dead_stores(&mut body, lane, slots);
    let mut used = vec![false; lane.values.len()];
    mark(&body, lane, &mut used);
    remove_lets(&mut body, &used);
    // Values without a `Let` keep their place; forgetting their operands keeps them from holding slots and locals.
    for (inst, used) in lane.values.iter_mut().zip(&used) {
        if !used {
            *inst = Inst::Const(hotloop_ir::Scalar::bool(false));
        }
    }
    for (ty, used) in lane.types.iter_mut().zip(&used) {
        if !used {
            *ty = Type::Bool;
        }
    }
    let changed = count(&body) != before;
    lane.body = body;
    changed
}

fn count(region: &[Stmt]) -> usize {
    region.iter().map(|stmt| 1 + stmt.regions().into_iter().map(count).sum::<usize>()).sum()
}

fn remove_dead_stores(region: &mut Region, lane: &Lane, slots: &FxHashSet<SlotId>) {
    let read: FxHashSet<_> = lane
        .values
        .iter()
        .filter_map(|inst| match inst {
            Inst::Local(local) => Some(*local),
            Inst::Const(_)
            | Inst::Op(..)
            | Inst::Convert(_)
            | Inst::Bitcast(_)
            | Inst::Axis(_)
            | Inst::Slot(_)
            | Inst::Load(_)
            | Inst::LoadAt(..)
            | Inst::Extent(..) => None,
        })
        .collect();
    let truth = |value: Value| matches!(lane.inst(value), Inst::Const(scalar) if scalar.is_true());
    retain(region, &|stmt| match stmt {
        Stmt::Set(local, _) => read.contains(local),
        Stmt::SetSlot(slot, _) => slots.contains(slot),
        Stmt::Check { cond, .. } => !truth(*cond),
        Stmt::If { then, otherwise, .. } => !then.is_empty() || !otherwise.is_empty(),
        Stmt::Block(body) => !body.is_empty(),
        Stmt::Let(_)
        | Stmt::Store(..)
        | Stmt::StoreAt(..)
        | Stmt::Fold(..)
        | Stmt::For { .. }
        | Stmt::Loop(_)
        | Stmt::Break(_)
        | Stmt::Continue(_) => true,
    });
}

fn retain(region: &mut Region, keep: &dyn Fn(&Stmt) -> bool) {
    region.iter_mut().flat_map(Stmt::regions_mut).for_each(|inner| retain(inner, keep));
    region.retain(keep);
}

fn remove_lets(region: &mut Region, used: &[bool]) {
    retain(region, &|stmt| !matches!(stmt, Stmt::Let(value) if !used[value.index()]));
}

/// Marks every value that a statement needs, directly or through others.
fn mark(region: &Region, lane: &Lane, used: &mut [bool]) {
    let mut queue = Vec::new();
    for_each_use(region, &mut |value| queue.push(value));
    while let Some(value) = queue.pop() {
        if !std::mem::replace(&mut used[value.index()], true) {
            queue.extend(lane.inst(value).operands());
        }
    }
}

/// Calls `f` for every value a statement of the region uses, `Let`s left out.
pub(crate) fn for_each_use(region: &Region, f: &mut dyn FnMut(Value)) {
    for stmt in region {
        match stmt {
            Stmt::Set(_, value) | Stmt::Store(_, value) | Stmt::SetSlot(_, value) | Stmt::Fold(_, value) => f(*value),
            Stmt::StoreAt(_, index, value) => {
                index.iter().for_each(|&value| f(value));
                f(*value);
            }
            Stmt::Check { cond, shows, at, site: _ } => {
                f(*cond);
                shows.iter().chain(at).for_each(|&value| f(value));
            }
            Stmt::If { cond, then, otherwise } => {
                f(*cond);
                for_each_use(then, f);
                for_each_use(otherwise, f);
            }
            Stmt::For { start, stop, step, body, .. } => {
                [start, stop, step].into_iter().for_each(|&value| f(value));
                for_each_use(body, f);
            }
            Stmt::Loop(body) | Stmt::Block(body) => for_each_use(body, f),
            Stmt::Let(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
        }
    }
}

/// Removes steps that run nothing; whether any went.
fn clean_steps(steps: &mut Vec<Step>, nests: &[Nest]) -> bool {
    let mut changed = false;
    for step in steps.iter_mut() {
        match step {
            Step::If { then, otherwise, .. } => {
                changed |= clean_steps(then, nests);
                changed |= clean_steps(otherwise, nests);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => changed |= clean_steps(body, nests),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
    let before = steps.len();
    steps.retain(|step| match step {
        Step::Nest(id) => !nests[id.index()].lane.body.is_empty(),
        Step::If { then, otherwise, .. } => !then.is_empty() || !otherwise.is_empty(),
        Step::Block(body) => !body.is_empty(),
        Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) => true,
        Step::For { .. } | Step::Loop(_) | Step::Break(_) | Step::Continue(_) => true,
    });
    changed || steps.len() != before
}

/// Drops nests that no step runs, and values and views that nothing uses, and renumbers the rest.
pub(crate) fn compact(program: &mut Program) {
    let mut order = Vec::new();
    number_nests(&mut program.steps, &mut order);
    let mut nests: Vec<Option<Nest>> = std::mem::take(&mut program.nests).into_iter().map(Some).collect();
    for note in &mut program.notes {
        let number = |old: NestId| order.iter().position(|kept| *kept == old.index());
        note.nest = note.nest.and_then(number).map(|new| NestId(new as u32));
    }
    program.nests = order.into_iter().filter_map(|old: usize| nests[old].take()).collect();
    for nest in &mut program.nests {
        compact_lane(&mut nest.lane);
        compact_views(nest);
    }
    debug_assert!(program.params.iter().all(|param| match param {
        Param::Scalar(slot) => slot.index() < program.slots.len(),
        Param::Pair(pair) => pair.iter().all(|slot| slot.index() < program.slots.len()),
        Param::Array(array) => array.index() < program.arrays.len(),
    }));
}

fn number_nests(steps: &mut [Step], order: &mut Vec<usize>) {
    for step in steps {
        match step {
            Step::Nest(id) => {
                order.push(id.index());
                id.0 = order.len() as u32 - 1;
            }
            Step::If { then, otherwise, .. } => {
                number_nests(then, order);
                number_nests(otherwise, order);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => number_nests(body, order),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

fn lets_in_order(region: &[Stmt], order: &mut Vec<Value>) {
    for stmt in region {
        if let Stmt::Let(value) = stmt {
            order.push(*value);
        }
        stmt.regions().into_iter().for_each(|inner| lets_in_order(inner, order));
    }
}

fn compact_lane(lane: &mut Lane) {
    let mut order = Vec::new();
    lets_in_order(&lane.body, &mut order);
    let mut same = vec![Value(0); lane.values.len()];
    for (new, old) in order.iter().enumerate() {
        same[old.index()] = Value(new as u32);
    }
    let mut values = Vec::with_capacity(order.len());
    for old in &order {
        let mut inst = lane.values[old.index()].clone();
        match &mut inst {
            Inst::Op(_, args) => args.iter_mut().for_each(|arg| *arg = same[arg.index()]),
            Inst::Convert(arg) | Inst::Bitcast(arg) => *arg = same[arg.index()],
            Inst::LoadAt(_, index) => index.iter_mut().for_each(|arg| *arg = same[arg.index()]),
            Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::Extent(..) => {}
        }
        values.push(inst);
    }
    lane.types = order.iter().map(|old| lane.types[old.index()]).collect();
    lane.values = values;
    rename(&mut lane.body, &same);
}

fn rename(region: &mut Region, same: &[Value]) {
    for stmt in region {
        crate::fold::replace_in_stmt(stmt, same);
        rename_lets(stmt, same);
    }
}

fn rename_lets(stmt: &mut Stmt, same: &[Value]) {
    if let Stmt::Let(value) = stmt {
        *value = same[value.index()];
    }
    stmt.regions_mut().flatten().for_each(|inner| rename_lets(inner, same));
}

fn compact_views(nest: &mut Nest) {
    let mut used = vec![false; nest.views.len()];
    for inst in &nest.lane.values {
        if let Inst::Load(view) = inst {
            used[view.index()] = true;
        }
    }
    for_each_store(&mut nest.lane.body, &mut |view| used[view.index()] = true);
    for fold in &nest.folds {
        if let FoldDest::View(view) = fold.dest {
            used[view.index()] = true;
        }
    }
    let mut new = vec![hotloop_ir::ViewId(0); used.len()];
    let mut next = 0;
    for (new, used) in new.iter_mut().zip(&used) {
        new.0 = next;
        next += u32::from(*used);
    }
    let mut keep = used.iter();
    nest.views.retain(|_| *keep.next().unwrap_or(&false));
    for inst in &mut nest.lane.values {
        if let Inst::Load(view) = inst {
            *view = new[view.index()];
        }
    }
    for_each_store(&mut nest.lane.body, &mut |view| *view = new[view.index()]);
    for fold in &mut nest.folds {
        if let FoldDest::View(view) = &mut fold.dest {
            *view = new[view.index()];
        }
    }
}

fn for_each_store(region: &mut Region, f: &mut dyn FnMut(&mut hotloop_ir::ViewId)) {
    for stmt in region {
        if let Stmt::Store(view, _) = stmt {
            f(view);
        }
        stmt.regions_mut().for_each(|inner| for_each_store(inner, f));
    }
}
