//! The size of a page: a power of two from 512 to 65536 bytes, and its 16-bit code in headers.

use core::fmt;

/// The size of a page in bytes. [pages.md#page-sizes](crate::notes::pages#page-sizes)
///
/// ```
/// use litecopy::PageSize;
///
/// let size = PageSize::new(65536).unwrap();
/// assert_eq!(size.header_code(), 1); // 65536 does not fit into 16 bits
/// assert_eq!(size.bytes_of(3), 196_608);
/// assert_eq!(PageSize::new(1000), None);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSize(u32);

impl PageSize {
    /// What SQLite gives a new database when nothing else is asked for: 4096 bytes.
    pub const DEFAULT: PageSize = PageSize(4096);

    /// Every page size there is, ascending.
    pub const ALL: &'static [PageSize] = &[
        PageSize(512),
        PageSize(1024),
        PageSize(2048),
        PageSize(4096),
        PageSize(8192),
        PageSize(16384),
        PageSize(32768),
        PageSize(65536),
    ];

    /// The page size of so many bytes; `None` when it is not a power of two from 512 to 65536.
    #[must_use]
    pub const fn new(bytes: u32) -> Option<Self> {
        if bytes >= 512 && bytes <= 65536 && bytes.is_power_of_two() { Some(Self(bytes)) } else { None }
    }

    /// The page size that a 16-bit header field means: the size itself, or 1 for 65536.
    #[must_use]
    pub fn from_header_code(code: u16) -> Option<Self> {
        if code == 1 { Some(Self(65536)) } else { Self::new(u32::from(code)) }
    }

    /// The 16-bit code of this size in the database header and in the wal-index.
    #[must_use]
    pub fn header_code(self) -> u16 {
        u16::try_from(self.0).unwrap_or(1)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        self.0
    }

    /// The size in bytes, as slices are measured.
    #[must_use]
    pub const fn bytes_usize(self) -> usize {
        self.0 as usize
    }

    /// The number of pages in a database file of `file_bytes`, a partial last page counted as a page.
    ///
    /// A file of a single byte counts as empty: SQLite on Unix takes it for a database that an old file
    /// system could not create with no byte at all. [database-header.md#page-count](crate::notes::database_header#page-count)
    #[must_use]
    pub fn pages_in(self, file_bytes: u64) -> u64 {
        if file_bytes == 1 { 0 } else { file_bytes.div_ceil(u64::from(self.0)) }
    }

    /// The size in bytes of so many pages.
    #[must_use]
    pub fn bytes_of(self, page_count: u32) -> u64 {
        u64::from(page_count) * u64::from(self.0)
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_of_two_between_the_limits() {
        let found: Vec<u32> = (0..70_000).filter(|&n| PageSize::new(n).is_some()).collect();
        let all: Vec<u32> = PageSize::ALL.iter().map(|s| s.bytes()).collect();
        assert_eq!(found, all);
        assert_eq!(PageSize::new(131_072), None);
    }

    #[test]
    fn header_codes_round_trip() {
        for &size in PageSize::ALL {
            assert_eq!(PageSize::from_header_code(size.header_code()), Some(size));
        }
        assert_eq!(PageSize::from_header_code(0x0200).map(PageSize::bytes), Some(512));
        assert_eq!(PageSize::from_header_code(0x0001).map(PageSize::bytes), Some(65536));
        let legal = (0..=u16::MAX).filter(|&c| PageSize::from_header_code(c).is_some()).count();
        assert_eq!(legal, 8);
    }

    #[test]
    fn pages_are_counted_upwards() {
        let size = PageSize::DEFAULT;
        for (bytes, pages) in [(0, 0), (1, 0), (2, 1), (4095, 1), (4096, 1), (4097, 2), (8192, 2)] {
            assert_eq!(size.pages_in(bytes), pages, "{bytes} bytes");
        }
        assert_eq!(PageSize::ALL[0].pages_in(u64::MAX), u64::MAX / 512 + 1);
    }
}
