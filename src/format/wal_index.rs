//! The first 136 bytes of the wal-index (`-shm`): what the log holds and who reads it.
//!
//! | offset | bytes | field |
//! |---:|---:|---|
//! | 0 | 48 | header, first copy (written last) |
//! | 48 | 48 | header, second copy (written first) |
//! | 96 | 4 | backfilled: frames up to this one are in the database file |
//! | 100 | 20 | five read marks, 0xffffffff unused; the first is always 0 |
//! | 120 | 8 | lock bytes, never data |
//! | 128 | 4 | backfill attempted; its first byte is the DMS lock too |
//! | 132 | 4 | unused |
//!
//! and a header copy:
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 4 | version | 3007000, looked at last |
//! | 4 | 4 | unused | |
//! | 8 | 4 | change | one more with each commit |
//! | 12 | 1 | is-init | not 0 |
//! | 13 | 1 | 1: the log's checksums have big-endian words | |
//! | 14 | 2 | page size, 1 for 65536 | 0 for a log that was found empty |
//! | 16 | 4 | last committed frame | 0: none |
//! | 20 | 4 | page count after it | 0 for a log that was found empty |
//! | 24 | 8 | checksum of that frame | |
//! | 32 | 8 | salts | the bytes of the log's header |
//! | 40 | 8 | checksum of bytes 0 to 39 | native words, seed (0, 0) |
//!
//! All numbers but the salts are in the order of the machine that made it.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_size::PageSize;
use super::wal_checksum::{ByteOrder, WalChecksum};
use super::wal_header::{Salts, WAL_VERSION};

/// The length of one copy of the wal-index header in bytes.
pub const WAL_INDEX_HEADER_BYTES: usize = 48;
/// The length of both copies and the checkpoint information in bytes.
pub const WAL_INDEX_BYTES: usize = 136;
/// What a read mark holds that nobody uses.
pub const READ_MARK_UNUSED: u32 = 0xffff_ffff;

const SUMMED_BYTES: usize = 40;

/// One copy of the wal-index header. [wal-index.md#header-copy](crate::notes::wal_index#header-copy)
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WalIndexHeader {
    /// The version, always 3007000.
    pub version: u32,
    /// One more with each commit.
    pub change: u32,
    /// Not 0 in a header that was filled in.
    pub is_init: u8,
    /// The order of the words that the log's checksums are made of.
    pub checksum_order: ByteOrder,
    /// The page size as stored; see [`Self::page_size`].
    pub page_size_code: u16,
    /// The last committed frame; 0 for none.
    pub mx_frame: u32,
    /// The database's page count after that commit; 0 when the log was found empty.
    pub page_count: u32,
    /// The running checksum up to and with frame `mx_frame`.
    pub frame_checksum: WalChecksum,
    /// The salts of the log's header.
    pub salts: Salts,
}

impl WalIndexHeader {
    /// Reads one copy of the header from its 48 bytes, in this machine's byte order.
    ///
    /// # Errors
    /// In this order: [`Damage::Short`], [`Damage::WalIndexNotInitialised`], [`Damage::WalIndexChecksum`],
    /// [`Damage::WalIndexVersion`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        Self::parse_in(ByteOrder::NATIVE, bytes)
    }

    /// As [`Self::parse`], for a wal-index from a machine of the given byte order.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_in(order: ByteOrder, bytes: &[u8]) -> Result<Self, Damage> {
        let summed = ByteReader::new(bytes).bytes(WAL_INDEX_HEADER_BYTES)?.get(..SUMMED_BYTES);
        let mut reader = ByteReader::new(bytes);
        let version = reader.u32_in(order)?;
        reader.skip(4)?;
        let change = reader.u32_in(order)?;
        let is_init = reader.u8()?;
        if is_init == 0 {
            return Err(Damage::WalIndexNotInitialised);
        }
        let checksum_order = if reader.u8()? == 0 { ByteOrder::Little } else { ByteOrder::Big };
        let page_size_code = reader.u16_in(order)?;
        let mx_frame = reader.u32_in(order)?;
        let page_count = reader.u32_in(order)?;
        let frame_checksum = WalChecksum { s1: reader.u32_in(order)?, s2: reader.u32_in(order)? };
        let salts = Salts(reader.array()?);
        let stored = WalChecksum { s1: reader.u32_in(order)?, s2: reader.u32_in(order)? };
        let computed = WalChecksum::SEED.extend(order, summed.unwrap_or_default());
        if stored != computed {
            return Err(Damage::WalIndexChecksum { stored: stored.words(), computed: computed.words() });
        }
        if version != WAL_VERSION {
            return Err(Damage::WalIndexVersion { found: version });
        }
        Ok(Self {
            version,
            change,
            is_init,
            checksum_order,
            page_size_code,
            mx_frame,
            page_count,
            frame_checksum,
            salts,
        })
    }

    /// The 48 bytes of one copy, in this machine's byte order.
    pub(crate) fn to_bytes(self) -> [u8; WAL_INDEX_HEADER_BYTES] {
        let [c0, c1] = self.page_size_code.to_ne_bytes();
        let flags =
            u32::from_ne_bytes([self.is_init, u8::from(self.checksum_order == ByteOrder::Big), c0, c1]);
        let [a, b, c, d, e, f, g, h] = self.salts.0;
        let salts = [u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h])];
        let WalChecksum { s1, s2 } = self.frame_checksum;
        let mut bytes = [0; WAL_INDEX_HEADER_BYTES];
        let fields =
            [self.version, 0, self.change, flags, self.mx_frame, self.page_count, s1, s2, salts[0], salts[1]];
        for (place, field) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *place = field.to_ne_bytes();
        }
        let (summed, sum) = bytes.split_at_mut(SUMMED_BYTES);
        let words = WalChecksum::SEED.extend(ByteOrder::NATIVE, summed).words();
        sum.copy_from_slice(words.map(u32::to_ne_bytes).as_flattened());
        bytes
    }

    /// The page size, or `None` where the header has none: the log was found empty, and size and page
    /// count are to be taken from the database.
    #[must_use]
    pub fn page_size(&self) -> Option<PageSize> {
        PageSize::from_header_code(self.page_size_code)
    }
}

/// Header and checkpoint information of the wal-index. [wal-index.md#checkpoint-information](crate::notes::wal_index#checkpoint-information)
///
/// ```
/// use litecopy::format::WalIndex;
///
/// // The first connection makes the file, and initialises it by its first transaction.
/// let error = WalIndex::parse(&[0; 136]).unwrap_err();
/// println!("{error}");
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WalIndex {
    /// The header, of which both copies agree.
    pub header: WalIndexHeader,
    /// Frames up to this one are in the database file.
    pub backfilled: u32,
    /// How far each of the five reader slots reads; [`READ_MARK_UNUSED`] where nobody does.
    pub read_marks: [u32; 5],
    /// Frames up to this one may be in the database file.
    pub backfill_attempted: u32,
}

impl WalIndex {
    /// Whether the log has frames that are not in the database file yet, so that it is not begun anew.
    #[must_use]
    pub fn keeps_frames(&self) -> bool {
        self.backfilled < self.header.mx_frame
    }

    /// Reads the first 136 bytes of a wal-index, in this machine's byte order.
    ///
    /// # Errors
    /// [`Damage::Short`], [`Damage::WalIndexCopiesDiffer`], then as [`WalIndexHeader::parse`]. Copies that
    /// differ are usual while a writer commits: read again.
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        Self::parse_in(ByteOrder::NATIVE, bytes)
    }

    /// As [`Self::parse`], for a wal-index from a machine of the given byte order.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_in(order: ByteOrder, bytes: &[u8]) -> Result<Self, Damage> {
        ByteReader::new(bytes).bytes(WAL_INDEX_BYTES)?;
        let mut reader = ByteReader::new(bytes);
        let first = reader.bytes(WAL_INDEX_HEADER_BYTES)?;
        let second = reader.bytes(WAL_INDEX_HEADER_BYTES)?;
        if let Some(offset) = first.iter().zip(second).position(|(a, b)| a != b) {
            return Err(Damage::WalIndexCopiesDiffer { offset });
        }
        let header = WalIndexHeader::parse_in(order, first)?;
        let backfilled = reader.u32_in(order)?;
        let mut read_marks = [0; 5];
        for mark in &mut read_marks {
            *mark = reader.u32_in(order)?;
        }
        reader.skip(8)?;
        let backfill_attempted = reader.u32_in(order)?;
        Ok(Self { header, backfilled, read_marks, backfill_attempted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn copy(order: ByteOrder, version: u32, is_init: u8, page_size_code: u16) -> Vec<u8> {
        let word = |n: u32| if order == ByteOrder::Big { n.to_be_bytes() } else { n.to_le_bytes() };
        let half = |n: u16| if order == ByteOrder::Big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut bytes = Vec::new();
        bytes.extend(word(version));
        bytes.extend(word(0)); // unused
        bytes.extend(word(12)); // change
        bytes.extend([is_init, 0]); // is-init, words of the log
        bytes.extend(half(page_size_code));
        bytes.extend(word(4)); // last frame
        bytes.extend(word(3)); // page count
        bytes.extend(word(0x1111_2222)); // checksum of that frame
        bytes.extend(word(0x3333_4444));
        bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]); // salts
        let sum = WalChecksum::SEED.extend(order, &bytes);
        bytes.extend(word(sum.s1));
        bytes.extend(word(sum.s2));
        bytes
    }

    fn whole(order: ByteOrder, copy: &[u8]) -> Vec<u8> {
        let word = |n: u32| if order == ByteOrder::Big { n.to_be_bytes() } else { n.to_le_bytes() };
        let mut bytes = [copy, copy].concat();
        for number in [2, 0, 4, u32::MAX, u32::MAX, u32::MAX, 0xaaaa_aaaa, 0xbbbb_bbbb, 3, 0] {
            bytes.extend(word(number));
        }
        bytes
    }

    #[test]
    fn both_byte_orders() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let index = WalIndex::parse_in(order, &whole(order, &copy(order, WAL_VERSION, 1, 4096))).unwrap();
            assert_eq!(index.header.page_size(), Some(PageSize::DEFAULT));
            assert_eq!((index.header.mx_frame, index.header.page_count, index.header.change), (4, 3, 12));
            assert_eq!(index.header.frame_checksum.words(), [0x1111_2222, 0x3333_4444]);
            assert_eq!(index.header.salts.0, [1, 2, 3, 4, 5, 6, 7, 8]);
            assert_eq!((index.backfilled, index.backfill_attempted), (2, 3));
            assert_eq!(index.read_marks[..3], [0, 4, READ_MARK_UNUSED]);
        }
    }

    #[test]
    fn broken_rules_are_told_apart() {
        let order = ByteOrder::NATIVE;
        let good = whole(order, &copy(order, WAL_VERSION, 1, 1));
        assert_eq!(WalIndex::parse(&good).map(|i| i.header.page_size()), Ok(PageSize::new(65536)));
        assert_eq!(
            WalIndex::parse(&good[..135]),
            Err(Damage::Short { offset: 0, needed: 136, available: 135 })
        );
        let mut torn = good.clone();
        torn[48 + 17] ^= 1;
        assert_eq!(WalIndex::parse(&torn), Err(Damage::WalIndexCopiesDiffer { offset: 17 }));
        assert_eq!(WalIndex::parse(&[0; 136]), Err(Damage::WalIndexNotInitialised));
        let mut flipped = copy(order, WAL_VERSION, 1, 4096);
        flipped[16] ^= 1;
        let damage = WalIndex::parse(&whole(order, &flipped)).unwrap_err();
        assert!(matches!(damage, Damage::WalIndexChecksum { .. }));
        let newer = whole(order, &copy(order, 3_007_001, 1, 4096));
        assert_eq!(WalIndex::parse(&newer), Err(Damage::WalIndexVersion { found: 3_007_001 }));
    }

    #[test]
    fn a_log_found_empty_has_no_page_size() {
        let bytes = copy(ByteOrder::NATIVE, WAL_VERSION, 1, 0);
        assert_eq!(WalIndexHeader::parse(&bytes).unwrap().to_bytes(), *bytes);
        assert_eq!(WalIndexHeader::parse(&bytes).map(|h| h.page_size()), Ok(None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = WalIndex::parse(&bytes);
            let _ = WalIndexHeader::parse(&bytes);
        }
    }
}
