//! Goes through a whole database once, and tells what each page is used for.

use super::database::Database;
use super::owners::Owner;
use super::page_numbers::PageNumbers;
use crate::error::Result;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::page_set::PageSet;
use crate::format::payload_sums::PayloadSums;
use crate::format::{PageKind, PageNumber};
use crate::walk::{Fault, FreePage, OverflowPart, Step, TreePlace, TreeWalk, Walk};

/// Who is told what each page is used for. Owners are given by their place in the list of all.
pub(super) trait Surveyor {
    /// A page of a b-tree, in the order of a scan.
    fn tree_page(&mut self, owner: usize, at: TreePlace, kind: PageKind, numbers: PageNumbers);
    /// A page of a b-tree that cannot be decoded.
    fn lost_page(&mut self, owner: usize, at: TreePlace);
    /// A page of an overflow chain, behind the page with its cell.
    fn overflow_page(&mut self, owner: usize, part: OverflowPart<'_>);
    /// A page of the freelist.
    fn free_page(&mut self, page: FreePage);
    /// A page of the pointer map.
    fn pointer_map_page(&mut self, page: PageNumber);
}

/// Tells what every page that has a place is used for; gives back the set of them. The page of the lock bytes is not in it.
pub(super) fn survey(database: &Database, owners: &[Owner], told: &mut impl Surveyor) -> Result<PageSet> {
    let mut walk = Walk::new(database.snapshot(), *database.header(), |_: Fault| {});
    walk.freelist(|page| told.free_page(page))?;
    walk.pointer_map_pages(|page, _| told.pointer_map_page(page));
    for (owner, Owner { root_page, .. }) in owners.iter().enumerate() {
        let mut tree = TreeWalk::new(*root_page, None, walk.usable_bytes());
        while let Some(step) = tree.next(&mut walk)? {
            let (at, page) = match step {
                Step::Page { at, page } => (at, page),
                Step::Entry { .. } => continue,
                Step::Lost { at } => {
                    told.lost_page(owner, at);
                    continue;
                }
            };
            let mut numbers = PageNumbers::from_header(&page);
            let mut has_chains = false;
            if let Some(sums) = PayloadSums::of(&page) {
                numbers.add_sums(sums);
                has_chains = sums.has_overflow;
            } else {
                for (_, cell) in Step::cells(page, at).flatten() {
                    numbers.add(&cell);
                    has_chains |= cell.payload.is_some_and(|payload| payload.first_overflow.is_some());
                }
            }
            told.tree_page(owner, at, page.kind, numbers);
            if has_chains {
                for (index, cell) in Step::cells(page, at).flatten() {
                    walk.chain((index, &cell), at.page, |part| told.overflow_page(owner, part))?;
                }
            }
        }
    }
    Ok(walk.placed)
}

/// The page of the lock bytes, where the database reaches so far.
pub(super) fn lock_page(database: &Database) -> Option<PageNumber> {
    Some(lock_byte_page(database.page_size())).filter(|page| page.get() <= database.page_count())
}
