//! Several rows at once of a fold over outer axes: those that go to the same row of accumulators.
//!
//! Accumulators are then loaded and stored once for all of these rows, and memory is read at several places at the same
//! time, which hides how long it takes to begin a row. The order of what is added stays that of the rows.

use crate::forms::{Regs, Val, scalar_type};
use crate::func::{Func, trusted};
use crate::lane::{Lane, NestCode, OnFault};
use crate::tree::FoldCode;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, types};
use hotloop_ir::{Inst, Nest, Stmt, Value};
use rustc_hash::FxHashMap;

/// The most arrays that are read at the same time, times rows.
const MOST_STREAMS: usize = 8;
/// The most values of a lane that is worth its code several times.
const SMALL_LANE: usize = 8;

/// How many rows of a nest are worth running at once.
pub(crate) fn rows_at_once(nest: &Nest) -> usize {
    let lane = &nest.lane;
    let straight = lane.body.iter().all(|stmt| matches!(stmt, Stmt::Let(_) | Stmt::Fold(..)));
    let loads = lane.values.iter().filter(|inst| matches!(inst, Inst::Load(_) | Inst::LoadAt(..))).count();
    if !straight || loads == 0 || loads > MOST_STREAMS || lane.values.len() > SMALL_LANE {
        return 1;
    }
    1 << (MOST_STREAMS / loads).ilog2()
}

/// What a row is entered with.
struct Row {
    coords: Vec<clif::Value>,
    bases: Vec<clif::Value>,
    hoisted: Vec<Option<Val>>,
    splats: FxHashMap<Value, Regs>,
}

impl Row {
    fn enter(&self, code: &mut NestCode<'_>) {
        code.coords.clone_from(&self.coords);
        code.rows.clone_from(&self.bases);
        code.hoisted.clone_from(&self.hoisted);
        code.splats.clone_from(&self.splats);
    }
}

/// Runs the rows at these coordinates for the columns `first .. end`. `bases` are where the accumulators of column 0
/// would be.
pub(crate) fn emit(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    lanes: usize,
    (folds, bases): (&[FoldCode], &[clif::Value]),
    rows: Vec<Vec<clif::Value>>,
    (first, end): (clif::Value, clif::Value),
) {
    let mut entered = Vec::new();
    for coords in rows {
        code.enter_row(f, coords, lanes);
        entered.push(Row {
            coords: code.coords.clone(),
            bases: code.rows.clone(),
            hoisted: code.hoisted.clone(),
            splats: code.splats.clone(),
        });
    }
    let mut start = first;
    if lanes > 1 {
        let length = f.b.ins().isub(end, first);
        let whole = f.b.ins().band_imm_s(length, -(lanes as i64));
        let stop = f.b.ins().iadd(first, whole);
        columns(f, (first, stop), lanes, |f, point| group(f, code, lanes, (folds, bases), &entered, point));
        start = stop;
    }
    columns(f, (start, end), 1, |f, point| single(f, code, (folds, bases), &entered, point));
}

fn columns(
    f: &mut Func<'_>,
    (first, end): (clif::Value, clif::Value),
    step: usize,
    body: impl FnOnce(&mut Func<'_>, clif::Value),
) {
    let (run, after) = (f.b.create_block(), f.b.create_block());
    let point = f.b.append_block_param(run, types::I64);
    let some = f.is(IntCC::SignedLessThan, first, end);
    f.b.ins().brif(some, run, &[BlockArg::Value(first)], after, &[]);
    f.b.switch_to_block(run);
    body(f, point);
    let next = f.b.ins().iadd_imm_s(point, step as i64);
    let more = f.is(IntCC::SignedLessThan, next, end);
    f.b.ins().brif(more, run, &[BlockArg::Value(next)], after, &[]);
    f.b.seal_block(run);
    f.enter_sealed(after);
}

/// The accumulators of a column.
fn place(f: &mut Func<'_>, fold: &FoldCode, base: clif::Value, point: clif::Value) -> clif::Value {
    let offset = f.b.ins().ishl_imm_u(point, i64::from(fold.ty.bytes().trailing_zeros()));
    f.b.ins().iadd(base, offset)
}

fn group(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    lanes: usize,
    (folds, bases): (&[FoldCode], &[clif::Value]),
    rows: &[Row],
    point: clif::Value,
) {
    let places: Vec<clif::Value> = folds.iter().zip(bases).map(|(fold, &base)| place(f, fold, base, point)).collect();
    let before = |f: &mut Func<'_>, fold: &FoldCode, place| match f.load_bundle(fold.ty, place, 0, lanes) {
        Val::Varying(regs) => regs,
        Val::Uniform(_) | Val::Mask(_) => fold.bundle(f, None, lanes),
    };
    let mut sums: Vec<Regs> = folds.iter().zip(&places).map(|(fold, &place)| before(f, fold, place)).collect();
    for row in rows {
        row.enter(code);
        let given = Lane::new(f, code, lanes, Some(point), OnFault::Return).emit();
        for ((fold, sum), given) in folds.iter().zip(&mut sums).zip(given) {
            let regs = fold.bundle(f, given, lanes);
            *sum = Regs::make(regs.len(), |i| fold.combine(f, true, sum[i], regs[i]));
        }
    }
    for ((fold, sum), place) in folds.iter().zip(&sums).zip(places) {
        f.store_bundle(fold.ty, sum, place, 0, lanes);
    }
}

fn single(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    (folds, bases): (&[FoldCode], &[clif::Value]),
    rows: &[Row],
    point: clif::Value,
) {
    let places: Vec<clif::Value> = folds.iter().zip(bases).map(|(fold, &base)| place(f, fold, base, point)).collect();
    let before = |f: &mut Func<'_>, fold: &FoldCode, place| f.b.ins().load(scalar_type(fold.ty), trusted(), place, 0);
    let mut sums: Vec<clif::Value> = folds.iter().zip(&places).map(|(fold, &place)| before(f, fold, place)).collect();
    for row in rows {
        row.enter(code);
        let given = Lane::new(f, code, 1, Some(point), OnFault::Return).emit();
        for ((fold, sum), given) in folds.iter().zip(&mut sums).zip(given) {
            let value = fold.scalar(f, given);
            *sum = fold.combine(f, false, *sum, value);
        }
    }
    for (sum, place) in sums.into_iter().zip(places) {
        f.b.ins().store(trusted(), sum, place, 0);
    }
}
