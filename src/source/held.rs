//! What keeps a view still: the locks that are held, and what has to stand in for those that cannot be.

use super::file_watch::{FileWatch, appeared};
use super::source_bytes::SourceBytes;
use crate::error::Result;
use crate::lock::lock_style::ReadLock;
use crate::lock::wal_lock::WalReadLock;
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::os::random_access::ReadAt;
use std::sync::Arc;

/// What keeps the view still.
#[derive(Debug)]
pub(super) enum Held {
    /// A lock on the database, and what goes with it.
    File { lock: ReadLock, beside: Beside },
    /// Bytes that nobody else can reach.
    Bytes(Arc<SourceBytes>),
}

/// What keeps still what the lock on the database does not.
#[derive(Debug)]
pub(super) enum Beside {
    /// Nothing has to: the lock keeps every writer out, or the caller said that there is none.
    Nothing,
    /// A read lock of the wal-index, in WAL mode.
    Slot(
        #[cfg_attr(not(feature = "evidence"), expect(dead_code, reason = "held, not looked at"))] WalReadLock,
    ),
    /// That no wal-index appears: whoever used the log would have to create it.
    NoIndex(Place),
    /// No lock at all: that the files are found as they were.
    Watch(FileWatch),
}

impl Held {
    /// The database file itself.
    pub(super) fn database(&self) -> &dyn ReadAt {
        match self {
            Self::File { lock, .. } => lock.file(),
            Self::Bytes(bytes) => &bytes.database,
        }
    }

    /// The lock on the database file, unless all are bytes.
    pub(super) fn lock(&self) -> Option<&ReadLock> {
        match self {
            Self::File { lock, .. } => Some(lock),
            Self::Bytes(_) => None,
        }
    }

    /// The locked file, unless all are bytes.
    pub(super) fn lock_file(&self) -> Option<&LockFile> {
        self.lock().map(ReadLock::file)
    }

    /// Whether what no lock could hold stayed as it was.
    pub(super) fn stood(&self) -> Result<bool> {
        match self {
            Self::File { beside: Beside::NoIndex(wal_index), .. } => Ok(!appeared(wal_index)?),
            Self::File { beside: Beside::Watch(watch), .. } => watch.unchanged(),
            _ => Ok(true),
        }
    }
}
