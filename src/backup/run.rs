//! Runs a stepwise copy to its end: waiting, reporting, giving up.

use super::pacing::{self, Pacing, Seen};
use super::step_outcome::{Status, StepOutcome};
use super::stepwise::{Backup, Counts};
use crate::attempt::Obstacle;
use crate::error::{Error, Problem, Result};
use crate::format::database_header::SqliteVersion;
use crate::format::{JournalMode, PageSize};
use crate::os::clock::Deadline;
use crate::source::{ChangeStamp, Snapshot, Source, SourceNotes};
use crate::targets::{self, Target};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// How [`Backup::run_to_completion`] goes: in what steps, and how long it waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RunOptions {
    /// Pages per step; at or below 0 all in one step, or with [`Consistency::Auto`](crate::Consistency::Auto) 1,000; with
    /// a rate so many that the pauses between them are short. Default -1.
    pub pages_per_step: i32,
    /// How long to sleep after a try that found the source busy (each try itself is as patient as the first 78 ms of
    /// SQLite's busy handler). Default 250 ms.
    pub sleep: Duration,
    /// How long to wait for a lock since it was last had; `None` waits without end. Default 30 s.
    pub lock_timeout: Option<Duration>,
    /// How long the whole may take; `None` sets no end. A step under way is not broken off. Default `None`.
    pub deadline: Option<Duration>,
    /// How many bytes a second may be copied at most, on the average, by pauses between steps; within a step there is
    /// none, nor while commits wait for a snapshot that is held. `None`, the default: as many as can be.
    pub bytes_per_second: Option<u64>,
    /// Whether to pause, for 1 to 64 ms, after each step at whose end a writer waits for a lock or is at work. Then
    /// commits wait less and the copy takes longer. Default no.
    pub gentle: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            pages_per_step: -1,
            sleep: Duration::from_millis(250),
            lock_timeout: Some(Duration::from_secs(30)),
            deadline: None,
            bytes_per_second: None,
            gentle: false,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// What else is worth knowing of the source, although the copy is right.
    pub source_notes: SourceNotes,
    /// How often the copy began again because the source had moved.
    pub restarts: u64,
    /// What tells this version of the source from later ones.
    pub stamp: Option<ChangeStamp>,
    /// How many bytes of pages were read from the source, those that were read again counted again.
    pub read_bytes: u64,
    /// How many bytes of pages the target wrote, if it counts them: not those that were there already.
    pub written_bytes: Option<u64>,
    /// How many tries found the source busy.
    pub busy_count: u64,
    /// Whether one snapshot was held over several steps.
    pub held: bool,
    /// For how long commits had to wait at most, because of a lock of ours; 0 in WAL mode, where they never have to.
    pub longest_lock: Duration,
    /// The sum of all such times.
    pub locked: Duration,
    /// From the first step to the end.
    pub elapsed: Duration,
}

impl CopyReport {
    /// What a snapshot tells of itself; restarts, busy tries and time are to be added.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            page_count: snapshot.page_count(),
            page_size: snapshot.page_size(),
            mode: snapshot.journal_mode(),
            wal_reset_fault: snapshot.wal_reset_fault(),
            network_file_system: snapshot.network_file_system(),
            source_notes: snapshot.notes(),
            stamp: Some(snapshot.stamp()),
            ..Self::default()
        }
    }

    /// The same, as another step's snapshot tells it.
    pub(super) fn seen_again(&self, snapshot: &Snapshot, restarts: bool) -> Self {
        Self {
            restarts: self.restarts + u64::from(restarts),
            held: self.held,
            longest_lock: self.longest_lock,
            locked: self.locked,
            ..Self::of(snapshot)
        }
    }

    /// A snapshot was over that had lasted so long.
    pub(super) fn note_lock(&mut self, lasted: Duration) {
        if self.mode == JournalMode::Rollback {
            self.longest_lock = self.longest_lock.max(lasted);
            self.locked += lasted;
        }
    }

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
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        let ran = run(self, options, progress)?;
        let (Ran { busy_count, elapsed }, Counts { told, .. }) = (ran, self.counts());
        Ok(CopyReport { busy_count, elapsed, ..told })
    }
}

/// A copy that is made in steps: of one database, or of several.
pub(super) trait Steps {
    /// Copies up to so many pages; all that are left when negative.
    fn take(&mut self, pages: i32) -> Result<StepOutcome>;

    /// How far it is after a step that came to `outcome`.
    fn progress(&self, outcome: StepOutcome) -> Progress;

    /// How many pages to take where nobody says.
    fn usual_pages(&self) -> i32 {
        -1
    }

    /// Whether it leads nowhere, and nothing else is going to be tried.
    fn stall(&self) -> Option<Stall> {
        None
    }

    /// How many bytes were copied in all, those too that did not count in the end.
    fn moved_bytes(&self) -> u64;

    /// Whether commits wait for a snapshot that is held between the steps.
    fn holds_writers_up(&self) -> bool;

    /// Whether a writer waits, or is at work, now that a step is over.
    fn writer_waits(&self) -> bool;

    /// What was in the way at the last step that was busy, and of which database.
    fn in_the_way(&self) -> (Option<&Source>, Obstacle);

    /// The target that could not be locked, and what was in the way, when that was so at the last step.
    fn target_in_use(&self) -> Option<(&Path, Obstacle)> {
        None
    }

    /// Lets go of everything: it is given up. Should steps follow, they begin anew.
    fn abandon(&mut self);
}

/// How a copy came to lead nowhere.
pub(super) struct Stall {
    /// The fewest pages that were ever left.
    pub(super) lowest: u32,
    pub(super) elapsed: Duration,
}

/// How a copy went that was brought to its end.
pub(super) struct Ran {
    pub(super) busy_count: u64,
    pub(super) elapsed: Duration,
}

/// Steps until it is done, or until a bound is met (C6); then nothing is held any more.
pub(super) fn run(
    steps: &mut impl Steps,
    options: &RunOptions,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Ran> {
    let ran = run_within_bounds(steps, options, progress);
    if ran.is_err() {
        steps.abandon();
    }
    ran
}

fn run_within_bounds(
    steps: &mut impl Steps,
    options: &RunOptions,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Ran> {
    let pages = match (options.pages_per_step, options.bytes_per_second) {
        (pages @ 1.., _) => pages,
        (_, Some(rate)) => pacing::pages_at(rate),
        (_, None) => steps.usual_pages(),
    };
    let started = Instant::now();
    let end = Deadline::after(options.deadline);
    let mut waiting: Option<(Instant, Deadline)> = None;
    let mut busy_count = 0;
    let mut pacing = Pacing::new(options.bytes_per_second, options.gentle);
    loop {
        let begun = started.elapsed();
        let outcome = step_patiently(steps, pages, end)?;
        let said = progress(&steps.progress(outcome));
        if outcome == StepOutcome::Done {
            return Ok(Ran { busy_count, elapsed: started.elapsed() });
        }
        if said.is_break() {
            return Err(give_up(steps, Problem::Cancelled));
        }
        if outcome == StepOutcome::Busy {
            busy_count += 1;
            let (since, patience) =
                *waiting.get_or_insert_with(|| (Instant::now(), Deadline::after(options.lock_timeout)));
            if patience.has_passed() {
                return Err(give_up_busy(steps, since.elapsed()));
            }
            end.earlier(patience).sleep(options.sleep);
        } else {
            waiting = None;
        }
        // Who waits for a lock has its own bound.
        if outcome == StepOutcome::More
            && let Some(stall) = steps.stall()
        {
            return Err(give_up_stalled(steps, &stall));
        }
        if end.has_passed() {
            return Err(give_up_late(steps, started.elapsed()));
        }
        if outcome == StepOutcome::More && !steps.holds_writers_up() {
            let writer_waits = pacing.heeds_writers() && steps.writer_waits();
            let (moved_bytes, ended) = (steps.moved_bytes(), started.elapsed());
            end.sleep(pacing.pause(Seen { moved_bytes, begun, ended, writer_waits }));
        }
    }
}

fn step_patiently(steps: &mut impl Steps, pages: i32, end: Deadline) -> Result<StepOutcome> {
    for pause in BUSY_PAUSES_MS {
        let outcome = steps.take(pages)?;
        if outcome != StepOutcome::Busy || end.has_passed() {
            return Ok(outcome);
        }
        end.sleep(Duration::from_millis(pause));
    }
    steps.take(pages)
}

pub(super) fn give_up_busy(steps: &mut impl Steps, waited: Duration) -> Error {
    // Who is in the way is asked once, and nothing is held meanwhile: the question may take time.
    steps.abandon();
    if let Some((path, obstacle)) = steps.target_in_use() {
        return targets::in_use(path, obstacle);
    }
    let (source, obstacle) = steps.in_the_way();
    give_up(
        steps,
        Problem::Busy { waited, obstacle, holders: source.map(Source::lock_holders).unwrap_or_default() },
    )
}

fn give_up_stalled(steps: &impl Steps, stall: &Stall) -> Error {
    let Progress { page_count, restarts, .. } = steps.progress(StepOutcome::More);
    let &Stall { lowest, elapsed } = stall;
    give_up(steps, Problem::Stalled { elapsed, lowest, page_count, restarts })
}

fn give_up_late(steps: &impl Steps, elapsed: Duration) -> Error {
    let Progress { remaining, page_count, restarts, .. } = steps.progress(StepOutcome::Busy);
    give_up(steps, Problem::DeadlinePassed { elapsed, remaining, page_count, restarts })
}

fn give_up(steps: &impl Steps, problem: Problem) -> Error {
    Error::new(steps.in_the_way().0.map_or(Path::new("copy"), Source::name), problem)
}
