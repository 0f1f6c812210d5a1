//! Whether every target gives the same: kernels run with many inputs on all of them, beside the interpreter.
//!
//! A difference is made small before it is shown: shorter arrays, simpler numbers, as long as it stays.

use crate::args::Check;
use crate::check::{plural, say};
use crate::made;
use crate::report::{self, Failure};
use hotloop::{Call, CancelToken, Engine, Fastmath, KernelInfo, Module, TargetChoice};
use hotloop_cases::case::{Case, Input, Section};
use hotloop_cases::check::alike;
use hotloop_cases::compare::distance;
use hotloop_cases::data::{Data, Random};
use hotloop_cases::run::{self, Outcome};
use std::fmt::Write;
use std::sync::mpsc;
use std::time::Duration;

/// Lengths around those of vectors and blocks.
const LENGTHS: [usize; 10] = [0, 1, 2, 3, 5, 8, 17, 64, 257, 1500];
/// A run that takes longer is left out: the interpreter is slow, and a made-up number may ask for endless turns.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often a failing input is tried to be made smaller.
const SHRINKS: usize = 300;

/// Compares all targets on every kernel of a module whose parameters have types.
pub fn run(module: &Module, command: &Check) -> Result<(), Failure> {
    let section = Section { text: module.source().text().to_owned(), ..Section::default() };
    let rig = Rig { file: module.source().name().to_owned(), section, engines: engines(command.fastmath) };
    let mut failed = false;
    for info in module.kernels() {
        if info.params.iter().any(|param| param.annotation.is_none()) {
            say(&format!("{}: left out, because not all of its parameters have types", info.name))?;
            continue;
        }
        failed |= !rig.kernel(info, command.rounds, command.seed)?;
    }
    if failed { Err(Failure::Told(1)) } else { Ok(()) }
}

/// An engine for each CPU target; the first is the reference.
fn engines(fastmath: Fastmath) -> Vec<(TargetChoice, Engine)> {
    let is_compared = |target: &&TargetChoice| !matches!(target.name(), "auto" | "gpu");
    let engine = |target: &TargetChoice| (*target, crate::run::builder(fastmath).target(*target).threads(3).build());
    let mut engines: Vec<(TargetChoice, Engine)> = TargetChoice::ALL.iter().filter(is_compared).map(engine).collect();
    engines.sort_by_key(|(target, _)| *target != TargetChoice::Interp);
    engines
}

struct Rig {
    file: String,
    section: Section,
    engines: Vec<(TargetChoice, Engine)>,
}

/// How a comparison ended.
enum Compared {
    /// All the same but for so many units in the last place.
    Same(u64),
    /// It took too long.
    Slow,
    /// A target differs.
    Differs(TargetChoice, String),
}

impl Rig {
    /// Compares one kernel; false if there is a difference, which has been shown.
    fn kernel(&self, info: &KernelInfo, rounds: u32, seed: u64) -> Result<bool, Failure> {
        let mut random = Random::new(seed);
        let (mut tried, mut slow, mut worst) = (0, 0, 0);
        for _ in 0..rounds.max(1) {
            for length in LENGTHS {
                let inputs = inputs(info, length, &mut random);
                match self.compare(info, &inputs) {
                    Compared::Same(ulps) => worst = worst.max(ulps),
                    Compared::Slow => slow += 1,
                    Compared::Differs(target, message) => {
                        let (inputs, message) = self.shrink(info, inputs, target, message);
                        report::note(&shown(info, target, &inputs, &message));
                        return Ok(false);
                    }
                }
                tried += 1;
            }
        }
        let targets = self.engines.len();
        let slow = if slow > 0 { format!(", {slow} left out because they take long") } else { String::new() };
        say(&format!(
            "{}: {tried} {} on {targets} targets, worst difference {worst} ulps{slow}",
            info.name,
            plural(tried, "input")
        ))?;
        Ok(true)
    }

    fn compare(&self, info: &KernelInfo, inputs: &[Input]) -> Compared {
        let mut worst = 0;
        let mut reference: Option<Outcome> = None;
        for (target, engine) in &self.engines {
            let Some(outcome) = self.outcome(engine, info, inputs) else { return Compared::Slow };
            let Some(want) = &reference else {
                reference = Some(outcome);
                continue;
            };
            if let Err(message) = alike(want, &outcome) {
                return Compared::Differs(*target, message);
            }
            worst = worst.max(difference(want, &outcome));
        }
        Compared::Same(worst)
    }

    /// What a call comes to; none if it takes too long.
    fn outcome(&self, engine: &Engine, info: &KernelInfo, inputs: &[Input]) -> Option<Outcome> {
        let token = CancelToken::new();
        let (done, waiting) = mpsc::channel::<()>();
        let watched = token.clone();
        let watch = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                watched.cancel();
            }
        });
        let case = Case { kernel: Some(info.name.clone()), ..Case::default() };
        let call = Call::new().cancel(&token);
        let outcome = run::run(engine, &self.file, &self.section, &case, inputs, &call);
        drop(done);
        // The watch has nothing to do that could fail.
        let _ = watch.join();
        (!token.is_cancelled()).then_some(outcome)
    }

    /// A smaller input on which the same target still differs.
    fn shrink(
        &self,
        info: &KernelInfo,
        mut inputs: Vec<Input>,
        target: TargetChoice,
        mut message: String,
    ) -> (Vec<Input>, String) {
        let mut tries = 0;
        let mut keep = |smaller: Vec<Input>, inputs: &mut Vec<Input>| {
            tries += 1;
            match self.compare(info, &smaller) {
                Compared::Differs(other, text) if other == target && tries < SHRINKS => {
                    (*inputs, message) = (smaller, text);
                    true
                }
                Compared::Differs(..) | Compared::Same(_) | Compared::Slow => false,
            }
        };
        let longest = |inputs: &[Input]| inputs.iter().flat_map(|input| input.data.shape.first()).copied().max();
        while let Some(length) = longest(&inputs).filter(|length| *length > 0) {
            let cut = |length: usize| inputs.iter().map(|input| shortened(input, length)).collect::<Vec<_>>();
            let (half, less) = (cut(length / 2), cut(length - 1));
            if !keep(half, &mut inputs) && !keep(less, &mut inputs) {
                break;
            }
        }
        for at in 0..inputs.len() {
            for element in 0..inputs[at].data.bits.len() {
                let simple = u128::from(hotloop_cases::data::small(1, inputs[at].data.ty));
                let mut simpler = inputs.clone();
                if simpler[at].data.bits[element] != simple {
                    simpler[at].data.bits[element] = simple;
                    keep(simpler, &mut inputs);
                }
            }
        }
        (inputs, message)
    }
}

fn inputs(info: &KernelInfo, length: usize, random: &mut Random) -> Vec<Input> {
    let input = |param: &hotloop::ParamInfo| {
        let data = made::trial(param, length, random)?;
        Some(Input { name: param.name.clone(), mutable: param.mutable, weak: false, data, window: None })
    };
    info.params.iter().filter_map(input).collect()
}

/// The part of an input that is left when its axes have at most so many elements.
fn shortened(input: &Input, length: usize) -> Input {
    let shape: Vec<usize> = input.data.shape.iter().map(|extent| (*extent).min(length)).collect();
    let keeps = |at: &usize| {
        let index = hotloop_cases::compare::index(*at, &input.data.shape);
        index.iter().zip(&shape).all(|(index, extent)| index < extent)
    };
    let bits = (0..input.data.bits.len()).filter(keeps).map(|at| input.data.bits[at]).collect();
    Input { data: Data { ty: input.data.ty, shape, bits }, ..input.clone() }
}

/// The largest distance of two floats at the same place.
fn difference(want: &Outcome, have: &Outcome) -> u64 {
    let (Outcome::Done(wants, want_afters), Outcome::Done(haves, have_afters)) = (want, have) else { return 0 };
    let pairs = wants.iter().zip(haves).chain(want_afters.iter().zip(have_afters).map(|(a, b)| (&a.1, &b.1)));
    let elements = pairs.flat_map(|(a, b)| (0..a.bits.len().min(b.bits.len())).map(move |at| (a.get(at), b.get(at))));
    let numbers = elements.filter(|(a, b)| !a.is_nan() && !b.is_nan());
    numbers.filter_map(|(a, b)| distance(a, b)).max().unwrap_or(0)
}

/// The difference with its input, in the form of a case.
fn shown(info: &KernelInfo, target: TargetChoice, inputs: &[Input], message: &str) -> String {
    let mut text =
        format!("{}: target `{target}` differs from the interpreter: {message}\n#> kernel {}", info.name, info.name);
    for Input { name, mutable, data, .. } in inputs {
        let mutable = if *mutable { "mut " } else { "" };
        let _ = write!(text, "\n#> in {name}: {mutable}{} = {}", data.ty, list(data, 0, 0));
    }
    text
}

/// The elements from axis `axis` on, beginning with the one at `start`.
fn list(data: &Data, axis: usize, start: usize) -> String {
    if axis == data.shape.len() {
        return crate::print::scalar_text(data.get(start));
    }
    let step: usize = data.shape[axis + 1..].iter().product();
    let parts = (0..data.shape[axis]).map(|at| list(data, axis + 1, start + at * step));
    format!("[{}]", parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Compared, Rig, engines, inputs, list, shortened};
    use hotloop::{Engine, Fastmath, ZeroDivision};
    use hotloop_cases::case::Section;
    use hotloop_cases::data::{Data, Random};

    const TEXT: &str = "kernel k(x: f64[:], m: f32[:, :], n: i64) = (sum(x) + n, exp(m))";

    #[test]
    fn targets_agree_and_a_planted_difference_is_found_and_made_small() {
        let module = Engine::new().load(TEXT).expect("it is right");
        let info = module.kernels().next().expect("one").clone();
        let section = Section { text: TEXT.to_owned(), ..Section::default() };
        let mut rig = Rig { file: "test".to_owned(), section, engines: engines(Fastmath::default()) };
        let mut random = Random::new(7);
        let input = inputs(&info, 17, &mut random);
        assert!(matches!(rig.compare(&info, &input), Compared::Same(0)));
        // An engine with other rules stands for a wrong one: it divides by zero without an error.
        let text = "kernel k(x: i64[:]) = 1 // x";
        rig.section.text = text.to_owned();
        let info = Engine::new().load(text).expect("it is right").kernels().next().expect("one").clone();
        let mut options = hotloop::Options::default();
        if let ZeroDivision::Fault = options.zero_division {
            options.zero_division = ZeroDivision::Zero;
        }
        rig.engines[1].1 = Engine::builder().target(rig.engines[1].0).options(options).build();
        let mut input = inputs(&info, 40, &mut random);
        input[0].data.bits.iter_mut().for_each(|bits| *bits |= 4);
        input[0].data.bits[0] = 0;
        let Compared::Differs(target, message) = rig.compare(&info, &input) else { panic!("it was not found") };
        assert_eq!(target, rig.engines[1].0);
        let (small, _) = rig.shrink(&info, input, target, message);
        assert_eq!(small[0].data.bits, [0]);
    }

    #[test]
    fn parts_of_inputs() {
        let data = Data { ty: hotloop::Type::I64, shape: vec![2, 3], bits: (0..6).collect() };
        assert_eq!(list(&data, 0, 0), "[[0, 1, 2], [3, 4, 5]]");
        let input = hotloop_cases::case::Input { name: "x".into(), mutable: false, weak: false, data, window: None };
        assert_eq!(shortened(&input, 2).data.bits, [0, 1, 3, 4]);
        assert_eq!(shortened(&input, 0).data.shape, [0, 0]);
    }
}
