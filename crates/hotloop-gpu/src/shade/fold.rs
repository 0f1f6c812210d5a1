//! Reductions, by the tree that `hotloop_ir::semantics` fixes: a workgroup makes the partial results of one block and
//! halves them; a second shader combines the blocks. The order is that of the CPU targets.

use super::code::{Code, Expr};
use super::entry::{Entry, add_entry, builtins};
use super::lane::{param, view_index, write_slot};
use super::params::{self, ParamLayout};
use super::{Buffer, Globals, Shader, Spread, types};
use hotloop_ir::semantics::{FOLD_BLOCK, empty, fold_partials, neutral};
use hotloop_ir::{AxisKind, Fold, FoldDest, FoldId, Nest, Program, Type};
use naga::{AddressSpace, Barrier, BinaryOperator as Binary, Expression, Module, Statement};

/// Invocations of a workgroup that combines blocks.
const COMBINERS: u32 = 64;

/// Invocations per workgroup: as many as the fold with the fewest partial results has.
fn workgroup(nest: &Nest) -> u32 {
    nest.folds.iter().map(|fold| fold_partials(fold.ty) as u32).min().unwrap_or(1)
}

/// Whether the folds of a nest combine over all of its axes.
pub(crate) fn over_all(nest: &Nest) -> bool {
    nest.folds.iter().all(|fold| matches!(fold.dest, FoldDest::Slot(_)))
}

/// The code that makes one partial result per block and fold; gives the size of a workgroup.
pub(super) fn blocks(entry: &mut Entry<'_, '_>) -> u32 {
    let size = workgroup(entry.nest);
    let pieces = param(&mut entry.code, entry.globals, params::COUNT);
    let accumulators: Vec<Accumulator> =
        (0..entry.nest.folds.len()).map(|fold| Accumulator::new(entry, fold, size)).collect();
    let (group, groups) = (entry.group, entry.groups);
    entry.count(group, pieces, groups, |entry, piece| {
        for accumulator in &accumulators {
            accumulator.reset(entry);
        }
        block_points(entry, piece, size, &accumulators);
        for accumulator in &accumulators {
            accumulator.halve(entry, piece);
        }
        // The shared partial results are free again only when all invocations have read them.
        entry.code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
    });
    entry.report();
    size
}

/// Runs the points of one block of one result: invocation `p` takes those whose number in the block is `p` modulo the
/// size of the workgroup, in ascending order.
fn block_points(entry: &mut Entry<'_, '_>, piece: Expr, size: u32, accumulators: &[Accumulator]) {
    let blocks = param(&mut entry.code, entry.globals, params::BLOCKS);
    let reduced = param(&mut entry.code, entry.globals, params::REDUCED);
    let result = entry.code.binary(Binary::Divide, piece, blocks);
    let block = entry.code.binary(Binary::Modulo, piece, blocks);
    let length = entry.code.u32(FOLD_BLOCK as u32);
    let begin = entry.code.binary(Binary::Multiply, block, length);
    let left = entry.code.binary(Binary::Subtract, reduced, begin);
    let short = entry.code.binary(Binary::Less, left, length);
    let end = entry.code.select(short, left, length);
    let (place, step) = (entry.place, entry.code.u32(size));
    let whole = over_all(entry.nest);
    let outer = if whole { Vec::new() } else { entry.coords(result, |kind| kind != AxisKind::Reduce) };
    entry.count(place, end, step, |entry, offset| {
        let at = entry.code.binary(Binary::Add, begin, offset);
        let (number, coords) = if whole {
            let coords = entry.coords(at, |_| true);
            (at, coords)
        } else {
            let mut coords = entry.coords(at, |kind| kind == AxisKind::Reduce);
            for (axis, coord) in outer.iter().enumerate() {
                if entry.nest.axes[axis].kind != AxisKind::Reduce {
                    coords[axis] = *coord;
                }
            }
            (entry.number(&coords), coords)
        };
        entry.run_point(number, &coords);
        for accumulator in accumulators {
            accumulator.take(entry, offset, size);
        }
    });
}

/// The partial results of one fold: some of each invocation's own, then shared ones.
struct Accumulator {
    fold: usize,
    own: Expr,
    /// How many each invocation has.
    count: u32,
    shared: naga::Handle<naga::GlobalVariable>,
    element: naga::Handle<naga::Type>,
}

impl Accumulator {
    fn new(entry: &mut Entry<'_, '_>, fold: usize, size: u32) -> Accumulator {
        let ty = entry.nest.folds[fold].ty;
        let partials = fold_partials(ty) as u32;
        let count = partials / size;
        let register = types::scalar_type(entry.globals.module, types::register(ty));
        let own_type = types::array_type(entry.globals.module, register, Some(count));
        let own = entry.code.local(&format!("own_{fold}"), own_type);
        let element = types::scalar_type(entry.globals.module, types::memory(ty));
        let shared_type = types::array_type(entry.globals.module, element, Some(partials));
        let shared = entry.globals.variable(&format!("shared_{fold}"), AddressSpace::WorkGroup, shared_type);
        Accumulator { fold, own, count, shared, element }
    }

    fn spec(&self, entry: &Entry<'_, '_>) -> Fold {
        entry.nest.folds[self.fold]
    }

    fn reset(&self, entry: &mut Entry<'_, '_>) {
        let fold = self.spec(entry);
        let start = entry.code.scalar(neutral(fold.op, fold.ty));
        for index in 0..self.count {
            let index = entry.code.u32(index);
            let pointer = entry.code.element(self.own, index);
            entry.code.store(pointer, start);
        }
    }

    /// Takes the point's contribution; `offset` is its number in the block.
    fn take(&self, entry: &mut Entry<'_, '_>, offset: Expr, size: u32) {
        let fold = self.spec(entry);
        let [size, count] = [size, self.count].map(|value| entry.code.u32(value));
        let turn = entry.code.binary(Binary::Divide, offset, size);
        let index = entry.code.binary(Binary::Modulo, turn, count);
        let pointer = entry.code.element(self.own, index);
        let present = entry.code.load(pointer);
        let value = entry.contribution(self.fold);
        let next = combine(&mut entry.code, fold, present, value);
        entry.code.store(pointer, next);
    }

    /// Shares the partial results, halves them down to one, and stores it as the piece's result.
    fn halve(&self, entry: &mut Entry<'_, '_>, piece: Expr) {
        let fold = self.spec(entry);
        let partials = fold_partials(fold.ty) as u32;
        let size = partials / self.count;
        let shared = entry.code.constant(Expression::GlobalVariable(self.shared));
        for index in 0..self.count {
            let (own, offset) = (entry.code.u32(index), entry.code.u32(index * size));
            let pointer = entry.code.element(self.own, own);
            let value = entry.code.load(pointer);
            let at = entry.code.binary(Binary::Add, entry.place, offset);
            write(&mut entry.code, fold.ty, shared, at, value);
        }
        let mut width = partials / 2;
        while width > 0 {
            entry.code.push(Statement::ControlBarrier(Barrier::WORK_GROUP));
            let place = entry.place;
            let [to, by] = [width, size].map(|value| entry.code.u32(value));
            entry.count(place, to, by, |entry, low| {
                let high = entry.code.binary(Binary::Add, low, to);
                let (a, b) =
                    (read(&mut entry.code, fold.ty, shared, low), read(&mut entry.code, fold.ty, shared, high));
                let both = combine(&mut entry.code, fold, a, b);
                write(&mut entry.code, fold.ty, shared, low, both);
            });
            width /= 2;
        }
        let buffer = entry.globals.buffer(Buffer::Partials(FoldId(self.fold as u32)), self.element, true);
        let partials = entry.code.constant(Expression::GlobalVariable(buffer));
        let zero = entry.code.u32(0);
        let bound = param(&mut entry.code, entry.globals, params::FIRST_PARTIAL);
        let at = entry.code.binary(Binary::Subtract, piece, bound);
        let first = entry.code.binary(Binary::Equal, entry.place, zero);
        entry.code.when(first, |code| {
            let value = read(code, fold.ty, shared, zero);
            write(code, fold.ty, partials, at, value);
        });
    }
}

fn combine(code: &mut Code, fold: Fold, a: Expr, b: Expr) -> Expr {
    super::ops::op(code, fold.op.op(), fold.ty, [a, b, b])
}

fn read(code: &mut Code, ty: Type, base: Expr, index: Expr) -> Expr {
    let pointer = code.element(base, index);
    let value = code.load(pointer);
    if ty != Type::Bool {
        return value;
    }
    let zero = code.u32(0);
    code.binary(Binary::NotEqual, value, zero)
}

fn write(code: &mut Code, ty: Type, base: Expr, index: Expr, value: Expr) {
    let pointer = code.element(base, index);
    let value = if ty == Type::Bool {
        let [one, zero] = [1, 0].map(|bit| code.u32(bit));
        code.select(value, one, zero)
    } else {
        value
    };
    code.store(pointer, value);
}

/// The shader that combines the blocks of each result of a fold and puts the result where it goes.
pub(crate) fn combiner(program: &Program, nest: &Nest, id: FoldId) -> Shader {
    let layout = ParamLayout::of(program, nest);
    let mut module = Module::default();
    let mut globals = Globals::new(&mut module);
    let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
    let mut code = Code::new("main");
    let [place, group, groups] = builtins(&mut code, &mut globals, u32_type);
    let first = param(&mut code, &mut globals, params::FIRST_GROUP);
    let group = code.binary(Binary::Add, group, first);
    let results = param(&mut code, &mut globals, params::COUNT);
    let fold = nest.folds[id.index()];
    let mut dest = Vec::new();
    code.count(u32_type, group, results, groups, |code, result| {
        combine_blocks(code, &mut globals, program, nest, &layout, fold, id, place, result, &mut dest);
    });
    let main = code.finish();
    let buffers = globals.bound();
    add_entry(&mut module, main, COMBINERS);
    Shader { module, buffers, params: layout, spread: Spread::Blocks(COMBINERS), checked: false, sets: dest }
}

#[allow(clippy::too_many_arguments)]
fn combine_blocks(
    code: &mut Code,
    globals: &mut Globals<'_>,
    program: &Program,
    nest: &Nest,
    layout: &ParamLayout,
    fold: Fold,
    id: FoldId,
    place: Expr,
    result: Expr,
    dest: &mut Vec<hotloop_ir::SlotId>,
) {
    let u32_type = types::scalar_type(globals.module, naga::Scalar::U32);
    let element = types::scalar_type(globals.module, types::memory(fold.ty));
    let buffer = globals.buffer(Buffer::Partials(id), element, true);
    let partials = code.constant(Expression::GlobalVariable(buffer));
    let blocks = param(code, globals, params::BLOCKS);
    let base = code.binary(Binary::Multiply, result, blocks);
    let bound = param(code, globals, params::FIRST_PARTIAL);
    let base = code.binary(Binary::Subtract, base, bound);
    tree(code, u32_type, fold, partials, base, blocks, place);
    let zero = code.u32(0);
    let is_first = code.binary(Binary::Equal, place, zero);
    code.open();
    let combined = read(code, fold.ty, partials, base);
    let nothing = code.scalar(empty(fold.op, fold.ty));
    let reduced = param(code, globals, params::REDUCED);
    let is_empty = code.binary(Binary::Equal, reduced, zero);
    let value = code.select(is_empty, nothing, combined);
    match fold.dest {
        FoldDest::Slot(slot) => {
            write_slot(code, globals, slot, fold.ty, value);
            dest.push(slot);
        }
        FoldDest::View(view) => {
            let coords = kept_coords(code, globals, nest, layout, result);
            let index = view_index(code, globals, layout, nest, view, &coords);
            let array = nest.views[view.index()].array;
            let element = types::scalar_type(globals.module, types::memory(program.array(array).ty));
            let buffer = globals.buffer(Buffer::Array(array), element, true);
            let base = code.constant(Expression::GlobalVariable(buffer));
            write(code, fold.ty, base, index, value);
        }
    }
    let accept = code.close();
    code.push(Statement::If { condition: is_first, accept, reject: naga::Block::new() });
}

/// Combines the blocks of one result in place: with stride 1, 2, 4 ….
fn tree(
    code: &mut Code,
    u32_type: naga::Handle<naga::Type>,
    fold: Fold,
    partials: Expr,
    base: Expr,
    blocks: Expr,
    place: Expr,
) {
    let stride_variable = code.local("stride", u32_type);
    let one = code.u32(1);
    code.store(stride_variable, one);
    code.open();
    let stride = code.load(stride_variable);
    let done = code.binary(Binary::GreaterEqual, stride, blocks);
    code.when(done, |code| code.push(Statement::Break));
    let double = code.binary(Binary::Add, stride, stride);
    let size = code.u32(COMBINERS);
    let from = code.binary(Binary::Multiply, place, double);
    let by = code.binary(Binary::Multiply, size, double);
    let to = code.binary(Binary::Subtract, blocks, stride);
    code.count(u32_type, from, to, by, |code, low| {
        let low = code.binary(Binary::Add, base, low);
        let high = code.binary(Binary::Add, low, stride);
        let (a, b) = (read(code, fold.ty, partials, low), read(code, fold.ty, partials, high));
        let both = combine(code, fold, a, b);
        write(code, fold.ty, partials, low, both);
    });
    code.push(Statement::ControlBarrier(Barrier::STORAGE | Barrier::WORK_GROUP));
    let body = code.close();
    code.open();
    code.store(stride_variable, double);
    let continuing = code.close();
    code.push(Statement::Loop { body, continuing, break_if: None });
}

/// The coordinates of a result along the axes that are not reduced.
fn kept_coords(
    code: &mut Code,
    globals: &mut Globals<'_>,
    nest: &Nest,
    layout: &ParamLayout,
    result: Expr,
) -> Vec<Expr> {
    let zero = code.u32(0);
    let mut coords = vec![zero; nest.axes.len()];
    let mut rest = result;
    for (axis, spec) in nest.axes.iter().enumerate().rev() {
        if spec.kind != AxisKind::Reduce {
            let extent = param(code, globals, layout.axis(axis));
            coords[axis] = code.binary(Binary::Modulo, rest, extent);
            rest = code.binary(Binary::Divide, rest, extent);
        }
    }
    coords
}
