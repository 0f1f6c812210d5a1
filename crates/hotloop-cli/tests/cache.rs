//! `hotloop cache` and the cache of the other commands, from outside.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

fn hotloop(cache: &Path, args: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    let output = command.args(args).env("HOTLOOP_CACHE_DIR", cache).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn kernels_are_kept_found_listed_verified_and_cleared() {
    let folder = tempfile::tempdir().expect("a directory");
    let cache = folder.path().join("cache");
    let eval = |more: &[&str]| {
        let args = [&["eval", "2*a + 1", "a=[1, 2]", "--time"], more].concat();
        let (ok, out, err) = hotloop(&cache, &args);
        assert!(ok && out.trim() == "[3 5]", "{out}{err}");
        err
    };
    assert!(eval(&["--no-cache"]).contains("compile") && !cache.exists());
    assert!(eval(&[]).contains("not found on disk: nothing is stored"));
    assert!(eval(&[]).contains("found on disk"));
    let (_, list, _) = hotloop(&cache, &["cache", "list"]);
    assert!(list.contains("2*a + 1 (") && list.contains("simd"), "{list}");
    // One, and a second one if a run took so long that the better code was finished too.
    let files: Vec<_> =
        std::fs::read_dir(&cache).expect("a directory").map(|file| file.expect("an entry").path()).collect();
    let count = files.len();
    assert!((1..=2).contains(&count), "{files:?}");
    let (_, stats, _) = hotloop(&cache, &["cache", "stats"]);
    assert!(stats.contains(&format!("entries    {count} of at most")), "{stats}");
    assert!(stats.contains(&*cache.to_string_lossy()), "{stats}");
    for file in &files {
        let mut bytes = std::fs::read(file).expect("an entry");
        bytes[100] ^= 4;
        std::fs::write(file, &bytes).expect("written");
    }
    assert_eq!(hotloop(&cache, &["cache", "stats"]).1.lines().count(), 4, "no entry is usable");
    let (_, verified, _) = hotloop(&cache, &["cache", "verify"]);
    assert!(verified.ends_with(&format!("damaged, and was removed\n0 in order, {count} removed\n")), "{verified}");
    assert!(eval(&[]).contains("nothing is stored"));
    let (_, cleared, _) = hotloop(&cache, &["cache", "clear"]);
    assert!(cleared.starts_with("1 entry, ") || cleared.starts_with("2 entries, "), "{cleared}");
    assert_eq!(hotloop(&cache, &["cache", "list"]).1, "");
}

#[test]
fn an_unusable_directory_only_turns_it_off() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let (ok, out, err) = hotloop(&file, &["eval", "a + 1", "a=1", "--time"]);
    assert!(ok && out.trim() == "2" && err.contains("the cache is off"), "{out}{err}");
    let (ok, _, err) = hotloop(&file, &["cache", "list"]);
    assert!(!ok && err.contains("cannot use the cache"), "{err}");
}
