//! A copy of the header of a wal-index, as it is stored.

use crate::format::byte_reader::ByteReader;
use crate::format::wal_checksum::{ByteOrder, WalChecksum};
use crate::format::wal_index::WAL_INDEX_HEADER_BYTES;
use crate::format::{PageSize, WalIndexHeader};

/// A copy of the header of a wal-index, every field as it is stored. [wal-index.md#header-copy](crate::notes::wal_index#header-copy)
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShmHeader {
    /// 3007000.
    pub version: u32,
    /// One more with each commit.
    pub change: u32,
    /// Not 0 once it was filled in.
    pub is_init: u8,
    /// `big` or `little`: the order of the words that the log's checksums are made of.
    pub checksum_order: &'static str,
    /// The page size in bytes; `None` where the log was found empty.
    pub page_size: Option<u32>,
    /// The last committed frame; 0 for none.
    pub mx_frame: u32,
    /// The size in pages of the database after it.
    pub page_count: u32,
    /// The checksum of that frame.
    pub frame_checksum: [u32; 2],
    /// The salts of the log.
    pub salt: [u32; 2],
    /// The checksum of this copy as stored.
    pub checksum: [u32; 2],
    /// Whether it is the right one.
    pub checksum_ok: bool,
    /// The first rule that it breaks.
    pub damage: Option<String>,
}

impl ShmHeader {
    pub(super) fn new(order: ByteOrder, bytes: &[u8; WAL_INDEX_HEADER_BYTES]) -> Self {
        // 48 bytes hold all the fields: what would be missing is zero, and never is.
        let number = |offset: usize| ByteReader::at(bytes, offset).u32_in(order).unwrap_or_default();
        let big = |offset: usize| ByteReader::at(bytes, offset).be_u32().unwrap_or_default();
        let byte = |offset: usize| bytes.get(offset).copied().unwrap_or_default();
        let size_code = ByteReader::at(bytes, 14).u16_in(order).unwrap_or_default();
        let sum = WalChecksum::SEED.extend(order, bytes.get(..40).unwrap_or_default());
        let checksum = [number(40), number(44)];
        Self {
            version: number(0),
            change: number(8),
            is_init: byte(12),
            checksum_order: if byte(13) == 0 { "little" } else { "big" },
            page_size: PageSize::from_header_code(size_code).map(PageSize::bytes),
            mx_frame: number(16),
            page_count: number(20),
            frame_checksum: [number(24), number(28)],
            salt: [big(32), big(36)],
            checksum,
            checksum_ok: checksum == sum.words(),
            damage: WalIndexHeader::parse_in(order, bytes).err().map(|damage| damage.to_string()),
        }
    }
}
