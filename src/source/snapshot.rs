//! A view of a database that does not change while it lasts, whoever writes meanwhile.

use super::change_stamp::ChangeStamp;
use super::frame_index::FrameIndex;
use super::source_bytes::SourceBytes;
use crate::error::{Error, Obstacle, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::{Damage, DatabaseHeader, FrameNumber, JournalMode, PageNumber, PageSize};
use crate::lock::database_lock::SharedLock;
use crate::lock::wal_lock::WalReadLock;
use crate::os::lock_file::LockFile;
use crate::os::random_access::{ReadAt, read_padded};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What came of beginning a snapshot.
#[derive(Debug)]
pub(crate) enum Begun {
    Snapshot(Box<Snapshot>),
    /// Not now; nothing is held.
    Busy(Obstacle),
}

/// Whether what was read in a snapshot counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was one version from beginning to end.
    Confirmed,
    /// Somebody came whom no lock could keep out: it may be of two versions, and must be read again.
    Withdrawn,
}

/// One committed version of a database, page by page (C3). It lasts as long as it holds its locks, that is as long as it
/// lives.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(super) view: View,
    pub(super) page_size: PageSize,
    pub(super) page_count: u32,
    pub(super) journal_mode: JournalMode,
    pub(super) stamp: ChangeStamp,
}

/// The bytes that a snapshot is made of.
#[derive(Debug)]
pub(super) struct View {
    /// The database's path, for messages.
    pub(super) name: PathBuf,
    pub(super) held: Held,
    pub(super) overlay: Overlay,
}

/// What keeps the view still.
#[derive(Debug)]
pub(super) enum Held {
    /// SHARED, in rollback mode.
    Shared(SharedLock),
    /// SHARED and a read lock of the wal-index.
    Log {
        shared: SharedLock,
        #[expect(dead_code, reason = "held, not looked at")]
        read: WalReadLock,
    },
    /// SHARED, and that no wal-index appears: whoever used the log would have to create it.
    LogWithoutIndex { shared: SharedLock, wal_index: PathBuf },
    /// Bytes that nobody else can reach.
    Bytes(Arc<SourceBytes>),
}

/// What lies over the pages of the file.
pub(super) enum Overlay {
    Nothing,
    /// Committed frames of the log.
    Frames {
        log: Box<dyn ReadAt>,
        log_path: PathBuf,
        index: Arc<FrameIndex>,
    },
}

impl Snapshot {
    pub(crate) fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// How many pages this version has; 0 for an empty database.
    pub(crate) fn page_count(&self) -> u32 {
        self.page_count
    }

    pub(crate) fn journal_mode(&self) -> JournalMode {
        self.journal_mode
    }

    pub(crate) fn stamp(&self) -> ChangeStamp {
        self.stamp
    }

    /// Reads the pages from `first` on that fit into `buffer`, whose length is a multiple of the page size.
    ///
    /// A page that the file does not reach reads as zeros, as in SQLite.
    pub(crate) fn read_pages(&self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let page_bytes = self.page_size.bytes_usize();
        let count = u32::try_from(buffer.len() / page_bytes).unwrap_or(u32::MAX);
        let entries = self.view.overlay.entries(first, count);
        if entries.len() < count as usize {
            self.view.read_file(buffer, first.offset(self.page_size))?;
        }
        let Overlay::Frames { log, log_path, index } = &self.view.overlay else { return Ok(()) };
        for &(page, frame) in entries {
            let place = (page.get() - first.get()) as usize * page_bytes;
            let Some(image) = buffer.get_mut(place..place + page_bytes) else { continue };
            read_whole(log.as_ref(), image, index.image_offset(frame), log_path)?;
        }
        Ok(())
    }
}

impl View {
    /// Reads the header of this version's first page.
    pub(super) fn read_header(&self) -> Result<DatabaseHeader> {
        match (&self.overlay, self.overlay.entries(PageNumber::FIRST, 1)) {
            (Overlay::Frames { log, log_path, index }, &[(_, frame)]) => {
                let mut bytes = [0; DATABASE_HEADER_BYTES];
                read_whole(log.as_ref(), &mut bytes, index.image_offset(frame), log_path)?;
                DatabaseHeader::parse(&bytes).map_err(|damage| super::header_error(&self.name, damage))
            }
            _ => read_header(self.held.database(), &self.name),
        }
    }

    /// The page count that SQLite believes in, `pager_page_count` where the header's own does not count.
    pub(super) fn page_count(&self, header: &DatabaseHeader, pager_page_count: u64) -> Result<u32> {
        // More pages than there are numbers: the file is larger than any database can be.
        let pager_page_count = u32::try_from(pager_page_count).unwrap_or(u32::MAX);
        header.checked_page_count(pager_page_count).map_err(|damage| super::header_error(&self.name, damage))
    }

    /// The size of the database file.
    pub(super) fn file_bytes(&self) -> Result<u64> {
        self.held.database().size_bytes().map_err(Error::io("look at", &self.name))
    }

    fn read_file(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        read_padded(self.held.database(), buffer, offset).map_err(Error::io("read", &self.name)).map(drop)
    }
}

/// Reads the header from the start of the database file; one that is cut short goes on with zeros.
pub(super) fn read_header(database: &dyn ReadAt, path: &Path) -> Result<DatabaseHeader> {
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    read_padded(database, &mut bytes, 0).map_err(Error::io("read", path))?;
    DatabaseHeader::parse(&bytes).map_err(|damage| super::header_error(path, damage))
}

/// Reads bytes that must be there.
fn read_whole(file: &dyn ReadAt, buffer: &mut [u8], offset: u64, path: &Path) -> Result<()> {
    let available = read_padded(file, buffer, offset).map_err(Error::io("read", path))?;
    if available < buffer.len() {
        let damage = Damage::Short { offset: 0, needed: buffer.len(), available };
        return Err(Error::new(path, Problem::Damaged { offset, damage }));
    }
    Ok(())
}

impl Held {
    /// The database file itself.
    pub(super) fn database(&self) -> &dyn ReadAt {
        match self {
            Self::Shared(shared) | Self::Log { shared, .. } | Self::LogWithoutIndex { shared, .. } => {
                shared.file()
            }
            Self::Bytes(bytes) => &bytes.database,
        }
    }

    /// The locked file, unless all are bytes.
    pub(super) fn lock_file(&self) -> Option<&LockFile> {
        match self {
            Self::Shared(shared) | Self::Log { shared, .. } | Self::LogWithoutIndex { shared, .. } => {
                Some(shared.file())
            }
            Self::Bytes(_) => None,
        }
    }

    /// What stays locked until the next snapshot: SHARED in WAL mode; the rest is let go.
    pub(super) fn into_rest(self) -> Option<SharedLock> {
        match self {
            Self::Log { shared, .. } | Self::LogWithoutIndex { shared, .. } => Some(shared),
            Self::Shared(_) | Self::Bytes(_) => None,
        }
    }
}

impl Overlay {
    fn entries(&self, first: PageNumber, count: u32) -> &[(PageNumber, FrameNumber)] {
        match self {
            Self::Nothing => &[],
            Self::Frames { index, .. } => index.entries(first, count),
        }
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Frames { .. } => "Frames",
        })
    }
}
