//! Nests without folds: rows cut into blocks, each a tile; also nests whose points run in order, on one thread.

use crate::func::Func;
use crate::lane::{NestCode, OnFault};
use crate::nest::{MapBlock, RowBlock, counts, row_points, tile_loop};
use crate::plan::Plan;
use cranelift_codegen::ir as clif;
use hotloop_target::Status;

/// Emits the tiles and the return.
pub(crate) fn emit(f: &mut Func<'_>, code: &mut NestCode<'_>, plan: &Plan, range: (clif::Value, clif::Value)) {
    let Some(inner) = plan.inner else {
        return f.ret(Status::Ok);
    };
    let counts = counts(f, plan, &code.extents);
    let extents = code.extents.clone();
    let size = MapBlock::of(f, plan, extents[inner]);
    let place = RowBlock::new(f, range.0, counts.blocks, &plan.kept[..inner], &extents);
    tile_loop(f, range, |f, _, _| {
        let mut coords = code.coords.clone();
        let block = place.read(f, &mut coords);
        code.enter_row(f, coords, plan.lanes);
        let (first, end) = size.bounds(f, block);
        let end = f.min_signed(end, extents[inner]);
        row_points(f, code, plan.lanes, (first, end), OnFault::Return, |_, _, _, _| {});
        place.advance(f, &extents);
    });
    f.ret(Status::Ok);
}
