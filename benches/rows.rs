//! What `rows` and `dump` cost beside the `sqlite3` shell, in CPU time of both programs: `cargo bench --bench rows`.
//!
//! The database has `LITECOPY_BENCH_MB` (200), and lies in the system's cache; all output goes to `/dev/null`. The shell is
//! `LITECOPY_SHELL`, or the `sqlite3` on the path; `.recover` needs one that was built with it. Each goes three times, the least
//! counts; the last columns are how often as fast we are, and what was wanted.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a bench may panic: that is how it fails"
)]

use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;

/// How often each goes.
const TIMES: usize = 3;

fn main() {
    let megabytes = std::env::var("LITECOPY_BENCH_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let shell = std::env::var("LITECOPY_SHELL").unwrap_or_else(|_| "sqlite3".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    fill(&path, megabytes);
    let version = Command::new(&shell).arg("--version").output().map(|output| output.stdout);
    let Ok(version) = version else {
        println!(
            "SKIPPED: there is no shell `{shell}`; recorded figures are in format-spec-notes/rows.md and dump.md"
        );
        return;
    };
    println!("{} MB, CPU time in ms, beside {}", megabytes, String::from_utf8_lossy(&version).trim());
    println!("{:<6} {:>9} {:>9} {:>7} {:>7}", "", "shell", "litecopy", "times", "wanted");
    let select = "SELECT * FROM t";
    race("csv", &path, (&shell, &["-csv", "-header"], &[select]), &["rows", "t", "--format", "csv"], 2.0);
    race("json", &path, (&shell, &["-json"], &[select]), &["rows", "t"], 5.0);
    race("dump", &path, (&shell, &[], &[".dump"]), &["dump"], 2.0);
    race("dump", &path, (&shell, &[], &[".recover"]), &["dump"], 4.0);
}

/// The shell with words before and behind the database, and litecopy with a verb and words behind it.
fn race(
    name: &str,
    path: &Path,
    (shell, before, behind): (&str, &[&str], &[&str]),
    ours: &[&str],
    wanted: f64,
) {
    let theirs = least(|| {
        let mut command = Command::new(shell);
        command.args(before).arg(path).args(behind);
        command
    });
    let (verb, words) = ours.split_first().unwrap();
    let ours = least(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_litecopy"));
        command.arg(verb).arg(path).args(words);
        command
    });
    println!("{name:<6} {theirs:>9} {ours:>9} {:>7.2} {wanted:>7.1}", theirs as f64 / ours as f64);
}

fn least(command: impl Fn() -> Command) -> u64 {
    let one = || {
        let before = children_ms();
        command().stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        children_ms() - before
    };
    (0..TIMES).map(|_| one()).min().unwrap().max(1)
}

/// What the children of this process have used of the processor so far: `cutime` and `cstime`, in hundredths of a second.
fn children_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<u64> =
        behind_name.split_whitespace().skip(1).map(|field| field.parse().unwrap_or_default()).collect();
    fields.iter().skip(12).take(2).sum::<u64>() * 10
}

/// A table of rows of some 110 bytes: numbers, text short and long, a blob.
fn fill(path: &Path, megabytes: u64) {
    let rows = megabytes * 1_000_000 / 117;
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;
         CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, number INTEGER, amount REAL, note TEXT, body BLOB);
         INSERT INTO t WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
            SELECT i, 'name ' || (i * 7919 % {rows}), i * 1000003 % 1000000007, i / 7.0,
              'a longer text of some sixty characters, it''s number ' || i, randomblob(20) FROM n;"
    ))
    .unwrap();
}
