//! Gives loops that lanes leave one by one a count of turns that all lanes share.
//!
//! A variable that is read after such a loop differs from lane to lane there, so a code generator for vectors must keep
//! one per lane. Inside the loop, though, the lanes that still run all hold the same number, if each turn adds the same
//! to it. Reads inside the loop go to a second variable, which nobody reads afterwards and which therefore need not be
//! masked: a test against a limit becomes one test for all lanes.

use hotloop_ir::{Inst, Lane, Local, Op, Program, Region, Stmt, Value};

/// Looks through the loops of nests that run several points together.
pub fn run(program: &mut Program) {
    for nest in program.nests.iter_mut().filter(|nest| nest.schedule.lanes > 1) {
        let mut body = std::mem::take(&mut nest.lane.body);
        let reads = reads_of_locals(&body, &nest.lane);
        share_in(&mut body, &mut nest.lane, &reads);
        nest.lane.body = body;
    }
}

/// How often each local is read in a region.
fn reads_of_locals(region: &[Stmt], lane: &Lane) -> Vec<usize> {
    let mut reads = vec![0; lane.locals.len()];
    note_reads(region, lane, &mut reads);
    reads
}

fn note_reads(region: &[Stmt], lane: &Lane, reads: &mut [usize]) {
    for stmt in region {
        if let Stmt::Let(value) = stmt
            && let Inst::Local(local) = lane.inst(*value)
        {
            reads[local.index()] += 1;
        }
        for inner in stmt.regions() {
            note_reads(inner, lane, reads);
        }
    }
}

fn share_in(region: &mut Region, lane: &mut Lane, reads: &[usize]) {
    for at in (0..region.len()).rev() {
        for inner in region[at].regions_mut() {
            share_in(inner, lane, reads);
        }
        let (before, rest) = region.split_at_mut(at);
        let Stmt::Loop(body) = &mut rest[0] else { continue };
        if continues(body, 0) {
            continue;
        }
        let mut firsts = Vec::new();
        for counter in counters(body, lane) {
            let outside = reads.get(counter.local.index()) > reads_of_locals(body, lane).get(counter.local.index());
            if let Some((set, first)) = first_value(before, lane, counter.local).filter(|_| outside) {
                firsts.push((set, Stmt::Set(share(body, lane, &counter), first)));
            }
        }
        // From the back, so that the places found stay right.
        firsts.sort_by_key(|(set, _)| std::cmp::Reverse(*set));
        for (set, stmt) in firsts {
            region.insert(set + 1, stmt);
        }
    }
}

/// Whether the loop `depth` constructs around a region can be continued from there.
fn continues(region: &[Stmt], depth: u32) -> bool {
    region.iter().any(|stmt| match stmt {
        Stmt::Continue(target) => *target == depth,
        Stmt::If { then, otherwise, .. } => continues(then, depth) || continues(otherwise, depth),
        Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => continues(body, depth + 1),
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => false,
        Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) => false,
    })
}

/// An integer that each turn adds a constant to.
struct Counter {
    local: Local,
    /// The statement of the body that sets it.
    at: usize,
    sum: Value,
    step: Value,
}

fn counters(body: &[Stmt], lane: &Lane) -> Vec<Counter> {
    let found = body.iter().enumerate().filter_map(|(at, stmt)| {
        let Stmt::Set(local, sum) = stmt else { return None };
        let Inst::Op(Op::Add, [a, b, _]) = lane.inst(*sum) else { return None };
        let read = |value: &Value| matches!(lane.inst(*value), Inst::Local(of) if of == local);
        let constant = |value: &Value| matches!(lane.inst(*value), Inst::Const(_));
        let step = if read(a) && constant(b) {
            *b
        } else if read(b) && constant(a) {
            *a
        } else {
            return None;
        };
        let int = !lane.ty(*sum).is_float();
        (int && sets(body, *local) == 1).then_some(Counter { local: *local, at, sum: *sum, step })
    });
    found.collect()
}

/// How many statements of a region set a local.
fn sets(region: &[Stmt], local: Local) -> usize {
    region
        .iter()
        .map(|stmt| {
            let own = match stmt {
                Stmt::Set(to, _) => usize::from(*to == local),
                Stmt::For { index, .. } => usize::from(*index == local),
                Stmt::Let(_) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) => 0,
                Stmt::Check { .. } | Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => 0,
                Stmt::Break(_) | Stmt::Continue(_) => 0,
            };
            own + stmt.regions().into_iter().map(|inner| sets(inner, local)).sum::<usize>()
        })
        .sum()
}

/// The statement that gives the local its value before a loop, and that value, if all lanes have the same.
fn first_value(before: &[Stmt], lane: &Lane, local: Local) -> Option<(usize, Value)> {
    for (at, stmt) in before.iter().enumerate().rev() {
        if let Stmt::Set(to, value) = stmt
            && *to == local
        {
            let same = matches!(lane.inst(*value), Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..));
            return same.then_some((at, *value));
        }
        if sets(std::slice::from_ref(stmt), local) > 0 {
            return None;
        }
    }
    None
}

/// Sends the reads of a counter in a loop to a variable of its own, and gives that.
fn share(body: &mut Region, lane: &mut Lane, counter: &Counter) -> Local {
    let shared = Local(lane.locals.len() as u32);
    lane.locals.push(lane.ty(counter.sum));
    redirect(body, lane, counter.local, shared);
    let old = value(lane, Inst::Local(counter.local), counter.sum);
    let new = value(lane, Inst::Op(Op::Add, [old, counter.step, old]), counter.sum);
    let update = [Stmt::Let(old), Stmt::Let(new), Stmt::Set(counter.local, new), Stmt::Set(shared, counter.sum)];
    body.splice(counter.at..=counter.at, update);
    shared
}

/// A new value of the type of another.
fn value(lane: &mut Lane, inst: Inst, like: Value) -> Value {
    lane.types.push(lane.ty(like));
    lane.values.push(inst);
    Value(lane.values.len() as u32 - 1)
}

fn redirect(region: &[Stmt], lane: &mut Lane, from: Local, to: Local) {
    for stmt in region {
        if let Stmt::Let(value) = stmt
            && lane.values[value.index()] == Inst::Local(from)
        {
            lane.values[value.index()] = Inst::Local(to);
        }
        for inner in stmt.regions() {
            redirect(inner, lane, from, to);
        }
    }
}
