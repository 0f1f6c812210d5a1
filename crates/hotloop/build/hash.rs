//! The hash of source files: of their names below a common folder and of what is in them.
//!
//! Part of the build script, and of the test that says when it changes.

use std::path::{Path, PathBuf};

/// FNV-1a with 128 bits.
pub struct Hash(u128);

impl Default for Hash {
    fn default() -> Hash {
        Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Hash {
    /// Adds bytes and their number, so that where one ends and the next begins counts too.
    pub fn add(&mut self, bytes: &[u8]) {
        let len = (bytes.len() as u64).to_le_bytes();
        for byte in bytes.iter().chain(&len) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    /// Adds every file in these folders, whatever order they are found in.
    pub fn add_sources(&mut self, root: &Path, folders: &[PathBuf]) {
        let mut files = Vec::new();
        folders.iter().for_each(|folder| gather(folder, &mut files));
        files.sort();
        for file in files {
            if let Ok(text) = std::fs::read(&file) {
                self.add(file.strip_prefix(root).unwrap_or(&file).as_os_str().as_encoded_bytes());
                self.add(&text);
            }
        }
    }

    /// What has been added, as one number.
    pub fn value(&self) -> u128 {
        self.0
    }
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
