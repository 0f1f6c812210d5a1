//! Commands that look at a value instead of showing it: its type, its code, its times, its picture.

use super::bound::{Bound, Place};
use super::session::Session;
use crate::explain::{Explained, cache_text};
use crate::machine::{self, Limits};
use crate::measured::{self, Work};
use crate::plot;
use crate::print::type_names;
use crate::report::Failure;
use crate::stats::Stats;
use hotloop::text::{self, EntryKind};
use hotloop::{Array, Source, Stage, Timing, Value};

type Show<'s> = &'s mut dyn FnMut(&str);

/// `:type`
pub fn ty(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    if let Some(kernel) = session.kernel(rest) {
        show(&crate::print::signature_text(kernel.info()));
        return Ok(());
    }
    let bound = session.subject(rest)?;
    let types = bound.kernel.validate(&session.types(&bound))?;
    show(&type_names(&types));
    Ok(())
}

/// `:ir`, `:passes`, `:clif`, `:asm`
pub fn stage(session: &mut Session, rest: &str, stage: Stage, show: Show<'_>) -> Result<(), Failure> {
    let bound = session.subject(rest)?;
    let timing = Timing::new();
    let text = bound.kernel.emit_with(&session.types(&bound), stage, &session.choices(&timing))?;
    show(text.trim_end());
    Ok(())
}

/// `:time VALUE`
pub fn time(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let bound = session.subject(rest)?;
    let timing = Timing::new();
    call(session, bound, &timing)?;
    let (compile, run) = (crate::run::duration(timing.compile()), crate::run::duration(timing.run()));
    show(&format!("compile {compile}, run {run}"));
    Ok(())
}

/// The results of a value. What it writes into is a copy, so that looking changes nothing.
fn call(session: &Session, mut bound: Bound, timing: &Timing) -> Result<hotloop::Outputs, Failure> {
    let mut args = owned(session, &mut bound)?;
    let args = args.iter_mut().zip(&bound.kernel.info().params).map(|(value, param)| value.arg(param.mutable));
    Ok(bound.kernel.call_with(&args.collect::<Vec<_>>(), &session.choices(timing))?)
}

/// Copies of the arguments.
fn owned(session: &Session, bound: &mut Bound) -> Result<Vec<crate::value::Loaded>, Failure> {
    bound
        .params
        .iter()
        .map(|place| match place.value(&session.vars) {
            Some(value) => value.to_owned_value(),
            None => Err(Failure::Data("an argument is missing".to_owned())),
        })
        .collect()
}

/// `:bench`
pub fn bench(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let mut bound = session.subject(rest)?;
    let limits = limits(session)?;
    let types = session.types(&bound);
    let mut values = owned(session, &mut bound)?;
    let timing = Timing::new();
    let choices = session.choices(&timing);
    let prepared = bound.kernel.prepare_with(&types, &choices)?;
    prepared.wait_best();
    let infos = &bound.kernel.info().params;
    let args: Vec<hotloop::Arg<'_>> =
        values.iter_mut().zip(infos).map(|(value, param)| value.arg(param.mutable)).collect();
    let stats = Stats::measure(|| Ok(prepared.call_with(&args, &choices).map(drop)?))?;
    let shapes: Vec<(String, Vec<usize>)> =
        infos.iter().zip(&args).map(|(param, arg)| (param.name.clone(), arg.shape().to_vec())).collect();
    let work = bound.kernel.why(&types).ok().and_then(|why| Work::of(&why, &shapes));
    show(&measured::text(&stats, work, limits));
    Ok(())
}

/// `:why`
pub fn why(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let bound = session.subject(rest)?;
    let limits = limits(session)?;
    let types = session.types(&bound);
    let timing = Timing::new();
    let before = session.engine.stats().cache;
    let prepared = bound.kernel.prepare_with(&types, &session.choices(&timing))?;
    let cache = cache_text(before, session.engine.stats().cache, prepared.origin());
    let name = bound.kernel.info().name.clone();
    let explained = Explained {
        kernel: &bound.kernel,
        name: (!name.starts_with('_')).then_some(&name),
        why: bound.kernel.why(&types)?,
        types,
        cache,
        limits,
        threads: session.threads.unwrap_or(session.engine.threads()),
        target: session.target.unwrap_or(bound.kernel.target()).to_string(),
        code_bytes: prepared.code_bytes(),
    };
    show(&explained.text());
    Ok(())
}

/// What this machine can do with the session's threads, measured once.
fn limits(session: &mut Session) -> Result<Limits, Failure> {
    let threads = session.threads.unwrap_or(session.engine.threads());
    if let Some(limits) = session.limits.get(&threads) {
        return Ok(*limits);
    }
    let timing = Timing::new();
    let choices = hotloop::Call { target: None, ..session.choices(&timing) };
    let limits = machine::measure(&session.engine, &choices, threads)?;
    session.limits.insert(threads, limits);
    Ok(limits)
}

/// `:plot Y`, `:plot X Y`, `:plot … FILE.png`
pub fn plot(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let (values, file) = match rest.rsplit_once(char::is_whitespace) {
        Some((values, file)) if file.ends_with(".png") => (values.trim(), Some(file)),
        Some(_) | None => (rest, None),
    };
    let arrays: Vec<Array> = match two_values(session, values) {
        Some((x, y)) => vec![array(session, x)?, array(session, y)?],
        None => vec![array(session, values)?],
    };
    let plot = match &arrays[..] {
        [x, y] => plot::Plot::of_points(x, y),
        [y, ..] => plot::Plot::of(y),
        [] => Err("there is nothing to draw".to_owned()),
    };
    let plot = plot.map_err(Failure::Data)?;
    match file {
        Some(file) => {
            plot::write_picture(&plot, file).map_err(Failure::Data)?;
            show(&format!("{file}: {} × {} pixels", plot::PICTURE_WIDTH, plot::PICTURE_HEIGHT));
        }
        None => show(&plot.text(plot::terminal())),
    }
    Ok(())
}

/// The two expressions of `X Y`; none if the text is one expression, such as `x -y`, or is no two either.
fn two_values<'t>(session: &Session, values: &'t str) -> Option<(&'t str, &'t str)> {
    let is_one = |part: &str| {
        let source = Source::new("<input>", session.replaced(part).0);
        matches!(&text::entries(&source), Ok(entries) if matches!(&entries[..], [entry] if matches!(&entry.kind, EntryKind::Value { names, .. } if names.is_empty())))
    };
    let spaces = values.char_indices().filter(|(_, c)| c.is_whitespace());
    let mut halves = spaces.map(|(at, _)| (values[..at].trim(), values[at..].trim()));
    if is_one(values) { None } else { halves.find(|(x, y)| is_one(x) && is_one(y)) }
}

/// A value that is to be drawn.
fn array(session: &mut Session, text: &str) -> Result<Array, Failure> {
    let bound = session.subject(text)?;
    if let [Place::Var(name)] = &bound.params[..]
        && name == text
        && let Some(crate::value::Loaded::Value(Value::Array(array))) = session.vars.get(name)
    {
        return Ok(array.clone());
    }
    let value = call(session, bound, &Timing::new())?.one().map_err(hotloop::Error::from)?;
    value.into_array().map_err(|_| Failure::Data(format!("`{text}` is a scalar; only arrays can be drawn")))
}
