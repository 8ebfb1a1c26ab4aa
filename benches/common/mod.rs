//! What the benches share: the table that fills their databases.

use rusqlite::Connection;
use std::path::Path;

/// Makes a database with a table `t` of so many rows, two to a page, and does not sync it.
pub(crate) fn filled(path: &Path, journal_mode: &str, row_count: u64) -> Connection {
    let database = Connection::open(path).unwrap();
    database
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal_mode};
             CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB);
             WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {row_count})
             INSERT INTO t SELECT i, randomblob(1980) FROM n;"
        ))
        .unwrap();
    database
}
