//! The inputs and outputs of one case, in memory that hotloop and C kernels work on in turn.
//!
//! Inputs are pseudo-random with a fixed seed. The argument block points into the arrays, which stay where they are.

use crate::dtype::Dtype;
use crate::kargs::Kargs;
use crate::workload::{Slot, Workload};
use hotloop::{Array, Type};

/// The data of a workload for one type and size.
#[derive(Debug)]
pub struct Data {
    workload: &'static Workload,
    dtype: Dtype,
    inputs: Vec<Array>,
    outputs: Vec<Array>,
    kargs: Kargs,
}

impl Data {
    /// Makes the data for about that many elements.
    pub fn new(workload: &'static Workload, dtype: Dtype, elements: usize) -> Data {
        let (rows, columns) = workload.extent.of(elements);
        let mut data = Data { workload, dtype, inputs: Vec::new(), outputs: Vec::new(), kargs: Kargs::default() };
        data.kargs.n = rows as i64;
        data.kargs.m = columns as i64;
        for slot in workload.args {
            match slot {
                Slot::In(index, shape) => data.add_input(*index, &shape.extents(rows, columns)),
                Slot::Mut(_, shape) => data.add_output(dtype.ty(), &shape.extents(rows, columns)),
                Slot::Real(_) | Slot::Int(_) | Slot::Rows | Slot::Columns => {}
            }
        }
        for (shape, ty) in workload.outs {
            data.add_output(ty.unwrap_or(dtype.ty()), &shape.extents(rows, columns));
        }
        for (index, value) in workload.scalars.iter().enumerate() {
            let divisor = if workload.per_row.contains(&index) { rows as f64 } else { 1.0 };
            data.kargs.scalars[index] = value / divisor;
        }
        data
    }

    fn add_input(&mut self, index: usize, shape: &[usize]) {
        let mut array = zeros(self.dtype.ty(), shape);
        fill(&mut array, self.dtype, index, self.workload.ranges.get(index).copied().unwrap_or((0.0, 1.0)));
        self.kargs.inputs[index] = address(&mut array).cast_const();
        self.inputs.push(array);
    }

    fn add_output(&mut self, ty: Type, shape: &[usize]) {
        let mut array = zeros(ty, shape);
        self.kargs.outputs[self.outputs.len()] = address(&mut array);
        self.outputs.push(array);
    }

    /// The workload.
    pub fn workload(&self) -> &'static Workload {
        self.workload
    }

    /// The element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The argument block; what it points to lives as long as the data.
    pub fn kargs(&mut self) -> &mut Kargs {
        &mut self.kargs
    }

    /// How many threads the kernels may use.
    pub fn set_threads(&mut self, threads: usize) {
        self.kargs.threads = threads as i32;
    }

    /// The number of elements that times are given for.
    pub fn elements(&self) -> usize {
        let (n, m) = (self.kargs.n as usize, self.kargs.m as usize);
        match self.workload.extent {
            crate::workload::Extent::Pairs => n * n,
            _ => n * m,
        }
    }

    /// The bytes that have to be moved, where that bounds the speed.
    pub fn bytes(&self) -> Option<usize> {
        let (read, written) = self.workload.traffic?;
        Some((read + written) as usize * self.elements() * self.dtype.bytes())
    }

    /// The bytes of all arrays.
    pub fn footprint(&self) -> usize {
        self.inputs.iter().chain(&self.outputs).map(Array::byte_len).sum()
    }

    /// The results as numbers.
    pub fn results(&self) -> Vec<Vec<f64>> {
        self.outputs.iter().map(numbers).collect()
    }

    /// Forgets the results.
    pub fn clear(&mut self) {
        for array in &mut self.outputs {
            let (ty, len) = (array.ty(), array.len());
            match ty {
                Type::F32 => array.as_mut_slice::<f32>()[..len].fill(0.0),
                Type::F64 => array.as_mut_slice::<f64>()[..len].fill(0.0),
                Type::I32 => array.as_mut_slice::<i32>()[..len].fill(0),
                Type::U32 => array.as_mut_slice::<u32>()[..len].fill(0),
                _ => array.as_mut_slice::<u64>()[..len].fill(0),
            }
        }
    }
}

/// How far two results are apart: the largest difference relative to the largest value, or for integers the share of
/// elements that differ.
pub fn distance(dtype_is_float: bool, one: &[Vec<f64>], other: &[Vec<f64>]) -> f64 {
    let pair = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        if !dtype_is_float {
            return a.iter().zip(b).filter(|(a, b)| a != b).count() as f64 / a.len().max(1) as f64;
        }
        let largest = b.iter().fold(f64::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let worst = a.iter().zip(b).fold(0.0, |worst: f64, (a, b)| {
            let difference = (a - b).abs();
            if difference.is_nan() { f64::INFINITY } else { worst.max(difference) }
        });
        worst / largest
    };
    one.iter().zip(other).map(pair).fold(0.0, f64::max)
}

fn zeros(ty: Type, shape: &[usize]) -> Array {
    Array::zeros(ty, shape).expect("memory for the data of a benchmark")
}

pub(crate) fn address(array: &mut Array) -> *mut u8 {
    match array.ty() {
        Type::F32 => array.as_mut_slice::<f32>().as_mut_ptr().cast(),
        Type::F64 => array.as_mut_slice::<f64>().as_mut_ptr().cast(),
        Type::I32 => array.as_mut_slice::<i32>().as_mut_ptr().cast(),
        Type::U32 => array.as_mut_slice::<u32>().as_mut_ptr().cast(),
        Type::I64 => array.as_mut_slice::<i64>().as_mut_ptr().cast(),
        Type::U8 => array.as_mut_slice::<u8>().as_mut_ptr(),
        _ => array.as_mut_slice::<u64>().as_mut_ptr().cast(),
    }
}

fn numbers(array: &Array) -> Vec<f64> {
    match array.ty() {
        Type::F32 => array.as_slice::<f32>().iter().map(|value| f64::from(*value)).collect(),
        Type::F64 => array.as_slice::<f64>().to_vec(),
        Type::I32 => array.as_slice::<i32>().iter().map(|value| f64::from(*value)).collect(),
        Type::U32 => array.as_slice::<u32>().iter().map(|value| f64::from(*value)).collect(),
        _ => array.as_slice::<u64>().iter().map(|value| *value as f64).collect(),
    }
}

fn fill(array: &mut Array, dtype: Dtype, seed: usize, (lo, hi): (f64, f64)) {
    let mut state = seed as u64;
    // SplitMix64.
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut real = || lo + (hi - lo) * ((next() >> 11) as f64 / (1u64 << 53) as f64);
    match dtype {
        Dtype::F32 => array.as_mut_slice::<f32>().iter_mut().for_each(|value| *value = real() as f32),
        Dtype::F64 => array.as_mut_slice::<f64>().iter_mut().for_each(|value| *value = real()),
        Dtype::U32 => array.as_mut_slice::<u32>().iter_mut().for_each(|value| *value = next() as u32),
        Dtype::U64 => array.as_mut_slice::<u64>().iter_mut().for_each(|value| *value = next()),
    }
}
