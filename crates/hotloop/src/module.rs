//! `Module`, `KernelHandle` and `Prepared`: a text, one kernel of it, and that kernel for given types.
//!
//! Owns how kernels are named, called and asked about. A call through a `Prepared` neither parses nor looks anything up
//! unless the arguments differ from those it was prepared for.

use crate::arg::Arg;
use crate::call::{Args, Compiled, invoke};
use crate::compile::{self, Unit};
use crate::device;
use crate::engine::{FILE, Inner};
use crate::error::{ArgumentError, Error};
use crate::job::Origin;
use crate::options::Call;
use crate::targets::TargetChoice;
use crate::types::{self, arg_type};
use crate::value::Outputs;
use hotloop_ir::{Program, ResultRef, Type};
use hotloop_sema::{self as sema, ArgType};
use hotloop_source::{Diagnostic, Source};
use hotloop_target::Lookup;
use hotloop_target::signature::digest;
use smallvec::SmallVec;
use std::sync::Arc;

/// The kernels of one text, parsed and checked once. Clones share everything.
#[derive(Clone)]
pub struct Module {
    engine: Arc<Inner>,
    text: Arc<Text>,
}

struct Text {
    unit: Unit,
    digest: u128,
}

/// One kernel of a module. Each combination of argument types it is called with is compiled once.
#[derive(Clone)]
pub struct Kernel {
    module: Module,
    info: Arc<sema::KernelInfo>,
    target: TargetChoice,
}

/// A kernel for arguments of given types, ready to be called.
///
/// Arguments of another layout or with other axes of one element than the examples work too: for them the handle looks
/// for another specialization, as [`Kernel::call`] does.
#[derive(Clone)]
pub struct Prepared {
    kernel: Kernel,
    types: SmallVec<[ArgType; 4]>,
    compiled: Arc<Compiled>,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultType {
    /// The element type.
    pub ty: Type,
    /// The number of axes; 0 for a scalar.
    pub rank: usize,
}

impl Module {
    pub(crate) fn new(engine: Arc<Inner>, unit: Unit) -> Module {
        let digest = digest(unit.source.text().as_bytes());
        Module { engine, text: Arc::new(Text { unit, digest }) }
    }

    /// What is known of each kernel before it is called, in the order of the text.
    pub fn kernels(&self) -> impl Iterator<Item = &sema::KernelInfo> {
        self.text.unit.module.kernels()
    }

    /// The kernel of that name.
    pub fn kernel(&self, name: &str) -> Result<Kernel, Error> {
        let info = compile::kernel_info(&self.text.unit, name)?;
        let target = match &info.target {
            Some(target) => target.parse().map_err(Error::Unsupported)?,
            None => self.engine.target,
        };
        Ok(Kernel { module: self.clone(), info: Arc::new(info.clone()), target })
    }

    /// The text.
    pub fn source(&self) -> &Source {
        &self.text.unit.source
    }

    /// What deserves attention but stops nothing.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.text.unit.warnings
    }
}

impl Kernel {
    /// Its name, parameters and default target.
    pub fn info(&self) -> &sema::KernelInfo {
        &self.info
    }

    /// The text it stands in.
    pub fn source(&self) -> &Source {
        self.module.source()
    }

    /// The target of calls that do not say: the one its attribute names, or the engine's.
    pub fn target(&self) -> TargetChoice {
        self.target
    }

    /// Calls it.
    pub fn call(&self, args: &[Arg<'_>]) -> Result<Outputs, Error> {
        self.call_with(args, &Call::default())
    }

    /// Calls it, with choices for this call.
    pub fn call_with(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Outputs, Error> {
        let call = &device::placed(call, self.target, args);
        self.module.engine.call_for(call.target.unwrap_or(self.target), |target| {
            let call = &call.target(target);
            let compiled = self.find_for(args, call)?;
            invoke(&self.module.engine, &compiled, Args::Positional(args), None, call)
        })
    }

    /// Calls it and writes the results into arrays of the caller's, one per result.
    pub fn call_into(&self, args: &[Arg<'_>], outs: &mut [Arg<'_>]) -> Result<(), Error> {
        self.call_into_with(args, outs, &Call::default())
    }

    /// As [`Kernel::call_into`], with choices for this call.
    pub fn call_into_with(&self, args: &[Arg<'_>], outs: &mut [Arg<'_>], call: &Call<'_>) -> Result<(), Error> {
        let call = &device::placed(call, self.target, args);
        self.module.engine.call_for(call.target.unwrap_or(self.target), |target| {
            let call = &call.target(target);
            let compiled = self.find_for(args, call)?;
            invoke(&self.module.engine, &compiled, Args::Positional(args), Some(outs), call).map(drop)
        })
    }

    /// Compiles it for arguments of these types; gives a handle that is called without looking anything up.
    pub fn prepare(&self, types: &[ArgType]) -> Result<Prepared, Error> {
        self.prepare_with(types, &Call::default())
    }

    /// As [`Kernel::prepare`]; of the choices, the target and the timing matter.
    pub fn prepare_with(&self, types: &[ArgType], call: &Call<'_>) -> Result<Prepared, Error> {
        let mut kernel = self.clone();
        kernel.target = call.target.unwrap_or(self.target);
        let compiled = kernel.find(types.iter().copied(), call)?;
        Ok(Prepared { kernel, types: types.iter().copied().collect(), compiled })
    }

    /// Compiles it for arguments like these.
    pub fn prepare_for(&self, examples: &[Arg<'_>]) -> Result<Prepared, Error> {
        let types: SmallVec<[ArgType; 4]> = examples.iter().map(arg_type).collect();
        self.prepare(&types)
    }

    /// The types of its results for arguments of these types; nothing is compiled or run.
    pub fn validate(&self, types: &[ArgType]) -> Result<Vec<ResultType>, Error> {
        Ok(result_types(&self.program(types)?))
    }

    pub(crate) fn unit(&self) -> &Unit {
        &self.module.text.unit
    }

    pub(crate) fn limits(&self) -> &hotloop_syntax::Limits {
        &self.module.engine.limits
    }

    pub(crate) fn program(&self, types: &[ArgType]) -> Result<Program, Error> {
        self.check_count(types.len())?;
        compile::lower(&self.module.engine, &self.module.text.unit, &self.info.name, types)
    }

    /// The code for these arguments.
    pub(crate) fn find_for(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Arc<Compiled>, Error> {
        self.find(args.iter().map(arg_type), call)
    }

    fn find(&self, arg_types: impl Iterator<Item = ArgType> + Clone, call: &Call<'_>) -> Result<Arc<Compiled>, Error> {
        let Module { engine, text } = &self.module;
        let choice = call.target.unwrap_or(self.target);
        let mut detail = engine.detail(FILE, choice);
        types::sign_bytes(self.info.name.as_bytes(), &mut detail);
        // The name of the file stands in the messages of faults.
        types::sign_bytes(text.unit.source.name().as_bytes(), &mut detail);
        for ty in arg_types.clone() {
            types::sign(&ty, &mut detail);
        }
        let lookup = Lookup::with_digest(text.unit.source.text(), text.digest, &detail);
        engine.find(&lookup, call, || {
            let types: Vec<ArgType> = arg_types.collect();
            self.check_count(types.len())?;
            engine.build_for(choice, |target| {
                compile::kernel(engine, &text.unit, &self.info.name, &types, Vec::new(), target)
            })
        })
    }

    fn check_count(&self, found: usize) -> Result<(), Error> {
        let info = &self.info;
        let expected = info.params.len();
        if expected != found {
            return Err(ArgumentError::Count { kernel: info.name.clone(), expected, found }.into());
        }
        Ok(())
    }
}

impl Prepared {
    /// Calls it.
    pub fn call(&self, args: &[Arg<'_>]) -> Result<Outputs, Error> {
        self.call_with(args, &Call::default())
    }

    /// Calls it, with choices for this call.
    pub fn call_with(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Outputs, Error> {
        if self.fits(args, call) {
            let engine = &self.kernel.module.engine;
            let result = invoke(engine, &self.compiled, Args::Positional(args), None, call);
            return match &result {
                Err(error) if self.falls_back(error) => self.kernel.call_with(args, &call.target(TargetChoice::Auto)),
                Ok(_) | Err(_) => result,
            };
        }
        self.check_alike(args)?;
        self.kernel.call_with(args, call)
    }

    /// Calls it and writes the results into arrays of the caller's, one per result.
    pub fn call_into(&self, args: &[Arg<'_>], outs: &mut [Arg<'_>]) -> Result<(), Error> {
        self.call_into_with(args, outs, &Call::default())
    }

    /// As [`Prepared::call_into`], with choices for this call.
    pub fn call_into_with(&self, args: &[Arg<'_>], outs: &mut [Arg<'_>], call: &Call<'_>) -> Result<(), Error> {
        if self.fits(args, call) {
            let engine = &self.kernel.module.engine;
            let result = invoke(engine, &self.compiled, Args::Positional(args), Some(outs), call).map(drop);
            return match &result {
                Err(error) if self.falls_back(error) => {
                    self.kernel.call_into_with(args, outs, &call.target(TargetChoice::Auto))
                }
                Ok(()) | Err(_) => result,
            };
        }
        self.check_alike(args)?;
        self.kernel.call_into_with(args, outs, call)
    }

    /// The types it was prepared for.
    pub fn types(&self) -> &[ArgType] {
        &self.types
    }

    /// Makes the best code now, or waits for the thread that makes it. Calls after this run it; for measurements.
    pub fn wait_best(&self) {
        self.compiled.code.settle();
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The code for these arguments: its own, or what its kernel finds for them.
    #[cfg(feature = "gpu")]
    pub(crate) fn find_for(&self, args: &[Arg<'_>], call: &Call<'_>) -> Result<Arc<Compiled>, Error> {
        if self.fits(args, call) {
            return Ok(self.compiled.clone());
        }
        self.check_alike(args)?;
        self.kernel.find_for(args, call)
    }

    /// Where its first code came from.
    pub fn origin(&self) -> Origin {
        self.compiled.origin
    }

    /// Bytes of the machine code that a call would run now.
    pub fn code_bytes(&self) -> usize {
        self.compiled.code.now().code_bytes()
    }

    fn fits(&self, args: &[Arg<'_>], call: &Call<'_>) -> bool {
        let call = device::placed(call, self.kernel.target, args);
        let same_target = call.target.is_none_or(|target| target == self.kernel.target);
        same_target
            && args.len() == self.types.len()
            && args.iter().zip(&self.types).all(|(arg, ty)| arg_type(arg) == *ty)
    }

    /// Whether the processor is to do again what failed like this.
    fn falls_back(&self, error: &Error) -> bool {
        matches!(error, Error::Run(_)) && self.kernel.module.engine.fallback.takes(self.kernel.target, error)
    }

    fn check_alike(&self, args: &[Arg<'_>]) -> Result<(), Error> {
        self.kernel.check_count(args.len())?;
        for (index, (arg, ty)) in args.iter().zip(&self.types).enumerate() {
            let found = arg_type(arg);
            if !types::is_alike(&found, ty) {
                let name = self.kernel.info.params[index].name.clone();
                let (expected, found) = (types::words(ty), types::words(&found));
                return Err(ArgumentError::Prepared { name, expected, found }.into());
            }
        }
        Ok(())
    }
}

/// The types of a program's results.
pub(crate) fn result_types(program: &Program) -> Vec<ResultType> {
    let result_type = |result: &ResultRef| match result {
        ResultRef::Scalar(slot) => ResultType { ty: program.slot(*slot).ty, rank: 0 },
        ResultRef::Array(array) => {
            let array = program.array(*array);
            ResultType { ty: array.element(), rank: array.axes() as usize }
        }
        ResultRef::Pair([real, _]) => {
            let ty = program.slot(*real).ty;
            ResultType { ty: ty.complex().unwrap_or(ty), rank: 0 }
        }
    };
    program.results.iter().map(result_type).collect()
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.kernels().map(|info| info.name.as_str()).collect();
        write!(f, "Module({}, {names:?})", self.source().name())
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernel({})", self.info.name)
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({}, {:?})", self.kernel.info.name, self.types)
    }
}
