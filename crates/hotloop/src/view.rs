//! `View` and `ViewMut`: memory that belongs to someone else, seen as an array of any shape and strides.
//!
//! A view made from a slice has been checked to stay inside it; one made from raw memory is the caller's word. One of
//! the files with `unsafe`: a view holds an address, and says which threads may.

use crate::array::{Array, MAX_RANK, Shape, element_count};
use crate::element::Element;
use crate::error::ArgumentError;
use hotloop_ir::{Layout, Scalar, Type};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// Distances between neighbors along each axis, in elements; may be negative, and zero in views that are only read.
pub type Strides = SmallVec<[isize; 4]>;

/// What both kinds of view are made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) base: *mut u8,
    pub(crate) ty: Type,
    pub(crate) shape: Shape,
    pub(crate) strides: Strides,
}

/// An array that is only read.
#[derive(Clone, Debug)]
pub struct View<'a> {
    parts: Parts,
    memory: PhantomData<&'a [u8]>,
}

/// An array that a kernel may write.
#[derive(Debug)]
pub struct ViewMut<'a> {
    parts: Parts,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: a view is a shared borrow of plain elements, which are `Sync`.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}
// SAFETY: a mutable view is an exclusive borrow of plain elements, which are `Send`. It is not `Sync`, because kernels
// write through a shared reference to it.
unsafe impl Send for ViewMut<'_> {}

impl<'a> View<'a> {
    /// A whole slice, as an array of one axis.
    pub fn new<T: Element>(slice: &'a [T]) -> View<'a> {
        View::of(Parts::line(slice.as_ptr().cast_mut().cast(), T::TYPE, slice.len()))
    }

    /// A whole slice, in C order under a shape of as many elements.
    pub fn with_shape<T: Element>(slice: &'a [T], shape: &[usize]) -> Result<View<'a>, ArgumentError> {
        let len = element_count(shape)?;
        if len != slice.len() {
            return Err(ArgumentError::Length { expected: len, found: slice.len(), shape: shape.into() });
        }
        let base = slice.as_ptr().cast_mut().cast();
        Ok(View::of(Parts { base, ty: T::TYPE, shape: shape.into(), strides: dense_strides(shape) }))
    }

    /// Part of a slice: the element at all-zero indices is `slice[offset]`, strides are in elements. Refused unless
    /// every element is inside the slice.
    pub fn strided<T: Element>(
        slice: &'a [T],
        offset: usize,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<View<'a>, ArgumentError> {
        check_inside(slice.len(), offset, shape, strides)?;
        // Of an empty view no element is ever touched, so its address need not be inside.
        let base = slice.as_ptr().wrapping_add(offset).cast_mut().cast();
        Ok(View::of(Parts { base, ty: T::TYPE, shape: shape.into(), strides: strides.into() }))
    }

    /// Memory of any origin: a mapped file, shared memory, another language's array. Strides are in elements.
    ///
    /// # Safety
    /// For `'a`, every element the shape and strides reach from `base` is inside one allocation or mapping, is
    /// readable, holds a valid value of the type (a `bool` is 0 or 1), and is not written while a kernel runs.
    #[inline(always)]
    pub unsafe fn from_raw(
        base: *const u8,
        ty: Type,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<View<'a>, ArgumentError> {
        Ok(View::of(Parts::raw(base.cast_mut(), ty, shape, strides)?))
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.parts.ty
    }

    /// The extents, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        &self.parts.shape
    }

    /// The strides, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.parts.strides
    }

    /// The same elements with the axes in reverse order.
    pub fn transposed(mut self) -> View<'a> {
        self.parts.shape.reverse();
        self.parts.strides.reverse();
        self
    }

    /// A copy of the elements, in C order.
    pub fn to_array(&self) -> Result<Array, ArgumentError> {
        let array = Array::uninit(self.parts.ty, &self.parts.shape)?;
        // SAFETY: the elements are readable, and the new array has as many of the same type and overlaps nothing.
        unsafe { copy_elements(&self.parts, &Parts::of_array(&array)) };
        Ok(array)
    }

    /// The bytes of the elements, where they are in C order without gaps.
    #[cfg(feature = "gpu")]
    pub(crate) fn dense_bytes(&self) -> Option<&[u8]> {
        if self.parts.is_empty() {
            return Some(&[]);
        }
        let bytes = self.parts.len() * self.parts.ty.bytes();
        // SAFETY: a dense view is that many bytes in a row, which can be read as long as it lives.
        let slice = || unsafe { std::slice::from_raw_parts(self.parts.base, bytes) };
        (self.parts.layout() == Layout::Dense).then(slice)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    #[inline(always)]
    fn of(parts: Parts) -> View<'a> {
        View { parts, memory: PhantomData }
    }
}

impl<'a> ViewMut<'a> {
    /// A whole slice, as an array of one axis.
    pub fn new<T: Element>(slice: &'a mut [T]) -> ViewMut<'a> {
        ViewMut::of(Parts::line(slice.as_mut_ptr().cast(), T::TYPE, slice.len()))
    }

    /// A whole slice, in C order under a shape of as many elements.
    pub fn with_shape<T: Element>(slice: &'a mut [T], shape: &[usize]) -> Result<ViewMut<'a>, ArgumentError> {
        let len = element_count(shape)?;
        if len != slice.len() {
            return Err(ArgumentError::Length { expected: len, found: slice.len(), shape: shape.into() });
        }
        let base = slice.as_mut_ptr().cast();
        Ok(ViewMut::of(Parts { base, ty: T::TYPE, shape: shape.into(), strides: dense_strides(shape) }))
    }

    /// Part of a slice: the element at all-zero indices is `slice[offset]`, strides are in elements. Refused unless
    /// every element is inside the slice and no two indices are the same element.
    pub fn strided<T: Element>(
        slice: &'a mut [T],
        offset: usize,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<ViewMut<'a>, ArgumentError> {
        check_inside(slice.len(), offset, shape, strides)?;
        check_distinct(shape, strides)?;
        let base = slice.as_mut_ptr().wrapping_add(offset).cast();
        Ok(ViewMut::of(Parts { base, ty: T::TYPE, shape: shape.into(), strides: strides.into() }))
    }

    /// Memory of any origin. Strides are in elements; no two indices may be the same element.
    ///
    /// # Safety
    /// As for [`View::from_raw`]; the elements are also writable, and while a call has them, nobody but that call reads
    /// or writes them. Arguments of one call may share memory: the call sees to it or refuses.
    #[inline(always)]
    pub unsafe fn from_raw(
        base: *mut u8,
        ty: Type,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<ViewMut<'a>, ArgumentError> {
        let parts = Parts::raw(base, ty, shape, strides)?;
        if !is_short_line(shape, strides) {
            check_distinct(shape, strides)?;
        }
        Ok(ViewMut::of(parts))
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.parts.ty
    }

    /// The extents, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        &self.parts.shape
    }

    /// The strides, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.parts.strides
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    #[inline(always)]
    fn of(parts: Parts) -> ViewMut<'a> {
        ViewMut { parts, memory: PhantomData }
    }
}

impl<'a> From<&'a Array> for View<'a> {
    fn from(array: &'a Array) -> View<'a> {
        View::of(Parts::of_array(array))
    }
}

impl<'a> From<&'a mut Array> for ViewMut<'a> {
    fn from(array: &'a mut Array) -> ViewMut<'a> {
        ViewMut::of(Parts::of_array(array))
    }
}

impl Parts {
    pub(crate) fn of_array(array: &Array) -> Parts {
        let strides = dense_strides(array.shape());
        Parts { base: array.as_ptr(), ty: array.ty(), shape: array.shape().into(), strides }
    }

    /// A dense array that is not in this memory.
    pub(crate) fn nowhere(ty: Type, shape: &[usize]) -> Parts {
        Parts { base: std::ptr::null_mut(), ty, shape: shape.into(), strides: dense_strides(shape) }
    }

    #[inline(always)]
    fn line(base: *mut u8, ty: Type, len: usize) -> Parts {
        Parts { base, ty, shape: SmallVec::from_slice(&[len]), strides: SmallVec::from_slice(&[1]) }
    }

    /// The usual array is built where it is needed, word by word: built in a function of its own and copied from there
    /// in larger pieces than it was written in, each copy would wait for the writes to leave the processor.
    #[inline(always)]
    fn raw(base: *mut u8, ty: Type, shape: &[usize], strides: &[isize]) -> Result<Parts, ArgumentError> {
        match (shape, strides) {
            ([extent], [1]) if is_short_line(shape, strides) && base.addr().is_multiple_of(ty.part().bytes()) => {
                Ok(Parts::line(base, ty, *extent))
            }
            ([], []) if base.addr().is_multiple_of(ty.part().bytes()) => {
                Ok(Parts { base, ty, shape: SmallVec::new(), strides: SmallVec::new() })
            }
            _ => Parts::any(base, ty, shape, strides),
        }
    }

    #[inline(never)]
    fn any(base: *mut u8, ty: Type, shape: &[usize], strides: &[isize]) -> Result<Parts, ArgumentError> {
        element_count(shape)?;
        check_strides(shape, strides)?;
        reach(shape, strides)?;
        if !base.addr().is_multiple_of(ty.part().bytes()) {
            return Err(ArgumentError::Misaligned { ty });
        }
        // Slices of plain numbers are copied at once, others element by element.
        Ok(Parts { base, ty, shape: SmallVec::from_slice(shape), strides: SmallVec::from_slice(strides) })
    }

    /// The tightest layout these extents and strides have. Axes of at most one point have no stride to speak of.
    pub(crate) fn layout(&self) -> Layout {
        if self.is_empty() {
            return Layout::Dense;
        }
        let fits = |axis: usize, stride: isize| self.shape[axis] == 1 || self.strides[axis] == stride;
        let mut expected = 1;
        let mut dense = true;
        for axis in (0..self.shape.len()).rev() {
            dense &= fits(axis, expected);
            expected *= self.shape[axis] as isize;
        }
        let unit_inner = self.shape.len().checked_sub(1).is_none_or(|last| fits(last, 1));
        match (dense, unit_inner) {
            (true, _) => Layout::Dense,
            (false, true) => Layout::UnitInner,
            (false, false) => Layout::Strided,
        }
    }

    /// Bit d is set where axis d has one point.
    pub(crate) fn ones(&self) -> u32 {
        ones(&self.shape)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The addresses of the first byte and of the first past the last.
    pub(crate) fn span(&self) -> (usize, usize) {
        if self.is_empty() {
            return (0, 0);
        }
        let size = self.ty.bytes() as isize;
        let (mut low, mut high) = (0isize, size);
        for (extent, stride) in self.shape.iter().zip(&self.strides) {
            let far = (*extent as isize - 1) * stride * size;
            low += far.min(0);
            high += far.max(0);
        }
        (self.base.addr().wrapping_add_signed(low), self.base.addr().wrapping_add_signed(high))
    }

    /// Whether some byte may belong to both.
    pub(crate) fn overlaps(&self, other: &Parts) -> bool {
        meet(self.span(), other.span())
    }
}

/// Bit d is set where axis d has one point.
pub(crate) fn ones(shape: &[usize]) -> u32 {
    let bit = |(axis, extent): (usize, &usize)| u32::from(*extent == 1) << axis;
    shape.iter().enumerate().map(bit).fold(0, |ones, bit| ones | bit)
}

/// Whether two spans of addresses share one.
pub(crate) fn meet(one: (usize, usize), two: (usize, usize)) -> bool {
    one.0 < two.1 && two.0 < one.1
}

/// The strides of a C-order array without gaps.
pub(crate) fn dense_strides(shape: &[usize]) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(1, shape.len());
    let mut next = 1isize;
    for (stride, extent) in strides.iter_mut().zip(shape).rev() {
        *stride = next;
        // Extents of an empty array may be huge; its strides are never used.
        next = next.wrapping_mul(*extent as isize);
    }
    strides
}

/// Copies every element of one array into another of the same type and shape.
///
/// # Safety
/// All elements of `from` are readable and all of `to` writable, and the two do not overlap.
pub(crate) unsafe fn copy_elements(from: &Parts, to: &Parts) {
    let size = from.ty.bytes();
    if from.is_empty() {
        return;
    }
    if from.layout() == Layout::Dense && to.layout() == Layout::Dense {
        // SAFETY: both are `len` elements in a row.
        unsafe { to.base.copy_from_nonoverlapping(from.base, from.len() * size) };
        return;
    }
    let rank = from.shape.len();
    let inner = rank - 1;
    let mut index: Shape = SmallVec::from_elem(0, rank);
    loop {
        let (mut source, mut target) = (from.base, to.base);
        for (axis, at) in index.iter().enumerate() {
            source = source.wrapping_offset(*at as isize * from.strides[axis] * size as isize);
            target = target.wrapping_offset(*at as isize * to.strides[axis] * size as isize);
        }
        for _ in 0..from.shape[inner] {
            // SAFETY: both are elements of their arrays.
            unsafe { target.copy_from_nonoverlapping(source, size) };
            source = source.wrapping_offset(from.strides[inner] * size as isize);
            target = target.wrapping_offset(to.strides[inner] * size as isize);
        }
        if !advance(&mut index[..inner], &from.shape[..inner]) {
            return;
        }
    }
}

/// The next index in C order; false after the last.
fn advance(index: &mut [usize], shape: &[usize]) -> bool {
    for (at, extent) in index.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < *extent {
            return true;
        }
        *at = 0;
    }
    false
}

/// The most usual array: one axis without gaps, of no more elements than memory holds. The checks find nothing in it.
#[inline(always)]
fn is_short_line(shape: &[usize], strides: &[isize]) -> bool {
    matches!((shape, strides), ([extent], [1]) if *extent <= isize::MAX as usize / 16)
}

fn check_strides(shape: &[usize], strides: &[isize]) -> Result<(), ArgumentError> {
    if shape.len() > MAX_RANK {
        return Err(ArgumentError::Rank { found: shape.len() });
    }
    if shape.len() != strides.len() {
        return Err(ArgumentError::StrideCount { axes: shape.len(), strides: strides.len() });
    }
    Ok(())
}

/// How far the elements lie before and after the first, in elements; none if that overflows.
fn reach(shape: &[usize], strides: &[isize]) -> Result<(usize, usize), ArgumentError> {
    let (mut before, mut after) = (0isize, 0isize);
    if shape.contains(&0) {
        return Ok((0, 0));
    }
    for (extent, stride) in shape.iter().zip(strides) {
        let far = isize::try_from(extent - 1).ok().and_then(|steps| steps.checked_mul(*stride));
        // An element has at most 16 bytes, so byte offsets cannot overflow either.
        let far = far.filter(|far| far.unsigned_abs() <= isize::MAX as usize / 16).ok_or(ArgumentError::TooLarge)?;
        let side = if far < 0 { &mut before } else { &mut after };
        *side = side.checked_add(far.abs()).filter(|sum| *sum <= isize::MAX / 16).ok_or(ArgumentError::TooLarge)?;
    }
    Ok((before.unsigned_abs(), after.unsigned_abs()))
}

fn check_inside(len: usize, offset: usize, shape: &[usize], strides: &[isize]) -> Result<(), ArgumentError> {
    check_strides(shape, strides)?;
    if element_count(shape)? == 0 {
        return Ok(());
    }
    let (before, after) = reach(shape, strides)?;
    // `after` is far from overflow, and `offset` must be inside anyway.
    if before > offset || offset >= len || after >= len - offset {
        return Err(ArgumentError::Outside { len });
    }
    Ok(())
}

/// Refuses strides under which two indices could be the same element: sorted by stride, each axis must step over all
/// that the smaller ones reach.
fn check_distinct(shape: &[usize], strides: &[isize]) -> Result<(), ArgumentError> {
    if shape.contains(&0) || is_short_line(shape, strides) {
        return Ok(());
    }
    let axes = shape.iter().zip(strides).filter(|(extent, _)| **extent > 1);
    let mut axes: SmallVec<[(usize, usize); 4]> =
        axes.map(|(extent, stride)| (stride.unsigned_abs(), *extent)).collect();
    axes.sort_unstable();
    let mut reach = 0usize;
    for (stride, extent) in axes {
        if stride <= reach {
            return Err(ArgumentError::Repeated);
        }
        reach = reach.saturating_add(stride.saturating_mul(extent - 1));
    }
    Ok(())
}

/// The one element of an array without axes.
pub(crate) fn only_element(parts: &Parts) -> Scalar {
    let mut bytes = [0u8; 16];
    // SAFETY: the view has one element, which is readable; little-endian machines hold its low byte first.
    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(parts.base, parts.ty.bytes()) };
    Scalar::from_bytes(parts.ty, &bytes)
}

#[cfg(test)]
mod tests {
    use super::{View, ViewMut};
    use hotloop_ir::Layout;

    fn layout(shape: &[usize], strides: &[isize]) -> Layout {
        let memory = vec![0u8; 10_000];
        View::strided(&memory, 5_000, shape, strides).expect("inside").parts().layout()
    }

    #[test]
    fn layouts_are_told_apart() {
        assert_eq!(layout(&[], &[]), Layout::Dense);
        assert_eq!(layout(&[4, 5, 6], &[30, 6, 1]), Layout::Dense);
        assert_eq!(layout(&[4, 5, 1], &[5, 1, 77]), Layout::Dense);
        assert_eq!(layout(&[1, 5], &[-3, 1]), Layout::Dense);
        assert_eq!(layout(&[7, 0], &[9, 9]), Layout::Dense);
        assert_eq!(layout(&[4, 5], &[10, 1]), Layout::UnitInner);
        assert_eq!(layout(&[4, 5], &[-5, 1]), Layout::UnitInner);
        assert_eq!(layout(&[4, 1], &[10, 3]), Layout::UnitInner);
        assert_eq!(layout(&[4, 5], &[1, 4]), Layout::Strided);
        assert_eq!(layout(&[4], &[0]), Layout::Strided);
        assert_eq!(layout(&[4], &[-1]), Layout::Strided);
    }

    #[test]
    fn views_stay_inside() {
        let memory = [0f64; 12];
        for (offset, shape, strides, inside) in [
            (0, &[3, 4][..], &[4, 1][..], true),
            (0, &[3, 4], &[4, 2], false),
            (11, &[12], &[-1], true),
            (10, &[12], &[-1], false),
            (3, &[3, 1000], &[4, 0], true),
            (0, &[12], &[1], true),
            (1, &[12], &[1], false),
            (12, &[1], &[1], false),
            (99, &[0], &[1], true),
            (0, &[2, 2], &[isize::MAX, isize::MAX], false),
            (0, &[usize::MAX], &[0], false),
            (0, &[2, 2], &[1], false),
        ] {
            let view = View::strided(&memory, offset, shape, strides);
            assert_eq!(view.is_ok(), inside, "{offset} {shape:?} {strides:?}");
        }
    }

    #[test]
    fn written_elements_are_distinct() {
        let mut memory = [0i16; 100];
        for (shape, strides, distinct) in [
            (&[3, 4][..], &[4, 1][..], true),
            (&[3, 4], &[1, 3], true),
            (&[3, 4], &[3, 1], false),
            (&[3], &[0], false),
            (&[1], &[0], true),
            (&[0, 5], &[0, 0], true),
        ] {
            let view = ViewMut::strided(&mut memory, 0, shape, strides);
            assert_eq!(view.is_ok(), distinct, "{shape:?} {strides:?}");
        }
    }

    #[test]
    fn copies_follow_the_strides() {
        let memory: Vec<i32> = (0..12).collect();
        let view = View::with_shape(&memory, &[3, 4]).expect("twelve").transposed();
        let array = view.to_array().expect("little memory");
        assert_eq!(array.shape(), [4, 3]);
        assert_eq!(array.as_slice::<i32>(), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
        let back = View::strided(&memory, 11, &[2, 2, 3], &[0, -6, -2]).expect("inside");
        assert_eq!(back.to_array().expect("fits").as_slice::<i32>(), [11, 9, 7, 5, 3, 1, 11, 9, 7, 5, 3, 1]);
    }

    #[test]
    fn overlap_is_told_by_addresses() {
        let memory = [0u16; 20];
        let part = |offset, len| View::strided(&memory, offset, &[len], &[1]).expect("inside");
        let overlaps = |one: View<'_>, two: View<'_>| one.parts().overlaps(two.parts());
        assert!(overlaps(part(0, 10), part(9, 2)));
        assert!(!overlaps(part(0, 10), part(10, 10)));
        assert!(!overlaps(part(0, 0), part(0, 10)));
        let backwards = View::strided(&memory, 9, &[10], &[-1]).expect("inside");
        assert!(overlaps(backwards.clone(), part(0, 1)));
        assert!(!overlaps(backwards, part(10, 1)));
    }
}
