//! Where descriptors wait that must not be closed.
//!
//! The trap: on unix, when a process closes *any* descriptor of a file, the kernel drops *all* POSIX locks which that
//! process holds on the file. A libsqlite3 in the host process holds such locks, so closing our descriptor would take
//! its locks away behind its back, and two writers could change the database at once. No kind of lock that we take
//! ourselves changes this. So (C8) what we have opened to lock it is not closed, but parked here, and handed out again
//! at the next open of the same file (`[locks.md#closing-a-descriptor]`).
//!
//! So that a process which copies thousands of databases does not run out of descriptors, the oldest are closed above a
//! limit, and those of deleted files at once; but only while the kernel says that nobody at all holds a lock on them.

use super::file_identity::FileIdentity;
use super::place::Access;
#[cfg(unix)]
use super::range_lock::{self, Asker, ByteRange, LockKind};
use std::fs::File;
use std::sync::{Mutex, PoisonError};

/// How many descriptors may wait before the oldest unlocked ones are closed: a fraction of the usual limit of 1,024.
#[cfg(unix)]
const LIMIT: usize = 200;

struct Parked {
    identity: FileIdentity,
    access: Access,
    file: File,
}

static PARKED: Mutex<Vec<Parked>> = Mutex::new(Vec::new());

/// Whether none is waiting.
pub(super) fn is_empty() -> bool {
    PARKED.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
}

/// A waiting descriptor of this very file, if there is one.
pub(super) fn take(identity: FileIdentity, access: Access) -> Option<File> {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = parked.iter().position(|one| one.identity == identity && one.access == access)?;
    Some(parked.remove(place).file)
}

/// The descriptors of this very file that wait here.
#[cfg(target_os = "linux")]
pub(super) fn descriptors(identity: FileIdentity) -> Vec<std::os::fd::RawFd> {
    use std::os::fd::AsRawFd;
    let parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.iter().filter(|one| one.identity == identity).map(|one| one.file.as_raw_fd()).collect()
}

/// Parks a descriptor that holds no lock of ours any more.
#[cfg(unix)]
pub(super) fn park(identity: FileIdentity, access: Access, file: File) {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.push(Parked { identity, access, file });
    let mut surplus = parked.len().saturating_sub(LIMIT);
    parked.retain(|one| {
        let closes = (surplus > 0 || is_deleted(&one.file)) && nobody_locks(one);
        surplus = surplus.saturating_sub(usize::from(closes));
        !closes
    });
}

/// Elsewhere locks belong to a handle, and closing it drops no other's.
#[cfg(not(unix))]
pub(super) fn park(_: FileIdentity, _: Access, file: File) {
    drop(file);
}

#[cfg(unix)]
fn is_deleted(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}

#[cfg(unix)]
fn nobody_locks(parked: &Parked) -> bool {
    let everything = ByteRange { start: 0, length: i64::MAX.unsigned_abs() };
    let asker = Asker { file: &parked.file, identity: parked.identity, owner: 0 };
    matches!(range_lock::find_conflict(asker, everything, LockKind::Exclusive), Ok(None))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parked_descriptor_is_handed_out_again_for_its_own_file_and_access_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let file = File::open(&path).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let identity = FileIdentity::of_file(&file).unwrap();
        park(identity, Access::Read, file);
        assert!(take(identity, Access::ReadWrite).is_none());
        let again = take(identity, Access::Read).unwrap();
        assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&again), number);
        assert!(take(identity, Access::Read).is_none());
    }

    #[test]
    fn what_was_deleted_and_is_not_locked_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let file = File::open(&path).unwrap();
        let identity = FileIdentity::of_file(&file).unwrap();
        std::fs::remove_file(&path).unwrap();
        park(identity, Access::Read, file);
        assert!(take(identity, Access::Read).is_none());
    }
}
