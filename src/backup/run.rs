//! Runs a copy in steps to its end: waiting, reporting, giving up.

use super::copy_options::RunOptions;
use super::pacing::{self, Pacing, Seen};
use super::step_outcome::{Progress, StepOutcome};
use crate::attempt::Obstacle;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::halt::Halt;
use crate::os::clock::Deadline;
use crate::source::Source;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// The pauses, in milliseconds, after which a busy step is tried again before it counts as busy: those with which
/// SQLite's own busy handler begins. Most locks are held for moments only.
const BUSY_PAUSES_MS: [u64; 7] = [1, 2, 5, 10, 15, 20, 25];

/// A copy that is made in steps: of one database, or of several.
pub(super) trait Steps {
    /// Copies up to so many pages; all that are left when negative. Done when the copy is complete, but not shown yet.
    fn take(&mut self, pages: i32) -> Result<StepOutcome>;

    /// From now on steps end early when they have to.
    fn halt_by(&mut self, halt: &Halt);

    /// Shows the complete copy.
    fn publish(&mut self) -> Result<()>;

    /// How far it is after the last step.
    fn progress(&self) -> Progress;

    /// How many pages to take where nobody says.
    fn usual_pages(&self) -> i32 {
        -1
    }

    /// Whether it makes no progress, and nothing else is going to be tried.
    fn stall(&self) -> Option<Stall> {
        None
    }

    /// How many bytes were copied in all, those too that did not count in the end.
    fn moved_bytes(&self) -> u64;

    /// Whether commits wait for a snapshot that is held between the steps.
    fn holds_writers_up(&self) -> bool;

    /// Whether a writer waits, or is at work, now that a step is over.
    fn writer_waits(&self) -> bool;

    /// The source, or the first of several.
    fn source(&self) -> Option<&Source>;

    /// Why the last step was busy, and who was in the way: which may take long to find out.
    fn busy_error(&mut self, waited: Duration) -> Error;
}

/// How a copy came to make no progress.
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

/// Steps until it is done, or until a bound is met (C6).
pub(super) fn run(
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
    let halt = Halt::new(end, options.cancel.clone());
    steps.halt_by(&halt);
    let mut waiting: Option<(Instant, Deadline)> = None;
    let mut busy_count = 0;
    let mut pacing = Pacing::new(options.bytes_per_second, options.gentle);
    loop {
        let begun = started.elapsed();
        let outcome = match step_patiently(steps, pages, &halt) {
            Err(error) if error.kind() == ErrorKind::DeadlinePassed => {
                return Err(give_up_late(steps, started.elapsed()));
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                return Err(give_up(steps, Problem::Cancelled));
            }
            outcome => outcome?,
        };
        // The last one too: nothing is shown that was stopped.
        if progress(&steps.progress()).is_break() || halt.is_cancelled() {
            return Err(give_up(steps, Problem::Cancelled));
        }
        if outcome == StepOutcome::Done {
            steps.publish()?;
            return Ok(Ran { busy_count, elapsed: started.elapsed() });
        }
        if outcome == StepOutcome::Busy {
            busy_count += 1;
            let (since, patience) =
                *waiting.get_or_insert_with(|| (Instant::now(), Deadline::after(options.lock_timeout)));
            if patience.has_passed() {
                return Err(steps.busy_error(since.elapsed()));
            }
            Halt::new(end.earlier(patience), options.cancel.clone()).sleep(options.sleep);
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
            halt.sleep(pacing.pause(Seen { moved_bytes, begun, ended, writer_waits }));
        }
    }
}

fn step_patiently(steps: &mut impl Steps, pages: i32, halt: &Halt) -> Result<StepOutcome> {
    for pause in BUSY_PAUSES_MS {
        let outcome = steps.take(pages)?;
        if outcome != StepOutcome::Busy || halt.has_come() {
            return Ok(outcome);
        }
        halt.sleep(Duration::from_millis(pause));
    }
    steps.take(pages)
}

/// Somebody was in the way of a source for that long.
pub(super) fn busy_source(source: &Source, obstacle: Obstacle, waited: Duration) -> Error {
    Error::new(source.name(), Problem::Busy { waited, obstacle, holders: source.lock_holders() })
}

fn give_up_stalled(steps: &impl Steps, stall: &Stall) -> Error {
    let Progress { page_count, restarts, .. } = steps.progress();
    let &Stall { lowest, elapsed } = stall;
    give_up(steps, Problem::Stalled { elapsed, lowest, page_count, restarts })
}

fn give_up_late(steps: &impl Steps, elapsed: Duration) -> Error {
    let Progress { remaining, page_count, restarts, .. } = steps.progress();
    give_up(steps, Problem::DeadlinePassed { elapsed, remaining, page_count, restarts })
}

fn give_up(steps: &impl Steps, problem: Problem) -> Error {
    Error::new(steps.source().map_or(Path::new("the copy"), Source::name), problem)
}
