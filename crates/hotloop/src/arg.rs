//! `Arg`: what is passed for one parameter, with conversions from what Rust programs have at hand.
//!
//! Describes arguments to the front end (`arg_type`); how they are put into a frame is in `call`.

use crate::array::Array;
use crate::device::DeviceArray;
use crate::element::Element;
use crate::view::{Parts, View, ViewMut, only_element};
use hotloop_ir::{Scalar, Type};

/// What is passed for one parameter.
///
/// Made with `From` from numbers, slices, vectors, arrays and views. Numbers of Rust are typed; a *weak* number, such
/// as a person types at a prompt, takes the type of what it meets.
#[derive(Debug)]
pub enum Arg<'a> {
    /// A typed scalar.
    Scalar(Scalar),
    /// A number without a type of its own, held as `i64` or `f64`.
    Weak(Scalar),
    /// An array that is only read.
    View(View<'a>),
    /// An array that may be written.
    ViewMut(ViewMut<'a>),
    /// An array on the device that is only read.
    Device(&'a DeviceArray),
    /// An array on the device that may be written.
    DeviceMut(&'a mut DeviceArray),
}

impl<'a> Arg<'a> {
    /// A weak integer.
    pub fn weak_int(value: i64) -> Arg<'a> {
        Arg::Weak(Scalar::i64(value))
    }

    /// A weak float.
    pub fn weak_float(value: f64) -> Arg<'a> {
        Arg::Weak(Scalar::f64(value))
    }

    /// Memory of any origin, only read; strides are in elements.
    ///
    /// # Safety
    /// As for [`View::from_raw`].
    #[inline(always)]
    pub unsafe fn from_raw(
        base: *const u8,
        ty: Type,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<Arg<'a>, crate::error::ArgumentError> {
        // SAFETY: the caller's promise is the same.
        Ok(Arg::View(unsafe { View::from_raw(base, ty, shape, strides)? }))
    }

    /// Memory of any origin, which the kernel may write; strides are in elements.
    ///
    /// # Safety
    /// As for [`ViewMut::from_raw`].
    #[inline(always)]
    pub unsafe fn from_raw_mut(
        base: *mut u8,
        ty: Type,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<Arg<'a>, crate::error::ArgumentError> {
        // SAFETY: the caller's promise is the same.
        Ok(Arg::ViewMut(unsafe { ViewMut::from_raw(base, ty, shape, strides)? }))
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        match self {
            Arg::Scalar(scalar) | Arg::Weak(scalar) => scalar.ty,
            Arg::View(view) => view.ty(),
            Arg::ViewMut(view) => view.ty(),
            Arg::Device(array) => array.ty(),
            Arg::DeviceMut(array) => array.ty(),
        }
    }

    /// The extents; none for scalars.
    pub fn shape(&self) -> &[usize] {
        match self {
            Arg::Scalar(_) | Arg::Weak(_) => &[],
            Arg::View(view) => view.shape(),
            Arg::ViewMut(view) => view.shape(),
            Arg::Device(array) => array.shape(),
            Arg::DeviceMut(array) => array.shape(),
        }
    }

    /// What the kernel sees: arrays without axes are scalars.
    pub(crate) fn seen(&self) -> Seen<'_> {
        match self {
            Arg::Scalar(scalar) => Seen::Scalar(*scalar),
            Arg::Weak(scalar) => Seen::Weak(*scalar),
            Arg::View(view) if view.shape().is_empty() => Seen::Scalar(only_element(view.parts())),
            Arg::View(view) => Seen::Array(view.parts()),
            Arg::ViewMut(view) if view.shape().is_empty() => Seen::Scalar(only_element(view.parts())),
            Arg::ViewMut(view) => Seen::ArrayMut(view.parts()),
            Arg::Device(array) => Seen::Device(array, false),
            Arg::DeviceMut(array) => Seen::Device(array, true),
        }
    }
}

/// An argument as a kernel sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    Scalar(Scalar),
    Weak(Scalar),
    Array(&'a Parts),
    ArrayMut(&'a Parts),
    /// An array on the device, and whether it may be written.
    Device(&'a DeviceArray, bool),
}

impl<T: Element> From<T> for Arg<'_> {
    fn from(value: T) -> Self {
        Arg::Scalar(value.to_scalar())
    }
}

impl<'a, T: Element> From<&'a [T]> for Arg<'a> {
    fn from(slice: &'a [T]) -> Self {
        Arg::View(View::new(slice))
    }
}

impl<'a, T: Element> From<&'a mut [T]> for Arg<'a> {
    fn from(slice: &'a mut [T]) -> Self {
        Arg::ViewMut(ViewMut::new(slice))
    }
}

impl<'a, T: Element, const N: usize> From<&'a [T; N]> for Arg<'a> {
    fn from(array: &'a [T; N]) -> Self {
        Arg::View(View::new(array))
    }
}

impl<'a, T: Element, const N: usize> From<&'a mut [T; N]> for Arg<'a> {
    fn from(array: &'a mut [T; N]) -> Self {
        Arg::ViewMut(ViewMut::new(array))
    }
}

impl<'a, T: Element> From<&'a Vec<T>> for Arg<'a> {
    fn from(vec: &'a Vec<T>) -> Self {
        Arg::View(View::new(vec))
    }
}

impl<'a, T: Element> From<&'a mut Vec<T>> for Arg<'a> {
    fn from(vec: &'a mut Vec<T>) -> Self {
        Arg::ViewMut(ViewMut::new(vec))
    }
}

impl<'a> From<&'a Array> for Arg<'a> {
    fn from(array: &'a Array) -> Self {
        Arg::View(array.into())
    }
}

impl<'a> From<&'a mut Array> for Arg<'a> {
    fn from(array: &'a mut Array) -> Self {
        Arg::ViewMut(array.into())
    }
}

impl<'a> From<View<'a>> for Arg<'a> {
    fn from(view: View<'a>) -> Self {
        Arg::View(view)
    }
}

impl<'a> From<ViewMut<'a>> for Arg<'a> {
    fn from(view: ViewMut<'a>) -> Self {
        Arg::ViewMut(view)
    }
}

impl<'a> From<&'a DeviceArray> for Arg<'a> {
    fn from(array: &'a DeviceArray) -> Self {
        Arg::Device(array)
    }
}

impl<'a> From<&'a mut DeviceArray> for Arg<'a> {
    fn from(array: &'a mut DeviceArray) -> Self {
        Arg::DeviceMut(array)
    }
}

impl From<Scalar> for Arg<'_> {
    fn from(scalar: Scalar) -> Self {
        Arg::Scalar(scalar)
    }
}

/// Positional arguments: `args![&a, 2.0, &mut b]` is an array of [`Arg`].
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::Arg::from($value)),*] };
}

/// Named arguments: `named! { a, b: &x }` is an array of pairs of a name and an [`Arg`]; a bare name stands for a
/// reference to the variable of that name.
#[macro_export]
macro_rules! named {
    (@value $name:ident) => { $crate::Arg::from(&$name) };
    (@value $name:ident $value:expr) => { $crate::Arg::from($value) };
    ($($name:ident $(: $value:expr)?),* $(,)?) => {
        [$((stringify!($name), $crate::named!(@value $name $($value)?))),*]
    };
}
