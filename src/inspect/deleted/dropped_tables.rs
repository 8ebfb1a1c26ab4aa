//! Tables that were dropped: their statements are deleted rows of the schema, their pages are on the freelist.

use super::candidate::Candidate;
use super::page_places::PagePlaces;
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::page_set::PageSet;
use crate::format::{BtreePage, PageNumber};
use crate::inspect::Database;
use crate::rows::{Row, SqlValue};
use crate::schema::{Schema, SchemaEntry, Table};

/// How many entries are kept at most: old images of the schema must not cost without bound.
const MOST_ENTRIES: usize = 1000;

/// How deep a b-tree can be.
const MOST_DEPTH: usize = 20;

/// Tables and indexes that the schema had, and has no more.
#[derive(Default)]
pub(super) struct DroppedTables {
    found: Vec<SchemaEntry>,
}

impl DroppedTables {
    /// Takes a row that the schema has, or had.
    pub(super) fn add(&mut self, row: &Row, schema: &Schema) {
        let text = |column: &str| match row.get(column) {
            Some(SqlValue::Text(text)) => text.into_owned(),
            _ => String::new(),
        };
        let (kind, name) = (text("type"), text("name"));
        let is_live = schema.entries.iter().any(|it| it.name == name && it.kind == kind);
        let is_known = is_live || self.found.iter().any(|it| it.name == name && it.kind == kind);
        if !["table", "index"].contains(&kind.as_str()) || is_known || self.found.len() >= MOST_ENTRIES {
            return;
        }
        let sql = Some(text("sql")).filter(|sql| !sql.is_empty());
        let root_page =
            if let Some(SqlValue::Integer(root)) = row.get("rootpage") { Some(root) } else { None };
        if kind == "index" || sql.as_ref().is_some_and(|sql| sql.starts_with("CREATE TABLE")) {
            self.found.push(SchemaEntry { kind, name, table_name: text("tbl_name"), root_page, sql });
        }
    }

    /// What of a schema there was, with the tables that dropped indexes are of.
    pub(super) fn into_schema(self, live: &Schema) -> Schema {
        let mut entries = self.found;
        let of_index = |it: &&SchemaEntry| it.kind == "table";
        let live_tables: Vec<SchemaEntry> = live.entries.iter().filter(of_index).cloned().collect();
        entries.extend(live_tables);
        Schema::new(entries)
    }
}

/// The tables of `dropped` that `live` does not have.
pub(super) fn dropped_candidates(dropped: &Schema, live: &Schema, encoding: TextEncoding) -> Vec<Candidate> {
    let is_dropped = |table: &&Table| live.table(&table.name).is_none() && !table.columns.is_empty();
    dropped
        .tables
        .iter()
        .filter(is_dropped)
        .map(|table| Candidate::new(table.clone(), encoding, true))
        .collect()
}

/// Gives the pages that a dropped table's root still leads to, and that nothing uses, to the table.
pub(super) fn own_dropped_pages(
    database: &Database,
    candidates: &[Candidate],
    places: &mut PagePlaces,
) -> Result<()> {
    let mut seen = PageSet::new(database.page_count());
    let mut bytes = vec![0; database.page_size().bytes_usize()];
    for (number, candidate) in candidates.iter().enumerate().filter(|(_, it)| it.is_dropped) {
        let mut next: Vec<(PageNumber, usize)> =
            candidate.table.root_page.map(|root| (root, 0)).into_iter().collect();
        while let Some((page, depth)) = next.pop() {
            let is_left = page.get() <= database.page_count() && !places.is_used(page);
            if !is_left || depth > MOST_DEPTH || !seen.insert(page) {
                continue;
            }
            places.own(page, number);
            database.read_page(page, &mut bytes)?;
            let parsed = BtreePage::parse(&bytes, page, database.header().usable_bytes());
            let Some(parsed) = parsed.ok().filter(|it| it.kind.is_table() && !it.kind.is_leaf()) else {
                continue;
            };
            let children = parsed.cells().flatten().filter_map(|cell| cell.left_child);
            next.extend(children.chain(parsed.right_child).map(|child| (child, depth + 1)));
        }
    }
    Ok(())
}
