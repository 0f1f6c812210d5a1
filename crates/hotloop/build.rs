//! Tells the crate what its code generators are: a hash of everything that decides which code a program gets.
//!
//! Code in the disk cache is used only by the build that has made it, or one with the same hash. A hash of the sources
//! cannot be forgotten, as a number kept by hand can.

#![allow(clippy::print_stdout, reason = "cargo is told things on the standard output")]

#[path = "build/hash.rs"]
mod hash;

use hash::Hash;
use std::path::PathBuf;
use std::process::Command;

/// What decides the code of a program that is checked and lowered, and what is stored beside it.
const CRATES: &[&str] =
    &["hotloop-ir", "hotloop-passes", "hotloop-target", "hotloop-clif", "hotloop-gpu", "hotloop-cache", "hotloop"];

fn main() {
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hash = Hash::default();
    hash.add(std::env::var("CARGO_PKG_VERSION").unwrap_or_default().as_bytes());
    hash.add(std::env::var("TARGET").unwrap_or_default().as_bytes());
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if let Ok(output) = Command::new(rustc).arg("-vV").output() {
        hash.add(&output.stdout);
    }
    // Outside the workspace only this crate's own sources are beside it; the version stands for the others.
    let sources = CRATES.iter().map(|name| own.with_file_name(name).join("src")).filter(|sources| sources.is_dir());
    let sources: Vec<PathBuf> = sources.collect();
    for folder in &sources {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    hash.add_sources(own.parent().unwrap_or(&own), &sources);
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=HOTLOOP_BUILD={}", hash.value());
}
