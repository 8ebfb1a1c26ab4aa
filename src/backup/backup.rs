//! A copy in steps: what SQLite's online backup does, with a restart when the source moved.
//!
//! ```text
//!            begin: Busy                 pages left
//!            .--------.                 .----------.
//!            v        |                 v          |
//!         [waiting] --'-- begin --> [copying] -----'--- no pages left ---> [done]
//!            ^                          |
//!            '--- end: withdrawn -------'        any error ---> [failed], for good
//! ```
//!
//! One step: the target is locked, once; the source is locked, its stamp compared (C5), pages moved, and let go again (C7), unless
//! the [course](super::course) holds the snapshot for the next step.

use super::copied::Copied;
use super::copy_options::CopyOptions;
use super::course::{Course, Start};
use super::lane::Lane;
use super::page_mover::PageMover;
use super::run::{self, Ran, Stall, Steps};
use super::step_outcome::{Progress, StepOutcome};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::source::Source;
use crate::targets::{self, AnyTarget, Target};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// A copy under way, from a source to a target: [`CopyOptions::begin`] makes one.
///
/// Either [`run`](Self::run) takes it to its end, or you [`step`](Self::step) until that says [`Done`](StepOutcome::Done), and
/// then [`finish`](Self::finish). Dropped before, it lets go of everything and leaves the target as it was.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, FileTarget, StepOutcome};
///
/// let mut backup = CopyOptions::new().begin("app.db", FileTarget::new("backup.db"))?;
/// while backup.step(100)? != StepOutcome::Done {
///     // More or Busy: do something else, or sleep.
/// }
/// let report = backup.finish()?.report;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a copy that is dropped before it is done leaves the target as it was"]
pub struct Backup<T: Target> {
    options: CopyOptions,
    lane: Lane,
    course: Course,
    /// Until it is published, or given up.
    target: Option<T>,
    /// Whether what is to be written over is locked.
    locked: bool,
    state: State<T::Output>,
    /// What the last step came to.
    outcome: StepOutcome,
    in_the_way: Option<InTheWay>,
    busy_count: u64,
    started: Option<Instant>,
}

#[derive(Debug)]
enum State<O> {
    Going,
    /// All pages are in the target, durable, and not shown yet.
    Sealed(u32),
    Done(Box<Copied<O>>),
    Failed(Error),
}

/// What was in the way at the last step that was busy.
#[derive(Clone, Copy, Debug)]
enum InTheWay {
    OfSource(Obstacle),
    OfTarget(Obstacle),
}

impl<T: Target> Backup<T> {
    pub(super) fn new(options: CopyOptions, source: Source, mut target: T) -> Result<Self> {
        if let Some(own) = target.internals() {
            own.admit(options.file_options(), source.path())?;
        }
        Ok(Self {
            lane: Lane::new(source, PageMover::new(options.treatment)),
            course: Course::new(&options, target.order()),
            options,
            target: Some(target),
            locked: false,
            state: State::Going,
            outcome: StepOutcome::More,
            in_the_way: None,
            busy_count: 0,
            started: None,
        })
    }

    /// Steps until the copy is done, in steps and with the waiting that the options say. `progress` sees every step, the last
    /// included, and can stop the copy with [`ControlFlow::Break`]: also the last one, which comes when the copy is complete and
    /// not shown yet. What was stopped leaves the target as it was.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) when a lock was not to be had within [`lock_timeout`](CopyOptions::lock_timeout),
    /// [`DeadlinePassed`](ErrorKind::DeadlinePassed), [`Cancelled`](ErrorKind::Cancelled), and whatever
    /// [`step`](Self::step) fails with.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use litecopy::{CopyOptions, FileTarget};
    /// use std::ops::ControlFlow;
    ///
    /// CopyOptions::new().begin("app.db", FileTarget::new("backup.db"))?.run(|progress| {
    ///     println!("{} of {} pages left", progress.remaining, progress.page_count);
    ///     if progress.restarts > 1_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn run(mut self, progress: impl FnMut(&Progress) -> ControlFlow<()>) -> Result<Copied<T::Output>> {
        let options = self.options.run;
        let Ran { busy_count, elapsed } = run::run(&mut self, &options, progress)?;
        let mut copied = self.finish()?;
        (copied.report.busy_count, copied.report.elapsed) = (busy_count, elapsed);
        Ok(copied)
    }

    /// What there is now that the last step was [`Done`](StepOutcome::Done).
    ///
    /// # Errors
    ///
    /// [`NotDone`](ErrorKind::NotDone) when it was not: then the copy is given up. The error of the step that failed, if one
    /// did.
    pub fn finish(self) -> Result<Copied<T::Output>> {
        match self.state {
            State::Done(copied) => Ok(*copied),
            State::Failed(error) => Err(error),
            State::Going | State::Sealed(_) => {
                let (remaining, page_count) = (self.lane.remaining(), self.lane.told.page_count);
                Err(Error::new(self.lane.source.name(), Problem::NotDone { remaining, page_count }))
            }
        }
    }

    /// Copies up to `pages` pages: all that are left when negative, none when 0 (the source is only looked at).
    ///
    /// Exactly like `sqlite3_backup_step`, also call by call; the differences are listed in
    /// `[copy-protocol.md#beside-sqlites-own-backup]`. After [`Done`](StepOutcome::Done) it says so again.
    ///
    /// # Errors
    ///
    /// Whatever keeps the copy from ever being right. Then no further step does anything but give the same error.
    pub fn step(&mut self, pages: i32) -> Result<StepOutcome> {
        match &self.state {
            State::Done(_) => return Ok(StepOutcome::Done),
            State::Failed(error) => return Err(error.clone()),
            State::Going | State::Sealed(_) => {}
        }
        let outcome = self.take(pages)?;
        if outcome == StepOutcome::Done {
            self.publish()?;
        }
        Ok(outcome)
    }

    /// How far it is: pages as of the last step that was not busy, none before the first.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            status: self.outcome.status(),
            remaining: self.lane.remaining(),
            page_count: self.lane.told.page_count,
            restarts: self.lane.told.restarts,
        }
    }

    fn try_step(&mut self, limit: u32) -> Result<StepOutcome> {
        let Self { lane, course, target: Some(target), .. } = self else {
            return Err(Error::new(self.lane.source.name(), Problem::Cancelled));
        };
        if !self.locked {
            if let Attempt::Busy(obstacle) = target.lock()? {
                return Ok(self.busy(InTheWay::OfTarget(obstacle)));
            }
            self.locked = true;
        }
        if lane.snapshot().is_none() {
            let since = Instant::now();
            let snapshot = match lane.source.begin()? {
                Attempt::Got(snapshot) => snapshot,
                Attempt::Busy(obstacle) => return Ok(self.busy(InTheWay::OfSource(obstacle))),
            };
            let Start { cursor, restarts, anew } = course.start(lane, &snapshot);
            if anew {
                target.begin(snapshot.shape())?;
            }
            lane.take_up(snapshot, since, cursor, restarts)?;
        }
        if let Err(error) = lane.move_pages(target, limit) {
            return self.settle_error(error);
        }
        let done = course.is_complete(lane.left());
        let holds = lane.snapshot().is_some_and(|snapshot| course.holds(snapshot.journal_mode()));
        let restarted = if !done && holds && course.may_hold_on(lane)? {
            lane.keep()
        } else {
            let Some(restarted) = lane.end(holds)? else {
                return Ok(self.busy(InTheWay::OfSource(Obstacle::Change)));
            };
            restarted
        };
        self.in_the_way = None;
        if done {
            return self.seal();
        }
        course.go_on(lane, restarted);
        if !lane.holds_writers_up() {
            target.between_steps()?;
        }
        Ok(StepOutcome::More)
    }

    /// All pages are there: what follows is the target's alone (C7).
    fn seal(&mut self) -> Result<StepOutcome> {
        self.lane.source.let_go();
        if let Some(target) = &mut self.target {
            self.state = State::Sealed(self.lane.seal(target)?);
        }
        Ok(StepOutcome::Done)
    }

    fn try_publish(&mut self) -> Result<()> {
        let (State::Sealed(page_count), Some(target)) = (&self.state, self.target.take()) else {
            return Ok(());
        };
        let output = target.publish(*page_count)?;
        let mut report = self.lane.told.clone();
        report.busy_count = self.busy_count;
        report.elapsed = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.state = State::Done(Box::new(Copied {
            report,
            output,
            #[cfg(feature = "manifest")]
            manifest: self.lane.mover.manifest().cloned(),
        }));
        Ok(())
    }

    /// After an error nothing is held any more, and the target puts everything back as it was.
    fn give_up(&mut self, error: &Error) {
        self.lane.let_go();
        self.target = None;
        self.state = State::Failed(error.clone());
    }

    /// An error met in a snapshot that did not hold is no error of the source: what was read may have been torn.
    fn settle_error(&mut self, error: Error) -> Result<StepOutcome> {
        if error.kind() == ErrorKind::Damaged && self.lane.end(true)?.is_none() {
            return Ok(self.busy(InTheWay::OfSource(Obstacle::Change)));
        }
        Err(error)
    }

    /// Who is in the way of the target is asked when it is given up, and with nothing held: it may take time.
    fn target_in_use(&mut self, obstacle: Obstacle, waited: Duration) -> Error {
        let mut target = self.target.take();
        let path = target.as_ref().map_or(Path::new("the copy"), AnyTarget::shown_path).to_owned();
        let is_ours = target.as_mut().is_some_and(|target| target.internals().is_some());
        self.lane.let_go();
        drop(target);
        match is_ours {
            true => targets::in_use(&path, obstacle),
            false => Error::new(&path, Problem::Busy { waited, obstacle, holders: Vec::new() }),
        }
    }

    fn busy(&mut self, in_the_way: InTheWay) -> StepOutcome {
        self.in_the_way = Some(in_the_way);
        StepOutcome::Busy
    }
}

impl<T: Target> Steps for Backup<T> {
    fn take(&mut self, pages: i32) -> Result<StepOutcome> {
        if matches!(self.state, State::Sealed(_)) {
            return Ok(StepOutcome::Done);
        }
        self.started.get_or_insert_with(Instant::now);
        let outcome = self.try_step(u32::try_from(pages).unwrap_or(u32::MAX));
        match &outcome {
            Ok(outcome) => {
                self.outcome = *outcome;
                self.busy_count += u64::from(*outcome == StepOutcome::Busy);
            }
            Err(error) => self.give_up(error),
        }
        outcome
    }

    fn publish(&mut self) -> Result<()> {
        self.try_publish().inspect_err(|error| self.give_up(error))
    }

    fn progress(&self) -> Progress {
        self.progress()
    }

    fn usual_pages(&self) -> i32 {
        self.course.usual_pages()
    }

    fn stall(&self) -> Option<Stall> {
        self.course.stall()
    }

    fn moved_bytes(&self) -> u64 {
        self.lane.mover.moved_bytes()
    }

    fn holds_writers_up(&self) -> bool {
        self.lane.holds_writers_up()
    }

    fn writer_waits(&self) -> bool {
        self.lane.source.writer_waits()
    }

    fn source(&self) -> Option<&Source> {
        Some(&self.lane.source)
    }

    fn busy_error(&mut self, waited: Duration) -> Error {
        match self.in_the_way.unwrap_or(InTheWay::OfSource(Obstacle::Change)) {
            InTheWay::OfSource(obstacle) => run::busy_source(&self.lane.source, obstacle, waited),
            InTheWay::OfTarget(obstacle) => self.target_in_use(obstacle, waited),
        }
    }
}
