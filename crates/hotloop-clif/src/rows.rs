//! Folds of rows, with lanes along the row.
//!
//! A block is walked in strips: each takes every `period`-th group of lanes, so that its partial results stay in
//! registers. Folds whose order matters prescribe the period; the others do with one strip. What is left at the end of
//! a block, less than one group, is added to the buffer point by point.

use crate::forms::{Regs, regs_for, vector_type};
use crate::func::Func;
use crate::lane::{Lane, NestCode, OnFault};
use crate::nest::{RowBlock, counts, row_points, tile_loop};
use crate::plan::Plan;
use crate::points::accumulate;
use crate::tree::{Cells, FoldCode, combine_blocks, folds, prescribed, split_off_combining, write_block};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use hotloop_ir::NestId;
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_target::Status;

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
    let inexact = code.nest.folds.iter().find(|fold| crate::plan::is_inexact(fold.op, fold.ty));
    let period = inexact.map_or(plan.lanes, prescribed);
    let folds = folds(f, code, 1, |_| period);
    let cells = Cells::new(f, id, plan, &counts);
    split_off_combining(f, range.0, |f| combine_blocks(f, code, plan, &folds, &cells, &counts));
    let extents = code.extents.clone();
    let place = RowBlock::new(f, range.0, counts.blocks, &plan.kept, &extents);
    tile_loop(f, range, |f, tile, _| {
        let mut coords = code.coords.clone();
        let block = place.read(f, &mut coords);
        let next = f.b.create_block();
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
            write_block(f, code, fold, index, &cells, &counts, tile, value);
        }
        f.b.ins().jump(next, &[]);
        f.enter_sealed(full);
        code.enter_row(f, coords, plan.lanes);
        strips(f, code, plan.lanes, period, &folds, (first, end));
        rest(f, code, plan.lanes, &folds, (first, end));
        for (index, fold) in folds.iter().enumerate() {
            let value = fold.block_result(f, len);
            write_block(f, code, fold, index, &cells, &counts, tile, value);
        }
        f.b.ins().jump(next, &[]);
        f.enter_sealed(next);
        place.advance(f, &extents);
    });
    f.ret(Status::Ok);
}

/// Runs all whole groups of the block and leaves the partial results in the buffers.
fn strips(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    lanes: usize,
    period: usize,
    folds: &[FoldCode],
    (first, end): (clif::Value, clif::Value),
) {
    let strip = f.b.create_block();
    let after = f.b.create_block();
    let start = f.b.append_block_param(strip, types::I64);
    let last = f.b.ins().iadd_imm_s(end, -(lanes as i64));
    let some = f.is(IntCC::SignedLessThanOrEqual, first, last);
    f.b.ins().brif(some, strip, &[BlockArg::Value(first)], after, &[]);
    f.b.switch_to_block(strip);
    // The first group of a strip starts its partial results.
    let given = Lane::new(f, code, lanes, Some(start), OnFault::Return).emit();
    let mut args = Vec::new();
    for (fold, given) in folds.iter().zip(given) {
        args.extend(fold.bundle(f, given, lanes).iter().copied());
    }
    let accs = group_loop(f, code, lanes, period, folds, (start, last), &args);
    let offset = f.b.ins().isub(start, first);
    let mut acc = accs.into_iter();
    for fold in folds {
        let place = fold.partial(f, offset);
        let regs = Regs::make(regs_for(lanes, fold.ty.bytes()), |_| acc.next().unwrap_or(place));
        f.store_bundle(fold.ty, &regs, place, 0, lanes);
    }
    let next = f.b.ins().iadd_imm_s(start, lanes as i64);
    let strips_end = f.b.ins().iadd_imm_s(first, period as i64);
    let more = f.is(IntCC::SignedLessThan, next, strips_end);
    let fits = f.is(IntCC::SignedLessThanOrEqual, next, last);
    let more = f.b.ins().band(more, fits);
    f.b.ins().brif(more, strip, &[BlockArg::Value(next)], after, &[]);
    f.b.seal_block(strip);
    f.enter_sealed(after);
}

/// The groups of a strip after its first; gives the accumulators.
fn group_loop(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    lanes: usize,
    period: usize,
    folds: &[FoldCode],
    (start, last): (clif::Value, clif::Value),
    first: &[clif::Value],
) -> Vec<clif::Value> {
    let header = f.b.create_block();
    let after = f.b.create_block();
    let group = f.b.append_block_param(header, types::I64);
    for fold in folds {
        for _ in 0..regs_for(lanes, fold.ty.bytes()) {
            f.b.append_block_param(header, vector_type(fold.ty));
            f.b.append_block_param(after, vector_type(fold.ty));
        }
    }
    let second = f.b.ins().iadd_imm_s(start, period as i64);
    let args = |group: Option<clif::Value>, accs: &[clif::Value]| -> Vec<BlockArg> {
        group.into_iter().chain(accs.iter().copied()).map(BlockArg::Value).collect()
    };
    let some = f.is(IntCC::SignedLessThanOrEqual, second, last);
    f.b.ins().brif(some, header, &args(Some(second), first), after, &args(None, first));
    f.b.switch_to_block(header);
    let accs: Vec<clif::Value> = f.b.block_params(header)[1..].to_vec();
    let given = Lane::new(f, code, lanes, Some(group), OnFault::Return).emit();
    let mut next_accs = Vec::with_capacity(accs.len());
    for (fold, given) in folds.iter().zip(given) {
        for &value in fold.bundle(f, given, lanes).iter() {
            let acc = accs[next_accs.len()];
            next_accs.push(fold.combine(f, true, acc, value));
        }
    }
    let next = f.b.ins().iadd_imm_s(group, period as i64);
    let more = f.is(IntCC::SignedLessThanOrEqual, next, last);
    f.b.ins().brif(more, header, &args(Some(next), &next_accs), after, &args(None, &next_accs));
    f.b.seal_block(header);
    f.enter_sealed(after);
    f.b.block_params(after).to_vec()
}

/// The points after the last whole group.
fn rest(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    lanes: usize,
    folds: &[FoldCode],
    (first, end): (clif::Value, clif::Value),
) {
    let len = f.b.ins().isub(end, first);
    let whole = f.b.ins().band_imm_s(len, -(lanes as i64));
    let start = f.b.ins().iadd(first, whole);
    row_points(f, code, 1, (start, end), OnFault::Return, |f, _, point, given| {
        let index = f.b.ins().isub(point, first);
        for (fold, given) in folds.iter().zip(given) {
            let value = fold.scalar(f, given);
            accumulate(f, fold, index, value);
        }
    });
}
