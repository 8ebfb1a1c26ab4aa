//! What `litecopy rows` prints, line by line.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use rusqlite::Connection;

const TABLES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, \"a b\" TEXT, r REAL, twice AS (r * 2), c BLOB);
    INSERT INTO t VALUES (1, 'x,\"y\"', 2, x'00ff'), (2, '', 9e999, NULL), (3, CAST(x'ff' AS TEXT), 0.1, 'two' || char(13, 10) || 'lines');
    CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
    INSERT INTO w VALUES ('k', -9223372036854775808);
    CREATE VIRTUAL TABLE s USING rtree(id, x0, x1);";

fn database(folder: &Path) {
    Connection::open(folder.join("a.db")).unwrap().execute_batch(TABLES).unwrap();
}

/// The exit code, stdout and stderr of `litecopy rows ...`, run in the folder.
fn rows(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("litecopy").unwrap();
    let output = command.current_dir(folder).arg("rows").args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn json_lines() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path());
    let (code, stdout, stderr) = rows(folder.path(), &["a.db", "T"]);
    let expected = "\
{\"table\":\"t\",\"rowid\":1,\"values\":{\"id\":1,\"a b\":\"x,\\\"y\\\"\",\"r\":2.0,\"c\":{\"blob\":\"00ff\"}}}
{\"table\":\"t\",\"rowid\":2,\"values\":{\"id\":2,\"a b\":\"\",\"r\":{\"real\":\"inf\"},\"c\":null}}
{\"table\":\"t\",\"rowid\":3,\"values\":{\"id\":3,\"a b\":{\"invalid_text\":\"ff\"},\"r\":0.1,\"c\":\"two\\r\\nlines\"}}
";
    assert_eq!((code, stdout.as_str()), (0, expected));
    assert_eq!(stderr, "litecopy: the table `t` computes twice when it is read: left out\n");

    let (code, stdout, stderr) = rows(folder.path(), &["a.db"]);
    assert_eq!(code, 0);
    let without = "{\"table\":\"w\",\"rowid\":null,\"values\":{\"k\":\"k\",\"v\":-9223372036854775808}}\n";
    assert!(stdout.starts_with(&(expected.to_owned() + without)), "{stdout}");
    assert!(stderr.contains("virtual table of `rtree`"), "{stderr}");
}

#[test]
fn csv() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path());
    let (code, stdout, _) = rows(folder.path(), &["a.db", "t", "--format", "csv"]);
    let expected = "id,a b,r,c\r\n1,\"x,\"\"y\"\"\",2.0,00ff\r\n2,\"\",inf,\r\n3,ff,0.1,\"two\r\nlines\"\r\n";
    assert_eq!((code, stdout.as_str()), (0, expected));
    let (code, stdout, stderr) = rows(folder.path(), &["a.db", "--format", "csv"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("name it"), "{stderr}");
}

#[test]
fn a_table_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path());
    let (code, stdout, stderr) = rows(folder.path(), &["a.db", "u"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("has no table `u`"), "{stderr}");
}

#[test]
fn what_is_broken_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA page_size = 512; CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
         INSERT INTO t SELECT printf('%050d', i) FROM n;",
    )
    .unwrap();
    drop(db);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4 * 512] = 0x77;
    fs::write(&path, bytes).unwrap();
    let (code, stdout, stderr) = rows(folder.path(), &["a.db", "t"]);
    let count = stdout.lines().count();
    assert!((60..100).contains(&count), "{count} rows are left");
    assert_eq!(code, 0, "damage is a finding, not a failure");
    assert!(stderr.contains("table `t`, page 5") && stderr.contains("0x77"), "{stderr}");
}

fn dump(folder: &Path) -> (i32, String, String) {
    let mut command = Command::cargo_bin("litecopy").unwrap();
    let output = command.current_dir(folder).args(["dump", "a.db"]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_dump_says_what_is_not_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let db = Connection::open(folder.path().join("a.db")).unwrap();
    db.execute_batch(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, NULL), (2, 3); CREATE TABLE lost_and_found(x);",
    )
    .unwrap();
    let (code, sql, stderr) = dump(folder.path());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(sql.ends_with("COMMIT;\nPRAGMA ignore_check_constraints=OFF;\n"), "{sql}");
    db.execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a, b NOT NULL)' WHERE name = 't';")
        .unwrap();
    let (code, sql, stderr) = dump(folder.path());
    assert_eq!(code, 1);
    let told = "litecopy: a.db: 1 rows written; 1 that their tables would refuse are in `lost_and_found_0`\n";
    assert!(stderr.contains("NULL in `b`, which is NOT NULL") && stderr.ends_with(told), "{stderr}");
    assert!(sql.contains("INSERT INTO \"lost_and_found_0\" VALUES(2,2,2,1,1,NULL);"), "{sql}");
}

/// Whoever reads no further has no whole dump.
#[cfg(unix)]
#[test]
fn a_dump_into_a_closed_pipe_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let db = Connection::open(folder.path().join("a.db")).unwrap();
    db.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(3000000));").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_litecopy"));
    command.current_dir(folder.path()).args(["dump", "a.db"]).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(141));
}
