//! One function under construction: the builder, and what every function needs of the frame.
//!
//! Functions get the frame and the fault record; the constant table and the cancel flag are read from the frame once,
//! at the top. Nothing here knows of lanes.

use crate::constants::Constants;
use crate::forms::{Form, Regs, VECTOR, int_vector, vector_type};
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{self as clif, BlockArg, InstBuilder, InstructionData, MemFlagsData, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, Variable};
use hotloop_ir::{Extent, Program, Type};
use hotloop_target::FrameLayout;
use hotloop_target::Literals;
use hotloop_target::Status;
use hotloop_target::frame::{CANCEL_WORD, CONSTANTS_WORD};
use rustc_hash::FxHashMap;

/// A function under construction.
pub(crate) struct Func<'a> {
    pub(crate) b: FunctionBuilder<'a>,
    pub(crate) program: &'a Program,
    pub(crate) layout: &'a FrameLayout,
    pub(crate) table: &'a mut Constants,
    pub(crate) call_conv: CallConv,
    pub(crate) frame: clif::Value,
    pub(crate) fault: clif::Value,
    /// Address of the constant table.
    pub(crate) consts: clif::Value,
    /// Address of the cancel flag.
    pub(crate) cancel: clif::Value,
    /// Vectors of floats that are the negatives of others, and of which.
    pub(crate) negatives: FxHashMap<clif::Value, clif::Value>,
    /// Blocks whose instructions are to be ordered anew.
    by_need: Vec<clif::Block>,
    /// The one block that returns, once something has.
    exit: Option<clif::Block>,
}

/// Memory the contract vouches for.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Memory that exists, at any alignment.
pub(crate) fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl<'a> Func<'a> {
    /// Opens the entry block of a function whose first two parameters are the frame and the fault record.
    pub(crate) fn open(
        mut b: FunctionBuilder<'a>,
        program: &'a Program,
        layout: &'a FrameLayout,
        table: &'a mut Constants,
    ) -> (Func<'a>, Vec<clif::Value>) {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let params = b.block_params(entry).to_vec();
        let call_conv = b.func.signature.call_conv;
        let (frame, fault) = (params[0], params[1]);
        let mut func = Func {
            b,
            program,
            layout,
            table,
            call_conv,
            frame,
            fault,
            consts: frame,
            cancel: frame,
            negatives: FxHashMap::default(),
            by_need: Vec::new(),
            exit: None,
        };
        func.consts = func.word(CONSTANTS_WORD);
        func.cancel = func.word(CANCEL_WORD);
        (func, params)
    }

    /// A 64-bit constant.
    pub(crate) fn int(&mut self, value: i64) -> clif::Value {
        self.b.ins().iconst(types::I64, value)
    }

    /// A word of the frame.
    pub(crate) fn word(&mut self, word: usize) -> clif::Value {
        self.word_as(types::I64, word)
    }

    /// The low part of a word of the frame.
    pub(crate) fn word_as(&mut self, ty: clif::Type, word: usize) -> clif::Value {
        self.b.ins().load(ty, trusted(), self.frame, word as i32 * 8)
    }

    /// Writes a word of the frame.
    pub(crate) fn set_word(&mut self, word: usize, value: clif::Value) {
        self.b.ins().store(trusted(), value, self.frame, word as i32 * 8);
    }

    /// A whole number of the array level.
    pub(crate) fn extent(&mut self, extent: Extent) -> clif::Value {
        match extent {
            Extent::Const(value) => self.int(value),
            Extent::Slot(slot) => self.word(self.layout.slot(slot)),
        }
    }

    /// A scalar as a whole frame word: zero-extended bits.
    pub(crate) fn as_word(&mut self, ty: Type, value: clif::Value) -> clif::Value {
        match ty {
            Type::F32 => {
                let bits = self.b.ins().bitcast(types::I32, MemFlagsData::new(), value);
                self.b.ins().uextend(types::I64, bits)
            }
            Type::F64 => self.b.ins().bitcast(types::I64, MemFlagsData::new(), value),
            Type::I64 | Type::U64 | Type::C64 | Type::C128 => value,
            Type::Bool | Type::I8 | Type::U8 | Type::I16 | Type::U16 | Type::I32 | Type::U32 => {
                self.b.ins().uextend(types::I64, value)
            }
            Type::F16 | Type::BF16 => self.b.ins().uextend(types::I64, value),
        }
    }

    /// A constant of an element type: an immediate, or a read of the table made anew for each use, so that it becomes
    /// a memory operand. What stands for a literal that is set apart is read, of whatever type.
    pub(crate) fn constant(&mut self, form: Form, bits: u64) -> clif::Value {
        if !form.vector && !form.ty.is_float() && !Literals::stands_for_one(form.ty, bits) {
            let unused = 64 - form.ty.bits();
            return self.b.ins().iconst(form.clif(), ((bits << unused) as i64) >> unused);
        }
        if form.vector && bits == 0 {
            return self.zero(form.clif());
        }
        let offset = self.table.splat(form.ty, bits);
        self.table_entry(form.clif(), offset)
    }

    /// A vector constant with an entry of its own.
    pub(crate) fn vector_entry(&mut self, ty: clif::Type, entry: [u8; VECTOR]) -> clif::Value {
        let offset = self.table.entry(entry);
        self.table_entry(ty, offset)
    }

    fn table_entry(&mut self, ty: clif::Type, offset: i32) -> clif::Value {
        self.b.ins().load(ty, trusted().with_readonly().with_can_move(), self.consts, offset)
    }

    /// A vector of zero bits.
    pub(crate) fn zero(&mut self, ty: clif::Type) -> clif::Value {
        let zeros = self.b.func.dfg.constants.insert(clif::ConstantData::from([0; VECTOR].as_slice()));
        self.b.ins().vconst(ty, zeros)
    }

    /// The same bits as another vector or scalar type of the same size.
    pub(crate) fn cast(&mut self, ty: clif::Type, value: clif::Value) -> clif::Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(clif::Endianness::Little);
        self.b.ins().bitcast(ty, flags, value)
    }

    /// A vector with one value in all lanes.
    pub(crate) fn splat(&mut self, ty: Type, value: clif::Value) -> clif::Value {
        self.b.ins().splat(vector_type(ty), value)
    }

    /// Truth as a vector of integers that are all ones or all zeros.
    pub(crate) fn splat_bool(&mut self, class: usize, value: clif::Value) -> clif::Value {
        let ty = int_vector(class);
        let lane = if class == 1 { value } else { self.b.ins().uextend(ty.lane_type(), value) };
        let lane = self.b.ins().ineg(lane);
        self.b.ins().splat(ty, lane)
    }

    /// The element of one lane of a bundle.
    pub(crate) fn lane_of(&mut self, regs: &Regs, bytes: usize, lane: usize) -> clif::Value {
        let per_reg = VECTOR / bytes;
        self.b.ins().extractlane(regs[lane / per_reg], (lane % per_reg) as u8)
    }

    /// `a + b * c` on addresses; `c` may be left out for 1.
    pub(crate) fn add_scaled(&mut self, a: clif::Value, b: clif::Value, c: clif::Value) -> clif::Value {
        let product = self.b.ins().imul(b, c);
        self.b.ins().iadd(a, product)
    }

    /// Returns from the function.
    pub(crate) fn ret(&mut self, status: Status) {
        let raw = self.b.ins().iconst(types::I32, status as i64);
        let exit = self.exit();
        self.b.ins().jump(exit, &[BlockArg::Value(raw)]);
    }

    /// Returns `Cancelled` if the flag is set.
    pub(crate) fn poll_cancel(&mut self) {
        let flag = self.b.ins().load(types::I8, trusted(), self.cancel, 0);
        self.when_returning(flag, Status::Cancelled);
    }

    /// Returns the status a call gave, if it is not `Ok`.
    pub(crate) fn pass_on(&mut self, status: clif::Value) {
        let (exit, go_on) = (self.exit(), self.b.create_block());
        self.b.ins().brif(status, exit, &[BlockArg::Value(status)], go_on, &[]);
        self.enter_sealed(go_on);
    }

    /// Returns a status if the condition holds.
    pub(crate) fn when_returning(&mut self, cond: clif::Value, status: Status) {
        let stop = self.cold_block();
        let go_on = self.b.create_block();
        self.b.ins().brif(cond, stop, &[], go_on, &[]);
        self.enter_sealed(stop);
        self.ret(status);
        self.enter_sealed(go_on);
    }

    /// The block that all returns jump to, with the status: what ends a function is then compiled once.
    fn exit(&mut self) -> clif::Block {
        *self.exit.get_or_insert_with(|| {
            let exit = self.b.create_block();
            self.b.append_block_param(exit, types::I32);
            exit
        })
    }

    /// Ends the function; gives the blocks to be ordered by need.
    pub(crate) fn finish(mut self, config: TargetFrontendConfig) -> Vec<clif::Block> {
        if let Some(exit) = self.exit {
            self.b.switch_to_block(exit);
            let status = self.b.block_params(exit)[0];
            self.b.ins().return_(&[status]);
        }
        self.b.seal_all_blocks();
        self.b.finalize(config);
        self.by_need
    }

    /// Asks for the instructions of this block, the end of a short loop, to be put in the order of need.
    pub(crate) fn order_by_need(&mut self) {
        self.by_need.extend(self.b.current_block());
    }

    /// A block that is seldom run.
    pub(crate) fn cold_block(&mut self) -> clif::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Goes on in a block all of whose predecessors are known.
    pub(crate) fn enter_sealed(&mut self, block: clif::Block) {
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    /// Jumps to a new block and goes on there; its predecessors are not all known yet.
    pub(crate) fn enter_loop(&mut self) -> clif::Block {
        let header = self.b.create_block();
        self.b.ins().jump(header, &[]);
        self.b.switch_to_block(header);
        header
    }

    /// Runs `then` if the condition holds.
    pub(crate) fn when(&mut self, cond: clif::Value, then: impl FnOnce(&mut Self)) {
        let body = self.b.create_block();
        let after = self.b.create_block();
        self.b.ins().brif(cond, body, &[], after, &[]);
        self.enter_sealed(body);
        then(self);
        self.b.ins().jump(after, &[]);
        self.enter_sealed(after);
    }

    /// A 64-bit variable with a first value.
    pub(crate) fn variable(&mut self, first: clif::Value) -> Variable {
        let ty = self.b.func.dfg.value_type(first);
        let variable = self.b.declare_var(ty);
        self.b.def_var(variable, first);
        variable
    }

    /// Counts from `from` to `to` (exclusive) by `step`, all non-negative; the body gets the count.
    pub(crate) fn count(
        &mut self,
        from: clif::Value,
        to: clif::Value,
        step: i64,
        body: impl FnOnce(&mut Self, clif::Value),
    ) {
        let step = self.int(step);
        self.count_by(from, to, step, body);
    }

    /// As `count`, by a step known at run time.
    pub(crate) fn count_by(
        &mut self,
        from: clif::Value,
        to: clif::Value,
        step: clif::Value,
        body: impl FnOnce(&mut Self, clif::Value),
    ) {
        let header = self.b.create_block();
        let after = self.b.create_block();
        let index = self.b.append_block_param(header, types::I64);
        let some = self.b.ins().icmp(IntCC::SignedLessThan, from, to);
        self.b.ins().brif(some, header, &[BlockArg::Value(from)], after, &[]);
        self.b.switch_to_block(header);
        body(self, index);
        let next = self.b.ins().iadd(index, step);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, next, to);
        self.b.ins().brif(more, header, &[BlockArg::Value(next)], after, &[]);
        self.b.seal_block(header);
        self.enter_sealed(after);
    }

    /// The smaller of two signed numbers.
    pub(crate) fn min_signed(&mut self, a: clif::Value, b: clif::Value) -> clif::Value {
        self.b.ins().smin(a, b)
    }

    /// The opposite of a truth: a comparison the other way round where it is one.
    pub(crate) fn negated(&mut self, cond: clif::Value) -> clif::Value {
        let dfg = &self.b.func.dfg;
        let comparison = dfg.value_def(cond).inst().map(|inst| dfg.insts[inst]);
        match comparison {
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => self.b.ins().icmp(cond.complement(), a, b),
            Some(InstructionData::FloatCompare { cond, args: [a, b], .. }) => {
                self.b.ins().fcmp(cond.complement(), a, b)
            }
            _ => self.b.ins().icmp_imm_u(IntCC::Equal, cond, 0),
        }
    }

    /// Whether two numbers stand in an order.
    pub(crate) fn is(&mut self, order: IntCC, a: clif::Value, b: clif::Value) -> clif::Value {
        self.b.ins().icmp(order, a, b)
    }
}
