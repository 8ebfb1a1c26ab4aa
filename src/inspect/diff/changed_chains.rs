//! Whether a row can have changed without its leaf: only where a page of its overflow chain did.

use super::page_difference::PageDifference;
use crate::error::Result;
use crate::format::PageNumber;
use crate::format::page_set::PageSet;
use crate::inspect::database::Database;
use crate::inspect::owners::Owner;
use crate::walk::{Fault, Step, TreeWalk, Upcoming, Walk};

/// Whether leaves that are the same need not be read to know that their rows are.
///
/// A chain that changed begins in both at the same page, and has a first page that changed, which is of a chain in both. Where each page
/// that changed is known to be something else in one of them, there is none. For that only interior pages are read.
pub(super) fn leaves_tell_all(before: &Database, after: &Database, pages: &PageDifference) -> Result<bool> {
    let both = before.page_count().min(after.page_count()) as usize;
    // Where most pages changed, there is little to pass over.
    if pages.changed.len() > both / 2 {
        return Ok(false);
    }
    let known = [outside_chains(before)?, outside_chains(after)?];
    let is_known = |page| known.iter().any(|known| known.contains(page));
    Ok(pages.changed.iter().copied().filter_map(PageNumber::new).all(is_known))
}

/// The pages of b-trees, of the freelist and of the pointer map. Leaves are not read: they lie as deep as the first one of their tree.
fn outside_chains(database: &Database) -> Result<PageSet> {
    let owners = Owner::all(database, |_| {})?;
    let mut walk = Walk::new(database.snapshot(), *database.header(), |_: Fault| {});
    walk.freelist(|_| {})?;
    walk.pointer_map_pages(|_, _| {});
    for owner in owners {
        let mut tree = TreeWalk::new(owner.root_page, None, walk.usable_bytes());
        let mut leaf_depth = None;
        while let Some(upcoming) = tree.upcoming() {
            match upcoming {
                Upcoming::Child(at) if Some(at.depth) == leaf_depth => tree.pass_child(&mut walk)?,
                _ => match tree.next(&mut walk)? {
                    Some(Step::Page { at, page }) if page.kind.is_leaf() => {
                        leaf_depth.get_or_insert(at.depth);
                    }
                    _ => {}
                },
            }
        }
    }
    Ok(walk.placed)
}
