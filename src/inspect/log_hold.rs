//! Keeps a log still while it is read, as every reader of SQLite does.
//!
//! | held | keeps from happening |
//! |---|---|
//! | SHARED on the database | that the last connection removes the log |
//! | one of READ1 to READ4, where there is a wal-index | that the next commit begins the log anew |
//!
//! Frames may be appended meanwhile, and pages be written back. Where no lock is to be had, or is not asked for, the header
//! tells whether the log was begun anew: a writer changes it before any frame.

use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Result};
use crate::lock::LockStyle;
use crate::lock::lock_style::ReadLock;
use crate::lock::wal_lock::{ReadSlot, WalReadLock};
use crate::os::lock_file::LockFile;
use crate::side_files::SideFiles;
use crate::source::SourceOptions;
use std::io;

/// The locks that are held for as long as it lives.
#[derive(Debug)]
pub(super) struct LogHold {
    /// Let go first: as long as SHARED is held, nobody removes the wal-index.
    _slot: Option<WalReadLock>,
    _database: ReadLock,
}

impl LogHold {
    /// Locks the log of a database, or says who is in the way.
    pub(super) fn acquire(files: &SideFiles, options: &SourceOptions) -> Result<Attempt<Self>> {
        let (place, path) = (files.database(), files.database().path());
        let file = LockFile::open(place).map_err(Error::io("open", path))?;
        let style = if options.immutable { LockStyle::None } else { options.lock_style };
        let database = match ReadLock::acquire(style, file, place).map_err(Error::io("lock", path))? {
            Attempt::Got(lock) => lock,
            Attempt::Busy(()) => return Ok(Attempt::Busy(Obstacle::Writer)),
        };
        if !database.joins_live_logs() {
            return Ok(Attempt::Got(Self { _slot: None, _database: database }));
        }
        Ok(acquire_slot(files)?.map(|slot| Self { _slot: slot, _database: database }))
    }
}

/// Any slot will do, whatever its mark: it is a reader's, and no reader's log is begun anew.
fn acquire_slot(files: &SideFiles) -> Result<Attempt<Option<WalReadLock>>> {
    let path = files.wal_index().path();
    let mut wal_index = match LockFile::open(files.wal_index()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Got(None)),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    for slot in ReadSlot::MARKED {
        match WalReadLock::acquire(wal_index, slot).map_err(Error::io("lock", path))? {
            Attempt::Got(lock) => return Ok(Attempt::Got(Some(lock))),
            Attempt::Busy(file) => wal_index = file,
        }
    }
    Ok(Attempt::Busy(Obstacle::Recovery))
}
