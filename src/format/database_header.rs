//! The first 100 bytes of page 1: what kind of database this is.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 16 | magic, `SQLite format 3` and a zero byte | must match |
//! | 16 | 2 | page size, 1 for 65536 | power of two, 512 to 65536 |
//! | 18 | 1 | write version | above 2: not to be written |
//! | 19 | 1 | read version | above 2: not to be read; 2: write-ahead log |
//! | 20 | 1 | reserved bytes at the end of each page | at least 480 bytes must be left |
//! | 21 | 3 | payload fractions | 64, 32, 32 |
//! | 24 | 4 | change counter | |
//! | 28 | 4 | page count | counts only if not 0 and 24..28 equals 92..96 |
//! | 32 | 4 | first freelist trunk page | 0: none |
//! | 36 | 4 | freelist page count, trunks and leaves | |
//! | 40 | 4 | schema cookie | |
//! | 44 | 4 | schema format | low byte; 0 means 1; above 4 unknown |
//! | 48 | 4 | suggested cache size | signed |
//! | 52 | 4 | largest root page | not 0: there is a pointer map |
//! | 56 | 4 | text encoding: 1 UTF-8, 2 UTF-16LE, 3 UTF-16BE | low two bits; 0 as 1 |
//! | 60 | 4 | user version | signed |
//! | 64 | 4 | incremental vacuum | |
//! | 68 | 4 | application id | |
//! | 72 | 20 | reserved | not looked at |
//! | 92 | 4 | version-valid-for: the change counter when 28 and 96 were written | |
//! | 96 | 4 | version number of the SQLite that wrote last | |

use core::fmt;

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_number::PageNumber;
use super::page_size::PageSize;

/// The length of the database header in bytes.
pub const DATABASE_HEADER_BYTES: usize = 100;

/// The 16 bytes with which every database begins.
pub const DATABASE_MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// The least part of a page, in bytes, that must be left for content.
pub const LEAST_USABLE_BYTES: u32 = 480;

/// The database header, every field of it. [database-header.md#the-100-bytes](crate::notes::database_header#the-100-bytes)
///
/// ```
/// use litecopy::JournalMode;
/// use litecopy::format::DatabaseHeader;
///
/// # let mut bytes = [0; 100];
/// # bytes[..16].copy_from_slice(b"SQLite format 3\0");
/// # bytes[16..24].copy_from_slice(&[16, 0, 2, 2, 0, 64, 32, 32]);
/// let header = DatabaseHeader::parse(&bytes)?; // the first 100 bytes of the file
/// assert_eq!(header.page_size.bytes(), 4096);
/// assert_eq!(header.journal_mode(), JournalMode::Wal);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct DatabaseHeader {
    /// The page size.
    pub page_size: PageSize,
    /// Who may write: above 2, nobody who knows only this format.
    pub write_version: FormatVersion,
    /// Who may read, and whether there is a write-ahead log.
    pub read_version: FormatVersion,
    /// Bytes at the end of each page that hold no content.
    pub reserved_bytes: u8,
    /// Moves with each transaction in rollback mode, now and then in WAL mode.
    pub change_counter: u32,
    /// The page count that the header states; whether it counts, [`Self::size_is_valid`] says.
    pub stated_page_count: u32,
    /// The first trunk page of the freelist.
    pub first_freelist_trunk: Option<PageNumber>,
    /// The pages in the freelist, trunks and leaves together.
    pub freelist_page_count: u32,
    /// Moves with each change of the schema.
    pub schema_cookie: u32,
    /// The schema format as stored; see [`Self::schema_format_number`].
    pub schema_format: u32,
    /// The suggested cache size: pages, or KiB when negative.
    pub suggested_cache_size: i32,
    /// The largest root page of a database with a pointer map.
    pub largest_root_page: Option<PageNumber>,
    /// The encoding of every text.
    pub text_encoding: TextEncoding,
    /// What `PRAGMA user_version` shows.
    pub user_version: i32,
    /// Not 0: with a pointer map, vacuum is incremental instead of automatic.
    pub incremental_vacuum: u32,
    /// What `PRAGMA application_id` shows, there as a signed number.
    pub application_id: u32,
    /// The bytes that no SQLite uses yet.
    pub reserved_for_expansion: [u8; 20],
    /// The change counter at the time when page count and SQLite version were written.
    pub version_valid_for: u32,
    /// The SQLite that wrote last.
    pub sqlite_version: SqliteVersion,
}

impl DatabaseHeader {
    /// Reads the header from the first 100 bytes of a database, in SQLite's order of checks.
    ///
    /// SQLite reads a file that is shorter as if zeros followed: whoever wants that pads before. An empty
    /// file has no header and is an empty database; that too is for the caller to know.
    ///
    /// # Errors
    /// In this order: [`Damage::Short`], [`Damage::NotADatabase`], [`Damage::ReadVersion`],
    /// [`Damage::PayloadFractions`], [`Damage::DatabasePageSize`], [`Damage::UsableBytes`].
    /// [database-header.md#order-of-checks](crate::notes::database_header#order-of-checks)
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        ByteReader::new(bytes).bytes(DATABASE_HEADER_BYTES)?;
        let mut reader = ByteReader::new(bytes);
        let magic = reader.array::<16>()?;
        if magic != DATABASE_MAGIC {
            return Err(Damage::NotADatabase { magic });
        }
        let page_size_code = reader.be_u16()?;
        let write_version = FormatVersion(reader.u8()?);
        let read_version = FormatVersion(reader.u8()?);
        if read_version.0 > 2 {
            return Err(Damage::ReadVersion { found: read_version.0 });
        }
        let reserved_bytes = reader.u8()?;
        let fractions = reader.array::<3>()?;
        if fractions != [64, 32, 32] {
            return Err(Damage::PayloadFractions { found: fractions });
        }
        let page_size = PageSize::from_header_code(page_size_code)
            .ok_or(Damage::DatabasePageSize { code: page_size_code })?;
        if page_size.bytes().saturating_sub(u32::from(reserved_bytes)) < LEAST_USABLE_BYTES {
            return Err(Damage::UsableBytes { page_bytes: page_size.bytes(), reserved_bytes });
        }
        Ok(Self {
            page_size,
            write_version,
            read_version,
            reserved_bytes,
            change_counter: reader.be_u32()?,
            stated_page_count: reader.be_u32()?,
            first_freelist_trunk: PageNumber::new(reader.be_u32()?),
            freelist_page_count: reader.be_u32()?,
            schema_cookie: reader.be_u32()?,
            schema_format: reader.be_u32()?,
            suggested_cache_size: reader.be_u32()?.cast_signed(),
            largest_root_page: PageNumber::new(reader.be_u32()?),
            text_encoding: TextEncoding(reader.be_u32()?),
            user_version: reader.be_u32()?.cast_signed(),
            incremental_vacuum: reader.be_u32()?,
            application_id: reader.be_u32()?,
            reserved_for_expansion: reader.array()?,
            version_valid_for: reader.be_u32()?,
            sqlite_version: SqliteVersion(reader.be_u32()?),
        })
    }

    /// How the database keeps what a crash could lose, as its read version says.
    ///
    /// A log that is there and not empty is used even where this says [`JournalMode::Rollback`].
    #[must_use]
    pub fn journal_mode(&self) -> JournalMode {
        if self.read_version.0 == 2 { JournalMode::Wal } else { JournalMode::Rollback }
    }

    /// The bytes of each page that can hold content: 480 to 65536.
    #[must_use]
    pub fn usable_bytes(&self) -> u32 {
        self.page_size.bytes().saturating_sub(u32::from(self.reserved_bytes))
    }

    /// Whether the stated page count counts: it is not 0, and the last writer was one that keeps it.
    /// [database-header.md#page-count](crate::notes::database_header#page-count)
    #[must_use]
    pub fn size_is_valid(&self) -> bool {
        self.stated_page_count != 0 && self.change_counter == self.version_valid_for
    }

    /// The page count that SQLite goes by: the header's if it counts, else the pager's.
    ///
    /// `pager_page_count` is what the log's last commit says if there is a log in use, otherwise what the
    /// size of the file gives ([`PageSize::pages_in`]). [database-header.md#page-count](crate::notes::database_header#page-count)
    #[must_use]
    pub fn believed_page_count(&self, pager_page_count: u32) -> u32 {
        if self.size_is_valid() { self.stated_page_count } else { pager_page_count }
    }

    /// As [`Self::believed_page_count`], refusing what SQLite refuses.
    ///
    /// # Errors
    /// [`Damage::PageCountBeyondFile`] when the header counts more pages than there are.
    pub fn checked_page_count(&self, pager_page_count: u32) -> Result<u32, Damage> {
        let believed = self.believed_page_count(pager_page_count);
        if believed > pager_page_count {
            return Err(Damage::PageCountBeyondFile { stated: believed, present: pager_page_count });
        }
        Ok(believed)
    }

    /// The 16 bytes at offset 24 by which SQLite tells, in rollback mode, whether the database moved:
    /// change counter, page count, first freelist trunk, freelist page count.
    #[must_use]
    pub fn change_stamp_bytes(&self) -> [u8; 16] {
        let words = [
            self.change_counter,
            self.stated_page_count,
            self.first_freelist_trunk.map_or(0, PageNumber::get),
            self.freelist_page_count,
        ];
        let mut stamp = [0; 16];
        for (place, word) in stamp.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        stamp
    }

    /// The schema format that SQLite sees in the stored one: its low byte, with 0 as 1.
    #[must_use]
    pub fn schema_format_number(&self) -> u8 {
        let [.., low] = self.schema_format.to_be_bytes();
        low.max(1)
    }

    /// Whether the database has pointer map pages.
    #[must_use]
    pub fn is_auto_vacuum(&self) -> bool {
        self.largest_root_page.is_some()
    }
}

/// How a database keeps what a crash could lose.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum JournalMode {
    /// By a rollback journal, or not at all.
    #[default]
    Rollback,
    /// By a write-ahead log.
    Wal,
}

/// The format version that readers, or writers, must know: 0 and 1 rollback journal, 2 write-ahead log.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatVersion(pub u8);

/// A text encoding as stored at offset 56; the low two bits count. [database-header.md#text-encoding](crate::notes::database_header#text-encoding)
///
/// ```
/// use litecopy::format::database_header::TextEncoding;
/// use litecopy::format::text::decode_text;
///
/// assert_eq!(decode_text(&[b'h', 0, b'i', 0], TextEncoding::UTF16LE), "hi");
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextEncoding(pub u32);

impl TextEncoding {
    /// UTF-8.
    pub const UTF8: TextEncoding = TextEncoding(1);
    /// UTF-16, low byte first.
    pub const UTF16LE: TextEncoding = TextEncoding(2);
    /// UTF-16, high byte first.
    pub const UTF16BE: TextEncoding = TextEncoding(3);

    /// The encoding that SQLite takes this for: one of the three constants.
    #[must_use]
    pub fn effective(self) -> TextEncoding {
        match self.0 & 3 {
            2 => Self::UTF16LE,
            3 => Self::UTF16BE,
            _ => Self::UTF8,
        }
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.effective() {
            Self::UTF16LE => "UTF-16le",
            Self::UTF16BE => "UTF-16be",
            _ => "UTF-8",
        };
        if *self == self.effective() { f.write_str(name) } else { write!(f, "{name} (stored as {})", self.0) }
    }
}

/// A version number of SQLite as the header stores it; prints as `3.49.2`.
///
/// ```
/// use litecopy::SqliteVersion;
///
/// assert_eq!(SqliteVersion(3_040_001).to_string(), "3.40.1");
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqliteVersion(pub u32);

impl SqliteVersion {
    /// Whether this version can lose committed pages of a database in WAL mode: from 3.7.0, which brought the log, to
    /// 3.51.2, except 3.44.6 and 3.50.7 and what followed in those two lines. [wal.md#the-wal-reset-fault](crate::notes::wal#the-wal-reset-fault)
    #[must_use]
    pub const fn has_wal_reset_fault(self) -> bool {
        let repaired_line = matches!(self.0, 3_044_006..=3_044_999 | 3_050_007..=3_050_999);
        matches!(self.0, 3_007_000..=3_051_002) && !repaired_line
    }
}

impl fmt::Display for SqliteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0 / 1_000_000, self.0 / 1000 % 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rustfmt::skip]
    const SAMPLE: [u8; 100] = [
        0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66, // "SQLite f"
        0x6f, 0x72, 0x6d, 0x61, 0x74, 0x20, 0x33, 0x00, // "ormat 3\0"
        0x10, 0x00,             // page size 4096
        0x02, 0x02,             // write version, read version: WAL
        0x08,                   // reserved bytes
        0x40, 0x20, 0x20,       // fractions
        0x00, 0x00, 0x00, 0x07, // change counter
        0x00, 0x00, 0x00, 0x09, // page count
        0x00, 0x00, 0x00, 0x05, // first freelist trunk
        0x00, 0x00, 0x00, 0x02, // freelist pages
        0x00, 0x00, 0x00, 0x03, // schema cookie
        0x00, 0x00, 0x00, 0x04, // schema format
        0xff, 0xff, 0xf8, 0x30, // cache size -2000
        0x00, 0x00, 0x00, 0x04, // largest root page
        0x00, 0x00, 0x00, 0x01, // UTF-8
        0xff, 0xff, 0xff, 0xff, // user version -1
        0x00, 0x00, 0x00, 0x01, // incremental vacuum
        0x12, 0x34, 0x56, 0x78, // application id
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0x00, 0x00, 0x00, 0x07, // version-valid-for
        0x00, 0x2e, 0x7d, 0xfa, // 3.047.002
    ];

    fn with(edits: &[(usize, u8)]) -> Result<DatabaseHeader, Damage> {
        let mut bytes = SAMPLE;
        for &(offset, byte) in edits {
            bytes[offset] = byte;
        }
        DatabaseHeader::parse(&bytes)
    }

    #[test]
    fn every_field_is_read() {
        let header = with(&[]).unwrap();
        assert_eq!(header.page_size, PageSize::DEFAULT);
        assert_eq!(header.journal_mode(), JournalMode::Wal);
        assert_eq!(header.usable_bytes(), 4088);
        assert_eq!(header.change_counter, 7);
        assert_eq!(header.first_freelist_trunk.map(PageNumber::get), Some(5));
        assert_eq!(header.suggested_cache_size, -2000);
        assert!(header.is_auto_vacuum());
        assert_eq!(header.user_version, -1);
        assert_eq!(header.application_id, 0x1234_5678);
        assert_eq!(header.sqlite_version.0, 0x002e_7dfa);
        assert_eq!(header.change_stamp_bytes(), SAMPLE[24..40]);
        assert_eq!(SqliteVersion(3_049_002).to_string(), "3.49.2");
    }

    #[test]
    fn the_versions_with_the_wal_reset_fault() {
        let has = |version| SqliteVersion(version).has_wal_reset_fault();
        for faulty in [
            3_007_000, 3_007_017, 3_040_001, 3_044_000, 3_044_005, 3_045_000, 3_049_002, 3_050_000,
            3_050_006, 3_051_000, 3_051_002,
        ] {
            assert!(has(faulty), "{}", SqliteVersion(faulty));
        }
        for sound in [
            0,
            1,
            3_006_023,
            3_006_999,
            3_044_006,
            3_044_007,
            3_044_999,
            3_050_007,
            3_050_008,
            3_051_003,
            3_052_000,
            4_000_000,
            u32::MAX,
        ] {
            assert!(!has(sound), "{}", SqliteVersion(sound));
        }
    }

    #[test]
    fn broken_rules_are_told_apart() {
        assert!(matches!(with(&[(0, b's')]), Err(Damage::NotADatabase { magic }) if magic[0] == b's'));
        assert_eq!(with(&[(19, 3)]), Err(Damage::ReadVersion { found: 3 }));
        assert_eq!(with(&[(22, 31)]), Err(Damage::PayloadFractions { found: [64, 31, 32] }));
        assert_eq!(with(&[(16, 0), (17, 2)]), Err(Damage::DatabasePageSize { code: 2 }));
        assert_eq!(
            with(&[(16, 2), (17, 0), (20, 33)]),
            Err(Damage::UsableBytes { page_bytes: 512, reserved_bytes: 33 })
        );
        assert_eq!(with(&[(16, 2), (17, 0), (20, 32)]).map(|h| h.usable_bytes()), Ok(480));
        assert!(matches!(DatabaseHeader::parse(&SAMPLE[..99]), Err(Damage::Short { available: 99, .. })));
    }

    #[test]
    fn the_first_broken_rule_in_sqlites_order_is_named() {
        let all = [(0, 0), (19, 9), (21, 0), (16, 0)];
        assert!(matches!(with(&all), Err(Damage::NotADatabase { .. })));
        assert!(matches!(with(&all[1..]), Err(Damage::ReadVersion { .. })));
        assert!(matches!(with(&all[2..]), Err(Damage::PayloadFractions { .. })));
        assert!(matches!(with(&all[3..]), Err(Damage::DatabasePageSize { .. })));
    }

    #[test]
    fn old_versions_and_unknown_write_versions_are_accepted() {
        assert_eq!(with(&[(18, 0), (19, 0)]).unwrap().journal_mode(), JournalMode::Rollback);
        assert_eq!(with(&[(18, 77), (19, 1)]).unwrap().write_version, FormatVersion(77));
    }

    #[test]
    fn the_page_count_counts_only_with_matching_counters() {
        let header = with(&[]).unwrap();
        assert!(header.size_is_valid());
        assert_eq!(header.believed_page_count(12), 9);
        assert_eq!(header.checked_page_count(12), Ok(9));
        assert_eq!(header.checked_page_count(8), Err(Damage::PageCountBeyondFile { stated: 9, present: 8 }));
        let stale = with(&[(95, 6)]).unwrap();
        assert_eq!(stale.checked_page_count(8), Ok(8));
        let none = with(&[(31, 0)]).unwrap();
        assert_eq!(none.believed_page_count(8), 8);
    }

    #[test]
    fn text_encodings_are_masked_as_sqlite_masks_them() {
        for (stored, taken) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 1), (6, 2), (7, 3)] {
            assert_eq!(TextEncoding(stored).effective().0, taken);
        }
        assert_eq!(TextEncoding(6).to_string(), "UTF-16le (stored as 6)");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), keep in any::<bool>()) {
            let mut bytes = bytes;
            if keep {
                for (place, byte) in bytes.iter_mut().zip(&SAMPLE[..24]) {
                    *place = *byte;
                }
            }
            if let Ok(header) = DatabaseHeader::parse(&bytes) {
                prop_assert_eq!(&header.change_stamp_bytes()[..], &bytes[24..40]);
                prop_assert!(header.usable_bytes() >= 480);
                let _ = (header.sqlite_version.to_string(), header.text_encoding.to_string());
            }
        }
    }
}
