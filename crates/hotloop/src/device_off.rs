//! What stands in for device arrays in builds without the feature `gpu`: there are none, and nothing asks for them.

use crate::Array;
use crate::arg::Arg;
use crate::call::{Args, Compiled};
use crate::engine::Inner;
use crate::error::{ArgumentError, Error};
use crate::options::Call;
use crate::targets::TargetChoice;
use crate::value::Outputs;
use hotloop_ir::Type;
use std::sync::Arc;

/// An array that stays on a device; in this build there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceArray {}

impl DeviceArray {
    /// The element type.
    pub fn ty(&self) -> Type {
        match *self {}
    }

    /// The extents, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        match *self {}
    }

    /// Brings the elements to the host.
    pub fn to_host(&self) -> Result<Array, Error> {
        match *self {}
    }
}

pub(crate) fn placed<'c>(call: &Call<'c>, _: TargetChoice, _: &[Arg<'_>]) -> Call<'c> {
    *call
}

pub(crate) fn placed_named<'c>(call: &Call<'c>, _: TargetChoice, _: &[(&str, Arg<'_>)]) -> Call<'c> {
    *call
}

pub(crate) fn invoke(
    _: &Inner,
    compiled: &Arc<Compiled>,
    _: Args<'_, '_>,
    _: Option<&[Arg<'_>]>,
    _: &Call<'_>,
) -> Result<Outputs, Error> {
    Err(ArgumentError::NoDevice { kernel: compiled.plan.kernel.clone() }.into())
}
