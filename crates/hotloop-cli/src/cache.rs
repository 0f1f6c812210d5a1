//! `hotloop cache`: the compiled kernels kept on disk, and where that is.
//!
//! Owns what the environment says about the place, and how entries are shown. How they are kept is the library's
//! business.

use crate::report::Failure;
use clap::Subcommand;
use hotloop::{DiskCache, Listed, Miss};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

pub const HELP: &str = "\
Compiled kernels are found by what they compute, for which types and which processor; names and comments do not
matter. They are kept in the directory HOTLOOP_CACHE_DIR names, else in the user's directory for caches. The directory
must belong to you, and nobody else may write it. With HOTLOOP_CACHE_CHECK=1 every kernel found is compiled as well,
and compared. --no-cache of `eval` and `run` does without.";

/// What to do with them.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Action {
    /// Shows every entry, the one used last first.
    List,
    /// Shows where they are, how many, and how large.
    Stats,
    /// Reads every entry and removes those that are damaged or of another version.
    Verify,
    /// Removes all of them.
    Clear,
}

/// The cache that commands use, if they are to use one.
pub fn disk(no_cache: bool) -> Option<DiskCache> {
    if no_cache {
        return None;
    }
    let cache = DiskCache::new(place()?);
    Some(if is_set("HOTLOOP_CACHE_CHECK") { cache.checked() } else { cache })
}

fn place() -> Option<PathBuf> {
    let named = std::env::var_os("HOTLOOP_CACHE_DIR").filter(|name| !name.is_empty());
    named.map(PathBuf::from).or_else(DiskCache::default_path)
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// `hotloop cache`.
pub fn act(action: Action) -> Result<(), Failure> {
    let none = || Failure::Data("there is no directory for caches; name one in HOTLOOP_CACHE_DIR".to_owned());
    let cache = DiskCache::new(place().ok_or_else(none)?);
    let text = text(action, &cache)
        .map_err(|reason| Failure::Data(format!("cannot use the cache `{}`: {reason}", cache.path().display())))?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::of_stdout)
}

fn text(action: Action, cache: &DiskCache) -> Result<String, String> {
    match action {
        Action::List => Ok(cache.list()?.iter().map(line).collect()),
        Action::Stats => stats(cache),
        Action::Verify => {
            let verified = cache.verify()?;
            Ok(verified_text(verified.good, &verified.removed))
        }
        Action::Clear => {
            let (entries, bytes) = cache.clear()?;
            Ok(format!("{}, {}, removed\n", count(entries), size(bytes)))
        }
    }
}

/// What was found and removed. What an older program left behind is nobody's concern one by one: it is counted.
fn verified_text(good: usize, removed: &[(String, Miss)]) -> String {
    let is_older = |miss: &Miss| *miss == Miss::OtherVersion;
    let lines = removed.iter().filter(|(_, miss)| !is_older(miss)).map(|(file, miss)| format!("{file}  {miss}\n"));
    let older = removed.iter().filter(|(_, miss)| is_older(miss)).count();
    let older = (older > 0).then(|| format!("{} of another version of hotloop\n", count(older)));
    lines.chain(older).chain([format!("{good} in order, {} removed\n", removed.len())]).collect()
}

fn line(entry: &Listed) -> String {
    let age = SystemTime::now().duration_since(entry.used).unwrap_or_default().as_secs();
    let what = match &entry.label {
        Ok(label) => label.clone(),
        Err(miss) => format!("not usable: {}", miss.name()),
    };
    format!("{:>10}  {:>10}  {what}\n", size(entry.bytes), ago(age))
}

fn stats(cache: &DiskCache) -> Result<String, String> {
    let list = cache.list()?;
    let bytes: u64 = list.iter().map(|entry| entry.bytes).sum();
    let bad = list.iter().filter(|entry| entry.label.is_err()).count();
    let limits = cache.limits();
    let mut text = format!("directory  {}\n", cache.path().display());
    text += &format!("entries    {} of at most {}\n", list.len(), limits.entries);
    text += &format!("size       {} of at most {}\n", size(bytes), size(limits.bytes));
    if bad > 0 {
        text += &format!("unusable   {bad}, which `hotloop cache verify` removes\n");
    }
    Ok(text)
}

fn count(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        0x10_0000.. => format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64),
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400.. => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{ago, size, verified_text};
    use hotloop::Miss;

    #[test]
    fn only_damage_is_told_file_by_file() {
        let removed = [
            ("a.hlk".to_owned(), Miss::OtherVersion),
            ("b.hlk".to_owned(), Miss::Damaged),
            ("c.hlk".to_owned(), Miss::OtherVersion),
        ];
        let text = verified_text(3, &removed);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("b.hlk  "), "{text}");
        assert_eq!(lines[1..], ["2 entries of another version of hotloop", "3 in order, 3 removed"]);
        assert_eq!(verified_text(1, &[]), "1 in order, 0 removed\n");
    }

    #[test]
    fn sizes_and_ages_are_short() {
        assert_eq!([size(7), size(1536), size(256 << 20)], ["7 B", "1.5 KiB", "256.0 MiB"]);
        assert_eq!([ago(59), ago(3599), ago(7200), ago(200_000)], ["59 s ago", "59 min ago", "2 h ago", "2 d ago"]);
    }
}
