//! What a database holds, as SQLite reads it: dumps that compare, and `integrity_check`.
//!
//! Both read a byte copy in a folder of its own, so that the database itself is not touched by it.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

use crate::files::{Folder, byte_copy};

/// The settings that a copy takes over.
const SETTINGS: [&str; 8] = [
    "encoding",
    "page_size",
    "page_count",
    "freelist_count",
    "auto_vacuum",
    "user_version",
    "application_id",
    "schema_version",
];

/// Everything in the database, a line each: settings, schema in its order, and the rows of every table in order.
pub(crate) fn dump(database: &Path) -> Vec<String> {
    let folder = Folder::for_judging();
    dump_of(&Connection::open(byte_copy(database, &folder)).unwrap())
}

/// What `PRAGMA integrity_check` says.
pub(crate) fn integrity_check(database: &Path) -> String {
    let folder = Folder::for_judging();
    integrity_check_of(&Connection::open(byte_copy(database, &folder)).unwrap())
}

pub(crate) fn integrity_check_of(connection: &Connection) -> String {
    rows(connection, "PRAGMA integrity_check").unwrap().concat().join("\n")
}

pub(crate) fn dump_of(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    for setting in SETTINGS {
        let value = rows(connection, &format!("PRAGMA {setting}")).unwrap();
        lines.push(format!("{setting} = {}", value.concat().join(" ")));
    }
    let schema = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid";
    lines.extend(rows(connection, schema).unwrap().into_iter().map(|row| row.join(" ")));
    let tables =
        rows(connection, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'");
    let mut tables = tables.unwrap().concat();
    tables.sort();
    for quoted in tables {
        let table = format!("\"{}\"", quoted.trim_matches('\''));
        let mut found = rows(connection, &format!("SELECT rowid, * FROM {table}"))
            .or_else(|_| rows(connection, &format!("SELECT * FROM {table}")))
            .unwrap();
        found.sort();
        lines.extend(found.into_iter().map(|row| format!("{table}: {}", row.join(" "))));
    }
    lines
}

/// The rows that a statement gives, each value written as an SQL literal.
pub(crate) fn rows(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    rows_of(&mut connection.prepare(sql)?)
}

/// The rows that a statement gives, which may have been prepared long ago.
pub(crate) fn rows_of(statement: &mut Statement<'_>) -> rusqlite::Result<Vec<Vec<String>>> {
    let column_count = statement.column_count();
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..column_count).map(|column| row.get_ref(column).map(literal));
        found.push(values.collect::<rusqlite::Result<Vec<String>>>()?);
    }
    Ok(found)
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{text}'"),
            Err(_) => format!("text x'{}'", hex(bytes)),
        },
        ValueRef::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_type_or_setting_changes_the_dump() {
        let of = |sql: &str| {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&format!("CREATE TABLE t(a, b BLOB); {sql}")).unwrap();
            dump_of(&connection)
        };
        let plain = of("INSERT INTO t VALUES (1, x'01')");
        assert_eq!(plain, of("INSERT INTO t VALUES (1, x'01')"));
        for other in [
            "INSERT INTO t VALUES (1.0, x'01')",
            "INSERT INTO t VALUES ('1', x'01')",
            "INSERT INTO t VALUES (1, x'02')",
            "INSERT INTO t(rowid, a, b) VALUES (7, 1, x'01')",
            "INSERT INTO t VALUES (1, x'01'); PRAGMA user_version = 3",
            "INSERT INTO t VALUES (1, x'01'); CREATE INDEX i ON t(a)",
        ] {
            assert_ne!(plain, of(other), "{other}");
        }
    }
}
