//! What the disk cache takes for another build: every change of the sources that decide code, and nothing else.

#[path = "../build/hash.rs"]
mod hash;

use hash::Hash;
use std::fs;
use std::path::{Path, PathBuf};

fn of(root: &Path) -> u128 {
    let mut hash = Hash::default();
    hash.add_sources(root, &[root.join("passes/src"), root.join("clif/src")]);
    hash.value()
}

fn tree(root: &Path) {
    for (file, text) in [("passes/src/fuse.rs", "fn fuse() {}"), ("clif/src/emit/op.rs", "fn op() {}")] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

#[test]
fn every_change_of_the_sources_counts_and_their_place_does_not() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let root = one.path();
    tree(root);
    tree(two.path());
    let first = of(root);
    assert_eq!(first, of(two.path()), "another clone");
    fs::write(root.join("README"), "text").expect("written");
    assert_eq!(first, of(root), "no source");
    let (op, moved) = (root.join("clif/src/emit/op.rs"), root.join("clif/src/emit/ops.rs"));
    fs::write(&op, "fn op() { }").expect("written");
    let edited = of(root);
    assert_ne!(first, edited, "one space more");
    fs::rename(&op, &moved).expect("moved");
    assert_ne!(edited, of(root), "another name");
    fs::rename(&moved, &op).expect("moved back");
    fs::write(root.join("passes/src/new.rs"), "").expect("written");
    assert_ne!(edited, of(root), "an empty file more");
    fs::remove_file(root.join("passes/src/new.rs")).expect("removed");
    fs::write(&op, "fn op() {}").expect("written");
    assert_eq!(first, of(root), "as it was");
}

/// The build script reads the folders of all crates that make code, and there are no others.
#[test]
fn all_crates_that_make_code_are_hashed() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs")).expect("the build script");
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of all crates");
    let own = fs::read_to_string(crates.join("hotloop/Cargo.toml")).expect("a manifest");
    let dependencies = own.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("a table");
    let names = dependencies.lines().filter_map(|line| line.strip_prefix("hotloop-")?.split(['.', ' ']).next());
    let names: Vec<String> = names.map(|name| format!("hotloop-{name}")).collect();
    assert!(names.iter().any(|name| name == "hotloop-clif"), "{names:?}");
    // Text becomes a program before the key is made, and the interpreter runs the program itself.
    let outside = ["hotloop-source", "hotloop-syntax", "hotloop-sema", "hotloop-interp"];
    for name in names.iter().filter(|name| !outside.contains(&name.as_str())) {
        assert!(script.contains(&format!("\"{name}\"")), "the build script does not read `{name}`");
        let sources: PathBuf = crates.join(name).join("src");
        assert!(sources.is_dir(), "{}", sources.display());
    }
}
