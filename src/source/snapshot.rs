//! A view of a database that does not change while it lasts, whoever writes meanwhile.

use super::change_stamp::ChangeStamp;
use super::file_watch::{FileWatch, appeared};
use super::frame_index::FrameIndex;
use super::hot_journal::Rollback;
use super::page_one::PageOne;
use super::source_bytes::SourceBytes;
use super::source_options::SourceOptions;
use crate::error::{Error, Obstacle, Problem, Result};
use crate::format::database_header::{DATABASE_HEADER_BYTES, SqliteVersion};
use crate::format::{Damage, JournalMode, PageNumber, PageSize};
use crate::limits::Limit;
use crate::lock::lock_style::ReadLock;
use crate::lock::wal_lock::WalReadLock;
use crate::os::file_system::network_kind;
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
    /// The SQLite that wrote last, as the header tells.
    pub(super) sqlite_version: SqliteVersion,
    pub(super) stamp: ChangeStamp,
}

/// The bytes that a snapshot is made of: a file, under what a rollback would write back, under the frames of a log.
#[derive(Debug)]
pub(super) struct View {
    /// The database's path, for messages.
    pub(super) name: PathBuf,
    pub(super) options: SourceOptions,
    pub(super) held: Held,
    pub(super) rollback: Option<Rollback>,
    pub(super) frames: Option<Frames>,
}

/// Committed frames of a log.
pub(super) struct Frames {
    pub(super) log: Box<dyn ReadAt>,
    pub(super) path: PathBuf,
    pub(super) index: Arc<FrameIndex>,
}

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
    Slot(#[expect(dead_code, reason = "held, not looked at")] WalReadLock),
    /// That no wal-index appears: whoever used the log would have to create it.
    NoIndex(PathBuf),
    /// No lock at all: that the files are found as they were.
    Watch(FileWatch),
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

    /// The SQLite that wrote last, when its own fault may have cost this database commits
    /// (`[wal.md#the-wal-reset-fault]`).
    pub(crate) fn wal_reset_fault(&self) -> Option<SqliteVersion> {
        let applies = self.journal_mode == JournalMode::Wal && self.sqlite_version.has_wal_reset_fault();
        applies.then_some(self.sqlite_version)
    }

    /// Whether it has joined a wal-index.
    pub(crate) fn joins_wal_index(&self) -> bool {
        matches!(self.view.held, Held::File { beside: Beside::Slot(_), .. })
    }

    /// The kind of network file system that the database lies on.
    pub(crate) fn network_file_system(&self) -> Option<&'static str> {
        self.view.held.lock().and_then(|_| network_kind(&self.view.name))
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
        let run = PageRun { first, page_bytes, pages: buffer };
        self.view.read_run(run, count)
    }
}

/// Pages that follow each other, in a buffer.
struct PageRun<'b> {
    first: PageNumber,
    page_bytes: usize,
    pages: &'b mut [u8],
}

impl PageRun<'_> {
    /// Where in the buffer a page of the run lies.
    fn page_mut(&mut self, page: PageNumber) -> Option<&mut [u8]> {
        let place = page.get().checked_sub(self.first.get())? as usize * self.page_bytes;
        self.pages.get_mut(place..)?.get_mut(..self.page_bytes)
    }
}

impl View {
    fn read_run(&self, mut run: PageRun<'_>, count: u32) -> Result<()> {
        let frames = self.frames.as_ref().map_or(&[][..], |frames| frames.index.entries(run.first, count));
        if frames.len() < count as usize {
            self.read_below_log(&mut run, count)?;
        }
        if let Some(Frames { log, path, index }) = &self.frames {
            for &(page, frame) in frames {
                let Some(image) = run.page_mut(page) else { continue };
                read_whole(log.as_ref(), image, index.image_offset(frame), path)?;
            }
        }
        Ok(())
    }

    /// Reads what the file holds, or would hold after a rollback.
    fn read_below_log(&self, run: &mut PageRun<'_>, count: u32) -> Result<()> {
        let offset = (u64::from(run.first.get()) - 1).saturating_mul(run.page_bytes as u64);
        read_padded(self.held.database(), run.pages, offset).map_err(Error::io("read", &self.name))?;
        let Some(Rollback { journal, path, index, .. }) = &self.rollback else { return Ok(()) };
        // The transaction may have made the file longer: that is cut off again.
        let kept = usize::try_from(index.database_bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(cut_off) = run.pages.get_mut(kept..) {
            cut_off.fill(0);
        }
        for &(page, place) in index.images(run.first, count) {
            let Some(image) = run.page_mut(page) else { continue };
            read_whole(journal.as_ref(), image, place, path)?;
        }
        Ok(())
    }

    /// Reads the header of this version's first page.
    pub(super) fn read_page_one(&self) -> Result<PageOne> {
        let in_log = || self.frames.as_ref().and_then(|it| Some((it.log.as_ref(), it.first_page()?)));
        let in_journal =
            || self.rollback.as_ref().and_then(|it| Some((it.journal.as_ref(), it.first_page()?)));
        let (file, offset) = in_log().or_else(in_journal).unwrap_or((self.held.database(), 0));
        let mut bytes = [0; DATABASE_HEADER_BYTES];
        read_padded(file, &mut bytes, offset).map_err(Error::io("read", &self.name))?;
        let log_page_size = self.frames.as_ref().map(|frames| frames.index.page_size());
        PageOne::read(&bytes, &self.options, log_page_size, &self.name)
    }

    /// For a database whose header cannot be read: it is in rollback mode as long as nobody makes a wal-index.
    pub(super) fn expect_no_log(&mut self, path: PathBuf) {
        if let (Some(_), Held::File { beside: beside @ Beside::Nothing, lock }) =
            (self.options.opaque, &mut self.held)
            && lock.joins_live_logs()
        {
            *beside = Beside::NoIndex(path);
        }
    }

    /// How many pages of `page_size` the file has, or would have after a rollback.
    pub(super) fn pages_in_file(&self, page_size: PageSize) -> Result<u64> {
        if let Some(rollback) = &self.rollback {
            if rollback.page_count() > 0 && rollback.index.page_size != page_size {
                let sizes =
                    format!("holds pages of {} bytes, the database of {page_size}", rollback.index.page_size);
                return Err(Error::new(&rollback.path, Problem::Contradiction(sizes)));
            }
            return Ok(rollback.page_count().into());
        }
        Ok(page_size.pages_in(self.held.database().size_bytes().map_err(Error::io("look at", &self.name))?))
    }

    /// Whether there is no page at all: an empty database, without even a header.
    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(match &self.rollback {
            Some(rollback) => rollback.page_count() == 0,
            None => self.pages_in_file(PageSize::DEFAULT)? == 0,
        })
    }

    /// The page count that SQLite believes in, `pager_page_count` where the header's own does not count.
    pub(super) fn page_count(&self, page_one: &PageOne, pager_page_count: u64) -> Result<u32> {
        // More pages than there are numbers: the file is larger than any database can be.
        let pager_page_count = u32::try_from(pager_page_count).unwrap_or(u32::MAX);
        let page_count = page_one.page_count(pager_page_count, &self.name)?;
        self.options.limits.check(Limit::Pages, page_count.into(), &self.name)?;
        Ok(page_count)
    }

    /// Refuses a page count that is nothing but a claim: a few bytes could make us write a file of terabytes (C10).
    ///
    /// Only free pages can lie beyond what the file, the journal and the log really have, for they alone are never
    /// written, and the page of the lock bytes. Behind a hot journal the system may have lost the end of the file too:
    /// SQLite brings that back as zeros, and so do we, as long as it is in proportion to what is there
    /// (`[limits.md#claims]`).
    pub(super) fn check_claim(&self, page_one: &PageOne, page_count: u32) -> Result<()> {
        let there = self.pages_there(page_one.page_size)?;
        let missing = match self.rollback {
            Some(_) => page_one.most_named(there),
            None => page_one.most_unwritten(there),
        };
        let most = there.saturating_add(missing).saturating_add(1);
        if u64::from(page_count) <= most {
            return Ok(());
        }
        let counts = format!("has {page_count} pages by its side files, but no more than {there} are there");
        Err(Error::new(&self.name, Problem::Contradiction(counts)))
    }

    /// How many pages the file, the journal and the log really have.
    fn pages_there(&self, page_size: PageSize) -> Result<u64> {
        let file_bytes = self.held.database().size_bytes().map_err(Error::io("look at", &self.name))?;
        let in_file = page_size.pages_in(file_bytes);
        let in_journal = self.rollback.as_ref().map_or(0, |rollback| rollback.index.pages_behind(in_file));
        let in_log = self.frames.as_ref().map_or(0, |frames| frames.index.pages_behind(in_file));
        Ok(in_file.saturating_add(in_journal).saturating_add(in_log))
    }
}

impl Frames {
    /// Where the image of the first page lies, if it is in the log.
    fn first_page(&self) -> Option<u64> {
        self.index.entries(PageNumber::FIRST, 1).first().map(|&(_, frame)| self.index.image_offset(frame))
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("path", &self.path).finish_non_exhaustive()
    }
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

impl Snapshot {
    /// What stays locked until the next snapshot: SHARED in WAL mode; the rest is let go.
    pub(super) fn into_rest(self) -> Option<ReadLock> {
        match self.view.held {
            Held::File { lock, .. } if self.journal_mode == JournalMode::Wal => Some(lock),
            _ => None,
        }
    }
}
