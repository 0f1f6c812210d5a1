//! Side tables of a lane: what differs from lane to lane, where control flow needs masks, what can be computed once.
//!
//! A value varies if it depends on the coordinate along the vector axis. A construct diverges if lanes can take different
//! ways through it; it then runs under masks. Both depend on each other and are found together, by passes until nothing
//! changes. All is decided here; the emitter only asks.

use crate::liveness::{Around, liveness};
use hotloop_ir::{ArrayId, Inst, Lane, Local, Nest, Region, Stmt, Value, ViewId};
use rustc_hash::{FxHashMap, FxHashSet};

/// When a value can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Once per call of the nest function.
    Call,
    /// Once per row: while the coordinate along the inner axis changes alone.
    Row,
    /// At its place in the lane.
    Point,
}

/// What is known of one nest's lane.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Whether each value differs between the lanes of a vector.
    pub(crate) varying: Vec<bool>,
    /// Whether each local does.
    pub(crate) varying_local: Vec<bool>,
    /// When each value can be computed.
    pub(crate) level: Vec<Level>,
    /// Whether a value that does not vary is used beside ones that do.
    pub(crate) meets_varying: Vec<bool>,
    number: FxHashMap<*const Stmt, usize>,
    constructs: Vec<Construct>,
}

#[derive(Debug)]
struct Construct {
    divergent: bool,
    continued: bool,
    around: Around,
}

/// One enclosing construct during the walk.
#[derive(Clone, Copy)]
struct Open {
    id: usize,
    is_if: bool,
}

/// The most constructs inside each other.
pub(crate) const MAX_DEPTH: usize = 128;

/// Whether regions stand inside each other no deeper than the emitter's recursion allows.
pub(crate) fn depth_is_fine(region: &Region, depth: usize) -> bool {
    depth <= MAX_DEPTH
        && region
            .iter()
            .all(|stmt| inner_regions(stmt).into_iter().flatten().all(|inner| depth_is_fine(inner, depth + 1)))
}

/// The regions inside a statement.
pub(crate) fn inner_regions(stmt: &Stmt) -> [Option<&Region>; 2] {
    match stmt {
        Stmt::If { then, otherwise, .. } => [Some(then), Some(otherwise)],
        Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => [Some(body), None],
        Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => [None, None],
        Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => [None, None],
    }
}

/// Whether a view moves along an axis of the nest.
pub(crate) fn view_uses(nest: &Nest, view: ViewId, axis: usize) -> bool {
    nest.views[view.index()].dims.iter().any(|dim| dim.axis == Some(axis as u32))
}

impl Facts {
    /// The facts of a nest whose vector axis (or, in scalar code, innermost loop) is `inner`.
    pub(crate) fn of(nest: &Nest, inner: Option<usize>, vector: bool) -> Facts {
        let lane = &nest.lane;
        let mut number = FxHashMap::default();
        number_constructs(&lane.body, &mut number);
        let around = if vector { liveness(lane, &number) } else { Vec::new() };
        let construct = |around| Construct { divergent: false, continued: false, around };
        let mut facts = Facts {
            varying: vec![false; lane.values.len()],
            varying_local: vec![false; lane.locals.len()],
            level: levels(nest, inner),
            meets_varying: vec![false; lane.values.len()],
            number,
            constructs: around.into_iter().map(construct).collect(),
        };
        if let (true, Some(inner)) = (vector, inner) {
            let mut walk = Walk { nest, inner, facts: &mut facts, open: Vec::new(), changed: true };
            while walk.changed {
                walk.changed = false;
                walk.region(&lane.body);
            }
            meet_varying(&lane.body, lane, &mut facts);
        }
        facts
    }

    fn construct(&self, stmt: &Stmt) -> Option<&Construct> {
        self.constructs.get(self.number[&std::ptr::from_ref(stmt)])
    }

    /// The number of a construct.
    pub(crate) fn number(&self, stmt: &Stmt) -> usize {
        self.number[&std::ptr::from_ref(stmt)]
    }

    /// Whether lanes can take different ways through a construct.
    pub(crate) fn diverges(&self, stmt: &Stmt) -> bool {
        self.construct(stmt).is_some_and(|construct| construct.divergent)
    }

    /// Whether some lanes can start the next turn of a loop before the others.
    pub(crate) fn continued(&self, id: usize) -> bool {
        self.constructs.get(id).is_some_and(|construct| construct.continued)
    }

    /// Whether lanes that are not active in one of the open constructs may read the local again.
    pub(crate) fn kept(&self, local: Local, open: impl Iterator<Item = usize>) -> bool {
        let mut open = open;
        open.any(|id| self.constructs.get(id).is_some_and(|construct| construct.keeps(local)))
    }
}

impl Construct {
    fn keeps(&self, local: Local) -> bool {
        let around = &self.around;
        self.divergent
            && (around.out.contains(local)
                || around.otherwise.contains(local)
                || (self.continued && around.head.contains(local)))
    }
}

fn number_constructs(region: &Region, number: &mut FxHashMap<*const Stmt, usize>) {
    for stmt in region {
        let inner = inner_regions(stmt);
        if inner[0].is_some() {
            number.insert(std::ptr::from_ref(stmt), number.len());
        }
        for region in inner.into_iter().flatten() {
            number_constructs(region, number);
        }
    }
}

struct Walk<'a> {
    nest: &'a Nest,
    inner: usize,
    facts: &'a mut Facts,
    open: Vec<Open>,
    changed: bool,
}

impl Walk<'_> {
    fn region(&mut self, region: &Region) {
        for stmt in region {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let(value) => {
                let varies = self.varies(*value);
                Self::raise(&mut self.facts.varying[value.index()], varies, &mut self.changed);
            }
            Stmt::Set(local, value) => {
                let varies = self.facts.varying[value.index()];
                self.set_local(*local, varies);
            }
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
            Stmt::If { cond, then, otherwise } => {
                let id = self.facts.number(stmt);
                self.diverge(id, self.facts.varying[cond.index()]);
                self.inside(id, true, then);
                self.inside(id, true, otherwise);
            }
            Stmt::For { index, start, stop, step, body } => {
                let id = self.facts.number(stmt);
                let varies = [start, stop, step].iter().any(|value| self.facts.varying[value.index()]);
                self.diverge(id, varies);
                self.open.push(Open { id, is_if: false });
                self.set_local(*index, varies);
                self.open.pop();
                self.inside(id, false, body);
            }
            Stmt::Loop(body) | Stmt::Block(body) => self.inside(self.facts.number(stmt), false, body),
            Stmt::Break(depth) => self.leave(*depth, false),
            Stmt::Continue(depth) => self.leave(*depth, true),
        }
    }

    fn inside(&mut self, id: usize, is_if: bool, region: &Region) {
        self.open.push(Open { id, is_if });
        self.region(region);
        self.open.pop();
    }

    fn varies(&self, value: Value) -> bool {
        match self.nest.lane.inst(value) {
            Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..) => false,
            Inst::Axis(axis) => *axis as usize == self.inner,
            Inst::Load(view) => view_uses(self.nest, *view, self.inner),
            Inst::Local(local) => self.facts.varying_local[local.index()],
            inst @ (Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::LoadAt(..)) => {
                inst.operands().iter().any(|operand| self.facts.varying[operand.index()])
            }
        }
    }

    /// A local set where some lanes are not active varies, unless those will not read it.
    fn set_local(&mut self, local: Local, varies: bool) {
        let varies = varies || self.facts.kept(local, self.open.iter().map(|open| open.id));
        Self::raise(&mut self.facts.varying_local[local.index()], varies, &mut self.changed);
    }

    fn diverge(&mut self, id: usize, diverges: bool) {
        Self::raise(&mut self.facts.constructs[id].divergent, diverges, &mut self.changed);
    }

    /// A jump that only some of the lanes take makes every loop and block it leaves diverge.
    fn leave(&mut self, depth: u32, is_continue: bool) {
        let mut crossed = false;
        let mut passed = 0;
        for open in self.open.clone().into_iter().rev() {
            if open.is_if {
                crossed |= self.facts.constructs[open.id].divergent;
                continue;
            }
            self.diverge(open.id, crossed);
            crossed |= self.facts.constructs[open.id].divergent;
            if passed == depth {
                let continued = is_continue && crossed;
                Self::raise(&mut self.facts.constructs[open.id].continued, continued, &mut self.changed);
                return;
            }
            passed += 1;
        }
    }

    fn raise(flag: &mut bool, value: bool, changed: &mut bool) {
        if value && !*flag {
            *flag = true;
            *changed = true;
        }
    }
}

/// When each value can be computed. Core ops are total, so computing one that would not have been reached is harmless;
/// views are in bounds for every point, so their elements can be read early, unless the nest writes the array.
fn levels(nest: &Nest, inner: Option<usize>) -> Vec<Level> {
    let lane = &nest.lane;
    let mut written = FxHashSet::default();
    written_arrays(nest, &lane.body, &mut written);
    let mut level: Vec<Level> = Vec::with_capacity(lane.values.len());
    for index in 0..lane.values.len() {
        let inst = lane.inst(Value(index as u32));
        let found = match inst {
            Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..) => Level::Call,
            Inst::Axis(axis) if Some(*axis as usize) == inner => Level::Point,
            Inst::Axis(_) => Level::Row,
            Inst::Load(view) => {
                let moves = inner.is_some_and(|inner| view_uses(nest, *view, inner));
                let written = written.contains(&nest.views[view.index()].array);
                if moves || written { Level::Point } else { Level::Row }
            }
            Inst::Local(_) | Inst::LoadAt(..) => Level::Point,
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) => {
                let operand = |operand: &Value| level.get(operand.index()).copied().unwrap_or(Level::Point);
                inst.operands().iter().map(operand).max().unwrap_or(Level::Point)
            }
        };
        level.push(found);
    }
    level
}

fn written_arrays(nest: &Nest, region: &Region, written: &mut FxHashSet<ArrayId>) {
    for stmt in region {
        match stmt {
            Stmt::Store(view, _) => {
                written.insert(nest.views[view.index()].array);
            }
            Stmt::StoreAt(array, ..) => {
                written.insert(*array);
            }
            Stmt::Let(_) | Stmt::Set(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        for inner in inner_regions(stmt).into_iter().flatten() {
            written_arrays(nest, inner, written);
        }
    }
}

fn meet_varying(region: &Region, lane: &Lane, facts: &mut Facts) {
    for stmt in region {
        match stmt {
            Stmt::Let(value) if facts.varying[value.index()] => {
                for operand in lane.inst(*value).operands() {
                    facts.meets_varying[operand.index()] = true;
                }
            }
            Stmt::Set(local, value) if facts.varying_local[local.index()] => facts.meets_varying[value.index()] = true,
            Stmt::Store(_, value) | Stmt::Fold(_, value) => facts.meets_varying[value.index()] = true,
            Stmt::Let(_) | Stmt::Set(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Check { .. } => {}
            Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => {}
        }
        for inner in inner_regions(stmt).into_iter().flatten() {
            meet_varying(inner, lane, facts);
        }
    }
}
