//! Locks that belong to one open of a file: no other descriptor of the process can drop them.

use super::fcntl::{self, Command};
use super::{Asker, ByteRange, Conflict, LockKind};
use std::io;

pub(in crate::os) fn try_lock(asker: Asker<'_>, range: ByteRange, kind: LockKind) -> io::Result<bool> {
    fcntl::set(Command::SET_OF_OPEN_FILE, asker.file, range, Some(kind))
}

pub(in crate::os) fn unlock(asker: Asker<'_>, range: ByteRange) -> io::Result<()> {
    fcntl::set(Command::SET_OF_OPEN_FILE, asker.file, range, None).map(drop)
}

pub(in crate::os) fn find_conflict(
    asker: Asker<'_>,
    range: ByteRange,
    kind: LockKind,
) -> io::Result<Option<Conflict>> {
    fcntl::get(Command::GET_OF_OPEN_FILE, asker.file, range, kind)
}
