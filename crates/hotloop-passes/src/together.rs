//! Groups the turns of innermost loops in scalar code, so that vectors compute several at once; and in nests of independent
//! points where that reads whole vectors and lanes across the points do not.
//!
//! A loop qualifies if it counts by 1, goes one way and checks nothing, if no turn needs an element that another one of
//! its group stores, and if its variables only collect in an order that does not matter: whole numbers that are added
//! or multiplied, and anything of which the least or the greatest is kept. Floats are added in the order of the loop.
//! What keeps a loop from it becomes a note.

use crate::across::{self, Differs};
use crate::index::{self, Apart, Index};
use crate::split;
use hotloop_ir::{
    ArrayId, FoldOp, Inst, Lane, Layout, Local, Nest, NestId, Note, NoteKind, Op, Program, Region, Scalar, Shape, Span,
    Stmt, Turns, Type, Value,
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Bytes of one vector register of the code generator.
const REGISTER: u32 = 16;
/// Registers that are computed side by side.
const COPIES: u32 = 2;
/// The same where little more is done than to collect, so that each turn waits for the one before.
const COPIES_OF_FOLDS: u32 = 4;
/// The most ops of such a loop.
const FEW_OPS: usize = 4;

/// The most values of a loop that is split at a turn, and so kept three times.
const MOST_VALUES: usize = 40;

/// Looks through the loops of all scalar code.
pub fn run(program: &mut Program) {
    for index in 0..program.nests.len() {
        match program.nests[index].schedule.shape {
            Shape::Serial => {}
            Shape::Map if better_by_turns(program, index) => program.nests[index].schedule.lanes = 1,
            Shape::Map | Shape::FoldRows | Shape::FoldColumns | Shape::FoldPoints => continue,
        }
        let mut body = std::mem::take(&mut program.nests[index].lane.body);
        let mut found = Found::default();
        look_through(&mut body, program, index, &mut found);
        let nest = &mut program.nests[index];
        nest.lane.body = body;
        nest.schedule.turns = found.turns;
        let notes = notes(found.reasons, nest, NestId(index as u32), &program.sites, &program.arrays);
        program.notes.extend(notes);
    }
}

/// Whether the loops of a nest of independent points go along rows that vectors can read, while its points lie apart.
fn better_by_turns(program: &Program, index: usize) -> bool {
    let nest = &program.nests[index];
    if nest.schedule.lanes < 2 || !across::is_loops(nest) {
        return false;
    }
    let differs = Differs::of(nest);
    let (mut gains, mut fits) = (false, true);
    across::for_each_loop(&nest.lane.body, &mut |counter, [start, step], body| {
        let candidate = Loop { program, lane: &nest.lane, counter, body, inside: lets(body) };
        let unit = *nest.lane.inst(step) == Inst::Const(Scalar::i64(1));
        match if unit { candidate.turns() } else { Err((NoteKind::TurnsStep, None)) } {
            Ok(_) => gains |= candidate.goes_along_rows(&differs, start),
            // Points leave such a loop one by one, so that lanes across them gain little.
            Err((NoteKind::TurnsBranch, _)) => {}
            Err(_) => fits = false,
        }
    });
    gains && fits
}

/// What becomes of the loops of one nest.
#[derive(Default)]
struct Found {
    turns: Vec<Turns>,
    /// Of each innermost loop, by its counter as it was: whether it is grouped, or why not. A loop that stands twice has
    /// the better of the two.
    reasons: Vec<(Option<Local>, Reason)>,
}

/// What keeps a loop from being grouped, and the array it is about.
type Reason = (NoteKind, Option<ArrayId>);

impl Found {
    fn tell(&mut self, counter: Option<Local>, reason: Reason) {
        match self.reasons.iter_mut().find(|(known, _)| counter.is_some() && *known == counter) {
            // The form of a loop with all its checks is the slow one.
            Some((_, known)) if known.0 == NoteKind::TurnsCheck => *known = reason,
            Some((_, known)) if reason.0 == NoteKind::TurnsTogether => *known = reason,
            Some(_) => {}
            None => self.reasons.push((counter, reason)),
        }
    }
}

fn look_through(region: &mut Region, program: &mut Program, nest: usize, found: &mut Found) {
    let mut list = Vec::with_capacity(region.len());
    for mut stmt in std::mem::take(region) {
        match &mut stmt {
            Stmt::For { index, step, body, .. } if is_innermost(body) => {
                let counter = *index;
                let lane = &program.nests[nest].lane;
                let unit = *lane.inst(*step) == Inst::Const(Scalar::i64(1));
                let candidate = Loop { program, lane, counter, body, inside: lets(body) };
                let turns = if unit { candidate.turns() } else { Err((NoteKind::TurnsStep, None)) };
                let apart = if turns.is_err() && unit { candidate.turns_but_one() } else { None };
                let lane = &mut program.nests[nest].lane;
                match (turns, apart) {
                    (Ok(turns), _) => {
                        *index = own_counter(counter, body, lane);
                        found.turns.push(Turns { counter: *index, ..turns });
                        found.tell(Some(counter), (NoteKind::TurnsTogether, None));
                    }
                    (Err(_), Some((turns, meeting))) => {
                        list.extend(split::around(stmt, meeting, &turns, lane, &mut found.turns));
                        found.tell(Some(counter), (NoteKind::TurnsTogether, None));
                        continue;
                    }
                    (Err(reason), None) => found.tell(Some(counter), reason),
                }
            }
            Stmt::Loop(body) if is_innermost(body) => found.tell(None, (NoteKind::TurnsEnd, None)),
            Stmt::For { .. } | Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => {
                stmt.regions_mut().for_each(|inner| look_through(inner, program, nest, found));
            }
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => {}
            Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        list.push(stmt);
    }
    *region = list;
}

pub(crate) fn is_innermost(region: &[Stmt]) -> bool {
    region.iter().all(|stmt| {
        let is_loop = matches!(stmt, Stmt::For { .. } | Stmt::Loop(_));
        !is_loop && stmt.regions().into_iter().all(is_innermost)
    })
}

fn lets(region: &[Stmt]) -> FxHashSet<Value> {
    let computed = |stmt: &Stmt| if let Stmt::Let(value) = stmt { Some(*value) } else { None };
    region.iter().filter_map(computed).collect()
}

/// Gives a loop a counter that no other loop has.
pub(crate) fn own_counter(counter: Local, body: &Region, lane: &mut Lane) -> Local {
    let own = Local(lane.locals.len() as u32);
    lane.locals.push(Type::I64);
    for value in lets(body) {
        if lane.values[value.index()] == Inst::Local(counter) {
            lane.values[value.index()] = Inst::Local(own);
        }
    }
    own
}

/// A counted innermost loop.
struct Loop<'a> {
    program: &'a Program,
    lane: &'a Lane,
    counter: Local,
    body: &'a Region,
    inside: FxHashSet<Value>,
}

/// One access of a loop: the array, the index if it is a sum, and whether it stores.
struct Access {
    array: ArrayId,
    index: Option<Vec<Index>>,
    /// The index as values.
    values: Vec<Value>,
    stores: bool,
}

impl Loop<'_> {
    /// How its turns are grouped, or what keeps them apart.
    fn turns(&self) -> Result<Turns, Reason> {
        self.turns_but(None)
    }

    /// How its turns are grouped if not for one: that in which the counter is the value given with it. An element that all
    /// turns read, in the line that the loop stores, is stored by that turn alone.
    fn turns_but_one(&self) -> Option<(Turns, Value)> {
        let (loads, stores): (Vec<_>, Vec<_>) = self.accesses().into_iter().partition(|access| !access.stores);
        let meetings = stores.iter().flat_map(|store| loads.iter().filter_map(|load| self.meeting(store, load)));
        let meeting = meetings.into_iter().next().filter(|_| self.inside.len() <= MOST_VALUES)?;
        Some((self.turns_but(Some(meeting)).ok()?, meeting))
    }

    /// The counter in the only turn that may store an element which all turns read: the counter is one of its indices.
    fn meeting(&self, store: &Access, load: &Access) -> Option<Value> {
        let (Some(stored), Some(read)) = (&store.index, &load.index) else { return None };
        if store.array != load.array || read.iter().any(|index| index.factor != 0) {
            return None;
        }
        let axis = stored.iter().position(Index::is_counter)?;
        let at = *load.values.get(axis)?;
        let known = self.lane.ty(at) == Type::I64 && !self.inside.contains(&at);
        known.then_some(at)
    }

    /// The accesses of the body, which has no regions in it.
    fn accesses(&self) -> Vec<Access> {
        let access = |stmt: &Stmt| match stmt {
            Stmt::Let(value) => match self.lane.inst(*value) {
                Inst::LoadAt(array, index) => Some(self.access(*array, index, false)),
                Inst::Load(_) | Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => None,
                Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => None,
            },
            Stmt::StoreAt(array, index, _) => Some(self.access(*array, index, true)),
            Stmt::Set(..) | Stmt::Store(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => None,
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => None,
            Stmt::Break(_) | Stmt::Continue(_) => None,
        };
        self.body.iter().filter_map(access).collect()
    }

    fn turns_but(&self, meeting: Option<Value>) -> Result<Turns, Reason> {
        let (accesses, mut folds, mut data) = (self.accesses(), Vec::new(), Vec::new());
        for stmt in self.body {
            match stmt {
                Stmt::Let(value) => match self.lane.inst(*value) {
                    Inst::Load(_) => return Err((NoteKind::TurnsGain, None)),
                    Inst::LoadAt(..)
                    | Inst::Const(_)
                    | Inst::Op(..)
                    | Inst::Convert(_)
                    | Inst::Bitcast(_)
                    | Inst::Axis(_) => {}
                    Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => {}
                },
                Stmt::StoreAt(_, _, value) => data.push(*value),
                Stmt::Set(local, value) => {
                    folds.push((*local, self.fold(*local, *value)?));
                    data.push(*value);
                }
                Stmt::Check { site, .. } => return Err((NoteKind::TurnsCheck, self.array_of(*site))),
                Stmt::If { .. } | Stmt::Block(_) | Stmt::Break(_) | Stmt::Continue(_) => {
                    return Err((NoteKind::TurnsBranch, None));
                }
                Stmt::Store(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::For { .. } | Stmt::Loop(_) => {
                    return Err((NoteKind::TurnsGain, None));
                }
            }
        }
        self.reads_no_others(&folds)?;
        let lanes = self.lanes(&data, &accesses)?;
        self.stay_apart(&accesses, i64::from(lanes), meeting)?;
        Ok(Turns { counter: self.counter, lanes, folds })
    }

    fn array_of(&self, site: hotloop_ir::SiteId) -> Option<ArrayId> {
        let subject = &self.program.sites[site.index()].subject;
        let at = self.program.arrays.iter().position(|array| array.name == *subject)?;
        Some(ArrayId(at as u32))
    }

    fn access(&self, array: ArrayId, index: &[Value], stores: bool) -> Access {
        let values = index.to_vec();
        let index = index.iter().map(|value| Index::of(*value, self.counter, self.lane, &self.inside)).collect();
        Access { array, index, values, stores }
    }

    /// How a variable collects what it is set to.
    fn fold(&self, local: Local, value: Value) -> Result<FoldOp, Reason> {
        let variable = Err((NoteKind::TurnsVariable, None));
        let Inst::Op(op, [a, b, _]) = *self.lane.inst(value) else { return variable };
        let is_old = |value: Value| *self.lane.inst(value) == Inst::Local(local);
        let Some(fold) = FoldOp::ALL.iter().copied().find(|fold| fold.op() == op) else { return variable };
        let ty = self.lane.ty(value);
        if is_old(a) == is_old(b) || !fold.admits(ty) {
            return variable;
        }
        match fold {
            FoldOp::Sum | FoldOp::Prod if ty.is_float() => Err((NoteKind::TurnsOrder, None)),
            FoldOp::Sum | FoldOp::Prod | FoldOp::Min | FoldOp::Max => Ok(fold),
            FoldOp::All | FoldOp::Any => variable,
        }
    }

    /// A variable that collects is set once, and neither what it was nor what it becomes is read for anything else.
    fn reads_no_others(&self, folds: &[(Local, FoldOp)]) -> Result<(), Reason> {
        let mut uses: FxHashMap<Value, usize> = FxHashMap::default();
        crate::unused::for_each_use(self.body, &mut |value| *uses.entry(value).or_default() += 1);
        for value in &self.inside {
            self.lane.inst(*value).operands().iter().for_each(|operand| *uses.entry(*operand).or_default() += 1);
        }
        let once = |value: &Value| uses.get(value) == Some(&1);
        for (at, (local, _)) in folds.iter().enumerate() {
            let reads = |value: &&Value| *self.lane.inst(**value) == Inst::Local(*local);
            let read: Vec<&Value> = self.inside.iter().filter(reads).collect();
            let sets = |stmt: &&Stmt| matches!(stmt, Stmt::Set(to, _) if to == local);
            let set = self.body.iter().find(sets);
            let becomes = set.and_then(|stmt| if let Stmt::Set(_, value) = stmt { Some(value) } else { None });
            let private = matches!(read[..], [read] if once(read)) && becomes.is_some_and(once);
            if !private || folds[..at].iter().any(|(other, _)| other == local) {
                return Err((NoteKind::TurnsVariable, None));
            }
        }
        Ok(())
    }

    /// How many turns are computed together: by the widest type of what is computed, not of indices.
    fn lanes(&self, data: &[Value], accesses: &[Access]) -> Result<u32, Reason> {
        let mut open = data.to_vec();
        let mut seen = FxHashSet::default();
        let (mut widest, mut narrowest, mut ops) = (1, 8, 0);
        while let Some(value) = open.pop() {
            if !self.inside.contains(&value) || !seen.insert(value) {
                continue;
            }
            let inst = self.lane.inst(value);
            if self.lane.ty(value) != Type::Bool {
                let bytes = self.lane.ty(value).bytes() as u32;
                (widest, narrowest) = (widest.max(bytes), narrowest.min(bytes));
            }
            match inst {
                Inst::Op(Op::FloorDiv | Op::FloorRem, _) => return Err((NoteKind::TurnsGain, None)),
                Inst::Op(..) | Inst::Convert(_) => ops += 1,
                Inst::Const(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) => {}
                Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => {}
            }
            if !matches!(inst, Inst::LoadAt(..)) {
                open.extend(inst.operands());
            }
        }
        let scattered = accesses.iter().filter(|access| !self.is_line(access)).count();
        let lines = accesses.len() - scattered;
        let bytes = accesses.iter().any(|access| self.program.array(access.array).ty == Type::Bool);
        if data.is_empty() || scattered > lines + ops || bytes {
            return Err((NoteKind::TurnsGain, None));
        }
        // Elements that lie apart are put together one by one, which takes longer than to collect them.
        let only_reads = scattered == 0 && accesses.iter().all(|access| !access.stores);
        let copies = if only_reads && ops <= FEW_OPS { COPIES_OF_FOLDS } else { COPIES };
        Ok((REGISTER / widest * copies).max(REGISTER / narrowest))
    }

    /// Whether an access of neighboring turns touches neighboring elements, those of neighboring points rows of their own.
    fn goes_along_rows(&self, differs: &Differs<'_>, start: Value) -> bool {
        self.body.iter().any(|stmt| {
            let Stmt::Let(value) = stmt else { return false };
            let Inst::LoadAt(array, index) = self.lane.inst(*value) else { return false };
            let access = self.access(*array, index, false);
            self.is_line(&access) && access.index.is_some_and(|index| differs.by_rows(&index, start))
        })
    }

    /// Whether neighboring turns touch neighboring elements, or all the same one.
    fn is_line(&self, access: &Access) -> bool {
        let Some(index) = &access.index else { return false };
        let packed = match self.program.array(access.array).layout {
            Layout::Dense | Layout::UnitInner => true,
            Layout::Strided => false,
        };
        let Some((last, others)) = index.split_last() else { return false };
        others.iter().all(|index| index.factor == 0) && (last.factor == 0 || (last.factor == 1 && packed))
    }

    /// Whether no turn needs what another one of its group stores, where the counter is never what is given.
    fn stay_apart(&self, accesses: &[Access], lanes: i64, meeting: Option<Value>) -> Result<(), Reason> {
        for (at, store) in accesses.iter().enumerate().filter(|(_, access)| access.stores) {
            let reason = (NoteKind::TurnsElement, Some(store.array));
            let Some(stored) = &store.index else { return Err(reason) };
            if stored.iter().all(|index| index.factor == 0) {
                return Err(reason);
            }
            for (other_at, other) in accesses.iter().enumerate().filter(|(_, other)| other.array == store.array) {
                let Some(index) = &other.index else { return Err(reason) };
                let fine = match index::apart(stored, index) {
                    Apart::Never | Apart::Turns(0) => true,
                    Apart::Turns(by) if by.abs() >= lanes => true,
                    // An element that a later turn stores is read before that, in a group as one by one.
                    Apart::Turns(by) => by > 0 && !other.stores && other_at < at,
                    Apart::Unknown => meeting.is_some() && self.meeting(store, other) == meeting,
                };
                if !fine {
                    return Err(reason);
                }
            }
        }
        Ok(())
    }
}

/// The notes on the loops of a nest. A loop has no place of its own: it is where its first check is.
fn notes(
    reasons: Vec<(Option<Local>, Reason)>,
    nest: &Nest,
    id: NestId,
    sites: &[hotloop_ir::Site],
    arrays: &[hotloop_ir::Array],
) -> Vec<Note> {
    let mut spans = FxHashMap::default();
    places(&nest.lane.body, sites, &mut spans);
    let note = |(counter, (kind, array)): (Option<Local>, Reason)| {
        let span = counter.and_then(|counter| spans.get(&counter).copied()).unwrap_or(nest.span);
        let subject = array.map_or(String::new(), |array| arrays[array.index()].name.clone());
        Note { kind, nest: Some(id), subject, span }
    };
    reasons.into_iter().map(note).collect()
}

/// The place of the first check in each counted loop.
fn places(region: &[Stmt], sites: &[hotloop_ir::Site], spans: &mut FxHashMap<Local, Span>) -> Option<Span> {
    let mut all: Option<Span> = None;
    for stmt in region {
        let own = if let Stmt::Check { site, .. } = stmt { Some(sites[site.index()].span) } else { None };
        let inner = stmt.regions().into_iter().filter_map(|inner| places(inner, sites, spans)).reduce(first);
        if let (Stmt::For { index, .. }, Some(inner)) = (stmt, inner) {
            spans.entry(*index).and_modify(|span| *span = first(*span, inner)).or_insert(inner);
        }
        all = all.into_iter().chain(own).chain(inner).reduce(first);
    }
    all
}

fn first(one: Span, other: Span) -> Span {
    if other.start < one.start { other } else { one }
}
