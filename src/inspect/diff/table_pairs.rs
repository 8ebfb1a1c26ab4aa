//! Which tables of two databases stand for each other.

use crate::error::Result;
use crate::inspect::database::Database;
use crate::schema::{Schema, Table};
use std::collections::HashMap;

/// A table whose rows could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct NotCompared {
    /// Its name.
    pub name: String,
    /// Why not.
    pub why: String,
}

/// A table of the first database, of the second, or of both.
#[derive(Clone, Debug)]
pub(super) struct TablePair {
    pub(super) name: String,
    pub(super) before: Option<Table>,
    pub(super) after: Option<Table>,
    /// Whether both have the same statement: then equal pages have equal rows.
    pub(super) same_definition: bool,
}

/// The tables of both in the order of the first, then those that only the second has; and those that cannot be compared.
pub(super) fn table_pairs(before: &Database, after: &Database) -> Result<(Vec<TablePair>, Vec<NotCompared>)> {
    let (one, _) = before.schema()?;
    let (other, _) = after.schema()?;
    let same_encoding = before.header().text_encoding == after.header().text_encoding;
    let same_form = same_encoding && before.header().usable_bytes() == after.header().usable_bytes();
    let (mut pairs, mut not_compared) = (Vec::new(), Vec::new());
    let (before_by_name, after_by_name) = (by_name(&one), by_name(&other));
    let (before_sql, after_sql) = (statements(&one), statements(&other));
    let only_after = other.tables.iter().filter(|table| !before_by_name.contains_key(&key(&table.name)));
    let firsts = one.tables.iter().map(|table| (Some(table), after_by_name.get(&key(&table.name)).copied()));
    for (first, second) in firsts.chain(only_after.map(|table| (None, Some(table)))) {
        let Some(name) = first.or(second).map(|table| table.name.clone()) else { continue };
        let [first, second] = [first, second].map(|table| table.filter(|it| has_rows(it)));
        if first.is_none() && second.is_none() {
            continue;
        }
        if let Some(why) = why_not(first, second, same_encoding) {
            not_compared.push(NotCompared { name, why: why.to_owned() });
            continue;
        }
        let same_definition = same_form && before_sql.get(&key(&name)) == after_sql.get(&key(&name));
        pairs.push(TablePair { name, before: first.cloned(), after: second.cloned(), same_definition });
    }
    Ok((pairs, not_compared))
}

fn has_rows(table: &Table) -> bool {
    !table.is_virtual() && table.root_page.is_some()
}

fn why_not(first: Option<&Table>, second: Option<&Table>, same_encoding: bool) -> Option<&'static str> {
    let both = || [first, second].into_iter().flatten();
    if both().any(|table| table.note.is_some()) {
        return Some("its statement cannot be read");
    }
    let has_both = first.is_some() && second.is_some();
    let without_rowid = both().filter(|table| table.without_rowid).count();
    match (has_both, without_rowid) {
        (true, 1) => Some("it has rowids in one of them, and none in the other"),
        (true, 2) if !same_encoding => Some("its keys are text in different encodings"),
        _ => None,
    }
}

/// Names are the same in any case. A schema may be long: nothing is looked for by going through it.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn by_name(schema: &Schema) -> HashMap<String, &Table> {
    schema.tables.iter().rev().map(|table| (key(&table.name), table)).collect()
}

fn statements(schema: &Schema) -> HashMap<String, Option<&str>> {
    let tables = schema.entries.iter().rev().filter(|entry| entry.kind == "table");
    tables.map(|entry| (key(&entry.name), entry.sql.as_deref())).collect()
}
