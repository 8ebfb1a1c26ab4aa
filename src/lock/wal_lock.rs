//! The read locks on the wal-index, and the sign that somebody alive uses it.
//!
//! | byte | name | held shared by | held exclusively by |
//! |---|---|---|---|
//! | 120 | WRITE | us, when nobody may publish a commit | a writer, until all databases of its transaction are committed |
//! | 123 | READ0 | who reads the database file alone | a checkpointer while it writes that file |
//! | 124..127 | READ1..READ4 | who reads up to the mark of that number | who changes the mark |
//! | 128 | DMS ("dead man's switch") | every connection, as long as it lives | the first one, while it empties the file |
//!
//! Who reads never locks DMS: the next connection to come would trust an index that nobody kept (`[hazards.md#h1]`). Who
//! writes into the log of others does, as each of them.

use crate::attempt::Attempt;
use crate::format::WalIndex;
use crate::format::lock_bytes::{WAL_CKPT_BYTE, WAL_DMS_BYTE, WAL_READ_BYTES, WAL_WRITE_BYTE};
use crate::format::wal_index::{WAL_INDEX_BYTES, WAL_INDEX_HEADER_BYTES};
use crate::os::lock_file::LockFile;
use crate::os::random_access::read_padded;
use crate::os::range_lock::{ByteRange, LockKind};
use std::io;

/// Where the lock bytes of the wal-index begin.
const FIRST_LOCK_BYTE: usize = 120;

const CKPT: ByteRange = ByteRange::one(WAL_CKPT_BYTE);
const WRITE: ByteRange = ByteRange::one(WAL_WRITE_BYTE);
const READ0: u64 = WAL_READ_BYTES[0];
const DMS: ByteRange = ByteRange::one(WAL_DMS_BYTE);

/// Which of the five read marks of the wal-index is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadSlot(u8);

impl ReadSlot {
    /// The slot of those who read the database file alone.
    pub(crate) const ZERO: Self = Self(0);

    /// The slots whose marks name a place in the log.
    pub(crate) const MARKED: [Self; 4] = [Self(1), Self(2), Self(3), Self(4)];

    /// Its place among the read marks.
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    fn byte(self) -> ByteRange {
        ByteRange::one(READ0 + u64::from(self.0))
    }
}

/// Who is connected to the log, told by the DMS byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connected {
    /// Nobody: what the wal-index says is left over, and not to be believed.
    Nobody,
    /// The first connection is emptying the wal-index this very moment.
    Arriving,
    /// Somebody, so the wal-index is kept.
    Somebody,
}

/// A wal-index where nobody can publish a commit, nor recover: WRITE is held shared. Readers and checkpoints go on.
///
/// A writer that commits in several databases holds WRITE of all of them until the last commit is published.
#[derive(Debug)]
pub(crate) struct WalGate(LockFile);

impl WalGate {
    /// Closes the gate. Busy: a writer is at work, or recovery.
    pub(crate) fn close(wal_index: LockFile) -> io::Result<Attempt<Self, LockFile>> {
        Ok(if wal_index.try_lock(WRITE, LockKind::Shared)? {
            Attempt::Got(Self(wal_index))
        } else {
            Attempt::Busy(wal_index)
        })
    }

    /// The wal-index, to be read.
    pub(crate) fn wal_index(&self) -> &LockFile {
        &self.0
    }

    /// Who is connected besides us.
    pub(crate) fn connected(&self) -> io::Result<Connected> {
        connected(&self.0)
    }
}

/// A shared lock on one of the read slots, or on two.
#[derive(Debug)]
pub(crate) struct WalReadLock {
    wal_index: LockFile,
    slot: ReadSlot,
    /// Held beside it, so that the log is not begun anew.
    beside: Option<ReadSlot>,
}

impl WalReadLock {
    /// Takes the slot shared. Busy: a checkpointer (slot 0) or somebody who changes the mark has it exclusively.
    pub(crate) fn acquire(wal_index: LockFile, slot: ReadSlot) -> io::Result<Attempt<Self, LockFile>> {
        Ok(if wal_index.try_lock(slot.byte(), LockKind::Shared)? {
            Attempt::Got(Self { wal_index, slot, beside: None })
        } else {
            Attempt::Busy(wal_index)
        })
    }

    /// Also keeps the log from being begun anew: who does that has to have all marked slots. Busy: all of them are
    /// being changed.
    pub(crate) fn also_keep_log(mut self) -> io::Result<Attempt<Self, Self>> {
        for slot in ReadSlot::MARKED {
            if self.wal_index.try_lock(slot.byte(), LockKind::Shared)? {
                self.beside = Some(slot);
                return Ok(Attempt::Got(self));
            }
        }
        Ok(Attempt::Busy(self))
    }

    /// The numbers of the slots that it holds.
    #[cfg(feature = "evidence")]
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        [Some(self.slot), self.beside].into_iter().flatten().map(ReadSlot::index)
    }

    /// Lets go of what it holds.
    pub(crate) fn release(self) -> io::Result<LockFile> {
        for slot in [Some(self.slot), self.beside].into_iter().flatten() {
            self.wal_index.unlock(slot.byte())?;
        }
        Ok(self.wal_index)
    }

    /// The locked wal-index, to be read.
    pub(crate) fn wal_index(&self) -> &LockFile {
        &self.wal_index
    }

    /// Who is connected besides us.
    pub(crate) fn connected(&self) -> io::Result<Connected> {
        connected(&self.wal_index)
    }

    /// What the wal-index says while writers and recovery are kept out for that moment, by a shared lock on WRITE. Busy: one
    /// is at work.
    pub(crate) fn read_without_writers(&self) -> io::Result<Attempt<Option<WalIndex>, ()>> {
        if !self.wal_index.try_lock(WRITE, LockKind::Shared)? {
            return Ok(Attempt::Busy(()));
        }
        let index = read_index(&self.wal_index);
        self.wal_index.unlock(WRITE)?;
        index.map(Attempt::Got)
    }
}

/// WRITE, of a connection among others: its holder alone appends to the log.
///
/// Others are connected, so the wal-index is kept; that it stays so is what our own share of DMS is for.
#[derive(Debug)]
pub(crate) struct WalWriteLock(LockFile);

impl WalWriteLock {
    /// Connects, and takes WRITE. Busy: nobody else is connected, or somebody is just arriving, or writes.
    pub(crate) fn acquire(wal_index: LockFile) -> io::Result<Attempt<Self, LockFile>> {
        if connected(&wal_index)? != Connected::Somebody || !wal_index.try_lock(DMS, LockKind::Shared)? {
            return Ok(Attempt::Busy(wal_index));
        }
        // Asked again: had the last of them left before we came, nobody would have kept the index.
        if connected(&wal_index)? == Connected::Somebody && wal_index.try_lock(WRITE, LockKind::Exclusive)? {
            return Ok(Attempt::Got(Self(wal_index)));
        }
        wal_index.unlock(DMS)?;
        Ok(Attempt::Busy(wal_index))
    }

    /// The wal-index, to be read and written.
    pub(crate) fn wal_index(&self) -> &LockFile {
        &self.0
    }
}

/// What the wal-index says; `None` while it says nothing that can be believed.
///
/// On Windows what lies among and behind the lock bytes cannot be read while others hold them; there `backfill_attempted`
/// is all that could be.
pub(crate) fn read_index(wal_index: &LockFile) -> io::Result<Option<WalIndex>> {
    let mut bytes = [0xff; WAL_INDEX_BYTES];
    let readable_bytes = if cfg!(windows) { FIRST_LOCK_BYTE } else { WAL_INDEX_BYTES };
    let Some(readable) = bytes.get_mut(..readable_bytes) else { return Ok(None) };
    let count = read_padded(wal_index, readable, 0)?;
    Ok(if count < readable_bytes { None } else { WalIndex::parse(&bytes).ok() })
}

/// Whether somebody does a checkpoint that keeps writers out (RESTART, TRUNCATE, FULL), as it waits for readers to go: CKPT
/// and WRITE are held. A checkpoint of the usual kind beside a writer looks the same, but not for long.
pub(crate) fn checkpointer_waits(wal_index: &LockFile) -> io::Result<bool> {
    let held = |range| {
        let conflict = wal_index.find_conflict(range, LockKind::Shared)?;
        Ok::<_, io::Error>(conflict.is_some())
    };
    Ok(held(CKPT)? && held(WRITE)?)
}

/// What was published of a log at a moment at which nobody could append to it. Where it is the same at two moments, no commit was
/// written in between: a writer publishes what it wrote before it lets go of WRITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuietLog {
    connected: Connected,
    headers: [u8; 2 * WAL_INDEX_HEADER_BYTES],
}

impl QuietLog {
    /// `None` while a writer is at work, or somebody arrives. No lock is taken.
    pub(crate) fn look(wal_index: &LockFile) -> io::Result<Option<Self>> {
        let read = || {
            let mut headers = [0; 2 * WAL_INDEX_HEADER_BYTES];
            read_padded(wal_index, &mut headers, 0)?;
            Ok::<_, io::Error>(Self { connected: connected(wal_index)?, headers })
        };
        let before = read()?;
        let is_written = wal_index.find_conflict(WRITE, LockKind::Shared)?.is_some();
        // Read on both sides of that look: it serves as the first of two moments, and as the second.
        let is_quiet = !is_written && before.connected != Connected::Arriving && read()? == before;
        Ok(is_quiet.then_some(before))
    }
}

/// Who is connected, besides whoever asks.
pub(crate) fn connected(wal_index: &LockFile) -> io::Result<Connected> {
    Ok(match wal_index.find_conflict(DMS, LockKind::Exclusive)?.map(|conflict| conflict.kind) {
        None => Connected::Nobody,
        Some(LockKind::Shared) => Connected::Somebody,
        Some(LockKind::Exclusive) => Connected::Arriving,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpointer_that_waits_holds_two_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db-shm");
        std::fs::write(&path, [0; 200]).unwrap();
        let place = crate::os::place::Place::of_existing(&path).unwrap();
        let [theirs, ours] = [(); 2].map(|()| LockFile::open_to_write(&place).unwrap());
        assert!(!checkpointer_waits(&ours).unwrap());
        assert!(theirs.try_lock(CKPT, LockKind::Exclusive).unwrap());
        assert!(!checkpointer_waits(&ours).unwrap(), "one that is at work");
        assert!(theirs.try_lock(WRITE, LockKind::Exclusive).unwrap());
        assert!(checkpointer_waits(&ours).unwrap());
        theirs.unlock(CKPT).unwrap();
        assert!(!checkpointer_waits(&ours).unwrap(), "a writer");
    }
}
