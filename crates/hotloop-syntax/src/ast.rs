//! The tree that the parser makes: what was written, with the place of every part, and no meaning.
//!
//! Names are not resolved and types are not checked. Operators are in `ops`, numbers in `literal`. The height of a
//! tree is bounded by `Limits`, so that walking and dropping it by recursion is safe.

use std::sync::Arc;

use hotloop_source::Span;

pub use crate::literal::{FloatLit, IntLit};
pub use crate::ops::{BinaryOp, CompareOp, UnaryOp};

/// A whole text of items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The functions and kernels, in the order of the text.
    pub items: Vec<Item>,
}

/// A function or a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What was declared.
    pub kind: ItemKind,
    /// Its name.
    pub name: Name,
    /// The parameters, in order.
    pub params: Vec<Param>,
    /// The annotated result, if any.
    pub result: Option<ResultType>,
    /// The attributes before it, in order.
    pub attrs: Vec<Attribute>,
    /// The body; one without statements where it was written as `= expr`.
    pub body: Block,
    /// From the first attribute to the end of the body.
    pub span: Span,
}

/// The two kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `fn`: a helper, inlined where it is called.
    Fn,
    /// `kernel`: an entry point.
    Kernel,
}

/// A name where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name itself.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A parameter: `name` or `name: type`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The name inside the body.
    pub name: Name,
    /// The annotation, if any.
    pub ty: Option<TypeExpr>,
    /// The name and the annotation.
    pub span: Span,
}

/// A written type: `f64`, `f64[:, :]`, `mut f64[:]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// Whether `mut` stands before it.
    pub mutable: bool,
    /// The element type, any name.
    pub element: Name,
    /// The number of axes of an array; none for a scalar.
    pub rank: Option<usize>,
    /// The whole type.
    pub span: Span,
}

/// What stands after `->`.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultType {
    /// `-> type`
    One(TypeExpr),
    /// `-> (type, type)`
    Tuple(Vec<TypeExpr>, Span),
}

/// `@name` or `@name(arg, key = value)` before an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name after `@`.
    pub name: Name,
    /// What stands in the parentheses, in order.
    pub args: Vec<AttrArg>,
    /// From `@` to the end.
    pub span: Span,
}

/// One argument of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrArg {
    /// The key, where it was written as `key = value`.
    pub key: Option<Name>,
    /// The value.
    pub value: AttrValue,
    /// The key and the value.
    pub span: Span,
}

/// The value of an attribute's argument.
#[derive(Clone, Debug, PartialEq)]
pub enum AttrValue {
    /// An expression such as `parallel` or `constant(0)`.
    Expr(Expr),
    /// A string such as `"(n),(n)->()"`, without its quotes.
    Text(Arc<str>, Span),
}

/// Statements and the value they end in.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The statements before the value.
    pub stmts: Vec<Stmt>,
    /// The value: the last expression, if the block ends in one.
    pub value: Option<Box<Expr>>,
    /// From brace to brace, or the expression alone.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// The whole statement.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `let x = e`, `let x: type = e`, `let (a, b) = e`
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The annotation, if any.
        ty: Option<TypeExpr>,
        /// What it is bound to.
        value: Expr,
    },
    /// `var x = e`, `var x: type = e`
    Var {
        /// The variable.
        name: Name,
        /// The annotation, if any.
        ty: Option<TypeExpr>,
        /// Its first value.
        value: Expr,
    },
    /// `place = e`, `place += e`
    Assign {
        /// Where the value goes.
        place: Place,
        /// The operator of a compound assignment.
        op: Option<BinaryOp>,
        /// The right side.
        value: Expr,
    },
    /// An `if` whose value is not used.
    If(If),
    /// `while cond { … }`
    While {
        /// Checked before each turn.
        cond: Expr,
        /// One turn.
        body: Block,
    },
    /// `for var in iter { … }`
    For {
        /// The loop variable.
        var: Name,
        /// What is walked: `range(…)` or `prange(…)`, as far as the grammar is concerned any expression.
        iter: Expr,
        /// One turn.
        body: Block,
    },
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `return`, `return e`
    Return(Option<Expr>),
    /// An expression whose value is not used.
    Expr(Expr),
}

/// What a `let` binds.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// One name.
    Name(Name),
    /// `(a, b)`
    Tuple(Vec<Name>, Span),
}

/// What can be assigned to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A variable.
    Name(Name),
    /// An element or a slice of an array.
    Index(Index),
    /// Several places, `(a, b) = e`.
    Tuple(Vec<Place>, Span),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The whole expression, parentheses around it left out.
    pub span: Span,
}

/// The kinds of expressions. Parentheses leave no trace but the shape of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A name, also a predefined one such as `pi` or `true`.
    Name(Arc<str>),
    /// `2`, `0xFFu8`
    Int(IntLit),
    /// `1.5`, `3f32`, `0x1.8p3`
    Float(FloatLit),
    /// `2j`, `1.5j`
    Imaginary(FloatLit),
    /// `-x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it is applied to.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Its left side.
        left: Box<Expr>,
        /// Its right side.
        right: Box<Expr>,
    },
    /// `a < b <= c`; each operand is evaluated once and all links must hold.
    Compare {
        /// The first operand.
        first: Box<Expr>,
        /// The links, at least one.
        rest: Vec<CompareLink>,
    },
    /// `f(a, key = b)`
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// The positional arguments.
        args: Vec<Expr>,
        /// The keyword arguments, after the positional ones.
        named: Vec<NamedArg>,
    },
    /// `a[i, 1:-1]`
    Index(Index),
    /// `a.shape`
    Field {
        /// What stands before the dot.
        base: Box<Expr>,
        /// The name after it.
        name: Name,
    },
    /// `(a, b)`, `(a,)`, `()`
    Tuple(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `if c { a } else { b }`, `if c then a else b`
    If(Box<If>),
}

/// One operator of a comparison and what stands to its right.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareLink {
    /// The operator.
    pub op: CompareOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// The operand to its right.
    pub operand: Expr,
}

/// A keyword argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArg {
    /// The keyword.
    pub name: Name,
    /// The value.
    pub value: Expr,
}

/// An array and what selects from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// What is indexed.
    pub base: Box<Expr>,
    /// What stands between the brackets, at least one.
    pub elements: Vec<IndexElem>,
    /// The base and the brackets.
    pub span: Span,
}

/// One of the comma-separated parts of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexElem {
    /// What it is.
    pub kind: IndexKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of parts of an index.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexKind {
    /// One index, a mask or an array of indices.
    At(Box<Expr>),
    /// `start:stop:step`
    Slice {
        /// Before the first colon.
        start: Option<Box<Expr>>,
        /// After the first colon.
        stop: Option<Box<Expr>>,
        /// After the second colon.
        step: Option<Box<Expr>>,
    },
    /// The bare name `newaxis`.
    NewAxis,
    /// `...`
    Ellipsis,
    /// `@-1`: relative to the point a stencil is at.
    Offset(Box<Expr>),
}

/// An `if` with its `else if`s, as a statement or an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// `if` and every `else if`, at least one.
    pub arms: Vec<IfArm>,
    /// `else`
    pub otherwise: Option<Block>,
    /// The whole construct.
    pub span: Span,
}

/// A condition and what is done where it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct IfArm {
    /// The condition.
    pub cond: Expr,
    /// What is done.
    pub body: Block,
}

impl Expr {
    /// An expression of this kind at this place.
    pub fn new(kind: ExprKind, span: Span) -> Expr {
        Expr { kind, span }
    }
}

impl Block {
    /// A body that is one expression, as after `=`.
    pub fn of(value: Expr) -> Block {
        let span = value.span;
        Block { stmts: Vec::new(), value: Some(Box::new(value)), span }
    }
}

impl TypeExpr {
    /// Whether it is written as an array.
    pub fn is_array(&self) -> bool {
        self.rank.is_some()
    }
}

impl Place {
    /// Where the place stands.
    pub fn span(&self) -> Span {
        match self {
            Place::Name(name) => name.span,
            Place::Index(index) => index.span,
            Place::Tuple(_, span) => *span,
        }
    }
}

impl Pattern {
    /// The names that are bound, in order.
    pub fn names(&self) -> &[Name] {
        match self {
            Pattern::Name(name) => std::slice::from_ref(name),
            Pattern::Tuple(names, _) => names,
        }
    }
}
