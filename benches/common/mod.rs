//! What the benches share: the database that is copied.

use rusqlite::Connection;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How many rows, of two to a page, make a megabyte.
pub(crate) const ROWS_A_MEGABYTE: u64 = 512;

/// Makes `source.db` in the folder, of about so many megabytes, synced to disk.
pub(crate) fn make_database(folder: &Path, journal_mode: &str, megabytes: u64) -> PathBuf {
    let path = folder.join("source.db");
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = {journal_mode};
             CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB);
             WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT INTO t SELECT i, randomblob(1980) FROM n;",
            megabytes * ROWS_A_MEGABYTE
        ))
        .unwrap();
    database.close().unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    path
}
