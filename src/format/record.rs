//! The record: the values of a table row or an index entry, as the payload of a cell.
//!
//! A varint with the length of the header (itself included), then one varint for each value, the serial type;
//! after the header the values, back to back.
//!
//! | serial type | bytes | value |
//! |---:|---:|---|
//! | 0 | 0 | NULL |
//! | 1 to 6 | 1, 2, 3, 4, 6, 8 | signed integer, big-endian |
//! | 7 | 8 | IEEE 754 number, big-endian; NaN is read as NULL |
//! | 8, 9 | 0 | the integers 0 and 1 |
//! | 10, 11 | 0 | not used on disk, read as NULL |
//! | N >= 12, even | (N - 12) / 2 | blob |
//! | N >= 13, odd | (N - 13) / 2 | text in the encoding of the database |
//!
//! A header is at most 98307 bytes long and at most as long as the payload. Values that a table has and a
//! record lacks, at its end, are the defaults of their columns.

use super::byte_reader::ByteReader;
use super::damage::Damage;

/// The longest header that SQLite reads: 32767 serial types of three bytes, and the length.
pub const LONGEST_RECORD_HEADER_BYTES: u64 = 98307;

/// A record whose header is within its limits. [records.md#record](crate::notes::records#record)
///
/// ```
/// use litecopy::format::{Record, Value};
///
/// // A header of 3 bytes: itself, a small integer (1), a text of two bytes (17).
/// let record = Record::parse(&[3, 1, 17, 42, b'h', b'i'])?;
/// let values = record.values().collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(values, [Value::Integer(42), Value::Text(b"hi")]);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    bytes: &'a [u8],
    types_offset: usize,
    header_bytes: usize,
}

impl<'a> Record<'a> {
    /// The record that is all of `payload`.
    ///
    /// # Errors
    /// [`Damage::Short`] for no bytes at all, [`Damage::RecordHeaderLength`] for a header that cannot be.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Damage> {
        Self::parse_start(payload, payload.len() as u64)
    }

    /// The record of a payload of `payload_bytes`, of which only the first are at hand: those in the cell,
    /// say, without its overflow chain. Reading a value beyond them gives [`Damage::RecordValueCut`].
    ///
    /// # Errors
    /// As [`Self::parse`]; [`Damage::Short`] also when the header is not all there.
    pub fn parse_start(start: &'a [u8], payload_bytes: u64) -> Result<Self, Damage> {
        let mut reader = ByteReader::new(start);
        let found = reader.varint()?;
        let types_offset = reader.position();
        let limit = payload_bytes.min(LONGEST_RECORD_HEADER_BYTES);
        let damage = Damage::RecordHeaderLength { found, payload_bytes };
        if found < types_offset as u64 || found > limit {
            return Err(damage);
        }
        let header_bytes = usize::try_from(found).map_err(|_| damage)?;
        ByteReader::new(start).bytes(header_bytes)?;
        Ok(Self { bytes: start, types_offset, header_bytes })
    }

    /// How long its header is in bytes: there the values begin.
    #[must_use]
    pub fn header_bytes(&self) -> usize {
        self.header_bytes
    }

    /// The serial types, in the order of the columns. Ends after the first error.
    #[must_use]
    pub fn serial_types(&self) -> SerialTypes<'a> {
        let header = self.bytes.get(..self.header_bytes).unwrap_or_default();
        SerialTypes { header: ByteReader::at(header, self.types_offset), header_bytes: self.header_bytes }
    }

    /// The values, in the order of the columns. Ends after the first error.
    #[must_use]
    pub fn values(&self) -> Values<'a> {
        Values {
            types: self.serial_types(),
            body: ByteReader::at(self.bytes, self.header_bytes),
            column: 0,
            broken: false,
        }
    }
}

/// What a value is made of, as stored. [records.md#serial-types](crate::notes::records#serial-types)
///
/// ```
/// use litecopy::format::{SerialType, Value};
///
/// assert_eq!(SerialType(17).body_bytes(), 2);
/// assert!(SerialType(17).is_text());
/// assert_eq!(SerialType(9).value(&[]), Some(Value::Integer(1)));
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialType(pub u64);

impl SerialType {
    /// The bytes that a value of this type takes in the body of the record.
    #[must_use]
    #[inline]
    pub const fn body_bytes(self) -> u64 {
        match self.0 {
            1..=4 => self.0,
            5 => 6,
            6 | 7 => 8,
            n => n.saturating_sub(12) / 2,
        }
    }

    /// Whether values of this type are text.
    #[must_use]
    #[inline]
    pub fn is_text(self) -> bool {
        self.0 >= 13 && self.0 % 2 == 1
    }

    /// The value of this type that has these bytes; `None` when they are not as many as [`Self::body_bytes`].
    #[must_use]
    #[inline]
    pub fn value(self, bytes: &[u8]) -> Option<Value<'_>> {
        if bytes.len() as u64 != self.body_bytes() {
            return None;
        }
        Some(match self.0 {
            1..=6 => Value::Integer(signed(bytes)),
            7 => real(signed(bytes)),
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            0 | 10 | 11 => Value::Null,
            n if n % 2 == 0 => Value::Blob(bytes),
            _ => Value::Text(bytes),
        })
    }
}

/// A value of a record; text and blob are borrowed from it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL; also the rowid of a table whose first key column it is.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number, never NaN.
    Real(f64),
    /// Text, in the encoding of the database; nothing makes sure that it is valid there.
    Text(&'a [u8]),
    /// A blob.
    Blob(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value of this type at the start of `bytes`.
    ///
    /// # Errors
    /// [`Damage::RecordValueCut`], of column 0, when the bytes end before it does.
    pub fn read(serial_type: SerialType, bytes: &'a [u8]) -> Result<Self, Damage> {
        read_value(serial_type, 0, &mut ByteReader::new(bytes))
    }
}

/// The serial types of a record, one after the other.
#[derive(Clone, Debug)]
pub struct SerialTypes<'a> {
    header: ByteReader<'a>,
    header_bytes: usize,
}

impl Iterator for SerialTypes<'_> {
    type Item = Result<SerialType, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.header.rest().is_empty() {
            return None;
        }
        let offset = self.header.position();
        let serial_type = self.header.varint().map(SerialType);
        if serial_type.is_err() {
            self.header = ByteReader::new(&[]);
        }
        Some(serial_type.map_err(|_| Damage::RecordHeaderCut { offset, header_bytes: self.header_bytes }))
    }
}

/// The values of a record, one after the other.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    types: SerialTypes<'a>,
    body: ByteReader<'a>,
    column: usize,
    broken: bool,
}

impl<'a> Iterator for Values<'a> {
    type Item = Result<Value<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let value =
            self.types.next()?.and_then(|serial_type| read_value(serial_type, self.column, &mut self.body));
        self.broken = value.is_err();
        self.column = self.column.saturating_add(1);
        Some(value)
    }
}

fn read_value<'a>(
    serial_type: SerialType,
    column: usize,
    body: &mut ByteReader<'a>,
) -> Result<Value<'a>, Damage> {
    let needed = serial_type.body_bytes();
    let cut = Damage::RecordValueCut { column, needed, available: body.rest().len() as u64 };
    let bytes = usize::try_from(needed).map_err(|_| cut).and_then(|n| body.bytes(n).map_err(|_| cut))?;
    serial_type.value(bytes).ok_or(cut)
}

/// The big-endian number, at most eight bytes long, with its first bit as the sign.
#[inline]
fn signed(bytes: &[u8]) -> i64 {
    match *bytes {
        [a] => a.cast_signed().into(),
        [a, b] => i16::from_be_bytes([a, b]).into(),
        [a, b, c] => (i32::from_be_bytes([a, b, c, 0]) >> 8).into(),
        [a, b, c, d] => i32::from_be_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f] => i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16,
        [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

fn real(bits: i64) -> Value<'static> {
    let number = f64::from_bits(bits.cast_unsigned());
    if number.is_nan() { Value::Null } else { Value::Real(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(payload: &[u8]) -> Result<Vec<Value<'_>>, Damage> {
        Record::parse(payload)?.values().collect()
    }

    #[test]
    fn every_serial_type() {
        #[rustfmt::skip]
        let payload = [
            0x0f,                               // header of 15 bytes
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, // the fixed serial types
            0x10,                               // blob of 2 bytes
            0x11,                               // text of 2 bytes
            0xff,                               // 1: -1
            0x80, 0x00,                         // 2: -32768
            0x00, 0x01, 0x00,                   // 3: 256
            0xff, 0xff, 0xff, 0xfe,             // 4: -2
            0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, // 5: the largest of 48 bits
            0x80, 0, 0, 0, 0, 0, 0, 0,          // 6: the smallest of 64 bits
            0x3f, 0xf8, 0, 0, 0, 0, 0, 0,       // 7: 1.5
            0xde, 0xad, b'h', b'i',
        ];
        assert_eq!(
            values(&payload).unwrap(),
            [
                Value::Null,
                Value::Integer(-1),
                Value::Integer(-32768),
                Value::Integer(256),
                Value::Integer(-2),
                Value::Integer((1 << 47) - 1),
                Value::Integer(i64::MIN),
                Value::Real(1.5),
                Value::Integer(0),
                Value::Integer(1),
                Value::Null,
                Value::Null,
                Value::Blob(&[0xde, 0xad]),
                Value::Text(b"hi"),
            ]
        );
    }

    #[test]
    fn lengths_of_bodies() {
        let lengths: Vec<u64> = (0..16).map(|n| SerialType(n).body_bytes()).collect();
        assert_eq!(lengths, [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(SerialType(u64::MAX).body_bytes(), (u64::MAX - 12) / 2);
    }

    #[test]
    fn nan_is_null() {
        let payload = [0x02, 0x07, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1];
        assert_eq!(values(&payload), Ok(vec![Value::Null]));
    }

    #[test]
    fn broken_rules_are_told_apart() {
        assert_eq!(values(&[0x00]), Err(Damage::RecordHeaderLength { found: 0, payload_bytes: 1 }));
        assert_eq!(values(&[0x03, 0x00]), Err(Damage::RecordHeaderLength { found: 3, payload_bytes: 2 }));
        let long = [&[0x86, 0x80, 0x04][..], &vec![0; 98305]].concat(); // 98308
        assert!(matches!(values(&long), Err(Damage::RecordHeaderLength { found: 98308, .. })));
        assert!(matches!(values(&[]), Err(Damage::Short { .. })));
        assert_eq!(values(&[0x02, 0x81, 0x00]), Err(Damage::RecordHeaderCut { offset: 1, header_bytes: 2 }));
        assert_eq!(
            values(&[0x03, 0x08, 0x06, 0x00]),
            Err(Damage::RecordValueCut { column: 1, needed: 8, available: 1 })
        );
        let huge = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(values(&huge), Err(Damage::RecordValueCut { column: 0, available: 0, .. })));
    }

    #[test]
    fn the_start_of_a_payload_gives_the_values_that_are_there() {
        let start = [0x03, 0x01, 0x2d, 0x05, 0xaa]; // an integer of one byte, text of 16 of which one is there
        let record = Record::parse_start(&start, 20).unwrap();
        let found: Vec<_> = record.values().collect();
        assert_eq!(found[0], Ok(Value::Integer(5)));
        assert_eq!(found[1], Err(Damage::RecordValueCut { column: 1, needed: 16, available: 1 }));
        assert_eq!(found.len(), 2);
        assert!(matches!(Record::parse_start(&start[..2], 20), Err(Damage::Short { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), more in 0..500_u64) {
            if let Ok(record) = Record::parse_start(&bytes, more) {
                prop_assert!(record.values().count() <= bytes.len());
                let types = record.serial_types().count();
                prop_assert!(record.values().count() <= types);
            }
        }
    }
}
