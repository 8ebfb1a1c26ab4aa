//! The database header, every field as it is stored, also where SQLite would refuse it.

use crate::format::byte_reader::ByteReader;
use crate::format::damage::Damage;
use crate::format::database_header::{
    DATABASE_HEADER_BYTES, DATABASE_MAGIC, DatabaseHeader, SqliteVersion, TextEncoding,
};
use crate::format::page_size::PageSize;

/// The fields of the 100 bytes with which a database begins; [database-header.md#the-100-bytes](crate::notes::database_header#the-100-bytes).
///
/// They are as stored: what a field means where it is damaged, [`damage`](Self::damage) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HeaderReport {
    /// The first rule, in SQLite's order of checks, that the header breaks.
    pub damage: Option<String>,
    /// Whether the first 16 bytes are `SQLite format 3` and a zero byte.
    pub magic_is_right: bool,
    /// The page size in bytes; `None` when what is stored is none.
    pub page_size: Option<u32>,
    /// 1 for rollback journal, 2 for write-ahead log; above 2 nobody may write.
    pub write_version: u8,
    /// 1 for rollback journal, 2 for write-ahead log; above 2 nobody may read.
    pub read_version: u8,
    /// Bytes kept free at the end of each page.
    pub reserved_bytes: u8,
    /// 64, 32 and 32.
    pub payload_fractions: [u8; 3],
    /// Moves with each transaction in rollback mode.
    pub change_counter: u32,
    /// The size in pages; it counts only when not 0 and `change_counter` equals `version_valid_for`.
    pub page_count: u32,
    /// The first page of the freelist; 0 for none.
    pub first_freelist_trunk: u32,
    /// How many pages are free.
    pub freelist_page_count: u32,
    /// Moves with each change of the schema.
    pub schema_cookie: u32,
    /// 1 to 4; 0 in a database without a table.
    pub schema_format: u32,
    /// The suggested cache size: pages, or KiB when negative.
    pub cache_size: i32,
    /// Not 0 in a database with automatic or incremental vacuum.
    pub largest_root_page: u32,
    /// 1 for UTF-8, 2 for UTF-16le, 3 for UTF-16be, as stored.
    pub text_encoding: u32,
    /// The name of the text encoding that SQLite takes.
    pub text_encoding_name: String,
    /// What `PRAGMA user_version` shows.
    pub user_version: i32,
    /// Not 0: vacuum is incremental.
    pub incremental_vacuum: u32,
    /// What `PRAGMA application_id` shows, unsigned.
    pub application_id: u32,
    /// The change counter when the next field and the page count were written.
    pub version_valid_for: u32,
    /// The version number of the SQLite that wrote last, as stored.
    pub sqlite_version_number: u32,
    /// The same as people write it.
    pub sqlite_version: String,
    /// Whether that version can lose committed pages of a database in WAL mode; [wal.md#the-wal-reset-fault](crate::notes::wal#the-wal-reset-fault).
    pub has_wal_reset_fault: bool,
}

impl HeaderReport {
    /// Whether SQLite goes by the page count in it, and not by the size of the file.
    pub(super) fn page_count_counts(&self) -> bool {
        self.page_count != 0 && self.change_counter == self.version_valid_for
    }

    /// Reads the fields from the first 100 bytes of a database.
    pub(crate) fn read(bytes: &[u8; DATABASE_HEADER_BYTES]) -> Self {
        // 100 bytes hold all the fields: what would be missing is zero, and never is.
        let number = |offset: usize| ByteReader::at(bytes, offset).be_u32().unwrap_or_default();
        let byte = |offset: usize| ByteReader::at(bytes, offset).u8().unwrap_or_default();
        let page_size_code = ByteReader::at(bytes, 16).be_u16().unwrap_or_default();
        Self {
            damage: DatabaseHeader::parse(bytes).err().map(|damage: Damage| damage.to_string()),
            magic_is_right: bytes.starts_with(&DATABASE_MAGIC),
            page_size: PageSize::from_header_code(page_size_code).map(PageSize::bytes),
            write_version: byte(18),
            read_version: byte(19),
            reserved_bytes: byte(20),
            payload_fractions: [byte(21), byte(22), byte(23)],
            change_counter: number(24),
            page_count: number(28),
            first_freelist_trunk: number(32),
            freelist_page_count: number(36),
            schema_cookie: number(40),
            schema_format: number(44),
            cache_size: number(48).cast_signed(),
            largest_root_page: number(52),
            text_encoding: number(56),
            text_encoding_name: TextEncoding(number(56)).to_string(),
            user_version: number(60).cast_signed(),
            incremental_vacuum: number(64),
            application_id: number(68),
            version_valid_for: number(92),
            sqlite_version_number: number(96),
            sqlite_version: SqliteVersion(number(96)).to_string(),
            has_wal_reset_fault: SqliteVersion(number(96)).has_wal_reset_fault(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read_also_of_a_header_that_sqlite_refuses() {
        let mut bytes: [u8; 100] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let report = HeaderReport::read(&bytes);
        assert!(report.damage.as_deref().is_some_and(|d| d.starts_with("not a database")), "{report:?}");
        assert!(!report.magic_is_right);
        assert_eq!(report.page_size, None);
        assert_eq!((report.write_version, report.read_version, report.reserved_bytes), (18, 19, 20));
        assert_eq!(report.change_counter, 0x1819_1a1b);
        assert_eq!(report.application_id, 0x4445_4647);
        assert_eq!(report.sqlite_version_number, 0x6061_6263);
        bytes[..16].copy_from_slice(&DATABASE_MAGIC);
        assert!(HeaderReport::read(&bytes).magic_is_right);
        assert!(HeaderReport::read(&bytes).damage.is_some_and(|d| d.contains("read version 19")));
    }
}
