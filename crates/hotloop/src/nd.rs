//! Arrays of the `ndarray` crate as arguments and results, with its feature `ndarray`. Nothing is copied on the way in.
//!
//! One of the files with `unsafe`: a view of `ndarray` becomes one of ours by its address and strides.

use crate::arg::Arg;
use crate::array::Array;
use crate::element::Element;
use crate::error::ArgumentError;
use crate::view::{View, ViewMut};
use ndarray::{ArrayD, ArrayView, ArrayViewD, ArrayViewMut, Dimension, IxDyn};

impl<'a, T: Element, D: Dimension> TryFrom<ArrayView<'a, T, D>> for View<'a> {
    type Error = ArgumentError;

    /// The same elements. Fails for more axes than arrays have here.
    fn try_from(view: ArrayView<'a, T, D>) -> Result<View<'a>, ArgumentError> {
        // SAFETY: the view has elements of this type at its address with its shape and strides, lent for `'a`.
        unsafe { View::from_raw(view.as_ptr().cast(), T::TYPE, view.shape(), view.strides()) }
    }
}

impl<'a, T: Element, D: Dimension> TryFrom<ArrayViewMut<'a, T, D>> for ViewMut<'a> {
    type Error = ArgumentError;

    /// The same elements. Fails for more axes than arrays have here.
    fn try_from(mut view: ArrayViewMut<'a, T, D>) -> Result<ViewMut<'a>, ArgumentError> {
        let base = view.as_mut_ptr().cast();
        // SAFETY: the view has elements of this type at its address with its shape and strides, lent for `'a` to be
        // written, and no two of its indices are one element.
        unsafe { ViewMut::from_raw(base, T::TYPE, view.shape(), view.strides()) }
    }
}

/// Arguments from arrays and views with a fixed number of axes, all of which fit.
macro_rules! fixed_axes {
    ($($dim:ident)*) => {$(
        impl<'a, T: Element> From<ArrayView<'a, T, ndarray::$dim>> for Arg<'a> {
            fn from(view: ArrayView<'a, T, ndarray::$dim>) -> Self {
                Arg::View(View::try_from(view).unwrap_or_else(|_| View::new::<T>(&[])))
            }
        }

        impl<'a, T: Element> From<ArrayViewMut<'a, T, ndarray::$dim>> for Arg<'a> {
            fn from(view: ArrayViewMut<'a, T, ndarray::$dim>) -> Self {
                Arg::ViewMut(ViewMut::try_from(view).unwrap_or_else(|_| ViewMut::new::<T>(&mut [])))
            }
        }

        impl<'a, T: Element> From<&'a ndarray::Array<T, ndarray::$dim>> for Arg<'a> {
            fn from(array: &'a ndarray::Array<T, ndarray::$dim>) -> Self {
                array.view().into()
            }
        }

        impl<'a, T: Element> From<&'a mut ndarray::Array<T, ndarray::$dim>> for Arg<'a> {
            fn from(array: &'a mut ndarray::Array<T, ndarray::$dim>) -> Self {
                array.view_mut().into()
            }
        }
    )*};
}

fixed_axes!(Ix0 Ix1 Ix2 Ix3 Ix4 Ix5 Ix6);

impl Array {
    /// This array as a view of `ndarray`; none if its elements are of another type.
    pub fn as_ndarray<T: Element>(&self) -> Option<ArrayViewD<'_, T>> {
        ArrayViewD::from_shape(IxDyn(self.shape()), self.try_as_slice::<T>()?).ok()
    }

    /// A copy of this array for `ndarray`; none if its elements are of another type.
    pub fn to_ndarray<T: Element>(&self) -> Option<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(self.shape()), self.to_vec::<T>()?).ok()
    }

    /// A copy of an array of `ndarray`, in C order. Fails for more axes than arrays have here.
    pub fn from_ndarray<T: Element, D: Dimension>(array: ArrayView<'_, T, D>) -> Result<Array, ArgumentError> {
        View::try_from(array)?.to_array()
    }
}
