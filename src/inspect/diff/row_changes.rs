//! The rows that differ, table by table, in the order of their keys.
//!
//! Both b-trees of a pair are gone through side by side. Where both come to the same leaf, and it is the same page in both, it is
//! passed over: its rows are the same. It need not even be read, unless some overflow chain may have changed; then it is read, and
//! passed over if it has none.

use super::changed_chains::leaves_tell_all;
use super::page_difference::PageDifference;
use super::row_key::RowKey;
use super::table_pairs::{NotCompared, TablePair, table_pairs};
use crate::error::Result;
use crate::format::PageNumber;
use crate::format::page_set::PageSet;
use crate::inspect::database::Database;
use crate::rows::{Row, Rows};
use std::cmp::Ordering;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum RowChangeKind {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Both have its key, with other values.
    Changed,
}

/// A row that is not in both, or not the same in both.
///
/// In JSON: `{"table", "change", "rowid" | "key", "before", "after"}`, with the values by column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// What became of it.
    pub change: RowChangeKind,
    /// The columns of the primary key, in a table without rowids.
    pub key_columns: Vec<String>,
    /// The row in the first; `None` when it was added.
    pub before: Option<Row>,
    /// The row in the second; `None` when it was removed.
    pub after: Option<Row>,
}

/// Compares the rows of two databases. [inspection.md#differences](crate::notes::inspection#differences)
///
/// ```no_run
/// use litecopy::{Database, Source, SourceOptions, inspect};
///
/// let newest = Database::open(Source::open("app.db")?, None)?;
/// let before = Database::open(SourceOptions::new().as_of(Some(1)).open("app.db")?, None)?;
/// for change in inspect::row_changes(&before, &newest)? {
///     let change = change?;
///     println!("{} {:?}", change.table, change.change);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
///
/// # Errors
///
/// Whatever keeps the files from being read.
pub fn row_changes<'d>(before: &'d Database, after: &'d Database) -> Result<RowChanges<'d>> {
    let pages = PageDifference::new(before, after)?;
    RowChanges::new(before, after, &pages)
}

/// The rows that differ, one after the other. See [`row_changes`].
#[derive(Debug)]
pub struct RowChanges<'d> {
    before: Side<'d>,
    after: Side<'d>,
    pairs: Vec<TablePair>,
    /// How many pairs were begun: the last of them is at hand.
    begun: usize,
    key: RowKey,
    /// Pages that are not the same in both; `None` where nothing can be passed over.
    changed: Option<PageSet>,
    /// Whether leaves that are the same need not be read.
    leaves_tell_all: bool,
    not_compared: Vec<NotCompared>,
    is_same: bool,
    failed: bool,
}

/// One of the two databases, and the row at hand.
#[derive(Debug)]
struct Side<'d> {
    database: &'d Database,
    /// The rows of the table at hand, or of the one before.
    rows: Option<Rows<'d>>,
    /// Whether the table at hand is in this database, and not at its end.
    is_open: bool,
    has_row: bool,
    /// What could not be read of tables that are done.
    missed_before: u64,
}

/// A change, by the place of its pair.
pub(super) type Found = (usize, RowChangeKind);

impl<'d> RowChanges<'d> {
    pub(super) fn new(before: &'d Database, after: &'d Database, pages: &PageDifference) -> Result<Self> {
        // Where no page differs, no row does.
        let (pairs, not_compared) =
            if pages.is_empty() { (Vec::new(), Vec::new()) } else { table_pairs(before, after)? };
        let same_size = before.page_size() == after.page_size();
        let leaves_tell_all = same_size && !pages.is_empty() && leaves_tell_all(before, after, pages)?;
        Ok(Self {
            before: Side::new(before),
            after: Side::new(after),
            pairs,
            begun: 0,
            key: RowKey::Rowid,
            changed: same_size.then(|| pages.changed_set(before.page_count().max(after.page_count()))),
            leaves_tell_all,
            not_compared,
            is_same: pages.is_empty() && same_size,
            failed: false,
        })
    }

    pub(super) fn pairs(&self) -> &[TablePair] {
        &self.pairs
    }

    /// Whether every page is the same in both.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.is_same
    }

    /// The tables so far whose rows cannot be compared.
    #[must_use]
    pub fn not_compared(&self) -> &[NotCompared] {
        &self.not_compared
    }

    /// How many places there are so far, in both, where damage may hide rows.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.before.missed().saturating_add(self.after.missed())
    }

    /// The next change, whose rows are at hand until the next call.
    pub(super) fn advance(&mut self) -> Result<Option<Found>> {
        loop {
            let place = match self.begun.checked_sub(1) {
                Some(place) if self.before.is_open || self.after.is_open => place,
                _ if self.begin_next()? => continue,
                _ => return Ok(None),
            };
            self.pass_equal_leaves()?;
            self.before.fill()?;
            self.after.fill()?;
            let order = match (self.before.row(), self.after.row()) {
                (None, None) => continue,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(before), Some(after)) => match self.key.compare(before, after) {
                    Ordering::Equal if same_values(before, after) => {
                        self.before.has_row = false;
                        self.after.has_row = false;
                        continue;
                    }
                    order => order,
                },
            };
            self.before.has_row &= order == Ordering::Greater;
            self.after.has_row &= order == Ordering::Less;
            return Ok(Some((
                place,
                match order {
                    Ordering::Less => RowChangeKind::Removed,
                    Ordering::Greater => RowChangeKind::Added,
                    Ordering::Equal => RowChangeKind::Changed,
                },
            )));
        }
    }

    /// Begins the next pair that can be compared; `false` when there is none.
    fn begin_next(&mut self) -> Result<bool> {
        let Some(pair) = self.pairs.get(self.begun) else { return Ok(false) };
        self.begun += 1;
        self.before.begin(pair.before.as_ref())?;
        self.after.begin(pair.after.as_ref())?;
        let side = if pair.after.is_some() { &self.after } else { &self.before };
        let columns: Vec<&str> = side.rows.iter().flat_map(Rows::columns).collect();
        let table = pair.after.as_ref().or(pair.before.as_ref());
        let encoding = side.database.header().text_encoding;
        match table.and_then(|table| RowKey::new(table, &columns, encoding)) {
            Some(key) => self.key = key,
            None => {
                let why = "its key has a collation that only its application knows".to_owned();
                self.not_compared.push(NotCompared { name: pair.name.clone(), why });
                self.before.is_open = false;
                self.after.is_open = false;
            }
        }
        Ok(true)
    }

    fn pass_equal_leaves(&mut self) -> Result<()> {
        let pair = self.begun.checked_sub(1).and_then(|place| self.pairs.get(place));
        let Some(changed) = self.changed.as_ref().filter(|_| pair.is_some_and(|pair| pair.same_definition))
        else {
            return Ok(());
        };
        loop {
            if self.leaves_tell_all
                && let (Some(one), Some(other)) = (self.before.unread_leaf()?, self.after.unread_leaf()?)
                && one == other
                && !changed.contains(one)
            {
                self.before.pass_unread_leaf()?;
                self.after.pass_unread_leaf()?;
                continue;
            }
            let (Some(one), Some(other)) = (self.before.leaf()?, self.after.leaf()?) else { return Ok(()) };
            if one != other || changed.contains(one) {
                return Ok(());
            }
            self.before.pass_leaf();
            self.after.pass_leaf();
        }
    }

    fn change(&self, (place, change): Found) -> RowChange {
        let table = self.pairs.get(place).map(|pair| pair.name.clone()).unwrap_or_default();
        let key_columns = match &self.key {
            RowKey::Rowid => Vec::new(),
            RowKey::Columns(parts, _) => parts.iter().map(|part| part.name.clone()).collect(),
        };
        let row = |side: &Side<'_>, wanted| {
            side.rows.as_ref().filter(|_| wanted).map(|rows| rows.current().clone())
        };
        RowChange {
            table,
            change,
            key_columns,
            before: row(&self.before, change != RowChangeKind::Added),
            after: row(&self.after, change != RowChangeKind::Removed),
        }
    }
}

impl Iterator for RowChanges<'_> {
    type Item = Result<RowChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.advance() {
            Ok(found) => found.map(|found| Ok(self.change(found))),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl<'d> Side<'d> {
    fn new(database: &'d Database) -> Self {
        Self { database, rows: None, is_open: false, has_row: false, missed_before: 0 }
    }

    /// Goes on to a table; what was read of pages for those before is not read again.
    fn begin(&mut self, table: Option<&crate::schema::Table>) -> Result<()> {
        (self.is_open, self.has_row) = (table.is_some(), false);
        let Some(table) = table else { return Ok(()) };
        let reader = self.database.read_table(table.clone())?;
        self.rows = Some(match self.rows.take() {
            Some(rows) => {
                self.missed_before = self.missed_before.saturating_add(rows.missed_count());
                rows.then(&reader)
            }
            None => reader.rows(),
        });
        Ok(())
    }

    fn missed(&self) -> u64 {
        self.missed_before.saturating_add(self.rows.as_ref().map_or(0, Rows::missed_count))
    }

    fn fill(&mut self) -> Result<()> {
        if self.is_open && !self.has_row {
            self.has_row = match &mut self.rows {
                Some(rows) => rows.next_row()?.is_some(),
                None => false,
            };
            self.is_open = self.has_row;
        }
        Ok(())
    }

    fn row(&self) -> Option<&Row> {
        self.rows.as_ref().filter(|_| self.has_row).map(Rows::current)
    }

    /// The leaf that comes next, where no row is at hand and it is not read yet.
    fn unread_leaf(&mut self) -> Result<Option<PageNumber>> {
        match &mut self.rows {
            Some(rows) if self.is_open && !self.has_row => rows.unread_leaf(),
            _ => Ok(None),
        }
    }

    fn pass_unread_leaf(&mut self) -> Result<()> {
        self.rows.as_mut().map_or(Ok(()), Rows::pass_unread_leaf)
    }

    /// The leaf that comes next, where no row is at hand and it has nothing in overflow pages.
    fn leaf(&mut self) -> Result<Option<PageNumber>> {
        match &mut self.rows {
            Some(rows) if self.is_open && !self.has_row => rows.leaf_without_chains(),
            _ => Ok(None),
        }
    }

    fn pass_leaf(&mut self) {
        if let Some(rows) = &mut self.rows {
            rows.pass_leaf();
        }
    }
}

fn same_values(one: &Row, other: &Row) -> bool {
    one.len() == other.len()
        && one.values().zip(other.values()).all(|((name, value), (other_name, other_value))| {
            name.eq_ignore_ascii_case(&other_name) && value == other_value
        })
}

#[cfg(feature = "serde")]
impl serde::Serialize for RowChange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use crate::rows::ValuesByName;
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("table", &self.table)?;
        map.serialize_entry("change", &self.change)?;
        let row = self.after.as_ref().or(self.before.as_ref());
        match row.filter(|_| !self.key_columns.is_empty()) {
            Some(row) => {
                let key: std::collections::BTreeMap<_, _> =
                    self.key_columns.iter().filter_map(|name| Some((name, row.get(name)?))).collect();
                map.serialize_entry("key", &key)?;
            }
            None => map.serialize_entry("rowid", &row.and_then(Row::rowid))?,
        }
        map.serialize_entry("before", &self.before.as_ref().map(ValuesByName))?;
        map.serialize_entry("after", &self.after.as_ref().map(ValuesByName))?;
        map.end()
    }
}
