//! Joining a live log without writing a byte: which lock to take on the wal-index, and what it can be believed then.
//!
//! | found | held | the wal-index is |
//! |---|---|---|
//! | somebody alive keeps it, and a read mark stands at the last commit | the slot of that mark | live |
//! | somebody alive keeps it | slot 0, so that no checkpointer writes the file | live |
//! | nobody keeps it | slot 0 | stale: the log is read as recovery would read it |
//! | its keeper died while publishing a commit, others live | slot 0, and writers kept out | stale |
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

/// What came of joining.
#[derive(Debug)]
pub(super) enum Joined {
    /// The wal-index can be believed.
    Live(WalReadLock, WalIndex),
    /// It cannot, but no committed frame and no page of the file changes as long as the lock is held.
    Stale(WalReadLock),
    Busy(Obstacle),
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
pub(super) fn close_gate(wal_index: LockFile) -> io::Result<std::result::Result<WalGate, Obstacle>> {
    let Attempt::Got(gate) = WalGate::close(wal_index)? else { return Ok(Err(Obstacle::Commit)) };
    // Whoever finds it unreadable, and would recover it, has to be let through first.
    Ok(match (gate.connected()?, read_index(gate.wal_index())?) {
        (Connected::Nobody, _) | (Connected::Somebody, Some(_)) => Ok(gate),
        (Connected::Arriving, _) | (Connected::Somebody, None) => Err(Obstacle::Recovery),
    })
}

pub(super) fn join(mut wal_index: LockFile, patience: Patience) -> io::Result<Joined> {
    let tries = if patience == Patience::Brief { TRIES } else { 1 };
    let mut obstacle = Obstacle::Recovery;
    for attempt in 0..tries {
        if attempt > 0 {
            Deadline::after(None).sleep(PAUSE);
        }
        wal_index = match try_marked_slot(wal_index)? {
            Attempt::Got((lock, index)) => return Ok(Joined::Live(lock, index)),
            Attempt::Busy(wal_index) => wal_index,
        };
        let lock = match WalReadLock::acquire(wal_index, ReadSlot::ZERO)? {
            Attempt::Got(lock) => lock,
            Attempt::Busy(file) => {
                obstacle = Obstacle::Checkpointer;
                wal_index = file;
                continue;
            }
        };
        obstacle = Obstacle::Recovery;
        match (lock.connected()?, read_index(lock.wal_index())?) {
            (Connected::Nobody, _) => return Ok(Joined::Stale(lock)),
            (Connected::Somebody, Some(index)) => return Ok(Joined::Live(lock, index)),
            // Nobody publishes and nobody recovers now: if it still makes no sense, whoever was at it is dead.
            (Connected::Somebody, None) if attempt + 1 == TRIES && lock.also_keep_writers_out()? => {
                return Ok(match read_index(lock.wal_index())? {
                    Some(index) => Joined::Live(lock, index),
                    None => Joined::Stale(lock),
                });
            }
            _ => wal_index = lock.release()?,
        }
    }
    Ok(Joined::Busy(obstacle))
}

/// Takes a slot whose mark is the last commit: it holds up nobody, a checkpoint of all frames up to it can go on.
fn try_marked_slot(mut wal_index: LockFile) -> io::Result<Attempt<(WalReadLock, WalIndex), LockFile>> {
    let Some(seen) = read_index(&wal_index)? else { return Ok(Attempt::Busy(wal_index)) };
    if seen.backfilled == seen.header.mx_frame {
        // Slot 0 is the one then: with it the log can even be begun anew.
        return Ok(Attempt::Busy(wal_index));
    }
    let fits =
        |index: &WalIndex, slot: ReadSlot| index.read_marks.get(slot.index()) == Some(&index.header.mx_frame);
    for slot in ReadSlot::MARKED.into_iter().filter(|&slot| fits(&seen, slot)) {
        match WalReadLock::acquire(wal_index, slot)? {
            Attempt::Busy(file) => wal_index = file,
            Attempt::Got(lock) => {
                let now = read_index(lock.wal_index())?;
                if let Some(index) = now
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
