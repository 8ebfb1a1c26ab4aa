//! A writer is killed (SIGKILL) at a random moment: the copy is what SQLite recovers from the same bytes, and the
//! files stay as the writer left them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use litecopy::{CopyOptions, copy_database};

use crate::copies::memory_copy;
use crate::files::{Folder, beside, bytes_at};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_same_bytes, logical_image};
use crate::peer::{Peer, until};
use crate::random::{Random, seed};
use crate::writer::{self, Plan};

/// No fewer kills than this in each journal mode.
const KILLS: u64 = 100;

#[test]
fn a_killed_writer_that_deletes_its_journal() {
    assert!(kill_writers("DELETE").hot > 10);
}

#[test]
fn a_killed_writer_that_cuts_its_journal() {
    assert!(kill_writers("TRUNCATE").hot > 10);
}

#[test]
fn a_killed_writer_that_zeroes_its_journal() {
    assert!(kill_writers("PERSIST").hot > 10);
}

/// With checkpoints of every sort, and connections that close as the last one.
#[test]
fn a_killed_writer_with_a_log() {
    let left = kill_writers("WAL");
    assert_eq!(left.hot, 0);
    assert!(left.logs > 10);
}

/// What killed writers left behind, and how often.
#[derive(Debug, Default)]
struct Left {
    kills: u64,
    /// A hot journal; and one whose rollback changes the database file.
    hot: u64,
    half_written: u64,
    /// A log with something in it.
    logs: u64,
    /// A log, but no wal-index: killed in a last close.
    without_index: u64,
}

/// Kills one writer after the other in the same database, each copied beside what the one before left.
fn kill_writers(journal_mode: &'static str) -> Left {
    let seed = seed(&format!("killed, {journal_mode}"));
    let mut random = Random::from_seed(seed);
    let folder = Folder::new();
    let source = folder.join("source.db");
    writer::create(&source, journal_mode);
    let mut left = Left::default();
    let begun = Instant::now();
    while left.kills < KILLS || begun.elapsed() < soak_time() {
        let mut peer = Peer::start();
        peer.start_writer(&Plan {
            database: source.clone(),
            seed: random.next() >> 1,
            journal_mode,
            reconnect_after: 3,
            checkpoints: journal_mode == "WAL",
            pause_ms: 0,
            // Small ones too, to be killed around commits, checkpoints and last closes.
            big: random.below(4) > if journal_mode == "WAL" { 2 } else { 0 },
        });
        if random.below(4) > 0 {
            until("the writer commits", || peer.versions().committed > 0);
        }
        thread::sleep(Duration::from_micros(random.below(20_000)));
        peer.kill();
        left.kills += 1;
        assert_copied(&folder, &source, &mut left);
    }
    println!("{journal_mode}: {left:?} in {:?}", begun.elapsed());
    left
}

/// How long each run takes at the least.
fn soak_time() -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(0, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Copies what the killed writer left, which must be what SQLite recovers, and one of the versions that he wrote.
fn assert_copied(folder: &Folder, source: &Path, left: &mut Left) {
    let (targets, images) = (Folder::for_judging(), Folder::for_judging());
    let copy = targets.join("copy.db");
    let before = Fingerprint::of(folder.path());
    copy_database(source, &copy).unwrap();
    assert_same(&before, &Fingerprint::of(folder.path()));
    let image = logical_image(source, &images);
    assert_same_bytes(&image, &copy);
    writer::verify(&copy);
    let has_content = |suffix| fs::metadata(beside(source, suffix)).is_ok_and(|metadata| metadata.len() > 0);
    let journal = beside(source, "-journal");
    if has_content("-journal") && bytes_at(&journal, 0, 1) != [0] {
        left.hot += 1;
        left.half_written += u64::from(fs::read(source).unwrap() != fs::read(&image).unwrap());
    }
    if has_content("-wal") {
        left.logs += 1;
        left.without_index += u64::from(!beside(source, "-shm").exists());
    }
}

/// While a copy looks at the journal, a writer ends his transaction and begins another: his journals are never taken for
/// what a dead one left. He only rolls back, so that every copy has the same bytes.
#[test]
fn a_living_writers_journal_is_never_taken_for_a_dead_ones() {
    for journal_mode in ["DELETE", "PERSIST"] {
        let folder = Folder::new();
        let source = folder.join("source.db");
        writer::create(&source, journal_mode);
        let (expected, _) = memory_copy(&CopyOptions::new(), &source).unwrap();
        let mut writer = Peer::start();
        // Without syncs a journal has its magic number from the first page on, not only when it is about to be needed.
        let sql = format!("PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = OFF;");
        let change = "UPDATE part SET version = 7 WHERE id % 5 = abs(random() % 5)";
        writer.repeat(&source, "", &format!("{sql} BEGIN IMMEDIATE; {change}; ROLLBACK;"));
        let begun = Instant::now();
        let mut looks = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            let (bytes, _) = memory_copy(&CopyOptions::new(), &source).unwrap();
            assert!(bytes == expected, "after {looks} looks");
            looks += 1;
        }
        println!("{journal_mode}: {looks} looks");
    }
}
