//! The first 32 bytes of the write-ahead log.
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 4 | magic 0x377f0682 or 0x377f0683 | bit 0: words of the checksum, 0 little-endian, 1 big-endian |
//! | 4 | 4 | version 3007000 | looked at last: otherwise the log cannot be opened |
//! | 8 | 4 | page size, 65536 as it is | power of two, 512 to 65536 |
//! | 12 | 4 | checkpoint sequence | one more with each reset of the log |
//! | 16 | 8 | salts | changed with each reset, repeated in each frame |
//! | 24 | 8 | checksum of bytes 0 to 23, from seed (0, 0) | |
//!
//! All numbers are big-endian, whatever order the words of the checksum have. A log with a wrong magic, page
//! size or checksum counts as empty; one with an unknown version cannot be opened.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_size::PageSize;
use super::wal_checksum::{ByteOrder, WalChecksum};

/// The length of the log's header in bytes.
pub const WAL_HEADER_BYTES: usize = 32;

/// The only version of the log, and of the wal-index, that there is.
pub const WAL_VERSION: u32 = 3_007_000;

const WAL_MAGIC: u32 = 0x377f_0682;
const SUMMED_BYTES: usize = 24;

/// The header of the write-ahead log. [wal.md#header](crate::notes::wal#header)
///
/// ```
/// use litecopy::format::WalHeader;
///
/// let error = WalHeader::parse(&[0; 32]).unwrap_err();
/// assert!(error.to_string().contains("magic"), "{error}");
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WalHeader {
    /// The order of the words that the checksums are made of.
    pub byte_order: ByteOrder,
    /// The size of each page image.
    pub page_size: PageSize,
    /// One more with each reset.
    pub checkpoint_sequence: u32,
    /// What each frame of this generation repeats.
    pub salts: Salts,
    /// The checksum of the header, with which that of the first frame begins.
    pub checksum: WalChecksum,
}

impl WalHeader {
    /// Reads the header from the first 32 bytes of a log, in SQLite's order of checks.
    ///
    /// # Errors
    /// In this order: [`Damage::Short`], [`Damage::WalMagic`], [`Damage::WalPageSize`],
    /// [`Damage::WalHeaderChecksum`], [`Damage::WalVersion`]. All but the last mean an empty log to SQLite:
    /// [`Damage::leaves_wal_empty`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Damage> {
        let summed = ByteReader::new(bytes).bytes(WAL_HEADER_BYTES)?.get(..SUMMED_BYTES).unwrap_or_default();
        let mut reader = ByteReader::new(bytes);
        let magic = reader.be_u32()?;
        let byte_order = match magic ^ WAL_MAGIC {
            0 => ByteOrder::Little,
            1 => ByteOrder::Big,
            _ => return Err(Damage::WalMagic { found: magic }),
        };
        let version = reader.be_u32()?;
        let page_bytes = reader.be_u32()?;
        let page_size = PageSize::new(page_bytes).ok_or(Damage::WalPageSize { found: page_bytes })?;
        let checkpoint_sequence = reader.be_u32()?;
        let salts = Salts(reader.array()?);
        let checksum = WalChecksum { s1: reader.be_u32()?, s2: reader.be_u32()? };
        let computed = WalChecksum::SEED.extend(byte_order, summed);
        if checksum != computed {
            return Err(Damage::WalHeaderChecksum { stored: checksum.words(), computed: computed.words() });
        }
        if version != WAL_VERSION {
            return Err(Damage::WalVersion { found: version });
        }
        Ok(Self { byte_order, page_size, checkpoint_sequence, salts, checksum })
    }
}

impl WalHeader {
    /// The header of a log that begins with these salts, in this machine's byte order.
    pub(crate) fn new(page_size: PageSize, checkpoint_sequence: u32, salts: Salts) -> Self {
        let byte_order = ByteOrder::NATIVE;
        let unsummed =
            Self { byte_order, page_size, checkpoint_sequence, salts, checksum: WalChecksum::SEED };
        let bytes = unsummed.to_bytes();
        let summed = bytes.get(..SUMMED_BYTES).unwrap_or_default();
        Self { checksum: WalChecksum::SEED.extend(byte_order, summed), ..unsummed }
    }

    /// The header's bytes.
    pub(crate) fn to_bytes(self) -> [u8; WAL_HEADER_BYTES] {
        let magic = WAL_MAGIC + u32::from(self.byte_order == ByteOrder::Big);
        let [salt_1, salt_2] = self.salts.numbers();
        let (page_bytes, WalChecksum { s1, s2 }) = (self.page_size.bytes(), self.checksum);
        let fields = [magic, WAL_VERSION, page_bytes, self.checkpoint_sequence, salt_1, salt_2, s1, s2];
        let mut bytes = [0; WAL_HEADER_BYTES];
        for (place, field) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *place = field.to_be_bytes();
        }
        bytes
    }
}

impl Damage {
    /// Whether a log header with this damage makes the log count as empty, instead of making it unreadable.
    /// [wal.md#empty-or-unreadable](crate::notes::wal#empty-or-unreadable)
    #[must_use]
    pub fn leaves_wal_empty(&self) -> bool {
        matches!(
            self,
            Damage::Short { .. }
                | Damage::WalMagic { .. }
                | Damage::WalPageSize { .. }
                | Damage::WalHeaderChecksum { .. }
        )
    }
}

/// The eight bytes that tell one generation of a log from the next: salt 1, then salt 2, as stored.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Salts(pub [u8; 8]);

impl Salts {
    /// The two salts as numbers; the first is one more after each reset, the second is random.
    #[must_use]
    pub fn numbers(self) -> [u32; 2] {
        let [a, b, c, d, e, f, g, h] = self.0;
        [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rustfmt::skip]
    const LITTLE: [u8; 32] = [
        0x37, 0x7f, 0x06, 0x82, // magic, little-endian words
        0x00, 0x2d, 0xe2, 0x18, // version 3007000
        0x00, 0x00, 0x10, 0x00, // page size 4096
        0x00, 0x00, 0x00, 0x00, // checkpoint sequence
        0x11, 0x22, 0x33, 0x44, // salt 1
        0xaa, 0xbb, 0xcc, 0xdd, // salt 2
        0x19, 0x1a, 0x25, 0x24, // checksum 1
        0xae, 0xce, 0xb8, 0x73, // checksum 2
    ];

    fn resummed(edits: &[(usize, u8)]) -> [u8; 32] {
        let mut bytes = LITTLE;
        for &(offset, byte) in edits {
            bytes[offset] = byte;
        }
        let sum = WalChecksum::SEED.extend(ByteOrder::Little, &bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.s1.to_be_bytes());
        bytes[28..32].copy_from_slice(&sum.s2.to_be_bytes());
        bytes
    }

    #[test]
    fn a_header_of_either_order() {
        let header = WalHeader::parse(&LITTLE).unwrap();
        assert_eq!(header.to_bytes(), LITTLE);
        if ByteOrder::NATIVE == ByteOrder::Little {
            assert_eq!(WalHeader::new(PageSize::DEFAULT, 0, header.salts), header);
        }
        assert_eq!(header.byte_order, ByteOrder::Little);
        assert_eq!(header.page_size, PageSize::DEFAULT);
        assert_eq!(header.salts.numbers(), [0x1122_3344, 0xaabb_ccdd]);
        let mut big = LITTLE;
        big[3] = 0x83;
        big[24..].copy_from_slice(&[0x27, 0x27, 0x1a, 0x1b, 0x78, 0xbb, 0xce, 0xb1]);
        assert_eq!(WalHeader::parse(&big).map(|h| h.byte_order), Ok(ByteOrder::Big));
    }

    #[test]
    fn broken_rules_are_told_apart() {
        let mut bytes = LITTLE;
        bytes[20] = 0;
        let damage = WalHeader::parse(&bytes).unwrap_err();
        assert!(matches!(damage, Damage::WalHeaderChecksum { stored: [0x191a_2524, _], .. }));
        assert!(damage.leaves_wal_empty());
        assert_eq!(WalHeader::parse(&[0; 32]), Err(Damage::WalMagic { found: 0 }));
        assert_eq!(WalHeader::parse(&resummed(&[(11, 1)])), Err(Damage::WalPageSize { found: 4097 }));
        assert!(matches!(WalHeader::parse(&LITTLE[..31]), Err(Damage::Short { .. })));
    }

    #[test]
    fn the_version_is_looked_at_after_the_checksum() {
        let damage = WalHeader::parse(&resummed(&[(7, 0x19)])).unwrap_err();
        assert_eq!(damage, Damage::WalVersion { found: 3_007_001 });
        assert!(!damage.leaves_wal_empty());
        let mut bytes = LITTLE;
        bytes[7] = 0x19;
        assert!(matches!(WalHeader::parse(&bytes), Err(Damage::WalHeaderChecksum { .. })));
    }

    #[test]
    fn a_page_size_of_65536_is_stored_as_it_is() {
        let bytes = resummed(&[(9, 1), (10, 0)]);
        assert_eq!(WalHeader::parse(&bytes).map(|h| h.page_size.bytes()), Ok(65536));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = WalHeader::parse(&bytes);
        }
    }
}
