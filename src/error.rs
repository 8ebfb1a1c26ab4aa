//! What can go wrong, sorted by who must act, with the path, the place and the value found.

use crate::attempt::{Holders, InTheWay, LockHolder, Obstacle};
pub use crate::error_kind::ErrorKind;
use crate::format::PageSize;
use crate::format::damage::Damage;
use crate::limits::{Limit, LimitExceeded, Limits, Room};
use crate::os::unfit::Unfit;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What litecopy's functions give back.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be done: which file, what about it, and what to do.
///
/// It displays as one line that names the path. A clone is the same error: a [`Backup`](crate::Backup) that failed
/// gives its error again at each further step.
///
/// ```
/// use litecopy::{Error, ErrorKind};
///
/// fn answer(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Busy | ErrorKind::TargetInUse => "try again later",
///         ErrorKind::NoSpace => "make room",
///         ErrorKind::Damaged | ErrorKind::NotADatabase => "look at the file",
///         _ => "tell the operator",
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    problem: Problem,
    /// Whether the new content may be in the target although this went wrong.
    in_doubt: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot {operation}: {error}")]
    Io { operation: &'static str, error: io::Error },
    #[error("has no table `{table}`")]
    NoSuchTable { table: String },
    #[error("the table `{table}` has no rows to be read: {why}")]
    NoRows { table: String, why: String },
    #[error("the table `{table}` is WITHOUT ROWID: its rows have no rowid to be known by")]
    NoRowids { table: String },
    #[error("there is no room: {needed_bytes} bytes are needed{}", Room { needed_bytes: *.needed_bytes, free_bytes: *.free_bytes })]
    NoSpace { needed_bytes: u64, free_bytes: u64 },
    #[error("{0}")]
    Unfit(Unfit),
    #[error("{0}")]
    NotADatabase(Damage),
    #[error("damaged at offset {offset}: {damage}")]
    Damaged { offset: u64, damage: Damage },
    #[error("damaged: {0}")]
    Contradiction(String),
    #[error("unsupported: {0}")]
    Unsupported(Damage),
    #[error("{0}")]
    LimitExceeded(LimitExceeded),
    #[error("still busy after {waited:.1?}: {obstacle}{}", Holders(.holders))]
    Busy { waited: Duration, obstacle: Obstacle, holders: Vec<LockHolder> },
    #[error(
        "not done after {elapsed:.1?}: {remaining} of {page_count} pages left, restarted {restarts} times"
    )]
    DeadlinePassed { elapsed: Duration, remaining: u32, page_count: u32, restarts: u64 },
    #[error(
        "restarted {restarts} times in {elapsed:.1?} ({:.1} changes a second), and never came below {lowest} of {page_count} \
         pages left",
        per_second(*.restarts, *.elapsed)
    )]
    Stalled { elapsed: Duration, lowest: u32, page_count: u32, restarts: u64 },
    #[error("not done while it was held: {held:.1?}, its log grew by {grown_bytes} bytes")]
    HoldLimit { held: Duration, grown_bytes: u64 },
    #[error("is the source itself, {}", .source_path.display())]
    SameFile { source_path: PathBuf },
    #[error("is there already")]
    TargetExists,
    #[error("is open elsewhere{}{}", InTheWay(*.obstacle), Holders(.holders))]
    TargetInUse { obstacle: Obstacle, holders: Vec<LockHolder> },
    #[error("is there already, and is no database: such a file is not replaced")]
    NotReplaced,
    #[error("{} would be applied to the copy", .side_file.display())]
    SideFileInTheWay { side_file: PathBuf },
    #[error("leads elsewhere than when the copy began")]
    LeadsElsewhere,
    #[error("is the name of a side file of the source {}", .source_path.display())]
    TargetIsSideFile { source_path: PathBuf },
    #[error("would have the source {} as a side file", .source_path.display())]
    SourceIsSideFile { source_path: PathBuf },
    #[error(
        "is on a network file system ({kind}) with its log in use: a wal-index is not shared between hosts"
    )]
    LogOnNetwork { kind: &'static str },
    #[error(
        "is open elsewhere in WAL mode, so its pages stay of {target} bytes; those of the source have {source_size}"
    )]
    PageSizeFixed { target: PageSize, source_size: PageSize },
    #[error(
        "somebody has it open in WAL mode under another name, and what is committed there lies in a log that is not beside \
         this one"
    )]
    LogElsewhere,
    #[error("the page size is not given, and there is no log to tell it")]
    PageSizeUnknown,
    #[error("has no version {version}: its log holds {commits} commits")]
    NoSuchVersion { version: u64, commits: u32 },
    #[error(
        "version {version} is gone: page {page} of the file may have been written over by a checkpoint of commit {commit}"
    )]
    VersionGone { version: u64, page: u32, commit: u32 },
    #[error(
        "version 0 is gone: a process died in a transaction, part of which is in the file; only with this journal is it whole"
    )]
    FileHalfWritten,
    #[error("unknown database {name}; there is {names}")]
    UnknownName { name: String, names: String },
    #[error(
        "temp cannot be copied: it lives in a private file, or in the memory, of the connection that made it, where no \
         other process can read it"
    )]
    Temp,
    #[error("database {name} is already in use")]
    NameTaken { name: String },
    #[error("is in the set already, as {name}")]
    AttachedTwice { name: String },
    #[error("has the file name of {}, or of a side file of it", .other.display())]
    FileNameConflict { other: PathBuf },
    #[error("is there already; a new folder is needed")]
    FolderExists,
    #[error("page {page} reads back with the CRC32 {found:08x}, {written:08x} was written")]
    NotAsWritten { page: u32, written: u32, found: u32 },
    #[error("was closed before the end of the copy")]
    StreamClosed,
    #[error("the source changed when {given_bytes} bytes of it had been given away")]
    GivenAway { given_bytes: u64 },
    #[error("not done in time")]
    OutOfTime,
    #[error("the copy was cancelled")]
    Cancelled,
    #[error("the copy is not done: {remaining} of {page_count} pages left")]
    NotDone { remaining: u32, page_count: u32 },
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::EPSILON)
}

impl Error {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self(Arc::new(Inner { path: path.to_owned(), problem, in_doubt: false }))
    }

    /// An error of the system, for a [`Target`](crate::Target) of your own: "cannot `operation`: `error`" of `path`.
    pub fn from_io(operation: &'static str, path: impl AsRef<Path>, error: io::Error) -> Self {
        Self::new(path.as_ref(), Problem::Io { operation, error })
    }

    /// The time for the whole work is over ([`DeadlinePassed`](ErrorKind::DeadlinePassed)), as what waits beside a copy says it: what
    /// brings the file at `path`, or a [`Target`](crate::Target) of your own.
    pub fn from_deadline(path: impl AsRef<Path>) -> Self {
        Self::new(path.as_ref(), Problem::OutOfTime)
    }

    /// The same error, met when the new content may be in the target all the same.
    pub(crate) fn in_doubt(self) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { in_doubt: true, ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// Whether the new content may be in the target although this went wrong: now, or when SQLite opens it next. A target is else as
    /// it was before.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.0.in_doubt
    }

    /// The same error, said of the file that it will be instead of the one that it is for now.
    pub(crate) fn renamed(self, path: &Path) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { path: path.to_owned(), ..inner })),
            Err(shared) => Self(shared),
        }
    }

    /// Turns what the system said of `operation` on `path` into an error, for `map_err`.
    pub(crate) fn io<'p>(operation: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + 'p {
        move |error| {
            let problem = Unfit::in_error(&error).map_or(Problem::Io { operation, error }, Problem::Unfit);
            Self::new(path, problem)
        }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.0.problem {
            Problem::Io { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::PermissionDenied
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
                _ => ErrorKind::Io,
            },
            Problem::NoSpace { .. } => ErrorKind::NoSpace,
            // It is there, whatever it leads to: nothing new can take its name.
            Problem::Unfit(Unfit::Dangling) => ErrorKind::TargetExists,
            Problem::Unfit(_) => ErrorKind::NotAFile,
            Problem::NotADatabase(_) => ErrorKind::NotADatabase,
            Problem::Damaged { .. } | Problem::Contradiction(_) => ErrorKind::Damaged,
            Problem::Unsupported(_) => ErrorKind::Unsupported,
            Problem::LimitExceeded(_) => ErrorKind::LimitExceeded,
            Problem::Busy { .. } => ErrorKind::Busy,
            Problem::DeadlinePassed { .. } | Problem::OutOfTime => ErrorKind::DeadlinePassed,
            Problem::Stalled { .. } => ErrorKind::Stalled,
            Problem::HoldLimit { .. } => ErrorKind::HoldLimit,
            Problem::SameFile { .. } => ErrorKind::SameFile,
            Problem::TargetExists => ErrorKind::TargetExists,
            Problem::TargetInUse { .. } => ErrorKind::TargetInUse,
            Problem::SideFileInTheWay { .. } => ErrorKind::SideFileInTheWay,
            Problem::LeadsElsewhere => ErrorKind::TargetMoved,
            Problem::TargetIsSideFile { .. } | Problem::SourceIsSideFile { .. } => {
                ErrorKind::TargetIsSideFile
            }
            Problem::LogOnNetwork { .. } => ErrorKind::LogOnNetwork,
            Problem::PageSizeFixed { .. } => ErrorKind::PageSizeFixed,
            Problem::LogElsewhere => ErrorKind::LogElsewhere,
            Problem::PageSizeUnknown => ErrorKind::PageSizeUnknown,
            Problem::NoSuchVersion { .. } => ErrorKind::NoSuchVersion,
            Problem::VersionGone { .. } | Problem::FileHalfWritten => ErrorKind::VersionGone,
            Problem::NoSuchTable { .. } | Problem::NoRows { .. } | Problem::NoRowids { .. } => {
                ErrorKind::NoSuchTable
            }
            Problem::UnknownName { .. } | Problem::Temp => ErrorKind::UnknownName,
            Problem::NameTaken { .. } | Problem::AttachedTwice { .. } => ErrorKind::AlreadyInSet,
            Problem::FileNameConflict { .. } => ErrorKind::FileNameConflict,
            Problem::FolderExists | Problem::NotReplaced => ErrorKind::TargetExists,
            Problem::NotAsWritten { .. } => ErrorKind::NotAsWritten,
            Problem::StreamClosed => ErrorKind::StreamClosed,
            Problem::GivenAway { .. } => ErrorKind::SourceChanged,
            Problem::Cancelled => ErrorKind::Cancelled,
            Problem::NotDone { .. } => ErrorKind::NotDone,
        }
    }

    /// Whether a change seen half-way may look like this, so that it is worth another look.
    pub(crate) fn may_be_half_a_change(&self) -> bool {
        matches!(self.kind(), ErrorKind::Damaged | ErrorKind::NotADatabase | ErrorKind::Unsupported)
    }

    /// What is wrong, without the path.
    pub(crate) fn problem(&self) -> impl fmt::Display {
        &self.0.problem
    }

    /// The file that it is about; where that is no file, a name for it: `memory`, `the stream`, `the dump`, `the copy`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Who held the locks that were in the way, as far as could be told.
    #[must_use]
    pub fn lock_holders(&self) -> &[LockHolder] {
        match &self.0.problem {
            Problem::Busy { holders, .. } | Problem::TargetInUse { holders, .. } => holders,
            _ => &[],
        }
    }

    /// Which limit was exceeded, and by what, when its kind is [`LimitExceeded`](ErrorKind::LimitExceeded).
    #[must_use]
    pub fn exceeded_limit(&self) -> Option<LimitExceeded> {
        match self.0.problem {
            Problem::LimitExceeded(exceeded) => Some(exceeded),
            _ => None,
        }
    }

    /// What somebody can do about it, where there is something to say beyond the message.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        if let Problem::Unfit(unfit) = self.0.problem {
            return Some(unfit.advice());
        }
        Some(match self.kind() {
            ErrorKind::NotFound => "check the path",
            ErrorKind::PermissionDenied => {
                "reading the source needs read permission on it and on its side files; a new target needs write \
                 permission on its folder"
            }
            ErrorKind::NoSpace => "make room on the target's file system, or name a target on another",
            ErrorKind::NotAFile => "name the database file itself",
            ErrorKind::NotADatabase => {
                "check that the file is the database and not a dump; an encrypted one can be copied as it \
                 is, as opaque"
            }
            ErrorKind::LogElsewhere => {
                "copy it by the name that its users have (another link, the name that it had before, the path outside of the \
                 mount); if you know that nothing is written there, say so"
            }
            ErrorKind::LogOnNetwork => {
                "copy it on the host that writes it; or, if all who use it have stopped, with lock style none"
            }
            ErrorKind::PageSizeUnknown => "give the page size: 4096 is the usual one, also of SQLCipher 4",
            ErrorKind::NoSuchVersion => "name a version from 0, the file alone, to that number",
            ErrorKind::NoSuchTable if matches!(self.0.problem, Problem::NoRowids { .. }) => {
                "look for it among all deleted rows of that table"
            }
            ErrorKind::NoSuchTable => "name one of its tables: `info` lists them",
            ErrorKind::VersionGone => {
                "name a later version; the newest, which is read without a number, is always there"
            }
            ErrorKind::PageSizeFixed => "close whatever has it open; then its page size can change too",
            ErrorKind::Damaged => {
                "keep the file and its side files as they are; an older backup may be whole"
            }
            ErrorKind::Unsupported => "copy it with the SQLite that wrote it",
            ErrorKind::LimitExceeded => "set the limit higher, if the file can be trusted",
            ErrorKind::Busy => "try again, wait longer, or end the process that holds the lock",
            ErrorKind::DeadlinePassed => "give it more time, or copy all pages in one step",
            ErrorKind::Stalled => {
                "copy with consistency auto, which ends beside any writer, or hold a snapshot"
            }
            ErrorKind::HoldLimit => "let it be held for longer, or go on in steps at the limit",
            ErrorKind::TargetMoved => "see who turned it, and copy again; nothing was put there",
            ErrorKind::SameFile | ErrorKind::TargetIsSideFile => "name another target",
            ErrorKind::TargetExists if matches!(self.0.problem, Problem::FolderExists) => {
                "name a folder that is not there yet"
            }
            ErrorKind::UnknownName => "name one of the databases of the set",
            ErrorKind::AlreadyInSet => "attach each file once, under a name of its own",
            ErrorKind::FileNameConflict => "copy them one by one, into folders of their own",
            ErrorKind::TargetExists => "name another target, or let it be replaced",
            ErrorKind::TargetInUse => "close whatever has it open, or name another target",
            ErrorKind::SideFileInTheWay => {
                "find out which database it belongs to, then move it away, or name another target"
            }
            ErrorKind::SourceChanged => {
                "throw away what the stream gave, and copy again; a copy to a file can restart by itself"
            }
            ErrorKind::StreamClosed => "throw away what the stream gave: it is no database",
            ErrorKind::Io => return self.advice_on_system(),
            ErrorKind::NotAsWritten => {
                "name a target on another device, and have this one and the memory checked"
            }
            ErrorKind::NotDone => "take steps until one says that it is done",
            ErrorKind::Cancelled => return None,
        })
    }

    fn advice_on_system(&self) -> Option<&'static str> {
        let Problem::Io { error, .. } = &self.0.problem else { return None };
        Some(match error.kind() {
            io::ErrorKind::OutOfMemory => "copy to a file instead of to memory",
            _ => return None,
        })
    }

    /// The result code that SQLite's C interface gives for the same thing.
    #[must_use]
    pub fn sqlite_code(&self) -> i32 {
        self.kind().sqlite_code()
    }
}

impl Limits {
    /// Whether the file at `path` may have `wanted`; the error that says so if not.
    pub(crate) fn check(&self, limit: Limit, wanted: u64, path: &Path) -> Result<()> {
        self.allow(limit, wanted).map_err(|exceeded| Error::new(path, Problem::LimitExceeded(exceeded)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubt = if self.0.in_doubt { "; the new content may be there all the same" } else { "" };
        write!(f, "{}: {}{doubt}", self.0.path.display(), self.0.problem)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.problem {
            Problem::Io { error, .. } => Some(error),
            Problem::NotADatabase(damage) | Problem::Unsupported(damage) => Some(damage),
            Problem::Damaged { damage, .. } => Some(damage),
            Problem::LimitExceeded(exceeded) => Some(exceeded),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_names_the_path_and_who_is_in_the_way() {
        let holders = vec![LockHolder {
            lock: "EXCLUSIVE",
            path: "app.db".into(),
            exclusive: true,
            process_id: Some(42),
            command: Some("app".into()),
        }];
        let waited = Duration::from_millis(1500);
        let error =
            Error::new(Path::new("app.db"), Problem::Busy { waited, obstacle: Obstacle::Writer, holders });
        assert_eq!(
            error.to_string(),
            "app.db: still busy after 1.5s: a writer holds it (PENDING or EXCLUSIVE lock); held: EXCLUSIVE by \
             process 42 (app)"
        );
        assert_eq!((error.kind(), error.sqlite_code()), (ErrorKind::Busy, 5));
    }

    #[test]
    fn a_limit_that_is_exceeded_is_named_with_what_was_wanted() {
        let mut limits = Limits::new();
        limits.set(Limit::RecordBytes, 10);
        assert!(limits.check(Limit::RecordBytes, 10, Path::new("a.db")).is_ok());
        let error = limits.check(Limit::RecordBytes, u64::MAX, Path::new("a.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.exceeded_limit().map(|it| it.wanted), Some(u64::MAX));
    }

    #[test]
    fn what_the_system_said_is_kept_and_sorted() {
        let error = Error::io("open", Path::new("x"))(io::ErrorKind::NotFound.into());
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(std::error::Error::source(&error).is_some());
    }
}
