//! The operators: one row each with its text and how tightly it binds.
//!
//! The lexer, the parser and the printer read these tables; what an operator means is decided elsewhere.

/// How tightly things bind, loosest first.
pub(crate) mod level {
    /// `or`
    pub const OR: u8 = 1;
    /// `and`
    pub const AND: u8 = 2;
    /// prefix `not`
    pub const NOT: u8 = 3;
    /// chained comparisons
    pub const COMPARE: u8 = 4;
    /// `|`
    pub const BIT_OR: u8 = 5;
    /// `^`
    pub const BIT_XOR: u8 = 6;
    /// `&`
    pub const BIT_AND: u8 = 7;
    /// `<< >>`
    pub const SHIFT: u8 = 8;
    /// `+ -`
    pub const SUM: u8 = 9;
    /// `* / // % @`
    pub const PRODUCT: u8 = 10;
    /// prefix `- + ~`
    pub const SIGN: u8 = 11;
    /// `**`
    pub const POWER: u8 = 12;
    /// calls, indexing, fields and everything in brackets
    pub const POSTFIX: u8 = 13;
}

macro_rules! operators {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal $level:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every operator of this kind, in the order of the table.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The operator as it is written.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// How tightly it binds; see `level`.
            pub(crate) const fn level(self) -> u8 {
                match self { $($name::$variant => level::$level,)* }
            }
        }
    };
}

operators! {
    /// An operator between two operands. All but `**` take their operands from the left.
    BinaryOp {
        Or "or" OR,
        And "and" AND,
        BitOr "|" BIT_OR,
        BitXor "^" BIT_XOR,
        BitAnd "&" BIT_AND,
        Shl "<<" SHIFT,
        Shr ">>" SHIFT,
        Add "+" SUM,
        Sub "-" SUM,
        Mul "*" PRODUCT,
        Div "/" PRODUCT,
        FloorDiv "//" PRODUCT,
        Mod "%" PRODUCT,
        MatMul "@" PRODUCT,
        Pow "**" POWER,
    }
}

operators! {
    /// An operator before its operand.
    UnaryOp {
        Not "not" NOT,
        Neg "-" SIGN,
        Plus "+" SIGN,
        BitNot "~" SIGN,
    }
}

operators! {
    /// A comparison, a link of a chain.
    CompareOp {
        Lt "<" COMPARE,
        Le "<=" COMPARE,
        Gt ">" COMPARE,
        Ge ">=" COMPARE,
        Eq "==" COMPARE,
        Ne "!=" COMPARE,
    }
}
