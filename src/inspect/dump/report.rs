//! How a dump is to be made, and what came of it.

use crate::rows::Missed;

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
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self { lost_and_found: Some("lost_and_found".to_owned()) }
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
            && self.statements_refused.is_empty()
    }

    pub(super) fn add_missed(&mut self, missed: &[Missed], count: u64) {
        /// How many places are told.
        const MOST_TOLD: usize = 100;
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
