//! The function of one nest: what comes before the tiles, the walk over rows, and the loop over points.
//!
//! `map`, `rows`, `columns` and `points` are the shapes; they share what stands here.

use crate::facts::{Facts, Level};
use crate::forms::Val;
use crate::func::Func;
use crate::lane::{Lane, NestCode, OnFault};
use crate::plan::{Kind, Plan, mask_class};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use cranelift_frontend::Variable;
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_ir::{Inst, Nest, NestId, Value};
use hotloop_target::tiles::{LEAST_BLOCK, MAP_BLOCK, MAP_PIECES};
use rustc_hash::FxHashMap;

/// How many tiles a nest has, and of what they are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Blocks of a row, or of the folded axes.
    pub(crate) blocks: clif::Value,
    /// Strips of columns; 1 but for `Columns`.
    pub(crate) strips: clif::Value,
    /// Points of the folded axes.
    pub(crate) folded: clif::Value,
    /// Rows times strips: the results, or groups of results, of a fold.
    pub(crate) groups: clif::Value,
    /// All tiles.
    pub(crate) tiles: clif::Value,
}

/// Computes the counts of a nest, in its function or in the driver.
pub(crate) fn counts(f: &mut Func<'_>, plan: &Plan, extents: &[clif::Value]) -> Counts {
    let one = f.int(1);
    let product = |f: &mut Func<'_>, axes: &[usize]| {
        let factors = axes.iter().map(|&axis| extents[axis]);
        factors.reduce(|product, extent| f.b.ins().imul(product, extent)).unwrap_or(one)
    };
    let folded = product(f, &plan.reduced);
    let mut rows: Vec<usize> = plan.kept.clone();
    let (blocks, strips) = match plan.kind {
        Kind::Inline => (one, one),
        Kind::Map => {
            let Some(last) = rows.pop() else {
                return Counts { blocks: one, strips: one, folded, groups: one, tiles: one };
            };
            let block = MapBlock::of(f, plan, extents[last]);
            (block.pieces(f, extents[last]), one)
        }
        Kind::Columns => {
            let strips = rows.pop().map_or(one, |last| pieces(f, extents[last], plan.strip));
            (fold_blocks(f, folded), strips)
        }
        Kind::Rows | Kind::Points => (fold_blocks(f, folded), one),
    };
    let rows = product(f, &rows);
    let times = |f: &mut Func<'_>, a, b| match (a == one, b == one) {
        (true, _) => b,
        (_, true) => a,
        (false, false) => f.b.ins().imul(a, b),
    };
    let groups = times(f, rows, strips);
    let tiles = times(f, groups, blocks);
    Counts { blocks, strips, folded, groups, tiles }
}

/// How many points of the last axis are in a tile of a `Map` nest.
#[derive(Clone, Copy)]
pub(crate) enum MapBlock {
    /// As many as there may be.
    Most,
    /// This power of two.
    Shift(clif::Value),
}

impl MapBlock {
    pub(crate) fn of(f: &mut Func<'_>, plan: &Plan, extent: clif::Value) -> MapBlock {
        if plan.uneven { MapBlock::Shift(small_block(f, plan, extent)) } else { MapBlock::Most }
    }

    /// How many tiles an extent is cut into.
    fn pieces(self, f: &mut Func<'_>, extent: clif::Value) -> clif::Value {
        let MapBlock::Shift(shift) = self else { return pieces(f, extent, MAP_BLOCK) };
        let one = f.int(1);
        let size = f.b.ins().ishl(one, shift);
        let raised = f.b.ins().iadd(extent, size);
        let raised = f.b.ins().iadd_imm_s(raised, -1);
        f.b.ins().ushr(raised, shift)
    }

    /// The first point of a tile, and the one after its last, which may lie beyond the end.
    pub(crate) fn bounds(self, f: &mut Func<'_>, block: clif::Value) -> (clif::Value, clif::Value) {
        match self {
            MapBlock::Most => {
                let first = f.b.ins().imul_imm_s(block, MAP_BLOCK);
                (first, f.b.ins().iadd_imm_s(first, MAP_BLOCK))
            }
            MapBlock::Shift(shift) => {
                let first = f.b.ins().ishl(block, shift);
                let next = f.b.ins().iadd_imm_s(block, 1);
                (first, f.b.ins().ishl(next, shift))
            }
        }
    }
}

/// The power of two that is the number of points in a tile of a nest whose points differ in their work.
fn small_block(f: &mut Func<'_>, plan: &Plan, extent: clif::Value) -> clif::Value {
    let most = f.int(i64::from(MAP_BLOCK.ilog2()));
    let some = f.b.ins().bor_imm_u(extent, 1);
    let zeros = f.b.ins().clz(some);
    let top = f.int(63 - i64::from(MAP_PIECES.ilog2()));
    let fitting = f.b.ins().isub(top, zeros);
    let least = f.int(i64::from((plan.lanes as i64).max(LEAST_BLOCK).ilog2()));
    let shift = f.b.ins().smax(fitting, least);
    f.b.ins().smin(shift, most)
}

/// How many pieces of a size something is cut into.
fn pieces(f: &mut Func<'_>, extent: clif::Value, size: i64) -> clif::Value {
    let raised = f.b.ins().iadd_imm_s(extent, size - 1);
    f.b.ins().ushr_imm_u(raised, i64::from(size.trailing_zeros()))
}

/// A fold over nothing has one block too, which gives its value.
fn fold_blocks(f: &mut Func<'_>, folded: clif::Value) -> clif::Value {
    let blocks = pieces(f, folded, FOLD_BLOCK as i64);
    let one = f.int(1);
    f.b.ins().smax(blocks, one)
}

impl<'n> NestCode<'n> {
    /// What is computed once per call of the function.
    pub(crate) fn open(f: &mut Func<'_>, nest: &'n Nest, plan: &Plan) -> NestCode<'n> {
        let facts = Facts::of(nest, plan.inner, plan.lanes > 1);
        let extents: Vec<clif::Value> = nest.axes.iter().map(|axis| f.extent(axis.extent)).collect();
        let views = f.views(nest, plan.inner);
        let zero = f.int(0);
        let mask_class = mask_class(nest, &facts.varying, plan.lanes.max(2));
        NestCode {
            nest,
            inner: plan.inner,
            facts,
            coords: vec![zero; extents.len()],
            extents,
            rows: vec![zero; views.len()],
            views,
            mask_class,
            most_turns: plan.most_turns,
            copies: plan.copies,
            hoisted: vec![None; nest.lane.values.len()],
            splats: FxHashMap::default(),
        }
    }

    /// Computes the values of a level.
    pub(crate) fn hoist(&mut self, f: &mut Func<'_>, level: Level, lanes: usize) {
        let lane = &self.nest.lane;
        let wanted: Vec<Value> = (0..lane.values.len())
            .filter(|&index| self.facts.level[index] == level && !matches!(lane.values[index], Inst::Const(_)))
            .map(|index| Value(index as u32))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let mut emission = Lane::new(f, self, 1, None, OnFault::Return);
        for &value in &wanted {
            let computed = emission.inst(value);
            emission.values[value.index()] = Some(computed);
        }
        let values = emission.values;
        for value in wanted {
            let Some(Val::Uniform(scalar)) = values[value.index()] else {
                continue;
            };
            self.hoisted[value.index()] = values[value.index()];
            let ty = lane.ty(value);
            if lanes > 1 && self.facts.meets_varying[value.index()] && ty.is_numeric() {
                let regs = f.spread(ty, scalar, lanes);
                self.splats.insert(value, regs);
            }
        }
    }

    /// Moves to a row: everything but the coordinate along the inner axis is known.
    pub(crate) fn enter_row(&mut self, f: &mut Func<'_>, coords: Vec<clif::Value>, lanes: usize) {
        self.rows = f.row_bases(&self.views, &coords);
        self.coords = coords;
        self.hoist(f, Level::Row, lanes);
    }
}

/// Coordinates over some axes of a nest, counted in C order.
pub(crate) struct Odometer {
    axes: Vec<(usize, Variable)>,
}

impl Odometer {
    /// An odometer over these axes, outermost first, at zero.
    pub(crate) fn new(f: &mut Func<'_>, axes: &[usize]) -> Odometer {
        let zero = f.int(0);
        Odometer { axes: axes.iter().map(|&axis| (axis, f.variable(zero))).collect() }
    }

    /// Moves to a linear index.
    pub(crate) fn set(&self, f: &mut Func<'_>, linear: clif::Value, extents: &[clif::Value]) {
        let mut rest = linear;
        for (position, &(axis, variable)) in self.axes.iter().enumerate().rev() {
            if position == 0 {
                f.b.def_var(variable, rest);
                continue;
            }
            // An extent of 0 leaves no tile to run; dividing by 1 instead keeps the machine from trapping.
            let one = f.int(1);
            let extent = f.b.ins().smax(extents[axis], one);
            let at = f.b.ins().urem(rest, extent);
            rest = f.b.ins().udiv(rest, extent);
            f.b.def_var(variable, at);
        }
    }

    /// Moves on by one.
    pub(crate) fn advance(&self, f: &mut Func<'_>, extents: &[clif::Value]) {
        let done = f.b.create_block();
        for (position, &(axis, variable)) in self.axes.iter().enumerate().rev() {
            let at = f.b.use_var(variable);
            let next = f.b.ins().iadd_imm_s(at, 1);
            f.b.def_var(variable, next);
            if position == 0 {
                break;
            }
            let more = f.is(IntCC::SignedLessThan, next, extents[axis]);
            let carry = f.b.create_block();
            f.b.ins().brif(more, done, &[], carry, &[]);
            f.enter_sealed(carry);
            let zero = f.int(0);
            f.b.def_var(variable, zero);
        }
        f.b.ins().jump(done, &[]);
        f.enter_sealed(done);
    }

    /// Moves from the end of a piece of the innermost axis, which stops at `end`, to what comes after it.
    pub(crate) fn next_row(&self, f: &mut Func<'_>, end: clif::Value, extents: &[clif::Value]) {
        if let Some(&(_, innermost)) = self.axes.last() {
            let last = f.b.ins().iadd_imm_s(end, -1);
            f.b.def_var(innermost, last);
            self.advance(f, extents);
        }
    }

    /// Writes the coordinates into a list by axis.
    pub(crate) fn read(&self, f: &mut Func<'_>, coords: &mut [clif::Value]) {
        for &(axis, variable) in &self.axes {
            coords[axis] = f.b.use_var(variable);
        }
    }
}

/// Runs the lane for the points `first .. end` of the row: groups while they last, then one by one. `each` gets what
/// the folds got, and the lanes and the first point of the group.
pub(crate) fn row_points(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    lanes: usize,
    range: (clif::Value, clif::Value),
    on_fault: OnFault,
    mut each: impl FnMut(&mut Func<'_>, usize, clif::Value, Vec<Option<Val>>),
) {
    let (first, end) = range;
    let after = f.b.create_block();
    let scalar = f.b.create_block();
    let point = f.b.append_block_param(scalar, types::I64);
    let mut start = first;
    if lanes > 1 {
        let vector = f.b.create_block();
        let group = f.b.append_block_param(vector, types::I64);
        let rest = f.b.create_block();
        let length = f.b.ins().isub(end, first);
        let whole = f.b.ins().band_imm_s(length, -(lanes as i64));
        let stop = f.b.ins().iadd(first, whole);
        let some = f.is(IntCC::SignedLessThan, first, stop);
        f.b.ins().brif(some, vector, &[BlockArg::Value(first)], rest, &[]);
        f.b.switch_to_block(vector);
        let folds = Lane::new(f, code, lanes, Some(group), OnFault::Scalar(scalar)).emit();
        each(f, lanes, group, folds);
        let next = f.b.ins().iadd_imm_s(group, lanes as i64);
        let more = f.is(IntCC::SignedLessThan, next, stop);
        f.b.ins().brif(more, vector, &[BlockArg::Value(next)], rest, &[]);
        f.b.seal_block(vector);
        f.enter_sealed(rest);
        start = stop;
    }
    let some = f.is(IntCC::SignedLessThan, start, end);
    f.b.ins().brif(some, scalar, &[BlockArg::Value(start)], after, &[]);
    f.b.switch_to_block(scalar);
    let folds = Lane::new(f, code, 1, Some(point), on_fault).emit();
    each(f, 1, point, folds);
    let next = f.b.ins().iadd_imm_s(point, 1);
    let more = f.is(IntCC::SignedLessThan, next, end);
    f.b.ins().brif(more, scalar, &[BlockArg::Value(next)], after, &[]);
    f.b.seal_block(scalar);
    f.enter_sealed(after);
}

/// The loop over tiles `lo .. hi`, with the cancel flag polled for each. `body` gets the tile; `next` moves on.
pub(crate) fn tile_loop(
    f: &mut Func<'_>,
    range: (clif::Value, clif::Value),
    body: impl FnOnce(&mut Func<'_>, clif::Value, clif::Block),
) {
    let (lo, hi) = range;
    let header = f.b.create_block();
    let latch = f.b.create_block();
    let after = f.b.create_block();
    let tile = f.variable(lo);
    let some = f.is(IntCC::SignedLessThan, lo, hi);
    f.b.ins().brif(some, header, &[], after, &[]);
    f.b.switch_to_block(header);
    f.poll_cancel();
    let at = f.b.use_var(tile);
    body(f, at, latch);
    f.b.ins().jump(latch, &[]);
    f.enter_sealed(latch);
    let at = f.b.use_var(tile);
    let next = f.b.ins().iadd_imm_s(at, 1);
    f.b.def_var(tile, next);
    let more = f.is(IntCC::SignedLessThan, next, hi);
    f.b.ins().brif(more, header, &[], after, &[]);
    f.b.seal_block(header);
    f.enter_sealed(after);
}

/// The present row and the block in it, moved on tile by tile.
pub(crate) struct RowBlock {
    block: Variable,
    rows: Odometer,
    blocks: clif::Value,
}

impl RowBlock {
    /// At the first tile.
    pub(crate) fn new(
        f: &mut Func<'_>,
        first: clif::Value,
        blocks: clif::Value,
        axes: &[usize],
        extents: &[clif::Value],
    ) -> RowBlock {
        if axes.is_empty() {
            return RowBlock { block: f.variable(first), rows: Odometer::new(f, axes), blocks };
        }
        let one = f.int(1);
        let divisor = f.b.ins().smax(blocks, one);
        let block = f.b.ins().urem(first, divisor);
        let row = f.b.ins().udiv(first, divisor);
        let block = f.variable(block);
        let rows = Odometer::new(f, axes);
        rows.set(f, row, extents);
        RowBlock { block, rows, blocks }
    }

    /// The block in the row; the row's coordinates go into `coords`.
    pub(crate) fn read(&self, f: &mut Func<'_>, coords: &mut [clif::Value]) -> clif::Value {
        self.rows.read(f, coords);
        f.b.use_var(self.block)
    }

    /// Moves to the next tile.
    pub(crate) fn advance(&self, f: &mut Func<'_>, extents: &[clif::Value]) {
        let at = f.b.use_var(self.block);
        let next = f.b.ins().iadd_imm_s(at, 1);
        f.b.def_var(self.block, next);
        if self.rows.axes.is_empty() {
            return;
        }
        let over = f.is(IntCC::SignedGreaterThanOrEqual, next, self.blocks);
        f.when(over, |f| {
            let zero = f.int(0);
            f.b.def_var(self.block, zero);
            self.rows.advance(f, extents);
        });
    }
}

/// Emits the body of a nest's function after its prologue; the last two parameters are the range of tiles.
pub(crate) fn emit(f: &mut Func<'_>, nest: &Nest, id: NestId, plan: &Plan, range: (clif::Value, clif::Value)) {
    let mut code = NestCode::open(f, nest, plan);
    code.hoist(f, Level::Call, plan.lanes);
    match plan.kind {
        Kind::Inline | Kind::Map => crate::map::emit(f, &mut code, plan, range),
        Kind::Rows => crate::rows::emit(f, &mut code, id, plan, range),
        Kind::Columns => crate::columns::emit(f, &mut code, id, plan, range),
        Kind::Points => crate::points::emit(f, &mut code, id, plan, range),
    }
}
