//! Plain code over words: what entry points and callbacks are written with.
//!
//! Knows nothing of programs. Blocks are sealed together at the end, so that they may be branched to in any order.

use super::{Maker, bug};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self as clif, Function, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, UserFuncName, types,
};
use cranelift_frontend::FunctionBuilder;
use cranelift_module::{DataId, FuncId, Module};
use hotloop_target::CompileError;

/// A function under construction.
pub(super) struct Emit<'a> {
    pub(super) b: FunctionBuilder<'a>,
    module: &'a mut cranelift_object::ObjectModule,
}

/// Defines a function by what `body` emits; it gets the parameters.
pub(super) fn define(
    maker: &mut Maker,
    id: FuncId,
    signature: Signature,
    body: impl FnOnce(&mut Emit<'_>, &[clif::Value]),
) -> Result<(), CompileError> {
    maker.context.clear();
    maker.context.func = Function::with_name_signature(UserFuncName::user(0, id.as_u32()), signature);
    let b = FunctionBuilder::new(&mut maker.context.func, &mut maker.builder);
    let mut emit = Emit { b, module: &mut maker.module };
    let entry = emit.b.create_block();
    emit.b.append_block_params_for_function_params(entry);
    emit.b.switch_to_block(entry);
    let params = emit.b.block_params(entry).to_vec();
    body(&mut emit, &params);
    emit.b.seal_all_blocks();
    emit.b.finalize(maker.isa.frontend_config());
    maker.module.define_function(id, &mut maker.context).map_err(|error| bug(format!("{error:?}")))
}

impl Emit<'_> {
    pub(super) fn int(&mut self, number: i64) -> clif::Value {
        self.b.ins().iconst(types::I64, number)
    }

    pub(super) fn status(&mut self, status: i32) -> clif::Value {
        self.b.ins().iconst(types::I32, i64::from(status))
    }

    /// The word at an address.
    pub(super) fn word(&mut self, base: clif::Value, word: usize) -> clif::Value {
        self.b.ins().load(types::I64, MemFlagsData::trusted(), base, word as i32 * 8)
    }

    pub(super) fn set_word(&mut self, base: clif::Value, word: usize, value: clif::Value) {
        self.b.ins().store(MemFlagsData::trusted(), value, base, word as i32 * 8);
    }

    pub(super) fn is(&mut self, condition: IntCC, left: clif::Value, right: clif::Value) -> clif::Value {
        self.b.ins().icmp(condition, left, right)
    }

    pub(super) fn is_zero(&mut self, value: clif::Value) -> clif::Value {
        let zero = self.int(0);
        self.is(IntCC::Equal, value, zero)
    }

    pub(super) fn and(&mut self, left: clif::Value, right: clif::Value) -> clif::Value {
        self.b.ins().band(left, right)
    }

    pub(super) fn or(&mut self, left: clif::Value, right: clif::Value) -> clif::Value {
        self.b.ins().bor(left, right)
    }

    pub(super) fn negate(&mut self, bool: clif::Value) -> clif::Value {
        self.b.ins().bxor_imm_s(bool, 1)
    }

    /// Goes on in a new block.
    pub(super) fn enter(&mut self, block: clif::Block) {
        self.b.switch_to_block(block);
    }

    pub(super) fn block(&mut self) -> clif::Block {
        self.b.create_block()
    }

    pub(super) fn jump(&mut self, block: clif::Block) {
        self.b.ins().jump(block, &[]);
    }

    /// Emits `then` for when the condition holds; it may end elsewhere.
    pub(super) fn when(&mut self, condition: clif::Value, then: impl FnOnce(&mut Self)) {
        let (body, after) = (self.block(), self.block());
        self.b.ins().brif(condition, body, &[], after, &[]);
        self.enter(body);
        then(self);
        if !self.is_ended() {
            self.jump(after);
        }
        self.enter(after);
    }

    /// Whether control never goes past what was emitted last.
    fn is_ended(&self) -> bool {
        let last = self.b.current_block().and_then(|block| self.b.func.layout.last_inst(block));
        last.is_some_and(|inst| self.b.func.dfg.insts[inst].opcode().is_terminator())
    }

    /// Words on the stack, all zero, aligned for vectors.
    pub(super) fn zeroed(&mut self, words: usize) -> clif::Value {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, words as u32 * 8, 4);
        let slot = self.b.create_sized_stack_slot(data);
        let base = self.b.ins().stack_addr(types::I64, slot, 0);
        let (turn, after) = (self.block(), self.block());
        let at = self.b.declare_var(types::I64);
        let zero = self.int(0);
        self.b.def_var(at, zero);
        self.jump(turn);
        self.enter(turn);
        let offset = self.b.use_var(at);
        let place = self.b.ins().iadd(base, offset);
        self.set_word(place, 0, zero);
        let next = self.b.ins().iadd_imm_s(offset, 8);
        self.b.def_var(at, next);
        let end = self.int(words as i64 * 8);
        let more = self.is(IntCC::UnsignedLessThan, next, end);
        self.b.ins().brif(more, turn, &[], after, &[]);
        self.enter(after);
        base
    }

    pub(super) fn call(&mut self, function: FuncId, args: &[clif::Value]) -> Option<clif::Value> {
        let function = self.module.declare_func_in_func(function, self.b.func);
        let call = self.b.ins().call(function, args);
        self.b.inst_results(call).first().copied()
    }

    pub(super) fn function_address(&mut self, function: FuncId) -> clif::Value {
        let function = self.module.declare_func_in_func(function, self.b.func);
        self.b.ins().func_addr(types::I64, function)
    }

    pub(super) fn data_address(&mut self, data: DataId) -> clif::Value {
        let data = self.module.declare_data_in_func(data, self.b.func);
        self.b.ins().symbol_value(types::I64, data)
    }

    pub(super) fn ret(&mut self, status: clif::Value) {
        self.b.ins().return_(&[status]);
    }
}
