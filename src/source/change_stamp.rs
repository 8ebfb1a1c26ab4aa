//! Tells whether something was committed between two looks at a database (C5).
//!
//! | mode | SQLite compares | we compare |
//! |---|---|---|
//! | rollback | the 16 bytes at offset 24, under SHARED | the same, and that it is still the same file |
//! | WAL | the 48 bytes of the wal-index header | which commit of which log comes last |
//!
//! In WAL mode the header alone will not do: it is not there when nobody is connected, and it also changes when nothing
//! was committed (a TRUNCATE checkpoint). How the comparison works, and why it can be believed, is in
//! `[copy-protocol.md#the-stamp]`.

use crate::error::{Error, Result};
use crate::format::{Salts, WalChecksum};
use crate::os::file_identity::{FileIdentity, FileTimes};
use crate::os::lock_file::LockFile;
use std::fmt;
use std::path::Path;

/// What tells one version of a database from the next: taken when a snapshot begins, to be compared with what is found later.
///
/// ```no_run
/// use litecopy::SourceOptions;
///
/// # fn main() -> litecopy::Result<()> {
/// let mut source = SourceOptions::new().open("app.db")?;
/// let before = source.stamp()?;
/// // ... later
/// let has_changed = match (before, source.stamp()?) {
///     (Some(before), Some(now)) => !before.same_content(&now),
///     _ => true, // busy: who knows
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeStamp {
    /// `None` for a source made of bytes.
    pub(super) identity: Option<FileIdentity>,
    pub(super) content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Change counter, page count and freelist of the header; zeros for an empty database.
    Rollback([u8; 16]),
    Log(LogPosition),
}

/// The last commit of a log, as a wal-index header tells it, or as recovery would make that header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogPosition {
    /// Commits since the wal-index was last recovered; wraps.
    pub(super) change: u32,
    /// The last committed frame; 0 for an empty log.
    pub(super) frame: u32,
    pub(super) salts: Salts,
    /// The running checksum behind the last frame that was ever committed to this log or, once it is reset, to the one
    /// before.
    pub(super) checksum: WalChecksum,
    pub(super) page_count: u32,
    /// The database file's own times; `None` for a source made of bytes.
    pub(super) file_times: Option<FileTimes>,
    /// Whether those times can tell the next change from the last.
    pub(super) settled: bool,
}

impl ChangeStamp {
    /// Whether the database held the same content at `later` as at this stamp, which was taken before. In doubt not.
    #[must_use]
    pub fn same_content(&self, later: &Self) -> bool {
        self.identity == later.identity
            && match (self.content, later.content) {
                (Content::Rollback(before), Content::Rollback(after)) => before == after,
                (Content::Log(before), Content::Log(after)) => before.same_content(&after),
                _ => false,
            }
    }

    /// The last frame that was committed at this stamp, if the log at `later` still is the same one, not reset in between.
    pub(super) fn frame_in_same_log(&self, later: &Self) -> Option<u32> {
        match (self.content, later.content) {
            (Content::Log(before), Content::Log(after))
                if self.identity == later.identity
                    && before.salts == after.salts
                    && before.frame <= after.frame =>
            {
                Some(before.frame)
            }
            _ => None,
        }
    }

    /// Whether it is that of a log with commits.
    pub(super) fn has_frames(&self) -> bool {
        matches!(self.content, Content::Log(position) if position.frame > 0)
    }

    /// The times of the database file, where they are what tells versions apart.
    pub(super) fn file_times(&self) -> Option<FileTimes> {
        match self.content {
            Content::Log(position) if position.frame == 0 => position.file_times,
            _ => None,
        }
    }

    /// Takes it for settled when the file had these times already so long ago that the clock of its file system has moved on
    /// since: whatever is written now is marked with others, also where that clock is not ours.
    pub(super) fn settle(&mut self, seen: Option<FileTimes>) {
        if let Content::Log(position) = &mut self.content
            && seen.is_some()
            && position.file_times == seen
        {
            position.settled = true;
        }
    }

    /// Whether this stamp will differ from that of any later content. If not, the database file was written just now, and
    /// the same time may mark what is written next.
    pub(crate) fn is_settled(&self) -> bool {
        match self.content {
            Content::Rollback(_) => true,
            Content::Log(position) => position.is_settled(),
        }
    }
}

/// For people, and for programs that tell versions apart: what is compared, but for the identity of the file. Where its times
/// cannot tell the next version apart yet, it ends with `unsettled`.
impl fmt::Display for ChangeStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Rollback(bytes) => write!(f, "rollback {:032x}", u128::from_be_bytes(bytes)),
            Content::Log(LogPosition { frame: 0, file_times, settled, page_count, .. }) => {
                write!(f, "wal empty of {page_count} pages, file")?;
                match file_times {
                    Some(times) => write!(f, " {times}")?,
                    None => f.write_str(" in memory")?,
                }
                f.write_str(if settled { "" } else { " unsettled" })
            }
            Content::Log(LogPosition { frame, salts, checksum, page_count, .. }) => {
                let salts = u64::from_be_bytes(salts.0);
                write!(f, "wal {salts:016x} frame {frame} {:08x}{:08x}", checksum.s1, checksum.s2)?;
                write!(f, " of {page_count} pages")
            }
        }
    }
}

impl Content {
    /// What tells versions of the file by its times alone, as if it had an empty log; `None` for bytes.
    pub(super) fn of_file(file: Option<&LockFile>, path: &Path) -> Result<Self> {
        LogPosition::NO_LOG.with_file(file, path).map(Self::Log)
    }
}

impl LogPosition {
    /// Of a log without a commit.
    pub(super) const NO_LOG: Self = Self {
        change: 0,
        frame: 0,
        salts: Salts([0; 8]),
        checksum: WalChecksum::SEED,
        page_count: 0,
        file_times: None,
        settled: true,
    };

    /// The same with the times of the database file.
    pub(super) fn with_file(self, file: Option<&LockFile>, path: &Path) -> Result<Self> {
        let file_times = file.map(LockFile::times).transpose().map_err(Error::io("look at it", path))?;
        let settled = file_times.is_none_or(|times| times.are_settled());
        Ok(Self { file_times, settled, ..self })
    }

    /// Whether a commit after this look would show: by the log, or where that is empty by the times of the file.
    fn is_settled(&self) -> bool {
        self.frame > 0 || self.settled
    }

    fn same_content(&self, later: &Self) -> bool {
        if later.frame > 0 {
            // The same frame of the same generation, with the same history behind it.
            return (self.salts, self.frame, self.checksum) == (later.salts, later.frame, later.checksum);
        }
        // The log is empty now. When it was not, it has been checkpointed and reset; no commit came after that if the
        // number of commits and the last checksum are still those.
        let no_commit =
            (self.change, self.checksum, self.page_count) == (later.change, later.checksum, later.page_count);
        // When it was empty too, all of them may be zero twice, with a whole life of a log between: but what was
        // committed in it can only have left it through the database file.
        no_commit && self.is_settled() && (self.frame > 0 || self.file_times == later.file_times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: LogPosition = LogPosition {
        change: 5,
        frame: 10,
        salts: Salts([1; 8]),
        checksum: WalChecksum { s1: 1, s2: 2 },
        page_count: 7,
        file_times: None,
        settled: true,
    };

    fn same(before: LogPosition, after: LogPosition) -> bool {
        let stamp = |position| ChangeStamp { identity: None, content: Content::Log(position) };
        stamp(before).same_content(&stamp(after))
    }

    #[test]
    fn the_same_place_in_the_same_log_is_the_same_also_after_recovery() {
        assert!(same(AT, AT));
        assert!(same(AT, LogPosition { change: 0, ..AT }));
        assert!(!same(AT, LogPosition { frame: 11, change: 6, ..AT }));
        assert!(!same(AT, LogPosition { salts: Salts([2; 8]), ..AT }));
    }

    #[test]
    fn frames_tell_what_changed_only_within_one_generation_of_the_log() {
        let since = |before, after| {
            let stamp = |position| ChangeStamp { identity: None, content: Content::Log(position) };
            stamp(before).frame_in_same_log(&stamp(after))
        };
        assert_eq!(since(AT, LogPosition { frame: 12, ..AT }), Some(10));
        assert_eq!(since(LogPosition { frame: 0, ..AT }, AT), Some(0));
        assert_eq!(since(AT, LogPosition { frame: 12, salts: Salts([2; 8]), ..AT }), None);
        assert_eq!(since(AT, LogPosition { frame: 9, ..AT }), None);
    }

    #[test]
    fn a_reset_log_is_the_same_until_a_commit() {
        let reset = LogPosition { frame: 0, salts: Salts([2; 8]), ..AT };
        assert!(same(AT, reset));
        assert!(!same(AT, LogPosition { change: 6, ..reset }));
        assert!(!same(reset, AT));
    }

    #[test]
    fn two_empty_logs_are_the_same_only_while_the_file_is_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let times = |size: usize| {
            let path = folder.path().join(size.to_string());
            std::fs::write(&path, vec![0; size]).unwrap();
            Some(FileTimes::of_file(&std::fs::File::open(&path).unwrap()).unwrap())
        };
        let empty = LogPosition { frame: 0, file_times: times(1), ..AT };
        assert!(same(empty, empty));
        assert!(!same(empty, LogPosition { file_times: times(2), ..empty }));
        let just_written = LogPosition { settled: false, ..empty };
        assert!(!same(just_written, empty));
        assert!(same(LogPosition { frame: 10, ..just_written }, just_written));
    }
}
