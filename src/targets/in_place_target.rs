//! A copy into a database that is there, and that others may have open: they see the new content at their next transaction.
//!
//! ```text
//!              lock                    begin               seal           publish
//!  [unlocked] ------> [locked] -------------> [writing] ---------> [sealed] ------> [done]
//!    |   ^                                        |                   |
//!    '---' TargetInUse: tried again               '---- drop: rolled back
//! ```
//!
//! As SQLite's online backup, it keeps everybody else from the target from the first step on
//! (`[in-place.md#locks]`).

use super::Target;
use super::journaled_writer::JournaledWriter;
use super::log_writer::LogWriter;
use super::old_database::{has_content, in_use, share};
use super::source_guard::refuse_the_source;
use crate::attempt::Attempt;
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::page_one_edit::fresh_page_one;
use crate::format::{Damage, DatabaseHeader, JournalMode, PageNumber, PageOneEdit, PageSize, Shape};
use crate::lock::database_lock::{ExclusiveLock, PendingLock, SharedLock};
use crate::os::file_identity::{self, Found};
use crate::os::lock_file::LockFile;
use crate::os::opening;
use crate::os::random_access::{ReadAt, read_padded};
use crate::side_files::SideFiles;
use std::io;
use std::path::{Path, PathBuf};

/// A database that is there already, whose content a copy replaces by SQLite's own protocol.
///
/// Who has it open keeps it open. Nobody else can read or write it from the first step until the copy is done (in WAL
/// mode with others connected only nobody else can write it). A crash at any moment leaves the old database, after SQLite's
/// own recovery, or the new one. An empty file is a database too.
#[derive(Debug)]
pub struct InPlaceTarget {
    /// As the caller named it, for messages.
    path: PathBuf,
    state: State,
    /// Whether page 1 stays as it is in the source.
    exact: bool,
    /// As found under the first lock, which is kept.
    old: OldHeader,
    page_size: PageSize,
    /// Kept back until the end: it is edited when all else is known, and ends the transaction.
    page_one: Option<Vec<u8>>,
    /// Of the sealed copy.
    page_count: u32,
    written_bytes: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unlocked,
    /// The readers that are there may finish; new ones may not begin.
    Waiting(SideFiles, PendingLock),
    Locked(SideFiles, ExclusiveLock),
    Writing(Box<JournaledWriter>),
    /// In WAL mode, with others connected.
    Logging(Box<LogWriter>),
    Done,
}

/// What the target was before; `None` for an empty one.
#[derive(Debug, Default, Clone, Copy)]
struct OldHeader(Option<DatabaseHeader>);

impl InPlaceTarget {
    /// The database at `path`, which must be there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            state: State::Unlocked,
            exact: false,
            old: OldHeader::default(),
            page_size: PageSize::DEFAULT,
            page_one: None,
            page_count: 0,
            written_bytes: 0,
        }
    }

    /// Whether the header stays as it is in the source, so that the target becomes its logical image, byte for byte. Default
    /// no: change counter and schema cookie are moved on, from which those who have the target open, though idle just now, know
    /// that it has changed. For copies that are only kept, and brought up to date.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    fn take_locks(&mut self) -> Result<State> {
        match std::mem::take(&mut self.state) {
            State::Unlocked => self.begin_locking(),
            State::Waiting(files, pending) => self.finish_locking(files, pending),
            locked => Ok(locked),
        }
    }

    /// In SQLite's order of questions: a hot journal, a log, then the way of a writer.
    fn begin_locking(&mut self) -> Result<State> {
        let files = SideFiles::of(&self.path)?;
        let shared = share(&self.path, &files)?;
        self.refuse_hot_journal(&files, &shared)?;
        self.old = self.read_header(shared.file())?;
        let unsettled = has_content(&files.wal())?;
        if unsettled || self.old.keeps_log() {
            // Past RESERVED: beside a connection in WAL mode, which keeps SHARED as long as it lives, there is no use in waiting.
            return match shared.exclude().map_err(self.cannot("lock"))? {
                Attempt::Got(_) if unsettled => Err(self.in_the_way(files.wal())),
                Attempt::Got(lock) => Ok(State::Locked(files, lock)),
                Attempt::Busy(shared) => {
                    let writer = LogWriter::join(&self.path, &files, shared)?;
                    self.old = OldHeader(writer.old_header()?);
                    Ok(State::Logging(Box::new(writer)))
                }
            };
        }
        let Attempt::Got(reserved) = shared.reserve().map_err(self.cannot("lock"))? else {
            return Err(in_use(&self.path, &files));
        };
        let Attempt::Got(pending) = reserved.pend().map_err(self.cannot("lock"))? else {
            return Err(in_use(&self.path, &files));
        };
        self.finish_locking(files, pending)
    }

    fn finish_locking(&mut self, files: SideFiles, pending: PendingLock) -> Result<State> {
        match pending.exclude().map_err(self.cannot("lock"))? {
            Attempt::Got(lock) => Ok(State::Locked(files, lock)),
            Attempt::Busy(pending) => {
                let error = in_use(&self.path, &files);
                self.state = State::Waiting(files, pending);
                Err(error)
            }
        }
    }

    /// Refuses what a dead writer left: it is settled first.
    fn refuse_hot_journal(&self, files: &SideFiles, shared: &SharedLock) -> Result<()> {
        let journal = files.journal();
        if !has_content(&journal)? {
            return Ok(());
        }
        if shared.reserved_by_other().map_err(self.cannot("ask for its locks"))? {
            return Err(in_use(&self.path, files));
        }
        // A first byte of zero: its transaction has ended, or has not begun to change the database.
        let mut first = [0];
        match opening::to_read(&journal).and_then(|file| read_padded(&file, &mut first, 0)) {
            Ok(_) if first == [0] => Ok(()),
            Ok(_) => Err(self.in_the_way(journal)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("read", &journal)(error)),
        }
    }

    fn read_header(&self, file: &LockFile) -> Result<OldHeader> {
        if file.size_bytes().map_err(self.cannot("look at it"))? <= 1 {
            return Ok(OldHeader(None));
        }
        let mut bytes = [0; DATABASE_HEADER_BYTES];
        read_padded(file, &mut bytes, 0).map_err(self.cannot("read"))?;
        let header = DatabaseHeader::parse(&bytes)
            .map_err(|damage| Error::new(&self.path, Problem::NotADatabase(damage)))?;
        match header.write_version.0 {
            0..=2 => Ok(OldHeader(Some(header))),
            found => Err(Error::new(&self.path, Problem::Unsupported(Damage::WriteVersion { found }))),
        }
    }

    /// Edits page 1 as the online backup does; for an empty source there is one afterwards too. Gives the page count.
    fn edit_page_one(&mut self, page_count: u32) -> Result<u32> {
        self.page_count = page_count;
        // A log has no commit of no pages.
        if self.exact && (page_count > 0 || matches!(self.state, State::Writing(_))) {
            return Ok(page_count);
        }
        let mut edit = self.old.edit();
        let (mut page_one, page_count) = match self.page_one.take() {
            Some(page_one) => (page_one, page_count),
            None => {
                // As SQLite does with an empty source: a database without tables, not a file without bytes.
                self.page_size = self.old.0.map_or(PageSize::DEFAULT, |header| header.page_size);
                edit.sqlite_version = self.old.0.map(|header| header.sqlite_version);
                if let State::Writing(writer) = &mut self.state {
                    writer.change_page_size(self.page_size)?;
                }
                (fresh_page_one(self.old.0.as_ref()), 1)
            }
        };
        DatabaseHeader::parse(&page_one).map_err(|damage| {
            // An encrypted one, for instance, which nobody can edit.
            let invalid = io::Error::new(io::ErrorKind::InvalidData, damage);
            Error::io("edit the first page of the copy for", &self.path)(invalid)
        })?;
        edit.apply(&mut page_one, page_count);
        (self.page_one, self.page_count) = (Some(page_one), page_count);
        Ok(page_count)
    }

    fn write_behind_first(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        match &mut self.state {
            State::Writing(writer) => writer.write_pages(first, pages),
            State::Logging(writer) => writer.write_pages(first, pages),
            _ => Err(not_ready(&self.path)),
        }
    }

    fn in_the_way(&self, side_file: PathBuf) -> Error {
        Error::new(&self.path, Problem::SideFileInTheWay { side_file })
    }

    fn cannot<'p>(&'p self, operation: &'static str) -> impl FnOnce(io::Error) -> Error + 'p {
        Error::io(operation, &self.path)
    }
}

impl OldHeader {
    fn keeps_log(&self) -> bool {
        self.0.is_some_and(|header| header.journal_mode() == JournalMode::Wal)
    }

    /// What tells those who have it open that all of it is new.
    fn edit(&self) -> PageOneEdit {
        PageOneEdit::over(self.0.as_ref())
    }

    /// The old pages that the file really has, whatever the header says.
    fn shape(&self, size_bytes: u64) -> Shape {
        let page_size = self.0.map_or(PageSize::DEFAULT, |header| header.page_size);
        let page_count = self.0.map_or(0, |_| page_size.pages_in(size_bytes));
        Shape { page_size, page_count: u32::try_from(page_count).unwrap_or(u32::MAX) }
    }
}

impl Target for InPlaceTarget {
    fn admit(&mut self, source: Option<&Path>) -> Result<()> {
        let files = SideFiles::of(&self.path)?;
        let found = match file_identity::look(files.database()).map_err(self.cannot("look at it"))? {
            Found::Folder => Some("a folder"),
            Found::Other => Some("a device or a pipe"),
            Found::File { .. } | Found::Nothing => None,
        };
        if let Some(found) = found {
            return Err(Error::new(&self.path, Problem::NotAFile { found }));
        }
        source.map_or(Ok(()), |source| refuse_the_source(&self.path, &files, source))
    }

    fn lock(&mut self) -> Result<()> {
        self.state = self.take_locks()?;
        Ok(())
    }

    fn begin(&mut self, shape: Shape) -> Result<()> {
        (self.page_size, self.page_one) = (shape.page_size, None);
        self.state = match std::mem::take(&mut self.state) {
            State::Locked(files, lock) => {
                let size_bytes = lock.file().size_bytes().map_err(self.cannot("look at it"))?;
                let old_shape = self.old.shape(size_bytes);
                let journal = files.journal();
                let writer = JournaledWriter::begin(&self.path, &journal, lock, old_shape, shape.page_size)?;
                State::Writing(Box::new(writer))
            }
            State::Writing(mut writer) => {
                writer.change_page_size(shape.page_size)?;
                State::Writing(writer)
            }
            State::Logging(writer) => {
                let (target, source_size) = (writer.page_size(), shape.page_size);
                if target != source_size {
                    return Err(Error::new(&self.path, Problem::PageSizeFixed { target, source_size }));
                }
                State::Logging(writer)
            }
            _ => return Err(not_ready(&self.path)),
        };
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        if first != PageNumber::FIRST {
            return self.write_behind_first(first, pages);
        }
        let (page_one, rest) = pages.split_at_checked(self.page_size.bytes_usize()).unwrap_or((pages, &[]));
        self.page_one = Some(page_one.to_owned());
        first.next().map_or(Ok(()), |second| self.write_behind_first(second, rest))
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        let page_count = self.edit_page_one(page_count)?;
        match (&mut self.state, &self.page_one) {
            (State::Writing(writer), page_one) => {
                page_one
                    .as_ref()
                    .map_or(Ok(()), |page_one| writer.write_pages(PageNumber::FIRST, page_one))?;
                writer.seal(page_count)
            }
            (State::Logging(writer), _) => writer.seal(),
            _ => Err(not_ready(&self.path)),
        }
    }

    fn publish(&mut self) -> Result<()> {
        match (std::mem::replace(&mut self.state, State::Done), &self.page_one) {
            (State::Writing(writer), _) => {
                self.written_bytes = writer.written_bytes();
                writer.commit()
            }
            (State::Logging(writer), Some(page_one)) => {
                self.written_bytes =
                    Shape { page_size: self.page_size, page_count: self.page_count }.size_bytes();
                writer.commit(page_one, self.page_count)
            }
            _ => Err(not_ready(&self.path)),
        }
    }

    fn between_steps(&mut self) -> Result<()> {
        if let State::Writing(writer) = &mut self.state { writer.between_steps() } else { Ok(()) }
    }

    fn written_bytes(&self) -> Option<u64> {
        Some(self.written_bytes)
    }

    fn abandon(&mut self) {
        self.state = State::Unlocked;
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let writer = match &self.state {
            State::Writing(writer) => return writer.read(first, buffer),
            State::Logging(writer) => writer,
            _ => return Err(not_ready(&self.path)),
        };
        for (place, image) in (0_u32..).zip(buffer.chunks_exact_mut(self.page_size.bytes_usize())) {
            match (first.checked_add(place), &self.page_one) {
                (Some(PageNumber::FIRST), Some(page_one)) => image.copy_from_slice(page_one),
                (Some(page), _) => writer.read(page, image)?,
                (None, _) => {}
            }
        }
        Ok(())
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn page_one_edit(&self) -> Option<PageOneEdit> {
        (!self.exact).then(|| self.old.edit())
    }
}

fn not_ready(path: &Path) -> Error {
    let invalid = io::Error::new(io::ErrorKind::InvalidInput, "it is not locked, or the copy is done");
    Error::io("write", path)(invalid)
}
