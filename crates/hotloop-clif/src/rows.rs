//! Folds of rows, with lanes along the row.
//!
//! A block is walked in strips: each takes every `period`-th group of lanes, so that its partial results stay in
//! registers. Folds whose order matters prescribe the period; the others do with one strip. What is left at the end of
//! a block, less than one group, is added to the buffer point by point.

use crate::forms::{Regs, VECTOR, Val, regs_for, scalar_type, vector_type};
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
    /// Points of each partial result in one turn of the innermost loop.
    rounds: usize,
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
            && code.nest.lane.values.len() <= TINY_LANE
            && accumulators > 1
        {
            // One strip: the block is walked once, and need not stay in the cache for a second time. A lane of one value is
            // an operand in memory, so that all registers are free for accumulators.
            let lanes = of_register(fold);
            let in_memory = if code.nest.lane.values.len() == 1 { 0 } else { 2 + code.splats.len() };
            // One in memory is ready again after more time than a round takes, so a turn has two.
            let rounds = if in_memory == 0 { 1 } else { 2 };
            return Groups { lanes, copies: period / lanes, period, in_memory, rounds };
        }
        let copies = if small && prescribed.is_none_or(|period| period >= 2 * lanes) { 2 } else { 1 };
        Groups { lanes, copies, period: prescribed.unwrap_or(copies * lanes), in_memory: 0, rounds: 1 }
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

    /// Points of one round: those that one strip has side by side.
    fn round(&self) -> usize {
        self.lanes * self.copies
    }

    /// What the points that strips take are a multiple of.
    fn step(&self) -> usize {
        self.round() * self.rounds
    }

    /// Whether one strip takes all points.
    fn one_strip(&self) -> bool {
        self.round() == self.period
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
        let values = if groups.one_strip() {
            one_strip(f, code, &groups, &folds, (first, end))
        } else {
            strips(f, code, &groups, &folds, (first, end));
            rest(f, code, &groups, &folds, (first, end));
            folds.iter().map(|fold| fold.block_result(f, len)).collect()
        };
        for (index, (fold, value)) in folds.iter().zip(values).enumerate() {
            let value = fold.result(f, value);
            results.write(f, code, index, fold, value);
        }
        f.b.ins().jump(next, &[]);
        f.enter_sealed(next);
        place.advance(f, &extents);
    });
    f.ret(Status::Ok);
}

/// Runs all whole steps of the block, which has several strips, and leaves the partial results in the buffers.
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
    let strips_end = f.b.ins().iadd_imm_s(first, groups.period as i64);
    let strips_end = f.min_signed(strips_end, stop);
    f.count(first, strips_end, step, |f, start| {
        let (cells, accs) = strip(f, code, groups, folds, (first, start, stop));
        for (cell, acc) in cells.iter().zip(accs) {
            cell.store(f, acc);
        }
    });
}

/// The accumulators that a block of one strip gives, by fold: from registers where the block is whole steps, through
/// the buffers if some points are left.
fn one_strip(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &[FoldCode],
    (first, end): (clif::Value, clif::Value),
) -> Vec<clif::Value> {
    let len = f.b.ins().isub(end, first);
    let whole = f.b.ins().band_imm_s(len, -(groups.step() as i64));
    let stop = f.b.ins().iadd(first, whole);
    let (walk, short, left, done) = (f.b.create_block(), f.b.create_block(), f.b.create_block(), f.b.create_block());
    let results = folds.iter().map(|fold| f.b.append_block_param(done, scalar_type(fold.ty))).collect();
    let some = f.is(IntCC::SignedLessThan, first, stop);
    f.b.ins().brif(some, walk, &[], short, &[]);
    f.enter_sealed(walk);
    let (cells, accs) = strip(f, code, groups, folds, (first, first, stop));
    let (direct, partly) = (f.b.create_block(), f.b.create_block());
    let all = f.is(IntCC::SignedGreaterThanOrEqual, stop, end);
    f.b.ins().brif(all, direct, &[], partly, &[]);
    f.enter_sealed(direct);
    let values: Vec<BlockArg> = folds.iter().map(|fold| BlockArg::Value(tree(f, fold, &cells, &accs))).collect();
    f.b.ins().jump(done, &values);
    f.enter_sealed(partly);
    for (cell, acc) in cells.iter().zip(accs) {
        cell.store(f, acc);
    }
    f.b.ins().jump(left, &[]);
    f.enter_sealed(short);
    let grouped = f.b.ins().band_imm_s(len, -(groups.lanes as i64));
    let all = f.int(groups.period as i64);
    let cleared = f.min_signed(grouped, all);
    clear(f, groups, folds, cleared);
    f.b.ins().jump(left, &[]);
    f.enter_sealed(left);
    rest(f, code, groups, folds, (first, end));
    let values: Vec<BlockArg> = folds.iter().map(|fold| BlockArg::Value(fold.block_result(f, len))).collect();
    f.b.ins().jump(done, &values);
    f.enter_sealed(done);
    results
}

/// The tree over the partial results of a strip. The cells without an accumulator are in the buffer.
fn tree(f: &mut Func<'_>, fold: &FoldCode, cells: &[Cell<'_>], accs: &[clif::Value]) -> clif::Value {
    let mine: Vec<usize> = (0..cells.len()).filter(|&index| std::ptr::eq(cells[index].fold, fold)).collect();
    let narrow = mine.iter().any(|&index| cells[index].lanes * fold.ty.bytes() < VECTOR);
    if narrow {
        for (cell, &acc) in cells.iter().zip(accs).filter(|(cell, _)| std::ptr::eq(cell.fold, fold)) {
            cell.store(f, acc);
        }
        return fold.full_tree(f);
    }
    let mut regs: Vec<clif::Value> = Vec::with_capacity(mine.len());
    for index in mine {
        regs.push(match accs.get(index) {
            Some(&acc) => acc,
            None => cells[index].load(f),
        });
    }
    fold.tree_of(f, regs)
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

/// Folds every `period`-th step from `start` on. Gives where the partial results of that strip belong, and those that
/// are in registers; the last ones may be in the buffer.
fn strip<'f>(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    groups: &Groups,
    folds: &'f [FoldCode],
    (first, start, end): (clif::Value, clif::Value, clif::Value),
) -> (Vec<Cell<'f>>, Vec<clif::Value>) {
    let index = f.b.ins().isub(start, first);
    let one = groups.one_strip();
    let place = |f: &mut Func<'_>, fold: &FoldCode| if one { fold.buffer } else { fold.partial(f, index) };
    let places: Vec<clif::Value> = folds.iter().map(|fold| place(f, fold)).collect();
    let cells = groups.cells(folds, &places);
    let kept = &cells[..cells.len() - groups.in_memory];
    let (header, body, after) = (f.b.create_block(), f.b.create_block(), f.b.create_block());
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
    let sums = f.b.block_params(header)[1..].to_vec();
    // The loop is left at its head: a value that both the next turn and what comes after the loop used could not take its
    // operands from memory.
    let over = f.is(IntCC::SignedGreaterThanOrEqual, point, end);
    f.b.ins().brif(over, after, &[], body, &[]);
    f.enter_sealed(body);
    let mut accs = sums.clone();
    let per_copy = cells.len() / groups.copies;
    let held = kept.len() / per_copy;
    let in_registers = (0..groups.rounds).flat_map(|round| (0..held).map(move |copy| (copy, round)));
    let in_memory = (held..groups.copies).flat_map(|copy| (0..groups.rounds).map(move |round| (copy, round)));
    for (copy, round) in in_registers.chain(in_memory) {
        let mut lane = Lane::new(f, code, groups.lanes, Some(point), OnFault::Return);
        lane.ahead = round * groups.period + copy * groups.lanes;
        let given = lane.emit();
        let mut mine = copy * per_copy..(copy + 1) * per_copy;
        for (fold, given) in folds.iter().zip(given) {
            for (&value, cell) in fold.bundle(f, given, groups.lanes).iter().zip(mine.by_ref()) {
                if accs.len() == cell {
                    accs.push(cells[cell].load(f));
                }
                accs[cell] = fold.combine(f, true, accs[cell], value);
                if cell >= kept.len() && round + 1 == groups.rounds {
                    cells[cell].store(f, accs[cell]);
                }
            }
        }
    }
    accs.truncate(kept.len());
    let next = f.b.ins().iadd_imm_s(point, (groups.period * groups.rounds) as i64);
    let args: Vec<BlockArg> = std::iter::once(next).chain(accs).map(BlockArg::Value).collect();
    f.b.ins().jump(header, &args);
    f.b.seal_block(header);
    f.enter_sealed(after);
    (cells, sums)
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
