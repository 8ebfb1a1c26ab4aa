//! Runs a stepwise copy to its end: waiting, reporting, giving up.

use super::stepwise::{Backup, Status, StepOutcome};
use crate::error::{Error, Obstacle, Problem, Result};
use crate::format::database_header::SqliteVersion;
use crate::format::{JournalMode, PageSize};
use crate::os::clock::Deadline;
use crate::target::Target;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How [`Backup::run_to_completion`] goes: in what steps, and how long it waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RunOptions {
    /// Pages per step; at or below 0 all in one step. Default -1.
    pub pages_per_step: i32,
    /// How long to sleep after a try that found the source busy (each try itself is as patient as the first 78 ms of
    /// SQLite's busy handler). Default 250 ms.
    pub sleep: Duration,
    /// How long to wait for a lock since it was last had; `None` waits without end. Default 30 s.
    pub lock_timeout: Option<Duration>,
    /// How long the whole may take; `None` sets no end. A step under way is not broken off. Default `None`.
    pub deadline: Option<Duration>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            pages_per_step: -1,
            sleep: Duration::from_millis(250),
            lock_timeout: Some(Duration::from_secs(30)),
            deadline: None,
        }
    }
}

/// How far a copy is, told after every step, the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What the step came to, by SQLite's names and numbers.
    pub status: Status,
    /// Pages left, as of the last step that was not busy.
    pub remaining: u32,
    /// Pages of the source, as of the last step that was not busy.
    pub page_count: u32,
    /// How often the copy began again because the source had moved.
    pub restarts: u64,
}

/// What a finished copy came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// Pages of the copy.
    pub page_count: u32,
    /// The size of each.
    pub page_size: PageSize,
    /// How the source keeps its transactions.
    pub mode: JournalMode,
    /// In WAL mode, the SQLite that wrote the source last, when it has a fault by which committed pages can get lost
    /// ([`has_wal_reset_fault`](SqliteVersion::has_wal_reset_fault)). The copy is right: it is what the source holds.
    pub wal_reset_fault: Option<SqliteVersion>,
    /// The kind of network file system that the source lies on, as far as the system tells: locks there may not reach
    /// programs on other hosts.
    pub network_file_system: Option<&'static str>,
    /// How often the copy began again because the source had moved.
    pub restarts: u64,
    /// How many tries found the source busy.
    pub busy_count: u64,
    /// From the first step to the end.
    pub elapsed: Duration,
}

impl CopyReport {
    /// The size of the copy.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.page_count) * u64::from(self.page_size.bytes())
    }
}

/// The pauses, in milliseconds, after which a busy step is tried again before it counts as busy: those with which
/// SQLite's own busy handler begins. Most locks are held for moments only.
const BUSY_PAUSES_MS: [u64; 7] = [1, 2, 5, 10, 15, 20, 25];

impl<T: Target> Backup<T> {
    /// Steps until the copy is done; `progress` sees every step and can stop the copy with [`ControlFlow::Break`].
    ///
    /// # Errors
    ///
    /// [`Busy`](crate::ErrorKind::Busy) when a lock was not to be had within `lock_timeout`,
    /// [`DeadlinePassed`](crate::ErrorKind::DeadlinePassed), [`Cancelled`](crate::ErrorKind::Cancelled), and whatever
    /// [`step`](Self::step) fails with.
    pub fn run_to_completion(
        &mut self,
        options: &RunOptions,
        mut progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        let pages = if options.pages_per_step > 0 { options.pages_per_step } else { -1 };
        let started = Instant::now();
        let end = Deadline::after(options.deadline);
        let mut waiting: Option<(Instant, Deadline)> = None;
        let mut busy_count = 0;
        loop {
            let outcome = self.step_patiently(pages, end)?;
            let said = progress(&self.progress(outcome));
            if outcome == StepOutcome::Done {
                return Ok(self.report(busy_count, started.elapsed()));
            }
            if said.is_break() {
                return Err(self.give_up(Problem::Cancelled));
            }
            if outcome == StepOutcome::Busy {
                busy_count += 1;
                let (since, patience) =
                    *waiting.get_or_insert_with(|| (Instant::now(), Deadline::after(options.lock_timeout)));
                if patience.has_passed() {
                    return Err(self.give_up_busy(since.elapsed()));
                }
                end.earlier(patience).sleep(options.sleep);
            } else {
                waiting = None;
            }
            if end.has_passed() {
                return Err(self.give_up_late(started.elapsed()));
            }
        }
    }

    fn step_patiently(&mut self, pages: i32, end: Deadline) -> Result<StepOutcome> {
        for pause in BUSY_PAUSES_MS {
            let outcome = self.step(pages)?;
            if outcome != StepOutcome::Busy || end.has_passed() {
                return Ok(outcome);
            }
            end.sleep(Duration::from_millis(pause));
        }
        self.step(pages)
    }

    fn progress(&self, outcome: StepOutcome) -> Progress {
        Progress {
            status: outcome.status(),
            remaining: self.remaining(),
            page_count: self.page_count(),
            restarts: self.restarts(),
        }
    }

    fn report(&self, busy_count: u64, elapsed: Duration) -> CopyReport {
        let counts = self.counts();
        CopyReport {
            page_count: counts.page_count,
            page_size: counts.page_size,
            mode: counts.mode,
            wal_reset_fault: counts.wal_reset_fault,
            network_file_system: self.source().network_file_system(),
            restarts: counts.restarts,
            busy_count,
            elapsed,
        }
    }

    fn give_up_busy(&self, waited: Duration) -> Error {
        let obstacle = self.counts().obstacle.unwrap_or(Obstacle::Change);
        self.give_up(Problem::Busy { waited, obstacle, holders: self.source().lock_holders() })
    }

    fn give_up_late(&self, elapsed: Duration) -> Error {
        let (remaining, page_count) = (self.remaining(), self.page_count());
        self.give_up(Problem::DeadlinePassed { elapsed, remaining, page_count, restarts: self.restarts() })
    }

    fn give_up(&self, problem: Problem) -> Error {
        Error::new(self.source().name(), problem)
    }
}
