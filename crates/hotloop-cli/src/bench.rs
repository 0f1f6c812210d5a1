//! `hotloop bench`: times of the kernels of a file, with made-up arrays of several sizes or with given values.

use crate::args;
use crate::check::say;
use crate::explain::threads_text;
use crate::machine::{self, Limits};
use crate::made;
use crate::measured::{self, Work};
use crate::report::Failure;
use crate::stats::Stats;
use crate::value::{Loaded, given};
use hotloop::{Arg, Call, CancelToken, Engine, Kernel, Module, arg_type};
use serde_json::{Value as Json, json};

pub const HELP: &str = "\
Parameters that get no value get one: arrays of random numbers with about as many elements as --sizes says, of the
type they are declared with or else `f64[:]`; numbers are 0.5 or 10. Rates count what each pass reads, writes and
computes, and stand beside what a copy and a chain of arithmetic reach on this machine.";

/// Reads a size such as `1000` or `1e6`.
pub fn size(text: &str) -> Result<usize, String> {
    let size = text.trim().parse::<f64>().map_err(|_| format!("`{text}` is not a number of elements"))?;
    if size.fract() == 0.0 && (0.0..=1e10).contains(&size) {
        return Ok(size as usize);
    }
    Err(format!("`{text}` is not a number of elements up to 1e10"))
}

/// One measured call.
struct Row {
    kernel: String,
    size: usize,
    stats: Stats,
    work: Option<Work>,
}

/// `hotloop bench`.
pub fn run(mut command: args::Bench) -> Result<(), Failure> {
    crate::value::name_or_value(&mut command.kernel, &mut command.values)?;
    let mut builder = crate::run::builder(command.fastmath);
    if let Some(threads) = command.threads {
        builder = builder.threads(threads.into());
    }
    let engine = builder.build();
    let module = engine.load_file(&command.file)?;
    let cancel = crate::interrupt::token();
    let call = Call { target: command.target, ..Call::new() }.cancel(&cancel);
    let limits = machine::measure(&engine, &Call { target: None, ..call }, engine.threads())?;
    let mut rows = Vec::new();
    for kernel in kernels(&module, command.kernel.as_deref())? {
        for size in &command.sizes {
            let row = measure(&kernel, *size, &command, &call, &cancel)?;
            if !command.json {
                say(&format!("{}, {size} elements", row.kernel))?;
                let text = measured::text(&row.stats, row.work, limits);
                say(&format!("  {}", text.replace('\n', "\n  ")))?;
            }
            rows.push(row);
        }
    }
    if command.json {
        let text = serde_json::to_string_pretty(&json(&rows, limits, &engine, &command));
        say(&text.map_err(|error| Failure::Data(error.to_string()))?)?;
    } else {
        say(&format!("target {}, {}", target_name(&engine, &command), threads_text(engine.threads())))?;
    }
    Ok(())
}

fn target_name(engine: &Engine, command: &args::Bench) -> String {
    command.target.unwrap_or(engine.target()).to_string()
}

/// The kernel of this name, or all.
pub fn kernels(module: &Module, name: Option<&str>) -> Result<Vec<Kernel>, Failure> {
    let names: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => module.kernels().map(|info| info.name.clone()).collect(),
    };
    if names.is_empty() {
        return Err(Failure::Data(format!("`{}` has no kernel", module.source().name())));
    }
    names.iter().map(|name| Ok(module.kernel(name)?)).collect()
}

/// The values of a kernel's parameters: given ones, and made-up ones of this size.
pub fn values(kernel: &Kernel, pairs: &[crate::value::Pair], size: usize) -> Result<Vec<Loaded>, Failure> {
    let given = given(kernel.info(), pairs)?;
    let params = kernel.info().params.iter().zip(given).enumerate();
    params
        .map(|(at, (param, given))| match given {
            Some(value) => Ok(value),
            None => made::value(param, size, at as u64 + 1).map_err(Failure::Data),
        })
        .collect()
}

fn measure(
    kernel: &Kernel,
    size: usize,
    command: &args::Bench,
    call: &Call<'_>,
    cancel: &CancelToken,
) -> Result<Row, Failure> {
    let mut values = values(kernel, &command.values, size)?;
    let infos = &kernel.info().params;
    let args: Vec<Arg<'_>> = values.iter_mut().zip(infos).map(|(value, param)| value.arg(param.mutable)).collect();
    let types: Vec<hotloop::ArgType> = args.iter().map(arg_type).collect();
    let prepared = kernel.prepare_with(&types, call)?;
    prepared.wait_best();
    let stats = Stats::measure(|| {
        if cancel.is_cancelled() {
            return Err(Failure::Interrupted);
        }
        Ok(prepared.call_with(&args, call).map(drop)?)
    })?;
    let shapes: Vec<(String, Vec<usize>)> =
        infos.iter().zip(&args).map(|(param, arg)| (param.name.clone(), arg.shape().to_vec())).collect();
    let work = kernel.why(&types).ok().and_then(|why| Work::of(&why, &shapes));
    Ok(Row { kernel: kernel.info().name.clone(), size, stats, work })
}

fn json(rows: &[Row], limits: Limits, engine: &Engine, command: &args::Bench) -> Json {
    let row = |row: &Row| {
        let mut json = measured::json(&row.stats, row.work, limits);
        json["kernel"] = row.kernel.clone().into();
        json["size"] = row.size.into();
        json
    };
    json!({
        "target": target_name(engine, command),
        "threads": engine.threads(),
        "results": rows.iter().map(row).collect::<Vec<Json>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_whole() {
        assert_eq!((size("1000"), size(" 1e6"), size("0")), (Ok(1000), Ok(1_000_000), Ok(0)));
        for text in ["1.5", "-1", "x", "1e11", "nan", "inf"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
