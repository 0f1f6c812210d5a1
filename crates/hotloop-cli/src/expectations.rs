//! `hotloop test`: the cases written in the comments of files, on every target.

use crate::args::Test;
use crate::check::{plural, say};
use crate::report::{self, Failure};
use hotloop::{Call, Engine, Fastmath, Options, TargetChoice, ZeroDivision};
use hotloop_cases::case::{self, Case, Input, Section};
use hotloop_cases::check::{alike, expectations};
use hotloop_cases::run::{self, Outcome};
use std::path::Path;

pub const HELP: &str = "\
Cases are comments behind the kernels:

  kernel scaled(x, factor) = x * factor
  #> case floats keep their type
  #> in x: f32 = [1, 2.5]
  #> in factor = 2
  #> out: f32 = [2, 5]
  #> case one expression
  #> expr a // b
  #> in a: i64 = 7
  #> in b: i64 = 0
  #> fault \"division of 7 by zero\"

Each runs on every CPU target and must give what stands there, bit for bit unless `ulp N reason` or `within X reason`
allows more. tests/README.md has all of the form.";

/// The lengths `extend` asks for.
const LENGTHS: [usize; 8] = [0, 1, 2, 5, 16, 17, 33, 1000];

/// `hotloop test`.
pub fn run(command: &Test) -> Result<(), Failure> {
    let targets: Vec<TargetChoice> = match command.target {
        Some(target) => vec![target],
        None => TargetChoice::ALL.iter().copied().filter(|target| !matches!(target.name(), "auto" | "gpu")).collect(),
    };
    let (mut passed, mut failed) = (0, 0);
    for path in &command.files {
        let wrong = |message: String| Failure::Data(format!("cannot read `{}`: {message}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(report::io_text(error)))?;
        let sections =
            case::read(&text).map_err(|message| Failure::Data(format!("`{}`, {message}", path.display())))?;
        for section in &sections {
            for case in &section.cases {
                let name = name(path, section, case);
                if command.filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
                    continue;
                }
                let wrong = targets.iter().find_map(|target| {
                    let message = on_target(path, section, case, *target, command.fastmath).err()?;
                    Some(format!("{name} on {target}: {message}"))
                });
                passed += usize::from(wrong.is_none());
                failed += usize::from(wrong.is_some());
                if let Some(message) = wrong {
                    report::note(&format!("FAILED {message}"));
                }
            }
        }
    }
    let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
    say(&format!("{passed} {} passed, {failed} failed, on {}", plural(passed, "case"), names.join(", ")))?;
    if failed > 0 { Err(Failure::Told(1)) } else { Ok(()) }
}

fn name(path: &Path, section: &Section, case: &Case) -> String {
    let section = if section.name.is_empty() { String::new() } else { format!("/{}", section.name) };
    format!("{}:{}{section} {}", path.display(), case.line, case.name)
}

/// Runs one case on one target.
fn on_target(
    path: &Path,
    section: &Section,
    case: &Case,
    target: TargetChoice,
    fastmath: Fastmath,
) -> Result<(), String> {
    let inputs: Vec<Input> = section.given.iter().chain(&case.inputs).cloned().collect();
    let engine = |target: TargetChoice| {
        let mut options = Options { fastmath, ..Options::default() };
        if case.quiet_zero {
            options.zero_division = ZeroDivision::Zero;
        }
        Engine::builder().target(target).threads(3).options(options).build()
    };
    let file = path.display().to_string();
    let run =
        |engine: &Engine, case: &Case, inputs: &[Input]| run::run(engine, &file, section, case, inputs, &Call::new());
    let tried = engine(target);
    let outcome = run(&tried, case, &inputs);
    expectations(section, case, &outcome)?;
    if matches!(outcome, Outcome::Refused(_)) {
        return Ok(());
    }
    for text in &case.same {
        let other = Case { expr: Some(text.clone()), ..Case::default() };
        alike(&run(&tried, &other, &inputs), &outcome)
            .map_err(|message| format!("differs from `{text}`: {message}"))?;
    }
    if case.extend && target != TargetChoice::Interp {
        let reference = engine(TargetChoice::Interp);
        for length in LENGTHS {
            let stretched: Vec<Input> = inputs.iter().map(|input| stretched(input, length)).collect();
            alike(&run(&reference, case, &stretched), &run(&tried, case, &stretched))
                .map_err(|message| format!("with length {length}: {message}"))?;
        }
    }
    Ok(())
}

fn stretched(input: &Input, length: usize) -> Input {
    if input.data.shape.is_empty() || input.window.is_some() {
        return input.clone();
    }
    Input { data: input.data.stretched(length), ..input.clone() }
}
