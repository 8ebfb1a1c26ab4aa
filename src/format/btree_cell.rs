//! The cells of a b-tree page, and how much of a payload stays in them.
//!
//! | page | cell |
//! |---|---|
//! | interior table | left child (4 bytes), rowid (varint) |
//! | leaf table | payload length P (varint), rowid (varint), local payload, overflow page (4 bytes, if needed) |
//! | interior index | left child (4 bytes), P (varint), local payload, overflow page (if needed) |
//! | leaf index | P (varint), local payload, overflow page (if needed) |
//!
//! With U usable bytes in a page, a payload stays whole up to X bytes: U - 35 on a leaf of a table, otherwise
//! (U - 12) * 64 / 255 - 23. Of a longer one, K = M + (P - M) mod (U - 4) bytes stay if K is at most X,
//! otherwise M, where M = (U - 12) * 32 / 255 - 23; all divisions round down. The rest fills overflow pages.
//! A cell takes at least 4 bytes.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::page_kind::PageKind;
use super::page_number::PageNumber;
use super::page_reference::child;
use super::varint::read_varint;

/// What a cell, and a freeblock, takes at least, in bytes.
pub const LEAST_CELL_BYTES: u32 = 4;

/// The longest payload in bytes: what a 32-bit signed length can say.
pub const LONGEST_PAYLOAD_BYTES: u32 = 0x7fff_ffff;

/// One cell of a b-tree page. [pages.md#cells](crate::notes::pages#cells)
///
/// ```
/// use litecopy::format::{BtreeCell, PageKind, Record, Value};
///
/// // A payload of 2 bytes, the rowid 7, the record: a header of 2 bytes that says "the integer 0".
/// let mut page = [0; 512];
/// page[508..].copy_from_slice(&[2, 7, 2, 8]);
/// let cell = BtreeCell::parse(&page, PageKind::LeafTable, 508)?;
/// assert_eq!(cell.rowid, Some(7));
/// let record = Record::parse(cell.payload.unwrap().local)?;
/// assert_eq!(record.values().next(), Some(Ok(Value::Integer(0))));
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct BtreeCell<'a> {
    /// Where the cell begins in its page.
    pub offset: u32,
    /// What it takes of the page, in bytes: at least 4.
    pub stored_bytes: u32,
    /// The child with the keys up to this cell's; on interior pages.
    pub left_child: Option<PageNumber>,
    /// The rowid; in trees of tables.
    pub rowid: Option<i64>,
    /// The payload; everywhere but on interior pages of tables.
    pub payload: Option<CellPayload<'a>>,
}

/// The payload of a cell, as far as it is in the page.
///
/// ```
/// use litecopy::format::{BtreeCell, PageKind};
///
/// let mut page = [0; 512];
/// page[508..].copy_from_slice(&[2, 7, 2, 8]);
/// let cell = BtreeCell::parse(&page, PageKind::LeafTable, 508)?;
/// let payload = cell.payload.unwrap();
/// assert_eq!((payload.payload_bytes, payload.local), (2, &[2, 8][..]));
/// assert_eq!(payload.first_overflow, None);
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CellPayload<'a> {
    /// The length of the whole payload in bytes.
    pub payload_bytes: u32,
    /// The part of it that is in the cell.
    pub local: &'a [u8],
    /// Where the rest begins, if there is any.
    pub first_overflow: Option<PageNumber>,
}

impl<'a> BtreeCell<'a> {
    /// Reads the cell at `offset` of a page of this kind, given its usable part.
    ///
    /// # Errors
    /// [`Damage::CellEnd`] when it ends beyond the usable part, [`Damage::PayloadLength`], and
    /// [`Damage::PageReference`] for a child or an overflow page that cannot be.
    #[inline]
    pub fn parse(usable: &'a [u8], kind: PageKind, offset: u32) -> Result<Self, Damage> {
        match Self::parse_sound(usable, kind, offset) {
            Some(cell) => Ok(cell),
            None => Self::parse_fully(usable, kind, offset),
        }
    }

    /// A cell that breaks no rule, in a third of the time; `None` for any other.
    #[inline]
    pub(super) fn parse_sound(usable: &'a [u8], kind: PageKind, offset: u32) -> Option<Self> {
        let usable_bytes = u32::try_from(usable.len()).ok()?;
        let start = usable.get(offset as usize..)?;
        let (left_child, mut rest) = match kind.is_leaf() {
            true => (None, start),
            false => {
                let (child, rest) = start.split_first_chunk::<4>()?;
                (Some(named_page(*child)?), rest)
            }
        };
        let mut payload_bytes = None;
        if kind != PageKind::InteriorTable {
            let (length, taken) = read_varint(rest)?;
            payload_bytes = Some(payload_length(length).ok()?);
            rest = rest.get(taken..)?;
        }
        let mut rowid = None;
        if kind.is_table() {
            let (found, taken) = read_varint(rest)?;
            rowid = Some(found.cast_signed());
            rest = rest.get(taken..)?;
        }
        let mut payload = None;
        if let Some(payload_bytes) = payload_bytes {
            let local_bytes = local_payload_bytes(kind, payload_bytes, usable_bytes);
            let (local, behind) = rest.split_at_checked(local_bytes as usize)?;
            rest = behind;
            let mut first_overflow = None;
            if local_bytes < payload_bytes {
                let (first, behind) = rest.split_first_chunk::<4>()?;
                first_overflow = Some(named_page(*first)?);
                rest = behind;
            }
            payload = Some(CellPayload { payload_bytes, local, first_overflow });
        }
        let used = u32::try_from(start.len() - rest.len()).ok()?;
        let stored_bytes = used.max(LEAST_CELL_BYTES);
        let fits = stored_bytes as usize <= start.len();
        fits.then_some(Self { offset, stored_bytes, left_child, rowid, payload })
    }

    #[cold]
    fn parse_fully(usable: &'a [u8], kind: PageKind, offset: u32) -> Result<Self, Damage> {
        let usable_bytes = u32::try_from(usable.len()).unwrap_or(u32::MAX);
        let mut reader = ByteReader::at(usable, offset as usize);
        let end_beyond = |damage| match damage {
            Damage::Short { offset: at, needed, .. } => {
                Damage::CellEnd { offset, end: at as u64 + needed as u64, usable_bytes }
            }
            other => other,
        };
        let left_child = match kind.is_leaf() {
            true => None,
            false => Some(child(reader.be_u32().map_err(end_beyond)?, "a left child")?),
        };
        let payload_bytes = match kind {
            PageKind::InteriorTable => None,
            _ => Some(payload_length(reader.varint().map_err(end_beyond)?)?),
        };
        let rowid = match kind.is_table() {
            true => Some(reader.varint().map_err(end_beyond)?.cast_signed()),
            false => None,
        };
        let payload = payload_bytes
            .map(|length| read_payload(&mut reader, kind, length, usable_bytes).map_err(end_beyond))
            .transpose()?
            .transpose()?;
        let used = u32::try_from(reader.position()).unwrap_or(u32::MAX).saturating_sub(offset);
        let stored_bytes = used.max(LEAST_CELL_BYTES);
        let end = u64::from(offset) + u64::from(stored_bytes);
        if end > u64::from(usable_bytes) {
            return Err(Damage::CellEnd { offset, end, usable_bytes });
        }
        Ok(Self { offset, stored_bytes, left_child, rowid, payload })
    }
}

/// The page that a child or an overflow chain can begin with: neither 0 nor 1.
fn named_page(bytes: [u8; 4]) -> Option<PageNumber> {
    PageNumber::new(u32::from_be_bytes(bytes)).filter(|&page| page != PageNumber::FIRST)
}

/// The longest payload, in bytes, that stays whole in a cell of a page of this kind.
/// [pages.md#local-payload](crate::notes::pages#local-payload)
#[must_use]
#[inline]
pub fn longest_local_bytes(kind: PageKind, usable_bytes: u32) -> u32 {
    match kind {
        PageKind::LeafTable => usable_bytes.saturating_sub(35),
        _ => share(usable_bytes, 64),
    }
}

/// What stays, in bytes, of a longer payload at least.
#[must_use]
pub fn shortest_local_bytes(usable_bytes: u32) -> u32 {
    share(usable_bytes, 32)
}

/// How many bytes of a payload stay in the cell. [pages.md#local-payload](crate::notes::pages#local-payload)
///
/// ```
/// use litecopy::format::PageKind;
/// use litecopy::format::btree_cell::local_payload_bytes;
///
/// // What fits stays; of a longer payload so much that the overflow pages are full.
/// assert_eq!(local_payload_bytes(PageKind::LeafTable, 100, 4096), 100);
/// assert_eq!(local_payload_bytes(PageKind::LeafTable, 5000, 4096), 908);
/// ```
#[must_use]
#[inline]
pub fn local_payload_bytes(kind: PageKind, payload_bytes: u32, usable_bytes: u32) -> u32 {
    let longest = longest_local_bytes(kind, usable_bytes);
    if payload_bytes <= longest {
        payload_bytes
    } else {
        shortened_bytes(payload_bytes, longest, usable_bytes)
    }
}

/// How many bytes stay of a payload that does not stay whole.
fn shortened_bytes(payload_bytes: u32, longest: u32, usable_bytes: u32) -> u32 {
    let shortest = shortest_local_bytes(usable_bytes);
    let per_overflow_page = usable_bytes.saturating_sub(4).max(1);
    let filled = shortest.saturating_add(payload_bytes.saturating_sub(shortest) % per_overflow_page);
    if filled <= longest { filled } else { shortest }
}

#[inline]
fn share(usable_bytes: u32, fraction: u64) -> u32 {
    let share = u64::from(usable_bytes.saturating_sub(12)) * fraction / 255;
    u32::try_from(share.saturating_sub(23)).unwrap_or(u32::MAX)
}

fn payload_length(found: u64) -> Result<u32, Damage> {
    u32::try_from(found)
        .ok()
        .filter(|&length| length <= LONGEST_PAYLOAD_BYTES)
        .ok_or(Damage::PayloadLength { found })
}

/// The outer error is of the reader, the inner one of what it read.
fn read_payload<'a>(
    reader: &mut ByteReader<'a>,
    kind: PageKind,
    payload_bytes: u32,
    usable_bytes: u32,
) -> Result<Result<CellPayload<'a>, Damage>, Damage> {
    let local_bytes = local_payload_bytes(kind, payload_bytes, usable_bytes);
    let local = reader.bytes(local_bytes as usize)?;
    if local_bytes == payload_bytes {
        return Ok(Ok(CellPayload { payload_bytes, local, first_overflow: None }));
    }
    let first = child(reader.be_u32()?, "the first page of an overflow chain");
    Ok(first.map(|first| CellPayload { payload_bytes, local, first_overflow: Some(first) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at_500(cell: &[u8]) -> Vec<u8> {
        let mut usable = vec![0; 512];
        usable[500..500 + cell.len()].copy_from_slice(cell);
        usable
    }

    #[test]
    fn a_cell_of_each_kind() {
        let bytes = at_500(&[0, 0, 0, 7, 0x81, 0x00]); // left child 7, rowid 128
        let cell = BtreeCell::parse(&bytes, PageKind::InteriorTable, 500).unwrap();
        assert_eq!((cell.left_child.map(PageNumber::get), cell.rowid), (Some(7), Some(128)));
        assert_eq!((cell.payload, cell.stored_bytes), (None, 6));

        let bytes = at_500(&[3, 5, b'a', b'b', b'c']); // 3 bytes of payload, rowid 5
        let cell = BtreeCell::parse(&bytes, PageKind::LeafTable, 500).unwrap();
        assert_eq!((cell.left_child, cell.rowid, cell.stored_bytes), (None, Some(5), 5));
        assert_eq!(cell.payload.map(|p| p.local), Some(&b"abc"[..]));

        let bytes = at_500(&[0, 0, 0, 9, 2, b'x', b'y']); // left child 9, 2 bytes of payload
        let cell = BtreeCell::parse(&bytes, PageKind::InteriorIndex, 500).unwrap();
        assert_eq!((cell.left_child.map(PageNumber::get), cell.rowid), (Some(9), None));
        assert_eq!(cell.stored_bytes, 7);

        let bytes = at_500(&[1, b'z']); // 1 byte of payload
        let cell = BtreeCell::parse(&bytes, PageKind::LeafIndex, 500).unwrap();
        assert_eq!((cell.left_child, cell.rowid), (None, None));
        assert_eq!(cell.stored_bytes, 4, "a cell takes at least 4 bytes");
    }

    #[test]
    fn a_negative_rowid() {
        let bytes = at_500(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(BtreeCell::parse(&bytes, PageKind::LeafTable, 500).map(|c| c.rowid), Ok(Some(-1)));
    }

    #[test]
    fn a_payload_that_spills() {
        let mut usable = vec![0; 512];
        usable[100..103].copy_from_slice(&[0x87, 0x04, 1]); // 900 bytes of payload, rowid 1
        let local = local_payload_bytes(PageKind::LeafTable, 900, 512) as usize;
        assert_eq!(local, 39 + (900 - 39) % 508);
        assert_eq!(local_payload_bytes(PageKind::LeafTable, 1000, 512), 39, "39 + 453 would be over 477");
        usable[103 + local..107 + local].copy_from_slice(&[0, 0, 0, 8]);
        let cell = BtreeCell::parse(&usable, PageKind::LeafTable, 100).unwrap();
        let payload = cell.payload.unwrap();
        assert_eq!((payload.payload_bytes, payload.local.len()), (900, local));
        assert_eq!(payload.first_overflow.map(PageNumber::get), Some(8));
        usable[106 + local] = 1;
        let damage = BtreeCell::parse(&usable, PageKind::LeafTable, 100).unwrap_err();
        assert!(matches!(damage, Damage::PageReference { found: 1, .. }));
    }

    #[test]
    fn broken_rules_are_told_apart() {
        let parse = |cell: &[u8], kind| BtreeCell::parse(&at_500(cell), kind, 500).map(|c| c.offset);
        assert_eq!(
            parse(&[40, 1], PageKind::LeafTable),
            Err(Damage::CellEnd { offset: 500, end: 542, usable_bytes: 512 })
        );
        assert_eq!(
            parse(&[0x88, 0x80, 0x80, 0x80, 0x00, 1], PageKind::LeafTable),
            Err(Damage::PayloadLength { found: 0x8000_0000 })
        );
        assert_eq!(
            parse(&[0, 0, 0, 0, 1], PageKind::InteriorTable),
            Err(Damage::PageReference { found: 0, role: "a left child" })
        );
        let at_the_end = BtreeCell::parse(&[0; 512], PageKind::LeafIndex, 510);
        assert_eq!(at_the_end, Err(Damage::CellEnd { offset: 510, end: 514, usable_bytes: 512 }));
        assert!(BtreeCell::parse(&[0; 512], PageKind::LeafIndex, u32::MAX).is_err());
    }

    #[test]
    fn limits_for_each_usable_size() {
        for (usable, longest_index, shortest, longest_table) in [
            (512, 102, 39, 477),
            (1024, 230, 103, 989),
            (4096, 1002, 489, 4061),
            (8192, 2030, 1003, 8157),
            (65536, 16422, 8199, 65501),
        ] {
            assert_eq!(longest_local_bytes(PageKind::LeafIndex, usable), longest_index);
            assert_eq!(longest_local_bytes(PageKind::InteriorIndex, usable), longest_index);
            assert_eq!(shortest_local_bytes(usable), shortest);
            assert_eq!(longest_local_bytes(PageKind::LeafTable, usable), longest_table);
        }
    }

    proptest! {
        #[test]
        fn the_short_way_finds_what_the_long_one_does(
            bytes in proptest::collection::vec(any::<u8>(), 480..600),
            small in any::<bool>(),
            offset in 0..600_u32,
            kind in prop::sample::select(vec![
                PageKind::InteriorIndex, PageKind::InteriorTable, PageKind::LeafIndex, PageKind::LeafTable,
            ]),
        ) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if small { byte & 0x1f } else { byte }).collect();
            let short = BtreeCell::parse_sound(&bytes, kind, offset);
            prop_assert_eq!(short, BtreeCell::parse_fully(&bytes, kind, offset).ok());
        }
    }

    proptest! {
        #[test]
        fn what_stays_is_within_the_limits(payload in 0..=LONGEST_PAYLOAD_BYTES, usable in 480..=65536_u32) {
            for kind in [PageKind::LeafTable, PageKind::LeafIndex] {
                let local = local_payload_bytes(kind, payload, usable);
                prop_assert!(local <= longest_local_bytes(kind, usable).min(payload));
                if local < payload {
                    prop_assert!(local >= shortest_local_bytes(usable));
                }
            }
        }

        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            kind in prop::sample::select(vec![2_u8, 5, 0x0a, 0x0d]),
            offset in 0..700_u32,
        ) {
            let kind = PageKind::from_byte(kind).unwrap();
            if let Ok(cell) = BtreeCell::parse(&bytes, kind, offset) {
                prop_assert!((cell.offset + cell.stored_bytes) as usize <= bytes.len());
            }
        }
    }
}
