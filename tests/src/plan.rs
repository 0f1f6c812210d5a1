//! From cases to trials: which targets, thread counts, lengths and states of the cache a case is tried with.
//!
//! The normal run takes a covering subset; `HOTLOOP_SLOW=1` takes everything.

use crate::case::{self, Announced, Case, ExpectedFault, Input, Section};
use crate::compare;
use crate::data::Data;
use crate::report;
use crate::run::{self, Outcome, Problem, Stop};
use hotloop::{Call, Engine, Options, TargetChoice, ZeroDivision};
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A target with a number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// The last part of the names of its trials.
    pub name: &'static str,
    /// The target.
    pub target: TargetChoice,
    /// The threads.
    pub threads: usize,
    /// Whether the normal run tries every case with it; the others share the cases between them.
    pub always: bool,
}

/// Everything a case runs on.
pub const CONFIGS: &[Config] = &[
    Config { name: "interp", target: TargetChoice::Interp, threads: 1, always: true },
    Config { name: "scalar", target: TargetChoice::Scalar, threads: 1, always: true },
    Config { name: "simd", target: TargetChoice::Simd, threads: 1, always: true },
    Config { name: "parallel-2", target: TargetChoice::Parallel, threads: 2, always: false },
    Config { name: "parallel-5", target: TargetChoice::Parallel, threads: 5, always: false },
    Config { name: "auto", target: TargetChoice::Auto, threads: 2, always: false },
];

/// Lengths around those of vectors and blocks.
const LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 1000, 5000];

/// Whether everything is wanted.
pub fn is_slow() -> bool {
    std::env::var_os("HOTLOOP_SLOW").is_some_and(|value| value != "0")
}

/// Every file below `suite/`, and the examples, with its name without the ending.
pub fn files() -> Vec<(String, PathBuf)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.join("suite");
    let mut files = Vec::new();
    for path in report::entries(&tests.with_file_name("examples")) {
        if path.extension().is_some_and(|ending| ending == "hl") {
            files.push((format!("examples/{}", path.file_stem().unwrap_or_default().display()), path));
        }
    }
    for group in report::entries(&root) {
        for path in report::entries(&group) {
            let name = path.with_extension("");
            let name = name.strip_prefix(&root).unwrap_or(&name).display().to_string();
            files.push((name.replace('\\', "/"), path));
        }
    }
    files
}

/// The trials of all case files.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, path) in files() {
        match std::fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| case::read(&text)) {
            Ok(sections) => sections.into_iter().for_each(|section| section_trials(&name, section, &mut trials)),
            Err(message) => trials.push(Trial::test(name, move || Err(Failed::from(message)))),
        }
    }
    trials
}

fn section_trials(file: &str, section: Section, trials: &mut Vec<Trial>) {
    let section = Arc::new(section);
    let prefix = if section.name.is_empty() { file.to_owned() } else { format!("{file}/{}", section.name) };
    let folder = if file.starts_with("examples/") { ".." } else { "suite" };
    let path = format!("{folder}/{file}.hl");
    if section.cases.is_empty() {
        trials.push(Trial::test(prefix, move || Ok(loads(&path, &section)?)));
        return;
    }
    for (index, case) in section.cases.iter().enumerate() {
        let subject =
            Arc::new(Subject { path: path.clone(), section: section.clone(), index, oracle: OnceLock::new() });
        let skip = trials.len();
        let mut rest = 0;
        for config in CONFIGS {
            // The targets that share the cases take turns.
            let turn = config.always || (skip + rest).is_multiple_of(3);
            rest += usize::from(!config.always);
            let fits = !case.large || config.target != TargetChoice::Interp && config.target != TargetChoice::Scalar;
            // Diagnostics do not depend on the target.
            let refused = !case.announced.is_empty() || !section.announced.is_empty();
            let wanted = if refused { config.name == "interp" } else { is_slow() || (turn && fits) };
            if wanted {
                let subject = subject.clone();
                let name = format!("{prefix}/{}/{}", case.name, config.name);
                trials.push(Trial::test(name, move || subject.check(*config).map_err(|m| subject.failed(&m))));
            }
        }
    }
}

/// Every case of a section on the fastest single thread, against its expectations and the interpreter.
pub fn check_all(section: Section) -> Result<(), String> {
    let section = Arc::new(section);
    for index in 0..section.cases.len() {
        let subject = Subject { path: "snippet".to_owned(), section: section.clone(), index, oracle: OnceLock::new() };
        subject.check(CONFIGS[2])?;
    }
    Ok(())
}

fn loads(path: &str, section: &Section) -> Result<(), String> {
    match run::load(&Engine::new(), path, section) {
        Outcome::Refused(problems) => refused(&section.announced, &problems, None),
        Outcome::Done(..) => refused(&section.announced, &[], None),
        Outcome::Fault(_) | Outcome::Other(_) => Err("loading it came to something else".to_owned()),
    }
}

/// One case, and what the interpreter made of it.
struct Subject {
    path: String,
    section: Arc<Section>,
    index: usize,
    oracle: OnceLock<Outcome>,
}

impl Subject {
    fn case(&self) -> &Case {
        &self.section.cases[self.index]
    }

    fn inputs(&self) -> Vec<Input> {
        self.section.given.iter().chain(&self.case().inputs).cloned().collect()
    }

    fn engine(&self, config: Config) -> Engine {
        let mut options = Options::default();
        if self.case().quiet_zero {
            options.zero_division = ZeroDivision::Zero;
        }
        Engine::builder().threads(config.threads).target(config.target).options(options).build()
    }

    fn run(&self, engine: &Engine, inputs: &[Input]) -> Outcome {
        run::run(engine, &self.path, &self.section, self.case(), inputs, &Call::default())
    }

    fn failed(&self, message: &str) -> Failed {
        Failed::from(report::failure(message, &self.path, &self.section, self.case(), &self.inputs()))
    }

    fn check(&self, config: Config) -> Result<(), String> {
        let (case, inputs) = (self.case(), self.inputs());
        let engine = self.engine(config);
        let cold = self.run(&engine, &inputs);
        self.expectations(&cold)?;
        if matches!(cold, Outcome::Refused(_)) {
            return Ok(());
        }
        let before = engine.stats().cache;
        let again = self.run(&engine, &inputs);
        let after = engine.stats().cache;
        alike(&cold, &again).map_err(|message| format!("the second call differs from the first: {message}"))?;
        if after.hits == before.hits || after.misses != before.misses {
            return Err("the second call did not find the kernel of the first".to_owned());
        }
        for text in &case.same {
            let other = Case { expr: Some(text.clone()), ..Case::default() };
            let other = run::run(&engine, &self.path, &self.section, &other, &inputs, &Call::default());
            alike(&other, &cold).map_err(|message| format!("differs from `{text}`: {message}"))?;
        }
        if config.target != TargetChoice::Interp && !case.large {
            let oracle = self.oracle.get_or_init(|| self.run(&self.engine(CONFIGS[0]), &inputs));
            alike(oracle, &cold).map_err(|message| format!("differs from the interpreter: {message}"))?;
        }
        if case.extend { self.lengths(&engine, config, &inputs) } else { Ok(()) }
    }

    /// The same with the inputs repeated to other lengths.
    fn lengths(&self, engine: &Engine, config: Config, inputs: &[Input]) -> Result<(), String> {
        if config.target == TargetChoice::Interp {
            return Ok(());
        }
        let reference = self.engine(CONFIGS[0]);
        let most = if is_slow() { usize::MAX } else { 1000 };
        for len in LENGTHS.iter().copied().filter(|len| *len <= most) {
            let stretched: Vec<Input> = inputs.iter().map(|input| stretch(input, len)).collect();
            let (want, have) = (self.run(&reference, &stretched), self.run(engine, &stretched));
            alike(&want, &have).map_err(|message| format!("with length {len}: {message}"))?;
        }
        Ok(())
    }

    fn expectations(&self, outcome: &Outcome) -> Result<(), String> {
        let case = self.case();
        let announced: Vec<Announced> = self.section.announced.iter().chain(&case.announced).cloned().collect();
        match (outcome, &case.fault) {
            (Outcome::Refused(problems), _) => refused(&announced, problems, case.expr.as_ref().map(|_| 1)),
            (Outcome::Other(message), _) => Err(message.clone()),
            (_, _) if !announced.is_empty() => Err(format!("the announced {} did not come", announced[0].code)),
            (Outcome::Fault(stop), Some(fault)) => faulted(fault, stop),
            (Outcome::Fault(stop), None) => Err(format!("it faulted: {} at {:?}", stop.message, stop.at)),
            (Outcome::Done(..), Some(fault)) => Err(format!("it did not fault: {}", fault.message)),
            (Outcome::Done(outs, afters), None) => results(case, outs, afters),
        }
    }
}

fn stretch(input: &Input, len: usize) -> Input {
    if input.data.shape.is_empty() || input.window.is_some() {
        return input.clone();
    }
    Input { data: input.data.stretched(len), ..input.clone() }
}

fn results(case: &Case, outs: &[Data], afters: &[(String, Data)]) -> Result<(), String> {
    if !case.outs.is_empty() && case.outs.len() != outs.len() {
        return Err(format!("it gave {} results, expected {}", outs.len(), case.outs.len()));
    }
    for (index, (expected, found)) in case.outs.iter().zip(outs).enumerate() {
        let what = if outs.len() == 1 { "the result".to_owned() } else { format!("result {index}") };
        compare::expect(&what, expected, found)?;
    }
    for (name, expected) in &case.afters {
        let Some((_, found)) = afters.iter().find(|(other, _)| other == name) else {
            return Err(format!("there is no written argument `{name}`"));
        };
        compare::expect(&format!("`{name}`"), expected, found)?;
    }
    Ok(())
}

fn faulted(expected: &ExpectedFault, stop: &Stop) -> Result<(), String> {
    let at = expected.at.unwrap_or(stop.at);
    let point = expected.point.as_ref().unwrap_or(&stop.point);
    if stop.message.contains(&expected.message) && at == stop.at && *point == stop.point {
        return Ok(());
    }
    Err(format!("the fault is {stop:?}, expected {expected:?}"))
}

/// Whether exactly the announced diagnostics came.
fn refused(announced: &[Announced], problems: &[Problem], line: Option<usize>) -> Result<(), String> {
    let mut left: Vec<&Problem> = problems.iter().collect();
    for expected in announced {
        match left.iter().position(|problem| fits(expected, problem, line)) {
            Some(at) => drop(left.remove(at)),
            None => return Err(format!("{expected:?} did not come; these did: {problems:#?}")),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(format!("not announced: {left:#?}")) }
}

fn fits(expected: &Announced, problem: &Problem, line: Option<usize>) -> bool {
    let hinted = |hint: &String| problem.hints.iter().any(|other| other.contains(hint.as_str()));
    let words = problem.message.contains(&expected.message) && expected.hint.as_ref().is_none_or(hinted);
    let placed = match (expected.line, problem.span) {
        (None, None) => true,
        (Some(at), Some([start, end])) => {
            let (first, last) = expected.columns;
            let past = last.map_or(first, |last| last + 1);
            let at = line.unwrap_or(at);
            start == (at, first) && (expected.open || end == (at, past))
        }
        (None, Some(_)) | (Some(_), None) => false,
    };
    expected.code == problem.code && words && placed
}

/// Whether two outcomes are the same.
pub fn alike(want: &Outcome, have: &Outcome) -> Result<(), String> {
    match (want, have) {
        (Outcome::Done(outs, afters), Outcome::Done(others, other_afters)) => {
            if outs.len() != others.len() {
                return Err(format!("{} results and {}", outs.len(), others.len()));
            }
            for (index, (want, have)) in outs.iter().zip(others).enumerate() {
                compare::same(&format!("result {index}"), want, have)?;
            }
            let pairs = afters.iter().zip(other_afters);
            pairs.into_iter().try_for_each(|((name, want), (_, have))| compare::same(&format!("`{name}`"), want, have))
        }
        (Outcome::Fault(want), Outcome::Fault(have)) if want == have => Ok(()),
        (Outcome::Other(want), Outcome::Other(have)) if want == have => Ok(()),
        (Outcome::Refused(want), Outcome::Refused(have)) if want == have => Ok(()),
        (want, have) => Err(format!("{} and {}", brief(want), brief(have))),
    }
}

fn brief(outcome: &Outcome) -> String {
    let text = format!("{outcome:?}");
    text.chars().take(300).collect()
}

/// The codes that cases announce.
pub fn announced_codes() -> Result<Vec<String>, String> {
    let mut codes = Vec::new();
    for (name, path) in files() {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        for section in case::read(&text).map_err(|error| format!("{name}: {error}"))? {
            codes.extend(section.announced.iter().map(|announced| announced.code.clone()));
            let cases = section.cases.iter().flat_map(|case| &case.announced);
            codes.extend(cases.map(|announced| announced.code.clone()));
        }
    }
    Ok(codes)
}
