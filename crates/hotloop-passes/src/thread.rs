//! Conditions that are asked twice are asked once: where both ways of a branch set a variable that the next branch asks,
//! each way goes on where the variable sends it. What follows a branch one way of which leaves the loop stands behind
//! it, not inside, so that later statements can use what it computes.
//!
//! `while j > 0 and a[j - 1] > x` comes as such a pair of branches. Only scalar code is changed: lanes of a vector go
//! both ways anyway.

use hotloop_ir::{Inst, Lane, Local, Program, Region, Stmt, Value};

/// Most statements of a way that may come to stand twice.
const SHORT: usize = 1;

/// Rewrites every nest without axes.
pub fn run(program: &mut Program) {
    for nest in program.nests.iter_mut().filter(|nest| nest.axes.is_empty()) {
        let mut body = std::mem::take(&mut nest.lane.body);
        let reads = count_reads(&nest.lane);
        thread_in(&mut body, &nest.lane, &reads);
        nest.lane.body = body;
    }
}

/// How many values read each variable.
fn count_reads(lane: &Lane) -> Vec<usize> {
    let mut reads = vec![0; lane.locals.len()];
    for inst in &lane.values {
        if let Inst::Local(local) = inst {
            reads[local.index()] += 1;
        }
    }
    reads
}

fn thread_in(region: &mut Region, lane: &Lane, reads: &[usize]) {
    let mut list: Vec<Stmt> = std::mem::take(region).into_iter().rev().collect();
    while let Some(mut stmt) = list.pop() {
        if let Some((local, then, otherwise)) = next_asks(&stmt, &list, lane, reads) {
            list.truncate(list.len() - 2);
            if let Stmt::If { then: first, otherwise: second, .. } = &mut stmt {
                for way in [first, second] {
                    go_on(way, local, [&then, &otherwise], lane);
                }
            }
        }
        match stmt {
            Stmt::If { cond, then, otherwise } if leaves(&otherwise) && !then.is_empty() => {
                list.extend(then.into_iter().rev());
                stmt = Stmt::If { cond, then: Vec::new(), otherwise };
            }
            other => stmt = other,
        }
        stmt.regions_mut().for_each(|inner| thread_in(inner, lane, reads));
        region.push(stmt);
    }
}

/// The variable that both ways of a branch set, and that the statements behind it read for a branch of their own and
/// nobody else does; and the ways of that one. `rest` is the rest of the list, backwards.
fn next_asks(stmt: &Stmt, rest: &[Stmt], lane: &Lane, reads: &[usize]) -> Option<(Local, Region, Region)> {
    let Stmt::If { then, otherwise, .. } = stmt else { return None };
    let [.., Stmt::If { cond, then: yes, otherwise: no }, Stmt::Let(asked)] = rest else { return None };
    let Inst::Local(local) = *lane.inst(*asked) else { return None };
    let sets = |way: &Region| matches!(way.last(), Some(Stmt::Set(to, _)) if *to == local);
    let fits = asked == cond && reads[local.index()] == 1 && sets(then) && sets(otherwise);
    let short = yes.len() <= SHORT && no.len() <= SHORT && yes.iter().chain(no).all(is_jump);
    (fits && short).then(|| (local, yes.clone(), no.clone()))
}

fn is_jump(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Break(_) | Stmt::Continue(_) => true,
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => false,
        Stmt::Fold(..) | Stmt::Check { .. } | Stmt::If { .. } => false,
        Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => false,
    }
}

fn leaves(region: &Region) -> bool {
    region.last().is_some_and(is_jump)
}

/// Lets a way that ends with setting the variable go on as the variable says.
fn go_on(way: &mut Region, local: Local, [then, otherwise]: [&Region; 2], lane: &Lane) {
    let Some(Stmt::Set(to, value)) = way.pop() else { return };
    debug_assert_eq!(to, local);
    match truth(lane, value) {
        Some(true) => way.extend(then.iter().cloned()),
        Some(false) => way.extend(otherwise.iter().cloned()),
        None => way.push(Stmt::If { cond: value, then: then.clone(), otherwise: otherwise.clone() }),
    }
}

fn truth(lane: &Lane, value: Value) -> Option<bool> {
    if let Inst::Const(scalar) = lane.inst(value) { Some(scalar.bits == 1) } else { None }
}
