//! What runs the functions: the processor, or a GPU whose driver keeps the order of operations or does not.

use crate::table::Function;
use hotloop::{Device, DeviceError, DeviceOptions, Engine, Fastmath, Options, TargetChoice};
use std::str::FromStr;

/// Where functions are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// The target `simd`.
    #[default]
    Processor,
    /// The first device.
    Device,
    /// The first device, with a driver that may regroup, and without 64-bit types.
    Regrouping,
}

impl Machine {
    /// An engine there.
    ///
    /// # Errors
    /// If there is no device.
    pub fn engine(self, fastmath: Fastmath) -> Result<Engine, DeviceError> {
        let builder = Engine::builder().options(Options { fastmath, ..Options::default() });
        let options = match self {
            Machine::Processor => return Ok(builder.target(TargetChoice::Simd).build()),
            Machine::Device => DeviceOptions::default(),
            Machine::Regrouping => DeviceOptions { relaxed: true, narrow: true, ..DeviceOptions::default() },
        };
        Ok(builder.target(TargetChoice::Gpu).device(Device::open_with(0, &options)?).build())
    }
}

impl Machine {
    /// Whether a point counts: of its operands and its result, drivers that regroup honor finite normal numbers, and
    /// angles are reduced up to 2^16.
    pub(crate) fn promises(self, function: &Function, [x, y, wanted]: [f64; 3]) -> bool {
        let normal = |value: f64| value == 0.0 || value.abs() >= 2f64.powi(-126) && value.is_finite();
        let turns = matches!(function.name, "sin" | "cos" | "tan") && x.abs() > 65536.0;
        self != Machine::Regrouping || [x, y, wanted].into_iter().all(normal) && !turns
    }
}

impl FromStr for Machine {
    type Err = String;

    fn from_str(name: &str) -> Result<Machine, String> {
        match name {
            "cpu" => Ok(Machine::Processor),
            "gpu" => Ok(Machine::Device),
            "regrouping" => Ok(Machine::Regrouping),
            other => Err(format!("`{other}` runs nothing; write cpu, gpu or regrouping")),
        }
    }
}
