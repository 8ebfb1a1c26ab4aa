//! What a journal beside a database means for who opens it: SQLite's questions, in SQLite's order
//! (`[journal.md#is-the-journal-hot]`).
//!
//! | question | if so |
//! |---|---|
//! | is there none? | nothing to decide |
//! | has it 0 bytes? | [`Empty`](JournalState::Empty) |
//! | does somebody else hold RESERVED or more? | [`OfLiveWriter`](JournalState::OfLiveWriter) |
//! | has the database no page? | [`DatabaseEmpty`](JournalState::DatabaseEmpty) |
//! | is its first byte 0? | [`Zeroed`](JournalState::Zeroed) |
//! | does it name a super-journal that is gone? | [`Committed`](JournalState::Committed) |
//! | else | [`Hot`](JournalState::Hot) |

use crate::error::{Error, Result};
use crate::format::Damage;
use crate::format::super_journal::{TAIL_BYTES, super_journal_name};
use crate::os::place::Place;
use crate::os::random_access::{ReadAt, read_padded};
use crate::os::side_file::SideFile;
use std::io;
use std::path::{Path, PathBuf};

/// What a journal means for who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JournalState {
    /// 0 bytes: counts as absent.
    Empty,
    /// Its first byte is zero: the transaction ended (PERSIST), or its writer had not synced it yet.
    Zeroed,
    /// Somebody holds RESERVED or more: the journal of a living writer.
    OfLiveWriter,
    /// The database is empty: nothing to bring back.
    DatabaseEmpty,
    /// Its super-journal is gone: the transaction was committed.
    Committed,
    /// A writer died. Who opens the database next must roll back first.
    Hot,
}

/// What is asked of a database and its journal. SHARED is held on the database, where it is to be had.
pub(crate) trait JournalQuestions {
    /// The size of the journal; `None` where there is none.
    fn journal_bytes(&mut self) -> Result<Option<u64>>;
    /// Whether somebody else is writing.
    fn reserved_by_other(&mut self) -> Result<bool>;
    fn database_bytes(&mut self) -> Result<u64>;
    /// The journal itself; `None` when it is gone since.
    fn journal(&mut self) -> Result<Option<&dyn ReadAt>>;
    /// Its path, for messages.
    fn path(&self) -> &Path;
}

/// What the journal is; `None` where there is none.
pub(crate) fn judge(database: &mut impl JournalQuestions) -> Result<Option<JournalState>> {
    match database.journal_bytes()? {
        None => return Ok(None),
        Some(0) => return Ok(Some(JournalState::Empty)),
        Some(_) => {}
    }
    if database.reserved_by_other()? {
        // Nothing of its transaction is in the file while SHARED is held.
        return Ok(Some(JournalState::OfLiveWriter));
    }
    // One byte is no page either.
    if database.database_bytes()? <= 1 {
        return Ok(Some(JournalState::DatabaseEmpty));
    }
    let path = database.path().to_owned();
    let Some(journal) = database.journal()? else { return Ok(None) };
    judge_content(journal, &path).map(Some)
}

/// What a journal is of which nothing else is left to ask: no writer lives, and the database has pages.
pub(crate) fn judge_content(journal: &dyn ReadAt, path: &Path) -> Result<JournalState> {
    if is_zeroed(journal, path)? {
        return Ok(JournalState::Zeroed);
    }
    // Whatever is wrong with a name makes it none: the journal is rolled back as one of a single database.
    let super_journal = super_journal(journal, path)?.ok().flatten();
    Ok(match super_journal {
        Some(super_journal) if is_gone(&super_journal)? => JournalState::Committed,
        _ => JournalState::Hot,
    })
}

/// Whether there is a journal whose transaction has begun to change the database, and has not ended.
///
/// It is hot, unless its writer lives, or a super-journal that is gone says that it was committed.
pub(crate) fn is_begun(journal: &Place) -> Result<bool> {
    let path = journal.path();
    if !journal.has_content().map_err(Error::io("look at it", path))? {
        return Ok(false);
    }
    match SideFile::open(journal) {
        Ok(journal) => Ok(!is_zeroed(&journal, path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Whether its first byte is 0: the transaction ended (PERSIST), or its writer had not synced it yet.
fn is_zeroed(journal: &dyn ReadAt, path: &Path) -> Result<bool> {
    let mut first = [0];
    read_padded(journal, &mut first, 0).map_err(Error::io("read", path))?;
    Ok(first == [0])
}

/// The super-journal that a journal names, if it names one rightly (`[journal.md#super-journal]`).
pub(crate) fn super_journal(
    journal: &dyn ReadAt,
    path: &Path,
) -> Result<std::result::Result<Option<PathBuf>, Damage>> {
    let journal_bytes = journal.size_bytes().map_err(Error::io("look at it", path))?;
    let tail_bytes = usize::try_from(journal_bytes).unwrap_or(usize::MAX).min(TAIL_BYTES);
    let mut tail = vec![0; tail_bytes];
    read_padded(journal, &mut tail, journal_bytes - tail_bytes as u64).map_err(Error::io("read", path))?;
    Ok(super_journal_name(&tail, journal_bytes).map(|name| name.and_then(path_of)))
}

/// Whether a super-journal is gone, or has nothing in it: its removal was the commit of all its databases.
fn is_gone(super_journal: &Path) -> Result<bool> {
    match std::fs::metadata(super_journal) {
        Ok(metadata) => Ok(metadata.is_file() && metadata.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io("look at it", super_journal)(error)),
    }
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> Option<PathBuf> {
    Some(PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name)))
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(name).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the questions are answered with; the journal's first byte, `None` when it is gone meanwhile.
    struct Answers(Option<u64>, bool, u64, Option<Vec<u8>>);

    impl JournalQuestions for Answers {
        fn journal_bytes(&mut self) -> Result<Option<u64>> {
            Ok(self.0)
        }
        fn reserved_by_other(&mut self) -> Result<bool> {
            Ok(self.1)
        }
        fn database_bytes(&mut self) -> Result<u64> {
            Ok(self.2)
        }
        fn journal(&mut self) -> Result<Option<&dyn ReadAt>> {
            Ok(self.3.as_ref().map(|bytes| bytes as &dyn ReadAt))
        }
        fn path(&self) -> &Path {
            Path::new("app.db-journal")
        }
    }

    #[test]
    fn the_first_question_that_decides_decides() {
        let journal = |first| Some(vec![first; 600]);
        for (mut answers, state) in [
            (Answers(None, true, 0, journal(0)), None),
            (Answers(Some(0), true, 0, journal(0)), Some(JournalState::Empty)),
            (Answers(Some(600), true, 0, journal(0)), Some(JournalState::OfLiveWriter)),
            (Answers(Some(600), false, 1, journal(0)), Some(JournalState::DatabaseEmpty)),
            (Answers(Some(600), false, 512, journal(0)), Some(JournalState::Zeroed)),
            (Answers(Some(600), false, 512, journal(7)), Some(JournalState::Hot)),
            (Answers(Some(600), false, 512, None), None),
        ] {
            assert_eq!(judge(&mut answers).unwrap(), state);
        }
    }
}
