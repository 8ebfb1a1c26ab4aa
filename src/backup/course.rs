//! What is held between the steps of a copy, and what is tried when steps make no progress.
//!
//! ```text
//!   stepping --- no new minimum of remaining pages ---> filling --- each page is there in some version ---> holding
//!   (the rest is copied, whatever is committed meanwhile)          (one snapshot: all compared, what differs written)
//!      |                                                                                                       |
//!      '------- a snapshot was held for as long as it may be ----> stepping for good <-------------------------'
//! ```

use super::consistency::{AtLimit, Consistency, HoldLimits};
use super::copy_options::CopyOptions;
use super::lane::{Lane, Position};
use super::page_cursor::PageCursor;
use super::run::Stall;
use super::stall_watch::StallWatch;
use crate::error::{Error, Problem, Result};
use crate::format::JournalMode;
use crate::source::Snapshot;
use crate::targets::{AnyTarget, PageOrder, Target};
use std::time::{Duration, Instant};

/// The course of one copy.
#[derive(Debug)]
pub(super) struct Course {
    consistency: Consistency,
    limits: HoldLimits,
    patience: Duration,
    /// In which order the target takes pages.
    order: PageOrder,
    phase: Phase,
    /// How many pages, from the first on, the target has in some version.
    filled: u32,
    watch: StallWatch,
    /// Since when somebody who checkpoints has waited for our snapshot to end.
    waited_for: Option<Instant>,
    /// No snapshot is held any more: others waited for its end.
    yields: bool,
}

/// For how long somebody who checkpoints is let wait for a snapshot that is held to an end nobody asked for.
const CHECKPOINTER_PATIENCE: Duration = Duration::from_millis(100);

/// What came of a step in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// Pages are left.
    More,
    /// All pages are in the target, in one version.
    Complete,
    /// The snapshot did not hold: what was read in it does not count.
    Withdrawn,
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

/// Where a copy goes on in a new snapshot.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) cursor: PageCursor,
    /// Whether the source has moved, and pages that counted are copied again (C5).
    pub(super) restarts: bool,
    /// Whether nothing in the target is of use, so that it has to begin anew.
    pub(super) anew: bool,
}

impl Course {
    pub(super) fn new(options: &CopyOptions, order: PageOrder) -> Self {
        Self {
            // What was given away cannot be had back: one snapshot, so that the copy need not restart.
            consistency: if order == PageOrder::Ascending { Consistency::Hold } else { options.consistency },
            limits: options.hold_limits,
            patience: options.patience,
            order,
            phase: Phase::Stepping,
            filled: 0,
            watch: StallWatch::new(Instant::now()),
            waited_for: None,
            yields: false,
        }
    }

    /// Whether a copy in a target that takes pages in order only is to be spooled: commits would wait for whoever takes it.
    pub(super) fn spools(&self, options: &CopyOptions, mode: JournalMode) -> bool {
        self.order == PageOrder::Ascending
            && options.consistency == Consistency::Auto
            && mode == JournalMode::Rollback
            // What is read back is to be what the target has.
            && !options.treatment.compares()
    }

    /// From now on pages go where they can come in any order.
    pub(super) fn leave_order(&mut self, options: &CopyOptions) {
        (self.order, self.consistency) = (PageOrder::Any, options.consistency);
    }

    /// Moves up to `limit` pages in the snapshot at hand, and ends it unless it is held for the next step.
    pub(super) fn advance(
        &mut self,
        lane: &mut Lane,
        target: &mut impl Target,
        limit: u32,
    ) -> Result<Advance> {
        match lane.move_pages(target, limit) {
            Ok(_) => {}
            // What was read in a snapshot that did not hold may have been torn: that is no error of the source.
            Err(error) if error.may_be_half_a_change() && lane.end(true)?.is_none() => {
                return Ok(Advance::Withdrawn);
            }
            Err(error) => return Err(error),
        }
        let is_complete = self.is_complete(lane.left());
        let holds = lane.snapshot().is_some_and(|snapshot| self.holds(snapshot.journal_mode()));
        let restarted = if !is_complete && holds && self.may_hold_on(lane)? {
            lane.keep()
        } else {
            let Some(restarted) = lane.end(holds)? else { return Ok(Advance::Withdrawn) };
            restarted
        };
        if is_complete {
            return Ok(Advance::Complete);
        }
        self.go_on(lane, restarted);
        if !lane.holds_writers_up() {
            target.between_steps()?;
        }
        Ok(Advance::More)
    }

    /// How many pages to take at a step where nobody says.
    pub(super) fn usual_pages(&self) -> i32 {
        // Auto holds nothing between steps at first: so there have to be some.
        if self.consistency == Consistency::Auto { 1_000 } else { -1 }
    }

    /// Where to go on in `snapshot`: behind what is in the target already, or at the first page.
    pub(super) fn start(&mut self, lane: &Lane, snapshot: &Snapshot) -> Start {
        let (page_count, page_size) = (snapshot.page_count(), snapshot.page_size());
        let first = PageCursor::new(page_count, page_size);
        let Some(Position { stamp, cursor, page_size: same }) = lane.position() else {
            self.filled = 0;
            return Start { cursor: first, restarts: false, anew: true };
        };
        let on = |cursor| Start { cursor, restarts: false, anew: false };
        if *same != page_size {
            self.filled = 0;
            return Start { cursor: first, restarts: true, anew: true };
        }
        if self.phase == Phase::Filling {
            return on(PageCursor::behind(self.filled, page_count, page_size));
        }
        if stamp.same_content(&snapshot.stamp()) {
            return on(cursor.clone());
        }
        if !lane.mover.leaves_out()
            && self.consistency != Consistency::Step
            && let Some(changed) = snapshot.pages_changed_since(stamp)
        {
            let mut cursor = cursor.clone();
            cursor.catch_up(page_count, changed);
            return on(cursor);
        }
        Start { cursor: first, restarts: true, anew: false }
    }

    /// Whether all pages being there makes a copy.
    fn is_complete(&self, left: u32) -> bool {
        // What is being filled is of several versions.
        left == 0 && self.phase != Phase::Filling
    }

    /// Whether a snapshot is to be kept until the end.
    fn holds(&self, mode: JournalMode) -> bool {
        match (self.consistency, self.phase) {
            // What is being filled is of several versions, also when the source has turned to WAL mode meanwhile.
            (_, Phase::SteppingForGood | Phase::Filling) | (Consistency::Step, _) => false,
            (Consistency::Hold, _) | (Consistency::Auto, Phase::Holding) => true,
            (Consistency::Auto, _) => mode == JournalMode::Wal && !self.yields,
        }
    }

    /// Whether the snapshot that is held has met no limit yet; at a limit there are steps from now on, or it ends.
    fn may_hold_on(&mut self, lane: &mut Lane) -> Result<bool> {
        let HoldLimits { time, log_growth_bytes, then } = self.limits;
        let (held, grown_bytes) = lane.held()?;
        if time.is_none_or(|most| held < most) && log_growth_bytes.is_none_or(|most| grown_bytes < most) {
            return Ok(!self.yields_to_checkpointer(lane));
        }
        // What a stream was given cannot be given again.
        if then == AtLimit::Fail || self.order == PageOrder::Ascending {
            return Err(Error::new(lane.source.name(), Problem::HoldLimit { held, grown_bytes }));
        }
        // What is committed from now on can be told from the log, and copied again alone.
        lane.source.follow_log();
        self.phase = Phase::SteppingForGood;
        self.watch = StallWatch::new(Instant::now());
        Ok(false)
    }

    /// Whether the snapshot is let go because somebody who checkpoints waits for its end, and with them all who write; only where
    /// nobody asked for it, and pages can come again.
    fn yields_to_checkpointer(&mut self, lane: &mut Lane) -> bool {
        if self.consistency != Consistency::Auto
            || self.phase != Phase::Stepping
            || self.order == PageOrder::Ascending
        {
            return false;
        }
        if !lane.source.checkpointer_waits() {
            self.waited_for = None;
            return false;
        }
        let since = *self.waited_for.get_or_insert_with(Instant::now);
        self.yields = since.elapsed() >= CHECKPOINTER_PATIENCE;
        if self.yields {
            lane.source.follow_log();
            self.watch = StallWatch::new(Instant::now());
        }
        self.yields
    }

    /// Goes on to what ends more surely, when this makes no progress. A step is over that counts.
    fn go_on(&mut self, lane: &mut Lane, restarted: bool) {
        self.watch.note(lane.remaining(), restarted, Instant::now());
        self.filled = self.filled.max(lane.passed());
        match self.phase {
            Phase::Stepping
                if self.consistency == Consistency::Auto
                    && lane.snapshot().is_none()
                    && self.watch.is_stalled(self.patience) =>
            {
                if lane.mover.leaves_out() {
                    // No page of another version is of use.
                    self.phase = Phase::Holding;
                    lane.start_over();
                } else {
                    self.phase = Phase::Filling;
                }
            }
            Phase::Filling if lane.remaining() == 0 => {
                self.phase = Phase::Holding;
                lane.start_over();
            }
            _ => {}
        }
    }

    /// Whether it makes no progress, and nothing else is going to be tried.
    pub(super) fn stall(&self) -> Option<Stall> {
        // Who holds, or is going to, comes to an end.
        let ends = self.consistency != Consistency::Step && self.phase != Phase::SteppingForGood;
        let stalled = !ends && self.watch.is_stalled(self.patience);
        stalled.then(|| Stall { lowest: self.watch.lowest(), elapsed: self.watch.elapsed() })
    }
}
