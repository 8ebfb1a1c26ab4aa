//! Copies, restores and refreshes beside writers that are killed, checkpoints and readers, for as long as one likes.
//!
//! ```sh
//! cargo run --release --example soak -- 60      # a minute: half in WAL mode, half in rollback mode
//! cargo run --release --example soak -- 60 7    # the same kills and pauses again: seed 7
//! ```
//!
//! Real SQLite processes move money between accounts, and count it. In every committed version the money adds up to the same
//! sum, and there are as many notes as the counter says: a copy, or what a reader of the target sees, is wrong if not, or if SQLite's
//! integrity_check says so. Half of the restores are killed on the way. The last line sums it up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a tool for developers, which may stop where it stands"
)]

mod judge;
mod process;
#[path = "../mutated_sources/random.rs"]
mod random;
mod tasks;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use process::Process;
use random::Random;

/// What was done, and what of it was wrong.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) copies: AtomicU64,
    pub(crate) restores: AtomicU64,
    pub(crate) killed_restores: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) killed_writers: AtomicU64,
    pub(crate) wrong: AtomicU64,
}

impl Sum {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn say_wrong(&self, what: &str) {
        Self::count(&self.wrong);
        println!("WRONG: {what}");
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = process::play(&words) {
        std::process::exit(code);
    }
    let number = |place: usize| {
        words.get(place).map(|word| word.parse::<u64>().expect("usage: soak [SECONDS [SEED]]"))
    };
    let seconds = number(0).unwrap_or(60);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos().into());
    let seed = number(1).unwrap_or(now);
    println!("soak of {seconds} seconds, seed {seed}");
    let sum = Sum::default();
    for mode in ["wal", "delete"] {
        soak(mode, Duration::from_secs(seconds) / 2, seed, &sum);
    }
    let Sum { copies, restores, killed_restores, refreshes, busy, killed_writers, wrong } = &sum;
    let [copies, restores, killed_restores, refreshes, busy, killed_writers, wrong] =
        [copies, restores, killed_restores, refreshes, busy, killed_writers, wrong]
            .map(|counter| counter.load(Ordering::Relaxed));
    println!(
        "{copies} copies, {restores} restores (and {killed_restores} killed), {refreshes} refreshes beside writers \
         ({killed_writers} killed), checkpoints and readers in {seconds} s, seed {seed}; {busy} gave up as busy; {wrong} wrong"
    );
    std::process::exit(i32::from(wrong > 0 || copies == 0 || restores == 0 || refreshes == 0));
}

/// One mode, for so long.
fn soak(mode: &str, time: Duration, seed: u64, sum: &Sum) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (source, target) = (path("source.db"), path("target.db"));
    judge::fill(&source, mode);
    judge::fill(&target, mode);
    let end = Instant::now() + time;
    let reader = Process::start("reader", &[&target]);
    let checkpointer = (mode == "wal").then(|| Process::start("checkpointer", &[&source]));
    std::thread::scope(|scope| {
        scope.spawn(|| kill_writers(&source, end, &mut Random::new(seed, 1), sum));
        scope.spawn(|| tasks::copy(&source, folder.path(), end, sum));
        scope.spawn(|| tasks::restore(&source, &target, end, &mut Random::new(seed, 2), sum));
        scope.spawn(|| tasks::refresh(&source, &path("kept.db"), end, sum));
    });
    for process in std::iter::once(reader).chain(checkpointer) {
        if let Err(what) = process.stop() {
            sum.say_wrong(&format!("in {mode} mode: {what}"));
        }
    }
    if let Err(what) = judge::sound(&target) {
        sum.say_wrong(&format!("the target in {mode} mode at the end: {what}"));
    }
}

/// Two writers, each killed and followed by another over and over.
fn kill_writers(source: &Path, end: Instant, random: &mut Random, sum: &Sum) {
    let mut writers = [Process::start("writer", &[source]), Process::start("writer", &[source])];
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100 + random.below(900) as u64));
        let writer = &mut writers[random.one_of(&[0, 1])];
        writer.kill();
        Sum::count(&sum.killed_writers);
        *writer = Process::start("writer", &[source]);
    }
    for writer in &mut writers {
        writer.kill();
    }
}
