//! What a step came to, in our words and in SQLite's numbers.

/// What a step came to. What passes by itself is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Pages were copied, and some are left.
    More,
    /// All pages are copied, and the target is complete and durable.
    Done,
    /// Somebody held a lock; nothing was copied, and the same step can be tried again.
    Busy,
}

impl StepOutcome {
    /// The status that SQLite's backup would have given.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::More => Status::Ok,
            Self::Done => Status::Done,
            Self::Busy => Status::Busy,
        }
    }
}

/// A step's status, by SQLite's names and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// `SQLITE_OK`, 0: more pages are left.
    Ok = 0,
    /// `SQLITE_BUSY`, 5: a lock of somebody else.
    Busy = 5,
    /// `SQLITE_LOCKED`, 6: a lock within one process's shared cache. Ours has none, so it never comes up.
    Locked = 6,
    /// `SQLITE_DONE`, 101: the copy is complete.
    Done = 101,
}

impl Status {
    /// SQLite's number.
    #[must_use]
    pub fn code(self) -> i32 {
        self as i32
    }
}
