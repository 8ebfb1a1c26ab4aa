//! What a copy costs those who write meanwhile, and whether it ends: litecopy beside SQLite's own ways, in one run.
//!
//! `cargo bench --bench writers [-- MEGABYTES [SECONDS_CAP]]` makes a database for each journal mode, lets a process commit
//! every 1, 5, 20 and 100 ms, and meanwhile has each way copy the database in a process of its own, again and again for
//! some seconds, or until the cap, which counts as never. It prints a table for each mode, and how the goals were met.
//!
//! A commit changes two rows anywhere and waits for locks as long as it takes. The writer syncs nothing in rollback mode
//! (`synchronous = OFF`) and only its checkpoints in WAL mode (`NORMAL`), so that what is measured is locks, and commits
//! can come every millisecond. Copies are synced. Each way's first copy of a cell is checked by SQLite, outside the timing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench may stop where it stands"
)]

mod common;

use common::filled;
use litecopy::{Consistency, CopyOptions, ErrorKind, FileTarget};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, stdin};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A way to copy: what it is called, and how it is done within a time.
type Way = (&'static str, fn(&Path, &Path, Duration) -> Told);

const WAYS: [Way; 6] = [
    ("SQLite backup, 100 pages", |source, target, cap| sqlite_backup(source, target, cap, 100)),
    ("SQLite backup, 1,000 pages", |source, target, cap| sqlite_backup(source, target, cap, 1_000)),
    (VACUUM, vacuum_into),
    ("litecopy hold", |source, target, cap| litecopy(source, target, cap, Consistency::Hold)),
    ("litecopy step", |source, target, cap| litecopy(source, target, cap, Consistency::Step)),
    (AUTO, |source, target, cap| litecopy(source, target, cap, Consistency::Auto)),
];

/// Those that the goals are about.
const VACUUM: &str = "VACUUM INTO";
const AUTO: &str = "litecopy auto";

/// How many rows, of two to a page, make a megabyte.
const ROWS_A_MEGABYTE: u64 = 512;

const INTERVALS_MS: [u64; 4] = [1, 5, 20, 100];

/// For how long, at the least, a writer is watched beside one way, and how many copies are made meanwhile at the most.
const WATCHED: Duration = Duration::from_secs(3);
const MOST_COPIES: usize = 20;

/// The usual patience of `Auto`; less where the cap leaves no time for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Set for a process that this one starts: `writer`, or the number of the way to copy.
const ROLE: &str = "LITECOPY_BENCH_ROLE";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |place: usize, default: u64| {
        arguments.get(place).map_or(default, |argument| argument.parse().expect("a number"))
    };
    match std::env::var(ROLE) {
        Ok(role) if role == "writer" => {
            write(Path::new(arguments.first().expect("a database")), number(1, 1), number(2, 1));
        }
        Ok(role) => copy_once(&role, &arguments, Duration::from_secs(number(2, 1))),
        Err(_) => {
            let (megabytes, cap) = (number(0, 200), Duration::from_secs(number(1, 30)));
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            for journal_mode in ["DELETE", "WAL"] {
                let source = make_database(folder.path(), journal_mode, megabytes);
                compare(&Scene { source: &source, megabytes, cap }, journal_mode);
                fs::remove_file(&source).unwrap();
            }
        }
    }
}

/// Makes `source.db` in the folder, of about so many megabytes, synced to disk.
fn make_database(folder: &Path, journal_mode: &str, megabytes: u64) -> PathBuf {
    let path = folder.join("source.db");
    filled(&path, journal_mode, megabytes * ROWS_A_MEGABYTE).close().unwrap();
    File::open(&path).unwrap().sync_all().unwrap();
    path
}

// What is measured.

/// The database, and how long a copy may take.
struct Scene<'s> {
    source: &'s Path,
    megabytes: u64,
    cap: Duration,
}

/// What came of one way beside a writer, or without one.
struct Cell {
    interval_ms: u64,
    way: &'static str,
    /// The median; `None` for never.
    time: Option<Duration>,
    restarts: u64,
    /// How long commits took while it copied, sorted.
    latencies: Vec<Duration>,
}

impl Cell {
    fn percentile(&self, percent: usize) -> Duration {
        let place = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

fn compare(scene: &Scene<'_>, journal_mode: &str) {
    let size_bytes = fs::metadata(scene.source).unwrap().len();
    println!("\n{} MiB, journal_mode={journal_mode}, cap {} s:\n", size_bytes >> 20, scene.cap.as_secs());
    println!(
        "| commits every | beside | time | of its quiet time | restarts | p50 ms | p99 ms | longest ms |"
    );
    println!("|---:|---|---:|---:|---:|---:|---:|---:|");
    let quiet: Vec<Cell> = (0..WAYS.len()).map(|way| measure(scene, way, None)).collect();
    for cell in &quiet {
        print_row(cell, None);
    }
    let mut cells = Vec::new();
    for interval_ms in INTERVALS_MS {
        let alone = watch_alone(scene, interval_ms);
        print_row(&alone, None);
        cells.push(alone);
        for (way, quiet) in quiet.iter().enumerate() {
            let cell = measure(scene, way, Some(interval_ms));
            print_row(&cell, quiet.time);
            cells.push(cell);
        }
    }
    print_goals(journal_mode, &quiet, &cells);
}

/// The writer without a copy.
fn watch_alone(scene: &Scene<'_>, interval_ms: u64) -> Cell {
    let writer = Writer::start(scene, interval_ms);
    let begun = now_micros();
    std::thread::sleep(WATCHED);
    let latencies = writer.stop().within(&[(begun, now_micros())]);
    Cell { interval_ms, way: "nothing", time: None, restarts: 0, latencies }
}

/// Copies in one way, again and again.
fn measure(scene: &Scene<'_>, way: usize, interval_ms: Option<u64>) -> Cell {
    let writer = interval_ms.map(|interval_ms| Writer::start(scene, interval_ms));
    let (mut spans, mut times, mut restarts) = (Vec::new(), Vec::new(), 0);
    let begun = Instant::now();
    loop {
        let told = run_copy(scene, way, times.is_empty());
        spans.push(told.span);
        restarts = restarts.max(told.restarts);
        times.push(told.done.then(|| Duration::from_micros(told.span.1 - told.span.0)));
        if !told.done || times.len() == MOST_COPIES || begun.elapsed() > WATCHED {
            break;
        }
    }
    times.sort();
    // One that did not end counts for all: it is the last that was tried.
    let ended = times.iter().all(Option::is_some);
    let time = times.get(times.len() / 2).copied().flatten().filter(|_| ended);
    let latencies = writer.map(|writer| writer.stop().within(&spans)).unwrap_or_default();
    let (name, _) = *WAYS.get(way).expect("a way");
    Cell { interval_ms: interval_ms.unwrap_or(0), way: name, time, restarts, latencies }
}

fn run_copy(scene: &Scene<'_>, way: usize, check_it: bool) -> Ran {
    let target = scene.source.with_extension("copy");
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ROLE, way.to_string())
        .args([scene.source, &target])
        .arg(scene.cap.as_secs().to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let &[done, restarts, begun, ended] = numbers.as_slice() else { panic!("{said}") };
    if done == 1 && check_it {
        check(&target, scene.megabytes);
    }
    drop(fs::remove_file(&target));
    Ran { done: done == 1, restarts, span: (begun, ended) }
}

/// A copy as its process told it; the span is in microseconds of the system's clock.
struct Ran {
    done: bool,
    restarts: u64,
    span: (u64, u64),
}

fn check(copy: &Path, megabytes: u64) {
    let copy = Connection::open(copy).unwrap();
    let text = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    assert_eq!(text("SELECT count(*) || '' FROM t"), (megabytes * ROWS_A_MEGABYTE).to_string());
}

// The ways, each in a process of its own.

/// What a copy came to.
struct Told {
    done: bool,
    restarts: u64,
}

fn copy_once(way: &str, arguments: &[String], cap: Duration) {
    let (source, target) = (arguments.first().expect("a source"), arguments.get(1).expect("a target"));
    let (_, copy) = WAYS.get(way.parse::<usize>().unwrap()).expect("a way");
    let begun = now_micros();
    let told = copy(Path::new(source), Path::new(target), cap);
    println!("{} {} {begun} {}", u8::from(told.done), told.restarts, now_micros());
}

fn litecopy(source: &Path, target: &Path, cap: Duration, consistency: Consistency) -> Told {
    let options =
        CopyOptions::new().consistency(consistency).pages_per_step(1_000).deadline(Some(cap)).patience(
            // A pure `Step` is to show that it does not end, and not to say so beforehand.
            if consistency == Consistency::Step { cap } else { PATIENCE.min(cap / 4) },
        );
    let mut restarts = 0;
    let copied = options.begin(source, FileTarget::new(target)).unwrap().run(|progress| {
        restarts = progress.restarts;
        ControlFlow::Continue(())
    });
    match copied {
        Ok(_) => Told { done: true, restarts },
        Err(error) if matches!(error.kind(), ErrorKind::DeadlinePassed | ErrorKind::Stalled) => {
            Told { done: false, restarts }
        }
        Err(error) => panic!("{error}"),
    }
}

fn sqlite_backup(source: &Path, target: &Path, cap: Duration, pages: i32) -> Told {
    let (source, mut target) = (Connection::open(source).unwrap(), Connection::open(target).unwrap());
    source.busy_timeout(cap).unwrap();
    let backup = Backup::new(&source, &mut target).unwrap();
    let (begun, mut restarts, mut remaining) = (Instant::now(), 0, i32::MAX);
    while begun.elapsed() < cap {
        if backup.step(pages).unwrap() == StepResult::Done {
            return Told { done: true, restarts };
        }
        let left = backup.progress().remaining;
        restarts += u64::from(left >= remaining);
        remaining = left;
    }
    Told { done: false, restarts }
}

fn vacuum_into(source: &Path, target: &Path, cap: Duration) -> Told {
    let source = Connection::open(source).unwrap();
    source.busy_timeout(cap).unwrap();
    source.execute("VACUUM INTO ?1", [target.to_str().unwrap()]).unwrap();
    File::open(target).unwrap().sync_all().unwrap();
    Told { done: true, restarts: 0 }
}

// The writer, in a process of its own.

/// Commits at an interval until standard input ends; then tells when each commit began and how long it took.
fn write(database: &Path, interval_ms: u64, row_count: u64) {
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(Duration::from_secs(3600)).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let synchronous = if mode == "wal" { "NORMAL" } else { "OFF" };
    connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}")).unwrap();
    let change = format!(
        "BEGIN IMMEDIATE;
         UPDATE t SET body = randomblob(1980) WHERE id = abs(random() % {row_count}) + 1;
         UPDATE t SET body = randomblob(1980) WHERE id = abs(random() % {row_count}) + 1;
         COMMIT"
    );
    static STOP: AtomicBool = AtomicBool::new(false);
    std::thread::spawn(|| {
        stdin().read_to_end(&mut Vec::new()).unwrap();
        STOP.store(true, Ordering::Relaxed);
    });
    let interval = Duration::from_millis(interval_ms);
    let (mut commits, mut next) = (Vec::new(), Instant::now());
    while !STOP.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let (at, begun) = (now_micros(), Instant::now());
        connection.execute_batch(&change).unwrap();
        commits.push((at, begun.elapsed().as_micros()));
        // Whoever was held up does not make up for it in a burst.
        next = (next + interval).max(Instant::now());
        if commits.len() == 3 {
            println!("ready");
        }
    }
    for (at, micros) in commits {
        println!("{at} {micros}");
    }
}

/// The parent's end of a writer.
struct Writer {
    process: Child,
}

/// When each commit began, in microseconds of the system's clock, and how many of these it took.
struct Commits(Vec<(u64, u64)>);

impl Writer {
    fn start(scene: &Scene<'_>, interval_ms: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, "writer")
            .arg(scene.source)
            .args([interval_ms.to_string(), (scene.megabytes * ROWS_A_MEGABYTE).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        process.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        Self { process }
    }

    fn stop(mut self) -> Commits {
        drop(self.process.stdin.take());
        let lines = BufReader::new(self.process.stdout.take().unwrap()).lines();
        let commits = lines.map(|line| {
            let line = line.unwrap();
            let (at, micros) = line.split_once(' ').unwrap();
            (at.parse().unwrap(), micros.parse().unwrap())
        });
        let commits = Commits(commits.collect());
        assert!(self.process.wait().unwrap().success());
        commits
    }
}

impl Commits {
    /// Sorted, those that took part of one of the spans.
    fn within(&self, spans: &[(u64, u64)]) -> Vec<Duration> {
        let meets =
            |at: u64, micros: u64| spans.iter().any(|&(begun, ended)| at < ended && begun < at + micros);
        let met = self.0.iter().filter(|&&(at, micros)| meets(at, micros));
        let mut latencies: Vec<Duration> = met.map(|&(_, micros)| Duration::from_micros(micros)).collect();
        latencies.sort();
        latencies
    }
}

fn now_micros() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

// What is told.

fn print_row(cell: &Cell, quiet: Option<Duration>) {
    let interval = match cell.interval_ms {
        0 => "(no writer)".to_owned(),
        ms => format!("{ms} ms"),
    };
    let copies = cell.way != "nothing";
    let time = match cell.time {
        Some(time) => format!("{:.2} s", time.as_secs_f64()),
        None if copies => "never".to_owned(),
        None => String::new(),
    };
    let beside = ratio(cell.time, quiet).map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let restarts = if copies { cell.restarts.to_string() } else { String::new() };
    let latency = |percent| match cell.interval_ms {
        0 => String::new(),
        _ => format!("{:.1}", cell.percentile(percent).as_secs_f64() * 1e3),
    };
    let (p50, p99, longest) = (latency(50), latency(99), latency(100));
    println!("| {interval} | {} | {time} | {beside} | {restarts} | {p50} | {p99} | {longest} |", cell.way);
}

fn ratio(one: Option<Duration>, other: Option<Duration>) -> Option<f64> {
    Some(one?.as_secs_f64() / other?.as_secs_f64())
}

/// How the worst cell stands to what is wanted.
fn print_goals(journal_mode: &str, quiet: &[Cell], cells: &[Cell]) {
    let of = |way: &'static str| cells.iter().filter(move |cell| cell.way == way);
    let worst = |ratios: Vec<f64>| ratios.into_iter().fold(0.0, f64::max);
    let seconds = |cells: Vec<Duration>| cells.into_iter().map(|time| time.as_secs_f64()).collect::<Vec<_>>();
    let beside = |ours: Vec<f64>, theirs: Vec<f64>| ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    let ended = of(AUTO).filter(|cell| cell.time.is_some()).count();
    println!("\n- {AUTO} ended in {ended} of {} cells", of(AUTO).count());
    if journal_mode == "WAL" {
        let alone = quiet.iter().find(|cell| cell.way == AUTO).and_then(|cell| cell.time);
        let times = worst(of(AUTO).filter_map(|cell| ratio(cell.time, alone)).collect());
        println!("- its time, of its quiet time, at the worst: {times:.2} (goal: 1.5)");
        let p99 = |way| seconds(of(way).map(|cell| cell.percentile(99)).collect());
        let p99 = worst(beside(p99(AUTO), p99("nothing")));
        println!("- the writer's p99, of its quiet p99, at the worst: {p99:.2} (goal: 2)");
    } else {
        let longest = |way| seconds(of(way).map(|cell| cell.percentile(100)).collect());
        let longest = worst(beside(longest(AUTO), longest(VACUUM)));
        println!(
            "- longest time a writer was held out, of {VACUUM}'s, at the worst: {longest:.2} (goal: 0.33)"
        );
    }
}
