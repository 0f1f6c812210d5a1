//! The callbacks of an entry point: memory by `aligned_alloc`, nests on the caller's thread.
//!
//! They work on the words of `State`, which stand on the entry point's stack; it gives back what they take. A failure
//! leaves its status there.

use super::emit::{self, Emit};
use super::{EntryStatus, Maker, State, bug};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, AbiParam, InstBuilder, Signature, types};
use cranelift_module::{FuncId, Linkage, Module};
use hotloop_ir::{ArrayId, Program, ResultRef, Role};
use hotloop_target::{CompileError, FrameLayout, Status};

/// What memory is aligned to, as `frame` promises.
const ALIGN: i64 = 64;

/// Defines `alloc`, `free`, `matmul`, `partials` and `par_for`, in the order of the host table.
pub(super) fn define(
    maker: &mut Maker,
    symbol: &str,
    program: &Program,
    layout: &FrameLayout,
    state: &State,
) -> Result<[FuncId; 5], CompileError> {
    let memory = Memory { alloc: aligned_alloc(maker)?, free: maker.free()? };
    let alloc = function(maker, symbol, "alloc", &[types::I64, types::I64, types::I32], |e, args| {
        alloc(e, program, layout, state, &memory, args);
    })?;
    let number = [types::I64, types::I64, types::I32];
    let free = function(maker, symbol, "free", &number, |e, args| free(e, state, &memory, args))?;
    // Programs with matrix products have been refused.
    let matmul = function(maker, symbol, "matmul", &number, |e, _| {
        let host = e.status(Status::Host as i32);
        e.ret(host);
    })?;
    let partials_args = [types::I64, types::I64, types::I32, types::I64];
    let partials = function(maker, symbol, "partials", &partials_args, |e, args| {
        partials(e, program, layout, state, &memory, args);
    })?;
    let par_for_args = [types::I64, types::I64, types::I64, types::I64, types::I32, types::I64];
    let par_for = function(maker, symbol, "par_for", &par_for_args, |e, args| {
        let [_, frame, fault, run, _, tiles] = args[..] else { return };
        let mut signature = Signature::new(e.b.func.signature.call_conv);
        signature.params.resize(4, AbiParam::new(types::I64));
        signature.returns.push(AbiParam::new(types::I32));
        let signature = e.b.import_signature(signature);
        let zero = e.int(0);
        let call = e.b.ins().call_indirect(signature, run, &[frame, fault, zero, tiles]);
        let status = e.b.inst_results(call)[0];
        e.ret(status);
    })?;
    Ok([alloc, free, matmul, partials, par_for])
}

struct Memory {
    alloc: FuncId,
    free: FuncId,
}

fn aligned_alloc(maker: &mut Maker) -> Result<FuncId, CompileError> {
    let mut signature = Signature::new(maker.isa.default_call_conv());
    signature.params.resize(2, AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I64));
    maker.module.declare_function("aligned_alloc", Linkage::Import, &signature).map_err(bug)
}

fn function(
    maker: &mut Maker,
    symbol: &str,
    name: &str,
    params: &[clif::Type],
    body: impl FnOnce(&mut Emit<'_>, &[clif::Value]),
) -> Result<FuncId, CompileError> {
    let mut signature = Signature::new(maker.isa.default_call_conv());
    signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    signature.returns.push(AbiParam::new(types::I32));
    let id = maker.module.declare_function(&format!("{symbol}.{name}"), Linkage::Local, &signature).map_err(bug)?;
    emit::define(maker, id, signature, body)?;
    Ok(id)
}

/// Ends a callback with a failure.
fn fail(e: &mut Emit<'_>, data: clif::Value, status: EntryStatus, result: i64) {
    let number = e.int(status as i64);
    e.set_word(data, State::STATUS, number);
    let result = e.int(result);
    e.set_word(data, State::RESULT, result);
    let host = e.status(Status::Host as i32);
    e.ret(host);
}

/// `alloc(data, frame, array)`: one piece of code per array that is made, chosen by number.
fn alloc(
    e: &mut Emit<'_>,
    program: &Program,
    layout: &FrameLayout,
    state: &State,
    memory: &Memory,
    args: &[clif::Value],
) {
    let [data, frame, array] = args[..] else { return };
    for at in 0..program.arrays.len() {
        let id = ArrayId(at as u32);
        let role = program.array(id).role;
        if role != Role::Output && role != Role::Temp {
            continue;
        }
        let number = e.b.ins().iconst(types::I32, at as i64);
        let wanted = e.is(IntCC::Equal, array, number);
        e.when(wanted, |e| {
            let bytes = dense(e, program, layout, data, frame, id);
            match program.results.iter().position(|result| *result == ResultRef::Array(id)) {
                Some(result) => take_result(e, layout, state, [data, frame, bytes], id, result),
                None => {
                    let base = keep(e, memory, data, state.arrays + at * 2, bytes);
                    e.set_word(frame, layout.base(id), base);
                }
            }
            let ok = e.status(Status::Ok as i32);
            e.ret(ok);
        });
    }
    // The program asks for no other array.
    let host = e.status(Status::Host as i32);
    e.ret(host);
}

/// `free(data, frame, array)`: gives the memory of a temporary to the system, if it has any.
fn free(e: &mut Emit<'_>, state: &State, memory: &Memory, args: &[clif::Value]) {
    let [data, _, array] = args[..] else { return };
    let array = e.b.ins().uextend(types::I64, array);
    let offset = e.b.ins().ishl_imm_u(array, 4);
    let place = e.b.ins().iadd(data, offset);
    let place = e.b.ins().iadd_imm_s(place, state.arrays as i64 * 8);
    let (old, zero) = (e.word(place, 0), e.int(0));
    e.call(memory.free, &[old]);
    e.set_word(place, 0, zero);
    e.set_word(place, 1, zero);
    let ok = e.status(Status::Ok as i32);
    e.ret(ok);
}

/// Sets the strides of an array without gaps; gives its bytes.
fn dense(
    e: &mut Emit<'_>,
    program: &Program,
    layout: &FrameLayout,
    data: clif::Value,
    frame: clif::Value,
    id: ArrayId,
) -> clif::Value {
    let size = program.array(id).ty.bytes() as i64;
    let one = e.int(1);
    let most = e.int(i64::MAX / 2 / size);
    let (mut stride, mut count) = (e.int(size), one);
    for axis in (0..layout.rank(id)).rev() {
        let extent = e.word(frame, layout.extent(id, axis));
        e.set_word(frame, layout.stride(id, axis), stride);
        stride = e.b.ins().imul(stride, extent);
        let high = e.b.ins().umulhi(count, extent);
        count = e.b.ins().imul(count, extent);
        let some = e.is_zero(high);
        let fits = e.is(IntCC::UnsignedLessThanOrEqual, count, most);
        let fits = e.and(some, fits);
        let too_large = e.negate(fits);
        e.when(too_large, |e| fail(e, data, EntryStatus::Memory, 0));
    }
    let size = e.int(size);
    e.b.ins().imul(count, size)
}

/// Takes the caller's memory for a result, if it has the right shape.
fn take_result(
    e: &mut Emit<'_>,
    layout: &FrameLayout,
    state: &State,
    [data, frame, bytes]: [clif::Value; 3],
    id: ArrayId,
    result: usize,
) {
    let given = e.word(data, state.results + result);
    let base = e.word(given, 0);
    let (none, some) = (e.is_zero(base), e.is_zero(bytes));
    let some = e.negate(some);
    let mut differs = e.and(none, some);
    for axis in 0..layout.rank(id) {
        let (have, want) = (e.word(given, 1 + axis), e.word(frame, layout.extent(id, axis)));
        let other = e.is(IntCC::NotEqual, have, want);
        differs = e.or(differs, other);
    }
    e.when(differs, |e| {
        for axis in 0..layout.rank(id) {
            let want = e.word(frame, layout.extent(id, axis));
            e.set_word(given, 1 + axis, want);
        }
        fail(e, data, EntryStatus::Shape, result as i64);
    });
    for axis in 0..layout.rank(id) {
        let stride = e.word(frame, layout.stride(id, axis));
        e.set_word(given, 1 + layout.rank(id) + axis, stride);
    }
    e.set_word(frame, layout.base(id), base);
}

/// Memory of at least so many bytes, kept in two words of the state: what is there, or more.
fn keep(e: &mut Emit<'_>, memory: &Memory, data: clif::Value, word: usize, bytes: clif::Value) -> clif::Value {
    let place = e.int(word as i64 * 8);
    let place = e.b.ins().iadd(data, place);
    keep_at(e, memory, data, place, bytes)
}

fn keep_at(
    e: &mut Emit<'_>,
    memory: &Memory,
    data: clif::Value,
    place: clif::Value,
    bytes: clif::Value,
) -> clif::Value {
    let (old, held) = (e.word(place, 0), e.word(place, 1));
    let none = e.is_zero(old);
    let small = e.is(IntCC::UnsignedLessThan, held, bytes);
    let more = e.or(none, small);
    e.when(more, |e| {
        e.call(memory.free, &[old]);
        // The size must be a multiple of the alignment, and nothing at all may be no memory.
        let padded = e.b.ins().iadd_imm_s(bytes, ALIGN);
        let mask = e.int(-ALIGN);
        let padded = e.and(padded, mask);
        let align = e.int(ALIGN);
        let zero = e.int(0);
        e.set_word(place, 1, zero);
        let new = e.call(memory.alloc, &[align, padded]).unwrap_or(zero);
        e.set_word(place, 0, new);
        let failed = e.is_zero(new);
        e.when(failed, |e| fail(e, data, EntryStatus::Memory, 0));
        e.set_word(place, 1, bytes);
    });
    e.word(place, 0)
}

/// `partials(data, frame, nest, bytes)`: the same code for every nest.
fn partials(
    e: &mut Emit<'_>,
    program: &Program,
    layout: &FrameLayout,
    state: &State,
    memory: &Memory,
    args: &[clif::Value],
) {
    let [data, frame, nest, bytes] = args[..] else { return };
    if !program.nests.is_empty() {
        let nest = e.b.ins().uextend(types::I64, nest);
        let offset = e.b.ins().ishl_imm_u(nest, 4);
        let place = e.b.ins().iadd(data, offset);
        let place = e.b.ins().iadd_imm_s(place, state.nests as i64 * 8);
        let base = keep_at(e, memory, data, place, bytes);
        let offset = e.b.ins().ishl_imm_u(nest, 3);
        let word = e.b.ins().iadd(frame, offset);
        e.set_word(word, layout.partials(hotloop_ir::NestId(0)), base);
    }
    let ok = e.status(Status::Ok as i32);
    e.ret(ok);
}
