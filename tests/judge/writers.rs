//! While writers in other processes commit, each copy is one of the committed versions, and no writer meets
//! anything but ordinary BUSY.
//!
//! A few seconds for each journal mode; `LITECOPY_SOAK_SECONDS` makes it as long as one likes, `LITECOPY_SEED`
//! repeats the choices of a run.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use litecopy::{Consistency, CopyOptions, ErrorKind};
use rusqlite::Connection;

use crate::copies::memory_copy;
use crate::files::Folder;
use crate::peer::Peer;
use crate::random::{Random, seed};
use crate::writer::{self, Plan};

/// No fewer copies in a run than this, however long they take.
const FEWEST_COPIES: u64 = 40;

#[test]
fn beside_writers_that_delete_their_journal() {
    Run { journal_mode: "DELETE", reconnect_after: 10, checkpoints: false, pause_ms: 40 }.run();
}

#[test]
fn beside_writers_that_truncate_their_journal() {
    Run { journal_mode: "TRUNCATE", reconnect_after: 0, checkpoints: false, pause_ms: 40 }.run();
}

#[test]
fn beside_writers_that_zero_their_journal() {
    Run { journal_mode: "PERSIST", reconnect_after: 30, checkpoints: false, pause_ms: 40 }.run();
}

#[test]
fn beside_writers_with_a_log_that_stay() {
    Run { journal_mode: "WAL", reconnect_after: 0, checkpoints: true, pause_ms: 10 }.run();
}

#[test]
fn beside_writers_with_a_log_that_come_and_go() {
    Run { journal_mode: "WAL", reconnect_after: 3, checkpoints: true, pause_ms: 10 }.run();
}

struct Run {
    journal_mode: &'static str,
    reconnect_after: u64,
    checkpoints: bool,
    pause_ms: u64,
}

impl Run {
    fn run(self) {
        let seed = seed(&format!("writers, {}", self.journal_mode));
        let mut random = Random::from_seed(seed);
        let folder = Folder::new();
        let source = folder.join("source.db");
        writer::create(&source, self.journal_mode);
        let mut writers = [Peer::start(), Peer::start()];
        for (number, peer) in (1..).zip(&mut writers) {
            peer.start_writer(&Plan {
                database: source.clone(),
                seed: seed.wrapping_add(number) >> 1,
                journal_mode: self.journal_mode,
                reconnect_after: self.reconnect_after,
                checkpoints: self.checkpoints,
                pause_ms: self.pause_ms,
                big: false,
            });
        }
        let (mut copies, mut given_up, mut restarts) = (0, 0, 0);
        let begun = Instant::now();
        while begun.elapsed() < soak_time() || copies < FEWEST_COPIES {
            assert!(
                begun.elapsed() < soak_time() + Duration::from_secs(120),
                "{copies} copies, {given_up} given up"
            );
            let committed =
                writers.each_mut().map(|peer| peer.versions().committed).into_iter().max().unwrap();
            match copy_somehow(&source, &mut random) {
                Ok((version, restarted)) => {
                    let begun =
                        writers.each_mut().map(|peer| peer.versions().begun).into_iter().max().unwrap();
                    assert!((committed..=begun).contains(&version), "{version} not in {committed}..={begun}");
                    (copies, restarts) = (copies + 1, restarts + restarted);
                }
                Err(ErrorKind::Busy | ErrorKind::DeadlinePassed | ErrorKind::Stalled) => given_up += 1,
                Err(other) => panic!("{other:?}"),
            }
            thread::sleep(Duration::from_millis(random.below(5)));
        }
        let reports = writers.map(|mut peer| peer.stop_writer());
        println!("{copies} copies, {given_up} given up, {restarts} restarts, beside {reports:?}");
        reports.iter().for_each(writer::Report::assert_only_busy);
        let commits: u64 = reports.iter().map(|report| report.commits).sum();
        assert!(commits > copies, "the writers hardly wrote");
        assert_eq!(writer::verify(&source), commits, "what the writers left");
        let known = ["source.db", "source.db-journal", "source.db-shm", "source.db-wal"];
        assert!(folder.names().iter().all(|name| known.contains(&name.as_str())), "{:?}", folder.names());
    }
}

/// How long each run takes at the least.
fn soak_time() -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(3, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Copies in one of the ways there are; gives the version in the copy and how often it began again.
fn copy_somehow(source: &Path, random: &mut Random) -> Result<(u64, u64), ErrorKind> {
    let pages = *random.one_of(&[-1, 5, 20, 100]);
    let consistency = *random.one_of(&[Consistency::Step, Consistency::Hold, Consistency::Auto]);
    let growth = *random.one_of(&[None, Some(1), Some(20_000)]);
    let options = CopyOptions::new()
        .pages_per_step(pages)
        .sleep(Duration::from_micros(random.below(300)))
        .lock_timeout(Some(Duration::from_secs(2)))
        .deadline(Some(Duration::from_secs(4)))
        .consistency(consistency)
        .max_log_growth(growth)
        .patience(Duration::from_millis(random.below(200)));
    let targets = Folder::new();
    let target: PathBuf = targets.join("copy.db");
    let restarts = if random.below(4) == 0 {
        let (bytes, report) = memory_copy(&options, source).map_err(explained)?;
        std::fs::write(&target, bytes).unwrap();
        report.restarts
    } else {
        let outcome = options.copy(source, &target);
        let left: &[&str] = if outcome.is_ok() { &["copy.db"] } else { &[] };
        assert_eq!(targets.names(), left);
        outcome.map_err(explained)?.restarts
    };
    let version = writer::verify_connection(&Connection::open(&target).unwrap());
    Ok((version, restarts))
}

fn explained(error: litecopy::Error) -> ErrorKind {
    println!("{error}");
    error.kind()
}
