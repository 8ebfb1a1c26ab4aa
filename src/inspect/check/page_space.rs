//! Whether cells, free blocks and fragments fill a page, each byte once. [pages.md#free-space](crate::notes::pages#free-space)

use super::findings::Findings;
use crate::format::{BtreePage, Damage, PageNumber};
use crate::walk::{FindingKind, PageCells};

/// Which bytes of a page are taken, at one bit each. Kept between pages.
#[derive(Default)]
pub(super) struct PageSpace {
    taken: Vec<u64>,
    taken_bytes: u32,
    /// Whether some byte is taken twice.
    overlaps: bool,
    /// Whether some cell could not be read: then nothing can be said of the gaps.
    is_partial: bool,
}

impl PageSpace {
    /// Begins with another page, of which so many bytes can be taken.
    pub(super) fn clear(&mut self, usable_bytes: u32) {
        self.taken.clear();
        // One more, so that what takes up to 64 bytes always has a second word.
        self.taken.resize(usable_bytes.div_ceil(64) as usize + 1, 0);
        *self = Self { taken: std::mem::take(&mut self.taken), ..Self::default() };
    }

    /// To mark bytes is cheaper than to sort what takes them.
    #[inline]
    pub(super) fn add_cell(&mut self, offset: u32, size_bytes: u32) {
        self.taken_bytes = self.taken_bytes.saturating_add(size_bytes);
        self.overlaps |= !take(&mut self.taken, offset, size_bytes);
    }

    /// Says that a cell is missing.
    pub(super) fn lacks_cell(&mut self) {
        self.is_partial = true;
    }

    /// Tells what does not add up, when all cells have been added; `false` when something lies over something else.
    pub(super) fn check(
        &mut self,
        page: &BtreePage<'_>,
        number: PageNumber,
        findings: &mut Findings,
    ) -> bool {
        for block in page.freeblocks() {
            match block {
                Ok(block) => self.add_cell(block.offset, block.size_bytes),
                Err(damage) => {
                    let place = (Some(number), block_offset(damage));
                    findings.damage(FindingKind::FreeBlock, place, damage.to_string());
                    return true;
                }
            }
        }
        if self.overlaps
            && let Some((offset, next_offset)) = overlap(extents(page, number), page.content_start)
        {
            let damage = Damage::Overlap { offset, next_offset };
            findings.damage(FindingKind::CellOverlap, (Some(number), Some(next_offset)), damage.to_string());
            return false;
        }
        let unaccounted =
            page.usable_bytes().saturating_sub(page.content_start).saturating_sub(self.taken_bytes);
        if !self.is_partial && unaccounted != u32::from(page.fragmented_bytes) {
            let damage = Damage::FreeSpace { unaccounted, fragmented: page.fragmented_bytes };
            let offset = u32::try_from(page.header_offset()).unwrap_or(u32::MAX).saturating_add(7);
            findings.damage(FindingKind::FragmentCount, (Some(number), Some(offset)), damage.to_string());
        }
        true
    }
}

/// Where what takes bytes of a page begins and ends.
fn extents(page: &BtreePage<'_>, number: PageNumber) -> Vec<(u32, u32)> {
    let cells = PageCells::new(*page, number).flatten().map(|(_, cell)| (cell.offset, cell.stored_bytes));
    let blocks = page.freeblocks().flatten().map(|block| (block.offset, block.size_bytes));
    cells.chain(blocks).map(|(offset, size_bytes)| (offset, offset.saturating_add(size_bytes))).collect()
}

/// The first two, by their places, that lie over each other: where they begin.
fn overlap(mut extents: Vec<(u32, u32)>, content_start: u32) -> Option<(u32, u32)> {
    extents.sort_unstable();
    let (mut before, mut end) = (content_start, content_start);
    for (start, next_end) in extents {
        if start < end {
            return Some((before, start));
        }
        (before, end) = (start, next_end);
    }
    None
}

/// Marks so many bytes; `false` when one of them was marked.
#[inline]
fn take(taken: &mut [u64], offset: u32, size_bytes: u32) -> bool {
    let (place, bit) = ((offset / 64) as usize, offset % 64);
    let Some(words) = taken.get_mut(place..) else { return false };
    match words {
        [first, second, ..] if (1..=64).contains(&size_bytes) => {
            let mask = u64::MAX >> (64 - size_bytes);
            let (low, high) = (mask << bit, mask >> 1 >> (63 - bit));
            let twice = *first & low | *second & high;
            *first |= low;
            *second |= high;
            twice == 0
        }
        _ => take_long(words, bit, bit + size_bytes),
    }
}

/// The same from the bit `start` of the first word up to the bit `end`.
fn take_long(words: &mut [u64], start: u32, end: u32) -> bool {
    let Some(last) = end.checked_sub(1) else { return true };
    let Some(words) = words.get_mut(..=(last / 64) as usize) else { return false };
    let mut mask = u64::MAX << start;
    let mut twice = 0;
    let Some((last_word, words)) = words.split_last_mut() else { return false };
    for word in words {
        twice |= *word & mask;
        *word |= mask;
        mask = u64::MAX;
    }
    mask &= u64::MAX >> (63 - last % 64);
    twice |= *last_word & mask;
    *last_word |= mask;
    twice == 0
}

fn block_offset(damage: Damage) -> Option<u32> {
    match damage {
        Damage::Freeblock { offset, .. } => Some(offset),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marked_bytes_say_what_sorted_places_do(
            extents in proptest::collection::vec((0..1000_u32, prop_oneof![4..9_u32, 60..70_u32, 4..300_u32]), 0..12),
        ) {
            let mut space = PageSpace::default();
            space.clear(1024);
            let mut ends = Vec::new();
            for (start, size_bytes) in extents {
                let size_bytes = size_bytes.min(1024 - start);
                space.add_cell(start, size_bytes);
                ends.push((start, start + size_bytes));
            }
            prop_assert_eq!(space.overlaps, overlap(ends, 0).is_some());
        }
    }
}
