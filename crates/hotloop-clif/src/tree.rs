//! What the shapes with folds share: accumulators, the tree inside a block, the tree over blocks, and the result.
//!
//! A bool accumulator is an integer of all ones or all zeros, so that it has a vector form like the others. Partial
//! results that got nothing are skipped: combining with them would change no bit.

use crate::forms::{Form, Regs, VECTOR, Val, scalar_type, signed_type, vector_type};
use crate::func::{Func, trusted, unaligned};
use crate::lane::NestCode;
use crate::nest::{Counts, Odometer};
use crate::plan::{Kind, Plan};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, StackSlotData, StackSlotKind, types};
use hotloop_ir::semantics::{empty, fold_partials, neutral};
use hotloop_ir::{Fold, FoldDest, FoldOp, NestId, Op, Type};

/// A fold being compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldCode {
    pub(crate) fold: Fold,
    /// The type accumulators have.
    pub(crate) ty: Type,
    op: Op,
    neutral: u64,
    /// Address of the partial results of a block.
    pub(crate) buffer: clif::Value,
    /// How many there are.
    pub(crate) period: usize,
    /// Elements of each: 1, or a strip of columns.
    pub(crate) width: usize,
}

/// Cells of 8 bytes that a tile needs per fold.
pub(crate) fn cells_per_tile(plan: &Plan) -> i64 {
    if plan.kind == Kind::Columns { plan.strip } else { 1 }
}

impl FoldCode {
    /// A fold with a buffer for `period` partial results of `width` elements each.
    pub(crate) fn new(f: &mut Func<'_>, fold: Fold, class: usize, period: usize, width: usize) -> FoldCode {
        let is_bool = fold.ty == Type::Bool;
        let ty = if is_bool { signed_type(class) } else { fold.ty };
        let start = neutral(fold.op, fold.ty);
        let neutral = if is_bool && start.is_true() { ty.mask() } else { start.bits };
        let op = match fold.op {
            FoldOp::All => Op::And,
            FoldOp::Any => Op::Or,
            FoldOp::Sum | FoldOp::Prod | FoldOp::Min | FoldOp::Max => fold.op.op(),
        };
        // A whole register is read even where the last accumulators fill only part of one.
        let bytes = (period * width * ty.bytes() + VECTOR) as u32;
        let slot = f.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 6));
        let buffer = f.b.ins().stack_addr(types::I64, slot, 0);
        FoldCode { fold, ty, op, neutral, buffer, period, width }
    }

    /// The accumulator that changes nothing.
    pub(crate) fn start(&self, f: &mut Func<'_>, vector: bool) -> clif::Value {
        f.constant(Form { ty: self.ty, vector }, self.neutral)
    }

    /// Two accumulators as one.
    pub(crate) fn combine(&self, f: &mut Func<'_>, vector: bool, a: clif::Value, b: clif::Value) -> clif::Value {
        f.op(self.op, Form { ty: self.ty, vector }, [a, b, b])
    }

    /// What a lane gave, as a scalar accumulator.
    pub(crate) fn scalar(&self, f: &mut Func<'_>, given: Option<Val>) -> clif::Value {
        match given {
            Some(Val::Uniform(value)) if self.fold.ty == Type::Bool => {
                let wide = if self.ty.bytes() == 1 { value } else { f.b.ins().uextend(scalar_type(self.ty), value) };
                f.b.ins().ineg(wide)
            }
            Some(Val::Uniform(value)) => value,
            Some(Val::Varying(_) | Val::Mask(_)) | None => self.start(f, false),
        }
    }

    /// What a group of lanes gave, as a bundle of accumulators.
    pub(crate) fn bundle(&self, f: &mut Func<'_>, given: Option<Val>, lanes: usize) -> Regs {
        let class = self.ty.bytes();
        match given {
            Some(Val::Varying(regs)) => regs,
            Some(Val::Mask(mask)) => f.mask_to(mask, class, lanes).regs,
            Some(Val::Uniform(value)) if self.fold.ty == Type::Bool => f.mask_of(value, class, lanes).regs,
            Some(Val::Uniform(value)) => f.spread(self.ty, value, lanes),
            None => {
                let start = self.start(f, true);
                Regs::same(crate::forms::regs_for(lanes, class), start)
            }
        }
    }

    /// An accumulator as the fold's type.
    pub(crate) fn result(&self, f: &mut Func<'_>, acc: clif::Value) -> clif::Value {
        if self.fold.ty == Type::Bool { f.b.ins().icmp_imm_u(IntCC::NotEqual, acc, 0) } else { acc }
    }

    /// The address of a partial result.
    pub(crate) fn partial(&self, f: &mut Func<'_>, index: clif::Value) -> clif::Value {
        let offset = f.b.ins().ishl_imm_u(index, i64::from(self.ty.bytes().trailing_zeros()));
        f.b.ins().iadd(self.buffer, offset)
    }

    /// The accumulator of a block of `len` elements, at least 1, whose partial results are in the buffer.
    pub(crate) fn block_result(&self, f: &mut Func<'_>, len: clif::Value) -> clif::Value {
        let full = f.b.create_block();
        let short = f.b.create_block();
        let done = f.b.create_block();
        let acc = f.b.append_block_param(done, scalar_type(self.ty));
        let all = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, len, self.period as i64);
        f.b.ins().brif(all, full, &[], short, &[]);
        f.enter_sealed(full);
        let result = self.full_tree(f);
        f.b.ins().jump(done, &[BlockArg::Value(result)]);
        f.enter_sealed(short);
        self.halve_in_memory(f, len);
        let result = f.b.ins().load(scalar_type(self.ty), trusted(), self.buffer, 0);
        f.b.ins().jump(done, &[BlockArg::Value(result)]);
        f.enter_sealed(done);
        acc
    }

    /// The tree over all partial results in the buffer.
    pub(crate) fn full_tree(&self, f: &mut Func<'_>) -> clif::Value {
        let bytes = self.period * self.ty.bytes();
        if bytes >= VECTOR {
            let regs = self.halved_registers(f, bytes / VECTOR);
            return self.tree_of(f, regs);
        }
        let size = self.ty.bytes() as i32;
        let ty = scalar_type(self.ty);
        let accs = (0..self.period as i32).map(|i| f.b.ins().load(ty, trusted(), self.buffer, i * size)).collect();
        self.halved(f, false, accs)
    }

    /// The tree over registers, then over the lanes of the last one.
    pub(crate) fn tree_of(&self, f: &mut Func<'_>, regs: Vec<clif::Value>) -> clif::Value {
        let last = self.halved(f, true, regs);
        let lanes = VECTOR / self.ty.bytes();
        let accs = (0..lanes).map(|lane| f.b.ins().extractlane(last, lane as u8)).collect();
        self.halved(f, false, accs)
    }

    /// Combines each of the first half with its counterpart in the second until one is left.
    fn halved(&self, f: &mut Func<'_>, vector: bool, mut accs: Vec<clif::Value>) -> clif::Value {
        while accs.len() > 1 {
            let half = accs.len() / 2;
            accs = (0..half).map(|i| self.combine(f, vector, accs[i], accs[i + half])).collect();
        }
        accs[0]
    }

    /// The registers of the buffer after the first halving, so that not all are live at once.
    fn halved_registers(&self, f: &mut Func<'_>, regs: usize) -> Vec<clif::Value> {
        let ty = vector_type(self.ty);
        let load = |f: &mut Func<'_>, i: usize| f.b.ins().load(ty, trusted(), self.buffer, (i * VECTOR) as i32);
        if regs == 1 {
            return vec![load(f, 0)];
        }
        (0..regs / 2)
            .map(|i| {
                let (low, high) = (load(f, i), load(f, i + regs / 2));
                self.combine(f, true, low, high)
            })
            .collect()
    }

    /// Halves `count` partial results (fewer than the period) in the buffer, skipping those that got nothing.
    fn halve_in_memory(&self, f: &mut Func<'_>, count: clif::Value) {
        let size = self.ty.bytes() as i64;
        halvings(f, self.period, count, |f, width, pairs| {
            let zero = f.int(0);
            f.count(zero, pairs, 1, |f, i| {
                let low = self.partial(f, i);
                let distance = f.b.ins().imul_imm_s(width, size);
                let high = f.b.ins().iadd(low, distance);
                let ty = scalar_type(self.ty);
                let a = f.b.ins().load(ty, trusted(), low, 0);
                let b = f.b.ins().load(ty, trusted(), high, 0);
                let both = self.combine(f, false, a, b);
                f.b.ins().store(trusted(), both, low, 0);
            });
        });
    }

    /// The result for no elements.
    pub(crate) fn empty(&self, f: &mut Func<'_>) -> clif::Value {
        f.constant(Form::scalar(self.fold.ty), empty(self.fold.op, self.fold.ty).bits)
    }

    /// The accumulator that stands for no elements.
    pub(crate) fn empty_accumulator(&self, f: &mut Func<'_>) -> clif::Value {
        let value = empty(self.fold.op, self.fold.ty);
        let bits = if self.fold.ty == Type::Bool && value.is_true() { self.ty.mask() } else { value.bits };
        f.constant(Form::scalar(self.ty), bits)
    }

    /// Combines the results in two cells, in the first.
    fn combine_cells(&self, f: &mut Func<'_>, to: clif::Value, from: clif::Value) {
        let ty = scalar_type(self.fold.ty);
        let a = f.b.ins().load(ty, trusted(), to, 0);
        let b = f.b.ins().load(ty, trusted(), from, 0);
        // Bools are 0 and 1 in cells, where the ops on them are those on their integers.
        let both = f.op(self.op, Form::scalar(self.fold.ty), [a, b, b]);
        f.b.ins().store(trusted(), both, to, 0);
    }
}

/// The steps of a tree over `count` rows: each combines rows `i` and `i + width` for `i` below the number of pairs.
pub(crate) fn halvings(
    f: &mut Func<'_>,
    period: usize,
    count: clif::Value,
    step: impl FnOnce(&mut Func<'_>, clif::Value, clif::Value),
) {
    if period < 2 {
        return;
    }
    let header = f.b.create_block();
    let after = f.b.create_block();
    let width = f.b.append_block_param(header, types::I64);
    let rows = f.b.append_block_param(header, types::I64);
    let first = f.int(period as i64 / 2);
    f.b.ins().jump(header, &[BlockArg::Value(first), BlockArg::Value(count)]);
    f.b.switch_to_block(header);
    let above = f.b.ins().isub(rows, width);
    let pairs = f.min_signed(above, width);
    step(f, width, pairs);
    let rest = f.min_signed(rows, width);
    let half = f.b.ins().ushr_imm_u(width, 1);
    f.b.ins().brif(half, header, &[BlockArg::Value(half), BlockArg::Value(rest)], after, &[]);
    f.b.seal_block(header);
    f.enter_sealed(after);
}

/// The folds of a nest, each with its buffer.
pub(crate) fn folds(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    width: usize,
    period: impl Fn(&Fold) -> usize,
) -> Vec<FoldCode> {
    let folds = &code.nest.folds;
    folds.iter().map(|fold| FoldCode::new(f, *fold, code.mask_class, period(fold), width)).collect()
}

/// The number of partial results the tree prescribes.
pub(crate) fn prescribed(fold: &Fold) -> usize {
    fold_partials(fold.ty)
}

/// Writes a result where the fold says. `point` is the coordinate along the inner axis, if results differ along it.
pub(crate) fn write_result(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    ty: Type,
    dest: FoldDest,
    point: Option<clif::Value>,
    value: clif::Value,
) {
    match dest {
        FoldDest::Slot(slot) => {
            let word = f.as_word(ty, value);
            let place = f.layout.slot(slot);
            f.set_word(place, word);
        }
        FoldDest::View(view) => {
            let view_code = &code.views[view.index()];
            let address = f.address(view_code, code.rows[view.index()], point);
            f.b.ins().store(unaligned(), value, address, view_code.disp);
        }
    }
}

/// Where the results of blocks are kept until they are combined.
#[derive(Clone, Copy)]
pub(crate) struct Cells {
    base: clif::Value,
    tiles: clif::Value,
    width: i64,
}

impl Cells {
    /// The cells of a nest.
    pub(crate) fn new(f: &mut Func<'_>, id: NestId, plan: &Plan, counts: &Counts) -> Cells {
        let base = f.word(f.layout.partials(id));
        Cells { base, tiles: counts.tiles, width: cells_per_tile(plan) }
    }

    /// The address of a tile's first cell for a fold.
    pub(crate) fn of(&self, f: &mut Func<'_>, fold: usize, tile: clif::Value) -> clif::Value {
        let before = f.b.ins().imul_imm_s(self.tiles, fold as i64);
        let index = f.b.ins().iadd(before, tile);
        let offset = f.b.ins().imul_imm_s(index, self.width * 8);
        f.b.ins().iadd(self.base, offset)
    }
}

/// Where the results of a tile go.
pub(crate) struct Results<'r> {
    pub(crate) cells: &'r Cells,
    pub(crate) counts: &'r Counts,
    pub(crate) tile: clif::Value,
}

impl Results<'_> {
    /// Writes the result of a block: to its place if it is the only one, to its cell if not.
    pub(crate) fn write(
        &self,
        f: &mut Func<'_>,
        code: &NestCode<'_>,
        index: usize,
        fold: &FoldCode,
        value: clif::Value,
    ) {
        let several = f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, self.counts.blocks, 1);
        let (part, whole, after) = (f.b.create_block(), f.b.create_block(), f.b.create_block());
        f.b.ins().brif(several, part, &[], whole, &[]);
        f.enter_sealed(part);
        let cell = self.cells.of(f, index, self.tile);
        f.b.ins().store(trusted(), value, cell, 0);
        f.b.ins().jump(after, &[]);
        f.enter_sealed(whole);
        write_result(f, code, fold.fold.ty, fold.fold.dest, None, value);
        f.b.ins().jump(after, &[]);
        f.enter_sealed(after);
    }
}

/// The second use of a nest function: combines the results of the blocks of each group and writes them out.
pub(crate) fn combine_blocks(
    f: &mut Func<'_>,
    code: &mut NestCode<'_>,
    plan: &Plan,
    folds: &[FoldCode],
    cells: &Cells,
    counts: &Counts,
) {
    let zero = f.int(0);
    let columns = plan.kind == Kind::Columns;
    let kept = if columns { &plan.kept[..plan.kept.len() - 1] } else { &plan.kept[..] };
    let rows = Odometer::new(f, kept);
    let extents = code.extents.clone();
    let (groups, blocks, strips) = (counts.groups, counts.blocks, counts.strips);
    f.count(zero, groups, 1, |f, group| {
        let (row, strip) = if columns {
            let strip = f.b.ins().urem(group, strips);
            (f.b.ins().udiv(group, strips), strip)
        } else {
            (group, zero)
        };
        rows.set(f, row, &extents);
        let mut coords = code.coords.clone();
        rows.read(f, &mut coords);
        code.rows = f.row_bases(&code.views, &coords);
        let first = f.b.ins().imul(group, blocks);
        for (index, fold) in folds.iter().enumerate() {
            let start = cells.of(f, index, first);
            combine_group(f, fold, start, blocks, cells.width);
            write_group(f, code, plan, fold, start, strip);
        }
    });
}

/// The tree over the blocks of one group, each of `width` cells.
fn combine_group(f: &mut Func<'_>, fold: &FoldCode, start: clif::Value, blocks: clif::Value, width: i64) {
    let header = f.b.create_block();
    let after = f.b.create_block();
    let stride = f.b.append_block_param(header, types::I64);
    let one = f.int(1);
    f.b.ins().jump(header, &[BlockArg::Value(one)]);
    f.b.switch_to_block(header);
    let zero = f.int(0);
    // Block i takes block i + stride for every i that is a multiple of twice the stride.
    let last = f.b.ins().isub(blocks, stride);
    let double = f.b.ins().ishl_imm_u(stride, 1);
    let raised = f.b.ins().iadd(last, double);
    let raised = f.b.ins().iadd_imm_s(raised, -1);
    let pairs = f.b.ins().udiv(raised, double);
    f.count(zero, pairs, 1, |f, pair| {
        let block = f.b.ins().imul(pair, double);
        let bytes = f.b.ins().imul_imm_s(block, width * 8);
        let to = f.b.ins().iadd(start, bytes);
        let distance = f.b.ins().imul_imm_s(stride, width * 8);
        let from = f.b.ins().iadd(to, distance);
        if width == 1 {
            return fold.combine_cells(f, to, from);
        }
        let cells = f.int(width);
        f.count(zero, cells, 1, |f, i| {
            let offset = f.b.ins().ishl_imm_u(i, 3);
            let (to, from) = (f.b.ins().iadd(to, offset), f.b.ins().iadd(from, offset));
            fold.combine_cells(f, to, from);
        });
    });
    let more = f.is(IntCC::SignedLessThan, double, blocks);
    f.b.ins().brif(more, header, &[BlockArg::Value(double)], after, &[]);
    f.b.seal_block(header);
    f.enter_sealed(after);
}

fn write_group(
    f: &mut Func<'_>,
    code: &NestCode<'_>,
    plan: &Plan,
    fold: &FoldCode,
    start: clif::Value,
    strip: clif::Value,
) {
    let ty = scalar_type(fold.fold.ty);
    let (Kind::Columns, Some(inner)) = (plan.kind, plan.inner) else {
        let value = f.b.ins().load(ty, trusted(), start, 0);
        return write_result(f, code, fold.fold.ty, fold.fold.dest, None, value);
    };
    let first = f.b.ins().imul_imm_s(strip, plan.strip);
    let end = f.b.ins().iadd_imm_s(first, plan.strip);
    let end = f.min_signed(end, code.extents[inner]);
    f.count(first, end, 1, |f, column| {
        let at = f.b.ins().isub(column, first);
        let offset = f.b.ins().ishl_imm_u(at, 3);
        let cell = f.b.ins().iadd(start, offset);
        let value = f.b.ins().load(ty, trusted(), cell, 0);
        write_result(f, code, fold.fold.ty, fold.fold.dest, Some(column), value);
    });
}

/// Splits the function: a negative first tile means that the blocks are to be combined.
pub(crate) fn split_off_combining(f: &mut Func<'_>, lo: clif::Value, combine: impl FnOnce(&mut Func<'_>)) {
    let combining = f.b.create_block();
    let tiles = f.b.create_block();
    let negative = f.b.ins().icmp_imm_s(IntCC::SignedLessThan, lo, 0);
    f.b.ins().brif(negative, combining, &[], tiles, &[]);
    f.enter_sealed(combining);
    combine(f);
    f.ret(hotloop_target::Status::Ok);
    f.enter_sealed(tiles);
}
