//! Rows that `dump` rescues from damaged databases, beside the shell's `.recover` where there is one.
//!
//! The truth is known: the database before the damage. A rescued row is right when it has the rowid and the values of a row that was there, in its table or in
//! `lost_and_found`. Set `LITECOPY_RECOVER_SHELL` to an `sqlite3` shell with a working `.recover` to see both.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection};

use crate::dump::dumped;
use crate::select::{open_read_only, quoted, tables};

const TABLES: &str = "
    CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born REAL, photo BLOB);
    CREATE TABLE events(at INTEGER, what TEXT, place TEXT, cost NUMERIC, done INT NOT NULL);
    CREATE TABLE pairs(a INT, b INT);
    CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE INDEX events_what ON events(what, at);
    CREATE UNIQUE INDEX people_name ON people(name);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
      INSERT INTO people SELECT i * 3, 'person ' || i, 1900 + i / 7.0, CASE i % 9 WHEN 0 THEN randomblob(900 + i) ELSE randomblob(i % 20) END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO events SELECT 1700000000 + i, 'event ' || i % 40, 'place ' || i, i / 4.0, i % 2 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO pairs SELECT i, i * i FROM n;
    INSERT INTO keyed SELECT hex(randomblob(12)), what FROM events;";

/// A sort of damage, and how it is done.
type Class = (&'static str, fn(&mut Random, &mut Vec<u8>));

const CLASSES: [Class; 6] = [
    ("a page zeroed", |random, bytes| page(random, bytes).fill(0)),
    ("a page of noise", |random, bytes| {
        let noise: Vec<u8> = (0..PAGE).map(|_| random.byte()).collect();
        page(random, bytes).copy_from_slice(&noise);
    }),
    ("the header of a page", |random, bytes| {
        let noise: Vec<u8> = (0..8).map(|_| random.byte()).collect();
        page(random, bytes)[..8].copy_from_slice(&noise);
    }),
    ("a child pointer", |random, bytes| {
        let child = u32::try_from(random.below(200)).unwrap().to_be_bytes();
        let interior: Vec<usize> = (1..bytes.len() / PAGE).filter(|&page| bytes[page * PAGE] == 5).collect();
        let at = interior[random.index(interior.len())] * PAGE;
        bytes[at + 8..at + 12].copy_from_slice(&child);
    }),
    ("the end cut off", |random, bytes| {
        let pages = bytes.len() / PAGE;
        bytes.truncate((pages - 1 - random.index(pages / 3)) * PAGE);
    }),
    ("bits", |random, bytes| {
        for _ in 0..=random.below(8) {
            let at = PAGE + random.index(bytes.len() - PAGE);
            bytes[at] ^= 1 << random.below(8);
        }
    }),
];

const PAGE: usize = 512;

/// Any page but the first, whose loss leaves nobody a schema.
fn page<'b>(random: &mut Random, bytes: &'b mut [u8]) -> &'b mut [u8] {
    let pages = bytes.len() / PAGE;
    let at = (1 + random.index(pages - 1)) * PAGE;
    &mut bytes[at..at + PAGE]
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// A row: its table, its rowid, its values.
type Key = (String, Option<i64>, String);

/// How often each row is there.
type Content = HashMap<Key, i64>;

fn rows_of(db: &Connection, table: &str, has_rowid: bool) -> Vec<(Option<i64>, Vec<Value>)> {
    let rowid = if has_rowid { "rowid" } else { "NULL" };
    let Ok(mut statement) = db.prepare(&format!("SELECT {rowid}, * FROM {} NOT INDEXED", quoted(table)))
    else {
        return Vec::new();
    };
    let count = statement.column_count();
    let Ok(mut rows) = statement.query([]) else { return Vec::new() };
    let mut found = Vec::new();
    while let Ok(Some(row)) = rows.next() {
        let values = (1..count).map(|index| row.get(index).unwrap_or(Value::Null)).collect();
        found.push((row.get(0).unwrap(), values));
    }
    found
}

fn words(values: &[Value]) -> String {
    format!("{values:?}")
}

fn truth(path: &Path) -> Content {
    let db = open_read_only(path);
    let mut content = Content::new();
    for (table, has_rowid) in tables(&db) {
        for (rowid, values) in rows_of(&db, &table, has_rowid) {
            *content.entry((table.clone(), rowid, words(&values))).or_default() += 1;
        }
    }
    content
}

/// How many rows of a rescued database are right, and how many are not.
fn judged(rescued: &Path, truth: &Content) -> (i64, i64) {
    let mut left = truth.clone();
    // A row that is lost has no table: its rowid and its values as stored tell it.
    let mut stored: HashMap<(Option<i64>, String), Vec<Key>> = HashMap::new();
    for key in truth.keys() {
        let values = match key.0.as_str() {
            "people" => key.2.replacen(&format!("Integer({})", key.1.unwrap()), "Null", 1),
            _ => key.2.clone(),
        };
        stored.entry((key.1, values)).or_default().push(key.clone());
    }
    let (mut right, mut wrong) = (0, 0);
    let mut count = |left: &mut Content, key: Option<&Key>| match key
        .and_then(|key| left.get_mut(key))
        .filter(|count| **count > 0)
    {
        Some(count) => {
            *count -= 1;
            right += 1;
        }
        None => wrong += 1,
    };
    let db = open_read_only(rescued);
    for (table, has_rowid) in
        tables(&db).into_iter().filter(|(table, _)| !table.starts_with("lost_and_found"))
    {
        for (rowid, values) in rows_of(&db, &table, has_rowid) {
            count(&mut left, Some(&(table.clone(), rowid, words(&values))));
        }
    }
    for (_, values) in rows_of(&db, "lost_and_found", true) {
        let (Value::Integer(fields), rowid) = (&values[2], &values[3]) else { continue };
        let rowid = if let Value::Integer(rowid) = rowid { Some(*rowid) } else { None };
        let end = 4 + usize::try_from(*fields).unwrap();
        let keys = stored.get(&(rowid, words(values.get(4..end).unwrap_or_default())));
        let key =
            keys.and_then(|keys| keys.iter().find(|key| left.get(*key).is_some_and(|count| *count > 0)));
        count(&mut left, key.cloned().as_ref());
    }
    (right, wrong)
}

/// Runs the statements one by one, past those that fail, as the shell does.
fn read_back(sql: &str, path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let mut batch = Batch::new(&db, sql);
    while let Ok(Some(mut statement)) = batch.next() {
        let _ = statement.raw_execute();
    }
    // Where a statement cannot be prepared the batch ends; what was written before it counts.
    let _ = db.execute_batch("COMMIT");
}

fn recovered(shell: &str, source: &Path, path: &Path) {
    let recover = Command::new(shell).arg(source).arg(".recover").stderr(Stdio::null()).output().unwrap();
    let sql = path.with_extension("sql");
    fs::write(&sql, recover.stdout).unwrap();
    let stdin = fs::File::open(&sql).unwrap();
    let _ = Command::new(shell)
        .args(["-cmd", "PRAGMA synchronous = OFF"])
        .arg(path)
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    if !path.exists() {
        drop(Connection::open(path).unwrap());
    }
}

#[test]
fn damages_cost_no_more_rows_than_the_shell_loses_and_invent_none() {
    let shell = std::env::var("LITECOPY_RECOVER_SHELL").ok();
    if shell.is_none() {
        println!(
            "SKIPPED beside .recover: LITECOPY_RECOVER_SHELL is not set; a recorded run is in format-spec-notes/dump.md"
        );
    }
    let seeds = std::env::var("LITECOPY_SEEDS").map_or(30, |seeds| seeds.parse::<u64>().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA page_size = {PAGE}; {TABLES}")).unwrap();
    let (truth, whole) = (truth(&path), fs::read(&path).unwrap());
    let all: i64 = truth.values().sum();
    println!("damage | seeds | rows | right | wrong | .recover right | .recover wrong");
    let (mut sum, mut sum_shell, mut wrong, mut wrong_shell) = (0, 0, 0, 0);
    for (class, (name, damage)) in CLASSES.iter().enumerate() {
        let (mut ours, mut theirs) = ((0, 0), (0, 0));
        for seed in 0..seeds {
            let mut bytes = whole.clone();
            damage(&mut Random(seed * 31 + class as u64), &mut bytes);
            let damaged = folder.path().join("damaged.db");
            fs::write(&damaged, &bytes).unwrap();
            let rescued = folder.path().join("rescued.db");
            let _ = fs::remove_file(&rescued);
            let (sql, _) = dumped(&damaged);
            read_back(&sql, &rescued);
            let (right, wrong) = judged(&rescued, &truth);
            let ours_right = right;
            ours = (ours.0 + right, ours.1 + wrong);
            // Noise within a value is told by nothing.
            // What befalls an overflow page is within one value, and told by nothing.
            let most = if name.contains("page") { 1 } else { 0 };
            assert!(*name == "bits" || wrong <= most, "{name}, seed {seed}: rows that were never there");
            if let Some(shell) = &shell {
                let rescued = folder.path().join("recovered.db");
                let _ = fs::remove_file(&rescued);
                recovered(shell, &damaged, &rescued);
                let (right, wrong) = judged(&rescued, &truth);
                if ours_right < right && std::env::var_os("LITECOPY_KEEP_DAMAGED").is_some() {
                    let kept = std::env::temp_dir().join(format!("damaged-{class}-{seed}.db"));
                    fs::copy(&damaged, &kept).unwrap();
                    println!("{name}, seed {seed}: {ours_right} of {right}: {}", kept.display());
                }
                theirs = (theirs.0 + right, theirs.1 + wrong);
            }
        }
        let rows = all * i64::try_from(seeds).unwrap();
        println!("{name} | {seeds} | {rows} | {} | {} | {} | {}", ours.0, ours.1, theirs.0, theirs.1);
        assert!(ours.0 * 10 > rows * 6, "{name}: only {} of {rows} rows", ours.0);
        (sum, sum_shell) = (sum + ours.0, sum_shell + theirs.0);
        (wrong, wrong_shell) = (wrong + ours.1, wrong_shell + theirs.1);
    }
    println!("sum | | | {sum} | {wrong} | {sum_shell} | {wrong_shell}");
    assert!(sum >= sum_shell, "{sum} rows, .recover has {sum_shell}");
}
