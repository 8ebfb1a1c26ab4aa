//! What `check`, `pages` and `space` cost beside SQLite's own answers, in CPU time: `cargo bench --bench inspect`.
//!
//! The database has `LITECOPY_BENCH_MB` (100), and lies in the system's cache. Each goes three times, the least counts; the
//! last column is how often as fast we are, and what was wanted.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a bench may panic: that is how it fails"
)]

use std::path::Path;
use std::time::Duration;

use litecopy::inspect::{CheckOptions, check, pages, space};
use litecopy::{Database, Source};
use rusqlite::Connection;

/// How often each goes.
const TIMES: usize = 3;

fn main() {
    let megabytes = std::env::var("LITECOPY_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    fill(&path, megabytes);
    println!("{} MB, CPU time in ms", std::fs::metadata(&path).unwrap().len() / 1_000_000);
    println!("{:<8} {:>9} {:>9} {:>8} {:>7} {:>9}", "", "SQLite", "litecopy", "times", "wanted", "memory");
    let quick = |path: &Path| checked(path, true);
    let whole = |path: &Path| checked(path, false);
    race("quick", &path, "PRAGMA quick_check", quick, 2.0);
    race("check", &path, "PRAGMA integrity_check", whole, 4.0);
    race("pages", &path, "SELECT * FROM dbstat", json_of_pages, 2.0);
    let aggregate =
        "SELECT name, payload, unused, mx_payload, pageno, ncell FROM dbstat WHERE aggregate = TRUE";
    race("space", &path, aggregate, |path| drop(space(&open(path)).unwrap()), 2.0);
}

fn open(path: &Path) -> Database {
    Database::open(Source::open(path).unwrap(), None).unwrap()
}

fn checked(path: &Path, quick: bool) {
    let report = check(&open(path), &CheckOptions::new().quick(quick), |_| {}).unwrap();
    assert!(report.sound);
}

fn json_of_pages(path: &Path) {
    let uses = pages(&open(path)).unwrap();
    let bytes: usize = uses.iter().map(|page| serde_json::to_vec(&page).unwrap().len()).sum();
    assert!(bytes > 0);
}

fn race(name: &str, path: &Path, sql: &str, ours: impl Fn(&Path), wanted: f64) {
    let theirs = least(|| every_row(path, sql));
    forget_peak();
    let before = peak_bytes();
    let ours = least(|| ours(path));
    let grown = peak_bytes().saturating_sub(before) / 1_000_000;
    let times = theirs.as_secs_f64() / ours.as_secs_f64();
    let [theirs, ours] = [theirs, ours].map(|time| time.as_secs_f64() * 1e3);
    println!("{name:<8} {theirs:>9.1} {ours:>9.1} {times:>8.2} {wanted:>7.1} {grown:>6} MB");
}

fn every_row(path: &Path, sql: &str) {
    let db = Connection::open(path).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut values = 0;
    while let Some(row) = rows.next().unwrap() {
        values += (0..columns).filter(|&column| row.get_ref(column).is_ok()).count();
    }
    assert!(values > 0);
}

/// A table of rows of some 100 bytes, with three indexes.
fn fill(path: &Path, megabytes: u64) {
    let rows = megabytes * 1_000_000 / 200;
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -100000;
         CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, number INTEGER, amount REAL, body BLOB);
         INSERT INTO t WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            SELECT i, 'name ' || (i * 7919 % {rows}), i * 1000003 % 1000000007, i / 7.0, randomblob(70) FROM n;
         CREATE INDEX t_name ON t(name); CREATE INDEX t_number ON t(number, amount); CREATE INDEX t_amount ON t(amount DESC);"
    ))
    .unwrap();
}

fn least(mut work: impl FnMut()) -> Duration {
    let mut one = || {
        let before = cpu_time();
        work();
        cpu_time() - before
    };
    (0..TIMES).map(|_| one()).min().unwrap()
}

/// What this process has used of the processor so far.
fn cpu_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)).unwrap()
}

/// From now on, the peak of memory is counted anew.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The most memory that was resident since then.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
