//! All that `sqlite_schema` says: its rows, and the tables and indexes that they describe.

use super::entry::SchemaEntry;
use super::index::Index;
use super::table::Table;
use std::collections::HashMap;

/// The schema of a database. [schema.md#statements](crate::notes::schema#statements)
///
/// ```
/// use litecopy::schema::Schema;
///
/// let schema = Schema::new(Vec::new());
/// assert_eq!(schema.table("SQLITE_SCHEMA").map(|table| table.columns.len()), Some(5));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Schema {
    /// Every row, in the order of the table.
    pub entries: Vec<SchemaEntry>,
    /// The tables, `sqlite_schema` first, virtual ones included.
    pub tables: Vec<Table>,
    /// The indexes. The primary key of a WITHOUT ROWID table is the table itself, and none of them.
    pub indexes: Vec<Index>,
    /// The tables by their names in small letters.
    by_name: HashMap<String, usize>,
}

impl Schema {
    /// The schema that these rows of `sqlite_schema` describe.
    #[must_use]
    pub fn new(entries: Vec<SchemaEntry>) -> Self {
        let of_kind = |kind: &'static str| entries.iter().filter(move |entry| entry.kind == kind);
        let mut tables = vec![Table::schema_table("sqlite_schema")];
        tables.extend(of_kind("table").map(Table::from_entry));
        let mut by_name = HashMap::new();
        for (index, table) in tables.iter().enumerate() {
            by_name.entry(table.name.to_ascii_lowercase()).or_insert(index);
        }
        let table = |name: &str| by_name.get(&name.to_ascii_lowercase()).and_then(|&index| tables.get(index));
        let indexes =
            of_kind("index").map(|entry| Index::from_entry(entry, table(&entry.table_name))).collect();
        Self { indexes, tables, entries, by_name }
    }

    /// The table of this name, in any case; `sqlite_master` is `sqlite_schema`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        let name = if name.eq_ignore_ascii_case("sqlite_master") { "sqlite_schema" } else { name };
        self.by_name.get(&name.to_ascii_lowercase()).and_then(|&index| self.tables.get(index))
    }

    /// The indexes of a table, in the order of the schema.
    pub fn indexes_of(&self, table: &str) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(move |index| index.table.eq_ignore_ascii_case(table))
    }
}
