//! Locks of one open of a file; where the kernel or the file system does not know these (gVisor, WSL1, some 9p), those of the
//! process.

use super::{Asker, ByteRange, Conflict, LockKind, open_file_description, process_owned};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether they were refused once.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether locks had to be those of the process: a libsqlite3 in it, and whoever closes the file in it, can drop them.
pub(in crate::os) fn belong_to_process() -> bool {
    REFUSED.load(Ordering::Relaxed)
}

pub(in crate::os) fn try_lock(asker: Asker<'_>, range: ByteRange, kind: LockKind) -> io::Result<bool> {
    open_file_description::try_lock(asker, range, kind)
        .or_else(|error| instead(error, || process_owned::try_lock(asker, range, kind)))
}

pub(in crate::os) fn unlock(asker: Asker<'_>, range: ByteRange) -> io::Result<()> {
    open_file_description::unlock(asker, range)
        .or_else(|error| instead(error, || process_owned::unlock(asker, range)))
}

pub(in crate::os) fn find_conflict(
    asker: Asker<'_>,
    range: ByteRange,
    kind: LockKind,
) -> io::Result<Option<Conflict>> {
    open_file_description::find_conflict(asker, range, kind)
        .or_else(|error| instead(error, || process_owned::find_conflict(asker, range, kind)))
}

/// What refuses them refuses them always, so that nobody ever has locks of both kinds on one file.
fn instead<T>(error: io::Error, other: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS | libc::ENOTSUP) => {
            let done = other()?;
            REFUSED.store(true, Ordering::Relaxed);
            Ok(done)
        }
        _ => Err(error),
    }
}
