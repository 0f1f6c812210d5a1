//! Types of expressions and the one rule for what two of them make together.
//!
//! Promotion preserves width; see `docs/language.md`. A type is weak where only bare numbers have gone into it: it then
//! takes whatever type it meets.

use hotloop_ir::{Class, Type};

/// The type of an expression: its element type and its number of axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// The element type; of a weak one, the type it gets if it meets no other (`i64` or `f64`).
    pub elem: Type,
    /// Whether only bare numbers have gone into it.
    pub weak: bool,
    /// The number of axes; 0 for scalars.
    pub rank: u32,
}

impl Ty {
    /// A scalar of this element type.
    pub const fn scalar(elem: Type) -> Ty {
        Ty { elem, weak: false, rank: 0 }
    }

    /// A bare number: `I64` or `F64`.
    pub const fn weak(elem: Type) -> Ty {
        Ty { elem, weak: true, rank: 0 }
    }

    /// An array.
    pub const fn array(elem: Type, rank: u32) -> Ty {
        Ty { elem, weak: false, rank }
    }

    /// The same type with another number of axes.
    pub const fn with_rank(self, rank: u32) -> Ty {
        Ty { rank, ..self }
    }

    /// The same type with another element type, not weak.
    pub const fn with_elem(self, elem: Type) -> Ty {
        Ty { elem, weak: false, rank: self.rank }
    }

    /// The type as a user would write it.
    pub fn describe(self) -> String {
        let elem = match (self.weak, self.elem.is_float()) {
            (true, _) if self.elem.is_complex() => "complex number".to_string(),
            (true, true) => "number".to_string(),
            (true, false) => "whole number".to_string(),
            (false, _) => self.elem.name().to_string(),
        };
        match self.rank {
            0 => elem,
            rank => format!("{elem}[{}]", vec![":"; rank as usize].join(", ")),
        }
    }
}

/// Why two types make no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJoin {
    /// One is bool, the other a number.
    BoolWithNumber,
    /// `u64` with a signed integer: no integer type holds both.
    U64WithSigned,
}

/// The element type in which two operands meet, and whether it is still weak. Ranks are not looked at.
pub fn join(a: Ty, b: Ty) -> Result<Ty, NoJoin> {
    let strong = |elem| Ok(Ty::scalar(elem));
    if (a.elem == Type::Bool) != (b.elem == Type::Bool) {
        return Err(NoJoin::BoolWithNumber);
    }
    match (a.weak, b.weak) {
        (true, true) => Ok(Ty::weak(if weak_order(a.elem) >= weak_order(b.elem) { a.elem } else { b.elem })),
        (true, false) => strong(meet_weak(a.elem, b.elem)),
        (false, true) => strong(meet_weak(b.elem, a.elem)),
        (false, false) => strong(meet(a.elem, b.elem)?),
    }
}

/// Bare numbers of two kinds make one of the later kind: whole, float, complex.
fn weak_order(elem: Type) -> u32 {
    u32::from(elem.is_float()) + 2 * u32::from(elem.is_complex())
}

/// A weak number takes the other's type, but a fraction does not become an integer, nor a complex number a real one, and
/// nothing is computed in a half.
fn meet_weak(weak: Type, strong: Type) -> Type {
    if weak.is_complex() {
        return complex_with(strong, Type::F64);
    }
    match strong.class() {
        Class::Signed | Class::Unsigned if weak.is_float() => Type::F64,
        Class::Half => Type::F32,
        Class::Bool | Class::Signed | Class::Unsigned | Class::Float | Class::Complex => strong,
    }
}

/// The complex type that holds numbers of a type; whole numbers take the parts of what they meet.
fn complex_with(elem: Type, parts: Type) -> Type {
    let part = match elem.class() {
        Class::Complex | Class::Float => elem.part(),
        Class::Half => Type::F32,
        Class::Signed | Class::Unsigned | Class::Bool => parts,
    };
    part.complex().unwrap_or(elem)
}

/// The wider of the same kind; int with float gives the float; signed with unsigned the narrowest signed that holds both.
fn meet(a: Type, b: Type) -> Result<Type, NoJoin> {
    let wider = if a.bytes() >= b.bytes() { a } else { b };
    match (a.class(), b.class()) {
        (Class::Bool, Class::Complex) | (Class::Complex, Class::Bool) => Err(NoJoin::BoolWithNumber),
        (Class::Complex, _) | (_, Class::Complex) => {
            let both = [complex_with(a, b.part()), complex_with(b, a.part())];
            Ok(if both[0].bytes() >= both[1].bytes() { both[0] } else { both[1] })
        }
        (Class::Bool, Class::Bool)
        | (Class::Signed, Class::Signed)
        | (Class::Unsigned, Class::Unsigned)
        | (Class::Float, Class::Float) => Ok(wider),
        (Class::Half, Class::Half) if a == b => Ok(a),
        (Class::Half, Class::Half | Class::Signed | Class::Unsigned) => Ok(Type::F32),
        (Class::Signed | Class::Unsigned, Class::Half) => Ok(Type::F32),
        (Class::Float, _) => Ok(a),
        (_, Class::Float) => Ok(b),
        (Class::Signed, Class::Unsigned) => signed_for(a, b),
        (Class::Unsigned, Class::Signed) => signed_for(b, a),
        (Class::Bool, _) | (_, Class::Bool) => Err(NoJoin::BoolWithNumber),
    }
}

fn signed_for(signed: Type, unsigned: Type) -> Result<Type, NoJoin> {
    let needed = match unsigned.bytes() {
        1 => Type::I16,
        2 => Type::I32,
        4 => Type::I64,
        _ => return Err(NoJoin::U64WithSigned),
    };
    Ok(if signed.bytes() >= needed.bytes() { signed } else { needed })
}

/// The accumulator and result type of `sum` and `prod`: floats keep their type, whole numbers count in 64 bits.
pub fn accumulator(elem: Type) -> Type {
    match elem.class() {
        Class::Float | Class::Complex => elem,
        Class::Half => Type::F32,
        Class::Signed | Class::Bool => Type::I64,
        Class::Unsigned => Type::U64,
    }
}

/// Whether `from` fits `to` without loss of kind or range, so that an annotated parameter takes it. Bare numbers fit
/// halves, although they would not be computed in one.
pub fn widens(from: Ty, to: Type) -> bool {
    if to.is_half() && from.weak {
        return true;
    }
    join(from.with_rank(0), Ty::scalar(to)).is_ok_and(|ty| ty.elem == to)
}

#[cfg(test)]
mod tests {
    use super::{NoJoin, Ty, join};
    use hotloop_ir::Type::{self, *};

    fn check(a: Type, b: Type, expect: Result<Type, NoJoin>) {
        for (a, b) in [(a, b), (b, a)] {
            assert_eq!(join(Ty::scalar(a), Ty::scalar(b)).map(|ty| ty.elem), expect, "{a} with {b}");
        }
    }

    #[test]
    fn every_pair_of_the_rule() {
        for &ty in Type::ALL {
            check(ty, ty, Ok(ty));
        }
        check(I8, I32, Ok(I32));
        check(U8, U16, Ok(U16));
        check(I8, U8, Ok(I16));
        check(I16, U8, Ok(I16));
        check(I32, U32, Ok(I64));
        check(I64, U32, Ok(I64));
        check(I8, U32, Ok(I64));
        check(I64, U64, Err(NoJoin::U64WithSigned));
        check(I8, U64, Err(NoJoin::U64WithSigned));
        check(I64, F32, Ok(F32));
        check(U64, F64, Ok(F64));
        check(F32, F64, Ok(F64));
        check(C64, F32, Ok(C64));
        check(C64, F64, Ok(C128));
        check(C64, I64, Ok(C64));
        check(C128, U64, Ok(C128));
        check(C64, C128, Ok(C128));
        check(C64, F16, Ok(C64));
        check(C64, Bool, Err(NoJoin::BoolWithNumber));
        check(Bool, I32, Err(NoJoin::BoolWithNumber));
        check(Bool, F64, Err(NoJoin::BoolWithNumber));
    }

    #[test]
    fn weak_numbers_take_the_type_they_meet() {
        let of = |a, b| join(a, b).map(|ty| (ty.elem, ty.weak));
        assert_eq!(of(Ty::weak(I64), Ty::scalar(U8)), Ok((U8, false)));
        assert_eq!(of(Ty::weak(I64), Ty::scalar(F32)), Ok((F32, false)));
        assert_eq!(of(Ty::weak(F64), Ty::scalar(F32)), Ok((F32, false)));
        assert_eq!(of(Ty::weak(F64), Ty::scalar(I32)), Ok((F64, false)));
        assert_eq!(of(Ty::weak(I64), Ty::weak(F64)), Ok((F64, true)));
        assert_eq!(of(Ty::weak(I64), Ty::weak(I64)), Ok((I64, true)));
        assert_eq!(of(Ty::weak(C128), Ty::scalar(F32)), Ok((C64, false)));
        assert_eq!(of(Ty::weak(C128), Ty::scalar(C64)), Ok((C64, false)));
        assert_eq!(of(Ty::weak(C128), Ty::scalar(I32)), Ok((C128, false)));
        assert_eq!(of(Ty::weak(F64), Ty::scalar(C64)), Ok((C64, false)));
        assert_eq!(of(Ty::weak(C128), Ty::weak(F64)), Ok((C128, true)));
        assert_eq!(of(Ty::weak(I64), Ty::scalar(Bool)), Err(NoJoin::BoolWithNumber));
    }
}
