//! Habits that a machine can check: sizes of files, their first lines, words that must not stand anywhere, coverage of
//! the suite itself, and whether the documents are true.

use crate::case::{self, Section, is_code};
use crate::hostile;
use crate::plan;
use crate::report::entries;
use crate::run::{self, Outcome};
use hotloop::{Engine, Source};
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most lines of a source file, unless its first lines say why it is longer.
const LINES: usize = 600;
/// What the first lines of a longer file must say.
const EXCUSE: &str = "Long because";

/// Codes that no text can call forth through the engine.
const UNREACHABLE: &[(&str, &str)] = &[
    ("E0045", "the engine parses bodies and files, never a lone expression"),
    ("E0090", "only a prompt knows it; a transcript of a session has it"),
    ("E0105", "the engine names the kernels there are in an error of its own"),
];

/// A check; the error lists what is wrong.
type Check = fn() -> Result<(), String>;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 8] = [
        ("sizes", sizes),
        ("first lines", first_lines),
        ("words", words),
        ("every code has a case", codes),
        ("every function has a case", functions),
        ("files that documents name", named_files),
        ("snippets of documents", snippets),
        ("formatting changes no meaning", formatting),
    ];
    let trial = |(name, check): (&str, Check)| Trial::test(format!("tidy/{name}"), move || Ok(check()?));
    checks.into_iter().map(trial).chain([Trial::test("tidy/format", || Ok(format()?))]).collect()
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Every file with one of these endings, in the folders that hold our text.
fn sources(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue: Vec<PathBuf> = ["crates", "tests", "examples", "docs", ".ci"].map(|name| root().join(name)).to_vec();
    while let Some(folder) = queue.pop() {
        for path in entries(&folder) {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() && !path.ends_with("target") {
                queue.push(path);
            } else if endings.contains(&ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn none(wrong: Vec<String>) -> Result<(), String> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn sizes() -> Result<(), String> {
    let too_long = |path: &PathBuf| {
        let text = read(path);
        let lines = text.lines().count();
        let excused = text.lines().take(12).any(|line| line.contains(EXCUSE));
        (lines > LINES && !excused).then(|| format!("{} has {lines} lines", path.display()))
    };
    none(sources(&["rs"]).iter().filter_map(too_long).collect())
}

fn first_lines() -> Result<(), String> {
    let bare = |path: &&PathBuf| !read(path).starts_with("//!");
    none(
        sources(&["rs"])
            .iter()
            .filter(bare)
            .map(|path| format!("{} does not begin with //!", path.display()))
            .collect(),
    )
}

/// Words that must not stand in any text; each is put together here so that this file has none.
fn words() -> Result<(), String> {
    let forbidden = [["/wo", "rk/"], ["/tm", "p/"], ["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["../sha", "red"]]
        .map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for path in sources(&["rs", "hl", "md", "toml", "py", "yml"]) {
        let text = read(&path);
        for word in &forbidden {
            if let Some(line) = text.lines().position(|line| line.contains(word.as_str())) {
                wrong.push(format!("{}:{} has `{word}`", path.display(), line + 1));
            }
        }
    }
    none(wrong)
}

fn codes() -> Result<(), String> {
    let announced = plan::announced_codes()?;
    let covered = |code: &str| {
        announced.iter().any(|other| other == code)
            || hostile::codes().any(|other| other == code)
            || UNREACHABLE.iter().any(|(other, _)| *other == code)
    };
    let all = hotloop_syntax::CODES.iter().map(|(code, _)| *code).chain(hotloop_sema::errors::CODES.iter().copied());
    none(all.filter(|code| !covered(code)).map(|code| format!("no case announces {code}")).collect())
}

fn functions() -> Result<(), String> {
    let mut texts = String::new();
    for (_, path) in plan::files() {
        texts += &read(&path);
    }
    let builtins = hotloop_sema::builtins::BUILTINS.iter().map(|row| row.0);
    let names = builtins.chain(hotloop_sema::Module::library_names());
    let missing = names.filter(|name| !texts.contains(&format!("{name}(")));
    none(missing.map(|name| format!("no case calls `{name}`")).collect())
}

fn documents() -> Vec<PathBuf> {
    let mut paths = vec![root().join("README.md"), root().join("tests/README.md")];
    paths.extend(sources(&["md"]).into_iter().filter(|path| path.starts_with(root().join("docs"))));
    paths.retain(|path| path.exists());
    paths
}

/// Paths in backticks, from the root of the repository or from `crates/`, must be there.
fn named_files() -> Result<(), String> {
    let mut wrong = Vec::new();
    for document in documents() {
        for token in read(&document).split('`').skip(1).step_by(2) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            let is_path = token.contains('/') && token.chars().all(plain);
            let ends = [".rs", ".hl", ".md", ".toml", ".py"].iter().any(|ending| token.ends_with(ending));
            let there = |base: &str| root().join(base).join(token).exists();
            let beside = document.parent().is_some_and(|folder| folder.join(token).exists());
            if is_path && ends && !there("") && !there("crates") && !beside {
                wrong.push(format!("{} names `{token}`, which is not there", document.display()));
            }
        }
    }
    none(wrong)
}

/// Blocks of ```` ```hotloop ```` are texts or expressions that are accepted; with annotations they are cases.
fn snippets() -> Result<(), String> {
    let mut wrong = Vec::new();
    for document in documents() {
        let text = read(&document);
        for (at, block) in text.split("```hotloop\n").enumerate().skip(1) {
            let block = block.split("\n```").next().unwrap_or_default();
            if let Err(message) = snippet(block) {
                wrong.push(format!("{}, snippet {at}: {message}\n{block}", document.display()));
            }
        }
    }
    none(wrong)
}

fn snippet(block: &str) -> Result<(), String> {
    for section in case::read(block)? {
        let items = section.text.lines().any(|line| ["fn ", "kernel ", "@"].iter().any(|word| line.starts_with(word)));
        if section.cases.is_empty() && !items {
            Engine::new().free_names(&section.text).map_err(|error| error.to_string())?;
        } else if section.cases.is_empty() {
            loads(&section)?;
        } else {
            plan::check_all(section)?;
        }
    }
    Ok(())
}

fn loads(section: &Section) -> Result<(), String> {
    match run::load(&Engine::new(), "snippet", section) {
        Outcome::Done(..) => Ok(()),
        Outcome::Refused(problems) if section.text.lines().any(is_code) => Err(format!("{problems:?}")),
        Outcome::Refused(_) | Outcome::Fault(_) | Outcome::Other(_) => Err("it was not loaded".to_owned()),
    }
}

/// Every text there is: formatting keeps what it says, and formatting again changes nothing.
fn formatting() -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut check = |name: &str, text: &str| {
        let formatted = |text: &str| hotloop::text::format(&Source::new(name, text));
        match formatted(text) {
            // Wrong texts are left alone, and many cases are wrong on purpose.
            Err(error) if error.diagnostics().is_empty() => wrong.push(format!("{name}: {error}")),
            Err(_) => {}
            Ok(once) if formatted(&once).ok().as_ref() != Some(&once) => wrong.push(format!("{name}: changes again")),
            Ok(_) => {}
        }
    };
    for path in sources(&["hl"]) {
        let text = read(&path);
        check(&path.display().to_string(), &text);
        for section in case::read(&text).unwrap_or_default() {
            check(&format!("{}/{}", path.display(), section.name), &section.text);
        }
    }
    none(wrong)
}

/// The sources are formatted; nothing is checked where the formatter is not installed.
fn format() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["fmt", "--all", "--check", "--", "-l"]).current_dir(root()).output();
    match output {
        Ok(output) if !output.status.success() && !output.stdout.is_empty() => {
            Err(format!("not formatted:\n{}", String::from_utf8_lossy(&output.stdout)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
