//! Looks for deleted rows: in the pages of the chosen version, in the log, in a journal.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::live_rows::{LiveRows, digest};
use super::page_search::{Candidate, PageImage, Part, Rebuilt, search};
use super::report::{DeletedRow, Found, FoundIn};
use super::side_images::{SideImage, SideImages};
use crate::error::Result;
use crate::format::page_set::PageSet;
use crate::format::{OverflowPage, PageNumber};
use crate::inspect::Database;
use crate::rows::{MissedPlaces, RecordReader, RowLayout, Rows, SqlValue};
use crate::schema::{Schema, Table};
use crate::side_files::SideFiles;
use crate::walk::{FreePage, Walk};

/// Which deleted rows are wanted.
///
/// ```
/// use litecopy::inspect::DeletedOptions;
///
/// let mut options = DeletedOptions::default();
/// options.table = Some("messages".to_owned());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeletedOptions {
    /// Only those of this table; without it of all that are not SQLite's own.
    pub table: Option<String>,
    /// Only those of at least this confidence, from 0 to 1.
    pub least_confidence: f64,
}

/// Gives each deleted row that is still there to `visit`, until that breaks off. None of them is live in the chosen version, and
/// each is given once: where it was found first, in the database before the log and the journal.
///
/// # Errors
/// What keeps any page from being read.
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use litecopy::inspect::{DeletedOptions, deleted_rows};
/// use litecopy::{Database, Source};
///
/// let database = Database::open(Source::open("app.db")?, None)?;
/// deleted_rows(&database, &DeletedOptions::default(), &mut |found| {
///     println!("{}: {:?} at page {}", found.row.table(), found.row.rowid(), found.found.page);
///     ControlFlow::Continue(())
/// })?;
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn deleted_rows(
    database: &Database,
    options: &DeletedOptions,
    visit: &mut dyn FnMut(DeletedRow) -> ControlFlow<()>,
) -> Result<()> {
    if database.page_count() == 0 {
        return Ok(());
    }
    let (schema, _) = database.schema()?;
    let mut finder = Finder {
        database,
        options,
        candidates: Vec::new(),
        owners: vec![0; database.page_count() as usize + 1],
        live: LiveRows::default(),
        given: HashSet::new(),
        visit,
        is_over: false,
    };
    let used = finder.read_live(&schema)?;
    finder.add_dropped_tables(&schema, &used)?;
    finder.search_pages(&used)?;
    finder.search_side_files()
}

/// Whose the pages are.
struct UsedPages {
    /// All that have a place in a b-tree or a chain.
    used: PageSet,
    free: PageSet,
}

struct Finder<'a> {
    database: &'a Database,
    options: &'a DeletedOptions,
    candidates: Vec<Candidate>,
    /// Of each page the table that has it, counted from 1; 0 for none.
    owners: Vec<u16>,
    live: LiveRows,
    /// The digests of what was given.
    given: HashSet<u64>,
    visit: &'a mut dyn FnMut(DeletedRow) -> ControlFlow<()>,
    is_over: bool,
}

impl Finder<'_> {
    fn layout(&self, table: &Table) -> RowLayout {
        RowLayout::new(table, self.database.header().text_encoding)
    }

    /// Reads all rows that are live, and with them whose the pages are.
    fn read_live(&mut self, schema: &Schema) -> Result<UsedPages> {
        let database = self.database;
        let mut before: Option<Rows<'_>> = None;
        for table in &schema.tables {
            let Ok(reader) = database.read_table(table.clone()) else { continue };
            let mut rows = match before.take() {
                Some(rows) => rows.then(&reader),
                None => reader.rows(),
            };
            self.candidates.push(Candidate::new(table, self.layout(table), false));
            let owner = u16::try_from(self.candidates.len()).unwrap_or(0);
            self.own(table.root_page, owner);
            while let Some(row) = rows.next_row()? {
                self.own(Some(row.page()), owner);
                self.live.add(row);
            }
            before = Some(rows);
        }
        let mut walk = match before {
            Some(rows) => rows.into_walk(),
            None => Walk::new(database.snapshot(), *database.header(), MissedPlaces::default()),
        };
        for root in schema.indexes.iter().filter_map(|index| index.root_page) {
            let mut entries = RecordReader::new(root, Some(false), walk.usable_bytes());
            while entries.next(&mut walk)?.is_some() {}
        }
        let mut free = PageSet::new(database.page_count());
        let used = walk.placed.clone();
        walk.freelist(|page| {
            let (FreePage::Trunk { page, .. } | FreePage::Leaf { page, .. }) = page;
            free.insert(page);
        })?;
        Ok(UsedPages { used, free })
    }

    fn own(&mut self, page: Option<PageNumber>, owner: u16) {
        let place = page.and_then(|page| self.owners.get_mut(page.get() as usize));
        if let Some(place) = place {
            *place = owner;
        }
    }

    /// Tables that were dropped: their statements are deleted rows of the schema.
    fn add_dropped_tables(&mut self, schema: &Schema, pages: &UsedPages) -> Result<()> {
        let mut dropped: Vec<Table> = Vec::new();
        for index in 1..self.owners.len() {
            if self.owners.get(index) != Some(&1) {
                continue;
            }
            let Some(number) = u32::try_from(index).ok().and_then(PageNumber::new) else { continue };
            for rebuilt in self.search_page(number, false, &[0], pages)? {
                let text = |column: &str| match rebuilt.row.get(column) {
                    Some(SqlValue::Text(text)) => text.into_owned(),
                    _ => String::new(),
                };
                let (name, sql) = (text("name"), text("sql"));
                let is_known = schema.table(&name).is_some() || dropped.iter().any(|it| it.name == name);
                if text("type") == "table" && !is_known && sql.starts_with("CREATE TABLE") {
                    dropped.push(Table::from_sql(&name, &sql));
                }
            }
        }
        for table in dropped.into_iter().filter(|table| !table.columns.is_empty()) {
            self.candidates.push(Candidate::new(&table, self.layout(&table), true));
        }
        Ok(())
    }

    /// The candidates that a page of no table, or of a former version, may be of.
    fn all_candidates(&self) -> Vec<usize> {
        (0..self.candidates.len()).collect()
    }

    fn search_pages(&mut self, pages: &UsedPages) -> Result<()> {
        let mut next = Some(PageNumber::FIRST);
        let all = self.all_candidates();
        while let Some(number) = next.filter(|it| it.get() <= self.database.page_count() && !self.is_over) {
            next = number.next();
            let owner = self.owners.get(number.get() as usize).copied().unwrap_or_default();
            let own = usize::from(owner).checked_sub(1);
            let (with_cells, candidates, place) = match own {
                Some(own) => (false, vec![own], None),
                None if pages.free.contains(number) => (true, all.clone(), Some(FoundIn::Freelist)),
                None if pages.used.contains(number) => continue,
                None => (true, all.clone(), Some(FoundIn::Unreachable)),
            };
            for rebuilt in self.search_page(number, with_cells, &candidates, pages)? {
                let place = place.unwrap_or(match rebuilt.part {
                    Part::FreeBlock => FoundIn::FreeBlock,
                    _ => FoundIn::Unallocated,
                });
                self.give(rebuilt, number, place, None);
            }
        }
        Ok(())
    }

    /// Looks into a page of the chosen version.
    fn search_page(
        &self,
        number: PageNumber,
        with_cells: bool,
        candidates: &[usize],
        pages: &UsedPages,
    ) -> Result<Vec<Rebuilt>> {
        let database = self.database;
        let mut bytes = vec![0; database.page_size().bytes_usize()];
        database.read_page(number, &mut bytes)?;
        let usable_bytes = database.header().usable_bytes();
        let image = PageImage { number, bytes: &bytes, usable_bytes, with_cells };
        let mut page = vec![0; bytes.len()];
        let mut overflow = |first: PageNumber, wanted: usize| {
            read_chain(first, wanted, usable_bytes, |number| {
                // What is in use now is of another row.
                let is_there = !pages.used.contains(number) && database.read_page(number, &mut page).is_ok();
                is_there.then(|| page.clone())
            })
        };
        let mut found = Vec::new();
        search(&image, &self.chosen(candidates), &mut overflow, &mut found);
        Ok(found)
    }

    fn chosen(&self, candidates: &[usize]) -> Vec<(usize, &Candidate)> {
        candidates.iter().filter_map(|&index| Some((index, self.candidates.get(index)?))).collect()
    }

    fn search_side_files(&mut self) -> Result<()> {
        let Ok(files) = SideFiles::of(self.database.path()) else { return Ok(()) };
        let page_size = self.database.page_size();
        if let Some(log) = SideImages::of_log(files.wal(), page_size)? {
            self.search_images(&log, FoundIn::Wal)?;
        }
        if let Some(journal) = SideImages::of_journal(files.journal(), page_size)? {
            self.search_images(&journal, FoundIn::Journal)?;
        }
        Ok(())
    }

    fn search_images(&mut self, file: &SideImages, place: FoundIn) -> Result<()> {
        let all = self.all_candidates();
        let usable_bytes = self.database.header().usable_bytes();
        let mut bytes = vec![0; self.database.page_size().bytes_usize()];
        for (index, image) in file.images.iter().enumerate() {
            if self.is_over {
                break;
            }
            file.read(image, &mut bytes)?;
            let owner = self.owners.get(image.page.get() as usize).copied().unwrap_or_default();
            let own = usize::from(owner).checked_sub(1);
            let candidates = own.map_or_else(|| all.clone(), |own| vec![own]);
            let page = PageImage { number: image.page, bytes: &bytes, usable_bytes, with_cells: true };
            let mut overflow = |first: PageNumber, wanted: usize| {
                read_chain(first, wanted, usable_bytes, |number| file.newest(index, number))
            };
            let mut found = Vec::new();
            search(&page, &self.chosen(&candidates), &mut overflow, &mut found);
            for rebuilt in found {
                self.give(rebuilt, image.page, place, Some(image));
            }
        }
        Ok(())
    }

    fn give(&mut self, rebuilt: Rebuilt, page: PageNumber, place: FoundIn, image: Option<&SideImage>) {
        let Rebuilt { candidate, row, confidence, whole, .. } = rebuilt;
        let is_dropped = self.candidates.get(candidate).is_some_and(|it| it.is_dropped);
        let is_wanted = match &self.options.table {
            Some(table) => row.table().eq_ignore_ascii_case(table),
            None => !row.table().starts_with("sqlite_"),
        };
        let complete = whole || row.rowid().is_none();
        let is_known = self.live.has(&row, complete) || !self.given.insert(digest(&row, true));
        if self.is_over || !is_wanted || is_known || confidence < self.options.least_confidence {
            return;
        }
        let found = Found {
            page: page.get(),
            offset: row.offset(),
            place: if is_dropped && image.is_none() { FoundIn::DroppedTable } else { place },
            frame: image.and_then(|image| image.frame),
            commit: image.and_then(|image| image.commit),
        };
        let confidence = (confidence * 100.0).round() / 100.0;
        self.is_over = (self.visit)(DeletedRow { row, found, confidence, whole }).is_break();
    }
}

/// What an overflow chain holds from its first page on, as far as its pages are there.
fn read_chain(
    first: PageNumber,
    wanted: usize,
    usable_bytes: u32,
    mut read: impl FnMut(PageNumber) -> Option<Vec<u8>>,
) -> Vec<u8> {
    /// A longer one is not followed: what its cell says of its length may be anything.
    const MOST_BYTES: usize = 1 << 24;
    let (mut content, mut next) = (Vec::new(), Some(first));
    while let Some(number) = next.filter(|_| content.len() < wanted.min(MOST_BYTES)) {
        let Some(bytes) = read(number) else { break };
        let Ok(page) = OverflowPage::parse(&bytes, usable_bytes) else { break };
        let missing = wanted - content.len();
        content.extend(page.content.iter().take(missing));
        next = page.next;
    }
    content
}
