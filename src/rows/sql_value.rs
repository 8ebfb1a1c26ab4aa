//! One value of a row, as SELECT gives it, and its form in JSON.

use std::borrow::Cow;

use crate::format::Value;
use crate::format::database_header::TextEncoding;
use crate::schema::DefaultValue;

/// A value of a row. [rows.md#values](crate::notes::rows#values)
///
/// In JSON: null, a number, a string; a blob is `{"blob": "<hex>"}`, text that is not valid in the encoding of the
/// database is `{"invalid_text": "<hex>"}`, and the infinities are `{"real": "inf"}` and `{"real": "-inf"}`.
///
/// ```
/// use litecopy::rows::SqlValue;
///
/// let value = SqlValue::Text("kůň".into());
/// assert_eq!(value.as_str(), Some("kůň"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue<'r> {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number, never NaN.
    Real(f64),
    /// Text.
    Text(Cow<'r, str>),
    /// Text that is not valid in the encoding of the database, as it is stored.
    InvalidText(&'r [u8]),
    /// A blob.
    Blob(&'r [u8]),
}

impl<'r> SqlValue<'r> {
    /// The value that is stored so in a database of this encoding.
    #[must_use]
    pub fn from_stored(value: Value<'r>, encoding: TextEncoding) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(number) => Self::Integer(number),
            Value::Real(number) => Self::Real(number),
            Value::Blob(bytes) => Self::Blob(bytes),
            Value::Text(bytes) => valid_text(bytes, encoding).map_or(Self::InvalidText(bytes), Self::Text),
        }
    }

    /// The text, if it is one, and valid.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'r> From<&'r DefaultValue> for SqlValue<'r> {
    fn from(value: &'r DefaultValue) -> Self {
        match value {
            DefaultValue::Null => Self::Null,
            DefaultValue::Integer(number) => Self::Integer(*number),
            DefaultValue::Real(number) => Self::Real(*number),
            DefaultValue::Text(text) => Self::Text(text.into()),
            DefaultValue::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

fn valid_text(bytes: &[u8], encoding: TextEncoding) -> Option<Cow<'_, str>> {
    let unit = match encoding.effective() {
        TextEncoding::UTF16LE => u16::from_le_bytes,
        TextEncoding::UTF16BE => u16::from_be_bytes,
        _ => return std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    };
    let (pairs, half) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).collect();
    text.ok().filter(|_| half.is_empty()).map(Cow::Owned)
}

/// Adds the bytes in lower-case hexadecimal digits.
pub(crate) fn add_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |four: u8| four + if four < 10 { b'0' } else { b'a' - 10 };
    let start = text.len();
    text.resize(start.saturating_add(bytes.len().saturating_mul(2)), 0);
    let (pairs, _) = text.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for (pair, &byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// The bytes in lower-case hexadecimal digits.
#[cfg(feature = "serde")]
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    add_hex(&mut text, bytes);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(feature = "serde")]
impl serde::Serialize for SqlValue<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let (key, text) = match self {
            Self::Null => return serializer.serialize_unit(),
            Self::Integer(number) => return serializer.serialize_i64(*number),
            Self::Real(number) if number.is_finite() => return serializer.serialize_f64(*number),
            Self::Text(text) => return serializer.serialize_str(text),
            Self::Real(number) => ("real", if *number > 0.0 { "inf" } else { "-inf" }.to_owned()),
            Self::InvalidText(bytes) => ("invalid_text", hex(bytes)),
            Self::Blob(bytes) => ("blob", hex(bytes)),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &text)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_valid_in_its_encoding_or_told_as_it_is() {
        let of = |bytes, encoding| SqlValue::from_stored(Value::Text(bytes), encoding);
        assert_eq!(of(b"a\xc5\xaf", TextEncoding::UTF8).as_str(), Some("aů"));
        assert_eq!(of(b"a\xff", TextEncoding::UTF8), SqlValue::InvalidText(b"a\xff"));
        assert_eq!(of(b"a\0\x6f\x01", TextEncoding::UTF16LE).as_str(), Some("aů"));
        assert_eq!(of(b"\0a\x01\x6f", TextEncoding::UTF16BE).as_str(), Some("aů"));
        assert_eq!(of(b"a\0b", TextEncoding::UTF16LE), SqlValue::InvalidText(b"a\0b"), "half a unit");
        assert_eq!(of(b"\x00\xd8", TextEncoding::UTF16LE), SqlValue::InvalidText(b"\x00\xd8"));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn the_form_in_json() {
        let json = |value: SqlValue<'_>| serde_json::to_string(&value).unwrap();
        assert_eq!(json(SqlValue::Null), "null");
        assert_eq!(json(SqlValue::Integer(i64::MIN)), "-9223372036854775808");
        assert_eq!(json(SqlValue::Real(1.0)), "1.0");
        assert_eq!(json(SqlValue::Real(0.1)), "0.1");
        assert_eq!(json(SqlValue::Real(f64::NEG_INFINITY)), "{\"real\":\"-inf\"}");
        assert_eq!(json(SqlValue::Real(f64::INFINITY)), "{\"real\":\"inf\"}");
        assert_eq!(json(SqlValue::Text("a\"\u{0}".into())), "\"a\\\"\\u0000\"");
        assert_eq!(json(SqlValue::Blob(&[0, 0xaf])), "{\"blob\":\"00af\"}");
        assert_eq!(json(SqlValue::InvalidText(&[0xff])), "{\"invalid_text\":\"ff\"}");
    }
}
