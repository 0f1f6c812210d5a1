//! `Launch`: a call that the device works on while the host goes on.

use super::{DeviceArray, device_error, launch};
use crate::array::Shape;
use crate::call::{Args, Compiled, fault_error};
use crate::error::{Error, RunError};
use crate::options::Call;
use crate::plan::ResultPlan;
use crate::value::{Outputs, Value};
use hotloop_gpu::{Launched, Outcome};
use hotloop_ir::{ArrayId, Scalar};
use hotloop_target::Status;
use std::sync::Arc;

/// A call on its way. Dropped without waiting, the work goes on and its faults are not heard of.
pub struct Launch {
    launched: Launched,
    compiled: Arc<Compiled>,
}

impl Launch {
    pub(crate) fn begin(
        compiled: &Arc<Compiled>,
        args: Args<'_, '_>,
        call: &Call<'_>,
        is_awaited: bool,
    ) -> Result<Launch, Error> {
        Ok(Launch { launched: launch(compiled, &args, call, is_awaited)?, compiled: compiled.clone() })
    }

    /// Whether waiting would take no time.
    pub fn is_done(&self) -> bool {
        self.launched.is_done()
    }

    /// A result that is an array, before it is computed: later calls on the device may use it at once, since they come
    /// after this one. None for scalars, and where a fault kept it from being made.
    pub fn array(&self, result: usize) -> Option<DeviceArray> {
        let plan = &self.compiled.plan;
        let ResultPlan::Array { first, ty } = plan.results.get(result)? else { return None };
        let at = plan.arrays.iter().position(|array| array.result == Some(*first))?;
        let array = &plan.arrays[at];
        let extents = self.launched.frame().get(array.base + 1..)?.get(..array.rank)?;
        let shape: Shape = extents.iter().map(|extent| *extent as usize).collect();
        let memory = self.launched.array(ArrayId(at as u32), *ty, shape.iter().product())?;
        Some(DeviceArray::new(memory, shape))
    }

    /// Waits for the end; gives the results, arrays on the device.
    pub fn wait(mut self) -> Result<Outputs, Error> {
        let Outcome { status, fault, frame } = self.launched.wait().map_err(device_error)?;
        match status {
            Status::Ok => {}
            Status::Cancelled => return Err(RunError::Cancelled.into()),
            Status::Fault => return Err(fault_error(&self.compiled, &fault, &frame)),
            Status::Host => return Err(Error::Bug("the device asked for the host".to_owned())),
        }
        let mut outputs = Outputs::default();
        for (index, result) in self.compiled.plan.results.iter().enumerate() {
            let value = match result {
                ResultPlan::Scalar { ty, word } => Some(Value::Scalar(Scalar::new(*ty, frame[*word]))),
                ResultPlan::Array { .. } => self.array(index).map(Value::Device),
            };
            let kernel = &self.compiled.plan.kernel;
            outputs.push(value.ok_or_else(|| Error::Bug(format!("result {index} of `{kernel}` was not made")))?);
        }
        Ok(outputs)
    }
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Launch({})", self.compiled.plan.kernel)
    }
}
