//! Constants: ops on literals are computed here, by the same rules as at run time, and ops that return an operand
//! unchanged are dropped. Only identities that keep every bit of every operand are used.

use hotloop_ir::semantics::{bitcast, convert, eval};
use hotloop_ir::{Inst, Lane, Op, Program, Region, Scalar, Stmt, Type, Value};

/// Folds every lane.
pub fn run(program: &mut Program) {
    for nest in &mut program.nests {
        fold_lane(&mut nest.lane);
    }
}

/// Values are defined before they are used, so one walk in order sees every operand folded.
pub(crate) fn fold_lane(lane: &mut Lane) {
    let mut same: Vec<Value> = (0..lane.values.len() as u32).map(Value).collect();
    for i in 0..lane.values.len() {
        replace_operands(&mut lane.values[i], &same);
        if let Some(constant) = constant(lane, Value(i as u32)) {
            lane.values[i] = Inst::Const(constant);
        } else if let Some(value) = identity(lane, Value(i as u32)) {
            same[i] = value;
        } else if let Some(value) = doubled(lane, Value(i as u32)) {
            lane.values[i] = Inst::Op(Op::Add, [value; 3]);
        }
    }
    let mut body = std::mem::take(&mut lane.body);
    replace_in_region(&mut body, &same);
    lane.body = body;
}

/// The operand of a float product by 2. Adding it to itself gives the same bits, and adders are idle where multipliers
/// are the limit.
fn doubled(lane: &Lane, value: Value) -> Option<Value> {
    let Inst::Op(Op::Mul, [a, b, _]) = *lane.inst(value) else { return None };
    let is_two = |value: Value| known(lane, value).is_some_and(|scalar| scalar.ty.is_float() && scalar.as_f64() == 2.0);
    match (is_two(a), is_two(b)) {
        (_, true) => Some(a),
        (true, false) => Some(b),
        (false, false) => None,
    }
}

fn known(lane: &Lane, value: Value) -> Option<Scalar> {
    match lane.inst(value) {
        Inst::Const(scalar) => Some(*scalar),
        Inst::Op(..)
        | Inst::Convert(_)
        | Inst::Bitcast(_)
        | Inst::Axis(_)
        | Inst::Slot(_)
        | Inst::Local(_)
        | Inst::Load(_)
        | Inst::LoadAt(..)
        | Inst::Extent(..) => None,
    }
}

fn constant(lane: &Lane, value: Value) -> Option<Scalar> {
    match lane.inst(value) {
        Inst::Op(op, args) => {
            let args: Option<Vec<Scalar>> = args[..op.arity()].iter().map(|&arg| known(lane, arg)).collect();
            Some(eval(*op, &args?))
        }
        Inst::Convert(arg) => Some(convert(known(lane, *arg)?, lane.ty(value))),
        Inst::Bitcast(arg) => Some(bitcast(known(lane, *arg)?, lane.ty(value))),
        Inst::Const(_)
        | Inst::Axis(_)
        | Inst::Slot(_)
        | Inst::Local(_)
        | Inst::Load(_)
        | Inst::LoadAt(..)
        | Inst::Extent(..) => None,
    }
}

/// The operand this value always equals, bit for bit.
fn identity(lane: &Lane, value: Value) -> Option<Value> {
    let Inst::Op(op, [a, b, c]) = *lane.inst(value) else {
        return None;
    };
    let is = |value: Value, bits: u64| known(lane, value).is_some_and(|scalar| scalar.bits == bits);
    let ty = lane.ty(a);
    let one = match ty {
        Type::F32 => u64::from(1f32.to_bits()),
        Type::F64 => 1f64.to_bits(),
        _ => 1,
    };
    match op {
        // x * 1 and x / 1 are exact for floats too.
        Op::Mul if is(b, one) => Some(a),
        Op::Mul if is(a, one) => Some(b),
        Op::Div if is(b, one) => Some(a),
        // x + 0 changes -0, so only integers may drop it.
        Op::Add if ty.is_int() && is(b, 0) => Some(a),
        Op::Add if ty.is_int() && is(a, 0) => Some(b),
        Op::Sub if is(b, 0) => Some(a),
        Op::Shl | Op::Shr if is(b, 0) => Some(a),
        Op::Or | Op::Xor if is(b, 0) => Some(a),
        Op::Or | Op::Xor if is(a, 0) => Some(b),
        Op::And if is(b, ty.mask()) || (ty == Type::Bool && is(b, 1)) => Some(a),
        Op::And if is(a, ty.mask()) || (ty == Type::Bool && is(a, 1)) => Some(b),
        Op::Select if is(a, 1) => Some(b),
        Op::Select if is(a, 0) => Some(c),
        Op::Select if b == c => Some(b),
        _ => None,
    }
}

/// Applies a renaming of values to the operands of one instruction.
pub(crate) fn replace_operands(inst: &mut Inst, same: &[Value]) {
    let swap = |value: &mut Value| *value = same[value.index()];
    match inst {
        Inst::Op(_, args) => args.iter_mut().for_each(swap),
        Inst::Convert(value) | Inst::Bitcast(value) => swap(value),
        Inst::LoadAt(_, index) => index.iter_mut().for_each(swap),
        Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::Extent(..) => {}
    }
}

/// Replaces values in statements; checks that always hold and branches that never run go.
fn replace_in_region(region: &mut Region, same: &[Value]) {
    for stmt in region.iter_mut() {
        replace_in_stmt(stmt, same);
    }
}

/// Applies a renaming of values to one statement and those inside it.
pub(crate) fn replace_in_stmt(stmt: &mut Stmt, same: &[Value]) {
    let swap = |value: &mut Value| *value = same[value.index()];
    match stmt {
        Stmt::Set(_, value) | Stmt::Store(_, value) | Stmt::SetSlot(_, value) | Stmt::Fold(_, value) => swap(value),
        Stmt::StoreAt(_, index, value) => {
            index.iter_mut().for_each(swap);
            swap(value);
        }
        Stmt::Check { cond, shows, at, site: _ } => {
            swap(cond);
            shows.iter_mut().chain(at).for_each(swap);
        }
        Stmt::If { cond, then, otherwise } => {
            swap(cond);
            replace_in_region(then, same);
            replace_in_region(otherwise, same);
        }
        Stmt::For { start, stop, step, body, .. } => {
            [start, stop, step].into_iter().for_each(swap);
            replace_in_region(body, same);
        }
        Stmt::Loop(body) | Stmt::Block(body) => replace_in_region(body, same),
        Stmt::Let(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
    }
}
