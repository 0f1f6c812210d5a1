//! The expressions inside expressions and indices, to be changed in place.
//!
//! The counterpart of `children` and `exprs`: every kind is listed once in each, and statements are matched where they
//! are changed.

use super::{Arrange, Expr, Index, Kind, Stride};

impl Expr {
    /// Every direct subexpression, those inside blocks left out.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            Kind::Number(_) | Kind::Const(_) | Kind::Var(_) => vec![],
            Kind::Op(_, args)
            | Kind::Checked(_, args)
            | Kind::Map(_, args)
            | Kind::Inline(_, args)
            | Kind::List(args, _) => args.iter_mut().collect(),
            Kind::Window(window) => window.args.iter_mut().collect(),
            Kind::IntDiv(_, a, b)
            | Kind::IntPow(_, a, b)
            | Kind::Logic(_, a, b)
            | Kind::MatMul(a, b, _)
            | Kind::Complex(a, b)
            | Kind::FillLike(a, b)
            | Kind::Require(a, b) => vec![a, b],
            Kind::ByIndex(by) => by.start.iter_mut().chain(&mut by.index).chain([&mut by.value]).collect(),
            Kind::Walk(walk) => walk.args.iter_mut().chain(&mut walk.identity).collect(),
            Kind::Position(a, _)
            | Kind::Part(_, a)
            | Kind::Convert(a)
            | Kind::Bitcast(a)
            | Kind::Extent(a, _)
            | Kind::Size(a)
            | Kind::If(a, ..) => vec![a],
            Kind::Where(a, b, c) | Kind::Ramp(a, b, c) => vec![a, b, c],
            Kind::Reduce { arg, .. } => vec![arg],
            Kind::Let(bound, value) => bound.iter_mut().map(|(_, value)| value).chain([&mut **value]).collect(),
            Kind::Fill(value, extents) => std::iter::once(&mut **value).chain(extents).collect(),
            Kind::Index(base, index) => {
                std::iter::once(&mut **base).chain(index.iter_mut().flat_map(Index::exprs_mut)).collect()
            }
            Kind::Arrange(arrange) => arrange.exprs_mut(),
        }
    }
}

impl Index {
    /// The expressions inside.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Index::At(at) | Index::Array(at) | Index::Mask(at) => vec![at],
            Index::Slice { start, stop, step } => {
                let step = match step {
                    Stride::Known(_) => None,
                    Stride::Given(step) => Some(step),
                };
                start.iter_mut().chain(stop).chain(step).collect()
            }
            Index::NewAxis => vec![],
        }
    }
}

impl Arrange {
    /// The expressions inside.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Arrange::Reshape(base, extents) => std::iter::once(base).chain(extents.iter_mut().flatten()).collect(),
            Arrange::Axes(base, _) => vec![base],
            Arrange::Stretch(base, extents) => std::iter::once(base).chain(extents).collect(),
            Arrange::Concat(parts, _) => parts.iter_mut().collect(),
            Arrange::Roll(base, shift, _) => vec![base, shift],
        }
    }
}
