//! The rows of every table, as SELECT gives them, over the corpus and the schemas of well-known programs.

use std::fs;
use std::path::Path;

use litecopy::{Database, Source};
use rusqlite::Connection;

use crate::corpus::{make, shapes};
use crate::schemas::programs;
use crate::select::assert_same_rows;

#[test]
fn rows_of_every_shape_are_those_of_select() {
    for shape in shapes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        make(&path, shape);
        assert!(assert_same_rows(&path, &format!("{shape:?}")) > 3000);
    }
}

#[test]
fn rows_of_well_known_programs_are_those_of_select() {
    let programs = programs();
    assert!(programs.len() >= 10);
    for (name, sql) in programs {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(assert_same_rows(&path, name) > 100, "{name}");
    }
}

#[test]
fn rows_in_a_log_that_nobody_has_checkpointed_are_those_of_select() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let live = tempfile::tempdir().unwrap();
    let live_path = live.path().join("a.db");
    let db = Connection::open(&live_path).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a, b REAL);")
        .unwrap();
    db.execute_batch("INSERT INTO t VALUES (1, 2), ('x', 3.5); UPDATE t SET b = 7 WHERE a = 1;").unwrap();
    fs::copy(&live_path, &path).unwrap();
    fs::copy(live.path().join("a.db-wal"), folder.path().join("a.db-wal")).unwrap();
    let database = Database::open(Source::open(&path).unwrap(), None).unwrap();
    let rows: Vec<_> = database.table("T").unwrap().rows().map(Result::unwrap).collect();
    let texts: Vec<String> =
        rows.iter().map(|row| format!("{:?} {:?}", row.get("A"), row.get("b"))).collect();
    assert_eq!(texts, ["Some(Integer(1)) Some(Real(7.0))", "Some(Text(\"x\")) Some(Real(3.5))"]);
    assert!(!Path::new(&folder.path().join("a.db-shm")).exists());
}

#[test]
fn a_table_that_is_not_there_or_has_no_rows_of_its_own_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    make(&path, shapes()[3]);
    let database = Database::open(Source::open(&path).unwrap(), None).unwrap();
    let message = |table: &str| database.table(table).unwrap_err().to_string();
    assert!(message("nothing").contains("has no table `nothing`"));
    assert!(message("search").contains("virtual table of `fts5`"), "{}", message("search"));
    assert!(message("a_view").contains("has no table"));
    let schema = database.table("SQLITE_MASTER").unwrap().rows().count();
    assert!(schema > 20, "{schema}");
}
