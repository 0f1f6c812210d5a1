//! The words of the text form for what has no name in the language: roles, layouts, kinds of axes, shapes, faults.
//! One table each, for printing and for reading.

use crate::program::{AxisKind, FaultKind, Layout, Role, Shape};

macro_rules! names {
    ($($ty:ident { $($variant:ident $name:literal;)* })*) => {$(
        impl $ty {
            /// The word in the printed IR.
            pub const fn name(self) -> &'static str {
                match self { $($ty::$variant => $name,)* }
            }

            /// The one with this name.
            pub fn from_name(name: &str) -> Option<$ty> {
                match name { $($name => Some($ty::$variant),)* _ => None }
            }
        }
    )*};
}

names! {
    Role {
        Input "input";
        Mut "mut";
        Output "output";
        Temp "temp";
    }
    Layout {
        Dense "dense";
        UnitInner "unit_inner";
        Strided "strided";
    }
    AxisKind {
        Parallel "parallel";
        Reduce "reduce";
        Ordered "ordered";
    }
    Shape {
        Serial "serial";
        Map "map";
        FoldRows "fold_rows";
        FoldColumns "fold_columns";
        FoldPoints "fold_points";
    }
    FaultKind {
        Index "index";
        DivideByZero "divide_by_zero";
        Shape "shape";
        Inner "inner";
        NegativeExtent "negative_extent";
        EmptyReduction "empty_reduction";
        NegativeExponent "negative_exponent";
        ZeroStep "zero_step";
        Overflow "overflow";
        Reshape "reshape";
    }
}
