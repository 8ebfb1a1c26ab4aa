//! The locks that a snapshot begins with: on the database file, and on what publishes commits.

use super::source_options::SourceOptions;
use super::wal_join;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Result};
use crate::lock::lock_style::{LockFolder, LockStyle, ReadLock};
use crate::lock::wal_lock::WalGate;
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::side_files::SideFiles;
use std::io;

pub(super) fn open(place: &Place, options: &SourceOptions) -> io::Result<LockFile> {
    if options.immutable { LockFile::open_immutable(place) } else { LockFile::open(place) }
}

/// Locks the file at `place`, or that which was opened there before.
pub(super) fn acquire(
    place: &Place,
    options: &SourceOptions,
    opened: Option<LockFile>,
) -> Result<Attempt<ReadLock>> {
    let path = place.path();
    let file = match opened {
        Some(opened) => opened,
        None => open(place, options).map_err(Error::io("open", path))?,
    };
    let style = if options.immutable { LockStyle::None } else { options.lock_style };
    if style == LockStyle::Posix {
        // Whoever locks by a folder would not see our locks, nor we theirs.
        if LockFolder::is_there(place).map_err(Error::io("look for its lock folder", path))? {
            return Ok(Attempt::Busy(Obstacle::LockFolder));
        }
    }
    let tried = ReadLock::acquire(style, file, place).map_err(Error::io("lock", path))?;
    Ok(tried.map_busy(|()| Obstacle::Writer))
}

/// Keeps everybody from publishing a commit in the wal-index, if there is one. `lock` is held on the database.
pub(super) fn close_gate(files: &SideFiles, lock: &ReadLock) -> Result<Attempt<Option<WalGate>>> {
    if !lock.joins_live_logs() {
        return Ok(Attempt::Got(None));
    }
    let path = files.wal_index().path();
    match LockFile::open(files.wal_index()) {
        Ok(wal_index) => {
            let gate = wal_join::close_gate(wal_index).map_err(Error::io("lock", path))?;
            Ok(gate.map(Some))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Attempt::Got(None)),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}
