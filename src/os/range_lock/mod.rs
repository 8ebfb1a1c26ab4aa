//! Locks on ranges of a file's bytes, as the system at hand gives them.
//!
//! | system | locks | owner |
//! |---|---|---|
//! | Linux, Android, macOS, iOS | open-file-description locks (`F_OFD_SETLK`) | one open of the file |
//! | other unixes, and where a kernel or a file system refuses those | POSIX locks (`F_SETLK`) behind a table of our own | one open of the file, kept apart by the table |
//! | Windows | `LockFileEx` | one handle |
//! | WebAssembly | none: there are no files | |
//!
//! All of them meet the locks that SQLite takes; `flock` and `std::fs::File::lock` do not (`[locks.md#which-locks-sqlite-sees]`).
//!
//! | file | duty |
//! |---|---|
//! | `fcntl` | one `fcntl` call with a `flock` structure, made safe |
//! | `open_file_description` | locks that belong to one open of a file: no other descriptor of the process can drop them |
//! | `process_owned` | locks that belong to the whole process, shared out among its opens of a file by a table |
//! | `of_either` | locks of one open of a file; where the kernel or the file system does not know these (gVisor, WSL1, some 9p), those of the process |
//! | `other` | no locks, where the system has no files to lock |
//! | `windows` | locks that belong to one handle of a file: `LockFileEx` |

#[cfg(unix)]
mod fcntl;
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod of_either;
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) mod open_file_description;
#[cfg(not(any(unix, windows)))]
mod other;
#[cfg(unix)]
mod process_owned;
#[cfg(windows)]
mod windows;

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) use of_either::{belong_to_process, find_conflict, try_lock, unlock};
#[cfg(not(any(unix, windows)))]
pub(super) use other::{belong_to_process, find_conflict, try_lock, unlock};
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))))]
pub(super) use process_owned::{belong_to_process, find_conflict, try_lock, unlock};
#[cfg(windows)]
pub(super) use windows::{belong_to_process, find_conflict, try_lock, unlock};

use super::file_identity::FileIdentity;
use std::fs::File;

/// Whether a lock lets others of its kind in beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LockKind {
    Shared,
    Exclusive,
}

/// `length` bytes from `start`; a length of 0 is never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl ByteRange {
    pub(crate) const fn one(start: u64) -> Self {
        Self { start, length: 1 }
    }

    /// The first byte behind the range.
    pub(crate) const fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// A lock of somebody else that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) kind: LockKind,
    /// The owner's process, where the system tells: an open-file-description lock belongs to no process.
    pub(crate) process_id: Option<u32>,
}

/// Who asks for a lock: an open file, its identity, and a number that no other open of this process has.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "only the table of process-owned locks asks for identity and owner")
)]
pub(super) struct Asker<'f> {
    pub(super) file: &'f File,
    pub(super) identity: FileIdentity,
    pub(super) owner: u64,
}
