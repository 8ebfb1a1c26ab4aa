//! The b-trees of a database: whose they are, and where each begins.

use super::database::Database;
use crate::error::Result;
use crate::format::{Damage, PageNumber};
use crate::walk::{Fault, SchemaRow, Walk};

/// What the table of the schema is called.
const SCHEMA: &str = "sqlite_schema";

/// A table or an index that has pages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// Its name; `sqlite_schema` for the table of the schema.
    pub name: String,
    /// `table` or `index`.
    pub kind: String,
    /// The table that it belongs to; of a table its own name.
    pub table: String,
    /// The first page of its b-tree.
    pub root_page: PageNumber,
}

impl Owner {
    /// All of a database, in the order of the schema, its own table first. What of the schema cannot be read is told to
    /// `sink`.
    pub(super) fn all(database: &Database, sink: impl FnMut(Fault)) -> Result<Vec<Self>> {
        let mut owners = Vec::new();
        schema_rows(database, sink, |row| {
            owners.extend(Self::from_row(&row)?);
            Ok(())
        })?;
        if database.page_count() > 0 {
            let name = SCHEMA.to_owned();
            let schema = Self {
                name: name.clone(),
                kind: "table".to_owned(),
                table: name,
                root_page: PageNumber::FIRST,
            };
            owners.insert(0, schema);
        }
        Ok(owners)
    }

    /// Views, triggers and virtual tables have no pages.
    pub(super) fn from_row(row: &SchemaRow) -> std::result::Result<Option<Self>, Damage> {
        let Some(found) = row.root_page.filter(|&root| root != 0) else { return Ok(None) };
        let root_page = u32::try_from(found).ok().and_then(PageNumber::new);
        // Which pages there are, the walk tells.
        let root_page = root_page.ok_or(Damage::SchemaRoot { found, page_count: u32::MAX })?;
        let SchemaRow { kind, name, table_name, .. } = row;
        Ok(Some(Self { name: name.clone(), kind: kind.clone(), table: table_name.clone(), root_page }))
    }
}

/// Gives each row of the schema that can be read to `visit`.
pub(super) fn schema_rows(
    database: &Database,
    sink: impl FnMut(Fault),
    mut visit: impl FnMut(SchemaRow) -> std::result::Result<(), Damage>,
) -> Result<()> {
    if database.page_count() == 0 {
        return Ok(());
    }
    let header = *database.header();
    Walk::new(database.snapshot(), header, sink).schema_rows(|row| visit(row.columns(header.text_encoding)?))
}
