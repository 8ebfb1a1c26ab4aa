//! Locks held elsewhere: EXCLUSIVE and PENDING are waited for as long as was said and then named, with nothing left
//! behind; RESERVED, and a writer's uncommitted pages, are not in the way.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use litecopy::{CopyOptions, ErrorKind, MemoryTarget, StepOutcome};

use crate::files::Folder;
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::makers::{self, Made};
use crate::peer::{BUSY, Peer};

const TIMEOUT: Duration = Duration::from_millis(300);

#[track_caller]
fn assert_busy(made: &Made) {
    let mut backup = CopyOptions::new().begin(&made.path, MemoryTarget::new()).unwrap();
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Busy);
    drop(backup);

    let targets = Folder::new();
    let before = Fingerprint::of(made.folder.path());
    let begun = Instant::now();
    let outcome = CopyOptions::new().lock_timeout(Some(TIMEOUT)).copy(&made.path, targets.join("copy.db"));
    let waited = begun.elapsed();
    let error = outcome.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.to_string().contains(made.path.to_str().unwrap()), "{error}");
    assert!(waited >= TIMEOUT && waited < TIMEOUT * 20, "{waited:?}");
    assert_eq!(targets.names(), [""; 0], "left behind");
    assert_same(&before, &Fingerprint::of(made.folder.path()));
}

#[track_caller]
fn assert_copied(made: &Made) {
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    let before = Fingerprint::of(made.folder.path());
    CopyOptions::new().lock_timeout(Some(TIMEOUT)).copy(&made.path, &copy).unwrap();
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    assert_right_copy(&made.path, &copy);
}

/// Whether a process that comes now can read.
fn can_be_read(path: &Path) -> bool {
    let mut reader = Peer::connected_to(path);
    match reader.query("main", "SELECT count(*) FROM sqlite_schema") {
        Ok(_) => true,
        Err(failure) if failure.code == BUSY => false,
        Err(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn exclusive_is_waited_for() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "BEGIN EXCLUSIVE").unwrap();
    assert!(!can_be_read(&made.path));
    assert_busy(&made);
    writer.execute("main", "COMMIT").unwrap();
    assert_copied(&made);
}

#[test]
fn an_exclusive_transaction_that_has_spilled_is_waited_for() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "PRAGMA cache_size = 5; BEGIN; UPDATE t SET b = randomblob(900);").unwrap();
    assert!(!can_be_read(&made.path));
    assert_busy(&made);
    writer.execute("main", "ROLLBACK").unwrap();
    assert_copied(&made);
}

#[test]
fn pending_is_waited_for() {
    let made = makers::usual();
    let (mut reader, mut writer) = (Peer::connected_to(&made.path), Peer::connected_to(&made.path));
    reader.execute("main", "BEGIN; SELECT count(*) FROM t;").unwrap();
    writer.execute("main", "BEGIN IMMEDIATE; UPDATE t SET b = 1 WHERE a = 1;").unwrap();
    assert_eq!(writer.execute("main", "COMMIT").unwrap_err().code, BUSY);
    assert!(!can_be_read(&made.path), "the writer does not hold PENDING");
    assert_busy(&made);
    reader.execute("main", "COMMIT").unwrap();
    writer.execute("main", "COMMIT").unwrap();
    assert_copied(&made);
}

#[test]
fn reserved_does_not_hinder() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "BEGIN IMMEDIATE; UPDATE t SET b = 'uncommitted' WHERE a = 1;").unwrap();
    assert_eq!(made.folder.names(), ["source.db", "source.db-journal"]);
    assert_copied(&made);
    writer.execute("main", "COMMIT").unwrap();
    assert_copied(&made);
}

#[test]
fn readers_do_not_hinder() {
    let made = makers::usual();
    let mut reader = Peer::connected_to(&made.path);
    reader.execute("main", "BEGIN; SELECT count(*) FROM t;").unwrap();
    assert_copied(&made);
}

#[test]
fn a_lock_that_goes_in_time_is_outwaited() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "BEGIN EXCLUSIVE").unwrap();
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    thread::scope(|scope| {
        let copying = scope.spawn(|| {
            CopyOptions::new().lock_timeout(Some(Duration::from_secs(30))).copy(&made.path, &copy).map(drop)
        });
        // However long this takes, the copy is right: with the lock still held it waits, without it it goes on.
        thread::sleep(Duration::from_millis(100));
        assert!(!copying.is_finished());
        writer.execute("main", "UPDATE t SET b = 'late' WHERE a = 1; COMMIT;").unwrap();
        copying.join().unwrap().unwrap();
    });
    assert_right_copy(&made.path, &copy);
}

/// In WAL mode only `locking_mode = EXCLUSIVE` keeps us out: there is no shared wal-index then.
#[test]
fn a_log_that_one_process_keeps_for_itself_is_waited_for() {
    let made = makers::usual();
    let mut owner = Peer::connected_to(&made.path);
    let sql = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; UPDATE t SET b = 'in the log' WHERE a = 1;";
    owner.execute("main", sql).unwrap();
    assert_eq!(made.folder.names(), ["source.db", "source.db-wal"]);
    assert_busy(&made);
    owner.quit();
    assert_copied(&made);
}

#[test]
fn a_writer_in_wal_mode_does_not_hinder() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "PRAGMA journal_mode = WAL; UPDATE t SET b = 'committed' WHERE a = 1;").unwrap();
    writer.execute("main", "BEGIN EXCLUSIVE; UPDATE t SET b = 'uncommitted' WHERE a = 2;").unwrap();
    assert_copied(&made);
}

/// Nothing is held once a copy is over, nor between two steps (C7).
#[test]
fn nothing_is_held_between_steps_or_afterwards() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    let mut backup = CopyOptions::new().begin(&made.path, MemoryTarget::new()).unwrap();
    for row in 1..6 {
        assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
        writer.execute("main", &format!("UPDATE t SET b = 'between' WHERE a = {row}")).unwrap();
    }
    assert_eq!(backup.step(-1).unwrap(), StepOutcome::Done);
    writer.execute("main", "BEGIN EXCLUSIVE; COMMIT;").unwrap();
}
