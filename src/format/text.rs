//! Text as it is stored, made into text as Rust knows it.
//!
//! Nothing makes sure that a stored text is valid in its encoding: what is not becomes U+FFFD, as in SQLite.

use super::database_header::TextEncoding;

/// The text that these bytes are in this encoding. [records.md#serial-types](crate::notes::records#serial-types)
#[must_use]
pub fn decode_text(bytes: &[u8], encoding: TextEncoding) -> String {
    let unit = match encoding.effective() {
        TextEncoding::UTF16LE => u16::from_le_bytes,
        TextEncoding::UTF16BE => u16::from_be_bytes,
        _ => return String::from_utf8_lossy(bytes).into_owned(),
    };
    let (pairs, half) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| unit(pair));
    let mut text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !half.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding() {
        let text = "kůň 🐎";
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode_text(text.as_bytes(), TextEncoding::UTF8), text);
        assert_eq!(decode_text(&little, TextEncoding::UTF16LE), text);
        assert_eq!(decode_text(&big, TextEncoding::UTF16BE), text);
        assert_eq!(decode_text(&big, TextEncoding(7)), text, "only two bits count");
        assert_eq!(decode_text(text.as_bytes(), TextEncoding(0)), text);
    }

    #[test]
    fn what_is_not_valid_is_replaced() {
        assert_eq!(decode_text(b"a\xffb", TextEncoding::UTF8), "a\u{fffd}b");
        assert_eq!(decode_text(&[0x41, 0, 0x00, 0xd8, 0x42, 0], TextEncoding::UTF16LE), "A\u{fffd}B");
        assert_eq!(decode_text(&[0x41, 0, 0x42], TextEncoding::UTF16LE), "A\u{fffd}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), encoding in 0..5_u32) {
            let text = decode_text(&bytes, TextEncoding(encoding));
            prop_assert!(text.len() <= 3 * bytes.len());
        }
    }
}
