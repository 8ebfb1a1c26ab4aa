//! Rebuilds a cell that became a free block: its first four bytes are lost to the block's header.
//!
//! Lost are the length of the payload, the rowid or the start of it, and with short ones the length of the record's header and the
//! first type or two. The columns of the table say how many types there are, these how long the record is. What a lost type was
//! follows from the bytes that are left for its value; where several types fit, the values tell which is likely.

use super::left_blocks::LeftBlock;
use super::shape::Shape;
use super::varints::varint_length;
use crate::format::SerialType;
use crate::format::varint::read_varint;

/// What is lost of a cell that became a free block.
pub(super) const LOST_BYTES: usize = 4;

/// How many bytes of fragments may lie behind it, and what speaks against any.
const MOST_FRAGMENT: u64 = 3;
const FRAGMENT_BITS: f64 = -7.0;

/// What speaks against it that the end of a block was taken for another cell.
const CUT_BITS: f64 = -4.0;

/// How many numbers of fields are tried: rows from before columns were added have fewer.
const MOST_COUNTS: usize = 4;

/// What such a cell can have been.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// Where the header of the record was.
    pub(super) header: usize,
    pub(super) body: usize,
    pub(super) types: Vec<SerialType>,
    pub(super) payload_bytes: u32,
    /// Whether types were lost that had to be guessed.
    pub(super) is_guessed: bool,
    /// Whether its first value, of a length that is lost, is not there to its end.
    is_lost: bool,
    pub(super) bits: f64,
    /// How likely it is among the other readings.
    pub(super) share: f64,
}

/// A type in the lost bytes.
#[derive(Clone, Copy)]
enum LostType {
    /// One byte.
    Short,
    /// The first of two bytes; the other is there.
    Half(u8),
    /// Two bytes.
    Long,
}

impl LostType {
    /// Whether it can be a type of a lost byte or two.
    fn can_be(self, kind: u64) -> bool {
        match self {
            Self::Short => kind < 0x80,
            Self::Half(low) => (0x80..0x4000).contains(&kind) && kind & 0x7f == u64::from(low),
            Self::Long => (0x80..0x4000).contains(&kind),
        }
    }

    /// The types that it can be whose value has so many bytes.
    fn types_of(self, bytes: u64) -> impl Iterator<Item = SerialType> {
        let fixed: &[u64] = match bytes {
            0 => &[0, 8, 9],
            1 => &[1],
            2 => &[2],
            3 => &[3],
            4 => &[4],
            6 => &[5],
            8 => &[6, 7],
            _ => &[],
        };
        let long = bytes.saturating_mul(2);
        let of_length = [long.saturating_add(12), long.saturating_add(13)];
        fixed.iter().copied().chain(of_length).filter(move |&kind| self.can_be(kind)).map(SerialType)
    }
}

/// Reads the cell that began with a block; it ended at the block's limit, or before a few bytes of fragments, if its end was not taken
/// for another cell. The likeliest reading, if there is any.
pub(super) fn read_cut_cell(
    usable: &[u8],
    block: &LeftBlock,
    shape: &Shape,
    work: &mut Work,
) -> Option<Reading> {
    let LeftBlock { offset, limit, is_real, .. } = *block;
    let mut search = Search { usable, offset, limit, is_real, shape, work, found: Vec::new() };
    // The lengths of payload and rowid before the record's header.
    let before = if shape.has_rowid() { 2..=3 } else { 1..=3 };
    for before in before {
        search.header_behind(before);
    }
    let mut found = search.found;
    let best = found.iter().map(|it| it.bits).fold(f64::NEG_INFINITY, f64::max);
    let all: f64 = found.iter().map(|it| (it.bits - best).exp2()).sum();
    let place = found.iter().position(|it| it.bits >= best)?;
    let reading = found.swap_remove(place);
    // Nothing of it is there.
    (!reading.is_lost).then_some(Reading { share: 1.0 / all, ..reading })
}

/// How much may still be done: what a page says must not cost without bound.
#[derive(Debug)]
pub(super) struct Work(pub(super) u64);

impl Work {
    /// Takes from it; `false` when it is used up.
    pub(super) fn take(&mut self, much: usize) -> bool {
        self.0 = self.0.saturating_sub(much as u64 + 1);
        self.0 > 0
    }
}

struct Search<'s> {
    usable: &'s [u8],
    offset: usize,
    limit: usize,
    is_real: bool,
    shape: &'s Shape,
    work: &'s mut Work,
    found: Vec<Reading>,
}

impl Search<'_> {
    /// Readings with so many bytes before the record's header.
    fn header_behind(&mut self, before: usize) {
        let intact = self.offset + LOST_BYTES;
        let Some(&low) = self.usable.get(intact) else { return };
        // The length of the header is lost, and so many bytes of the types.
        let lost: &[&[LostType]] = match LOST_BYTES - 1 - before {
            0 => &[&[]],
            1 => &[&[LostType::Short], &[LostType::Half(low)]],
            _ => &[
                &[LostType::Short, LostType::Short],
                &[LostType::Long],
                &[LostType::Short, LostType::Half(low)],
            ],
        };
        for lost in lost {
            let halves = usize::from(matches!(lost.last(), Some(LostType::Half(_))));
            for count in self.shape.usual_counts().take(MOST_COUNTS) {
                let Some(rest) = count.checked_sub(lost.len()) else { continue };
                if let Some((types, body)) = self.types_from(intact + halves, rest) {
                    self.complete(before, lost, types, body);
                }
            }
        }
    }

    fn types_from(&mut self, mut at: usize, count: usize) -> Option<(Vec<SerialType>, usize)> {
        if !self.work.take(count) {
            return None;
        }
        let mut types = Vec::with_capacity(count + 2);
        for _ in 0..count {
            let (serial_type, length) = read_varint(self.usable.get(at..self.limit)?)?;
            types.push(SerialType(serial_type));
            at += length;
        }
        Some((types, at))
    }

    /// Puts what the lost types can have been before those that are there.
    fn complete(&mut self, before: usize, lost: &[LostType], rest: Vec<SerialType>, body: usize) {
        let known = rest.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
        let left = (self.limit.saturating_sub(body) as u64).checked_sub(known);
        let null = SerialType(0);
        match (lost, left) {
            ([], _) => self.add(before, &[], &rest, (body, 0.0)),
            // The rowid's own field, whatever follows.
            ([LostType::Short], _) if self.shape.allows(0, null) && !self.shape.allows(0, SerialType(12)) => {
                self.add(before, &[null], &rest, (body, 0.0));
            }
            ([first], left) => {
                for fragment in 0..=MOST_FRAGMENT {
                    let bits = if fragment == 0 { 0.0 } else { FRAGMENT_BITS };
                    for only in left
                        .and_then(|left| left.checked_sub(fragment))
                        .into_iter()
                        .flat_map(|it| first.types_of(it))
                    {
                        self.add(before, &[only], &rest, (body, bits));
                    }
                }
                if self.is_real {
                    self.add_cut(before, *first, &rest, (body, left.unwrap_or(0)));
                }
            }
            ([first, second], Some(left)) => {
                let shape = self.shape;
                for kind in (0..0x80).map(SerialType).filter(|&it| first.can_be(it.0) && shape.allows(0, it))
                {
                    let Some(left) = left.checked_sub(kind.body_bytes()) else { continue };
                    for other in second.types_of(left).filter(|&it| shape.allows(1, it)) {
                        self.add(before, &[kind, other], &rest, (body, 0.0));
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds what it can have been if its end was taken for another cell.
    fn add_cut(&mut self, before: usize, first: LostType, rest: &[SerialType], (body, left): (usize, u64)) {
        for only in (0..10).map(SerialType).filter(|it| first.can_be(it.0) && it.body_bytes() > left) {
            self.add(before, &[only], rest, (body, CUT_BITS));
        }
        // A text that goes on behind the limit: all that is there is of it.
        let length = self.limit.saturating_sub(body) as u64 + 1;
        let long = SerialType(length.saturating_mul(2).saturating_add(13));
        if first.can_be(long.0) {
            let text = self.usable.get(body..self.limit).unwrap_or_default();
            let bits = CUT_BITS + self.shape.text_bits(text);
            let before_this = self.found.len();
            self.add(before, &[long], rest, (body, bits));
            self.found.iter_mut().skip(before_this).for_each(|reading| reading.is_lost = true);
        }
    }

    fn add(
        &mut self,
        before: usize,
        lost: &[SerialType],
        rest: &[SerialType],
        (body, more_bits): (usize, f64),
    ) {
        let header = self.offset + before;
        let types: Vec<SerialType> = lost.iter().chain(rest).copied().collect();
        let values = types.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
        // Its length is one byte.
        let header_bytes = 1 + types.iter().map(|it| varint_length(it.0)).sum::<usize>();
        let payload = values.saturating_add(header_bytes as u64);
        let length = varint_length(payload);
        let agrees = match self.shape.has_rowid() {
            true => length < before,
            false => length == before,
        };
        let Ok(payload_bytes) = u32::try_from(payload) else { return };
        if header_bytes > 0x7f || !agrees {
            return;
        }
        let end =
            usize::try_from(values).map_or(self.limit, |values| self.limit.min(body.saturating_add(values)));
        let content = self.usable.get(body..end).unwrap_or_default();
        if !self.work.take(content.len() / 8) {
            return;
        }
        // A record of nothing but NULLs and constants says nothing of itself, zeros are what was wiped.
        if content.iter().all(|&byte| byte == 0) {
            return;
        }
        let Some(bits) = self.shape.evidence(&types, content) else { return };
        let lost_bytes = LOST_BYTES - 1 - before;
        let bits = bits + more_bits - 8.0 * f64::from(u8::try_from(lost_bytes).unwrap_or(u8::MAX));
        let is_guessed = !lost.is_empty() && lost != [SerialType(0)];
        self.found.push(Reading {
            header,
            body,
            types,
            payload_bytes,
            is_guessed,
            is_lost: false,
            bits,
            share: 1.0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::database_header::TextEncoding;
    use crate::schema::Table;

    /// The values of the reading of a cell of which the first four bytes are lost.
    fn read(sql: &str, cell: &[u8]) -> Option<(Vec<u64>, f64)> {
        let mut shape = Shape::of_table(&Table::from_sql("t", sql), TextEncoding::UTF8);
        shape.settle();
        let mut usable = vec![0; 512];
        usable[100..100 + cell.len()].copy_from_slice(cell);
        usable[100..104].copy_from_slice(&[0, 0, 0, u8::try_from(cell.len()).unwrap()]);
        let block = LeftBlock { offset: 100, limit: 100 + cell.len(), is_real: true, is_sure: true };
        let reading = read_cut_cell(&usable, &block, &shape, &mut Work(10_000))?;
        Some((reading.types.iter().map(|it| it.0).collect(), reading.share))
    }

    #[test]
    fn the_type_of_the_rowid_is_known() {
        let cell = [11, 5, 4, 0, 23, 2, b'h', b'e', b'l', b'l', b'o', 0x03, 0xe8];
        let (types, share) = read("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT)", &cell).unwrap();
        assert_eq!((types, share > 0.9), (vec![0, 23, 2], true));
    }

    #[test]
    fn a_lost_type_follows_from_what_is_left() {
        let cell = [10, 5, 3, 23, 2, b'h', b'e', b'l', b'l', b'o', 0x03, 0xe8];
        let (types, share) = read("CREATE TABLE t(a TEXT, b INT)", &cell).unwrap();
        assert_eq!((types, share > 0.5), (vec![23, 2], true));
    }

    #[test]
    fn half_a_type_is_completed() {
        let mut cell = vec![74, 5, 4, 0x81, 0x11, 1];
        cell.extend_from_slice(&[b'a'; 66]);
        cell.push(7);
        let (types, share) = read("CREATE TABLE t(a TEXT, b INT)", &cell).unwrap();
        assert_eq!((types, share > 0.5), (vec![0x91, 1], true));
    }

    #[test]
    fn two_lost_types_of_a_table_without_rowids() {
        let cell = [12, 4, 23, 2, 15, b'h', b'e', b'l', b'l', b'o', 0x03, 0xe8, b'x'];
        let sql = "CREATE TABLE t(k TEXT PRIMARY KEY, n INT, v TEXT) WITHOUT ROWID";
        let (types, share) = read(sql, &cell).unwrap();
        assert_eq!((types, share > 0.3), (vec![23, 2, 15], true), "{share}");
    }
}
