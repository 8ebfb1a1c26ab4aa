//! What SQLite's SELECT gives, in the words of our own rows, and the comparison of the two.

use std::fs;
use std::path::{Path, PathBuf};

use litecopy::rows::{Row, SqlValue};
use litecopy::{Database, Source};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags};

/// Every file of a folder, and what is in it.
pub(crate) fn bytes_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// The tables of a database that have rows of their own, and for each whether it has rowids.
pub(crate) fn tables(db: &Connection) -> Vec<(String, bool)> {
    let sql = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
               AND name NOT IN ('sqlite_schema', 'sqlite_temp_schema') ORDER BY name";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, !row.get::<_, bool>(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A row as a line: what is compared.
fn line(rowid: Option<i64>, values: impl Iterator<Item = (String, Value)>) -> String {
    let values: Vec<String> = values.map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{rowid:?} {}", values.join(" "))
}

/// The rows of a table, as SQLite gives them in the order of the b-tree. Computed columns are left out.
pub(crate) fn selected(db: &Connection, table: &str, has_rowid: bool) -> Vec<String> {
    let names = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 2";
    let mut statement = db.prepare(names).unwrap();
    let names: Vec<String> =
        statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let list: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|rowid| !names.iter().any(|name| name == rowid));
    let (first, order) = match has_rowid {
        true => (rowid.unwrap(), format!(" ORDER BY {}", rowid.unwrap())),
        false => ("NULL", String::new()),
    };
    let sql = format!("SELECT {first}, {} FROM {} NOT INDEXED{order}", list.join(", "), quoted(table));
    let mut statement = db.prepare(&sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let value = |index: usize| match row.get_ref(index + 1).unwrap() {
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => Value::Blob([b"invalid ", bytes].concat()),
            },
            other => other.try_into().unwrap(),
        };
        let values = names.iter().enumerate().map(|(index, name)| (name.clone(), value(index)));
        lines.push(line(row.get(0).unwrap(), values));
    }
    lines
}

fn our_line(row: &Row) -> String {
    let value = |value: SqlValue<'_>| match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Real(number) => Value::Real(number),
        SqlValue::Text(text) => Value::Text(text.into_owned()),
        SqlValue::InvalidText(bytes) => Value::Blob([b"invalid ", bytes].concat()),
        SqlValue::Blob(bytes) => Value::Blob(bytes.to_vec()),
    };
    line(row.rowid(), row.values().map(|(name, it)| (name.into_owned(), value(it))))
}

/// The rows of a table, as we give them; nothing is missed.
pub(crate) fn ours(database: &Database, table: &str) -> Vec<String> {
    let mut rows = database.table(table).unwrap().rows();
    let lines: Vec<String> = rows.by_ref().map(|row| our_line(&row.unwrap())).collect();
    assert_eq!(rows.missed(), [], "{table}");
    lines
}

pub(crate) fn open_read_only(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// Panics unless the rows of every table are those that SQLite selects, and reading them changed no byte beside the database.
/// SQLite reads first, and closes its connection: closing a descriptor drops locks of the whole process.
pub(crate) fn assert_same_rows(path: &Path, what: &str) -> u64 {
    let mut expected = Vec::new();
    {
        let db = open_read_only(path);
        // In UTF-16 SQLite gives text that is not valid with other characters in its place; we give its bytes.
        let is_utf_8 = db.query_row("PRAGMA encoding", [], |row| row.get::<_, String>(0)).unwrap() == "UTF-8";
        for (table, has_rowid) in tables(&db) {
            if table == "invalid" && !is_utf_8 {
                continue;
            }
            let lines = selected(&db, &table, has_rowid);
            expected.push((table, lines));
        }
    }
    let before = bytes_of(path.parent().unwrap());
    let database = Database::open(Source::open(path).unwrap(), None).unwrap();
    let mut count = 0;
    for (table, expected) in expected {
        let found = ours(&database, &table);
        for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
            assert_eq!(found, expected, "{what}: row {index} of {table}");
        }
        assert_eq!(found.len(), expected.len(), "{what}: rows of {table}");
        count += found.len() as u64;
    }
    drop(database);
    assert!(bytes_of(path.parent().unwrap()) == before, "{what}: the source's files changed");
    count
}
