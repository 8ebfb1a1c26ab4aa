//! What a step came to, in our words and in SQLite's numbers; and how far the copy is then.

use std::ops::ControlFlow;

/// What a step came to. What passes by itself is no error.
///
/// ```
/// use litecopy::{Status, StepOutcome};
///
/// assert_eq!((StepOutcome::Busy.status(), Status::Busy.code()), (Status::Busy, 5));
/// ```
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

/// How far a copy is, told after every step, the last included.
///
/// ```
/// use litecopy::Progress;
///
/// fn bar(progress: &Progress) -> String {
///     let share = progress.fraction().unwrap_or(0.0);
///     format!("{:3.0} % of {} pages", share * 100.0, progress.page_count)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What the step came to, by SQLite's names and numbers.
    pub status: Status,
    /// Pages left, as of the last step that was not busy.
    pub remaining: u32,
    /// Pages of the source, as of the last step that was not busy.
    pub page_count: u32,
    /// How often the copy restarted because the source had moved.
    pub restarts: u64,
}

impl Progress {
    /// How much of the copy is done, from 0 to 1; `None` as long as nobody knows how large the source is, and for an empty
    /// one.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use litecopy::{CopyOptions, FileTarget};
    ///
    /// CopyOptions::new().begin("app.db", FileTarget::new("backup.db"))?.run(|progress| {
    ///     if let Some(fraction) = progress.fraction() {
    ///         println!("{:.0} %", fraction * 100.0);
    ///     }
    ///     std::ops::ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let done = f64::from(self.page_count.saturating_sub(self.remaining));
        (self.page_count > 0).then(|| done / f64::from(self.page_count))
    }
}

/// A callback for [`Backup::run`](crate::Backup::run) that shows nothing and stops nothing.
///
/// ```no_run
/// use litecopy::{CopyOptions, FileTarget, quiet};
///
/// # fn main() -> litecopy::Result<()> {
/// CopyOptions::new().begin("app.db", FileTarget::new("backup.db"))?.run(quiet)?;
/// # Ok(())
/// # }
/// ```
pub fn quiet(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
