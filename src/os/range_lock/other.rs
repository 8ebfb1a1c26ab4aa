//! No locks, where the system has no files to lock.

use super::{Asker, ByteRange, Conflict, LockKind};
use std::io;

/// There are none.
pub(in crate::os) fn belong_to_process() -> bool {
    false
}

pub(in crate::os) fn try_lock(_: Asker<'_>, _: ByteRange, _: LockKind) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::os) fn unlock(_: Asker<'_>, _: ByteRange) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::os) fn find_conflict(_: Asker<'_>, _: ByteRange, _: LockKind) -> io::Result<Option<Conflict>> {
    Err(io::ErrorKind::Unsupported.into())
}
