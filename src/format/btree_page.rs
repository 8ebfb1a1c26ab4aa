//! The b-tree page: its header, where its cells lie, and its freeblocks.
//!
//! The header begins at 0, on page 1 at 100, behind the database header:
//!
//! | offset | bytes | field | rule |
//! |---:|---:|---|---|
//! | 0 | 1 | 0x02 interior index, 0x05 interior table, 0x0a leaf index, 0x0d leaf table | no other |
//! | 1 | 2 | first freeblock, 0: none | |
//! | 3 | 2 | cell count | at most (page size - 8) / 6 |
//! | 5 | 2 | start of the cell content, 0 for 65536 | behind the cell pointers, within the usable part |
//! | 7 | 1 | fragmented free bytes | at most 60 |
//! | 8 | 4 | right-most child, interior pages only | neither 0 nor 1 |
//!
//! Then, 2 bytes each, the offsets of the cells in the order of their keys, counted from the start of the page
//! on page 1 too. A freeblock is 2 bytes with the offset of the next (0: last), 2 bytes with its own length
//! (at least 4), and unused bytes; they follow each other upwards, at least 4 bytes apart.

use super::btree_cell::{BtreeCell, LEAST_CELL_BYTES};
use super::byte_reader::ByteReader;
use super::damage::Damage;
use super::database_header::{DATABASE_HEADER_BYTES, LEAST_USABLE_BYTES};
use super::page_kind::PageKind;
use super::page_number::PageNumber;
use super::page_reference::child;
use super::page_size::PageSize;

/// A b-tree page whose header keeps the rules. [pages.md#b-tree-page](crate::notes::pages#b-tree-page)
///
/// ```
/// use litecopy::format::{BtreePage, PageKind};
/// use litecopy::PageNumber;
///
/// // A leaf of a table with one cell at its end: a payload of 2 bytes, the rowid 7, the record.
/// let mut bytes = [0; 512];
/// bytes[0] = 0x0d;
/// bytes[4] = 1;
/// bytes[5..7].copy_from_slice(&508_u16.to_be_bytes());
/// bytes[8..10].copy_from_slice(&508_u16.to_be_bytes());
/// bytes[508..].copy_from_slice(&[2, 7, 2, 8]);
///
/// let page = BtreePage::parse(&bytes, PageNumber::new(2).unwrap(), 512)?;
/// assert_eq!(page.kind, PageKind::LeafTable);
/// assert_eq!(page.cell(0)?.rowid, Some(7));
/// # Ok::<(), litecopy::format::Damage>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct BtreePage<'a> {
    /// What the page holds.
    pub kind: PageKind,
    /// Where the first freeblock is; 0 for none.
    pub first_freeblock: u16,
    /// How many cells there are.
    pub cell_count: u16,
    /// Where the cell content begins: up to 65536.
    pub content_start: u32,
    /// Free bytes in pieces of 1 to 3 between cells.
    pub fragmented_bytes: u8,
    /// The child with the keys above all cells; on interior pages only.
    pub right_child: Option<PageNumber>,
    usable: &'a [u8],
    header_offset: usize,
}

impl<'a> BtreePage<'a> {
    /// Reads the b-tree page of this number, given as a whole, of which `usable_bytes` hold content.
    ///
    /// # Errors
    /// In this order: [`Damage::PageUsableBytes`] for a page size or usable size that cannot be,
    /// [`Damage::BtreePageType`], [`Damage::CellCount`], [`Damage::CellContentStart`], and
    /// [`Damage::PageReference`] for a right-most child that cannot be.
    pub fn parse(bytes: &'a [u8], page: PageNumber, usable_bytes: u32) -> Result<Self, Damage> {
        let usable = usable_part(bytes, usable_bytes)?;
        let header_offset = if page == PageNumber::FIRST { DATABASE_HEADER_BYTES } else { 0 };
        let mut reader = ByteReader::at(usable, header_offset);
        let found = reader.u8()?;
        let kind =
            PageKind::from_byte(found).ok_or(Damage::BtreePageType { offset: header_offset, found })?;
        let first_freeblock = reader.be_u16()?;
        let cell_count = reader.be_u16()?;
        let content_start = match reader.be_u16()? {
            0 => 65536,
            start => u32::from(start),
        };
        let fragmented_bytes = reader.u8()?;
        let right_child = if kind.is_leaf() { None } else { Some(reader.be_u32()?) };

        let page_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let most_cells = page_bytes.saturating_sub(8) / 6;
        if u32::from(cell_count) > most_cells {
            return Err(Damage::CellCount { found: cell_count, most: most_cells });
        }
        let this = Self {
            kind,
            first_freeblock,
            cell_count,
            content_start,
            fragmented_bytes,
            right_child: right_child.map(|found| child(found, "the right-most child")).transpose()?,
            usable,
            header_offset,
        };
        let least = this.pointers_end();
        if content_start < least || content_start > usable_bytes {
            return Err(Damage::CellContentStart { found: content_start, least, most: usable_bytes });
        }
        Ok(this)
    }

    /// As [`Self::parse`], but with what can still be made of a page whose header breaks a rule: no more cells than fit, no
    /// start of the cell content but the end of the pointers, no right-most child. `None` when it is not even of a kind, or
    /// no page.
    #[must_use]
    pub fn salvage(bytes: &'a [u8], page: PageNumber, usable_bytes: u32) -> Option<Self> {
        if let Ok(page) = Self::parse(bytes, page, usable_bytes) {
            return Some(page);
        }
        let usable = usable_part(bytes, usable_bytes).ok()?;
        let header_offset = if page == PageNumber::FIRST { DATABASE_HEADER_BYTES } else { 0 };
        let mut reader = ByteReader::at(usable, header_offset);
        let kind = PageKind::from_byte(reader.u8().ok()?)?;
        let first_freeblock = reader.be_u16().ok()?;
        let cell_count = reader.be_u16().ok()?;
        let content_start = reader.be_u16().ok()?;
        let fragmented_bytes = reader.u8().ok()?;
        let right_child = if kind.is_leaf() { None } else { reader.be_u32().ok() };
        let behind_header = u32::try_from(header_offset).ok()?.checked_add(kind.header_bytes())?;
        let most_cells = usable_bytes.saturating_sub(behind_header) / (2 + LEAST_CELL_BYTES);
        let cell_count = cell_count.min(u16::try_from(most_cells).unwrap_or(u16::MAX));
        let mut this = Self {
            kind,
            first_freeblock,
            cell_count,
            content_start: u32::from(content_start),
            fragmented_bytes,
            right_child: right_child.and_then(|found| child(found, "the right-most child").ok()),
            usable,
            header_offset,
        };
        if this.content_start < this.pointers_end() || this.content_start > usable_bytes {
            this.content_start = this.pointers_end();
        }
        Some(this)
    }

    /// Where the header of the page begins: 100 on page 1, else 0.
    #[must_use]
    pub fn header_offset(&self) -> usize {
        self.header_offset
    }

    /// Where in the page the right-most child is named.
    #[must_use]
    pub fn right_child_offset(&self) -> u32 {
        u32::try_from(self.header_offset).unwrap_or(u32::MAX).saturating_add(8)
    }

    /// Where in the page the pointer to a cell stands; cells are counted from 0.
    #[must_use]
    #[inline]
    pub fn pointer_offset(&self, cell: u16) -> u32 {
        self.pointers_start().saturating_add(u32::from(cell) * 2)
    }

    /// The usable part of the page, which offsets are counted in.
    #[must_use]
    pub fn usable(&self) -> &'a [u8] {
        self.usable
    }

    /// How many bytes of the page hold content.
    #[must_use]
    pub fn usable_bytes(&self) -> u32 {
        u32::try_from(self.usable.len()).unwrap_or(u32::MAX)
    }

    /// Where the cell pointers end and the unallocated part begins.
    #[must_use]
    pub fn pointers_end(&self) -> u32 {
        self.pointers_start().saturating_add(u32::from(self.cell_count) * 2)
    }

    /// Where a cell begins; cells are counted from 0.
    ///
    /// # Errors
    /// [`Damage::CellPointer`] for an offset out of the cell content, [`Damage::CellCount`] for a cell that
    /// the page does not have.
    #[inline]
    pub fn cell_offset(&self, cell: u16) -> Result<u32, Damage> {
        if cell >= self.cell_count {
            return Err(Damage::CellCount { found: cell, most: u32::from(self.cell_count) });
        }
        let pointer = self.pointer_offset(cell);
        let found = u32::from(ByteReader::at(self.usable, pointer as usize).be_u16()?);
        let (least, most) = (self.content_start, self.usable_bytes().saturating_sub(LEAST_CELL_BYTES));
        if found < least || found > most {
            return Err(Damage::CellPointer { cell, found, least, most });
        }
        Ok(found)
    }

    /// A cell; cells are counted from 0, in the order of their keys.
    ///
    /// # Errors
    /// As [`Self::cell_offset`] and [`BtreeCell::parse`].
    #[inline]
    pub fn cell(&self, cell: u16) -> Result<BtreeCell<'a>, Damage> {
        BtreeCell::parse(self.usable, self.kind, self.cell_offset(cell)?)
    }

    /// A cell that breaks no rule, in a fraction of the time; `None` for any other.
    #[inline]
    pub(crate) fn sound_cell(&self, cell: u16) -> Option<BtreeCell<'a>> {
        if cell >= self.cell_count {
            return None;
        }
        let pointer = self.usable.get(self.pointer_offset(cell) as usize..)?.first_chunk::<2>()?;
        let offset = u32::from(u16::from_be_bytes(*pointer));
        if offset < self.content_start {
            return None;
        }
        BtreeCell::parse_sound(self.usable, self.kind, offset)
    }

    /// All cells, in the order of their keys, each with its own error.
    pub fn cells(&self) -> impl Iterator<Item = Result<BtreeCell<'a>, Damage>> {
        let this = *self;
        (0..self.cell_count).map(move |cell| this.cell(cell))
    }

    /// The freeblocks, upwards. Ends after the first error.
    #[must_use]
    pub fn freeblocks(&self) -> Freeblocks<'a> {
        Freeblocks { usable: self.usable, next: u32::from(self.first_freeblock), least: self.content_start }
    }

    fn pointers_start(&self) -> u32 {
        u32::try_from(self.header_offset).unwrap_or(u32::MAX).saturating_add(self.kind.header_bytes())
    }
}

/// The header of a b-tree page that was read, to be kept apart from its bytes.
#[derive(Copy, Clone, Debug)]
pub(crate) struct BtreePageHeader(BtreePage<'static>);

impl BtreePageHeader {
    pub(crate) fn new(page: &BtreePage<'_>) -> Self {
        Self(BtreePage { usable: &[], ..*page })
    }

    /// The page again, given its bytes, of which `usable_bytes` hold content.
    #[inline]
    pub(crate) fn page<'b>(&self, bytes: &'b [u8], usable_bytes: u32) -> BtreePage<'b> {
        BtreePage { usable: bytes.get(..usable_bytes as usize).unwrap_or_default(), ..self.0 }
    }
}

/// A piece of a page that is free for new cells.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Freeblock {
    /// Where it begins in its page.
    pub offset: u32,
    /// Its length in bytes, at least 4.
    pub size_bytes: u32,
}

/// The freeblocks of a page, upwards. [pages.md#free-space](crate::notes::pages#free-space)
#[derive(Clone, Debug)]
pub struct Freeblocks<'a> {
    usable: &'a [u8],
    next: u32,
    least: u32,
}

impl Iterator for Freeblocks<'_> {
    type Item = Result<Freeblock, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == 0 {
            return None;
        }
        let offset = self.next;
        // Always upwards, so that no chain can go round.
        self.next = 0;
        if offset < self.least {
            return Some(Err(Damage::Freeblock { offset, size: 0 }));
        }
        let mut reader = ByteReader::at(self.usable, offset as usize);
        let (Ok(next), Ok(size)) = (reader.be_u16(), reader.be_u16()) else {
            return Some(Err(Damage::Freeblock { offset, size: 0 }));
        };
        let (next, size_bytes) = (u32::from(next), u32::from(size));
        let end = offset.saturating_add(size_bytes);
        if size_bytes < LEAST_CELL_BYTES || end as usize > self.usable.len() {
            return Some(Err(Damage::Freeblock { offset, size: size_bytes }));
        }
        self.next = next;
        self.least = end.saturating_add(LEAST_CELL_BYTES);
        Some(Ok(Freeblock { offset, size_bytes }))
    }
}

/// The part of a page that holds content.
///
/// # Errors
/// [`Damage::PageUsableBytes`] when the bytes are no page, or have no such part.
pub(super) fn usable_part(bytes: &[u8], usable_bytes: u32) -> Result<&[u8], Damage> {
    let damage = Damage::PageUsableBytes { page_bytes: bytes.len(), usable_bytes };
    u32::try_from(bytes.len()).ok().and_then(PageSize::new).ok_or(damage)?;
    if usable_bytes < LEAST_USABLE_BYTES {
        return Err(damage);
    }
    bytes.get(..usable_bytes as usize).ok_or(damage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: PageNumber = PageNumber::new(2).unwrap();

    fn page(start: &[u8], edits: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        bytes[..start.len()].copy_from_slice(start);
        for (offset, edit) in edits {
            bytes[*offset..*offset + edit.len()].copy_from_slice(edit);
        }
        bytes
    }

    #[rustfmt::skip]
    const LEAF: [u8; 12] = [
        0x0d,       // leaf table
        0x01, 0xe0, // first freeblock at 480
        0x00, 0x02, // two cells
        0x01, 0xe0, // content from 480
        0x03,       // fragmented bytes
        0x01, 0xf8, // cell 0 at 504
        0x01, 0xf0, // cell 1 at 496
    ];

    #[test]
    fn a_leaf_is_read() {
        let bytes = page(&LEAF, &[(480, &[0x00, 0x00, 0x00, 0x08])]);
        let leaf = BtreePage::parse(&bytes, SECOND, 512).unwrap();
        assert_eq!((leaf.kind, leaf.cell_count, leaf.content_start), (PageKind::LeafTable, 2, 480));
        assert_eq!((leaf.fragmented_bytes, leaf.right_child), (3, None));
        assert_eq!((leaf.cell_offset(0), leaf.cell_offset(1)), (Ok(504), Ok(496)));
        assert!(leaf.cell_offset(2).is_err());
        assert_eq!(leaf.pointers_end(), 12);
        let freeblocks: Vec<_> = leaf.freeblocks().collect();
        assert_eq!(freeblocks, [Ok(Freeblock { offset: 480, size_bytes: 8 })]);
        assert_eq!(leaf.cells().count(), 2);
    }

    #[test]
    fn the_header_of_page_1_stands_behind_the_database_header() {
        let interior = [0x05, 0, 0, 0, 0, 0x02, 0x00, 0, 0, 0, 0, 9]; // no cells, right-most child 9
        let bytes = page(&[], &[(100, &interior)]);
        let first = BtreePage::parse(&bytes, PageNumber::FIRST, 512).unwrap();
        assert_eq!(first.right_child.map(PageNumber::get), Some(9));
        assert_eq!(first.pointers_end(), 112);
        assert_eq!(BtreePage::parse(&bytes, SECOND, 512), Err(Damage::BtreePageType { offset: 0, found: 0 }));
    }

    #[test]
    fn broken_rules_are_told_apart() {
        let parse = |start: &[u8], edits: &[(usize, &[u8])]| {
            BtreePage::parse(&page(start, edits), SECOND, 512).map(|p| p.kind)
        };
        assert_eq!(parse(&LEAF, &[(3, &[0, 85])]), Err(Damage::CellCount { found: 85, most: 84 }));
        assert_eq!(
            parse(&LEAF, &[(5, &[0, 11])]),
            Err(Damage::CellContentStart { found: 11, least: 12, most: 512 })
        );
        assert!(matches!(parse(&LEAF, &[(5, &[0, 0])]), Err(Damage::CellContentStart { found: 65536, .. })));
        assert_eq!(
            parse(&[0x02, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1], &[]),
            Err(Damage::PageReference { found: 1, role: "the right-most child" })
        );
        assert!(matches!(
            BtreePage::parse(&[0x0d; 511], SECOND, 511),
            Err(Damage::PageUsableBytes { page_bytes: 511, .. })
        ));
        assert!(BtreePage::parse(&page(&LEAF, &[]), SECOND, 479).is_err());
        assert!(BtreePage::parse(&page(&LEAF, &[]), SECOND, 513).is_err());
    }

    #[test]
    fn cell_pointers_stay_within_the_content() {
        let bytes = page(&LEAF, &[(8, &[0x01, 0xdf, 0x01, 0xfd])]);
        let leaf = BtreePage::parse(&bytes, SECOND, 512).unwrap();
        assert_eq!(
            leaf.cell_offset(0),
            Err(Damage::CellPointer { cell: 0, found: 479, least: 480, most: 508 })
        );
        assert!(matches!(leaf.cell_offset(1), Err(Damage::CellPointer { found: 509, .. })));
    }

    #[test]
    fn freeblocks_only_go_upwards() {
        let chain = |edits: &[(usize, &[u8])]| -> Vec<Result<Freeblock, Damage>> {
            let bytes = page(&LEAF, edits);
            BtreePage::parse(&bytes, SECOND, 512).unwrap().freeblocks().collect()
        };
        let first = Ok(Freeblock { offset: 480, size_bytes: 4 });
        let itself = chain(&[(480, &[0x01, 0xe0, 0x00, 0x04])]);
        assert_eq!(itself, [first, Err(Damage::Freeblock { offset: 480, size: 0 })]);
        let too_near = chain(&[(480, &[0x01, 0xe7, 0x00, 0x04])]); // next at 487, 3 behind the end
        assert_eq!(too_near, [first, Err(Damage::Freeblock { offset: 487, size: 0 })]);
        let small = chain(&[(480, &[0x00, 0x00, 0x00, 0x03])]);
        assert_eq!(small, [Err(Damage::Freeblock { offset: 480, size: 3 })]);
        let long = chain(&[(480, &[0x00, 0x00, 0x00, 0x21])]);
        assert_eq!(long, [Err(Damage::Freeblock { offset: 480, size: 33 })]);
        let outside = chain(&[(1, &[0x00, 0x20])]);
        assert_eq!(outside, [Err(Damage::Freeblock { offset: 32, size: 0 })]);
        let at_the_end = chain(&[(1, &[0x01, 0xfe])]);
        assert_eq!(at_the_end, [Err(Damage::Freeblock { offset: 510, size: 0 })]);
    }

    #[test]
    fn an_empty_page_of_65536_bytes_has_its_content_start_at_0() {
        let mut bytes = vec![0; 65536];
        bytes[0] = 0x0d;
        let leaf = BtreePage::parse(&bytes, SECOND, 65536).unwrap();
        assert_eq!(leaf.content_start, 65536);
        assert!(BtreePage::parse(&bytes, SECOND, 65535).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(any::<u8>(), 512),
            kind in prop::sample::select(vec![2_u8, 5, 0x0a, 0x0d]),
            count in 0..90_u8,
            number in 1..3_u32,
            usable in 470..520_u32,
        ) {
            let mut bytes = bytes;
            let header = if number == 1 { 100 } else { 0 };
            bytes[header] = kind;
            bytes[header + 3] = 0;
            bytes[header + 4] = count;
            bytes[header + 5] &= 1;
            if let Ok(page) = BtreePage::parse(&bytes, PageNumber::new(number).unwrap(), usable) {
                prop_assert!(page.freeblocks().count() <= 64);
                for cell in page.cells().flatten() {
                    prop_assert!(cell.offset + cell.stored_bytes <= usable);
                }
                let _ = super::super::btree_space::check_space(&page);
            }
        }
    }
}
