//! The numbers of a b-tree page: those that SQLite's `dbstat` table has of it. [inspection.md#numbers-of-a-page](crate::notes::inspection#numbers-of-a-page)

use crate::format::btree_cell::CellPayload;
use crate::format::payload_sums::PayloadSums;
use crate::format::{BtreeCell, BtreePage};

/// What is in a b-tree page, in bytes where it is not a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageNumbers {
    pub(super) cells: u32,
    /// The parts of payloads that lie in the page itself.
    pub(super) payload_bytes: u32,
    /// Free, in whatever form.
    pub(super) unused_bytes: u32,
    /// The longest payload of a cell, what of it lies elsewhere included.
    pub(super) largest_payload_bytes: u32,
}

impl PageNumbers {
    /// Those that stand in the header, and the free blocks; of the cells only how many.
    pub(super) fn from_header(page: &BtreePage<'_>) -> Self {
        let gap = page.content_start.saturating_sub(page.pointers_end());
        let free_blocks = page.freeblocks().map_while(Result::ok).map(|block| block.size_bytes).sum::<u32>();
        Self {
            cells: page.cell_count.into(),
            unused_bytes: gap.saturating_add(page.fragmented_bytes.into()).saturating_add(free_blocks),
            ..Self::default()
        }
    }

    /// Adds all cells at once.
    pub(super) fn add_sums(&mut self, sums: PayloadSums) {
        self.payload_bytes = sums.local_bytes;
        self.largest_payload_bytes = sums.longest_bytes;
    }

    pub(super) fn add(&mut self, cell: &BtreeCell<'_>) {
        let Some(CellPayload { payload_bytes, local, .. }) = cell.payload else { return };
        let local_bytes = u32::try_from(local.len()).unwrap_or(u32::MAX);
        self.payload_bytes = self.payload_bytes.saturating_add(local_bytes);
        self.largest_payload_bytes = self.largest_payload_bytes.max(payload_bytes);
    }
}
