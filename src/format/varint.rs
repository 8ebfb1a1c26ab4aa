//! The variable-length integer of cells and records.
//!
//! 1 to 9 bytes, high groups first. Each of the first eight gives its low 7 bits, and its high bit says that
//! another byte follows; the ninth gives all 8 bits. The value has 64 bits, a negative number the high one.
//! A number may be written longer than it needs to be.

/// The longest varint in bytes.
pub const LONGEST_VARINT: usize = 9;

/// The value of the varint at the start of `bytes`, and its length in bytes; `None` when the bytes end within
/// it. [records.md#varint](crate::notes::records#varint)
///
/// ```
/// use litecopy::format::varint::read_varint;
///
/// assert_eq!(read_varint(&[0x81, 0x00]), Some((128, 2)));
/// assert_eq!(read_varint(&[0x81]), None);
/// ```
#[must_use]
#[inline(always)]
pub fn read_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    // Nearly all are of one to three bytes.
    match *bytes {
        [only, ..] if only < 0x80 => Some((u64::from(only), 1)),
        [first, second, ..] if second < 0x80 => Some((u64::from(first & 0x7f) << 7 | u64::from(second), 2)),
        [first, second, third, ..] if third < 0x80 => {
            let high = u64::from(first & 0x7f) << 14 | u64::from(second & 0x7f) << 7;
            Some((high | u64::from(third), 3))
        }
        _ => read_long_varint(bytes),
    }
}

#[cold]
fn read_long_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    let mut length = 0;
    for &byte in bytes.iter().take(LONGEST_VARINT) {
        length += 1;
        if length == LONGEST_VARINT {
            return Some(((value << 8) | u64::from(byte), length));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn varints_of_every_length() {
        let cases: &[(&[u8], u64)] = &[
            (&[0x00], 0),
            (&[0x7f], 127),
            (&[0x81, 0x00], 128),
            (&[0x80, 0x01], 1), // not the shortest form
            (&[0xff, 0x7f], 16383),
            (&[0x81, 0x80, 0x00], 16384),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 1),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], (1 << 56) - 1),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX), // rowid -1
        ];
        for (bytes, value) in cases {
            assert_eq!(read_varint(bytes), Some((*value, bytes.len())));
        }
    }

    #[test]
    fn a_cut_varint_is_none() {
        assert_eq!(read_varint(&[]), None);
        assert_eq!(read_varint(&[0x80]), None);
        assert_eq!(read_varint(&[0xff; 8]), None);
    }

    /// The shortest form of a value, written apart from the reader.
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    fn shortest(value: u64) -> Vec<u8> {
        if value >> 56 != 0 {
            let mut bytes: Vec<u8> =
                (0..8).rev().map(|i| ((value >> (8 + 7 * i)) as u8 & 0x7f) | 0x80).collect();
            bytes.push(value as u8);
            return bytes;
        }
        let groups = (1..9).find(|&n| value >> (7 * n) == 0).unwrap();
        (0..groups).rev().map(|i| ((value >> (7 * i)) as u8 & 0x7f) | if i == 0 { 0 } else { 0x80 }).collect()
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in any::<u64>(), shift in 0..64_u32, after in any::<u8>()) {
            let value = value >> shift;
            let mut bytes = shortest(value);
            let length = bytes.len();
            bytes.push(after);
            prop_assert_eq!(read_varint(&bytes), Some((value, length)));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Some((_, length)) = read_varint(&bytes) {
                prop_assert!(length <= bytes.len().min(9));
            }
        }
    }
}
