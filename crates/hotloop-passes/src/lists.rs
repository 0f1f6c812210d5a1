//! Finds nests whose points follow lists: a loop whose length comes from memory, over elements whose places come from
//! memory too, as in a product with a sparse matrix.
//!
//! Lanes would go through lists of different lengths under masks and load every element alone, which costs more than
//! the arithmetic they share, unless there is much of that.

use hotloop_ir::{Inst, Lane, Op, Region, Stmt, Value};
use rustc_hash::FxHashSet;

/// Operations on floats per element looked up that make up for loading the lanes one by one.
const WORTH_LANES: usize = 8;
/// How deep an index is followed to the load it comes from.
const DEPTH: u32 = 12;

/// Whether the points of a lane are better computed one at a time.
pub(crate) fn follows(lane: &Lane) -> bool {
    walk(lane, &lane.body)
}

fn walk(lane: &Lane, region: &[Stmt]) -> bool {
    region.iter().any(|stmt| {
        let here = match stmt {
            Stmt::For { start, stop, body, .. } => {
                (looked_up(lane, *start) || looked_up(lane, *stop)) && is_cheap_list(lane, body)
            }
            Stmt::If { .. } | Stmt::Loop(_) | Stmt::Block(_) => false,
            Stmt::Let(_) | Stmt::Set(..) | Stmt::Store(..) | Stmt::StoreAt(..) | Stmt::SetSlot(..) => false,
            Stmt::Fold(..) | Stmt::Check { .. } | Stmt::Break(_) | Stmt::Continue(_) => false,
        };
        here || stmt.regions().into_iter().any(|inner| walk(lane, inner))
    })
}

/// Whether the turns of a loop look up elements and do little with them.
fn is_cheap_list(lane: &Lane, body: &Region) -> bool {
    let mut values = FxHashSet::default();
    crate::bounds::note(body, &mut values, &mut FxHashSet::default());
    let is_look_up = |value: &&Value| {
        let Inst::LoadAt(_, index) = lane.inst(**value) else { return false };
        index.iter().any(|&at| looked_up(lane, at))
    };
    let look_ups = values.iter().filter(is_look_up).count();
    let work: usize = values.iter().map(|&value| work(lane, value)).sum();
    look_ups > 0 && work <= WORTH_LANES * look_ups
}

/// What lanes would share of a value's cost.
fn work(lane: &Lane, value: Value) -> usize {
    match lane.inst(value) {
        Inst::Op(Op::Div | Op::Sqrt, _) if lane.ty(value).is_float() => WORTH_LANES,
        Inst::Op(..) if lane.ty(value).is_float() => 1,
        Inst::Op(..) | Inst::Const(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) | Inst::Axis(_) => 0,
        Inst::Load(_) | Inst::LoadAt(..) | Inst::Convert(_) | Inst::Bitcast(_) => 0,
    }
}

/// Whether a value is computed from an element.
pub(crate) fn looked_up(lane: &Lane, value: Value) -> bool {
    from_load(lane, value, DEPTH)
}

fn from_load(lane: &Lane, value: Value, depth: u32) -> bool {
    let inst = lane.inst(value);
    let loads = matches!(inst, Inst::Load(_) | Inst::LoadAt(..));
    loads || (depth > 0 && inst.operands().iter().any(|&arg| from_load(lane, arg, depth - 1)))
}
