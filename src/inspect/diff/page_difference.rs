//! Which pages of two databases are not the same.

use crate::error::Result;
use crate::format::PageNumber;
use crate::format::page_set::PageSet;
use crate::inspect::database::Database;

/// How many bytes of each are read at once; no page is larger.
const READ_BYTES: usize = 256 * 1024;

/// The pages that differ, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageDifference {
    /// Pages that both have, and that are not the same. All of them, where the page sizes differ.
    pub changed: Vec<u32>,
    /// Pages that only the second has.
    pub added: Vec<u32>,
    /// Pages that only the first has.
    pub removed: Vec<u32>,
}

impl PageDifference {
    /// Compares all pages.
    pub(super) fn new(before: &Database, after: &Database) -> Result<Self> {
        let (first, second) = (before.page_count(), after.page_count());
        let both = first.min(second);
        Ok(Self {
            changed: changed_pages(before, after, both)?,
            added: (both..second).map(|page| page + 1).collect(),
            removed: (both..first).map(|page| page + 1).collect(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }

    /// The changed ones as a set.
    pub(super) fn changed_set(&self, page_count: u32) -> PageSet {
        let mut set = PageSet::new(page_count);
        for page in self.changed.iter().filter_map(|&page| PageNumber::new(page)) {
            set.insert(page);
        }
        set
    }
}

fn changed_pages(before: &Database, after: &Database, page_count: u32) -> Result<Vec<u32>> {
    if before.page_size() != after.page_size() {
        return Ok((1..=page_count).collect());
    }
    if before.snapshot().shares_file_with(after.snapshot()) {
        return changed_overlays(before, after, page_count);
    }
    let page_bytes = before.page_size().bytes_usize();
    let at_once = READ_BYTES / page_bytes;
    let (mut one, mut other) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
    let mut changed = Vec::new();
    let mut done = 0_u32;
    while let Some(first) = done.checked_add(1).and_then(PageNumber::new).filter(|_| done < page_count) {
        let count = (page_count - done).min(u32::try_from(at_once).unwrap_or(1));
        let bytes = count as usize * page_bytes;
        let (Some(one), Some(other)) = (one.get_mut(..bytes), other.get_mut(..bytes)) else { break };
        before.snapshot().read_pages(first, one)?;
        after.snapshot().read_pages(first, other)?;
        before.snapshot().pass_pages(count)?;
        after.snapshot().pass_pages(count)?;
        if one != other {
            let pages = one.chunks_exact(page_bytes).zip(other.chunks_exact(page_bytes));
            let differing = (first.get()..).zip(pages).filter(|(_, (one, other))| one != other);
            changed.extend(differing.map(|(page, _)| page));
        }
        done += count;
    }
    Ok(changed)
}

/// Of two versions of one file, only what lies over the file in one of them can differ.
fn changed_overlays(before: &Database, after: &Database, page_count: u32) -> Result<Vec<u32>> {
    let overlays = [before, after].map(|database| database.snapshot().overlay());
    let mut pages: Vec<_> = overlays.into_iter().flatten().flat_map(|overlay| overlay.pages).collect();
    pages.sort_unstable();
    pages.dedup();
    let page_bytes = before.page_size().bytes_usize();
    let (mut one, mut other) = (vec![0; page_bytes], vec![0; page_bytes]);
    let mut changed = Vec::new();
    for page in pages.into_iter().filter(|page| page.get() <= page_count) {
        before.snapshot().read_pages(page, &mut one)?;
        after.snapshot().read_pages(page, &mut other)?;
        before.snapshot().pass_pages(1)?;
        after.snapshot().pass_pages(1)?;
        if one != other {
            changed.push(page.get());
        }
    }
    Ok(changed)
}
