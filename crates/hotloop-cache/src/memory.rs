//! Values under signatures in memory: bounded, shared by threads, each value built once.
//!
//! Owns which value stays and who builds. A hit takes one read lock of one of a few shards and allocates nothing. The
//! value least recently used goes first; "recently" is counted in insertions, so that hits write to no shared line.

use hotloop_target::{Lookup, Signature};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const SHARDS: usize = 16;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most values.
    pub entries: usize,
    /// The most bytes, as the builders state them.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { entries: 4096, bytes: 256 << 20 }
    }
}

/// What happened so far, and what is held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests answered with a value that was there, or that another thread was building.
    pub hits: u64,
    /// Requests that had to build.
    pub misses: u64,
    /// Builds that gave a value.
    pub builds: u64,
    /// Values dropped to make room.
    pub evictions: u64,
    /// Values held now.
    pub entries: usize,
    /// Bytes held now.
    pub bytes: usize,
}

/// A bounded map from signatures to values that are cheap to clone, such as `Arc`s.
#[derive(Debug)]
pub struct Memory<V> {
    shards: [Shard<V>; SHARDS],
    building: Mutex<Vec<Arc<Build<V>>>>,
    limits: Limits,
    clock: AtomicU64,
    misses: AtomicU64,
    builds: AtomicU64,
    evictions: AtomicU64,
    entries: AtomicUsize,
    bytes: AtomicUsize,
}

impl<V: Clone> Memory<V> {
    /// An empty cache.
    pub fn new(limits: Limits) -> Memory<V> {
        Memory {
            shards: std::array::from_fn(|_| Shard::default()),
            building: Mutex::new(Vec::new()),
            limits,
            clock: AtomicU64::new(1),
            misses: AtomicU64::new(0),
            builds: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            entries: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// The value under a signature, if it is here.
    pub fn get(&self, lookup: &Lookup<'_>) -> Option<V> {
        let shard = self.shard(lookup.hash());
        let map = shard.read();
        let entry = map.get(&lookup.hash()).filter(|entry| lookup.is(&entry.signature))?;
        let now = self.clock.load(Relaxed);
        if entry.used.load(Relaxed) != now {
            entry.used.store(now, Relaxed);
        }
        shard.hits.fetch_add(1, Relaxed);
        Some(entry.value.clone())
    }

    /// The value under a signature; builds it, with the bytes it takes, where it is not here. When many threads ask
    /// for the same at once, one builds and the others wait. A failure is not kept: the next in line tries again.
    pub fn get_or_build<E>(&self, lookup: &Lookup<'_>, build: impl FnOnce() -> Result<(V, usize), E>) -> Result<V, E> {
        loop {
            if let Some(value) = self.get(lookup) {
                return Ok(value);
            }
            match self.claim(lookup) {
                Claim::Mine(turn) => return self.run_build(lookup, turn, build),
                Claim::Present => {}
                Claim::Other(other) => {
                    if let Some(value) = other.wait() {
                        self.shard(lookup.hash()).hits.fetch_add(1, Relaxed);
                        return Ok(value);
                    }
                }
            }
        }
    }

    /// Drops every value.
    pub fn clear(&self) {
        for shard in &self.shards {
            let dropped = std::mem::take(&mut *shard.write());
            for entry in dropped.values() {
                self.forget(entry);
            }
        }
    }

    /// What happened so far, and what is held now.
    pub fn counters(&self) -> Counters {
        Counters {
            hits: self.shards.iter().map(|shard| shard.hits.load(Relaxed)).sum(),
            misses: self.misses.load(Relaxed),
            builds: self.builds.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            entries: self.entries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
        }
    }

    fn run_build<E>(
        &self,
        lookup: &Lookup<'_>,
        turn: Turn<'_, V>,
        build: impl FnOnce() -> Result<(V, usize), E>,
    ) -> Result<V, E> {
        self.misses.fetch_add(1, Relaxed);
        let (value, bytes) = build()?;
        self.builds.fetch_add(1, Relaxed);
        self.insert(lookup, value.clone(), bytes);
        // Waiters get the value from the turn, since it may be too large to be kept.
        turn.build.finish(Outcome::Built(value.clone()));
        Ok(value)
    }

    fn claim(&self, lookup: &Lookup<'_>) -> Claim<'_, V> {
        let mut building = lock(&self.building);
        let process = std::process::id();
        if let Some(other) = building.iter().find(|build| build.process == process && lookup.is(&build.signature)) {
            return Claim::Other(other.clone());
        }
        // It may have been finished between the miss and the lock.
        let map = self.shard(lookup.hash()).read();
        if map.get(&lookup.hash()).is_some_and(|entry| lookup.is(&entry.signature)) {
            return Claim::Present;
        }
        let build = Arc::new(Build {
            process,
            signature: lookup.to_signature(),
            outcome: Mutex::new(Outcome::Pending),
            changed: Condvar::new(),
        });
        building.push(build.clone());
        Claim::Mine(Turn { building: &self.building, build })
    }

    fn insert(&self, lookup: &Lookup<'_>, value: V, bytes: usize) {
        let signature = lookup.to_signature();
        let bytes = bytes.saturating_add(signature.bytes());
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        let used = AtomicU64::new(self.clock.fetch_add(1, Relaxed) + 1);
        self.entries.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        let entry = Entry { signature, value, bytes, used };
        let replaced = self.shard(lookup.hash()).write().insert(lookup.hash(), entry);
        if let Some(replaced) = replaced {
            self.forget(&replaced);
        }
        while self.is_over() && self.evict_one() {}
    }

    fn is_over(&self) -> bool {
        self.entries.load(Relaxed) > self.limits.entries || self.bytes.load(Relaxed) > self.limits.bytes
    }

    /// Drops the value least recently used; false if there is none. The scan is short beside the build that made it
    /// necessary.
    fn evict_one(&self) -> bool {
        let mut oldest = None;
        for shard in &self.shards {
            for (hash, entry) in shard.read().iter() {
                let used = entry.used.load(Relaxed);
                if oldest.is_none_or(|(least, _)| used < least) {
                    oldest = Some((used, *hash));
                }
            }
        }
        let Some((_, hash)) = oldest else { return false };
        // Bound first, so that the lock is free before the value's destructor runs.
        let dropped = self.shard(hash).write().remove(&hash);
        if let Some(entry) = &dropped {
            self.forget(entry);
            self.evictions.fetch_add(1, Relaxed);
        }
        true
    }

    fn forget(&self, entry: &Entry<V>) {
        self.entries.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(entry.bytes, Relaxed);
    }

    fn shard(&self, hash: u128) -> &Shard<V> {
        &self.shards[(hash >> 64) as usize % SHARDS]
    }
}

impl<V: Clone> Default for Memory<V> {
    fn default() -> Memory<V> {
        Memory::new(Limits::default())
    }
}

type Map<V> = HashMap<u128, Entry<V>, BuildHasherDefault<Hashed>>;

/// A part of the map with a lock of its own, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<V> {
    map: RwLock<Map<V>>,
    hits: AtomicU64,
}

impl<V> Default for Shard<V> {
    fn default() -> Shard<V> {
        Shard { map: RwLock::new(Map::default()), hits: AtomicU64::new(0) }
    }
}

impl<V> Shard<V> {
    // A builder that panics holds none of these locks, so a poisoned one still guards sound data.
    fn read(&self) -> RwLockReadGuard<'_, Map<V>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map<V>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Entry<V> {
    signature: Signature,
    value: V,
    bytes: usize,
    used: AtomicU64,
}

/// The keys are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

/// One build under way, which others may wait for.
#[derive(Debug)]
struct Build<V> {
    /// The process it is under way in: a forked one has the entry, but not the thread.
    process: u32,
    signature: Signature,
    outcome: Mutex<Outcome<V>>,
    changed: Condvar,
}

#[derive(Debug)]
enum Outcome<V> {
    Pending,
    Built(V),
    Failed,
}

impl<V: Clone> Build<V> {
    fn wait(&self) -> Option<V> {
        let mut outcome = lock(&self.outcome);
        loop {
            match &*outcome {
                Outcome::Pending => {}
                Outcome::Built(value) => return Some(value.clone()),
                Outcome::Failed => return None,
            }
            outcome = self.changed.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<V> Build<V> {
    fn finish(&self, result: Outcome<V>) {
        let mut outcome = lock(&self.outcome);
        if matches!(*outcome, Outcome::Pending) {
            *outcome = result;
        }
        self.changed.notify_all();
    }
}

enum Claim<'a, V> {
    Mine(Turn<'a, V>),
    Other(Arc<Build<V>>),
    Present,
}

/// The right to build; given up when dropped, also by an error or a panic.
struct Turn<'a, V> {
    building: &'a Mutex<Vec<Arc<Build<V>>>>,
    build: Arc<Build<V>>,
}

impl<V> Drop for Turn<'_, V> {
    fn drop(&mut self) {
        lock(self.building).retain(|build| !Arc::ptr_eq(build, &self.build));
        self.build.finish(Outcome::Failed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
