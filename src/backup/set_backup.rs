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

use super::page_cursor::PageCursor;
use super::page_mover::PageMover;
use super::run::{self, CopyReport, Progress, Ran, Steps};
use super::step_outcome::StepOutcome;
use super::treatment::Treatment;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, ErrorKind, Result};
use crate::format::JournalMode;
use crate::source::{DatabaseSet, Snapshot, Source, Standing};
use crate::targets::{FolderTarget, Target};
use std::path::Path;
use std::time::Instant;

/// How often a copy may be withdrawn and begun again.
const MOST_RESTARTS: u64 = 20;

/// A copy under way from a set to a new folder.
#[derive(Debug)]
pub(super) struct SetBackup {
    members: Vec<Member>,
    target: FolderTarget,
    /// The snapshots have begun, and some are still to be copied.
    begun: bool,
    started: Instant,
    remaining: u32,
    page_count: u32,
    restarts: u64,
    /// Whose database was in the way, by its place.
    obstacle: Option<(usize, Obstacle)>,
}

#[derive(Debug)]
struct Member {
    name: String,
    source: Source,
    /// As long as it is not copied to its end.
    snapshot: Option<Snapshot>,
    cursor: Option<PageCursor>,
    mover: PageMover,
    /// What the snapshot told of itself; counts and times are the set's.
    report: Option<CopyReport>,
}

impl SetBackup {
    /// Prepares a copy. No lock is taken, and nothing is created. Without `sync`, nothing is brought to the device.
    pub(super) fn new(set: &DatabaseSet, folder: &Path, sync: bool, treatment: Treatment) -> Result<Self> {
        let mut members = Vec::new();
        for name in set.names() {
            let source = set.source(name)?;
            members.push(Member {
                name: name.to_owned(),
                source,
                snapshot: None,
                cursor: None,
                mover: PageMover::new(treatment),
                report: None,
            });
        }
        let sources = members.iter().filter_map(|member| member.source.path().map(Path::to_owned)).collect();
        Ok(Self {
            target: FolderTarget::admit(folder, sources, sync, !treatment.leaves_out())?,
            members,
            begun: false,
            started: Instant::now(),
            remaining: 0,
            page_count: 0,
            restarts: 0,
            obstacle: None,
        })
    }

    /// What came of each database, by its name.
    pub(super) fn into_reports(self, ran: &Ran) -> Vec<(String, CopyReport)> {
        let restarts = self.restarts;
        let report =
            |report| CopyReport { restarts, busy_count: ran.busy_count, elapsed: ran.elapsed, ..report };
        self.members.into_iter().filter_map(|it| Some((it.name, report(it.report?)))).collect()
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
            while self.remaining_of(place) > 0 && left != Some(0) {
                let passed = match self.move_pages(place, left.unwrap_or(u32::MAX)) {
                    Ok(passed) => passed,
                    Err(error) => return self.settle_error(place, error),
                };
                left = left.map(|left| left.saturating_sub(passed));
            }
            if self.remaining_of(place) == 0 && self.end(place)? == Standing::Withdrawn {
                return self.withdraw(place);
            }
        }
        self.count();
        if self.remaining > 0 {
            return Ok(StepOutcome::More);
        }
        for (place, member) in self.members.iter_mut().enumerate() {
            let Some(report) = &mut member.report else { continue };
            let mut file = self.target.file(place)?;
            report.page_count = member.mover.seal(&mut file)?;
            file.publish()?;
            (report.read_bytes, report.written_bytes) = (member.mover.moved_bytes(), file.written_bytes());
        }
        self.target.publish()?;
        Ok(StepOutcome::Done)
    }

    /// Begins the snapshots of all; or says whose database is in the way, with some still held.
    fn begin(&mut self) -> Result<Option<(usize, Obstacle)>> {
        for member in &mut self.members {
            // Busy is no matter yet.
            let _ = member.source.begin()?;
        }
        for (place, member) in self.members.iter_mut().enumerate() {
            if let Attempt::Busy(obstacle) = member.source.lock()? {
                return Ok(Some((place, obstacle)));
            }
        }
        let mut gates = Vec::new();
        for (place, member) in self.members.iter().enumerate() {
            match member.source.close_gate()? {
                Attempt::Got(gate) => gates.push(gate),
                Attempt::Busy(obstacle) => return Ok(Some((place, obstacle))),
            }
        }
        for (place, (member, gate)) in self.members.iter_mut().zip(&gates).enumerate() {
            let snapshot = match member.source.begin_at_once()? {
                Attempt::Got(snapshot) => snapshot,
                Attempt::Busy(obstacle) => return Ok(Some((place, obstacle))),
            };
            if snapshot.joins_wal_index() && gate.is_none() {
                // It appeared after we had looked for it: in it somebody can have committed since.
                return Ok(Some((place, Obstacle::Change)));
            }
            member.snapshot = Some(snapshot);
        }
        drop(gates);
        self.target.begin()?;
        for (place, member) in self.members.iter_mut().enumerate() {
            let Some(snapshot) = &member.snapshot else { continue };
            self.target.file(place)?.begin(snapshot.shape())?;
            member.cursor = Some(PageCursor::new(snapshot.page_count(), snapshot.page_size()));
            member.report = Some(CopyReport::of(snapshot));
        }
        Ok(None)
    }

    /// The places in the order of copying: those first whose writers wait until we are done.
    fn order(&self) -> Vec<usize> {
        let waits = |place: &usize| {
            let report = self.members.get(*place).and_then(|member| member.report);
            report.is_some_and(|report| report.mode == JournalMode::Rollback)
        };
        let (mut first, then): (Vec<usize>, Vec<usize>) = (0..self.members.len()).partition(waits);
        first.extend(then);
        first
    }

    /// Moves pages of one database, and says how many.
    fn move_pages(&mut self, place: usize, limit: u32) -> Result<u32> {
        let Some(Member { snapshot: Some(snapshot), cursor: Some(cursor), mover, .. }) =
            self.members.get_mut(place)
        else {
            return Ok(0);
        };
        let before = cursor.remaining();
        mover.move_pages(snapshot, &mut self.target.file(place)?, cursor, limit)?;
        Ok(before - cursor.remaining())
    }

    fn remaining_of(&self, place: usize) -> u32 {
        self.members.get(place).and_then(|member| member.cursor.as_ref()).map_or(0, PageCursor::remaining)
    }

    /// Ends a snapshot and lets its database go; one that is ended already stays as it is.
    fn end(&mut self, place: usize) -> Result<Standing> {
        let Some(member) = self.members.get_mut(place) else { return Ok(Standing::Confirmed) };
        let Some(snapshot) = member.snapshot.take() else { return Ok(Standing::Confirmed) };
        let standing = member.source.end(snapshot)?;
        member.source.let_go();
        Ok(standing)
    }

    /// An error met in a snapshot that did not hold is no error of the source: what was read may have been torn.
    fn settle_error(&mut self, place: usize, error: Error) -> Result<StepOutcome> {
        if error.kind() == ErrorKind::Damaged && self.end(place)? == Standing::Withdrawn {
            return self.withdraw(place);
        }
        Err(error)
    }

    /// One of the snapshots did not hold: all are begun again, for they must be of one instant.
    fn withdraw(&mut self, place: usize) -> Result<StepOutcome> {
        self.let_go();
        self.restarts += 1;
        self.obstacle = Some((place, Obstacle::Change));
        if self.restarts > MOST_RESTARTS {
            return Err(run::give_up_busy(self, self.started.elapsed()));
        }
        Ok(StepOutcome::Busy)
    }

    /// Lets go of everything.
    fn let_go(&mut self) {
        self.begun = false;
        for member in &mut self.members {
            (member.snapshot, member.cursor, member.report) = (None, None, None);
            member.source.let_go();
        }
    }

    fn count(&mut self) {
        let sum = |of: fn(&Member) -> u32| self.members.iter().map(of).fold(0, u32::saturating_add);
        let remaining = sum(|member| member.cursor.as_ref().map_or(0, PageCursor::remaining));
        let page_count = sum(|member| member.report.map_or(0, |report| report.page_count));
        (self.remaining, self.page_count) = (remaining, page_count);
    }
}

impl Steps for SetBackup {
    fn take(&mut self, pages: i32) -> Result<StepOutcome> {
        let outcome = self.try_step(u32::try_from(pages).ok());
        if outcome.is_err() {
            self.let_go();
        }
        outcome
    }

    fn progress(&self, outcome: StepOutcome) -> Progress {
        Progress {
            status: outcome.status(),
            remaining: self.remaining,
            page_count: self.page_count,
            restarts: self.restarts,
        }
    }

    fn moved_bytes(&self) -> u64 {
        self.members.iter().map(|member| member.mover.moved_bytes()).sum()
    }

    fn holds_writers_up(&self) -> bool {
        let holds = |snapshot: &Snapshot| snapshot.journal_mode() == JournalMode::Rollback;
        self.members.iter().any(|member| member.snapshot.as_ref().is_some_and(holds))
    }

    fn writer_waits(&self) -> bool {
        self.members.iter().any(|member| member.source.writer_waits())
    }

    fn abandon(&mut self) {
        self.let_go();
    }

    fn in_the_way(&self) -> (Option<&Source>, Obstacle) {
        let (place, obstacle) = self.obstacle.unwrap_or((0, Obstacle::Change));
        (self.members.get(place).map(|member| &member.source), obstacle)
    }
}
