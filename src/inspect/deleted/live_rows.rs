//! The rows that are live in the chosen version, as digests: none of them is given as deleted.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::rows::{Row, SqlValue};

/// Digests of rows, 24 bytes a row.
#[derive(Debug, Default)]
pub(super) struct LiveRows {
    /// Table, rowid and values.
    rows: HashSet<u64>,
    /// Table and values, without those that tell the rowid.
    values: HashSet<u64>,
    /// Table and rowid.
    rowids: HashSet<u64>,
}

impl LiveRows {
    pub(super) fn add(&mut self, row: &Row) {
        self.rows.insert(digest(row, true));
        self.values.insert(digest(row, false));
        self.rowids.insert(rowid_digest(row));
    }

    /// Whether a row that was found is, or may be, a live one.
    pub(super) fn has(&self, row: &Row, is_whole: bool) -> bool {
        match (row.rowid(), is_whole) {
            (Some(_), true) => self.rows.contains(&digest(row, true)),
            (Some(_), false) => self.rowids.contains(&rowid_digest(row)),
            (None, _) => self.values.contains(&digest(row, false)),
        }
    }
}

/// A digest of the table, the values, and with them the rowid if it is wanted.
pub(super) fn digest(row: &Row, with_rowid: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.table().hash(&mut hasher);
    if with_rowid {
        row.rowid().hash(&mut hasher);
    }
    for index in 0..row.len() {
        if row.is_rowid(index) {
            continue;
        }
        match row.value(index) {
            SqlValue::Null => 0_u8.hash(&mut hasher),
            SqlValue::Integer(number) => (1_u8, number).hash(&mut hasher),
            SqlValue::Real(number) => (2_u8, number.to_bits()).hash(&mut hasher),
            SqlValue::Text(text) => (3_u8, text).hash(&mut hasher),
            SqlValue::InvalidText(bytes) => (4_u8, bytes).hash(&mut hasher),
            SqlValue::Blob(bytes) => (5_u8, bytes).hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn rowid_digest(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    (row.table(), row.rowid()).hash(&mut hasher);
    hasher.finish()
}
