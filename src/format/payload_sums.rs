//! The payloads of a page, added up, without looking at more of a cell than its lengths.

use super::btree_cell::{LEAST_CELL_BYTES, LONGEST_PAYLOAD_BYTES, local_payload_bytes, longest_local_bytes};
use super::btree_page::BtreePage;
use super::page_kind::PageKind;
use super::varint::read_varint;

/// What the payloads of a page come to.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PayloadSums {
    /// What of them lies in the page itself, in bytes.
    pub(crate) local_bytes: u32,
    /// The longest of them in bytes, what of it lies in overflow pages included.
    pub(crate) longest_bytes: u32,
    /// Whether one of them has an overflow chain.
    pub(crate) has_overflow: bool,
}

impl PayloadSums {
    /// The sums of a page; `None` when a cell breaks a rule, or they lie over each other: then each has to be looked at.
    pub(crate) fn of(page: &BtreePage<'_>) -> Option<Self> {
        if page.kind == PageKind::InteriorTable {
            return Some(Self::default());
        }
        let (usable, usable_bytes) = (page.usable(), page.usable_bytes());
        let pointers = usable.get(page.pointer_offset(0) as usize..page.pointers_end() as usize)?;
        let child_bytes = if page.kind.is_leaf() { 0 } else { 4 };
        let longest_local = longest_local_bytes(page.kind, usable_bytes);
        let (mut sums, mut stored_bytes) = (Self::default(), 0_u32);
        for &pointer in pointers.as_chunks::<2>().0 {
            let offset = u32::from(u16::from_be_bytes(pointer));
            let cell = usable.get((offset + child_bytes) as usize..)?;
            let (length, mut taken) = read_varint(cell)?;
            if page.kind.is_table() {
                taken += read_varint(cell.get(taken..)?)?.1;
            }
            let length = u32::try_from(length).ok().filter(|&length| length <= LONGEST_PAYLOAD_BYTES)?;
            let (local, link) = match length <= longest_local {
                true => (length, 0),
                false => (local_payload_bytes(page.kind, length, usable_bytes), 4),
            };
            let size = (child_bytes + u32::try_from(taken).ok()? + local + link).max(LEAST_CELL_BYTES);
            if offset < page.content_start || offset + size > usable_bytes {
                return None;
            }
            stored_bytes = stored_bytes.saturating_add(size);
            sums.local_bytes = sums.local_bytes.saturating_add(local);
            sums.longest_bytes = sums.longest_bytes.max(length);
            sums.has_overflow |= link > 0;
        }
        (stored_bytes <= usable_bytes).then_some(sums)
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
            mut bytes in proptest::collection::vec(0..0x30_u8, 512),
            count in 0..8_u8,
            kind in prop::sample::select(vec![0x02_u8, 0x05, 0x0a, 0x0d]),
        ) {
            bytes[..8].copy_from_slice(&[kind, 0, 0, 0, count, 0, 40, 0]);
            let Ok(page) = BtreePage::parse(&bytes, PageNumber::new(2).unwrap(), 512) else { return Ok(()) };
            if let (Some(sums), Ok(cells)) = (PayloadSums::of(&page), page.cells().collect::<Result<Vec<_>, _>>()) {
                let payloads: Vec<_> = cells.iter().filter_map(|cell| cell.payload).collect();
                let local: usize = payloads.iter().map(|payload| payload.local.len()).sum();
                prop_assert_eq!(sums.local_bytes as usize, local);
                prop_assert_eq!(sums.longest_bytes, payloads.iter().map(|it| it.payload_bytes).max().unwrap_or(0));
                prop_assert_eq!(sums.has_overflow, payloads.iter().any(|it| it.first_overflow.is_some()));
            }
        }
    }
}
