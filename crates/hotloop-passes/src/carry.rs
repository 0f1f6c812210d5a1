//! Keeps elements from one turn of a loop to the next: what the turn before has stored or read is not read again.
//!
//! `a[i, j - 1]` is what the turn before stored to `a[i, j]`, or read there. Such elements go through a variable, which
//! is filled before the first turn. Only innermost loops of scalar code that count by 1, go one way and check nothing are
//! changed: in them every access of every turn is made, so that reading the first turn's elements early is harmless.

use crate::index::{Apart, Index, apart};
use hotloop_ir::{ArrayId, Inst, Lane, Local, Op, Program, Region, Scalar, Shape, Stmt, Type, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// Most elements that one loop keeps: more would not stay in registers.
const MOST: usize = 8;
/// Most accesses of a loop that is looked at.
const MOST_ACCESSES: usize = 64;

/// Changes the loops of all scalar code whose turns are not grouped.
pub fn run(program: &mut Program) {
    for nest in program.nests.iter_mut().filter(|nest| nest.schedule.shape == Shape::Serial) {
        let grouped: FxHashSet<Local> = nest.schedule.turns.iter().map(|turns| turns.counter).collect();
        let mut body = std::mem::take(&mut nest.lane.body);
        carry_in(&mut body, &mut nest.lane, &grouped);
        nest.lane.body = body;
    }
}

fn carry_in(region: &mut Region, lane: &mut Lane, grouped: &FxHashSet<Local>) {
    let mut list = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        let changed = match &mut stmt {
            Stmt::For { index, start, stop, step, body } if !grouped.contains(index) => {
                let unit = *lane.inst(*step) == Inst::Const(Scalar::i64(1));
                let carried = if unit { carried(body, lane, *index) } else { Vec::new() };
                (!carried.is_empty()).then(|| keep(body, lane, (*index, *start, *stop), carried))
            }
            Stmt::For { .. } | Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => None,
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => None,
            Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => None,
        };
        match changed {
            Some((before, some, mut first)) => {
                list.extend(before);
                first.push(stmt);
                list.push(Stmt::If { cond: some, then: first, otherwise: Vec::new() });
            }
            None => {
                stmt.regions_mut().for_each(|inner| carry_in(inner, lane, grouped));
                list.push(stmt);
            }
        }
    }
    *region = list;
}

/// An access of a loop: where it stands, the element, and the value that is read or stored.
struct Access {
    array: ArrayId,
    index: Vec<Index>,
    value: Value,
    stores: bool,
}

/// The reads whose elements the turn before has had, and the values that it had them in.
fn carried(body: &Region, lane: &Lane, counter: Local) -> Vec<(Value, Value)> {
    let Some(accesses) = accesses(body, lane, counter) else { return Vec::new() };
    let mut found = Vec::new();
    for (at, read) in accesses.iter().enumerate().filter(|(_, access)| !access.stores) {
        let gives = |(from, giver): &(usize, &Access)| gives(&accesses, (*from, giver), (at, read));
        // What is stored last is what is there.
        let store = accesses.iter().enumerate().filter(|(_, access)| access.stores).find(gives);
        let giver = store.or_else(|| accesses.iter().enumerate().filter(|(_, access)| !access.stores).find(gives));
        if let Some((_, giver)) = giver.filter(|_| found.len() < MOST) {
            found.push((read.value, giver.value));
        }
    }
    found
}

/// Whether what an access had in one turn is what a read finds in the next.
fn gives(accesses: &[Access], (from, giver): (usize, &Access), (at, read): (usize, &Access)) -> bool {
    let same = |access: &Access| access.array == read.array;
    if !same(giver) || apart(&giver.index, &read.index) != Apart::Turns(-1) {
        return false;
    }
    accesses.iter().enumerate().filter(|(_, access)| access.stores && same(access)).all(|(place, store)| {
        match apart(&store.index, &read.index) {
            Apart::Never => true,
            Apart::Turns(0) => place > at,
            // Stored in the turn before: by the giver, or before the giver.
            Apart::Turns(-1) => place <= from,
            Apart::Turns(_) => true,
            Apart::Unknown => false,
        }
    })
}

/// The accesses of a loop that goes one way and checks nothing; none if it does not, or an index is not known.
fn accesses(body: &Region, lane: &Lane, counter: Local) -> Option<Vec<Access>> {
    let computed = |stmt: &Stmt| if let Stmt::Let(value) = stmt { Some(*value) } else { None };
    let inside: FxHashSet<Value> = body.iter().filter_map(computed).collect();
    let sums = |index: &[Value]| {
        index.iter().map(|value| Index::of(*value, counter, lane, &inside)).collect::<Option<Vec<_>>>()
    };
    let mut found = Vec::new();
    let mut stored = FxHashSet::default();
    for stmt in body {
        match stmt {
            Stmt::Let(value) => {
                if let Inst::LoadAt(array, index) = lane.inst(*value)
                    && let Some(index) = sums(index)
                {
                    found.push(Access { array: *array, index, value: *value, stores: false });
                }
            }
            Stmt::StoreAt(array, index, value) => {
                stored.insert(*array);
                found.push(Access { array: *array, index: sums(index)?, value: *value, stores: true });
            }
            Stmt::Set(..) => {}
            Stmt::Store(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => return None,
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => return None,
            Stmt::Break(_) | Stmt::Continue(_) => return None,
        }
    }
    // Where nothing is stored, reading again costs little.
    found.retain(|access| stored.contains(&access.array));
    (found.len() <= MOST_ACCESSES).then_some(found)
}

/// Sends the reads of a loop through variables. Gives the test whether there is a first turn, its value, and the code that
/// fills the variables for that turn.
fn keep(
    body: &mut Region,
    lane: &mut Lane,
    (counter, start, stop): (Local, Value, Value),
    carried: Vec<(Value, Value)>,
) -> (Region, Value, Region) {
    let some = push(lane, Inst::Op(Op::Lt, [start, stop, start]), Type::Bool);
    let computed = |stmt: &Stmt| if let Stmt::Let(value) = stmt { Some(*value) } else { None };
    let inside: FxHashSet<Value> = body.iter().filter_map(computed).collect();
    let mut first = First { lane, counter, start, inside: &inside, made: FxHashMap::default(), list: Vec::new() };
    let mut variables = Vec::new();
    for (read, _) in &carried {
        let element = first.copy(*read);
        let variable = Local(first.lane.locals.len() as u32);
        let ty = first.lane.ty(*read);
        first.lane.locals.push(ty);
        first.list.push(Stmt::Set(variable, element));
        variables.push(variable);
    }
    let list = first.list;
    for ((read, giver), variable) in carried.into_iter().zip(variables) {
        lane.values[read.index()] = Inst::Local(variable);
        body.push(Stmt::Set(variable, giver));
    }
    (vec![Stmt::Let(some)], some, list)
}

fn push(lane: &mut Lane, inst: Inst, ty: Type) -> Value {
    lane.values.push(inst);
    lane.types.push(ty);
    Value(lane.values.len() as u32 - 1)
}

/// The code of elements as the first turn reads them.
struct First<'a> {
    lane: &'a mut Lane,
    counter: Local,
    start: Value,
    inside: &'a FxHashSet<Value>,
    made: FxHashMap<Value, Value>,
    list: Region,
}

impl First<'_> {
    /// A value of the loop in its first turn; the sums of indices are no deeper than they are followed.
    fn copy(&mut self, value: Value) -> Value {
        if !self.inside.contains(&value) {
            return value;
        }
        if *self.lane.inst(value) == Inst::Local(self.counter) {
            return self.start;
        }
        if let Some(made) = self.made.get(&value) {
            return *made;
        }
        let operands: Vec<Value> = self.lane.inst(value).operands().to_vec();
        let mut same: FxHashMap<Value, Value> = FxHashMap::default();
        for operand in operands {
            let copied = self.copy(operand);
            same.insert(operand, copied);
        }
        let of = |value: Value| same.get(&value).copied().unwrap_or(value);
        let inst = match self.lane.inst(value).clone() {
            Inst::Op(op, args) => {
                let first = of(args[0]);
                let arg = |at: usize| if at < op.arity() { of(args[at]) } else { first };
                Inst::Op(op, [first, arg(1), arg(2)])
            }
            Inst::LoadAt(array, index) => Inst::LoadAt(array, index.into_iter().map(of).collect()),
            Inst::Convert(from) => Inst::Convert(of(from)),
            Inst::Bitcast(from) => Inst::Bitcast(of(from)),
            other @ (Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_)) => other,
            other @ (Inst::Load(_) | Inst::Extent(..)) => other,
        };
        let ty = self.lane.ty(value);
        let made = push(self.lane, inst, ty);
        self.list.push(Stmt::Let(made));
        self.made.insert(value, made);
        made
    }
}
