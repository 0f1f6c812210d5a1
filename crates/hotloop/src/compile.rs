//! From a text and argument types to a kernel: the order of the work, and the guard around it.
//!
//! Every phase is pure and belongs to another crate. A panic in one of them is our mistake and comes back as
//! `Error::Bug`; what is in the cache does not suffer.

use crate::call::Compiled;
use crate::engine::Inner;
use crate::error::{ArgumentError, Error};
use crate::options::Call;
use crate::targets::Available;
use crate::types;
use hotloop_ir::Program;
use hotloop_sema::{self as sema, ArgType};
use hotloop_source::{Diagnostic, Source};
use hotloop_syntax as syntax;
use hotloop_target::{BuildError, CompileError, LoadError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// A text with its checked items.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) source: Source,
    pub(crate) module: sema::Module,
    pub(crate) warnings: Vec<Diagnostic>,
    /// For what is no file: how many bytes of the text are its body.
    pub(crate) body: Option<usize>,
}

/// Parses and checks a file.
pub(crate) fn file(source: Source, limits: &syntax::Limits) -> Result<Unit, Error> {
    guarded(|| {
        let (file, diagnostics) = syntax::parse_file(&source, limits);
        let mut warnings = errors_out(&source, diagnostics)?;
        let (module, diagnostics) = sema::Module::of_file(file);
        warnings.extend(errors_out(&source, diagnostics)?);
        Ok(Unit { source, module, warnings, body: None })
    })
}

/// Parses and checks one expression, which may have `let`s before it.
pub(crate) fn expression(text: &str, limits: &syntax::Limits) -> Result<Unit, Error> {
    let source = Source::new("<expression>", text);
    guarded(|| {
        let (body, diagnostics) = syntax::parse_body(&source, limits);
        let mut warnings = errors_out(&source, diagnostics)?;
        let (module, diagnostics) = sema::Module::of_expression(body);
        warnings.extend(errors_out(&source, diagnostics)?);
        let body = Some(source.text().len());
        Ok(Unit { source, module, warnings, body })
    })
}

/// What is known of a kernel of a unit before it is called.
pub(crate) fn kernel_info<'u>(unit: &'u Unit, kernel: &str) -> Result<&'u sema::KernelInfo, Error> {
    let found = unit.module.kernels().find(|info| info.name == kernel);
    found.ok_or_else(|| {
        let known = unit.module.kernels().map(|info| info.name.clone()).collect();
        ArgumentError::NoKernel { name: kernel.to_owned(), known }.into()
    })
}

/// Lowers a kernel for these argument types.
pub(crate) fn lower(engine: &Inner, unit: &Unit, kernel: &str, types: &[ArgType]) -> Result<Program, Error> {
    lower_with(&engine.options, unit, kernel, types)
}

fn lower_with(options: &sema::Options, unit: &Unit, kernel: &str, types: &[ArgType]) -> Result<Program, Error> {
    let lowered = guarded(|| Ok(sema::lower(&unit.module, kernel, types, options)))?;
    lowered.map_err(|diagnostics| Error::source(&unit.source, diagnostics))
}

/// Lowers and compiles; gives the kernel and the bytes it takes.
pub(crate) fn kernel(
    engine: &Inner,
    unit: &Unit,
    name: &str,
    types: &[ArgType],
    order: Vec<usize>,
    target: &Available,
) -> Result<(Arc<Compiled>, usize), Error> {
    let regrouped = engine.options.regrouped || !target.keeps_order();
    let program = lower_with(&sema::Options { regrouped, ..engine.options }, unit, name, types)?;
    let label = || label(unit, name, types, target);
    let built = guarded(|| target.build(program, engine.tiers, engine.disk.as_ref(), label).map_err(build_error))?;
    let bytes = built.code.bytes() + built.plan.bytes() + unit.source.text().len();
    let source = unit.source.clone();
    let (splitting, origin) = (target.splitting, built.origin);
    Ok((Arc::new(Compiled { code: built.code, plan: built.plan, source, splitting, order, origin }), bytes))
}

/// What stands in lists of the disk cache: the name or the expression, the types, the target.
fn label(unit: &Unit, name: &str, types: &[ArgType], target: &Available) -> String {
    const MOST: usize = 60;
    let name = if unit.body.is_some() { unit.source.text().trim() } else { name };
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    let types: Vec<String> = types.iter().map(types::words).collect();
    format!("{name} ({}) {}", types.join(", "), target.name())
}

/// Times a build, for the statistics and for the caller.
pub(crate) fn timed<T>(engine: &Inner, call: &Call<'_>, build: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    let result = build();
    let time = start.elapsed();
    engine.last_compile.store(time.as_nanos() as u64, Relaxed);
    if let Some(timing) = call.timing {
        timing.add_compile(time);
    }
    result
}

/// Runs a phase; a panic becomes an error.
pub(crate) fn guarded<T>(phase: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(phase)).unwrap_or_else(|panic| Err(Error::Bug(panic_text(&*panic).to_owned())))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// The warnings, if there is nothing worse.
pub(crate) fn errors_out(source: &Source, diagnostics: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Error> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Error::source(source, diagnostics));
    }
    Ok(diagnostics)
}

pub(crate) fn build_error(error: BuildError) -> Error {
    match error {
        BuildError::Compile(error) => compile_error(error),
        BuildError::Load(LoadError::Memory(error)) => Error::Unsupported(format!("no executable memory: {error}")),
        BuildError::Load(error @ (LoadError::Foreign { .. } | LoadError::Damaged(_))) => Error::Bug(error.to_string()),
    }
}

pub(crate) fn compile_error(error: CompileError) -> Error {
    match error {
        CompileError::Unsupported { .. } | CompileError::Limit { .. } => Error::Unsupported(error.to_string()),
        CompileError::Bug { .. } => Error::Bug(error.to_string()),
    }
}
