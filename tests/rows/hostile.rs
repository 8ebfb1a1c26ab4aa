//! Dumps of databases with a damaged schema, read back by SQLite statement by statement: each is one, of a kind that dumps have, and none
//! that makes or fills a table fails.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use litecopy::inspect::{DumpOptions, DumpReport, dump};
use litecopy::{Database, Source};
use rusqlite::Connection;

use crate::corpus::{make, shapes};
use crate::schemas::programs;

/// What the statements of a dump begin with, whatever the schema says.
const KINDS: [&str; 9] = [
    "PRAGMA ",
    "BEGIN ",
    "COMMIT",
    "CREATE ",
    "INSERT ",
    "ALTER TABLE ",
    "DELETE FROM sqlite_sequence;",
    "DROP TABLE \"litecopy_autoincrement",
    "ANALYZE sqlite_schema;",
];

struct Statements(Vec<String>);

impl Write for Statements {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn statements(path: &Path) -> (Vec<String>, DumpReport) {
    let database = Database::open(Source::open(path).unwrap(), None).unwrap();
    let mut options = DumpOptions::default();
    options.by_statement = true;
    let mut statements = Statements(Vec::new());
    let report = dump(&database, &options, &mut statements, |_| {}).unwrap();
    (statements.0, report)
}

/// The statements that SQLite refuses. Panics where one is more than one, or of another kind.
fn refused(statements: &[String]) -> Vec<(&str, String)> {
    let db = Connection::open_in_memory().unwrap();
    let mut refused = Vec::new();
    for sql in statements {
        assert!(KINDS.iter().any(|kind| sql.starts_with(kind)), "{sql}");
        let ran = db.prepare(sql).and_then(|mut statement| statement.raw_execute());
        match ran {
            Err(rusqlite::Error::MultipleStatement) => panic!("more than one statement: {sql}"),
            Err(error) => refused.push((sql.as_str(), error.to_string())),
            Ok(_) => {}
        }
    }
    refused
}

#[test]
fn each_statement_is_one_and_the_whole_text() {
    for (name, sql) in programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let (statements, report) = statements(&path);
        assert!(report.is_whole(), "{name}");
        assert_eq!(refused(&statements), [], "{name}");
        let (text, _) = crate::dump::dumped(&path);
        assert!(text == statements.concat(), "{name}");
    }
}

/// Bytes of the schema change; in expressions, whose grammar is read but not whose functions, a table may be refused.
#[test]
fn a_damaged_schema_costs_no_row_and_smuggles_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    make(&path, shapes()[5]);
    let whole = fs::read(&path).unwrap();
    let mut state = 77_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for seed in 0..60 {
        let mut bytes = whole.clone();
        // The schema lies at the end of the first page.
        for _ in 0..=next(4) {
            let at = 16384 - 6000 + next(6000);
            bytes[at] = b"; '\"`[]()-/*\nax,.0\0\xff"[next(20)];
        }
        fs::write(&path, &bytes).unwrap();
        let (statements, report) = statements(&path);
        let refused = refused(&statements);
        for (sql, error) in &refused {
            let makes_or_fills = sql.starts_with("CREATE TABLE") || sql.starts_with("INSERT");
            assert!(!makes_or_fills, "seed {seed}: {error}: {sql}\n{report:?}");
        }
    }
}
