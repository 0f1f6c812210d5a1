//! The entry point of a program: from C's arguments to a frame, and from a frame to C's results.
//!
//! Parameters come first, then a pointer per result, then one to the error, which may be null. A scalar is passed by
//! value. An array is a pointer to words: address, extents, strides in bytes. Everything is checked before the program
//! runs; there is one way out, which gives back memory and fills the error.

use super::emit::{self, Emit};
use super::{EntryStatus, Export, Maker, Messages, Parts, State, bug};
use crate::forms::{int_type, scalar_type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, types};
use cranelift_module::{Linkage, Module};
use hotloop_ir::{ArrayId, Layout, Param, Program, ResultRef, Role, Type};
use hotloop_target::frame::{CANCEL_WORD, CONSTANTS_WORD, FAULT_ELEMENT, FAULT_SHOWS, FAULT_SITE, HOST_WORD};
use hotloop_target::{CompileError, FaultRecord, FrameLayout, Status};

/// Words of the error the caller may pass: message, point, two numbers.
const ERROR_MESSAGE: usize = 0;
const ERROR_POINT: usize = 1;
const ERROR_SHOWS: usize = 2;

pub(super) fn define(
    maker: &mut Maker,
    export: &Export<'_>,
    layout: &FrameLayout,
    state: &State,
    parts: &Parts,
    messages: &mut Messages,
) -> Result<(), CompileError> {
    let program = export.program;
    let mut signature = Signature::new(maker.isa.default_call_conv());
    for param in &program.params {
        signature.params.push(AbiParam::new(match param {
            Param::Scalar(slot) => scalar_type(program.slot(*slot).ty),
            Param::Array(_) => types::I64,
            Param::Pair(_) => return Err(bug("a complex parameter")),
        }));
    }
    signature.params.resize(signature.params.len() + program.results.len() + 1, AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I32));
    let id = maker.module.declare_function(export.symbol, Linkage::Export, &signature).map_err(bug)?;
    emit::define(maker, id, signature, |e, args| {
        let frame = e.zeroed(layout.words());
        let state_base = e.zeroed(state.words);
        let fault = e.zeroed(size_of::<FaultRecord>().div_ceil(8));
        let exit = e.block();
        for ty in [types::I32, types::I64, types::I64] {
            e.b.append_block_param(exit, ty);
        }
        let (given, error) = args.split_at(args.len() - 1);
        let (params, results) = given.split_at(program.params.len());
        let mut entry = Entry { e, program, layout, state, parts, messages, frame, data: state_base, fault, exit };
        entry.params(params);
        entry.results(results);
        entry.overlaps(params, results);
        entry.run();
        entry.deliver(results);
        entry.leave(error[0]);
    })
}

struct Entry<'x, 'a> {
    e: &'x mut Emit<'a>,
    program: &'x Program,
    layout: &'x FrameLayout,
    state: &'x State,
    parts: &'x Parts,
    messages: &'x mut Messages,
    frame: clif::Value,
    data: clif::Value,
    fault: clif::Value,
    /// Takes the status, the number of the message, and whether the fault record is of use.
    exit: clif::Block,
}

impl Entry<'_, '_> {
    /// Leaves with a status where the condition holds.
    fn refuse(&mut self, condition: clif::Value, status: EntryStatus, message: String) {
        let (number, exit) = (self.messages.number(message), self.exit);
        self.e.when(condition, |e| {
            let (status, number, none) = (e.status(status as i32), e.int(number), e.int(0));
            e.b.ins().jump(exit, &[status, number, none].map(BlockArg::Value));
        });
    }

    fn params(&mut self, values: &[clif::Value]) {
        for (param, value) in self.program.params.iter().zip(values) {
            match param {
                Param::Scalar(slot) => {
                    let word = self.bits(self.program.slot(*slot).ty, *value);
                    self.e.set_word(self.frame, self.layout.slot(*slot), word);
                }
                Param::Array(id) => self.array(*id, *value),
                // The signature has refused these.
                Param::Pair(_) => {}
            }
        }
    }

    /// A scalar's bits, zero-extended.
    fn bits(&mut self, ty: Type, value: clif::Value) -> clif::Value {
        let value = match ty.is_float() {
            true => self.e.b.ins().bitcast(int_type(ty.bytes()), MemFlagsData::new(), value),
            false => value,
        };
        // What C promises of a truth value is that it is 0 or 1.
        if ty.bytes() == 8 { value } else { self.e.b.ins().uextend(types::I64, value) }
    }

    /// Copies an array's words into the frame, checked.
    fn array(&mut self, id: ArrayId, given: clif::Value) {
        let info = self.program.array(id);
        let (name, rank) = (info.name.clone(), self.layout.rank(id));
        let null = self.e.is_zero(given);
        self.refuse(null, EntryStatus::Argument, format!("`{name}` is a null pointer"));
        let extents: Vec<clif::Value> = (0..rank).map(|axis| self.e.word(given, 1 + axis)).collect();
        let zero = self.e.int(0);
        let mut empty = self.e.b.ins().iconst(types::I8, 0);
        let mut negative = empty;
        for &extent in &extents {
            let (none, below) = (self.e.is_zero(extent), self.e.is(IntCC::SignedLessThan, extent, zero));
            empty = self.e.or(empty, none);
            negative = self.e.or(negative, below);
        }
        self.refuse(negative, EntryStatus::Argument, format!("`{name}` has a negative extent"));
        let base = self.e.word(given, 0);
        let (none, some) = (self.e.is_zero(base), self.e.negate(empty));
        let missing = self.e.and(none, some);
        self.refuse(missing, EntryStatus::Argument, format!("`{name}` has elements, but its data is a null pointer"));
        self.e.set_word(self.frame, self.layout.base(id), base);
        let mut canonical = self.e.int(info.ty.bytes() as i64);
        let one = self.e.int(1);
        for axis in (0..rank).rev() {
            let stride = self.e.word(given, 1 + rank + axis);
            let several = self.e.is(IntCC::SignedGreaterThan, extents[axis], one);
            let fixed = match info.layout {
                Layout::Dense => true,
                Layout::UnitInner => axis + 1 == rank,
                Layout::Strided => false,
            };
            if fixed {
                let differs = self.e.is(IntCC::NotEqual, stride, canonical);
                let wrong = self.e.and(differs, several);
                let wrong = self.e.and(wrong, some);
                let message = format!("`{name}` must lie without gaps, but its stride along axis {axis} is another");
                self.refuse(wrong, EntryStatus::Argument, message);
            }
            // The stride of an axis of one element says nothing; the frame wants the one of the layout.
            let counts = self.e.and(several, some);
            let stride = self.e.b.ins().select(counts, stride, canonical);
            self.e.set_word(self.frame, self.layout.extent(id, axis), extents[axis]);
            self.e.set_word(self.frame, self.layout.stride(id, axis), stride);
            canonical = self.e.b.ins().imul(canonical, extents[axis]);
        }
    }

    fn results(&mut self, given: &[clif::Value]) {
        for (index, pointer) in given.iter().enumerate() {
            let null = self.e.is_zero(*pointer);
            self.refuse(null, EntryStatus::Argument, format!("the pointer to result {index} is null"));
            self.e.set_word(self.data, self.state.results + index, *pointer);
        }
    }

    /// Refuses written memory that shares bytes with other memory.
    fn overlaps(&mut self, params: &[clif::Value], results: &[clif::Value]) {
        let mut seen: Vec<(String, bool, [clif::Value; 2])> = Vec::new();
        for (param, given) in self.program.params.iter().zip(params) {
            if let Param::Array(id) = param {
                let info = self.program.array(*id);
                let range = self.range(*given, info.ty, self.layout.rank(*id), false);
                seen.push((format!("`{}`", info.name), info.role == Role::Mut, range));
            }
        }
        for (index, (result, given)) in self.program.results.iter().zip(results).enumerate() {
            if let ResultRef::Array(id) = result {
                let range = self.range(*given, self.program.array(*id).ty, self.layout.rank(*id), true);
                seen.push((format!("result {index}"), true, range));
            }
        }
        for at in 0..seen.len() {
            for other in 0..at {
                if seen[at].1 || seen[other].1 {
                    let ([low, high], [other_low, other_high]) = (seen[at].2, seen[other].2);
                    let before = self.e.is(IntCC::UnsignedLessThan, low, other_high);
                    let after = self.e.is(IntCC::UnsignedLessThan, other_low, high);
                    let both = self.e.and(before, after);
                    let message =
                        format!("{} and {} share memory, and one of them is written", seen[other].0, seen[at].0);
                    self.refuse(both, EntryStatus::Overlap, message);
                }
            }
        }
    }

    /// The first byte of an array and the one after its last; both 0 where it has none.
    fn range(&mut self, given: clif::Value, ty: Type, rank: usize, dense: bool) -> [clif::Value; 2] {
        let base = self.e.word(given, 0);
        let size = self.e.int(ty.bytes() as i64);
        let zero = self.e.int(0);
        let mut empty = self.e.is_zero(base);
        let (mut low, mut high) = (base, self.e.b.ins().iadd(base, size));
        let mut canonical = size;
        for axis in (0..rank).rev() {
            let extent = self.e.word(given, 1 + axis);
            let none = self.e.is(IntCC::SignedLessThanOrEqual, extent, zero);
            empty = self.e.or(empty, none);
            let stride = if dense { canonical } else { self.e.word(given, 1 + rank + axis) };
            let last = self.e.b.ins().iadd_imm_s(extent, -1);
            let reach = self.e.b.ins().imul(last, stride);
            let (down, up) = (self.e.b.ins().smin(reach, zero), self.e.b.ins().smax(reach, zero));
            low = self.e.b.ins().iadd(low, down);
            high = self.e.b.ins().iadd(high, up);
            canonical = self.e.b.ins().imul(canonical, extent);
        }
        [low, high].map(|end| self.e.b.ins().select(empty, zero, end))
    }

    /// Runs the driver; goes on only if all went well.
    fn run(&mut self) {
        let (e, frame) = (&mut *self.e, self.frame);
        let table = e.zeroed(6);
        e.set_word(table, 0, self.data);
        for (index, callback) in self.parts.callbacks.iter().enumerate() {
            let address = e.function_address(*callback);
            e.set_word(table, 1 + index, address);
        }
        let constants = e.data_address(self.parts.constants);
        let cancel = e.b.ins().iadd_imm_s(self.data, State::CANCEL as i64 * 8);
        for (word, value) in [(HOST_WORD, table), (CONSTANTS_WORD, constants), (CANCEL_WORD, cancel)] {
            e.set_word(frame, word, value);
        }
        let ok = e.status(Status::Ok as i32);
        let status = e.call(self.parts.driver, &[frame, self.fault]).unwrap_or(ok);
        let exit = self.exit;
        let faulted = e.b.ins().icmp_imm_s(IntCC::Equal, status, i64::from(Status::Fault as i32));
        let site = e.b.ins().load(types::I32, MemFlagsData::trusted(), self.fault, FAULT_SITE);
        let site = e.b.ins().uextend(types::I64, site);
        e.when(faulted, |e| {
            let (status, filled) = (e.status(EntryStatus::Fault as i32), e.int(1));
            e.b.ins().jump(exit, &[status, site, filled].map(BlockArg::Value));
        });
        let failed = e.is(IntCC::NotEqual, status, ok);
        let reason = e.word(self.data, State::STATUS);
        let result = e.word(self.data, State::RESULT);
        let (memory, first) = (self.failures()[0], self.failures_of_results());
        self.e.when(failed, |e| {
            let shape = e.b.ins().icmp_imm_s(IntCC::Equal, reason, EntryStatus::Shape as i64);
            let of_result = e.b.ins().iadd_imm_s(result, first);
            let memory = e.int(memory);
            let number = e.b.ins().select(shape, of_result, memory);
            let (status, none) = (e.b.ins().ireduce(types::I32, reason), e.int(0));
            e.b.ins().jump(exit, &[status, number, none].map(BlockArg::Value));
        });
    }

    fn failures(&mut self) -> [i64; 1] {
        [self.messages.number("there is no memory for a temporary array".to_owned())]
    }

    /// The number of the first of the messages about results' shapes.
    fn failures_of_results(&mut self) -> i64 {
        let first = self.messages.0.len() as i64;
        for index in 0..self.program.results.len() {
            let message = format!("result {index} needs memory of another shape, which is in its `shape` now");
            self.messages.number(message);
        }
        first
    }

    /// Writes scalar results; arrays have been written in place.
    fn deliver(&mut self, given: &[clif::Value]) {
        for (result, pointer) in self.program.results.iter().zip(given) {
            if let ResultRef::Scalar(slot) = result {
                let ty = int_type(self.program.slot(*slot).ty.bytes());
                let word = self.e.word(self.frame, self.layout.slot(*slot));
                let value = if ty == types::I64 { word } else { self.e.b.ins().ireduce(ty, word) };
                self.e.b.ins().store(MemFlagsData::new(), value, *pointer, 0);
            }
        }
        let (ok, none) = (self.e.status(EntryStatus::Ok as i32), self.e.int(-1));
        let zero = self.e.int(0);
        self.e.b.ins().jump(self.exit, &[ok, none, zero].map(BlockArg::Value));
    }

    /// The way out.
    fn leave(&mut self, error: clif::Value) {
        let (e, data, fault) = (&mut *self.e, self.data, self.fault);
        e.enter(self.exit);
        let [status, number, filled] = e.b.block_params(self.exit)[..] else { return };
        for word in self.state.memory(self.program) {
            let memory = e.word(data, word);
            let some = e.is_zero(memory);
            let some = e.negate(some);
            e.when(some, |e| {
                e.call(self.parts.free, &[memory]);
            });
        }
        let zero = e.int(0);
        let wanted = e.is(IntCC::NotEqual, error, zero);
        let failed = e.is(IntCC::SignedGreaterThanOrEqual, number, zero);
        let filling = e.and(wanted, failed);
        e.when(filling, |e| {
            let messages = e.data_address(self.parts.messages);
            let offset = e.b.ins().ishl_imm_u(number, 3);
            let place = e.b.ins().iadd(messages, offset);
            let message = e.word(place, 0);
            e.set_word(error, ERROR_MESSAGE, message);
            let point = e.word(fault, FAULT_ELEMENT as usize / 8);
            let minus = e.int(-1);
            let has_point = e.is(IntCC::NotEqual, filled, zero);
            let point = e.b.ins().select(has_point, point, minus);
            e.set_word(error, ERROR_POINT, point);
            for at in 0..2 {
                let shown = e.word(fault, FAULT_SHOWS as usize / 8 + at);
                e.set_word(error, ERROR_SHOWS + at, shown);
            }
        });
        e.ret(status);
    }
}
