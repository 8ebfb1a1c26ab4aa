//! Where descriptors wait that must not be closed.
//!
//! The trap: on unix, when a process closes *any* descriptor of a file, the kernel drops *all* POSIX locks which that
//! process holds on the file. A libsqlite3 in the host process holds such locks, so closing our descriptor would take
//! its locks away behind its back, and two writers could change the database at once. No kind of lock that we take
//! ourselves changes this. So (C8) what we have opened to lock it is not closed, but parked here, and handed out again
//! at the next open of the same file (`[locks.md#closing-a-descriptor]`).
//!
//! So that a process which copies thousands of databases does not run out of descriptors, the oldest are closed above a
//! limit, and those of deleted files at once. To ask first whether anybody holds a lock is not enough: somebody may begin
//! between the answer and the closing. So one is closed only while something keeps everybody from that:
//!
//! | what is had | nobody in this process can have a lock, because |
//! |---|---|
//! | a lease (Linux) | nobody else has the file open, or can open it before ours is closed |
//! | a write lock of the open file, on all its bytes | it would be refused beside it |
//! | far above the limit only: a read lock on all its bytes, and no descriptor of the process but ours | he would have to open it, and take a read lock, in the few microseconds between the look and the closing |

use super::file_identity::FileIdentity;
use super::place::Access;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many descriptors may wait before the oldest are closed: a fraction of the usual limit of 1,024.
#[cfg(unix)]
const LIMIT: usize = 200;

/// Above how many they are closed also where only a look tells that nobody else in the process has the file open.
#[cfg(unix)]
const FAR_LIMIT: usize = 400;

/// How many of the oldest are tried each time.
#[cfg(unix)]
const TRIES: usize = 4;

struct Parked {
    identity: FileIdentity,
    access: Access,
    file: File,
}

/// The oldest first.
static PARKED: Mutex<Vec<Parked>> = Mutex::new(Vec::new());

/// Whether none is waiting.
pub(super) fn is_empty() -> bool {
    parked().is_empty()
}

/// A waiting descriptor of this very file, if there is one.
pub(super) fn take(identity: FileIdentity, access: Access) -> Option<File> {
    let mut parked = parked();
    let place = parked.iter().position(|one| one.identity == identity && one.access == access)?;
    Some(parked.remove(place).file)
}

/// The descriptors of this very file that wait here.
#[cfg(target_os = "linux")]
pub(super) fn descriptors(identity: FileIdentity) -> Vec<std::os::fd::RawFd> {
    descriptors_in(&parked(), identity)
}

#[cfg(target_os = "linux")]
fn descriptors_in(parked: &[Parked], identity: FileIdentity) -> Vec<std::os::fd::RawFd> {
    use std::os::fd::AsRawFd;
    parked.iter().filter(|one| one.identity == identity).map(|one| one.file.as_raw_fd()).collect()
}

fn parked() -> MutexGuard<'static, Vec<Parked>> {
    PARKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parks a descriptor that holds no lock of ours any more.
#[cfg(unix)]
pub(super) fn park(identity: FileIdentity, access: Access, file: File) {
    let one = Parked { identity, access, file };
    let mut parked = parked();
    if closing::is_deleted(&one.file) && closing::is_safe(&one, &parked, false) {
        // Dropped with what makes it safe.
        return;
    }
    let others = parked.len();
    parked.push(one);
    // Others that were deleted since are met as they become the oldest.
    for _ in 0..TRIES.min(others) {
        let oldest = parked.remove(0);
        let (over, far_over) = (parked.len() >= LIMIT, parked.len() >= FAR_LIMIT);
        let is_wanted = over || closing::is_deleted(&oldest.file);
        if is_wanted && closing::is_safe(&oldest, &parked, far_over) {
            drop(oldest);
        } else {
            parked.push(oldest);
        }
        if !over {
            break;
        }
    }
}

/// Closes a descriptor that holds no lock of ours any more, if nobody else has the file open; else it is parked. Who looks who has
/// the file open does not meet us then (`[targets.md#replacing-a-file]`).
pub(super) fn close_if_sole(identity: FileIdentity, access: Access, file: File) {
    #[cfg(target_os = "linux")]
    if matches!(super::lease::take(&file), Ok(true)) {
        return;
    }
    park(identity, access, file);
}

/// The same of a file that we had locked exclusively: for a moment it is locked again, if that is what tells that nobody in this process
/// can have a lock on it.
pub(super) fn close(identity: FileIdentity, access: Access, file: File) {
    let one = Parked { identity, access, file };
    #[cfg(target_os = "linux")]
    if closing::is_safe(&one, &parked(), false) {
        return;
    }
    park(one.identity, one.access, one.file);
}

/// Elsewhere locks belong to a handle, and closing it drops no other's.
#[cfg(not(unix))]
pub(super) fn park(_: FileIdentity, _: Access, file: File) {
    drop(file);
}

#[cfg(unix)]
mod closing {
    use super::Parked;
    use std::fs::File;

    pub(super) fn is_deleted(file: &File) -> bool {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Makes sure that nobody in this process has a lock on the file, or can get one until it is closed. What makes sure of it is held
    /// by the descriptor, and ends with it. `others` are parked too.
    pub(super) fn is_safe(one: &Parked, others: &[Parked], far_over: bool) -> bool {
        #[cfg(target_os = "linux")]
        if matches!(super::super::lease::take(&one.file), Ok(true)) {
            return true;
        }
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        return is_safe_by_locks(one, others, far_over);
        #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
        {
            let _ = (one, others, far_over);
            false
        }
    }

    /// The same by locks that belong to an open file, which meet those of the own process too.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn is_safe_by_locks(one: &Parked, others: &[Parked], far_over: bool) -> bool {
        use super::Access;
        use crate::os::range_lock::open_file_description::{find_conflict, try_lock, unlock};
        use crate::os::range_lock::{Asker, ByteRange, LockKind};
        let everything = ByteRange { start: 0, length: i64::MAX.unsigned_abs() };
        let asker = Asker { file: &one.file, identity: one.identity, owner: 0 };
        // Asked before, so that who holds a lock is not held up by a try that is in vain.
        let is_free = matches!(find_conflict(asker, everything, LockKind::Exclusive), Ok(None));
        let locks = |kind| is_free && matches!(try_lock(asker, everything, kind), Ok(true));
        match one.access {
            Access::ReadWrite => locks(LockKind::Exclusive),
            Access::Read => {
                far_over && locks(LockKind::Shared) && {
                    let safe = nobody_else_has_it_open(one, others);
                    if !safe {
                        let _ = unlock(asker, everything);
                    }
                    safe
                }
            }
        }
    }

    /// Whether no descriptor of this process but the parked ones is of that file.
    #[cfg(target_os = "linux")]
    fn nobody_else_has_it_open(one: &Parked, others: &[Parked]) -> bool {
        use std::os::fd::AsRawFd;
        let mut ours = super::descriptors_in(others, one.identity);
        ours.push(one.file.as_raw_fd());
        crate::os::descriptors::process_has_open(one.identity, &ours) == Some(false)
    }

    #[cfg(any(target_os = "android", target_vendor = "apple"))]
    fn nobody_else_has_it_open(_: &Parked, _: &[Parked]) -> bool {
        false
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path) -> (FileIdentity, File) {
        std::fs::write(path, "x").unwrap();
        let file = File::open(path).unwrap();
        (FileIdentity::of_file(&file).unwrap(), file)
    }

    #[test]
    fn a_parked_descriptor_is_handed_out_again_for_its_own_file_and_access_only() {
        let folder = tempfile::tempdir().unwrap();
        let (identity, file) = open(&folder.path().join("file"));
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        park(identity, Access::Read, file);
        assert!(take(identity, Access::ReadWrite).is_none());
        let again = take(identity, Access::Read).unwrap();
        assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&again), number);
        assert!(take(identity, Access::Read).is_none());
    }

    #[test]
    fn what_was_deleted_and_nobody_has_open_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (identity, file) = open(&path);
        let other = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        park(identity, Access::Read, file);
        // Somebody has it open, who might have locked it.
        let file = take(identity, Access::Read).unwrap();
        drop(other);
        park(identity, Access::Read, file);
        if cfg!(target_os = "linux") {
            assert!(take(identity, Access::Read).is_none());
        }
    }

    /// A lock of the host's that was taken before: neither kind of proof is to be had.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_somebody_has_locked_is_never_safe_to_close() {
        use crate::os::range_lock::{self, Asker, ByteRange, LockKind};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let host = File::options().read(true).write(true).open(&path).unwrap();
        let identity = FileIdentity::of_file(&host).unwrap();
        let asker = Asker { file: &host, identity, owner: 1 };
        for kind in [LockKind::Shared, LockKind::Exclusive] {
            assert!(range_lock::try_lock(asker, ByteRange::one(7), kind).unwrap());
            for access in [Access::Read, Access::ReadWrite] {
                let file = File::options().read(true).write(access == Access::ReadWrite).open(&path).unwrap();
                let one = Parked { identity, access, file };
                assert!(!closing::is_safe(&one, &[], true), "{kind:?} {access:?}");
            }
        }
        range_lock::unlock(asker, ByteRange::one(7)).unwrap();
        let open = |access: Access| Parked {
            identity,
            access,
            file: File::options().read(true).write(access == Access::ReadWrite).open(&path).unwrap(),
        };
        assert!(
            closing::is_safe(&open(Access::ReadWrite), &[], false),
            "nobody can lock beside a write lock"
        );
        assert!(!closing::is_safe(&open(Access::Read), &[], true), "the host has it open");
        drop(host);
        assert!(closing::is_safe(&open(Access::Read), &[], false), "nobody has it open");
    }
}
