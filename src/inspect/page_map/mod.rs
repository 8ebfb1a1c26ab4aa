//! Maps of the pages of a database: as a page for browsers, as a picture for documents, as blocks for a terminal.
//!
//! | file | what it does |
//! |---|---|
//! | `blocks.rs` | puts pages together to as many blocks as there is room for |
//! | `palette.rs` | the colour of each table, index and use |
//! | `html.rs` | the map for browsers, in one file |
//! | `svg.rs` | the map for documents |
//!
//! Pages come one by one and in order, so that a map of many needs no memory for them; whom they belong to is told at the end.
//! Names from the file are hostile: each writer spells out what would be more than a name in its language.

mod blocks;
mod html;
mod palette;
mod svg;

pub use blocks::{Block, BlockMap};
pub use html::HtmlMap;
pub use palette::{Colour, owner_colours, use_colour};
pub use svg::SvgMap;

use super::owners::Owner;
use super::page_use::PageUse;
use super::pages_report::{PageFrom, PageReport, PagesReport};
use std::io::{self, Write};

/// Writes the map of a report for browsers.
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let mut database = Database::open(Source::open("app.db")?, None)?;
/// let pages = database.report(inspect::pages)?;
/// let head = inspect::page_map::MapHead::new("app.db", database.page_size().bytes(), pages.page_count());
/// let file = std::io::BufWriter::new(std::fs::File::create("map.html").unwrap());
/// inspect::page_map::write_html(&pages, &head, file).unwrap();
/// # Ok::<(), litecopy::Error>(())
/// ```
///
/// # Errors
///
/// What `out` gives.
pub fn write_html(report: &PagesReport, head: &MapHead, out: impl Write) -> io::Result<()> {
    let mut map = HtmlMap::new(out, head)?;
    report.iter().try_for_each(|page| map.page(&MapPage::new(&page, report)))?;
    map.finish(&MapOwner::all(report))?.flush()
}

/// Writes the map of a report for documents, as SVG.
///
/// # Errors
///
/// What `out` gives.
pub fn write_svg(report: &PagesReport, head: &MapHead, mut out: impl Write) -> io::Result<()> {
    let mut map = SvgMap::new(head);
    report.iter().for_each(|page| map.page(&MapPage::new(&page, report)));
    map.finish(&MapOwner::all(report), &mut out)?;
    out.flush()
}

/// What a map is of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapHead {
    /// What to call it: the database's path, as it may be shown.
    pub title: String,
    /// The size of a page in bytes.
    pub page_size: u32,
    /// How many pages there are.
    pub page_count: u32,
}

impl MapHead {
    /// Of a database with this name.
    #[must_use]
    pub fn new(title: impl Into<String>, page_size: u32, page_count: u32) -> Self {
        Self { title: title.into(), page_size, page_count }
    }
}

/// A page, as maps show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapPage {
    /// What it is used for.
    pub page_use: PageUse,
    /// Whom it belongs to: a place in the list of owners; `None` for free pages and the like.
    pub owner: Option<u32>,
    /// How much of it is in use, in percent; `None` for pages that nobody fills.
    pub fill: Option<u8>,
    /// Where its content comes from.
    pub origin: MapOrigin,
}

impl MapPage {
    /// As a report has it.
    #[must_use]
    pub fn new(page: &PageReport<'_>, report: &PagesReport) -> Self {
        let owner = page.owner_index.and_then(|index| u32::try_from(index).ok());
        let usable = u64::from(report.usable_bytes()).max(1);
        let percent = u8::try_from(u64::from(page.used_bytes) * 100 / usable).unwrap_or(100).min(100);
        let is_filled = owner.is_some() && page.kind != PageUse::Unreadable;
        Self {
            page_use: page.kind,
            owner,
            fill: is_filled.then_some(percent),
            origin: match page.from {
                PageFrom::File => MapOrigin::File,
                PageFrom::Wal => MapOrigin::Wal(page.commit.unwrap_or_default()),
                PageFrom::Journal => MapOrigin::Journal,
            },
        }
    }
}

/// Where the content of a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// The database file.
    File,
    /// The log: the commit of this number, from 1 on.
    Wal(u32),
    /// A hot journal.
    Journal,
}

/// A table or an index, and what it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapOwner {
    /// Its name.
    pub name: String,
    /// The table that it belongs to: for a table its own name.
    pub table: String,
    /// Whether it is an index.
    pub is_index: bool,
    /// How many pages it has.
    pub pages: u32,
    /// How many rows, or entries.
    pub entries: u64,
    /// How many bytes of its pages are in use, in percent of all.
    pub fill_percent: u8,
}

impl MapOwner {
    /// All of a report, in its order.
    #[must_use]
    pub fn all(report: &PagesReport) -> Vec<Self> {
        let new = |owner: &Owner| Self {
            name: owner.name.clone(),
            table: owner.table.clone(),
            is_index: owner.kind == "index",
            ..Self::default()
        };
        let mut owners: Vec<_> = report.owners.iter().map(|owner| (new(owner), 0_u64)).collect();
        for page in report.iter() {
            let Some((owner, used)) = page.owner_index.and_then(|index| owners.get_mut(index)) else {
                continue;
            };
            owner.pages = owner.pages.saturating_add(1);
            *used = used.saturating_add(page.used_bytes.into());
            // The inner pages of a table only lead to its rows; those of an index are entries themselves.
            if page.kind != PageUse::TableInterior {
                owner.entries = owner.entries.saturating_add(page.cells.unwrap_or_default().into());
            }
        }
        let usable = u64::from(report.usable_bytes());
        let finish = |(owner, used): (Self, u64)| {
            let percent = used.saturating_mul(100).checked_div(u64::from(owner.pages) * usable);
            Self { fill_percent: percent.map_or(0, |percent| u8::try_from(percent).unwrap_or(100)), ..owner }
        };
        owners.into_iter().map(finish).collect()
    }
}
