//! The freelist and the pages of the pointer map: what lies between the b-trees.

use super::fault::{Fault, FaultSink};
use super::page_reader::PageReader;
use super::role::{Named, Role};
use super::walk::Walk;
use crate::error::Result;
use crate::format::pointer_map::POINTER_MAP_ENTRY_BYTES;
use crate::format::{Damage, FreelistTrunk, PageNumber};
use crate::limits::Limit;

/// A page of the freelist.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FreePage {
    /// Of it, only the first bytes count: the numbers of its leaves; none where it cannot be read.
    Trunk { page: PageNumber, from: PageNumber, used_bytes: u32 },
    /// Nothing of it counts.
    Leaf { page: PageNumber, trunk: PageNumber },
}

/// Where the header counts the pages of the freelist.
const FREELIST_COUNT_OFFSET: u32 = 36;

impl<F: FaultSink> Walk<'_, F> {
    /// Goes along the freelist. `[pages.md#freelist]`
    pub(crate) fn freelist(&mut self, mut visit: impl FnMut(FreePage)) -> Result<()> {
        let stated = self.header.freelist_page_count;
        let usable_bytes = self.usable_bytes();
        let mut reader = PageReader::default();
        let (mut found, mut trunk_count, mut is_whole) = (0_u32, 0_u64, true);
        let (mut from, mut next) = (PageNumber::FIRST, self.header.first_freelist_trunk);
        while let Some(page) = next {
            trunk_count += 1;
            let fits = self.place(page, Role::FreelistTrunk, Named::at(from, 0))?;
            is_whole = fits && self.allow(Limit::ChainLength, trunk_count, Named::by(page))?;
            let unread = FreePage::Trunk { page, from, used_bytes: 0 };
            if !is_whole {
                if fits {
                    visit(unread);
                }
                break;
            }
            let bytes = match reader.read(self.snapshot, page) {
                Ok(bytes) => bytes,
                Err(error) => {
                    visit(unread);
                    return self.tell(Fault::unreadable(page, error));
                }
            };
            let trunk = match FreelistTrunk::parse(bytes, usable_bytes) {
                Ok(trunk) => trunk,
                Err(damage) => {
                    visit(unread);
                    return self.tell(Fault::new(page, damage).of_kind(super::FindingKind::Freelist));
                }
            };
            visit(FreePage::Trunk { page, from, used_bytes: 8 + 4 * trunk.leaf_count });
            for (leaf, offset) in trunk.leaves().zip((8..).step_by(4)) {
                match leaf {
                    Ok(leaf) => {
                        if self.place(leaf, Role::FreelistLeaf, Named::at(page, offset))? {
                            visit(FreePage::Leaf { page: leaf, trunk: page });
                        }
                    }
                    Err(damage) => self.tell(Fault::new(page, damage).at(offset))?,
                }
            }
            found = found.saturating_add(1 + trunk.leaf_count);
            (from, next) = (page, trunk.next);
        }
        if is_whole && found != stated {
            let damage = Damage::FreelistCount { stated, found };
            self.tell(Fault::new(PageNumber::FIRST, damage).at(FREELIST_COUNT_OFFSET))?;
        }
        Ok(())
    }

    /// Places the pages of the pointer map. On the last of them, only the entries of pages that there are count:
    /// `visit` is told how many bytes do.
    pub(crate) fn pointer_map_pages(&mut self, mut visit: impl FnMut(PageNumber, u32)) {
        let Some(map) = self.pointer_map else { return };
        let page_count = self.snapshot.page_count();
        let mut next = PageNumber::FIRST.next();
        while let Some(page) = next.filter(|page| page.get() <= page_count) {
            // Where the lock bytes have this page, the map has the one behind.
            if let Some(page) = map.map_page_of(page).filter(|page| page.get() <= page_count) {
                self.placed.insert(page);
                let entries = map.entries_per_page().min(page_count - page.get());
                visit(page, entries * POINTER_MAP_ENTRY_BYTES);
            }
            next = page.checked_add(map.entries_per_page() + 1);
        }
    }
}
