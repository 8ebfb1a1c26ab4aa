//! The schema: which tables, indexes, views and triggers a database has, as one committed version of it says.
//!
//! Read through a snapshot, so under SQLite's locks, with log and hot journal laid over the file as in a copy. What is damaged
//! is told, and the rest goes on.

use std::path::Path;

use super::damage_report::DamageReport;
use crate::attempt::{Attempt, Obstacle};
use crate::error::Error;
use crate::format::Damage;
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::schema::SchemaEntry;
use crate::source::{Snapshot, Source, Standing};
use crate::walk::{Cause, Fault, SchemaRow, Walk};

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
    /// From where on rows are counted, but not listed: together they want more than the limit
    /// [`SchemaBytes`](crate::Limit::SchemaBytes) lets them have.
    pub cut: Option<LimitExceeded>,
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

    /// Adds and counts a row; an error is what is wrong with it although it can be read.
    fn add(&mut self, row: SchemaRow, page_count: u32) -> Result<(), Damage> {
        let SchemaRow { kind, name, table_name, root_page, sql } = row;
        let (counted, has_tree) = match kind.as_str() {
            // A virtual table has none.
            "table" => (Some(&mut self.table_count), root_page.unwrap_or_default() != 0),
            "index" => (Some(&mut self.index_count), true),
            "view" => (Some(&mut self.view_count), false),
            "trigger" => (Some(&mut self.trigger_count), false),
            _ => (None, true),
        };
        let is_known = counted.is_some();
        if let Some(count) = counted {
            *count += 1;
        }
        if self.cut.is_none() {
            self.entries.push(SchemaEntry { kind, name, table_name, root_page, sql });
        }
        if !is_known {
            let found = "none of `table`, `index`, `view` and `trigger`";
            return Err(Damage::SchemaColumn { column: "type", found });
        }
        let found = root_page.unwrap_or_default();
        let can_be = if has_tree { 2..=i64::from(page_count) } else { 0..=0 };
        if can_be.contains(&found) { Ok(()) } else { Err(Damage::SchemaRoot { found, page_count }) }
    }

    /// Adds what is wrong with the schema's own pages.
    fn tell(&mut self, fault: Fault, name: &Path) {
        let (page, cell) = (fault.page, fault.cell);
        let message = match fault.cause {
            Cause::Limit(exceeded) => {
                let cell = cell.unwrap_or_default();
                self.left_out.push(LeftOut { page: page.get(), cell, exceeded });
                return;
            }
            _ if self.damage.len() >= MOST_DAMAGE => return,
            _ if self.damage.len() + 1 == MOST_DAMAGE => {
                "schema: and more of it, which is not listed".to_owned()
            }
            cause => match cell {
                Some(cell) => format!("schema, page {page}, cell {cell}: {cause}"),
                None => format!("schema, page {page}: {cause}"),
            },
        };
        self.damage.push(DamageReport { path: name.to_owned(), message });
    }
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
///
/// ```no_run
/// use litecopy::SourceOptions;
/// use litecopy::inspect::inspect_schema;
///
/// # fn main() -> litecopy::Result<()> {
/// let mut source = SourceOptions::new().open("app.db")?;
/// for entry in inspect_schema(&mut source).entries {
///     println!("{} {}", entry.kind, entry.name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn inspect_schema(source: &mut Source) -> SchemaReport {
    for _ in 0..TRIES {
        let snapshot = match source.begin() {
            Ok(Attempt::Got(snapshot)) => snapshot,
            Ok(Attempt::Busy(obstacle)) => return SchemaReport::unread(format!("busy: {obstacle}")),
            Err(error) => return SchemaReport::unread(error),
        };
        let name = source.path().unwrap_or(source.name());
        let read = read(&snapshot, name, snapshot.limits());
        match (read, source.end(snapshot)) {
            (_, Ok(Standing::Withdrawn)) => {}
            (Ok(report), Ok(Standing::Confirmed)) => return report,
            (Err(error), _) | (Ok(_), Err(error)) => return SchemaReport::unread(error),
        }
    }
    SchemaReport::unread(format!("busy: {}", Obstacle::Change))
}

/// Reads the schema of a snapshot.
pub(super) fn read(snapshot: &Snapshot, name: &Path, limits: &Limits) -> Result<SchemaReport, Error> {
    let mut report = SchemaReport::default();
    if snapshot.page_count() == 0 {
        return Ok(report);
    }
    let header = match snapshot.read_header() {
        Ok(header) => header,
        Err(error) => return Ok(SchemaReport::unread(error)),
    };
    let mut found = SchemaReport::default();
    let mut kept_bytes = 0_u64;
    let tell = |fault: Fault| found.tell(fault, name);
    Walk::new(snapshot, header, tell).schema_rows(|row| {
        kept_bytes = kept_bytes.saturating_add(row.size_bytes());
        if report.cut.is_none() {
            report.cut = limits.allow(Limit::SchemaBytes, kept_bytes).err();
        }
        report.add(row.columns(header.text_encoding)?, snapshot.page_count())
    })?;
    Ok(SchemaReport { damage: found.damage, left_out: found.left_out, ..report })
}
