//! The rows that are live in the chosen version: none of them is given as deleted.

use crate::format::Value;
use crate::inspect::check::Digest;
use crate::rows::Row;

/// Rows that are live, as digests, 16 bytes a row.
#[derive(Debug, Default)]
pub(super) struct LiveRows {
    /// The digest of table and values, and the rowid; 0 where there is none.
    rows: Vec<(u64, i64)>,
}

impl LiveRows {
    pub(super) fn add(&mut self, table: usize, row: &Row) {
        self.rows.push((digest(table, row), row.rowid().unwrap_or_default()));
    }

    /// Makes them ready to be asked.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup();
    }

    /// Whether a row of which all values are there is, or where its rowid is lost may be, a live one.
    pub(super) fn has(&self, digest: u64, row: &Row) -> bool {
        match row.rowid() {
            Some(rowid) => self.rows.binary_search(&(digest, rowid)).is_ok(),
            None => {
                let place = self.rows.partition_point(|(other, _)| *other < digest);
                self.rows.get(place).is_some_and(|(other, _)| *other == digest)
            }
        }
    }
}

/// A digest of the table and the values of the columns, without those that tell the rowid.
pub(super) fn digest(table: usize, row: &Row) -> u64 {
    let mut digest = Digest::new();
    digest.add(Value::Blob(&table.to_le_bytes()));
    row.add_stored(&mut |value| digest.add(value));
    digest.value()
}

/// The same of its first fields only, as they are stored.
pub(super) fn digest_of_first(table: usize, row: &Row, fields: usize) -> Option<u64> {
    let mut digest = Digest::new();
    digest.add(Value::Blob(&table.to_le_bytes()));
    for field in 0..fields {
        digest.add(row.stored(field)?);
    }
    Some(digest.value())
}
