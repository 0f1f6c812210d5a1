//! Text from strangers: huge, deep and senseless texts must come back as errors, soon, and never as a panic.
//!
//! Trials run on threads with the stack that threads have by default.

use crate::data::Random;
use crate::plan;
use hotloop::{Call, CancelToken, Engine, Error, RunError, TextLimits};
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

/// How long any text may take, in a build without optimisation.
const PATIENCE: Duration = Duration::from_secs(20);

/// The code of a tree with too many nodes.
const NODES: &str = "E0003";

/// A text and the code of a diagnostic it must have.
struct Text {
    name: &'static str,
    code: &'static str,
    text: fn() -> String,
}

const TEXTS: &[Text] = &[
    Text { name: "text beyond the limit", code: "E0001", text: || " ".repeat(2 << 20) },
    Text { name: "a million tokens", code: "E0002", text: || "a,".repeat(500_000) },
    Text {
        name: "a hundred thousand brackets",
        code: "E0004",
        text: || format!("kernel k() = {}", "(".repeat(100_000)),
    },
    Text {
        name: "closed brackets",
        code: "E0004",
        text: || format!("kernel k() = {}1{}", "(".repeat(90_000), ")".repeat(90_000)),
    },
    Text { name: "deep powers", code: "E0004", text: || format!("kernel k(a) = {}a", "a**".repeat(50_000)) },
    Text { name: "deep signs", code: "E0004", text: || format!("kernel k(a) = {}a", "-".repeat(100_000)) },
    Text { name: "deep blocks", code: "E0004", text: || format!("kernel k(a) {{ {}", "if a { ".repeat(30_000)) },
    Text { name: "long sum", code: "E0005", text: || format!("kernel k(a) = a{}", "+a".repeat(90_000)) },
    Text {
        name: "more errors than are shown",
        code: "E0006",
        text: || format!("kernel k(a) {{\n{}}}", "$\n".repeat(1000)),
    },
    Text { name: "huge whole number", code: "E0018", text: || format!("kernel k() = {}", "9".repeat(100_000)) },
    Text { name: "huge exponent", code: "E0017", text: || format!("kernel k() = 1e{}", "9".repeat(100_000)) },
];

/// A name and what it stands for.
type Named<T> = (&'static str, T);

/// Texts that pass the parser and would grow without end behind it, if nothing held them.
const CALLS: &[Named<fn() -> String>] = &[
    ("functions that double", || doubling(60, "f{}(x) + f{}(x)")),
    ("functions that call one another deeply", || doubling(5000, "f{}(x) + 1")),
    ("functions in arguments", || doubling(60, "f{}(f{}(x))")),
    ("powers of powers", || format!("kernel k(x) = {}x{}", "(".repeat(100), " ** 63)".repeat(100))),
    ("many variables", || {
        format!("kernel k(x) {{\n{}x\n}}", (0..2000).map(|i| format!("let v{i} = x * {i}\n")).collect::<String>())
    }),
    ("many loops", || format!("kernel k(x) {{\nvar n = 0\n{}n\n}}", "for i in range(2) { n += 1 }\n".repeat(500))),
    ("nested loops", || {
        format!(
            "kernel k(x) {{\nvar n = 0\n{}n += 1\n{}\nn\n}}",
            "for i in range(1) {\n".repeat(100),
            "}\n".repeat(100)
        )
    }),
    ("sum of many terms", || format!("kernel k(x) = x{}", " + x*x".repeat(240))),
    ("many functions of mathematics", || format!("kernel k(x) = x{}", " + sin(x) * erfc(x)".repeat(100))),
];

fn doubling(depth: usize, body: &str) -> String {
    let mut text = "fn f0(x) = x\n".to_owned();
    for at in 1..=depth {
        text += &format!("fn f{at}(x) = {}\n", body.replace("{}", &(at - 1).to_string()));
    }
    text + &format!("kernel k(x) = f{depth}(x)\n")
}

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for text in TEXTS {
        trials.push(Trial::test(format!("hostile/{}", text.name), || Ok(refused(text)?)));
    }
    for (name, text) in CALLS {
        trials.push(Trial::test(format!("hostile/{name}"), || Ok(survives(&text())?)));
    }
    trials.push(Trial::test("hostile/many nodes", || Ok(many_nodes()?)));
    trials.push(Trial::test("hostile/noise", || Ok(noise()?)));
    trials.push(Trial::test("hostile/spoiled cases", || Ok(spoiled()?)));
    trials.push(Trial::test("hostile/huge arrays", || Ok(huge()?)));
    trials.push(Trial::test("hostile/endless loop", || Ok(endless()?)));
    trials
}

/// The codes that these texts announce.
pub fn codes() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|text| text.code).chain([NODES])
}

fn timely<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let start = Instant::now();
    let result = work();
    let time = start.elapsed();
    if time < PATIENCE { Ok(result) } else { Err(format!("it took {time:?}")) }
}

fn refused(text: &Text) -> Result<(), String> {
    match timely(|| Engine::new().load(&(text.text)()))? {
        Ok(_) => Err("it was accepted".to_owned()),
        Err(error) => {
            let codes: Vec<&str> = error.diagnostics().iter().map(|diag| diag.code).collect();
            let rendered = error.render(false);
            let short = rendered.len() < 100_000;
            if codes.contains(&text.code) && short {
                Ok(())
            } else {
                Err(format!("{codes:?}, {} bytes", rendered.len()))
            }
        }
    }
}

/// The limit on nodes has a code of its own; in the default limits that on tokens is always met first.
fn many_nodes() -> Result<(), String> {
    let limits = TextLimits { nodes: 1000, ..TextLimits::DEFAULT };
    let engine = Engine::builder().limits(limits).build();
    let loaded = engine.load(&format!("kernel k(a) = f({})", "-a,".repeat(600)));
    let found = loaded.err().is_some_and(|error| error.diagnostics().iter().any(|diag| diag.code == NODES));
    if found { Ok(()) } else { Err(format!("{NODES} did not come")) }
}

/// Whether a text gives a value or an error in time, and no mistake of ours.
fn survives(text: &str) -> Result<(), String> {
    let engine = Engine::new();
    timely(|| match engine.load(text) {
        Ok(module) => {
            let names: Vec<String> = module.kernels().map(|info| info.name.clone()).collect();
            names.iter().try_for_each(|name| called(&module, name))
        }
        Err(error) => tolerated(error),
    })?
}

fn called(module: &hotloop::Module, name: &str) -> Result<(), String> {
    let kernel = module.kernel(name).map_err(|error| error.to_string())?;
    let values = [1.5, 2.0, -3.0];
    let args: Vec<hotloop::Arg<'_>> = kernel.info().params.iter().map(|_| (&values).into()).collect();
    let cancel = CancelToken::new();
    let watch = cancel.clone();
    // Spoiled cases may loop for ever.
    let timer = std::thread::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(300));
        watch.cancel();
    });
    let result = kernel.call_with(&args, &Call::default().cancel(&cancel).threads(1));
    timer.thread().unpark();
    let _ = timer.join();
    result.map_or_else(tolerated, |_| Ok(()))
}

fn tolerated(error: Error) -> Result<(), String> {
    match error {
        Error::Bug(message) => Err(message),
        Error::Source(_) | Error::Io { .. } | Error::Unsupported(_) | Error::Run(_) => {
            drop(error.render(false));
            Ok(())
        }
    }
}

/// Words of the language in any order, and bytes in any order.
fn noise() -> Result<(), String> {
    const WORDS: &[&str] = &[
        "fn", "kernel", "k", "x", "(", ")", "{", "}", "[", "]", "=", "+", "-", "*", "**", "/", "//", "%", "<", "==",
        "and", "not", "if", "else", "then", "for", "in", "range", "prange", "while", "let", "var", "mut", "f64", ":",
        ",", ";", "\n", "1", "2.5", "0x1", "1e9", "newaxis", "...", "@", "\"", "'", "$", "é", "sum", "axis", "return",
        "break", "->", ".",
    ];
    let engine = Engine::new();
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let words: Vec<&str> = (0..random.below(60)).map(|_| WORDS[random.below(WORDS.len())]).collect();
        let bytes: Vec<u8> = (0..random.below(60)).map(|_| random.bits() as u8).collect();
        for text in [words.join(" "), String::from_utf8_lossy(&bytes).into_owned()] {
            for body in [text.clone(), format!("kernel k(x) {{ {text} }}")] {
                engine
                    .load(&body)
                    .map_or_else(tolerated, |_| Ok(()))
                    .map_err(|message| format!("{message}: {body}"))?;
            }
        }
    }
    Ok(())
}

/// Case files with parts left out, doubled or exchanged.
fn spoiled() -> Result<(), String> {
    let mut random = Random::new(2);
    let start = Instant::now();
    let time = Duration::from_secs(if plan::is_slow() { 60 } else { 2 });
    let mut texts = Vec::new();
    for (_, path) in plan::files() {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let code: Vec<&str> = text.lines().filter(|line| crate::case::is_code(line)).collect();
        if !code.is_empty() {
            texts.push(code.join("\n"));
        }
    }
    let engine = Engine::new();
    while start.elapsed() < time {
        let text = spoil(&texts[random.below(texts.len())], &mut random);
        match engine.load(&text) {
            Ok(module) => {
                let names: Vec<String> = module.kernels().map(|info| info.name.clone()).collect();
                for name in names.iter().take(2) {
                    called(&module, name).map_err(|message| format!("{message}\n\n{text}"))?;
                }
            }
            Err(error) => tolerated(error).map_err(|message| format!("{message}\n\n{text}"))?,
        }
    }
    Ok(())
}

fn spoil(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(chars.len());
        let end = (at + 1 + random.below(12)).min(chars.len());
        let part: Vec<char> = chars[at..end].to_vec();
        match random.below(3) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, part)),
            _ => {
                let to = random.below(chars.len());
                chars.splice(to..to, part);
            }
        }
        if chars.is_empty() {
            break;
        }
    }
    chars.into_iter().collect()
}

/// Arrays beyond all memory are an error that says so.
fn huge() -> Result<(), String> {
    let engine = Engine::builder().memory_limit(1 << 28).build();
    for text in [
        "zeros(1000000000, 1000000000)",
        "arange(9223372036854775807)",
        "ones(4000000000, 4000000000, 4000000000)",
        "sum(zeros(100000000) + arange(100000000)) + sum(full(2.5, 1000000000))",
    ] {
        match timely(|| engine.eval(text, &[]))? {
            // Whoever needs no memory for a sum of ones is welcome.
            Ok(value) if value.shape().is_empty() => {}
            Ok(_) => return Err(format!("{text}: it was there")),
            Err(Error::Run(RunError::Memory { .. } | RunError::Argument(_) | RunError::Fault(_))) => {}
            Err(error) => return Err(format!("{text}: {error}")),
        }
    }
    Ok(())
}

/// A loop without end stops when it is told to.
fn endless() -> Result<(), String> {
    let engine = Engine::new();
    let module =
        engine.load("kernel k(x: f64) {\n var n = 0\n while x > 0.0 { n += 1 }\n n\n}").map_err(|e| e.to_string())?;
    let kernel = module.kernel("k").map_err(|error| error.to_string())?;
    for target in hotloop::TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        let cancel = CancelToken::new();
        let call = Call::default().cancel(&cancel).target(*target);
        let watch = cancel.clone();
        let timer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            watch.cancel();
        });
        let result = timely(|| kernel.call_with(&hotloop::args![1.0], &call))?;
        let _ = timer.join();
        if !result.is_err_and(|error| error.is_cancelled()) {
            return Err(format!("{target}: it was not cancelled"));
        }
    }
    Ok(())
}
