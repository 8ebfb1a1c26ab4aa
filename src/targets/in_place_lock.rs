//! The way into a database that is to be written over in place: which locks are taken, and what is decided under them.
//!
//! ```text
//!              hot journal or log, or header says WAL:            .-- Busy: in the log of the others
//!  [unlocked] -- SHARED ------------------------------ EXCLUSIVE -'-- Got --.
//!      ^           '-- RESERVED -- PENDING -- [waiting] -- EXCLUSIVE -------'-- decided anew -- settled -- [alone]
//!      '------------------------ breath -----------'
//! ```
//!
//! What was seen under SHARED only says which way to take: until EXCLUSIVE is had somebody else may have opened, committed and
//! left a log, or moved the file away. So all that counts is looked at again, under the lock that keeps it so
//! (`[in-place.md#locks]`).

use super::log_writer::LogWriter;
use super::old_database::{OldDatabase, refuse_a_turned_name, share};
use super::settle::settle;
use super::source_guard::refuse_the_source;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::{Damage, DatabaseHeader, JournalMode};
use crate::lock::database_lock::{ExclusiveLock, PendingLock, SharedLock};
use crate::os::file_identity::Found;
use crate::os::lock_file::LockFile;
use crate::os::random_access::{ReadAt, read_padded};
use crate::side_files::SideFiles;
use crate::state::journal::is_begun;
use crate::state::log::has_log;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A database that is to be written over, while it is not locked yet.
#[derive(Debug)]
pub(super) struct InPlaceLock {
    /// As the caller named it.
    path: PathBuf,
    /// Where that led when it was first asked: it may not lead elsewhere later.
    files: Option<SideFiles>,
    /// The source, if it is a file: not to be written over under whatever name.
    source: Option<SideFiles>,
    waiting: Option<Waiting>,
    /// Until when others have their turn.
    resting: Option<Instant>,
}

/// For how long at most new readers are kept out while those that are there finish: less than any of them would wait.
const MOST_WAITING: Duration = Duration::from_secs(1);

/// For how long nothing is held then: longer than the longest pause of SQLite's busy handler, so that whoever waits has its turn.
const BREATH: Duration = Duration::from_millis(150);

/// The readers that are there may finish; new ones may not begin.
#[derive(Debug)]
struct Waiting {
    pending: PendingLock,
    since: Instant,
}

/// How the database is going to be written.
#[derive(Debug)]
pub(super) enum Locked {
    /// Nobody else has a lock on it, and it is whole without side files.
    Alone(OldDatabase),
    /// In WAL mode, with others connected.
    Beside(Box<LogWriter>),
}

impl InPlaceLock {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, files: None, source: None, waiting: None, resting: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at what is there, and at the source's path (links resolved), before anything is locked.
    pub(super) fn admit(&mut self, source: Option<&SideFiles>) -> Result<()> {
        let files = SideFiles::of_target(&self.path)?;
        match files.database().look().map_err(self.cannot("look at it"))? {
            Found::File { .. } => {}
            Found::Nothing => return Err(self.cannot("open")(io::ErrorKind::NotFound.into())),
            Found::Unfit(unfit) => return Err(Error::new(&self.path, Problem::Unfit(unfit))),
        }
        self.source = source.cloned();
        self.refuse_source(&files)?;
        self.files = Some(files);
        Ok(())
    }

    /// Tries to lock it; what a dead writer left beside it is settled.
    pub(super) fn attempt(&mut self) -> Result<Attempt<Locked>> {
        let files = match &self.files {
            Some(files) => files.clone(),
            None => SideFiles::of_target(&self.path)?,
        };
        self.files = Some(files.clone());
        if let Some(waiting) = self.waiting.take() {
            return self.exclude(files, waiting);
        }
        if self.resting.is_some_and(|until| Instant::now() < until) {
            return Ok(Attempt::Busy(Obstacle::Users));
        }
        refuse_a_turned_name(&self.path, &files)?;
        match share(&self.path, &files)? {
            Attempt::Got(shared) => self.go_on(files, shared),
            Attempt::Busy(obstacle) => Ok(Attempt::Busy(obstacle)),
        }
    }

    /// In SQLite's order of questions: a hot journal, a log, then the way of a writer.
    fn go_on(&mut self, files: SideFiles, shared: SharedLock) -> Result<Attempt<Locked>> {
        let journal = is_begun(files.journal())?;
        if journal && shared.reserved_by_other().map_err(self.cannot("ask for its locks"))? {
            return Ok(Attempt::Busy(Obstacle::Writer));
        }
        // Past RESERVED where somebody has to settle what is left (`[hazards.md#h38]`); and beside a connection in WAL mode, which
        // keeps SHARED as long as it lives, there is no use in waiting.
        if journal || has_log(&files)? || keeps_log(shared.file(), &self.path)? {
            return match shared.exclude().map_err(self.cannot("lock"))? {
                Attempt::Got(lock) => self.decide(files, lock),
                Attempt::Busy(_) if journal => Ok(Attempt::Busy(Obstacle::Users)),
                Attempt::Busy(shared) => self.join(&files, shared),
            };
        }
        let Attempt::Got(reserved) = shared.reserve().map_err(self.cannot("lock"))? else {
            return Ok(Attempt::Busy(Obstacle::Writer));
        };
        match reserved.pend().map_err(self.cannot("lock"))? {
            Attempt::Got(pending) => self.exclude(files, Waiting { pending, since: Instant::now() }),
            Attempt::Busy(_) => Ok(Attempt::Busy(Obstacle::Users)),
        }
    }

    /// Goes to EXCLUSIVE, or goes on waiting for the readers, as long as that may last.
    fn exclude(&mut self, files: SideFiles, waiting: Waiting) -> Result<Attempt<Locked>> {
        let Waiting { pending, since } = waiting;
        match pending.exclude().map_err(self.cannot("lock"))? {
            Attempt::Got(lock) => return self.decide(files, lock),
            Attempt::Busy(pending) if since.elapsed() < MOST_WAITING => {
                self.waiting = Some(Waiting { pending, since });
            }
            Attempt::Busy(_) => self.resting = Instant::now().checked_add(BREATH),
        }
        Ok(Attempt::Busy(Obstacle::Users))
    }

    /// Decides under EXCLUSIVE: from here on nobody but us changes anything.
    fn decide(&self, files: SideFiles, lock: ExclusiveLock) -> Result<Attempt<Locked>> {
        let old = OldDatabase::new(&self.path, files, lock);
        refuse_a_turned_name(&self.path, old.files())?;
        if !old.is_in_its_place()? {
            return Ok(Attempt::Busy(Obstacle::Change));
        }
        self.refuse_source(old.files())?;
        // A log that is used, while nobody has the database, is that of one which was moved away.
        old.refuse_living_log()?;
        let settled = match is_begun(old.files().journal())? || has_log(old.files())? {
            true => settle(&old)?,
            false => Attempt::Got(()),
        };
        Ok(settled.map(|()| Locked::Alone(old)))
    }

    /// Joins those who have it open.
    fn join(&self, files: &SideFiles, shared: SharedLock) -> Result<Attempt<Locked>> {
        let writer = match LogWriter::join(&self.path, files, shared)? {
            Attempt::Got(writer) => writer,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        };
        self.refuse_source(files)?;
        Ok(Attempt::Got(Locked::Beside(Box::new(writer))))
    }

    fn refuse_source(&self, files: &SideFiles) -> Result<()> {
        self.source.as_ref().map_or(Ok(()), |source| refuse_the_source(&self.path, files, source).map(drop))
    }

    fn cannot<'p>(&'p self, operation: &'static str) -> impl FnOnce(io::Error) -> Error + 'p {
        Error::io(operation, &self.path)
    }
}

fn keeps_log(file: &LockFile, path: &Path) -> Result<bool> {
    Ok(read_header(file, path)?.is_some_and(|header| header.journal_mode() == JournalMode::Wal))
}

/// The header of the file as it is; `None` for an empty one.
pub(super) fn read_header(file: &LockFile, path: &Path) -> Result<Option<DatabaseHeader>> {
    if file.size_bytes().map_err(Error::io("look at it", path))? <= 1 {
        return Ok(None);
    }
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    read_padded(file, &mut bytes, 0).map_err(Error::io("read", path))?;
    let header =
        DatabaseHeader::parse(&bytes).map_err(|damage| Error::new(path, Problem::NotADatabase(damage)))?;
    match header.write_version.0 {
        0..=2 => Ok(Some(header)),
        found => Err(Error::new(path, Problem::Unsupported(Damage::WriteVersion { found }))),
    }
}

#[cfg(test)]
mod tests {
    //! SQLite in this process is another owner of locks than ours: it acts between two of our steps.

    use super::*;
    use rusqlite::Connection;

    struct Scene {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Scene {
        fn files(&self) -> SideFiles {
            SideFiles::of(&self.path).unwrap()
        }
    }

    fn scene(journal_mode: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        make(&path, journal_mode, 1);
        Scene { _folder: folder, path }
    }

    fn make(path: &Path, journal_mode: &str, version: u32) {
        let sqlite = Connection::open(path).unwrap();
        let sql = format!(
            "PRAGMA journal_mode = {journal_mode}; CREATE TABLE t(v); INSERT INTO t VALUES ({version});"
        );
        sqlite.execute_batch(&sql).unwrap();
        sqlite.close().unwrap();
    }

    fn version(path: &Path) -> u32 {
        let sqlite = Connection::open(path).unwrap();
        sqlite.query_row("SELECT v FROM t", [], |row| row.get(0)).unwrap()
    }

    fn shared(scene: &Scene) -> SharedLock {
        share(&scene.path, &scene.files()).unwrap().got().unwrap()
    }

    /// He cannot remove it, because of our SHARED.
    #[test]
    fn a_log_that_somebody_leaves_before_exclusive_is_had_is_settled() {
        let scene = scene("WAL");
        let shared = shared(&scene);
        let sqlite = Connection::open(&scene.path).unwrap();
        sqlite.execute_batch("UPDATE t SET v = 2").unwrap();
        drop(sqlite);
        assert!(has_log(&scene.files()).unwrap());
        let lock = shared.exclude().unwrap().got().unwrap();
        let locked = InPlaceLock::new(scene.path.clone()).decide(scene.files(), lock).unwrap().got().unwrap();
        assert!(matches!(locked, Locked::Alone(_)));
        assert!(!has_log(&scene.files()).unwrap());
        drop(locked);
        assert_eq!(version(&scene.path), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_away_before_the_lock_was_had_is_not_written_over() {
        for journal_mode in ["WAL", "DELETE"] {
            let scene = scene(journal_mode);
            let mut target = InPlaceLock::new(scene.path.clone());
            let reader = Connection::open(&scene.path).unwrap();
            reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
            if journal_mode == "DELETE" {
                // PENDING is had, and the reader is waited for.
                assert!(target.attempt().unwrap().is_busy());
            }
            let early = (journal_mode == "WAL").then(|| shared(&scene));
            let moved = scene.path.with_file_name("moved.db");
            std::fs::rename(&scene.path, &moved).unwrap();
            make(&scene.path, journal_mode, 7);
            drop(reader);
            match early {
                Some(shared) => {
                    let lock = shared.exclude().unwrap().got().unwrap();
                    assert!(target.decide(scene.files(), lock).unwrap().is_busy());
                }
                None => assert!(target.attempt().unwrap().is_busy()),
            }
            // The next attempt has the one that is there now.
            let locked = target.attempt().unwrap().got().unwrap();
            let Locked::Alone(old) = &locked else { panic!("nobody is connected") };
            assert!(old.is_in_its_place().unwrap());
        }
    }

    #[test]
    fn new_readers_have_their_turn_when_one_that_is_there_stays() {
        let scene = scene("DELETE");
        let mut target = InPlaceLock::new(scene.path.clone());
        let other = Connection::open(&scene.path).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        // Ours, as connections of one process share their locks.
        let reader = shared(&scene);
        assert!(target.attempt().unwrap().is_busy());
        assert!(target.attempt().unwrap().is_busy());
        let reads = || other.query_row("SELECT v FROM t", [], |row| row.get::<_, u32>(0));
        assert!(reads().is_err(), "PENDING keeps new readers out");
        let waiting = target.waiting.as_mut().unwrap();
        waiting.since = Instant::now().checked_sub(MOST_WAITING).unwrap();
        assert!(target.attempt().unwrap().is_busy());
        target.resting = Instant::now().checked_add(Duration::from_secs(3_600));
        assert!(target.attempt().unwrap().is_busy());
        assert_eq!(reads().unwrap(), 1);
        target.resting = Some(Instant::now());
        assert!(target.attempt().unwrap().is_busy());
        assert!(reads().is_err(), "its own turn comes again");
        drop(reader);
        assert!(target.attempt().unwrap().got().is_some());
    }

    /// The log of one that was moved away is used still, under the name that ours would have.
    #[cfg(unix)]
    #[test]
    fn a_log_that_somebody_uses_beside_a_database_that_nobody_has_is_refused() {
        let scene = scene("WAL");
        let sqlite = Connection::open(&scene.path).unwrap();
        sqlite.execute_batch("UPDATE t SET v = 2").unwrap();
        std::fs::rename(&scene.path, scene.path.with_file_name("moved.db")).unwrap();
        let other = scene.path.with_file_name("other.db");
        make(&other, "WAL", 7);
        std::fs::rename(&other, &scene.path).unwrap();
        let error = InPlaceLock::new(scene.path.clone()).attempt().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::SideFileInTheWay, "{error}");
        sqlite.execute_batch("UPDATE t SET v = 3").unwrap();
    }
}
