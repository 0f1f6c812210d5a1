//! The driver function: runs the steps of a program, with the nests that have no axes in line.
//!
//! Nest functions are called through the constant table, where `exec` puts their addresses, so that the code has no
//! relocations. Slots stand in the frame.

use crate::facts::Level;
use crate::func::{Func, trusted};
use crate::lane::{Lane, NestCode, OnFault};
use crate::nest::counts;
use crate::plan::{Kind, Plan};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, Signature, types};
use hotloop_ir::{ArrayId, FoldDest, NestId, SlotId, Step, Type};
use hotloop_target::Status;
use hotloop_target::frame::{HOST_ALLOC, HOST_DATA, HOST_FREE, HOST_MATMUL, HOST_PAR_FOR, HOST_PARTIALS, HOST_WORD};

/// Emits the steps and the return.
pub(crate) fn emit(f: &mut Func<'_>, plans: &[Plan], quick: bool) {
    let mut driver = Driver { f, plans, quick, open: Vec::new() };
    let program = driver.f.program;
    if driver.steps(&program.steps) {
        driver.f.ret(Status::Ok);
    }
}

struct Driver<'d, 'f> {
    f: &'d mut Func<'f>,
    plans: &'d [Plan],
    /// Whether the host is asked to share the tiles of a nest even if there is only one, which takes less code.
    quick: bool,
    /// The enclosing loops and blocks: where a break goes, and a continue.
    open: Vec<(clif::Block, Option<clif::Block>)>,
}

impl Driver<'_, '_> {
    /// Emits steps; false if control never goes past them.
    fn steps(&mut self, steps: &[Step]) -> bool {
        steps.iter().all(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Nest(nest) => self.nest(*nest),
            Step::Alloc(array, extents) => self.alloc(*array, extents),
            Step::Free(array) => self.host_with(HOST_FREE, array.0),
            Step::MatMul(product) => self.host_with(HOST_MATMUL, product.0),
            Step::If { cond, then, otherwise } => return self.branch(*cond, then, otherwise),
            Step::For { index, start, stop, step, body } => self.counted(*index, [*start, *stop, *step], body),
            Step::Loop(body) => {
                let header = self.f.enter_loop();
                let after = self.f.b.create_block();
                self.f.poll_cancel();
                self.open.push((after, Some(header)));
                if self.steps(body) {
                    self.f.b.ins().jump(header, &[]);
                }
                self.open.pop();
                self.f.b.seal_block(header);
                self.f.enter_sealed(after);
            }
            Step::Block(body) => {
                let after = self.f.b.create_block();
                self.open.push((after, None));
                if self.steps(body) {
                    self.f.b.ins().jump(after, &[]);
                }
                self.open.pop();
                self.f.enter_sealed(after);
            }
            Step::Break(depth) => {
                let (after, _) = self.open[self.open.len() - 1 - *depth as usize];
                self.f.b.ins().jump(after, &[]);
                return false;
            }
            Step::Continue(depth) => {
                let (after, again) = self.open[self.open.len() - 1 - *depth as usize];
                self.f.b.ins().jump(again.unwrap_or(after), &[]);
                return false;
            }
        }
        true
    }

    fn branch(&mut self, cond: SlotId, then: &[Step], otherwise: &[Step]) -> bool {
        let cond = self.f.word_as(types::I8, self.f.layout.slot(cond));
        let blocks = [self.f.b.create_block(), self.f.b.create_block()];
        let after = self.f.b.create_block();
        self.f.b.ins().brif(cond, blocks[0], &[], blocks[1], &[]);
        let mut falls_through = false;
        for (block, steps) in blocks.into_iter().zip([then, otherwise]) {
            self.f.enter_sealed(block);
            if self.steps(steps) {
                self.f.b.ins().jump(after, &[]);
                falls_through = true;
            }
        }
        if falls_through {
            self.f.enter_sealed(after);
        }
        falls_through
    }

    fn slot(&mut self, slot: SlotId) -> clif::Value {
        self.f.word(self.f.layout.slot(slot))
    }

    /// As `For` in lanes: the distance to the bound is compared, so that nothing overflows and nothing is divided.
    fn counted(&mut self, index: SlotId, [start, stop, step]: [SlotId; 3], body: &[Step]) {
        let (start, stop, step) = (self.slot(start), self.slot(stop), self.slot(step));
        let zero = self.f.int(0);
        let up = self.f.is(IntCC::SignedGreaterThan, step, zero);
        let below = self.f.is(IntCC::SignedLessThan, start, stop);
        let above = self.f.is(IntCC::SignedGreaterThan, start, stop);
        let some = self.f.b.ins().select(up, below, above);
        let counter = self.f.variable(start);
        let (header, latch, after) = (self.f.b.create_block(), self.f.b.create_block(), self.f.b.create_block());
        self.f.b.ins().brif(some, header, &[], after, &[]);
        self.f.b.switch_to_block(header);
        self.f.poll_cancel();
        let at = self.f.b.use_var(counter);
        let word = self.f.layout.slot(index);
        self.f.set_word(word, at);
        self.open.push((after, Some(latch)));
        if self.steps(body) {
            self.f.b.ins().jump(latch, &[]);
        }
        self.open.pop();
        self.f.enter_sealed(latch);
        let at = self.f.b.use_var(counter);
        let ahead = self.f.b.ins().isub(stop, at);
        let behind = self.f.b.ins().isub(at, stop);
        let distance = self.f.b.ins().select(up, ahead, behind);
        let size = self.f.b.ins().iabs(step);
        let more = self.f.is(IntCC::UnsignedGreaterThan, distance, size);
        let next = self.f.b.ins().iadd(at, step);
        self.f.b.def_var(counter, next);
        self.f.b.ins().brif(more, header, &[], after, &[]);
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
    }

    /// Calls something, with the frame's host table for callbacks, and passes on what is not `Ok`.
    fn call(&mut self, callee: clif::Value, args: &[clif::Value]) {
        let mut signature = Signature::new(self.f.call_conv);
        for &arg in args {
            signature.params.push(AbiParam::new(self.f.b.func.dfg.value_type(arg)));
        }
        signature.returns.push(AbiParam::new(types::I32));
        let signature = self.f.b.import_signature(signature);
        let call = self.f.b.ins().call_indirect(signature, callee, args);
        let status = self.f.b.inst_results(call)[0];
        self.f.pass_on(status);
    }

    fn host(&mut self, callback: i32, args: &[clif::Value]) {
        let host = self.f.word(HOST_WORD);
        let callee = self.f.b.ins().load(types::I64, trusted(), host, callback);
        let data = self.f.b.ins().load(types::I64, trusted(), host, HOST_DATA);
        let args: Vec<clif::Value> = [data, self.f.frame].iter().chain(args).copied().collect();
        self.call(callee, &args);
    }

    fn alloc(&mut self, array: ArrayId, extents: &[SlotId]) {
        for (axis, &extent) in extents.iter().enumerate() {
            let extent = self.slot(extent);
            self.f.set_word(self.f.layout.extent(array, axis), extent);
        }
        self.host_with(HOST_ALLOC, array.0);
    }

    fn host_with(&mut self, callback: i32, number: u32) {
        let number = self.f.b.ins().iconst(types::I32, i64::from(number));
        self.host(callback, &[number]);
    }

    fn nest(&mut self, id: NestId) {
        let plan = &self.plans[id.index()];
        if plan.kind == Kind::Inline {
            return self.inline(id);
        }
        let nest = self.f.program.nest(id);
        let extents: Vec<clif::Value> = nest.axes.iter().map(|axis| self.f.extent(axis.extent)).collect();
        let counts = counts(self.f, plan, &extents);
        let number = self.f.b.ins().iconst(types::I32, i64::from(id.0));
        let several = self.f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, counts.blocks, 1);
        let folds = !nest.folds.is_empty();
        if folds {
            let cells = crate::tree::cells_per_tile(plan) * nest.folds.len() as i64 * 8;
            let bytes = self.f.b.ins().imul_imm_s(counts.tiles, cells);
            self.when(several, |driver| driver.host(HOST_PARTIALS, &[number, bytes]));
        }
        let run = self.f.b.ins().load(types::I64, trusted(), self.f.consts, id.0 as i32 * 8);
        let zero = self.f.int(0);
        let (frame, fault) = (self.f.frame, self.f.fault);
        let share = [fault, run, number, counts.tiles];
        let whole = [frame, fault, zero, counts.tiles];
        match plan.threads {
            true if self.quick => self.host(HOST_PAR_FOR, &share),
            true => self.share_or_run(share, whole),
            false => self.call(run, &whole),
        }
        if folds {
            // A negative tile asks the function to combine the blocks' results.
            let combine = self.f.int(-1);
            self.when(several, |driver| driver.call(run, &[frame, fault, combine, zero]));
        }
    }

    /// Asks the host to share the tiles; runs a single one here.
    fn share_or_run(&mut self, share: [clif::Value; 4], whole: [clif::Value; 4]) {
        let [_, run, _, tiles] = share;
        let many = self.f.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, tiles, 1);
        let (split, here, after) = (self.f.b.create_block(), self.f.b.create_block(), self.f.b.create_block());
        self.f.b.ins().brif(many, split, &[], here, &[]);
        self.f.enter_sealed(split);
        self.host(HOST_PAR_FOR, &share);
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(here);
        self.call(run, &whole);
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(after);
    }

    fn when(&mut self, cond: clif::Value, then: impl FnOnce(&mut Self)) {
        let body = self.f.b.create_block();
        let after = self.f.b.create_block();
        self.f.b.ins().brif(cond, body, &[], after, &[]);
        self.f.enter_sealed(body);
        then(self);
        self.f.b.ins().jump(after, &[]);
        self.f.enter_sealed(after);
    }

    /// A nest with a single point. Its slots may change while it runs, so nothing is computed ahead.
    fn inline(&mut self, id: NestId) {
        let nest = self.f.program.nest(id);
        let mut code = NestCode::open(self.f, nest, &self.plans[id.index()]);
        code.facts.level.fill(Level::Point);
        code.enter_row(self.f, Vec::new(), 1);
        let folds = Lane::new(self.f, &code, 1, None, OnFault::Return).emit();
        for (fold, value) in nest.folds.iter().zip(folds) {
            let Some(crate::forms::Val::Uniform(value)) = value else {
                continue;
            };
            self.single(&code, fold.ty, fold.dest, value);
        }
    }

    /// The result of a fold over one element: that element.
    fn single(&mut self, code: &NestCode<'_>, ty: Type, dest: FoldDest, value: clif::Value) {
        crate::tree::write_result(self.f, code, ty, dest, None, value);
    }
}
