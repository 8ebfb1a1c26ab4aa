//! Dumps, read back by SQLite, equal their source: schema, rows, pragmas, searches.

use std::fs;
use std::path::{Path, PathBuf};

use litecopy::inspect::{DumpOptions, DumpReport, dump};
use litecopy::{Database, Source};
use rusqlite::Connection;

use crate::corpus::{make, shapes};
use crate::schemas::programs;
use crate::select::{bytes_of, open_read_only, selected, tables};

/// The SQL of a database, and what came of it.
pub(crate) fn dumped(path: &Path) -> (String, DumpReport) {
    let database = Database::open(Source::open(path).unwrap(), None).unwrap();
    let mut sql = Vec::new();
    let report = dump(&database, &DumpOptions::default(), &mut sql, |_| {}).unwrap();
    (String::from_utf8(sql).unwrap(), report)
}

/// The database that SQLite makes of SQL, beside the source.
pub(crate) fn restored(sql: &str, folder: &Path) -> PathBuf {
    let path = folder.join("restored.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    path
}

/// What can be asked of a database, as lines.
fn content(path: &Path) -> Vec<String> {
    let db = open_read_only(path);
    let mut lines = Vec::new();
    for pragma in
        ["user_version", "application_id", "encoding", "page_size", "auto_vacuum", "integrity_check"]
    {
        let value: rusqlite::types::Value =
            db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap();
        lines.push(format!("{pragma} = {value:?}"));
    }
    let schema = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";
    let mut statement = db.prepare(schema).unwrap();
    lines.extend(statement.query_map([], |row| row.get(0)).unwrap().map(Result::<String, _>::unwrap));
    for (table, has_rowid) in tables(&db) {
        let rows = selected(&db, &table, has_rowid && !table.starts_with("sqlite_"));
        lines.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    lines
}

#[track_caller]
fn assert_restores(path: &Path, what: &str) {
    let expected = content(path);
    let before = bytes_of(path.parent().unwrap());
    let (sql, report) = dumped(path);
    assert!(report.is_whole(), "{what}: {report:?}");
    assert!(bytes_of(path.parent().unwrap()) == before, "{what}: the source's files changed");
    let folder = tempfile::tempdir().unwrap();
    let found = content(&restored(&sql, folder.path()));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[test]
fn dumps_of_every_shape_restore_the_source() {
    for shape in shapes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        make(&path, shape);
        assert_restores(&path, &format!("{shape:?}"));
    }
}

#[test]
fn dumps_of_well_known_programs_restore_the_source() {
    for (name, sql) in programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        assert_restores(&path, name);
    }
}

#[test]
fn searches_and_triggers_work_in_what_was_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    make(&path, shapes()[3]);
    let (sql, _) = dumped(&path);
    let restored = restored(&sql, folder.path());
    let db = Connection::open(&restored).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(count("SELECT count(*) FROM search WHERE search MATCH 'jumping OR fox'") > 100);
    assert!(count("SELECT count(*) FROM boxes WHERE x0 > 3 AND x1 < 7") > 10);
    db.execute_batch(
        "INSERT INTO search(search) VALUES ('integrity-check'); INSERT INTO alias VALUES ('new', NULL, 1);",
    )
    .unwrap();
    assert_eq!(
        count("SELECT count(*) FROM log"),
        2,
        "the trigger fires once more, and did not while it was restored"
    );
}

/// Texts that SQL cannot spell, and long ones.
#[test]
fn texts_and_blobs_come_back_byte_by_byte() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t(a)")).unwrap();
        let texts = [
            "\0".to_owned(),
            "a\0b\0".to_owned(),
            "line\r\n".repeat(5000),
            "\u{1b}[31m".repeat(99),
            "\u{feff}begins, \u{fffd} and \u{10ffff}".to_owned(),
            "it''s 'quoted'; -- no comment /* neither".to_owned(),
            "x".repeat(3_000_000),
            "\n/\ngo\n.quit\n;\n".to_owned(),
        ];
        for text in &texts {
            db.execute("INSERT INTO t VALUES (?1)", [text]).unwrap();
        }
        // As stored: noncharacters, halves of pairs, half a unit, no text at all.
        for stored in ["fffeffff", "feff", "ffff0041", "00d8", "d800", "dc00d800", "61", "ff", "c3"] {
            db.execute_batch(&format!("INSERT INTO t VALUES (CAST(x'{stored}' AS TEXT))")).unwrap();
        }
        db.execute_batch("INSERT INTO t VALUES (randomblob(5000000)), (zeroblob(0)), (x'00')").unwrap();
        drop(db);
        let (sql, report) = dumped(&path);
        assert!(report.is_whole());
        let hexes = |path: &Path| -> Vec<String> {
            let db = open_read_only(path);
            let mut statement = db.prepare("SELECT typeof(a) || hex(CAST(a AS BLOB)) FROM t").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert!(hexes(&restored(&sql, folder.path())) == hexes(&path), "{encoding}");
    }
}

#[test]
fn reals_come_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE t(r); BEGIN").unwrap();
    let mut bits = 0x1234_5678_9abc_def0_u64;
    let mut numbers = vec![
        0.0,
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        1e22,
        1e23,
        0.1,
        9e15,
    ];
    for _ in 0..3000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits);
        numbers.extend([
            number,
            number.rem_euclid(1000.0),
            f64::from(u32::try_from(bits >> 40).unwrap()) / 7.0,
        ]);
    }
    // NaN is NULL for SQLite.
    for number in &numbers {
        db.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
    drop(db);
    let (sql, report) = dumped(&path);
    assert!(report.is_whole());
    let bits = |path: &Path| -> Vec<Option<u64>> {
        let db = open_read_only(path);
        let mut statement = db.prepare("SELECT r FROM t").unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Option<f64>>(0)).unwrap();
        rows.map(|number| number.unwrap().map(f64::to_bits)).collect()
    };
    assert!(bits(&restored(&sql, folder.path())) == bits(&path));
}

#[test]
fn an_empty_database_gives_an_empty_dump() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    fs::write(&path, []).unwrap();
    let (sql, report) = dumped(&path);
    assert!(report.is_whole() && report.table_count == 0, "{report:?}");
    restored(&sql, folder.path());
}

/// A file can have any text in its schema; read back, it must not run as something else.
#[test]
fn statements_that_are_more_than_one_are_not_written() {
    let evil = [
        "CREATE TABLE t(a);\n.shell touch pwned\n",
        "CREATE TABLE t(a); DROP TABLE other",
        "CREATE TABLE t(a DEFAULT 'never closed)",
        "CREATE TABLE t(a,\ngo\n.shell touch pwned\n b)",
        "DELETE FROM other",
    ];
    for text in evil {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE other(x); INSERT INTO other VALUES (1); CREATE TABLE t(a); INSERT INTO t VALUES (7);").unwrap();
        db.execute_batch("PRAGMA writable_schema = ON").unwrap();
        db.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 't'", [text]).unwrap();
        drop(db);
        let (sql, report) = dumped(&path);
        assert!(!report.is_whole() && report.statements_refused.len() == 1, "{text}: {report:?}");
        assert!(
            !sql.contains("shell") && !sql.contains("DROP") && !sql.contains("DELETE FROM other"),
            "{sql}"
        );
        let db = Connection::open(restored(&sql, folder.path())).unwrap();
        // Where nothing is known of its columns, its rows have no table.
        let table = if text.starts_with("DELETE") { "lost_and_found" } else { "t" };
        let sql = format!("SELECT count(*) FROM other, {table}");
        let count: i64 = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1, "{text}");
    }
}

/// A page below another that has no cells led to rows once: SQLite refuses it, and nothing passes over it in silence.
#[test]
fn a_page_below_another_that_is_empty_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, zeroblob(90) FROM n";
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = 512; CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {rows};
             CREATE TABLE w(a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO w {rows}"
        ))
        .unwrap();
    drop(connection);
    let whole = fs::read(&path).unwrap();
    assert!(dumped(&path).1.is_whole());
    for leaf in [0x0d, 0x0a] {
        // The last page of its kind is below another: the tables have many.
        let at = (1..whole.len() / 512).rev().map(|page| page * 512).find(|&at| whole[at] == leaf).unwrap();
        let mut bytes = whole.clone();
        // No cells, and the content begins at the page's end.
        bytes[at + 1..at + 8].copy_from_slice(&[0, 0, 0, 0, 2, 0, 0]);
        fs::write(&path, &bytes).unwrap();
        let connection = open_read_only(&path);
        let said: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap_or_default();
        assert_ne!(said, "ok");
        let (_, report) = dumped(&path);
        assert!(!report.is_whole() && report.missed_count > 0, "{leaf:#x}: {report:?}");
        let database = Database::open(Source::open(&path).unwrap(), None).unwrap();
        let checked =
            litecopy::inspect::check(&database, &litecopy::inspect::CheckOptions::default(), |_| {}).unwrap();
        assert!(!checked.sound && checked.findings.iter().any(|it| it.detail.contains("without a cell")));
    }
}
