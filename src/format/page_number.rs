//! The number of a page: 1 for the first, never 0.

use core::fmt;
use core::num::NonZeroU32;

use super::page_size::PageSize;

/// The number of a page, counted from 1. [pages.md#page-numbers](crate::notes::pages#page-numbers)
///
/// ```
/// use litecopy::{PageNumber, PageSize};
///
/// let third = PageNumber::new(3).unwrap();
/// assert_eq!(third.offset(PageSize::new(4096).unwrap()), 8192);
/// assert_eq!(PageNumber::new(0), None);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNumber(NonZeroU32);

impl PageNumber {
    /// Page 1, which holds the database header and the root of the schema table.
    pub const FIRST: PageNumber = PageNumber(NonZeroU32::MIN);

    /// The page of this number; `None` for 0, which on disk means "no page".
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

    /// Where the page begins in the database file, in bytes.
    #[must_use]
    pub const fn offset(self, page_size: PageSize) -> u64 {
        // Below 2^32 times at most 2^16: no overflow.
        (self.0.get() as u64 - 1) * page_size.bytes() as u64
    }

    /// The page that holds the byte at `offset` of the database file; `None` beyond the last possible page.
    #[must_use]
    pub fn holding(offset: u64, page_size: PageSize) -> Option<Self> {
        let index = offset / u64::from(page_size.bytes());
        u32::try_from(index).ok().and_then(|index| Self::FIRST.checked_add(index))
    }

    /// The page after this one; `None` after the last that can be numbered.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    /// The page `count` pages further on; `None` when it cannot be numbered.
    #[must_use]
    pub fn checked_add(self, count: u32) -> Option<Self> {
        self.0.checked_add(count).map(Self)
    }
}

impl From<NonZeroU32> for PageNumber {
    fn from(number: NonZeroU32) -> Self {
        Self(number)
    }
}

impl fmt::Display for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_offsets() {
        let size = PageSize::DEFAULT;
        assert_eq!(PageNumber::new(0), None);
        assert_eq!(PageNumber::FIRST.offset(size), 0);
        let third = PageNumber::new(3).unwrap();
        assert_eq!(third.offset(size), 8192);
        assert_eq!(PageNumber::holding(8191, size).map(PageNumber::get), Some(2));
        assert_eq!(PageNumber::holding(8192, size), Some(third));
        assert_eq!(third.to_string(), "3");
    }

    #[test]
    fn the_last_page_does_not_overflow() {
        let last = PageNumber::new(u32::MAX).unwrap();
        assert_eq!(last.next(), None);
        assert_eq!(last.offset(PageSize::ALL[7]), (u64::from(u32::MAX) - 1) * 65536);
        assert_eq!(PageNumber::holding(u64::MAX, PageSize::DEFAULT), None);
    }
}
