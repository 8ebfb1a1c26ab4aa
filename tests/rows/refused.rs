//! Rows and statements that SQLite would refuse: the dump is read to its end all the same, loses none of them, and says so.

use std::path::Path;

use litecopy::inspect::DumpReport;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection};

use crate::dump::dumped;
use crate::select::quoted;

/// Makes a database, and changes the statements of its schema past SQLite.
fn made(folder: &Path, sql: &str, changed: &[(&str, &str)]) -> std::path::PathBuf {
    let path = folder.join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    db.execute_batch("PRAGMA writable_schema = ON").unwrap();
    for (name, sql) in changed {
        let count = db.execute("UPDATE sqlite_schema SET sql = ?2 WHERE name = ?1", [name, sql]).unwrap();
        assert!(count > 0, "{name}");
    }
    path
}

/// Reads the dump back; but for the statements behind COMMIT, none may fail.
fn read_back(sql: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    let (body, behind) = sql.split_once("\nCOMMIT;").unwrap();
    db.execute_batch(body).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let behind = format!("COMMIT;{behind}");
    let mut batch = Batch::new(&db, &behind);
    while let Ok(Some(mut statement)) = batch.next() {
        let _ = statement.raw_execute();
    }
    assert!(db.is_autocommit());
    db
}

fn count(db: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {}", quoted(table));
    db.query_row(&sql, [], |row| row.get(0)).unwrap_or(0)
}

/// Dumps, reads back, and sees that of the rows so many are in their table and so many are lost and found.
#[track_caller]
fn assert_kept(path: &Path, table: &str, kept: i64, lost: i64) -> (Connection, DumpReport) {
    let (sql, report) = dumped(path);
    let db = read_back(&sql);
    assert_eq!((count(&db, table), count(&db, "lost_and_found")), (kept, lost), "{report:?}\n{sql}");
    assert_eq!(
        report.is_whole(),
        lost == 0 && report.doubtful_count == 0 && report.doubtful_indexes.is_empty()
    );
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    (db, report)
}

#[test]
fn rows_past_a_check_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE t(a CHECK (a > 5)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (1), (7);";
    let path = made(folder.path(), sql, &[]);
    let (sql, report) = dumped(&path);
    assert!(report.is_whole());
    let db = read_back(&sql);
    assert_eq!(count(&db, "t"), 2);
    db.execute("INSERT INTO t VALUES (2)", []).unwrap_err();
}

#[test]
fn what_a_column_does_not_take_is_lost_and_found() {
    let rows = "INSERT INTO t VALUES (1, NULL), (2, 'x'), (3, 4), (4, x'00'), (5, 1.5)";
    let cases = [
        ("CREATE TABLE t(a, b NOT NULL)", 4),
        ("CREATE TABLE t(a, b INT NOT NULL ON CONFLICT REPLACE DEFAULT 7)", 4),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL ON CONFLICT IGNORE)", 4),
        ("CREATE TABLE t(a, b INT) STRICT", 2),
        ("CREATE TABLE t(a ANY, b INT) STRICT", 2),
        ("CREATE TABLE t(a ANY, b TEXT) STRICT", 2),
        ("CREATE TABLE t(a ANY, b REAL) STRICT", 3),
        ("CREATE TABLE t(a ANY, b BLOB NOT NULL) STRICT", 1),
        ("CREATE TABLE t(a ANY, b ANY) STRICT", 5),
    ];
    for (statement, kept) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (first, after) = match statement.contains("INTEGER PRIMARY KEY") {
            true => ("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", 5),
            false => ("CREATE TABLE t(a, b)", 5),
        };
        let path = made(folder.path(), &format!("{first}; {rows}"), &[("t", statement)]);
        // A STRICT table without a type does not exist: that statement is refused, and no row is.
        let kept = if statement.contains("(a, b INT) STRICT") { 5 } else { kept };
        let (sql, report) = dumped(&path);
        let db = read_back(&sql);
        assert_eq!(
            (count(&db, "t"), count(&db, "lost_and_found")),
            (kept, after - kept),
            "{statement}: {report:?}"
        );
        assert_eq!(report.refused_count, u64::try_from(after - kept).unwrap(), "{statement}");
        assert_eq!(report.refused.len() as u64, report.refused_count, "{statement}");
    }
}

#[test]
fn keys_that_are_there_already_are_lost_and_found() {
    let rows = "INSERT INTO t VALUES (1, 'x'), (1.0, 'X'), (2, 'x '), (3, NULL), (4, NULL), (1, 'x')";
    let cases = [
        ("CREATE TABLE t(a, b)", 6),
        ("CREATE TABLE t(a, b UNIQUE)", 5),
        ("CREATE TABLE t(a UNIQUE, b)", 4),
        ("CREATE TABLE t(a PRIMARY KEY ON CONFLICT REPLACE, b)", 4),
        ("CREATE TABLE t(a, b COLLATE NOCASE UNIQUE)", 4),
        ("CREATE TABLE t(a, b COLLATE RTRIM UNIQUE ON CONFLICT IGNORE)", 4),
        ("CREATE TABLE t(a, b, UNIQUE (a, b))", 5),
        ("CREATE TABLE t(a, b, UNIQUE (b COLLATE NOCASE, a), UNIQUE(a))", 4),
    ];
    for (statement, kept) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), &format!("CREATE TABLE t(a, b); {rows}"), &[("t", statement)]);
        let (_, report) = assert_kept(&path, "t", kept, 6 - kept);
        assert_eq!(report.refused_count, u64::try_from(6 - kept).unwrap(), "{statement}");
    }
}

#[test]
fn unique_indexes_that_rows_do_not_allow_come_last() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'x'); CREATE INDEX i ON t(b); CREATE UNIQUE INDEX j ON t(a);
               CREATE INDEX k ON t(a, b); CREATE INDEX l ON t(b COLLATE NOCASE);";
    let changed =
        [("i", "CREATE UNIQUE INDEX i ON t(b)"), ("l", "CREATE INDEX l ON t(b COLLATE lithuanian)")];
    let path = made(folder.path(), sql, &changed);
    let (db, report) = assert_kept(&path, "t", 2, 0);
    let [first, second] = report.doubtful_indexes.as_slice() else { panic!("{report:?}") };
    assert!(first.contains("index `i`") && second.contains("LITHUANIAN"), "{report:?}");
    let names =
        "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name)";
    assert_eq!(db.query_row(names, [], |row| row.get::<_, String>(0)).unwrap(), "j,k");
}

/// Rowids that are there twice: a bit that fell over. SQLite itself decides, and the second is lost and found.
#[test]
fn a_rowid_that_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        made(folder.path(), "CREATE TABLE t(a); INSERT INTO t VALUES ('first'), ('second'), ('third');", &[]);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(6).position(|window| window == b"second").unwrap();
    // Its cell: payload length, rowid, header length, type.
    bytes[at - 3] = 1;
    std::fs::write(&path, bytes).unwrap();
    let (db, report) = assert_kept(&path, "t", 2, 1);
    assert_eq!(report.doubtful_count, 1);
    let lost: (i64, String) =
        db.query_row("SELECT id, c0 FROM lost_and_found", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(lost, (1, "second".to_owned()));
}

#[test]
fn a_key_of_a_table_without_rowid_that_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let sql = "CREATE TABLE t(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO t VALUES ('aaa1', 1), ('aaa2', 2), ('aaa3', 3);";
    let path = made(folder.path(), sql, &[]);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"aaa2").unwrap();
    bytes[at + 3] = b'1';
    std::fs::write(&path, bytes).unwrap();
    let (_, report) = assert_kept(&path, "t", 2, 1);
    assert!(report.refused[0].contains("same (k)"), "{report:?}");
}

#[test]
fn statements_that_sqlite_refuses_cost_no_row() {
    let sql = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT 1;
               CREATE TABLE u(c); INSERT INTO u VALUES (5); CREATE VIRTUAL TABLE s USING fts5(d); INSERT INTO s VALUES ('six');
               CREATE TRIGGER g AFTER INSERT ON u BEGIN SELECT 1; END;";
    let cases = [
        ("t", "CREATE TABLE other(a, b)", 2),
        ("t", "CREATE TABLE u(a, b)", 2),
        ("t", "CREATE TEMP TABLE t(a, b)", 2),
        ("t", "CREATE TABLE aux.t(a, b)", 2),
        ("t", "CREATE VIEW t(a, b) AS SELECT 1, 2", 0),
        ("t", "CREATE TABLE t(a, a)", 0),
        ("t", "CREATE TABLE t(a, b) WITHOUT ROWYD", 2),
        ("t", "CREATE TABLE t(a, b INT UNIQUE 5)", 2),
        ("t", "CREATE TABLE t(a PRIMARY KEY, b PRIMARY KEY)", 2),
        ("t", "CREATE TABLE t(a COLLATE lithuanian, b)", 2),
        ("t", "CREATE TABLE t(a, b, UNIQUE (c))", 2),
        ("i", "CREATE INDEX i ON nothing(a)", 2),
        ("i", "CREATE INDEX i ON t(c)", 2),
        ("i", "CREATE INDEX u ON t(a)", 2),
        ("v", "CREATE VIEW t AS SELECT 1", 2),
        ("g", "CREATE TRIGGER g AFTER INSERT ON nothing BEGIN SELECT 1; END", 2),
        ("s", "CREATE VIRTUAL TABLE r USING fts5(d)", 2),
        ("s", "CREATE VIRTUAL TABLE s USING", 2),
        ("s", "CREATE VIRTUAL TABLE s USING fts5(d) x", 2),
    ];
    for (name, statement, kept) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), sql, &[(name, statement)]);
        let (sql, report) = dumped(&path);
        // An index of a table that is made up goes with it.
        let named = |told: &String| told.contains(&format!("`{name}`"));
        assert!(report.statements_refused.iter().any(named), "{statement}: {report:?}");
        assert!(report.statements_refused.len() <= 2, "{statement}: {report:?}");
        let db = read_back(&sql);
        let found = (count(&db, "t"), count(&db, "lost_and_found"), count(&db, "u"));
        assert_eq!(found, (kept, 2 - kept, 1), "{statement}: {report:?}\n{sql}");
    }
}

#[test]
fn two_tables_of_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE u(b, c); INSERT INTO u VALUES (2, 3), (4, 5);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET name = 'T', tbl_name = 'T', sql = 'CREATE TABLE T(b, c)' WHERE name = 'u';",
    )
    .unwrap();
    drop(db);
    let (db, report) = assert_kept(&path, "t", 1, 2);
    assert!(report.statements_refused[0].contains("has its name"), "{report:?}");
    let lost: i64 =
        db.query_row("SELECT sum(c0) + sum(c1) FROM lost_and_found", [], |row| row.get(0)).unwrap();
    assert_eq!(lost, 14);
}
