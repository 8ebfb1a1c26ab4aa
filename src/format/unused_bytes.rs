//! The bytes of a page that mean nothing, and clearing them: they hold what was deleted.

use super::btree_cell::LEAST_CELL_BYTES;
use super::btree_page::BtreePage;
use super::damage::Damage;
use super::page_number::PageNumber;

/// Clears what no cell, no freeblock's header and no field of a b-tree page covers: the gap behind the cell pointers, the
/// bodies of the freeblocks, and the fragments. [treatments.md#unused-bytes](crate::notes::treatments#unused-bytes)
///
/// What covers a byte that counts is never cleared, also where a damaged page lets things lie over each other.
///
/// # Errors
/// What is wrong with the page's header, a cell, or a freeblock; then nothing has been cleared.
pub(crate) fn clear_unused_bytes(
    bytes: &mut [u8],
    page: PageNumber,
    usable_bytes: u32,
) -> Result<(), Damage> {
    let btree = BtreePage::parse(bytes, page, usable_bytes)?;
    let mut used = Vec::with_capacity(usize::from(btree.cell_count).saturating_add(1));
    used.push((0, btree.pointers_end()));
    for cell in btree.cells() {
        let cell = cell?;
        used.push((cell.offset, cell.offset.saturating_add(cell.stored_bytes)));
    }
    for freeblock in btree.freeblocks() {
        let offset = freeblock?.offset;
        used.push((offset, offset.saturating_add(LEAST_CELL_BYTES)));
    }
    used.sort_unstable();
    let mut used_up_to = 0;
    for (start, end) in used {
        clear(bytes, used_up_to, start);
        used_up_to = end.max(used_up_to);
    }
    clear(bytes, used_up_to, usable_bytes);
    Ok(())
}

/// Clears the usable bytes of a page behind the first `used_bytes`.
pub(crate) fn clear_behind(bytes: &mut [u8], used_bytes: u32, usable_bytes: u32) {
    clear(bytes, used_bytes, usable_bytes);
}

fn clear(bytes: &mut [u8], start: u32, end: u32) {
    if let Some(unused) = bytes.get_mut(start as usize..end as usize) {
        unused.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::btree_space::check_space;
    use proptest::prelude::*;

    const SECOND: PageNumber = PageNumber::new(2).unwrap();

    /// A leaf of 512 bytes, 500 of them usable, that was full of 0xee before.
    fn leaf() -> Vec<u8> {
        let mut bytes = vec![0xee; 512];
        bytes[..12].copy_from_slice(&[0x0d, 0x01, 0xd8, 0, 2, 0x01, 0xd8, 3, 0x01, 0xe4, 0x01, 0xec]);
        bytes[472..476].copy_from_slice(&[0, 0, 0, 12]); // a freeblock of 12 bytes
        bytes[484..489].copy_from_slice(&[3, 1, 2, 1, 9]); // a cell of 5 bytes, 3 of fragment behind it
        bytes[492..500].copy_from_slice(&[6, 2, 2, 24, 9, 9, 9, 9]); // a cell of 8 bytes
        bytes
    }

    #[test]
    fn only_what_counts_is_left() {
        let mut bytes = leaf();
        clear_unused_bytes(&mut bytes, SECOND, 500).unwrap();
        let expected = {
            let mut expected = leaf();
            for unused in [12..472, 476..484, 489..492] {
                expected[unused].fill(0);
            }
            expected
        };
        assert_eq!(bytes, expected);
        assert_eq!(&bytes[500..], [0xee; 12], "the reserved bytes");
        assert!(check_space(&BtreePage::parse(&bytes, SECOND, 500).unwrap()).is_ok());
    }

    #[test]
    fn a_page_that_cannot_be_read_stays_as_it_is() {
        for (at, byte) in [(0, 0x0c), (8, 0), (2, 0), (474, 0xff)] {
            let mut bytes = leaf();
            bytes[at] = byte;
            let before = bytes.clone();
            assert!(clear_unused_bytes(&mut bytes, SECOND, 500).is_err(), "{at}");
            assert_eq!(bytes, before);
        }
        let mut bytes = leaf();
        clear_behind(&mut bytes, 20, 500);
        assert!(bytes[20..500].iter().all(|&byte| byte == 0) && bytes[500] == 0xee && bytes[12] == 0xee);
    }

    proptest! {
        #[test]
        fn cells_survive(mut bytes in proptest::collection::vec(any::<u8>(), 512), count in 0..20_u8, usable in 470..600_u32) {
            bytes[..6].copy_from_slice(&[0x0d, 0, 0, 0, count, 0]);
            let before = bytes.clone();
            if clear_unused_bytes(&mut bytes, SECOND, usable).is_ok() {
                let cells = |bytes: &[u8]| {
                    BtreePage::parse(bytes, SECOND, usable).unwrap().cells().map(|cell| format!("{cell:?}")).collect::<Vec<_>>()
                };
                prop_assert_eq!(cells(&before), cells(&bytes));
            }
        }
    }
}
