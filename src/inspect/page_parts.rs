//! What each byte of a page is: parts that together cover the page.

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Part {
    /// Where it begins in the page.
    pub offset: u32,
    /// How long it is.
    pub bytes: u32,
    /// What it is.
    pub what: PartKind,
}

/// What a part of a page is. In JSON its name is in kebab-case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PartKind {
    /// The database header, on page 1.
    DatabaseHeader,
    /// The header of the page.
    PageHeader,
    /// The offsets of the cells.
    CellPointers,
    /// The gap behind them.
    Unallocated,
    /// The cell of this number, from 0.
    Cell(u16),
    /// A free block.
    FreeBlock,
    /// A gap between cells.
    Fragment,
    /// The number of the next overflow page.
    Link,
    /// Payload in an overflow page.
    Payload,
    /// The numbers of free pages.
    Leaves,
    /// Entries of the pointer map.
    MapEntries,
    /// What means nothing.
    Unused,
    /// The reserved bytes at the end.
    Reserved,
}

impl Part {
    pub(super) const fn new(offset: u32, bytes: u32, what: PartKind) -> Self {
        Self { offset, bytes, what }
    }

    const fn end(self) -> u32 {
        self.offset.saturating_add(self.bytes)
    }
}

/// Sorts the parts, and fills the gaps between them: fragments where cells are, else bytes that mean nothing. Parts that lie over
/// each other both stay.
pub(super) fn parts_of(
    mut known: Vec<Part>,
    usable_bytes: u32,
    reserved_bytes: u32,
    content_start: Option<u32>,
) -> Vec<Part> {
    known.retain(|part| part.bytes > 0);
    known.sort_unstable_by_key(|part| (part.offset, part.what));
    let gap_kind = |offset| match content_start {
        Some(start) if offset >= start => PartKind::Fragment,
        _ => PartKind::Unused,
    };
    let mut parts = Vec::with_capacity(known.len());
    let mut end = 0;
    for part in known {
        if part.offset > end {
            parts.push(Part::new(end, part.offset - end, gap_kind(end)));
        }
        end = end.max(part.end());
        parts.push(part);
    }
    if end < usable_bytes {
        parts.push(Part::new(end, usable_bytes - end, gap_kind(end)));
    }
    if reserved_bytes > 0 {
        parts.push(Part::new(usable_bytes, reserved_bytes, PartKind::Reserved));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_a_part() {
        let known = vec![
            Part::new(500, 4, PartKind::Cell(0)),
            Part::new(0, 8, PartKind::PageHeader),
            Part::new(8, 4, PartKind::CellPointers),
            Part::new(12, 480, PartKind::Unallocated),
            Part::new(492, 6, PartKind::Cell(1)),
        ];
        let parts = parts_of(known, 508, 4, Some(492));
        let ends: Vec<_> = parts.iter().map(|part| (part.offset, part.end())).collect();
        assert_eq!(
            ends,
            [(0, 8), (8, 12), (12, 492), (492, 498), (498, 500), (500, 504), (504, 508), (508, 512)]
        );
        assert_eq!(parts[4].what, PartKind::Fragment);
        assert_eq!(parts[7].what, PartKind::Reserved);
    }
}
