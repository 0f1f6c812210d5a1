//! `DeviceArray`: a shape over memory of a device.

use crate::array::{Array, Shape, element_count};
use crate::device::device_error;
use crate::error::{ArgumentError, Error};
use crate::value::Value;
use crate::view::View;
use hotloop_gpu::{Device, Memory};
use hotloop_ir::Type;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// An array that stays on a device, in C order without gaps.
///
/// ```no_run
/// use hotloop::{Array, Engine, TargetChoice, args};
/// let engine = Engine::builder().target(TargetChoice::Gpu).build();
/// let x = engine.to_device(&Array::from(vec![1.0f32, 2.0, 3.0]))?;
/// let module = engine.load("kernel twice(x) = 2 * x")?;
/// let y = module.kernel("twice")?.call(&args![&x])?.one()?.into_device()?;
/// assert_eq!(y.to_host()?.as_slice::<f32>(), [2.0, 4.0, 6.0]);
/// # Ok::<(), hotloop::Error>(())
/// ```
///
/// Clones share memory until one of them is written. Passed as `&`, a kernel reads it; as `&mut`, it may write.
pub struct DeviceArray {
    /// Replaced when a kernel writes an array whose memory is shared.
    memory: Mutex<Memory>,
    shape: Shape,
}

impl DeviceArray {
    pub(crate) fn new(memory: Memory, shape: Shape) -> DeviceArray {
        DeviceArray { memory: Mutex::new(memory), shape }
    }

    pub(crate) fn upload(device: &Arc<Device>, view: &View<'_>) -> Result<DeviceArray, Error> {
        if view.shape().is_empty() {
            return Err(ArgumentError::NumberToDevice.into());
        }
        let memory = match view.dense_bytes() {
            Some(bytes) => device.upload(view.ty(), bytes),
            None => device.upload(view.ty(), view.to_array()?.bytes()),
        };
        Ok(DeviceArray::new(memory.map_err(device_error)?, view.shape().into()))
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        self.memory().ty()
    }

    /// The extents, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Bytes the elements take on the device; those of fewer than four bytes take four there.
    pub fn device_bytes(&self) -> usize {
        self.memory().bytes()
    }

    /// The device it is on.
    pub fn device(&self) -> Arc<Device> {
        self.memory().device().clone()
    }

    /// Brings the elements to the host, after all work that was handed to the device before.
    pub fn to_host(&self) -> Result<Array, Error> {
        let memory = self.memory();
        let mut array = Array::zeros(memory.ty(), &self.shape)?;
        memory.download(array.bytes_mut()).map_err(device_error)?;
        Ok(array)
    }

    /// The same elements under another shape of as many elements; nothing is copied.
    pub fn reshape(mut self, shape: &[usize]) -> Result<DeviceArray, ArgumentError> {
        let (len, found) = (element_count(shape)?, self.len());
        if len != found {
            return Err(ArgumentError::Length { expected: len, found, shape: shape.into() });
        }
        self.shape = shape.into();
        Ok(self)
    }

    pub(crate) fn memory(&self) -> Memory {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Memory that nobody else has, with these elements.
    pub(crate) fn memory_to_write(&self) -> Result<Memory, Error> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.is_shared() {
            *memory = memory.copy().map_err(device_error)?;
        }
        Ok(memory.clone())
    }

    /// Takes a result over, as an `out` array does; `&mut` has let only the caller in.
    pub(crate) fn replace(&self, kernel: &str, index: usize, value: Value) -> Result<(), Error> {
        let kernel = || kernel.to_owned();
        let (expected, shape) = (value.ty(), value.shape().to_vec());
        if self.ty() != expected {
            return Err(ArgumentError::OutType { kernel: kernel(), index, expected, found: self.ty() }.into());
        }
        match value {
            Value::Device(made) if *made.shape == *self.shape => {
                *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = made.memory();
                Ok(())
            }
            Value::Device(_) | Value::Array(_) | Value::Scalar(_) => {
                let found = self.shape.to_vec();
                Err(ArgumentError::OutShape { kernel: kernel(), index, expected: shape, found }.into())
            }
        }
    }
}

impl Clone for DeviceArray {
    fn clone(&self) -> DeviceArray {
        DeviceArray::new(self.memory(), self.shape.clone())
    }
}

impl PartialEq for DeviceArray {
    /// Whether both are the same memory under the same shape; elements are not compared, since they would have to be
    /// brought to the host.
    fn eq(&self, other: &DeviceArray) -> bool {
        self.shape == other.shape && self.memory().is_same(&other.memory())
    }
}

impl fmt::Debug for DeviceArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceArray<{}>{:?}", self.ty(), self.shape)
    }
}
