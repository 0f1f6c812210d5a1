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
    let (_, stats, _) = hotloop(&cache, &["cache", "stats"]);
    assert!(stats.contains("entries    1 of at most") && stats.contains(&*cache.to_string_lossy()), "{stats}");
    let file = std::fs::read_dir(&cache).expect("a directory").next().expect("an entry").expect("an entry").path();
    let mut bytes = std::fs::read(&file).expect("an entry");
    bytes[100] ^= 4;
    std::fs::write(&file, &bytes).expect("written");
    assert_eq!(hotloop(&cache, &["cache", "stats"]).1.lines().count(), 4, "one entry is unusable");
    assert!(hotloop(&cache, &["cache", "verify"]).1.ends_with("damaged, and was removed\n0 in order, 1 removed\n"));
    assert!(eval(&[]).contains("nothing is stored"));
    assert!(hotloop(&cache, &["cache", "clear"]).1.starts_with("1 entry, "));
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
