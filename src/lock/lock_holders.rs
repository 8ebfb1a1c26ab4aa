//! Who holds which of SQLite's locks on a database, as far as the system tells.

use super::database_lock::{PENDING, RESERVED, SHARED};
use crate::attempt::LockHolder;
use crate::error::{Error, Result};
use crate::format::lock_bytes::{
    WAL_CKPT_BYTE, WAL_DMS_BYTE, WAL_READ_BYTES, WAL_RECOVER_BYTE, WAL_WRITE_BYTE,
};
use crate::os::clock::Deadline;
use crate::os::lock_file::LockFile;
use crate::os::lock_list;
use crate::os::place::Place;
use crate::os::range_lock::{ByteRange, LockKind};
use crate::side_files::SideFiles;
use std::path::Path;
use std::time::Duration;

/// For how long the processes are looked for that hold locks which belong to open files: some 50,000 open files of the host.
const PATIENCE: Duration = Duration::from_millis(250);

const WAL_INDEX_LOCKS: [(&str, ByteRange); 9] = [
    ("WRITE", ByteRange::one(WAL_WRITE_BYTE)),
    ("CKPT", ByteRange::one(WAL_CKPT_BYTE)),
    ("RECOVER", ByteRange::one(WAL_RECOVER_BYTE)),
    ("READ0", ByteRange::one(WAL_READ_BYTES[0])),
    ("READ1", ByteRange::one(WAL_READ_BYTES[1])),
    ("READ2", ByteRange::one(WAL_READ_BYTES[2])),
    ("READ3", ByteRange::one(WAL_READ_BYTES[3])),
    ("READ4", ByteRange::one(WAL_READ_BYTES[4])),
    ("DMS", ByteRange::one(WAL_DMS_BYTE)),
];

/// Lists the locks that others hold on the database at `path` and on its wal-index.
///
/// On Linux every holder is listed, with the process; elsewhere one holder of each lock. It takes no longer than a moment: on a
/// host with very many open files, a process that holds its lock by an open file may stay unnamed.
///
/// # Errors
///
/// When a file is there that cannot be opened or asked.
///
/// # Platform-specific behavior
///
/// On Windows a lock can only be told by trying to take it, which may refuse it to somebody else for a moment.
pub fn lock_holders(path: impl AsRef<Path>) -> Result<Vec<LockHolder>> {
    let files = SideFiles::of(path.as_ref())?;
    let deadline = Deadline::after(Some(PATIENCE));
    let on_database = [("PENDING", PENDING), ("RESERVED", RESERVED), ("SHARED", SHARED)];
    let mut holders = holders_on(files.database(), &on_database, deadline)?;
    let wal_index = files.wal_index();
    if wal_index.identity().map_err(Error::io("look at it", wal_index.path()))?.is_some() {
        holders.extend(holders_on(wal_index, &WAL_INDEX_LOCKS, deadline)?);
    }
    Ok(holders)
}

fn holders_on(
    place: &Place,
    locks: &[(&'static str, ByteRange)],
    deadline: Deadline,
) -> Result<Vec<LockHolder>> {
    let path = place.path();
    let file = LockFile::open(place).map_err(Error::io("open", path))?;
    let listed = lock_list::of_file(file.identity(), deadline);
    let mut holders = Vec::new();
    for &(name, range) in locks {
        let before = holders.len();
        let of_lock = listed.iter().filter(|lock| lock.touches(range));
        holders.extend(of_lock.map(|lock| holder(name, path, lock.kind, lock.process_id)));
        // The list may leave out what belongs to another container: the kernel is asked about each lock too.
        if holders.len() == before
            && let Some(conflict) = file
                .find_conflict(range, LockKind::Exclusive)
                .map_err(Error::io("ask for its locks", path))?
        {
            holders.push(holder(name, path, conflict.kind, conflict.process_id));
        }
    }
    Ok(holders)
}

fn holder(name: &'static str, path: &Path, kind: LockKind, process_id: Option<u32>) -> LockHolder {
    let exclusive = kind == LockKind::Exclusive;
    LockHolder {
        lock: if name == "SHARED" && exclusive { "EXCLUSIVE" } else { name },
        path: path.to_owned(),
        exclusive,
        process_id,
        command: process_id.and_then(lock_list::command_of),
    }
}
