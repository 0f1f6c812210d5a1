//! What has been measured, kept in a file between runs: one line for each step of work, the last of a row being true.
//!
//! A line counts for a row of the same function, type, tier and number of points, whose results over the first chunk
//! are the same; so a function that has changed is measured anew.

use hotloop_accuracy::Worst;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The function.
    pub name: String,
    /// Its type.
    pub ty: String,
    /// The tier.
    pub tier: String,
    /// How many chunks there are in all.
    pub chunks: usize,
    /// What its results are.
    pub fingerprint: u64,
}

/// How far a row is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The first chunk that is left.
    pub next: usize,
    /// The worst so far.
    pub worst: Worst,
    /// How long that took.
    pub seconds: f64,
}

/// The file, and what it says.
pub struct State {
    file: Option<Mutex<File>>,
    known: HashMap<Key, Progress>,
}

impl State {
    /// Reads what is there; without a path nothing is known or kept. Lines that make no sense are passed over: a run
    /// may have been ended in the middle of one.
    pub fn open(path: Option<&Path>) -> io::Result<State> {
        let Some(path) = path else { return Ok(State { file: None, known: HashMap::new() }) };
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let text = io::read_to_string(&file)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        let known = text.lines().filter_map(read).collect();
        Ok(State { file: Some(Mutex::new(file)), known })
    }

    /// How far a row was when the file was read.
    pub fn progress(&self, key: &Key) -> Progress {
        let none = || Progress { next: 0, worst: Worst::none(), seconds: 0.0 };
        self.known.get(key).cloned().unwrap_or_else(none)
    }

    /// Notes how far a row is.
    pub fn note(&self, key: &Key, progress: &Progress) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{}", written(key, progress))
    }
}

fn written(key: &Key, progress: &Progress) -> String {
    let worst = &progress.worst;
    let numbers = [worst.error, worst.got, worst.wanted, progress.seconds];
    let floats = numbers.into_iter().chain(worst.at.iter().copied()).map(|value| format!("{:x}", value.to_bits()));
    let floats: Vec<String> = floats.collect();
    format!(
        "{} {} {} {} {:x} {} {} {} {}",
        key.name,
        key.ty,
        key.tier,
        key.chunks,
        key.fingerprint,
        progress.next,
        worst.points,
        worst.missed,
        floats.join(" ")
    )
}

fn read(line: &str) -> Option<(Key, Progress)> {
    let mut words = line.split(' ');
    let mut word = || words.next();
    let (name, ty, tier) = (word()?.to_owned(), word()?.to_owned(), word()?.to_owned());
    let chunks = word()?.parse().ok()?;
    let fingerprint = u64::from_str_radix(word()?, 16).ok()?;
    let (next, points, missed) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    let float = |word: &str| u64::from_str_radix(word, 16).ok().map(f64::from_bits);
    let floats: Vec<f64> = words.map(float).collect::<Option<_>>()?;
    let [error, got, wanted, seconds, ref at @ ..] = floats[..] else { return None };
    let worst = Worst { error, at: at.to_vec(), got, wanted, points, missed };
    Some((Key { name, ty, tier, chunks, fingerprint }, Progress { next, worst, seconds }))
}

#[cfg(test)]
mod tests {
    use super::{Key, Progress, read, written};
    use hotloop_accuracy::Worst;

    #[test]
    fn lines_come_back() {
        let (name, ty, tier) = ("pow".to_owned(), "f64".to_owned(), "strict".to_owned());
        let key = Key { name, ty, tier, chunks: 7, fingerprint: u64::MAX };
        let worst = Worst { error: 0.75, at: vec![0.1, -3.0], got: 1.0, wanted: f64::INFINITY, points: 9, missed: 2 };
        let line = written(&key, &Progress { next: 3, worst, seconds: 1.5 });
        let (again, progress) = read(&line).expect("a line that was written");
        assert_eq!(again, key);
        assert_eq!(written(&again, &progress), line);
        assert!(read(&line[..line.len() / 3]).is_none());
    }
}
