//! Input: a whole database. SQLite reads its dump back: each statement is of a kind that dumps have, and no INSERT into a table is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::inspect::{DumpOptions, dump};
use litecopy::{Database, Source, SourceBytes};
use rusqlite::Connection;

/// What the statements of a dump begin with, whatever the schema says.
const KINDS: [&str; 9] = [
    "PRAGMA ",
    "BEGIN ",
    "COMMIT",
    "CREATE ",
    "INSERT ",
    "ALTER TABLE ",
    "DELETE FROM sqlite_sequence",
    "DROP TABLE ",
    "ANALYZE ",
];

/// What one write gives: with `by_statement`, a statement.
struct Statements(Vec<Vec<u8>>);

impl std::io::Write for Statements {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let bytes = SourceBytes { database: data.to_vec(), ..SourceBytes::default() };
    let Ok(database) = Source::open(bytes).and_then(|source| Database::open(source, None)) else { return };
    let mut options = DumpOptions::default();
    options.by_statement = true;
    let mut statements = Statements(Vec::new());
    let report = dump(&database, &options, &mut statements, |_| {}).unwrap();
    let db = Connection::open_in_memory().unwrap();
    let mut refused = 0;
    for statement in &statements.0 {
        let sql = std::str::from_utf8(statement).unwrap();
        assert!(KINDS.iter().any(|kind| sql.starts_with(kind)), "{sql}");
        // It is one statement: SQLite prepares it, and nothing is left. Expressions of the schema may be refused.
        match db.prepare(sql) {
            Ok(mut prepared) => refused += u64::from(prepared.raw_execute().is_err()),
            Err(rusqlite::Error::MultipleStatement) => panic!("more than one statement: {sql}"),
            Err(_) => refused += 1,
        }
    }
    let _ = report.is_whole() && refused == 0;
});
