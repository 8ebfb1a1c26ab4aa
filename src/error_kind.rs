//! The kinds of errors, and what SQLite and programs call them.

/// The kinds of errors, for programs that act on them; `examples/errors.rs` sorts them by who must act.
///
/// ```
/// use litecopy::{ErrorKind, copy_database};
///
/// let error = copy_database("no/such.db", "backup.db").unwrap_err();
/// assert_eq!((error.kind(), error.kind().name()), (ErrorKind::NotFound, "not_found"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No file of that name.
    NotFound,
    /// The system does not let us.
    PermissionDenied,
    /// A folder, a device or a pipe stands where a file is needed; or a link, or a file with several names, where SQLite has none.
    NotAFile,
    /// The target's file system has not enough room.
    NoSpace,
    /// Any other failure of the system.
    Io,
    /// The first bytes are not those of an SQLite database; it may be encrypted.
    NotADatabase,
    /// A database, but one that contradicts itself.
    Damaged,
    /// A database of a kind that this version cannot copy rightly.
    Unsupported,
    /// A file wants more than a [`Limit`](crate::Limit) lets it have.
    LimitExceeded,
    /// Somebody held a lock for longer than we were to wait.
    Busy,
    /// The time for the whole copy is over.
    DeadlinePassed,
    /// The copy in steps restarted again and again without getting further.
    Stalled,
    /// A snapshot was held for as long as it may be, in time or in growth of the log.
    HoldLimit,
    /// Source and target are one file.
    SameFile,
    /// The target is there already.
    TargetExists,
    /// The target to be replaced is open elsewhere.
    TargetInUse,
    /// The target's name leads elsewhere than when the copy began: a link was turned, or its folder moved.
    TargetMoved,
    /// A journal or log lies where it would be applied to the copy.
    SideFileInTheWay,
    /// The target's name is that of one of the source's own side files, or the source's that of one of the target's.
    TargetIsSideFile,
    /// The target keeps its page size, being open elsewhere in WAL mode, and the source has another.
    PageSizeFixed,
    /// The log of the database is in use on a network file system, where it cannot be shared between hosts.
    LogOnNetwork,
    /// Somebody uses the database in WAL mode, but its log is not beside it under this name.
    LogElsewhere,
    /// An opaque database without a log, of which nobody said how large its pages are.
    PageSizeUnknown,
    /// The log does not hold as many commits as the version that was asked for.
    NoSuchVersion,
    /// A page of the version that was asked for has been written over by a checkpoint.
    VersionGone,
    /// The database has no table of that name, or none with rows of its own, or with rowids where one was asked for.
    NoSuchTable,
    /// No database of that name is in the set; or it is `temp`, which no other process can read.
    UnknownName,
    /// A database of that name is in the set already, or that very file.
    AlreadyInSet,
    /// Two files of a set cannot lie in one folder under their own names.
    FileNameConflict,
    /// The copy, read back from its device, is not what was written.
    NotAsWritten,
    /// Whoever read a stream went away before its end.
    StreamClosed,
    /// The source was changed under a copy that could not restart, since some of its pages had been given away.
    SourceChanged,
    /// The caller's callback stopped the copy.
    Cancelled,
    /// The copy was to be finished before all its steps were taken.
    NotDone,
}

impl ErrorKind {
    /// Its name for programs, as in the command's JSON: `target_exists`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::NotAFile => "not_a_file",
            Self::NoSpace => "no_space",
            Self::Io => "io",
            Self::NotADatabase => "not_a_database",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
            Self::LimitExceeded => "limit_exceeded",
            Self::Busy => "busy",
            Self::DeadlinePassed => "deadline_passed",
            Self::Stalled => "stalled",
            Self::HoldLimit => "hold_limit",
            Self::SameFile => "same_file",
            Self::TargetExists => "target_exists",
            Self::TargetInUse => "target_in_use",
            Self::TargetMoved => "target_moved",
            Self::SideFileInTheWay => "side_file_in_the_way",
            Self::TargetIsSideFile => "target_is_side_file",
            Self::PageSizeFixed => "page_size_fixed",
            Self::LogOnNetwork => "log_on_network",
            Self::LogElsewhere => "log_elsewhere",
            Self::PageSizeUnknown => "page_size_unknown",
            Self::NoSuchVersion => "no_such_version",
            Self::VersionGone => "version_gone",
            Self::NoSuchTable => "no_such_table",
            Self::UnknownName => "unknown_name",
            Self::AlreadyInSet => "already_in_set",
            Self::FileNameConflict => "file_name_conflict",
            Self::NotAsWritten => "not_as_written",
            Self::StreamClosed => "stream_closed",
            Self::SourceChanged => "source_changed",
            Self::Cancelled => "cancelled",
            Self::NotDone => "not_done",
        }
    }

    /// The result code that SQLite's C interface gives for the same thing.
    #[must_use]
    pub const fn sqlite_code(self) -> i32 {
        match self {
            Self::SameFile
            | Self::TargetExists
            | Self::TargetIsSideFile
            | Self::NoSuchVersion
            | Self::VersionGone
            | Self::NoSuchTable
            | Self::UnknownName
            | Self::AlreadyInSet
            | Self::FileNameConflict
            | Self::NotDone => 1,
            Self::Busy
            | Self::LogOnNetwork
            | Self::LogElsewhere
            | Self::DeadlinePassed
            | Self::Stalled
            | Self::HoldLimit
            | Self::TargetInUse
            | Self::SourceChanged
            | Self::SideFileInTheWay => 5,
            Self::PageSizeFixed => 8,
            Self::Cancelled => 9,
            Self::Io | Self::StreamClosed | Self::NotAsWritten => 10,
            Self::Damaged => 11,
            Self::NoSpace => 13,
            Self::NotFound | Self::PermissionDenied | Self::NotAFile | Self::TargetMoved => 14,
            Self::LimitExceeded => 18,
            Self::NotADatabase | Self::Unsupported | Self::PageSizeUnknown => 26,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_in_small_letters() {
        assert_eq!(ErrorKind::TargetExists.name(), "target_exists");
        assert_eq!(ErrorKind::NotADatabase.name(), "not_a_database");
        assert_eq!(ErrorKind::Io.name(), "io");
    }
}
