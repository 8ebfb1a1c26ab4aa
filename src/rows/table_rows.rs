//! The rows of a table.

use std::sync::Arc;

use super::missed::{Missed, MissedPlaces};
use super::record_reader::RecordReader;
use super::row::Row;
use super::row_layout::RowLayout;
use crate::error::{Error, Problem, Result};
use crate::format::{DatabaseHeader, PageNumber};
use crate::schema::Table;
use crate::source::Snapshot;
use crate::walk::Walk;

/// A table of a database, to be read.
///
/// ```no_run
/// use litecopy::{Database, SourceOptions};
///
/// # fn main() -> litecopy::Result<()> {
/// let database = Database::open(SourceOptions::new().open("app.db")?, None)?;
/// let table = database.table("users")?;
/// let mut rows = table.rows();
/// while let Some(row) = rows.next_row()? {
///     println!("{:?} {:?}", row.rowid(), row.get("name"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TableReader<'d> {
    snapshot: &'d Snapshot,
    header: DatabaseHeader,
    table: Table,
}

impl<'d> TableReader<'d> {
    /// A virtual table has no rows of its own, which is an error.
    pub(crate) fn new(snapshot: &'d Snapshot, header: DatabaseHeader, table: Table) -> Result<Self> {
        let why = match (&table.module, table.root_page) {
            (Some(module), _) => {
                format!("it is a virtual table of `{module}`, whose rows lie in tables of its own")
            }
            (None, None) => "the schema names no page that it begins at".to_owned(),
            (None, Some(_)) => return Ok(Self { snapshot, header, table }),
        };
        Err(Error::new(snapshot.name(), Problem::NoRows { table: table.name, why }))
    }

    /// What its statement says of it.
    #[must_use]
    pub fn definition(&self) -> &Table {
        &self.table
    }

    /// Its rows, in the order of their keys.
    #[must_use]
    pub fn rows(&self) -> Rows<'d> {
        let walk = Walk::new(self.snapshot, self.header, MissedPlaces::default());
        Rows::new(walk, &self.table)
    }
}

/// The rows of a table, one after the other.
///
/// What is broken is left out, and told by [`missed`](Self::missed); an error is only what keeps any page from being read.
/// Memory is one page, one row, and a bit for each page of the database.
pub struct Rows<'d> {
    walk: Walk<'d, MissedPlaces>,
    reader: Option<RecordReader>,
    row: Row,
    /// How many pages the tables before had.
    pages_before: u32,
}

impl<'d> Rows<'d> {
    fn new(walk: Walk<'d, MissedPlaces>, table: &Table) -> Self {
        let layout = Arc::new(RowLayout::new(table, walk.header().text_encoding));
        // Where the statement cannot be read, the root tells of which sort the b-tree is.
        let is_table = (table.note.is_none()).then_some(!table.without_rowid);
        let reader = table.root_page.map(|root| RecordReader::new(root, is_table, walk.usable_bytes()));
        Self { walk, reader, row: Row::new(layout), pages_before: 0 }
    }

    /// The rows of another table. What was read of pages before is not read again: whatever a damaged schema says, all tables
    /// together cost no more than the file is long.
    #[must_use]
    pub fn then(self, table: &TableReader<'d>) -> Self {
        let pages_before = self.pages_read();
        let mut walk = self.walk;
        walk.sink = MissedPlaces::default();
        Self { pages_before, ..Self::new(walk, &table.table) }
    }

    /// From now on the pages of overflow chains are remembered by the walk.
    pub(crate) fn keep_chain_pages(&mut self) {
        self.walk.keep_chain_pages();
    }

    /// The walk that they were read with: it knows which pages have a place.
    pub(crate) fn into_walk(self) -> Walk<'d, MissedPlaces> {
        self.walk
    }

    /// The next row, which is there until the next call; `None` at the end. It does what the iterator does, without memory of its own
    /// for each row.
    ///
    /// # Errors
    /// What keeps any page from being read.
    pub fn next_row(&mut self) -> Result<Option<&Row>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        while let Some(record) = reader.next(&mut self.walk)? {
            match self.row.set(&record) {
                Ok(()) => return Ok(Some(&self.row)),
                Err(damage) => {
                    let (page, offset) = (record.page, record.offset);
                    self.walk.sink.add(page, Some(offset), damage);
                }
            }
        }
        self.pages_before = self.pages_read();
        self.reader = None;
        Ok(None)
    }

    /// The row that the last call gave.
    pub(crate) fn current(&self) -> &Row {
        &self.row
    }

    /// The leaf that comes next, where it is not read yet and no row is at hand.
    pub(crate) fn unread_leaf(&mut self) -> Result<Option<PageNumber>> {
        match &mut self.reader {
            Some(reader) => reader.unread_leaf(&mut self.walk),
            None => Ok(None),
        }
    }

    /// Passes over the leaf that [`unread_leaf`](Self::unread_leaf) gave.
    pub(crate) fn pass_unread_leaf(&mut self) -> Result<()> {
        match &mut self.reader {
            Some(reader) => reader.pass_unread_leaf(&mut self.walk),
            None => Ok(()),
        }
    }

    /// The leaf that comes next, where none of its rows was given yet and all of them lie in it whole.
    pub(crate) fn leaf_without_chains(&mut self) -> Result<Option<PageNumber>> {
        match &mut self.reader {
            Some(reader) => reader.leaf_without_chains(&mut self.walk),
            None => Ok(None),
        }
    }

    /// Passes over the rest of the leaf at hand.
    pub(crate) fn pass_leaf(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.pass_leaf();
        }
    }

    /// The name of the table.
    #[must_use]
    pub fn table(&self) -> &str {
        self.row.table()
    }

    /// The names of columns that are computed when they are read (VIRTUAL): no row has them.
    #[must_use]
    pub fn computed_columns(&self) -> &[String] {
        &self.row.layout().computed
    }

    /// The names of the columns that each row has.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.row.layout().columns.iter().map(|column| column.name.as_str())
    }

    /// What could not be read so far: the first hundred places.
    #[must_use]
    pub fn missed(&self) -> &[Missed] {
        &self.walk.sink.told
    }

    /// How many places could not be read so far.
    #[must_use]
    pub fn missed_count(&self) -> u64 {
        self.walk.sink.count
    }

    /// How many pages of b-trees have been read, of this table and of those before it.
    #[must_use]
    pub fn pages_read(&self) -> u32 {
        self.pages_before.saturating_add(self.reader.as_ref().map_or(0, RecordReader::page_count))
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        match self.next_row() {
            Ok(None) => None,
            Ok(Some(row)) => Some(Ok(row.clone())),
            Err(error) => {
                self.reader = None;
                Some(Err(error))
            }
        }
    }
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("row", &self.row).finish_non_exhaustive()
    }
}
