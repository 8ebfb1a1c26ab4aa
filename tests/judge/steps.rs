//! `Backup::step(n)` beside `sqlite3_backup_step(n)` on the same source, call by call: outcome, `remaining` and page
//! count agree, in the quiet and with commits of other processes in between.

use std::path::PathBuf;

use litecopy::{Backup, FileTarget, StepOutcome};

use crate::content::integrity_check;
use crate::files::Folder;
use crate::judge::assert_right_copy;
use crate::peer::{BUSY, BackupStep, Peer};
use crate::random::{Random, seed};

const MORE: i32 = 0;
const DONE: i32 = 101;

/// Our backup and SQLite's of one source, and a third process that writes to it.
struct SideBySide {
    source: PathBuf,
    ours: Backup<FileTarget>,
    theirs: Peer,
    other: Peer,
    folder: Folder,
}

impl SideBySide {
    fn new(journal_mode: &str) -> Self {
        let folder = Folder::new();
        let source = folder.join("source.db");
        let mut other = Peer::connected_to(&source);
        other
            .execute(
                "main",
                &format!(
                    "PRAGMA page_size = 512; PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = {journal_mode};
                     CREATE TABLE t(a INTEGER PRIMARY KEY, b);
                     INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
                        SELECT i, randomblob(400) FROM n;"
                ),
            )
            .unwrap();
        let mut theirs = Peer::connected_to(&source);
        theirs.backup_start("main", &folder.join("theirs.db")).unwrap();
        let target = FileTarget::new(folder.join("ours.db"));
        let ours = litecopy::CopyOptions::new().begin(&source, target).unwrap();
        Self { source, ours, theirs, other, folder }
    }

    /// One call of each; they agree.
    #[track_caller]
    fn step(&mut self, pages: i32) -> BackupStep {
        let theirs = self.theirs.backup_step(pages).unwrap();
        let status = match self.ours.step(pages).unwrap() {
            StepOutcome::More => MORE,
            StepOutcome::Busy => BUSY,
            StepOutcome::Done => DONE,
        };
        let (remaining, page_count) =
            (self.ours.progress().remaining.into(), self.ours.progress().page_count.into());
        assert_eq!(BackupStep { status, remaining, page_count }, theirs, "ours and SQLite's, step({pages})");
        theirs
    }

    #[track_caller]
    fn commit(&mut self, sql: &str) {
        self.other.execute("main", sql).unwrap();
    }

    /// Steps until both are done, then looks at what we made.
    #[track_caller]
    fn finish(mut self, pages: i32) {
        while self.step(pages).status != DONE {}
        self.assert_done();
    }

    #[track_caller]
    fn assert_done(mut self) {
        assert_eq!(self.step(1).status, DONE, "done stays done");
        self.theirs.backup_finish().unwrap();
        drop(self.ours);
        assert_eq!(integrity_check(&self.folder.join("theirs.db")), "'ok'");
        assert_right_copy(&self.source, &self.folder.join("ours.db"));
    }
}

const JOURNAL_MODES: [&str; 2] = ["DELETE", "WAL"];

#[test]
fn in_the_quiet() {
    for journal_mode in JOURNAL_MODES {
        for pages in [1, 3, 7, 1000, i32::MAX, -1, -5, i32::MIN] {
            SideBySide::new(journal_mode).finish(pages);
        }
    }
}

#[test]
fn zero_pages_lock_and_count_but_copy_nothing() {
    for journal_mode in JOURNAL_MODES {
        let mut both = SideBySide::new(journal_mode);
        assert_eq!((both.ours.progress().remaining, both.ours.progress().page_count), (0, 0));
        let first = both.step(0);
        assert_eq!((first.status, first.remaining), (MORE, first.page_count));
        assert_eq!(both.step(0), first);
        both.step(7);
        both.step(0);
        both.finish(10);
    }
}

#[test]
fn a_commit_in_between_starts_it_again() {
    for journal_mode in JOURNAL_MODES {
        let mut both = SideBySide::new(journal_mode);
        let first = both.step(7);
        let second = both.step(7);
        assert_eq!(second.remaining, first.remaining - 7);
        both.commit("UPDATE t SET b = randomblob(400) WHERE a = 39");
        assert_eq!(both.step(7).remaining, first.remaining, "from the first page again");
        assert_eq!(both.ours.progress().restarts, 1);
        both.finish(3);
    }
}

#[test]
fn a_growing_source() {
    for journal_mode in JOURNAL_MODES {
        let mut both = SideBySide::new(journal_mode);
        let first = both.step(3);
        both.commit("INSERT INTO t(b) VALUES (zeroblob(9000))");
        assert!(both.step(3).page_count > first.page_count);
        both.step(3);
        both.commit("INSERT INTO t(b) VALUES (zeroblob(9000))");
        both.finish(-1);
    }
}

#[test]
fn a_shrinking_source() {
    for journal_mode in JOURNAL_MODES {
        let mut both = SideBySide::new(journal_mode);
        let first = both.step(30);
        both.commit("DELETE FROM t WHERE a > 5");
        let second = both.step(1);
        assert!(second.page_count < 30 && second.page_count < first.page_count);
        both.commit("DELETE FROM t");
        both.finish(2);
    }
}

#[test]
fn what_does_not_commit_does_not_start_it_again() {
    for journal_mode in JOURNAL_MODES {
        let mut both = SideBySide::new(journal_mode);
        both.step(7);
        both.commit("BEGIN IMMEDIATE; UPDATE t SET b = 1; ROLLBACK;");
        both.step(7);
        both.commit("BEGIN; SELECT count(*) FROM t; COMMIT;");
        both.step(7);
        both.commit("BEGIN IMMEDIATE; UPDATE t SET b = zeroblob(400) WHERE a = 3;");
        both.step(7);
        both.commit("ROLLBACK");
        if journal_mode == "WAL" {
            for how in ["PASSIVE", "FULL", "RESTART"] {
                both.commit(&format!("PRAGMA wal_checkpoint({how})"));
                both.step(2);
            }
        }
        assert_eq!(both.ours.progress().restarts, 0);
        both.finish(7);
    }
}

/// A difference: after a checkpoint that truncates the log SQLite starts again although nothing was committed,
/// because the header of its wal-index is new. We may, and need not.
#[test]
fn a_checkpoint_that_truncates_the_log() {
    let mut both = SideBySide::new("WAL");
    both.step(7);
    both.commit("PRAGMA wal_checkpoint(TRUNCATE)");
    let theirs = both.theirs.backup_step(7).unwrap();
    assert_eq!(theirs.remaining, theirs.page_count - 7, "SQLite starts again");
    assert_eq!(both.ours.step(7).unwrap(), StepOutcome::More);
    assert!(both.ours.progress().restarts <= 1);
    while both.theirs.backup_step(7).unwrap().status != DONE {}
    while both.ours.step(7).unwrap() != StepOutcome::Done {}
    both.assert_done();
}

#[test]
fn a_lock_in_the_way_is_busy_and_leaves_the_counts() {
    let mut both = SideBySide::new("DELETE");
    both.other.execute("main", "BEGIN EXCLUSIVE").unwrap();
    assert_eq!(both.step(3), BackupStep { status: BUSY, remaining: 0, page_count: 0 });
    both.other.execute("main", "COMMIT").unwrap();
    let first = both.step(3);
    both.other.execute("main", "BEGIN EXCLUSIVE").unwrap();
    assert_eq!(both.step(3), BackupStep { status: BUSY, ..first });
    both.other.execute("main", "COMMIT").unwrap();
    both.finish(3);
}

#[test]
fn an_empty_source() {
    let folder = Folder::new();
    let source = folder.join("source.db");
    std::fs::write(&source, []).unwrap();
    let mut theirs = Peer::connected_to(&source);
    theirs.backup_start("main", &folder.join("theirs.db")).unwrap();
    let target = FileTarget::new(folder.join("ours.db"));
    let mut ours = litecopy::CopyOptions::new().begin(&source, target).unwrap();
    assert_eq!(theirs.backup_step(0), Ok(BackupStep { status: DONE, remaining: 0, page_count: 0 }));
    assert_eq!(ours.step(0).unwrap(), StepOutcome::Done);
    assert_eq!((ours.progress().remaining, ours.progress().page_count), (0, 0));
}

#[test]
fn an_unfinished_copy_leaves_nothing() {
    let SideBySide { mut ours, folder, theirs, other, .. } = SideBySide::new("DELETE");
    theirs.kill();
    other.quit();
    ours.step(3).unwrap();
    drop(ours);
    let names: Vec<_> = folder.names().into_iter().filter(|name| !name.starts_with("theirs.db")).collect();
    assert_eq!(names, ["source.db"]);
}

/// Scripts of steps and commits, drawn from a printed seed.
#[test]
fn in_any_order() {
    let seed = seed("steps");
    let mut random = Random::from_seed(seed);
    for script in 0..24 {
        let journal_mode = JOURNAL_MODES[script % 2];
        let mut both = SideBySide::new(journal_mode);
        let mut told = Vec::new();
        for _ in 0..25 {
            if random.below(5) == 0 {
                let row = random.below(60);
                let sql = match random.below(5) {
                    0 => format!("UPDATE t SET b = randomblob(400) WHERE a = {row}"),
                    1 => format!("INSERT INTO t(b) VALUES (zeroblob({}))", row * 100),
                    2 => format!("DELETE FROM t WHERE a > {row}"),
                    3 => "VACUUM".to_owned(),
                    _ => "PRAGMA wal_checkpoint(RESTART)".to_owned(),
                };
                told.push(sql.clone());
                both.commit(&sql);
            } else {
                let pages = *random.one_of(&[0, 1, 3, 7, 15]);
                told.push(format!("step({pages})"));
                println!("{journal_mode}: {told:?}");
                if both.step(pages).status == DONE {
                    break;
                }
            }
        }
        // What is committed after the end is not in the copy; only an unfinished one is brought to the end here.
        if both.ours.progress().remaining > 0 {
            both.finish(11);
        }
    }
}
