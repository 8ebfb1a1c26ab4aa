//! The pages of overflow chains that a walk went along, where they are wanted.

use crate::format::PageNumber;
use crate::format::page_set::PageSet;

/// Pages of chains, and of each chain the last one, with how many bytes of it count.
pub(crate) struct ChainPages {
    pub(crate) pages: PageSet,
    pub(crate) ends: Vec<(PageNumber, u32)>,
}

impl ChainPages {
    pub(super) fn new(page_count: u32) -> Self {
        Self { pages: PageSet::new(page_count), ends: Vec::new() }
    }
}
