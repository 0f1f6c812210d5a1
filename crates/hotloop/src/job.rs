//! A program on its way to code: found on disk or compiled, in one tier or the other.
//!
//! Owns the order of looking up, passes, compiling and storing for one program. Which tier is wanted when is decided in
//! `tiers`. Passes run only when something has to be compiled, or found by what they leave.
//!
//! An entry on disk is found by the program as the front end gives it, ready to run. Behind the passes the literals are
//! set apart, and another entry has the code of all programs that differ in them alone: passes may look at literals,
//! code does not.

use crate::disk::{self, DiskCache};
use crate::names::Names;
use crate::plan::Plan;
use crate::points::SitePoints;
use crate::stored;
use hotloop_cache::Miss;
use hotloop_ir::{Inst, Program};
use hotloop_target::{Artifact, BuildError, Kernel, Literals, LoadError, Target};
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
    /// What was set apart behind the passes; none before them.
    literals: Option<Literals>,
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
        (Job { program, literals: None, points, stored, label }, names)
    }

    /// What the disk cache has for a target; none without one.
    pub(crate) fn find(&mut self, target: &dyn Target) -> Result<Made, Option<Miss>> {
        let Some(stored) = &self.stored else { return Err(None) };
        let key = disk::key(&stored.bytes, target);
        let (artifact, plan) = stored.cache.find(&key)?;
        let cache = stored.cache.clone();
        let kernel =
            load(target, &artifact).and_then(|kernel| match cache.checks() && !self.gives(target, &artifact, &plan) {
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
        let compiled = self.compile(target).map(|mut made| {
            self.passed(target).1.bind(&mut made);
            stored::encode(&made, &self.plan(target))
        });
        compiled.is_ok_and(|compiled| compiled == stored::encode(artifact, plan))
    }

    /// What the disk cache has for a target and a program that differs from this one in literals alone.
    pub(crate) fn find_alike(&mut self, target: &dyn Target) -> Option<Made> {
        let cache = self.stored.as_ref()?.cache.clone();
        let key = self.key_of_alike(target)?;
        let mut artifact = cache.find_alike(&key)?;
        if cache.checks() && !self.compile(target).is_ok_and(|made| made == artifact) {
            cache.refuse(&key, Miss::Differs);
            return None;
        }
        self.passed(target).1.bind(&mut artifact);
        match load(target, &artifact) {
            Ok(kernel) => Some((kernel, self.plan(target))),
            Err(miss) => {
                cache.refuse(&key, miss);
                None
            }
        }
    }

    /// The key of the code of all programs that differ from this one in literals alone, if it has any.
    fn key_of_alike(&mut self, target: &dyn Target) -> Option<Vec<u8>> {
        let (program, literals) = self.passed(target);
        (!literals.is_empty()).then(|| disk::key_of_alike(&disk::bytes(program), target))
    }

    /// Compiles, and puts the code into the disk cache.
    pub(crate) fn make(&mut self, target: &dyn Target) -> Result<Made, BuildError> {
        let mut artifact = self.compile(target)?;
        let apart = if self.stored.is_some() { self.key_of_alike(target) } else { None };
        if let (Some(stored), Some(key)) = (&self.stored, apart) {
            stored.cache.store_alike(&key, &self.label, &artifact);
        }
        self.passed(target).1.bind(&mut artifact);
        let plan = self.plan(target);
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

    /// The program behind the passes, and the literals that are not in it.
    fn passed(&mut self, target: &dyn Target) -> (&Program, &Literals) {
        let literals = self.literals.get_or_insert_with(|| {
            self.program = hotloop_passes::run(std::mem::take(&mut self.program));
            // Both tiers of a target set apart the same.
            target.set_apart(&mut self.program)
        });
        (&self.program, literals)
    }

    /// The code, which is to be bound to the literals.
    fn compile(&mut self, target: &dyn Target) -> Result<Artifact, BuildError> {
        target.compile(self.passed(target).0).map_err(BuildError::Compile)
    }

    fn plan(&mut self, target: &dyn Target) -> Plan {
        self.passed(target);
        Plan::of(&self.program, &self.points)
    }
}

/// Makes code from disk callable.
fn load(target: &dyn Target, artifact: &Artifact) -> Result<Arc<dyn Kernel>, Miss> {
    target.load(artifact).map_err(|error| match error {
        LoadError::Foreign { .. } | LoadError::Damaged(_) => Miss::Damaged,
        LoadError::Memory(_) => Miss::Unreadable,
    })
}
