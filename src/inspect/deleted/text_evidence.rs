//! How much speaks for it that bytes are text.

use crate::format::database_header::TextEncoding;

/// How many bytes of a text are counted: more of them say no more.
const COUNTED_BYTES: usize = 48;

/// What speaks against each change of script, and how many count.
const CHANGE_BITS: f64 = 4.0;
const MOST_CHANGES: usize = 6;

/// The evidence that the bytes are text, in bits. `None`: they are not valid in the encoding.
pub(super) fn text_bits(bytes: &[u8], encoding: TextEncoding) -> Option<f64> {
    let unit = match encoding.effective() {
        TextEncoding::UTF16LE => u16::from_le_bytes,
        TextEncoding::UTF16BE => u16::from_be_bytes,
        _ => {
            std::str::from_utf8(bytes).ok()?;
            return Some(bytes.iter().take(COUNTED_BYTES).map(|&byte| byte_bits(byte)).sum());
        }
    };
    let (pairs, half) = bytes.as_chunks::<2>();
    let units = || pairs.iter().map(|&pair| unit(pair));
    if !half.is_empty() || char::decode_utf16(units()).any(|it| it.is_err()) {
        return None;
    }
    let counted = || units().take(COUNTED_BYTES / 2);
    let changes = counted().zip(counted().skip(1)).filter(|(a, b)| script(*a) != script(*b)).count();
    let changes = u8::try_from(changes.min(MOST_CHANGES)).map_or(0.0, f64::from);
    Some(counted().map(unit_bits).sum::<f64>() - changes * CHANGE_BITS)
}

/// What sort of script a unit is of, by and large: bytes that are no text are now of one, now of another.
fn script(unit: u16) -> u16 {
    match unit {
        0..0x600 => 0,
        0x2000..0x2100 => 0,
        0x3000..0xa000 | 0xff00.. => 1,
        0xac00..0xd800 => 2,
        0xd800..0xe000 => 3,
        _ => unit >> 8,
    }
}

fn byte_bits(byte: u8) -> f64 {
    match byte {
        b' '..=b'~' => 1.3,
        b'\t' | b'\n' | b'\r' => 0.0,
        0..=0x1f | 0x7f => -6.0,
        // Valid sequences of several bytes are rare among other bytes.
        _ => 1.0,
    }
}

fn unit_bits(unit: u16) -> f64 {
    match u8::try_from(unit) {
        Ok(byte @ b' '..=b'~') => byte_bits(byte) + 6.0,
        Ok(b'\t' | b'\n' | b'\r') => 3.0,
        Ok(byte) if byte < 0x80 => -6.0,
        // As of Latin text that is read one byte too early.
        _ if unit & 0xff == 0 => -4.0,
        // Most text is of one script, most bytes are of none.
        _ if (0x80..0x600).contains(&unit) => 3.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_likelier_than_other_bytes() {
        assert!(text_bits(b"hello", TextEncoding::UTF8).unwrap() > 5.0);
        assert!(text_bits("kůň".as_bytes(), TextEncoding::UTF8).unwrap() > 3.0);
        assert!(text_bits(b"\x01\x02\x00", TextEncoding::UTF8).unwrap() < 0.0);
        assert_eq!(text_bits(b"a\xff", TextEncoding::UTF8), None);
        assert!(text_bits(b"a\0b\0", TextEncoding::UTF16LE).unwrap() > 10.0);
        assert!(text_bits(b"a\0b\0", TextEncoding::UTF16BE).unwrap() < 1.0);
        assert_eq!(text_bits(b"a\0b", TextEncoding::UTF16LE), None);
    }
}
