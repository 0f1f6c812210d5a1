//! The work of the commands: load, bind, run, deliver.
//!
//! `work` is the order of it. How values are read and written is in `value`, `print` and `output`.

use crate::args::{Eval, Options, Run};
use crate::cache;
use crate::output;
use crate::print::value_text;
use crate::progress;
use crate::report::{self, Failure};
use crate::value::{Loaded, Pair, bind, name_or_value};
use hotloop::{
    Arg, ArgType, Call, Engine, EngineBuilder, Fastmath, Kernel, KernelInfo, Module, Outputs, Progress, SourceError,
    Stage, TargetChoice, Timing, Value, arg_type,
};
use std::io::{self, Write};
use std::time::Duration;

/// `hotloop eval`.
pub fn eval(command: &Eval) -> Result<(), Failure> {
    let engine = engine(&command.options);
    let module = engine.load_expression(&command.expression)?;
    work(&engine, &module, None, &command.values, &command.options)
}

/// `hotloop run`.
pub fn file(mut command: Run) -> Result<(), Failure> {
    name_or_value(&mut command.kernel, &mut command.values)?;
    let engine = engine(&command.options);
    let module = engine.load_file(&command.file)?;
    work(&engine, &module, command.kernel.as_deref(), &command.values, &command.options)
}

/// An engine to be, whose programs are of this tier.
pub fn builder(fastmath: Fastmath) -> EngineBuilder {
    Engine::builder().options(hotloop::Options { fastmath, ..hotloop::Options::default() })
}

fn engine(options: &Options) -> Engine {
    let mut builder = with_fallback(builder(options.fastmath), options);
    if let Some(disk) = cache::disk(options.no_cache) {
        builder = builder.disk_cache(disk);
    }
    match options.threads {
        Some(threads) => builder.threads(threads.into()).build(),
        None => builder.build(),
    }
}

#[cfg(feature = "gpu")]
fn with_fallback(builder: EngineBuilder, options: &Options) -> EngineBuilder {
    builder.fallback(options.fallback)
}

#[cfg(not(feature = "gpu"))]
fn with_fallback(builder: EngineBuilder, _: &Options) -> EngineBuilder {
    builder
}

fn work(
    engine: &Engine,
    module: &Module,
    name: Option<&str>,
    pairs: &[Pair],
    options: &Options,
) -> Result<(), Failure> {
    report::warn(SourceError { source: module.source().clone(), diagnostics: module.warnings().to_vec() });
    let kernel = module.kernel(&kernel_name(module, name)?)?;
    let mut values = bind(kernel.info(), pairs)?;
    let types = types(kernel.info(), &mut values);
    if let Some(stage) = options.emit {
        return emit(&kernel, &types, stage);
    }
    check_outputs(&kernel, &types, options)?;
    let cancel = crate::interrupt::token();
    let timing = Timing::new();
    let progress = Progress::new();
    let outputs = progress::while_running(&kernel.info().name, &progress, || {
        let choices = Call::new().cancel(&cancel).timing(&timing).progress(&progress);
        call(&kernel, &mut values, options, choices)
    })?;
    if let Some(reason) = engine.fallbacks().last {
        report::note(&format!("note: done on the processor, because {reason}"));
    }
    if options.time {
        tell_times(engine, &kernel, options, &timing, &outputs);
    }
    let results = results(kernel.info(), outputs, values);
    if options.output.is_empty() {
        return print(&results);
    }
    let values: Vec<&Value> = results.iter().map(|result| &result.value).collect();
    output::write_all(&options.output, &values, &cancel)
}

/// The kernel that is meant: the named one, or the only one.
fn kernel_name(module: &Module, name: Option<&str>) -> Result<String, Failure> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = module.kernels().map(|info| info.name.as_str()).collect();
    let file = module.source().name();
    match &*names {
        [only] => Ok((*only).to_owned()),
        [] => Err(Failure::Data(format!("`{file}` has no kernel"))),
        [..] => Err(Failure::Usage(format!("which kernel? `{file}` has `{}`", names.join("`, `")))),
    }
}

/// The values as arguments.
fn args<'a>(info: &KernelInfo, values: &'a mut [Loaded]) -> Vec<Arg<'a>> {
    info.params.iter().zip(values).map(|(param, value)| value.arg(param.mutable)).collect()
}

fn types(info: &KernelInfo, values: &mut [Loaded]) -> Vec<ArgType> {
    args(info, values).iter().map(arg_type).collect()
}

fn emit(kernel: &Kernel, types: &[ArgType], stage: Stage) -> Result<(), Failure> {
    let text = kernel.emit(types, stage)?;
    let mut out = io::stdout().lock();
    let result = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
    result.map_err(Failure::of_stdout)
}

/// Finds out before running whether every result has a file.
fn check_outputs(kernel: &Kernel, types: &[ArgType], options: &Options) -> Result<(), Failure> {
    if options.output.is_empty() {
        return Ok(());
    }
    output::check_distinct(&options.output)?;
    let info = kernel.info();
    let written = info.params.iter().filter(|param| param.mutable).count();
    let (files, results) = (options.output.len(), kernel.validate(types)?.len() + written);
    if files != results {
        let words = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let (files, results) = (words(files, "file"), words(results, "result"));
        return Err(Failure::Usage(format!("`{}` has {results}, but `-o` gives {files}", info.name)));
    }
    Ok(())
}

fn call(kernel: &Kernel, values: &mut [Loaded], options: &Options, mut call: Call<'_>) -> Result<Outputs, Failure> {
    if let Some(target) = options.target {
        call = call.target(target);
    }
    let args = args(kernel.info(), values);
    Ok(kernel.call_with(&args, &call)?)
}

/// One thing to show or to write.
struct Shown {
    /// What stands before it where there are several.
    label: String,
    value: Value,
}

/// The results, then the parameters the kernel has written into.
fn results(info: &KernelInfo, outputs: Outputs, values: Vec<Loaded>) -> Vec<Shown> {
    let returned = outputs.into_iter().enumerate();
    let mut shown: Vec<Shown> = returned.map(|(at, value)| Shown { label: format!("[{at}] = "), value }).collect();
    let written = info.params.iter().zip(values).filter(|(param, _)| param.mutable);
    shown.extend(
        written.filter_map(|(param, value)| {
            Some(Shown { label: format!("{} = ", param.name), value: value.into_array()? })
        }),
    );
    if let ([only], true) = (&mut *shown, !info.params.iter().any(|param| param.mutable)) {
        only.label.clear();
    }
    shown
}

fn print(results: &[Shown]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let mut write = || {
        for Shown { label, value } in results {
            writeln!(out, "{}", value_text(value, label))?;
        }
        out.flush()
    };
    write().map_err(Failure::of_stdout)
}

fn tell_times(engine: &Engine, kernel: &Kernel, options: &Options, timing: &Timing, outputs: &Outputs) {
    let named = kernel.info().target.as_deref().and_then(|name| name.parse().ok());
    let target = options.target.or(named).unwrap_or(engine.target());
    let threads = match target {
        TargetChoice::Auto | TargetChoice::Parallel => engine.threads(),
        TargetChoice::Interp | TargetChoice::Scalar | TargetChoice::Simd | TargetChoice::Gpu => 1,
    };
    let run = timing.run();
    let stats = engine.stats().disk;
    let from = match stats.last_miss {
        _ if engine.disk_cache().is_none() => String::new(),
        _ if stats.hits > 0 => "  found on disk".to_owned(),
        Some(miss) => format!("  not found on disk: {miss}"),
        None => String::new(),
    };
    report::note(&format!("compile  {}{from}", duration(timing.compile())));
    let elements: usize = outputs.iter().filter_map(Value::as_array).map(hotloop::Array::len).sum();
    let rate = elements as f64 / run.as_secs_f64();
    let rate = if elements > 0 && rate.is_finite() { format!("  {rate:.3e} elements/s") } else { String::new() };
    report::note(&format!("run      {}{rate}", duration(run)));
    let many = if threads == 1 { "1 thread".to_owned() } else { format!("up to {threads} threads") };
    report::note(&format!("target   {target}, {many}"));
}

/// A time for people.
pub fn duration(time: Duration) -> String {
    seconds_text(time.as_secs_f64())
}

/// A time for people, from seconds.
pub fn seconds_text(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1e-6 => format!("{:.0} ns", seconds * 1e9),
        _ if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        _ if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}
