//! Writes over a database in WAL mode beside its connections: one transaction, appended to their log as they would.
//!
//! | step | after a crash here |
//! |---|---|
//! | SHARED, a share of DMS, WRITE; the frames that are there gone through | the old database: nothing was written |
//! | frames of all pages but the first appended | the old one: frames without a commit do not count |
//! | sums that others left out written anew, log synced | the old one, that is what those who are connected see |
//! | the frame of page 1 with the commit appended, log synced | the old one, until all who have it open are gone; then recovery finds the commit, and it is the new one |
//! | frames entered into the hash blocks of the wal-index | the same |
//! | header of the wal-index written: second copy, then first | the new one |
//!
//! Readers go on with the old version until their next transaction. The log grows by the whole database; the next checkpoint
//! brings it into the file. Given up before, it is cut to what it was (`[in-place.md#wal-mode-with-others-connected]`).

use super::frame_sums::go_through;
use super::index_writer::IndexWriter;
use super::new_frames::NewFrames;
use super::old_database::{confirm_place, is_in_its_place, refuse_if_moved, refuse_lack_of_room};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{
    DatabaseHeader, FrameChain, FrameNumber, PageNumber, PageSize, Salts, Shape, WalHeader, WalIndexHeader,
};
use crate::lock::database_lock::SharedLock;
use crate::lock::wal_lock::{WalWriteLock, read_index};
use crate::os::file_system::network_kind;
use crate::os::lock_file::LockFile;
use crate::os::random;
use crate::os::random_access::read_padded;
use crate::os::side_file::SideFile;
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// A transaction in the log of a database that others have open. Dropped before it is committed, it never was.
#[derive(Debug)]
pub(super) struct LogWriter {
    /// As the caller named the database, for messages.
    path: PathBuf,
    files: SideFiles,
    /// Let go before SHARED, as SQLite does.
    index: IndexWriter,
    shared: SharedLock,
    frames: NewFrames,
    /// Before the first frame of others whose sums are not right.
    wrong_sums: Option<FrameChain>,
    /// The commit frame, from when it may be in the log.
    unpublished: Option<FrameNumber>,
    /// Whether there is nothing to take back.
    committed: bool,
}

impl LogWriter {
    /// Joins the connections of the database, which `shared` is held on.
    pub(super) fn join(path: &Path, files: &SideFiles, shared: SharedLock) -> Result<Attempt<Self>> {
        let (index_path, log_path) = (files.wal_index().path(), files.wal().path());
        if let Some(kind) = network_kind(files.database().path()).filter(|&kind| kind != "FUSE") {
            return Err(Error::new(path, Problem::LogOnNetwork { kind }));
        }
        let wal_index = match LockFile::open_alone(files.wal_index()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Attempt::Busy(Obstacle::Users));
            }
            opened => opened.map_err(Error::io("open", index_path))?,
        };
        let tried = WalWriteLock::acquire(wal_index).map_err(Error::io("lock", index_path))?;
        let Attempt::Got(lock) = tried else { return Ok(Attempt::Busy(Obstacle::Users)) };
        // With WRITE held nobody changes it: what cannot be believed now has to be recovered by one of those who have it open.
        let Some(index) = read_index(lock.wal_index()).map_err(Error::io("read", index_path))? else {
            return Ok(Attempt::Busy(Obstacle::Recovery));
        };
        let log = SideFile::open(files.wal()).map_err(Error::io("open", log_path))?;
        // Whose log that is is known only now: until WRITE was had, the database could be moved away, and another take its name.
        if !is_in_its_place(path, files, shared.file())? {
            return Ok(Attempt::Busy(Obstacle::Change));
        }
        let page_size = match index.header.page_size() {
            Some(page_size) => page_size,
            // The log was found empty when it was recovered.
            None => read_header_of(shared.file(), path)?.page_size,
        };
        let header = header_of(&log, &index.header, page_size)?;
        let (start, wrong_sums) =
            go_through(&log, page_size, FrameChain::new(&header), index.header.mx_frame, false)?;
        Ok(Attempt::Got(Self {
            path: path.to_owned(),
            files: files.clone(),
            index: IndexWriter::new(index_path.to_owned(), lock, index.header),
            shared,
            frames: NewFrames::new(log, header, start)?,
            wrong_sums,
            unpublished: None,
            committed: false,
        }))
    }

    pub(super) fn page_size(&self) -> PageSize {
        self.frames.header().page_size
    }

    /// The header of the database as it is now; `None` for an empty one.
    pub(super) fn old_header(&self) -> Result<Option<DatabaseHeader>> {
        let mut bytes = [0; DATABASE_HEADER_BYTES];
        match self.index.find(PageNumber::FIRST)? {
            Some(frame) => self.frames.read_image(frame, &mut bytes)?,
            None => return read_header_of(self.shared.file(), &self.path).map(Some),
        }
        let header = DatabaseHeader::parse(&bytes);
        header.map(Some).map_err(|damage| Error::new(&self.path, Problem::NotADatabase(damage)))
    }

    /// Begins a copy of this shape, which has to have the target's page size: the room for it is looked for.
    pub(super) fn begin(&self, shape: Shape) -> Result<()> {
        let (target, source_size) = (self.page_size(), shape.page_size);
        if target != source_size {
            return Err(Error::new(&self.path, Problem::PageSizeFixed { target, source_size }));
        }
        let growth_bytes = self.frames.growth_bytes(shape.page_count);
        refuse_lack_of_room(self.frames.log().path(), self.files.database().path(), growth_bytes)
    }

    /// Appends pages that follow each other.
    pub(super) fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let page_bytes = self.page_size().bytes_usize();
        for (place, image) in (0_u32..).zip(pages.chunks_exact(page_bytes)) {
            let Some(page) = first.checked_add(place) else { break };
            self.frames.write(page, image)?;
        }
        Ok(())
    }

    /// Brings what was appended to the device.
    pub(super) fn seal(&mut self) -> Result<()> {
        if let Some(chain) = self.wrong_sums.take() {
            // With them as they are, recovery would never come to what we have appended.
            let last = self.index.published().mx_frame;
            go_through(self.frames.log(), self.page_size(), chain, last, true)?;
        }
        self.frames.seal()
    }

    /// Commits: the database has `page_count` pages then, of which `page_one` is the first.
    pub(super) fn commit(mut self, page_one: &[u8], page_count: u32) -> Result<()> {
        match self.try_commit(page_one, page_count) {
            Ok(()) => {
                self.committed = true;
                // Else it is there, but not where it was asked for.
                confirm_place(&self.path, &self.files, Some(self.shared.file()))
            }
            // Once the commit is in the log, it comes true at the next recovery, unless it can be made void.
            Err(error) => Err(if self.take_back().is_ok() { error } else { error.in_doubt() }),
        }
    }

    fn try_commit(&mut self, page_one: &[u8], page_count: u32) -> Result<()> {
        self.refuse_if_moved()?;
        self.unpublished = self.frames.end().next_frame();
        self.frames.commit(page_one, page_count)?;
        self.index.enter(&self.frames.pages())?;
        let (header, end) = (self.frames.header(), self.frames.end());
        self.index.publish(WalIndexHeader {
            checksum_order: header.byte_order,
            page_size_code: header.page_size.header_code(),
            mx_frame: end.accepted(),
            page_count,
            frame_checksum: end.checksum(),
            salts: header.salts,
            ..self.index.published()
        })
    }

    fn refuse_if_moved(&self) -> Result<()> {
        refuse_if_moved(&self.path, &self.files, self.shared.file())
    }

    /// Makes it never have been.
    fn take_back(&mut self) -> Result<()> {
        self.committed = true;
        if let Some(frame) = self.unpublished.take() {
            self.index.publish_again()?;
            self.frames.make_void(frame)?;
        }
        self.frames.take_back()
    }

    /// Reads a page of the sealed copy; zeros for one that was not appended.
    pub(super) fn read(&self, page: PageNumber, image: &mut [u8]) -> Result<()> {
        self.frames.read(page, image)
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if !self.committed {
            let _ = self.take_back();
        }
    }
}

/// The header of the log as it is, or as it will be when its first frame is written.
fn header_of(log: &SideFile, index: &WalIndexHeader, page_size: PageSize) -> Result<WalHeader> {
    let mut bytes = [0; WAL_HEADER_BYTES];
    read_padded(log, &mut bytes, 0).map_err(Error::io("read", log.path()))?;
    // What is wrong with it matters only where frames of it count.
    let found = WalHeader::parse(&bytes).ok();
    if index.mx_frame == 0 {
        let sequence = found.map_or(0, |found| found.checkpoint_sequence.wrapping_add(1));
        return Ok(WalHeader::new(page_size, sequence, new_salts(index.salts)));
    }
    let right = found.filter(|found| {
        (found.salts, found.byte_order) == (index.salts, index.checksum_order) && found.page_size == page_size
    });
    right.ok_or_else(|| {
        let what = "its header is not that of which the wal-index tells".to_owned();
        Error::new(log.path(), Problem::Contradiction(what))
    })
}

fn read_header_of(database: &LockFile, path: &Path) -> Result<DatabaseHeader> {
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    read_padded(database, &mut bytes, 0).map_err(Error::io("read", path))?;
    DatabaseHeader::parse(&bytes).map_err(|damage| Error::new(path, Problem::NotADatabase(damage)))
}

/// The salts of a log that is begun: those that its last reset has set down in the wal-index, or random ones.
fn new_salts(in_index: Salts) -> Salts {
    if in_index == Salts([0; 8]) { Salts(random::number().to_be_bytes()) } else { in_index }
}

#[cfg(test)]
mod tests {
    //! SQLite is connected meanwhile; in the same process it is another owner of locks than ours.

    use super::*;
    use crate::targets::old_database::share;
    use rusqlite::Connection;

    fn version(sqlite: &Connection) -> u32 {
        sqlite.query_row("SELECT v FROM t", [], |row| row.get(0)).unwrap()
    }

    /// What recovery makes of the files as they are, when everybody has died.
    fn version_after_a_crash(path: &Path) -> u32 {
        let folder = tempfile::tempdir().unwrap();
        let (log, copy) = (path.with_file_name("app.db-wal"), folder.path().join("app.db"));
        if cfg!(windows) {
            std::fs::copy(path, &copy).unwrap();
            std::fs::copy(&log, folder.path().join("app.db-wal")).unwrap();
        } else {
            // In another process: to close a descriptor here would drop SQLite's locks.
            let copied = std::process::Command::new("cp").args([path, &log, folder.path()]).status().unwrap();
            assert!(copied.success());
        }
        version(&Connection::open(&copy).unwrap())
    }

    #[test]
    fn a_commit_that_cannot_be_published_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["app.db", "other.db"].map(|name| folder.path().join(name));
        for (path, mode, version) in [(&path, "WAL", 1), (&other, "DELETE", 2)] {
            let sqlite = Connection::open(path).unwrap();
            let sql =
                format!("PRAGMA journal_mode = {mode}; CREATE TABLE t(v); INSERT INTO t VALUES ({version});");
            sqlite.execute_batch(&sql).unwrap();
        }
        let sqlite = Connection::open(&path).unwrap();
        sqlite.execute_batch("UPDATE t SET v = 3").unwrap();
        let log = path.with_file_name("app.db-wal");
        let before = std::fs::metadata(&log).unwrap().len();
        let files = SideFiles::of(&path).unwrap();
        let pages = std::fs::read(&other).unwrap();
        let (mut page_one, rest) = (pages[..4096].to_vec(), &pages[4096..]);
        page_one[18..20].fill(2);
        let page_count = u32::try_from(pages.len() / 4096).unwrap();
        for entered in [false, true] {
            let Attempt::Busy(shared) = share(&path, &files).unwrap().got().unwrap().exclude().unwrap()
            else {
                panic!("SQLite is connected");
            };
            let mut writer = LogWriter::join(&path, &files, shared).unwrap().got().unwrap();
            writer.write_pages(PageNumber::new(2).unwrap(), rest).unwrap();
            writer.seal().unwrap();
            writer.unpublished = writer.frames.end().next_frame();
            writer.frames.commit(&page_one, page_count).unwrap();
            if entered {
                writer.index.enter(&writer.frames.pages()).unwrap();
            }
            assert_eq!(version_after_a_crash(&path), 2, "the commit is in the log");
            drop(writer);
            assert_eq!((std::fs::metadata(&log).unwrap().len(), version(&sqlite)), (before, 3));
            assert_eq!(version_after_a_crash(&path), 3);
        }
        sqlite.execute_batch("UPDATE t SET v = 4").unwrap();
        assert_eq!((version(&sqlite), version_after_a_crash(&path)), (4, 4));
    }
}
