//! Folds point by point, in ascending order of the folded index, with the partial results in memory.
//!
//! The general shape: any mix of folded and other axes, any folds, checks included. The innermost folded axis is a
//! plain loop; the others are counted by an odometer. After a fault the other results are still computed, since one of
//! them may hold a fault at an earlier point.

use crate::forms::scalar_type;
use crate::func::{Func, trusted};
use crate::lane::{NestCode, OnFault};
use crate::nest::{Odometer, RowBlock, counts, row_points, tile_loop};
use crate::plan::Plan;
use crate::tree::{Cells, FoldCode, Results, combine_blocks, folds, prescribed, split_off_combining};
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
    let counts = counts(f, plan, &code.extents);
    let folds = folds(f, code, 1, prescribed);
    let cells = Cells::new(f, id, plan, &counts);
    split_off_combining(f, range.0, |f| combine_blocks(f, code, plan, &folds, &cells, &counts));
    let extents = code.extents.clone();
    let no = f.b.ins().iconst(types::I8, 0);
    let faulted = f.variable(no);
    let place = RowBlock::new(f, range.0, counts.blocks, &plan.kept, &extents);
    tile_loop(f, range, |f, tile, _| {
        let mut coords = code.coords.clone();
        let block = place.read(f, &mut coords);
        let next = f.b.create_block();
        let results = Results { cells: &cells, counts: &counts, tile };
        let start = f.b.ins().imul_imm_s(block, FOLD_BLOCK as i64);
        let rest = f.b.ins().isub(counts.folded, start);
        let most = f.int(FOLD_BLOCK as i64);
        let len = f.min_signed(rest, most);
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
        let on_fault = if plan.checks { OnFault::Lowest(faulted, next) } else { OnFault::Return };
        walk(f, code, plan, &folds, &coords, (start, len), on_fault);
        finish(f, code, &folds, &results, &coords, len);
        f.b.ins().jump(next, &[]);
        f.b.switch_to_block(next);
        place.advance(f, &extents);
    });
    if plan.checks {
        let faulted = f.b.use_var(faulted);
        f.when_returning(faulted, Status::Fault);
    }
    f.ret(Status::Ok);
}

fn finish(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    folds: &[FoldCode],
    results: &Results<'_>,
    coords: &[clif::Value],
    len: clif::Value,
) {
    code.rows = f.row_bases(&code.views, coords);
    for (index, fold) in folds.iter().enumerate() {
        let value = fold.block_result(f, len);
        let value = fold.result(f, value);
        results.write(f, code, index, fold, value);
    }
}

/// Runs the points of a block: `start` is the folded index of the first.
fn walk(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    plan: &Plan,
    folds: &[FoldCode],
    coords: &[clif::Value],
    (start, len): (clif::Value, clif::Value),
    on_fault: OnFault,
) {
    let zero = f.int(0);
    let Some(inner) = plan.inner else {
        // No folded axis: each result has one element.
        code.enter_row(f, coords.to_vec(), 1);
        let given = crate::lane::Lane::new(f, code, 1, None, on_fault).emit();
        for (fold, given) in folds.iter().zip(given) {
            let value = fold.scalar(f, given);
            f.b.ins().store(trusted(), value, fold.buffer, 0);
        }
        return;
    };
    let extents = code.extents.clone();
    let odometer = Odometer::new(f, &plan.reduced);
    odometer.set(f, start, &extents);
    let segment = f.b.create_block();
    let after = f.b.create_block();
    let done = f.b.append_block_param(segment, types::I64);
    f.b.ins().jump(segment, &[BlockArg::Value(zero)]);
    f.b.switch_to_block(segment);
    let mut here = coords.to_vec();
    odometer.read(f, &mut here);
    let first = here[inner];
    code.enter_row(f, here, 1);
    // The point at which the block ends, if the row does not end before.
    let shift = f.b.ins().isub(first, done);
    let stop = f.b.ins().iadd(shift, len);
    let end = f.min_signed(stop, extents[inner]);
    row_points(f, code, 1, (first, end), on_fault, |f, _, point, given| {
        let index = f.b.ins().isub(point, shift);
        for (fold, given) in folds.iter().zip(given) {
            let value = fold.scalar(f, given);
            accumulate(f, fold, index, value);
        }
    });
    let done = f.b.ins().isub(end, shift);
    odometer.next_row(f, end, &extents);
    let more = f.is(IntCC::SignedLessThan, done, len);
    f.b.ins().brif(more, segment, &[BlockArg::Value(done)], after, &[]);
    f.b.seal_block(segment);
    f.enter_sealed(after);
}

/// Takes the element with this number in the block. The first ones start their partial results.
pub(crate) fn accumulate(f: &mut Func<'_>, fold: &FoldCode, index: clif::Value, value: clif::Value) {
    let ty = scalar_type(fold.ty);
    let wrapped = f.b.ins().band_imm_s(index, fold.period as i64 - 1);
    let place = fold.partial(f, wrapped);
    let (old, done) = (f.b.create_block(), f.b.create_block());
    let acc = f.b.append_block_param(done, ty);
    let started = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, index, fold.period as i64);
    f.b.ins().brif(started, old, &[], done, &[BlockArg::Value(value)]);
    f.enter_sealed(old);
    let before = f.b.ins().load(ty, trusted(), place, 0);
    let both = fold.combine(f, false, before, value);
    f.b.ins().jump(done, &[BlockArg::Value(both)]);
    f.enter_sealed(done);
    f.b.ins().store(trusted(), acc, place, 0);
}
