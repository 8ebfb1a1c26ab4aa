//! Who holds which lock on a database, and what the readers of its log keep from happening.
//!
//! What a lock on a read mark keeps from happening, with `last` the last committed frame
//! ([locks.md#what-a-read-mark-pins](crate::notes::locks#what-a-read-mark-pins)):
//!
//! | slot, held shared | frames that must stay as they are | a checkpoint stops at | the log can be reset |
//! |---|---|---|---|
//! | 0 | none: the database file alone is read | where it is | once all frames are written back |
//! | 1 to 4, mark `m` | 1 to `m` | `m` | not before the reader is gone |

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::reading::Looked;
use super::wal_index_report::read_wal_index;
use crate::error::Result;
use crate::format::WalIndex;
use crate::format::frame_number::frame_bytes;
use crate::format::wal_index::READ_MARK_UNUSED;
use crate::lock::{LockHolder, lock_holders};
use crate::os::clock::Deadline;
use crate::side_files::SideFiles;

/// How often a wal-index that is just being written is looked at again, and after what pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// SQLite's names of the locks on the read marks.
const SLOTS: [&str; 5] = ["READ0", "READ1", "READ2", "READ3", "READ4"];

/// Who holds which lock on a database, all as of the moment of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LockReport {
    /// The database file, symbolic links resolved.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// The locks on it, then those on its wal-index; empty when nobody holds any.
    pub holders: Vec<LockHolder>,
    /// What is with its log; `None` where there is neither a log nor a wal-index.
    pub log: Option<PinnedLog>,
}

/// What of a log is still needed, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PinnedLog {
    /// The file `-wal`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size; 0 where there is none.
    pub size_bytes: u64,
    /// Whether a connection is there that keeps the wal-index. If not, nobody reads by it, and what follows is 0.
    pub somebody_is_connected: bool,
    /// Whether the wal-index could be read. If not, somebody recovers it, and what follows is 0.
    pub wal_index_is_valid: bool,
    /// The last committed frame; 0 for none.
    pub last_frame: u32,
    /// The frames up to that one, in bytes.
    pub committed_bytes: u64,
    /// Frames up to this one are in the database file too.
    pub backfilled_frame_count: u32,
    /// Frames up to this one would be in the database file after a checkpoint that begins now.
    pub checkpoint_limit: u32,
    /// Whether that is all of them.
    pub checkpoint_can_finish: bool,
    /// Whether, after such a checkpoint, the next writer could begin the log anew, so that it does not grow.
    pub can_be_reset: bool,
    /// The five slots of the wal-index by which readers keep what they read.
    pub read_marks: Vec<ReadMark>,
}

/// A slot for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ReadMark {
    /// Its number, 0 to 4.
    pub slot: usize,
    /// The last frame that its readers read; `None` when the mark is unused. Slot 0 has 0: its readers read the
    /// database file alone.
    pub frame: Option<u32>,
    /// Who holds its lock; empty for nobody. One that holds it exclusively does not read: it is a checkpoint (slot 0),
    /// or moves the mark.
    pub holders: Vec<LockHolder>,
    /// How many frames, from the first on, cannot be overwritten as long as its readers are there.
    pub pinned_frame_count: u32,
    /// The same in bytes of the log.
    pub pinned_bytes: u64,
    /// How many frames behind these no checkpoint can write into the database file as long as its readers are there.
    pub held_back_frame_count: u32,
    /// The same in bytes of the log.
    pub held_back_bytes: u64,
}

/// Tells who holds which lock on the database at `path` and on its wal-index, and what of the log that pins.
///
/// No lock is taken, so nobody is held up; nothing is written or created. All that is told is of the moment.
///
/// # Errors
///
/// When there is no such file, or when it or its wal-index cannot be opened, read, or asked for its locks.
///
/// # Platform-specific behavior
///
/// As [`lock_holders`].
///
/// ```no_run
/// use litecopy::inspect::inspect_locks;
///
/// # fn main() -> litecopy::Result<()> {
/// for holder in inspect_locks("app.db")?.holders {
///     println!("{} {:?} {:?}", holder.lock, holder.process_id, holder.command);
/// }
/// # Ok(())
/// # }
/// ```
pub fn inspect_locks(path: impl AsRef<Path>) -> Result<LockReport> {
    let files = SideFiles::of(path.as_ref())?;
    let holders = lock_holders(files.database().path())?;
    let (wal, wal_index) = (Looked::open(files.wal())?, Looked::open(files.wal_index())?);
    let log = match (&wal, &wal_index) {
        (None, None) => None,
        _ => {
            let size_bytes = wal.map_or(0, |wal| wal.size_bytes);
            let connected = holders.iter().any(|holder| holder.lock == "DMS");
            let index = match wal_index.filter(|_| connected) {
                Some(looked) => read_patiently(&looked)?,
                None => None,
            };
            Some(PinnedLog::of(
                files.wal().path().to_owned(),
                size_bytes,
                connected,
                index.as_ref(),
                &holders,
            ))
        }
    };
    Ok(LockReport { path: files.database().path().to_owned(), holders, log })
}

/// What a wal-index says; `None` while it says nothing that can be believed.
fn read_patiently(looked: &Looked) -> Result<Option<WalIndex>> {
    for _ in 0..TRIES {
        if let Ok(index) = read_wal_index(looked)? {
            return Ok(Some(index));
        }
        Deadline::after(None).sleep(PAUSE);
    }
    Ok(None)
}

impl PinnedLog {
    fn of(
        path: PathBuf,
        size_bytes: u64,
        somebody_is_connected: bool,
        index: Option<&WalIndex>,
        holders: &[LockHolder],
    ) -> Self {
        let (last_frame, backfilled) =
            index.map_or((0, 0), |index| (index.header.mx_frame, index.backfilled));
        // A log without a page size is empty.
        let page_size = index.and_then(|index| index.header.page_size());
        let bytes_of = |count: u32| page_size.map_or(0, |size| u64::from(count) * frame_bytes(size) as u64);
        let read_marks: Vec<_> = index.map_or(Vec::new(), |index| {
            let slots = SLOTS.into_iter().zip(index.read_marks).enumerate();
            slots
                .map(|(slot, (name, mark))| ReadMark::of(slot, (name, mark), index, holders, bytes_of))
                .collect()
        });
        let held_back = read_marks.iter().map(|mark| mark.held_back_frame_count).max().unwrap_or(0);
        let checkpoint_limit = last_frame.saturating_sub(held_back).max(backfilled);
        let checkpoint_can_finish = index.is_some() && checkpoint_limit == last_frame;
        Self {
            path,
            size_bytes,
            somebody_is_connected,
            wal_index_is_valid: index.is_some(),
            last_frame,
            committed_bytes: bytes_of(last_frame),
            backfilled_frame_count: backfilled,
            checkpoint_limit,
            checkpoint_can_finish,
            can_be_reset: checkpoint_can_finish
                && !read_marks.iter().any(|mark| mark.slot > 0 && mark.is_read()),
            read_marks,
        }
    }
}

impl ReadMark {
    fn of(
        slot: usize,
        (name, mark): (&str, u32),
        index: &WalIndex,
        holders: &[LockHolder],
        bytes_of: impl Fn(u32) -> u64,
    ) -> Self {
        let holders = holders.iter().filter(|holder| holder.lock == name).cloned().collect();
        let frame = (mark != READ_MARK_UNUSED).then_some(mark);
        let mut told = Self {
            slot,
            frame,
            holders,
            pinned_frame_count: 0,
            pinned_bytes: 0,
            held_back_frame_count: 0,
            held_back_bytes: 0,
        };
        if let Some(frame) = frame.filter(|_| told.is_read()) {
            // What is written back already cannot be held back; the mark of slot 0 is 0.
            let behind = index.header.mx_frame.saturating_sub(frame.max(index.backfilled));
            (told.pinned_frame_count, told.pinned_bytes) = (frame, bytes_of(frame));
            (told.held_back_frame_count, told.held_back_bytes) = (behind, bytes_of(behind));
        }
        told
    }

    /// Whether somebody reads by it.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.holders.iter().any(|holder| !holder.exclusive)
    }
}
