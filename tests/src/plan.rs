//! From cases to trials: which targets, thread counts, lengths and states of the cache a case is tried with.
//!
//! The normal run takes a covering subset; `HOTLOOP_SLOW=1` takes everything.

use crate::case::{self, Case, Input, Section};
use crate::check::{self, alike, refused};
use crate::report;
use crate::run::{self, Outcome};
use hotloop::{Call, Device, DiskCache, Engine, Options, Stage, TargetChoice, ZeroDivision};
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
    Config { name: "gpu", target: TargetChoice::Gpu, threads: 1, always: false },
];

/// The device of target `gpu`, shared by all trials; none where there is none.
pub fn device() -> Option<Arc<Device>> {
    static DEVICE: OnceLock<Option<Arc<Device>>> = OnceLock::new();
    DEVICE.get_or_init(|| Device::open(0).ok()).clone()
}

/// Whether a machine without a device is a failure, not a reason to skip.
fn device_is_required() -> bool {
    std::env::var("HOTLOOP_REQUIRE").is_ok_and(|what| what == "gpu")
}

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
            let required = !config.target.is_cpu() && (device_is_required() || device().is_none());
            let turn = config.always || required || (skip + rest).is_multiple_of(3);
            rest += usize::from(!config.always);
            let fits = !case.large || config.target != TargetChoice::Interp && config.target != TargetChoice::Scalar;
            // Diagnostics do not depend on the target.
            let refused = !case.announced.is_empty() || !section.announced.is_empty();
            let wanted = if refused { config.name == "interp" } else { is_slow() || (turn && fits) };
            if wanted {
                let subject = subject.clone();
                let name = format!("{prefix}/{}/{}", case.name, config.name);
                let skipped = !config.target.is_cpu() && !device_is_required() && device().is_none();
                if !config.target.is_cpu() && device().is_none() {
                    let subject = subject.clone();
                    let name = format!("{prefix}/{}/wgsl", case.name);
                    trials.push(Trial::test(name, move || Ok(subject.shaders()?)));
                }
                let trial = Trial::test(name, move || subject.check(*config).map_err(|m| subject.failed(&m)));
                trials.push(trial.with_ignored_flag(skipped));
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

/// A directory that goes with all that is in it, also what the thread of an engine still puts there.
struct Folder(tempfile::TempDir);

impl Drop for Folder {
    fn drop(&mut self) {
        for _ in 0..100 {
            if std::fs::remove_dir_all(self.0.path()).is_ok() || !self.0.path().exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

impl Subject {
    fn case(&self) -> &Case {
        &self.section.cases[self.index]
    }

    fn inputs(&self) -> Vec<Input> {
        self.section.given.iter().chain(&self.case().inputs).cloned().collect()
    }

    /// An engine of its own; `disk` is where it keeps kernels besides memory.
    fn engine(&self, config: Config, disk: Option<&Path>) -> Engine {
        let mut options = Options::default();
        if self.case().quiet_zero {
            options.zero_division = ZeroDivision::Zero;
        }
        let mut builder = Engine::builder().threads(config.threads).target(config.target).options(options);
        if let Some(device) = device().filter(|_| !config.target.is_cpu()) {
            builder = builder.device(device);
        }
        match disk {
            Some(path) => builder.disk_cache(DiskCache::new(path)).build(),
            None => builder.build(),
        }
    }

    fn run(&self, engine: &Engine, inputs: &[Input]) -> Outcome {
        run::run(engine, &self.path, &self.section, self.case(), inputs, &Call::default())
    }

    fn failed(&self, message: &str) -> Failed {
        Failed::from(report::failure(message, &self.path, &self.section, self.case(), &self.inputs()))
    }

    /// Where no device runs the shaders, they are made and found valid all the same.
    fn shaders(&self) -> Result<(), String> {
        let (engine, inputs) = (self.engine(CONFIGS[0], None), self.inputs());
        run::emit(&engine, &self.path, &self.section, self.case(), &inputs, Stage::Wgsl).map(drop)
    }

    fn check(&self, config: Config) -> Result<(), String> {
        let (case, inputs) = (self.case(), self.inputs());
        let folder = Folder(tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?);
        let engine = self.engine(config, Some(folder.0.path()));
        let cold = self.run(&engine, &inputs);
        // What a GPU cannot do it says, and does not do otherwise.
        if !config.target.is_cpu() && is_refusal(&cold) {
            return Ok(());
        }
        check::expectations(&self.section, self.case(), &cold)?;
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
        if engine.stats().disk.stores > 0 {
            let other = self.engine(config, Some(folder.0.path()));
            let stored = self.run(&other, &inputs);
            alike(&cold, &stored).map_err(|message| format!("from the disk it differs: {message}"))?;
            if other.stats().disk.hits == 0 {
                return Err(format!("it was not found on the disk: {:?}", other.stats().disk));
            }
        }
        for text in &case.same {
            let other = Case { expr: Some(text.clone()), ..Case::default() };
            let other = run::run(&engine, &self.path, &self.section, &other, &inputs, &Call::default());
            alike(&other, &cold).map_err(|message| format!("differs from `{text}`: {message}"))?;
        }
        if config.target != TargetChoice::Interp && !case.large {
            let oracle = self.oracle.get_or_init(|| self.run(&self.engine(CONFIGS[0], None), &inputs));
            alike(oracle, &cold).map_err(|message| format!("differs from the interpreter: {message}"))?;
        }
        if case.extend { self.lengths(&engine, config, &inputs) } else { Ok(()) }
    }

    /// The same with the inputs repeated to other lengths.
    fn lengths(&self, engine: &Engine, config: Config, inputs: &[Input]) -> Result<(), String> {
        if config.target == TargetChoice::Interp {
            return Ok(());
        }
        let reference = self.engine(CONFIGS[0], None);
        let most = if is_slow() { usize::MAX } else { 1000 };
        for len in LENGTHS.iter().copied().filter(|len| *len <= most) {
            let stretched: Vec<Input> = inputs.iter().map(|input| stretch(input, len)).collect();
            let (want, have) = (self.run(&reference, &stretched), self.run(engine, &stretched));
            alike(&want, &have).map_err(|message| format!("with length {len}: {message}"))?;
        }
        Ok(())
    }
}

/// Whether the target said that it cannot run the program, and what it lacks.
fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Other(message) if message.contains("not supported on target `gpu`: "))
}

fn stretch(input: &Input, len: usize) -> Input {
    if input.data.shape.is_empty() || input.window.is_some() {
        return input.clone();
    }
    Input { data: input.data.stretched(len), ..input.clone() }
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
