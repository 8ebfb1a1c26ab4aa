//! What a page of a database is used for, and where its content comes from.

use std::fmt;

/// What a page is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PageUse {
    /// An inner page of a table's b-tree.
    TableInterior,
    /// A leaf of a table's b-tree: its rows.
    TableLeaf,
    /// An inner page of the b-tree of an index, or of a table without rowid.
    IndexInterior,
    /// A leaf of such a b-tree.
    IndexLeaf,
    /// A part of a record that is too long for its page.
    Overflow,
    /// A free page that lists others.
    FreelistTrunk,
    /// Any other free page.
    FreelistLeaf,
    /// A page of the pointer map, which databases with automatic or incremental vacuum have.
    PointerMap,
    /// The page of the lock bytes, which holds nothing.
    LockByte,
    /// Reached by nothing: lost, or the way to it is damaged.
    Unreachable,
    /// Reached, but it cannot be decoded, or not be read.
    Unreadable,
}

impl PageUse {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::TableInterior,
        Self::TableLeaf,
        Self::IndexInterior,
        Self::IndexLeaf,
        Self::Overflow,
        Self::FreelistTrunk,
        Self::FreelistLeaf,
        Self::PointerMap,
        Self::LockByte,
        Self::Unreachable,
        Self::Unreadable,
    ];

    /// The word for it, as reports have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TableInterior => "table-interior",
            Self::TableLeaf => "table-leaf",
            Self::IndexInterior => "index-interior",
            Self::IndexLeaf => "index-leaf",
            Self::Overflow => "overflow",
            Self::FreelistTrunk => "freelist-trunk",
            Self::FreelistLeaf => "freelist-leaf",
            Self::PointerMap => "pointer-map",
            Self::LockByte => "lock-byte",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for PageUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_places_and_no_two_share_a_name() {
        let names: std::collections::BTreeSet<_> = PageUse::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), PageUse::ALL.len());
        for (place, kind) in PageUse::ALL.iter().enumerate() {
            assert_eq!(usize::from(kind.code()), place);
        }
    }
}
