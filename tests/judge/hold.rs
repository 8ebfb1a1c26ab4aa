//! `Consistency::Hold`: the copy is of the moment of its first step, whatever others do until its last; readers go on
//! beside it, and in WAL mode writers too.

use std::fs;

use litecopy::{Backup, Consistency, CopyOptions, MemoryTarget, StepOutcome};

use crate::files::Folder;
use crate::judge::{assert_right_copy, logical_image};
use crate::makers;
use crate::peer::{BUSY, Peer};

fn holding(made: &makers::Made) -> Backup<MemoryTarget> {
    CopyOptions::new().consistency(Consistency::Hold).begin(&made.path, MemoryTarget::new()).unwrap()
}

/// Brings the copy to its end, and compares it with what the source was when it began.
#[track_caller]
fn assert_is_of(image: &std::path::Path, mut backup: Backup<MemoryTarget>) {
    while backup.step(5).unwrap() != StepOutcome::Done {}
    assert_eq!(backup.progress().restarts, 0);
    let folder = Folder::new();
    let copy = folder.join("copy.db");
    fs::write(&copy, backup.finish().unwrap().output).unwrap();
    assert_right_copy(image, &copy);
}

#[test]
fn in_rollback_mode_readers_go_on_and_commits_wait() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let images = Folder::new();
    let image = logical_image(&made.path, &images);
    let mut backup = holding(&made);
    assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
    assert!(other.query("main", "SELECT * FROM t").is_ok());
    let sql = "BEGIN IMMEDIATE; UPDATE t SET b = 'waits' WHERE a = 1; COMMIT;";
    assert_eq!(other.execute("main", sql).unwrap_err().code, BUSY);
    assert_is_of(&image, backup);
    other.execute("main", "COMMIT").unwrap();
}

#[test]
fn with_a_log_writers_and_readers_go_on() {
    let made = makers::usual();
    let mut other = Peer::connected_to(&made.path);
    let setup = "PRAGMA journal_mode = WAL; UPDATE t SET b = 'in the log' WHERE a = 1;";
    other.execute("main", setup).unwrap();
    let images = Folder::new();
    let image = logical_image(&made.path, &images);
    let mut backup = holding(&made);
    assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
    for how in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        let sql =
            format!("UPDATE t SET b = 'later' WHERE a % 2; DELETE FROM o; PRAGMA wal_checkpoint({how});");
        other.execute("main", &sql).unwrap();
        assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    }
    // The last connection leaves, and another one comes.
    other.close("main").unwrap();
    assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    other.open("main", &made.path).unwrap();
    other.execute("main", "UPDATE t SET b = 'much later'; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    assert_is_of(&image, backup);
    assert_eq!(other.query("main", "PRAGMA wal_checkpoint(TRUNCATE)").unwrap()[0][0], "0", "still held");
}

/// The same with nobody connected, so that there is no wal-index to join.
#[test]
fn with_a_log_that_nobody_has_open() {
    let made = makers::usual();
    fs::remove_file(&made.path).unwrap();
    makers::left_log(&made.path);
    let images = Folder::new();
    let image = logical_image(&made.path, &images);
    for shm in [true, false] {
        if !shm {
            fs::remove_file(crate::files::beside(&made.path, "-shm")).unwrap();
        }
        let mut backup = holding(&made);
        assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
        assert_is_of(&image, backup);
    }
}

/// A copy that has ended holds nothing, though its `Backup` lives on: the last connection to leave takes the log along.
#[test]
fn nothing_is_held_after_the_end() {
    for (consistency, fails) in
        [(Consistency::Step, false), (Consistency::Hold, false), (Consistency::Step, true)]
    {
        let made = makers::usual();
        let mut other = Peer::connected_to(&made.path);
        other
            .execute("main", "PRAGMA journal_mode = WAL; UPDATE t SET b = 'in the log' WHERE a = 1;")
            .unwrap();
        let folder = Folder::new();
        let target = litecopy::FileTarget::new(folder.join("copy.db"));
        let mut backup = CopyOptions::new().consistency(consistency).begin(&made.path, target).unwrap();
        assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
        if fails {
            // Somebody takes the target's name meanwhile.
            fs::write(folder.join("copy.db"), "").unwrap();
        }
        assert_eq!(backup.step(-1).is_err(), fails);
        other.close("main").unwrap();
        assert_eq!(made.folder.names(), ["source.db"], "{consistency:?}");
        drop(backup);
    }
}

/// While others change the file without a pause, and empty the log each time, its times tell nothing; the snapshot that is
/// held needs none.
#[test]
fn a_file_that_was_written_just_now() {
    let made = makers::usual();
    let mut other = Peer::start();
    // A pause of some milliseconds, so that the log does not outgrow what a hold has to read of it.
    let sql = "UPDATE t SET b = random() WHERE a = 1; PRAGMA wal_checkpoint(TRUNCATE);
               WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                 SELECT count(*) FROM n;";
    other.repeat(&made.path, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF", sql);
    for _ in 0..10 {
        let mut backup = holding(&made);
        let mut steps = 0;
        while backup.step(1).unwrap() != StepOutcome::Done {
            steps += 1;
            assert!(
                steps < 10_000,
                "{} of {} left",
                backup.progress().remaining,
                backup.progress().page_count
            );
        }
        assert_eq!(backup.progress().restarts, 0);
    }
}
