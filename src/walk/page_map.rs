//! Which pages of a snapshot hold something, and which bytes of them: the rest is what was deleted.
//!
//! | map | what it leaves out | memory |
//! |---|---|---|
//! | [`PageMap::of_freelist`] | the leaves of the freelist, and what stands in its trunks behind their numbers | 1 bit a page, 8 bytes a trunk |
//! | [`PageMap::of_all`] | also every page that belongs to nothing, and the unused bytes of all others | 2 bits a page (3 while it is made), 8 bytes for each trunk, overflow chain, and page of the pointer map |
//!
//! Why these bytes, and no others: `[treatments.md#unused-bytes]`.

use super::fault::Strict;
use super::free_pages::FreePage;
use super::tree_walk::{Step, TreeWalk};
use super::walk::Walk;
use crate::error::Result;
use crate::format::PageNumber;
use crate::format::page_set::PageSet;
use crate::format::unused_bytes::{clear_behind, clear_unused_bytes};
use crate::source::Snapshot;

/// Pages that follow each other, by whether they hold something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// None of them does.
    Empty,
    /// All do.
    Full,
    /// Some do, and to tell them apart would cost more than to read them all.
    Mixed,
}

/// What counts in the pages of one snapshot.
#[derive(Debug)]
pub(crate) struct PageMap {
    usable_bytes: u32,
    empty: PageSet,
    /// Those whose unused bytes can be told from their own content.
    btree: PageSet,
    /// Pages of which only the start counts, ascending, and how many bytes.
    cut: Vec<(PageNumber, u32)>,
}

impl PageMap {
    /// Looks through the freelist. The snapshot has pages.
    ///
    /// That no page in it is in use as well is believed, as SQLite believes it.
    pub(crate) fn of_freelist(snapshot: &Snapshot) -> Result<Self> {
        let mut walk = Walk::new(snapshot, snapshot.read_header()?, Strict);
        let mut cut = Vec::new();
        let empty = free_leaves(&mut walk, &mut cut)?;
        Ok(Self::new(&walk, empty, PageSet::new(0), cut))
    }

    /// Looks through everything: freelist, pointer map, all b-trees. The snapshot has pages.
    pub(crate) fn of_all(snapshot: &Snapshot) -> Result<Self> {
        let header = snapshot.read_header()?;
        let mut roots = vec![PageNumber::FIRST];
        Walk::new(snapshot, header, Strict).schema_rows(|row| {
            roots.extend(row.root()?);
            Ok(())
        })?;
        let mut walk = Walk::new(snapshot, header, Strict);
        let mut cut = Vec::new();
        let leaves = free_leaves(&mut walk, &mut cut)?;
        walk.pointer_map_pages(|page, used_bytes| cut.push((page, used_bytes)));
        let mut btree = PageSet::new(snapshot.page_count());
        for root in roots {
            let is_table = (root == PageNumber::FIRST).then_some(true);
            place_tree(
                &mut walk,
                TreeWalk::new(root, is_table, header.usable_bytes()),
                &mut btree,
                &mut cut,
            )?;
        }
        let mut empty = std::mem::replace(&mut walk.placed, PageSet::new(0));
        empty.invert_and_add(&leaves);
        Ok(Self::new(&walk, empty, btree, cut))
    }

    fn new(walk: &Walk<'_, Strict>, empty: PageSet, btree: PageSet, mut cut: Vec<(PageNumber, u32)>) -> Self {
        cut.sort_unstable();
        Self { usable_bytes: walk.usable_bytes(), empty, btree, cut }
    }

    /// How to move the first of `count` pages from `first` on, and how many of them so. Stretches of fewer than `short` pages are
    /// moved together with their neighbours.
    pub(crate) fn part(&self, first: PageNumber, count: u32, short: u32) -> (Part, u32) {
        let (empty, length) = self.empty.stretch(first, count);
        if length >= short || length == count {
            return (if empty { Part::Empty } else { Part::Full }, length);
        }
        let mut mixed = length;
        while mixed < count
            && let Some(next) = first.checked_add(mixed)
            && let (_, length @ 1..) = self.empty.stretch(next, count - mixed)
            && length < short
        {
            mixed += length;
        }
        (Part::Mixed, mixed)
    }

    /// Whether there may be something to clear in the `count` pages from `first` on.
    pub(crate) fn touches(&self, first: PageNumber, count: u32) -> bool {
        let next_cut = self.cut.get(self.cut_from(first)).map(|&(page, _)| page.get() - first.get());
        !self.btree.is_empty() || next_cut.is_some_and(|distance| distance < count)
    }

    /// Where among the pages of which only the start counts the first one is that is not before `first`.
    fn cut_from(&self, first: PageNumber) -> usize {
        self.cut.partition_point(|&(page, _)| page < first)
    }

    /// Clears what does not count in pages of the snapshot that follow each other.
    pub(crate) fn clear_unused(
        &self,
        snapshot: &Snapshot,
        first: PageNumber,
        pages: &mut [u8],
    ) -> Result<()> {
        let mut cut = self.cut.get(self.cut_from(first)..).unwrap_or_default();
        let mut next = Some(first);
        for bytes in pages.chunks_exact_mut(snapshot.page_size().bytes_usize()) {
            let Some(page) = next else { break };
            if self.empty.contains(page) {
                bytes.fill(0);
            } else if self.btree.contains(page) {
                clear_unused_bytes(bytes, page, self.usable_bytes)
                    .map_err(|damage| snapshot.damaged(page, damage))?;
            } else if let Some((&(_, used_bytes), rest)) = cut.split_first().filter(|(it, _)| it.0 == page) {
                clear_behind(bytes, used_bytes, self.usable_bytes);
                cut = rest;
            }
            next = page.next();
        }
        Ok(())
    }
}

/// The leaves of the freelist; of its trunks only the start counts.
fn free_leaves(walk: &mut Walk<'_, Strict>, cut: &mut Vec<(PageNumber, u32)>) -> Result<PageSet> {
    let mut leaves = PageSet::new(walk.snapshot.page_count());
    walk.freelist(|page| match page {
        FreePage::Trunk { page, used_bytes, .. } => cut.push((page, used_bytes)),
        FreePage::Leaf { page, .. } => drop(leaves.insert(page)),
    })?;
    Ok(leaves)
}

/// Gives the pages of a b-tree, and of the overflow chains of its cells, their places.
fn place_tree(
    walk: &mut Walk<'_, Strict>,
    mut tree: TreeWalk,
    btree: &mut PageSet,
    cut: &mut Vec<(PageNumber, u32)>,
) -> Result<()> {
    let usable_bytes = walk.usable_bytes();
    while let Some(step) = tree.next(walk)? {
        let Step::Page { at, page } = step else { continue };
        btree.insert(at.page);
        for cell in Step::cells(page, at) {
            match cell {
                Ok((index, cell)) => walk.chain((index, &cell), at.page, |part| {
                    if part.used_bytes < usable_bytes {
                        cut.push((part.page, part.used_bytes));
                    }
                })?,
                Err(fault) => walk.tell(fault).map(|()| false)?,
            };
        }
    }
    Ok(())
}
