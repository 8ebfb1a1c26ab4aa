//! The schema: which tables, indexes, views and triggers a database has, as one committed version of it says.
//!
//! Read through a snapshot, so under SQLite's locks, with log and hot journal laid over the file as in a copy. The table of
//! the schema is a b-tree of rows `type, name, tbl_name, rootpage, sql` whose root is page 1 (`[records.md#the-schema]`).
//! Whatever its bytes say, the walk ends: no page is visited twice, no deeper than 20 pages, and the cells of a page
//! are together no longer than the page. What is damaged is told, and the rest goes on.

use std::collections::HashSet;
use std::path::Path;

use super::database_report::DamageReport;
use crate::attempt::Obstacle;
use crate::error::{Error, ErrorKind};
use crate::format::btree_cell::CellPayload;
use crate::format::database_header::TextEncoding;
use crate::format::lock_bytes::lock_byte_page;
use crate::format::overflow::chain_length;
use crate::format::text::decode_text;
use crate::format::{BtreePage, Damage, DatabaseHeader, OverflowPage, PageNumber, Record, Value};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::source::{Begun, Snapshot, Source, Standing};

/// How deep SQLite lets a b-tree be.
const MOST_DEPTH: u32 = 20;

/// How much damage is told; what a database with more of it has wrong, nobody reads line by line.
const MOST_DAMAGE: usize = 100;

/// How often a snapshot that did not hold is taken again.
const TRIES: u32 = 3;

/// What a database has in it, as `sqlite_schema` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SchemaReport {
    /// Why nothing could be read: somebody was writing, or the file is no database that can be read.
    pub unread: Option<String>,
    /// How many tables there are, virtual ones included.
    pub table_count: u64,
    /// How many indexes there are, those that SQLite makes by itself included.
    pub index_count: u64,
    /// How many views there are.
    pub view_count: u64,
    /// How many triggers there are.
    pub trigger_count: u64,
    /// Every row that could be read, in the order of the table.
    pub entries: Vec<SchemaEntry>,
    /// Rows that were left out because they want more than a limit lets them have.
    pub left_out: Vec<LeftOut>,
    /// What is damaged in the schema's own pages; empty for a healthy one. Other pages are not looked into.
    pub damage: Vec<DamageReport>,
}

impl SchemaReport {
    pub(super) fn unread(why: impl ToString) -> Self {
        Self { unread: Some(why.to_string()), ..Self::default() }
    }
}

/// A row of the schema. The names in JSON are those of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SchemaEntry {
    /// `table`, `index`, `view` or `trigger`.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub kind: String,
    /// Its own name.
    pub name: String,
    /// The table, or view, that it belongs to; its own name for tables and views.
    #[cfg_attr(feature = "serde", serde(rename = "tbl_name"))]
    pub table_name: String,
    /// The root page of its b-tree, as stored; 0 or `None` for what has none: views, triggers and virtual tables.
    #[cfg_attr(feature = "serde", serde(rename = "rootpage"))]
    pub root_page: Option<i64>,
    /// The statement that made it; `None` for indexes that SQLite made by itself.
    pub sql: Option<String>,
}

/// A row that wants more than a limit lets it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LeftOut {
    /// The page that its cell is in.
    pub page: u32,
    /// Which cell of the page, from 0.
    pub cell: u16,
    /// Which limit, its value, and what the row wants.
    pub exceeded: LimitExceeded,
}

/// Lists what a database has in it.
///
/// The source is locked for as long as it takes. Nothing is an error here: why a schema could not be read, and what is
/// damaged in it, is told in the report.
#[must_use]
pub fn inspect_schema(source: &mut Source) -> SchemaReport {
    for _ in 0..TRIES {
        let snapshot = match source.begin() {
            Ok(Begun::Snapshot(snapshot)) => *snapshot,
            Ok(Begun::Busy(obstacle)) => return SchemaReport::unread(format!("busy: {obstacle}")),
            Err(error) => return SchemaReport::unread(error),
        };
        let name = source.path().unwrap_or(source.name());
        let read = read(&snapshot, source.limits(), name);
        match (read, source.end(snapshot)) {
            (_, Ok(Standing::Withdrawn)) => {}
            (Ok(report), Ok(Standing::Confirmed)) => return report,
            (Err(error), _) | (Ok(_), Err(error)) => return SchemaReport::unread(error),
        }
    }
    SchemaReport::unread(format!("busy: {}", Obstacle::Change))
}

fn read(snapshot: &Snapshot, limits: &Limits, name: &Path) -> Result<SchemaReport, Error> {
    let mut report = SchemaReport::default();
    if snapshot.page_count() == 0 {
        return Ok(report);
    }
    let mut first = vec![0; snapshot.page_size().bytes_usize()];
    snapshot.read_pages(PageNumber::FIRST, &mut first)?;
    let header = match DatabaseHeader::parse(&first) {
        Ok(header) => header,
        Err(damage) => return Ok(SchemaReport::unread(damage)),
    };
    let usable_bytes = header.usable_bytes();
    let mut reader = Reader {
        snapshot,
        limits,
        name,
        usable_bytes,
        encoding: header.text_encoding,
        visited: HashSet::new(),
        report: &mut report,
    };
    reader.walk(PageNumber::FIRST, 1)?;
    Ok(report)
}

/// Walks the b-tree of the schema.
struct Reader<'s> {
    snapshot: &'s Snapshot,
    limits: &'s Limits,
    name: &'s Path,
    usable_bytes: u32,
    encoding: TextEncoding,
    visited: HashSet<PageNumber>,
    report: &'s mut SchemaReport,
}

/// Why a row cannot be read.
enum Trouble {
    Damage(String),
    Limit(LimitExceeded),
    /// The system does not let us read on.
    Fatal(Error),
}

impl From<Damage> for Trouble {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage.to_string())
    }
}

impl Reader<'_> {
    /// Reads the subtree of `page`. An error is only what would keep us from reading any page.
    fn walk(&mut self, page: PageNumber, depth: u32) -> Result<(), Error> {
        if depth > MOST_DEPTH {
            self.damage(page, None, format!("it lies deeper than {MOST_DEPTH} pages below the root"));
            return Ok(());
        }
        let bytes = match self.read_page(page) {
            Ok(bytes) => bytes,
            Err(trouble) => return self.tell(page, None, trouble),
        };
        let btree = match BtreePage::parse(&bytes, page, self.usable_bytes) {
            Ok(btree) => btree,
            Err(damage) => return self.tell(page, None, damage.into()),
        };
        if !btree.kind.is_table() {
            self.damage(page, None, "a page of an index in the b-tree of the schema".to_owned());
            return Ok(());
        }
        let mut room = btree.usable_bytes();
        for index in 0..btree.cell_count {
            let cell = match btree.cell(index) {
                Ok(cell) => cell,
                Err(damage) => {
                    self.tell(page, Some(index), damage.into())?;
                    continue;
                }
            };
            // Cells that lie over each other could make a report a thousand times as long as the file (C10).
            let Some(left) = room.checked_sub(cell.stored_bytes) else {
                self.damage(
                    page,
                    Some(index),
                    "the cells are longer than their page: they overlap".to_owned(),
                );
                break;
            };
            room = left;
            match (cell.left_child, cell.payload) {
                (Some(child), _) => self.walk(child, depth + 1)?,
                (None, Some(payload)) => {
                    if let Err(trouble) = self.read_row(&payload) {
                        self.tell(page, Some(index), trouble)?;
                    }
                }
                (None, None) => {}
            }
        }
        match btree.right_child {
            Some(child) => self.walk(child, depth + 1),
            None => Ok(()),
        }
    }

    /// A page that has not been read before: no page is in a tree, or a chain, twice.
    fn read_page(&mut self, page: PageNumber) -> Result<Vec<u8>, Trouble> {
        let (page_size, page_count) = (self.snapshot.page_size(), self.snapshot.page_count());
        if page.get() > page_count {
            return Err(Trouble::Damage(format!("page {page} is named, but there are only {page_count}")));
        }
        if page == lock_byte_page(page_size) {
            return Err(Trouble::Damage(format!("page {page} is named, which holds the lock bytes")));
        }
        if !self.visited.insert(page) {
            return Err(Trouble::Damage(format!("page {page} is named a second time")));
        }
        let mut bytes = vec![0; page_size.bytes_usize()];
        match self.snapshot.read_pages(page, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::Damaged => Err(Trouble::Damage(error.to_string())),
            Err(error) => Err(Trouble::Fatal(error)),
        }
    }

    fn read_row(&mut self, cell: &CellPayload<'_>) -> Result<(), Trouble> {
        let payload = self.read_payload(cell)?;
        let mut values = Record::parse(&payload)?.values();
        let mut next = |column| -> Result<Value<'_>, Trouble> {
            let missing = || Trouble::Damage(format!("the row has no column `{column}`"));
            Ok(values.next().ok_or_else(missing)??)
        };
        let encoding = self.encoding;
        let text = |column, value| match value {
            Value::Text(bytes) => Ok(decode_text(bytes, encoding)),
            other => Err(Trouble::Damage(format!("column `{column}` is {}", described(&other)))),
        };
        let kind = text("type", next("type")?)?;
        let name = text("name", next("name")?)?;
        let table_name = text("tbl_name", next("tbl_name")?)?;
        let root_page = match next("rootpage")? {
            Value::Null => None,
            Value::Integer(page) => Some(page),
            other => {
                return Err(Trouble::Damage(format!("column `rootpage` is {}", described(&other))));
            }
        };
        let sql = match next("sql")? {
            Value::Null => None,
            value => Some(text("sql", value)?),
        };
        let entry = SchemaEntry { kind, name, table_name, root_page, sql };
        let damage = self.damage_of(&entry);
        self.report.entries.push(entry);
        damage.map_or(Ok(()), |damage| Err(Trouble::Damage(damage)))
    }

    /// Counts a row, and says what is wrong with it although it can be read.
    fn damage_of(&mut self, entry: &SchemaEntry) -> Option<String> {
        let SchemaEntry { kind, name, root_page, .. } = entry;
        let root_page = root_page.unwrap_or_default();
        let has_tree = match kind.as_str() {
            "table" => {
                self.report.table_count += 1;
                // A virtual table has none.
                root_page != 0
            }
            "index" => {
                self.report.index_count += 1;
                true
            }
            "view" => {
                self.report.view_count += 1;
                false
            }
            "trigger" => {
                self.report.trigger_count += 1;
                false
            }
            _ => return Some(format!("`{name}` is of the type `{kind}`, which there is not")),
        };
        let page_count = self.snapshot.page_count();
        let can_be = if has_tree { 2..=i64::from(page_count) } else { 0..=0 };
        let wrong = !can_be.contains(&root_page);
        wrong.then(|| format!("the {kind} `{name}` has the root page {root_page} of {page_count}"))
    }

    /// Puts the payload of a cell together, its overflow chain included, within the limits.
    fn read_payload(&mut self, cell: &CellPayload<'_>) -> Result<Vec<u8>, Trouble> {
        let &CellPayload { payload_bytes, local, first_overflow } = cell;
        let local_bytes = u32::try_from(local.len()).unwrap_or(u32::MAX);
        let pages = chain_length(payload_bytes, local_bytes, self.usable_bytes);
        self.limits.allow(Limit::RecordBytes, payload_bytes.into()).map_err(Trouble::Limit)?;
        self.limits.allow(Limit::ChainLength, pages.into()).map_err(Trouble::Limit)?;
        // It grows page by page as they are found: what a length claims is not believed.
        let mut payload = local.to_vec();
        let mut next = first_overflow;
        for done in 0..pages {
            let Some(page) = next else {
                let chain = format!("the overflow chain ends after {done} pages, {pages} are needed");
                return Err(Trouble::Damage(chain));
            };
            let bytes = self.read_page(page)?;
            let overflow = OverflowPage::parse(&bytes, self.usable_bytes)?;
            let missing = (payload_bytes as usize).saturating_sub(payload.len());
            payload.extend(overflow.content.iter().take(missing));
            next = overflow.next;
        }
        // Does the chain go on, the row is whole all the same.
        Ok(payload)
    }

    fn tell(&mut self, page: PageNumber, cell: Option<u16>, trouble: Trouble) -> Result<(), Error> {
        match trouble {
            Trouble::Damage(damage) => self.damage(page, cell, damage),
            Trouble::Limit(exceeded) => {
                let cell = cell.unwrap_or_default();
                self.report.left_out.push(LeftOut { page: page.get(), cell, exceeded });
            }
            Trouble::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    fn damage(&mut self, page: PageNumber, cell: Option<u16>, damage: String) {
        let message = match (self.report.damage.len(), cell) {
            (MOST_DAMAGE.., _) => return,
            (found, _) if found + 1 == MOST_DAMAGE => {
                "schema: and more of it, which is not listed".to_owned()
            }
            (_, Some(cell)) => format!("schema, page {page}, cell {cell}: {damage}"),
            (_, None) => format!("schema, page {page}: {damage}"),
        };
        self.report.damage.push(DamageReport { path: self.name.to_owned(), message });
    }
}

fn described(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(bytes) => format!("a text of {} bytes", bytes.len()),
        Value::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}
