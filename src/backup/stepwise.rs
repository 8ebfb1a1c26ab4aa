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
//! One step: the source is locked, its stamp compared (C5), pages moved, and let go again (C7), unless
//! [`Consistency::Hold`] keeps one snapshot from the first step to the last.

use super::page_cursor::PageCursor;
use super::page_mover::PageMover;
use super::run::{CopyReport, Progress, Steps};
use super::treatment::Treatment;
use crate::error::{Error, ErrorKind, Obstacle, Result};
use crate::format::PageSize;
use crate::source::{Begun, ChangeStamp, Snapshot, Source, Standing};
use crate::target::Target;

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
}

/// A copy under way from a [`Source`] to a [`Target`].
///
/// Dropped before it is [`Done`](StepOutcome::Done), it leaves the target as it was.
#[derive(Debug)]
#[must_use = "a copy that is dropped before it is done leaves the target as it was"]
pub struct Backup<T> {
    source: Source,
    target: T,
    consistency: Consistency,
    state: State,
    /// The snapshot that is kept between steps by [`Consistency::Hold`].
    held: Option<Snapshot>,
    counts: Counts,
    mover: PageMover,
}

#[derive(Debug)]
enum State {
    /// No page of the version at hand is in the target.
    Fresh,
    /// The pages before the cursor are in the target, in the version of the stamp.
    Copying {
        stamp: ChangeStamp,
        cursor: PageCursor,
        page_size: PageSize,
    },
    Done,
    Failed(Error),
}

/// What is told between steps: as of the last step that found the source free.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) remaining: u32,
    /// What the snapshot of that step told of itself.
    pub(super) told: CopyReport,
    pub(super) restarts: u64,
    pub(super) obstacle: Option<Obstacle>,
}

impl<T: Target> Backup<T> {
    /// Prepares a copy. No lock is taken, and nothing is created.
    ///
    /// # Errors
    ///
    /// When the target refuses the source: [`SameFile`](ErrorKind::SameFile),
    /// [`TargetExists`](ErrorKind::TargetExists) and their like.
    pub fn new(source: Source, mut target: T) -> Result<Self> {
        target.admit(source.path())?;
        Ok(Self {
            source,
            target,
            consistency: Consistency::default(),
            state: State::Fresh,
            held: None,
            counts: Counts::default(),
            mover: PageMover::default(),
        })
    }

    /// The same with another [`Consistency`] than the default, [`Step`](Consistency::Step).
    pub fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// The same with another [`Treatment`] of the pages than the default, none. To be chosen before the first step.
    pub fn with_treatment(mut self, treatment: Treatment) -> Self {
        self.mover = PageMover::new(treatment);
        self
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
            State::Done => return Ok(StepOutcome::Done),
            State::Failed(error) => return Err(error.clone()),
            State::Fresh | State::Copying { .. } => {}
        }
        let limit = u32::try_from(pages).unwrap_or(u32::MAX);
        let outcome = self.try_step(limit);
        if let Err(error) = &outcome {
            self.held = None;
            self.source.let_go();
            self.state = State::Failed(error.clone());
        }
        outcome
    }

    /// How many pages were left at the end of the last step that was not busy; 0 before the first.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.counts.remaining
    }

    /// How many pages the source had at the last step that was not busy; 0 before the first.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.counts.told.page_count
    }

    /// How often the copy began again because the source had moved.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.counts.restarts
    }

    /// Gives the target back; one that is not done is as if it had never been used.
    pub fn into_target(self) -> T {
        self.target
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    fn try_step(&mut self, limit: u32) -> Result<StepOutcome> {
        let (snapshot, (mut cursor, restarts)) = match (self.held.take(), &self.state) {
            // The same snapshot: there is nothing to compare.
            (Some(snapshot), &State::Copying { cursor, .. }) => (snapshot, (cursor, false)),
            _ => match self.source.begin()? {
                Begun::Snapshot(snapshot) => {
                    let position = self.find_position(&snapshot)?;
                    (*snapshot, position)
                }
                Begun::Busy(obstacle) => return Ok(self.busy(obstacle)),
            },
        };
        if let Err(error) = self.mover.move_pages(&snapshot, &mut self.target, &mut cursor, limit) {
            return self.settle_error(snapshot, error);
        }
        let (stamp, page_size, told) = (snapshot.stamp(), snapshot.page_size(), CopyReport::of(&snapshot));
        let done = cursor.remaining() == 0;
        if self.consistency == Consistency::Hold && !done {
            self.held = Some(snapshot);
        } else if self.source.end(snapshot)? == Standing::Withdrawn {
            return Ok(self.withdraw(restarts || self.consistency == Consistency::Hold));
        }
        self.counts = Counts {
            remaining: cursor.remaining(),
            told,
            restarts: self.counts.restarts + u64::from(restarts),
            obstacle: None,
        };
        if !done {
            self.state = State::Copying { stamp, cursor, page_size };
            return Ok(StepOutcome::More);
        }
        // C7: what follows is the target's alone.
        self.source.let_go();
        self.counts.told.page_count = self.mover.seal(&mut self.target)?;
        self.target.publish()?;
        self.state = State::Done;
        Ok(StepOutcome::Done)
    }

    /// Where to go on, behind what is in the target already; or at the first page, and whether that is a restart
    /// because the source has moved (C5).
    fn find_position(&mut self, snapshot: &Snapshot) -> Result<(PageCursor, bool)> {
        let begun_with = match &self.state {
            State::Copying { stamp, cursor, .. } if stamp.same_content(&snapshot.stamp()) => {
                return Ok((*cursor, false));
            }
            State::Copying { page_size, .. } => Some(*page_size),
            State::Fresh | State::Done | State::Failed(_) => None,
        };
        if begun_with != Some(snapshot.page_size()) {
            self.target.begin(snapshot.shape())?;
        }
        Ok((PageCursor::new(snapshot.page_count(), snapshot.page_size()), begun_with.is_some()))
    }

    /// An error met in a snapshot that did not hold is no error of the source: what was read may have been torn.
    fn settle_error(&mut self, snapshot: Snapshot, error: Error) -> Result<StepOutcome> {
        if error.kind() == ErrorKind::Damaged && self.source.end(snapshot)? == Standing::Withdrawn {
            return Ok(self.withdraw(true));
        }
        Err(error)
    }

    /// What was read in a snapshot that did not hold may be of two versions: it is read again, as if not at all.
    /// When it already lies over pages that counted, those count no longer.
    fn withdraw(&mut self, lies_over_counted_pages: bool) -> StepOutcome {
        if lies_over_counted_pages {
            self.counts.restarts += 1;
            self.state = State::Fresh;
        }
        self.busy(Obstacle::Change)
    }

    fn busy(&mut self, obstacle: Obstacle) -> StepOutcome {
        self.counts.obstacle = Some(obstacle);
        StepOutcome::Busy
    }
}

impl<T: Target> Steps for Backup<T> {
    fn take(&mut self, pages: i32) -> Result<StepOutcome> {
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

    fn in_the_way(&self) -> (Option<&Source>, Obstacle) {
        (Some(&self.source), self.counts.obstacle.unwrap_or(Obstacle::Change))
    }
}
