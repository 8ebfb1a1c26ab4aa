//! A row of `sqlite_schema`: one table, index, view or trigger.

use crate::format::PageNumber;
use crate::walk::SchemaRow;

/// A row of the schema. The names in JSON are those of the columns. [records.md#the-schema](crate::notes::records#the-schema)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SchemaEntry {
    /// `table`, `index`, `view` or `trigger`.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub kind: String,
    /// Its own name.
    pub name: String,
    /// The table, or view, that it belongs to; its own name for tables and views.
    #[cfg_attr(feature = "serde", serde(rename = "tbl_name"))]
    pub table_name: String,
    /// The root page of its b-tree, as stored; 0 or `None` for what has none: views, triggers and virtual tables.
    #[cfg_attr(feature = "serde", serde(rename = "rootpage"))]
    pub root_page: Option<i64>,
    /// The statement that made it; `None` for indexes that SQLite made by itself.
    pub sql: Option<String>,
}

impl SchemaEntry {
    /// The root page, where there is one that a page can have.
    #[must_use]
    pub fn root(&self) -> Option<PageNumber> {
        self.root_page.and_then(|page| u32::try_from(page).ok()).and_then(PageNumber::new)
    }
}

impl From<SchemaRow> for SchemaEntry {
    fn from(row: SchemaRow) -> Self {
        let SchemaRow { kind, name, table_name, root_page, sql } = row;
        Self { kind, name, table_name, root_page, sql }
    }
}
