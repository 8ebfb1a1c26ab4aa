//! The segments and records of a rollback journal: those that a rollback would write back, and all that can be told behind them.
//!
//! A rollback ends with the first record that breaks a rule ([journal.md#playback](crate::notes::journal#playback)); what comes behind it is read on as far as
//! the counts go, and marked as not rolled back. A header of zeros, as a transaction that ended leaves it, is made up for as far
//! as the rest tells ([journal.md#zeroed-headers](crate::notes::journal#zeroed-headers)).

use crate::error::{Error, Result};
use crate::format::journal_header::{DEFAULT_SECTOR_BYTES, JOURNAL_HEADER_BYTES, JOURNAL_MAGIC, RecordCount};
use crate::format::journal_record::{journal_checksum, record_bytes};
use crate::format::lock_bytes::lock_byte_page;
use crate::format::{JournalHeader, JournalRecord, PageNumber, PageSize};
use crate::limits::{Limit, Limits};
use crate::os::random_access::{ReadAt, read_padded};
use std::path::Path;

/// How many bytes of the journal are read at once.
const READ_BYTES: usize = 512 * 1024;

/// A part of a journal with a header of its own: what was synced together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct JournalSegment {
    /// Where it begins in the journal, in bytes.
    pub offset: u64,
    /// How many records it has, as its header states; `None` for "as many as the file holds", or a header of zeros.
    pub record_count: Option<u32>,
    /// What the checksums of its records begin with.
    pub nonce: u32,
    /// The size in pages that a rollback brings the database back to; 0 where a header of zeros does not tell it.
    pub initial_page_count: u32,
    /// The length of its header, and what segments are aligned to, in bytes.
    pub sector_size: u32,
    /// The size of its pages in bytes.
    pub page_size: u32,
    /// Whether its header is of zeros, and what is told of it was found out by its records.
    pub header_is_zeroed: bool,
    /// The records in it.
    pub records: Vec<JournalRecordReport>,
}

/// A page as it was before the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct JournalRecordReport {
    /// The page; 0 in a record that ends the journal.
    pub page: u32,
    /// Where the record begins in the journal, in bytes.
    pub offset: u64,
    /// Whether its checksum is right.
    pub checksum_ok: bool,
    /// Whether a rollback writes it back: not when it lies behind one that ends the journal, or its page behind the old end of
    /// the database.
    pub rolled_back: bool,
}

impl JournalSegment {
    /// The segments of a journal that is made of bytes. One whose header tells no page size has pages of 4096 bytes.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded).
    pub fn read_all(journal: Vec<u8>, limits: &Limits) -> Result<Vec<Self>> {
        read_segments(&journal, Path::new("memory"), None, limits)
    }
}

/// Reads all segments. `database_page_size` is for journals whose header does not tell it.
pub(super) fn read_segments(
    journal: &dyn ReadAt,
    path: &Path,
    database_page_size: Option<PageSize>,
    limits: &Limits,
) -> Result<Vec<JournalSegment>> {
    let journal_bytes = journal.size_bytes().map_err(Error::io("look at it", path))?;
    limits.check(Limit::JournalBytes, journal_bytes, path)?;
    let mut reader = Reader { journal, path, limits, journal_bytes, kept_bytes: 0, goes_on: true };
    let Some(Start { first, page_size, is_zeroed }) = reader.read_start(database_page_size)? else {
        return Ok(Vec::new());
    };
    reader.goes_on = !is_zeroed && journal_bytes >= u64::from(DEFAULT_SECTOR_BYTES);
    let mut segments = Vec::new();
    let mut at = Some((0, first));
    while let Some((offset, header)) = at {
        let (records, end) = reader.read_records(offset, &header, page_size, is_zeroed)?;
        segments.push(JournalSegment {
            offset,
            record_count: match header.record_count {
                RecordCount::Stated(count) => Some(count),
                RecordCount::FromFileSize => None,
            },
            nonce: header.nonce,
            initial_page_count: first.initial_page_count,
            sector_size: header.sector_bytes,
            page_size: page_size.bytes(),
            header_is_zeroed: is_zeroed,
            records,
        });
        reader.keep(size_of::<JournalSegment>())?;
        at = reader.next_segment(&first, end)?.filter(|_| !is_zeroed);
    }
    Ok(segments)
}

/// What the first header tells, or the records behind one of zeros.
struct Start {
    first: JournalHeader,
    page_size: PageSize,
    is_zeroed: bool,
}

struct Reader<'j> {
    journal: &'j dyn ReadAt,
    path: &'j Path,
    limits: &'j Limits,
    journal_bytes: u64,
    /// What was kept so far, in memory.
    kept_bytes: usize,
    /// Whether a rollback has not ended yet.
    goes_on: bool,
}

impl Reader<'_> {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        read_padded(self.journal, buffer, offset).map_err(Error::io("read", self.path))
    }

    fn keep(&mut self, bytes: usize) -> Result<()> {
        self.kept_bytes = self.kept_bytes.saturating_add(bytes);
        self.limits.check(Limit::OverlayBytes, self.kept_bytes as u64, self.path)
    }

    fn read_start(&self, database_page_size: Option<PageSize>) -> Result<Option<Start>> {
        let mut bytes = [0; JOURNAL_HEADER_BYTES];
        let there = self.read(&mut bytes, 0)?;
        let there = bytes.get(..there).unwrap_or_default();
        if let Ok(first) = JournalHeader::parse(there) {
            let page_size = first.page_size.or(database_page_size).unwrap_or_default();
            return Ok(Some(Start { first, page_size, is_zeroed: false }));
        }
        // A writer that has not synced yet leaves magic and count on zero, and says all else.
        let mut unsynced = bytes;
        if let (true, Some((magic, _))) =
            (there.starts_with(&[0; 12]), unsynced.split_first_chunk_mut::<12>())
        {
            let count = u32::MAX.to_be_bytes();
            for (place, byte) in magic.iter_mut().zip(JOURNAL_MAGIC.into_iter().chain(count)) {
                *place = byte;
            }
        }
        if let Ok(first) = JournalHeader::parse(&unsynced) {
            let page_size = first.page_size.or(database_page_size).unwrap_or_default();
            return Ok(Some(Start { first, page_size, is_zeroed: true }));
        }
        if there != [0; JOURNAL_HEADER_BYTES] {
            return Ok(None);
        }
        self.guess_start(database_page_size)
    }

    /// The nonce follows from any record; two that agree on it tell the sizes.
    fn guess_start(&self, database_page_size: Option<PageSize>) -> Result<Option<Start>> {
        let of_database = database_page_size.into_iter();
        let page_sizes = of_database.chain(PageSize::ALL.iter().copied()).filter(|_| self.journal_bytes > 0);
        for page_size in page_sizes {
            for sector_bytes in [512, 4096, 1024, 2048, 8192, 16384, 32768, 65536] {
                let nonce = |place: u64| self.nonce_of(u64::from(sector_bytes) + place, page_size);
                let second = record_bytes(page_size) as u64;
                let (Some(nonce), Some(next)) = (nonce(0)?, nonce(second)?) else { continue };
                if nonce == next {
                    let first = JournalHeader {
                        record_count: RecordCount::FromFileSize,
                        nonce,
                        initial_page_count: 0,
                        sector_bytes,
                        page_size: Some(page_size),
                    };
                    return Ok(Some(Start { first, page_size, is_zeroed: true }));
                }
            }
        }
        Ok(None)
    }

    /// The nonce that makes the record at this offset right; `None` when there is no record.
    fn nonce_of(&self, offset: u64, page_size: PageSize) -> Result<Option<u32>> {
        let mut bytes = vec![0; record_bytes(page_size)];
        if self.read(&mut bytes, offset)? < bytes.len() {
            return Ok(None);
        }
        let record = JournalRecord::parse(&bytes, page_size).ok();
        let record = record.filter(|record| record.page_number.is_some());
        Ok(record.map(|record| record.checksum.wrapping_sub(journal_checksum(0, record.image))))
    }

    /// The records of a segment, and the offset behind them.
    fn read_records(
        &mut self,
        start: u64,
        header: &JournalHeader,
        page_size: PageSize,
        is_zeroed: bool,
    ) -> Result<(Vec<JournalRecordReport>, u64)> {
        let record_bytes = record_bytes(page_size);
        let mut left = header.records_to_read(self.journal_bytes, page_size);
        let mut offset = start.saturating_add(header.sector_bytes.into());
        let mut buffer = vec![0; (READ_BYTES / record_bytes).max(1) * record_bytes];
        let mut records = Vec::new();
        while left > 0 {
            let there = self.read(&mut buffer, offset)?;
            let whole = buffer.get(..there).unwrap_or_default().chunks_exact(record_bytes);
            if whole.len() == 0 {
                self.goes_on = false;
                break;
            }
            for bytes in whole.take(usize::try_from(left).unwrap_or(usize::MAX)) {
                let Ok(record) = JournalRecord::parse(bytes, page_size) else { break };
                let report = self.judge(&record, offset, header, page_size);
                // Without a count, stale bytes that are no record end what can be told.
                let is_end = matches!(header.record_count, RecordCount::FromFileSize) && !report.checksum_ok;
                if is_end && (is_zeroed || report.page == 0) {
                    return Ok((records, offset));
                }
                records.push(report);
                self.keep(size_of::<JournalRecordReport>())?;
                left -= 1;
                offset = offset.saturating_add(record_bytes as u64);
            }
        }
        Ok((records, offset))
    }

    fn judge(
        &mut self,
        record: &JournalRecord<'_>,
        offset: u64,
        header: &JournalHeader,
        page_size: PageSize,
    ) -> JournalRecordReport {
        let checksum_ok = record.check(header.nonce).is_ok();
        let page = record.page_number.filter(|&page| page != lock_byte_page(page_size));
        let is_within = page.is_some_and(|page| page.get() <= header.initial_page_count);
        // A record of a page behind the old end is passed over unseen.
        self.goes_on &= page.is_some() && (checksum_ok || !is_within);
        JournalRecordReport {
            page: record.page_number.map_or(0, PageNumber::get),
            offset,
            checksum_ok,
            rolled_back: self.goes_on && is_within,
        }
    }

    fn next_segment(&self, first: &JournalHeader, end: u64) -> Result<Option<(u64, JournalHeader)>> {
        let start = first.next_segment_offset(end);
        if start.saturating_add(first.sector_bytes.into()) > self.journal_bytes {
            return Ok(None);
        }
        let mut bytes = [0; JOURNAL_HEADER_BYTES];
        self.read(&mut bytes, start)?;
        Ok(first.parse_later(&bytes).ok().map(|header| (start, header)))
    }
}
