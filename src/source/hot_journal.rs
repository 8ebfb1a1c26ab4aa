//! A journal whose writer died: found, decided about, and laid over the file instead of being rolled back (C1).

use super::journal_index::JournalIndex;
use crate::error::{Error, Result};
use crate::format::journal_header::JOURNAL_HEADER_BYTES;
use crate::format::{PageNumber, PageSize};
use crate::halt::Halt;
use crate::limits::Limits;
use crate::lock::lock_style::ReadLock;
use crate::os::file_identity::{FileIdentity, FileTimes, Found};
use crate::os::place::Access;
use crate::os::random_access::{ReadAt, read_padded};
use crate::side_files::SideFiles;
use crate::state::journal::{JournalQuestions, JournalState, judge};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a rollback would change, without doing it.
pub(super) struct Rollback {
    pub(super) journal: Box<dyn ReadAt>,
    pub(super) path: PathBuf,
    pub(super) index: Arc<JournalIndex>,
    /// `None` for a journal made of bytes, which nobody can touch.
    witness: Option<Witness>,
}

/// What a journal was when it was found hot, and must be as long as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    identity: FileIdentity,
    /// The nonce is in it: every transaction has another.
    header: [u8; JOURNAL_HEADER_BYTES],
}

/// A journal that was read before: as long as it is the same file, untouched, it need not be read again.
#[derive(Debug)]
pub(super) struct KnownJournal {
    witness: Witness,
    times: FileTimes,
    index: Arc<JournalIndex>,
}

/// The rollback to be laid over the file, if there is a hot journal. SHARED is held, so nobody can roll it back or end it
/// meanwhile. `told` is what was decided about it where it was found.
pub(super) fn find(
    files: &SideFiles,
    (lock, told): (&ReadLock, Option<bool>),
    bounds: (&Limits, &Halt),
    known: &mut Option<KnownJournal>,
) -> Result<Option<Rollback>> {
    let path = files.journal().path();
    let hot = match told {
        None => open_hot(files, lock)?,
        Some(true) => open_as_told(files)?,
        Some(false) => None,
    };
    let Some((journal, witness)) = hot else { return Ok(None) };
    let times = FileTimes::of_file(&journal).map_err(Error::io("look at it", path))?;
    let index = match known {
        Some(known) if (known.witness, known.times) == (witness, times) => Arc::clone(&known.index),
        _ => {
            let page_size = page_size_of(lock.file(), files.database().path())?;
            let Some(index) = JournalIndex::read(&journal, path, page_size, bounds)? else {
                return Ok(None);
            };
            Arc::new(index)
        }
    };
    *known = Some(KnownJournal { witness, times, index: Arc::clone(&index) });
    Ok(Some(Rollback { journal: Box::new(journal), path: path.to_owned(), index, witness: Some(witness) }))
}

/// The rollback that a journal made of bytes asks for: there is no writer, and no super-journal to be looked for.
pub(super) fn find_in(
    journal: Box<dyn ReadAt>,
    path: &Path,
    database: &dyn ReadAt,
    bounds: (&Limits, &Halt),
) -> Result<Option<Rollback>> {
    let mut first = [0];
    read_padded(journal.as_ref(), &mut first, 0).map_err(Error::io("read", path))?;
    if first == [0] {
        return Ok(None);
    }
    let page_size = page_size_of(database, path)?;
    let index = JournalIndex::read(journal.as_ref(), path, page_size, bounds)?;
    Ok(index.map(|index| Rollback { journal, path: path.to_owned(), index: Arc::new(index), witness: None }))
}

/// The journal, if it is hot.
fn open_hot(files: &SideFiles, lock: &ReadLock) -> Result<Option<(File, Witness)>> {
    let mut questions = Questions { files, lock, opened: None };
    if judge(&mut questions)? != Some(JournalState::Hot) {
        return Ok(None);
    }
    let Some(journal) = questions.opened else { return Ok(None) };
    let witness = Witness::of(&journal).map_err(Error::io("read", files.journal().path()))?;
    let hot = witness.header.first() != Some(&0) && witness.still_stands(files, lock)?;
    Ok(hot.then_some((journal, witness)))
}

/// The journal, of which it is known that it is hot: neither its writer nor its super-journal are where it lies now.
fn open_as_told(files: &SideFiles) -> Result<Option<(File, Witness)>> {
    let path = files.journal().path();
    match files.journal().open(Access::Read) {
        Ok((journal, _)) => {
            let witness = Witness::of(&journal).map_err(Error::io("read", path))?;
            Ok(Some((journal, witness)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

/// What the journal is to who opens the database, and by what a hot one is known again: one that is hot without a witness changed while
/// it was judged.
#[cfg(feature = "evidence")]
pub(super) fn judge_found(
    files: &SideFiles,
    lock: &ReadLock,
) -> Result<(Option<JournalState>, Option<Witness>)> {
    let state = judge(&mut Questions { files, lock, opened: None })?;
    let witness = match state {
        Some(JournalState::Hot) => open_hot(files, lock)?.map(|(_, witness)| witness),
        _ => None,
    };
    Ok((state, witness))
}

/// The questions about a journal, asked of files.
struct Questions<'f> {
    files: &'f SideFiles,
    lock: &'f ReadLock,
    opened: Option<File>,
}

impl JournalQuestions for Questions<'_> {
    fn journal_bytes(&mut self) -> Result<Option<u64>> {
        let place = self.files.journal();
        // What is no regular file is told when it is opened.
        match place.look().map_err(Error::io("look at it", place.path()))? {
            Found::Nothing => Ok(None),
            Found::File { size_bytes } => Ok(Some(size_bytes)),
            Found::Unfit(_) => Ok(Some(u64::MAX)),
        }
    }

    fn reserved_by_other(&mut self) -> Result<bool> {
        let path = self.files.database().path();
        self.lock.reserved_by_other().map_err(Error::io("ask for its locks", path))
    }

    fn database_bytes(&mut self) -> Result<u64> {
        self.lock.file().size_bytes().map_err(Error::io("look at it", self.files.database().path()))
    }

    fn journal(&mut self) -> Result<Option<&dyn ReadAt>> {
        match self.files.journal().open(Access::Read) {
            Ok((journal, _)) => Ok(Some(self.opened.insert(journal))),
            // Its writer ended its transaction since we looked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", self.files.journal().path())(error)),
        }
    }

    fn path(&self) -> &Path {
        self.files.journal().path()
    }
}

impl Witness {
    fn of(journal: &File) -> io::Result<Self> {
        let mut header = [0; JOURNAL_HEADER_BYTES];
        read_padded(journal, &mut header, 0)?;
        Ok(Self { identity: FileIdentity::of_file(journal)?, header })
    }

    /// Whether no living writer has written the journal, who took RESERVED only after we had asked for it.
    ///
    /// Either it holds it still, or it has rolled back: it cannot have committed while SHARED is held. Then its journal
    /// is gone, cut or zeroed, or a later writer's with another nonce. A hot journal stays as it is, since nobody can
    /// roll it back beside SHARED.
    pub(super) fn still_stands(&self, files: &SideFiles, lock: &ReadLock) -> Result<bool> {
        if lock.reserved_by_other().map_err(Error::io("ask for its locks", files.database().path()))? {
            return Ok(false);
        }
        match files.journal().open(Access::Read).and_then(|(journal, _)| Self::of(&journal)) {
            Ok(now) => Ok(now == *self),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", files.journal().path())(error)),
        }
    }
}

/// The page size that the file's header names, whatever else is in it: a transaction may have begun to change it.
fn page_size_of(database: &dyn ReadAt, path: &Path) -> Result<PageSize> {
    let mut code = [0; 2];
    read_padded(database, &mut code, 16).map_err(Error::io("read", path))?;
    Ok(PageSize::from_header_code(u16::from_be_bytes(code)).unwrap_or_default())
}

impl Rollback {
    /// Whether the journal is still the one that was found hot, so that what was read of it counts.
    pub(super) fn still_stands(&self, files: &SideFiles, lock: &ReadLock) -> Result<bool> {
        self.witness.map_or(Ok(true), |witness| witness.still_stands(files, lock))
    }

    /// How many pages the database has after the rollback.
    pub(super) fn page_count(&self) -> u32 {
        self.index.page_count
    }

    /// Where the image of the first page lies, if it was changed.
    pub(super) fn first_page(&self) -> Option<u64> {
        self.index.images.place(PageNumber::FIRST)
    }
}

impl fmt::Debug for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rollback").field("path", &self.path).finish_non_exhaustive()
    }
}
