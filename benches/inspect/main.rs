//! What `check`, `pages` and `space` cost beside SQLite's own answers: `cargo bench --bench inspect [-- OPTIONS]`.
//!
//! Times are of the processor, all cores together, in ms: of the report alone, made in this process, and of the whole command,
//! with its start and its JSON. Each goes three times, the least counts; of the command, the mean of five. `wall` is how many
//! times as fast the report is by the clock on the wall, where it has a second core to itself. The database lies in the system's
//! cache. Memory is the most that the command ever had resident, less what it has when it does nothing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a bench may panic: that is how it fails"
)]

#[path = "../common/memory.rs"]
mod memory;
mod options;
mod processor;

use std::path::Path;
use std::process::{Command, Stdio};

use litecopy::inspect::{CheckOptions, check, pages, space};
use litecopy::{Database, Source};
use options::Options;
use processor::{cpu_time, cpu_time_of};
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// How often each goes.
const TIMES: usize = 3;
/// How often the command goes.
const RUNS: u32 = 5;

/// A report, what SQLite has to say instead, and how many times as fast it is to be.
struct Case {
    name: &'static str,
    sql: &'static str,
    report: fn(&Database),
    command: &'static [&'static str],
    wanted: f64,
}

const CASES: [Case; 4] = [
    Case {
        name: "check --quick",
        sql: "PRAGMA quick_check",
        report: |database| checked(database, true),
        command: &["check", "--quick", "--json"],
        wanted: 2.0,
    },
    Case {
        name: "check",
        sql: "PRAGMA integrity_check",
        report: |database| checked(database, false),
        command: &["check", "--json"],
        wanted: 4.0,
    },
    Case {
        name: "pages",
        sql: "SELECT * FROM dbstat",
        report: |database| {
            let report = pages(database).unwrap();
            assert!(report.iter().map(|page| u64::from(page.used_bytes)).sum::<u64>() > 0);
        },
        command: &["pages", "--json"],
        wanted: 2.0,
    },
    Case {
        name: "space",
        sql: "SELECT name, payload, unused, mx_payload, pageno, ncell FROM dbstat WHERE aggregate = TRUE",
        report: |database| assert!(!space(database).unwrap().owners.is_empty()),
        command: &["space", "--json"],
        wanted: 2.0,
    },
];

fn main() {
    let options = Options::parse(std::env::args().skip(1));
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("bench.db");
    let path = options.file.as_deref().unwrap_or_else(|| {
        fill(&made, options.megabytes);
        &made
    });
    println!("{} MB, CPU time in ms", std::fs::metadata(path).unwrap().len() / 1_000_000);
    let idle = memory::peak_kib(command(&["--version"])).unwrap();
    println!(
        "{:<14} {:>9} {:>9} {:>6} {:>7} {:>6} {:>9} {:>6} {:>8}",
        "", "SQLite", "library", "times", "wanted", "wall", "command", "times", "memory"
    );
    for case in CASES.iter().filter(|case| options.wants(case.name)) {
        race(case, path, idle);
    }
}

fn checked(database: &Database, quick: bool) {
    let report = check(database, &CheckOptions::new().quick(quick), |_| {}).unwrap();
    assert!(report.sound);
}

fn race(case: &Case, path: &Path, idle_kib: u32) {
    let (theirs, their_wall) = least(|| every_row(path, case.sql));
    let (library, wall) =
        least(|| (case.report)(&Database::open(Source::open(path).unwrap(), None).unwrap()));
    let its_command = || {
        let mut command = command(case.command);
        command.arg(path).stdin(Stdio::null());
        command
    };
    let runs = (0..RUNS).map(|_| cpu_time_of(its_command().stdout(Stdio::null())));
    let command = runs.sum::<Duration>() / RUNS;
    let peak_kib = memory::peak_kib(its_command()).unwrap().saturating_sub(idle_kib);
    let times = |ours: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
    let (library_times, command_times) = (times(library), times(command));
    let wall_times = their_wall.as_secs_f64() / wall.as_secs_f64();
    let [theirs, library, command] = [theirs, library, command].map(|time| time.as_secs_f64() * 1e3);
    println!(
        "{:<14} {theirs:>9.1} {library:>9.1} {library_times:>6.2} {:>7.1} {wall_times:>6.2} {command:>9.0} {command_times:>6.2} {:>5.1} MB",
        case.name,
        case.wanted,
        f64::from(peak_kib) * 1024.0 / 1e6,
    );
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
    command.args(arguments);
    command
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
    let rows = megabytes * 1_000_000 / 164;
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

/// The least time of the processor, and on the wall.
fn least(mut work: impl FnMut()) -> (Duration, Duration) {
    let mut one = || {
        let (begun, before) = (Instant::now(), cpu_time());
        work();
        (cpu_time() - before, begun.elapsed())
    };
    let (cpu, wall): (Vec<_>, Vec<_>) = (0..TIMES).map(|_| one()).unzip();
    (cpu.into_iter().min().unwrap(), wall.into_iter().min().unwrap())
}
