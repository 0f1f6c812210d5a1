//! The table of workloads: what each takes, what its data are, what bounds it. To add one, add its row, its `.hl` file
//! and its C function.

use crate::dtype::Dtype;
use hotloop::Type;

/// One workload.
#[derive(Debug)]
pub struct Workload {
    /// The name of its file and its C function.
    pub name: &'static str,
    /// The name of its kernel, where it is another; `_f32` and the like follow where there is one kernel per type.
    pub kernel: Option<&'static str>,
    /// What tables call it.
    pub title: &'static str,
    /// The text of its kernel.
    pub text: &'static str,
    /// The types it comes in.
    pub dtypes: &'static [Dtype],
    /// The kernel's arguments, in order.
    pub args: &'static [Slot],
    /// The shape and the type of each result; none is the workload's own type.
    pub outs: &'static [(Shape, Option<Type>)],
    /// The extents for a number of elements.
    pub extent: Extent,
    /// The range of each input array.
    pub ranges: &'static [(f64, f64)],
    /// The scalar members of the argument block.
    pub scalars: &'static [f64],
    /// Which of the scalars are divided by the number of rows.
    pub per_row: &'static [usize],
    /// How many elements are read and written per element, where memory bounds it.
    pub traffic: Option<(u32, u32)>,
    /// Whether the C version is built with `-ffast-math`, without which C compilers vectorise neither sums nor calls of
    /// mathematical functions.
    pub fast_math: bool,
    /// How far a result may be from C's, relative to the largest, in f32 and f64; or the share of integers that differ.
    pub tolerance: (f64, f64),
    /// The ratio to 128-bit C that hotloop aims at, where there is one.
    pub goal: Option<f64>,
}

/// Where an argument comes from.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// An input array.
    In(usize, Shape),
    /// An output array that is passed as a `mut` parameter.
    Mut(usize, Shape),
    /// A scalar of the workload's type.
    Real(usize),
    /// A scalar as `i32`.
    Int(usize),
    /// The number of rows.
    Rows,
    /// The number of columns.
    Columns,
}

/// The shape of an array.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One value.
    One,
    /// `n` elements.
    Rows,
    /// `m` elements.
    Columns,
    /// `n` by `m` elements.
    Grid,
}

/// How the extents follow from the number of elements asked for.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// As many.
    Elements,
    /// Rows of so many columns.
    RowsOf(usize),
    /// A square grid.
    Square,
    /// All pairs of so many bodies.
    Pairs,
}

impl Extent {
    /// The rows and columns.
    pub fn of(self, elements: usize) -> (usize, usize) {
        let side = (elements as f64).sqrt().round() as usize;
        match self {
            Extent::Elements => (elements, 1),
            Extent::RowsOf(columns) => ((elements / columns).max(2), columns),
            Extent::Square => (side.max(3), side.max(3)),
            Extent::Pairs => (side.max(2), 1),
        }
    }
}

impl Shape {
    /// The extents, for that many rows and columns.
    pub fn extents(self, rows: usize, columns: usize) -> Vec<usize> {
        match self {
            Shape::One => vec![],
            Shape::Rows => vec![rows],
            Shape::Columns => vec![columns],
            Shape::Grid => vec![rows, columns],
        }
    }
}

impl Workload {
    /// The workload of this name.
    pub fn of_name(name: &str) -> Option<&'static Workload> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    /// The name of its kernel for a type.
    pub fn kernel(&self, dtype: Dtype) -> String {
        let typed = format!("{}_{}", self.name, dtype.name());
        let is_typed = self.text.contains(&format!("kernel {typed}("));
        if is_typed { typed } else { self.kernel.unwrap_or(self.name).to_owned() }
    }

    /// The allowed difference from C.
    pub fn tolerance(&self, dtype: Dtype) -> f64 {
        if dtype == Dtype::F32 { self.tolerance.0 } else { self.tolerance.1 }
    }
}

const FLOATS: &[Dtype] = &[Dtype::F32, Dtype::F64];
const INTS: &[Dtype] = &[Dtype::U32, Dtype::U64];
pub(crate) const X: Slot = Slot::In(0, Shape::Rows);
pub(crate) const Y: Slot = Slot::In(1, Shape::Rows);
const Z: Slot = Slot::In(2, Shape::Rows);
const W: Slot = Slot::In(3, Shape::Rows);
const MAP: &[(Shape, Option<Type>)] = &[(Shape::Rows, None)];
const VALUE: &[(Shape, Option<Type>)] = &[(Shape::One, None)];
const GRID: &[(Shape, Option<Type>)] = &[(Shape::Grid, None)];
const SIGNED: &[(f64, f64)] = &[(-2.0, 2.0), (-2.0, 2.0)];
const POSITIVE: &[(f64, f64)] = &[(0.5, 1.5), (0.5, 1.5)];

/// A row with the usual values, for the others to differ from.
pub(crate) const USUAL: Workload = Workload {
    name: "",
    kernel: None,
    title: "",
    text: "",
    dtypes: FLOATS,
    args: &[X, Y],
    outs: MAP,
    extent: Extent::Elements,
    ranges: SIGNED,
    scalars: &[],
    per_row: &[],
    traffic: Some((2, 1)),
    fast_math: false,
    tolerance: (1e-5, 1e-13),
    goal: None,
};

macro_rules! workloads {
    ($($name:literal $title:literal { $($member:ident: $value:expr),* $(,)? })*) => {
        /// Every workload.
        pub const WORKLOADS: &[Workload] = &[$(Workload {
            name: $name,
            title: $title,
            text: include_str!(concat!("../kernels/", $name, ".hl")),
            $($member: $value,)*
            ..USUAL
        }),*];
    };
}

workloads! {
    "axpy" "`a*x + y`" { args: &[Slot::Real(0), X, Y], scalars: &[2.5], goal: Some(1.1) }
    "lin23" "`2*x + 3*y`" { goal: Some(1.1) }
    "quad" "`x**2 + y**2 + 2*x*y`" { goal: Some(1.1) }
    "sincos" "`sin(x)**2 + cos(y)**2`" {
        ranges: &[(-10.0, 10.0), (-10.0, 10.0)], fast_math: true, goal: Some(1.5), tolerance: (1e-5, 1e-12),
    }
    "bs" "Black-Scholes" {
        args: &[Slot::Real(0), Slot::Real(1), X, Y, Z],
        ranges: &[(20.0, 150.0), (20.0, 150.0), (0.1, 2.0)],
        scalars: &[0.02, 0.3],
        traffic: Some((3, 1)), fast_math: true, goal: Some(1.5), tolerance: (1e-4, 1e-11),
    }
    "horner" "polynomial of degree 20" {
        args: &[X], ranges: &[(-1.0, 1.0)], traffic: Some((1, 1)), goal: Some(1.1),
    }
    "where" "`where(x > 0, sqrt(x), -x*x)`" { kernel: Some("choose"), args: &[X], traffic: Some((1, 1)), goal: Some(1.1) }
    "dot" "`sum(x*y)`" {
        outs: VALUE, ranges: POSITIVE, traffic: Some((2, 0)), fast_math: true, goal: Some(1.1),
        tolerance: (1e-2, 1e-10),
    }
    "sum" "`sum(x)`" {
        kernel: Some("total"), args: &[X], outs: VALUE, ranges: POSITIVE, traffic: Some((1, 0)), fast_math: true, goal: Some(1.1),
        tolerance: (1e-2, 1e-10),
    }
    "var" "variance, two passes" {
        kernel: Some("variance"), args: &[X], outs: VALUE, ranges: POSITIVE, traffic: Some((2, 0)), fast_math: true, goal: Some(1.1),
        tolerance: (1e-2, 1e-10),
    }
    "softmax" "softmax of rows of 512" {
        args: &[Slot::In(0, Shape::Grid)], outs: GRID, extent: Extent::RowsOf(512), ranges: &[(-5.0, 5.0)],
        traffic: Some((1, 1)), fast_math: true, goal: Some(1.5), tolerance: (1e-5, 1e-12),
    }
    "mandel" "Mandelbrot set, 200 turns" {
        args: &[Slot::Real(0), Slot::Real(1), Slot::Real(2), Slot::Real(3), Slot::Int(4), Slot::Rows, Slot::Columns],
        outs: &[(Shape::Grid, Some(Type::I32))],
        extent: Extent::Square, ranges: &[], scalars: &[-2.0, -1.25, 2.5, 2.5, 200.0], per_row: &[2, 3],
        traffic: None, goal: Some(1.1), tolerance: (0.01, 0.01),
    }
    "jacobi" "five-point stencil" {
        args: &[Slot::In(0, Shape::Grid), Slot::Mut(0, Shape::Grid)], outs: &[], extent: Extent::Square,
        traffic: Some((1, 1)),
    }
    "hash" "integer hash" { dtypes: INTS, args: &[X], traffic: Some((1, 1)), tolerance: (0.0, 0.0) }
    "outer" "outer product plus one" {
        args: &[Slot::In(0, Shape::Rows), Slot::In(1, Shape::Columns)], outs: GRID, extent: Extent::Square,
        traffic: Some((0, 1)),
    }
    "nbody" "gravity of all pairs" {
        args: &[Slot::Real(0), X, Y, Z, W],
        outs: &[(Shape::Rows, None), (Shape::Rows, None), (Shape::Rows, None)],
        extent: Extent::Pairs, ranges: &[(-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (0.5, 1.5)],
        scalars: &[0.01], traffic: None, fast_math: true, tolerance: (1e-3, 1e-11),
    }
}
