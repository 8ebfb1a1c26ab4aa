//! What fills a database: pages and bytes of each table and index.

use super::database::Database;
use super::owners::Owner;
use super::page_numbers::PageNumbers;
use super::survey::{Surveyor, lock_page, survey};
use crate::error::Result;
use crate::format::{PageKind, PageNumber};
use crate::walk::{FreePage, OverflowPart, TreePlace};

/// What fills a database.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SpaceReport {
    /// The size of a page in bytes.
    pub page_size: u32,
    /// How many pages there are.
    pub page_count: u32,
    /// Each table and index that has pages, in the order of the schema, its own table first.
    pub owners: Vec<OwnerSpace>,
    /// Pages of the freelist.
    pub freelist_pages: u32,
    /// Pages of the pointer map.
    pub pointer_map_pages: u32,
    /// Pages that nothing leads to; not counting that of the lock bytes.
    pub unreachable_pages: u32,
}

/// What a table or an index takes.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct OwnerSpace {
    /// Its name; `sqlite_schema` for the table of the schema.
    pub name: String,
    /// `table` or `index`.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub kind: String,
    /// The table that it belongs to; of a table its own name.
    pub table: String,
    /// All its pages.
    pub pages: u32,
    /// Those of them that lead to others in the b-tree.
    pub interior_pages: u32,
    /// Those of them at the bottom of the b-tree.
    pub leaf_pages: u32,
    /// Those of them in overflow chains.
    pub overflow_pages: u32,
    /// Rows, or entries of an index.
    pub entries: u64,
    /// How many pages lie on the way from the root to a leaf, both included.
    pub depth: u32,
    /// Payload in bytes, that in overflow pages included.
    pub payload_bytes: u64,
    /// What is free in its pages, in bytes.
    pub unused_bytes: u64,
    /// The longest row or entry in bytes.
    pub largest_payload_bytes: u32,
    /// How many of its pages lie directly behind the one before, in the order of a scan, in percent; 100 for a single page.
    pub sequential_percent: f64,
}

/// Adds up what each table and index takes.
///
/// # Errors
///
/// Whatever keeps the files from being read. Damage is none: what can be decoded is counted.
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let space = database.report(inspect::space)?;
/// println!("{} pages are free", space.freelist_pages);
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn space(database: &Database) -> Result<SpaceReport> {
    let owners = Owner::all(database, |_| {})?;
    let mut sums = Sums {
        owners: vec![OwnerSums::default(); owners.len()],
        usable_bytes: database.header().usable_bytes(),
        freelist_pages: 0,
        pointer_map_pages: 0,
    };
    let placed = survey(database, &owners, &mut sums)?;
    let reached = placed.len().saturating_add(u32::from(lock_page(database).is_some()));
    Ok(SpaceReport {
        page_size: database.page_size().bytes(),
        page_count: database.page_count(),
        owners: owners.into_iter().zip(sums.owners).map(|(owner, sums)| sums.of(owner)).collect(),
        freelist_pages: sums.freelist_pages,
        pointer_map_pages: sums.pointer_map_pages,
        unreachable_pages: database.page_count().saturating_sub(reached),
    })
}

struct Sums {
    owners: Vec<OwnerSums>,
    usable_bytes: u32,
    freelist_pages: u32,
    pointer_map_pages: u32,
}

#[derive(Clone, Default)]
struct OwnerSums {
    interior_pages: u32,
    leaf_pages: u32,
    overflow_pages: u32,
    lost_pages: u32,
    entries: u64,
    depth: u32,
    payload_bytes: u64,
    unused_bytes: u64,
    largest_payload_bytes: u32,
    /// The page before in the order of a scan, and how many lay directly behind theirs.
    last: Option<PageNumber>,
    sequential: u32,
}

impl OwnerSums {
    fn pass(&mut self, page: PageNumber) {
        self.sequential += u32::from(self.last.and_then(PageNumber::next) == Some(page));
        self.last = Some(page);
    }

    fn of(self, owner: Owner) -> OwnerSpace {
        let Owner { name, kind, table, .. } = owner;
        let Self { interior_pages, leaf_pages, overflow_pages, lost_pages, .. } = self;
        let pages = interior_pages + leaf_pages + overflow_pages + lost_pages;
        let sequential_percent = match pages {
            0 | 1 => 100.0,
            _ => (f64::from(self.sequential) * 1000.0 / f64::from(pages - 1)).round() / 10.0,
        };
        OwnerSpace {
            name,
            kind,
            table,
            pages,
            interior_pages,
            leaf_pages,
            overflow_pages,
            entries: self.entries,
            depth: self.depth,
            payload_bytes: self.payload_bytes,
            unused_bytes: self.unused_bytes,
            largest_payload_bytes: self.largest_payload_bytes,
            sequential_percent,
        }
    }
}

impl Surveyor for Sums {
    fn tree_page(&mut self, owner: usize, at: TreePlace, kind: PageKind, numbers: PageNumbers) {
        let Some(sums) = self.owners.get_mut(owner) else { return };
        sums.pass(at.page);
        if kind.is_leaf() {
            sums.leaf_pages += 1;
        } else {
            sums.interior_pages += 1;
        }
        if kind.is_leaf() || !kind.is_table() {
            sums.entries += u64::from(numbers.cells);
        }
        sums.depth = sums.depth.max(at.depth);
        sums.payload_bytes += u64::from(numbers.payload_bytes);
        sums.unused_bytes += u64::from(numbers.unused_bytes);
        sums.largest_payload_bytes = sums.largest_payload_bytes.max(numbers.largest_payload_bytes);
    }

    fn lost_page(&mut self, owner: usize, at: TreePlace) {
        let Some(sums) = self.owners.get_mut(owner) else { return };
        sums.pass(at.page);
        sums.lost_pages += 1;
    }

    fn overflow_page(&mut self, owner: usize, part: OverflowPart<'_>) {
        let Some(sums) = self.owners.get_mut(owner) else { return };
        sums.pass(part.page);
        sums.overflow_pages += 1;
        sums.payload_bytes += part.content.len() as u64;
        sums.unused_bytes += u64::from(self.usable_bytes.saturating_sub(part.used_bytes));
    }

    fn free_page(&mut self, _page: FreePage) {
        self.freelist_pages += 1;
    }

    fn pointer_map_page(&mut self, _page: PageNumber) {
        self.pointer_map_pages += 1;
    }
}
