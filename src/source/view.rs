//! The bytes of a database as one version has them: the file, under the pages of a hot journal, under the frames of a log.

use super::frame_index::{Extent, FrameIndex, Log, LogFile, UpTo};
use super::held::{Beside, Held};
use super::hot_journal::Rollback;
use super::page_one::PageOne;
use super::source_options::SourceOptions;
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::lock_bytes::DATABASE_LOCKS;
use crate::format::{Damage, FrameNumber, PageNumber, PageSize};
use crate::halt::Halt;
use crate::limits::Limit;
use crate::os::place::Place;
use crate::os::random_access::{ReadAt, read_padded, read_padded_around};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The bytes that a snapshot is made of: a file, under what a rollback would write back, under the frames of a log.
#[derive(Debug)]
pub(super) struct View {
    /// The database's path, for messages.
    pub(super) name: PathBuf,
    pub(super) options: SourceOptions,
    pub(super) held: Held,
    pub(super) rollback: Option<Rollback>,
    pub(super) frames: Option<Frames>,
    pub(super) halt: Halt,
    /// The size of the file, asked once it is held still.
    pub(super) file_bytes: OnceLock<u64>,
}

/// Committed frames of a log.
pub(super) struct Frames {
    pub(super) log: Box<dyn ReadAt>,
    pub(super) path: PathBuf,
    pub(super) index: Arc<FrameIndex>,
    /// Where its commits end, once somebody has asked.
    pub(super) commit_ends: OnceLock<Vec<FrameNumber>>,
}

/// What SQLite's recovery would write into the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlay {
    /// The pages that come from a journal or a log, in order.
    pub(crate) pages: Vec<PageNumber>,
    /// How many pages the file has afterwards.
    pub(crate) page_count: u32,
}

/// What a page of a snapshot is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageOrigin {
    /// The database file.
    File,
    /// The log.
    Log {
        frame: FrameNumber,
        /// Counted from 1.
        commit: u32,
    },
    /// A hot journal.
    Journal {
        /// Where the image begins in it.
        offset: u64,
    },
}

/// Pages that follow each other, in a buffer.
pub(super) struct PageRun<'b> {
    pub(super) first: PageNumber,
    pub(super) page_bytes: usize,
    pub(super) pages: &'b mut [u8],
}

impl PageRun<'_> {
    /// Where in the buffer a page of the run lies.
    fn page_mut(&mut self, page: PageNumber) -> Option<&mut [u8]> {
        let place = page.get().checked_sub(self.first.get())? as usize * self.page_bytes;
        self.pages.get_mut(place..)?.get_mut(..self.page_bytes)
    }
}

impl View {
    /// Reads `count` pages: from the log where it has them, else from what lies below it.
    pub(super) fn read_run(&self, mut run: PageRun<'_>, count: u32) -> Result<()> {
        let frames = self.frames.as_ref().map_or(&[][..], |frames| frames.index.newest.run(run.first, count));
        if frames.len() < count as usize {
            self.read_below_log(&mut run, count)?;
        }
        if let Some(Frames { log, path, index, .. }) = &self.frames {
            for &(page, frame) in frames {
                let Some(image) = run.page_mut(page) else { continue };
                read_whole(log.as_ref(), image, index.image_offset(frame), path)?;
            }
        }
        Ok(())
    }

    /// The database file, if pages `first` and the `count - 1` after it are just what lies there.
    pub(super) fn plain_file(&self, first: PageNumber, count: u32) -> Option<&File> {
        let in_log =
            self.frames.as_ref().is_some_and(|frames| !frames.index.newest.run(first, count).is_empty());
        if in_log || self.rollback.is_some() {
            return None;
        }
        self.held.lock_file()?.as_file()
    }

    /// What a page is read from.
    pub(super) fn origin(&self, page: PageNumber) -> PageOrigin {
        if let Some(frames) = &self.frames
            && let Some(frame) = frames.index.newest.place(page)
        {
            return PageOrigin::Log { frame, commit: frames.commit_of(frame) };
        }
        let in_journal = self.rollback.as_ref().and_then(|it| it.index.images.place(page));
        in_journal.map_or(PageOrigin::File, |offset| PageOrigin::Journal { offset })
    }

    /// Reads what the file holds, or would hold after a rollback.
    pub(super) fn read_below_log(&self, run: &mut PageRun<'_>, count: u32) -> Result<()> {
        let offset = (u64::from(run.first.get()) - 1).saturating_mul(run.page_bytes as u64);
        read_padded_around(self.held.database(), run.pages, offset, DATABASE_LOCKS)
            .map_err(Error::io("read", &self.name))?;
        let Some(Rollback { journal, path, index, .. }) = &self.rollback else { return Ok(()) };
        // The transaction may have made the file longer: that is cut off again.
        let kept = usize::try_from(index.database_bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(cut_off) = run.pages.get_mut(kept..) {
            cut_off.fill(0);
        }
        for &(page, place) in index.images.run(run.first, count) {
            let Some(image) = run.page_mut(page) else { continue };
            read_whole(journal.as_ref(), image, place, path)?;
        }
        Ok(())
    }

    /// What lies over the file; `None` when the file is the whole view.
    pub(super) fn overlay(&self) -> Option<Overlay> {
        let in_journal = self.rollback.as_ref().map(|rollback| &rollback.index);
        let in_log = self.frames.as_ref().map(|frames| &frames.index);
        let page_count = match (in_log, in_journal) {
            (Some(frames), _) => frames.last.page_count,
            (None, Some(journal)) => journal.page_count,
            (None, None) => return None,
        };
        let mut pages: Vec<_> =
            in_journal.into_iter().flat_map(|it| it.images.iter()).map(|(page, _)| page).collect();
        pages.extend(in_log.into_iter().flat_map(|frames| frames.pages_since(0)));
        pages.sort_unstable();
        pages.dedup();
        pages.retain(|page| page.get() <= page_count);
        Some(Overlay { pages, page_count })
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
    pub(super) fn expect_no_log(&mut self, wal_index: Place) {
        if let (Some(_), Held::File { beside: beside @ Beside::Nothing, lock }) =
            (self.options.opaque, &mut self.held)
            && lock.joins_live_logs()
        {
            *beside = Beside::NoIndex(wal_index);
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
        Ok(page_size.pages_in(self.file_bytes()?))
    }

    /// The size of the file.
    pub(super) fn file_bytes(&self) -> Result<u64> {
        if let Some(&known) = self.file_bytes.get() {
            return Ok(known);
        }
        let asked = self.held.database().size_bytes().map_err(Error::io("look at it", &self.name))?;
        Ok(*self.file_bytes.get_or_init(|| asked))
    }

    /// Whether there is no page at all: an empty database, without even a header.
    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(match &self.rollback {
            Some(rollback) => rollback.page_count() == 0,
            None => self.pages_in_file(PageSize::DEFAULT)? == 0,
        })
    }

    /// Refuses an empty file beside a log with commits: it was cut, or put in the place of another. SQLite would throw the log
    /// away. Whoever wants the empty file alone says so (version 0).
    pub(super) fn check_not_emptied(&self, log: Option<&Log>) -> Result<()> {
        let (Some(log), None, None) = (log, &self.rollback, self.options.as_of) else { return Ok(()) };
        if !self.is_empty()? {
            return Ok(());
        }
        let (limits, halt) = (&self.options.limits, &self.halt);
        let file = LogFile { file: log.file.as_ref(), path: &log.path, limits, halt };
        let extent = Extent { up_to: UpTo::LastCommit, version: None };
        let commits = FrameIndex::read(file, extent, None)?.map_or(0, |frames| frames.last.commit);
        if commits == 0 {
            return Ok(());
        }
        let counts = format!("is empty, but its log holds {commits} commits");
        Err(Error::new(&self.name, Problem::Contradiction(counts)))
    }

    /// Refuses a page size that was given for pages that cannot be read, and does not divide the file.
    fn check_divides(&self, page_size: PageSize) -> Result<()> {
        let size_bytes = self.file_bytes()?;
        if !self.options.opaque.is_some_and(|opaque| opaque.must_divide)
            || self.rollback.is_some()
            || size_bytes % u64::from(page_size.bytes()) == 0
        {
            return Ok(());
        }
        let sizes = format!("has {size_bytes} bytes, which is no whole number of pages of {page_size}");
        Err(Error::new(&self.name, Problem::Contradiction(sizes)))
    }

    /// The page count that SQLite believes in, `pager_page_count` where the header's own does not count.
    pub(super) fn page_count(&self, page_one: &PageOne, pager_page_count: u64) -> Result<u32> {
        self.check_divides(page_one.page_size)?;
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
    pub(super) fn pages_there(&self, page_size: PageSize) -> Result<u64> {
        let in_file = page_size.pages_in(self.file_bytes()?);
        let in_journal =
            self.rollback.as_ref().map_or(0, |rollback| rollback.index.images.count_behind(in_file));
        let in_log = self.frames.as_ref().map_or(0, |frames| frames.index.newest.count_behind(in_file));
        Ok(in_file.saturating_add(in_journal).saturating_add(in_log))
    }
}

impl Frames {
    pub(super) fn new(log: Log, index: Arc<FrameIndex>) -> Self {
        Self { log: log.file, path: log.path, index, commit_ends: OnceLock::new() }
    }

    /// Which commit a frame belongs to, counted from 1.
    fn commit_of(&self, frame: FrameNumber) -> u32 {
        let ends = self.commit_ends.get_or_init(|| self.index.commit_ends(self.log.as_ref()));
        u32::try_from(ends.partition_point(|&end| end < frame)).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Where the image of the first page lies, if it is in the log.
    fn first_page(&self) -> Option<u64> {
        self.index.newest.place(PageNumber::FIRST).map(|frame| self.index.image_offset(frame))
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
