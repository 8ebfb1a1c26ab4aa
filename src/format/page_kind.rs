//! The kinds of b-tree page: interior or leaf, of a table or of an index.

/// The four kinds of b-tree page; the number is the type byte.
///
/// ```
/// use litecopy::format::PageKind;
///
/// assert_eq!(PageKind::from_byte(0x0d), Some(PageKind::LeafTable));
/// assert_eq!(PageKind::from_byte(0), None);
/// assert!(PageKind::LeafIndex.is_leaf() && !PageKind::LeafIndex.is_table());
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PageKind {
    /// Keys and children of an index, or of a table without rowid.
    InteriorIndex = 0x02,
    /// Rowids and children of a table.
    InteriorTable = 0x05,
    /// Keys of an index, or rows of a table without rowid.
    LeafIndex = 0x0a,
    /// Rows of a table.
    LeafTable = 0x0d,
}

impl PageKind {
    /// The kind that a type byte means.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x02 => Self::InteriorIndex,
            0x05 => Self::InteriorTable,
            0x0a => Self::LeafIndex,
            0x0d => Self::LeafTable,
            _ => return None,
        })
    }

    /// Whether pages of this kind have no children.
    #[must_use]
    pub fn is_leaf(self) -> bool {
        matches!(self, Self::LeafIndex | Self::LeafTable)
    }

    /// Whether pages of this kind are of a tree of rows found by rowid.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Self::InteriorTable | Self::LeafTable)
    }

    /// The length of the page header in bytes: 8 or 12.
    #[must_use]
    pub fn header_bytes(self) -> u32 {
        if self.is_leaf() { 8 } else { 12 }
    }
}
