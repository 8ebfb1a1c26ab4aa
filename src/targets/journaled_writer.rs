//! Writes over an old database under EXCLUSIVE, behind a journal from which SQLite itself would roll back.
//!
//! Pages that the database already has as they should be are left alone. The others are gathered, their old images go into the
//! journal, and when that is synced they are written: a batch at a time, so that the journal is synced seldom. Where the page
//! size changes, all old pages go into the journal before the first is written over.

use super::protecting_journal::ProtectingJournal;
use crate::error::{Error, Result};
use crate::format::lock_bytes::lock_byte_page;
use crate::format::{PageNumber, PageSize, Shape};
use crate::lock::database_lock::ExclusiveLock;
use crate::os::durable_file::FolderSync;
use crate::os::lock_file::LockFile;
use crate::os::random_access::{ReadAt, read_padded};
use std::path::{Path, PathBuf};

/// How many bytes of pages a batch has, so that the journal is synced seldom.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How many it has at most, in memory, while it would not be the time to sync.
const MOST_BATCH_BYTES: usize = 2 * BATCH_BYTES;

/// How many bytes of the old database are read at once.
const READ_BYTES: u32 = 256 * 1024;

/// An old database that is being written over. Dropped before [`Self::commit`], it rolls back.
#[derive(Debug)]
pub(super) struct JournaledWriter {
    /// As the caller named the database, for messages.
    path: PathBuf,
    lock: ExclusiveLock,
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
    /// Prepares to write pages of `page_size` over the locked database, which has the shape `old`.
    pub(super) fn begin(
        path: &Path,
        journal: &Path,
        lock: ExclusiveLock,
        old: Shape,
        page_size: PageSize,
    ) -> Result<Self> {
        let look = |error| Error::io("look at it", path)(error);
        let old_bytes = lock.file().size_bytes().map_err(look)?;
        let journal = ProtectingJournal::create(journal, old, &lock.file().metadata().map_err(look)?)?;
        let mut writer = Self {
            path: path.to_owned(),
            lock,
            journal,
            old_bytes,
            page_size,
            batch: Batch::default(),
            sealed_bytes: 0,
            written_bytes: 0,
            committed: false,
        };
        writer.change_page_size(page_size)?;
        Ok(writer)
    }

    /// From here on pages have this size; whatever was written before is void.
    pub(super) fn change_page_size(&mut self, page_size: PageSize) -> Result<()> {
        self.write_batch()?;
        self.page_size = page_size;
        if page_size == self.journal.shape().page_size { Ok(()) } else { self.record_everything() }
    }

    /// Writes pages that follow each other.
    pub(super) fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        // What is in the batch is not in the file yet, with which the new pages are compared.
        if self.batch.numbers.last().is_some_and(|&last| first <= last) {
            self.write_batch()?;
        }
        let same_size = self.page_size == self.journal.shape().page_size;
        let mut old = Vec::new();
        if same_size {
            old.resize(pages.len(), 0);
            self.read(first, &mut old)?;
        }
        let page_bytes = self.page_size.bytes_usize();
        let mut olds = old.chunks_exact(page_bytes);
        for (place, page) in (0_u32..).zip(pages.chunks_exact(page_bytes)) {
            let old = olds.next();
            let Some(number) = first.checked_add(place) else { break };
            if old == Some(page) {
                continue;
            }
            if let Some(old) = old {
                self.journal.record(number, old)?;
            }
            self.batch.numbers.push(number);
            self.batch.bytes.extend(page);
            if self.batch.bytes.len() >= MOST_BATCH_BYTES {
                self.write_batch()?;
            }
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
        self.sealed_bytes = u64::from(page_count) * u64::from(self.page_size.bytes());
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
        let folder = self.journal.remove()?;
        // From here on nothing would protect a rollback from a crash.
        self.committed = true;
        folder.finish().map_err(self.cannot("sync the folder of the finished copy"))?;
        // What lies behind the end that the header tells is of no meaning, should it stay. Not sooner: the journal, had
        // it come back, would not have it.
        if self.file().size_bytes().is_ok_and(|size_bytes| size_bytes > self.sealed_bytes) {
            let _ = self.file().set_size(self.sealed_bytes).and_then(|()| self.file().sync());
        }
        Ok(())
    }

    /// Reads pages of the sealed copy.
    pub(super) fn read(&self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let offset = first.offset(self.page_size);
        read_padded(self.file(), buffer, offset).map(drop).map_err(self.cannot("read"))
    }

    /// Brings all old pages into the journal that are not in it yet: so they are still in the file as they were.
    fn record_everything(&mut self) -> Result<()> {
        let Shape { page_size, page_count, .. } = self.journal.shape();
        let run = (READ_BYTES / page_size.bytes()).max(1);
        let mut buffer = vec![0; run as usize * page_size.bytes_usize()];
        let mut next = PageNumber::new(1).filter(|_| page_count > 0);
        while let Some(first) = next {
            read_padded(self.file(), &mut buffer, first.offset(page_size)).map_err(self.cannot("read"))?;
            for (place, image) in (0..run).zip(buffer.chunks_exact(page_size.bytes_usize())) {
                let page = first.checked_add(place).filter(|&page| page != lock_byte_page(page_size));
                page.map_or(Ok(()), |page| self.journal.record(page, image))?;
            }
            next = first.checked_add(run).filter(|page| page.get() <= page_count);
        }
        self.journal.seal()
    }

    fn write_batch(&mut self) -> Result<()> {
        if self.batch.numbers.is_empty() {
            return Ok(());
        }
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
        self.lock.file()
    }

    fn cannot<'p>(&'p self, operation: &'static str) -> impl FnOnce(std::io::Error) -> Error + 'p {
        Error::io(operation, &self.path)
    }
}

impl Drop for JournaledWriter {
    fn drop(&mut self) {
        if !self.committed {
            // If that fails, the journal stays, and whoever opens the database next rolls it back.
            let _ = self
                .journal
                .play_back(self.lock.file(), self.old_bytes)
                .and_then(|()| self.journal.remove())
                .map(FolderSync::finish);
        }
    }
}
