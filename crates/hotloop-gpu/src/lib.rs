//! The target `gpu`: nests as compute shaders, on any adapter that wgpu finds.
//!
//! Reading order: `shade` (from a nest to a shader, without a device), `device` and `pool` (adapters, errors, buffers),
//! `kernel` (the shaders of a program), `pipelines` (what drivers make of them), `run` (the steps of one call), `launch` (a call that nobody
//! waits for yet), `memory` (arrays that stay on the device), `transfer` (elements between host and device), `event`
//! (timing), `scalar` (the work that stays on the host). Integers are exact; floats are computed in the order
//! of the CPU targets, as exactly as the driver computes.

mod device;
mod event;
mod kernel;
mod launch;
mod listing;
mod memory;
mod pipelines;
mod pool;
mod run;
mod scalar;
mod selftest;
mod shade;
mod strict;
mod transfer;

pub use device::{Device, DeviceError, DeviceInfo, DeviceKind, DeviceOptions, devices};
pub use event::{Event, EventClock};
pub use kernel::GpuKernel;
pub use launch::{Launched, Outcome};
pub use memory::Memory;
pub use pool::PoolCounters;
pub use selftest::Exactness;
pub use transfer::Transfers;

use hotloop_ir::program::ProductId;
use hotloop_ir::{NestId, Program, Type, read, text, verify};
use hotloop_target::{Artifact, BuildError, CompileError, Kernel, LoadError, Target};
use std::sync::Arc;

const NAME: &str = "gpu";

/// The target `gpu` on one device. Its artifacts are the text of the program: drivers compile anew for each process.
#[derive(Clone, Debug)]
pub struct Gpu {
    device: Arc<Device>,
}

impl Gpu {
    /// The target on an open device.
    pub fn new(device: Arc<Device>) -> Gpu {
        Gpu { device }
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    fn check(&self, program: &Program) -> Result<(), CompileError> {
        let info = self.device.info();
        match kernel::unsupported(program, info.f64, info.i64) {
            None => Ok(()),
            Some(reason) => Err(CompileError::Unsupported { target: NAME, reason }),
        }
    }
}

impl Target for Gpu {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> String {
        let info = self.device.info();
        let (version, order) = (env!("CARGO_PKG_VERSION"), if self.device.is_strict() { "strict" } else { "relaxed" });
        format!("gpu {version} {} {} {} {} {order}", text::HEADER, info.name, info.backend, info.driver)
    }

    fn keeps_order(&self) -> bool {
        self.device.keeps_order()
    }

    fn compile(&self, program: &Program) -> Result<Artifact, CompileError> {
        self.check(program)?;
        let code = text::print(program).into_bytes();
        Ok(Artifact { fingerprint: self.fingerprint(), code, constants: Vec::new(), entries: Vec::new() })
    }

    fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Kernel>, LoadError> {
        let expected = self.fingerprint();
        if artifact.fingerprint != expected {
            return Err(LoadError::Foreign { found: artifact.fingerprint.clone(), expected });
        }
        let text = std::str::from_utf8(&artifact.code).map_err(|_| LoadError::Damaged("its text is not UTF-8"))?;
        let program = read(text).map_err(|_| LoadError::Damaged("its text is no program"))?;
        verify(&program).map_err(|_| LoadError::Damaged("its program breaks a rule"))?;
        Ok(Arc::new(kernel::GpuKernel::new(self.device.clone(), program)))
    }

    fn build(&self, program: &Program) -> Result<Arc<dyn Kernel>, BuildError> {
        self.check(program).map_err(BuildError::Compile)?;
        Ok(Arc::new(kernel::GpuKernel::new(self.device.clone(), program.clone())))
    }
}

/// The WGSL of every nest of a program that runs as a shader, each under a comment; needs no device.
///
/// # Errors
/// What naga's validator says: a mistake of ours.
pub fn wgsl(program: &Program) -> Result<String, String> {
    each_shader(program, "//", |module| {
        let mut validator =
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all());
        let info = validator.validate(module).map_err(|error| format!("{:?}", error.into_inner()))?;
        let text = naga::back::wgsl::write_string(module, &info, naga::back::wgsl::WriterFlags::empty());
        text.map_err(|error| error.to_string())
    })
}

/// The SPIR-V of every nest of a program that runs as a shader, as it is handed to drivers of Vulkan, in words; needs no
/// device.
///
/// # Errors
/// As `wgsl`.
pub fn spirv(program: &Program) -> Result<String, String> {
    each_shader(program, ";", |module| strict::spirv(module).map(|words| listing::listing(&words)))
}

/// The text of every shader, each under a comment that says whose it is and what it needs.
fn each_shader(
    program: &Program,
    comment: &str,
    text: impl Fn(&naga::Module) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::new();
    for (index, nest) in program.nests.iter().enumerate() {
        let id = NestId(index as u32);
        if scalar::is_scalar(nest) {
            out.push_str(&format!("{comment} nest {id} runs on the host\n\n"));
            continue;
        }
        let folds = (0..nest.folds.len() as u32).map(|fold| shade::combiner(program, nest, hotloop_ir::FoldId(fold)));
        for shader in std::iter::once(shade::shade(program, nest, true)).chain(folds) {
            out.push_str(&heading(comment, &format!("nest {id}"), &shade::types_of(program, nest)));
            out.push_str(&text(&shader.module)?);
            out.push('\n');
        }
    }
    for (index, product) in program.products.iter().enumerate() {
        let (id, domain) = (ProductId(index as u32), shade::domain(product));
        out.push_str(&heading(comment, &format!("product {id}"), &shade::types_of(program, &domain)));
        out.push_str(&text(&shade::product(program, &domain).module)?);
        out.push('\n');
    }
    Ok(out)
}

/// The lines above a shader.
fn heading(comment: &str, whose: &str, types: &[Type]) -> String {
    let wide: Vec<&str> = types.iter().filter(|ty| ty.bytes() == 8).map(|ty| ty.name()).collect();
    match wide.is_empty() {
        true => format!("{comment} {whose}\n"),
        false => {
            let wide = wide.join(", ");
            format!("{comment} {whose}\n{comment} with {wide}: naga's dialect, for devices that have it\n")
        }
    }
}
