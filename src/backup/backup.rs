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
use super::course::{Advance, Course, Start};
use super::lane::Lane;
use super::page_cursor::buffer_pages;
use super::page_mover::PageMover;
use super::run::{self, Ran, Stall, Steps};
use super::step_outcome::{Progress, StepOutcome};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::{PageNumber, Shape};
use crate::halt::Halt;
use crate::os::clock::Deadline;
use crate::source::Source;
use crate::targets::{self, AnyTarget, Spool, Target};
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
    /// What is kept until the target takes it, when commits would wait for it otherwise.
    spool: Option<Spool>,
    /// Whether what is to be written over is locked.
    locked: bool,
    state: State<T::Output>,
    /// What the last step came to.
    outcome: StepOutcome,
    in_the_way: Option<InTheWay>,
    busy_count: u64,
    started: Option<Instant>,
    halt: Halt,
}

#[derive(Debug)]
enum State<O> {
    Going,
    /// The spool has all pages, and the target so many of them.
    Giving(Shape, u32),
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
            own.admit(options.file_options(), source.files())?;
        }
        let halt = Halt::new(Deadline::after(None), options.run.cancel.clone());
        let mut lane = Lane::new(source, PageMover::new(options.treatment));
        lane.halt_by(&halt);
        Ok(Self {
            lane,
            course: Course::new(&options, target.order()),
            options,
            target: Some(target),
            spool: None,
            locked: false,
            state: State::Going,
            outcome: StepOutcome::More,
            in_the_way: None,
            busy_count: 0,
            started: None,
            halt,
        })
    }

    /// Steps until the copy is done, in steps and with the waiting that the options say. `progress` sees every step, the last
    /// included, and can stop the copy with [`ControlFlow::Break`]: also the last one, which comes when the copy is complete and
    /// not shown yet. What was stopped leaves the target as it was.
    ///
    /// # Errors
    ///
    /// [`Busy`](crate::ErrorKind::Busy) when a lock was not to be had within [`lock_timeout`](CopyOptions::lock_timeout),
    /// [`DeadlinePassed`](crate::ErrorKind::DeadlinePassed), [`Cancelled`](crate::ErrorKind::Cancelled), and whatever
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
        let options = self.options.run.clone();
        let Ran { busy_count, elapsed } = run::run(&mut self, &options, progress)?;
        let mut copied = self.finish()?;
        (copied.report.busy_count, copied.report.elapsed) = (busy_count, elapsed);
        Ok(copied)
    }

    /// What there is now that the last step was [`Done`](StepOutcome::Done).
    ///
    /// # Errors
    ///
    /// [`NotDone`](crate::ErrorKind::NotDone) when it was not: then the copy is given up. The error of the step that failed, if one
    /// did.
    pub fn finish(self) -> Result<Copied<T::Output>> {
        match self.state {
            State::Done(copied) => Ok(*copied),
            State::Failed(error) => Err(error),
            State::Going | State::Giving(..) | State::Sealed(_) => {
                let Progress { remaining, page_count, .. } = self.progress();
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
            State::Going | State::Giving(..) | State::Sealed(_) => {}
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
            remaining: match self.state {
                State::Giving(Shape { page_count, .. }, given) => page_count.saturating_sub(given),
                _ => self.lane.remaining(),
            },
            page_count: self.lane.told.page_count,
            restarts: self.lane.told.restarts,
        }
    }

    fn try_step(&mut self, limit: u32) -> Result<StepOutcome> {
        if let State::Giving(shape, given) = self.state {
            return self.give(shape, given, limit);
        }
        let Self { lane, course, target: Some(target), spool, .. } = self else {
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
            // In memory and in a stream there are no holes.
            if target.internals().is_none() {
                snapshot.check_proportion()?;
            }
            if course.spools(&self.options, snapshot.journal_mode()) {
                *spool = Some(Spool::new(self.options.spool_folder.clone()));
                course.leave_order(&self.options);
            }
            let Start { cursor, restarts, anew } = course.start(lane, &snapshot);
            match spool {
                Some(spool) if anew => spool.begin(snapshot.shape())?,
                None if anew => target.begin(snapshot.shape())?,
                _ => {}
            }
            lane.take_up(snapshot, since, cursor, restarts)?;
        }
        let advance = match spool {
            Some(spool) => course.advance(lane, spool, limit)?,
            None => course.advance(lane, target, limit)?,
        };
        if advance == Advance::Withdrawn {
            return Ok(self.busy(InTheWay::OfSource(Obstacle::Change)));
        }
        self.in_the_way = None;
        if advance == Advance::Complete { self.seal() } else { Ok(StepOutcome::More) }
    }

    /// All pages are there: what follows is the target's alone (C7).
    fn seal(&mut self) -> Result<StepOutcome> {
        self.lane.source.let_go();
        let Some(target) = &mut self.target else { return Ok(StepOutcome::Done) };
        let Some(spool) = &mut self.spool else {
            self.state = State::Sealed(self.lane.seal(target)?);
            return Ok(StepOutcome::Done);
        };
        let page_count = self.lane.seal(spool)?;
        let shape = Shape { page_size: self.lane.told.page_size, page_count };
        target.begin(shape)?;
        self.state = State::Giving(shape, 0);
        Ok(StepOutcome::More)
    }

    /// Gives up to `limit` further pages from the spool to the target: nobody waits for that but us.
    fn give(&mut self, shape: Shape, mut given: u32, limit: u32) -> Result<StepOutcome> {
        let (Some(target), Some(spool)) = (&mut self.target, &mut self.spool) else {
            return Ok(StepOutcome::Done);
        };
        let end = given.saturating_add(limit).min(shape.page_count);
        let mut buffer = Vec::new();
        while given < end {
            let count = buffer_pages(shape.page_size).min(end - given);
            buffer.resize(count as usize * shape.page_size.bytes_usize(), 0);
            self.halt.check(target.shown_path())?;
            if let Some(first) = PageNumber::FIRST.checked_add(given) {
                spool.read_back(first, &mut buffer)?;
                target.write_pages(first, &buffer)?;
            }
            given += count;
        }
        if given < shape.page_count {
            self.state = State::Giving(shape, given);
            return Ok(StepOutcome::More);
        }
        target.seal(shape.page_count)?;
        self.state = State::Sealed(shape.page_count);
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
    fn halt_by(&mut self, halt: &Halt) {
        self.lane.halt_by(halt);
        self.halt = halt.clone();
    }

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
