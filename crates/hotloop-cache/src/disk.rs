//! Bytes under keys on disk, shared by many processes at once.
//!
//! Owns what counts as a hit, what is removed and when, and the statistics. There is no lock: every file is whole or not
//! there, so that nobody waits for anybody. Nothing here fails: where the disk does not do, the cache is off.

use crate::entry::{self, Parts};
use crate::folder::{Folder, Found};
use crate::miss::Miss;
use hotloop_target::signature::digest;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// How names of entries end.
pub(crate) const ENDING: &str = ".hlk";

/// How much is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskLimits {
    /// The most bytes of all files.
    pub bytes: u64,
    /// The most files.
    pub entries: usize,
}

impl Default for DiskLimits {
    fn default() -> DiskLimits {
        DiskLimits { bytes: 256 << 20, entries: 8192 }
    }
}

/// What a disk cache did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounters {
    /// Look-ups that found what was stored.
    pub hits: u64,
    /// Look-ups that did not, by reason, in the order of [`Miss::ALL`].
    pub missed: [u64; Miss::ALL.len()],
    /// Entries written.
    pub stores: u64,
    /// Entries that could not be written.
    pub failed_stores: u64,
    /// Entries removed to make room.
    pub evictions: u64,
    /// Why the last look-up that missed did so.
    pub last_miss: Option<Miss>,
}

impl DiskCounters {
    /// Look-ups that found nothing, for whatever reason.
    pub fn misses(&self) -> u64 {
        self.missed.iter().sum()
    }
}

/// An entry, for people.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The name of the file.
    pub file: String,
    /// What it is; what is wrong with it otherwise.
    pub label: Result<String, Miss>,
    /// Its size.
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
}

/// What [`Disk::verify`] found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Entries that are in order.
    pub good: usize,
    /// Files that were not, with what is wrong; they have been removed.
    pub removed: Vec<(String, Miss)>,
}

/// A disk cache.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    build: u128,
    limits: DiskLimits,
    folder: OnceLock<Result<Folder, String>>,
    /// Set when something could not be written: the rest of this process does not try again.
    is_full: AtomicBool,
    /// Bytes and files there are, as far as this process knows; none before the first look.
    size: Mutex<Option<(u64, usize)>>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    missed: [AtomicU64; Miss::ALL.len()],
    last_miss: Mutex<Option<Miss>>,
    stores: AtomicU64,
    failed_stores: AtomicU64,
    evictions: AtomicU64,
}

impl Disk {
    /// The cache in a directory, which is made when first needed. `build` tells what made the code: entries of any
    /// other are not used.
    pub fn new(path: impl Into<PathBuf>, build: u128, limits: DiskLimits) -> Disk {
        let (folder, is_full, size) = (OnceLock::new(), AtomicBool::new(false), Mutex::new(None));
        Disk { path: path.into(), build, limits, folder, is_full, size, counts: Counts::default() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The limits.
    pub fn limits(&self) -> DiskLimits {
        self.limits
    }

    /// Why the directory cannot be used, if it cannot.
    pub fn off(&self) -> Option<&str> {
        self.folder().err()
    }

    fn folder(&self) -> Result<&Folder, &str> {
        self.folder.get_or_init(|| Folder::open(&self.path)).as_ref().map_err(String::as_str)
    }

    /// What is stored under a key. `read` makes something of it; none means that the bytes make no sense, and counts
    /// as damage.
    pub fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Miss> {
        let found = self.look(key, read);
        match &found {
            Ok(_) => {
                self.counts.hits.fetch_add(1, Relaxed);
            }
            Err(miss) => self.count(*miss),
        }
        found
    }

    /// As [`Disk::get`] under another key, after a miss: a hit takes its place, a second miss is not counted.
    pub fn get_instead<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let found = self.look(key, read).ok()?;
        self.counts.hits.fetch_add(1, Relaxed);
        Some(found)
    }

    fn look<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Miss> {
        let folder = self.folder().map_err(|_| Miss::Off)?;
        let name = name(key);
        let found = folder.read_used(&name).and_then(|(bytes, used)| {
            let parts = entry::decode(self.build, &bytes)?;
            if parts.key != key {
                return Err(Miss::OtherKey);
            }
            let content = read(parts.content).ok_or(Miss::Damaged)?;
            used.note();
            Ok(content)
        });
        match &found {
            Ok(_) => {}
            Err(Miss::Absent | Miss::OtherKey | Miss::Unreadable | Miss::Off) => {}
            // It would be a miss for ever. Should another process have put a good one in its place by now, that is
            // made again.
            Err(
                Miss::OtherVersion | Miss::Foreign | Miss::Truncated | Miss::Damaged | Miss::Differs | Miss::Unsafe,
            ) => {
                // If it stays, it is refused again next time.
                let _ = folder.remove(&name);
            }
        }
        found
    }

    /// Takes back a hit: what was found turned out to be of no use.
    pub fn refuse(&self, key: &[u8], miss: Miss) {
        self.counts.hits.fetch_sub(1, Relaxed);
        self.count(miss);
        if let Ok(folder) = self.folder() {
            let _ = folder.remove(&name(key));
        }
    }

    fn count(&self, miss: Miss) {
        self.counts.missed[miss as usize].fetch_add(1, Relaxed);
        *self.counts.last_miss.lock().unwrap_or_else(PoisonError::into_inner) = Some(miss);
    }

    /// Stores something under a key; `label` says for people what it is.
    pub fn put(&self, key: &[u8], label: &str, content: &[u8]) {
        if self.is_full.load(Relaxed) {
            return;
        }
        let Ok(folder) = self.folder() else { return };
        let Some(bytes) = entry::encode(self.build, Parts { key, label, content }) else { return };
        let len = bytes.len() as u64;
        if len > self.limits.bytes || self.limits.entries == 0 {
            return;
        }
        if folder.write(&name(key), &bytes).is_err() {
            self.counts.failed_stores.fetch_add(1, Relaxed);
            self.is_full.store(true, Relaxed);
            return;
        }
        self.counts.stores.fetch_add(1, Relaxed);
        self.make_room(folder, len);
    }

    /// Removes what was not used for longest until the limits hold. The directory is read once at the start and then
    /// whenever what this process wrote may have gone over a limit.
    fn make_room(&self, folder: &Folder, added: u64) {
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bytes, files)) = &mut *size {
            *bytes += added;
            *files += 1;
            if *bytes <= self.limits.bytes && *files <= self.limits.entries {
                return;
            }
        }
        let Ok(mut found) = folder.files() else { return };
        found.sort_by_key(|file| std::cmp::Reverse(file.used));
        let mut bytes: u64 = found.iter().map(|file| file.bytes).sum();
        let is_over = bytes > self.limits.bytes || found.len() > self.limits.entries;
        // A little more than must be, so that the next entry does not find the limit reached again.
        let part = if is_over { 16 } else { u64::MAX };
        let most_bytes = self.limits.bytes - self.limits.bytes / part;
        let most_files = self.limits.entries - self.limits.entries / usize::try_from(part).unwrap_or(usize::MAX);
        while bytes > most_bytes || found.len() > most_files {
            let Some(oldest) = found.pop() else { break };
            bytes -= oldest.bytes;
            if folder.remove(&oldest.name).is_ok() {
                self.counts.evictions.fetch_add(1, Relaxed);
            }
        }
        *size = Some((bytes, found.len()));
    }

    /// What happened since it was opened.
    pub fn counters(&self) -> DiskCounters {
        let counts = &self.counts;
        DiskCounters {
            hits: counts.hits.load(Relaxed),
            missed: std::array::from_fn(|at| counts.missed[at].load(Relaxed)),
            stores: counts.stores.load(Relaxed),
            failed_stores: counts.failed_stores.load(Relaxed),
            evictions: counts.evictions.load(Relaxed),
            last_miss: *counts.last_miss.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Every entry there is, the one used last first.
    pub fn list(&self) -> Result<Vec<Listed>, String> {
        let folder = self.folder()?;
        let listed = |Found { name, bytes, used }| {
            let label = folder.read(&name).and_then(|entry| Ok(entry::decode(self.build, &entry)?.label.to_owned()));
            Listed { file: name, label, bytes, used }
        };
        let mut list: Vec<Listed> = self.files(folder)?.into_iter().map(listed).collect();
        list.sort_by_key(|entry| std::cmp::Reverse(entry.used));
        Ok(list)
    }

    /// Reads every entry; removes those that are not in order.
    pub fn verify(&self) -> Result<Verified, String> {
        let folder = self.folder()?;
        let mut verified = Verified::default();
        for Found { name: file, .. } in self.files(folder)? {
            let checked = folder.read(&file).and_then(|entry| match entry::decode(self.build, &entry) {
                Ok(parts) if name(parts.key) == file => Ok(()),
                Ok(_) => Err(Miss::Foreign),
                Err(miss) => Err(miss),
            });
            match checked {
                Ok(()) => verified.good += 1,
                Err(Miss::Absent) => {}
                Err(miss) => {
                    folder.remove(&file).map_err(|error| error.to_string())?;
                    verified.removed.push((file, miss));
                }
            }
        }
        Ok(verified)
    }

    /// Removes every entry; gives their number and bytes.
    pub fn clear(&self) -> Result<(usize, u64), String> {
        let folder = self.folder()?;
        let files = self.files(folder)?;
        for file in &files {
            folder.remove(&file.name).map_err(|error| error.to_string())?;
        }
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok((files.len(), files.iter().map(|file| file.bytes).sum()))
    }

    fn files(&self, folder: &Folder) -> Result<Vec<Found>, String> {
        folder.files().map_err(|error| format!("`{}`: {error}", folder.path().display()))
    }
}

/// The name of the file for a key.
fn name(key: &[u8]) -> String {
    format!("{:032x}{ENDING}", digest(key))
}
