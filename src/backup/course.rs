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
use crate::targets::PageOrder;
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
        }
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
    pub(super) fn is_complete(&self, left: u32) -> bool {
        // What is being filled is of several versions.
        left == 0 && self.phase != Phase::Filling
    }

    /// Whether a snapshot is to be kept until the end.
    pub(super) fn holds(&self, mode: JournalMode) -> bool {
        match (self.consistency, self.phase) {
            // What is being filled is of several versions, also when the source has turned to WAL mode meanwhile.
            (_, Phase::SteppingForGood | Phase::Filling) | (Consistency::Step, _) => false,
            (Consistency::Hold, _) | (Consistency::Auto, Phase::Holding) => true,
            (Consistency::Auto, _) => mode == JournalMode::Wal,
        }
    }

    /// Whether the snapshot that is held has met no limit yet; at a limit there are steps from now on, or it ends.
    pub(super) fn may_hold_on(&mut self, lane: &mut Lane) -> Result<bool> {
        let HoldLimits { time, log_growth_bytes, then } = self.limits;
        let (held, grown_bytes) = lane.held()?;
        if time.is_none_or(|most| held < most) && log_growth_bytes.is_none_or(|most| grown_bytes < most) {
            return Ok(true);
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

    /// Goes on to what ends more surely, when this makes no progress. A step is over that counts.
    pub(super) fn go_on(&mut self, lane: &mut Lane, restarted: bool) {
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
