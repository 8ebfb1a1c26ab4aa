//! The versions of one row, in their order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use super::finder::{DeletedOptions, Wanted, find};
use super::live_rows::digest;
use super::report::{DeletedProgress, DeletedRow, FoundIn};
use crate::error::{Error, Problem, Result};
use crate::inspect::Database;

/// The former versions of a row that are still there, the oldest first as far as that can be told: what was found of it as free space, then
/// page images of the journal, and of frames behind the end of the log, then the commits of the log in their order. Each version
/// is given once. `progress` can break it off; then nothing is given.
///
/// A version whose rowid is lost cannot be known as one of this row, and is left out.
///
/// # Errors
/// [`NoSuchTable`](crate::ErrorKind::NoSuchTable) for a table `WITHOUT ROWID`, and what keeps any page from being read.
///
/// ```no_run
/// use std::ops::ControlFlow::Continue;
/// use litecopy::inspect::row_history;
/// use litecopy::{Database, Source};
///
/// let database = Database::open(Source::open("app.db")?, None)?;
/// for version in row_history(&database, "messages", 42, &mut |_| Continue(()))? {
///     println!("{:?}: {:?}", version.found.commit, version.row.get("text"));
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn row_history(
    database: &Database,
    table: &str,
    rowid: i64,
    progress: &mut dyn FnMut(DeletedProgress) -> ControlFlow<()>,
) -> Result<Vec<DeletedRow>> {
    // One that is not in the schema may have been dropped.
    if let Ok(reader) = database.table(table)
        && reader.definition().without_rowid
    {
        let table = reader.definition().name.clone();
        return Err(Error::new(database.path(), Problem::NoRowids { table }));
    }
    let options = DeletedOptions { table: Some(table.to_owned()), ..DeletedOptions::default() };
    let mut versions: HashMap<u64, DeletedRow> = HashMap::new();
    let mut add = |row: DeletedRow| {
        match versions.entry(digest(0, &row.row)) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut place) if is_better(&row, place.get()) => {
                place.insert(row);
            }
            Entry::Occupied(_) => {}
        }
        ControlFlow::Continue(())
    };
    let wanted = Wanted { options: &options, rowid: Some(rowid) };
    if find(database, &wanted, progress, &mut add)?.is_break() {
        return Ok(Vec::new());
    }
    let mut versions: Vec<DeletedRow> = versions.into_values().collect();
    versions.sort_by_key(|version| (age(version), version.found.page, version.found.offset));
    Ok(versions)
}

/// Whether a place tells more than another of when a version was there: the first commit that had it as a row tells most.
fn is_better(row: &DeletedRow, than: &DeletedRow) -> bool {
    let ((class, ..), (than_class, ..)) = (age(row), age(than));
    class > than_class || (class == than_class && age(row) < age(than))
}

/// The older, the less. What is left of a row in free space was there before every image that has one as a row.
fn age(row: &DeletedRow) -> (u8, Option<u32>, Option<u32>) {
    let class = match (row.is_cell, row.found.place) {
        (true, FoundIn::Wal) if row.found.commit.is_some() => 3,
        (true, FoundIn::Wal) => 1,
        (true, FoundIn::Journal) => 2,
        _ => 0,
    };
    (class, row.found.commit, row.found.frame)
}
