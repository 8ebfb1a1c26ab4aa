//! Looks for deleted rows: in the pages of the chosen version, in the log, in a journal.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::candidate::{Candidate, shapes};
use super::dropped_tables::{DroppedTables, dropped_candidates, own_dropped_pages};
use super::former_owners::FormerOwners;
use super::live_reading::{Live, strike_live};
use super::live_rows::{LiveRows, digest};
use super::pace::Pace;
use super::page_pass::{PagePass, PassFind};
use super::part_rows::PartRows;
use super::rebuilt::Rebuilt;
use super::report::{DeletedProgress, DeletedRow, Found, FoundIn};
use super::shape_set::ShapeSet;
use super::side_images::SideImages;
use crate::error::Result;
use crate::inspect::Database;

/// Which deleted rows are wanted.
///
/// ```
/// use litecopy::inspect::DeletedOptions;
///
/// let mut options = DeletedOptions::default();
/// options.table = Some("messages".to_owned());
/// options.least_confidence = 0.9;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeletedOptions {
    /// Only those of this table; without it of all that are not SQLite's own.
    pub table: Option<String>,
    /// Only those of at least this confidence, from 0 to 1; 0.7 by default.
    pub least_confidence: f64,
}

impl Default for DeletedOptions {
    fn default() -> Self {
        Self { table: None, least_confidence: 0.7 }
    }
}

/// Gives each deleted row that is still there to `visit`, until that breaks off. None of them is live in the chosen version, and
/// each is given once: where it was found first, in the database before the log and the journal. Those of which only a part
/// is left come last. `progress` is told how far it has come, and can break it off too, which is no error.
///
/// # Errors
/// What keeps any page from being read.
///
/// ```no_run
/// use std::ops::ControlFlow::Continue;
/// use litecopy::inspect::{DeletedOptions, deleted_rows};
/// use litecopy::{Database, Source};
///
/// let database = Database::open(Source::open("app.db")?, None)?;
/// deleted_rows(&database, &DeletedOptions::default(), &mut |_| Continue(()), &mut |found| {
///     println!("{}: {:?} at page {}", found.row.table(), found.row.rowid(), found.found.page);
///     Continue(())
/// })?;
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn deleted_rows(
    database: &Database,
    options: &DeletedOptions,
    progress: &mut dyn FnMut(DeletedProgress) -> ControlFlow<()>,
    visit: &mut dyn FnMut(DeletedRow) -> ControlFlow<()>,
) -> Result<()> {
    find(database, &Wanted { options, rowid: None }, progress, visit).map(|_| ())
}

/// What is wanted.
pub(super) struct Wanted<'w> {
    pub(super) options: &'w DeletedOptions,
    /// Only rows with this rowid, from every place where they are found.
    pub(super) rowid: Option<i64>,
}

/// Gives the rows that are wanted to `visit`; breaks off where that or `progress` does.
pub(super) fn find(
    database: &Database,
    wanted: &Wanted<'_>,
    progress: &mut dyn FnMut(DeletedProgress) -> ControlFlow<()>,
    visit: &mut dyn FnMut(DeletedRow) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    const BROKEN_OFF: Result<ControlFlow<()>> = Ok(ControlFlow::Break(()));
    if database.page_count() == 0 {
        return Ok(ControlFlow::Continue(()));
    }
    let (schema, _) = database.schema()?;
    let sides = SideImages::of_database(database)?;
    let mut pace = Pace::new(database, &sides, progress);
    let Some(live) = Live::read(database, &schema, &mut pace)? else { return BROKEN_OFF };
    let Live { mut candidates, mut places, rows } = live;

    let mut dropped = DroppedTables::default();
    if let Some(schema_table) = candidates.first_mut() {
        schema_table.shape.settle();
        let set = ShapeSet::new(vec![schema_table.shape.clone()]);
        let tables = std::slice::from_ref(schema_table);
        let former = FormerOwners::default();
        let pass = PagePass { database, places: &places, sides: &sides, former: &former, set: &set, tables };
        let mut visit = |found: PassFind| {
            dropped.add(&found.rebuilt.row, &schema);
            ControlFlow::Continue(())
        };
        if pass.run(&mut pace, &mut visit)?.is_break() {
            return BROKEN_OFF;
        }
    }
    let dropped = dropped.into_schema(&schema);
    candidates.extend(dropped_candidates(&dropped, &schema, database.header().text_encoding));
    own_dropped_pages(database, &candidates, &mut places)?;
    let former = FormerOwners::find(database, &candidates, &sides, &mut places)?;

    let set = shapes(&mut candidates, [&schema, &dropped]);
    let (given, parts) = (HashSet::new(), PartRows::default());
    let mut finder = Finder { wanted, candidates: &candidates, live: &rows, given, parts, visit };
    let tables = candidates.as_slice();
    let pass = PagePass { database, places: &places, sides: &sides, former: &former, set: &set, tables };
    if pass.run(&mut pace, &mut |found| finder.take(found))?.is_break() {
        return BROKEN_OFF;
    }
    strike_live(database, &candidates, &mut finder.parts)?;
    Ok(finder.give_parts())
}

/// Gives what is found, if it is wanted, not live, and not given yet.
struct Finder<'a> {
    wanted: &'a Wanted<'a>,
    candidates: &'a [Candidate],
    live: &'a LiveRows,
    /// The digests of what was given, with the rowid.
    given: HashSet<(u64, Option<i64>)>,
    parts: PartRows,
    visit: &'a mut dyn FnMut(DeletedRow) -> ControlFlow<()>,
}

impl Finder<'_> {
    fn take(&mut self, found: PassFind) -> ControlFlow<()> {
        let PassFind { table, rebuilt, found, is_cell } = found;
        let Rebuilt { row, confidence, kept, has_all } = rebuilt;
        let Wanted { options, rowid } = self.wanted;
        let is_wanted = match &options.table {
            Some(table) => row.table().eq_ignore_ascii_case(table),
            None => !row.table().starts_with("sqlite_"),
        };
        let is_asked = rowid.is_none() || row.rowid() == *rowid;
        if !is_wanted || !is_asked || confidence < options.least_confidence {
            return ControlFlow::Continue(());
        }
        let digest = digest(table, &row);
        let is_known = has_all && self.live.has(digest, &row);
        let is_new = rowid.is_some() || self.given.insert((digest, row.rowid()));
        if is_known || !is_new {
            return ControlFlow::Continue(());
        }
        let is_dropped = self.candidates.get(table).is_some_and(|it| it.is_dropped);
        let in_file = !matches!(found.place, FoundIn::Wal | FoundIn::Journal);
        let place = if is_dropped && in_file { FoundIn::DroppedTable } else { found.place };
        let found = Found { place, ..found };
        let confidence = (confidence * 100.0).floor() / 100.0;
        let whole = has_all && (row.rowid().is_some() || !row.has_rowid_column());
        let row = DeletedRow { row, found, confidence, whole, is_cell };
        if has_all {
            return (self.visit)(row);
        }
        self.parts.add(table, kept, row);
        ControlFlow::Continue(())
    }

    /// Gives the rows of which only a part is there, and which are not live.
    fn give_parts(self) -> ControlFlow<()> {
        let Self { parts, visit, .. } = self;
        parts.into_rows().try_for_each(visit)
    }
}
