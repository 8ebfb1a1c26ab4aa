//! The hash blocks of the wal-index: which frames of the log hold a page.
//!
//! The wal-index is made of blocks of 32768 bytes. The first half of a block lists the page numbers of its
//! frames, the second half is a hash table over them:
//!
//! | block | page numbers, 32 bits each | hash slots, 16 bits each |
//! |---|---|---|
//! | 0 | 4062, from byte 136 (the header is before) | 8192, from byte 16384 |
//! | n > 0 | 4096, from byte 0 | 8192, from byte 16384 |
//!
//! A slot holds the 1-based place of an entry in its block, or 0. Page `p` is looked for from slot
//! `p * 383 mod 8192` on, upwards and around, until an empty slot. All in the order of the machine.

use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::frame_number::FrameNumber;
use super::page_number::PageNumber;
use super::wal_checksum::ByteOrder;
use super::wal_index::WAL_INDEX_BYTES;

/// The length of a block in bytes.
pub const BLOCK_BYTES: usize = 32768;
/// How many slots the hash table of each block has.
pub const HASH_SLOT_COUNT: u16 = 8192;
/// How many frames block 0 has.
pub const FIRST_BLOCK_FRAME_COUNT: u32 = 4062;
/// How many frames every other block has.
pub const BLOCK_FRAME_COUNT: u32 = 4096;

const SLOTS_OFFSET: usize = 16384;
/// What the header takes from block 0, in entries.
const HEADER_ENTRIES: u32 = BLOCK_FRAME_COUNT - FIRST_BLOCK_FRAME_COUNT;

/// The block that lists a frame, counted from 0. [wal-index.md#hash-blocks](crate::notes::wal_index#hash-blocks)
#[must_use]
pub fn block_of(frame: FrameNumber) -> u32 {
    // (frame - 1 + 34) / 4096, in an order that cannot overflow.
    let index = frame.get() - 1;
    index / BLOCK_FRAME_COUNT + (index % BLOCK_FRAME_COUNT + HEADER_ENTRIES) / BLOCK_FRAME_COUNT
}

/// The first frame that a block lists; `None` for a block beyond the last frame that can be numbered.
#[must_use]
pub fn first_frame_of(block: u32) -> Option<FrameNumber> {
    let first = u64::from(block) * u64::from(BLOCK_FRAME_COUNT) + 1;
    let first = if block == 0 { first } else { first - u64::from(HEADER_ENTRIES) };
    u32::try_from(first).ok().and_then(FrameNumber::new)
}

/// Where the page number of a frame lies in the wal-index, in bytes from its start.
#[must_use]
pub fn page_number_offset(frame: FrameNumber) -> u64 {
    WAL_INDEX_BYTES as u64 + skipped_hash_tables(block_of(frame)) + u64::from(frame.get() - 1) * 4
}

/// The slot where the search for a page begins.
///
/// ```
/// use litecopy::PageNumber;
/// use litecopy::format::wal_hash::hash_slot;
///
/// assert_eq!(hash_slot(PageNumber::new(3).unwrap()), 3 * 383);
/// ```
#[must_use]
pub fn hash_slot(page: PageNumber) -> u16 {
    let product = page.get().wrapping_mul(383) % u32::from(HASH_SLOT_COUNT);
    u16::try_from(product).unwrap_or(0)
}

/// The slot after this one, around the end.
#[must_use]
pub fn next_hash_slot(slot: u16) -> u16 {
    slot.wrapping_add(1) % HASH_SLOT_COUNT
}

/// One block of the wal-index. [wal-index.md#hash-blocks](crate::notes::wal_index#hash-blocks)
#[derive(Copy, Clone, Debug)]
pub struct HashBlock<'a> {
    number: u32,
    first_frame: FrameNumber,
    order: ByteOrder,
    bytes: &'a [u8],
}

impl<'a> HashBlock<'a> {
    /// The block of this number, made of its 32768 bytes, in this machine's byte order.
    ///
    /// # Errors
    /// [`Damage::Short`] when there are fewer bytes, or the block is one that no frame can have.
    pub fn new(number: u32, bytes: &'a [u8]) -> Result<Self, Damage> {
        let bytes = ByteReader::new(bytes).bytes(BLOCK_BYTES)?;
        let first_frame =
            first_frame_of(number).ok_or(Damage::Short { offset: 0, needed: BLOCK_BYTES, available: 0 })?;
        Ok(Self { number, first_frame, order: ByteOrder::NATIVE, bytes })
    }

    /// The page that a frame of this block holds; `None` for a frame of another block or an empty entry.
    #[must_use]
    pub fn page_of(&self, frame: FrameNumber) -> Option<PageNumber> {
        let entry = frame.get().checked_sub(self.first_frame.get())?;
        self.page_at(entry)
    }

    /// The last frame of this block from `first` to `last` that holds `page`, found through the hash table.
    ///
    /// Entries above `last` may be there, of a transaction that is not committed or of a writer that died:
    /// they do not count.
    ///
    /// # Errors
    /// [`Damage::WalIndexHashEntry`] for a slot that names no entry of the block, and
    /// [`Damage::WalIndexHashFull`] when the search finds no end.
    pub fn find(
        &self,
        page: PageNumber,
        first: FrameNumber,
        last: FrameNumber,
    ) -> Result<Option<FrameNumber>, Damage> {
        let mut found = None;
        let mut slot = hash_slot(page);
        for _ in 0..HASH_SLOT_COUNT {
            let entry = self.slot(slot)?;
            let Some(index) = entry.checked_sub(1) else { return Ok(found) };
            let index = u32::from(index);
            let damage = Damage::WalIndexHashEntry { block: self.number, slot, entry };
            if index >= self.frame_count() {
                return Err(damage);
            }
            let frame = self.first_frame.checked_add(index).ok_or(damage)?;
            if frame >= first && frame <= last && self.page_at(index) == Some(page) {
                found = found.max(Some(frame));
            }
            slot = next_hash_slot(slot);
        }
        Err(Damage::WalIndexHashFull { block: self.number })
    }

    fn frame_count(&self) -> u32 {
        if self.number == 0 { FIRST_BLOCK_FRAME_COUNT } else { BLOCK_FRAME_COUNT }
    }

    fn page_at(&self, entry: u32) -> Option<PageNumber> {
        if entry >= self.frame_count() {
            return None;
        }
        let header_bytes = if self.number == 0 { WAL_INDEX_BYTES } else { 0 };
        let offset = header_bytes.saturating_add((entry as usize).saturating_mul(4));
        ByteReader::at(self.bytes, offset).u32_in(self.order).ok().and_then(PageNumber::new)
    }

    fn slot(&self, slot: u16) -> Result<u16, Damage> {
        let offset = SLOTS_OFFSET.saturating_add(usize::from(slot).saturating_mul(2));
        ByteReader::at(self.bytes, offset).u16_in(self.order)
    }
}

/// The bytes that the hash tables of all blocks before this one take.
fn skipped_hash_tables(block: u32) -> u64 {
    u64::from(block) * (BLOCK_BYTES - SLOTS_OFFSET) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(number: u32) -> FrameNumber {
        FrameNumber::new(number).unwrap()
    }

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    #[test]
    fn known_slots() {
        let slots: Vec<u16> = [1, 2, 3, 21, 43, 8193].iter().map(|&n| hash_slot(page(n))).collect();
        assert_eq!(slots, [0x17f, 0x2fe, 0x47d, 0x1f6b, 0x055, 0x17f]);
        assert_eq!(next_hash_slot(8191), 0);
    }

    #[test]
    fn frames_and_blocks() {
        for (number, block) in [(1, 0), (4062, 0), (4063, 1), (8158, 1), (8159, 2), (u32::MAX, 0x10_0000)] {
            assert_eq!(block_of(frame(number)), block, "frame {number}");
        }
        assert_eq!(first_frame_of(0), Some(frame(1)));
        assert_eq!(first_frame_of(1), Some(frame(4063)));
        assert_eq!(first_frame_of(2), Some(frame(8159)));
        assert_eq!(first_frame_of(u32::MAX), None);
        assert_eq!(page_number_offset(frame(1)), 136);
        assert_eq!(page_number_offset(frame(4062)), 16380);
        assert_eq!(page_number_offset(frame(4063)), 32768);
        assert_eq!(page_number_offset(frame(8158)), 32768 + 16380);
        assert_eq!(page_number_offset(frame(8159)), 65536);
    }

    fn block_with(number: u32, pages: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK_BYTES];
        let first = first_frame_of(number).unwrap();
        for (i, &p) in pages.iter().enumerate() {
            let at = page_number_offset(first.checked_add(u32::try_from(i).unwrap()).unwrap());
            let at = usize::try_from(at).unwrap() % BLOCK_BYTES;
            bytes[at..at + 4].copy_from_slice(&p.to_ne_bytes());
            let mut slot = hash_slot(page(p));
            while bytes[16384 + 2 * usize::from(slot)..][..2] != [0, 0] {
                slot = next_hash_slot(slot);
            }
            let entry = u16::try_from(i + 1).unwrap();
            bytes[16384 + 2 * usize::from(slot)..][..2].copy_from_slice(&entry.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn the_last_frame_within_the_bounds_wins() {
        for number in [0, 1] {
            let first = first_frame_of(number).unwrap();
            let nth = |n| first.checked_add(n).unwrap();
            let bytes = block_with(number, &[1, 8193, 2, 1, 7]);
            let block = HashBlock::new(number, &bytes).unwrap();
            assert_eq!(block.find(page(1), first, nth(4)), Ok(Some(nth(3))));
            assert_eq!(block.find(page(1), first, nth(2)), Ok(Some(first)));
            assert_eq!(block.find(page(1), nth(1), nth(2)), Ok(None));
            assert_eq!(block.find(page(8193), first, nth(4)), Ok(Some(nth(1))));
            assert_eq!(block.find(page(99), first, nth(4)), Ok(None));
            assert_eq!(block.page_of(nth(4)), Some(page(7)));
            assert_eq!(block.page_of(nth(5)), None);
        }
    }

    #[test]
    fn a_table_without_end_is_damage() {
        let mut bytes = block_with(0, &[]);
        for slot in bytes[16384..].as_chunks_mut::<2>().0 {
            *slot = 1_u16.to_ne_bytes();
        }
        let block = HashBlock::new(0, &bytes).unwrap();
        assert_eq!(block.find(page(1), frame(1), frame(1)), Err(Damage::WalIndexHashFull { block: 0 }));
        bytes[16384 + 2 * 0x17f..][..2].copy_from_slice(&4063_u16.to_ne_bytes());
        let block = HashBlock::new(0, &bytes).unwrap();
        assert_eq!(
            block.find(page(1), frame(1), frame(1)),
            Err(Damage::WalIndexHashEntry { block: 0, slot: 0x17f, entry: 4063 })
        );
    }

    proptest! {
        #[test]
        fn geometry_agrees_with_itself(number in 1..=u32::MAX) {
            let block = block_of(frame(number));
            let first = first_frame_of(block).unwrap();
            prop_assert!(first <= frame(number));
            prop_assert!(first_frame_of(block + 1).is_none_or(|next| next > frame(number)));
            prop_assert_eq!(page_number_offset(frame(number)) / BLOCK_BYTES as u64, u64::from(block));
        }
    }
}
