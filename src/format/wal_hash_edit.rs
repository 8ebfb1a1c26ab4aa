//! Entering frames into a hash block of the wal-index, as a writer does before it publishes them.
//!
//! A reader may walk the same block meanwhile. It passes over entries behind its own last frame, and what a dead writer left there
//! was entered after all that counts: to take it out cuts no reader's way short.

use super::frame_number::FrameNumber;
use super::page_number::PageNumber;
use super::wal_hash::{BLOCK_BYTES, HASH_SLOT_COUNT, first_frame_of, hash_slot, next_hash_slot};
use super::wal_index::WAL_INDEX_BYTES;
use core::ops::Range;

const SLOTS_OFFSET: usize = 16384;

/// A block of the wal-index that is being written. [wal-index.md#hash-blocks](crate::notes::wal_index#hash-blocks)
#[derive(Clone, Debug)]
pub(crate) struct HashBlockEdit {
    /// How many entries of the block lie before its first: none but in block 0, where the header is.
    header_bytes: usize,
    first_frame: FrameNumber,
    bytes: Vec<u8>,
}

impl HashBlockEdit {
    /// The block of this number, made of its bytes, in this machine's byte order; those that are not there are zeros. `last` is
    /// the last frame that was published: what is entered behind it is taken out. `None` for a block that no frame can have.
    #[must_use]
    pub(crate) fn new(number: u32, mut bytes: Vec<u8>, last: u32) -> Option<Self> {
        bytes.resize(BLOCK_BYTES, 0);
        let header_bytes = if number == 0 { WAL_INDEX_BYTES } else { 0 };
        let mut block = Self { header_bytes, first_frame: first_frame_of(number)?, bytes };
        block.keep_up_to((last + 1).saturating_sub(block.first_frame.get()));
        Some(block)
    }

    /// Enters a frame of this block; `false` when it is not one of it, or there is no room.
    pub(crate) fn insert(&mut self, frame: FrameNumber, page: PageNumber) -> bool {
        let Some(index) = frame.get().checked_sub(self.first_frame.get()) else { return false };
        let Some(place) = self.page_place(index) else { return false };
        let Some(entry) = index.checked_add(1).and_then(|entry| u16::try_from(entry).ok()) else {
            return false;
        };
        let mut slot = hash_slot(page);
        for _ in 0..HASH_SLOT_COUNT {
            if let Some(free) = self.slot_mut(slot).filter(|slot| **slot == [0, 0]) {
                *free = entry.to_ne_bytes();
                if let Some(place) = self.bytes.get_mut(place) {
                    place.copy_from_slice(&page.get().to_ne_bytes());
                }
                return true;
            }
            slot = next_hash_slot(slot);
        }
        false
    }

    /// The page numbers, with the offset in the block where they begin. They are written before the slots.
    #[must_use]
    pub(crate) fn page_numbers(&self) -> (usize, &[u8]) {
        (self.header_bytes, self.bytes.get(self.header_bytes..SLOTS_OFFSET).unwrap_or_default())
    }

    /// The slots, with the offset in the block where they begin.
    #[must_use]
    pub(crate) fn slots(&self) -> (usize, &[u8]) {
        (SLOTS_OFFSET, self.bytes.get(SLOTS_OFFSET..).unwrap_or_default())
    }

    /// Takes all entries out but the first `count`.
    fn keep_up_to(&mut self, count: u32) {
        let behind = self.header_bytes + (count as usize).saturating_mul(size_of::<u32>());
        if let Some(pages) = self.bytes.get_mut(behind..SLOTS_OFFSET) {
            pages.fill(0);
        }
        let slots = self.bytes.get_mut(SLOTS_OFFSET..).unwrap_or_default();
        for slot in slots.as_chunks_mut::<2>().0 {
            if u32::from(u16::from_ne_bytes(*slot)) > count {
                *slot = [0, 0];
            }
        }
    }

    /// Where the page number of an entry lies.
    fn page_place(&self, index: u32) -> Option<Range<usize>> {
        let start = self.header_bytes.checked_add((index as usize).checked_mul(size_of::<u32>())?)?;
        let end = start.checked_add(size_of::<u32>())?;
        (end <= SLOTS_OFFSET).then_some(start..end)
    }

    fn slot_mut(&mut self, slot: u16) -> Option<&mut [u8; 2]> {
        self.bytes.get_mut(SLOTS_OFFSET..)?.as_chunks_mut::<2>().0.get_mut(usize::from(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::wal_hash::HashBlock;

    fn frame(number: u32) -> FrameNumber {
        FrameNumber::new(number).unwrap()
    }

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    fn bytes(block: &HashBlockEdit) -> Vec<u8> {
        let (start, pages) = block.page_numbers();
        [&vec![0; start], pages, block.slots().1].concat()
    }

    #[test]
    fn what_is_entered_is_found_and_a_full_block_takes_no_more() {
        for (number, count) in [(0, 4062), (1, 4096)] {
            let first = first_frame_of(number).unwrap();
            let mut block = HashBlockEdit::new(number, Vec::new(), first.get() - 1).unwrap();
            for index in 0..count {
                assert!(block.insert(first.checked_add(index).unwrap(), page(index % 1000 + 1)));
            }
            assert!(!block.insert(first.checked_add(count).unwrap(), page(1)));
            let bytes = bytes(&block);
            let found = HashBlock::new(number, &bytes).unwrap();
            let last = first.checked_add(count - 1).unwrap();
            for index in count - 1000..count {
                let frame = first.checked_add(index).unwrap();
                assert_eq!(found.find(page(index % 1000 + 1), first, last), Ok(Some(frame)));
                assert_eq!(found.page_of(frame), Some(page(index % 1000 + 1)));
            }
        }
    }

    #[test]
    fn what_a_dead_writer_left_is_taken_out_and_the_rest_stays() {
        let mut block = HashBlockEdit::new(0, Vec::new(), 0).unwrap();
        for number in 1..=9 {
            assert!(block.insert(frame(number), page(8192 * number + 1)));
        }
        let mut block = HashBlockEdit::new(0, bytes(&block), 4).unwrap();
        assert!(block.insert(frame(5), page(1)));
        let bytes = bytes(&block);
        let found = HashBlock::new(0, &bytes).unwrap();
        assert_eq!(found.find(page(8192 * 4 + 1), frame(1), frame(9)), Ok(Some(frame(4))));
        assert_eq!(found.find(page(8192 * 6 + 1), frame(1), frame(9)), Ok(None));
        assert_eq!(found.find(page(1), frame(1), frame(9)), Ok(Some(frame(5))));
        assert_eq!(found.page_of(frame(6)), None);
    }
}
