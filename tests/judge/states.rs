//! The table of states in which a database can be found: how a state is made by real SQLite processes, shown to be truly
//! that state, copied, and judged. `format-spec-notes/states.md` names the test of each row.
//!
//! [`rollback_states`](crate::rollback_states), [`hot_journals`](crate::hot_journals),
//! [`super_journals`](crate::super_journals) and [`wal_states`](crate::wal_states) are the rows;
//! [`schedules`](crate::schedules) changes states between and during the steps of a copy.
//!
//! What is damaged by hand is judged by SQLite's own online backup of a byte copy: where it succeeds the copy has the
//! same bytes, where it refuses litecopy refuses.

use std::fs::{self, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use litecopy::lock::lock_holders;
use litecopy::{CopyOptions, ErrorKind, MemoryTarget, StepOutcome};
use rusqlite::Connection;

use crate::copies::memory_copy;
use crate::files::{Folder, beside, byte_copy, bytes_at};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_right_copy, assert_same_bytes, logical_image};
use crate::peer::Peer;

pub(crate) const PAGE_BYTES: u64 = 1024;

/// A database in a folder of its own, whose state a test makes.
pub(crate) struct Scene {
    pub(crate) folder: Rc<Folder>,
    pub(crate) path: PathBuf,
}

impl Scene {
    /// A database of a hundred pages and some, which nobody has open.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same, born with some settings.
    pub(crate) fn with(settings: &str) -> Self {
        let scene = Self::empty();
        fill(&scene.path, settings);
        scene
    }

    /// Only the name of a database.
    pub(crate) fn empty() -> Self {
        let folder = Rc::new(Folder::new());
        let path = folder.join("source.db");
        Self { folder, path }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        beside(&self.path, "-journal")
    }

    pub(crate) fn wal(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }

    pub(crate) fn wal_index(&self) -> PathBuf {
        beside(&self.path, "-shm")
    }

    /// A peer connected to the database that has run some statements.
    #[track_caller]
    pub(crate) fn peer(&self, sql: &str) -> Peer {
        let mut peer = Peer::connected_to(&self.path);
        peer.execute("main", sql).unwrap();
        peer
    }

    /// Runs statements in a process that is then killed where it stands.
    #[track_caller]
    pub(crate) fn killed_after(&self, sql: &str) {
        self.peer(sql).kill();
    }

    /// Panics unless it is copied as SQLite recovers it, in one go and in steps, and stays as it is.
    #[track_caller]
    pub(crate) fn assert_copied(&self) {
        let targets = Folder::new();
        let copy = targets.join("copy.db");
        let before = Fingerprint::of(self.folder.path());
        litecopy::copy_database(&self.path, &copy).unwrap();
        let in_steps = copied_in_steps(&self.path);
        assert_same(&before, &Fingerprint::of(self.folder.path()));
        assert_right_copy(&self.path, &copy);
        assert!(fs::read(&copy).unwrap() == in_steps, "in one go and in steps");
        assert_same(&before, &Fingerprint::of(self.folder.path()));
    }

    /// Panics unless litecopy says of it what SQLite's own backup of a byte copy says: the same bytes, or no.
    /// Gives whether it is copied.
    #[track_caller]
    pub(crate) fn assert_judged_alike(&self, what: &str) -> bool {
        let (theirs, images) = (Folder::for_judging(), Folder::for_judging());
        let judged = backed_up_by_sqlite(&byte_copy(&self.path, &theirs), &theirs.join("theirs.db"));
        let targets = Folder::new();
        let copy = targets.join("copy.db");
        let before = Fingerprint::of(self.folder.path());
        let outcome = litecopy::copy_database(&self.path, &copy).map(drop);
        assert_same(&before, &Fingerprint::of(self.folder.path()));
        match (judged, outcome) {
            (Ok(()), Ok(())) => {
                let same = || assert_same_bytes(&logical_image(&self.path, &images), &copy);
                assert!(catch_unwind(AssertUnwindSafe(same)).is_ok(), "{what}: not the bytes of SQLite");
                true
            }
            (Err(code), Err(error)) => {
                let refusals = [ErrorKind::Damaged, ErrorKind::NotADatabase, ErrorKind::Unsupported];
                assert!(refusals.contains(&error.kind()), "{what}: SQLite says {code}, litecopy {error}");
                assert_eq!(targets.names(), [""; 0], "{what}: left behind");
                false
            }
            (judged, outcome) => panic!("{what}: SQLite says {judged:?}, litecopy {outcome:?}"),
        }
    }

    /// Panics unless the copy is refused as damaged; gives the message.
    #[track_caller]
    pub(crate) fn assert_damaged(&self) -> String {
        let before = Fingerprint::of(self.folder.path());
        let error = memory_copy(&CopyOptions::new(), &self.path).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert_same(&before, &Fingerprint::of(self.folder.path()));
        error.to_string()
    }

    /// Panics unless nobody has a lock on the database or its wal-index.
    #[track_caller]
    pub(crate) fn assert_nobody_there(&self) {
        assert_eq!(lock_holders(&self.path).unwrap(), []);
    }

    /// Whether somebody holds a lock of that name.
    pub(crate) fn is_locked(&self, lock: &str) -> bool {
        lock_holders(&self.path).unwrap().iter().any(|holder| holder.lock == lock)
    }

    /// Panics unless there is a journal that SQLite, of a byte copy, takes for hot; gives whether rolling it back changes
    /// the database file.
    #[track_caller]
    pub(crate) fn assert_hot(&self) -> bool {
        assert_ne!(bytes_at(&self.journal(), 0, 1), [0], "a finished journal");
        assert_eq!(bytes_at(&self.journal(), 0, 1).len(), 1, "an empty journal");
        self.assert_nobody_there();
        let (changed, journal_left) = self.read_by_sqlite();
        assert!(!journal_left, "SQLite left the journal alone");
        changed
    }

    /// Panics unless SQLite, of a byte copy, leaves the journal alone and reads the file as it is.
    #[track_caller]
    pub(crate) fn assert_cold(&self) {
        assert!(self.journal().exists());
        assert_eq!(self.read_by_sqlite(), (false, true), "SQLite took the journal for hot");
    }

    /// Whether reading a byte copy changed its database file, and whether its journal is still there.
    fn read_by_sqlite(&self) -> (bool, bool) {
        let folder = Folder::for_judging();
        let bytes = byte_copy(&self.path, &folder);
        let connection = Connection::open(&bytes).unwrap();
        drop(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())));
        drop(connection);
        (fs::read(&bytes).unwrap() != fs::read(&self.path).unwrap(), beside(&bytes, "-journal").exists())
    }
}

/// Makes the usual database of a state under a path.
pub(crate) fn fill(path: &Path, settings: &str) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES}; PRAGMA synchronous = OFF; {settings};
             BEGIN;
             CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX t_b ON t(b);
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 120)
                SELECT i, randomblob(40), randomblob(500) FROM n;
             CREATE TABLE ballast(a);
             INSERT INTO ballast WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                SELECT randomblob(1500) FROM n;
             COMMIT;"
        ))
        .unwrap();
    connection.close().unwrap();
}

/// Changes every page there is, far beyond what a cache of five pages holds.
pub(crate) const BIG_CHANGE: &str = "UPDATE t SET b = randomblob(40), c = randomblob(500);";

/// The copy made three pages a step.
#[track_caller]
pub(crate) fn copied_in_steps(source: &Path) -> Vec<u8> {
    let mut backup = CopyOptions::new().begin(source, MemoryTarget::new()).unwrap();
    loop {
        match backup.step(3).unwrap() {
            StepOutcome::More => {}
            StepOutcome::Done => break,
            StepOutcome::Busy => panic!("busy in the quiet"),
        }
    }
    assert_eq!(backup.progress().restarts, 0);
    backup.finish().unwrap().output
}

/// SQLite's online backup of a database that nobody else uses, into a new file; the result code where it refuses.
pub(crate) fn backed_up_by_sqlite(source: &Path, target: &Path) -> Result<(), i32> {
    let code = |error: rusqlite::Error| error.sqlite_error().unwrap().extended_code & 0xff;
    let source = Connection::open(source).map_err(code)?;
    let mut target = Connection::open(target).unwrap();
    let backup = rusqlite::backup::Backup::new(&source, &mut target).map_err(code)?;
    backup.step(-1).map_err(code).map(|step| assert_eq!(step, rusqlite::backup::StepResult::Done))
}

pub(crate) fn size_bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

pub(crate) fn cut_to(path: &Path, size_bytes: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(size_bytes).unwrap();
}

/// A big-endian number of a file.
#[track_caller]
pub(crate) fn number_at(path: &Path, at: u64) -> u32 {
    u32::from_be_bytes(bytes_at(path, at, 4).try_into().unwrap())
}
