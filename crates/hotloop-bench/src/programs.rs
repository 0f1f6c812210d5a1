//! Programs of loops, as one writes them for Numba or in C: their table, their data, and how both sides are run.
//!
//! Every array is a `mut` parameter, filled anew before each run, so that programs that work in place do the same work
//! each time. The filling is timed by itself and taken off.

use crate::ffi::LoopFn;
use hotloop::{Arg, Array, Call, Engine, Error, Prepared, TargetChoice, Type};

/// A program of loops.
#[derive(Debug)]
pub struct LoopProgram {
    /// The name of its file, its kernel and its C function.
    pub name: &'static str,
    /// What tables call it.
    pub title: &'static str,
    /// The text of its kernel.
    pub text: &'static str,
    /// The arrays, in order.
    pub arrays: &'static [(Type, &'static [usize])],
    /// The numbers behind the arrays.
    pub scalars: &'static [i64],
    /// Whether its outer loop is a `prange`, so that two threads are of use.
    pub parallel: bool,
}

macro_rules! programs {
    ($($name:literal $title:literal [$($ty:ident $shape:expr),*] $scalars:expr, $parallel:literal;)*) => {
        /// Every program.
        pub const PROGRAMS: &[LoopProgram] = &[$(LoopProgram {
            name: $name,
            title: $title,
            text: include_str!(concat!("../kernels/loops/", $name, ".hl")),
            arrays: &[$((Type::$ty, &$shape)),*],
            scalars: &$scalars,
            parallel: $parallel,
        }),*];
    };
}

programs! {
    "floyd_warshall" "shortest ways, 200 towns" [F64 [200, 200]] [], false;
    "lu" "LU, 200 rows" [F64 [200, 200]] [], false;
    "gram_schmidt" "Gram-Schmidt, 120 by 120" [F64 [120, 120], F64 [120, 120]] [], false;
    "triple" "matrix product by three loops, 160 rows" [F64 [160, 160], F64 [160, 160], F64 [160, 160]] [], false;
    "nussinov" "Nussinov, 220 bases" [U8 [220], I32 [221, 221]] [], false;
    "adi" "tridiagonal sweeps, 200 by 200" [F64 [200, 200], F64 [200, 200], F64 [200, 200], F64 [200, 200]] [4], false;
    "seidel" "Gauss-Seidel, 300 by 300" [F64 [300, 300]] [4], false;
    "durbin" "Durbin, 1200 numbers" [F64 [1200], F64 [1200], F64 [1200]] [], false;
    "deriche" "Deriche, 300 by 400" [F64 [300, 400], F64 [300, 400], F64 [300, 400]] [], false;
    "kmeans" "one turn of k-means, 2000 points, 12 groups" [F64 [2000, 8], F64 [12, 8], F64 [12, 8], I64 [12], I64 [2000]] [], false;
    "monte_carlo" "pi by chance, 200000 draws" [I64 [1]] [200_000], false;
    "insertion" "insertion sort, 1000 numbers" [F64 [1000]] [], false;
    "heap_sort" "heap sort, 8000 numbers" [F64 [8000]] [], false;
    "prefix_sums" "sums of rectangles, 400 by 500" [I64 [400, 500], I64 [401, 501]] [], false;
    "levenshtein" "Levenshtein, 800 by 800" [U8 [800], U8 [800], I64 [801]] [], false;
    "triangle" "`prange` over a triangle, 700 rows" [F64 [700, 700], F64 [700]] [], true;
    "escape_rows" "`prange` over rows of Mandelbrot's set" [I64 [160, 200]] [1000], true;
}

impl LoopProgram {
    /// The program of this name.
    pub fn of_name(name: &str) -> Option<&'static LoopProgram> {
        PROGRAMS.iter().find(|program| program.name == name)
    }
}

/// The arrays of one program, and what they hold before a run.
#[derive(Debug)]
pub struct LoopData {
    program: &'static LoopProgram,
    fresh: Vec<Array>,
    arrays: Vec<Array>,
}

impl LoopData {
    /// Makes the data of a program.
    pub fn new(program: &'static LoopProgram) -> LoopData {
        let make = |(seed, (ty, shape)): (usize, &(Type, &[usize]))| filled(*ty, shape, seed as u64);
        let fresh: Vec<Array> = program.arrays.iter().enumerate().map(make).collect();
        LoopData { program, arrays: fresh.clone(), fresh }
    }

    /// Fills the arrays anew.
    pub fn refill(&mut self) {
        for (array, fresh) in self.arrays.iter_mut().zip(&self.fresh) {
            copy(array, fresh);
        }
    }

    /// Runs the C function on fresh arrays.
    pub fn run_c(&mut self, function: LoopFn) {
        self.refill();
        function.run(&mut self.arrays, self.program.scalars);
    }

    /// Runs hotloop on fresh arrays.
    pub fn run(&mut self, prepared: &Prepared, threads: usize) -> Result<(), Error> {
        self.refill();
        let mut args: Vec<Arg<'_>> = self.arrays.iter_mut().map(Arg::from).collect();
        args.extend(self.program.scalars.iter().map(|&scalar| Arg::from(scalar)));
        prepared.call_with(&args, &Call::new().threads(threads)).map(drop)
    }

    /// Compiles the program for these arrays.
    pub fn prepare(&mut self, engine: &Engine, target: TargetChoice) -> Result<Prepared, Error> {
        let mut args: Vec<Arg<'_>> = self.arrays.iter_mut().map(Arg::from).collect();
        args.extend(self.program.scalars.iter().map(|&scalar| Arg::from(scalar)));
        let types: Vec<_> = args.iter().map(hotloop::arg_type).collect();
        engine.load(self.program.text)?.kernel(self.program.name)?.prepare_with(&types, &Call::new().target(target))
    }

    /// What the arrays hold.
    pub fn arrays(&self) -> &[Array] {
        &self.arrays
    }
}

/// Random numbers: floats around 1, small whole numbers. A square matrix of floats gets a heavy diagonal, so that
/// factors of it stay tame.
fn filled(ty: Type, shape: &[usize], seed: u64) -> Array {
    let mut array = Array::zeros(ty, shape).expect("memory for the data of a benchmark");
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    match ty {
        Type::F64 => {
            let heavy = if shape.len() == 2 && shape[0] == shape[1] { shape[0] } else { 0 };
            for (at, value) in array.as_mut_slice::<f64>().iter_mut().enumerate() {
                let diagonal = heavy > 0 && at % (heavy + 1) == 0;
                *value = 0.5 + next() as f64 / (1u64 << 31) as f64 + if diagonal { heavy as f64 } else { 0.0 };
            }
        }
        Type::I64 => array.as_mut_slice::<i64>().iter_mut().for_each(|value| *value = (next() % 100) as i64),
        Type::I32 => {}
        _ => array.as_mut_slice::<u8>().iter_mut().for_each(|value| *value = (next() % 4) as u8),
    }
    array
}

fn copy(into: &mut Array, from: &Array) {
    match from.ty() {
        Type::F64 => into.as_mut_slice::<f64>().copy_from_slice(from.as_slice()),
        Type::I64 => into.as_mut_slice::<i64>().copy_from_slice(from.as_slice()),
        Type::I32 => into.as_mut_slice::<i32>().copy_from_slice(from.as_slice()),
        _ => into.as_mut_slice::<u8>().copy_from_slice(from.as_slice()),
    }
}

/// Whether two runs left the same numbers behind, but for the sign of zeros.
pub fn alike(one: &[Array], other: &[Array]) -> bool {
    one.iter().zip(other).all(|(a, b)| match a.ty() {
        Type::F64 => a.as_slice::<f64>() == b.as_slice::<f64>(),
        Type::I64 => a.as_slice::<i64>() == b.as_slice::<i64>(),
        Type::I32 => a.as_slice::<i32>() == b.as_slice::<i32>(),
        _ => a.as_slice::<u8>() == b.as_slice::<u8>(),
    })
}
