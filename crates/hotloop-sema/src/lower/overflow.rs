//! Integer arithmetic whose overflow is a fault: the op, and the test whether its result is the exact one.
//!
//! The tests use core ops that every target has as vectors, so that checked code is vectorized like other code that may
//! fail. What the language calls checked is decided in `check`; here an op is given and its result guarded.

use super::Lower;
use crate::hir::Exact;
use hotloop_ir::{FaultKind, Inst, Op, Scalar, Type, Value};
use hotloop_source::Span;

/// Products of 64 bits, as floats, are this close to the wrapped result exactly where nothing was lost: rounding moves
/// them by less than 2**13, wrapping by 2**64 at least.
const NEAR: f64 = 4_611_686_018_427_387_904.0;

impl<'h> Lower<'h> {
    /// An integer op whose overflow is a fault.
    pub fn checked_op(&mut self, op: Exact, args: &[Value], span: Span) -> Value {
        let ty = self.b().ty(args[0]);
        let result = match op {
            Exact::FloorDiv => self.int_div(op.op(), args[0], args[1], span),
            Exact::Add | Exact::Sub | Exact::Mul | Exact::Neg | Exact::Abs | Exact::Total => self.b().op(op.op(), args),
        };
        if self.never_overflows(op, ty, args) {
            return result;
        }
        let fits = self.is_exact(op, ty, args, result);
        let shows = [args[0], args[args.len() - 1]].map(|arg| self.b().convert(Type::I64, arg));
        self.check(FaultKind::Overflow, fits, shows, span, &format!("{} {}", ty.name(), op.sign()), 0);
        result
    }

    /// Division that has nothing to lose; indices of loops, which lie below an extent or a bound, plus or minus one and
    /// the like.
    fn never_overflows(&mut self, op: Exact, ty: Type, args: &[Value]) -> bool {
        let [a, b] = *args else { return false };
        let (a, b) = if op == Exact::Add && self.b().constant(a).is_some() { (b, a) } else { (a, b) };
        let known = self.b().constant(b).map(Scalar::as_i128);
        if op == Exact::FloorDiv {
            return !ty.is_signed() || known.is_some_and(|by| by != -1);
        }
        let Some(by) = known.filter(|_| ty == Type::I64) else { return false };
        let index = match *self.b().inst(a) {
            Inst::Axis(_) => true,
            Inst::Local(local) => self.cx().nonneg.contains(&local),
            Inst::Extent(..) | Inst::Slot(_) => op == Exact::Sub && self.nonneg(a),
            Inst::Const(_) | Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Load(_) | Inst::LoadAt(..) => {
                false
            }
        };
        match op {
            Exact::Add => index && (0..=1).contains(&by),
            Exact::Sub => index && by >= 0,
            Exact::Mul | Exact::Neg | Exact::Abs | Exact::FloorDiv | Exact::Total => false,
        }
    }

    /// Whether the wrapped result of an op is its exact one.
    fn is_exact(&mut self, op: Exact, ty: Type, args: &[Value], result: Value) -> Value {
        let (a, b) = (args[0], args[args.len() - 1]);
        let zero = self.literal(Scalar::int(ty, 0));
        match (op, ty.is_signed()) {
            (Exact::Neg, false) => self.b().op(Op::Eq, &[a, zero]),
            (Exact::Neg | Exact::Abs, _) => self.is_not_least(ty, a),
            (Exact::Add, false) => self.b().op(Op::Le, &[a, result]),
            (Exact::Sub, false) => self.b().op(Op::Le, &[b, a]),
            // The sum of numbers of one sign has that sign.
            (Exact::Add, true) => self.sign_kept(a, b, result, zero),
            // a is the sum of the difference and b.
            (Exact::Sub, true) => self.sign_kept(result, b, a, zero),
            (Exact::FloorDiv, _) => {
                let minus_one = self.literal(Scalar::int(ty, -1));
                let (least, other) = (self.is_not_least(ty, a), self.b().op(Op::Ne, &[b, minus_one]));
                self.b().op(Op::Or, &[least, other])
            }
            (Exact::Mul | Exact::Total, _) => self.product_is_exact(ty, a, b, result),
        }
    }

    fn is_not_least(&mut self, ty: Type, a: Value) -> Value {
        let least = self.literal(Scalar::int(ty, -1i128 << (ty.bits() - 1)));
        self.b().op(Op::Ne, &[a, least])
    }

    /// Whether `sum` has the sign of one of `a` and `b`.
    fn sign_kept(&mut self, a: Value, b: Value, sum: Value, zero: Value) -> Value {
        let (left, right) = (self.b().op(Op::Xor, &[a, sum]), self.b().op(Op::Xor, &[b, sum]));
        let both = self.b().op(Op::And, &[left, right]);
        self.b().op(Op::Le, &[zero, both])
    }

    fn product_is_exact(&mut self, ty: Type, a: Value, b: Value, result: Value) -> Value {
        if ty.bits() < 64 {
            let wide = match (ty.bits() == 32, ty.is_signed()) {
                (true, true) => Type::I64,
                (true, false) => Type::U64,
                (false, true) => Type::I32,
                (false, false) => Type::U32,
            };
            let [a, b, result] = [a, b, result].map(|value| self.b().convert(wide, value));
            let exact = self.b().op(Op::Mul, &[a, b]);
            return self.b().op(Op::Eq, &[exact, result]);
        }
        let [a, b, result] = [a, b, result].map(|value| self.b().convert(Type::F64, value));
        let product = self.b().op(Op::Mul, &[a, b]);
        let distance = self.b().op(Op::Sub, &[product, result]);
        let distance = self.b().op(Op::Abs, &[distance]);
        let near = self.literal(Scalar::f64(NEAR));
        self.b().op(Op::Lt, &[distance, near])
    }
}
