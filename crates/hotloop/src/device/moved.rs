//! Calls about the device that the processor does, because the device cannot and the engine was told to fall back:
//! arrays come to the host, and results and written arrays go back.

use super::DeviceArray;
use crate::arg::Arg;
use crate::array::Array;
use crate::call::{Args, Compiled, invoke as invoke_here};
use crate::engine::Inner;
use crate::error::{ArgumentError, Error};
use crate::options::Call;
use crate::targets::TargetChoice;
use crate::value::{Outputs, Value};
use crate::view::View;
use hotloop_gpu::Device;
use std::sync::Arc;

/// Runs a kernel of the processor over arrays of the device.
pub(super) fn invoke(
    engine: &Inner,
    compiled: &Arc<Compiled>,
    args: Args<'_, '_>,
    outs: Option<&[Arg<'_>]>,
    call: &Call<'_>,
) -> Result<Outputs, Error> {
    let given: Vec<&Arg<'_>> = args.in_order().collect();
    let mut arrays = Vec::new();
    for arg in &given {
        arrays.push(match arg {
            Arg::Device(array) => Some(array.to_host()?),
            Arg::DeviceMut(array) => Some(array.to_host()?),
            Arg::View(_) | Arg::ViewMut(_) | Arg::Scalar(_) | Arg::Weak(_) => None,
        });
    }
    let mut here = Vec::new();
    for (arg, array) in given.iter().zip(&mut arrays) {
        here.push(match (arg, array) {
            (Arg::Scalar(scalar), _) => Arg::Scalar(*scalar),
            (Arg::Weak(scalar), _) => Arg::Weak(*scalar),
            (Arg::Device(_), Some(array)) => Arg::from(&*array),
            (Arg::DeviceMut(_), Some(array)) => Arg::from(array),
            (Arg::View(view), _) => Arg::View(view.clone()),
            (Arg::ViewMut(_) | Arg::Device(_) | Arg::DeviceMut(_), _) => {
                let kernel = compiled.plan.kernel.clone();
                return Err(ArgumentError::WrittenOnHost { kernel, name: "an argument".to_owned() }.into());
            }
        });
    }
    let on_processor = Call { target: Some(TargetChoice::Auto), on_device: false, ..*call };
    let outputs = invoke_here(engine, compiled, Args::Positional(&here), None, &on_processor)?;
    drop(here);
    let device = engine.targets.get(TargetChoice::Gpu)?.device();
    let device = device.ok_or_else(|| Error::Bug("target `gpu` has no device".to_owned()))?;
    for (arg, array) in given.iter().zip(&arrays) {
        if let (Arg::DeviceMut(there), Some(array)) = (arg, array) {
            there.replace(&compiled.plan.kernel, 0, Value::Device(upload(&device, array)?))?;
        }
    }
    let mut moved = Outputs::default();
    for (index, value) in outputs.into_iter().enumerate() {
        let value = match value {
            Value::Array(array) => Value::Device(upload(&device, &array)?),
            other @ (Value::Scalar(_) | Value::Device(_)) => other,
        };
        match outs.map(|outs| &outs[index]) {
            None => moved.push(value),
            Some(Arg::DeviceMut(out)) => out.replace(&compiled.plan.kernel, index, value)?,
            Some(Arg::View(_) | Arg::ViewMut(_) | Arg::Scalar(_) | Arg::Weak(_) | Arg::Device(_)) => {
                return Err(ArgumentError::OutKind { kernel: compiled.plan.kernel.clone(), index }.into());
            }
        }
    }
    Ok(moved)
}

fn upload(device: &Arc<Device>, array: &Array) -> Result<DeviceArray, Error> {
    DeviceArray::upload(device, &View::from(array))
}
