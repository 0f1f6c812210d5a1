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
use hotloop_clif::Clif;
use hotloop_interp::Interp;
use hotloop_ir::Program;
use hotloop_target::{BuildError, Target};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

macro_rules! targets {
    ($($(#[$meta:meta])+ $variant:ident $name:literal $make:ident $splitting:ident;)*) => {
        /// Where a kernel runs. All CPU targets give the same bits, so the choice is one of speed.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum TargetChoice {
            $($(#[$meta])+ $variant,)*
        }

        impl TargetChoice {
            /// Every choice.
            pub const ALL: &'static [TargetChoice] = &[$(TargetChoice::$variant),*];

            /// The name in options and attributes.
            pub const fn name(self) -> &'static str {
                match self { $(TargetChoice::$variant => $name,)* }
            }

            fn make(self) -> Option<Generators> {
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
}

/// What makes the code of a choice.
struct Generators {
    best: Arc<dyn Target>,
    /// The same code sooner, and slower; none where there is only one way.
    quick: Option<Arc<dyn Target>>,
}

fn interp() -> Option<Generators> {
    Some(Generators { best: Arc::new(Interp), quick: None })
}

fn scalar() -> Option<Generators> {
    native(Clif::scalar().ok()?)
}

fn simd() -> Option<Generators> {
    native(Clif::simd().ok()?)
}

fn native(best: Clif) -> Option<Generators> {
    let quick = best.quick().ok()?;
    Some(Generators { best: Arc::new(best), quick: Some(Arc::new(quick)) })
}

fn best() -> Option<Generators> {
    simd().or_else(scalar).or_else(interp)
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
    fn new(choice: TargetChoice) -> Option<Available> {
        let generators = choice.make()?;
        let (fingerprint, passes) = (generators.best.fingerprint(), generators.best.name() != Interp.name());
        Some(Available { generators, passes, splitting: choice.splitting(), fingerprint })
    }

    /// The name of the code generator.
    pub(crate) fn name(&self) -> &'static str {
        self.generators.best.name()
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

/// The targets of one engine, made once.
pub(crate) struct Targets(Vec<Option<Available>>);

impl Targets {
    pub(crate) fn new() -> Targets {
        Targets(TargetChoice::ALL.iter().map(|choice| Available::new(*choice)).collect())
    }

    /// The target of a choice; the error says what to choose instead.
    pub(crate) fn get(&self, choice: TargetChoice) -> Result<&Available, Error> {
        self.0[choice as usize].as_ref().ok_or_else(|| {
            Error::Unsupported(format!(
                "target `{choice}` needs a processor with AVX2 and FMA (x86-64-v3); `interp` runs everywhere"
            ))
        })
    }
}
