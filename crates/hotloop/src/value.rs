//! `Value` and `Outputs`: what a call gives back.

use crate::array::Array;
use crate::device::DeviceArray;
use crate::element::Element;
use crate::error::ArgumentError;
use hotloop_ir::{Scalar, Type};
use smallvec::SmallVec;
use std::ops::Deref;

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// An array.
    Array(Array),
    /// An array on the device; only calls with arguments there, or that ask for it, give one.
    Device(DeviceArray),
}

impl Value {
    /// The element type.
    pub fn ty(&self) -> Type {
        match self {
            Value::Scalar(scalar) => scalar.ty,
            Value::Array(array) => array.ty(),
            Value::Device(array) => array.ty(),
        }
    }

    /// The extents; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::Scalar(_) => &[],
            Value::Array(array) => array.shape(),
            Value::Device(array) => array.shape(),
        }
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Value::Scalar(_) | Value::Device(_) => None,
            Value::Array(array) => Some(array),
        }
    }

    /// The array; an error for a scalar.
    pub fn into_array(self) -> Result<Array, ArgumentError> {
        match self {
            Value::Array(array) => Ok(array),
            Value::Scalar(_) => Err(self.other("an array".to_owned())),
            Value::Device(_) => Err(self.other("an array on the host".to_owned())),
        }
    }

    /// The array on the device; an error for a scalar and for an array on the host.
    pub fn into_device(self) -> Result<DeviceArray, ArgumentError> {
        match self {
            Value::Device(array) => Ok(array),
            Value::Scalar(_) | Value::Array(_) => Err(self.other("an array on the device".to_owned())),
        }
    }

    /// The scalar, if it is of type `T`; an error names both types.
    pub fn scalar<T: Element>(&self) -> Result<T, ArgumentError> {
        let value = match self {
            Value::Scalar(scalar) => T::from_scalar(*scalar),
            Value::Array(_) | Value::Device(_) => None,
        };
        value.ok_or_else(|| self.other(format!("a scalar of type `{}`", T::TYPE)))
    }

    fn other(&self, wanted: String) -> ArgumentError {
        let found = match self {
            Value::Scalar(scalar) => format!("a scalar of type `{}`", scalar.ty),
            Value::Array(array) => format!("an array of type `{}` and shape {:?}", array.ty(), array.shape()),
            Value::Device(array) => {
                format!("an array of type `{}` and shape {:?} on the device", array.ty(), array.shape())
            }
        };
        ArgumentError::Result { wanted, found }
    }
}

impl<'a> From<&'a Value> for crate::Arg<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Scalar(scalar) => (*scalar).into(),
            Value::Array(array) => array.into(),
            Value::Device(array) => array.into(),
        }
    }
}

/// The results of a call, in order. Results written into `out` arrays are not among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs(SmallVec<[Value; 1]>);

impl Outputs {
    /// The only result; an error if there is not exactly one.
    pub fn one(self) -> Result<Value, ArgumentError> {
        let count = self.0.len();
        let wrong = || ArgumentError::Result { wanted: "one value".to_owned(), found: format!("{count} values") };
        let mut values = self.0.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (Some(_), Some(_)) | (None, _) => Err(wrong()),
        }
    }

    /// The only result, which is an array.
    pub fn into_array(self) -> Result<Array, ArgumentError> {
        self.one()?.into_array()
    }

    /// The only result, which is a scalar of type `T`.
    pub fn scalar<T: Element>(self) -> Result<T, ArgumentError> {
        self.one()?.scalar()
    }

    /// The only result, which is an array on the device.
    pub fn into_device(self) -> Result<DeviceArray, ArgumentError> {
        self.one()?.into_device()
    }

    pub(crate) fn push(&mut self, value: Value) {
        self.0.push(value);
    }
}

impl Deref for Outputs {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl IntoIterator for Outputs {
    type Item = Value;
    type IntoIter = smallvec::IntoIter<[Value; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
