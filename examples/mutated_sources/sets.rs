//! Small databases of a real SQLite, each with what lay beside it at a moment of its life.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::run::Binary;

/// What is behind the database's own name, and the bytes of that file.
pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

/// Behind the name of a database, with that of its manifest.
pub(crate) const MANIFEST: &str = ".manifest";

const SUFFIXES: [&str; 5] = ["", "-wal", "-shm", "-journal", MANIFEST];

const CONTENT: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT NOT NULL DEFAULT 'x', c REAL);
    CREATE INDEX by_b ON t(b); CREATE INDEX part ON t(a) WHERE a > 3;
    CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE VIEW seen AS SELECT a FROM t;
    CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END;
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 120)
      INSERT INTO t SELECT i * 3, i % 7, 'text ' || i, i / 3.0 FROM n;
    INSERT INTO w SELECT b, zeroblob(id * 9) FROM t;
    CREATE TABLE gone(x); INSERT INTO gone VALUES (zeroblob(9000)); DROP TABLE gone;
    DELETE FROM t WHERE id % 5 = 0;";

/// All of them.
pub(crate) fn all(binary: &Binary) -> Vec<Files> {
    let folder = tempfile::tempdir().unwrap();
    let mut sets = Vec::new();
    for (number, settings) in [
        "page_size=512",
        "page_size=4096; PRAGMA encoding='UTF-16le'",
        "page_size=1024; PRAGMA auto_vacuum=FULL",
        "page_size=1024; PRAGMA journal_mode=WAL",
        "page_size=512; PRAGMA journal_mode=PERSIST",
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{number}.db"));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA {settings}; {CONTENT}")).unwrap();
        let manifest = binary.manifest_of(&path);
        sets.push(files(&path, &manifest));
        // A second commit; then a transaction that is open, and has spilled: its journal is hot, or its frames are not committed.
        db.execute_batch("UPDATE t SET a = a + 1; PRAGMA cache_size=1; PRAGMA cache_spill=1;").unwrap();
        sets.push(files(&path, &manifest));
        db.execute_batch("BEGIN; UPDATE t SET b = b || ' changed'; DELETE FROM w WHERE k > 'text 5';")
            .unwrap();
        sets.push(files(&path, &manifest));
        db.execute_batch("ROLLBACK").unwrap();
    }
    sets.push(Files::from([("", Vec::new())]));
    sets
}

fn files(path: &Path, manifest: &[u8]) -> Files {
    let mut files: Files =
        SUFFIXES.iter().filter_map(|&suffix| Some((suffix, fs::read(beside(path, suffix)).ok()?))).collect();
    files.insert(MANIFEST, manifest.to_vec());
    files
}

/// The file beside a database whose name has this behind.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
