//! Varints as SQLite writes them: in the shortest form; also read backwards.

use crate::format::varint::LONGEST_VARINT;

/// How many bytes the number takes.
pub(super) fn varint_length(value: u64) -> usize {
    (1..LONGEST_VARINT).find(|&length| value >> (7 * length) == 0).unwrap_or(LONGEST_VARINT)
}

/// The number as a varint.
pub(super) fn add_varint(bytes: &mut Vec<u8>, value: u64) {
    let length = varint_length(value);
    if length == LONGEST_VARINT {
        // No record that can be read has such a type.
        return bytes.extend_from_slice(&[0xff; LONGEST_VARINT]);
    }
    for group in (0..length).rev() {
        let seven = u8::try_from(value >> (7 * group) & 0x7f).unwrap_or_default();
        bytes.push(seven | if group == 0 { 0 } else { 0x80 });
    }
}

/// Whether the bytes end with the varint of this number, which is below 2^56.
pub(super) fn ends_with_varint(bytes: &[u8], mut value: u64) -> bool {
    let mut high = 0;
    for &byte in bytes.iter().rev() {
        if u64::from(byte) != value & 0x7f | high {
            return false;
        }
        (value, high) = (value >> 7, 0x80);
        if value == 0 {
            return true;
        }
    }
    false
}

/// Whether the last `length` bytes can be a varint of that length, or the end of a longer one.
pub(super) fn can_end_varint(bytes: &[u8], length: usize) -> bool {
    let Some(start) = bytes.len().checked_sub(length) else { return false };
    let mut bytes = bytes.iter().skip(start).rev();
    length >= LONGEST_VARINT && bytes.clone().skip(1).all(|&byte| byte >= 0x80)
        || bytes.next().is_none_or(|&last| last < 0x80) && bytes.all(|&byte| byte >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::varint::read_varint;

    #[test]
    fn varints_are_written_as_they_are_read() {
        for value in [0, 1, 127, 128, 16383, 16384, 1 << 40, u64::MAX >> 8] {
            let mut bytes = vec![0x81];
            add_varint(&mut bytes, value);
            assert_eq!(read_varint(&bytes[1..]), Some((value, bytes.len() - 1)));
            assert!(ends_with_varint(&bytes, value) && can_end_varint(&bytes, varint_length(value)));
            assert!(!ends_with_varint(&bytes, value + 1));
        }
        assert!(!can_end_varint(&[5, 5], 2) && !can_end_varint(&[5], 2) && !can_end_varint(&[0x81], 1));
        assert!(can_end_varint(&[0xff; 9], 9));
    }
}
