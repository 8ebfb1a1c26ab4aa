//! Where SQLite's locks lie: byte ranges of the database file and of the wal-index.
//!
//! | file | offset | bytes | lock |
//! |---|---:|---:|---|
//! | database | 0x4000_0000 | 1 | PENDING |
//! | database | 0x4000_0001 | 1 | RESERVED |
//! | database | 0x4000_0002 | 510 | SHARED |
//! | wal-index | 120 | 1 | WRITE |
//! | wal-index | 121 | 1 | CKPT (checkpoint) |
//! | wal-index | 122 | 1 | RECOVER |
//! | wal-index | 123..=127 | 5 | READ 0 to READ 4 |
//! | wal-index | 128 | 1 | DMS ("dead man switch": somebody is connected) |
//!
//! The page of the database that holds the first three is never used for data.

use super::page_number::PageNumber;
use super::page_size::PageSize;
use std::ops::Range;

/// Offset of the PENDING lock in the database file. [pages.md#lock-byte-page](crate::notes::pages#lock-byte-page)
pub const PENDING_BYTE: u64 = 0x4000_0000;
/// Offset of the RESERVED lock in the database file.
pub const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
/// Offset of the first of the SHARED bytes in the database file.
pub const SHARED_FIRST: u64 = PENDING_BYTE + 2;
/// How many SHARED bytes there are.
pub const SHARED_COUNT: u64 = 510;

/// Offset of the WRITE lock in the wal-index. [wal-index.md#lock-bytes](crate::notes::wal_index#lock-bytes)
pub const WAL_WRITE_BYTE: u64 = 120;
/// Offset of the CKPT lock in the wal-index: whoever holds it may checkpoint.
pub const WAL_CKPT_BYTE: u64 = 121;
/// Offset of the RECOVER lock in the wal-index.
pub const WAL_RECOVER_BYTE: u64 = 122;
/// Offsets of the five READ locks in the wal-index, one for each read mark.
pub const WAL_READ_BYTES: [u64; 5] = [123, 124, 125, 126, 127];
/// Offset of the DMS lock in the wal-index, held shared by everyone who is connected.
pub const WAL_DMS_BYTE: u64 = 128;

/// The bytes of the database that are locked, and mean nothing.
pub(crate) const DATABASE_LOCKS: Range<u64> = PENDING_BYTE..SHARED_FIRST + SHARED_COUNT;
/// The bytes of the wal-index that are locked, and mean nothing. That of DMS, which means something, is locked exclusively for a
/// moment only, before there is anything in the file.
pub(crate) const WAL_INDEX_LOCKS: Range<u64> = WAL_WRITE_BYTE..WAL_DMS_BYTE;

/// The page that holds the locks and never holds data.
///
/// ```
/// use litecopy::PageSize;
/// use litecopy::format::lock_bytes::lock_byte_page;
///
/// assert_eq!(lock_byte_page(PageSize::new(4096).unwrap()).get(), 262_145);
/// ```
#[must_use]
pub fn lock_byte_page(page_size: PageSize) -> PageNumber {
    lock_byte_page_at(PENDING_BYTE, page_size)
}

/// The page that holds the locks when PENDING lies at `pending_byte`.
///
/// Tests move it down, so that a file with a page of locks need not be 1 GiB long. An offset beyond every
/// page gives the last page that can be numbered.
#[must_use]
pub fn lock_byte_page_at(pending_byte: u64, page_size: PageSize) -> PageNumber {
    PageNumber::holding(pending_byte, page_size).unwrap_or(LAST_PAGE)
}

const LAST_PAGE: PageNumber = match PageNumber::new(u32::MAX) {
    Some(page) => page,
    None => PageNumber::FIRST,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_locks_for_each_page_size() {
        let pages: Vec<u32> = PageSize::ALL.iter().map(|&size| lock_byte_page(size).get()).collect();
        assert_eq!(pages, [2_097_153, 1_048_577, 524_289, 262_145, 131_073, 65_537, 32_769, 16_385]);
    }

    #[test]
    fn the_pending_byte_can_be_moved() {
        assert_eq!(lock_byte_page_at(0x1_0000, PageSize::DEFAULT).get(), 17);
        assert_eq!(lock_byte_page_at(0, PageSize::DEFAULT), PageNumber::FIRST);
        assert_eq!(lock_byte_page_at(u64::MAX, PageSize::DEFAULT).get(), u32::MAX);
    }

    #[test]
    fn no_lock_byte_shares_a_byte_with_another() {
        assert_eq!(SHARED_FIRST + SHARED_COUNT, 0x4000_0200);
        assert_eq!([WAL_WRITE_BYTE, WAL_CKPT_BYTE, WAL_RECOVER_BYTE], [120, 121, 122]);
        assert_eq!(WAL_READ_BYTES[4] + 1, WAL_DMS_BYTE);
    }
}
