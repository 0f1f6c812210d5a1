//! Tells the crate what its code generators are: a hash of everything that decides which code a program gets.
//!
//! Code in the disk cache is used only by the build that has made it, or one with the same hash. A hash of the sources
//! cannot be forgotten, as a number kept by hand can.

#![allow(clippy::print_stdout, reason = "cargo is told things on the standard output")]

use std::path::{Path, PathBuf};
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
    let mut files = Vec::new();
    for name in CRATES {
        // Outside the workspace only this crate's own sources are beside it; the version stands for the others.
        let sources = own.with_file_name(name).join("src");
        if sources.is_dir() {
            println!("cargo:rerun-if-changed={}", sources.display());
            gather(&sources, &mut files);
        }
    }
    files.sort();
    for file in files {
        if let Ok(text) = std::fs::read(&file) {
            hash.add(file.strip_prefix(own.parent().unwrap_or(&own)).unwrap_or(&file).as_os_str().as_encoded_bytes());
            hash.add(&text);
        }
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=HOTLOOP_BUILD={}", hash.0);
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = item.path();
        match path.is_dir() {
            true => gather(&path, files),
            false => files.push(path),
        }
    }
}

/// FNV-1a with 128 bits.
struct Hash(u128);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Hash {
    /// Adds bytes and their number, so that where one ends and the next begins counts too.
    fn add(&mut self, bytes: &[u8]) {
        let len = (bytes.len() as u64).to_le_bytes();
        for byte in bytes.iter().chain(&len) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
