//! One page, decoded: its header, its cells with their values, and what each of its bytes is.
//!
//! | page | what is decoded |
//! |---|---|
//! | b-tree | header, cells with their records, free blocks, gaps |
//! | overflow | the next page, how much of it is payload |
//! | freelist trunk | the next trunk, the leaves |
//! | pointer map | the entries |
//!
//! Of a freelist leaf, an unreachable page and one that is not what it should be, a b-tree page is made if it looks like one:
//! it may have been one.

use super::database::Database;
use super::page_parts::{Part, PartKind, parts_of};
use super::page_use::PageUse;
use super::pages_report::pages;
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::pointer_map::POINTER_MAP_ENTRY_BYTES;
use crate::format::{BtreePage, FreelistTrunk, OverflowPage, PageNumber, PointerMap, Record};
use crate::rows::SqlValue;
use crate::walk::{Fault, Walk};

/// Records longer than this are not put together.
const LONGEST_BYTES: u32 = 16 * 1024 * 1024;

/// A page of a database.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageContent {
    /// Its number.
    pub page: u32,
    /// What it is used for.
    pub kind: PageUse,
    /// The table or index that it belongs to.
    pub owner: Option<String>,
    /// What stands at its start.
    pub header: PageHeader,
    /// Its cells, in the order of their keys.
    pub cells: Vec<CellContent>,
    /// Its free blocks, upwards.
    pub free_blocks: Vec<Extent>,
    /// The gap behind the cell pointers; in pages that hold no cells, all that means nothing behind their content.
    pub unallocated: Extent,
    /// How many bytes at its end hold no content.
    pub reserved_bytes: u32,
    /// What each of its bytes is, from the first to the last.
    pub parts: Vec<Part>,
    /// What is wrong with it.
    pub damage: Vec<String>,
    /// All its bytes.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub bytes: Vec<u8>,
}

/// What stands at the start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum PageHeader {
    /// Of a b-tree page.
    Btree {
        /// The type byte: 2, 5, 10 or 13.
        r#type: u8,
        /// Where the first free block is; 0 for none.
        first_free_block: u32,
        /// How many cells there are.
        cell_count: u32,
        /// Where the cell content begins.
        content_start: u32,
        /// Free bytes in pieces of 1 to 3.
        fragmented_bytes: u32,
        /// The child with the keys above all cells, of interior pages.
        right_child: Option<u32>,
    },
    /// Of a page of an overflow chain.
    Overflow {
        /// The next page; `None` on the last.
        next_page: Option<u32>,
        /// How many bytes of payload it has.
        payload_bytes: u32,
    },
    /// Of a trunk of the freelist.
    Trunk {
        /// The next trunk; `None` on the last.
        next_trunk: Option<u32>,
        /// The free pages that it lists.
        leaves: Vec<u32>,
    },
    /// Of a page of the pointer map.
    PointerMap {
        /// Its entries, as far as there are pages.
        entries: Vec<MapEntry>,
    },
    /// Of any other page.
    None {},
}

/// What the pointer map says of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MapEntry {
    /// The page that it is of.
    pub page: u32,
    /// What it is, 1 to 5.
    pub r#type: u8,
    /// The page that leads to it; 0 for none.
    pub parent: u32,
}

/// A stretch of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Extent {
    /// Where it begins in the page.
    pub offset: u32,
    /// How long it is.
    pub bytes: u32,
}

/// A cell of a b-tree page.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CellContent {
    /// Where it begins in the page.
    pub offset: u32,
    /// How many bytes of the page it takes.
    pub bytes: u32,
    /// The rowid, in tables.
    pub rowid: Option<i64>,
    /// The child before it, in interior pages.
    pub left_child: Option<u32>,
    /// The length of its record; `None` in interior pages of tables.
    pub payload_bytes: Option<u32>,
    /// The first page of its overflow chain.
    pub overflow_page: Option<u32>,
    /// Its record.
    #[cfg_attr(feature = "serde", serde(rename = "values"))]
    pub record: Option<StoredRecord>,
}

/// A record, and the encoding of its texts. In JSON it is the list of its values.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    bytes: Vec<u8>,
    encoding: TextEncoding,
}

impl StoredRecord {
    /// Its values, up to the first that cannot be read.
    pub fn values(&self) -> impl Iterator<Item = SqlValue<'_>> {
        let values = Record::parse(&self.bytes).ok().into_iter().flat_map(|record| record.values());
        values.map_while(std::result::Result::ok).map(|value| SqlValue::from_stored(value, self.encoding))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for StoredRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

/// Decodes a page; `None` where there is no such page.
///
/// What the page is used for takes a look at all others.
///
/// # Errors
///
/// Whatever keeps the files from being read. Damage is none: it is in the report.
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let first = litecopy::PageNumber::FIRST;
/// if let Some(page) = database.report(|database| inspect::page(database, first))? {
///     println!("{} cells", page.cells.len());
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn page(database: &Database, number: PageNumber) -> Result<Option<PageContent>> {
    let uses = pages(database)?;
    let Some(used) = uses.get(number.get()) else { return Ok(None) };
    let mut bytes = vec![0; database.page_size().bytes_usize()];
    database.read_page(number, &mut bytes)?;
    let usable_bytes = database.header().usable_bytes();
    let mut content = PageContent {
        page: number.get(),
        kind: used.kind,
        owner: used.owner.map(str::to_owned),
        header: PageHeader::None {},
        cells: Vec::new(),
        free_blocks: Vec::new(),
        unallocated: Extent { offset: 0, bytes: usable_bytes },
        reserved_bytes: database.header().reserved_bytes.into(),
        parts: Vec::new(),
        damage: Vec::new(),
        bytes: Vec::new(),
    };
    let mut parts = Vec::new();
    match used.kind {
        PageUse::LockByte => {}
        PageUse::Overflow => content.overflow(&bytes, usable_bytes, used.used_bytes, &mut parts),
        PageUse::FreelistTrunk => content.trunk(&bytes, usable_bytes, &mut parts),
        PageUse::PointerMap => content.pointer_map(database, number, &bytes, &mut parts),
        _ => content.btree(database, number, &bytes, &mut parts)?,
    }
    content.parts = parts_of(parts, usable_bytes, content.reserved_bytes, content.content_start());
    content.bytes = bytes;
    Ok(Some(content))
}

impl PageContent {
    fn content_start(&self) -> Option<u32> {
        match self.header {
            PageHeader::Btree { content_start, .. } => Some(content_start),
            _ => None,
        }
    }

    /// What lies behind the content means nothing.
    fn content_ends(&mut self, offset: u32, usable_bytes: u32) {
        self.unallocated = Extent { offset, bytes: usable_bytes.saturating_sub(offset) };
    }

    fn overflow(&mut self, bytes: &[u8], usable_bytes: u32, used_bytes: u32, parts: &mut Vec<Part>) {
        match OverflowPage::parse(bytes, usable_bytes) {
            Ok(page) => {
                let payload_bytes = used_bytes.saturating_sub(4);
                let next_page = page.next.map(PageNumber::get);
                self.header = PageHeader::Overflow { next_page, payload_bytes };
                parts.push(Part::new(0, 4, PartKind::Link));
                parts.push(Part::new(4, payload_bytes, PartKind::Payload));
                self.content_ends(used_bytes, usable_bytes);
            }
            Err(damage) => self.damage.push(damage.to_string()),
        }
    }

    fn trunk(&mut self, bytes: &[u8], usable_bytes: u32, parts: &mut Vec<Part>) {
        match FreelistTrunk::parse(bytes, usable_bytes) {
            Ok(trunk) => {
                let leaves = trunk.leaves().flatten().map(PageNumber::get).collect();
                self.header = PageHeader::Trunk { next_trunk: trunk.next.map(PageNumber::get), leaves };
                parts.push(Part::new(0, 8, PartKind::PageHeader));
                parts.push(Part::new(8, 4 * trunk.leaf_count, PartKind::Leaves));
                self.content_ends(8 + 4 * trunk.leaf_count, usable_bytes);
            }
            Err(damage) => self.damage.push(damage.to_string()),
        }
    }

    fn pointer_map(&mut self, database: &Database, number: PageNumber, bytes: &[u8], parts: &mut Vec<Part>) {
        let map = PointerMap::new(
            database.header().usable_bytes(),
            crate::format::lock_bytes::lock_byte_page(database.page_size()),
        );
        let mut entries = Vec::new();
        let left = database.page_count().saturating_sub(number.get());
        for page in (1..=map.entries_per_page().min(left)).filter_map(|distance| number.checked_add(distance))
        {
            match map.entry(bytes, page) {
                Ok(Some(entry)) => entries.push(MapEntry {
                    page: page.get(),
                    r#type: entry.kind as u8,
                    parent: entry.parent.map_or(0, PageNumber::get),
                }),
                Ok(None) => {}
                Err(damage) => self.damage.push(format!("page {page}: {damage}")),
            }
        }
        let length = map.entries_per_page().min(left) * POINTER_MAP_ENTRY_BYTES;
        parts.push(Part::new(0, length, PartKind::MapEntries));
        self.content_ends(length, database.header().usable_bytes());
        self.header = PageHeader::PointerMap { entries };
    }

    fn btree(
        &mut self,
        database: &Database,
        number: PageNumber,
        bytes: &[u8],
        parts: &mut Vec<Part>,
    ) -> Result<()> {
        let usable_bytes = database.header().usable_bytes();
        let is_tree = !matches!(self.kind, PageUse::FreelistLeaf | PageUse::Unreachable);
        if number == PageNumber::FIRST {
            parts.push(Part::new(0, 100, PartKind::DatabaseHeader));
        }
        if let (Err(damage), true) = (BtreePage::parse(bytes, number, usable_bytes), is_tree) {
            self.damage.push(damage.to_string());
        }
        let salvaged = BtreePage::salvage(bytes, number, usable_bytes);
        // What was freed is told as it lies there only if it is whole.
        let page = salvaged.filter(|page| is_tree || page.cells().all(|cell| cell.is_ok()));
        let Some(page) = page else { return Ok(()) };
        self.btree_header(&page, parts);
        let mut walk = Walk::new(database.snapshot(), *database.header(), |_: Fault| {});
        let mut room = usable_bytes;
        for index in 0..page.cell_count {
            let cell = match page.cell(index) {
                Ok(cell) => cell,
                Err(damage) => {
                    self.damage.push(format!("cell {index}: {damage}"));
                    continue;
                }
            };
            let Some(left) = room.checked_sub(cell.stored_bytes) else {
                self.damage.push(format!("cell {index}: the cells are longer than the page"));
                break;
            };
            room = left;
            let mut record = Vec::new();
            let fits = cell.payload.is_some_and(|payload| payload.payload_bytes <= LONGEST_BYTES);
            let is_whole = fits && walk.payload((index, &cell), number, &mut record)?;
            parts.push(Part::new(cell.offset, cell.stored_bytes, PartKind::Cell(index)));
            self.cells.push(CellContent {
                offset: cell.offset,
                bytes: cell.stored_bytes,
                rowid: cell.rowid,
                left_child: cell.left_child.map(PageNumber::get),
                payload_bytes: cell.payload.map(|payload| payload.payload_bytes),
                overflow_page: cell.payload.and_then(|it| it.first_overflow).map(PageNumber::get),
                record: is_whole
                    .then(|| StoredRecord { bytes: record, encoding: database.header().text_encoding }),
            });
        }
        Ok(())
    }

    fn btree_header(&mut self, page: &BtreePage<'_>, parts: &mut Vec<Part>) {
        let start = u32::try_from(page.header_offset()).unwrap_or_default();
        self.header = PageHeader::Btree {
            r#type: page.kind as u8,
            first_free_block: page.first_freeblock.into(),
            cell_count: page.cell_count.into(),
            content_start: page.content_start,
            fragmented_bytes: page.fragmented_bytes.into(),
            right_child: page.right_child.map(PageNumber::get),
        };
        let pointers_bytes = u32::from(page.cell_count) * 2;
        let pointers_start = page.pointers_end().saturating_sub(pointers_bytes);
        parts.push(Part::new(start, pointers_start.saturating_sub(start), PartKind::PageHeader));
        parts.push(Part::new(pointers_start, pointers_bytes, PartKind::CellPointers));
        let gap = page.content_start.saturating_sub(page.pointers_end());
        parts.push(Part::new(page.pointers_end(), gap, PartKind::Unallocated));
        self.unallocated = Extent { offset: page.pointers_end(), bytes: gap };
        for block in page.freeblocks() {
            match block {
                Ok(block) => {
                    parts.push(Part::new(block.offset, block.size_bytes, PartKind::FreeBlock));
                    self.free_blocks.push(Extent { offset: block.offset, bytes: block.size_bytes });
                }
                Err(damage) => self.damage.push(damage.to_string()),
            }
        }
    }
}
