//! Finds records in bytes that no page accounts for: free blocks, unallocated space, pages that are free. `[deleted.md]`
//!
//! A cell that was freed into unallocated space is whole. One that became a free block has lost its first four bytes to the
//! block's header: the length of its payload, its rowid, the start of the record's header. What is lost follows from the rest:
//! the columns of the table say how many types there are, and the types how long the record is.

use crate::format::btree_cell::local_payload_bytes;
use crate::format::varint::read_varint;
use crate::format::{PageKind, PageNumber, SerialType, Value};
use crate::schema::{Affinity, Table};

/// What is lost of a cell that became a free block.
const LOST_BYTES: usize = 4;

/// What the records of one table look like.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    fields: Vec<FieldRule>,
    has_rowid: bool,
}

#[derive(Clone, Copy, Debug)]
struct FieldRule {
    is_rowid: bool,
    not_null: bool,
    affinity: Affinity,
    /// Whether rows from before the column was added lack it.
    can_be_missing: bool,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Carved {
    /// Where its cell begins, or what is left of it, and ends.
    pub(crate) offset: usize,
    pub(crate) end: usize,
    pub(crate) rowid: Option<i64>,
    pub(crate) types: Vec<SerialType>,
    /// Where its values begin.
    pub(crate) body: usize,
    /// Where those that are in the page end.
    pub(crate) body_end: usize,
    /// The page that the rest is in.
    pub(crate) first_overflow: Option<PageNumber>,
    /// How many bytes the record has of all, its header included.
    pub(crate) payload_bytes: u32,
    pub(crate) confidence: f64,
}

impl Template {
    pub(crate) fn new(table: &Table) -> Self {
        let rule = |&index: &usize| {
            let column = table.columns.get(index)?;
            Some(FieldRule {
                is_rowid: table.rowid_column == Some(index),
                not_null: column.not_null,
                affinity: column.affinity,
                can_be_missing: column.default.is_some() || !column.not_null,
            })
        };
        let fields = table.stored_columns().iter().filter_map(rule).collect();
        Self { fields, has_rowid: !table.without_rowid }
    }

    pub(crate) fn has_rowid(&self) -> bool {
        self.has_rowid
    }

    /// Whether values of these types, whose bytes begin in `body`, can be a row of the table.
    pub(crate) fn fits(&self, types: &[SerialType], body: &[u8]) -> bool {
        if types.is_empty() || types.len() > self.fields.len() {
            return false;
        }
        if !self.fields.iter().skip(types.len()).all(|field| field.can_be_missing) {
            return false;
        }
        let mut at = 0_usize;
        types.iter().zip(&self.fields).all(|(&serial_type, field)| {
            let bytes = body.get(at..).unwrap_or_default();
            at = at.saturating_add(usize::try_from(serial_type.body_bytes()).unwrap_or(usize::MAX));
            field.holds(serial_type, bytes)
        })
    }
}

impl FieldRule {
    fn holds(self, serial_type: SerialType, bytes: &[u8]) -> bool {
        let kind = serial_type.0;
        if self.is_rowid {
            return kind == 0;
        }
        match kind {
            0 => !self.not_null,
            10 | 11 => false,
            1..=9 if self.affinity == Affinity::Text => false,
            7 if self.affinity == Affinity::Integer => {
                // A whole number would have been stored as an integer.
                matches!(Value::read(serial_type, bytes), Ok(Value::Real(number)) if number.fract() != 0.0 || number.abs() > 1e15)
            }
            n if n >= 13
                && n % 2 == 1
                && matches!(self.affinity, Affinity::Integer | Affinity::Real | Affinity::Numeric) =>
            {
                let length = usize::try_from(serial_type.body_bytes()).unwrap_or(usize::MAX);
                let text = bytes.get(..length).and_then(|text| std::str::from_utf8(text).ok());
                text.is_none_or(|text| text.trim().parse::<f64>().is_err())
            }
            _ => true,
        }
    }
}

/// Where cells are looked for, in the usable part of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it is a free block: its first four bytes are the block's own.
    pub(crate) is_free_block: bool,
}

/// Looks for cells of the table in a region, from its start to its end; none lies over another.
pub(crate) fn carve(usable: &[u8], region: Region, template: &Template) -> Vec<Carved> {
    let mut found = Vec::new();
    let mut at = region.start;
    // A cell without its first four bytes is only looked for where one can begin: else anything would be one.
    let mut may_be_cut = region.is_free_block;
    while at < region.end {
        let whole = whole_cell(usable, at, region.end, template);
        let cell = match (whole, may_be_cut) {
            (Some(cell), _) if !(region.is_free_block && at == region.start) => Some(cell),
            (_, true) => cut_cell(usable, at, region.end, template),
            // Elsewhere, what is left of a block's header must say how long the cell was.
            _ => cut_cell(usable, at, region.end, template).filter(|cell| was_a_block(usable, cell)),
        };
        match cell {
            Some(cell) => {
                at = cell.end.max(at + LOST_BYTES);
                // Blocks that were joined lie one behind the other.
                may_be_cut = region.is_free_block;
                found.push(cell);
            }
            None => {
                at += 1;
                may_be_cut = false;
            }
        }
    }
    found
}

/// Whether the lost bytes are the header of a free block as long as the cell.
fn was_a_block(usable: &[u8], cell: &Carved) -> bool {
    match usable.get(cell.offset + 2..cell.offset + LOST_BYTES) {
        Some(&[high, low]) => usize::from(high) << 8 | usize::from(low) == cell.end - cell.offset,
        _ => false,
    }
}

/// A cell that is whole, as far as it is in the page.
fn whole_cell(usable: &[u8], at: usize, end: usize, template: &Template) -> Option<Carved> {
    let (payload_bytes, length) = read_varint(usable.get(at..end)?)?;
    let mut header = at + length;
    let mut rowid = None;
    if template.has_rowid {
        let (number, length) = read_varint(usable.get(header..end)?)?;
        rowid = Some(number.cast_signed());
        header += length;
    }
    let payload_bytes = u32::try_from(payload_bytes).ok().filter(|&bytes| bytes >= 2)?;
    let (types, body) = record_header(usable, header, end)?;
    let record = Sizes { header, body, payload_bytes }.of(usable, &types, end, template.has_rowid)?;
    let cell = Carved { offset: at, rowid, types, confidence: 0.97, ..record };
    is_plausible(usable, &cell, template).then_some(cell)
}

/// The types of the record whose header begins here, and where its values begin.
fn record_header(usable: &[u8], at: usize, end: usize) -> Option<(Vec<SerialType>, usize)> {
    let (length, own) = read_varint(usable.get(at..end)?)?;
    let body = at.checked_add(usize::try_from(length).ok()?).filter(|&body| body <= end)?;
    let types = types_between(usable, at + own, body)?;
    Some((types, body))
}

fn types_between(usable: &[u8], mut at: usize, end: usize) -> Option<Vec<SerialType>> {
    let mut types = Vec::new();
    while at < end {
        let (serial_type, length) = read_varint(usable.get(at..end)?)?;
        types.push(SerialType(serial_type));
        at += length;
    }
    Some(types)
}

/// Where the parts of a record are.
struct Sizes {
    header: usize,
    body: usize,
    payload_bytes: u32,
}

impl Sizes {
    /// The cell, if its types add up to its payload, and it ends before `end`.
    fn of(self, usable: &[u8], types: &[SerialType], end: usize, has_rowid: bool) -> Option<Carved> {
        let Self { header, body, payload_bytes } = self;
        let values = types.iter().try_fold(0_u64, |sum, it| sum.checked_add(it.body_bytes()))?;
        if values.checked_add((body - header) as u64)? != u64::from(payload_bytes) {
            return None;
        }
        let kind = if has_rowid { PageKind::LeafTable } else { PageKind::LeafIndex };
        let usable_bytes = u32::try_from(usable.len()).ok()?;
        let local = local_payload_bytes(kind, payload_bytes, usable_bytes);
        let body_end = header.checked_add(local as usize).filter(|&it| it <= end && it >= body)?;
        let mut cell_end = body_end;
        let mut first_overflow = None;
        if local < payload_bytes {
            let pointer = usable.get(body_end..body_end + 4).filter(|_| body_end + 4 <= end)?;
            let number = pointer.iter().fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
            first_overflow = Some(PageNumber::new(number)?);
            cell_end += 4;
        }
        Some(Carved {
            offset: header,
            end: cell_end,
            rowid: None,
            types: Vec::new(),
            body,
            body_end,
            first_overflow,
            payload_bytes,
            confidence: 0.0,
        })
    }
}

/// A cell without its first four bytes.
fn cut_cell(usable: &[u8], at: usize, end: usize, template: &Template) -> Option<Carved> {
    let intact = at + LOST_BYTES;
    let rowid_lengths = if template.has_rowid { 1..=9 } else { 0..=0 };
    let lengths = (1..=3_usize).flat_map(|payload| rowid_lengths.clone().map(move |rowid| (payload, rowid)));
    let mut best: Option<Carved> = None;
    for (payload, rowid) in lengths {
        let header = at + payload + rowid;
        let guess = match intact.checked_sub(header) {
            // The header of the record is there, the rowid is not.
            None | Some(0) => record_header(usable, header, end).map(|(types, body)| (types, body, 0.9)),
            Some(1) => {
                types_from(usable, intact, end, template.fields.len()).map(|(types, body)| (types, body, 0.9))
            }
            Some(2) => first_type_lost(usable, intact, end, template),
            Some(_) => None,
        };
        let Some((types, body, confidence)) = guess else { continue };
        let values = types.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
        let Ok(payload_bytes) = u32::try_from(values.saturating_add((body - header) as u64)) else {
            continue;
        };
        if varint_length(payload_bytes.into()) != payload || varint_length((body - header) as u64) != 1 {
            continue;
        }
        let sizes = Sizes { header, body, payload_bytes };
        let Some(record) = sizes.of(usable, &types, end, template.has_rowid) else { continue };
        // What fills its block to the end is more likely the cell that it was.
        let confidence = if record.end == end { confidence } else { confidence - 0.3 };
        let cell = Carved { offset: at, types, confidence, ..record };
        let is_better = best.as_ref().is_none_or(|best| cell.confidence > best.confidence);
        if is_better && is_plausible(usable, &cell, template) {
            best = Some(cell);
        }
    }
    best
}

fn types_from(usable: &[u8], mut at: usize, end: usize, count: usize) -> Option<(Vec<SerialType>, usize)> {
    let mut types = Vec::with_capacity(count);
    for _ in 0..count {
        let (serial_type, length) = read_varint(usable.get(at..end)?)?;
        types.push(SerialType(serial_type));
        at += length;
    }
    Some((types, at))
}

/// All types but the first are there. It follows from what is left for its value, or is NULL for the rowid.
fn first_type_lost(
    usable: &[u8],
    at: usize,
    end: usize,
    template: &Template,
) -> Option<(Vec<SerialType>, usize, f64)> {
    let (first, others) = template.fields.split_first()?;
    let (rest, body) = types_from(usable, at, end, others.len())?;
    let others_bytes = rest.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
    let left = (end as u64).checked_sub(body as u64)?.checked_sub(others_bytes)?;
    let (serial_type, confidence) = match (first.is_rowid, left) {
        (true, _) => (0, 0.9),
        // No bytes: NULL, 0, 1 or an empty text; nothing tells which.
        (false, 0) => return None,
        (false, bytes) => match (first.affinity, bytes) {
            (Affinity::Text, _) => (13 + 2 * bytes, 0.9),
            (Affinity::Real, 8) => (7, 0.8),
            (_, 1..=4) => (bytes, 0.8),
            (_, 6) => (5, 0.8),
            (_, 8) => (6, 0.7),
            _ => (13 + 2 * bytes, 0.6),
        },
    };
    // A first type of two bytes would have left one of them.
    if serial_type > 127 {
        return None;
    }
    let mut types = vec![SerialType(serial_type)];
    types.extend(rest);
    Some((types, body, confidence))
}

fn is_plausible(usable: &[u8], cell: &Carved, template: &Template) -> bool {
    let body = usable.get(cell.body..cell.body_end).unwrap_or_default();
    // A record of nothing but NULLs and constants says nothing of itself.
    let says_something = cell.types.iter().any(|it| it.body_bytes() > 0);
    says_something && template.fits(&cell.types, body)
}

fn varint_length(value: u64) -> usize {
    (1..9).find(|&length| value >> (7 * length) == 0).unwrap_or(9)
}

/// The number as a varint.
pub(crate) fn add_varint(bytes: &mut Vec<u8>, value: u64) {
    let length = varint_length(value);
    if length == 9 {
        // No record that can be read has such a type.
        return bytes.extend_from_slice(&[0xff; 9]);
    }
    for group in (0..length).rev() {
        let seven = u8::try_from(value >> (7 * group) & 0x7f).unwrap_or_default();
        bytes.push(seven | if group == 0 { 0 } else { 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template() -> Template {
        Template::new(&Table::from_sql("t", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT)"))
    }

    /// A row with the rowid 5, `hello` and 1000, at offset 100 of a page.
    fn page() -> Vec<u8> {
        let cell = [11, 5, 4, 0, 23, 2, b'h', b'e', b'l', b'l', b'o', 0x03, 0xe8];
        let mut bytes = vec![0; 512];
        bytes[100..113].copy_from_slice(&cell);
        bytes
    }

    #[test]
    fn a_whole_cell_is_found() {
        let found = carve(&page(), Region { start: 90, end: 300, is_free_block: false }, &template());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].offset, found[0].end, found[0].rowid), (100, 113, Some(5)));
    }

    #[test]
    fn a_cell_that_became_a_free_block_is_rebuilt() {
        let mut bytes = page();
        bytes[100..104].copy_from_slice(&[0, 0, 0, 13]);
        let region = Region { start: 100, end: 113, is_free_block: true };
        let found = carve(&bytes, region, &template());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].offset, found[0].end, found[0].rowid), (100, 113, None));
        assert_eq!(found[0].types, [SerialType(0), SerialType(23), SerialType(2)]);
        // The same elsewhere, where the block was joined to the unallocated space.
        let found = carve(&bytes, Region { start: 50, end: 400, is_free_block: false }, &template());
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn varints_are_written_as_they_are_read() {
        for value in [0, 127, 128, 16383, 16384, 1 << 40, u64::MAX >> 8] {
            let mut bytes = Vec::new();
            add_varint(&mut bytes, value);
            assert_eq!(read_varint(&bytes), Some((value, bytes.len())));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0..700_usize, is_free_block: bool) {
            let region = Region { start, end: bytes.len(), is_free_block };
            for cell in carve(&bytes, region, &template()) {
                prop_assert!(cell.end <= bytes.len() && cell.offset < cell.end);
            }
        }
    }
}
