//! `docs/cli.md` does what it says: its files are written, its commands and sessions run, and what comes back is
//! compared.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

/// What stands for anything in an expected line, and alone for any number of lines.
const ANYTHING: &str = "…";

/// A command, what is typed into it, and what comes back.
#[derive(Debug, Default)]
struct Step {
    command: String,
    typed: String,
    expected: Vec<String>,
}

/// The blocks of a page: the word behind the fence, and the lines.
fn blocks(page: &str) -> Vec<(String, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(word), None) => open = Some((word.to_owned(), Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    blocks
}

fn steps(lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), ..Step::default() });
        } else if let Some(step) = steps.last_mut() {
            match line.strip_prefix("> ") {
                Some(typed) => step.typed += &format!("{typed}\n"),
                None => step.expected.push((*line).to_owned()),
            }
        }
    }
    steps
}

/// Whether lines are as expected.
fn fits(expected: &[String], found: &[&str]) -> bool {
    match expected {
        [] => found.is_empty(),
        [first, rest @ ..] if first == ANYTHING => (0..=found.len()).any(|skipped| fits(rest, &found[skipped..])),
        [first, rest @ ..] => found.first().is_some_and(|line| line_fits(first, line)) && fits(rest, &found[1..]),
    }
}

fn line_fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split(ANYTHING);
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = "";
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = part;
    }
    rest.is_empty() || expected.contains(ANYTHING) && last.is_empty()
}

fn run(place: &Path, step: &Step) -> (String, Vec<String>) {
    let file = |name: &str| place.join("scratch").join(name);
    fs::write(file("typed"), &step.typed).expect("written");
    let out = File::create(file("out")).expect("a file");
    let program = Path::new(env!("CARGO_BIN_EXE_hotloop")).parent().expect("a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-c", &step.command])
        .current_dir(place.join("work"))
        .env("PATH", path)
        .env("HOTLOOP_CACHE_DIR", place.join("scratch/cache"))
        .stdin(File::open(file("typed")).expect("it is there"))
        .stdout(Stdio::from(out.try_clone().expect("a second handle")))
        .stderr(Stdio::from(out))
        .status()
        .expect("there is a shell");
    let text = fs::read_to_string(file("out")).expect("text");
    let lines = text.lines().map(|line| line.trim_end().to_owned()).collect();
    (text, lines)
}

#[test]
fn the_page_of_the_command_line_is_right() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let page = fs::read_to_string(page).expect("the page");
    let place = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(place.path().join("scratch")).expect("a folder");
    fs::create_dir_all(place.path().join("work")).expect("a folder");
    let has_compiler = Command::new("cc").arg("--version").output().is_ok_and(|output| output.status.success());
    let (mut files, mut ran, mut wrong) = (0, 0, String::new());
    for (word, lines) in blocks(&page) {
        if word != "console" {
            let name = lines[0].trim_start_matches(['#', '/', ' ']);
            let is_data = word == "text";
            let text: String = lines[usize::from(is_data)..].iter().map(|line| format!("{line}\n")).collect();
            fs::write(place.path().join("work").join(name), text).expect("written");
            files += 1;
            continue;
        }
        for step in steps(&lines) {
            if step.command.starts_with("cc ") && !has_compiler {
                continue;
            }
            let (text, found) = run(place.path(), &step);
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            if !fits(&step.expected, &found) {
                wrong += &format!("$ {}\n{text}", step.command);
            }
            ran += 1;
        }
    }
    assert!(wrong.is_empty(), "these give something else:\n{wrong}");
    assert!(files >= 3 && ran > 20, "{files} files, {ran} commands");
}

#[test]
fn expectations_can_fail() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    assert!(fits(&lines("a …c\n…\nz"), &["a b c", "x", "y", "z"]));
    assert!(!fits(&lines("a …d"), &["a b c"]) && !fits(&lines("a"), &["a", "b"]) && !fits(&lines("a"), &["a b"]));
    assert!(!fits(&lines("… b"), &["a b c"]) && fits(&lines("…b…"), &["a b c"]) && !fits(&lines("a\nb"), &["a"]));
}
