//! How long a copy takes and how much memory, beside SQLite's own backup and a plain file copy, in one run.
//!
//! `cargo bench --bench copy [-- MEGABYTES [ROUNDS]]` makes a database in a temporary folder, has each way copy it in a
//! process of its own, round after round, in turns, and prints medians. Every way ends with the copy synced to disk. The
//! file cache is warm. Each copy is checked to be as large as the source.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it stands")]

mod common;

use common::make_database;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A way to copy: what it is called, and how it is done.
type Way = (&'static str, fn(&Path, &Path));

const WAYS: [Way; 6] = [
    ("litecopy, one step", litecopy_one_step),
    ("litecopy, steps of 100 pages", litecopy_steps),
    ("SQLite backup, one step", |source, target| sqlite_backup(source, target, -1)),
    ("SQLite backup, 100 pages (.backup)", |source, target| sqlite_backup(source, target, 100)),
    ("VACUUM INTO", vacuum_into),
    ("plain file copy (not safe)", plain_copy),
];

/// Set for the process that does one copy: the number of the way.
const WAY: &str = "LITECOPY_BENCH_WAY";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Ok(way) = std::env::var(WAY) {
        return copy_once(&way, &arguments);
    }
    let number = |place: usize, default: u64| {
        arguments.get(place).map_or(default, |argument| argument.parse().expect("a number"))
    };
    let (megabytes, rounds) = (number(0, 1024), number(1, 3));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for journal_mode in ["DELETE", "WAL"] {
        let source = make_database(folder.path(), journal_mode, megabytes);
        compare(&source, journal_mode, rounds);
        fs::remove_file(&source).unwrap();
    }
}

fn compare(source: &Path, journal_mode: &str, rounds: u64) {
    let size_bytes = fs::metadata(source).unwrap().len();
    println!("\n{} MiB, journal_mode={journal_mode}, {rounds} rounds, medians:\n", size_bytes >> 20);
    let mut runs: Vec<Vec<Run>> = WAYS.iter().map(|_| Vec::new()).collect();
    for round in 0..usize::try_from(rounds).unwrap() {
        for turn in 0..WAYS.len() {
            // Each round begins with another: the disk may still be busy with what the one before left behind.
            let way = (round + turn) % WAYS.len();
            runs.get_mut(way).expect("a way").push(run_once(way, source, size_bytes));
        }
    }
    let medians: Vec<Run> = runs.into_iter().map(median).collect();
    let peer = medians.get(2).expect("SQLite's backup in one step").time;
    println!("| way | time | MiB/s | beside SQLite's one step | peak memory |");
    println!("|---|---:|---:|---:|---:|");
    for ((name, _), run) in WAYS.iter().zip(medians) {
        let seconds = run.time.as_secs_f64();
        println!(
            "| {name} | {seconds:.2} s | {:.0} | {:.2} | {:.1} MiB |",
            size_bytes as f64 / seconds / f64::from(1 << 20),
            seconds / peer.as_secs_f64(),
            run.peak_kib as f64 / 1024.0
        );
    }
}

#[derive(Clone, Copy)]
struct Run {
    time: Duration,
    peak_kib: u64,
}

/// Median of the times, most of the memory.
fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by_key(|run| run.time);
    let peak_kib = runs.iter().map(|run| run.peak_kib).max().expect("a round");
    Run { peak_kib, ..*runs.get(runs.len() / 2).expect("a round") }
}

fn run_once(way: usize, source: &Path, size_bytes: u64) -> Run {
    let target = source.with_extension("copy");
    let output = Command::new(std::env::current_exe().unwrap())
        .env(WAY, way.to_string())
        .args([source, &target])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copied = fs::metadata(&target).unwrap().len();
    assert!(copied.abs_diff(size_bytes) < size_bytes / 20, "{copied} bytes of {size_bytes}");
    fs::remove_file(&target).unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut numbers = said.split_whitespace().map(|number| number.parse::<u64>().unwrap());
    let (micros, peak_kib) = (numbers.next().unwrap(), numbers.next().unwrap());
    Run { time: Duration::from_micros(micros), peak_kib }
}

fn copy_once(way: &str, arguments: &[String]) {
    let (source, target) = (arguments.first().expect("a source"), arguments.get(1).expect("a target"));
    let (_, copy) = WAYS.get(way.parse::<usize>().unwrap()).expect("a way");
    let started = Instant::now();
    copy(Path::new(source), Path::new(target));
    println!("{} {}", started.elapsed().as_micros(), peak_kib());
}

/// The most memory that this process ever had resident, on Linux.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn litecopy_one_step(source: &Path, target: &Path) {
    litecopy::copy_database(source, target).unwrap();
}

fn litecopy_steps(source: &Path, target: &Path) {
    litecopy::CopyOptions::new().pages_per_step(100).copy(source, target).unwrap();
}

fn sqlite_backup(source: &Path, target: &Path, pages: i32) {
    let (source, mut target) = (Connection::open(source).unwrap(), Connection::open(target).unwrap());
    let backup = Backup::new(&source, &mut target).unwrap();
    while backup.step(pages).unwrap() != StepResult::Done {}
}

fn vacuum_into(source: &Path, target: &Path) {
    let source = Connection::open(source).unwrap();
    source.execute("VACUUM INTO ?1", [target.to_str().unwrap()]).unwrap();
    File::open(target).unwrap().sync_all().unwrap();
}

fn plain_copy(source: &Path, target: &Path) {
    fs::copy(source, target).unwrap();
    File::open(target).unwrap().sync_all().unwrap();
}
