//! The copy of several databases as of one instant.
//!
//! ```text
//!   look at each by itself: what of its log can be read beforehand is read before anybody has to wait
//!          |
//!          v
//!   SHARED on all ──> gates closed on all ──> snapshots of all begun ──> gates opened ──> pages, each let go when copied
//!          |                  |                        |                                        |
//!          '---- busy --------'------------------------'                                   withdrawn
//!                               |                                                               |
//!            all let go, a pause, from the start <─────────────────────────────────────────────-'
//! ```
//!
//! Nothing is waited for while anything is held, so there is no order in which this could deadlock. Why what is seen is
//! of one instant: `[copy-protocol.md#several-databases-at-one-instant]`.

use super::copy_options::{CopyOptions, RunOptions};
use super::lane::Lane;
use super::page_cursor::PageCursor;
use super::page_mover::PageMover;
use super::report::CopyReport;
use super::run::{self, Ran, Steps};
use super::step_outcome::{Progress, StepOutcome};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::halt::Halt;
use crate::source::{DatabaseSet, Source};
use crate::targets::{FolderTarget, Target};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a copy may be withdrawn and restarted.
const MOST_RESTARTS: u64 = 20;

/// A copy under way from a set to a new folder: [`CopyOptions::begin_set`] makes one.
///
/// Dropped before it is done, it leaves nothing.
#[derive(Debug)]
#[must_use = "a copy that is dropped before it is done leaves nothing"]
pub struct SetBackup {
    options: RunOptions,
    members: Vec<Member>,
    target: FolderTarget,
    /// The snapshots have begun, and some are still to be copied.
    begun: bool,
    started: Instant,
    outcome: StepOutcome,
    restarts: u64,
    /// Whose database was in the way, by its place.
    obstacle: Option<(usize, Obstacle)>,
}

#[derive(Debug)]
struct Member {
    name: String,
    lane: Lane,
}

/// One database of a set that was copied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CopiedMember {
    /// Its name in the set.
    pub name: String,
    /// What came of it; restarts, busy tries and time are those of the whole.
    pub report: CopyReport,
}

impl SetBackup {
    pub(super) fn new(options: &CopyOptions, set: &DatabaseSet, folder: &Path) -> Result<Self> {
        let mut members = Vec::new();
        for member in set.members() {
            let source = options.source.open(member)?;
            let lane = Lane::new(source, PageMover::new(options.treatment));
            members.push(Member { name: member.name().to_owned(), lane });
        }
        let sources = members.iter().filter_map(|it| it.lane.source.files().cloned()).collect();
        Ok(Self {
            options: options.run.clone(),
            target: FolderTarget::admit(folder, sources, options.file_options())?,
            members,
            begun: false,
            started: Instant::now(),
            outcome: StepOutcome::More,
            restarts: 0,
            obstacle: None,
        })
    }

    /// Steps until all are copied, with the waiting that the options say. `progress` sees every step, with the pages of all
    /// together, and can stop the copy with [`ControlFlow::Break`], the last one too.
    ///
    /// # Errors
    ///
    /// As [`Backup::run`](crate::Backup::run).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let set = litecopy::DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
    /// let copied = litecopy::CopyOptions::new().begin_set(&set, "backup")?.run(litecopy::quiet)?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn run(mut self, progress: impl FnMut(&Progress) -> ControlFlow<()>) -> Result<Vec<CopiedMember>> {
        let (options, started) = (self.options.clone(), Instant::now());
        self.started = started;
        let Ran { busy_count, elapsed } = run::run(&mut self, &options, progress)?;
        let restarts = self.restarts;
        let copied = |Member { name, lane }: Member| {
            let report = CopyReport { restarts, busy_count, elapsed, ..lane.told };
            CopiedMember { name, report }
        };
        Ok(self.members.into_iter().map(copied).collect())
    }

    fn try_step(&mut self, limit: Option<u32>) -> Result<StepOutcome> {
        if !self.begun {
            if let Some(obstacle) = self.begin()? {
                self.let_go();
                self.obstacle = Some(obstacle);
                return Ok(StepOutcome::Busy);
            }
            self.begun = true;
        }
        let mut left = limit;
        for place in self.order() {
            while self.left_of(place) > 0 && left != Some(0) {
                let passed = match self.move_pages(place, left.unwrap_or(u32::MAX)) {
                    Ok(passed) => passed,
                    Err(error) => return self.settle_error(place, error),
                };
                left = left.map(|left| left.saturating_sub(passed));
            }
            if self.left_of(place) > 0 {
                self.keep(place);
            } else if !self.end(place)? {
                return self.withdraw(place);
            }
        }
        if self.progress().remaining > 0 {
            return Ok(StepOutcome::More);
        }
        for (place, member) in self.members.iter_mut().enumerate() {
            member.lane.seal(&mut self.target.file(place)?)?;
        }
        Ok(StepOutcome::Done)
    }

    /// Begins the snapshots of all; or says whose database is in the way, with some still held.
    fn begin(&mut self) -> Result<Option<(usize, Obstacle)>> {
        for member in &mut self.members {
            // Busy is no matter yet.
            let _ = member.lane.source.begin()?;
        }
        for (place, member) in self.members.iter_mut().enumerate() {
            if let Attempt::Busy(obstacle) = member.lane.source.lock()? {
                return Ok(Some((place, obstacle)));
            }
        }
        let mut gates = Vec::new();
        for (place, member) in self.members.iter().enumerate() {
            match member.lane.source.close_gate()? {
                Attempt::Got(gate) => gates.push(gate),
                Attempt::Busy(obstacle) => return Ok(Some((place, obstacle))),
            }
        }
        let since = Instant::now();
        for (place, (member, gate)) in self.members.iter_mut().zip(&gates).enumerate() {
            let snapshot = match member.lane.source.begin_at_once()? {
                Attempt::Got(snapshot) => snapshot,
                Attempt::Busy(obstacle) => return Ok(Some((place, obstacle))),
            };
            if snapshot.joins_wal_index() && gate.is_none() {
                // It appeared after we had looked for it: in it somebody can have committed since.
                return Ok(Some((place, Obstacle::Change)));
            }
            let cursor = PageCursor::new(snapshot.page_count(), snapshot.page_size());
            member.lane.take_up(snapshot, since, cursor, false)?;
        }
        drop(gates);
        self.target.begin()?;
        for (place, member) in self.members.iter().enumerate() {
            let Some(snapshot) = member.lane.snapshot() else { continue };
            self.target.file(place)?.begin(snapshot.shape())?;
        }
        Ok(None)
    }

    /// The places in the order of copying: those first whose writers wait until we are done.
    fn order(&self) -> Vec<usize> {
        let waits = |place: &usize| self.lane(*place).is_some_and(Lane::holds_writers_up);
        let (mut first, then): (Vec<usize>, Vec<usize>) = (0..self.members.len()).partition(waits);
        first.extend(then);
        first
    }

    fn lane(&self, place: usize) -> Option<&Lane> {
        self.members.get(place).map(|member| &member.lane)
    }

    /// Moves pages of one database, and says how many.
    fn move_pages(&mut self, place: usize, limit: u32) -> Result<u32> {
        let Some(member) = self.members.get_mut(place) else { return Ok(0) };
        member.lane.move_pages(&mut self.target.file(place)?, limit)
    }

    fn left_of(&self, place: usize) -> u32 {
        self.lane(place).map_or(0, Lane::left)
    }

    fn keep(&mut self, place: usize) {
        if let Some(member) = self.members.get_mut(place) {
            member.lane.keep();
        }
    }

    /// Ends a snapshot and lets its database go, if that is not done already; says whether what was read counts.
    fn end(&mut self, place: usize) -> Result<bool> {
        let Some(member) = self.members.get_mut(place) else { return Ok(true) };
        let held = member.lane.end(true)?.is_some();
        member.lane.source.let_go();
        Ok(held)
    }

    /// An error met in a snapshot that did not hold is no error of the source: what was read may have been torn.
    fn settle_error(&mut self, place: usize, error: Error) -> Result<StepOutcome> {
        if error.kind() == ErrorKind::Damaged && !self.end(place)? {
            return self.withdraw(place);
        }
        Err(error)
    }

    /// One of the snapshots did not hold: all are started over, for they must be of one instant.
    fn withdraw(&mut self, place: usize) -> Result<StepOutcome> {
        self.let_go();
        self.restarts += 1;
        self.obstacle = Some((place, Obstacle::Change));
        if self.restarts > MOST_RESTARTS {
            return Err(self.busy_error(self.started.elapsed()));
        }
        Ok(StepOutcome::Busy)
    }

    /// Lets go of everything.
    fn let_go(&mut self) {
        self.begun = false;
        for member in &mut self.members {
            member.lane.let_go();
        }
    }

    /// A sum over all.
    fn sum(&self, of: impl Fn(&Lane) -> u32) -> u32 {
        self.members.iter().map(|member| of(&member.lane)).fold(0, u32::saturating_add)
    }
}

impl Steps for SetBackup {
    fn take(&mut self, pages: i32) -> Result<StepOutcome> {
        let outcome = self.try_step(u32::try_from(pages).ok());
        match &outcome {
            Ok(outcome) => self.outcome = *outcome,
            Err(_) => self.let_go(),
        }
        outcome
    }

    fn halt_by(&mut self, halt: &Halt) {
        self.members.iter_mut().for_each(|member| member.lane.halt_by(halt));
    }

    fn publish(&mut self) -> Result<()> {
        for place in 0..self.members.len() {
            self.target.file(place)?.show()?;
        }
        self.target.publish()
    }

    fn progress(&self) -> Progress {
        Progress {
            status: self.outcome.status(),
            remaining: self.sum(Lane::remaining),
            page_count: self.sum(|lane| lane.told.page_count),
            restarts: self.restarts,
        }
    }

    fn moved_bytes(&self) -> u64 {
        self.members.iter().map(|member| member.lane.mover.moved_bytes()).sum()
    }

    fn holds_writers_up(&self) -> bool {
        self.members.iter().any(|member| member.lane.holds_writers_up())
    }

    fn writer_waits(&self) -> bool {
        self.members.iter().any(|member| member.lane.source.writer_waits())
    }

    fn source(&self) -> Option<&Source> {
        self.lane(self.obstacle.map_or(0, |(place, _)| place)).map(|lane| &lane.source)
    }

    fn busy_error(&mut self, waited: Duration) -> Error {
        let (place, obstacle) = self.obstacle.unwrap_or((0, Obstacle::Change));
        match self.lane(place) {
            Some(lane) => run::busy_source(&lane.source, obstacle, waited),
            None => {
                Error::new(Path::new("the copy"), Problem::Busy { waited, obstacle, holders: Vec::new() })
            }
        }
    }
}
