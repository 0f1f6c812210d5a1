//! The Program: arrays, slots and steps at the array level; nests with a lane at the element level.
//!
//! This file is data only. `build` makes it, `verify` says what is true of it, `text` prints it, `semantics` and the
//! interpreter say what it means. Arrays stand in a file of their own.

mod array;
pub use array::{Array, Layout, Role};

use crate::matmul::MatMul;
use crate::notes::Note;
use crate::ops::{FoldOp, Op};
use crate::types::{Scalar, Type};
use hotloop_source::Span;

macro_rules! handles {
    ($($(#[doc = $doc:literal])+ $name:ident $prefix:literal;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the vector this handle indexes.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }
    )*};
}

handles! {
    /// An array of the program: `Program::arrays`.
    ArrayId "a";
    /// A scalar variable of the array level: `Program::slots`.
    SlotId "s";
    /// A nest: `Program::nests`.
    NestId "n";
    /// A matrix product: `Program::products`.
    ProductId "p";
    /// A place in the source that can fault: `Program::sites`.
    SiteId "f";
    /// A value of a lane: `Lane::values`.
    Value "v";
    /// A local variable of a lane: `Lane::locals`.
    Local "l";
    /// An affine access of a nest: `Nest::views`.
    ViewId "w";
    /// A reduction of a nest: `Nest::folds`.
    FoldId "r";
}

/// A kernel, specialised to the types it is called with.
///
/// Array-level state lives in `slots` (scalars that steps read and write, 8 bytes each) and in arrays. Steps run in
/// order; a nest runs its lane for every point of its domain.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Program {
    /// The kernel's name, for messages.
    pub name: String,
    /// What the caller passes, in order.
    pub params: Vec<Param>,
    /// What the caller gets back, in order.
    pub results: Vec<ResultRef>,
    /// Every array: parameters, results and temporaries.
    pub arrays: Vec<Array>,
    /// Every array-level scalar.
    pub slots: Vec<Slot>,
    /// Every nest; each is run by exactly one step.
    pub nests: Vec<Nest>,
    /// Every matrix product; each is run by exactly one step.
    pub products: Vec<MatMul>,
    /// What can go wrong at run time, and where it stands in the source.
    pub sites: Vec<Site>,
    /// The work, in order.
    pub steps: Vec<Step>,
    /// What passes did and could not do; decides no code.
    pub notes: Vec<Note>,
}

/// A parameter of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// The caller's scalar is put into the slot before the first step.
    Scalar(SlotId),
    /// The parts of the caller's complex scalar are put into the slots before the first step.
    Pair([SlotId; 2]),
    /// The caller's array; its role says whether it may be written.
    Array(ArrayId),
}

/// A result of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultRef {
    /// The value of the slot after the last step.
    Scalar(SlotId),
    /// A complex number whose parts are the values of the slots after the last step.
    Pair([SlotId; 2]),
    /// An array with role `Output`, allocated by an `Alloc` step.
    Array(ArrayId),
}

/// A scalar variable of the array level.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Slot {
    /// The user's name, or a made-up one.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A place in the source that can fault, with what the message needs.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Site {
    /// What went wrong when this site faults.
    pub kind: FaultKind,
    /// Where it stands in the user's source.
    pub span: Span,
    /// The array or expression it is about, as the user wrote it; empty if none.
    pub subject: String,
    /// The axis it is about, for index and shape faults.
    pub axis: u32,
    /// What the numbers of faults here count.
    pub counts: Counts,
}

/// What the number that a fault record holds is the number of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Counts {
    /// A point of the nest.
    #[default]
    Points,
    /// An element of a row, which a check says beside the condition: a point is many elements.
    Row,
    /// An element, in C order, of the array that the parameter with this number is.
    Param(u32),
    /// An element of a shape that has no name.
    Unnamed,
}

/// The kinds of run-time fault. The record of a fault holds two numbers; each kind says what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// An index outside its axis: the index as written, and the extent.
    Index,
    /// An integer division or remainder by zero: the dividend, and 0.
    DivideByZero,
    /// Two extents that should be equal (or one of them 1): the two extents.
    Shape,
    /// A negative extent: the extent, and 0.
    NegativeExtent,
    /// A reduction that has no value for no elements: 0 and 0.
    EmptyReduction,
    /// A negative exponent of an integer power: the exponent, and 0.
    NegativeExponent,
    /// A step of zero in a range or a slice: 0 and 0.
    ZeroStep,
    /// Integer overflow in checked code: the two operands.
    Overflow,
    /// A shape for another number of elements than there are: the elements, and the product of the extents given.
    Reshape,
    /// A matrix product of shapes that do not fit: the left operand's last extent, and the right one's that meets it.
    Inner,
}

impl FaultKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: &'static [FaultKind] = &[
        FaultKind::Index,
        FaultKind::DivideByZero,
        FaultKind::Shape,
        FaultKind::NegativeExtent,
        FaultKind::EmptyReduction,
        FaultKind::NegativeExponent,
        FaultKind::ZeroStep,
        FaultKind::Overflow,
        FaultKind::Reshape,
        FaultKind::Inner,
    ];
}

/// One unit of work of the array level.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Step {
    /// Runs a nest over its domain.
    Nest(NestId),
    /// Makes the memory of an output or temporary: one `i64` slot per axis holds the extent. An array that already
    /// has memory from an earlier turn of a loop gets it again if the extents are the same.
    Alloc(ArrayId, Vec<SlotId>),
    /// Gives the memory of a temporary back. It is not touched again before the next `Alloc` of it.
    Free(ArrayId),
    /// Runs a matrix product.
    MatMul(ProductId),
    /// Runs one of two lists, by a bool slot.
    If {
        /// The condition.
        cond: SlotId,
        /// Run when it is true.
        then: Vec<Step>,
        /// Run when it is false.
        otherwise: Vec<Step>,
    },
    /// Counts an `i64` slot from `start` towards `stop` (exclusive) by `step` (not zero), as Python's `range`. The
    /// three are read once. `index` holds the last value taken afterwards.
    For {
        /// The loop variable.
        index: SlotId,
        /// The first value.
        start: SlotId,
        /// The bound.
        stop: SlotId,
        /// The increment.
        step: SlotId,
        /// Run for each value.
        body: Vec<Step>,
    },
    /// Runs for ever, until a `Break` leaves it.
    Loop(Vec<Step>),
    /// Runs once; a `Break` leaves it.
    Block(Vec<Step>),
    /// Leaves the n-th enclosing `For`, `Loop` or `Block`, counted from 0 for the innermost (an `If` does not count).
    /// Always the last step of its list.
    Break(u32),
    /// Starts the next turn of the n-th enclosing `For` or `Loop`; counted like `Break` (a `Block` counts, but cannot
    /// be continued). Always the last step of its list.
    Continue(u32),
}

/// A domain and the code for each of its points.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Nest {
    /// The axes of the domain, outermost first. No axes: one point. Points are numbered in C order over the axes; the
    /// number of a point is its linear index in fault records.
    pub axes: Vec<Axis>,
    /// Affine accesses the lane makes.
    pub views: Vec<View>,
    /// Reductions over the `Reduce` axes.
    pub folds: Vec<Fold>,
    /// The code for one point.
    pub lane: Lane,
    /// How the code generators are to run it; decided by the passes, ignored by the interpreter.
    pub schedule: Schedule,
    /// Where it comes from in the source.
    pub span: Span,
}

/// An axis of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// In which order its points may run.
    pub kind: AxisKind,
    /// The number of points: an `i64` that must not be negative.
    pub extent: Extent,
}

/// In which order the points of an axis may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AxisKind {
    /// Points are independent: any order, any thread.
    Parallel,
    /// Points are independent but for the folds, which combine over this axis.
    Reduce,
    /// Points run in ascending order on one thread.
    Ordered,
}

/// A whole number of the array level: known now, or held by an `i64` slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Known when the program is made.
    Const(i64),
    /// Known when the step runs.
    Slot(SlotId),
}

/// An affine access: along array axis `d` the element is `start + step * point[axis]`.
///
/// Whoever makes a view has proved (by clamping or by a check before the nest) that every point of the domain is in
/// bounds; or, of a view that is only used under a condition that is the same at all points, that it holds only where
/// they are.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct View {
    /// The array.
    pub array: ArrayId,
    /// One entry per axis of the array.
    pub dims: Vec<ViewDim>,
}

/// One axis of an affine access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewDim {
    /// The index at point 0 of the nest's axis.
    pub start: Extent,
    /// The increment per point; 0 where an extent of 1 is broadcast at run time.
    pub step: Extent,
    /// The axis of the nest that walks it, or none: the index is `start` everywhere.
    pub axis: Option<u32>,
    /// Whether the axis is known to walk the array's whole axis: `start` is 0, `step` is 1 and the extents are equal.
    /// Passes may merge such an axis with the one before it; it changes no meaning.
    pub full: bool,
}

/// A reduction of a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fold {
    /// How two values combine.
    pub op: FoldOp,
    /// The type of the accumulator and of the result.
    pub ty: Type,
    /// Where the result goes.
    pub dest: FoldDest,
}

/// Where the result of a reduction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoldDest {
    /// A slot of the fold's type. The nest then has no `Parallel` axis, or folds over those too: the fold combines
    /// over all axes of the nest.
    Slot(SlotId),
    /// An element for each point of the `Parallel` axes, through a view that uses no `Reduce` axis.
    View(ViewId),
}

/// The code for one point of a domain: values in single assignment, local variables, structured control flow.
///
/// Nothing here speaks of vector width.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Lane {
    /// The instruction that gives each value, by `Value`.
    pub values: Vec<Inst>,
    /// The type of each value, by `Value`.
    pub types: Vec<Type>,
    /// The type of each local variable, by `Local`. A local holds zero bits before it is first set.
    pub locals: Vec<Type>,
    /// The code.
    pub body: Region,
}

/// A list of statements; a scope for the values computed in it.
pub type Region = Vec<Stmt>;

/// How a value is computed.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Inst {
    /// A literal.
    Const(Scalar),
    /// A core op on as many operands as its arity; the rest repeat the first.
    Op(Op, [Value; 3]),
    /// Conversion to the value's type: float to int truncates, saturates, and NaN gives 0; int to float rounds to
    /// nearest even; int to int wraps or extends; bool to number gives 0 or 1. Number to bool is not a conversion.
    Convert(Value),
    /// The same bits read as the value's type, which has the same size; neither is bool.
    Bitcast(Value),
    /// The coordinate of the point along an axis of the nest, an `i64`.
    Axis(u32),
    /// An array-level scalar.
    Slot(SlotId),
    /// The local variable's present value.
    Local(Local),
    /// The element the view gives for this point.
    Load(ViewId),
    /// The element at these `i64` indices, one per axis, which an earlier check has found in bounds.
    LoadAt(ArrayId, Vec<Value>),
    /// The extent of an array along an axis, an `i64`.
    Extent(ArrayId, u32),
}

/// One statement of a lane.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Stmt {
    /// Computes the value. It can be used in the rest of this region and the regions inside.
    Let(Value),
    /// Changes a local variable.
    Set(Local, Value),
    /// Writes the element the view gives for this point.
    Store(ViewId, Value),
    /// Writes the element at these indices, which an earlier check has found in bounds.
    StoreAt(ArrayId, Vec<Value>, Value),
    /// Writes an array-level scalar; only in nests without axes.
    SetSlot(SlotId, Value),
    /// Contributes a value to a reduction. Each fold of the nest is given exactly one value per point, by a statement
    /// of the lane's outermost region.
    Fold(FoldId, Value),
    /// Faults unless the bool is true: records the site, this point's linear index, the element it is at and two
    /// numbers (converted to `i64`), and ends the point.
    Check {
        /// Must be true.
        cond: Value,
        /// What is wrong otherwise.
        site: SiteId,
        /// The two integer values the fault record shows.
        shows: [Value; 2],
        /// The number of the element, an `i64`, where a point is many of them; else it is that of the point.
        at: Option<Value>,
    },
    /// Runs one of two regions.
    If {
        /// A bool.
        cond: Value,
        /// Run when it is true.
        then: Region,
        /// Run when it is false.
        otherwise: Region,
    },
    /// Counts an `i64` local from `start` towards `stop` (exclusive) by `step` (not zero), as Python's `range`. The
    /// body does not set it. It holds the last value taken afterwards.
    For {
        /// The loop variable.
        index: Local,
        /// The first value.
        start: Value,
        /// The bound.
        stop: Value,
        /// The increment.
        step: Value,
        /// Run for each value.
        body: Region,
    },
    /// Runs for ever, until a `Break` leaves it.
    Loop(Region),
    /// Runs once; a `Break` leaves it.
    Block(Region),
    /// Leaves the n-th enclosing `For`, `Loop` or `Block`, counted from 0 for the innermost (an `If` does not count).
    /// Always the last statement of its region.
    Break(u32),
    /// Starts the next turn of the n-th enclosing `For` or `Loop`; counted like `Break`. Always the last statement of
    /// its region.
    Continue(u32),
}

/// How the code generators run a nest. The default is one point at a time, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// How lanes are laid over the domain.
    pub shape: Shape,
    /// Points computed together along the vector axis (the last axis): 1 is scalar code. A value of type T takes
    /// `lanes * size_of(T)` bytes of registers.
    pub lanes: u32,
    /// Whether tiles of this nest may run on several threads.
    pub threads: bool,
    /// Loops of scalar code that compute several turns together.
    pub turns: Vec<Turns>,
}

/// A counted loop of scalar code whose turns are computed in groups: it counts by 1, there is neither a branch nor a
/// loop nor a check in it, and no turn needs what another one in its group stores. Turns left over are run one by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Turns {
    /// The counter of the loop; no other loop has it.
    pub counter: Local,
    /// How many turns are computed together: a power of two.
    pub lanes: u32,
    /// The variables that collect a value from each turn, in an order that does not matter.
    pub folds: Vec<(Local, FoldOp)>,
}

/// How lanes are laid over the domain of a nest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One point, or all points in order on one thread: nests without axes or with an `Ordered` one.
    #[default]
    Serial,
    /// All axes are `Parallel`; lanes lie along the last axis.
    Map,
    /// The last axis is `Reduce` and is the only one; lanes lie along it.
    FoldRows,
    /// The last axis is `Parallel` and lanes lie along it; some axis before it is `Reduce`.
    FoldColumns,
    /// Any other mix of `Parallel` and `Reduce` axes: point by point.
    FoldPoints,
}

impl Program {
    /// The array behind a handle.
    pub fn array(&self, id: ArrayId) -> &Array {
        &self.arrays[id.index()]
    }

    /// The slot behind a handle.
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.index()]
    }

    /// The nest behind a handle.
    pub fn nest(&self, id: NestId) -> &Nest {
        &self.nests[id.index()]
    }
}

impl Lane {
    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.types[value.index()]
    }

    /// The instruction that gives a value.
    pub fn inst(&self, value: Value) -> &Inst {
        &self.values[value.index()]
    }
}

impl Stmt {
    /// The regions inside this statement, in order; those it does not have are empty.
    pub fn regions(&self) -> [&[Stmt]; 2] {
        match self {
            Stmt::If { then, otherwise, .. } => [then, otherwise],
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => [body, &[]],
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::Break(_)
            | Stmt::Continue(_) => [&[], &[]],
        }
    }

    /// The regions inside this statement, in order, to be changed.
    pub fn regions_mut(&mut self) -> impl Iterator<Item = &mut Region> {
        let (first, second) = match self {
            Stmt::If { then, otherwise, .. } => (Some(then), Some(otherwise)),
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => (Some(body), None),
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Check { .. }
            | Stmt::Break(_)
            | Stmt::Continue(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

impl Inst {
    /// The values this instruction reads.
    pub fn operands(&self) -> &[Value] {
        match self {
            Inst::Op(op, args) => &args[..op.arity()],
            Inst::Convert(value) | Inst::Bitcast(value) => std::slice::from_ref(value),
            Inst::LoadAt(_, index) => index,
            Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Load(_) | Inst::Extent(..) => &[],
        }
    }
}
