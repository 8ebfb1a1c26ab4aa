//! The number of a frame in the write-ahead log: 1 for the first, never 0.

use core::fmt;
use core::num::NonZeroU32;

use super::page_size::PageSize;
use super::wal_header::WAL_HEADER_BYTES;

/// The length of a frame's header in bytes.
pub const FRAME_HEADER_BYTES: usize = 24;

/// The number of a frame in the log, counted from 1. [wal.md#frame](crate::notes::wal#frame)
///
/// ```
/// use litecopy::PageSize;
/// use litecopy::format::FrameNumber;
///
/// // The header of the log has 32 bytes, that of a frame 24.
/// let second = FrameNumber::new(2).unwrap();
/// assert_eq!(second.offset_in_wal(PageSize::new(4096).unwrap()), 32 + 24 + 4096);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNumber(NonZeroU32);

impl FrameNumber {
    /// The frame right after the header of the log.
    pub const FIRST: FrameNumber = FrameNumber(NonZeroU32::MIN);

    /// The frame of this number; `None` for 0, which in the wal-index means "no frame".
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Where the frame, its header first, begins in the log, in bytes.
    #[must_use]
    pub const fn offset_in_wal(self, page_size: PageSize) -> u64 {
        // Below 2^32 times less than 2^17, and 32: no overflow.
        WAL_HEADER_BYTES as u64 + (self.0.get() as u64 - 1) * frame_bytes(page_size) as u64
    }

    /// The frame after this one; `None` after the last that can be numbered.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    /// The frame `count` frames further on; `None` when it cannot be numbered.
    #[must_use]
    pub fn checked_add(self, count: u32) -> Option<Self> {
        self.0.checked_add(count).map(Self)
    }
}

/// The length of a frame in bytes: 24 of header, then the page image.
#[must_use]
pub const fn frame_bytes(page_size: PageSize) -> usize {
    FRAME_HEADER_BYTES + page_size.bytes_usize()
}

/// How many whole frames a log of `wal_bytes` has room for, valid or not.
#[must_use]
pub fn whole_frames_in(wal_bytes: u64, page_size: PageSize) -> u64 {
    wal_bytes.saturating_sub(WAL_HEADER_BYTES as u64) / frame_bytes(page_size) as u64
}

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_begin_after_the_header() {
        let size = PageSize::DEFAULT;
        assert_eq!(FrameNumber::FIRST.offset_in_wal(size), 32);
        assert_eq!(FrameNumber::new(3).unwrap().offset_in_wal(size), 32 + 2 * 4120);
        assert_eq!(FrameNumber::new(0), None);
        assert_eq!(FrameNumber::new(u32::MAX).unwrap().next(), None);
        assert_eq!(FrameNumber::new(u32::MAX).unwrap().offset_in_wal(PageSize::ALL[7]), 281_578_055_794_672);
    }

    #[test]
    fn only_whole_frames_count() {
        let size = PageSize::ALL[0];
        for (bytes, frames) in [(0, 0), (32, 0), (32 + 535, 0), (32 + 536, 1), (32 + 2 * 536, 2)] {
            assert_eq!(whole_frames_in(bytes, size), frames, "{bytes} bytes");
        }
    }
}
