//! What came of an attempt: what was wanted, or busy; and who or what was in the way.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What came of an attempt that may succeed later: nothing here waits, who wants to wait tries again.
///
/// `B` says what a busy attempt gives back: the [`Obstacle`]; where locks are taken, what was held before and still is.
///
/// ```
/// use litecopy::{Attempt, Obstacle};
///
/// let attempt: Attempt<u32> = Attempt::Busy(Obstacle::Writer);
/// assert!(attempt.is_busy());
/// assert_eq!(attempt.got(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "busy is no error: nothing was got then"]
pub enum Attempt<T, B = Obstacle> {
    /// It succeeded.
    Got(T),
    /// Somebody is in the way, for now.
    Busy(B),
}

impl<T, B> Attempt<T, B> {
    /// The same with another thing got.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Attempt<U, B> {
        match self {
            Self::Got(got) => Attempt::Got(map(got)),
            Self::Busy(busy) => Attempt::Busy(busy),
        }
    }

    /// The same with another word for busy: mostly an [`Obstacle`] instead of what is still held.
    pub fn map_busy<C>(self, map: impl FnOnce(B) -> C) -> Attempt<T, C> {
        match self {
            Self::Got(got) => Attempt::Got(got),
            Self::Busy(busy) => Attempt::Busy(map(busy)),
        }
    }

    /// What was got, if it was.
    pub fn got(self) -> Option<T> {
        match self {
            Self::Got(got) => Some(got),
            Self::Busy(_) => None,
        }
    }

    /// Whether somebody was in the way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

/// What it was that stood in the way of an attempt. It may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// PENDING or EXCLUSIVE on the database.
    Writer,
    /// READ0 of the wal-index, held exclusively.
    Checkpointer,
    /// A connection that arrives or recovers.
    Recovery,
    /// WRITE of the wal-index, held exclusively when nobody may publish a commit.
    Commit,
    /// The file was replaced, or a connection arrived, while we looked.
    Change,
    /// A folder named like the database with `.lock` behind: another lock style's.
    LockFolder,
    /// Somebody has the target open.
    Users,
    /// Anything else, for a [`Target`](crate::Target) of your own: a part of a sentence, as "the bucket is being emptied".
    Other(&'static str),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writer => "a writer holds it (PENDING or EXCLUSIVE lock)",
            Self::Checkpointer => "a checkpoint is writing it (READ0 lock of the wal-index)",
            Self::Recovery => "a connection is recovering its log",
            Self::Commit => "a writer is at work in its log (WRITE lock of the wal-index)",
            Self::Change => "it changed hands each time we looked",
            Self::LockFolder => {
                "a folder named like it with .lock behind says that others lock it by such a folder (lock style \
                 dotfile); one that a crash left has to be removed"
            }
            Self::Users => "it is open elsewhere",
            Self::Other(what) => what,
        })
    }
}

/// A lock that somebody holds.
///
/// ```no_run
/// use litecopy::lock::lock_holders;
///
/// # fn main() -> litecopy::Result<()> {
/// for holder in lock_holders("app.db")? {
///     println!("{} is held by process {:?}", holder.lock, holder.process_id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LockHolder {
    /// SQLite's name of the lock: `PENDING`, `RESERVED`, `SHARED` or `EXCLUSIVE` on the database; `WRITE`, `CKPT`,
    /// `RECOVER`, `READ0` to `READ4` or `DMS` on the wal-index. `OPEN` says that no lock is held, but the file is open.
    pub lock: &'static str,
    /// The file that is locked: the database or its wal-index.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Whether the lock keeps every other out, or only the exclusive ones.
    pub exclusive: bool,
    /// The holder's process. `None` where the system does not tell: an open-file-description lock (such as
    /// litecopy's own) belongs to no process, and who has the file open is told only on Linux, of the processes that
    /// we may look into.
    pub process_id: Option<u32>,
    /// The name of that process, where the system tells it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::optional"))]
    pub command: Option<OsString>,
}

/// `, held by ...` for messages; nothing when nobody is known.
pub(crate) struct Holders<'h>(pub(crate) &'h [LockHolder]);

impl fmt::Display for Holders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "; held: ";
        for holder in self.0 {
            write!(f, "{separator}{}", holder.lock)?;
            match (holder.process_id, &holder.command) {
                (Some(process), Some(command)) => write!(f, " by process {process} ({})", command.display())?,
                (Some(process), None) => write!(f, " by process {process}")?,
                (None, _) => {}
            }
            separator = ", ";
        }
        Ok(())
    }
}

/// What was in the way of a target, where that says more than that somebody was.
pub(crate) struct InTheWay(pub(crate) Obstacle);

impl fmt::Display for InTheWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Obstacle::Users => Ok(()),
            obstacle => write!(f, ": {obstacle}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_got_and_what_was_in_the_way_are_told_apart() {
        let got: Attempt<u8> = Attempt::Got(7);
        assert_eq!((got.map(u16::from).got(), got.is_busy()), (Some(7), false));
        let busy: Attempt<u8, &str> = Attempt::Busy("held");
        assert_eq!(busy.map_busy(|_| Obstacle::Writer), Attempt::Busy(Obstacle::Writer));
        assert_eq!((busy.got(), busy.is_busy()), (None, true));
        assert_eq!(Obstacle::Other("the bucket is full").to_string(), "the bucket is full");
    }
}
