//! The journal that protects an old database while it is written over: whoever opens that after a crash rolls it back.
//!
//! Written as SQLite writes its own (`[journal.md#header]`), in segments:
//!
//! | step | why |
//! |---|---|
//! | header without magic and count, records | as long as the first byte is zero, nobody takes the journal for hot |
//! | file synced; the first time its folder too | the records are there before they count |
//! | magic and count written, file synced | from here on the journal is hot, and covers these pages |
//! | only now the pages of the segment are written over | what a crash tears is in the journal |
//!
//! The next batch of pages begins another segment, at the next sector. To remove the journal is to commit.

use crate::error::{Error, Problem, Result};
use crate::format::journal_header::DEFAULT_SECTOR_BYTES;
use crate::format::journal_header::RecordCount;
use crate::format::journal_record::{append_record, record_bytes};
use crate::format::page_set::PageSet;
use crate::format::{JournalHeader, JournalRecord, PageNumber, Shape};
use crate::os::durable_file::FolderSync;
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::os::random;
use crate::os::random_access::read_padded;
use crate::os::rights::Rights;
use crate::os::side_file::SideFile;

/// How many bytes of records are gathered before they are written.
const WRITE_BYTES: usize = 256 * 1024;

/// How many bytes of a header a writer leaves zero until its records are synced: magic and count.
const LATE_BYTES: usize = 12;

/// The old pages of a database of this shape, as far as they are going to be written over.
#[derive(Debug)]
pub(super) struct ProtectingJournal {
    file: SideFile,
    shape: Shape,
    recorded: PageSet,
    /// Synced, magic and all: their pages may be written over.
    sealed: Vec<Segment>,
    open: Option<Segment>,
    /// Records of the open segment that are not written yet.
    gathered: Vec<u8>,
    /// Where the journal ends, the gathered records not counted.
    end: u64,
}

/// A header and its records.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    nonce: u32,
    record_count: u32,
}

impl ProtectingJournal {
    /// Makes the journal at `place`, for a database of this shape that has these rights. EXCLUSIVE is held on that, and no
    /// hot journal is there.
    pub(super) fn create(place: &Place, shape: Shape, database: &Rights) -> Result<Self> {
        let file = SideFile::create(place, database).map_err(Error::io("create", place.path()))?;
        let mut journal = Self {
            file,
            shape,
            recorded: PageSet::growing(shape.page_count),
            sealed: Vec::new(),
            open: None,
            gathered: Vec::new(),
            end: 0,
        };
        // Also with no record the journal says something: how long the database was.
        match journal.open_segment() {
            Ok(()) => Ok(journal),
            Err(error) => {
                let _ = journal.remove().map(FolderSync::finish);
                Err(error)
            }
        }
    }

    /// The database as it was.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the page is one of the old database that it has not taken in yet.
    pub(super) fn wants(&self, page: PageNumber) -> bool {
        page.get() <= self.shape.page_count && !self.recorded.contains(page)
    }

    /// Takes in a page as it was, unless it has it already. It may be written over after the next [`Self::seal`].
    pub(super) fn record(&mut self, page: PageNumber, image: &[u8]) -> Result<()> {
        if !self.recorded.insert(page) {
            return Ok(());
        }
        if self.open.is_none() {
            self.open_segment()?;
        }
        let Some(segment) = &mut self.open else { return Ok(()) };
        append_record(&mut self.gathered, page, image, segment.nonce);
        segment.record_count += 1;
        if self.gathered.len() >= WRITE_BYTES { self.write_gathered() } else { Ok(()) }
    }

    /// Makes what was recorded count: from here on a rollback brings it back.
    pub(super) fn seal(&mut self) -> Result<()> {
        self.write_gathered()?;
        let Some(segment) = self.open.take() else { return Ok(()) };
        self.sync()?;
        if self.sealed.is_empty() {
            self.file.sync_name().map_err(Error::io("sync the folder of", self.file.path()))?;
        }
        let header = self.header(segment).to_bytes();
        self.write(header.get(..LATE_BYTES).unwrap_or_default(), segment.start)?;
        self.sync()?;
        self.sealed.push(segment);
        Ok(())
    }

    /// Writes the old pages back, and gives the database its old size.
    pub(super) fn play_back(&self, database: &LockFile, size_bytes: u64) -> Result<()> {
        if self.sealed.is_empty() {
            return Ok(());
        }
        let mut bytes = vec![0; record_bytes(self.shape.page_size)];
        let unwritten = || Error::io("write back the pages of", self.file.path());
        for segment in &self.sealed {
            let mut offset = segment.start + u64::from(DEFAULT_SECTOR_BYTES);
            for _ in 0..segment.record_count {
                read_padded(&self.file, &mut bytes, offset).map_err(Error::io("read", self.file.path()))?;
                let record = JournalRecord::parse(&bytes, self.shape.page_size);
                let checked = record.and_then(|record| record.check(segment.nonce).map(|()| record));
                let record = checked
                    .map_err(|damage| Error::new(self.file.path(), Problem::Damaged { offset, damage }))?;
                if let Some(page) = record.page_number {
                    let place = page.offset(self.shape.page_size);
                    database.write_at(record.image, place).map_err(unwritten())?;
                }
                offset += bytes.len() as u64;
            }
        }
        database.set_size(size_bytes).and_then(|()| database.sync()).map_err(unwritten())
    }

    /// Removes the journal: the commit, or the end of a rollback. Its absence has still to be brought to the device.
    pub(super) fn remove(&self) -> Result<FolderSync> {
        self.file.remove().map_err(Error::io("remove", self.file.path()))
    }

    fn open_segment(&mut self) -> Result<()> {
        let nonce = u32::try_from(random::number() >> 32).unwrap_or(0);
        let start = self.end.next_multiple_of(u64::from(DEFAULT_SECTOR_BYTES));
        let segment = Segment { start, nonce, record_count: 0 };
        let mut sector = vec![0; DEFAULT_SECTOR_BYTES as usize];
        let header = self.header(segment).to_bytes();
        if let (Some(place), Some(fields)) =
            (sector.get_mut(LATE_BYTES..header.len()), header.get(LATE_BYTES..))
        {
            place.copy_from_slice(fields);
        }
        self.write(&sector, start)?;
        self.end = start + sector.len() as u64;
        self.open = Some(segment);
        Ok(())
    }

    fn header(&self, segment: Segment) -> JournalHeader {
        JournalHeader {
            record_count: RecordCount::Stated(segment.record_count),
            nonce: segment.nonce,
            initial_page_count: self.shape.page_count,
            sector_bytes: DEFAULT_SECTOR_BYTES,
            page_size: Some(self.shape.page_size),
        }
    }

    fn write_gathered(&mut self) -> Result<()> {
        self.write(&self.gathered, self.end)?;
        self.end += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_at(bytes, offset).map_err(Error::io("write", self.file.path()))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync().map_err(Error::io("sync", self.file.path()))
    }
}
