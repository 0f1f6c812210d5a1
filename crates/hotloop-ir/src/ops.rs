//! The table of core ops: the closed set of pure scalar operations that every target implements.
//!
//! A row gives the name, the number of operands, which classes they take and what they give back. Their meaning is
//! defined once, in `semantics`. Conversions and bit casts carry a type and are instructions of their own.

use crate::types::{Class, Type};

/// Which operand types an op accepts. All operands have the same type, except the condition of `select`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Integers and floats.
    Number,
    /// Integers.
    Int,
    /// Floats.
    Float,
    /// Integers and bool.
    Bits,
    /// Every type of programs but halves.
    Any,
    /// Every type of programs.
    Stored,
}

impl Accepts {
    /// Whether operands of type `ty` are accepted.
    pub const fn admits(self, ty: Type) -> bool {
        match (self, ty.class()) {
            (_, Class::Complex) => false,
            (Accepts::Stored, _) => true,
            (Accepts::Any, Class::Bool | Class::Signed | Class::Unsigned | Class::Float) => true,
            (Accepts::Number, Class::Signed | Class::Unsigned | Class::Float) => true,
            (Accepts::Int, Class::Signed | Class::Unsigned) => true,
            (Accepts::Float, Class::Float) => true,
            (Accepts::Bits, Class::Bool | Class::Signed | Class::Unsigned) => true,
            (_, Class::Half) => false,
            (Accepts::Number, Class::Bool)
            | (Accepts::Int, Class::Bool | Class::Float)
            | (Accepts::Float, Class::Bool | Class::Signed | Class::Unsigned)
            | (Accepts::Bits, Class::Float) => false,
        }
    }
}

/// What type an op gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The type of its (last) operand.
    Same,
    /// `bool`.
    Bool,
}

macro_rules! core_ops {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $arity:literal $accepts:ident $gives:ident $commutes:literal;)*) => {
        /// A pure scalar operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Op {
            /// Every op, in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$variant),*];

            /// The name in the printed IR.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$variant => $name,)* }
            }

            /// The number of operands, 1 to 3.
            pub const fn arity(self) -> usize {
                match self { $(Op::$variant => $arity,)* }
            }

            /// The operand types it takes.
            pub const fn accepts(self) -> Accepts {
                match self { $(Op::$variant => Accepts::$accepts,)* }
            }

            /// The type of its result.
            pub const fn gives(self) -> Gives {
                match self { $(Op::$variant => Gives::$gives,)* }
            }

            /// Whether the first two operands can be exchanged without changing a bit (any NaN equals any NaN).
            pub const fn commutes(self) -> bool {
                match self { $(Op::$variant => $commutes,)* }
            }

            /// The op with this name.
            pub fn from_name(name: &str) -> Option<Op> {
                match name { $($name => Some(Op::$variant),)* _ => None }
            }
        }
    };
}

core_ops! {
    /// Sum; integers wrap.
    Add "add" 2 Number Same true;
    /// Difference; integers wrap.
    Sub "sub" 2 Number Same false;
    /// Product; integers wrap.
    Mul "mul" 2 Number Same true;
    /// Float quotient.
    Div "div" 2 Float Same false;
    /// Integer quotient rounded towards minus infinity; 0 where the divisor is 0; the smallest integer by -1 wraps.
    FloorDiv "floordiv" 2 Int Same false;
    /// Integer remainder with the divisor's sign; 0 where the divisor is 0.
    FloorRem "floorrem" 2 Int Same false;
    /// Negation: integers wrap, floats flip the sign bit.
    Neg "neg" 1 Number Same false;
    /// Magnitude: signed integers wrap, floats clear the sign bit.
    Abs "abs" 1 Number Same false;
    /// The smaller; a NaN operand gives NaN, and -0 < +0.
    Min "min" 2 Number Same true;
    /// The larger; a NaN operand gives NaN, and -0 < +0.
    Max "max" 2 Number Same true;
    /// Correctly rounded square root.
    Sqrt "sqrt" 1 Float Same false;
    /// `a*b + c` rounded once.
    Fma "fma" 3 Float Same true;
    /// Rounds towards minus infinity.
    Floor "floor" 1 Float Same false;
    /// Rounds towards plus infinity.
    Ceil "ceil" 1 Float Same false;
    /// Rounds towards zero.
    Trunc "trunc" 1 Float Same false;
    /// Rounds to the nearest integer, ties to even.
    Round "round" 1 Float Same false;
    /// The magnitude of the first operand with the sign bit of the second.
    Copysign "copysign" 2 Float Same false;
    /// `x * 2^floor(n)`, rounded once, as AVX-512's `vscalef`: a NaN operand gives NaN, `ldexp(0, inf)` and
    /// `ldexp(inf, -inf)` give NaN.
    Ldexp "ldexp" 2 Float Same false;
    /// `floor(log2(|x|))` as a float, subnormals included, as AVX-512's `vgetexp`: 0 gives -inf, an infinity +inf,
    /// NaN NaN.
    Getexp "getexp" 1 Float Same false;
    /// The mantissa of `x` with its sign and a magnitude in [1, 2), as AVX-512's `vgetmant`: zeros and infinities give
    /// 1 with their sign, NaN NaN.
    Getmant "getmant" 1 Float Same false;
    /// Bitwise and; logical on bool.
    And "and" 2 Bits Same true;
    /// Bitwise or; logical on bool.
    Or "or" 2 Bits Same true;
    /// Bitwise exclusive or; logical on bool.
    Xor "xor" 2 Bits Same true;
    /// Bitwise complement; logical on bool.
    Not "not" 1 Bits Same false;
    /// The operand itself; the branch that depends on it is seldom taken, so its code may be slow.
    Unlikely "unlikely" 1 Bits Same false;
    /// Shift left; a count outside `0 .. bits` gives 0.
    Shl "shl" 2 Int Same false;
    /// Shift right, filling with the sign of a signed operand; a count outside `0 .. bits` gives all fill.
    Shr "shr" 2 Int Same false;
    /// Equal; false if either is NaN, and -0 = +0.
    Eq "eq" 2 Any Bool true;
    /// Not equal; true if either is NaN.
    Ne "ne" 2 Any Bool true;
    /// Less; false if either is NaN.
    Lt "lt" 2 Number Bool false;
    /// Less or equal; false if either is NaN.
    Le "le" 2 Number Bool false;
    /// The second operand where the first, a bool, is true; the third elsewhere.
    Select "select" 3 Stored Same false;
}

impl Op {
    /// The result type of this op on operands of type `ty` (for `select`, the type of the two alternatives).
    pub const fn result(self, ty: Type) -> Type {
        match self.gives() {
            Gives::Same => ty,
            Gives::Bool => Type::Bool,
        }
    }
}

/// How a reduction combines two values. All are folded through the fixed tree that `semantics` defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FoldOp {
    /// `add`; starts at 0, floats at -0.0.
    Sum,
    /// `mul`; starts at 1.
    Prod,
    /// `min`; starts at the type's largest value, floats at +inf.
    Min,
    /// `max`; starts at the type's smallest value, floats at -inf.
    Max,
    /// `and` on bool; starts at true.
    All,
    /// `or` on bool; starts at false.
    Any,
}

impl FoldOp {
    /// Every fold.
    pub const ALL: &'static [FoldOp] = &[FoldOp::Sum, FoldOp::Prod, FoldOp::Min, FoldOp::Max, FoldOp::All, FoldOp::Any];

    /// The name in the language and in the printed IR.
    pub const fn name(self) -> &'static str {
        match self {
            FoldOp::Sum => "sum",
            FoldOp::Prod => "prod",
            FoldOp::Min => "min",
            FoldOp::Max => "max",
            FoldOp::All => "all",
            FoldOp::Any => "any",
        }
    }

    /// The fold with this name.
    pub fn from_name(name: &str) -> Option<FoldOp> {
        FoldOp::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// The core op that combines two partial results.
    pub const fn op(self) -> Op {
        match self {
            FoldOp::Sum => Op::Add,
            FoldOp::Prod => Op::Mul,
            FoldOp::Min => Op::Min,
            FoldOp::Max => Op::Max,
            FoldOp::All => Op::And,
            FoldOp::Any => Op::Or,
        }
    }

    /// Whether accumulators of type `ty` make sense.
    pub const fn admits(self, ty: Type) -> bool {
        match self {
            FoldOp::Sum | FoldOp::Prod | FoldOp::Min | FoldOp::Max => ty.is_numeric(),
            FoldOp::All | FoldOp::Any => matches!(ty, Type::Bool),
        }
    }
}
