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
//! One step: the source is locked, its stamp compared (C5), pages moved, and let go again (C7), unless the snapshot is held
//! for the next step. What [`Consistency::Auto`] does when steps lead nowhere:
//!
//! ```text
//!   stepping --- no new low of remaining ---> filling --- each page is there in some version ---> holding
//!   (the rest is copied, whatever is committed meanwhile)      (one snapshot: all compared, what differs written)
//! ```

use super::consistency::{AtLimit, Consistency, HoldLimits};
#[cfg(feature = "manifest")]
use super::known_pages::KnownPages;
use super::page_cursor::PageCursor;
use super::page_mover::PageMover;
use super::run::{CopyReport, Progress, Stall, Steps};
use super::stall_watch::StallWatch;
use super::step_outcome::StepOutcome;
use super::treatment::Treatment;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::format::{JournalMode, PageSize};
#[cfg(feature = "manifest")]
use crate::manifest::Manifest;
use crate::source::{ChangeStamp, Snapshot, Source, Standing};
use crate::targets::{PageOrder, Target};
use std::path::Path;
use std::time::{Duration, Instant};

/// For how long there may be no new low of `remaining` before steps are taken to lead nowhere.
const PATIENCE: Duration = Duration::from_secs(2);

/// A copy under way from a [`Source`] to a [`Target`].
///
/// Dropped before it is [`Done`](StepOutcome::Done), it leaves the target as it was.
#[derive(Debug)]
#[must_use = "a copy that is dropped before it is done leaves the target as it was"]
pub struct Backup<T> {
    source: Source,
    target: T,
    consistency: Consistency,
    hold_limits: HoldLimits,
    patience: Duration,
    phase: Phase,
    state: State,
    /// The snapshot that is kept between steps.
    held: Option<Lease>,
    /// How many pages, from the first on, the target has in some version.
    filled: u32,
    watch: StallWatch,
    counts: Counts,
    mover: PageMover,
    /// Why the target could not be locked at the last try.
    target_in_use: Option<Obstacle>,
}

/// How far it has come with ways to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Stepping,
    /// The rest is copied in whatever version: what is there already need not be written when commits wait.
    Filling,
    /// One snapshot until the end.
    Holding,
    /// In steps again, because a snapshot was held for as long as it may be.
    SteppingForGood,
}

/// A snapshot, and since when it has lasted.
#[derive(Debug)]
struct Lease {
    snapshot: Snapshot,
    since: Instant,
    /// The size of the log then.
    log_bytes: u64,
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
    /// What the snapshot of that step told of itself, and what was counted until then.
    pub(super) told: CopyReport,
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
        let consistency = allowed_by(&target, Consistency::default());
        Ok(Self {
            source,
            target,
            consistency,
            hold_limits: HoldLimits::default(),
            patience: PATIENCE,
            phase: Phase::Stepping,
            state: State::Fresh,
            held: None,
            filled: 0,
            watch: StallWatch::new(Instant::now()),
            counts: Counts::default(),
            mover: PageMover::default(),
            target_in_use: None,
        })
    }

    /// The same with another [`Consistency`] than the default, [`Step`](Consistency::Step). A target that takes pages
    /// only in order, each once, has to have [`Hold`](Consistency::Hold), and gets it whatever is asked for.
    pub fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = allowed_by(&self.target, consistency);
        self
    }

    /// The same with other limits to holding a snapshot than the default, none.
    pub fn with_hold_limits(mut self, limits: HoldLimits) -> Self {
        self.hold_limits = limits;
        self
    }

    /// The same with another time without a new low of `remaining` after which steps are taken to lead nowhere; the default
    /// is 2 s. It is never less than twice the longest time between two restarts.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same with another [`Treatment`] of the pages than the default, none. To be chosen before the first step.
    pub fn with_treatment(mut self, treatment: Treatment) -> Self {
        self.mover = PageMover::new(treatment);
        self
    }

    /// The same into a target of which these pages are known.
    #[cfg(feature = "manifest")]
    pub(super) fn with_known_pages(mut self, known: Option<KnownPages>) -> Self {
        if let Some(known) = known {
            self.mover.trust(known);
        }
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
            self.abandon();
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
        self.counts.told.restarts
    }

    /// By what the copy can be checked later: when it is done, and only if its [`Treatment`] asks for it.
    #[cfg(feature = "manifest")]
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.mover.manifest()
    }

    /// Gives the target back; one that is not done is as if it had never been used.
    pub fn into_target(self) -> T {
        self.target
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    fn try_step(&mut self, limit: u32) -> Result<StepOutcome> {
        self.target_in_use = match self.target.lock()? {
            Attempt::Got(()) => None,
            Attempt::Busy(obstacle) => Some(obstacle),
        };
        if self.target_in_use.is_some() {
            return Ok(StepOutcome::Busy);
        }
        let (lease, mut cursor, restarts) = match (self.held.take(), &self.state) {
            // The same snapshot: there is nothing to compare.
            (Some(lease), State::Copying { cursor, .. }) => (lease, cursor.clone(), false),
            _ => {
                let since = Instant::now();
                let snapshot = match self.source.begin()? {
                    Attempt::Got(snapshot) => snapshot,
                    Attempt::Busy(obstacle) => return Ok(self.busy(obstacle)),
                };
                let (cursor, restarts) = self.find_position(&snapshot)?;
                (Lease { snapshot, since, log_bytes: self.source.log_bytes()? }, cursor, restarts)
            }
        };
        if let Err(error) = self.mover.move_pages(&lease.snapshot, &mut self.target, &mut cursor, limit) {
            return self.settle_error(lease.snapshot, error);
        }
        let (stamp, page_size) = (lease.snapshot.stamp(), lease.snapshot.page_size());
        let mut told = self.counts.told.seen_again(&lease.snapshot, restarts);
        let done = cursor.remaining() == 0 && self.phase != Phase::Filling;
        if !done && self.holds(lease.snapshot.journal_mode()) && self.may_hold_on(&lease)? {
            told.held = true;
            self.held = Some(lease);
        } else {
            let since = lease.since;
            if self.source.end(lease.snapshot)? == Standing::Withdrawn {
                return Ok(self.withdraw(restarts || self.holds(told.mode)));
            }
            told.note_lock(since.elapsed());
        }
        self.counts = Counts { remaining: cursor.remaining(), told, obstacle: None };
        if !done {
            self.watch.note(cursor.remaining(), restarts, Instant::now());
            self.filled = self.filled.max(cursor.passed());
            cursor = self.next_phase(cursor);
            self.state = State::Copying { stamp, cursor, page_size };
            if !self.holds_writers_up() {
                self.target.between_steps()?;
            }
            return Ok(StepOutcome::More);
        }
        self.finish()
    }

    /// All pages are there: what follows is the target's alone (C7).
    fn finish(&mut self) -> Result<StepOutcome> {
        self.source.let_go();
        self.counts.told.page_count = self.mover.seal(&mut self.target)?;
        self.target.publish()?;
        let told = &mut self.counts.told;
        (told.read_bytes, told.written_bytes) = (self.mover.moved_bytes(), self.target.written_bytes());
        self.state = State::Done;
        Ok(StepOutcome::Done)
    }

    /// Where to go on, behind what is in the target already; or at the first page, and whether that is a restart
    /// because the source has moved (C5).
    fn find_position(&mut self, snapshot: &Snapshot) -> Result<(PageCursor, bool)> {
        let (page_count, page_size) = (snapshot.page_count(), snapshot.page_size());
        let begun_with = match &self.state {
            State::Copying { page_size: same, .. } if self.phase == Phase::Filling && *same == page_size => {
                return Ok((PageCursor::behind(self.filled, page_count, page_size), false));
            }
            State::Copying { stamp, cursor, .. } if stamp.same_content(&snapshot.stamp()) => {
                return Ok((cursor.clone(), false));
            }
            State::Copying { stamp, cursor, page_size: same } => {
                if *same == page_size
                    && !self.mover.leaves_out()
                    && self.consistency != Consistency::Step
                    && let Some(changed) = snapshot.pages_changed_since(stamp)
                {
                    let mut cursor = cursor.clone();
                    cursor.catch_up(page_count, changed);
                    return Ok((cursor, false));
                }
                Some(*same)
            }
            State::Fresh | State::Done | State::Failed(_) => None,
        };
        if begun_with != Some(page_size) {
            self.target.begin(snapshot.shape())?;
            self.filled = 0;
        }
        Ok((PageCursor::new(page_count, page_size), begun_with.is_some()))
    }

    /// Whether the snapshot is to be kept until the end.
    fn holds(&self, mode: JournalMode) -> bool {
        match (self.consistency, self.phase) {
            // What is being filled is of several versions, also when the source has turned to WAL mode meanwhile.
            (_, Phase::SteppingForGood | Phase::Filling) | (Consistency::Step, _) => false,
            (Consistency::Hold, _) | (Consistency::Auto, Phase::Holding) => true,
            (Consistency::Auto, _) => mode == JournalMode::Wal,
        }
    }

    /// Whether a snapshot that is held has met no limit yet; at a limit there are steps from now on, or it ends.
    fn may_hold_on(&mut self, lease: &Lease) -> Result<bool> {
        let HoldLimits { time, log_growth_bytes, then } = self.hold_limits;
        let held = lease.since.elapsed();
        let grown_bytes = self.source.log_bytes()?.saturating_sub(lease.log_bytes);
        if time.is_none_or(|most| held < most) && log_growth_bytes.is_none_or(|most| grown_bytes < most) {
            return Ok(true);
        }
        // What a stream was given cannot be given again.
        if then == AtLimit::Fail || self.target.order() == PageOrder::Ascending {
            return Err(Error::new(self.source.name(), Problem::HoldLimit { held, grown_bytes }));
        }
        // What is committed from now on can be told from the log, and copied again alone.
        self.source.follow_log();
        self.phase = Phase::SteppingForGood;
        self.watch = StallWatch::new(Instant::now());
        Ok(false)
    }

    /// Goes on to what ends more surely, when this leads nowhere; where it then begins.
    fn next_phase(&mut self, cursor: PageCursor) -> PageCursor {
        let stalled = self.watch.is_stalled(self.patience, Instant::now());
        match self.phase {
            Phase::Stepping if self.consistency == Consistency::Auto && self.held.is_none() && stalled => {
                if self.mover.leaves_out() {
                    // No page of another version is of use.
                    self.phase = Phase::Holding;
                    return cursor.begun_again();
                }
                self.phase = Phase::Filling;
                cursor
            }
            Phase::Filling if cursor.remaining() == 0 => {
                self.phase = Phase::Holding;
                cursor.begun_again()
            }
            _ => cursor,
        }
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
            self.counts.told.restarts += 1;
            self.state = State::Fresh;
        }
        self.busy(Obstacle::Change)
    }

    fn busy(&mut self, obstacle: Obstacle) -> StepOutcome {
        self.counts.obstacle = Some(obstacle);
        StepOutcome::Busy
    }
}

/// What a target that cannot have pages again must have is one snapshot, so that the copy need not begin again.
fn allowed_by(target: &impl Target, consistency: Consistency) -> Consistency {
    match target.order() {
        PageOrder::Any => consistency,
        PageOrder::Ascending => Consistency::Hold,
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

    fn usual_pages(&self) -> i32 {
        // Which holds nothing between steps: so there have to be some.
        if self.consistency == Consistency::Auto { 1_000 } else { -1 }
    }

    fn stall(&self) -> Option<Stall> {
        let now = Instant::now();
        // Who holds, or is going to, comes to an end.
        let ends = match self.consistency {
            Consistency::Step => false,
            Consistency::Hold | Consistency::Auto => self.phase != Phase::SteppingForGood,
        };
        let stalled = !ends && self.watch.is_stalled(self.patience, now);
        stalled.then(|| Stall { lowest: self.watch.lowest(), elapsed: self.watch.elapsed(now) })
    }

    fn moved_bytes(&self) -> u64 {
        self.mover.moved_bytes()
    }

    fn holds_writers_up(&self) -> bool {
        self.held.is_some() && self.counts.told.mode == JournalMode::Rollback
    }

    fn writer_waits(&self) -> bool {
        self.source.writer_waits()
    }

    fn in_the_way(&self) -> (Option<&Source>, Obstacle) {
        (Some(&self.source), self.counts.obstacle.unwrap_or(Obstacle::Change))
    }

    fn target_in_use(&self) -> Option<(&Path, Obstacle)> {
        let path = self.target.path().unwrap_or(Path::new("the target"));
        self.target_in_use.map(|obstacle| (path, obstacle))
    }

    fn abandon(&mut self) {
        self.held = None;
        self.source.let_go();
        if !matches!(self.state, State::Done) {
            self.target.abandon();
        }
        if matches!(self.state, State::Copying { .. }) {
            // What lay in the target is gone.
            self.state = State::Fresh;
        }
    }
}
