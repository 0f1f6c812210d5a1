//! Matrix products: how one is cut into tiles, and the library that multiplies them.
//!
//! The only file that names `gemm`, and one of the files with `unsafe`: operands are addresses in a frame. A product is
//! cut by its shape alone and each tile is multiplied by one thread, so the bits depend on neither target nor threads.

use crate::plan::ExtentPlan;
use hotloop_ir::program::View;
use hotloop_ir::{Extent, MatMul, Program, Type};
use hotloop_target::matmul::{Operand, Resolved};
use hotloop_target::{FaultRecord, FrameLayout, Status};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A matrix product of a program, in words of the frame.
#[derive(Clone, Debug)]
pub(crate) struct MatMulPlan {
    pub(crate) ty: Type,
    pub(crate) axes: Vec<ExtentPlan>,
    /// The result and the two operands.
    pub(crate) views: Vec<ViewPlan>,
}

/// An array of a product: the word of its address, and its dimensions.
#[derive(Clone, Debug)]
pub(crate) struct ViewPlan {
    pub(crate) base: usize,
    pub(crate) dims: Vec<DimPlan>,
}

/// One dimension: the word of its stride, and which of its elements are used.
#[derive(Clone, Debug)]
pub(crate) struct DimPlan {
    pub(crate) stride: usize,
    pub(crate) start: ExtentPlan,
    pub(crate) step: ExtentPlan,
    pub(crate) axis: Option<u32>,
}

impl MatMulPlan {
    pub(crate) fn of(program: &Program, product: &MatMul, layout: &FrameLayout) -> MatMulPlan {
        let number = |extent: Extent| match extent {
            Extent::Const(value) => ExtentPlan::Const(value),
            Extent::Slot(slot) => ExtentPlan::Word(layout.slot(slot)),
        };
        let view = |view: &View| ViewPlan {
            base: layout.base(view.array),
            dims: (view.dims.iter().enumerate())
                .map(|(d, dim)| DimPlan {
                    stride: layout.stride(view.array, d),
                    start: number(dim.start),
                    step: number(dim.step),
                    axis: dim.axis,
                })
                .collect(),
        };
        MatMulPlan {
            ty: program.array(product.c.array).ty,
            axes: product.axes.iter().map(|axis| number(*axis)).collect(),
            views: product.views().map(view).into(),
        }
    }

    /// The product over a frame; none if the plan is not that of one.
    fn resolve(&self, word: impl Fn(usize) -> u64) -> Option<Resolved> {
        let number = |extent: ExtentPlan| match extent {
            ExtentPlan::Const(value) => value,
            ExtentPlan::Word(at) => word(at) as i64,
        };
        let operand = |view: &ViewPlan| {
            let mut operand = Operand { base: word(view.base), strides: vec![0; self.axes.len()] };
            for dim in &view.dims {
                let stride = word(dim.stride) as i64;
                operand.base = operand.base.wrapping_add_signed(number(dim.start).wrapping_mul(stride));
                if let Some(axis) = dim.axis {
                    let sum = operand.strides.get_mut(axis as usize)?;
                    *sum = sum.wrapping_add(number(dim.step).wrapping_mul(stride));
                }
            }
            Some(operand)
        };
        let [c, a, b] = self.views.as_slice() else { return None };
        let (c, a, b) = (operand(c)?, operand(a)?, operand(b)?);
        let extents: Vec<i64> = self.axes.iter().map(|axis| number(*axis).max(0)).collect();
        (extents.len() >= 3).then_some(Resolved { extents, c, a, b })
    }
}

/// A product cut into tiles, as the threads share it.
pub(crate) struct Task {
    ty: Type,
    product: Resolved,
    /// Rows and columns of a tile.
    side: i64,
    /// Tiles along the rows, and along the columns, of one matrix.
    tiles: [i64; 2],
    cancel: *const AtomicU8,
}

impl Task {
    /// The tiles of a product.
    ///
    /// # Safety
    /// The frame that `word` reads has been filled for the plan's program, and `cancel` outlives the task.
    pub(crate) unsafe fn new(plan: &MatMulPlan, word: impl Fn(usize) -> u64, cancel: *const AtomicU8) -> Option<Task> {
        let product = plan.resolve(word)?;
        let [.., rows, columns, _] = product.extents[..] else { return None };
        let side = side(rows, columns);
        let tiles = [rows, columns].map(|extent| (extent + side - 1) / side);
        Some(Task { ty: plan.ty, product, side, tiles, cancel })
    }

    /// The number of tiles of all matrices.
    pub(crate) fn count(&self) -> i64 {
        let matrices = &self.product.extents[..self.product.extents.len() - 3];
        matrices.iter().chain(&self.tiles).fold(1, |count, extent| count.saturating_mul(*extent))
    }

    /// What the product takes one thread, in nanoseconds, roughly.
    pub(crate) fn cost(&self) -> f64 {
        let per_point = if self.ty == Type::F32 { 0.03 } else { 0.06 };
        self.product.extents.iter().map(|extent| *extent as f64).product::<f64>() * per_point
    }

    fn tile(&self, index: i64) {
        let (side, rank) = (self.side, self.product.extents.len());
        let (column, rest) = (index % self.tiles[1], index / self.tiles[1]);
        let (row, mut rest) = (rest % self.tiles[0], rest / self.tiles[0]);
        let mut point = vec![0; rank];
        for axis in (0..rank - 3).rev() {
            (point[axis], rest) = (rest % self.product.extents[axis], rest / self.product.extents[axis]);
        }
        (point[rank - 3], point[rank - 2]) = (row * side, column * side);
        let extents = &self.product.extents[rank - 3..];
        let sizes = [(extents[0] - row * side).min(side), (extents[1] - column * side).min(side), extents[2]];
        let matrix = |operand: &Operand, axes: [usize; 2]| Matrix {
            base: operand.at(&point) as usize,
            strides: axes.map(|axis| operand.strides[rank - 3 + axis] as isize),
        };
        let product = &self.product;
        let (c, a, b) = (matrix(&product.c, [0, 1]), matrix(&product.a, [0, 2]), matrix(&product.b, [2, 1]));
        let sizes = sizes.map(|size| size as usize);
        // SAFETY: the program promises that its views stay inside their arrays, which the frame describes; tiles are
        // different parts of the result, which is neither operand.
        unsafe {
            match self.ty {
                Type::F32 => multiply::<f32>(sizes, c, a, b),
                _ => multiply::<f64>(sizes, c, a, b),
            }
        }
    }
}

/// Rows and columns of a tile: large ones are quicker, more than a few are needed for threads.
fn side(rows: i64, columns: i64) -> i64 {
    match rows.max(columns) {
        0..=256 => 64,
        257..=1024 => 128,
        _ => 256,
    }
}

/// Runs tiles of the task that `task` points to; has the form of a nest, so that threads take tiles in the same way.
///
/// # Safety
/// `task` is a [`Task`] that nobody changes, and each tile is run once.
pub(crate) unsafe extern "C" fn run_tiles(task: *mut u64, _: *mut FaultRecord, lo: i64, hi: i64) -> i32 {
    // SAFETY: the caller's promise.
    let task = unsafe { &*task.cast::<Task>() };
    // SAFETY: the flag outlives the task.
    let is_cancelled = || !task.cancel.is_null() && unsafe { &*task.cancel }.load(Relaxed) != 0;
    for index in lo..hi {
        if is_cancelled() {
            return Status::Cancelled as i32;
        }
        if catch_unwind(AssertUnwindSafe(|| task.tile(index))).is_err() {
            return Status::Host as i32;
        }
    }
    Status::Ok as i32
}

/// Where a matrix is: the address of its first element, and bytes from row to row and from column to column.
#[derive(Clone, Copy)]
struct Matrix {
    base: usize,
    strides: [isize; 2],
}

impl Matrix {
    fn at<T>(self, row: usize, column: usize) -> *mut T {
        let [down, right] = self.strides;
        let offset = (down.wrapping_mul(row as isize)).wrapping_add(right.wrapping_mul(column as isize));
        std::ptr::with_exposed_provenance_mut(self.base.wrapping_add_signed(offset))
    }

    /// A matrix with so many columns in memory of our own.
    fn in_rows<T>(memory: &mut [T], columns: usize) -> Matrix {
        let size = size_of::<T>() as isize;
        Matrix { base: memory.as_mut_ptr().expose_provenance(), strides: [columns as isize * size, size] }
    }

    /// The strides in elements.
    fn elements<T>(self) -> [isize; 2] {
        self.strides.map(|stride| stride / size_of::<T>() as isize)
    }
}

/// The floats that are multiplied.
trait Float: Copy + 'static + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    const ZERO: Self;
    const ONE: Self;
}

impl Float for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
}

impl Float for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
}

/// Up to so many products a plain loop is done before the library has begun.
const TINY: usize = 512;
/// Up to this summed extent the library has ways of its own, which go by layouts.
const SHORT: usize = 2;
/// Up to so many elements of a result the library multiplies rows by columns where both lie together.
const SMALL: usize = 256;

/// One tile: rows, columns and the summed extent; result and operands.
///
/// The library takes different ways for different layouts, with different bits. So what would make it take another one
/// than the shape does is copied first: results that are not in rows, and operands of small results and of single rows
/// and columns.
///
/// # Safety
/// The matrices are valid for reads, the result for writes, and the result shares no element with an operand.
unsafe fn multiply<T: Float>([m, n, k]: [usize; 3], c: Matrix, a: Matrix, b: Matrix) {
    if m.saturating_mul(n).saturating_mul(k) <= TINY || k <= SHORT {
        // SAFETY: the caller's promise.
        return unsafe { multiply_plainly::<T>([m, n, k], c, a, b) };
    }
    let ([c_row, c_column], [_, a_column]) = (c.elements::<T>(), a.elements::<T>());
    let [b_row, b_column] = b.elements::<T>();
    let by_rows = match (m, n) {
        (_, 1) => c_row == 1,
        (1, _) => c_column == 1,
        (_, _) => c_column == 1 && c_row >= n as isize,
    };
    let copies_a = n == 1 && a_column != 1;
    let copies_b = match (m, n) {
        (_, 1) => b_row != 1,
        (1, _) => b_column != 1,
        (_, _) => m * n <= SMALL && b_row == 1,
    };
    // SAFETY: the caller's promise; copies have as many elements as what they stand for.
    unsafe {
        let mut own_a = if copies_a { read::<T>(a, m, k) } else { Vec::new() };
        let mut own_b = if copies_b { read::<T>(b, k, n) } else { Vec::new() };
        let a = if copies_a { Matrix::in_rows(&mut own_a, k) } else { a };
        let b = if copies_b { Matrix::in_rows(&mut own_b, n) } else { b };
        if by_rows {
            return multiply_by_library::<T>([m, n, k], c, a, b);
        }
        let mut own_c = vec![T::ZERO; m * n];
        let own = Matrix::in_rows(&mut own_c, n);
        multiply_by_library::<T>([m, n, k], own, a, b);
        for (at, &element) in own_c.iter().enumerate() {
            *c.at::<T>(at / n, at % n) = element;
        }
    }
}

/// The elements of a matrix, row by row.
///
/// # Safety
/// The matrix is valid for reads.
unsafe fn read<T: Float>(matrix: Matrix, rows: usize, columns: usize) -> Vec<T> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    // SAFETY: the caller's promise; elements are aligned, since arrays are.
    places.map(|(row, column)| unsafe { *matrix.at::<T>(row, column) }).collect()
}

/// A tile by loops of our own.
///
/// # Safety
/// As for [`multiply`].
unsafe fn multiply_plainly<T: Float>([m, n, k]: [usize; 3], c: Matrix, a: Matrix, b: Matrix) {
    for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
        // SAFETY: the caller's promise; elements are aligned, since arrays are.
        unsafe {
            let element = |i: usize| *a.at::<T>(row, i) * *b.at::<T>(i, column);
            *c.at::<T>(row, column) = (0..k).fold(T::ZERO, |sum, i| sum + element(i));
        }
    }
}

/// A tile by the library. Strides along axes of one element are made to say what the shape does.
///
/// # Safety
/// As for [`multiply`].
unsafe fn multiply_by_library<T: Float>([m, n, k]: [usize; 3], c: Matrix, a: Matrix, b: Matrix) {
    let ([mut c_row, mut c_column], [a_row, a_column]) = (c.elements::<T>(), a.elements::<T>());
    let [b_row, mut b_column] = b.elements::<T>();
    if n == 1 {
        (c_column, b_column) = (1, 1);
    } else if m == 1 {
        c_row = n as isize;
    }
    // SAFETY: the caller's promise. The library reads and writes the elements that strides and extents say.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.at::<T>(0, 0),
            c_column,
            c_row,
            false,
            a.at::<T>(0, 0).cast_const(),
            a_column,
            a_row,
            b.at::<T>(0, 0).cast_const(),
            b_column,
            b_row,
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, multiply, side};

    /// Rows by columns in memory, by rows or by columns.
    fn matrix(memory: &mut [f64], columns: usize, rows: usize, by_rows: bool) -> Matrix {
        let strides = if by_rows { [columns as isize * 8, 8] } else { [8, rows as isize * 8] };
        Matrix { base: memory.as_mut_ptr().expose_provenance(), strides }
    }

    /// Small whole numbers, so that every order of adding gives the same.
    fn numbers(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + 13) % 17) as f64 - 8.0).collect()
    }

    #[test]
    fn tiles_are_products() {
        for [m, n, k] in
            [[1, 1, 1], [3, 5, 7], [8, 8, 8], [1, 40, 33], [40, 1, 33], [17, 9, 100], [64, 64, 2], [5, 6, 0]]
        {
            for (a_rows, b_rows) in [(true, true), (false, true), (true, false), (false, false)] {
                let (mut a, mut b, mut c) = (numbers(m * k), numbers(k * n), vec![f64::NAN; m * n]);
                let left = matrix(&mut a, k, m, a_rows);
                let right = matrix(&mut b, n, k, b_rows);
                let result = matrix(&mut c, n, m, true);
                // SAFETY: the matrices lie in the three vectors.
                unsafe { multiply::<f64>([m, n, k], result, left, right) };
                for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                    let left = |i: usize| if a_rows { a[row * k + i] } else { a[i * m + row] };
                    let right = |i: usize| if b_rows { b[i * n + column] } else { b[column * k + i] };
                    let expect: f64 = (0..k).map(|i| left(i) * right(i)).sum();
                    assert_eq!(c[row * n + column], expect, "{m} {n} {k} at {row}, {column}");
                }
            }
        }
    }

    /// Numbers whose products and sums are all rounded.
    fn fractions(count: usize) -> Vec<f64> {
        (0..count).map(|i| 1.0 / ((i * 7919 + 13) % 1009 + 3) as f64 - 0.01).collect()
    }

    /// The same elements in memory with other strides.
    fn laid_out(elements: &[f64], [rows, columns]: [usize; 2], layout: usize) -> (Vec<f64>, [usize; 2]) {
        let strides = [[columns, 1], [1, rows], [2 * columns, 2], [columns + 5, 1], [1, rows + 3]][layout];
        let mut memory = vec![f64::NAN; strides[0] * rows + strides[1] * columns];
        for (at, &element) in elements.iter().enumerate() {
            memory[at / columns * strides[0] + at % columns * strides[1]] = element;
        }
        (memory, strides)
    }

    /// The bits of a product of operands, and into a result, with these layouts.
    fn bits([m, n, k]: [usize; 3], layouts: [usize; 3]) -> Vec<u64> {
        let (mut a, by_a) = laid_out(&fractions(m * k), [m, k], layouts[0]);
        let (mut b, by_b) = laid_out(&fractions(k * n), [k, n], layouts[1]);
        let (mut c, by_c) = laid_out(&vec![0.0; m * n], [m, n], layouts[2]);
        let matrix = |memory: &mut [f64], by: [usize; 2]| Matrix {
            base: memory.as_mut_ptr().expose_provenance(),
            strides: by.map(|by| by as isize * 8),
        };
        let (left, right) = (matrix(&mut a, by_a), matrix(&mut b, by_b));
        // SAFETY: the matrices lie in the three vectors.
        unsafe { multiply::<f64>([m, n, k], matrix(&mut c, by_c), left, right) };
        (0..m * n).map(|at| c[at / n * by_c[0] + at % n * by_c[1]].to_bits()).collect()
    }

    #[test]
    fn bits_do_not_depend_on_layouts() {
        let shapes = [[1, 40, 33], [40, 1, 33], [1, 1, 700], [1, 64, 300], [64, 1, 300], [2, 64, 100], [64, 2, 100]];
        let more =
            [[3, 5, 70], [17, 9, 100], [64, 64, 2], [64, 64, 1], [8, 8, 8], [16, 16, 600], [37, 61, 525], [5, 100, 20]];
        for shape in shapes.into_iter().chain(more) {
            let want = bits(shape, [0, 0, 0]);
            for layouts in 1..5 * 5 * 5 {
                let layouts = [layouts % 5, layouts / 5 % 5, layouts / 25];
                assert!(bits(shape, layouts) == want, "{shape:?} with layouts {layouts:?}");
            }
        }
    }

    #[test]
    fn tiles_depend_on_the_shape_only() {
        assert_eq!([side(1, 1), side(256, 3), side(3, 257), side(5000, 1)], [64, 64, 128, 256]);
    }
}
