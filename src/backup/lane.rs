//! One database on its way to one target: the source, the snapshot at hand, and how far its pages have come.
//!
//! ```text
//!              take_up                move_pages               end: confirmed
//!   [between] ---------> [snapshot] --------------> [snapshot] ----------------> [between], pages count
//!       ^                               '-- keep -->   |  '---- end: withdrawn --> [between], pages do not
//!       '------------------- let_go ------------------'
//! ```

use super::page_cursor::PageCursor;
use super::page_mover::PageMover;
use super::report::CopyReport;
use crate::error::Result;
use crate::format::{JournalMode, PageSize};
use crate::halt::Halt;
use crate::source::{ChangeStamp, Snapshot, Source, Standing};
use crate::targets::{AnyTarget, Target};
use std::time::{Duration, Instant};

/// A database on its way.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) source: Source,
    pub(super) mover: PageMover,
    lease: Option<Lease>,
    position: Option<Position>,
    /// Pages left at the end of the last step that counted.
    remaining: u32,
    /// What the snapshot of that step told of itself, and what was counted until then.
    pub(super) told: CopyReport,
}

/// A snapshot at hand.
#[derive(Debug)]
struct Lease {
    snapshot: Snapshot,
    cursor: PageCursor,
    since: Instant,
    /// The size of the log then.
    log_bytes: u64,
    /// Whether it writes over pages of another version, which count no longer.
    restarts: bool,
    /// Whether it was kept over the end of a step.
    kept: bool,
}

/// The pages before the cursor are in the target, in the version of the stamp.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) stamp: ChangeStamp,
    pub(super) cursor: PageCursor,
    pub(super) page_size: PageSize,
}

impl Lane {
    pub(super) fn new(mut source: Source, mover: PageMover) -> Self {
        source.read_committed();
        Self { source, mover, lease: None, position: None, remaining: 0, told: CopyReport::default() }
    }

    /// From now on whatever takes long ends early when it has to.
    pub(super) fn halt_by(&mut self, halt: &Halt) {
        self.source.halt_by(halt.clone());
        self.mover.halt_by(halt.clone());
    }

    /// Where it stands between two snapshots.
    pub(super) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The snapshot at hand.
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.lease.as_ref().map(|lease| &lease.snapshot)
    }

    /// Goes on in `snapshot`, which was begun at `since`, with the pages before the `cursor`.
    pub(super) fn take_up(
        &mut self,
        snapshot: Snapshot,
        since: Instant,
        cursor: PageCursor,
        restarts: bool,
    ) -> Result<()> {
        let log_bytes = self.log_bytes(&snapshot)?;
        self.lease = Some(Lease { snapshot, cursor, since, log_bytes, restarts, kept: false });
        Ok(())
    }

    /// Moves up to `limit` pages of the snapshot at hand, and says how many.
    pub(super) fn move_pages(&mut self, target: &mut impl Target, limit: u32) -> Result<u32> {
        let Some(lease) = &mut self.lease else { return Ok(0) };
        let before = lease.cursor.remaining();
        self.mover.move_pages(&lease.snapshot, target, &mut lease.cursor, limit)?;
        Ok(before - lease.cursor.remaining())
    }

    /// Pages of the snapshot at hand that are still to come; without one, as of the last step that counted.
    pub(super) fn left(&self) -> u32 {
        self.lease.as_ref().map_or(self.remaining, |lease| lease.cursor.remaining())
    }

    /// The same, as it is told: as of the last step that counted.
    pub(super) fn remaining(&self) -> u32 {
        self.remaining
    }

    /// How many pages, from the first on, are in the target in some version.
    pub(super) fn passed(&self) -> u32 {
        let leased = self.lease.as_ref().map(|lease| &lease.cursor);
        leased.or(self.position.as_ref().map(|position| &position.cursor)).map_or(0, PageCursor::passed)
    }

    /// How long the snapshot at hand has lasted, and by how much the log has grown meanwhile.
    pub(super) fn held(&self) -> Result<(Duration, u64)> {
        let Some(lease) = &self.lease else { return Ok((Duration::ZERO, 0)) };
        Ok((lease.since.elapsed(), self.log_bytes(&lease.snapshot)?.saturating_sub(lease.log_bytes)))
    }

    /// The size of the log that the snapshot keeps, if it keeps one.
    fn log_bytes(&self, snapshot: &Snapshot) -> Result<u64> {
        match snapshot.journal_mode() {
            JournalMode::Wal => self.source.log_bytes(),
            _ => Ok(0),
        }
    }

    /// The step is over, and the snapshot stays for the next. Gives whether the step was a restart.
    pub(super) fn keep(&mut self) -> bool {
        let Some(lease) = &mut self.lease else { return false };
        let restarts = std::mem::take(&mut lease.restarts);
        lease.kept = true;
        self.told = self.told.seen_again(&lease.snapshot, restarts);
        self.told.held = true;
        self.remaining = lease.cursor.remaining();
        restarts
    }

    /// Ends the snapshot at hand. `Some` when its pages count: whether the step was a restart. `None` when it did not hold,
    /// and they have to be read again, as if not at all; where they `lie_over` pages that counted, those count no longer.
    pub(super) fn end(&mut self, lie_over: bool) -> Result<Option<bool>> {
        let Some(Lease { snapshot, cursor, since, restarts, kept, .. }) = self.lease.take() else {
            return Ok(Some(false));
        };
        let mut told = self.told.seen_again(&snapshot, restarts);
        let held_up = snapshot.holds_commits_up();
        let position = Position { stamp: snapshot.stamp(), page_size: snapshot.page_size(), cursor };
        if self.source.end(snapshot)? == Standing::Withdrawn {
            if lie_over || restarts || kept {
                self.position = None;
                self.told.restarts += 1;
            }
            return Ok(None);
        }
        if held_up {
            told.note_lock(since.elapsed());
        }
        self.remaining = position.cursor.remaining();
        (self.told, self.position) = (told, Some(position));
        Ok(Some(restarts))
    }

    /// All pages are to come again.
    pub(super) fn start_over(&mut self) {
        if let Some(position) = &mut self.position {
            position.cursor = position.cursor.clone().begun_again();
        }
    }

    /// Lets go of everything, with nothing that counts.
    pub(super) fn let_go(&mut self) {
        self.lease = None;
        self.source.let_go();
    }

    /// All pages are there: ends the copy in the target, and says how many pages it has.
    pub(super) fn seal(&mut self, target: &mut impl Target) -> Result<u32> {
        self.told.page_count = self.mover.seal(target)?;
        (self.told.read_bytes, self.told.written_bytes) = (self.mover.moved_bytes(), target.written_bytes());
        Ok(self.told.page_count)
    }

    /// Whether commits wait for the snapshot at hand.
    pub(super) fn holds_writers_up(&self) -> bool {
        self.snapshot().is_some_and(|snapshot| snapshot.journal_mode() == JournalMode::Rollback)
    }
}
