//! Running one case once: its arguments into a call, and whatever comes back as an `Outcome`.
//!
//! Knows the engine's interface; knows nothing of expectations.

use crate::case::{Case, Input, Section, is_code};
use crate::data::{Data, Memory};
use hotloop::{
    Arg, ArgType, Call, Diagnostic, Engine, Error, Fault, Outputs, Position, RunError, Source, Span, Stage, arg_type,
};

/// What a call came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Results, and what the arguments that were passed to be written hold now.
    Done(Vec<Data>, Vec<(String, Data)>),
    /// A run-time fault.
    Fault(Stop),
    /// The text was refused.
    Refused(Vec<Problem>),
    /// Anything else, in words.
    Other(String),
}

/// A run-time fault, as far as the suite looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// The message.
    pub message: String,
    /// Line and column.
    pub at: (usize, usize),
    /// The point it happened at.
    pub point: Vec<i64>,
}

/// A diagnostic with its places as people count them.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The code.
    pub code: String,
    /// Where it begins and ends; none if it has no place.
    pub span: Option<[(usize, usize); 2]>,
    /// The message.
    pub message: String,
    /// The hints.
    pub hints: Vec<String>,
}

/// Runs a case with inputs of the given names.
pub fn run(engine: &Engine, file: &str, section: &Section, case: &Case, inputs: &[Input], call: &Call<'_>) -> Outcome {
    let done = match &case.expr {
        Some(text) => expression(engine, text, inputs, call),
        None => kernel(engine, file, section, case, inputs, call),
    };
    match done {
        Ok((outs, afters)) => Outcome::Done(outs.iter().map(Data::of_value).collect(), afters),
        Err(Trouble::Engine(error)) => outcome_of(*error),
        Err(Trouble::Case(message)) => Outcome::Other(message),
    }
}

/// A stage of what a case runs; nothing is run. None where the case is wrong on purpose and so has no such stage.
///
/// # Errors
/// If that stage cannot be made of a program that is right: a mistake of the engine.
pub fn emit(
    engine: &Engine,
    file: &str,
    section: &Section,
    case: &Case,
    inputs: &[Input],
    stage: Stage,
) -> Result<Option<String>, String> {
    let emitted = || -> Result<String, Trouble> {
        let module = match &case.expr {
            Some(text) => engine.load_expression(text)?,
            None => engine.load_source(Source::new(file, section.text.as_str()))?,
        };
        let name = match (&case.expr, &case.kernel) {
            (None, Some(name)) => name.clone(),
            (None, None) => only_kernel(section, &module)?,
            (Some(_), _) => module.kernels().next().map(|info| info.name.clone()).unwrap_or_default(),
        };
        let kernel = module.kernel(&name)?;
        let find = |name: &str| find(inputs, name).ok_or(Trouble::Case(format!("the case has no input `{name}`")));
        let params = kernel.info().params.iter();
        let used = params.map(|param| find(&param.name)).collect::<Result<Vec<&Input>, Trouble>>()?;
        let mut memories = memories(&used);
        let types: Vec<ArgType> = args(&used, &mut memories)?.iter().map(arg_type).collect();
        Ok(kernel.emit(&types, stage)?)
    };
    match emitted() {
        Ok(text) => Ok(Some(text)),
        Err(Trouble::Engine(error)) if matches!(*error, Error::Bug(_)) => Err(error.to_string()),
        Err(Trouble::Engine(_) | Trouble::Case(_)) => Ok(None),
    }
}

/// Loads a text that no case calls.
pub fn load(engine: &Engine, file: &str, section: &Section) -> Outcome {
    match engine.load_source(Source::new(file, section.text.as_str())) {
        Ok(_) => Outcome::Done(Vec::new(), Vec::new()),
        Err(error) => outcome_of(error),
    }
}

enum Trouble {
    Engine(Box<Error>),
    Case(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Engine(Box::new(error))
    }
}

type Done = (Outputs, Vec<(String, Data)>);

fn expression(engine: &Engine, text: &str, inputs: &[Input], call: &Call<'_>) -> Result<Done, Trouble> {
    let names = engine.free_names(text)?;
    // Names without an input are left to the engine to complain about.
    let used: Vec<&Input> = names.iter().filter_map(|name| find(inputs, name)).collect();
    let mut memories = memories(&used);
    let args = args(&used, &mut memories)?;
    let named: Vec<(&str, Arg<'_>)> = used.iter().map(|input| input.name.as_str()).zip(args).collect();
    Ok((engine.eval_all(text, &named, call)?, Vec::new()))
}

fn kernel(
    engine: &Engine,
    file: &str,
    section: &Section,
    case: &Case,
    inputs: &[Input],
    call: &Call<'_>,
) -> Result<Done, Trouble> {
    let module = engine.load_source(Source::new(file, section.text.as_str()))?;
    let name = match &case.kernel {
        Some(name) => name.clone(),
        None => only_kernel(section, &module)?,
    };
    let kernel = module.kernel(&name)?;
    let params = &kernel.info().params;
    let find = |name: &str| find(inputs, name).ok_or(Trouble::Case(format!("the case has no input `{name}`")));
    let used = params.iter().map(|param| find(&param.name)).collect::<Result<Vec<&Input>, Trouble>>()?;
    let mut memories = memories(&used);
    let args = args(&used, &mut memories)?;
    let outs = kernel.call_with(&args, call)?;
    drop(args);
    let written = used.iter().zip(&memories).filter(|(input, _)| input.mutable);
    let afters = written.map(|(input, memory)| (input.name.clone(), memory.data(&input.data.shape)));
    Ok((outs, afters.collect()))
}

fn only_kernel(section: &Section, module: &hotloop::Module) -> Result<String, Trouble> {
    let mut kernels = module.kernels();
    match (kernels.next(), kernels.next()) {
        (Some(info), None) => Ok(info.name.clone()),
        (Some(_), Some(_)) => Err(Trouble::Case("the case must say which `kernel` it calls".to_owned())),
        (None, _) if section.text.lines().any(is_code) => Err(Trouble::Case("there is no kernel".to_owned())),
        (None, _) => Err(Trouble::Case("the case has neither an expression nor a kernel".to_owned())),
    }
}

/// The input of a name; one of the case stands before those given for the section.
fn find<'i>(inputs: &'i [Input], name: &str) -> Option<&'i Input> {
    inputs.iter().rev().find(|input| input.name == name)
}

fn memories(used: &[&Input]) -> Vec<Memory> {
    used.iter().map(|input| input.data.memory()).collect()
}

fn args<'m>(used: &[&Input], memories: &'m mut [Memory]) -> Result<Vec<Arg<'m>>, Trouble> {
    let arg = |(input, memory): (&&Input, &'m mut Memory)| {
        let Input { mutable, weak, data, window, .. } = input;
        if data.shape.is_empty() {
            return Ok(if *weak { Arg::Weak(data.get(0)) } else { Arg::Scalar(data.get(0)) });
        }
        let arg = match mutable {
            true => memory.arg_mut(&data.shape, window.as_ref()),
            false => memory.arg(&data.shape, window.as_ref()),
        };
        arg.map_err(Trouble::Case)
    };
    used.iter().zip(memories).map(arg).collect()
}

fn outcome_of(error: Error) -> Outcome {
    match error {
        Error::Source(error) => {
            Outcome::Refused(error.diagnostics.iter().map(|diag| problem(diag, &error.source)).collect())
        }
        Error::Run(RunError::Fault(fault)) => Outcome::Fault(stop(&fault)),
        Error::Run(RunError::Argument(_) | RunError::Memory { .. } | RunError::Thread(_))
        | Error::Run(RunError::Device(_) | RunError::Cancelled)
        | Error::Io { .. }
        | Error::Unsupported(_)
        | Error::Bug(_) => Outcome::Other(error.to_string()),
    }
}

fn stop(fault: &Fault) -> Stop {
    let Position { line, column } = fault.position;
    Stop { message: fault.message.clone(), at: (line, column), point: fault.point.clone() }
}

/// A diagnostic with lines and columns.
pub fn problem(diag: &Diagnostic, source: &Source) -> Problem {
    let place = |offset| {
        let Position { line, column } = source.position(offset);
        (line, column)
    };
    let Span { start, end, .. } = diag.span;
    let span = (!diag.span.is_detached()).then(|| [place(start), place(end)]);
    let hints = diag.hints.clone();
    Problem { code: diag.code.to_owned(), span, message: diag.message.clone(), hints }
}
