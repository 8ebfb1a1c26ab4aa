//! The fields of a record: what type each has, and where its bytes lie.

use crate::format::{Damage, Record, SerialType, Value};

/// Records longer than this are not looked into: they would have to be put together in memory.
pub(super) const LONGEST_BYTES: u32 = 16 * 1024 * 1024;

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
    pub(super) fn value<'p>(&self, field: usize, payload: &'p [u8]) -> Option<Value<'p>> {
        let Field { serial_type, offset, size_bytes } = *self.list.get(field)?;
        serial_type.value(payload.get(offset..)?.get(..size_bytes)?)
    }

    /// All texts in the payload that was read, and where each begins in it.
    pub(super) fn texts<'p>(&self, payload: &'p [u8]) -> impl Iterator<Item = (usize, &'p [u8])> {
        let texts = self.list.iter().filter(|field| field.serial_type.is_text());
        texts.filter_map(|field| Some((field.offset, payload.get(field.offset..)?.get(..field.size_bytes)?)))
    }
}
