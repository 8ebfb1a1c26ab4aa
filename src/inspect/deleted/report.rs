//! A deleted row, and where it was found.

use crate::rows::Row;

/// Where in the files a deleted row was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum FoundIn {
    /// A page of the freelist.
    Freelist,
    /// A free block of a page in use.
    FreeBlock,
    /// The space of a page in use that no cell was given.
    Unallocated,
    /// What follows the end of an overflow chain in its last page.
    OverflowSlack,
    /// A page image in the write-ahead log.
    Wal,
    /// A page image in a rollback journal.
    Journal,
    /// A page that nothing leads to, or a former content of one: the file has it, and the log has a newer image.
    Unreachable,
    /// A page that a table had which was dropped.
    DroppedTable,
}

/// How far the search for deleted rows is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedProgress {
    /// How many pages have been gone through; each counts as often as it is.
    pub done: u64,
    /// How many there are to go through in all.
    pub pages: u64,
}

/// The place of a deleted row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Found {
    /// The number of the page, from 1.
    pub page: u32,
    /// Where in the page the cell begins, or what is left of it, in bytes.
    pub offset: u32,
    /// In what it lies.
    #[cfg_attr(feature = "serde", serde(rename = "in"))]
    pub place: FoundIn,
    /// The frame of the log, from 1, if it was found there.
    pub frame: Option<u32>,
    /// The commit that the frame is of, from 1, if it is a valid one.
    pub commit: Option<u32>,
}

/// A row that was deleted, or a former version of one that was changed.
///
/// In JSON it has the keys of a row, and `found`, `confidence` and `whole`; values that are lost are absent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeletedRow {
    /// The row, with the values that are left.
    pub row: Row,
    /// Where it was found.
    pub found: Found,
    /// How likely it is that it was a row of this table with these values, from 0 to 1.
    pub confidence: f64,
    /// Whether all of it is there.
    pub whole: bool,
    /// Whether the page image that it was found in had it as a row.
    pub(super) is_cell: bool,
}

#[cfg(feature = "serde")]
impl serde::Serialize for DeletedRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut row = serializer.serialize_struct("DeletedRow", 6)?;
        row.serialize_field("table", self.row.table())?;
        row.serialize_field("rowid", &self.row.rowid())?;
        row.serialize_field("values", &crate::rows::KnownValues(&self.row, self.whole))?;
        row.serialize_field("found", &self.found)?;
        row.serialize_field("confidence", &self.confidence)?;
        row.serialize_field("whole", &self.whole)?;
        row.end()
    }
}
