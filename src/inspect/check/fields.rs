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

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    serial_type: SerialType,
    offset: usize,
    size_bytes: usize,
}

/// A record and its fields. The buffers are kept between records.
#[derive(Debug, Default)]
pub(super) struct Fields {
    list: Vec<Field>,
}

impl Fields {
    /// Finds the fields of the record that is all of `payload`. They fill it, to the last byte.
    pub(super) fn read(&mut self, payload: &[u8]) -> Result<(), Damage> {
        match self.read_sound(payload) {
            Some(()) => Ok(()),
            None => self.read_fully(payload),
        }
    }

    /// Of a record that breaks no rule, in a fraction of the time; `None` for any other.
    fn read_sound(&mut self, payload: &[u8]) -> Option<()> {
        self.list.clear();
        let (header_bytes, taken) = read_varint(payload)?;
        let mut offset = usize::try_from(header_bytes).ok()?;
        if !(2..=LONGEST_RECORD_HEADER_BYTES).contains(&header_bytes) {
            return None;
        }
        let mut types = payload.get(taken..offset)?;
        while !types.is_empty() {
            let (serial_type, taken) = read_varint(types)?;
            types = types.get(taken..)?;
            let serial_type = SerialType(serial_type);
            let size_bytes = usize::try_from(serial_type.body_bytes()).ok()?;
            self.list.push(Field { serial_type, offset, size_bytes });
            offset = offset.checked_add(size_bytes)?;
        }
        (offset == payload.len()).then_some(())
    }

    /// The same, to say which rule is broken.
    fn read_fully(&mut self, payload: &[u8]) -> Result<(), Damage> {
        self.list.clear();
        let record = Record::parse(payload)?;
        let mut offset = record.header_bytes();
        for serial_type in record.serial_types() {
            let serial_type = serial_type?;
            let needed = serial_type.body_bytes();
            let available = payload.len().saturating_sub(offset);
            let cut = Damage::RecordValueCut { column: self.list.len(), needed, available: available as u64 };
            let size_bytes = usize::try_from(needed).ok().filter(|&size| size <= available).ok_or(cut)?;
            self.list.push(Field { serial_type, offset, size_bytes });
            offset += size_bytes;
        }
        match payload.len().saturating_sub(offset) {
            0 if record.header_bytes() >= 2 => Ok(()),
            0 => Err(Damage::RecordHeaderLength { found: 1, payload_bytes: payload.len() as u64 }),
            left => Err(Damage::RecordBytesLeft { left: left as u64 }),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// A field of the payload that was read; `None` behind the last.
    #[inline]
    pub(super) fn value<'p>(&self, field: usize, payload: &'p [u8]) -> Option<Value<'p>> {
        let Field { serial_type, offset, size_bytes } = *self.list.get(field)?;
        serial_type.value(payload.get(offset..)?.get(..size_bytes)?)
    }

    /// The type of a field's value; `None` behind the last.
    #[inline]
    pub(super) fn storage(&self, field: usize) -> Option<Storage> {
        self.list.get(field).map(|field| Storage::of(field.serial_type))
    }

    /// All texts in the payload that was read, and where each begins in it.
    pub(super) fn texts<'p>(&self, payload: &'p [u8]) -> impl Iterator<Item = (usize, &'p [u8])> {
        let texts = self.list.iter().filter(|field| field.serial_type.is_text());
        texts.filter_map(|field| Some((field.offset, payload.get(field.offset..)?.get(..field.size_bytes)?)))
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
