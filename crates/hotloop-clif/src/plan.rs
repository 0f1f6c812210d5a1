//! How one nest is compiled: the shape of its function and the number of lanes, from what the schedule asks for.
//!
//! The schedule is obeyed where the nest allows it. A nest is compiled for one lane if a check could fail after part of
//! a group of points has had effects, or if its code would become too large.

use crate::compile::Settings;
use crate::facts::{depth_is_fine, inner_regions};
use crate::forms::MAX_LANES;
use hotloop_ir::semantics::fold_partials;
use hotloop_ir::{Axis, AxisKind, Fold, FoldDest, FoldOp, Inst, Nest, Region, Shape, Stmt, Type};
use hotloop_target::CompileError;
use hotloop_target::tiles::COLUMN_STRIP;

/// The shape of a nest function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No axes: emitted in the driver.
    Inline,
    /// Rows of independent (or ordered) points.
    Map,
    /// Rows that are each folded, with lanes along the row.
    Rows,
    /// Columns that are each folded, with lanes across them.
    Columns,
    /// Folds point by point.
    Points,
}

/// How one nest is compiled.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) lanes: usize,
    /// The axis of the innermost loop, along which lanes lie.
    pub(crate) inner: Option<usize>,
    /// The axes that are folded over.
    pub(crate) reduced: Vec<usize>,
    /// The other ones.
    pub(crate) kept: Vec<usize>,
    /// Whether tiles may run on several threads.
    pub(crate) threads: bool,
    /// Whether the lane can fault.
    pub(crate) checks: bool,
    /// Whether points may differ much in their work, so that tiles are made small.
    pub(crate) uneven: bool,
    /// Columns in one tile of a `Columns` nest.
    pub(crate) strip: i64,
    /// Most turns of a loop of scalar code that are computed together.
    pub(crate) most_turns: usize,
    /// Whether the turns of short loops are emitted several times, one after another.
    pub(crate) copies: bool,
}

/// The most values a lane may have.
const MAX_VALUES: usize = 100_000;
/// The most values times lanes; beyond it, one lane.
const MAX_SPREAD: usize = 60_000;
/// The most axes of a nest and of an array.
const MAX_AXES: usize = 64;

/// Plans a nest for a target with at most so many lanes.
pub(crate) fn plan(nest: &Nest, settings: Settings) -> Result<Plan, CompileError> {
    let Settings { target, most_lanes, quick, .. } = settings;
    let limit = |reason: String| CompileError::Limit { target, reason };
    if nest.lane.values.len() > MAX_VALUES {
        return Err(limit(format!("{} values in one loop nest, at most {MAX_VALUES}", nest.lane.values.len())));
    }
    if !depth_is_fine(&nest.lane.body, 0) {
        return Err(limit("blocks are nested too deeply".into()));
    }
    if nest.axes.len() > MAX_AXES {
        return Err(limit(format!("a loop nest of {} axes, at most {MAX_AXES}", nest.axes.len())));
    }
    let checks = has_check(&nest.lane.body);
    let to_slots = nest.folds.iter().filter(|fold| matches!(fold.dest, FoldDest::Slot(_))).count();
    let over_all = to_slots > 0;
    let reduces = |axis: &Axis| !nest.folds.is_empty() && (over_all || axis.kind == AxisKind::Reduce);
    let (reduced, kept): (Vec<usize>, Vec<usize>) = (0..nest.axes.len()).partition(|&axis| reduces(&nest.axes[axis]));
    let some_parallel = nest.axes.iter().any(|axis| axis.kind != AxisKind::Reduce);
    if over_all && to_slots < nest.folds.len() && some_parallel {
        let reason = "reductions to a scalar and to an array in one loop nest; put them into two".into();
        return Err(CompileError::Unsupported { target, reason });
    }
    let ordered: Vec<usize> = (0..nest.axes.len()).filter(|&axis| nest.axes[axis].kind == AxisKind::Ordered).collect();
    if let (Some(last), Some(first)) = (ordered.last(), reduced.first())
        && last > first
        && !over_all
    {
        let reason = "a reduction over an axis outside an ordered one; exchange the loops".into();
        return Err(CompileError::Unsupported { target, reason });
    }
    let kind = kind(nest, &reduced, &ordered, checks);
    let wanted = nest.schedule.lanes.clamp(1, most_lanes.min(MAX_LANES) as u32);
    let mut lanes = 1usize << wanted.ilog2();
    let late_checks = checks && (!nest.folds.is_empty() || !Effects::default().checks_come_first(&nest.lane.body));
    let too_large = nest.lane.values.len() * lanes > MAX_SPREAD;
    if !ordered.is_empty() || kind == Kind::Points || kind == Kind::Inline || late_checks || too_large {
        lanes = 1;
    }
    let kind = if kind == Kind::Rows && lanes == 1 { Kind::Points } else { kind };
    let inner = match kind {
        Kind::Inline => None,
        Kind::Map | Kind::Rows | Kind::Columns => nest.axes.len().checked_sub(1),
        Kind::Points => reduced.last().copied(),
    };
    let threads = nest.schedule.threads && ordered.is_empty();
    let most_turns = most_lanes.min(MAX_LANES);
    let uneven = threads && kind == Kind::Map && has_loop(&nest.lane.body);
    Ok(Plan {
        kind,
        lanes,
        inner,
        reduced,
        kept,
        threads,
        checks,
        uneven,
        strip: strip(nest),
        most_turns,
        copies: !quick,
    })
}

fn kind(nest: &Nest, reduced: &[usize], ordered: &[usize], checks: bool) -> Kind {
    if nest.axes.is_empty() {
        return Kind::Inline;
    }
    if nest.folds.is_empty() {
        return Kind::Map;
    }
    let last = nest.axes.len() - 1;
    let free = ordered.is_empty() && !checks;
    let asked = nest.schedule.shape;
    match reduced {
        [only] if free && *only == last && asked == Shape::FoldRows && one_period(nest) => Kind::Rows,
        [_, ..] if free && !reduced.contains(&last) && asked == Shape::FoldColumns => Kind::Columns,
        _ => Kind::Points,
    }
}

/// Whether the result of a fold depends on its order.
pub(crate) const fn is_inexact(op: FoldOp, ty: Type) -> bool {
    matches!(op, FoldOp::Sum | FoldOp::Prod) && ty.is_float()
}

/// Whether all folds whose order matters have the same number of partial results.
fn one_period(nest: &Nest) -> bool {
    let mut inexact = nest.folds.iter().filter(|fold| is_inexact(fold.op, fold.ty)).map(|fold| fold.ty.bytes());
    match inexact.next() {
        None => true,
        Some(first) => inexact.all(|bytes| bytes == first),
    }
}

/// The most bytes of accumulators that a tile of columns keeps on the stack.
const MAX_ACCUMULATORS: usize = 160 << 10;
/// The least columns of a tile.
const MIN_STRIP: i64 = 64;

/// Columns of a tile: as many as there may be, unless the accumulators of many folds would take too much stack.
fn strip(nest: &Nest) -> i64 {
    let bytes = |fold: &Fold| if fold.ty == Type::Bool { 8 } else { fold.ty.bytes() };
    let per_column: usize = nest.folds.iter().map(|fold| bytes(fold) * column_period(fold)).sum();
    let mut strip = COLUMN_STRIP;
    while strip > MIN_STRIP && per_column * strip as usize > MAX_ACCUMULATORS {
        strip /= 2;
    }
    strip
}

/// The rows of accumulators of a fold of columns: one where the order of the rows does not matter.
pub(crate) fn column_period(fold: &Fold) -> usize {
    if is_inexact(fold.op, fold.ty) { fold_partials(fold.ty) } else { 1 }
}

fn has_check(region: &Region) -> bool {
    region
        .iter()
        .any(|stmt| matches!(stmt, Stmt::Check { .. }) || inner_regions(stmt).into_iter().flatten().any(has_check))
}

fn has_loop(region: &Region) -> bool {
    region.iter().any(|stmt| {
        matches!(stmt, Stmt::For { .. } | Stmt::Loop(_)) || inner_regions(stmt).into_iter().flatten().any(has_loop)
    })
}

/// Looks for checks that could fail after an effect.
#[derive(Default)]
struct Effects {
    seen: bool,
}

impl Effects {
    fn checks_come_first(&mut self, region: &Region) -> bool {
        region.iter().all(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) | Stmt::Fold(..) => {
                self.seen = true;
                true
            }
            Stmt::Check { .. } => !self.seen,
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Break(_) | Stmt::Continue(_) => true,
            Stmt::If { then, otherwise, .. } => self.checks_come_first(then) && self.checks_come_first(otherwise),
            Stmt::Block(body) => self.checks_come_first(body),
            // The second turn meets the effects of the first.
            Stmt::For { body, .. } | Stmt::Loop(body) => {
                self.checks_come_first(body) && (!self.seen || self.checks_come_first(body))
            }
        }
    }
}

/// Bytes of the integers of a nest's control masks: the size most of its varying numbers have, so that masks fit them
/// as they are, but at least a full register of lanes.
pub(crate) fn mask_class(nest: &Nest, varying: &[bool], lanes: usize) -> usize {
    let mut counts = [0usize; 9];
    for (index, &ty) in nest.lane.types.iter().enumerate() {
        let literal = matches!(nest.lane.values[index], Inst::Const(_));
        if varying[index] && ty != Type::Bool && !literal {
            counts[ty.bytes()] += 1;
        }
    }
    let common = [8, 4, 2, 1].into_iter().max_by_key(|&bytes| counts[bytes]).unwrap_or(8);
    common.max(crate::mask::one_register_class(lanes))
}
