//! Folds over outer axes, with lanes across the columns.
//!
//! A strip of columns keeps one row of accumulators per partial result; folds whose order does not matter keep a single
//! one. In a wide strip the folded rows are walked partial result by partial result, so that the row of accumulators in
//! use stays in the first-level cache, while each row of the array is read in one long piece.

use crate::forms::{VECTOR, Val, scalar_type, vector_type};
use crate::func::{Func, trusted};
use crate::lane::{NestCode, OnFault};
use crate::nest::{Counts, Odometer, RowBlock, counts, row_points, tile_loop};
use crate::plan::{Plan, column_period, is_inexact};
use crate::several;
use crate::tree::{Cells, FoldCode, combine_blocks, folds, halvings, split_off_combining, write_result};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use hotloop_ir::NestId;
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_target::Status;

/// One tile: a strip of columns and a block of folded rows.
struct Tile {
    number: clif::Value,
    /// The columns.
    first: clif::Value,
    end: clif::Value,
    /// The folded index of the first row, and the number of rows.
    start: clif::Value,
    len: clif::Value,
}

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
    let folds = folds(f, code, plan.strip as usize, column_period);
    let cells = Cells::new(f, id, plan, &counts);
    split_off_combining(f, range.0, |f| combine_blocks(f, code, plan, &folds, &cells, &counts));
    let extents = code.extents.clone();
    let per_row = f.b.ins().imul(counts.strips, counts.blocks);
    let place = RowBlock::new(f, range.0, per_row, &plan.kept[..plan.kept.len() - 1], &extents);
    tile_loop(f, range, |f, number, _| {
        let mut coords = code.coords.clone();
        let piece = place.read(f, &mut coords);
        let strip = f.b.ins().udiv(piece, counts.blocks);
        let block = f.b.ins().urem(piece, counts.blocks);
        let first = f.b.ins().imul_imm_s(strip, plan.strip);
        let end = f.b.ins().iadd_imm_s(first, plan.strip);
        let end = f.min_signed(end, extents[inner]);
        let start = f.b.ins().imul_imm_s(block, FOLD_BLOCK as i64);
        let rest = f.b.ins().isub(counts.folded, start);
        let most = f.int(FOLD_BLOCK as i64);
        let len = f.min_signed(rest, most);
        let tile = Tile { number, first, end, start, len };
        clear(f, &folds, &tile);
        let some = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, len, 0);
        let (walked, after) = (f.b.create_block(), f.b.create_block());
        f.b.ins().brif(some, walked, &[], after, &[]);
        f.enter_sealed(walked);
        walk(f, code, plan, &folds, &coords, &tile);
        f.b.ins().jump(after, &[]);
        f.enter_sealed(after);
        code.rows = f.row_bases(&code.views, &coords);
        for (index, fold) in folds.iter().enumerate() {
            tree(f, fold, &tile);
            write(f, code, (index, fold), &cells, &counts, &tile);
        }
        place.advance(f, &extents);
    });
    f.ret(Status::Ok);
}

/// Bytes of one row of accumulators.
fn pitch(fold: &FoldCode) -> i64 {
    (fold.width * fold.ty.bytes()) as i64
}

/// The rows of accumulators that the tile uses: as many as it has rows, at most the period, at least 1.
fn used_rows(f: &mut Func<'_>, fold: &FoldCode, tile: &Tile) -> clif::Value {
    let period = f.int(fold.period as i64);
    let used = f.min_signed(tile.len, period);
    let one = f.int(1);
    f.b.ins().smax(used, one)
}

/// Fills the accumulators with what changes nothing, or, for a tile without rows, with the value of an empty fold.
fn clear(f: &mut Func<'_>, folds: &[FoldCode], tile: &Tile) {
    let zero = f.int(0);
    for fold in folds {
        let start = fold.start(f, false);
        let none = fold.empty_accumulator(f);
        let some = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, tile.len, 0);
        let start = f.choose(crate::forms::Form::scalar(fold.ty), some, start, none);
        let start = f.splat(fold.ty, start);
        let rows = used_rows(f, fold, tile);
        let bytes = f.b.ins().imul_imm_s(rows, pitch(fold));
        f.count(zero, bytes, 4 * VECTOR as i64, |f, offset| {
            let place = f.b.ins().iadd(fold.buffer, offset);
            for reg in 0..4 {
                f.b.ins().store(trusted(), start, place, reg * VECTOR as i32);
            }
        });
    }
}

/// Columns of a strip that is walked partial result by partial result.
const WIDE: i64 = 128;

/// Runs the rows of the tile, those of each partial result in order.
fn walk(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    plan: &Plan,
    folds: &[FoldCode],
    coords: &[clif::Value],
    tile: &Tile,
) {
    let inexact = folds.iter().filter(|fold| is_inexact(fold.fold.op, fold.fold.ty));
    let period = inexact.map(|fold| fold.period).min().unwrap_or(1);
    let odometer = Odometer::new(f, &plan.reduced);
    let zero = f.int(0);
    let one = f.int(1);
    let all = f.int(period as i64);
    // All rows of accumulators of a narrow strip fit the cache, and its rows are best read one after the other.
    let width = f.b.ins().isub(tile.end, tile.first);
    let wide = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, width, WIDE);
    let turns = f.b.ins().select(wide, all, one);
    let partials = f.min_signed(turns, tile.len);
    let group = several::rows_at_once(code.nest);
    let one_row = folds.iter().all(|fold| period % fold.period == 0);
    f.count(zero, partials, 1, |f, partial| {
        let next = f.variable(partial);
        if group > 1 && one_row {
            let stop = f.b.ins().iadd_imm_s(tile.len, -((period * (group - 1)) as i64));
            let stop = if period == 1 { stop } else { f.b.ins().select(wide, stop, zero) };
            let step = f.int((period * group) as i64);
            f.count_by(partial, stop, step, |f, number| {
                let rows = (0..group).map(|row| {
                    let number = f.b.ins().iadd_imm_s(number, (row * period) as i64);
                    row_at(f, code, &odometer, coords, tile, number)
                });
                let rows: Vec<Vec<clif::Value>> = rows.collect();
                let bases = bases(f, folds, number, tile);
                several::emit(f, code, plan.lanes, (folds, &bases), rows, (tile.first, tile.end));
                let after = f.b.ins().iadd(number, step);
                f.b.def_var(next, after);
            });
        }
        let from = f.b.use_var(next);
        f.count_by(from, tile.len, turns, |f, number| {
            let here = row_at(f, code, &odometer, coords, tile, number);
            row(f, code, plan.lanes, folds, here, number, tile);
        });
    });
}

/// Runs one row of the tile.
fn row(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    lanes: usize,
    folds: &[FoldCode],
    coords: Vec<clif::Value>,
    number: clif::Value,
    tile: &Tile,
) {
    code.enter_row(f, coords, lanes);
    let bases = bases(f, folds, number, tile);
    row_points(f, code, lanes, (tile.first, tile.end), OnFault::Return, |f, lanes, point, given| {
        for ((fold, &base), given) in folds.iter().zip(&bases).zip(given) {
            add(f, fold, base, lanes, point, given);
        }
    });
}

/// The coordinates of the row with this number in the tile.
fn row_at(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    odometer: &Odometer,
    coords: &[clif::Value],
    tile: &Tile,
    number: clif::Value,
) -> Vec<clif::Value> {
    let at = f.b.ins().iadd(tile.start, number);
    odometer.set(f, at, &code.extents);
    let mut here = coords.to_vec();
    odometer.read(f, &mut here);
    here
}

/// The address that column 0 would have in the row of accumulators that a row goes to, for each fold.
fn bases(f: &mut Func<'_>, folds: &[FoldCode], number: clif::Value, tile: &Tile) -> Vec<clif::Value> {
    let base = |fold: &FoldCode| {
        let wrapped = f.b.ins().band_imm_s(number, fold.period as i64 - 1);
        let offset = f.b.ins().imul_imm_s(wrapped, pitch(fold));
        let base = f.b.ins().iadd(fold.buffer, offset);
        let before = f.b.ins().imul_imm_s(tile.first, fold.ty.bytes() as i64);
        f.b.ins().isub(base, before)
    };
    folds.iter().map(base).collect()
}

/// Adds what the lanes gave to the accumulators of their columns.
fn add(f: &mut Func<'_>, fold: &FoldCode, base: clif::Value, lanes: usize, point: clif::Value, given: Option<Val>) {
    let offset = f.b.ins().ishl_imm_u(point, i64::from(fold.ty.bytes().trailing_zeros()));
    let place = f.b.ins().iadd(base, offset);
    if lanes == 1 {
        let value = fold.scalar(f, given);
        let before = f.b.ins().load(scalar_type(fold.ty), trusted(), place, 0);
        let both = fold.combine(f, false, before, value);
        f.b.ins().store(trusted(), both, place, 0);
        return;
    }
    let regs = fold.bundle(f, given, lanes);
    if let Val::Varying(before) = f.load_bundle(fold.ty, place, 0, lanes) {
        let both = crate::forms::Regs::make(regs.len(), |i| fold.combine(f, true, before[i], regs[i]));
        f.store_bundle(fold.ty, &both, place, 0, lanes);
    }
}

/// Combines the rows of accumulators into the first.
fn tree(f: &mut Func<'_>, fold: &FoldCode, tile: &Tile) {
    let rows = used_rows(f, fold, tile);
    let zero = f.int(0);
    halvings(f, fold.period, rows, |f, width, pairs| {
        let bytes = f.b.ins().imul_imm_s(pairs, pitch(fold));
        let distance = f.b.ins().imul_imm_s(width, pitch(fold));
        f.count(zero, bytes, 2 * VECTOR as i64, |f, offset| {
            let low = f.b.ins().iadd(fold.buffer, offset);
            let high = f.b.ins().iadd(low, distance);
            for reg in [0, VECTOR as i32] {
                let a = f.b.ins().load(vector_type(fold.ty), trusted(), low, reg);
                let b = f.b.ins().load(vector_type(fold.ty), trusted(), high, reg);
                let both = fold.combine(f, true, a, b);
                f.b.ins().store(trusted(), both, low, reg);
            }
        });
    });
}

/// Writes the first row of accumulators: to the results if there is one block, to the tile's cells if not.
fn write(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    (index, fold): (usize, &FoldCode),
    cells: &Cells,
    counts: &Counts,
    tile: &Tile,
) {
    let several = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, counts.blocks, 1);
    let (part, whole, after) = (f.b.create_block(), f.b.create_block(), f.b.create_block());
    f.b.ins().brif(several, part, &[], whole, &[]);
    f.enter_sealed(part);
    let cell = cells.of(f, index, tile.number);
    f.count(tile.first, tile.end, 1, |f, column| {
        let value = accumulated(f, fold, tile, column);
        let at = f.b.ins().isub(column, tile.first);
        let offset = f.b.ins().ishl_imm_u(at, 3);
        let place = f.b.ins().iadd(cell, offset);
        f.b.ins().store(trusted(), value, place, 0);
    });
    f.b.ins().jump(after, &[]);
    f.enter_sealed(whole);
    f.count(tile.first, tile.end, 1, |f, column| {
        let value = accumulated(f, fold, tile, column);
        write_result(f, code, fold.fold.ty, fold.fold.dest, Some(column), value);
    });
    f.b.ins().jump(after, &[]);
    f.enter_sealed(after);
}

/// The result of a column.
fn accumulated(f: &mut Func<'_>, fold: &FoldCode, tile: &Tile, column: clif::Value) -> clif::Value {
    let at = f.b.ins().isub(column, tile.first);
    let place = fold.partial(f, at);
    let acc = f.b.ins().load(scalar_type(fold.ty), trusted(), place, 0);
    fold.result(f, acc)
}
