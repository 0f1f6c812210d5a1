//! The arrays of a Program: where their memory comes from, how it lies, and what the caller sees of them.

use crate::types::Type;

/// Where an array's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A parameter that is only read.
    Input,
    /// A parameter that is read and written in place.
    Mut,
    /// A result: made by an `Alloc` step, or the caller's `out=` array of that shape.
    Output,
    /// A temporary: made by an `Alloc` step, gone after the call.
    Temp,
}

/// What is known at compile time about how an array lies in memory. Strides themselves are run-time values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// C order without gaps: the stride of the last axis is the element size, that of each other axis is the product
    /// of stride and extent of the next.
    Dense,
    /// The stride of the last axis is the element size; the others are anything.
    UnitInner,
    /// Anything.
    Strided,
}

/// An array of the program.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Array {
    /// The user's name, or a made-up one for temporaries.
    pub name: String,
    /// The element type.
    pub ty: Type,
    /// The number of axes; at least 1 (arrays without axes are scalars).
    pub rank: u32,
    /// Where its memory comes from.
    pub role: Role,
    /// How it lies in memory. Outputs and temporaries are `Dense` unless the caller's `out=` is not.
    pub layout: Layout,
    /// Whether its elements are, to the caller, complex: the last axis then has two elements, the real part and the
    /// imaginary one.
    pub pairs: bool,
}

impl Array {
    /// The element type as the caller sees it.
    pub fn element(&self) -> Type {
        if self.pairs { self.ty.complex().unwrap_or(self.ty) } else { self.ty }
    }

    /// The number of axes as the caller sees it.
    pub fn axes(&self) -> u32 {
        self.rank - u32::from(self.pairs)
    }
}
