//! How large a database is: the size of its pages, and their number.

use super::page_size::PageSize;

/// The shape of a database: what a copy of it has to make room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// Bytes of each page.
    pub page_size: PageSize,
    /// Pages, as of now.
    pub page_count: u32,
}

impl Shape {
    /// The bytes of all pages.
    #[must_use]
    pub fn size_bytes(self) -> u64 {
        self.page_size.bytes_of(self.page_count)
    }
}
