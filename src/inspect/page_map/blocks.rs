//! Puts pages together to blocks, so that a map of any number of pages fits into what room there is.

use super::{MapHead, MapOrigin, MapPage, PageUse};
use std::collections::BTreeMap;

/// Pages that follow each other, shown as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// Its first page.
    pub first_page: u32,
    /// How many pages it stands for.
    pub page_count: u32,
    /// What most of them are used for.
    pub page_use: PageUse,
    /// Whom most of them belong to.
    pub owner: Option<u32>,
    /// How much of those that have cells is in use, in percent.
    pub fill: Option<u8>,
    /// Whether any comes from the log or a journal.
    pub is_overlaid: bool,
}

/// Makes blocks of pages that come one by one.
#[derive(Clone, Debug)]
pub struct BlockMap {
    pages_per_block: u32,
    next_page: u32,
    blocks: Vec<Block>,
    open: OpenBlock,
    counts: BTreeMap<PageUse, u32>,
    overlaid_count: u32,
}

#[derive(Clone, Debug, Default)]
struct OpenBlock {
    first_page: u32,
    page_count: u32,
    votes: BTreeMap<(Option<u32>, PageUse), u32>,
    filled_count: u32,
    fill_sum: u64,
    is_overlaid: bool,
}

impl BlockMap {
    /// Of no more than `most_blocks` blocks, each of the same number of pages but for the last.
    #[must_use]
    pub fn new(head: &MapHead, most_blocks: u32) -> Self {
        Self {
            pages_per_block: head.page_count.div_ceil(most_blocks.max(1)).max(1),
            next_page: 1,
            blocks: Vec::new(),
            open: OpenBlock::default(),
            counts: BTreeMap::new(),
            overlaid_count: 0,
        }
    }

    /// Takes the next page.
    pub fn page(&mut self, page: &MapPage) {
        let open = &mut self.open;
        if open.page_count == 0 {
            open.first_page = self.next_page;
        }
        open.page_count += 1;
        *open.votes.entry((page.owner, page.page_use)).or_default() += 1;
        if let Some(fill) = page.fill {
            open.filled_count += 1;
            open.fill_sum += u64::from(fill);
        }
        let is_overlaid = page.origin != MapOrigin::File;
        open.is_overlaid |= is_overlaid;
        self.overlaid_count = self.overlaid_count.saturating_add(u32::from(is_overlaid));
        *self.counts.entry(page.page_use).or_default() += 1;
        self.next_page = self.next_page.saturating_add(1);
        if open.page_count == self.pages_per_block {
            self.close();
        }
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let mut of_owner: BTreeMap<Option<u32>, u32> = BTreeMap::new();
        for (&(owner, _), &count) in &open.votes {
            *of_owner.entry(owner).or_default() += count;
        }
        // The first of equals, so that a map is the same each time.
        let owner = of_owner.into_iter().max_by_key(|&(owner, count)| (count, std::cmp::Reverse(owner)));
        let Some((owner, _)) = owner else { return };
        let uses = open.votes.iter().filter(|((of, _), _)| *of == owner);
        let most = uses.max_by_key(|&(&(_, page_use), &count)| (count, std::cmp::Reverse(page_use)));
        let fill = open.fill_sum.checked_div(open.filled_count.into());
        self.blocks.push(Block {
            first_page: open.first_page,
            page_count: open.page_count,
            page_use: most.map_or(PageUse::Unreachable, |(&(_, page_use), _)| page_use),
            owner,
            fill: fill.and_then(|fill| u8::try_from(fill).ok()),
            is_overlaid: open.is_overlaid,
        });
    }

    /// How many pages a block stands for.
    #[must_use]
    pub fn pages_per_block(&self) -> u32 {
        self.pages_per_block
    }

    /// How many pages of this use there were.
    #[must_use]
    pub fn count(&self, page_use: PageUse) -> u32 {
        self.counts.get(&page_use).copied().unwrap_or_default()
    }

    /// How many pages come from the log or a journal.
    #[must_use]
    pub fn overlaid_count(&self) -> u32 {
        self.overlaid_count
    }

    /// The blocks of the pages so far.
    #[must_use]
    pub fn blocks(&mut self) -> &[Block] {
        if self.open.page_count > 0 {
            self.close();
        }
        &self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(owner: Option<u32>, page_use: PageUse, fill: Option<u8>) -> MapPage {
        MapPage { page_use, owner, fill, origin: MapOrigin::File }
    }

    #[test]
    fn most_pages_of_a_block_decide_and_every_page_is_in_one() {
        let mut map = BlockMap::new(&MapHead::new("a.db", 512, 8), 3);
        assert_eq!(map.pages_per_block(), 3);
        for _ in 0..2 {
            map.page(&page(Some(4), PageUse::TableLeaf, Some(90)));
        }
        map.page(&page(None, PageUse::FreelistLeaf, None));
        map.page(&page(None, PageUse::FreelistLeaf, None));
        map.page(&page(Some(1), PageUse::IndexLeaf, Some(10)));
        map.page(&page(None, PageUse::FreelistTrunk, None));
        map.page(&page(Some(1), PageUse::IndexLeaf, Some(100)));
        map.page(&MapPage { origin: MapOrigin::Wal(1), ..page(Some(1), PageUse::IndexLeaf, Some(50)) });
        let blocks = map.blocks().to_vec();
        let shown: Vec<_> = blocks.iter().map(|b| (b.first_page, b.page_count, b.owner, b.fill)).collect();
        assert_eq!(shown, [(1, 3, Some(4), Some(90)), (4, 3, None, Some(10)), (7, 2, Some(1), Some(75))]);
        assert_eq!(blocks[1].page_use, PageUse::FreelistTrunk.min(PageUse::FreelistLeaf));
        assert_eq!((blocks[0].is_overlaid, blocks[2].is_overlaid, map.overlaid_count()), (false, true, 1));
        assert_eq!((map.count(PageUse::FreelistLeaf), map.count(PageUse::Overflow)), (2, 0));
    }

    #[test]
    fn no_page_makes_no_block_and_few_pages_have_one_each() {
        assert_eq!(BlockMap::new(&MapHead::new("", 512, 0), 0).blocks(), []);
        assert_eq!(BlockMap::new(&MapHead::new("", 512, 7), 100).pages_per_block(), 1);
        let all = BlockMap::new(&MapHead::new("", 512, u32::MAX), 1000);
        assert_eq!(all.pages_per_block(), 4_294_968);
    }
}
