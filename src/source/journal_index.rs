//! What a rollback would write back: where in a hot journal the image of each page lies, and the size to come back to.
//!
//! Reads a journal as SQLite plays it back (`[journal.md#playback]`), but writes nothing:
//!
//! 1. The first header decides: the size to come back to, the size of sectors and pages. Makes it no sense, the whole
//!    journal is passed over.
//! 2. Segment after segment, at multiples of the sector size, each with its own nonce and its number of records.
//! 3. A record of a page beyond the old size is passed over unseen. One whose checksum is wrong, that is cut short, or
//!    that names page 0 or the lock-byte page, ends the journal.

use crate::error::{Error, Result};
use crate::format::journal_header::{DEFAULT_SECTOR_BYTES, JOURNAL_HEADER_BYTES};
use crate::format::journal_record::record_bytes;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_index::PageIndex;
use crate::format::{JournalHeader, JournalRecord, PageNumber, PageSize, Shape};
use crate::halt::Halt;
use crate::limits::{Limit, Limits};
use crate::os::random_access::{ReadAt, read_padded};
use std::path::Path;

/// How many bytes of the journal are read at once.
const READ_BYTES: usize = 512 * 1024;

/// The pages that a hot journal has, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JournalIndex {
    pub(super) page_size: PageSize,
    /// The pages of the database before the transaction.
    pub(super) page_count: u32,
    /// Where the images begin in the journal. 16 bytes for every page that the journal has (C12).
    pub(super) images: PageIndex<u64>,
}

impl JournalIndex {
    /// Reads a journal; `None` when its first header makes it one that is passed over.
    ///
    /// `database_page_size` is for journals of very old writers, which do not tell theirs.
    pub(super) fn read(
        journal: &dyn ReadAt,
        path: &Path,
        database_page_size: PageSize,
        (limits, halt): (&Limits, &Halt),
    ) -> Result<Option<Self>> {
        let journal_bytes = journal.size_bytes().map_err(Error::io("look at it", path))?;
        if journal_bytes < u64::from(DEFAULT_SECTOR_BYTES) {
            return Ok(None);
        }
        let mut window = Window { journal, path, halt, start: 0, bytes: Vec::new() };
        let Ok(first) = JournalHeader::parse(window.read(0, JOURNAL_HEADER_BYTES)?) else { return Ok(None) };
        limits.check(Limit::JournalBytes, journal_bytes, path)?;
        let page_size = first.page_size.unwrap_or(database_page_size);
        let mut index =
            Self { page_size, page_count: first.initial_page_count, images: PageIndex::default() };
        let mut reader = Reader { window, limits, journal_bytes, page_size };
        let mut segment = (0, first);
        while let Some(end) = reader.read_segment(segment, &mut index)? {
            let start = first.next_segment_offset(end);
            if start.saturating_add(first.sector_bytes.into()) > journal_bytes {
                break;
            }
            let bytes = reader.window.read(start, JOURNAL_HEADER_BYTES)?;
            let Ok(header) = first.parse_later(bytes) else { break };
            segment = (start, header);
        }
        index.images.tidy();
        limits.check(Limit::OverlayBytes, index.images.size_bytes(), path)?;
        Ok(Some(index))
    }

    /// The size of the database before the transaction.
    pub(super) fn database_bytes(&self) -> u64 {
        Shape { page_size: self.page_size, page_count: self.page_count }.size_bytes()
    }
}

/// A stretch of a journal in memory: what is asked for mostly lies right behind what was asked for last.
struct Window<'j> {
    journal: &'j dyn ReadAt,
    path: &'j Path,
    halt: &'j Halt,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The bytes at `offset`, as many as `length` or as there are.
    fn read(&mut self, offset: u64, length: usize) -> Result<&[u8]> {
        let place = |start: u64| usize::try_from(offset.checked_sub(start)?).ok();
        let inside = place(self.start).filter(|at| at.saturating_add(length) <= self.bytes.len());
        let at = match inside {
            Some(at) => at,
            None => {
                self.halt.check(self.path)?;
                self.bytes.resize(READ_BYTES.max(length), 0);
                let count = read_padded(self.journal, &mut self.bytes, offset)
                    .map_err(Error::io("read", self.path))?;
                self.bytes.truncate(count);
                self.start = offset;
                0
            }
        };
        let end = at.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes.get(at..end).unwrap_or_default())
    }
}

struct Reader<'j> {
    window: Window<'j>,
    limits: &'j Limits,
    journal_bytes: u64,
    page_size: PageSize,
}

impl Reader<'_> {
    /// Takes the records of a segment in; the offset behind them, or `None` where the journal ends with it.
    fn read_segment(
        &mut self,
        (start, header): (u64, JournalHeader),
        index: &mut JournalIndex,
    ) -> Result<Option<u64>> {
        let record_bytes = record_bytes(self.page_size);
        let mut offset = start.saturating_add(header.sector_bytes.into());
        for _ in 0..header.records_to_read(self.journal_bytes, self.page_size) {
            let page_size = self.page_size;
            let bytes = self.window.read(offset, record_bytes)?;
            let Some(page) = page_of(bytes, page_size, header.nonce, index.page_count) else {
                return Ok(None);
            };
            if page.get() <= index.page_count {
                index.images.push(page, offset.saturating_add(size_of::<u32>() as u64));
                self.check_overlay(index)?;
            }
            offset = offset.saturating_add(record_bytes as u64);
        }
        Ok(Some(offset))
    }

    /// Keeps the index within its limit: the same page may be there again and again, so twice as much is let grow before
    /// what counts is counted.
    fn check_overlay(&self, index: &mut JournalIndex) -> Result<()> {
        if self.limits.allow(Limit::OverlayBytes, index.images.size_bytes() / 2).is_ok() {
            return Ok(());
        }
        index.images.tidy();
        self.limits.check(Limit::OverlayBytes, index.images.size_bytes(), self.window.path)
    }
}

/// The page that a record is of; `None` when it ends the journal.
fn page_of(bytes: &[u8], page_size: PageSize, nonce: u32, page_count: u32) -> Option<PageNumber> {
    let record = JournalRecord::parse(bytes, page_size).ok()?;
    let page = record.page_number.filter(|&page| page != lock_byte_page(page_size))?;
    (page.get() > page_count || record.check(nonce).is_ok()).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::journal_record::journal_checksum;

    fn header(records: u32, nonce: u32, page_count: u32) -> Vec<u8> {
        let mut bytes = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
        for field in [records, nonce, page_count, 512, 512] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.resize(512, 0);
        bytes
    }

    fn record(page: u32, fill: u8, nonce: u32) -> Vec<u8> {
        let image = [fill; 512];
        [&page.to_be_bytes()[..], &image, &journal_checksum(nonce, &image).to_be_bytes()].concat()
    }

    fn index(parts: &[Vec<u8>]) -> Option<(u32, Vec<(u32, u8)>)> {
        let journal = parts.concat();
        let index = JournalIndex::read(
            &journal,
            Path::new("x-journal"),
            PageSize::DEFAULT,
            (&Limits::new(), &Halt::default()),
        )
        .unwrap()?;
        let fill = |place: u64| journal[usize::try_from(place).unwrap()];
        Some((index.page_count, index.images.iter().map(|(page, place)| (page.get(), fill(place))).collect()))
    }

    #[test]
    fn records_of_several_segments_are_found() {
        let mut first = [header(1, 7, 9), record(2, 20, 7)].concat();
        first.resize(1536, 0);
        assert_eq!(
            index(&[first, header(2, 8, 9), record(5, 50, 8), record(3, 30, 8)]),
            Some((9, vec![(2, 20), (3, 30), (5, 50)]))
        );
    }

    /// Counts what is read of it.
    struct Counted(Vec<u8>, std::sync::atomic::AtomicU64);

    impl ReadAt for Counted {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            self.1.fetch_add(buffer.len() as u64, std::sync::atomic::Ordering::Relaxed);
            self.0.read_at(buffer, offset)
        }

        fn size_bytes(&self) -> std::io::Result<u64> {
            self.0.size_bytes()
        }
    }

    #[test]
    fn tiny_segments_cost_no_more_than_their_bytes() {
        let mut segment = header(0, 7, 9);
        segment[20..24].copy_from_slice(&32_u32.to_be_bytes());
        segment.truncate(32);
        let journal = Counted(segment.repeat(100_000), 0.into());
        let token = crate::halt::CancelToken::new();
        let halt = Halt::new(crate::os::clock::Deadline::after(None), Some(token.clone()));
        let read = || {
            JournalIndex::read(&journal, Path::new("x-journal"), PageSize::DEFAULT, (&Limits::new(), &halt))
        };
        assert_eq!(read().unwrap().unwrap().page_count, 9);
        let read_bytes = journal.1.load(std::sync::atomic::Ordering::Relaxed);
        assert!(read_bytes < 2 * journal.0.len() as u64, "{read_bytes} bytes read");
        token.cancel();
        assert_eq!(read().unwrap_err().kind(), crate::ErrorKind::Cancelled);
    }

    #[test]
    fn a_count_that_is_not_stated_is_made_from_the_size() {
        assert_eq!(
            index(&[header(u32::MAX, 7, 9), record(2, 20, 7), record(3, 30, 7), vec![1; 100]]),
            Some((9, vec![(2, 20), (3, 30)]))
        );
    }

    #[test]
    fn the_first_wrong_record_ends_it_but_one_beyond_the_old_size_does_not() {
        assert_eq!(
            index(&[
                header(4, 7, 9),
                record(10, 1, 99),
                record(2, 20, 7),
                record(3, 30, 8),
                record(4, 40, 7)
            ]),
            Some((9, vec![(2, 20)]))
        );
        assert_eq!(index(&[header(2, 7, 9), record(0, 0, 7), record(4, 40, 7)]), Some((9, vec![])));
    }

    #[test]
    fn the_later_of_two_records_stays_and_no_record_still_cuts_the_file() {
        assert_eq!(index(&[header(2, 7, 9), record(2, 20, 7), record(2, 21, 7)]), Some((9, vec![(2, 21)])));
        assert_eq!(index(&[header(0, 7, 9)]), Some((9, vec![])));
    }

    #[test]
    fn a_journal_without_a_whole_and_sensible_header_is_passed_over() {
        assert_eq!(index(&[vec![0xd9; 511]]), None);
        assert_eq!(index(&[vec![1; 4096]]), None);
        let mut odd = header(1, 7, 9);
        odd[27] = 1;
        assert_eq!(index(&[odd, record(2, 20, 7)]), None);
    }
}
