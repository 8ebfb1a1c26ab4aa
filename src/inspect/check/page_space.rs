//! Whether cells, free blocks and fragments fill a page, each byte once. [pages.md#free-space](crate::notes::pages#free-space)

use super::findings::Findings;
use crate::format::{BtreePage, Damage, PageNumber};
use crate::walk::FindingKind;

/// What takes bytes of a page: where it begins, and where it ends. Kept between pages.
#[derive(Default)]
pub(super) struct PageSpace {
    extents: Vec<(u32, u32)>,
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
        self.sort();
        let mut end = page.content_start;
        let mut unaccounted = 0;
        let mut before = page.content_start;
        for &(start, next_end) in &self.extents {
            if start < end {
                let damage = Damage::Overlap { offset: before, next_offset: start };
                findings.damage(FindingKind::CellOverlap, (Some(number), Some(start)), damage.to_string());
                return false;
            }
            unaccounted += start - end;
            (before, end) = (start, next_end);
        }
        unaccounted += page.usable_bytes().saturating_sub(end);
        if !self.is_partial && unaccounted != u32::from(page.fragmented_bytes) {
            let damage = Damage::FreeSpace { unaccounted, fragmented: page.fragmented_bytes };
            let offset = u32::try_from(page.header_offset()).unwrap_or(u32::MAX).saturating_add(7);
            findings.damage(FindingKind::FragmentCount, (Some(number), Some(offset)), damage.to_string());
        }
        true
    }

    /// Cells mostly lie in the order of their keys, one way or the other: then sorting is nothing.
    fn sort(&mut self) {
        if !self.extents.is_sorted() {
            self.extents.reverse();
            if !self.extents.is_sorted() {
                self.extents.sort_unstable();
            }
        }
    }
}

fn block_offset(damage: Damage) -> Option<u32> {
    match damage {
        Damage::Freeblock { offset, .. } => Some(offset),
        _ => None,
    }
}
