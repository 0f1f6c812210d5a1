//! Folds of rows, with lanes along the row.
//!
//! A block is walked in strips: each takes every `period`-th group of lanes, so that its partial results stay in
//! registers. Folds whose order matters prescribe the period; the others do with one strip. What is left at the end of
//! a block, less than one group, is added to the buffer point by point.

use crate::forms::{Regs, VECTOR, Val, regs_for, vector_type};
use crate::func::{Func, trusted};
use crate::lane::{Lane, NestCode, OnFault};
use crate::nest::{RowBlock, counts, row_points, tile_loop};
use crate::plan::Plan;
use crate::points::accumulate;
use crate::tree::{Cells, FoldCode, Results, combine_blocks, folds, prescribed, split_off_combining};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_ir::{Fold, NestId};
use hotloop_target::Status;

/// How a block is walked.
struct Groups {
    /// Points computed together.
    lanes: usize,
    /// Groups of lanes in one turn of the innermost loop.
    copies: usize,
    /// Points from a group of a strip to the next one of that strip.
    period: usize,
    /// Accumulators of a turn that stay in memory, the last ones.
    in_memory: usize,
}

impl Groups {
    /// Several groups a turn where accumulators and lane are small: fewer strips pass over memory fewer times.
    fn of(code: &NestCode<'_>, lanes: usize) -> Groups {
        let folds = &code.nest.folds;
        let inexact = folds.iter().find(|fold| crate::plan::is_inexact(fold.op, fold.ty));
        let accumulators: usize = folds.iter().map(|fold| regs_for(lanes, fold.ty.bytes())).sum();
        let small = code.nest.lane.values.len() <= SMALL_LANE && accumulators <= 4;
        let prescribed = inexact.map(prescribed);
        let of_register = |fold: &Fold| VECTOR / fold.ty.bytes();
        if let ([fold], Some(period)) = (&folds[..], prescribed)
            && (2..=TINY_LANE).contains(&code.nest.lane.values.len())
            && accumulators > 1
        {
            // One strip: the block is walked once, and need not stay in the cache for a second time. A lane of one value
            // would wait for the accumulator in memory.
            let lanes = of_register(fold);
            return Groups { lanes, copies: period / lanes, period, in_memory: 1 + code.splats.len() };
        }
        let copies = if small && prescribed.is_none_or(|period| period >= 2 * lanes) { 2 } else { 1 };
        Groups { lanes, copies, period: prescribed.unwrap_or(copies * lanes), in_memory: 0 }
    }

    /// Where the accumulators of a turn are kept before and after it, in the order in which lanes give to them.
    fn cells<'f>(&self, folds: &'f [FoldCode], places: &[clif::Value]) -> Vec<Cell<'f>> {
        let mut cells = Vec::new();
        for copy in 0..self.copies {
            for (fold, &place) in folds.iter().zip(places) {
                let first = (copy * self.lanes * fold.ty.bytes()) as i32;
                let regs = regs_for(self.lanes, fold.ty.bytes());
                let lanes = self.lanes.min(VECTOR / fold.ty.bytes());
                let cell = |reg| Cell { fold, place, offset: first + (reg * VECTOR) as i32, lanes };
                cells.extend((0..regs).map(cell));
            }
        }
        cells
    }

    /// Points in one turn of the innermost loop.
    fn step(&self) -> usize {
        self.lanes * self.copies
    }

    /// Whether one strip takes all points.
    fn one_strip(&self) -> bool {
        self.step() == self.period
    }
}

/// One register's partial results in the buffer.
struct Cell<'f> {
    fold: &'f FoldCode,
    place: clif::Value,
    offset: i32,
    lanes: usize,
}

impl Cell<'_> {
    fn load(&self, f: &mut Func<'_>) -> clif::Value {
        f.b.ins().load(vector_type(self.fold.ty), trusted(), self.place, self.offset)
    }

    fn store(&self, f: &mut Func<'_>, acc: clif::Value) {
        f.store_bundle(self.fold.ty, &Regs::same(1, acc), self.place, self.offset, self.lanes);
    }
}

/// Values of a lane that is small.
const SMALL_LANE: usize = 12;
/// Values of a lane that leaves nearly all registers to the accumulators of one strip.
const TINY_LANE: usize = 4;

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
    if groups.one_strip() {
        let some = f.is(IntCC::SignedLessThan, first, stop);
        let (walk, short, after) = (f.b.create_block(), f.b.create_block(), f.b.create_block());
        f.b.ins().brif(some, walk, &[], short, &[]);
        f.enter_sealed(walk);
        strip(f, code, groups, folds, (first, first, stop));
        f.b.ins().jump(after, &[]);
        f.enter_sealed(short);
        let grouped = f.b.ins().band_imm_s(len, -(groups.lanes as i64));
        clear(f, groups, folds, grouped);
        f.b.ins().jump(after, &[]);
        return f.enter_sealed(after);
    }
    let strips_end = f.b.ins().iadd_imm_s(first, groups.period as i64);
    let strips_end = f.min_signed(strips_end, stop);
    f.count(first, strips_end, step, |f, start| strip(f, code, groups, folds, (first, start, stop)));
}

/// Fills the partial results that `grouped` points in whole groups, fewer than a period, add to with what changes
/// nothing.
fn clear(f: &mut Func<'_>, groups: &Groups, folds: &[FoldCode], grouped: clif::Value) {
    let lanes = groups.lanes;
    let zero = f.int(0);
    f.count(zero, grouped, lanes as i64, |f, index| {
        for fold in folds {
            let place = fold.partial(f, index);
            let regs = Regs::make(regs_for(lanes, fold.ty.bytes()), |_| fold.start(f, true));
            f.store_bundle(fold.ty, &regs, place, 0, lanes);
        }
    });
}

/// Folds every `period`-th step from `start` on, which makes the partial results of that strip.
fn strip(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &[FoldCode],
    (first, start, end): (clif::Value, clif::Value, clif::Value),
) {
    let index = f.b.ins().isub(start, first);
    let one = groups.one_strip();
    let place = |f: &mut Func<'_>, fold: &FoldCode| if one { fold.buffer } else { fold.partial(f, index) };
    let places: Vec<clif::Value> = folds.iter().map(|fold| place(f, fold)).collect();
    let cells = groups.cells(folds, &places);
    let kept = &cells[..cells.len() - groups.in_memory];
    let header = f.b.create_block();
    let after = f.b.create_block();
    let point = f.b.append_block_param(header, types::I64);
    let mut args = vec![BlockArg::Value(start)];
    for (index, cell) in cells.iter().enumerate() {
        let start = cell.fold.start(f, true);
        if index < kept.len() {
            f.b.append_block_param(header, vector_type(cell.fold.ty));
            args.push(BlockArg::Value(start));
        } else {
            cell.store(f, start);
        }
    }
    f.b.ins().jump(header, &args);
    f.b.switch_to_block(header);
    let mut accs = f.b.block_params(header)[1..].to_vec();
    let mut cell = 0;
    for copy in 0..groups.copies {
        let mut lane = Lane::new(f, code, groups.lanes, Some(point), OnFault::Return);
        lane.ahead = copy * groups.lanes;
        let given = lane.emit();
        for (fold, given) in folds.iter().zip(given) {
            for &value in fold.bundle(f, given, groups.lanes).iter() {
                if let Some(acc) = accs.get_mut(cell) {
                    *acc = fold.combine(f, true, *acc, value);
                } else {
                    let before = cells[cell].load(f);
                    let sum = fold.combine(f, true, before, value);
                    cells[cell].store(f, sum);
                }
                cell += 1;
            }
        }
    }
    let next = f.b.ins().iadd_imm_s(point, groups.period as i64);
    let more = f.is(IntCC::SignedLessThan, next, end);
    let args: Vec<BlockArg> = std::iter::once(next).chain(accs.iter().copied()).map(BlockArg::Value).collect();
    f.b.ins().brif(more, header, &args, after, &[]);
    f.b.seal_block(header);
    f.enter_sealed(after);
    for (cell, sum) in kept.iter().zip(accs) {
        cell.store(f, sum);
    }
}

/// The points after the last whole step: groups if a step has several, then one by one.
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
    let lanes = if groups.copies > 2 { groups.lanes } else { 1 };
    row_points(f, code, lanes, (start, end), OnFault::Return, |f, lanes, point, given| {
        let index = f.b.ins().isub(point, first);
        for (fold, given) in folds.iter().zip(given) {
            if lanes > 1 {
                add_group(f, fold, lanes, index, given);
                continue;
            }
            let value = fold.scalar(f, given);
            accumulate(f, fold, index, value);
        }
    });
}

/// Adds a group of lanes to its partial results.
fn add_group(f: &mut Func<'_>, fold: &FoldCode, lanes: usize, index: clif::Value, given: Option<Val>) {
    let wrapped = f.b.ins().band_imm_s(index, fold.period as i64 - 1);
    let place = fold.partial(f, wrapped);
    let values = fold.bundle(f, given, lanes);
    let ty = vector_type(fold.ty);
    let sums = Regs::make(values.len(), |reg| {
        let before = f.b.ins().load(ty, trusted(), place, (reg * VECTOR) as i32);
        fold.combine(f, true, before, values[reg])
    });
    f.store_bundle(fold.ty, &sums, place, 0, lanes);
}
