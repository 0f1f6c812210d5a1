//! Folds of rows, with lanes along the row.
//!
//! A block is walked in strips: each takes every `period`-th group of lanes, so that its partial results stay in
//! registers. Folds whose order matters prescribe the period; the others do with one strip. What is left at the end of
//! a block, less than one group, is added to the buffer point by point.

use crate::forms::{Regs, VECTOR, regs_for, vector_type};
use crate::func::{Func, trusted};
use crate::lane::{Lane, NestCode, OnFault};
use crate::nest::{RowBlock, counts, row_points, tile_loop};
use crate::plan::Plan;
use crate::points::accumulate;
use crate::tree::{Cells, FoldCode, Results, combine_blocks, folds, prescribed, split_off_combining};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use hotloop_ir::NestId;
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_target::Status;

/// How a block is walked.
struct Groups {
    /// Points computed together.
    lanes: usize,
    /// Groups of lanes in one turn of the innermost loop.
    copies: usize,
    /// Points from a group of a strip to the next one of that strip.
    period: usize,
}

impl Groups {
    /// Several groups a turn where accumulators and lane are small: fewer strips pass over memory fewer times.
    fn of(code: &NestCode<'_>, lanes: usize) -> Groups {
        let folds = &code.nest.folds;
        let inexact = folds.iter().find(|fold| crate::plan::is_inexact(fold.op, fold.ty));
        let accumulators: usize = folds.iter().map(|fold| regs_for(lanes, fold.ty.bytes())).sum();
        let small = code.nest.lane.values.len() <= SMALL_LANE && accumulators <= 4;
        let prescribed = inexact.map(prescribed);
        let copies = if small && prescribed.is_none_or(|period| period >= 2 * lanes) { 2 } else { 1 };
        Groups { lanes, copies, period: prescribed.unwrap_or(copies * lanes) }
    }

    /// Where the accumulators of a group are, from those of the first.
    fn offsets(&self, fold: &FoldCode, copy: usize) -> impl Iterator<Item = i32> + use<> {
        let first = (copy * self.lanes * fold.ty.bytes()) as i32;
        (0..regs_for(self.lanes, fold.ty.bytes())).map(move |reg| first + (reg * VECTOR) as i32)
    }

    /// Points in one turn of the innermost loop.
    fn step(&self) -> usize {
        self.lanes * self.copies
    }
}

/// Values of a lane that is small.
const SMALL_LANE: usize = 12;

/// Emits the tiles, the combining and the return.
pub(crate) fn emit(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    id: NestId,
    plan: &Plan,
    range: (clif::Value, clif::Value),
) {
    let Some(inner) = plan.inner else {
        return f.ret(Status::Ok);
    };
    let counts = counts(f, plan, &code.extents);
    let groups = Groups::of(code, plan.lanes);
    let folds = folds(f, code, 1, |_| groups.period);
    let cells = Cells::new(f, id, plan, &counts);
    split_off_combining(f, range.0, |f| combine_blocks(f, code, plan, &folds, &cells, &counts));
    let extents = code.extents.clone();
    let place = RowBlock::new(f, range.0, counts.blocks, &plan.kept, &extents);
    tile_loop(f, range, |f, tile, _| {
        let mut coords = code.coords.clone();
        let block = place.read(f, &mut coords);
        let next = f.b.create_block();
        let results = Results { cells: &cells, counts: &counts, tile };
        let first = f.b.ins().imul_imm_s(block, FOLD_BLOCK as i64);
        let end = f.b.ins().iadd_imm_s(first, FOLD_BLOCK as i64);
        let end = f.min_signed(end, extents[inner]);
        let len = f.b.ins().isub(end, first);
        let some = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, len, 0);
        let (full, none) = (f.b.create_block(), f.cold_block());
        f.b.ins().brif(some, full, &[], none, &[]);
        f.enter_sealed(none);
        code.rows = f.row_bases(&code.views, &coords);
        for (index, fold) in folds.iter().enumerate() {
            let value = fold.empty(f);
            results.write(f, code, index, fold, value);
        }
        f.b.ins().jump(next, &[]);
        f.enter_sealed(full);
        code.enter_row(f, coords, plan.lanes);
        strips(f, code, &groups, &folds, (first, end));
        rest(f, code, &groups, &folds, (first, end));
        for (index, fold) in folds.iter().enumerate() {
            let value = fold.block_result(f, len);
            results.write(f, code, index, fold, value);
        }
        f.b.ins().jump(next, &[]);
        f.enter_sealed(next);
        place.advance(f, &extents);
    });
    f.ret(Status::Ok);
}

/// Runs all whole steps of the block and leaves the partial results in the buffers.
fn strips(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &[FoldCode],
    (first, end): (clif::Value, clif::Value),
) {
    let step = groups.step() as i64;
    let len = f.b.ins().isub(end, first);
    let whole = f.b.ins().band_imm_s(len, -step);
    let stop = f.b.ins().iadd(first, whole);
    clear(f, groups, folds, whole);
    let strips_end = f.b.ins().iadd_imm_s(first, groups.period as i64);
    let strips_end = f.min_signed(strips_end, stop);
    f.count(first, strips_end, step, |f, start| strip(f, code, groups, folds, (first, start, stop)));
}

/// Fills the partial results that whole groups add to with what changes nothing.
fn clear(f: &mut Func<'_>, groups: &Groups, folds: &[FoldCode], whole: clif::Value) {
    let lanes = groups.lanes;
    let zero = f.int(0);
    let period = f.int(groups.period as i64);
    let used = f.min_signed(whole, period);
    f.count(zero, used, lanes as i64, |f, index| {
        for fold in folds {
            let place = fold.partial(f, index);
            let regs = Regs::make(regs_for(lanes, fold.ty.bytes()), |_| fold.start(f, true));
            f.store_bundle(fold.ty, &regs, place, 0, lanes);
        }
    });
}

/// Adds every `period`-th step from `start` on to the partial results of that strip.
fn strip(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &[FoldCode],
    (first, start, end): (clif::Value, clif::Value, clif::Value),
) {
    let index = f.b.ins().isub(start, first);
    let places: Vec<clif::Value> = folds.iter().map(|fold| fold.partial(f, index)).collect();
    let header = f.b.create_block();
    let after = f.b.create_block();
    let point = f.b.append_block_param(header, types::I64);
    let mut args = vec![BlockArg::Value(start)];
    for copy in 0..groups.copies {
        for (fold, &place) in folds.iter().zip(&places) {
            for offset in groups.offsets(fold, copy) {
                let ty = vector_type(fold.ty);
                f.b.append_block_param(header, ty);
                args.push(BlockArg::Value(f.b.ins().load(ty, trusted(), place, offset)));
            }
        }
    }
    f.b.ins().jump(header, &args);
    f.b.switch_to_block(header);
    let accs: Vec<clif::Value> = f.b.block_params(header)[1..].to_vec();
    let mut sums = Vec::with_capacity(accs.len());
    for copy in 0..groups.copies {
        let mut lane = Lane::new(f, code, groups.lanes, Some(point), OnFault::Return);
        lane.ahead = copy * groups.lanes;
        let given = lane.emit();
        for (fold, given) in folds.iter().zip(given) {
            for &value in fold.bundle(f, given, groups.lanes).iter() {
                let acc = accs[sums.len()];
                sums.push(fold.combine(f, true, acc, value));
            }
        }
    }
    let next = f.b.ins().iadd_imm_s(point, groups.period as i64);
    let more = f.is(IntCC::SignedLessThan, next, end);
    let args: Vec<BlockArg> = std::iter::once(next).chain(sums.iter().copied()).map(BlockArg::Value).collect();
    f.b.ins().brif(more, header, &args, after, &[]);
    f.b.seal_block(header);
    f.enter_sealed(after);
    let mut sums = sums.into_iter();
    for copy in 0..groups.copies {
        for (fold, &place) in folds.iter().zip(&places) {
            let regs = Regs::make(regs_for(groups.lanes, fold.ty.bytes()), |_| sums.next().unwrap_or(place));
            let offset = (copy * groups.lanes * fold.ty.bytes()) as i32;
            f.store_bundle(fold.ty, &regs, place, offset, groups.lanes);
        }
    }
}

/// The points after the last whole step.
fn rest(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &[FoldCode],
    (first, end): (clif::Value, clif::Value),
) {
    let len = f.b.ins().isub(end, first);
    let whole = f.b.ins().band_imm_s(len, -(groups.step() as i64));
    let start = f.b.ins().iadd(first, whole);
    row_points(f, code, 1, (start, end), OnFault::Return, |f, _, point, given| {
        let index = f.b.ins().isub(point, first);
        for (fold, given) in folds.iter().zip(given) {
            let value = fold.scalar(f, given);
            accumulate(f, fold, index, value);
        }
    });
}
