//! The directory of the disk cache: who may write it, and how files get into it and out of it.
//!
//! Stored code is run, so nothing is read that another user could have written: the directory and each file must belong
//! to this user and be writable by nobody else, and no link is followed. A file is written under a temporary name and
//! renamed, so that whoever reads sees all of it or none, whatever ends the writer.

use crate::miss::Miss;
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// How names of files that are still being written begin.
const TEMPORARY: &str = "tmp-";
/// After this time nobody is writing a file any more: its writer was killed.
const ABANDONED: Duration = Duration::from_secs(600);
/// No entry is as long.
const MOST_BYTES: usize = 1 << 30;
/// Permission to write for the group and for others.
const OTHERS_WRITE: u32 = 0o022;

/// The directory.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    owner: u32,
    /// Makes temporary names of one process different.
    written: AtomicU64,
}

/// One file of it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// When it was last found by a look-up, or written.
    pub(crate) used: SystemTime,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Used(File);

impl Used {
    /// Notes that the file was used, in its time of change: times of access are often not kept.
    pub(crate) fn note(&self) {
        // Where the directory cannot be written, nothing is removed either, and the time does not matter.
        let _ = self.0.set_modified(SystemTime::now());
    }
}

impl Folder {
    /// The directory at a path, made where there is none; the error says why it cannot be used.
    pub(crate) fn open(path: &Path) -> Result<Folder, String> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| error.to_string())?;
        let owner = rustix::process::geteuid().as_raw();
        let data = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
        if !data.is_dir() {
            return Err("it is no directory".to_owned());
        }
        if data.uid() != owner {
            return Err("it belongs to another user".to_owned());
        }
        if data.mode() & OTHERS_WRITE != 0 {
            return Err("other users can write it".to_owned());
        }
        Ok(Folder { path: path.to_owned(), owner, written: AtomicU64::new(0) })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, Miss> {
        self.read_used(name).map(|(bytes, _)| bytes)
    }

    /// The bytes of a file, and a way to say that they were of use. A look-up is to take microseconds, so it makes no
    /// system call twice.
    pub(crate) fn read_used(&self, name: &str) -> Result<(Vec<u8>, Used), Miss> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(self.path.join(name));
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Miss::Absent,
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Miss::Unsafe,
            _ => Miss::Unreadable,
        })?;
        let data = file.metadata().map_err(|_| Miss::Unreadable)?;
        if !self.is_ours(&data) {
            return Err(Miss::Unsafe);
        }
        let len = usize::try_from(data.len()).ok().filter(|&len| len <= MOST_BYTES).ok_or(Miss::Damaged)?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Miss::Truncated,
            _ => Miss::Unreadable,
        })?;
        Ok((bytes, Used(file)))
    }

    fn is_ours(&self, data: &Metadata) -> bool {
        data.is_file() && data.uid() == self.owner && data.mode() & OTHERS_WRITE == 0
    }

    /// Puts a file in place, whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let number = self.written.fetch_add(1, Relaxed);
        let address = std::ptr::from_ref(self).addr();
        let temporary = self.path.join(format!("{TEMPORARY}{}-{address:x}-{number}", std::process::id()));
        let written = self.write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, self.path.join(name)));
        if written.is_err() {
            // A disk that is full may still have to give back what was written so far.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = match create() {
            // A process of the same number was killed while it wrote.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(path)?;
                create()?
            }
            created => created?,
        };
        file.write_all(bytes)?;
        file.set_modified(SystemTime::now())
    }

    /// Removes a file; one that is not there is removed already.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// All entries. Files whose writer was killed long ago are removed on the way.
    pub(crate) fn files(&self) -> io::Result<Vec<Found>> {
        let mut files = Vec::new();
        for item in fs::read_dir(&self.path)? {
            let item = item?;
            // A file may go while the list is made.
            let (Ok(data), Ok(name)) = (item.metadata(), item.file_name().into_string()) else { continue };
            let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.starts_with(TEMPORARY) {
                if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    self.remove(&name)?;
                }
            } else if name.ends_with(crate::disk::ENDING) && data.is_file() {
                files.push(Found { name, bytes: data.len(), used });
            }
        }
        Ok(files)
    }
}
