//! `litecopy rows --deleted` and `--history`: rows that were deleted, and former versions of one.

use std::ops::ControlFlow;

use litecopy::Database;
use litecopy::inspect::{DeletedOptions, DeletedProgress, deleted_rows, row_history};

use super::output::Output;
use super::reading_progress::ReadingProgress;
use super::stopped::Stopped;

/// Prints the rows that were deleted, of one table or of all, of at least this confidence.
pub(super) fn print_rows(
    database: &Database,
    table: Option<&str>,
    least_confidence: f64,
    output: &mut Output,
) -> Result<(), Stopped> {
    let mut options = DeletedOptions::default();
    options.table = table.map(str::to_owned);
    options.least_confidence = least_confidence;
    let (bar, mut failed, mut is_found) = (Bar::new(), None, false);
    deleted_rows(database, &options, &mut |progress| bar.show(progress), &mut |row| {
        is_found = true;
        match output.json(&row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    bar.clear();
    // A table that was dropped is none of the schema; one that is not known at all is an error.
    if let Some(table) = table.filter(|_| !is_found) {
        database.table(table)?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Prints the versions of a row: those that are gone, the oldest first as far as that can be told, then the one that is live.
pub(super) fn print_history(
    database: &Database,
    table: &str,
    rowid: i64,
    output: &mut Output,
) -> Result<(), Stopped> {
    let bar = Bar::new();
    let versions = row_history(database, table, rowid, &mut |progress| bar.show(progress))?;
    bar.clear();
    for version in &versions {
        output.json(version)?;
    }
    let reader = match database.table(table) {
        Ok(reader) => reader,
        Err(_) if !versions.is_empty() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut rows = reader.rows();
    while let Some(row) = rows.next_row()? {
        if row.rowid() == Some(rowid) {
            output.json(row)?;
        }
    }
    Ok(())
}

/// A bar of pages whose length is known when the first of them are done.
struct Bar(ReadingProgress);

impl Bar {
    fn new() -> Self {
        Self(ReadingProgress::new(0))
    }

    fn show(&self, progress: DeletedProgress) -> ControlFlow<()> {
        self.0.set_length(progress.pages);
        self.0.show(u32::try_from(progress.done).unwrap_or(u32::MAX));
        ControlFlow::Continue(())
    }

    fn clear(&self) {
        self.0.clear();
    }
}
