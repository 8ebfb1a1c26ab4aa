//! Joining a live log without writing a byte: which lock to take on the wal-index, and what it can be believed then.
//!
//! | found | held | the wal-index is |
//! |---|---|---|
//! | somebody alive keeps it, and a read mark stands at the last commit | the slot of that mark | live |
//! | somebody alive keeps it | slot 0, so that no checkpointer writes the file | live |
//! | nobody keeps it | slot 0 | stale: the log is read as recovery would read it |
//! | its keeper died while publishing a commit, others live | slot 0; writers are kept out for the moment that tells | stale |
//!
//! Where an earlier version is wanted, it is slot 0 that is taken, and when all frames are in the file already one of the
//! marked slots as well, so that the log is not begun anew.
//!
//! SHARED on the database is held before and after, so the file cannot be removed meanwhile
//! (`[copy-protocol.md#joining-a-live-log]`). What the index says counts only when it was read after the lock was taken.

use crate::attempt::Attempt;
use crate::attempt::Obstacle;
use crate::format::WalIndex;
use crate::lock::wal_lock::{Connected, ReadSlot, WalGate, WalReadLock, read_index};
use crate::os::clock::Deadline;
use crate::os::lock_file::LockFile;
use std::io;
use std::time::Duration;

/// How often a wal-index that is just changing hands is looked at again, and after what pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// The log as it was joined.
#[derive(Debug)]
pub(super) enum Joined {
    /// The wal-index can be believed.
    Live(WalReadLock, WalIndex),
    /// It cannot, but no committed frame and no page of the file changes as long as the lock is held.
    Stale(WalReadLock),
}

/// What has to stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// The newest version: what the log has of it may be written to the file.
    Newest,
    /// All frames of the log, and every page of the file.
    EveryVersion,
}

/// On what terms a log is joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) patience: Patience,
    pub(super) want: Want,
    /// Whether any connection to the database would keep a wal-index beside it.
    pub(super) expects_index: bool,
}

/// How long joining may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A moment, while nothing else is held.
    Brief,
    /// None at all: other databases are locked, and the gate of this one is closed.
    None,
}

/// Closes the gate of a wal-index, or says who is in the way: nobody publishes or recovers then, and what it says can be
/// believed, or nobody keeps it.
pub(super) fn close_gate(wal_index: LockFile) -> io::Result<Attempt<WalGate>> {
    let Attempt::Got(gate) = WalGate::close(wal_index)? else { return Ok(Attempt::Busy(Obstacle::Commit)) };
    // Whoever finds it unreadable, and would recover it, has to be let through first.
    Ok(match (gate.connected()?, read_index(gate.wal_index())?) {
        (Connected::Nobody, _) | (Connected::Somebody, Some(_)) => Attempt::Got(gate),
        (Connected::Arriving, _) | (Connected::Somebody, None) => Attempt::Busy(Obstacle::Recovery),
    })
}

pub(super) fn join(
    mut wal_index: LockFile,
    Terms { patience, want, .. }: Terms,
) -> io::Result<Attempt<Joined>> {
    let tries = if patience == Patience::Brief { TRIES } else { 1 };
    let mut obstacle = Obstacle::Recovery;
    for attempt in 0..tries {
        if attempt > 0 {
            Deadline::after(None).sleep(PAUSE);
        }
        if want == Want::Newest {
            wal_index = match try_marked_slot(wal_index)? {
                Attempt::Got((lock, index)) => return Ok(Attempt::Got(Joined::Live(lock, index))),
                Attempt::Busy(wal_index) => wal_index,
            };
        }
        let lock = match WalReadLock::acquire(wal_index, ReadSlot::ZERO)? {
            Attempt::Got(lock) => lock,
            Attempt::Busy(file) => {
                obstacle = Obstacle::Checkpointer;
                wal_index = file;
                continue;
            }
        };
        obstacle = Obstacle::Recovery;
        let lock = match (lock.connected()?, read_stable(lock.wal_index())?) {
            (Connected::Nobody, _) => return Ok(Attempt::Got(Joined::Stale(lock))),
            (Connected::Somebody, Some(index)) if want == Want::Newest || index.keeps_frames() => {
                return Ok(Attempt::Got(Joined::Live(lock, index)));
            }
            (Connected::Somebody, Some(index)) => match keep_log(lock, &index)? {
                Attempt::Got(lock) => return Ok(Attempt::Got(Joined::Live(lock, index))),
                Attempt::Busy(lock) => lock,
            },
            // Nobody published and nobody recovered just then: if it still made no sense, whoever was at it is dead.
            (Connected::Somebody, None) if attempt + 1 == TRIES => match lock.read_without_writers()? {
                Attempt::Got(None) => return Ok(Attempt::Got(Joined::Stale(lock))),
                _ => lock,
            },
            _ => lock,
        };
        wal_index = lock.release()?;
    }
    Ok(Attempt::Busy(obstacle))
}

/// Keeps the log from being begun anew, which only its frames being in the file already makes possible.
fn keep_log(lock: WalReadLock, seen: &WalIndex) -> io::Result<Attempt<WalReadLock, WalReadLock>> {
    Ok(match lock.also_keep_log()? {
        Attempt::Got(lock) if read_index(lock.wal_index())?.map(|now| now.header) == Some(seen.header) => {
            Attempt::Got(lock)
        }
        Attempt::Got(lock) | Attempt::Busy(lock) => Attempt::Busy(lock),
    })
}

/// What the wal-index says beside a lock, when it says the same before and after: one read may be of two moments, of which
/// the log was begun anew between.
fn read_stable(wal_index: &LockFile) -> io::Result<Option<WalIndex>> {
    let [Some(before), Some(index), Some(after)] =
        [read_index(wal_index)?, read_index(wal_index)?, read_index(wal_index)?]
    else {
        return Ok(None);
    };
    let stable = before.header == index.header && index.header == after.header;
    Ok(Some(index)
        .filter(|index| stable && (index.header.mx_frame == 0 || index.backfilled <= index.header.mx_frame)))
}

/// Takes a slot whose mark is the last commit: it holds up nobody, a checkpoint of all frames up to it can go on.
fn try_marked_slot(mut wal_index: LockFile) -> io::Result<Attempt<(WalReadLock, WalIndex), LockFile>> {
    let Some(seen) = read_index(&wal_index)? else { return Ok(Attempt::Busy(wal_index)) };
    if !seen.keeps_frames() {
        // Slot 0 is the one then: with it the log can even be begun anew.
        return Ok(Attempt::Busy(wal_index));
    }
    let fits =
        |index: &WalIndex, slot: ReadSlot| index.read_marks.get(slot.index()) == Some(&index.header.mx_frame);
    for slot in ReadSlot::MARKED.into_iter().filter(|&slot| fits(&seen, slot)) {
        match WalReadLock::acquire(wal_index, slot)? {
            Attempt::Busy(file) => wal_index = file,
            Attempt::Got(lock) => {
                if let Some(index) = read_stable(lock.wal_index())?
                    && index.header == seen.header
                    && fits(&index, slot)
                    && lock.connected()? == Connected::Somebody
                {
                    return Ok(Attempt::Got((lock, index)));
                }
                wal_index = lock.release()?;
            }
        }
    }
    Ok(Attempt::Busy(wal_index))
}
