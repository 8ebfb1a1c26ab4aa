//! SQLite linked into the same process keeps its locks, whatever litecopy opens and closes (C8).
//!
//! SQLite's POSIX locks belong to the process: closing any descriptor of the file would drop them all, unnoticed.
//! Here this process holds them, litecopy copies many times, and a second process shows that they still stand. For
//! the same reason nothing else here may open the source meanwhile: no fingerprint, no dump.

use std::path::Path;
use std::time::Duration;

use litecopy::{CopyOptions, ErrorKind, MemoryTarget, Source, StepOutcome};
use rusqlite::Connection;

use crate::content::integrity_check;
use crate::copies::memory_copy;
use crate::files::Folder;
use crate::makers;
use crate::peer::{BUSY, Peer};

/// Copies in every way, each time opening and closing descriptors of the source and its side files.
#[track_caller]
fn copy_again_and_again(source: &Path) {
    let targets = Folder::new();
    for number in 0..10 {
        let copy = targets.join(&format!("copy {number}.db"));
        litecopy::copy_database(source, &copy).unwrap();
        assert_eq!(integrity_check(&copy), "'ok'");
        drop(Source::open(source).unwrap());
        let mut unfinished = CopyOptions::new().begin(source, MemoryTarget::new()).unwrap();
        assert_eq!(unfinished.step(1).unwrap(), StepOutcome::More);
    }
}

fn host(made: &makers::Made, sql: &str) -> Connection {
    let host = Connection::open(&made.path).unwrap();
    host.execute_batch(sql).unwrap();
    host
}

#[test]
fn a_write_transaction_of_the_host() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let host = host(&made, "BEGIN IMMEDIATE; UPDATE t SET b = 'uncommitted' WHERE a = 1;");
    copy_again_and_again(&made.path);
    assert_eq!(other.execute("main", "BEGIN IMMEDIATE").unwrap_err().code, BUSY, "RESERVED is lost");
    host.execute_batch("COMMIT").unwrap();
    other.execute("main", "BEGIN IMMEDIATE; COMMIT;").unwrap();
}

#[test]
fn a_read_transaction_of_the_host() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let host = host(&made, "BEGIN; SELECT count(*) FROM t;");
    copy_again_and_again(&made.path);
    let sql = "BEGIN IMMEDIATE; UPDATE t SET b = 'x' WHERE a = 1; COMMIT;";
    assert_eq!(other.execute("main", sql).unwrap_err().code, BUSY, "SHARED is lost");
    host.execute_batch("COMMIT").unwrap();
    other.execute("main", "COMMIT").unwrap();
}

#[test]
fn an_exclusive_transaction_of_the_host_is_in_our_way_too() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let host = host(&made, "BEGIN EXCLUSIVE");
    for _ in 0..3 {
        let outcome = memory_copy(&CopyOptions::new().lock_timeout(Some(Duration::ZERO)), &made.path);
        assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Busy);
    }
    assert_eq!(other.query("main", "SELECT a FROM t").unwrap_err().code, BUSY, "EXCLUSIVE is lost");
    drop(host);
}

/// A program that the host starts meanwhile has none of our descriptors, so our locks end with our copy and not with it.
#[test]
fn a_program_started_meanwhile_keeps_no_lock_of_ours() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let options = CopyOptions::new().consistency(litecopy::Consistency::Hold);
    let mut backup = options.begin(&made.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    assert_eq!(other.execute("main", "BEGIN EXCLUSIVE").unwrap_err().code, BUSY, "we hold nothing");
    let child = Peer::start();
    drop(backup);
    other.execute("main", "BEGIN EXCLUSIVE; COMMIT;").unwrap();
    drop(child);
}

#[test]
fn the_hosts_snapshot_and_writer_of_a_log() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let sql = "PRAGMA journal_mode = WAL; UPDATE t SET b = 'in the log' WHERE a = 1;";
    other.execute("main", sql).unwrap();
    let reader = host(&made, "BEGIN; SELECT count(*) FROM t;");
    let writer = host(&made, "BEGIN IMMEDIATE; UPDATE t SET b = 'uncommitted' WHERE a = 2;");
    copy_again_and_again(&made.path);
    assert_eq!(other.execute("main", "BEGIN IMMEDIATE").unwrap_err().code, BUSY, "WRITE is lost");
    writer.execute_batch("COMMIT").unwrap();
    let checkpointed = other.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(checkpointed[0][0], "1", "the read mark is lost");
    // The last connection to leave deletes the log, unless a lock on the database tells of another one.
    other.close("main").unwrap();
    assert_eq!(made.folder.names(), ["source.db", "source.db-shm", "source.db-wal"]);
    drop(reader);
}
