//! The cells that nearly all records lie in: those of a leaf, without an overflow chain.

use super::btree_cell::{LEAST_CELL_BYTES, longest_local_bytes};
use super::btree_page::BtreePage;
use super::varint::read_varint;

/// A cell of a leaf that has its payload whole.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct WholeCell<'a> {
    /// Which of its page it is, from 0.
    pub(crate) index: u16,
    pub(crate) offset: u32,
    pub(crate) stored_bytes: u32,
    pub(crate) rowid: Option<i64>,
    pub(crate) payload: &'a [u8],
}

/// A leaf whose cells are read, one after the other.
#[derive(Copy, Clone, Debug)]
pub(crate) struct WholeCells<'a> {
    page: BtreePage<'a>,
    longest_local: u32,
}

impl<'a> WholeCells<'a> {
    pub(crate) fn new(page: BtreePage<'a>) -> Self {
        Self { page, longest_local: longest_local_bytes(page.kind, page.usable_bytes()) }
    }

    /// A cell that breaks no rule and has its payload whole, so that it need not pass through memory; `None` for any other.
    #[inline(always)]
    pub(crate) fn get(&self, cell: u16) -> Option<WholeCell<'a>> {
        let page = &self.page;
        if cell >= page.cell_count || !page.kind.is_leaf() {
            return None;
        }
        let usable = page.usable();
        let pointer = usable.get(page.pointer_offset(cell) as usize..)?.first_chunk::<2>()?;
        let offset = u16::from_be_bytes(*pointer);
        let stored = usable.get(usize::from(offset)..)?;
        let (length, mut taken) = read_varint(stored)?;
        let mut rowid = None;
        if page.kind.is_table() {
            let (found, more) = read_varint(stored.get(taken..)?)?;
            (rowid, taken) = (Some(found.cast_signed()), taken + more);
        }
        let length = u32::try_from(length).ok().filter(|&length| length <= self.longest_local)?;
        let payload = stored.get(taken..)?.get(..length as usize)?;
        let stored_bytes = u32::try_from(taken).ok()?.saturating_add(length).max(LEAST_CELL_BYTES);
        let is_sound = u32::from(offset) >= page.content_start && stored_bytes as usize <= stored.len();
        is_sound.then_some(WholeCell { index: cell, offset: offset.into(), stored_bytes, rowid, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::PageNumber;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_what_the_cells_say(
            mut bytes in proptest::collection::vec(0..0x90_u8, 512),
            count in 0..8_u8,
            kind in prop::sample::select(vec![0x02_u8, 0x05, 0x0a, 0x0d]),
        ) {
            bytes[..8].copy_from_slice(&[kind, 0, 0, 0, count, 0, 40, 0]);
            let Ok(page) = BtreePage::parse(&bytes, PageNumber::new(2).unwrap(), 512) else { return Ok(()) };
            let whole = WholeCells::new(page);
            for (index, cell) in (0..).zip(page.cells()) {
                let cell = cell.ok().filter(|_| page.kind.is_leaf());
                let payload = cell.and_then(|cell| cell.payload).filter(|it| it.first_overflow.is_none());
                let expected = cell.zip(payload).map(|(cell, payload)| WholeCell {
                    index,
                    offset: cell.offset,
                    stored_bytes: cell.stored_bytes,
                    rowid: cell.rowid,
                    payload: payload.local,
                });
                prop_assert_eq!(whole.get(index), expected);
            }
        }
    }
}
