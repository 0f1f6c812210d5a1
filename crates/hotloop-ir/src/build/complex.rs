//! Complex numbers while a lane is built: pairs of values, of locals, of slots and of views.
//!
//! A program has no complex types. The builder takes and gives handles that stand for two others, the real and the
//! imaginary part, and writes the code of the parts in their place; such a handle is marked by its highest bit and never
//! reaches a finished lane. Pairs of slots and of views are two neighbors, the first of which is marked.

use super::LaneBuilder;
use crate::ops::Op;
use crate::program::{ArrayId, Local, SlotId, Stmt, Value, ViewId};
use crate::types::{Scalar, Type};

/// What marks a handle that stands for two.
const PAIR: u32 = 1 << 31;

macro_rules! neighbors {
    ($($name:ident)*) => {$(
        impl $name {
            /// The handle of a pair whose real part is this and whose imaginary part is the next.
            pub const fn pair(self) -> $name {
                $name(self.0 | PAIR)
            }

            /// The two handles of a pair; none if it is an ordinary handle.
            pub const fn parts(self) -> Option<[$name; 2]> {
                if self.0 & PAIR == 0 { None } else { Some([$name(self.0 & !PAIR), $name((self.0 & !PAIR) + 1)]) }
            }
        }
    )*};
}

neighbors! { SlotId ViewId Local }

impl LaneBuilder {
    /// The complex number with these parts, which have one float type.
    pub fn pair(&mut self, parts: [Value; 2]) -> Value {
        if let Some(known) = self.pairs.iter().position(|pair| *pair == parts) {
            return Value(known as u32 | PAIR);
        }
        self.pairs.push(parts);
        Value((self.pairs.len() as u32 - 1) | PAIR)
    }

    /// The parts of a complex number; none for other values.
    pub fn parts(&self, value: Value) -> Option<[Value; 2]> {
        if value.0 & PAIR == 0 { None } else { self.pairs.get((value.0 & !PAIR) as usize).copied() }
    }

    /// The parts of a number that is taken for a complex one.
    fn both(&mut self, value: Value) -> [Value; 2] {
        match self.parts(value) {
            Some(parts) => parts,
            None => {
                let ty = self.ty(value);
                [value, self.const_(Scalar::new(ty, 0))]
            }
        }
    }

    /// A literal.
    pub(super) fn complex_const(&mut self, scalar: Scalar) -> Value {
        let parts = scalar.parts().map(|part| self.const_(part));
        self.pair(parts)
    }

    /// An op some of whose operands are complex; none if all are real. A real operand is no complex one with an imaginary
    /// part of 0: products and quotients by it are those of each part, sums leave the imaginary part as it is.
    pub(super) fn complex_op(&mut self, op: Op, args: &[Value]) -> Option<Value> {
        args.iter().any(|arg| self.parts(*arg).is_some()).then_some(())?;
        if op == Op::Select {
            let ([a, b], [c, d]) = (self.both(args[1]), self.both(args[2]));
            let parts = [(a, c), (b, d)].map(|(then, otherwise)| self.op(op, &[args[0], then, otherwise]));
            return Some(self.pair(parts));
        }
        let left = self.both(args[0]);
        let right = args.get(1).map_or(left, |right| self.both(*right));
        Some(match op {
            Op::Eq | Op::Ne => {
                let parts = [0, 1].map(|at| self.op(op, &[left[at], right[at]]));
                self.op(if op == Op::Eq { Op::And } else { Op::Or }, &parts)
            }
            Op::Add | Op::Sub => {
                let real = self.op(op, &[left[0], right[0]]);
                let imag = match (self.parts(args[0]), self.parts(args[1])) {
                    (Some(_), Some(_)) => self.op(op, &[left[1], right[1]]),
                    (Some(_), None) => left[1],
                    (None, _) if op == Op::Sub => self.op(Op::Neg, &[right[1]]),
                    (None, _) => right[1],
                };
                self.pair([real, imag])
            }
            Op::Neg => {
                let parts = left.map(|part| self.op(op, &[part]));
                self.pair(parts)
            }
            Op::Mul | Op::Div if self.parts(args[1]).is_none() => {
                let parts = left.map(|part| self.op(op, &[part, args[1]]));
                self.pair(parts)
            }
            Op::Mul if self.parts(args[0]).is_none() => {
                let parts = right.map(|part| self.op(op, &[args[0], part]));
                self.pair(parts)
            }
            Op::Mul => {
                let ([a, b], [c, d]) = (left, right);
                let [ac, bd, ad, bc] = [[a, c], [b, d], [a, d], [b, c]].map(|factors| self.op(op, &factors));
                let parts = [self.op(Op::Sub, &[ac, bd]), self.op(Op::Add, &[ad, bc])];
                self.pair(parts)
            }
            Op::Div | Op::FloorDiv | Op::FloorRem | Op::Abs | Op::Min | Op::Max | Op::Sqrt | Op::Fma | Op::Floor => {
                not_complex(op)
            }
            Op::Ceil | Op::Trunc | Op::Round | Op::Copysign | Op::Ldexp | Op::Getexp | Op::Getmant => not_complex(op),
            Op::And | Op::Or | Op::Xor | Op::Not | Op::Unlikely | Op::Shl | Op::Shr | Op::Lt | Op::Le | Op::Select => {
                not_complex(op)
            }
        })
    }

    /// A conversion to a complex type.
    pub(super) fn complex_from(&mut self, ty: Type, value: Value) -> Value {
        let part = ty.part();
        let parts = match self.parts(value) {
            Some(parts) => parts.map(|value| self.convert(part, value)),
            None => [self.convert(part, value), self.const_(Scalar::new(part, 0))],
        };
        self.pair(parts)
    }

    /// The element at checked indices of an array of pairs.
    pub(super) fn load_pair_at(&mut self, array: ArrayId, index: &[Value], ty: Type) -> Value {
        let parts = [0, 1].map(|part| {
            let index = self.with_part(index, part);
            self.load_at(array, index, ty.part())
        });
        self.pair(parts)
    }

    fn with_part(&mut self, index: &[Value], part: i64) -> Vec<Value> {
        let part = self.const_(Scalar::i64(part));
        index.iter().copied().chain([part]).collect()
    }

    /// Writes a statement about a complex value as statements about its parts; gives back any other.
    pub(super) fn complex_stmt(&mut self, stmt: Stmt) -> Option<Stmt> {
        match &stmt {
            Stmt::Set(local, value) => {
                let (Some(locals), Some(parts)) = (local.parts(), self.parts(*value)) else { return Some(stmt) };
                locals.into_iter().zip(parts).for_each(|(local, part)| self.push(Stmt::Set(local, part)));
            }
            Stmt::Store(view, value) => {
                let (Some(views), Some(parts)) = (view.parts(), self.parts(*value)) else { return Some(stmt) };
                views.into_iter().zip(parts).for_each(|(view, part)| self.push(Stmt::Store(view, part)));
            }
            Stmt::StoreAt(array, index, value) => {
                let Some(parts) = self.parts(*value) else { return Some(stmt) };
                for (at, part) in parts.into_iter().enumerate() {
                    let index = self.with_part(index, at as i64);
                    self.push(Stmt::StoreAt(*array, index, part));
                }
            }
            Stmt::SetSlot(slot, value) => {
                let (Some(slots), Some(parts)) = (slot.parts(), self.parts(*value)) else { return Some(stmt) };
                slots.into_iter().zip(parts).for_each(|(slot, part)| self.set_slot(slot, part));
            }
            Stmt::Let(_)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::If { .. }
            | Stmt::For { .. }
            | Stmt::Loop(_)
            | Stmt::Block(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => return Some(stmt),
        }
        None
    }

    /// The type of a local variable.
    pub fn local_ty(&self, local: Local) -> Type {
        match local.parts() {
            Some([real, _]) => complex_of(self.local_ty(real)),
            None => self.lane.locals[local.index()],
        }
    }
}

/// The complex type with these parts. Only floats are parts.
pub(super) fn complex_of(part: Type) -> Type {
    part.complex().unwrap_or(part)
}

/// Stops on operands that no checked text has.
#[cold]
fn not_complex(op: Op) -> ! {
    panic!("`{}` does not take complex numbers", op.name())
}

#[cfg(test)]
mod tests {
    use super::LaneBuilder;
    use crate::ops::Op;
    use crate::program::{Inst, Local, SlotId, Stmt, ViewId};
    use crate::types::{Scalar, Type};

    #[test]
    fn a_product_is_six_real_ops() {
        let mut b = LaneBuilder::new();
        let x = b.load(ViewId(0).pair(), Type::C128);
        let y = b.slot(SlotId(3).pair(), Type::C128);
        let product = b.op(Op::Mul, &[x, y]);
        assert_eq!(b.ty(product), Type::C128);
        b.push(Stmt::Store(ViewId(2).pair(), product));
        let lane = b.finish();
        assert!(lane.types.iter().all(|ty| *ty == Type::F64));
        let ops = lane.values.iter().filter(|inst| matches!(inst, Inst::Op(..))).count();
        assert_eq!(ops, 6);
        let stores: Vec<ViewId> = lane.body.iter().filter_map(stored).collect();
        assert_eq!(stores, [ViewId(2), ViewId(3)]);
        assert_eq!(lane.values[2..4], [Inst::Slot(SlotId(3)), Inst::Slot(SlotId(4))]);
    }

    fn stored(stmt: &Stmt) -> Option<ViewId> {
        if let Stmt::Store(view, _) = stmt { Some(*view) } else { None }
    }

    #[test]
    fn comparisons_look_at_both_parts() {
        let mut b = LaneBuilder::new();
        let one = b.const_(Scalar::complex(Type::C64, 1f32.to_bits().into(), 2f32.to_bits().into()));
        let local = b.local(Type::C64);
        b.set(local, one);
        assert_eq!(local.parts(), Some([Local(0), Local(1)]));
        let other = b.get(local);
        let same = b.op(Op::Ne, &[one, other]);
        assert_eq!(b.ty(same), Type::Bool);
        assert!(matches!(b.inst(same), Inst::Op(Op::Or, _)));
    }
}
