//! The disk cache of an engine: its settings, and how compiled programs get into it and out of it.
//!
//! Owns what is part of a key. How files are kept safe and bounded belongs to the cache.

use crate::plan::Plan;
use crate::stored;
use hotloop_cache::{Disk, DiskCounters, DiskLimits, Listed, Miss, Verified};
use hotloop_ir::Program;
use hotloop_target::bytes::{Reader, Writer};
use hotloop_target::{Artifact, Target};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiled kernels on disk, kept for later processes. Clones share everything, and so may engines.
///
/// A kernel is found by what it computes and for which types and processor, not by its text: other names, comments and
/// spaces change nothing, and other literals of floats that are plain operands find code that is bound to them. The directory must belong to this user alone. Nothing about it fails: where it cannot be used,
/// kernels are compiled.
#[derive(Clone, Debug)]
pub struct DiskCache {
    disk: Arc<Disk>,
    checks: bool,
}

/// What made the code: the hash of its sources.
fn build() -> u128 {
    env!("HOTLOOP_BUILD").parse().unwrap_or_default()
}

impl DiskCache {
    /// The cache in a directory, which is made when it is first needed.
    pub fn new(path: impl Into<PathBuf>) -> DiskCache {
        DiskCache::with_limits(path, DiskLimits::default())
    }

    /// As [`DiskCache::new`], with limits of its own.
    pub fn with_limits(path: impl Into<PathBuf>, limits: DiskLimits) -> DiskCache {
        DiskCache { disk: Arc::new(Disk::new(path, build(), limits)), checks: false }
    }

    /// The directory for this user's caches, `hotloop` in it; none where the system names no such directory.
    pub fn default_path() -> Option<PathBuf> {
        let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = match cfg!(target_os = "macos") {
            true => named("HOME").map(|home| home.join("Library/Caches")),
            false => named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache"))),
        };
        base.map(|base| base.join("hotloop"))
    }

    /// Compiles every kernel that is found as well, and compares; for those who do not trust it yet.
    #[must_use]
    pub fn checked(mut self) -> DiskCache {
        self.checks = true;
        self
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.disk.path()
    }

    /// The limits.
    pub fn limits(&self) -> DiskLimits {
        self.disk.limits()
    }

    /// Why the directory cannot be used, if it cannot.
    pub fn off(&self) -> Option<&str> {
        self.disk.off()
    }

    /// What happened since it was opened.
    pub fn counters(&self) -> DiskCounters {
        self.disk.counters()
    }

    /// Every entry, the one used last first.
    pub fn list(&self) -> Result<Vec<Listed>, String> {
        self.disk.list()
    }

    /// Reads every entry; removes those that are damaged or of another version.
    pub fn verify(&self) -> Result<Verified, String> {
        self.disk.verify()
    }

    /// Removes every entry; gives their number and bytes.
    pub fn clear(&self) -> Result<(usize, u64), String> {
        self.disk.clear()
    }

    pub(crate) fn checks(&self) -> bool {
        self.checks
    }

    pub(crate) fn find(&self, key: &[u8]) -> Result<(Artifact, Plan), Miss> {
        self.disk.get(key, stored::decode)
    }

    /// The code, without literals, of programs that differ in them alone.
    pub(crate) fn find_alike(&self, key: &[u8]) -> Option<Artifact> {
        self.disk.get_instead(key, |bytes| {
            let mut from = Reader::new(bytes);
            Artifact::read(&mut from).filter(|_| from.is_empty())
        })
    }

    pub(crate) fn store_alike(&self, key: &[u8], label: &str, artifact: &Artifact) {
        let mut bytes = Writer::new();
        artifact.write(&mut bytes);
        self.disk.put(key, &format!("{label}, other literals"), &bytes.finish());
    }

    pub(crate) fn refuse(&self, key: &[u8], miss: Miss) {
        self.disk.refuse(key, miss);
    }

    pub(crate) fn store(&self, key: &[u8], label: &str, artifact: &Artifact, plan: &Plan) {
        self.disk.put(key, label, &stored::encode(artifact, plan));
    }
}

/// A program's part of its keys. Its names have been taken out.
pub(crate) fn bytes(program: &Program) -> Vec<u8> {
    let mut bytes = Writer::new();
    program.hash(&mut bytes);
    bytes.finish()
}

/// The key of a program for a target. Passes, code generator and their versions are the build's, which each entry
/// bears; the processor's level and the tier are part of the fingerprint.
pub(crate) fn key(program: &[u8], target: &dyn Target) -> Vec<u8> {
    let mut key = Writer::new();
    key.bytes(target.fingerprint().as_bytes());
    key.bytes(program);
    key.finish()
}

/// The key of the code of a program without its literals, behind the passes.
pub(crate) fn key_of_alike(program: &[u8], target: &dyn Target) -> Vec<u8> {
    let mut key = Writer::new();
    key.bytes(b"other literals");
    key.bytes(target.fingerprint().as_bytes());
    key.bytes(program);
    key.finish()
}

#[cfg(test)]
mod tests {
    use super::key;
    use hotloop_clif::Clif;
    use hotloop_clif::object::Cpu;
    use std::collections::HashSet;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn another_level_of_processor_and_another_tier_are_other_keys() {
        let simd = Clif::simd().expect("this machine has the target");
        let level = |cpu| Clif::portable(cpu).expect("the code generator knows the level");
        let targets = [
            level(Cpu::V3),
            level(Cpu::V4),
            simd.quick().expect("as the target"),
            Clif::scalar().expect("as the other"),
            simd,
        ];
        let keys: HashSet<Vec<u8>> = targets.iter().map(|target| key(b"a program", target)).collect();
        assert_eq!(keys.len(), targets.len(), "code for one processor is not found by another");
        assert_eq!(key(b"a program", &level(Cpu::V3)), key(b"a program", &targets[0]));
        assert_ne!(key(b"another program", &targets[0]), key(b"a program", &targets[0]));
    }
}
