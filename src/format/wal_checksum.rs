//! The running checksum of the write-ahead log and of the wal-index header.
//!
//! The input is taken as 32-bit words in pairs `(a, b)`, read in one of two byte orders; with all sums
//! modulo 2^32, each pair does `s1 += a + s2`, then `s2 += b + s1`. The log starts at `(0, 0)` with its
//! header and goes on through all frames; the wal-index header has a sum of its own.

/// The order of the bytes in a word.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Low byte first.
    Little,
    /// High byte first.
    Big,
}

impl ByteOrder {
    /// The order of the machine that this runs on.
    pub const NATIVE: ByteOrder =
        if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };
}

/// The two words of a running checksum. [wal.md#checksum](crate::notes::wal#checksum)
///
/// ```
/// use litecopy::format::{ByteOrder, WalChecksum};
///
/// let sum = WalChecksum::SEED.extend(ByteOrder::Little, &[1, 0, 0, 0, 2, 0, 0, 0]);
/// assert_eq!(sum.words(), [1, 3]);
/// ```
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WalChecksum {
    /// The first word.
    pub s1: u32,
    /// The second word.
    pub s2: u32,
}

impl WalChecksum {
    /// The checksum of nothing, with which every log header begins.
    pub const SEED: WalChecksum = WalChecksum { s1: 0, s2: 0 };

    /// The checksum after `bytes` too, read as words of the given order.
    ///
    /// Everything that SQLite sums is a multiple of 8 bytes long; bytes beyond the last multiple are not
    /// summed.
    #[must_use]
    pub fn extend(self, order: ByteOrder, bytes: &[u8]) -> Self {
        match order {
            ByteOrder::Little => self.extend_with(bytes, u32::from_le_bytes),
            ByteOrder::Big => self.extend_with(bytes, u32::from_be_bytes),
        }
    }

    /// The two words, in the order in which they are stored.
    #[must_use]
    pub fn words(self) -> [u32; 2] {
        [self.s1, self.s2]
    }

    #[inline]
    fn extend_with(self, bytes: &[u8], word: impl Fn([u8; 4]) -> u32) -> Self {
        let (mut s1, mut s2) = (self.s1, self.s2);
        let (pairs, _) = bytes.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in pairs {
            s1 = s1.wrapping_add(word([a, b, c, d])).wrapping_add(s2);
            s2 = s2.wrapping_add(word([e, f, g, h])).wrapping_add(s1);
        }
        Self { s1, s2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rustfmt::skip]
    const HEADER: [u8; 24] = [
        0x37, 0x7f, 0x06, 0x82, // magic, little-endian words
        0x00, 0x2d, 0xe2, 0x18, // version
        0x00, 0x00, 0x10, 0x00, // page size 4096
        0x00, 0x00, 0x00, 0x00, // checkpoint sequence
        0x11, 0x22, 0x33, 0x44, // salt 1
        0xaa, 0xbb, 0xcc, 0xdd, // salt 2
    ];

    #[test]
    fn known_sums_of_a_header() {
        let little = WalChecksum::SEED.extend(ByteOrder::Little, &HEADER);
        assert_eq!(little.words(), [0x191a_2524, 0xaece_b873]);
        let mut header = HEADER;
        header[3] = 0x83;
        let big = WalChecksum::SEED.extend(ByteOrder::Big, &header);
        assert_eq!(big.words(), [0x2727_1a1b, 0x78bb_ceb1]);
    }

    #[test]
    fn bytes_beyond_a_multiple_of_eight_do_not_count() {
        let seed = WalChecksum { s1: 5, s2: 6 };
        assert_eq!(seed.extend(ByteOrder::Little, &HEADER[..7]), seed);
    }

    proptest! {
        #[test]
        fn it_can_be_taken_in_parts(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..25_usize) {
            let cut = (cut * 8).min(bytes.len() / 8 * 8);
            for order in [ByteOrder::Little, ByteOrder::Big] {
                let whole = WalChecksum::SEED.extend(order, &bytes);
                let parts = WalChecksum::SEED.extend(order, &bytes[..cut]).extend(order, &bytes[cut..]);
                prop_assert_eq!(whole, parts);
            }
        }
    }
}
