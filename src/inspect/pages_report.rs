//! What each page of a database is used for, whose it is, and how full.
//!
//! 24 bytes are taken for each page that has a place, in pieces, so that a file that claims pages which it does not have takes
//! none for them (C10).

use super::database::Database;
use super::owners::Owner;
use super::page_numbers::PageNumbers;
use super::page_use::PageUse;
use super::survey::{Surveyor, lock_page, survey};
use crate::error::Result;
use crate::format::{PageKind, PageNumber};
use crate::source::PageOrigin;
use crate::walk::{FreePage, OverflowPart, TreePlace};

/// How many pages a piece is for.
const PIECE_PAGES: usize = 1024;

/// Where the bytes of a page come from. In JSON its name is in small letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum PageFrom {
    /// The database file.
    #[default]
    File,
    /// The write-ahead log.
    Wal,
    /// The hot rollback journal.
    Journal,
}

/// A page, and what it is used for. [inspection.md#numbers-of-a-page](crate::notes::inspection#numbers-of-a-page)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageReport<'r> {
    /// Its number.
    pub page: u32,
    /// What it is used for.
    pub kind: PageUse,
    /// The table or index that it belongs to.
    pub owner: Option<&'r str>,
    /// The place of that in [`PagesReport::owners`].
    #[cfg_attr(feature = "serde", serde(skip))]
    pub owner_index: Option<usize>,
    /// The root page of the b-tree that it belongs to.
    pub root: Option<u32>,
    /// The page that leads to it: in a b-tree, a chain, the freelist. `None` for a root.
    pub parent: Option<u32>,
    /// How many cells it has; `None` for pages that hold none.
    pub cells: Option<u32>,
    /// The payload in it, in bytes; `None` for pages that hold no cells.
    pub payload_bytes: Option<u32>,
    /// What is free in it, in bytes; `None` for pages that hold no cells.
    pub unused_bytes: Option<u32>,
    /// The longest payload of its cells, overflow included, in bytes; `None` for pages that hold no cells.
    pub largest_payload_bytes: Option<u32>,
    /// How many of its bytes count, of whatever kind it is; reserved bytes do not.
    pub used_bytes: u32,
    /// Where its bytes come from.
    pub from: PageFrom,
    /// Which commit in the log wrote it, from 1; `None` where it does not come from the log.
    pub commit: Option<u32>,
}

/// What is kept of a page. Zeros are nothing.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// 1 for the first owner.
    owner: u32,
    parent: u32,
    /// For pages without cells, the bytes that count.
    payload_bytes: u32,
    unused_bytes: u32,
    largest_payload_bytes: u32,
    cells: u16,
    kind: PageUse,
}

impl Kept {
    /// Nothing but a kind.
    const fn new(kind: PageUse) -> Self {
        Self {
            owner: 0,
            parent: 0,
            payload_bytes: 0,
            unused_bytes: 0,
            largest_payload_bytes: 0,
            cells: 0,
            kind,
        }
    }
}

/// What all pages of a database are used for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PagesReport {
    /// The tables and indexes, in the order of the schema, its own table first.
    pub owners: Vec<Owner>,
    page_count: u32,
    usable_bytes: u32,
    pieces: Vec<Option<Box<[Kept]>>>,
    /// The pages that do not come from the file, ascending.
    overlaid: Vec<(PageNumber, PageFrom, Option<u32>)>,
}

/// Looks at every page of a database.
///
/// # Errors
///
/// Whatever keeps the files from being read. Damage is none: pages that cannot be decoded are of the kind
/// [`Unreadable`](PageUse::Unreadable).
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let uses = database.report(inspect::pages)?;
/// let free = uses.iter().filter(|page| page.kind == inspect::PageUse::FreelistLeaf);
/// println!("{} of {} pages are free", free.count(), uses.page_count());
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn pages(database: &Database) -> Result<PagesReport> {
    let owners = Owner::all(database, |_| {})?;
    let page_count = database.page_count();
    let mut uses = PagesReport {
        owners: Vec::new(),
        page_count,
        usable_bytes: database.header().usable_bytes(),
        pieces: vec![None; (page_count as usize).div_ceil(PIECE_PAGES)],
        overlaid: overlaid(database),
    };
    survey(database, &owners, &mut uses)?;
    if let Some(page) = lock_page(database) {
        uses.keep(page, Kept::new(PageUse::LockByte));
    }
    Ok(PagesReport { owners, ..uses })
}

fn overlaid(database: &Database) -> Vec<(PageNumber, PageFrom, Option<u32>)> {
    let snapshot = database.snapshot();
    let pages = snapshot.overlay().map(|overlay| overlay.pages).unwrap_or_default();
    let origin = |page| match snapshot.origin(page) {
        PageOrigin::File => (page, PageFrom::File, None),
        PageOrigin::Journal { .. } => (page, PageFrom::Journal, None),
        PageOrigin::Log { commit, .. } => (page, PageFrom::Wal, Some(commit)),
    };
    pages.into_iter().map(origin).collect()
}

impl PagesReport {
    /// How many pages there are.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// How many bytes of a page can hold something.
    #[must_use]
    pub fn usable_bytes(&self) -> u32 {
        self.usable_bytes
    }

    /// One page; `None` for one that there is not.
    #[must_use]
    pub fn get(&self, page: u32) -> Option<PageReport<'_>> {
        let number = PageNumber::new(page).filter(|_| page <= self.page_count)?;
        let (piece, place) = place(number);
        let kept = self.pieces.get(piece).and_then(Option::as_ref).and_then(|piece| piece.get(place));
        let Kept { owner, parent, payload_bytes, unused_bytes, largest_payload_bytes, cells, kind } =
            kept.copied().unwrap_or(Kept::new(PageUse::Unreachable));
        let owner_index = (owner as usize).checked_sub(1);
        let owner = owner_index.and_then(|index| self.owners.get(index));
        let of_cells = |number: u32| has_cells(kind).then_some(number);
        let overlaid = self.overlaid.binary_search_by_key(&number, |&(page, ..)| page);
        let (_, from, commit) = overlaid.ok().and_then(|at| self.overlaid.get(at).copied()).unwrap_or((
            number,
            PageFrom::File,
            None,
        ));
        Some(PageReport {
            page,
            kind,
            owner: owner.map(|owner| owner.name.as_str()),
            owner_index,
            root: owner.map(|owner| owner.root_page.get()),
            parent: Some(parent).filter(|&parent| parent != 0),
            cells: of_cells(cells.into()),
            payload_bytes: of_cells(payload_bytes),
            unused_bytes: of_cells(unused_bytes),
            largest_payload_bytes: of_cells(largest_payload_bytes),
            used_bytes: match has_cells(kind) {
                true => self.usable_bytes.saturating_sub(unused_bytes),
                false => payload_bytes,
            },
            from,
            commit,
        })
    }

    /// All pages, in their order.
    pub fn iter(&self) -> impl Iterator<Item = PageReport<'_>> {
        (1..=self.page_count).filter_map(|page| self.get(page))
    }

    fn keep(&mut self, page: PageNumber, kept: Kept) {
        let (piece, place) = place(page);
        if let Some(piece) = self.pieces.get_mut(piece) {
            let piece = piece
                .get_or_insert_with(|| vec![Kept::new(PageUse::Unreachable); PIECE_PAGES].into_boxed_slice());
            if let Some(place) = piece.get_mut(place) {
                *place = kept;
            }
        }
    }
}

fn use_of(kind: PageKind) -> PageUse {
    match kind {
        PageKind::InteriorTable => PageUse::TableInterior,
        PageKind::LeafTable => PageUse::TableLeaf,
        PageKind::InteriorIndex => PageUse::IndexInterior,
        PageKind::LeafIndex => PageUse::IndexLeaf,
    }
}

/// Whether pages of this kind hold cells.
fn has_cells(kind: PageUse) -> bool {
    use PageUse::{IndexInterior, IndexLeaf, TableInterior, TableLeaf};
    matches!(kind, TableInterior | TableLeaf | IndexInterior | IndexLeaf)
}

/// In which piece a page is, and where in it.
fn place(page: PageNumber) -> (usize, usize) {
    let index = page.get() as usize - 1;
    (index / PIECE_PAGES, index % PIECE_PAGES)
}

/// 1 for the first.
fn owner_number(owner: usize) -> u32 {
    u32::try_from(owner).unwrap_or(u32::MAX).saturating_add(1)
}

impl Surveyor for PagesReport {
    fn tree_page(&mut self, owner: usize, at: TreePlace, kind: PageKind, numbers: PageNumbers) {
        let PageNumbers { cells, payload_bytes, unused_bytes, largest_payload_bytes } = numbers;
        let kept = Kept {
            owner: owner_number(owner),
            parent: at.parent.map_or(0, PageNumber::get),
            payload_bytes,
            unused_bytes,
            largest_payload_bytes,
            cells: u16::try_from(cells).unwrap_or(u16::MAX),
            kind: use_of(kind),
        };
        self.keep(at.page, kept);
    }

    fn lost_page(&mut self, owner: usize, at: TreePlace) {
        let parent = at.parent.map_or(0, PageNumber::get);
        self.keep(at.page, Kept { owner: owner_number(owner), parent, ..Kept::new(PageUse::Unreadable) });
    }

    fn overflow_page(&mut self, owner: usize, part: OverflowPart<'_>) {
        let kept = Kept {
            owner: owner_number(owner),
            parent: part.from.get(),
            payload_bytes: part.used_bytes,
            ..Kept::new(PageUse::Overflow)
        };
        self.keep(part.page, kept);
    }

    fn free_page(&mut self, page: FreePage) {
        let (page, from, payload_bytes, kind) = match page {
            FreePage::Trunk { page, from, used_bytes } => (page, from, used_bytes, PageUse::FreelistTrunk),
            FreePage::Leaf { page, trunk } => (page, trunk, 0, PageUse::FreelistLeaf),
        };
        self.keep(page, Kept { parent: from.get(), payload_bytes, ..Kept::new(kind) });
    }

    fn pointer_map_page(&mut self, page: PageNumber) {
        let behind = self.page_count.saturating_sub(page.get()).saturating_mul(5);
        let payload_bytes = behind.min(self.usable_bytes / 5 * 5);
        self.keep(page, Kept { payload_bytes, ..Kept::new(PageUse::PointerMap) });
    }
}
