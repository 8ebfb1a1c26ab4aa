//! Copies the files of a database as they lie there, held still, and reads them again to see that they stayed so.
//!
//! ```text
//!   database, journal, super-journal ──> log up to the last commit ──> gate closed: wal-index, rest of the log ──> all read again
//! ```
//!
//! While the gate is closed nobody can commit, so wal-index and log are of one moment; for a rest of the log that is long, or beside
//! a writer who does not come to an end, it is left open. Then what lies behind the last commit may be of several moments; the commit that
//! the wal-index tells, and all before it, is whole in any case: the wal-index is copied first, and its frames stay.

use super::file_copy::{FileCopy, Handle, Work};
use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::format::WalIndex;
use crate::format::frame_number::frame_bytes;
use crate::format::wal_header::{WAL_HEADER_BYTES, WalHeader};
use crate::format::wal_index::WAL_INDEX_BYTES;
use crate::lock::wal_lock::WalGate;
use crate::manifest::{BundleFile, FileRole};
use crate::os::clock::Deadline;
use crate::os::durable_folder::DurableFolder;
use crate::os::file_identity::Found;
use crate::os::lock_file::LockFile;
use crate::os::place::{Access, Place};
use crate::os::random_access::read_padded;
use crate::side_files::SideFiles;
use crate::source::StillFiles;
use crate::state::journal::super_journal;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For how long it is tried to close the gate, and after what pause.
const GATE_PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// The longest rest of a log that is copied while nobody can commit.
const MOST_GATED_BYTES: u64 = 64 << 20;

/// How often a wal-index is copied again whose two headers were just being written.
const INDEX_TRIES: u32 = 200;

/// A super-journal is a list of names; a longer file is none.
const LONGEST_SUPER_JOURNAL_BYTES: u64 = 1 << 20;

/// What was copied.
pub(super) struct FoundFiles {
    pub(super) files: Vec<BundleFile>,
    /// Their copies, which are still to be brought to the device, and what messages call them.
    copies: Vec<(File, PathBuf)>,
    /// How long nobody could commit, where that was kept.
    pub(super) gate: Option<Duration>,
}

impl FoundFiles {
    /// Brings the copies to the device: when nothing is held any more.
    pub(super) fn sync(&self) -> Result<()> {
        self.copies.iter().try_for_each(|(copy, path)| copy.sync_all().map_err(Error::io("sync", path)))
    }

    /// The file of that role.
    pub(super) fn of_role(&self, role: FileRole) -> Option<&BundleFile> {
        self.files.iter().find(|file| file.role == role)
    }
}

/// Copies all that is there into `folder`, which is called `shown`.
pub(super) fn take(
    still: &StillFiles,
    files: &SideFiles,
    (folder, shown): (&DurableFolder, &Path),
    work: &mut Work<'_>,
) -> Result<FoundFiles> {
    let mut copies = open(still, files, (folder, shown))?;
    let mut total_bytes = 0_u64;
    for copy in &copies {
        total_bytes = total_bytes.saturating_add(copy.found_bytes()?);
    }
    (work.done_bytes, work.total_bytes) = (0, total_bytes.saturating_mul(3));
    for copy in copies.iter_mut().filter(|copy| !matches!(copy.role, FileRole::Log | FileRole::WalIndex)) {
        copy.copy(work)?;
    }
    let gate = take_log(still, &mut copies, work)?;
    let taken = copies.iter().map(|copy| copy.read_again(work)).collect::<Result<_>>()?;
    let copies = copies.into_iter().map(FileCopy::into_copy).collect();
    Ok(FoundFiles { files: taken, copies, gate })
}

/// Opens all files that are there, each with its empty copy.
fn open<'s>(
    still: &'s StillFiles,
    files: &SideFiles,
    bundle: (&DurableFolder, &Path),
) -> Result<Vec<FileCopy<'s>>> {
    let mut copies = Vec::new();
    if let Some(database) = still.database() {
        let path = files.database().path();
        copies.push(FileCopy::new(FileRole::Database, (Handle::Locked(database), path), bundle)?);
    }
    if let Some(journal) = open_plain(files.journal())? {
        let path = files.journal().path();
        let named = super_journal(journal.bytes(), path)?.ok().flatten();
        copies.push(FileCopy::new(FileRole::Journal, (journal, path), bundle)?);
        if let Some(place) = named.as_deref().and_then(|path| place_of_super_journal(path).ok())
            // One that we may not read decides all the same: by being there.
            && let Ok(Some(file)) = open_plain(&place)
        {
            copies.push(FileCopy::new(FileRole::SuperJournal, (file, place.path()), bundle)?);
        }
    }
    if let Some(log) = open_plain(files.wal())? {
        copies.push(FileCopy::new(FileRole::Log, (log, files.wal().path()), bundle)?);
    }
    let path = files.wal_index().path();
    match LockFile::open(files.wal_index()) {
        Ok(index) => {
            copies.push(FileCopy::new(FileRole::WalIndex, (Handle::Lockable(index), path), bundle)?);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("open", path)(error)),
    }
    Ok(copies)
}

fn open_plain<'s>(place: &Place) -> Result<Option<Handle<'s>>> {
    match place.open(Access::Read) {
        Ok((file, _)) => Ok(Some(Handle::Plain(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", place.path())(error)),
    }
}

/// Where a journal says that its super-journal lies, if a file lies there that may be one: the name may be anybody's invention.
fn place_of_super_journal(path: &Path) -> io::Result<Place> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let place = Place::within(folder, name)?;
    match place.look()? {
        Found::File { size_bytes } if size_bytes <= LONGEST_SUPER_JOURNAL_BYTES => Ok(place),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Copies log and wal-index, and says for how long nobody could commit.
fn take_log(
    still: &StillFiles,
    copies: &mut [FileCopy<'_>],
    work: &mut Work<'_>,
) -> Result<Option<Duration>> {
    let mut rest_bytes = 0;
    if let Some(log) = of_role(copies, FileRole::Log) {
        let kept_bytes = kept_bytes(log, still.last_frame())?;
        log.copy_to(kept_bytes.min(log.found_bytes()?), work)?;
        rest_bytes = log.found_bytes()?.saturating_sub(kept_bytes);
    }
    let is_there = of_role(copies, FileRole::WalIndex).is_some();
    let gate = if is_there && rest_bytes <= MOST_GATED_BYTES { close_gate(still, work)? } else { None };
    let since = Instant::now();
    if let Some(index) = of_role(copies, FileRole::WalIndex) {
        take_index(still, index, work)?;
    }
    if let Some(log) = of_role(copies, FileRole::Log) {
        log.copy(work)?;
    }
    Ok(gate.map(|gate| {
        drop(gate);
        since.elapsed()
    }))
}

fn of_role<'c, 'h>(copies: &'c mut [FileCopy<'h>], role: FileRole) -> Option<&'c mut FileCopy<'h>> {
    copies.iter_mut().find(|copy| copy.role == role)
}

/// How many bytes of the log stay as they are: its header and the frames up to `last_frame`.
fn kept_bytes(log: &mut FileCopy<'_>, last_frame: u32) -> Result<u64> {
    let header = log.read_found(WAL_HEADER_BYTES)?;
    Ok(match WalHeader::parse(&header) {
        Ok(header) if last_frame > 0 => {
            let frames = u64::from(last_frame).saturating_mul(frame_bytes(header.page_size) as u64);
            frames.saturating_add(WAL_HEADER_BYTES as u64)
        }
        _ => 0,
    })
}

/// Closes the gate, if whoever is at work behind it comes to an end.
fn close_gate(still: &StillFiles, work: &Work<'_>) -> Result<Option<WalGate>> {
    let end = Deadline::after(Some(GATE_PATIENCE));
    loop {
        match still.close_gate()? {
            Attempt::Got(gate) => return Ok(gate),
            Attempt::Busy(_) if end.has_passed() => return Ok(None),
            Attempt::Busy(_) => work.halt.sleep(PAUSE),
        }
    }
}

/// Copies the wal-index. One that counts is copied until its two headers agree.
fn take_index(still: &StillFiles, index: &mut FileCopy<'_>, work: &mut Work<'_>) -> Result<()> {
    for _ in 0..INDEX_TRIES {
        index.void();
        index.copy(work)?;
        let mut bytes = [0; WAL_INDEX_BYTES];
        let read = read_padded(index.copied(), &mut bytes, 0);
        read.map_err(Error::io("read back", Path::new(FileRole::WalIndex.name())))?;
        if !still.index_is_live() || WalIndex::parse(&bytes).is_ok() {
            break;
        }
        work.halt.sleep(PAUSE);
    }
    Ok(())
}
