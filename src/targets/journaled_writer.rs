//! Writes over an old database under EXCLUSIVE, behind a journal from which SQLite itself would roll back.
//!
//! Pages that the database already has as they should be are left alone. The others are gathered, their old images go into the
//! journal, and when that is synced they are written: a batch at a time, so that the journal is synced seldom. Where the page
//! size changes, the old pages that a new one lies over, whole or in part, go into the journal before.

use super::old_database::{OldDatabase, refuse_lack_of_room};
use super::protecting_journal::ProtectingJournal;
use crate::error::{Error, Result};
use crate::format::lock_bytes::lock_byte_page;
use crate::format::{PageNumber, PageSize, Shape};
use crate::os::durable_file::FolderSync;
use crate::os::lock_file::LockFile;
use crate::os::random_access::{ReadAt, read_padded};
use std::ops::Range;

/// How many bytes of pages a batch has, so that the journal is synced seldom.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How many it has at most, in memory, while it would not be the time to sync.
const MOST_BATCH_BYTES: usize = 2 * BATCH_BYTES;

/// An old database that is being written over. Dropped before [`Self::commit`], it rolls back.
#[derive(Debug)]
pub(super) struct JournaledWriter {
    old: OldDatabase,
    journal: ProtectingJournal,
    /// What the file was before.
    old_bytes: u64,
    page_size: PageSize,
    batch: Batch,
    sealed_bytes: u64,
    written_bytes: u64,
    committed: bool,
}

/// Pages to be written, in ascending order.
#[derive(Debug, Default)]
struct Batch {
    numbers: Vec<PageNumber>,
    bytes: Vec<u8>,
}

impl JournaledWriter {
    /// Prepares to write over the locked database, which has the shape `old_shape`.
    pub(super) fn begin(old: OldDatabase, old_shape: Shape, new_shape: Shape) -> Result<Self> {
        let look = |error| Error::io("look at it", old.path())(error);
        let old_bytes = old.file().size_bytes().map_err(look)?;
        let growth_bytes = new_shape.size_bytes().saturating_sub(old_bytes);
        refuse_lack_of_room(old.path(), old.files().database().path(), growth_bytes)?;
        let rights = old.file().rights().map_err(look)?;
        let journal = ProtectingJournal::create(old.files().journal(), old_shape, &rights)?;
        let mut writer = Self {
            old,
            journal,
            old_bytes,
            page_size: new_shape.page_size,
            batch: Batch::default(),
            sealed_bytes: 0,
            written_bytes: 0,
            committed: false,
        };
        writer.change_shape(new_shape)?;
        Ok(writer)
    }

    /// From here on pages have this size; whatever was written before is void.
    pub(super) fn change_shape(&mut self, shape: Shape) -> Result<()> {
        self.write_batch()?;
        self.page_size = shape.page_size;
        if shape.page_size == self.journal.shape().page_size {
            return Ok(());
        }
        // All at once what will be written over; should the source grow, more of it will be found page by page.
        self.record_under(0..shape.size_bytes())?;
        self.journal.seal()
    }

    /// Writes pages that follow each other.
    pub(super) fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        // What is in the batch is not in the file yet, with which the new pages are compared.
        if self.batch.numbers.last().is_some_and(|&last| first <= last) {
            self.write_batch()?;
        }
        let mut old = vec![0; pages.len()];
        self.read(first, &mut old)?;
        let page_bytes = self.page_size.bytes_usize();
        for (place, (page, old)) in
            (0_u32..).zip(pages.chunks_exact(page_bytes).zip(old.chunks_exact(page_bytes)))
        {
            let Some(number) = first.checked_add(place) else { break };
            if old == page {
                continue;
            }
            self.record(number, old)?;
            self.batch.numbers.push(number);
            self.batch.bytes.extend(page);
            if self.batch.bytes.len() >= MOST_BATCH_BYTES {
                self.write_batch()?;
            }
        }
        Ok(())
    }

    /// Brings what lies under a new page into the journal: `image`, where the old pages are of its size.
    fn record(&mut self, number: PageNumber, image: &[u8]) -> Result<()> {
        if self.page_size == self.journal.shape().page_size {
            return self.journal.record(number, image);
        }
        let start = number.offset(self.page_size);
        self.record_under(start..start.saturating_add(self.page_size.bytes().into()))
    }

    /// Brings the old pages that lie in these bytes, whole or in part, into the journal.
    fn record_under(&mut self, bytes: Range<u64>) -> Result<()> {
        let Shape { page_size, page_count } = self.journal.shape();
        let mut image = vec![0; page_size.bytes_usize()];
        let within = |page: &PageNumber| page.get() <= page_count && page.offset(page_size) < bytes.end;
        let mut next = PageNumber::holding(bytes.start, page_size);
        while let Some(page) = next.filter(within) {
            if page != lock_byte_page(page_size) && self.journal.wants(page) {
                read_padded(self.file(), &mut image, page.offset(page_size)).map_err(self.cannot("read"))?;
                self.journal.record(page, &image)?;
            }
            next = page.next();
        }
        Ok(())
    }

    /// Now is the time to sync.
    pub(super) fn between_steps(&mut self) -> Result<()> {
        if self.batch.bytes.len() >= BATCH_BYTES { self.write_batch() } else { Ok(()) }
    }

    /// Ends the writing of a database of `page_count` pages, and brings it to the device. It can still be rolled back.
    pub(super) fn seal(&mut self, page_count: u32) -> Result<()> {
        self.write_batch()?;
        self.sealed_bytes = self.page_size.bytes_of(page_count);
        // Cut it is only after the commit, as by SQLite: then the journal need not have what is cut off.
        if self.file().size_bytes().map_err(self.cannot("look at it"))? < self.sealed_bytes {
            self.journal.seal()?;
            self.file().set_size(self.sealed_bytes).map_err(self.cannot("set its size"))?;
        }
        self.file().sync().map_err(self.cannot("sync"))
    }

    /// How many bytes of pages differed, and were written.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Makes it count, by removing the journal.
    pub(super) fn commit(mut self) -> Result<()> {
        self.old.refuse_if_moved()?;
        let folder = self.journal.remove()?;
        // From here on nothing would protect a rollback from a crash.
        self.committed = true;
        let synced = folder.finish().map_err(self.cannot("sync the folder of the finished copy"));
        synced.map_err(Error::in_doubt)?;
        // What lies behind the end that the header tells is of no meaning, should it stay. Not sooner: the journal, had
        // it come back, would not have it.
        if self.file().size_bytes().is_ok_and(|size_bytes| size_bytes > self.sealed_bytes) {
            let _ = self.file().set_size(self.sealed_bytes).and_then(|()| self.file().sync());
        }
        // Else it is there, but not where it was asked for.
        self.old.confirm_place()
    }

    /// Reads pages of the sealed copy.
    pub(super) fn read(&self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let offset = first.offset(self.page_size);
        read_padded(self.file(), buffer, offset).map(drop).map_err(self.cannot("read"))
    }

    fn write_batch(&mut self) -> Result<()> {
        if self.batch.numbers.is_empty() {
            return Ok(());
        }
        // A hot journal beside another's file would be rolled back into that.
        self.old.refuse_if_moved()?;
        self.journal.seal()?;
        let Batch { numbers, bytes } = &self.batch;
        self.written_bytes += bytes.len() as u64;
        let mut rest = bytes.as_slice();
        for run in numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let (pages, behind) =
                rest.split_at_checked(run.len() * self.page_size.bytes_usize()).unwrap_or((rest, &[]));
            let offset = run.first().map_or(0, |first| first.offset(self.page_size));
            self.file().write_at(pages, offset).map_err(self.cannot("write"))?;
            rest = behind;
        }
        self.batch.numbers.clear();
        self.batch.bytes.clear();
        Ok(())
    }

    fn file(&self) -> &LockFile {
        self.old.file()
    }

    fn cannot<'p>(&'p self, operation: &'static str) -> impl FnOnce(std::io::Error) -> Error + 'p {
        Error::io(operation, self.old.path())
    }
}

impl Drop for JournaledWriter {
    fn drop(&mut self) {
        if !self.committed {
            // If that fails, the journal stays, and whoever opens the database next rolls it back.
            let _ = self
                .journal
                .play_back(self.old.file(), self.old_bytes)
                .and_then(|()| self.journal.remove())
                .map(FolderSync::finish);
        }
    }
}
