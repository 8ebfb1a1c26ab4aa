//! A writer is killed (SIGKILL) at a random moment: the copy is what SQLite recovers from the same bytes, and the
//! files stay as the writer left them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use litecopy::{CopyOptions, copy_database};

use crate::files::{Folder, beside, bytes_at};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_right_copy, logical_image};
use crate::peer::{Peer, until};
use crate::random::{Random, seed};
use crate::writer::{self, Plan};

const KILLS: u32 = 15;

#[test]
fn a_killed_writer_that_deletes_its_journal() {
    kill_writers("DELETE");
}

#[test]
fn a_killed_writer_that_zeroes_its_journal() {
    kill_writers("PERSIST");
}

#[test]
fn a_killed_writer_with_a_log() {
    let hot = kill_writers("WAL");
    assert_eq!(hot, 0);
}

/// Kills one writer after the other in the same database; gives how often a hot journal was left.
fn kill_writers(journal_mode: &'static str) -> u32 {
    let seed = seed(&format!("killed, {journal_mode}"));
    let mut random = Random::from_seed(seed);
    let folder = Folder::new();
    let source = folder.join("source.db");
    writer::create(&source, journal_mode);
    let mut hot = 0;
    for _ in 0..KILLS {
        let mut peer = Peer::start();
        let checkpoints = journal_mode == "WAL";
        let database = source.clone();
        let seed = random.next() >> 1;
        peer.start_writer(&Plan {
            database,
            seed,
            journal_mode,
            reconnect_after: 5,
            checkpoints,
            pause_ms: 0,
        });
        until("the writer commits", || peer.versions().committed > 0);
        thread::sleep(Duration::from_micros(random.below(20_000)));
        peer.kill();
        hot += u32::from(is_hot_and_copied(&folder, &source));
    }
    println!("{journal_mode}: {hot} hot journals after {KILLS} kills");
    hot
}

/// Copies what the killed writer left, which must be what SQLite recovers; gives whether it left a hot journal.
fn is_hot_and_copied(folder: &Folder, source: &Path) -> bool {
    let (targets, images) = (Folder::new(), Folder::new());
    let copy = targets.join("copy.db");
    let before = Fingerprint::of(folder.path());
    copy_database(source, &copy).unwrap();
    assert_same(&before, &Fingerprint::of(folder.path()));
    writer::verify(&logical_image(source, &images));
    assert_right_copy(source, &copy);
    let journal = beside(source, "-journal");
    fs::metadata(&journal).is_ok_and(|metadata| metadata.len() > 0) && bytes_at(&journal, 0, 1) != [0]
}

/// While a copy looks at the journal, a writer ends his transaction and begins another: his journals are never taken for
/// what a dead one left. He only rolls back, so that every copy has the same bytes.
#[test]
fn a_living_writers_journal_is_never_taken_for_a_dead_ones() {
    for journal_mode in ["DELETE", "PERSIST"] {
        let folder = Folder::new();
        let source = folder.join("source.db");
        writer::create(&source, journal_mode);
        let (expected, _) = CopyOptions::new().copy_to_memory(&source).unwrap();
        let mut writer = Peer::start();
        // Without syncs a journal has its magic number from the first page on, not only when it is about to be needed.
        let sql = format!("PRAGMA journal_mode = {journal_mode}; PRAGMA synchronous = OFF;");
        let change = "UPDATE part SET version = 7 WHERE id % 5 = abs(random() % 5)";
        writer.repeat(&source, "", &format!("{sql} BEGIN IMMEDIATE; {change}; ROLLBACK;"));
        let begun = Instant::now();
        let mut looks = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            let (bytes, _) = CopyOptions::new().copy_to_memory(&source).unwrap();
            assert!(bytes == expected, "after {looks} looks");
            looks += 1;
        }
        println!("{journal_mode}: {looks} looks");
    }
}
