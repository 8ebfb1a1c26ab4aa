//! The fields of a record: what type each has, and where its bytes lie.

use crate::format::record::LONGEST_RECORD_HEADER_BYTES;
use crate::format::varint::read_varint;
use crate::format::{Damage, Record, SerialType, Value};

/// Records longer than this are not looked into: they would have to be put together in memory.
pub(super) const LONGEST_BYTES: u32 = 16 * 1024 * 1024;

/// Types of values, one or several. An integer that a REAL column stores is an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage(u8);

impl Storage {
    pub(super) const NULL: Self = Self(1);
    pub(super) const INTEGER: Self = Self(2);
    pub(super) const REAL: Self = Self(4);
    pub(super) const TEXT: Self = Self(8);
    pub(super) const BLOB: Self = Self(16);
    pub(super) const ALL: Self = Self(31);

    /// The type of a value that is stored so.
    #[inline]
    fn of(serial_type: SerialType) -> Self {
        match serial_type.0 {
            0 | 10 | 11 => Self::NULL,
            7 => Self::REAL,
            1..=9 => Self::INTEGER,
            other if other % 2 == 0 => Self::BLOB,
            _ => Self::TEXT,
        }
    }

    pub(super) const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(super) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether one of them is among these.
    #[inline]
    pub(super) const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    /// The type in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::NULL => "NULL",
            Self::INTEGER => "an integer",
            Self::REAL => "a real",
            Self::TEXT => "a text",
            _ => "a blob",
        }
    }
}

/// A field of a record. Of a record that is no longer than can be looked into, both fit.
#[derive(Clone, Copy, Debug, Default)]
struct Field {
    serial_type: u32,
    offset: u32,
}

/// A record and its fields. The buffers are kept between records.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The fields, and behind them what is left of records before.
    list: Vec<Field>,
    count: usize,
}

/// The bytes of a value, by a serial type of one byte.
const SIZES: [u8; 128] = {
    let mut sizes = [0; 128];
    let mut serial_type = 0;
    while serial_type < sizes.len() {
        #[allow(clippy::indexing_slicing, reason = "it is less than the length")]
        #[allow(clippy::cast_possible_truncation, reason = "57 at most")]
        (sizes[serial_type] = SerialType(serial_type as u64).body_bytes() as u8);
        serial_type += 1;
    }
    sizes
};

impl Fields {
    /// Finds the fields of the record that is all of `payload`. They fill it, to the last byte.
    #[inline]
    pub(super) fn read(&mut self, payload: &[u8]) -> Result<(), Damage> {
        match self.read_sound(payload) {
            Some(()) => Ok(()),
            None => self.read_fully(payload),
        }
    }

    /// Of a record that breaks no rule, in a fraction of the time; `None` for any other.
    #[inline]
    fn read_sound(&mut self, payload: &[u8]) -> Option<()> {
        let (header_bytes, taken) = read_varint(payload)?;
        let end = usize::try_from(header_bytes).ok()?;
        if !(2..=LONGEST_RECORD_HEADER_BYTES).contains(&header_bytes) {
            return None;
        }
        let mut types = payload.get(taken..end)?;
        if self.list.len() < types.len() {
            self.list.resize(types.len(), Field::default());
        }
        let mut offset = u32::try_from(header_bytes).ok()?;
        self.count = 0;
        for field in &mut self.list {
            let (serial_type, size_bytes) = match types.split_first() {
                None => break,
                Some((&only, rest)) if only < 0x80 => {
                    types = rest;
                    (u32::from(only), u32::from(*SIZES.get(usize::from(only))?))
                }
                Some(_) => {
                    let (serial_type, taken) = read_varint(types)?;
                    types = types.get(taken..)?;
                    let size_bytes = SerialType(serial_type).body_bytes();
                    (u32::try_from(serial_type).ok()?, u32::try_from(size_bytes).ok()?)
                }
            };
            *field = Field { serial_type, offset };
            offset = offset.checked_add(size_bytes)?;
            self.count += 1;
        }
        (types.is_empty() && offset as usize == payload.len()).then_some(())
    }

    /// The same, to say which rule is broken.
    #[cold]
    fn read_fully(&mut self, payload: &[u8]) -> Result<(), Damage> {
        self.list.clear();
        self.count = 0;
        let record = Record::parse(payload)?;
        let mut offset = record.header_bytes();
        for serial_type in record.serial_types() {
            let serial_type = serial_type?;
            let needed = serial_type.body_bytes();
            let available = payload.len().saturating_sub(offset);
            let cut = Damage::RecordValueCut { column: self.list.len(), needed, available: available as u64 };
            let size_bytes = usize::try_from(needed).ok().filter(|&size| size <= available).ok_or(cut)?;
            let serial_type = u32::try_from(serial_type.0).map_err(|_| cut)?;
            self.list.push(Field { serial_type, offset: u32::try_from(offset).map_err(|_| cut)? });
            offset += size_bytes;
        }
        self.count = self.list.len();
        match payload.len().saturating_sub(offset) {
            0 if record.header_bytes() >= 2 => Ok(()),
            0 => Err(Damage::RecordHeaderLength { found: 1, payload_bytes: payload.len() as u64 }),
            left => Err(Damage::RecordBytesLeft { left: left as u64 }),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A field of the payload that was read, as it is stored; `None` behind the last.
    #[inline]
    pub(super) fn stored<'p>(&self, field: usize, payload: &'p [u8]) -> Option<(SerialType, &'p [u8])> {
        let field = self.list.get(..self.count)?.get(field)?;
        Some((field.serial_type(), field.bytes(payload)?))
    }

    /// The value of a field of the payload that was read; `None` behind the last.
    #[inline]
    pub(super) fn value<'p>(&self, field: usize, payload: &'p [u8]) -> Option<Value<'p>> {
        let (serial_type, bytes) = self.stored(field, payload)?;
        serial_type.value(bytes)
    }

    /// The type of a field's value; `None` behind the last.
    #[inline]
    pub(super) fn storage(&self, field: usize) -> Option<Storage> {
        self.list.get(..self.count)?.get(field).map(|field| Storage::of(field.serial_type()))
    }

    /// All texts in the payload that was read.
    #[inline]
    pub(super) fn texts<'p>(&self, payload: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let texts = self.list.iter().take(self.count).filter(|field| field.serial_type().is_text());
        texts.filter_map(|field| field.bytes(payload))
    }
}

impl Field {
    #[inline]
    fn serial_type(self) -> SerialType {
        SerialType(self.serial_type.into())
    }

    #[inline]
    fn bytes(self, payload: &[u8]) -> Option<&[u8]> {
        payload.get(self.offset as usize..)?.get(..usize::try_from(self.serial_type().body_bytes()).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_way_finds_what_the_long_one_does(payload in proptest::collection::vec(0..40_u8, 0..60), header in 0..9_u8) {
            let mut payload = payload;
            if let Some(first) = payload.first_mut() {
                *first = header;
            }
            let (mut short, mut long) = (Fields::default(), Fields::default());
            let is_sound = short.read_sound(&payload).is_some();
            prop_assert_eq!(is_sound, long.read_fully(&payload).is_ok());
            if is_sound {
                let values = |fields: &Fields| -> Vec<_> {
                    (0..fields.len()).map(|field| format!("{:?}", fields.value(field, &payload))).collect()
                };
                prop_assert_eq!(values(&short), values(&long));
            }
        }
    }
}
