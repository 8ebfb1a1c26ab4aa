//! Whether cells, free blocks and fragments fill a page, each byte once. [pages.md#free-space](crate::notes::pages#free-space)

use super::findings::Findings;
use crate::format::{BtreePage, Damage, PageNumber};
use crate::walk::FindingKind;

/// What takes bytes of a page: where it begins, and where it ends. Kept between pages.
#[derive(Default)]
pub(super) struct PageSpace {
    extents: Vec<(u32, u32)>,
    /// A bit for each byte of a page: whether something takes it.
    taken: Vec<u64>,
    /// Whether some cell could not be read: then nothing can be said of the gaps.
    is_partial: bool,
}

impl PageSpace {
    /// Begins with another page.
    pub(super) fn clear(&mut self) {
        self.extents.clear();
        self.is_partial = false;
    }

    pub(super) fn add_cell(&mut self, offset: u32, size_bytes: u32) {
        self.extents.push((offset, offset.saturating_add(size_bytes)));
    }

    /// Says that a cell is missing.
    pub(super) fn lacks_cell(&mut self) {
        self.is_partial = true;
    }

    /// Tells what does not add up; `false` when something lies over something else.
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
        if !self.lies_apart(page.usable_bytes())
            && let Some((offset, next_offset)) = self.overlap(page.content_start)
        {
            let damage = Damage::Overlap { offset, next_offset };
            findings.damage(FindingKind::CellOverlap, (Some(number), Some(next_offset)), damage.to_string());
            return false;
        }
        let taken = self.extents.iter().map(|(start, end)| end - start).sum::<u32>();
        let unaccounted = page.usable_bytes().saturating_sub(page.content_start).saturating_sub(taken);
        if !self.is_partial && unaccounted != u32::from(page.fragmented_bytes) {
            let damage = Damage::FreeSpace { unaccounted, fragmented: page.fragmented_bytes };
            let offset = u32::try_from(page.header_offset()).unwrap_or(u32::MAX).saturating_add(7);
            findings.damage(FindingKind::FragmentCount, (Some(number), Some(offset)), damage.to_string());
        }
        true
    }

    /// Whether no byte is taken twice. To mark the bytes is cheaper than to sort what takes them.
    fn lies_apart(&mut self, usable_bytes: u32) -> bool {
        self.taken.clear();
        self.taken.resize(usable_bytes.div_ceil(64) as usize, 0);
        self.extents.iter().all(|&(start, end)| take(&mut self.taken, start, end))
    }

    /// The first two, by their places, that lie over each other: where they begin.
    fn overlap(&mut self, content_start: u32) -> Option<(u32, u32)> {
        self.extents.sort_unstable();
        let (mut before, mut end) = (content_start, content_start);
        for &(start, next_end) in &self.extents {
            if start < end {
                return Some((before, start));
            }
            (before, end) = (start, next_end);
        }
        None
    }
}

/// Marks the bytes from `start` to `end`; `false` when one of them was marked, or lies behind the page.
fn take(taken: &mut [u64], start: u32, end: u32) -> bool {
    let Some(last) = end.checked_sub(1) else { return true };
    let (first_word, last_word) = ((start / 64) as usize, (last / 64) as usize);
    let Some(words) = taken.get_mut(first_word..=last_word) else { return false };
    let mut mask = u64::MAX << (start % 64);
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
            for (start, size_bytes) in extents {
                space.add_cell(start, size_bytes.min(1024 - start));
            }
            let lies_apart = space.lies_apart(1024);
            prop_assert_eq!(lies_apart, space.overlap(0).is_none());
        }
    }
}
