//! The view of a database in WAL mode: the file, with the committed frames of its log laid over.

use super::change_stamp::{ChangeStamp, Content, LogPosition};
use super::file_watch::appeared;
use super::frame_index::{Extent, FrameIndex, Log, LogFile, UpTo};
use super::held::{Beside, Held};
use super::page_one::PageOne;
use super::snapshot::Snapshot;
use super::source_options::AsFound;
use super::version;
use super::view::{Frames, View};
use super::wal_join::{self, Joined, Patience, Terms};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::{JournalMode, WalIndex, WalIndexHeader};
use crate::lock::lock_style::ReadLock;
use crate::lock::wal_lock;
use crate::os::clock::Deadline;
use crate::os::file_system;
use crate::os::lock_file::LockFile;
use crate::os::place::Access;
use crate::side_files::SideFiles;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How often, and after what pause, it is looked whether a process that locks the database makes a wal-index.
const OPENING_LOOKS: u32 = 25;
const OPENING_PAUSE: Duration = Duration::from_millis(10);

/// What was read of the log for the snapshot before, and need not be read again.
#[derive(Debug, Default)]
pub(super) struct KnownLog {
    frames: Option<Arc<FrameIndex>>,
    /// Frames are wanted also when they lie in the database file already: they tell which pages were changed.
    pub(super) follow: bool,
}

/// Begins a snapshot of a database in WAL mode.
pub(super) fn begin(
    files: &SideFiles,
    below: View,
    known: &mut KnownLog,
    terms: Terms,
) -> Result<Attempt<Snapshot>> {
    let Held::File { lock, beside } = below.held else { return Ok(Attempt::Busy(Obstacle::Change)) };
    let (beside, live) = match hold_log(files, (&lock, beside), terms)? {
        Attempt::Got(held) => held,
        Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
    };
    let live = match below.options.as_found {
        Some(AsFound { index_is_live: true, .. }) => read_index_as_found(files)?,
        _ => live,
    };
    let awaited = if let Beside::NoIndex(wal_index) = &beside { Some(wal_index.clone()) } else { None };
    let below = View { held: Held::File { lock, beside }, file_bytes: OnceLock::new(), ..below };
    let begun = open_log(files).and_then(|log| of(below, log, live.as_ref(), known));
    match begun {
        Ok(snapshot) => Ok(Attempt::Got(snapshot)),
        // Without a lock on the log, what looks like damage may be somebody's work half seen.
        Err(error) => match awaited {
            Some(wal_index) if appeared(&wal_index)? => Ok(Attempt::Busy(Obstacle::Change)),
            _ => Err(error),
        },
    }
}

/// The wal-index that somebody alive kept where it was found.
fn read_index_as_found(files: &SideFiles) -> Result<Option<WalIndex>> {
    let path = files.wal_index().path();
    match LockFile::open(files.wal_index()) {
        Ok(wal_index) => wal_lock::read_index(&wal_index).map_err(Error::io("read", path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

/// Sees to it that the log keeps still; with the wal-index, where there is one that can be believed. `beside` is what
/// serves where wal-indexes are not locked.
pub(super) fn hold_log(
    files: &SideFiles,
    (lock, beside): (&ReadLock, Beside),
    terms: Terms,
) -> Result<Attempt<(Beside, Option<WalIndex>)>> {
    if !lock.joins_live_logs() {
        return Ok(Attempt::Got((beside, None)));
    }
    let path = files.wal_index().path();
    let joined = match LockFile::open(files.wal_index()) {
        Ok(wal_index) => wal_join::join(wal_index, terms).map_err(Error::io("lock", path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if terms.expects_index
                && let Attempt::Busy(obstacle) = refuse_other_names(files, lock, terms.patience)?
            {
                return Ok(Attempt::Busy(obstacle));
            }
            return Ok(Attempt::Got((Beside::NoIndex(files.wal_index().clone()), None)));
        }
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    Ok(match joined {
        Attempt::Got(Joined::Live(read, index)) => {
            refuse_foreign_memory(files.database().path())?;
            Attempt::Got((Beside::Slot(read), Some(index)))
        }
        Attempt::Got(Joined::Stale(read)) => Attempt::Got((Beside::Slot(read), None)),
        Attempt::Busy(obstacle) => Attempt::Busy(obstacle),
    })
}

/// Refuses a database that a process has open in WAL mode though there is no wal-index beside it, which any connection keeps:
/// it knows the database by another name, and its log lies beside that. One that is just opening it is waited for, or busy.
fn refuse_other_names(files: &SideFiles, lock: &ReadLock, patience: Patience) -> Result<Attempt<()>> {
    let path = files.database().path();
    for _ in 0..OPENING_LOOKS {
        if !lock.shared_by_process().map_err(Error::io("ask for its locks", path))? {
            return Ok(Attempt::Got(()));
        }
        if patience == Patience::None || appeared(files.wal_index())? {
            return Ok(Attempt::Busy(Obstacle::Change));
        }
        Deadline::after(None).sleep(OPENING_PAUSE);
    }
    Err(Error::new(path, Problem::LogElsewhere))
}

/// A wal-index is memory that programs share, which those of two hosts cannot: on a network file system it may say
/// nothing of what another host commits.
fn refuse_foreign_memory(database: &Path) -> Result<()> {
    match file_system::network_kind(database) {
        // Mostly a local file system in a program of its own.
        None | Some("FUSE") => Ok(()),
        Some(kind) => Err(Error::new(database, Problem::LogOnNetwork { kind })),
    }
}

/// Makes the snapshot of a database and its log, both held still, of what lies below the log. `live` is the wal-index where it can be believed;
/// without it the log is read as recovery would read it.
pub(super) fn of(
    below: View,
    log: Option<Log>,
    live: Option<&WalIndex>,
    known: &mut KnownLog,
) -> Result<Snapshot> {
    let version = below.options.as_of;
    let log = match log {
        Some(log) if version == Some(0) => {
            if below.options.committed && may_be_in_file(live) > 0 {
                version::check_file_alone(&below, log, frames_needed(live, version), may_be_in_file(live))?;
            }
            None
        }
        log => log,
    };
    let frames = match (&log, frames_needed(live, version)) {
        (Some(Log { file, path }), Some(up_to)) => FrameIndex::read(
            LogFile { file: file.as_ref(), path, limits: &below.options.limits, halt: &below.halt },
            Extent { up_to, version },
            known.frames.as_deref(),
        )?,
        (None, Some(UpTo::Frame(..))) if version != Some(0) => {
            return Err(contradiction(&below.name, "frames, but there is no log"));
        }
        _ => None,
    };
    version::check_commits(version, frames.as_ref(), &below.name)?;
    let frames = frames.filter(|frames| frames.last.frame > 0).map(Arc::new);
    let position = match live {
        Some(live) if version.is_none() => position_of(&live.header),
        _ => position_after_recovery(frames.as_deref()),
    };
    let followed = match (&log, live) {
        (Some(log), Some(live)) if known.follow && frames.is_none() && version.is_none() => {
            known.follow(log, live, &below)
        }
        _ => frames.clone(),
    };
    if followed.is_some() {
        known.frames.clone_from(&followed);
    }
    let frames = log.zip(frames).map(|(log, index)| Frames::new(log, index));
    let view = View { frames, ..below };
    if version.is_some() {
        version::check_not_overwritten(&view, view.frames.as_ref(), may_be_in_file(live))?;
    }
    let page_one = view.read_page_one()?;
    let page_count = page_count(&view, &page_one, position.page_count)?;
    let file = view.held.lock_file();
    let stamp = ChangeStamp {
        identity: file.map(LockFile::identity),
        content: Content::Log(position.with_file(file, &view.name)?),
    };
    Ok(Snapshot {
        view,
        page_size: page_one.page_size,
        page_count,
        journal_mode: JournalMode::Wal,
        sqlite_version: page_one.sqlite_version(),
        stamp,
        detour: None,
        followed,
    })
}

/// Where the log is, as the wal-index says.
fn position_of(header: &WalIndexHeader) -> LogPosition {
    LogPosition {
        change: header.change,
        frame: header.mx_frame,
        salts: header.salts,
        checksum: header.frame_checksum,
        page_count: header.page_count,
        file_times: None,
        settled: true,
    }
}

impl KnownLog {
    /// The frames of a log that lies in the database file already, so that nobody keeps them: they may be overwritten while
    /// they are read. What cannot be read rightly is not known.
    fn follow(&self, log: &Log, live: &WalIndex, view: &View) -> Option<Arc<FrameIndex>> {
        let WalIndexHeader { mx_frame, salts, frame_checksum, .. } = live.header;
        let extent = Extent { up_to: UpTo::Frame(mx_frame, salts, frame_checksum), version: None };
        let (limits, halt) = (&view.options.limits, &view.halt);
        let file = LogFile { file: log.file.as_ref(), path: &log.path, limits, halt };
        FrameIndex::read(file, extent, self.frames.as_deref()).ok().flatten().map(Arc::new)
    }
}

/// Which frames are to be read: none when a live wal-index says that all are in the file already, unless an earlier version
/// is wanted.
fn frames_needed(live: Option<&WalIndex>, version: Option<u64>) -> Option<UpTo> {
    match live {
        None => Some(UpTo::LastCommit),
        Some(index) if index.header.mx_frame == 0 => None,
        Some(index) if version.is_none() && !index.keeps_frames() => None,
        Some(WalIndex { header, .. }) => {
            Some(UpTo::Frame(header.mx_frame, header.salts, header.frame_checksum))
        }
    }
}

/// The last frame that a checkpoint may have brought to the file, or begun to; where nobody knows it may be any.
fn may_be_in_file(live: Option<&WalIndex>) -> u32 {
    live.map_or(u32::MAX, |index| index.backfilled.max(index.backfill_attempted))
}

/// What a wal-index would say if somebody recovered it now.
fn position_after_recovery(frames: Option<&FrameIndex>) -> LogPosition {
    frames.map_or(LogPosition::NO_LOG, |frames| LogPosition {
        frame: frames.last.frame,
        salts: frames.salts(),
        checksum: frames.last.checksum,
        page_count: frames.last.page_count,
        ..LogPosition::NO_LOG
    })
}

/// The page count to believe; `committed` is what the last commit states, 0 for none.
fn page_count(view: &View, page_one: &PageOne, committed: u32) -> Result<u32> {
    let frames = view.frames.as_ref().map(|frames| frames.index.as_ref());
    if let Some(frames) = frames
        && frames.page_size() != page_one.page_size
    {
        let sizes = format!("pages of {} bytes, the database of {}", frames.page_size(), page_one.page_size);
        return Err(contradiction(&view.name, &sizes));
    }
    let in_file = view.pages_in_file(page_one.page_size)?;
    let page_count = view.page_count(page_one, if committed > 0 { committed.into() } else { in_file })?;
    view.check_claim(page_one, page_count).map(|()| page_count)
}

pub(super) fn open_log(files: &SideFiles) -> Result<Option<Log>> {
    let path = files.wal().path();
    match files.wal().open(Access::Read) {
        Ok((file, _)) => Ok(Some(Log { file: Box::new(file), path: path.to_owned() })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

fn contradiction(path: &Path, what: &str) -> Error {
    Error::new(path, Problem::Contradiction(format!("its log has {what}")))
}
