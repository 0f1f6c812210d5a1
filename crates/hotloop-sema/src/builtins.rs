//! The table of built-in functions: a name, what it is, and one line of help.
//!
//! Everything here is an op, a reduction or a way to make or measure arrays. Mathematical functions are not built in:
//! they stand in `std/`.

use crate::hir::Part;
use hotloop_ir::{FoldOp, Op, Type};

/// What a built-in name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// A float op of one operand; integers are converted to `f64` first.
    Float1(Op),
    /// An op of one operand that leaves integers as they are (rounding).
    Rounding(Op),
    /// `abs`.
    Abs,
    /// `complex(re, im)`.
    Complex,
    /// `real(z)` and `imag(z)`.
    Part(Part),
    /// `conj(z)`.
    Conj,
    /// `arg(z)`, also called `angle`.
    Arg,
    /// `dot(a, b)`.
    Dot,
    /// A float op of two operands.
    Float2(Op),
    /// `fma(a, b, c)`.
    Fma,
    /// `unlikely(condition)`.
    Unlikely,
    /// `min` or `max`: of an array, or of two or more operands element by element.
    Extreme(FoldOp),
    /// A reduction of an array. (`min` and `max` are [`Builtin::Extreme`], since they have two meanings.)
    Reduce(Reducer),
    /// The same over the elements that are not NaN.
    SkipNan(Reducer),
    /// `cumsum` and the like: a scan.
    Cumulate(FoldOp),
    /// `reduce(f, identity, x)`.
    ReduceBy,
    /// `scan(f, x)`.
    ScanBy,
    /// `histogram(x, bins, low, high)`.
    Histogram,
    /// `bincount(index, n)`.
    Bincount,
    /// `reduce_by_index(f, start, index, values)`.
    ReduceByIndex,
    /// A cast to the type.
    Cast(Type),
    /// `bits(x)`: the bits of a float as a signed integer.
    Bits,
    /// `from_bits(i)`: a signed integer's bits as a float.
    FromBits,
    /// `where(c, a, b)`.
    Where,
    /// `clip(x, low, high)`.
    Clip,
    /// `len(a)`: the extent of the first axis.
    Len,
    /// `shape(a, axis)`: one extent.
    Shape,
    /// `size(a)`: the number of elements.
    Size,
    /// A new array.
    Making(Making),
    /// The elements of arrays in another arrangement.
    Arranging(Arranging),
}

/// The ways to make an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// `zeros`, `ones` and `empty`: all elements this number.
    Filled(u32),
    /// `full(value, extents…)`.
    Full,
    /// `zeros_like`, `ones_like` and `empty_like`.
    FilledLike(u32),
    /// `full_like(a, value)`.
    FullLike,
    /// `arange(…)`: as `range`.
    Arange,
    /// `linspace(start, stop, count)`.
    Linspace,
    /// `eye(rows, columns)`.
    Eye,
    /// `identity(n)`.
    Identity,
}

/// The arrangements of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arranging {
    /// `reshape(a, extents…)`.
    Reshape,
    /// `ravel(a)`.
    Ravel,
    /// `transpose(a, axes…)`.
    Transpose,
    /// `swapaxes(a, i, j)`.
    SwapAxes,
    /// `moveaxis(a, from, to)`.
    MoveAxis,
    /// `flip(a, axis=…)`.
    Flip,
    /// `roll(a, shift, axis=…)`.
    Roll,
    /// `concat(a, b, …, axis=…)`.
    Concat,
    /// `stack(a, b, …, axis=…)`.
    Stack,
    /// `outer(a, b)`.
    Outer,
    /// `squeeze(a, axis=…)`.
    Squeeze,
    /// `expand_dims(a, axis)`.
    ExpandDims,
    /// `repeat(a, count, axis=…)`.
    Repeat,
    /// `tile(a, counts…)`.
    Tile,
    /// `diag(a)`.
    Diag,
    /// `tril(a, k)` and, if true, `triu(a, k)`.
    Triangle(bool),
    /// `broadcast_to(a, extents…)`.
    BroadcastTo,
    /// `diff(a, axis=…)`.
    Diff,
    /// `take(a, indices, axis=…)`.
    Take,
    /// `nonzero(a)`.
    Nonzero,
    /// `argwhere(a)`.
    Argwhere,
}

/// The reductions that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reducer {
    /// `sum`
    Sum,
    /// `prod`
    Prod,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `any`
    Any,
    /// `all`
    All,
    /// `mean`
    Mean,
    /// `var`
    Var,
    /// `std`
    Std,
    /// `norm`
    Norm,
    /// `ptp`
    Ptp,
    /// `argmin`
    ArgMin,
    /// `argmax`
    ArgMax,
    /// `count_nonzero`
    CountNonzero,
}

/// Every built-in function: name, meaning, help.
pub const BUILTINS: &[(&str, Builtin, &str)] = &[
    ("sqrt", Builtin::Float1(Op::Sqrt), "square root, correctly rounded"),
    ("floor", Builtin::Rounding(Op::Floor), "rounds towards minus infinity"),
    ("ceil", Builtin::Rounding(Op::Ceil), "rounds towards plus infinity"),
    ("trunc", Builtin::Rounding(Op::Trunc), "rounds towards zero"),
    ("round", Builtin::Rounding(Op::Round), "rounds to nearest, ties to even"),
    ("abs", Builtin::Abs, "magnitude"),
    ("copysign", Builtin::Float2(Op::Copysign), "the first operand's magnitude with the second's sign"),
    ("ldexp", Builtin::Float2(Op::Ldexp), "x * 2**floor(n), rounded once"),
    ("getexp", Builtin::Float1(Op::Getexp), "floor(log2(abs(x)))"),
    ("getmant", Builtin::Float1(Op::Getmant), "the mantissa, in [1, 2), with the sign"),
    ("fma", Builtin::Fma, "a*b + c rounded once"),
    ("unlikely", Builtin::Unlikely, "the condition itself, which is seldom true: code behind it may be slow"),
    ("min", Builtin::Extreme(FoldOp::Min), "the smallest; NaN if any is NaN"),
    ("max", Builtin::Extreme(FoldOp::Max), "the largest; NaN if any is NaN"),
    ("sum", Builtin::Reduce(Reducer::Sum), "sum of all elements, or along axes"),
    ("prod", Builtin::Reduce(Reducer::Prod), "product of all elements, or along axes"),
    ("any", Builtin::Reduce(Reducer::Any), "whether any element is true"),
    ("all", Builtin::Reduce(Reducer::All), "whether all elements are true"),
    ("mean", Builtin::Reduce(Reducer::Mean), "arithmetic mean of all elements, or along axes"),
    ("var", Builtin::Reduce(Reducer::Var), "mean squared distance from the mean; `ddof=` is taken from the count"),
    ("std", Builtin::Reduce(Reducer::Std), "square root of the variance; `ddof=` is taken from the count"),
    ("norm", Builtin::Reduce(Reducer::Norm), "square root of the sum of squares"),
    ("ptp", Builtin::Reduce(Reducer::Ptp), "the largest less the smallest"),
    ("argmin", Builtin::Reduce(Reducer::ArgMin), "first index of the smallest; of the first NaN if any"),
    ("argmax", Builtin::Reduce(Reducer::ArgMax), "first index of the largest; of the first NaN if any"),
    ("count_nonzero", Builtin::Reduce(Reducer::CountNonzero), "how many elements are true, or not 0"),
    ("nansum", Builtin::SkipNan(Reducer::Sum), "sum of what is not NaN"),
    ("nanprod", Builtin::SkipNan(Reducer::Prod), "product of what is not NaN"),
    ("nanmin", Builtin::SkipNan(Reducer::Min), "the smallest of what is not NaN"),
    ("nanmax", Builtin::SkipNan(Reducer::Max), "the largest of what is not NaN"),
    ("nanmean", Builtin::SkipNan(Reducer::Mean), "mean of what is not NaN"),
    ("nanvar", Builtin::SkipNan(Reducer::Var), "variance of what is not NaN"),
    ("nanstd", Builtin::SkipNan(Reducer::Std), "standard deviation of what is not NaN"),
    ("nanargmin", Builtin::SkipNan(Reducer::ArgMin), "first index of the smallest that is not NaN"),
    ("nanargmax", Builtin::SkipNan(Reducer::ArgMax), "first index of the largest that is not NaN"),
    ("cumsum", Builtin::Cumulate(FoldOp::Sum), "sums of all elements up to each"),
    ("cumprod", Builtin::Cumulate(FoldOp::Prod), "products of all elements up to each"),
    ("cummin", Builtin::Cumulate(FoldOp::Min), "the smallest up to each element"),
    ("cummax", Builtin::Cumulate(FoldOp::Max), "the largest up to each element"),
    ("reduce", Builtin::ReduceBy, "combines elements by a function: reduce(f, identity, x)"),
    ("scan", Builtin::ScanBy, "what `reduce` has after each element: scan(f, x)"),
    (
        "histogram",
        Builtin::Histogram,
        "how many elements fall into each of some equal parts: histogram(x, n, low, high)",
    ),
    ("bincount", Builtin::Bincount, "how often each index below n occurs: bincount(index, n)"),
    ("reduce_by_index", Builtin::ReduceByIndex, "combines values by index: reduce_by_index(f, start, index, values)"),
    ("bool", Builtin::Cast(Type::Bool), "cast: whether the value is not 0"),
    ("i8", Builtin::Cast(Type::I8), "cast"),
    ("i16", Builtin::Cast(Type::I16), "cast"),
    ("i32", Builtin::Cast(Type::I32), "cast"),
    ("i64", Builtin::Cast(Type::I64), "cast"),
    ("u8", Builtin::Cast(Type::U8), "cast"),
    ("u16", Builtin::Cast(Type::U16), "cast"),
    ("u32", Builtin::Cast(Type::U32), "cast"),
    ("u64", Builtin::Cast(Type::U64), "cast"),
    ("f16", Builtin::Cast(Type::F16), "cast: rounded to two bytes, for storing"),
    ("bf16", Builtin::Cast(Type::BF16), "cast: the upper two bytes of an f32, rounded, for storing"),
    ("f32", Builtin::Cast(Type::F32), "cast"),
    ("f64", Builtin::Cast(Type::F64), "cast"),
    ("c64", Builtin::Cast(Type::C64), "cast: a complex number of two f32"),
    ("c128", Builtin::Cast(Type::C128), "cast: a complex number of two f64"),
    ("complex", Builtin::Complex, "the complex number with these parts"),
    ("real", Builtin::Part(Part::Real), "the real part"),
    ("imag", Builtin::Part(Part::Imag), "the imaginary part"),
    ("conj", Builtin::Conj, "the complex number with the other sign of the imaginary part"),
    ("arg", Builtin::Arg, "the angle of a complex number, in [-pi, pi]"),
    ("angle", Builtin::Arg, "the angle of a complex number, in [-pi, pi]"),
    ("bits", Builtin::Bits, "the bits of a float as an integer"),
    ("from_bits", Builtin::FromBits, "the float with these bits"),
    ("where", Builtin::Where, "a where the condition holds, b elsewhere"),
    ("clip", Builtin::Clip, "min(max(x, low), high)"),
    ("len", Builtin::Len, "extent of the first axis"),
    ("shape", Builtin::Shape, "extent of one axis"),
    ("size", Builtin::Size, "number of elements"),
    ("zeros", Builtin::Making(Making::Filled(0)), "an array of zeros"),
    ("ones", Builtin::Making(Making::Filled(1)), "an array of ones"),
    ("empty", Builtin::Making(Making::Filled(0)), "an array to be filled; zeros until then"),
    ("full", Builtin::Making(Making::Full), "an array with all elements equal"),
    ("zeros_like", Builtin::Making(Making::FilledLike(0)), "zeros of another array's shape and type"),
    ("ones_like", Builtin::Making(Making::FilledLike(1)), "ones of another array's shape and type"),
    ("empty_like", Builtin::Making(Making::FilledLike(0)), "an array of another's shape and type, to be filled"),
    ("full_like", Builtin::Making(Making::FullLike), "one value in another array's shape and type"),
    ("arange", Builtin::Making(Making::Arange), "start, start + step, … below stop"),
    ("linspace", Builtin::Making(Making::Linspace), "count numbers from start to stop, both included"),
    ("eye", Builtin::Making(Making::Eye), "ones on a diagonal, zeros elsewhere"),
    ("identity", Builtin::Making(Making::Identity), "the identity matrix"),
    ("reshape", Builtin::Arranging(Arranging::Reshape), "the same elements in C order, in another shape"),
    ("ravel", Builtin::Arranging(Arranging::Ravel), "the same elements in C order, along one axis"),
    ("transpose", Builtin::Arranging(Arranging::Transpose), "the axes in reverse, or in the order given"),
    ("swapaxes", Builtin::Arranging(Arranging::SwapAxes), "two axes exchanged"),
    ("moveaxis", Builtin::Arranging(Arranging::MoveAxis), "one axis moved to another position"),
    ("flip", Builtin::Arranging(Arranging::Flip), "back to front along all axes, or along those given"),
    ("roll", Builtin::Arranging(Arranging::Roll), "moved along an axis, round its end"),
    ("concat", Builtin::Arranging(Arranging::Concat), "arrays one after the other along an axis"),
    ("stack", Builtin::Arranging(Arranging::Stack), "arrays of one shape along a new axis"),
    ("outer", Builtin::Arranging(Arranging::Outer), "the products of all pairs of elements"),
    ("squeeze", Builtin::Arranging(Arranging::Squeeze), "without an axis of extent 1"),
    ("expand_dims", Builtin::Arranging(Arranging::ExpandDims), "with a new axis of extent 1"),
    ("repeat", Builtin::Arranging(Arranging::Repeat), "each element several times"),
    ("tile", Builtin::Arranging(Arranging::Tile), "the whole array several times along each axis"),
    ("diag", Builtin::Arranging(Arranging::Diag), "the diagonal of a matrix, or the matrix with this diagonal"),
    ("tril", Builtin::Arranging(Arranging::Triangle(false)), "zero above the diagonal"),
    ("triu", Builtin::Arranging(Arranging::Triangle(true)), "zero below the diagonal"),
    ("broadcast_to", Builtin::Arranging(Arranging::BroadcastTo), "stretched to a shape"),
    ("diff", Builtin::Arranging(Arranging::Diff), "differences of neighbors along an axis"),
    ("take", Builtin::Arranging(Arranging::Take), "the elements at these indices along an axis"),
    ("nonzero", Builtin::Arranging(Arranging::Nonzero), "the indices at which an array with one axis is not zero"),
    ("argwhere", Builtin::Arranging(Arranging::Argwhere), "a row of indices for each element that is not zero"),
    ("dot", Builtin::Dot, "inner and matrix product, as `@`; product with a scalar"),
];

/// The built-in of this name.
pub fn builtin(name: &str) -> Option<Builtin> {
    BUILTINS.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// A predefined constant, as a bare number or a bool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Predefined {
    /// A float.
    Number(f64),
    /// A bool.
    Bool(bool),
}

/// The predefined names, which parameters and locals may shadow.
pub const PREDEFINED: &[(&str, Predefined)] = &[
    ("pi", Predefined::Number(std::f64::consts::PI)),
    ("e", Predefined::Number(std::f64::consts::E)),
    ("tau", Predefined::Number(std::f64::consts::TAU)),
    ("inf", Predefined::Number(f64::INFINITY)),
    ("nan", Predefined::Number(f64::NAN)),
    ("true", Predefined::Bool(true)),
    ("false", Predefined::Bool(false)),
];

/// The predefined constant of this name.
pub fn predefined(name: &str) -> Option<Predefined> {
    PREDEFINED.iter().find(|row| row.0 == name).map(|row| row.1)
}
