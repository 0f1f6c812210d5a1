//! `hotloop why`: what became of the kernels of a file, as text or JSON.

use crate::args;
use crate::bench::kernels;
use crate::check::say;
use crate::explain::{Explained, origin_text};
use crate::machine;
use crate::report::Failure;
use crate::value::given;
use hotloop::{ArgType, Call, Kernel, Type, arg_type, array_of};
use serde_json::Value as Json;

/// `hotloop why`.
pub fn run(mut command: args::Why) -> Result<(), Failure> {
    crate::value::name_or_value(&mut command.kernel, &mut command.values)?;
    let mut builder = crate::run::builder(command.fastmath);
    if let Some(disk) = crate::cache::disk(false) {
        builder = builder.disk_cache(disk);
    }
    if let Some(threads) = command.threads {
        builder = builder.threads(threads.into());
    }
    let engine = builder.build();
    let module = engine.load_file(&command.file)?;
    let call = Call { target: command.target, ..Call::new() };
    let limits = machine::measure(&engine, &Call::new(), engine.threads())?;
    let mut all = Vec::new();
    for (at, kernel) in kernels(&module, command.kernel.as_deref())?.iter().enumerate() {
        let types = types(kernel, &command)?;
        let prepared = kernel.prepare_with(&types, &call)?;
        let explained = Explained {
            kernel,
            name: Some(&kernel.info().name),
            why: kernel.why(&types)?,
            types,
            cache: origin_text(prepared.origin()),
            limits,
            threads: engine.threads(),
            target: command.target.unwrap_or(kernel.target()).to_string(),
            code_bytes: prepared.code_bytes(),
        };
        if command.json {
            all.push(explained.json());
        } else {
            say(&format!("{}{}", if at > 0 { "\n" } else { "" }, explained.text()))?;
        }
    }
    if command.json {
        let text = serde_json::to_string_pretty(&Json::Array(all));
        say(&text.map_err(|error| Failure::Data(error.to_string()))?)?;
    }
    Ok(())
}

/// The types of a kernel's parameters: those of given values, those they are declared with, or `f64[:]`.
fn types(kernel: &Kernel, command: &args::Why) -> Result<Vec<ArgType>, Failure> {
    let given = given(kernel.info(), &command.values)?;
    let ty = |(param, given): (&hotloop::ParamInfo, Option<crate::value::Loaded>)| match (given, param.annotation) {
        (Some(value), _) => Ok(arg_type(&value.view())),
        (None, Some(ty)) => array_of(ty.ty, ty.rank as usize).map_err(|error| hotloop::Error::from(error).into()),
        (None, None) => array_of(Type::F64, 1).map_err(|error| hotloop::Error::from(error).into()),
    };
    kernel.info().params.iter().zip(given).map(ty).collect()
}
