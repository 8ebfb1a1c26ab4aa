//! How a dump is to be made, and what came of it.

use crate::rows::{Missed, Row};

/// How many places, rows and statements are told; of more only the number.
const MOST_TOLD: usize = 100;

/// How a dump is to be made.
///
/// ```
/// use litecopy::inspect::DumpOptions;
///
/// let options = DumpOptions::default();
/// assert_eq!(options.lost_and_found.as_deref(), Some("lost_and_found"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpOptions {
    /// The name of the table for rows that belong to no table; `None` leaves them out.
    pub lost_and_found: Option<String>,
    /// Whether each statement is given by a write of its own, with its semicolon and line break; else many by one.
    pub by_statement: bool,
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self { lost_and_found: Some("lost_and_found".to_owned()), by_statement: false }
    }
}

/// What a dump has in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DumpReport {
    /// How many tables were written, virtual ones included.
    pub table_count: u64,
    /// How many rows were written into tables.
    pub row_count: u64,
    /// How many of them are from leaves that no page leads to any more.
    pub rescued_count: u64,
    /// How many rows belong to no table, and lie in the lost-and-found table, if there is one.
    pub lost_count: u64,
    /// The name of the lost-and-found table, if it was made: another one than asked for where something has that name.
    pub lost_and_found: Option<String>,
    /// How many rows are in the lost-and-found table because SQLite would not take them back into their own: a NULL or a type that a
    /// column does not take, or a key that is there already.
    pub refused_count: u64,
    /// Which those are, and why: the first of them.
    pub refused: Vec<String>,
    /// How many rows have a rowid or a key that may be there already. Those of which it is go to the lost-and-found table when
    /// the dump is read back.
    pub doubtful_count: u64,
    /// Indexes that SQLite may not take, and why. They come last, where nothing hangs on them.
    pub doubtful_indexes: Vec<String>,
    /// Statements of the schema that were not written as they are, and why.
    pub statements_refused: Vec<String>,
    /// Places at which rows are missing: the first of them.
    pub missed: Vec<Missed>,
    /// How many such places there are.
    pub missed_count: u64,
}

impl DumpReport {
    /// Whether everything that the database has is in the dump, in its table.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missed_count == 0
            && self.lost_count == 0
            && self.rescued_count == 0
            && self.refused_count == 0
            && self.doubtful_count == 0
            && self.doubtful_indexes.is_empty()
            && self.statements_refused.is_empty()
    }

    pub(super) fn add_refused(&mut self, table: &str, row: &Row, why: &str) {
        self.refused_count += 1;
        if self.refused.len() < MOST_TOLD {
            let (page, offset) = (row.page(), row.offset());
            self.refused.push(format!("table `{table}`, page {page}, offset {offset}: {why}"));
        }
    }

    pub(super) fn add_doubtful_index(&mut self, name: &str, why: &str) {
        self.doubtful_indexes.push(format!("index `{name}`: {why}"));
    }

    pub(super) fn refuse_statement(&mut self, kind: &str, name: &str, why: &str) {
        self.statements_refused.push(format!("{kind} `{name}`: {why}"));
    }

    pub(super) fn add_missed(&mut self, missed: &[Missed], count: u64) {
        let room = MOST_TOLD.saturating_sub(self.missed.len());
        self.missed.extend(missed.iter().take(room).cloned());
        self.missed_count = self.missed_count.saturating_add(count);
    }
}

/// How far a dump is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpProgress {
    /// How many pages have been read.
    pub pages_read: u32,
    /// How many there are.
    pub page_count: u32,
}
