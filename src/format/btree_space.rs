//! Whether cells, freeblocks and fragments of a b-tree page add up to its cell content area.
//!
//! From the start of the cell content to the end of the usable part, each byte belongs to one cell, to one
//! freeblock, or to a fragment: a gap of 1 to 3 bytes. The page header counts the fragments' bytes together.

use super::btree_page::BtreePage;
use super::damage::Damage;

/// The most fragmented bytes of a well-formed page.
pub const MOST_FRAGMENTED_BYTES: u8 = 60;

/// What the usable part of a page is used for, in bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SpaceUse {
    /// Taken by cells.
    pub cell_bytes: u32,
    /// Free in freeblocks.
    pub freeblock_bytes: u32,
    /// Free in fragments.
    pub fragmented_bytes: u32,
    /// Free between the cell pointers and the cell content.
    pub unallocated_bytes: u32,
}

impl SpaceUse {
    /// All that is free.
    #[must_use]
    pub fn free_bytes(&self) -> u32 {
        self.freeblock_bytes.saturating_add(self.fragmented_bytes).saturating_add(self.unallocated_bytes)
    }
}

/// Adds up the space of a page. [pages.md#free-space](crate::notes::pages#free-space)
///
/// # Errors
/// What is wrong with a cell or a freeblock; [`Damage::Overlap`] when two of them share a byte;
/// [`Damage::FragmentedBytes`] and [`Damage::FreeSpace`] when the rest is not what the header counts.
///
/// ```
/// use litecopy::PageNumber;
/// use litecopy::format::BtreePage;
/// use litecopy::format::btree_space::check_space;
///
/// # let mut bytes = [0; 512];
/// # bytes[0] = 0x0d;
/// # bytes[4] = 1;
/// # bytes[5..7].copy_from_slice(&508_u16.to_be_bytes());
/// # bytes[8..10].copy_from_slice(&508_u16.to_be_bytes());
/// # bytes[508..].copy_from_slice(&[2, 7, 2, 8]);
/// let page = BtreePage::parse(&bytes, PageNumber::new(2).unwrap(), 512)?;
/// let space = check_space(&page)?;
/// assert_eq!((space.cell_bytes, space.free_bytes()), (4, 498));
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
pub fn check_space(page: &BtreePage<'_>) -> Result<SpaceUse, Damage> {
    let mut extents = Vec::with_capacity(usize::from(page.cell_count));
    let mut cell_bytes = 0_u32;
    for cell in page.cells() {
        let cell = cell?;
        cell_bytes = cell_bytes.saturating_add(cell.stored_bytes);
        extents.push((cell.offset, cell.stored_bytes));
    }
    let mut freeblock_bytes = 0_u32;
    for freeblock in page.freeblocks() {
        let freeblock = freeblock?;
        freeblock_bytes = freeblock_bytes.saturating_add(freeblock.size_bytes);
        extents.push((freeblock.offset, freeblock.size_bytes));
    }
    extents.sort_unstable();
    let neighbours = extents.iter().zip(extents.iter().skip(1));
    for (&(offset, size_bytes), &(next_offset, _)) in neighbours {
        if offset.saturating_add(size_bytes) > next_offset {
            return Err(Damage::Overlap { offset, next_offset });
        }
    }
    let content_bytes = page.usable_bytes().saturating_sub(page.content_start);
    let unaccounted = content_bytes.saturating_sub(cell_bytes).saturating_sub(freeblock_bytes);
    if page.fragmented_bytes > MOST_FRAGMENTED_BYTES {
        return Err(Damage::FragmentedBytes { found: page.fragmented_bytes });
    }
    if unaccounted != u32::from(page.fragmented_bytes) {
        return Err(Damage::FreeSpace { unaccounted, fragmented: page.fragmented_bytes });
    }
    Ok(SpaceUse {
        cell_bytes,
        freeblock_bytes,
        fragmented_bytes: unaccounted,
        unallocated_bytes: page.content_start.saturating_sub(page.pointers_end()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::page_number::PageNumber;

    #[rustfmt::skip]
    const LEAF: [u8; 12] = [
        0x0d,       // leaf table
        0x01, 0xe8, // first freeblock at 488
        0x00, 0x02, // two cells
        0x01, 0xe8, // content from 488
        0x03,       // fragmented bytes
        0x01, 0xf0, // cell 0 at 496
        0x01, 0xf8, // cell 1 at 504
    ];

    fn check(edits: &[(usize, &[u8])]) -> Result<SpaceUse, Damage> {
        let mut bytes = vec![0; 512];
        bytes[..12].copy_from_slice(&LEAF);
        bytes[488..492].copy_from_slice(&[0, 0, 0, 8]); // freeblock of 8 bytes
        bytes[496..501].copy_from_slice(&[3, 1, 2, 1, 9]); // cell of 5 bytes, 3 bytes of gap behind
        bytes[504..512].copy_from_slice(&[6, 2, 2, 6, 9, 9, 9, 9]); // cell of 8 bytes
        for (offset, edit) in edits {
            bytes[*offset..*offset + edit.len()].copy_from_slice(edit);
        }
        check_space(&BtreePage::parse(&bytes, PageNumber::new(2).unwrap(), 512)?)
    }

    #[test]
    fn a_page_adds_up() {
        let found = check(&[]).unwrap();
        assert_eq!((found.cell_bytes, found.freeblock_bytes, found.fragmented_bytes), (13, 8, 3));
        assert_eq!(found.unallocated_bytes, 488 - 12);
        assert_eq!(found.free_bytes(), 512 - 12 - 13);
    }

    #[test]
    fn broken_rules_are_told_apart() {
        assert_eq!(check(&[(7, &[2])]), Err(Damage::FreeSpace { unaccounted: 3, fragmented: 2 }));
        assert_eq!(check(&[(7, &[61])]), Err(Damage::FragmentedBytes { found: 61 }));
        assert_eq!(check(&[(490, &[0, 9])]), Err(Damage::Overlap { offset: 488, next_offset: 496 }));
        assert_eq!(check(&[(8, &[0x01, 0xf8])]), Err(Damage::Overlap { offset: 504, next_offset: 504 }));
    }
}
