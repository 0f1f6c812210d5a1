//! The registry of targets: one row each. To add one, add its row.
//!
//! Says which code generator a choice means, and when its nests go to other threads.

use crate::disk::DiskCache;
use crate::error::Error;
use crate::host::Splitting;
use crate::job::{Job, Origin};
use crate::plan::Plan;
use crate::points::SitePoints;
use crate::tiers::{Code, Tiers};
use hotloop_clif::{Clif, NotAvailable};
use hotloop_interp::Interp;
use hotloop_ir::Program;
use hotloop_target::{BuildError, Target};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

macro_rules! targets {
    ($($(#[$meta:meta])+ $variant:ident $name:literal $make:ident $splitting:ident;)*) => {
        /// Where a kernel runs. All CPU targets give the same bits, so among them the choice is one of speed. Target
        /// `gpu` is exact for integers, and for floats as exact as the driver; nothing else ever chooses it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum TargetChoice {
            $($(#[$meta])+ $variant,)*
        }

        impl TargetChoice {
            /// Every choice.
            pub const ALL: &'static [TargetChoice] = &[$(TargetChoice::$variant),*];

            /// Whether it runs on the processor, and so gives the same bits as every other such target.
            pub const fn is_cpu(self) -> bool {
                match self {
                    TargetChoice::Auto
                    | TargetChoice::Interp
                    | TargetChoice::Scalar
                    | TargetChoice::Simd
                    | TargetChoice::Parallel => true,
                    TargetChoice::Gpu => false,
                }
            }

            /// The name in options and attributes.
            pub const fn name(self) -> &'static str {
                match self { $(TargetChoice::$variant => $name,)* }
            }

            fn make(self) -> Result<Generators, String> {
                match self { $(TargetChoice::$variant => $make(),)* }
            }

            fn splitting(self) -> Splitting {
                match self { $(TargetChoice::$variant => Splitting::$splitting,)* }
            }
        }
    };
}

targets! {
    // variant name make splitting
    /// The fastest for the size at hand: SIMD code, on several threads where that pays.
    #[default]
    Auto "auto" best WhenItPays;
    /// The reference interpreter, the meaning of the language in its plainest form.
    Interp "interp" interp Never;
    /// Compiled, one point at a time.
    Scalar "scalar" scalar Never;
    /// Compiled, several points at a time, on the caller's thread.
    Simd "simd" simd Never;
    /// Compiled, several points at a time, on several threads whatever the size.
    Parallel "parallel" simd Always;
    /// Compute shaders, on the engine's GPU.
    Gpu "gpu" gpu Never;
}

/// What makes the code of a choice.
struct Generators {
    best: Arc<dyn Target>,
    /// The same code sooner, and slower; none where there is only one way.
    quick: Option<Arc<dyn Target>>,
}

fn interp() -> Result<Generators, String> {
    Ok(Generators { best: Arc::new(Interp), quick: None })
}

fn scalar() -> Result<Generators, String> {
    native("scalar", Clif::scalar())
}

fn simd() -> Result<Generators, String> {
    native("simd", Clif::simd())
}

fn native(name: &str, best: Result<Clif, NotAvailable>) -> Result<Generators, String> {
    let both = best.and_then(|best| Ok((best.quick()?, best)));
    let (quick, best) = both.map_err(|_| {
        format!("target `{name}` needs a processor with AVX2 and FMA (x86-64-v3); `interp` runs everywhere")
    })?;
    Ok(Generators { best: Arc::new(best), quick: Some(Arc::new(quick)) })
}

fn best() -> Result<Generators, String> {
    simd().or_else(|_| scalar()).or_else(|_| interp())
}

#[cfg(feature = "gpu")]
fn gpu() -> Result<Generators, String> {
    hotloop_gpu::Device::open(0).map(on_device).map_err(|error| error.to_string())
}

#[cfg(feature = "gpu")]
fn on_device(device: Arc<hotloop_gpu::Device>) -> Generators {
    Generators { best: Arc::new(hotloop_gpu::Gpu::new(device)), quick: None }
}

#[cfg(feature = "gpu")]
impl Available {
    /// The device, if the target has one.
    pub(crate) fn device(&self) -> Option<Arc<hotloop_gpu::Device>> {
        let target: &dyn std::any::Any = &*self.generators.best;
        target.downcast_ref::<hotloop_gpu::Gpu>().map(|gpu| gpu.device().clone())
    }
}

#[cfg(not(feature = "gpu"))]
fn gpu() -> Result<Generators, String> {
    Err("this build of hotloop has no target `gpu`; build it with the cargo feature `gpu`".to_owned())
}

impl fmt::Display for TargetChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TargetChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<TargetChoice, String> {
        let found = TargetChoice::ALL.iter().find(|choice| choice.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = TargetChoice::ALL.iter().map(|choice| choice.name()).collect();
            format!("there is no target `{name}`; the targets are {}", names.join(", "))
        })
    }
}

/// The code generator of a choice, for looking at what it makes.
pub(crate) fn code_generator(choice: TargetChoice) -> Result<Clif, Error> {
    let made = match choice {
        TargetChoice::Scalar => Clif::scalar(),
        TargetChoice::Auto | TargetChoice::Simd | TargetChoice::Parallel => Clif::simd(),
        TargetChoice::Gpu => {
            return Err(Error::Unsupported("target `gpu` has shaders, not machine code; see `wgsl`".to_owned()));
        }
        TargetChoice::Interp => {
            return Err(Error::Unsupported("target `interp` makes no machine code; `simd` does".to_owned()));
        }
    };
    made.map_err(|reason| Error::Unsupported(reason.to_string()))
}

/// A target that runs on this machine.
pub(crate) struct Available {
    generators: Generators,
    /// Whether it gets programs after the passes; the interpreter takes them as they are.
    passes: bool,
    pub(crate) splitting: Splitting,
    /// What the target puts into signatures.
    pub(crate) fingerprint: String,
}

impl Available {
    fn new(choice: TargetChoice) -> Result<Available, String> {
        choice.make().map(|generators| Available::of(choice, generators))
    }

    fn of(choice: TargetChoice, generators: Generators) -> Available {
        let (fingerprint, passes) = (generators.best.fingerprint(), generators.best.name() != Interp.name());
        Available { generators, passes, splitting: choice.splitting(), fingerprint }
    }

    /// The name of the code generator.
    pub(crate) fn name(&self) -> &'static str {
        self.generators.best.name()
    }

    /// Whether floats are computed in the order of the program.
    pub(crate) fn keeps_order(&self) -> bool {
        self.generators.best.keeps_order()
    }

    /// Makes a kernel of a program as the front end gives it; `label` says for people what it is.
    pub(crate) fn build(
        &self,
        program: Program,
        tiers: Tiers,
        disk: Option<&DiskCache>,
        label: impl FnOnce() -> String,
    ) -> Result<Built, BuildError> {
        let Generators { best, quick } = &self.generators;
        if !self.passes {
            let plan = Plan::of(&program, &SitePoints::of(&program));
            return Ok(Built { code: Code::only(best.build(&program)?), plan, origin: Origin::Compiled(None) });
        }
        let label = if disk.is_some() { label() } else { String::new() };
        let (job, names) = Job::new(program, disk, label);
        let (code, mut plan, origin) = Code::build(job, best, quick.as_ref(), tiers)?;
        names.dress(&mut plan);
        Ok(Built { code, plan, origin })
    }
}

/// Code and the plan of the program it was made of.
pub(crate) struct Built {
    pub(crate) code: Code,
    pub(crate) plan: Plan,
    pub(crate) origin: Origin,
}

/// The targets of one engine, each made once; a GPU is opened when it is first asked for, which takes long.
pub(crate) struct Targets(Vec<OnceLock<Result<Available, String>>>);

impl Targets {
    pub(crate) fn new() -> Targets {
        Targets(TargetChoice::ALL.iter().map(|_| OnceLock::new()).collect())
    }

    /// Runs target `gpu` on this device.
    #[cfg(feature = "gpu")]
    pub(crate) fn on_device(self, device: Arc<hotloop_gpu::Device>) -> Targets {
        // Nobody else has seen the cell yet, so it is empty.
        let _ = self.0[TargetChoice::Gpu as usize].set(Ok(Available::of(TargetChoice::Gpu, on_device(device))));
        self
    }

    /// The target of a choice; the error says what to choose instead.
    pub(crate) fn get(&self, choice: TargetChoice) -> Result<&Available, Error> {
        let made = self.0[choice as usize].get_or_init(|| Available::new(choice));
        made.as_ref().map_err(|reason| Error::Unsupported(reason.clone()))
    }
}
