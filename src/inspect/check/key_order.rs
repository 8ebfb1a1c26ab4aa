//! Compares records as SQLite does: NULL, numbers, text, blobs; text by its collation. [inspection.md#order-of-keys](crate::notes::inspection#order-of-keys)

use super::fields::Fields;
use crate::format::database_header::TextEncoding;
use crate::format::text::decode_text;
use crate::format::{SerialType, Value};
use crate::schema::Collation;
use std::borrow::Cow;
use std::cmp::Ordering;

/// How one field of a key is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyField {
    pub(super) collation: Collation,
    pub(super) descending: bool,
}

/// How one key stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyOrder {
    /// They differ first in this field, and so.
    Differ(usize, Ordering),
    Equal,
    /// They differ first in this field, whose collation is not known.
    Unknown,
}

/// Compares the first fields of two records.
#[inline]
pub(super) fn compare(
    key: &[KeyField],
    (before, before_payload): (&Fields, &[u8]),
    (after, after_payload): (&Fields, &[u8]),
    encoding: TextEncoding,
) -> KeyOrder {
    for (field, KeyField { collation, descending }) in key.iter().enumerate() {
        let (Some(a), Some(b)) = (before.stored(field, before_payload), after.stored(field, after_payload))
        else {
            return KeyOrder::Unknown;
        };
        let Some(order) = compare_stored(a, b, collation, encoding) else { return KeyOrder::Unknown };
        if order != Ordering::Equal {
            return KeyOrder::Differ(field, if *descending { order.reverse() } else { order });
        }
    }
    KeyOrder::Equal
}

/// What [`compare_values`] says; texts and blobs, which most keys begin with, need not be decoded for it.
#[inline]
fn compare_stored(
    (a_type, a): (SerialType, &[u8]),
    (b_type, b): (SerialType, &[u8]),
    collation: &Collation,
    encoding: TextEncoding,
) -> Option<Ordering> {
    if a_type.is_text() && b_type.is_text() && *collation == Collation::Binary {
        return Some(compare_bytes(a, b));
    }
    compare_values(a_type.value(a)?, b_type.value(b)?, collation, encoding)
}

/// Most differ in the first eight bytes.
#[inline]
fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (Some(first), Some(second)) if first != second => {
            u64::from_be_bytes(*first).cmp(&u64::from_be_bytes(*second))
        }
        _ => a.cmp(b),
    }
}

/// `None` where only an application knows.
#[inline]
pub(in crate::inspect) fn compare_values(
    a: Value<'_>,
    b: Value<'_>,
    collation: &Collation,
    encoding: TextEncoding,
) -> Option<Ordering> {
    let rank = |value: &Value<'_>| match value {
        Value::Null => 0,
        Value::Integer(_) | Value::Real(_) => 1,
        Value::Text(_) => 2,
        Value::Blob(_) => 3,
    };
    Some(match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(&b),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (Value::Integer(a), Value::Real(b)) => compare_mixed(a, b),
        (Value::Real(a), Value::Integer(b)) => compare_mixed(b, a).reverse(),
        (Value::Text(a), Value::Text(b)) => return compare_texts(a, b, collation, encoding),
        (Value::Blob(a), Value::Blob(b)) => a.cmp(b),
        _ => rank(&a).cmp(&rank(&b)),
    })
}

/// An integer and a real, without rounding either.
fn compare_mixed(integer: i64, real: f64) -> Ordering {
    /// 2 to the 63rd: beyond every integer.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real >= BEYOND {
        return Ordering::Less;
    }
    if real < -BEYOND {
        return Ordering::Greater;
    }
    #[allow(clippy::cast_possible_truncation, reason = "it lies within, and the fraction is looked at below")]
    let whole = real.trunc() as i64;
    let fraction = real.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal);
    integer.cmp(&whole).then(fraction.reverse())
}

/// BINARY compares the bytes as they are stored, in whatever encoding; the two others compare in UTF-8.
fn compare_texts(a: &[u8], b: &[u8], collation: &Collation, encoding: TextEncoding) -> Option<Ordering> {
    match collation {
        Collation::Binary => Some(a.cmp(b)),
        _ if a == b => Some(Ordering::Equal),
        Collation::NoCase => Some(compare_without_case(&utf8(a, encoding), &utf8(b, encoding))),
        Collation::Rtrim => Some(trimmed(&utf8(a, encoding)).cmp(trimmed(&utf8(b, encoding)))),
        _ => None,
    }
}

fn utf8(text: &[u8], encoding: TextEncoding) -> Cow<'_, [u8]> {
    match encoding.effective() {
        TextEncoding::UTF8 => Cow::Borrowed(text),
        encoding => Cow::Owned(decode_text(text, encoding).into_bytes()),
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

/// Up to the end of the shorter one, or a zero byte in both; then the longer one is greater.
fn compare_without_case(a: &[u8], b: &[u8]) -> Ordering {
    for (a_byte, b_byte) in a.iter().zip(b) {
        let order = a_byte.to_ascii_lowercase().cmp(&b_byte.to_ascii_lowercase());
        if order != Ordering::Equal {
            return order;
        }
        if *a_byte == 0 {
            break;
        }
    }
    a.len().cmp(&b.len())
}
