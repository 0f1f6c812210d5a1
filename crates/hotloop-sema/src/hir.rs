//! The checked tree: names resolved, functions instantiated for the types they are called with, conversions written out.
//!
//! Checking makes it and lowering consumes it. Every expression knows its type; operands of an op have one element
//! type; what remains open is only shapes.

mod edit;
mod exact;
mod walk;
mod window;
pub use exact::Exact;
pub use walk::{ByIndex, Combine, Gives, Order, Outside, Walk};
pub use window::{Border, Cores, Form, Tap, Window};

use crate::promote::Ty;
use hotloop_ir::{FoldOp, Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast::FloatLit;

/// A variable of one function instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// A function checked for certain argument types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstanceId(pub u32);

/// All instances one kernel needs; the kernel itself is `root`.
#[derive(Debug, Default)]
pub struct Program {
    /// Every instance.
    pub instances: Vec<Instance>,
}

/// A function checked for certain argument types.
#[derive(Debug)]
pub struct Instance {
    /// The function's name.
    pub name: String,
    /// Its parameters, in order.
    pub params: Vec<VarId>,
    /// Every variable, by `VarId`.
    pub vars: Vec<Var>,
    /// The body.
    pub body: Block,
    /// The types of the results; empty if it gives none.
    pub results: Vec<Ty>,
    /// Whether it handles scalars only, so that it can stand in the code of one element.
    pub scalar: bool,
    /// Whether its text is the library's, whose spans mean nothing to the user.
    pub library: bool,
    /// What a stencil reads by offsets; the variables are the last of `params`.
    pub taps: Vec<Tap>,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Var {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// How it came to be.
    pub kind: VarKind,
    /// Where it was declared.
    pub span: Span,
}

/// How a variable came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarKind {
    /// A parameter; `mut` ones may be stored into.
    Param {
        /// Declared `mut`.
        mutable: bool,
    },
    /// `let`.
    Let,
    /// `var`.
    Var,
    /// The variable of a `for`.
    Loop,
}

/// Statements and what they end in: no value, one, or several.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// The values.
    pub value: Vec<Expr>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// Binds or rebinds a variable; the value has the variable's type.
    Assign(VarId, Expr),
    /// Binds several variables to the results of one call.
    AssignCall(Vec<VarId>, Expr),
    /// Writes elements or a slice of an array.
    Store {
        /// The array.
        array: VarId,
        /// What is written.
        index: Vec<Index>,
        /// The value, of the array's element type; of any type if `merge` says what becomes of it.
        value: Expr,
        /// How it is combined with what is there; only with arrays of indices.
        merge: Option<Box<Merge>>,
    },
    /// Runs one of two blocks.
    If {
        /// A scalar bool.
        cond: Expr,
        /// Run when true.
        then: Block,
        /// Run when false.
        otherwise: Block,
    },
    /// Runs while the condition holds.
    While {
        /// A scalar bool.
        cond: Expr,
        /// One turn.
        body: Block,
    },
    /// `for var in range(start, stop, step)`; all `i64`.
    For {
        /// The loop variable.
        var: VarId,
        /// First value.
        start: Expr,
        /// Bound.
        stop: Expr,
        /// Increment.
        step: Expr,
        /// Whether it is a `prange`.
        parallel: bool,
        /// One turn.
        body: Block,
    },
    /// Leaves the innermost loop.
    Break,
    /// Starts the innermost loop's next turn.
    Continue,
    /// Leaves the function with these values.
    Return(Vec<Expr>),
}

/// What becomes of an element that a scatter meets: scalar code over the old element and the new value.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Stands for the element as it is.
    pub old: VarId,
    /// Stands for the value.
    pub new: VarId,
    /// The element as it will be, of the array's element type.
    pub result: Expr,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Its type.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// A number as written, before it meets a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number; negation folded in.
    Int(i128),
    /// A float; negation folded in.
    Float {
        /// What was written.
        lit: FloatLit,
        /// Whether a minus stood before it.
        negative: bool,
    },
    /// A float times the imaginary unit; negation folded in.
    Imaginary {
        /// What was written.
        lit: FloatLit,
        /// Whether a minus stood before it.
        negative: bool,
    },
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A number whose type is still weak.
    Number(Number),
    /// A literal with its final type.
    Const(Scalar),
    /// A variable.
    Var(VarId),
    /// A core op, element by element; operands have one element type (`select`: the last two). Beside a complex operand
    /// of an arithmetic op or a comparison the other may be real, of the type of its parts.
    Op(Op, Vec<Expr>),
    /// An integer op whose overflow is a fault, element by element; operands have one element type.
    Checked(Exact, Vec<Expr>),
    /// Integer `//` or `%`: the op, guarded against a zero divisor.
    IntDiv(Op, Box<Expr>, Box<Expr>),
    /// Integer power of a checked exponent: the library's instance.
    IntPow(InstanceId, Box<Expr>, Box<Expr>),
    /// Conversion to this expression's type.
    Convert(Box<Expr>),
    /// The same bits as this expression's type.
    Bitcast(Box<Expr>),
    /// The complex number with these parts, which have one float type.
    Complex(Box<Expr>, Box<Expr>),
    /// A part of a complex number.
    Part(Part, Box<Expr>),
    /// `a and b`, `a or b`: the op on bools; the right side counts only where the left does not decide.
    Logic(Op, Box<Expr>, Box<Expr>),
    /// `where(c, a, b)`: checks in an alternative count only where it is chosen.
    Where(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `if c { a } else { b }` with a scalar condition.
    If(Box<Expr>, Box<Block>, Box<Block>),
    /// Binds values that the last expression uses more than once.
    Let(Vec<(VarId, Expr)>, Box<Expr>),
    /// A function of scalars, mapped over arguments that are arrays.
    Map(InstanceId, Vec<Expr>),
    /// A function whose body is put here.
    Inline(InstanceId, Vec<Expr>),
    /// A function run at every place of its arguments.
    Window(Box<Window>),
    /// A matrix product of operands with one element type, neither a scalar; whether overflow of integers is a fault.
    MatMul(Box<Expr>, Box<Expr>, bool),
    /// A reduction.
    Reduce {
        /// Which.
        op: Reduction,
        /// Over what.
        arg: Box<Expr>,
        /// Over which axes, ascending; all if empty and `all`.
        axes: Vec<u32>,
        /// Whether reduced axes stay with extent 1.
        keepdims: bool,
    },
    /// A walk along axes by a function of two values: a reduction or a scan. Gives as many values as it carries.
    Walk(Box<Walk>),
    /// An array whose elements have been combined with values by index.
    ByIndex(Box<ByIndex>),
    /// The second, after the first, a scalar bool, has been found true: else there were no elements to reduce.
    Require(Box<Expr>, Box<Expr>),
    /// For each element of an array its number in C order over some of its axes, an `i64`.
    Position(Box<Expr>, Vec<u32>),
    /// An element, a slice, a view.
    Index(Box<Expr>, Vec<Index>),
    /// The extent of an axis, an `i64`.
    Extent(Box<Expr>, u32),
    /// The number of elements, an `i64`.
    Size(Box<Expr>),
    /// An array of these scalars in C order, with these extents.
    List(Vec<Expr>, Vec<usize>),
    /// An array of the given extents, all elements equal to the first operand.
    Fill(Box<Expr>, Vec<Expr>),
    /// An array of the shape of the second operand, all elements equal to the first.
    FillLike(Box<Expr>, Box<Expr>),
    /// `start + step * i` for `i` in `0 .. count`: start, step, count (an `i64`).
    Ramp(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The elements of arrays in another arrangement.
    Arrange(Box<Arrange>),
}

/// The parts of a complex number, in the order in which they lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The real part.
    Real,
    /// The imaginary part.
    Imag,
}

/// The elements of arrays in another arrangement.
#[derive(Clone, Debug)]
pub enum Arrange {
    /// The same elements in C order under other extents, `i64`s; one may be open and is what the others leave.
    Reshape(Expr, Vec<Option<Expr>>),
    /// The same elements under other axes: for each axis of the operand the axis of the result that walks it. One
    /// without has extent 1 and goes; two that are walked together give a diagonal.
    Axes(Expr, Vec<Option<u32>>),
    /// Broadcast to these extents, `i64`s.
    Stretch(Expr, Vec<Expr>),
    /// Arrays of one type and rank, one after the other along an axis.
    Concat(Vec<Expr>, u32),
    /// Moved by so many places, an `i64`, along an axis, round its end.
    Roll(Expr, Expr, u32),
}

/// The reductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// One fold; the argument has the accumulator's type.
    Fold(FoldOp),
    /// Sum over count; the argument is a float.
    Mean,
    /// The number of the first least, or greatest, element in C order over the axes, the last of which is that of the
    /// argument.
    First(FoldOp),
}

/// One part of an index.
#[derive(Clone, Debug)]
pub enum Index {
    /// One index, an `i64`.
    At(Expr),
    /// A slice; the bounds are `i64`, the step a literal.
    Slice {
        /// First index.
        start: Option<Expr>,
        /// Bound.
        stop: Option<Expr>,
        /// Increment.
        step: Stride,
    },
    /// A new axis of extent 1.
    NewAxis,
    /// An array of indices, `i64`s.
    Array(Expr),
    /// An array of bools for as many axes as it has: the places where it is true.
    Mask(Expr),
}

/// The increment of a slice.
#[derive(Clone, Debug)]
pub enum Stride {
    /// A literal, not 0.
    Known(i64),
    /// An `i64` of run time, checked not to be 0.
    Given(Expr),
}

impl Program {
    /// The instance behind a handle.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.0 as usize]
    }
}

impl Instance {
    /// The variable behind a handle.
    pub fn var(&self, id: VarId) -> &Var {
        &self.vars[id.0 as usize]
    }
}

impl Expr {
    /// The type that messages name: of a half that was widened to be computed with, the half's. A cast that is written
    /// stands around what it casts.
    pub fn written(&self) -> Ty {
        match &self.kind {
            Kind::Convert(half) if half.ty.elem.is_half() && half.span == self.span => half.ty,
            _ => self.ty,
        }
    }

    /// A typed scalar literal.
    pub fn constant(value: Scalar, span: Span) -> Expr {
        Expr { kind: Kind::Const(value), ty: Ty::scalar(value.ty), span }
    }

    /// An `i64` literal.
    pub fn int(value: i64, span: Span) -> Expr {
        Expr::constant(Scalar::i64(value), span)
    }

    /// An op on operands that have been brought to one element type.
    pub fn op(op: Op, args: Vec<Expr>, span: Span) -> Expr {
        let rank = args.iter().map(|arg| arg.ty.rank).max().unwrap_or(0);
        let complex = args.iter().map(|arg| arg.ty.elem).find(|elem| elem.is_complex());
        let last = complex.or(args.last().map(|arg| arg.ty.elem)).unwrap_or(Type::Bool);
        let skip = usize::from(op == Op::Select);
        let weak = args.iter().skip(skip).all(|arg| arg.ty.weak);
        let elem = op.result(last);
        Expr { kind: Kind::Op(op, args), ty: Ty { elem, weak: weak && elem != Type::Bool, rank }, span }
    }

    /// Every direct subexpression, those inside blocks left out.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Number(_) | Kind::Const(_) | Kind::Var(_) => vec![],
            Kind::Op(_, args) | Kind::Checked(_, args) => args.iter().collect(),
            Kind::Map(_, args) | Kind::Inline(_, args) | Kind::List(args, _) => args.iter().collect(),
            Kind::Window(window) => window.args.iter().collect(),
            Kind::IntDiv(_, a, b)
            | Kind::IntPow(_, a, b)
            | Kind::Logic(_, a, b)
            | Kind::MatMul(a, b, _)
            | Kind::Complex(a, b)
            | Kind::FillLike(a, b) => vec![a, b],
            Kind::Require(a, b) => vec![a, b],
            Kind::ByIndex(by) => by.start.iter().chain(&by.index).chain([&by.value]).collect(),
            Kind::Walk(walk) => walk.args.iter().chain(&walk.identity).collect(),
            Kind::Position(a, _) | Kind::Part(_, a) => vec![a],
            Kind::Convert(a) | Kind::Bitcast(a) | Kind::Extent(a, _) | Kind::Size(a) | Kind::If(a, ..) => vec![a],
            Kind::Where(a, b, c) | Kind::Ramp(a, b, c) => vec![a, b, c],
            Kind::Reduce { arg, .. } => vec![arg],
            Kind::Let(bound, value) => bound.iter().map(|(_, value)| value).chain([&**value]).collect(),
            Kind::Fill(value, extents) => std::iter::once(&**value).chain(extents).collect(),
            Kind::Index(base, index) => std::iter::once(&**base).chain(index.iter().flat_map(Index::exprs)).collect(),
            Kind::Arrange(arrange) => arrange.exprs(),
        }
    }
}

impl Index {
    /// The expressions inside.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let list: Vec<&Expr> = match self {
            Index::At(at) | Index::Array(at) | Index::Mask(at) => vec![at],
            Index::Slice { start, stop, step } => {
                let step = match step {
                    Stride::Known(_) => None,
                    Stride::Given(step) => Some(step),
                };
                start.iter().chain(stop).chain(step).collect()
            }
            Index::NewAxis => vec![],
        };
        list.into_iter()
    }

    /// A whole axis.
    pub fn whole() -> Index {
        Index::Slice { start: None, stop: None, step: Stride::Known(1) }
    }

    /// Whether it selects by an array, so that what is selected is no view.
    pub fn by_array(&self) -> bool {
        match self {
            Index::Array(_) | Index::Mask(_) => true,
            Index::At(_) | Index::Slice { .. } | Index::NewAxis => false,
        }
    }
}

impl Arrange {
    /// The expressions inside.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Arrange::Reshape(base, extents) => std::iter::once(base).chain(extents.iter().flatten()).collect(),
            Arrange::Axes(base, _) => vec![base],
            Arrange::Stretch(base, extents) => std::iter::once(base).chain(extents).collect(),
            Arrange::Concat(parts, _) => parts.iter().collect(),
            Arrange::Roll(base, shift, _) => vec![base, shift],
        }
    }
}

impl Walk {
    /// The types of what it gives.
    pub fn results(&self) -> Vec<Ty> {
        let rank = match self.gives {
            Gives::Last { keepdims: false } => self.rank - self.axes.len() as u32,
            Gives::Last { keepdims: true } | Gives::Each | Gives::Before => self.rank,
        };
        self.types.iter().map(|&elem| Ty::array(elem, rank)).collect()
    }
}

impl Block {
    /// Calls `f` for every expression in the block, outermost first, those of nested blocks included.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        for stmt in &self.stmts {
            stmt.walk(f);
        }
        for value in &self.value {
            value.walk(f);
        }
    }

    /// Calls `f` for every statement, those of nested blocks included.
    pub fn walk_stmts<'a>(&'a self, f: &mut dyn FnMut(&'a Stmt)) {
        for stmt in &self.stmts {
            f(stmt);
            match &stmt.kind {
                StmtKind::If { then, otherwise, .. } => {
                    then.walk_stmts(f);
                    otherwise.walk_stmts(f);
                }
                StmtKind::While { body, .. } | StmtKind::For { body, .. } => body.walk_stmts(f),
                StmtKind::Assign(..)
                | StmtKind::AssignCall(..)
                | StmtKind::Store { .. }
                | StmtKind::Break
                | StmtKind::Continue
                | StmtKind::Return(_) => {}
            }
        }
    }
}

impl Expr {
    /// Calls `f` for this expression and every one inside, those of nested blocks included.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        f(self);
        for child in self.children() {
            child.walk(f);
        }
        if let Kind::If(_, then, otherwise) = &self.kind {
            then.walk(f);
            otherwise.walk(f);
        }
    }
}

impl Stmt {
    /// The expressions that stand directly in this statement.
    pub fn exprs(&self) -> Vec<&Expr> {
        match &self.kind {
            StmtKind::Assign(_, value) | StmtKind::AssignCall(_, value) => vec![value],
            StmtKind::Store { index, value, merge, .. } => {
                let result = merge.as_ref().map(|merge| &merge.result);
                index.iter().flat_map(Index::exprs).chain([value]).chain(result).collect()
            }
            StmtKind::If { cond, .. } | StmtKind::While { cond, .. } => vec![cond],
            StmtKind::For { start, stop, step, .. } => vec![start, stop, step],
            StmtKind::Return(values) => values.iter().collect(),
            StmtKind::Break | StmtKind::Continue => vec![],
        }
    }

    /// Calls `f` for every expression in the statement, those of nested blocks included.
    pub fn walk<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        for expr in self.exprs() {
            expr.walk(f);
        }
        match &self.kind {
            StmtKind::If { then, otherwise, .. } => {
                then.walk(f);
                otherwise.walk(f);
            }
            StmtKind::While { body, .. } | StmtKind::For { body, .. } => body.walk(f),
            StmtKind::Assign(..)
            | StmtKind::AssignCall(..)
            | StmtKind::Store { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_) => {}
        }
    }
}
