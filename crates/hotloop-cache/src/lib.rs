//! Where compiled kernels are kept: in memory under their signatures, and on disk as bytes under keys.
//!
//! Knows nothing of text, of types, of what the bytes mean, or of how anything is made. `memory` is shared by the
//! threads of a process, `disk` by processes: `entry` is the form of a file, `folder` the directory that holds them.

mod disk;
mod entry;
#[cfg_attr(unix, path = "folder_unix.rs")]
#[cfg_attr(not(unix), path = "folder_other.rs")]
mod folder;
mod memory;
mod miss;

pub use disk::{Disk, DiskCounters, DiskLimits, Listed, Verified};
pub use memory::{Counters, Limits, Memory};
pub use miss::Miss;
