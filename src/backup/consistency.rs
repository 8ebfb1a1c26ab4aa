//! What is held between the steps of a copy, and for how long at most.

use std::time::Duration;

/// What a stepwise copy does between its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Lets go of the source between steps, as SQLite's online backup does; when something was committed meanwhile,
    /// the copy begins again.
    #[default]
    Step,
    /// Holds one snapshot from the first step to the last. In rollback mode commits wait that long; in WAL mode
    /// writers go on, and the log grows.
    Hold,
    /// Ends beside any writer, and holds nobody up for longer than needed.
    ///
    /// In WAL mode it holds one snapshot; when that meets a limit of [`HoldLimits`] it lets go, and copies again what
    /// was committed since, as the log names it. In rollback mode it steps, and begins again when something was
    /// committed; when that leads nowhere, it copies the rest whatever is committed meanwhile, and then, with
    /// commits held up, compares all pages and writes those that differ.
    Auto,
}

/// How long a snapshot may be held, and what happens then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldLimits {
    /// The longest time. Default `None`: as long as it takes.
    pub time: Option<Duration>,
    /// How many bytes the log may grow by meanwhile, in WAL mode. Default `None`: as many as are committed.
    pub log_growth_bytes: Option<u64>,
    /// What to do at either. Default [`Step`](AtLimit::Step).
    pub then: AtLimit,
}

/// What to do when a snapshot was held for as long as it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLimit {
    /// Let go, and go on in steps.
    #[default]
    Step,
    /// End with [`HoldLimit`](crate::ErrorKind::HoldLimit).
    Fail,
}

impl HoldLimits {
    /// No limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another longest time.
    #[must_use]
    pub fn time(mut self, time: Option<Duration>) -> Self {
        self.time = time;
        self
    }

    /// The same with another growth of the log, in bytes.
    #[must_use]
    pub fn log_growth_bytes(mut self, bytes: Option<u64>) -> Self {
        self.log_growth_bytes = bytes;
        self
    }

    /// The same with something else to do at the limit.
    #[must_use]
    pub fn then(mut self, then: AtLimit) -> Self {
        self.then = then;
        self
    }
}
