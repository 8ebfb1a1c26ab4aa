//! A database opened for reading: one snapshot of it, which the reports are made from.

use super::found_header::FoundHeader;
use super::waiting::wait_for;
use crate::attempt::Obstacle;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::{Damage, DatabaseHeader, PageNumber, PageSize};
use crate::halt::{Halt, ReportWatch};
use crate::source::{SideFile, Snapshot, Source, Standing};
use std::path::Path;
use std::time::Duration;

/// How often a snapshot that did not hold is taken again.
const TRIES: u32 = 3;

/// One committed version of a database, open for reading under SQLite's own locks, hot journal and log included. Writers in
/// rollback mode wait for as long as it lives. [inspection.md#one-version](crate::notes::inspection#one-version)
///
/// A file whose header SQLite would refuse opens all the same, and as much as possible of it is decoded:
/// [`header_damage`](Self::header_damage) says what was wrong.
///
/// ```no_run
/// use litecopy::{Database, Source, inspect};
/// use std::time::Duration;
///
/// let mut database = Database::open(Source::open("app.db")?, Some(Duration::from_secs(5)))?;
/// let space = database.report(|database| inspect::space(database))?;
/// for owner in &space.owners {
///     println!("{}: {} pages", owner.name, owner.pages);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct Database {
    source: Source,
    timeout: Option<Duration>,
    snapshot: Snapshot,
    found: FoundHeader,
    watch: ReportWatch,
}

impl Database {
    /// Opens a version of the source, as soon as its locks let us. `timeout` is how long to wait for them; without it, for
    /// ever.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) when somebody held a lock all that time; whatever keeps the files from being read.
    pub fn open(mut source: Source, timeout: Option<Duration>) -> Result<Self> {
        let watch = ReportWatch::default();
        source.halt_by(Halt::by_watch(&watch));
        let (snapshot, found) = begin(&mut source, timeout)?;
        Ok(Self { source, timeout, snapshot, found, watch })
    }

    /// What follows its reports, and ends them, from another thread.
    #[must_use]
    pub fn watch(&self) -> ReportWatch {
        self.watch.clone()
    }

    /// The path of the database file; `memory` where it is made of bytes.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source.name()
    }

    /// The size of a page in bytes.
    #[must_use]
    pub fn page_size(&self) -> PageSize {
        self.snapshot.page_size()
    }

    /// How many pages this version has; 0 for an empty database.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.snapshot.page_count()
    }

    /// Which version was asked for: 0 for the file alone, else the commit in the log; `None` for the newest.
    #[must_use]
    pub fn as_of(&self) -> Option<u64> {
        self.source.as_of()
    }

    /// The header of this version. Where it cannot be, it has what it would need to be; an empty database has the header of
    /// one with no tables.
    #[must_use]
    pub fn header(&self) -> &DatabaseHeader {
        &self.found.header
    }

    /// What SQLite would refuse in the header.
    #[must_use]
    pub fn header_damage(&self) -> &[Damage] {
        &self.found.damage
    }

    /// Reads a page into `buffer`, which is as long as a page.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) when it cannot be read, or there is no such page, or the buffer is not as long as a page.
    pub fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> Result<()> {
        if page.get() > self.page_count() || buffer.len() != self.page_size().bytes_usize() {
            let error = std::io::Error::from(std::io::ErrorKind::InvalidInput);
            return Err(Error::io("read such a page of", self.path())(error));
        }
        self.snapshot.read_pages(page, buffer)
    }

    /// Makes a report. When others whom no lock could keep out changed the files meanwhile, a new version is opened and the
    /// report is made again, up to three times.
    ///
    /// # Errors
    ///
    /// Whatever `make` gives; [`Busy`](ErrorKind::Busy) when the files changed each time.
    pub fn report<T>(&mut self, mut make: impl FnMut(&Self) -> Result<T>) -> Result<T> {
        for tried in 1..=TRIES {
            let report = make(self);
            if self.source.standing(&self.snapshot)? == Standing::Confirmed {
                return report;
            }
            if tried < TRIES {
                (self.snapshot, self.found) = begin(&mut self.source, self.timeout)?;
            }
        }
        Err(changed(&self.source))
    }

    /// Makes sure that all that was read so far is of one version: for a report that is given away while it is made, and cannot
    /// be made again.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) when it may be of two.
    pub fn confirm(&self) -> Result<()> {
        match self.source.standing(&self.snapshot)? {
            Standing::Confirmed => Ok(()),
            Standing::Withdrawn => Err(changed(&self.source)),
        }
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// How long to wait for locks.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The log and the journal beside it, as they are; `None` for one that is not there.
    pub(super) fn open_side_files(&self) -> Result<[Option<SideFile>; 2]> {
        self.source.open_side_files()
    }

    /// The snapshot that it reads.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// Begins a snapshot, of a file with a wrong header too.
fn begin(source: &mut Source, timeout: Option<Duration>) -> Result<(Snapshot, FoundHeader)> {
    let refused = match begin_in_time(source, timeout) {
        Ok(snapshot) => {
            let found = FoundHeader::read(&snapshot)?;
            return Ok((snapshot, found));
        }
        Err(error) => error,
    };
    let by_header =
        [ErrorKind::NotADatabase, ErrorKind::Damaged, ErrorKind::Unsupported].contains(&refused.kind());
    if !by_header {
        return Err(refused);
    }
    // What the header says of the page size counts even then; which one that is, only its bytes tell.
    let Some(page_size) = PageSize::ALL.first() else { return Err(refused) };
    source.read_as_opaque(*page_size);
    let Ok(snapshot) = begin_in_time(source, timeout) else { return Err(refused) };
    let page_size = FoundHeader::read(&snapshot)?.header.page_size;
    let snapshot = match page_size == snapshot.page_size() {
        true => snapshot,
        false => {
            source.end(snapshot)?;
            source.read_as_opaque(page_size);
            begin_in_time(source, timeout)?
        }
    };
    let mut found = FoundHeader::read(&snapshot)?;
    found.refused_count(snapshot.page_count());
    Ok((snapshot, found))
}

fn begin_in_time(source: &mut Source, timeout: Option<Duration>) -> Result<Snapshot> {
    let name = source.name().to_owned();
    wait_for(&name, timeout, || source.begin())
}

fn changed(source: &Source) -> Error {
    let (waited, holders) = (Duration::ZERO, source.lock_holders());
    Error::new(source.name(), Problem::Busy { waited, obstacle: Obstacle::Change, holders })
}

const _: () = assert!(DATABASE_HEADER_BYTES <= 512, "the smallest page holds the header");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_counts_pages_and_ends_reports() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        sqlite
            .execute_batch(
                "PRAGMA page_size = 512; CREATE TABLE t(b); INSERT INTO t VALUES (zeroblob(400000))",
            )
            .unwrap();
        let mut database = Database::open(Source::open(&path).unwrap(), None).unwrap();
        let watch = database.watch();
        database.report(crate::inspect::space).unwrap();
        let read = watch.pages_read();
        assert!(read > 500 && read <= u64::from(database.page_count()), "{read}");
        watch.cancel();
        let ended = |error: Error| error.kind() == ErrorKind::Cancelled;
        assert!(database.report(crate::inspect::space).is_err_and(ended));
        assert!(database.report(crate::inspect::pages).is_err_and(ended));
    }
}
