//! What is held between the steps of a copy, and for how long at most.

use std::time::Duration;

/// What a stepwise copy does between its steps.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{Consistency, CopyOptions};
///
/// CopyOptions::new().consistency(Consistency::Auto).copy("busy.db", "backup.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Lets go of the source between steps, as SQLite's online backup does; when something was committed meanwhile,
    /// the copy restarts.
    #[default]
    Step,
    /// Holds one snapshot from the first step to the last. In rollback mode commits wait that long; in WAL mode
    /// writers go on, and the log grows.
    Hold,
    /// Ends beside any writer, and holds nobody up for longer than needed.
    ///
    /// In WAL mode it holds one snapshot; when that meets a limit
    /// ([`max_hold`](crate::CopyOptions::max_hold), [`max_log_growth`](crate::CopyOptions::max_log_growth)) it lets go, and copies again what
    /// was committed since, as the log names it. In rollback mode it steps, and restarts when something was
    /// committed; when that makes no progress, it copies the rest whatever is committed meanwhile, and then, with
    /// commits held up, compares all pages and writes those that differ.
    Auto,
}

/// How long a snapshot may be held, and what happens then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HoldLimits {
    /// The longest time; `None`: as long as it takes.
    pub(super) time: Option<Duration>,
    /// How many bytes the log may grow by meanwhile, in WAL mode; `None`: as many as are committed.
    pub(super) log_growth_bytes: Option<u64>,
    /// What to do at either.
    pub(super) then: AtLimit,
}

/// What to do when a snapshot was held for as long as it may be.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{AtLimit, Consistency, CopyOptions};
///
/// let held = CopyOptions::new().consistency(Consistency::Hold).max_log_growth(64 << 20);
/// held.at_limit(AtLimit::Fail).copy("app.db", "backup.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtLimit {
    /// Let go, and go on in steps.
    #[default]
    Step,
    /// End with [`HoldLimit`](crate::ErrorKind::HoldLimit).
    Fail,
}
