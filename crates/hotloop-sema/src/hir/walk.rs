//! Walks along axes and combinations by index: what carries values from one element to the next.

use super::{Expr, InstanceId};
use hotloop_ir::{Op, Type};

/// A walk along axes that carries one or several values and combines them with those of each element.
#[derive(Clone, Debug)]
pub struct Walk {
    /// How two lists of values become one.
    pub combine: Combine,
    /// What is walked: one expression per value carried, or one call that gives them all. Shapes broadcast.
    pub args: Vec<Expr>,
    /// The types of the values carried.
    pub types: Vec<Type>,
    /// What changes nothing, one per value carried; empty if it is not known.
    pub identity: Vec<Expr>,
    /// The axes, ascending. A scan has one.
    pub axes: Vec<u32>,
    /// The number of axes of what is walked.
    pub rank: u32,
    /// Whether elements may be combined in groups.
    pub order: Order,
    /// What comes out.
    pub gives: Gives,
}

/// How two values, or two lists of values, become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// A core op.
    Op(Op),
    /// A function of scalars: first all values of one side, then all of the other.
    Call(InstanceId),
}

/// In which groups the elements along an axis are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In blocks of fixed size, whose results are then combined in order.
    Blocks,
    /// One after another.
    Straight,
}

/// What a walk gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The last values.
    Last {
        /// Whether the axes stay with extent 1.
        keepdims: bool,
    },
    /// The values after each element.
    Each,
    /// The values before each element.
    Before,
}

/// `a[i] = combine(a[i], value)` for each index `i` in order.
#[derive(Clone, Debug)]
pub struct ByIndex {
    /// How an element and a value become the new element.
    pub combine: Combine,
    /// What the elements are before; none if the array that is stored into already holds that.
    pub start: Option<Expr>,
    /// One `i64` index per axis of the array; shapes broadcast, with the value's too.
    pub index: Vec<Expr>,
    /// The values.
    pub value: Expr,
    /// The type of the elements.
    pub elem: Type,
    /// What an index outside means.
    pub outside: Outside,
}

/// What an index outside an array means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// A fault. Negative ones count from the end.
    Fault,
    /// A fault, for negative ones too.
    FaultNegative,
    /// Nothing is done.
    Ignore,
}
