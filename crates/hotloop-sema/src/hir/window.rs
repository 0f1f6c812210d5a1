//! Functions run at every place of their arguments: what a checked stencil reads, and what a call of it or of a function
//! over core axes holds.

use super::{Expr, InstanceId, VarId};
use hotloop_ir::Scalar;

/// An element that a stencil reads beside its own place.
#[derive(Clone, Debug, PartialEq)]
pub struct Tap {
    /// Which parameter it reads.
    pub param: usize,
    /// How far away along each axis.
    pub offsets: Vec<i64>,
    /// The variable that holds the element.
    pub var: VarId,
}

/// A function run at every place of its arguments.
#[derive(Clone, Debug)]
pub struct Window {
    /// The function.
    pub id: InstanceId,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// What it sees of them.
    pub form: Form,
}

/// What a function that is run at every place of its arguments sees of them.
#[derive(Clone, Debug)]
pub enum Form {
    /// The elements around its place.
    Stencil(Border),
    /// The last axes.
    Cores(Cores),
}

/// What lies beyond the edge of a stencil's arrays.
#[derive(Clone, Debug)]
pub enum Border {
    /// For each argument, the value of all elements there.
    Constant(Vec<Scalar>),
    /// The last element before the edge.
    Edge,
    /// The array in a mirror at its edge.
    Reflect,
    /// The array in a mirror at its last element.
    Mirror,
    /// The array again.
    Wrap,
    /// Nothing: results there are elements of this argument.
    Skip(usize),
    /// Nothing: results there are these values.
    Fill(Vec<Scalar>),
}

/// The core axes of arguments and results, as positions in `letters`.
#[derive(Clone, Debug)]
pub struct Cores {
    /// The names of the extents.
    pub letters: Vec<String>,
    /// The axes of each argument.
    pub inputs: Vec<Vec<u32>>,
    /// The axes of each result.
    pub outputs: Vec<Vec<u32>>,
}
