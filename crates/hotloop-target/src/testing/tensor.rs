//! A tensor: elements of one type in memory of its own, with any strides, between guard zones.
//!
//! Bytes that belong to no element hold a pattern; `guards_intact` tells whether anything has written there.

use hotloop_ir::{Scalar, Type};

/// Bytes before and after the elements.
const GUARD: usize = 128;
/// What bytes that belong to no element hold.
const PATTERN: u8 = 0xa5;

/// An array for tests.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The element type.
    pub ty: Type,
    /// The extents.
    pub shape: Vec<i64>,
    /// The strides, in bytes.
    pub strides: Vec<i64>,
    origin: usize,
    words: Vec<u64>,
}

impl Tensor {
    /// A tensor in C order without gaps.
    pub fn dense(ty: Type, shape: &[i64], values: &[Scalar]) -> Tensor {
        Tensor::strided(ty, shape, &dense_strides(shape), values)
    }

    /// A vector.
    pub fn vector(ty: Type, values: &[Scalar]) -> Tensor {
        Tensor::dense(ty, &[values.len() as i64], values)
    }

    /// A tensor with these strides, in elements. Where elements share memory the last value stays.
    pub fn strided(ty: Type, shape: &[i64], strides: &[i64], values: &[Scalar]) -> Tensor {
        let mut tensor = Tensor::patterned(ty, shape, strides);
        assert_eq!(tensor.len(), values.len(), "the values do not fill the shape {shape:?}");
        for (i, value) in values.iter().enumerate() {
            assert_eq!(value.ty, ty, "a value of another type");
            tensor.set(i, *value);
        }
        tensor
    }

    /// Memory in C order that has not been written: its bytes hold an odd pattern, but `bool`s are false.
    pub fn fresh(ty: Type, shape: &[i64]) -> Tensor {
        let mut tensor = Tensor::patterned(ty, shape, &dense_strides(shape));
        if ty == Type::Bool {
            (0..tensor.len()).for_each(|i| tensor.set(i, Scalar::bool(false)));
        }
        tensor
    }

    fn patterned(ty: Type, shape: &[i64], strides: &[i64]) -> Tensor {
        assert_eq!(shape.len(), strides.len(), "one stride per axis");
        let bytes: Vec<i64> = strides.iter().map(|stride| stride * ty.bytes() as i64).collect();
        let reach = |pick: fn(i64) -> i64| -> i64 {
            shape.iter().zip(&bytes).map(|(extent, stride)| pick((extent - 1).max(0) * stride)).sum()
        };
        let below = -reach(|span| span.min(0)) as usize;
        let above = reach(|span| span.max(0)) as usize;
        let size = GUARD + below + above + ty.bytes() + GUARD;
        let words = vec![u64::from_ne_bytes([PATTERN; 8]); size.div_ceil(8)];
        Tensor { ty, shape: shape.to_vec(), strides: bytes, origin: GUARD + below, words }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product::<i64>() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of the element at index 0.
    pub fn base(&mut self) -> *mut u8 {
        self.words.as_mut_ptr().cast::<u8>().wrapping_add(self.origin)
    }

    /// An element, by its number in C order.
    pub fn get(&self, linear: usize) -> Scalar {
        let at = self.offset(linear);
        Scalar::new(self.ty, self.words[at / 8] >> self.shift(at))
    }

    /// Every element in C order.
    pub fn values(&self) -> Vec<Scalar> {
        (0..self.len()).map(|i| self.get(i)).collect()
    }

    /// Writes an element, by its number in C order.
    pub fn set(&mut self, linear: usize, value: Scalar) {
        let at = self.offset(linear);
        let shift = self.shift(at);
        let word = &mut self.words[at / 8];
        *word = *word & !(self.ty.mask() << shift) | (value.bits << shift);
    }

    /// Whether the bytes that belong to no element are as they were made.
    pub fn guards_intact(&self) -> bool {
        let mut owned = vec![false; self.words.len() * 8];
        for linear in 0..self.len() {
            let at = self.offset(linear);
            owned[at..at + self.ty.bytes()].fill(true);
        }
        owned.iter().enumerate().all(|(at, owned)| *owned || self.byte(at) == PATTERN)
    }

    /// Where in its word an element stands. Elements are aligned to their size, so that none lies in two words.
    fn shift(&self, at: usize) -> usize {
        let bytes = at % 8;
        8 * if cfg!(target_endian = "little") { bytes } else { 8 - self.ty.bytes() - bytes }
    }

    fn byte(&self, at: usize) -> u8 {
        self.words[at / 8].to_ne_bytes()[at % 8]
    }

    fn offset(&self, mut linear: usize) -> usize {
        let mut offset = self.origin as i64;
        for (extent, stride) in self.shape.iter().zip(&self.strides).rev() {
            offset += (linear % *extent as usize) as i64 * stride;
            linear /= *extent as usize;
        }
        offset as usize
    }
}

/// C order strides, in elements.
fn dense_strides(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: i64) -> Vec<Scalar> {
        (0..n).map(|i| Scalar::int(Type::I16, i.into())).collect()
    }

    #[test]
    fn reads_back_through_any_strides() {
        for strides in [[3, 1], [1, 2], [-3, 1], [5, -2], [-7, -2]] {
            let tensor = Tensor::strided(Type::I16, &[2, 3], &strides, &numbers(6));
            assert_eq!(tensor.values(), numbers(6), "{strides:?}");
            assert!(tensor.guards_intact());
        }
    }

    #[test]
    fn sees_a_byte_written_beside_the_elements() {
        let tensor = Tensor::strided(Type::I16, &[3], &[2], &numbers(3));
        for at in [tensor.origin - 1, tensor.origin + 2, tensor.origin + 10] {
            let mut broken = tensor.clone();
            broken.words[at / 8] ^= u64::from_ne_bytes(std::array::from_fn(|i| u8::from(i == at % 8)));
            assert!(!broken.guards_intact());
        }
    }
}
