//! The header of a rollback journal, and of each later segment of it.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 8 | magic d9 d5 05 f9 20 a1 63 d7 | zero while the writer has not synced, and in a finished journal |
//! | 8 | 4 | record count of this segment | 0xffffffff: as many as the file holds |
//! | 12 | 4 | nonce of the checksums | another in each segment |
//! | 16 | 4 | page count of the database when the transaction began | |
//! | 20 | 4 | sector size | power of two, 32 to 65536 |
//! | 24 | 4 | page size | power of two, 512 to 65536; 0: that of the database |
//! | 28 | | padding up to the sector size | |
//!
//! A segment begins at a multiple of the sector size: header, then records. In the later ones, the two sizes
//! are not looked at. A journal whose first header has impossible sizes is not a journal to SQLite.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::journal_record::record_bytes;
use super::page_size::PageSize;

/// The length of a journal header in bytes, without its padding.
pub const JOURNAL_HEADER_BYTES: usize = 28;

/// The eight bytes that begin each segment, and end the record that names a super-journal.
pub const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The sector size that SQLite assumes for the first header when the device promises nothing worse.
pub const DEFAULT_SECTOR_BYTES: u32 = 512;

/// The header of one segment of a rollback journal. [journal.md#header](crate::notes::journal#header)
///
/// ```
/// use litecopy::format::JournalHeader;
/// use litecopy::format::journal_header::{JOURNAL_MAGIC, RecordCount};
///
/// let mut bytes = JOURNAL_MAGIC.to_vec();
/// for number in [3_u32, 0x5eed, 100, 512, 4096] {
///     bytes.extend_from_slice(&number.to_be_bytes());
/// }
/// let header = JournalHeader::parse(&bytes)?;
/// assert_eq!(header.record_count, RecordCount::Stated(3));
/// assert_eq!(header.initial_page_count, 100);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct JournalHeader {
    /// How many records follow.
    pub record_count: RecordCount,
    /// What the checksums of the records begin with.
    pub nonce: u32,
    /// The page count of the database that a rollback brings back.
    pub initial_page_count: u32,
    /// The length of the header with its padding, in bytes; segments begin at its multiples.
    pub sector_bytes: u32,
    /// The page size; `None` in a journal of very old writers, which means that of the database.
    pub page_size: Option<PageSize>,
}

impl JournalHeader {
    /// Reads the first header of a journal.
    ///
    /// # Errors
    /// In this order: [`Damage::Short`], [`Damage::JournalZeroed`] when the magic is all zero,
    /// [`Damage::JournalMagic`], [`Damage::JournalPageSize`], [`Damage::JournalSectorSize`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(bytes);
        let (record_count, nonce, initial_page_count) = read_common(&mut reader)?;
        let sector_bytes = reader.be_u32()?;
        let page_bytes = reader.be_u32()?;
        let page_size = match page_bytes {
            0 => None,
            _ => Some(PageSize::new(page_bytes).ok_or(Damage::JournalPageSize { found: page_bytes })?),
        };
        if !(32..=65536).contains(&sector_bytes) || !sector_bytes.is_power_of_two() {
            return Err(Damage::JournalSectorSize { found: sector_bytes });
        }
        Ok(Self { record_count, nonce, initial_page_count, sector_bytes, page_size })
    }

    /// Reads the header of a later segment of the journal whose first header is this; the sizes are taken
    /// from the first, whatever the later says.
    ///
    /// # Errors
    /// In this order: [`Damage::Short`], [`Damage::JournalZeroed`], [`Damage::JournalMagic`]. To SQLite, all
    /// of them mean that the journal ends here.
    pub fn parse_later(&self, bytes: &[u8]) -> Result<Self, Damage> {
        let (record_count, nonce, initial_page_count) = read_common(&mut ByteReader::new(bytes))?;
        Ok(Self { record_count, nonce, initial_page_count, ..*self })
    }

    /// The header's bytes, without its padding.
    ///
    /// A writer stores the first 12, magic and count, only when what they stand for is synced.
    pub(crate) fn to_bytes(self) -> [u8; JOURNAL_HEADER_BYTES] {
        let record_count = match self.record_count {
            RecordCount::Stated(count) => count,
            RecordCount::FromFileSize => u32::MAX,
        };
        let page_bytes = self.page_size.map_or(0, PageSize::bytes);
        let fields = [record_count, self.nonce, self.initial_page_count, self.sector_bytes, page_bytes];
        let mut bytes = [0; JOURNAL_HEADER_BYTES];
        let (magic, rest) = bytes.split_at_mut(JOURNAL_MAGIC.len());
        magic.copy_from_slice(&JOURNAL_MAGIC);
        for (place, field) in rest.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *place = field.to_be_bytes();
        }
        bytes
    }

    /// Where the next segment can begin: `offset` rounded up to a multiple of the sector size.
    /// [journal.md#segments](crate::notes::journal#segments)
    #[must_use]
    pub fn next_segment_offset(&self, offset: u64) -> u64 {
        offset.checked_next_multiple_of(u64::from(self.sector_bytes)).unwrap_or(u64::MAX)
    }

    /// How many records a rollback looks for in this segment of a journal of `journal_bytes`.
    ///
    /// A count that is to be made from the file's size is made from the whole file, with one header taken
    /// off, as SQLite does.
    #[must_use]
    pub fn records_to_read(&self, journal_bytes: u64, page_size: PageSize) -> u64 {
        match self.record_count {
            RecordCount::Stated(count) => u64::from(count),
            RecordCount::FromFileSize => {
                journal_bytes.saturating_sub(u64::from(self.sector_bytes)) / record_bytes(page_size) as u64
            }
        }
    }
}

/// How many records a segment has.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordCount {
    /// So many, as the header states.
    Stated(u32),
    /// 0xffffffff: as many as the file holds.
    FromFileSize,
}

fn read_common(reader: &mut ByteReader<'_>) -> Result<(RecordCount, u32, u32), Damage> {
    reader.clone().bytes(JOURNAL_HEADER_BYTES)?;
    let magic = reader.array::<8>()?;
    if magic == [0; 8] {
        return Err(Damage::JournalZeroed);
    }
    if magic != JOURNAL_MAGIC {
        return Err(Damage::JournalMagic { found: magic });
    }
    let record_count = match reader.be_u32()? {
        u32::MAX => RecordCount::FromFileSize,
        count => RecordCount::Stated(count),
    };
    Ok((record_count, reader.be_u32()?, reader.be_u32()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rustfmt::skip]
    const SAMPLE: [u8; 28] = [
        0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, // magic
        0x00, 0x00, 0x00, 0x03, // three records
        0x12, 0x34, 0x56, 0x78, // nonce
        0x00, 0x00, 0x00, 0x2a, // 42 pages
        0x00, 0x00, 0x02, 0x00, // sector size 512
        0x00, 0x00, 0x10, 0x00, // page size 4096
    ];

    fn with(edits: &[(usize, u8)]) -> [u8; 28] {
        let mut bytes = SAMPLE;
        for &(offset, byte) in edits {
            bytes[offset] = byte;
        }
        bytes
    }

    #[test]
    fn every_field_is_read() {
        let header = JournalHeader::parse(&SAMPLE).unwrap();
        assert_eq!(header.record_count, RecordCount::Stated(3));
        assert_eq!((header.nonce, header.initial_page_count, header.sector_bytes), (0x1234_5678, 42, 512));
        assert_eq!(header.page_size, Some(PageSize::DEFAULT));
        assert_eq!(header.records_to_read(0, PageSize::DEFAULT), 3);
        assert_eq!(header.to_bytes(), SAMPLE);
    }

    #[test]
    fn broken_rules_are_told_apart() {
        assert_eq!(JournalHeader::parse(&[0; 28]), Err(Damage::JournalZeroed));
        let unsynced: Vec<u8> = [&[0; 12][..], &SAMPLE[12..]].concat();
        assert_eq!(JournalHeader::parse(&unsynced), Err(Damage::JournalZeroed));
        assert!(matches!(JournalHeader::parse(&with(&[(0, 0)])), Err(Damage::JournalMagic { .. })));
        assert!(matches!(JournalHeader::parse(&SAMPLE[..27]), Err(Damage::Short { .. })));
        assert_eq!(
            JournalHeader::parse(&with(&[(22, 0), (23, 16)])),
            Err(Damage::JournalSectorSize { found: 16 })
        );
        assert_eq!(JournalHeader::parse(&with(&[(27, 1)])), Err(Damage::JournalPageSize { found: 4097 }));
    }

    #[test]
    fn a_page_size_of_0_means_the_databases() {
        assert_eq!(JournalHeader::parse(&with(&[(26, 0)])).map(|h| h.page_size), Ok(None));
    }

    #[test]
    fn later_segments_keep_the_sizes_of_the_first() {
        let first = JournalHeader::parse(&SAMPLE).unwrap();
        let later = with(&[(11, 9), (15, 0x79), (22, 0), (23, 7), (26, 0), (27, 7)]);
        let later = first.parse_later(&later).unwrap();
        assert_eq!((later.sector_bytes, later.page_size), (first.sector_bytes, first.page_size));
        assert_eq!((later.record_count, later.nonce), (RecordCount::Stated(9), 0x1234_5679));
        assert_eq!(first.parse_later(&[0; 28]), Err(Damage::JournalZeroed));
    }

    #[test]
    fn segments_begin_at_sectors() {
        let header = JournalHeader::parse(&SAMPLE).unwrap();
        for (offset, next) in [(0, 0), (1, 512), (512, 512), (512 + 4104, 5120), (u64::MAX, u64::MAX)] {
            assert_eq!(header.next_segment_offset(offset), next);
        }
    }

    #[test]
    fn the_file_size_gives_the_count_when_the_header_does_not() {
        let header = JournalHeader::parse(&with(&[(8, 255), (9, 255), (10, 255), (11, 255)])).unwrap();
        assert_eq!(header.record_count, RecordCount::FromFileSize);
        assert_eq!(header.records_to_read(512 + 2 * 4104 + 4103, PageSize::DEFAULT), 2);
        assert_eq!(header.records_to_read(0, PageSize::DEFAULT), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), keep in any::<bool>()) {
            let mut bytes = bytes;
            if keep {
                for (place, byte) in bytes.iter_mut().zip(JOURNAL_MAGIC) {
                    *place = byte;
                }
            }
            let _ = JournalHeader::parse(&bytes);
        }
    }
}
