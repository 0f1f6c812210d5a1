//! Removes what is stored for nobody: temporaries that no nest loads any more, and stores that a later one covers.

use super::compatible::same_place;
use hotloop_ir::{ArrayId, FoldDest, Inst, Nest, Note, NoteKind, Program, Role, Span, Step, Stmt};
use rustc_hash::FxHashSet;

/// Removes stores and allocations of temporaries that nothing loads.
pub(super) fn drop_unread(program: &mut Program) {
    crate::unused::run(program);
    for nest in &mut program.nests {
        drop_covered(nest);
    }
    let mut read = FxHashSet::default();
    for nest in &program.nests {
        arrays_read(nest, &mut read);
    }
    read.extend(program.products.iter().flat_map(|product| product.views()).map(|view| view.array));
    let unread: FxHashSet<ArrayId> = (0..program.arrays.len() as u32)
        .map(ArrayId)
        .filter(|id| program.array(*id).role == Role::Temp && !read.contains(id))
        .collect();
    let mut stored = FxHashSet::default();
    for nest in &mut program.nests {
        let mut body = std::mem::take(&mut nest.lane.body);
        drop_stores(&mut body, nest, &unread, &mut stored);
        nest.lane.body = body;
    }
    let mut steps = std::mem::take(&mut program.steps);
    drop_allocs(&mut steps, &unread);
    program.steps = steps;
    let mut gone: Vec<ArrayId> = stored.into_iter().collect();
    gone.sort_unstable();
    for id in gone {
        let subject = program.array(id).name.clone();
        program.notes.push(Note { kind: NoteKind::Forwarded, nest: None, subject, span: Span::DETACHED });
    }
}

/// Arrays whose elements or extents something reads, and those that folds write.
fn arrays_read(nest: &Nest, read: &mut FxHashSet<ArrayId>) {
    for inst in &nest.lane.values {
        match inst {
            Inst::Load(view) => drop(read.insert(nest.views[view.index()].array)),
            Inst::LoadAt(array, _) | Inst::Extent(array, _) => drop(read.insert(*array)),
            Inst::Const(_)
            | Inst::Op(..)
            | Inst::Convert(_)
            | Inst::Bitcast(_)
            | Inst::Axis(_)
            | Inst::Slot(_)
            | Inst::Local(_) => {}
        }
    }
    for fold in &nest.folds {
        if let FoldDest::View(view) = fold.dest {
            read.insert(nest.views[view.index()].array);
        }
    }
}

fn drop_stores(region: &mut Vec<Stmt>, nest: &Nest, unread: &FxHashSet<ArrayId>, stored: &mut FxHashSet<ArrayId>) {
    region.iter_mut().flat_map(Stmt::regions_mut).for_each(|inner| drop_stores(inner, nest, unread, stored));
    region.retain(|stmt| {
        let array = match stmt {
            Stmt::Store(view, _) => nest.views[view.index()].array,
            Stmt::StoreAt(array, ..) => *array,
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::If { .. }
            | Stmt::For { .. }
            | Stmt::Loop(_)
            | Stmt::Block(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => return true,
        };
        let goes = unread.contains(&array);
        if goes {
            stored.insert(array);
        }
        !goes
    });
}

fn drop_allocs(steps: &mut Vec<Step>, unread: &FxHashSet<ArrayId>) {
    for step in steps.iter_mut() {
        match step {
            Step::If { then, otherwise, .. } => {
                drop_allocs(then, unread);
                drop_allocs(otherwise, unread);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => drop_allocs(body, unread),
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
    let concerns = |step: &Step| matches!(step, Step::Alloc(array, _) | Step::Free(array) if unread.contains(array));
    steps.retain(|step| !concerns(step));
}

/// Of several stores to the same element of an array that the nest does not load, the last one counts.
fn drop_covered(nest: &mut Nest) {
    let mut read = FxHashSet::default();
    arrays_read(nest, &mut read);
    let stores = nest.lane.body.iter().enumerate().filter_map(|(at, stmt)| match stmt {
        Stmt::Store(view, _) => Some((at, *view)),
        _ => None,
    });
    let stores: Vec<_> = stores.collect();
    let mut covered = FxHashSet::default();
    for (index, (at, view)) in stores.iter().enumerate() {
        let place = &nest.views[view.index()];
        let again = stores[index + 1..].iter().any(|(_, later)| same_place(&nest.views[later.index()], place));
        if again && !read.contains(&place.array) {
            covered.insert(*at);
        }
    }
    let mut at = 0;
    nest.lane.body.retain(|_| {
        at += 1;
        !covered.contains(&(at - 1))
    });
}
