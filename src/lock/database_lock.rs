//! The locks on the database file, each a guard that owns the file: UNLOCKED, SHARED, RESERVED, PENDING, EXCLUSIVE.
//!
//! ```text
//!              acquire             reserve              pend               exclude
//!  LockFile ------------> Shared ----------> Reserved --------> Pending ------------> Exclusive
//!              <--------------------------- drop ------------------------------------------'
//! ```
//!
//! | lock | bytes | lets others |
//! |---|---|---|
//! | SHARED | read lock on the shared range, PENDING only touched on the way | read |
//! | RESERVED | and write lock on the RESERVED byte | read, and begin to read |
//! | PENDING | and write lock on the PENDING byte | finish reading |
//! | EXCLUSIVE | and write lock on the shared range | nothing |
//!
//! Moves as in `[locks.md#moves-between-the-locks]`. No guard waits: who wants to wait tries again.

use crate::attempt::Attempt;
use crate::format::lock_bytes::{PENDING_BYTE, RESERVED_BYTE, SHARED_COUNT, SHARED_FIRST};
use crate::os::lock_file::LockFile;
use crate::os::lock_list;
use crate::os::range_lock::{ByteRange, LockKind};
use std::io;

pub(super) const PENDING: ByteRange = ByteRange::one(PENDING_BYTE);
pub(super) const RESERVED: ByteRange = ByteRange::one(RESERVED_BYTE);
pub(super) const SHARED: ByteRange = ByteRange { start: SHARED_FIRST, length: SHARED_COUNT };

/// SHARED: nobody changes the file while this is held (in rollback mode).
#[derive(Debug)]
pub(crate) struct SharedLock(LockFile);

/// RESERVED: its holder alone may prepare to write; readers come and go.
#[derive(Debug)]
pub(crate) struct ReservedLock(LockFile);

/// PENDING: readers may finish, none may begin.
#[derive(Debug)]
pub(crate) struct PendingLock(LockFile);

/// EXCLUSIVE: nobody else has any lock.
#[derive(Debug)]
pub(crate) struct ExclusiveLock(LockFile);

impl SharedLock {
    /// Goes from UNLOCKED to SHARED. Busy: a writer holds PENDING or EXCLUSIVE.
    pub(crate) fn acquire(file: LockFile) -> io::Result<Attempt<Self, LockFile>> {
        if !file.try_lock(PENDING, LockKind::Shared)? {
            return Ok(Attempt::Busy(file));
        }
        let got = file.try_lock(SHARED, LockKind::Shared);
        // Also when SHARED failed: a lock left on PENDING would hold up every commit.
        file.unlock(PENDING)?;
        Ok(if got? { Attempt::Got(Self(file)) } else { Attempt::Busy(file) })
    }

    /// Whether somebody else holds RESERVED or more: a live writer.
    pub(crate) fn reserved_by_other(&self) -> io::Result<bool> {
        // On unix SQLite takes even a read lock there for a writer; on Windows it tries a shared lock itself.
        let asked = if cfg!(windows) { LockKind::Shared } else { LockKind::Exclusive };
        Ok(self.0.find_conflict(RESERVED, asked)?.is_some())
    }

    /// Whether a process holds SHARED in the way of SQLite, as long as it has the database open in WAL mode. Locks that belong
    /// to an open file, as ours do, do not count; nor does anybody where the system cannot tell them apart.
    pub(crate) fn shared_by_process(&self) -> io::Result<bool> {
        let Some(conflict) = self.0.find_conflict(SHARED, LockKind::Exclusive)? else { return Ok(false) };
        Ok(conflict.process_id.is_some() || lock_list::process_locks(self.0.identity(), SHARED))
    }

    /// The locked file, to be read.
    pub(crate) fn file(&self) -> &LockFile {
        &self.0
    }

    /// Goes to EXCLUSIVE past RESERVED, as is done to recover what a dead writer left: who met RESERVED would take the
    /// dead one's journal for that of a living writer (`[hazards.md#h38]`). Busy: somebody reads or writes.
    pub(crate) fn exclude(self) -> io::Result<Attempt<ExclusiveLock, Self>> {
        if !self.0.try_lock(PENDING, LockKind::Exclusive)? {
            return Ok(Attempt::Busy(self));
        }
        if self.0.convert(SHARED, LockKind::Shared, LockKind::Exclusive)? {
            return Ok(Attempt::Got(ExclusiveLock(self.0)));
        }
        self.0.unlock(PENDING)?;
        Ok(Attempt::Busy(self))
    }

    /// Goes to RESERVED. Busy: somebody else holds it.
    pub(crate) fn reserve(self) -> io::Result<Attempt<ReservedLock, Self>> {
        Ok(if self.0.try_lock(RESERVED, LockKind::Exclusive)? {
            Attempt::Got(ReservedLock(self.0))
        } else {
            Attempt::Busy(self)
        })
    }
}

impl ReservedLock {
    /// Goes to PENDING. Busy: somebody is taking SHARED this very moment.
    pub(crate) fn pend(self) -> io::Result<Attempt<PendingLock, Self>> {
        Ok(if self.0.try_lock(PENDING, LockKind::Exclusive)? {
            Attempt::Got(PendingLock(self.0))
        } else {
            Attempt::Busy(self)
        })
    }
}

impl PendingLock {
    /// Goes to EXCLUSIVE. Busy: readers are there still; PENDING keeps new ones out meanwhile.
    pub(crate) fn exclude(self) -> io::Result<Attempt<ExclusiveLock, Self>> {
        Ok(if self.0.convert(SHARED, LockKind::Shared, LockKind::Exclusive)? {
            Attempt::Got(ExclusiveLock(self.0))
        } else {
            Attempt::Busy(self)
        })
    }
}

impl ExclusiveLock {
    /// The locked file, to be read and written.
    pub(crate) fn file(&self) -> &LockFile {
        &self.0
    }

    /// Lets it go, and the file too, so that nobody takes us for a user of it: see [`LockFile::close`].
    pub(crate) fn close(self) {
        self.0.close();
    }
}

/// Whether somebody else holds RESERVED or PENDING, as every writer does from its first change on.
///
/// A reader that passes through PENDING is not taken for one, and none is kept out by the question.
pub(crate) fn writer_is_there(file: &LockFile) -> io::Result<bool> {
    let held = |range| file.find_conflict(range, LockKind::Shared).map(|conflict| conflict.is_some());
    Ok(held(RESERVED)? || held(PENDING)?)
}

#[cfg(test)]
mod tests {
    //! SQLite judges: a connection of the same process takes POSIX locks, which are another owner than ours.

    use super::*;
    use crate::os::place::Place;
    use rusqlite::{Connection, ErrorCode};
    use std::path::{Path, PathBuf};

    struct Scene {
        _folder: tempfile::TempDir,
        path: PathBuf,
        sqlite: Connection,
    }

    fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let sqlite = Connection::open(&path).unwrap();
        sqlite.busy_timeout(std::time::Duration::ZERO).unwrap();
        sqlite.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(1)").unwrap();
        Scene { _folder: folder, path, sqlite }
    }

    fn granted<G, K>(tried: io::Result<Attempt<G, K>>) -> G {
        match tried.unwrap() {
            Attempt::Got(lock) => lock,
            Attempt::Busy(_) => panic!("busy"),
        }
    }

    fn is_busy<G, K>(tried: io::Result<Attempt<G, K>>) -> bool {
        matches!(tried.unwrap(), Attempt::Busy(_))
    }

    fn open(path: &Path) -> LockFile {
        LockFile::open_to_write(&Place::of_existing(path).unwrap()).unwrap()
    }

    /// SQLite's answer to a statement: done, or refused as busy.
    fn sqlite_can(sqlite: &Connection, sql: &str) -> bool {
        match sqlite.execute_batch(sql) {
            Ok(()) => true,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => false,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    #[test]
    fn shared_lets_sqlite_read_and_prepare_but_not_commit() {
        let scene = scene();
        let shared =
            granted(SharedLock::acquire(LockFile::open(&Place::of_existing(&scene.path).unwrap()).unwrap()));
        assert!(sqlite_can(&scene.sqlite, "SELECT * FROM t"));
        assert!(sqlite_can(&scene.sqlite, "BEGIN; UPDATE t SET x = 2"));
        assert!(shared.reserved_by_other().unwrap());
        assert!(writer_is_there(shared.file()).unwrap());
        assert!(!sqlite_can(&scene.sqlite, "COMMIT"));
        drop(shared);
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
        let reader = granted(SharedLock::acquire(open(&scene.path)));
        assert!(!writer_is_there(reader.file()).unwrap());
        assert!(!writer_is_there(&open(&scene.path)).unwrap());
    }

    #[test]
    fn shared_is_refused_while_sqlite_holds_pending_and_lets_pending_go_itself() {
        let scene = scene();
        let shared = granted(SharedLock::acquire(open(&scene.path)));
        assert!(!sqlite_can(&scene.sqlite, "BEGIN; UPDATE t SET x = 2; COMMIT"));
        // The writer keeps PENDING while it waits for us to go.
        assert!(is_busy(SharedLock::acquire(open(&scene.path))));
        drop(shared);
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
        assert!(!is_busy(SharedLock::acquire(open(&scene.path))));
    }

    #[test]
    fn shared_is_refused_while_sqlite_is_exclusive() {
        let scene = scene();
        assert!(sqlite_can(&scene.sqlite, "BEGIN EXCLUSIVE"));
        assert!(is_busy(SharedLock::acquire(open(&scene.path))));
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
        assert!(!granted(SharedLock::acquire(open(&scene.path))).reserved_by_other().unwrap());
    }

    #[test]
    fn reserved_keeps_sqlites_writers_out_and_its_readers_in() {
        let scene = scene();
        let reserved = granted(granted(SharedLock::acquire(open(&scene.path))).reserve());
        assert!(sqlite_can(&scene.sqlite, "SELECT * FROM t"));
        assert!(!sqlite_can(&scene.sqlite, "BEGIN IMMEDIATE"));
        drop(reserved);
        assert!(sqlite_can(&scene.sqlite, "BEGIN IMMEDIATE; COMMIT"));
        assert!(sqlite_can(&scene.sqlite, "BEGIN IMMEDIATE"));
        assert!(is_busy(granted(SharedLock::acquire(open(&scene.path))).reserve()));
    }

    #[test]
    fn pending_and_exclusive_keep_sqlites_new_readers_out() {
        let scene = scene();
        let reserved = granted(granted(SharedLock::acquire(open(&scene.path))).reserve());
        let pending = granted(reserved.pend());
        assert!(!sqlite_can(&scene.sqlite, "SELECT * FROM t"));
        let exclusive = granted(pending.exclude());
        assert!(!sqlite_can(&scene.sqlite, "SELECT * FROM t"));
        drop(exclusive);
        assert!(sqlite_can(&scene.sqlite, "SELECT * FROM t"));
    }

    #[test]
    fn exclusive_past_reserved_is_all_or_nothing() {
        let scene = scene();
        assert!(sqlite_can(&scene.sqlite, "BEGIN; SELECT * FROM t"));
        let Attempt::Busy(shared) = granted(SharedLock::acquire(open(&scene.path))).exclude().unwrap() else {
            panic!("SQLite holds SHARED");
        };
        // Nothing but SHARED is left of the try.
        assert!(!is_busy(SharedLock::acquire(open(&scene.path))));
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
        let exclusive = granted(shared.exclude());
        assert!(!sqlite_can(&scene.sqlite, "SELECT * FROM t"));
        drop(exclusive);
        assert!(sqlite_can(&scene.sqlite, "UPDATE t SET x = 3"));
    }

    #[test]
    fn exclusive_waits_for_sqlites_readers() {
        let scene = scene();
        assert!(sqlite_can(&scene.sqlite, "BEGIN; SELECT * FROM t"));
        let reserved = granted(granted(SharedLock::acquire(open(&scene.path))).reserve());
        let Attempt::Busy(pending) = granted(reserved.pend()).exclude().unwrap() else {
            panic!("SQLite holds SHARED");
        };
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
        drop(granted(pending.exclude()));
        drop(granted(granted(SharedLock::acquire(open(&scene.path))).exclude()));
        assert!(sqlite_can(&scene.sqlite, "BEGIN; SELECT * FROM t"));
        assert!(is_busy(granted(SharedLock::acquire(open(&scene.path))).exclude()));
        assert!(sqlite_can(&scene.sqlite, "COMMIT; UPDATE t SET x = 3"));
    }

    #[test]
    fn opening_and_dropping_many_times_takes_no_lock_from_sqlite() {
        let scene = scene();
        assert!(sqlite_can(&scene.sqlite, "BEGIN IMMEDIATE; UPDATE t SET x = 2"));
        for _ in 0..50 {
            let shared = granted(SharedLock::acquire(
                LockFile::open(&Place::of_existing(&scene.path).unwrap()).unwrap(),
            ));
            assert!(shared.reserved_by_other().unwrap());
        }
        assert!(sqlite_can(&scene.sqlite, "COMMIT"));
    }
}
