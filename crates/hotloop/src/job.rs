//! A program on its way to code: found on disk or compiled, in one tier or the other.
//!
//! Owns the order of looking up, passes, compiling and storing for one program. Which tier is wanted when is decided in
//! `tiers`. Passes run only when something has to be compiled.

use crate::disk::{self, DiskCache};
use crate::names::Names;
use crate::plan::Plan;
use crate::points::SitePoints;
use crate::stored;
use hotloop_cache::Miss;
use hotloop_ir::{Inst, Program};
use hotloop_target::{Artifact, BuildError, Kernel, LoadError, Target};
use std::sync::Arc;

/// Where the code of a kernel came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled; where there is a disk cache, for this reason.
    Compiled(Option<Miss>),
    /// It was found in the disk cache.
    Disk,
}

/// A program whose names have been taken out.
pub(crate) struct Job {
    program: Program,
    passed: bool,
    points: SitePoints,
    stored: Option<Stored>,
    label: String,
}

struct Stored {
    cache: DiskCache,
    /// The program's part of the keys.
    bytes: Vec<u8>,
}

/// Code and plan; the plan has no names yet.
pub(crate) type Made = (Arc<dyn Kernel>, Plan);

impl Job {
    /// A program as the front end gives it, and the names it had. `label` says for people what it is.
    pub(crate) fn new(mut program: Program, cache: Option<&DiskCache>, label: String) -> (Job, Names) {
        let names = Names::take(&mut program);
        let points = SitePoints::of(&program);
        let stored = cache.map(|cache| Stored { cache: cache.clone(), bytes: disk::bytes(&program) });
        (Job { program, passed: false, points, stored, label }, names)
    }

    /// What the disk cache has for a target; none without one.
    pub(crate) fn find(&mut self, target: &dyn Target) -> Result<Made, Option<Miss>> {
        let Some(stored) = &self.stored else { return Err(None) };
        let key = disk::key(&stored.bytes, target);
        let (artifact, plan) = stored.cache.find(&key)?;
        let loaded = target.load(&artifact).map_err(|error| match error {
            LoadError::Foreign { .. } | LoadError::Damaged(_) => Miss::Damaged,
            LoadError::Memory(_) => Miss::Unreadable,
        });
        let cache = stored.cache.clone();
        let kernel = loaded.and_then(|kernel| match cache.checks() && !self.gives(target, &artifact, &plan) {
            true => Err(Miss::Differs),
            false => Ok(kernel),
        });
        match kernel {
            Ok(kernel) => Ok((kernel, plan)),
            Err(miss) => {
                cache.refuse(&key, miss);
                Err(Some(miss))
            }
        }
    }

    /// Whether compiling gives this, in every byte.
    fn gives(&mut self, target: &dyn Target, artifact: &Artifact, plan: &Plan) -> bool {
        let compiled = self.compile(target);
        compiled.is_ok_and(|(made, made_plan)| stored::encode(&made, &made_plan) == stored::encode(artifact, plan))
    }

    /// Compiles, and puts the code into the disk cache.
    pub(crate) fn make(&mut self, target: &dyn Target) -> Result<Made, BuildError> {
        let (artifact, plan) = self.compile(target)?;
        if let Some(stored) = &self.stored {
            stored.cache.store(&disk::key(&stored.bytes, target), &self.label, &artifact, &plan);
        }
        Ok((target.load(&artifact).map_err(BuildError::Load)?, plan))
    }

    /// Bytes it takes, roughly.
    pub(crate) fn memory(&self) -> usize {
        // A value has its instruction and its type, and is named by a statement or two.
        const VALUE: usize = size_of::<Inst>() + 64;
        let Program { nests, sites, arrays, slots, .. } = &self.program;
        let values: usize = nests.iter().map(|nest| nest.lane.values.len() * VALUE + 512).sum();
        let key = self.stored.as_ref().map_or(0, |stored| stored.bytes.len());
        values + sites.len() * 128 + (arrays.len() + slots.len()) * 64 + key
    }

    fn compile(&mut self, target: &dyn Target) -> Result<(Artifact, Plan), BuildError> {
        if !self.passed {
            self.program = hotloop_passes::run(std::mem::take(&mut self.program));
            self.passed = true;
        }
        let artifact = target.compile(&self.program).map_err(BuildError::Compile)?;
        Ok((artifact, Plan::of(&self.program, &self.points)))
    }
}
