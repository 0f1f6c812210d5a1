//! `Engine`: what compiles, keeps and runs kernels.
//!
//! Owns the settings, the cache, the targets and the threads that calls share. There is no other state: two engines
//! know nothing of each other. How texts become kernels is in `compile`, how kernels are called in `call`.

use crate::arg::Arg;
use crate::call::{Args, Compiled, invoke};
use crate::compile;
use crate::device;
use crate::disk::DiskCache;
use crate::error::{ArgumentError, Error};
use crate::fallback::{self, Fallback, Fallbacks};
use crate::kept::{self, Kept, KeptMemory};
use crate::module::{Module, ResultType, result_types};
use crate::options::Call;
use crate::targets::{TargetChoice, Targets};
use crate::threads::Threads;
use crate::tiers::{Background, Tiers};
use crate::types::{self, Detail};
use crate::value::{Outputs, Value};
use hotloop_cache::{Counters, DiskCounters, Limits, Memory};
use hotloop_sema::{self as sema, ArgType};
use hotloop_source::Source;
use hotloop_syntax as syntax;
use hotloop_target::Lookup;
use hotloop_target::signature::digest;
use smallvec::SmallVec;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Compiles, keeps and runs kernels. Clones share everything.
///
/// ```
/// use hotloop::{Engine, named};
/// let engine = Engine::new();
/// let a = [1.0, 2.0, 3.0];
/// let b = 10.0;
/// let value = engine.eval("2*a + 3*b", &named! { a, b: b })?;
/// assert_eq!(value.into_array()?.as_slice::<f64>(), [32.0, 34.0, 36.0]);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of an engine share.
pub(crate) struct Inner {
    pub(crate) threads: Threads,
    pub(crate) targets: Targets,
    pub(crate) target: TargetChoice,
    pub(crate) tiers: Tiers,
    pub(crate) background: Background,
    pub(crate) memory_limit: usize,
    pub(crate) kept: Arc<Kept>,
    pub(crate) options: sema::Options,
    pub(crate) limits: syntax::Limits,
    pub(crate) last_compile: AtomicU64,
    pub(crate) disk: Option<DiskCache>,
    pub(crate) fallback: fallback::State,
    cache: Memory<Arc<Compiled>>,
    /// By target: the bytes of a signature that are the same for every kernel.
    settings: Vec<Box<[u8]>>,
}

/// The settings of an engine to be; made by [`Engine::builder`].
#[derive(Debug, Default)]
pub struct EngineBuilder {
    target: TargetChoice,
    tiers: Tiers,
    threads: Option<usize>,
    pool: Option<Arc<rayon::ThreadPool>>,
    inherit: bool,
    cache: Limits,
    disk: Option<DiskCache>,
    #[cfg(feature = "gpu")]
    device: Option<Arc<hotloop_gpu::Device>>,
    memory_limit: Option<usize>,
    keep_memory: Option<usize>,
    fallback: Fallback,
    options: sema::Options,
    limits: syntax::Limits,
}

/// What an engine has done, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The cache of compiled kernels.
    pub cache: Counters,
    /// The cache on disk, since it was opened; all zero without one.
    pub disk: DiskCounters,
    /// How long the last build took, from the text to code that can run.
    pub last_compile: Duration,
    /// How many kernels got better code in the background.
    pub background_builds: u64,
    /// How long that took, all together.
    pub background_time: Duration,
}

impl Engine {
    /// An engine with default settings: target `auto`, one thread per processor, made when first needed.
    pub fn new() -> Engine {
        Engine::builder().build()
    }

    /// An engine with settings of its own.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The value of an expression, which may have `let`s before it, over named arguments.
    pub fn eval(&self, text: &str, args: &[(&str, Arg<'_>)]) -> Result<Value, Error> {
        self.eval_with(text, args, &Call::default())
    }

    /// As [`Engine::eval`], with choices for this call.
    pub fn eval_with(&self, text: &str, args: &[(&str, Arg<'_>)], call: &Call<'_>) -> Result<Value, Error> {
        Ok(self.eval_all(text, args, call)?.one()?)
    }

    /// As [`Engine::eval_with`], for expressions with any number of values.
    pub fn eval_all(&self, text: &str, args: &[(&str, Arg<'_>)], call: &Call<'_>) -> Result<Outputs, Error> {
        let call = &device::placed_named(call, self.inner.target, args);
        self.inner.call_for(call.target.unwrap_or(self.inner.target), |target| {
            let call = &call.target(target);
            let compiled = self.inner.expression(text, args, call)?;
            invoke(&self.inner, &compiled, Args::Named(args, &compiled.order), None, call)
        })
    }

    /// Writes the values of an expression into arrays of the caller's, one per value.
    pub fn eval_into(
        &self,
        text: &str,
        args: &[(&str, Arg<'_>)],
        outs: &mut [Arg<'_>],
        call: &Call<'_>,
    ) -> Result<(), Error> {
        let call = &device::placed_named(call, self.inner.target, args);
        self.inner.call_for(call.target.unwrap_or(self.inner.target), |target| {
            let call = &call.target(target);
            let compiled = self.inner.expression(text, args, call)?;
            invoke(&self.inner, &compiled, Args::Named(args, &compiled.order), Some(outs), call).map(drop)
        })
    }

    /// The types an expression has for arguments of these types; nothing is compiled or run.
    pub fn validate(&self, text: &str, types: &[(&str, ArgType)]) -> Result<Vec<ResultType>, Error> {
        let unit = compile::expression(text, &self.inner.limits)?;
        let names: SmallVec<[&str; 8]> = types.iter().map(|(name, _)| *name).collect();
        let order = order(&unit, &names)?;
        let types: Vec<ArgType> = order.iter().map(|at| types[*at].1).collect();
        let program = compile::lower(&self.inner, &unit, sema::EXPRESSION, &types)?;
        Ok(result_types(&program))
    }

    /// The names an expression takes as arguments, in order of first appearance.
    pub fn free_names(&self, text: &str) -> Result<Vec<String>, Error> {
        let unit = compile::expression(text, &self.inner.limits)?;
        let info = compile::kernel_info(&unit, sema::EXPRESSION)?;
        Ok(info.params.iter().map(|param| param.name.clone()).collect())
    }

    /// An expression as a module, whose only kernel takes the free names in order of first appearance.
    pub fn load_expression(&self, text: &str) -> Result<Module, Error> {
        let unit = compile::expression(text, &self.inner.limits)?;
        Ok(Module::new(self.inner.clone(), unit))
    }

    /// The kernels of a text.
    pub fn load(&self, text: &str) -> Result<Module, Error> {
        self.load_source(Source::new("<text>", text))
    }

    /// The kernels of a text that has a name.
    pub fn load_source(&self, source: Source) -> Result<Module, Error> {
        Ok(Module::new(self.inner.clone(), compile::file(source, &self.inner.limits)?))
    }

    /// The kernels of a file.
    pub fn load_file(&self, path: impl AsRef<Path>) -> Result<Module, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| Error::Io { path: path.to_owned(), error })?;
        self.load_source(Source::new(path.display().to_string(), text))
    }

    /// Drops all compiled kernels that no handle holds.
    pub fn clear_cache(&self) {
        self.inner.cache.clear();
    }

    /// Large blocks of memory that results and temporaries gave back and that are kept for the next ones.
    pub fn kept_memory(&self) -> KeptMemory {
        self.inner.kept.told()
    }

    /// Gives the memory that is kept to the system; says how many bytes that were.
    pub fn trim(&self) -> usize {
        self.inner.kept.empty()
    }

    /// What this engine has done, and what it holds.
    pub fn stats(&self) -> Stats {
        let last_compile = Duration::from_nanos(self.inner.last_compile.load(Relaxed));
        let (background_builds, background_time) = self.inner.background.made();
        let disk = self.inner.disk.as_ref().map(DiskCache::counters).unwrap_or_default();
        Stats { cache: self.inner.cache.counters(), disk, last_compile, background_builds, background_time }
    }

    /// What was done on the processor although target `gpu` was asked for; nothing without
    /// [`EngineBuilder::fallback`].
    pub fn fallbacks(&self) -> Fallbacks {
        self.inner.fallback.told()
    }

    /// The cache on disk, if there is one.
    pub fn disk_cache(&self) -> Option<&DiskCache> {
        self.inner.disk.as_ref()
    }

    /// The most threads a call uses that does not say.
    pub fn threads(&self) -> usize {
        self.inner.threads.count()
    }

    /// The target of calls that do not say.
    pub fn target(&self) -> TargetChoice {
        self.inner.target
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let threads = &self.threads();
        f.debug_struct("Engine").field("target", &self.target()).field("threads", threads).finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// The target of calls that do not say.
    #[must_use]
    pub fn target(mut self, target: TargetChoice) -> EngineBuilder {
        self.target = target;
        self
    }

    /// Which code is made of kernels: quick code, the best, or one after the other.
    #[must_use]
    pub fn tiers(mut self, tiers: Tiers) -> EngineBuilder {
        self.tiers = tiers;
        self
    }

    /// The most threads a call uses that does not say, the caller's included.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> EngineBuilder {
        self.threads = Some(threads);
        self
    }

    /// The threads to use, instead of some of the engine's own.
    #[must_use]
    pub fn pool(mut self, pool: Arc<rayon::ThreadPool>) -> EngineBuilder {
        self.pool = Some(pool);
        self
    }

    /// Calls made on a thread of some rayon pool use that pool.
    #[must_use]
    pub fn inherit_pool(mut self) -> EngineBuilder {
        self.inherit = true;
        self
    }

    /// How many compiled kernels are kept.
    #[must_use]
    pub fn cache(mut self, limits: Limits) -> EngineBuilder {
        self.cache = limits;
        self
    }

    /// Keeps compiled kernels on disk too, for later processes; off by default.
    #[must_use]
    pub fn disk_cache(mut self, disk: DiskCache) -> EngineBuilder {
        self.disk = Some(disk);
        self
    }

    /// The most bytes one call may allocate for results and temporaries; no limit of its own by default.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> EngineBuilder {
        self.memory_limit = Some(bytes);
        self
    }

    /// The most bytes that are kept of the memory which dropped results and temporaries give back, for the next ones:
    /// 128 MiB by default, and 0 keeps nothing.
    #[must_use]
    pub fn keep_memory(mut self, bytes: usize) -> EngineBuilder {
        self.keep_memory = Some(bytes);
        self
    }

    /// The device of target `gpu`; without one it is the first of `devices()`, opened when it is first needed.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn device(mut self, device: Arc<hotloop_gpu::Device>) -> EngineBuilder {
        self.device = Some(device);
        self
    }

    /// What is done about calls that target `gpu` cannot serve; by default they fail.
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> EngineBuilder {
        self.fallback = fallback;
        self
    }

    /// The options of the language, such as what an integer division by zero gives.
    #[must_use]
    pub fn options(mut self, options: sema::Options) -> EngineBuilder {
        self.options = options;
        self
    }

    /// The largest and deepest texts that are accepted.
    #[must_use]
    pub fn limits(mut self, limits: syntax::Limits) -> EngineBuilder {
        self.limits = limits;
        self
    }

    /// The engine. Starts no thread and compiles nothing yet.
    pub fn build(self) -> Engine {
        let targets = Targets::new();
        #[cfg(feature = "gpu")]
        let targets = match self.device {
            Some(device) => targets.on_device(device),
            None => targets,
        };
        let settings = TargetChoice::ALL.iter().map(|choice| settings(*choice, &targets, &self.options)).collect();
        let inner = Inner {
            threads: Threads::new(self.pool, self.inherit, self.threads),
            targets,
            target: self.target,
            tiers: self.tiers,
            background: Background::default(),
            memory_limit: self.memory_limit.unwrap_or(usize::MAX),
            kept: Kept::new(self.keep_memory.unwrap_or(kept::USUAL)),
            options: self.options,
            limits: self.limits,
            last_compile: AtomicU64::new(0),
            cache: Memory::new(self.cache),
            disk: self.disk,
            fallback: fallback::State::new(self.fallback),
            settings,
        };
        Engine { inner: Arc::new(inner) }
    }
}

/// What target and options put into every signature. They are the same for the life of an engine, so the digest does
/// for them here, and keeps looking up quick.
fn settings(choice: TargetChoice, targets: &Targets, options: &sema::Options) -> Box<[u8]> {
    // An engine has one GPU for life, so signatures within it need not say which, and it need not be opened here.
    let known = if choice.is_cpu() { targets.get(choice).ok() } else { None };
    let fingerprint = known.map_or("", |target| target.fingerprint.as_str());
    let mut detail = Detail::new();
    types::sign_bytes(choice.name().as_bytes(), &mut detail);
    types::sign_bytes(fingerprint.as_bytes(), &mut detail);
    // The printed form has every option by name.
    types::sign_bytes(format!("{options:?}").as_bytes(), &mut detail);
    let digest = digest(&detail).to_le_bytes();
    [&[choice as u8], &digest[..]].concat().into()
}

/// The first byte of a detail: what kind of text was signed.
const EXPRESSION: u8 = 0;
pub(crate) const FILE: u8 = 1;

impl Inner {
    /// The start of a signature's detail.
    pub(crate) fn detail(&self, kind: u8, target: TargetChoice) -> Detail {
        let mut detail = Detail::new();
        detail.push(kind);
        detail.extend_from_slice(&self.settings[target as usize]);
        detail
    }

    /// The kernel under a signature; builds it where it is not in the cache.
    pub(crate) fn find(
        &self,
        lookup: &Lookup<'_>,
        call: &Call<'_>,
        build: impl FnOnce() -> Result<(Arc<Compiled>, usize), Error>,
    ) -> Result<Arc<Compiled>, Error> {
        self.cache.get_or_build(lookup, || compile::timed(self, call, build))
    }

    /// The kernel of an expression: found by its text, without parsing it, if it was built before.
    fn expression(&self, text: &str, args: &[(&str, Arg<'_>)], call: &Call<'_>) -> Result<Arc<Compiled>, Error> {
        let choice = call.target.unwrap_or(self.target);
        let mut detail = self.detail(EXPRESSION, choice);
        for (name, arg) in args {
            types::sign_bytes(name.as_bytes(), &mut detail);
            types::sign(&types::arg_type(arg), &mut detail);
        }
        let lookup = Lookup::with_digest(text, digest(text.as_bytes()), &detail);
        self.find(&lookup, call, || {
            let unit = compile::expression(text, &self.limits)?;
            let names: SmallVec<[&str; 8]> = args.iter().map(|(name, _)| *name).collect();
            let order = order(&unit, &names)?;
            let types: Vec<ArgType> = order.iter().map(|at| types::arg_type(&args[*at].1)).collect();
            self.build_for(choice, |target| {
                compile::kernel(self, &unit, sema::EXPRESSION, &types, order.clone(), target)
            })
        })
    }
}

/// Which argument each parameter takes. Every name must be used, and every parameter given.
fn order(unit: &compile::Unit, names: &[&str]) -> Result<Vec<usize>, Error> {
    let params = &compile::kernel_info(unit, sema::EXPRESSION)?.params;
    for (index, name) in names.iter().enumerate() {
        let is_used = params.iter().any(|param| param.name == **name);
        if !is_used || names[..index].contains(name) {
            return Err(ArgumentError::Surplus { name: (*name).to_owned() }.into());
        }
    }
    let find = |param: &sema::ParamInfo| {
        let at = names.iter().position(|name| *name == param.name);
        at.ok_or_else(|| ArgumentError::Missing { name: param.name.clone() }.into())
    };
    params.iter().map(find).collect()
}
