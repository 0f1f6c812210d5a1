//! Integer ops whose overflow is a fault: which there are, and how they are written.

use super::{Expr, Kind};
use hotloop_ir::Op;

macro_rules! exact {
    ($($variant:ident $op:ident $sign:literal;)*) => {
        /// The integer ops whose overflow `@checked` code reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Exact {
            $(#[doc = concat!("`", $sign, "`")] $variant,)*
        }

        impl Exact {
            /// The op, which wraps.
            pub const fn op(self) -> Op {
                match self { $(Exact::$variant => Op::$op,)* }
            }

            /// How it is written; the one operand of those that have one alone is `x`.
            pub const fn sign(self) -> &'static str {
                match self { $(Exact::$variant => $sign,)* }
            }

            /// The checked form of an op, if it can overflow.
            pub fn of(op: Op) -> Option<Exact> {
                [$(Exact::$variant),*].into_iter().find(|exact| exact.op() == op && *exact != Exact::Total)
            }
        }
    };
}

exact! {
    Add Add "+";
    Sub Sub "-";
    Mul Mul "*";
    Neg Neg "-x";
    Abs Abs "abs(x)";
    FloorDiv FloorDiv "//";
    // The upper half of a sum put in its place, which is there exactly where the sum fits.
    Total Mul "sum";
}

impl Expr {
    /// The same op, its overflow a fault if it is one on integers that can overflow.
    pub fn checked(self) -> Expr {
        let Kind::Op(op, args) = self.kind else { return self };
        let kind = match Exact::of(op).filter(|_| self.ty.elem.is_int()) {
            Some(exact) => Kind::Checked(exact, args),
            None => Kind::Op(op, args),
        };
        Expr { kind, ..self }
    }
}
