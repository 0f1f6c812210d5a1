//! `Array`: an owned block of elements with a shape, in C order without gaps.
//!
//! Owns the memory and its typed access. One of the files with `unsafe`: memory is allocated by hand, because kernels
//! write every element of their outputs and filling them first would double the traffic. How arrays are passed is in
//! `arg`, how foreign memory is described in `view`.

use crate::element::Element;
use crate::error::ArgumentError;
use crate::kept::Kept;
use hotloop_ir::{Scalar, Type};
use smallvec::SmallVec;
use std::alloc::{self, Layout};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

/// The extents of an array; up to four axes take no allocation.
pub type Shape = SmallVec<[usize; 4]>;

/// The most axes an array can have.
pub const MAX_RANK: usize = 32;

/// The alignment of the memory this crate allocates: a cache line, and the widest vector register.
pub const ALIGN: usize = 64;

/// An array with memory of its own, in C order without gaps.
///
/// An array without axes holds one element. Memory made here is aligned to [`ALIGN`] bytes; that of a vector given to
/// [`Array::from_vec`] keeps its own.
pub struct Array {
    buffer: Buffer,
    ty: Type,
    shape: Shape,
}

impl Array {
    /// Takes a vector over, without copying, as an array of this shape.
    pub fn from_vec<T: Element>(vec: Vec<T>, shape: &[usize]) -> Result<Array, ArgumentError> {
        let len = element_count(shape)?;
        if len != vec.len() {
            return Err(ArgumentError::Length { expected: len, found: vec.len(), shape: shape.into() });
        }
        Ok(Array { buffer: Buffer::from_vec(vec), ty: T::TYPE, shape: shape.into() })
    }

    /// An array of zeros (`false` for `bool`).
    pub fn zeros(ty: Type, shape: &[usize]) -> Result<Array, ArgumentError> {
        let array = Array::uninit(ty, shape)?;
        // SAFETY: the buffer has that many bytes and is not shared yet.
        unsafe { array.buffer.ptr.as_ptr().write_bytes(0, array.byte_len()) };
        Ok(array)
    }

    /// An array in which every element is the same.
    pub fn full(scalar: Scalar, shape: &[usize]) -> Result<Array, ArgumentError> {
        let mut array = Array::zeros(scalar.ty, shape)?;
        let (bytes, size) = scalar.to_bytes();
        let element = &bytes[..size];
        array.bytes_mut().chunks_exact_mut(element.len()).for_each(|chunk| chunk.copy_from_slice(element));
        Ok(array)
    }

    /// An array whose elements hold whatever was in memory before. Private to the crate: whoever calls it writes
    /// every element before anyone can read.
    pub(crate) fn uninit(ty: Type, shape: &[usize]) -> Result<Array, ArgumentError> {
        Array::made(ty, shape, Buffer::aligned)
    }

    /// The same in memory of an engine's.
    pub(crate) fn uninit_in(kept: &Arc<Kept>, ty: Type, shape: &[usize]) -> Result<Array, ArgumentError> {
        Array::made(ty, shape, |bytes| kept.take(bytes))
    }

    fn made(ty: Type, shape: &[usize], memory: impl FnOnce(usize) -> Option<Buffer>) -> Result<Array, ArgumentError> {
        let bytes = element_count(shape)?.checked_mul(ty.bytes()).ok_or(ArgumentError::TooLarge)?;
        let buffer = memory(bytes).ok_or(ArgumentError::TooLarge)?;
        Ok(Array { buffer, ty, shape: shape.into() })
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The extents, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The number of bytes of all elements.
    pub fn byte_len(&self) -> usize {
        self.len() * self.ty.bytes()
    }

    /// The elements, if they are of type `T`.
    pub fn try_as_slice<T: Element>(&self) -> Option<&[T]> {
        // SAFETY: the buffer holds `len` initialised elements of `ty`, which is `T`'s, aligned for it.
        (self.ty == T::TYPE).then(|| unsafe { std::slice::from_raw_parts(self.buffer.ptr.as_ptr().cast(), self.len()) })
    }

    /// The elements for writing, if they are of type `T`.
    pub fn try_as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        let len = self.len();
        // SAFETY: as above, and the array is borrowed exclusively.
        (self.ty == T::TYPE).then(|| unsafe { std::slice::from_raw_parts_mut(self.buffer.ptr.as_ptr().cast(), len) })
    }

    /// The elements.
    ///
    /// # Panics
    /// If they are not of type `T`; [`Array::try_as_slice`] does not.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> &[T] {
        self.try_as_slice().unwrap_or_else(|| wrong_element(T::TYPE, self.ty))
    }

    /// The elements for writing.
    ///
    /// # Panics
    /// If they are not of type `T`; [`Array::try_as_mut_slice`] does not.
    #[track_caller]
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        let ty = self.ty;
        self.try_as_mut_slice().unwrap_or_else(|| wrong_element(T::TYPE, ty))
    }

    /// A copy of the elements, if they are of type `T`.
    pub fn to_vec<T: Element>(&self) -> Option<Vec<T>> {
        self.try_as_slice().map(<[T]>::to_vec)
    }

    /// The bytes of all elements, in the machine's byte order.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the buffer has that many bytes, all initialised; elements have no padding.
        unsafe { std::slice::from_raw_parts(self.buffer.ptr.as_ptr(), self.byte_len()) }
    }

    /// The element at a C-order position.
    pub fn get(&self, position: usize) -> Option<Scalar> {
        let size = self.ty.bytes();
        let element = self.bytes().get(position.checked_mul(size)?..)?.get(..size)?;
        Some(Scalar::from_bytes(self.ty, element))
    }

    /// The same elements under another shape of as many elements.
    pub fn reshape(mut self, shape: &[usize]) -> Result<Array, ArgumentError> {
        let len = element_count(shape)?;
        if len != self.len() {
            return Err(ArgumentError::Length { expected: len, found: self.len(), shape: shape.into() });
        }
        self.shape = shape.into();
        Ok(self)
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.buffer.ptr.as_ptr()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the array is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.ptr.as_ptr(), self.byte_len()) }
    }
}

impl Clone for Array {
    fn clone(&self) -> Array {
        let bytes = self.byte_len();
        let Some(buffer) = Buffer::aligned(bytes) else {
            alloc::handle_alloc_error(Layout::from_size_align(bytes, ALIGN).unwrap_or(Layout::new::<u8>()))
        };
        // SAFETY: both buffers have that many bytes, and the new one overlaps nothing.
        unsafe { buffer.ptr.as_ptr().copy_from_nonoverlapping(self.buffer.ptr.as_ptr(), bytes) };
        Array { buffer, ty: self.ty, shape: self.shape.clone() }
    }
}

impl PartialEq for Array {
    /// Same type, shape and bits; unlike numbers, a NaN equals itself and `-0` does not equal `0`.
    fn eq(&self, other: &Array) -> bool {
        self.ty == other.ty && self.shape == other.shape && self.bytes() == other.bytes()
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "Array<{}>{:?} [", self.ty, self.shape)?;
        for position in 0..self.len().min(SHOWN) {
            let comma = if position > 0 { ", " } else { "" };
            match self.get(position) {
                Some(scalar) => write!(f, "{comma}{scalar}")?,
                None => break,
            }
        }
        f.write_str(if self.len() > SHOWN { ", …]" } else { "]" })
    }
}

impl<T: Element> From<Vec<T>> for Array {
    fn from(vec: Vec<T>) -> Array {
        let shape = SmallVec::from_slice(&[vec.len()]);
        Array { buffer: Buffer::from_vec(vec), ty: T::TYPE, shape }
    }
}

/// The number of elements of a shape, if it can exist.
pub(crate) fn element_count(shape: &[usize]) -> Result<usize, ArgumentError> {
    if shape.len() > MAX_RANK {
        return Err(ArgumentError::Rank { found: shape.len() });
    }
    // An empty array can have any other extents, but each must fit the arithmetic of kernels.
    let fits = |extent: &usize| *extent <= isize::MAX as usize;
    if !shape.iter().all(fits) {
        return Err(ArgumentError::TooLarge);
    }
    if shape.contains(&0) {
        return Ok(0);
    }
    let count = shape.iter().try_fold(1usize, |count, extent| count.checked_mul(*extent));
    count.filter(|count| *count <= isize::MAX as usize / 16).ok_or(ArgumentError::TooLarge)
}

#[cold]
#[track_caller]
fn wrong_element(wanted: Type, found: Type) -> ! {
    panic!("the elements are `{found}`, not `{wanted}`")
}

/// From this size on, memory is fresh from the system every time, and most of the time of filling it goes into page
/// faults, of which large pages cause fewer: filling 80 MB takes a third of the time.
const HUGE: usize = 32 << 20;
/// The size of large pages, and so the alignment that lets memory have them.
const HUGE_PAGE: usize = 2 << 20;

/// Asks for large pages. They are a matter of speed only, so a refusal is none of anyone's business.
#[cfg(target_os = "linux")]
fn advise_huge(ptr: NonNull<u8>, bytes: usize) {
    // SAFETY: the memory was allocated just now and starts at a page; the advice changes no content.
    unsafe { libc::madvise(ptr.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_: NonNull<u8>, _: usize) {}

/// The alignment allocators give anyway.
const PLAIN_ALIGN: usize = 16;

/// Memory and how to give it back.
#[derive(Debug)]
pub(crate) struct Buffer {
    ptr: NonNull<u8>,
    /// What was allocated, which begins `before` bytes ahead of `ptr`.
    layout: Layout,
    before: usize,
    /// The bytes that were asked for.
    len: usize,
    /// The engine that takes the memory back.
    home: Option<Weak<Kept>>,
}

// SAFETY: a buffer is plain memory with one owner; nothing about it belongs to a thread.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer is only read.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// So many bytes, aligned to `ALIGN` and not initialised; none if there is no memory.
    pub(crate) fn aligned(bytes: usize) -> Option<Buffer> {
        if bytes == 0 {
            // A dangling address that is aligned for every element type.
            let ptr = NonNull::new(std::ptr::without_provenance_mut(ALIGN))?;
            return Some(Buffer { ptr, layout: Layout::new::<()>(), before: 0, len: 0, home: None });
        }
        if bytes >= HUGE { Buffer::huge(bytes) } else { Buffer::padded(bytes) }
    }

    /// Allocators are up to four times quicker with ordinary alignment, so this takes more and begins inside.
    fn padded(bytes: usize) -> Option<Buffer> {
        let layout = Layout::from_size_align(bytes + ALIGN - PLAIN_ALIGN, PLAIN_ALIGN).ok()?;
        // SAFETY: the layout is not of size zero.
        let start = NonNull::new(unsafe { alloc::alloc(layout) })?;
        let before = start.addr().get().next_multiple_of(ALIGN) - start.addr().get();
        // SAFETY: the address is a multiple of `PLAIN_ALIGN`, so at most `ALIGN - PLAIN_ALIGN` bytes are passed over,
        // and `bytes` are left.
        Some(Buffer { ptr: unsafe { start.add(before) }, layout, before, len: bytes, home: None })
    }

    fn huge(bytes: usize) -> Option<Buffer> {
        let layout = Layout::from_size_align(bytes, HUGE_PAGE).ok()?;
        // SAFETY: the layout is not of size zero.
        let ptr = NonNull::new(unsafe { alloc::alloc(layout) })?;
        advise_huge(ptr, bytes);
        Some(Buffer { ptr, layout, before: 0, len: bytes, home: None })
    }

    /// The address of the first byte.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// The number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes there are, of which `len` have been asked for.
    pub(crate) fn room(&self) -> usize {
        self.layout.size() - self.before
    }

    /// The same memory for fewer bytes.
    pub(crate) fn cut(mut self, bytes: usize) -> Buffer {
        debug_assert!(bytes <= self.room(), "a block of memory is too small");
        self.len = bytes;
        self
    }

    /// The same memory, given back to an engine.
    pub(crate) fn with_home(mut self, home: Weak<Kept>) -> Buffer {
        self.home = Some(home);
        self
    }

    fn from_vec<T: Element>(vec: Vec<T>) -> Buffer {
        let mut vec = std::mem::ManuallyDrop::new(vec);
        let size = vec.capacity() * size_of::<T>();
        let ptr = NonNull::from(vec.as_mut_slice()).cast();
        // A vector without capacity holds nothing to give back, which is what size 0 means here too.
        match Layout::from_size_align(size, align_of::<T>()) {
            Ok(layout) => Buffer { ptr, layout, before: 0, len: size, home: None },
            Err(_) => Buffer { ptr, layout: Layout::new::<()>(), before: 0, len: 0, home: None },
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take().and_then(|home| home.upgrade()) {
            let Buffer { ptr, layout, before, len, .. } = *self;
            return home.give(Buffer { ptr, layout, before, len, home: None });
        }
        if self.layout.size() > 0 {
            // SAFETY: the memory came from the global allocator with this layout, here or inside the vector, and began
            // `before` bytes ahead.
            unsafe { alloc::dealloc(self.ptr.sub(self.before).as_ptr(), self.layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALIGN, Array};
    use hotloop_ir::{Scalar, Type};

    #[test]
    fn a_vector_is_taken_over() {
        let mut vec = Vec::with_capacity(10);
        vec.extend([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let address = vec.as_ptr();
        let array = Array::from_vec(vec, &[2, 3]).expect("six elements");
        assert_eq!(array.as_slice::<f32>().as_ptr(), address);
        assert_eq!(array.as_slice::<f32>(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((array.ty(), array.shape(), array.rank()), (Type::F32, &[2, 3][..], 2));
        assert_eq!(array.try_as_slice::<f64>(), None);
        assert_eq!(array.get(4), Some(Scalar::f32(5.0)));
        assert_eq!(array.get(6), None);
    }

    #[test]
    fn lengths_are_checked() {
        let error = Array::from_vec(vec![1i32; 5], &[2, 3]).expect_err("five are not six");
        assert!(error.to_string().contains('5') && error.to_string().contains('6'), "{error}");
        assert!(Array::zeros(Type::F64, &[usize::MAX, 2]).is_err());
        assert!(Array::zeros(Type::F64, &[1 << 40, 1 << 40]).is_err());
        assert!(Array::zeros(Type::U8, &[1; 33]).is_err());
    }

    #[test]
    fn empty_arrays_and_arrays_without_axes() {
        for shape in [&[0][..], &[3, 0], &[0, 5, 0]] {
            let array = Array::zeros(Type::I64, shape).expect("no memory needed");
            assert!(array.is_empty() && array.as_slice::<i64>().is_empty());
            assert_eq!(array.clone(), array);
        }
        let one = Array::full(Scalar::f64(2.5), &[]).expect("one element");
        assert_eq!(one.as_slice::<f64>(), [2.5]);
        assert_eq!(Array::from(Vec::<u8>::new()).len(), 0);
    }

    #[test]
    fn fresh_memory_is_aligned_and_filled() {
        for len in 1..100 {
            let zeros = Array::zeros(Type::I16, &[len]).expect("little memory");
            assert_eq!(zeros.as_ptr().addr() % ALIGN, 0);
            assert!(zeros.as_slice::<i16>().iter().all(|value| *value == 0));
            let full = Array::full(Scalar::int(Type::I16, -3), &[len]).expect("little memory");
            assert!(full.as_slice::<i16>().iter().all(|value| *value == -3));
            assert_eq!(full.clone(), full);
            assert_ne!(full, zeros);
        }
    }

    #[test]
    fn reshape_keeps_the_elements() {
        let array = Array::from((0..6).collect::<Vec<i32>>()).reshape(&[3, 2]).expect("six elements");
        assert_eq!(array.shape(), [3, 2]);
        assert_eq!(array.as_slice::<i32>(), [0, 1, 2, 3, 4, 5]);
        assert!(array.reshape(&[4]).is_err());
    }
}
