//! A view of a database that does not change while it lasts, whoever writes meanwhile.

use super::change_stamp::ChangeStamp;
use super::file_watch::FileWatch;
use super::frame_index::FrameIndex;
use super::held::{Beside, Held};
use super::source_notes::{FileDetour, SourceNotes};
use super::view::{Overlay, PageOrigin, PageRun, View};
use crate::error::{Error, Problem, Result};
use crate::format::database_header::SqliteVersion;
use crate::format::{Damage, DatabaseHeader, JournalMode, PageNumber, PageSize, Shape};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::lock::lock_style::ReadLock;
use crate::os::file_system::network_kind;
use crate::os::lock_file::LockFile;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// How many times the pages that are really there a version may have where each page costs something, and how many bytes it may
/// have whatever is there.
const MOST_TIMES: u64 = 8;
const FREE_OF_CHARGE_BYTES: u64 = 64 << 20;

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
    /// By what way its file is reached.
    pub(super) detour: Option<FileDetour>,
    /// The frames of its log, where they are known: also those that lie in the file already.
    pub(super) followed: Option<Arc<FrameIndex>>,
}

impl Snapshot {
    pub(crate) fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// How many pages this version has; 0 for an empty database.
    pub(crate) fn page_count(&self) -> u32 {
        self.page_count
    }

    /// What a copy of it needs room for.
    pub(crate) fn shape(&self) -> Shape {
        Shape { page_size: self.page_size, page_count: self.page_count }
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

    /// Whether the last commit in a log says how many pages it has.
    pub(crate) fn is_told_by_log(&self) -> bool {
        self.stamp.has_frames()
    }

    /// Whether a hot journal is laid over the file.
    pub(crate) fn rolls_back(&self) -> bool {
        self.view.rollback.is_some()
    }

    /// Refuses a version of far more pages than are really there, for a target where each costs memory or has to be sent: in a file
    /// the pages that were never written are a hole. Whoever has set the limit on pages has said how many there may be
    /// (`[limits.md#claims]`).
    pub(crate) fn check_proportion(&self) -> Result<()> {
        let limits = self.limits();
        if limits.get(Limit::Pages) != Limit::Pages.default_value() {
            return Ok(());
        }
        let there = self.view.pages_there(self.page_size)?;
        let free_of_charge = FREE_OF_CHARGE_BYTES / u64::from(self.page_size.bytes());
        let bound = there.saturating_mul(MOST_TIMES).saturating_add(free_of_charge);
        let wanted = u64::from(self.page_count);
        if wanted <= bound {
            return Ok(());
        }
        let value = i64::try_from(bound).unwrap_or(i64::MAX);
        let exceeded = LimitExceeded { limit: Limit::Pages, value, wanted };
        Err(Error::new(&self.view.name, Problem::LimitExceeded(exceeded)))
    }

    /// What is worth knowing although it is right.
    pub(crate) fn notes(&self) -> SourceNotes {
        let file = self.view.held.lock_file();
        let page_bytes = u64::from(self.page_size.bytes());
        let trailing = |bytes: u64| u32::try_from(bytes % page_bytes).unwrap_or_default();
        let size_bytes = self.view.file_bytes().ok().filter(|_| self.page_count > 0);
        SourceNotes {
            unsummed_frames: self.view.frames.as_ref().map_or(0, |frames| frames.index.last.unsummed),
            other_links: file.and_then(|file| file.metadata().ok()).map_or(0, |it| other_links(&it)),
            detour: self.detour,
            process_locks: file.is_some() && LockFile::locks_belong_to_process(),
            trailing_bytes: size_bytes.map_or(0, trailing),
        }
    }

    /// Whether it has joined a wal-index.
    pub(crate) fn joins_wal_index(&self) -> bool {
        matches!(self.view.held, Held::File { beside: Beside::Slot(_), .. })
    }

    /// The kind of network file system that the database lies on.
    pub(crate) fn network_file_system(&self) -> Option<&'static str> {
        self.view.held.lock().and_then(|_| network_kind(&self.view.name))
    }

    /// Whether commits have to wait for it: in rollback mode they wait for SHARED, where such a lock is held.
    pub(crate) fn holds_commits_up(&self) -> bool {
        let keeps_out = |lock: &ReadLock| !lock.keeps_nobody_out();
        self.journal_mode() == JournalMode::Rollback && self.view.held.lock().is_some_and(keeps_out)
    }

    pub(crate) fn stamp(&self) -> ChangeStamp {
        self.stamp
    }

    /// Whether a change after it began will show. `watch` is how its files were found before, longer ago than a step of the
    /// clock.
    pub(super) fn is_settled(&self, watch: Option<&FileWatch>) -> bool {
        self.stamp.is_settled() && self.watch().is_none_or(|it| it.is_settled(watch))
    }

    /// How its files were found, where no lock keeps them still.
    pub(super) fn watch(&self) -> Option<&FileWatch> {
        match &self.view.held {
            Held::File { beside: Beside::Watch(watch), .. } => Some(watch),
            _ => None,
        }
    }

    /// What does not come from the file itself; `None` when everything does.
    pub(crate) fn overlay(&self) -> Option<Overlay> {
        self.view.overlay()
    }

    /// Whether it reads the same file as another one: what lies over neither is the same in both.
    pub(crate) fn shares_file_with(&self, other: &Self) -> bool {
        self.stamp.identity.is_some() && self.stamp.identity == other.stamp.identity
    }

    /// The pages that were committed since the earlier stamp; `None` when that cannot be told: in rollback mode, and when the
    /// log was reset in between (`[wal.md#which-pages-changed]`).
    pub(crate) fn pages_changed_since(&self, earlier: &ChangeStamp) -> Option<Vec<PageNumber>> {
        let frames = self.followed.as_deref()?;
        let since = earlier.frame_in_same_log(&self.stamp)?;
        Some(frames.pages_since(since).filter(|page| page.get() <= self.page_count).collect())
    }

    /// The file in which these pages lie one after the other just as they are in this version, and where; `None` where some
    /// come from elsewhere.
    pub(crate) fn plain_pages(&self, first: PageNumber, count: u32) -> Option<(&File, u64)> {
        Some((self.view.plain_file(first, count)?, first.offset(self.page_size)))
    }

    /// What it is called in messages: the path of its file.
    pub(crate) fn name(&self) -> &Path {
        &self.view.name
    }

    /// What its files may make us do.
    pub(crate) fn limits(&self) -> &Limits {
        &self.view.options.limits
    }

    /// Says that so many pages were read for a report; an error when it has to end.
    pub(crate) fn pass_pages(&self, count: u32) -> Result<()> {
        self.view.halt.pass_pages(count, &self.view.name)
    }

    /// How many bytes the file has behind the last page; 0 where a log or a journal lies over it.
    pub(crate) fn bytes_behind(&self) -> Result<u64> {
        if self.view.overlay().is_some() {
            return Ok(0);
        }
        Ok(self.view.file_bytes()?.saturating_sub(self.shape().size_bytes()))
    }

    /// The header on the first page. The snapshot has pages.
    pub(crate) fn read_header(&self) -> Result<DatabaseHeader> {
        let mut first = vec![0; self.page_size.bytes_usize()];
        self.read_pages(PageNumber::FIRST, &mut first)?;
        DatabaseHeader::parse(&first).map_err(|damage| super::header_error(&self.view.name, damage))
    }

    /// The error for a page that breaks a rule.
    pub(crate) fn damaged(&self, page: PageNumber, damage: Damage) -> Error {
        Error::new(&self.view.name, Problem::Damaged { offset: page.offset(self.page_size), damage })
    }

    /// What a page is read from.
    pub(crate) fn origin(&self, page: PageNumber) -> PageOrigin {
        self.view.origin(page)
    }

    /// Reads a page as the file has it, or would have it after a rollback, whatever the log has.
    pub(crate) fn read_below_log(&self, page: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let mut run = PageRun { first: page, page_bytes: self.page_size.bytes_usize(), pages: buffer };
        self.view.read_below_log(&mut run, 1)
    }

    /// How many pages are there in the file, also behind the last one of this version.
    pub(crate) fn pages_there(&self) -> Result<u64> {
        self.view.pages_there(self.page_size)
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

    /// What stays locked until the next snapshot: SHARED in WAL mode; the rest is let go.
    pub(super) fn into_rest(self) -> Option<ReadLock> {
        match self.view.held {
            Held::File { lock, .. } if self.journal_mode == JournalMode::Wal => Some(lock),
            _ => None,
        }
    }
}

/// How many names a file has beside one.
#[cfg(unix)]
fn other_links(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata).saturating_sub(1)
}

#[cfg(not(unix))]
fn other_links(_: &std::fs::Metadata) -> u64 {
    0
}
