//! Rows that are only partly there: which of them are live is told at the end, by going through the live rows once more.

use std::collections::{BTreeSet, HashMap};

use super::live_rows::digest_of_first;
use super::report::DeletedRow;
use crate::rows::Row;

/// What a live row must have to be one of which a part was found: the table, how many fields, and their digest.
type Key = (usize, usize, u64);

/// Rows of which the last values are missing.
#[derive(Default)]
pub(super) struct PartRows {
    rows: Vec<Option<DeletedRow>>,
    places: HashMap<Key, Vec<usize>>,
    /// Of each table how many fields its rows have.
    counts: HashMap<usize, BTreeSet<usize>>,
}

impl PartRows {
    /// Adds a row of which `kept` fields are there.
    pub(super) fn add(&mut self, table: usize, kept: usize, row: DeletedRow) {
        let Some(digest) = digest_of_first(table, &row.row, kept) else { return };
        self.places.entry((table, kept, digest)).or_default().push(self.rows.len());
        self.counts.entry(table).or_default().insert(kept);
        self.rows.push(Some(row));
    }

    /// Whether any of them is of this table.
    pub(super) fn has_table(&self, table: usize) -> bool {
        self.counts.contains_key(&table)
    }

    /// Takes out what may be a part of this live row.
    pub(super) fn strike(&mut self, table: usize, live: &Row) {
        for &kept in self.counts.get(&table).into_iter().flatten() {
            let Some(digest) = digest_of_first(table, live, kept) else { continue };
            for &place in self.places.get(&(table, kept, digest)).into_iter().flatten() {
                if let Some(found) = self.rows.get_mut(place)
                    && found
                        .as_ref()
                        .is_some_and(|it| it.row.rowid().is_none_or(|id| Some(id) == live.rowid()))
                {
                    *found = None;
                }
            }
        }
    }

    /// Those that are left, in the order in which they were added.
    pub(super) fn into_rows(self) -> impl Iterator<Item = DeletedRow> {
        self.rows.into_iter().flatten()
    }
}
