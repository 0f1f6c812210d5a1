//! Arrays that stay on the device between calls, and calls that nobody waits for yet.
//!
//! Owns the rules: a call has its arrays on one side only, nothing moves unless somebody writes `to_device` or
//! `to_host`, results stay where the arguments are. How work reaches the device belongs to the target. One of the files
//! with `unsafe`: it runs kernels.

mod array;
mod launch;
mod moved;

pub use array::DeviceArray;
pub use launch::Launch;

use crate::arg::{Arg, Seen};
use crate::call::{Args, Compiled, concerns, fill};
use crate::engine::{Engine, Inner};
use crate::error::{ArgumentError, Error, RunError};
use crate::options::Call;
use crate::plan::{ParamPlan, Plan};
use crate::targets::TargetChoice;
use crate::value::Outputs;
use crate::view::View;
use hotloop_gpu::{Device, DeviceError, DeviceInfo, GpuKernel, Launched, Memory};
use hotloop_target::frame::CANCEL_WORD;
use std::any::Any;
use std::sync::Arc;

impl Engine {
    /// The GPUs of this machine, best first; empty without a driver. Target `gpu` uses the first, unless
    /// [`crate::EngineBuilder::device`] says otherwise.
    pub fn devices() -> Vec<DeviceInfo> {
        hotloop_gpu::devices()
    }

    /// The device of target `gpu`, opened if this is the first to need it. It has the counters of its memory pool and
    /// of transfers, the pool's limit, `trim`, `synchronize` and events.
    pub fn device(&self) -> Result<Arc<Device>, Error> {
        let target = self.inner.targets.get(TargetChoice::Gpu)?;
        target.device().ok_or_else(|| Error::Bug("target `gpu` has no device".to_owned()))
    }

    /// Brings an array to the engine's device, where it stays until it is dropped.
    pub fn to_device<'v>(&self, array: impl Into<View<'v>>) -> Result<DeviceArray, Error> {
        DeviceArray::upload(&self.device()?, &array.into())
    }
}

impl crate::Kernel {
    /// Hands a call to the device and does not wait for it: arguments are device arrays and numbers, results stay on
    /// the device. Where the steps of a kernel depend on what was computed (a loop that ends when something has
    /// converged), this waits for those numbers.
    ///
    /// Faults come out of [`Launch::wait`]. Calls made later on the same device come after this one, so its arrays can
    /// be passed on at once.
    pub fn launch(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Launch, Error> {
        let call = placed(call, self.target(), args);
        let compiled = self.find_for(args, &call)?;
        crate::compile::guarded(|| Launch::begin(&compiled, Args::Positional(args), &call, false))
    }
}

impl crate::Prepared {
    /// As [`crate::Kernel::launch`], without looking anything up.
    pub fn launch(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Launch, Error> {
        let call = placed(call, self.kernel().target(), args);
        let compiled = self.find_for(args, &call)?;
        crate::compile::guarded(|| Launch::begin(&compiled, Args::Positional(args), &call, false))
    }
}

/// The call with its target: `auto` goes where the arrays are.
pub(crate) fn placed<'c>(call: &Call<'c>, default: TargetChoice, args: &[Arg<'_>]) -> Call<'c> {
    place_call(call, default, &Args::Positional(args))
}

/// As `placed`, for arguments with names.
pub(crate) fn placed_named<'c>(call: &Call<'c>, default: TargetChoice, args: &[(&str, Arg<'_>)]) -> Call<'c> {
    place_call(call, default, &Args::Named(args, &[]))
}

fn place_call<'c>(call: &Call<'c>, default: TargetChoice, args: &Args<'_, '_>) -> Call<'c> {
    let target = call.target.unwrap_or(default);
    let there = target == TargetChoice::Auto && concerns(args, None, call);
    Call { target: if there { Some(TargetChoice::Gpu) } else { call.target }, ..*call }
}

/// Runs a call about the device to its end.
pub(crate) fn invoke(
    engine: &Inner,
    compiled: &Arc<Compiled>,
    args: Args<'_, '_>,
    outs: Option<&[Arg<'_>]>,
    call: &Call<'_>,
) -> Result<Outputs, Error> {
    let kernel = || compiled.plan.kernel.clone();
    if let Some(outs) = outs
        && outs.len() != compiled.plan.results.len()
    {
        let (expected, found) = (compiled.plan.results.len(), outs.len());
        return Err(ArgumentError::OutCount { kernel: kernel(), expected, found }.into());
    }
    if call.target == Some(TargetChoice::Gpu) && !runs_there(compiled) {
        // A kernel of the processor under the name of target `gpu` is what an engine that falls back has built.
        return moved::invoke(engine, compiled, args, outs, call);
    }
    let launch = Launch::begin(compiled, args, call, true)?;
    let Some(outs) = outs else { return launch.wait() };
    for (index, value) in launch.wait()?.into_iter().enumerate() {
        match &outs[index] {
            Arg::DeviceMut(out) => out.replace(&compiled.plan.kernel, index, value)?,
            Arg::View(_) | Arg::ViewMut(_) | Arg::Scalar(_) | Arg::Weak(_) | Arg::Device(_) => {
                return Err(ArgumentError::OutKind { kernel: kernel(), index }.into());
            }
        }
    }
    Ok(Outputs::default())
}

/// Whether a kernel runs on the device.
fn runs_there(compiled: &Compiled) -> bool {
    let kernel: &dyn Any = compiled.code.now();
    kernel.is::<GpuKernel>()
}

/// Hands a call to the device.
fn launch(compiled: &Compiled, args: &Args<'_, '_>, call: &Call<'_>, is_awaited: bool) -> Result<Launched, Error> {
    if call.cancel.is_some_and(|token| token.is_cancelled()) {
        return Err(RunError::Cancelled.into());
    }
    let plan = &compiled.plan;
    let kernel: &dyn Any = compiled.code.now();
    let Some(kernel) = kernel.downcast_ref::<GpuKernel>() else { return Err(on_processor(plan, args)) };
    let mut frame = smallvec::SmallVec::from_elem(0, plan.words);
    fill(plan, args, &mut frame)?;
    let arrays = place(plan, args, kernel.device())?;
    if let Some(token) = call.cancel {
        frame[CANCEL_WORD] = token.flag().as_ptr().expose_provenance() as u64;
    }
    // SAFETY: the frame has the plan's number of words, and `fill` has put in every parameter. `place` lets no array of
    // the host through that is written, and the others are borrowed until this returns, as the token is.
    let launched = unsafe { kernel.launch(&frame, &arrays, is_awaited) };
    launched.map_err(device_error)
}

/// The memory of the arguments, by the number of their array; refuses what lies on the other side.
fn place(plan: &Plan, args: &Args<'_, '_>, device: &Arc<Device>) -> Result<Vec<Option<Memory>>, Error> {
    let mut arrays = vec![None; plan.arrays.len()];
    let there = (0..plan.params.len()).find(|param| matches!(args.seen(*param), Some(Seen::Device(..))));
    for (index, param) in plan.params.iter().enumerate() {
        let ParamPlan::Array { base, mutable, name, .. } = param else { continue };
        let kernel = plan.kernel.clone();
        match args.seen(index) {
            Some(Seen::Device(array, _)) => {
                let memory = if *mutable { array.memory_to_write()? } else { array.memory() };
                if !Arc::ptr_eq(memory.device(), device) {
                    return Err(ArgumentError::OtherDevice { name: name.clone() }.into());
                }
                let at = plan.arrays.iter().position(|array| array.base == *base);
                arrays[at.ok_or_else(|| Error::Bug(format!("`{name}` has no array")))?] = Some(memory);
            }
            Some(Seen::Array(_) | Seen::ArrayMut(_)) => {
                if let Some(other) = there {
                    let other = plan.params[other].name().to_owned();
                    return Err(ArgumentError::Mixed { host: name.clone(), device: other }.into());
                }
                if *mutable {
                    return Err(ArgumentError::WrittenOnHost { kernel, name: name.clone() }.into());
                }
            }
            Some(Seen::Scalar(_) | Seen::Weak(_)) | None => {}
        }
    }
    Ok(arrays)
}

/// Why a kernel of the processor cannot be called like this.
fn on_processor(plan: &Plan, args: &Args<'_, '_>) -> Error {
    let there = (0..plan.params.len()).find(|param| matches!(args.seen(*param), Some(Seen::Device(..))));
    match there {
        Some(param) => ArgumentError::OnDevice { name: plan.params[param].name().to_owned() }.into(),
        None => ArgumentError::NoDevice { kernel: plan.kernel.clone() }.into(),
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Error {
        device_error(error)
    }
}

/// A failure of the device, in this crate's kinds.
pub(crate) fn device_error(error: DeviceError) -> Error {
    RunError::Device(error.to_string()).into()
}
