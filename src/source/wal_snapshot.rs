//! The view of a database in WAL mode: the file, with the committed frames of its log laid over.

use super::change_stamp::{ChangeStamp, Content, LogPosition};
use super::frame_index::{FrameIndex, LogFile, UpTo};
use super::hot_journal::Rollback;
use super::snapshot::{Frames, Held, Snapshot, View};
use super::source_options::SourceOptions;
use super::wal_join::{self, Joined, Patience};
use crate::error::{Error, Obstacle, Problem, Result};
use crate::format::{DatabaseHeader, JournalMode, Salts, WalChecksum, WalIndex};
use crate::lock::database_lock::SharedLock;
use crate::os::file_identity::{self, Found};
use crate::os::lock_file::LockFile;
use crate::os::random_access::ReadAt;
use crate::side_files::SideFiles;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log that is there, whatever is in it.
pub(super) struct Log {
    pub(super) file: Box<dyn ReadAt>,
    pub(super) path: PathBuf,
}

/// Begins a snapshot of a database in WAL mode, or says who is in the way.
///
/// `known` is the frame index of the snapshot before, whose frames need not be read again.
pub(super) fn begin(
    files: &SideFiles,
    options: &SourceOptions,
    shared: SharedLock,
    rollback: Option<Rollback>,
    known: &mut Option<Arc<FrameIndex>>,
    patience: Patience,
) -> Result<std::result::Result<Snapshot, Obstacle>> {
    let path = files.wal_index();
    let joined = match LockFile::open(&path) {
        Ok(wal_index) => Some(wal_join::join(wal_index, patience).map_err(Error::io("lock", &path))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io("open", &path)(error)),
    };
    let (held, live) = match joined {
        Some(Joined::Live(read, index)) => (Held::Log { shared, read }, Some(index)),
        Some(Joined::Stale(read)) => (Held::Log { shared, read }, None),
        Some(Joined::Busy(obstacle)) => return Ok(Err(obstacle)),
        None => (Held::LogWithoutIndex { shared, wal_index: path.clone() }, None),
    };
    let unguarded = matches!(held, Held::LogWithoutIndex { .. });
    let begun = open_log(files).and_then(|log| {
        let name = files.database().to_owned();
        let below = View { name, limits: options.limits, held, rollback, frames: None };
        of(below, log, live.as_ref(), known)
    });
    match begun {
        Ok(snapshot) => Ok(Ok(snapshot)),
        // Without a lock on the log, what looks like damage may be somebody's work half seen.
        Err(_) if unguarded && appeared(&path)? => Ok(Err(Obstacle::Change)),
        Err(error) => Err(error),
    }
}

/// Whether a wal-index is there now where none was.
pub(super) fn appeared(wal_index: &Path) -> Result<bool> {
    Ok(file_identity::look(wal_index).map_err(Error::io("look at", wal_index))? != Found::Nothing)
}

/// Makes the snapshot of a database and its log, both held still, of what lies below the log. `live` is the wal-index where it can be believed;
/// without it the log is read as recovery would read it.
pub(super) fn of(
    below: View,
    log: Option<Log>,
    live: Option<&WalIndex>,
    known: &mut Option<Arc<FrameIndex>>,
) -> Result<Snapshot> {
    let frames = match (&log, frames_needed(live)) {
        (Some(Log { file, path }), Some(up_to)) => FrameIndex::read(
            LogFile { file: file.as_ref(), path, limits: &below.limits },
            up_to,
            known.as_deref(),
        )?,
        (None, Some(UpTo::Frame(..))) => {
            return Err(contradiction(&below.name, "frames, but there is no log"));
        }
        _ => None,
    };
    let frames = frames.filter(|frames| frames.frame > 0).map(Arc::new);
    let position = match live {
        Some(WalIndex { header, .. }) => LogPosition {
            change: header.change,
            frame: header.mx_frame,
            salts: header.salts,
            checksum: header.frame_checksum,
            page_count: header.page_count,
            file_times: None,
        },
        None => position_after_recovery(frames.as_deref()),
    };
    known.clone_from(&frames);
    let frames = log.zip(frames).map(|(Log { file, path }, index)| Frames { log: file, path, index });
    let view = View { frames, ..below };
    let header = view.read_header()?;
    let page_count = page_count(&view, &header, position.page_count)?;
    let file_times =
        view.held.lock_file().map(LockFile::times).transpose().map_err(Error::io("look at", &view.name))?;
    let stamp = ChangeStamp {
        identity: view.held.lock_file().map(LockFile::identity),
        content: Content::Log(LogPosition { file_times, ..position }),
    };
    Ok(Snapshot {
        view,
        page_size: header.page_size,
        page_count,
        journal_mode: JournalMode::Wal,
        sqlite_version: header.sqlite_version,
        stamp,
    })
}

/// Which frames lie over the file: none when a live wal-index says that all are in it already.
fn frames_needed(live: Option<&WalIndex>) -> Option<UpTo> {
    match live {
        None => Some(UpTo::LastCommit),
        Some(index) if index.backfilled == index.header.mx_frame => None,
        Some(WalIndex { header, .. }) => {
            Some(UpTo::Frame(header.mx_frame, header.salts, header.frame_checksum))
        }
    }
}

/// What a wal-index would say if somebody recovered it now.
fn position_after_recovery(frames: Option<&FrameIndex>) -> LogPosition {
    let (frame, salts, checksum, page_count) = frames
        .map_or((0, Salts([0; 8]), WalChecksum::SEED, 0), |frames| {
            (frames.frame, frames.salts(), frames.checksum, frames.page_count)
        });
    LogPosition { change: 0, frame, salts, checksum, page_count, file_times: None }
}

/// The page count to believe; `committed` is what the last commit states, 0 for none.
fn page_count(view: &View, header: &DatabaseHeader, committed: u32) -> Result<u32> {
    let frames = view.frames.as_ref().map(|frames| frames.index.as_ref());
    if let Some(frames) = frames
        && frames.page_size() != header.page_size
    {
        let sizes = format!("pages of {} bytes, the database of {}", frames.page_size(), header.page_size);
        return Err(contradiction(&view.name, &sizes));
    }
    let in_file = view.pages_in_file(header.page_size)?;
    let page_count = view.page_count(header, if committed > 0 { committed.into() } else { in_file })?;
    view.check_claim(header, page_count).map(|()| page_count)
}

fn open_log(files: &SideFiles) -> Result<Option<Log>> {
    let path = files.wal();
    match File::open(&path) {
        Ok(file) => Ok(Some(Log { file: Box::new(file), path })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", &path)(error)),
    }
}

fn contradiction(path: &Path, what: &str) -> Error {
    Error::new(path, Problem::Contradiction(format!("its log has {what}")))
}
