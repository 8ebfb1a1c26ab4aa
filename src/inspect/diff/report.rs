//! What differs, in numbers.

use super::page_difference::PageDifference;
use super::row_changes::{RowChangeKind, RowChanges};
use super::table_pairs::NotCompared;
use crate::error::Result;
use crate::inspect::database::Database;

/// What differs between two databases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DiffReport {
    /// Whether every page is the same.
    pub same: bool,
    /// The page sizes in bytes.
    pub page_size: [u32; 2],
    /// How many pages each has.
    pub page_count: [u32; 2],
    /// The pages that differ.
    pub pages: PageDifference,
    /// The tables whose rows differ.
    pub tables: Vec<TableDifference>,
    /// Tables whose rows could not be compared.
    pub not_compared: Vec<NotCompared>,
    /// Places in either where damage may hide rows.
    pub missed: u64,
}

/// How many rows of a table differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TableDifference {
    /// Its name.
    pub name: String,
    /// Rows that only the second has.
    pub added: u64,
    /// Rows that only the first has.
    pub removed: u64,
    /// Rows that both have, with other values.
    pub changed: u64,
}

/// Compares two databases, or two versions of one: their pages, and their rows. [inspection.md#differences](crate::notes::inspection#differences)
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
///
/// let before = Database::open(Source::open("yesterday.db")?, None)?;
/// let after = Database::open(Source::open("app.db")?, None)?;
/// for table in inspect::diff(&before, &after)?.tables {
///     println!("{}: +{} -{} ~{}", table.name, table.added, table.removed, table.changed);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
///
/// # Errors
///
/// Whatever keeps the files from being read. Damage is none: what cannot be read is left out on either side.
pub fn diff(before: &Database, after: &Database) -> Result<DiffReport> {
    let pages = PageDifference::new(before, after)?;
    let mut report = DiffReport {
        same: pages.is_empty() && before.page_size() == after.page_size(),
        page_size: [before, after].map(|database| database.page_size().bytes()),
        page_count: [before, after].map(Database::page_count),
        pages,
        tables: Vec::new(),
        not_compared: Vec::new(),
        missed: 0,
    };
    let mut changes = RowChanges::new(before, after, &report.pages)?;
    let mut at = None;
    while let Some((place, change)) = changes.advance()? {
        if at != Some(place) {
            at = Some(place);
            let name = changes.pairs().get(place).map(|pair| pair.name.clone()).unwrap_or_default();
            report.tables.push(TableDifference { name, added: 0, removed: 0, changed: 0 });
        }
        if let Some(table) = report.tables.last_mut() {
            match change {
                RowChangeKind::Added => table.added += 1,
                RowChangeKind::Removed => table.removed += 1,
                RowChangeKind::Changed => table.changed += 1,
            }
        }
    }
    report.missed = changes.missed();
    report.not_compared = changes.not_compared().to_vec();
    Ok(report)
}
