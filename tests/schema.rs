//! The schema in the report: it is what SQLite says it is, whatever state the database is in; and damage is told while the
//! rest goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

use std::fs;
use std::path::{Path, PathBuf};

use litecopy::format::PageSize;
use litecopy::inspect::{SchemaReport, inspect_database, inspect_schema};
use litecopy::{Limit, Limits, Source, SourceBytes, SourceOptions};
use proptest::prelude::*;
use rusqlite::Connection;

type Row = (String, String, String, Option<i64>, Option<String>);

/// The rows of the schema as SQLite gives them.
fn rows_by_sqlite(db: &Connection) -> Vec<Row> {
    let mut statement = db.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn rows_of(report: &SchemaReport) -> Vec<Row> {
    let rows = report.entries.iter().cloned();
    rows.map(|row| (row.kind, row.name, row.table_name, row.root_page, row.sql)).collect()
}

#[track_caller]
fn assert_is_whole(report: &SchemaReport) {
    assert_eq!((&report.unread, report.left_out.len(), &report.damage), (&None, 0, &vec![]));
}

fn inspect(database: Vec<u8>) -> SchemaReport {
    inspect_with(database, &SourceOptions::new())
}

fn inspect_with(database: Vec<u8>, options: &SourceOptions) -> SchemaReport {
    let bytes = SourceBytes { database, ..SourceBytes::default() };
    inspect_schema(&mut options.open(bytes).unwrap())
}

/// Something of every type, names beyond ASCII, and statements that need overflow pages.
fn everything() -> String {
    let long = "x".repeat(3000);
    let mut sql = format!(
        "CREATE TABLE \"kůň 🐎\"(a PRIMARY KEY, b UNIQUE, c /* {long} */);
         CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
         CREATE INDEX i ON \"kůň 🐎\"(c) WHERE c > 1;
         CREATE VIEW v AS SELECT * FROM w /* {long}{long} */;
         CREATE TRIGGER g AFTER INSERT ON w BEGIN DELETE FROM w WHERE v = 1; END;
         CREATE TRIGGER h INSTEAD OF DELETE ON v BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE f USING fts5(title, body);"
    );
    for n in 0..300 {
        sql.push_str(&format!("CREATE TABLE t{n}(a, b, c);"));
    }
    sql + "DROP TABLE t7; ALTER TABLE t8 RENAME TO renamed;"
}

fn made(path: &Path, settings: &str) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(settings).unwrap();
    db.execute_batch(&format!("BEGIN; {} COMMIT;", everything())).unwrap();
    db
}

#[test]
fn it_is_what_sqlite_says() {
    let settings = [
        "PRAGMA page_size = 512",
        "PRAGMA page_size = 65536",
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = full",
        "PRAGMA page_size = 512; PRAGMA encoding = 'UTF-16le'",
        "PRAGMA encoding = 'UTF-16be'",
        "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0",
    ];
    for settings in settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let db = made(&path, settings);
        let report = inspect_database(&path).unwrap();
        assert_is_whole(&report.schema);
        assert_eq!(rows_of(&report.schema), rows_by_sqlite(&db), "{settings}");
        let count = |kind: &str| -> u32 {
            db.query_row("SELECT count(*) FROM sqlite_schema WHERE type = ?1", [kind], |row| row.get(0))
                .unwrap()
        };
        let schema = &report.schema;
        let counts = [schema.table_count, schema.index_count, schema.view_count, schema.trigger_count];
        assert_eq!(counts, ["table", "index", "view", "trigger"].map(count).map(u64::from));
        assert!(counts.into_iter().all(|count| count > 0));
        assert_eq!(report.damage, []);
    }
}

#[test]
fn an_empty_database_has_an_empty_schema() {
    assert_eq!(inspect(Vec::new()), SchemaReport::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA user_version = 1").unwrap();
    assert_eq!(inspect_database(&path).unwrap().schema, SchemaReport::default());
}

/// The transaction of a writer that died is not in it; what SQLite would see after recovery is.
#[test]
fn a_hot_journal_is_taken_back_in_the_view() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = made(&path, "PRAGMA page_size = 512; PRAGMA synchronous = OFF; PRAGMA cache_size = 2");
    let expected = rows_by_sqlite(&db);
    db.execute_batch("BEGIN; DROP TABLE t1; DROP TABLE t2; CREATE TABLE new(a);").unwrap();
    for n in 50..250 {
        db.execute_batch(&format!("ALTER TABLE t{n} ADD COLUMN d{n}")).unwrap();
    }
    let bytes = SourceBytes {
        database: fs::read(&path).unwrap(),
        journal: fs::read(folder.path().join("a.db-journal")).unwrap(),
        ..SourceBytes::default()
    };
    let report = inspect_schema(&mut Source::open(bytes.clone()).unwrap());
    assert_is_whole(&report);
    assert_eq!(rows_of(&report), expected);
    assert_ne!(rows_of(&inspect(bytes.database)), expected, "nothing of the transaction is in the file");
}

#[test]
fn a_writer_in_the_way_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = made(&path, "");
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let report = inspect_database(&path).unwrap();
    assert!(report.schema.unread.is_some_and(|why| why.starts_with("busy: a writer")));
    assert!(report.header.is_some());
}

#[test]
fn what_is_no_database_is_told() {
    let report = inspect(b"this is no database; ".repeat(300));
    assert!(report.unread.is_some_and(|why| why.contains("not a database")));
}

/// A database whose root page of the schema holds all of it: three tables, the second with a long statement.
fn small() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    let long = "y".repeat(2000);
    db.execute_batch(&format!(
        "PRAGMA page_size = 512; CREATE TABLE a(x); CREATE TABLE b(x /* {long} */); CREATE TABLE c(x);"
    ))
    .unwrap();
    fs::read(&path).unwrap()
}

fn names(report: &SchemaReport) -> Vec<&str> {
    report.entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[track_caller]
fn assert_told(report: &SchemaReport, words: &str) {
    assert_eq!(report.unread, None);
    assert!(report.damage.iter().any(|damage| damage.message.contains(words)), "{:?}", report.damage);
}

#[test]
fn a_row_that_wants_more_than_a_limit_is_left_out_and_the_rest_goes_on() {
    let bytes = small();
    let whole = inspect(bytes.clone());
    assert_eq!(names(&whole), ["a", "b", "c"]);
    let sql_bytes = whole.entries[1].sql.as_ref().unwrap().len();
    // A header of 7 bytes (the statement's type takes two), `table`, `b`, `b`, a root page of one byte.
    let record_bytes = i64::try_from(7 + 5 + 1 + 1 + 1 + sql_bytes).unwrap();
    // 2042 bytes: in a leaf of 512, 39 + (2042 - 39) % 508 = 518 would stay, more than 477; so 39 stay.
    let chain_length = (record_bytes - 39 + 507) / 508;
    for (limit, enough) in [(Limit::RecordBytes, record_bytes), (Limit::ChainLength, chain_length)] {
        let with = |value| {
            let mut limits = Limits::new();
            limits.set(limit, value);
            inspect_with(bytes.clone(), &SourceOptions::new().limits(limits))
        };
        assert_eq!(with(enough), whole, "{limit}");
        let report = with(enough - 1);
        assert_eq!((names(&report), report.left_out.len()), (vec!["a", "c"], 1), "{limit}");
        let left_out = report.left_out[0];
        assert_eq!((left_out.page, left_out.cell), (1, 1));
        let exceeded = left_out.exceeded;
        assert_eq!((exceeded.limit, exceeded.value), (limit, enough - 1));
        assert_eq!(exceeded.wanted, enough.unsigned_abs());
        assert_eq!(report.damage, []);
    }
}

/// Where the first overflow page of the second row is named, and which it is.
fn overflow_of(bytes: &[u8]) -> (usize, u32) {
    let cell = usize::from(u16::from_be_bytes([bytes[110], bytes[111]]));
    let place = cell + 3 + 39; // two bytes of length, one of rowid, what is local
    (place, u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap()))
}

#[test]
fn damaged_chains_are_told_and_the_rest_goes_on() {
    let whole = small();
    let page_count = u32::try_from(whole.len() / 512).unwrap();
    let (place, first) = overflow_of(&whole);
    let next = (first as usize - 1) * 512;
    let cases: [(usize, u32, &str); 6] = [
        (next, first, "a second time"),
        (next, 0, "bytes too early"),
        (next, 1, "page 1 cannot be"),
        (place, page_count + 1, "cannot be a page of an overflow chain"),
        (place, 0, "page 0 cannot be"),
        (place, u32::MAX, "cannot be a page of an overflow chain"),
    ];
    for (place, page, words) in cases {
        let mut bytes = whole.clone();
        bytes[place..place + 4].copy_from_slice(&page.to_be_bytes());
        let report = inspect(bytes);
        assert_eq!(names(&report), ["a", "c"], "{words}");
        assert_told(&report, words);
    }
}

#[test]
fn damaged_rows_are_told_and_the_rest_goes_on() {
    let whole = small();
    let cell = |n: usize| usize::from(u16::from_be_bytes([whole[108 + 2 * n], whole[109 + 2 * n]]));
    // The cell of `a`: length, rowid, header of 6 bytes, `table`, `a`, `a`, root page.
    let a = cell(0);
    let cases: [(usize, u8, &str, &[&str]); 8] = [
        (108, 0xff, "cell 0 is said to be at offset", &["b", "c"]),
        (a + 2, 200, "record header of", &["b", "c"]),
        (a + 4, 0, "column `name` of the schema is NULL", &["b", "c"]),
        (a + 4, 12 + 2, "column `name` of the schema is a blob", &["b", "c"]),
        (a + 7, 2 * 50 + 13, "value 4 needs 50 bytes", &["b", "c"]),
        (a + 8, b'T', "column `type` of the schema is none of", &["a", "b", "c"]),
        (a + 15, 77, "root page 77 of", &["a", "b", "c"]),
        (a + 15, 0xff, "root page -1 of", &["a", "b", "c"]),
    ];
    for (place, byte, words, expected) in cases {
        let mut bytes = whole.clone();
        bytes[place] = byte;
        let report = inspect(bytes);
        assert_eq!(names(&report), expected, "{words}");
        assert_told(&report, words);
    }
    let mut bytes = whole.clone();
    bytes[100] = 0x0a;
    assert_told(&inspect(bytes), "b-tree page type 0x0a");
    let mut bytes = whole.clone();
    bytes[100] = 0;
    assert_told(&inspect(bytes), "b-tree page type 0x00");
    // All of the page's cells at one place.
    let mut bytes = whole;
    let same = bytes[108..110].to_vec();
    bytes[103..107].copy_from_slice(&[0, 70, 1, 10]);
    (0..70).for_each(|n| bytes[108 + 2 * n..110 + 2 * n].copy_from_slice(&same));
    let report = inspect(bytes);
    assert_told(&report, "they overlap");
    assert!(report.entries.len() < 512 / 20);
}

/// Interior pages, each with nothing but a right-most child: `children[n]` is that of page n + 1.
fn tower(children: &[u32]) -> Vec<u8> {
    let mut bytes = small();
    bytes.truncate(512);
    bytes.resize(512 * children.len(), 0);
    for (n, child) in children.iter().enumerate() {
        let at = if n == 0 { 100 } else { 512 * n };
        bytes[at..at + 12].fill(0);
        bytes[at] = 0x05;
        bytes[at + 5] = 2;
        bytes[at + 8..at + 12].copy_from_slice(&child.to_be_bytes());
    }
    bytes[28..32].fill(0); // as many pages as the file has
    bytes
}

#[test]
fn a_tree_that_is_too_deep_or_goes_round_comes_to_an_end() {
    let deep: Vec<u32> = (2..40).collect();
    assert_told(&inspect(tower(&deep)), "page 21: b-tree deeper than 20");
    assert_told(&inspect(tower(&[2, 3, 2])), "page 2 is named a second time");
    assert_told(&inspect(tower(&[2, 2])), "page 2 is named a second time");
    assert_told(&inspect(tower(&[2, 1])), "page 1 cannot be");
    assert_told(&inspect(tower(&[9])), "page 9 cannot be a child");
}

#[test]
fn damage_is_not_told_without_end() {
    let mut bytes = vec![0; 65536];
    bytes[..512].copy_from_slice(&small()[..512]);
    bytes[16..18].copy_from_slice(&[0, 1]);
    bytes[28..32].fill(0);
    bytes[103..107].copy_from_slice(&[0x27, 0x10, 0xfe, 0]); // 10,000 cells, whose pointers are 0
    bytes[108..].fill(0);
    let report = inspect(bytes);
    assert_eq!((report.damage.len(), report.entries.len()), (100, 0));
    assert!(report.damage[99].message.contains("not listed"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_damage_panics_or_goes_on_for_ever(
        edits in proptest::collection::vec((0..1024_usize, any::<u8>()), 1..12),
        size in prop::sample::select(PageSize::ALL.to_vec()),
    ) {
        thread_local!(static WHOLE: Vec<u8> = small());
        let mut bytes = WHOLE.with(Clone::clone);
        if edits.len() % 4 == 0 {
            bytes[16..18].copy_from_slice(&size.header_code().to_be_bytes());
        }
        for (place, byte) in edits {
            // Mostly where the root and its cells are.
            let place = if place < 512 { 100 + place % 412 } else { place * 7 % bytes.len() };
            bytes[place] = byte;
        }
        let most = bytes.len();
        let report = inspect(bytes);
        prop_assert!(report.entries.len() <= most / 4);
        prop_assert!(report.damage.len() <= 100);
    }
}
