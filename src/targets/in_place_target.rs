//! A copy into a database that is there, and that others may have open: they see the new content at their next transaction.
//!
//! ```text
//!              lock                    begin               seal           publish
//!  [unlocked] ------> [locked] -------------> [writing] ---------> [sealed] ------> [done]
//!    |   ^                                        |                   |
//!    '---' busy: tried again                      '---- drop: rolled back
//! ```
//!
//! As SQLite's online backup, it keeps everybody else from the target from the first step on
//! (`[in-place.md#locks]`).

use super::in_place_lock::{InPlaceLock, Locked, read_header};
use super::internals::Internals;
use super::journaled_writer::JournaledWriter;
use super::log_writer::LogWriter;
use super::old_database::OldDatabase;
use super::target::Target;
use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::format::page_one_edit::fresh_page_one;
use crate::format::{DatabaseHeader, JournalMode, PageNumber, PageOneEdit, PageSize, Shape};
use crate::os::openers::Openers;
use crate::os::random_access::ReadAt;
use crate::side_files::SideFiles;
use std::io;
use std::path::{Path, PathBuf};

/// A database that is there already, whose content a copy replaces by SQLite's own protocol.
///
/// Who has it open keeps it open. Nobody else can read or write it from the first step until the copy is done (in WAL
/// mode with others connected only nobody else can write it). A crash at any moment leaves the old database, after SQLite's
/// own recovery, or the new one. An empty file is a database too.
#[derive(Debug)]
pub(crate) struct InPlaceTarget {
    lock: InPlaceLock,
    state: State,
    /// Whether page 1 stays as it is in the source, where nobody has the target open.
    exact: bool,
    /// Whether somebody has it open, or may have, who would not notice otherwise that all of it is new.
    open_elsewhere: bool,
    /// As found under the first lock, which is kept.
    old: OldHeader,
    page_size: PageSize,
    /// Kept back until the end: it is edited when all else is known, and ends the transaction.
    page_one: Option<Vec<u8>>,
    /// Of the sealed copy.
    page_count: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unlocked,
    Locked(OldDatabase),
    Writing(Box<JournaledWriter>),
    /// In WAL mode, with others connected.
    Logging(Box<LogWriter>),
}

/// What the target was before; `None` for an empty one.
#[derive(Debug, Default, Clone, Copy)]
struct OldHeader(Option<DatabaseHeader>);

impl InPlaceTarget {
    /// The database at `path`, which must be there.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            lock: InPlaceLock::new(path.into()),
            state: State::Unlocked,
            exact: false,
            open_elsewhere: false,
            old: OldHeader::default(),
            page_size: PageSize::DEFAULT,
            page_one: None,
            page_count: 0,
        }
    }

    /// Whether the header stays as it is in the source, so that the target becomes its logical image, byte for byte. Default
    /// no: change counter and schema cookie are moved on, from which those who have the target open, though idle just now, know
    /// that it has changed. For copies that are only kept, and brought up to date: where somebody has one open after all, it is
    /// edited all the same.
    pub(super) fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Looks at what is there, and refuses the source.
    pub(super) fn admit(&mut self, source: Option<&SideFiles>) -> Result<()> {
        self.lock.admit(source)
    }

    /// Edits page 1 as the online backup does; for an empty source there is one afterwards too. Gives the page count.
    fn edit_page_one(&mut self, page_count: u32) -> Result<u32> {
        self.page_count = page_count;
        let Some(mut edit) = self.page_one_edit() else { return Ok(page_count) };
        let (mut page_one, page_count) = match self.page_one.take() {
            Some(page_one) => (page_one, page_count),
            None => {
                // As SQLite does with an empty source: a database without tables, not a file without bytes.
                self.page_size = self.old.0.map_or(PageSize::DEFAULT, |header| header.page_size);
                edit.sqlite_version = self.old.0.map(|header| header.sqlite_version);
                if let State::Writing(writer) = &mut self.state {
                    writer.change_shape(Shape { page_size: self.page_size, page_count: 1 })?;
                }
                (fresh_page_one(self.old.0.as_ref()), 1)
            }
        };
        DatabaseHeader::parse(&page_one).map_err(|damage| {
            // An encrypted one, for instance, which nobody can edit.
            let invalid = io::Error::new(io::ErrorKind::InvalidData, damage);
            Error::io("edit the first page of the copy for", self.name())(invalid)
        })?;
        edit.apply(&mut page_one, page_count);
        (self.page_one, self.page_count) = (Some(page_one), page_count);
        Ok(page_count)
    }

    fn write_behind_first(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        match &mut self.state {
            State::Writing(writer) => writer.write_pages(first, pages),
            State::Logging(writer) => writer.write_pages(first, pages),
            _ => Err(not_ready(self.name())),
        }
    }

    fn name(&self) -> &Path {
        self.lock.path()
    }

    fn cannot<'p>(&'p self, operation: &'static str) -> impl FnOnce(io::Error) -> Error + 'p {
        Error::io(operation, self.name())
    }
}

impl OldHeader {
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
    type Output = ();

    fn lock(&mut self) -> Result<Attempt<()>> {
        if !matches!(self.state, State::Unlocked) {
            return Ok(Attempt::Got(()));
        }
        let locked = match self.lock.attempt()? {
            Attempt::Got(locked) => locked,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        };
        self.state = match locked {
            Locked::Alone(old) => {
                self.old = OldHeader(read_header(old.file(), self.name())?);
                // Who holds no lock now keeps what it has read before, as long as the counter of changes is the same.
                self.open_elsewhere = self.exact && old.openers() != Openers::Nobody;
                State::Locked(old)
            }
            Locked::Beside(writer) => {
                self.old = OldHeader(writer.old_header()?);
                State::Logging(writer)
            }
        };
        Ok(Attempt::Got(()))
    }

    fn begin(&mut self, shape: Shape) -> Result<()> {
        (self.page_size, self.page_one) = (shape.page_size, None);
        self.state = match std::mem::take(&mut self.state) {
            State::Locked(old) => {
                let size_bytes = old.file().size_bytes().map_err(self.cannot("look at it"))?;
                let writer = JournaledWriter::begin(old, self.old.shape(size_bytes), shape)?;
                State::Writing(Box::new(writer))
            }
            State::Writing(mut writer) => {
                writer.change_shape(shape)?;
                State::Writing(writer)
            }
            State::Logging(writer) => {
                writer.begin(shape)?;
                State::Logging(writer)
            }
            _ => return Err(not_ready(self.name())),
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
            _ => Err(not_ready(self.name())),
        }
    }

    fn publish(self, _page_count: u32) -> Result<()> {
        match (self.state, &self.page_one) {
            (State::Writing(writer), _) => writer.commit(),
            (State::Logging(writer), Some(page_one)) => writer.commit(page_one, self.page_count),
            _ => Err(not_ready(self.lock.path())),
        }
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let writer = match &self.state {
            State::Writing(writer) => return writer.read(first, buffer),
            State::Logging(writer) => writer,
            _ => return Err(not_ready(self.name())),
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
        Some(self.name())
    }

    fn internals(&mut self) -> Option<&mut dyn Internals> {
        Some(self)
    }
}

impl Internals for InPlaceTarget {
    fn between_steps(&mut self) -> Result<()> {
        if let State::Writing(writer) = &mut self.state { writer.between_steps() } else { Ok(()) }
    }

    fn written_bytes(&self) -> Option<u64> {
        match &self.state {
            State::Writing(writer) => Some(writer.written_bytes()),
            State::Logging(_) => {
                Some(Shape { page_size: self.page_size, page_count: self.page_count }.size_bytes())
            }
            _ => None,
        }
    }

    fn page_one_edit(&self) -> Option<PageOneEdit> {
        match self.state {
            // Those who are connected stay in WAL mode, and know of nothing else.
            State::Logging(_) => {
                Some(PageOneEdit { journal_mode: Some(JournalMode::Wal), ..self.old.edit() })
            }
            _ => (!self.exact || self.open_elsewhere).then(|| self.old.edit()),
        }
    }
}

fn not_ready(path: &Path) -> Error {
    let invalid = io::Error::new(io::ErrorKind::InvalidInput, "it is not locked, or the copy is done");
    Error::io("write", path)(invalid)
}
