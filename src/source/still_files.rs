//! All files of a database held still as they lie there, whatever is in them.
//!
//! | held | keeps from happening |
//! |---|---|
//! | SHARED on the database | in rollback mode: that a writer changes the file, or rolls a hot journal back. In WAL mode: that the last connection removes the log |
//! | READ0 of the wal-index | that a checkpoint writes pages of the log into the file |
//! | one of READ1 to READ4, where all frames are in the file already | that the next commit begins the log anew |
//!
//! A writer may go on: in rollback mode up to its commit, with a journal of its own; in WAL mode it appends frames to the log, and changes the
//! wal-index. The frames up to the last commit, and the file, stay as they are. Where no lock can be had, it is looked at the end
//! whether anything moved ([`stood`](StillFiles::stood)).

use super::file_watch::FileWatch;
use super::first_locks::{acquire, close_gate};
use super::held::{Beside, Held};
use super::hot_journal::{self, Witness};
use super::source_options::SourceOptions;
use super::wal_join::{Patience, Terms, Want};
use super::wal_snapshot::hold_log;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Result};
use crate::format::WalIndex;
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::lock::wal_lock::WalGate;
use crate::os::lock_file::LockFile;
use crate::os::random_access::read_padded;
use crate::side_files::SideFiles;
use crate::state::journal::JournalState;

/// Where the header says whether a log is used, and what it says then.
const READ_VERSION_OFFSET: usize = 19;
const LOG_READ_VERSION: u8 = 2;

/// The files of a database, held still as long as this lives.
#[derive(Debug)]
pub(crate) struct StillFiles {
    files: SideFiles,
    held: Held,
    live: Option<WalIndex>,
    /// Whether the header says that a log is used.
    logged: bool,
    journal: Option<JournalState>,
    /// What a hot journal was when it was judged.
    witness: Option<Witness>,
}

impl StillFiles {
    /// Locks the files, or says who is in the way.
    pub(crate) fn hold(files: &SideFiles, options: &SourceOptions) -> Result<Attempt<Self>> {
        let place = files.database();
        let lock = match acquire(place, options, None)? {
            Attempt::Got(lock) => lock,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        };
        let found = place.identity().map_err(Error::io("look at it", place.path()))?;
        if found != Some(lock.file().identity()) {
            return Ok(Attempt::Busy(Obstacle::Change));
        }
        let watched = lock.keeps_nobody_out() && !options.immutable;
        let beside = if watched { Beside::Watch(FileWatch::over(files)?) } else { Beside::Nothing };
        let logged = says_log(lock.file(), files)?;
        let terms = Terms {
            patience: Patience::Brief,
            want: Want::EveryVersion,
            expects_index: !options.alone && options.opaque.is_none() && logged,
        };
        let (beside, live) = match hold_log(files, (&lock, beside), terms)? {
            Attempt::Got(held) => held,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        };
        let (journal, witness) = match hot_journal::judge_found(files, &lock)? {
            (Some(JournalState::Hot), None) => return Ok(Attempt::Busy(Obstacle::Change)),
            judged => judged,
        };
        let held = Held::File { lock, beside };
        Ok(Attempt::Got(Self { files: files.clone(), held, live, logged, journal, witness }))
    }

    /// The database file, to be read.
    pub(crate) fn database(&self) -> Option<&LockFile> {
        self.held.lock_file()
    }

    /// What the journal means for who opens the database; `None` where there is none.
    pub(crate) fn journal(&self) -> Option<JournalState> {
        self.journal
    }

    /// Whether somebody alive keeps the wal-index, so that it counts.
    pub(crate) fn index_is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The last frame that stays as it is while this lives; 0 where the wal-index does not tell.
    pub(crate) fn last_frame(&self) -> u32 {
        self.live.map_or(0, |index| index.header.mx_frame)
    }

    /// Keeps everybody from publishing a commit in the wal-index as long as the gate lives; `None` where there is no
    /// wal-index, or no lock.
    pub(crate) fn close_gate(&self) -> Result<Attempt<Option<WalGate>>> {
        match self.held.lock() {
            Some(lock) => close_gate(&self.files, lock),
            None => Ok(Attempt::Got(None)),
        }
    }

    /// Whether what no lock could hold stayed as it was.
    pub(crate) fn stood(&self) -> Result<bool> {
        let journal_stood = match (self.witness, self.held.lock()) {
            (Some(witness), Some(lock)) => witness.still_stands(&self.files, lock)?,
            _ => true,
        };
        Ok(journal_stood && self.held.stood()?)
    }

    /// The locks that are held, in SQLite's words.
    pub(crate) fn lock_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if self.held.lock().is_some_and(|lock| !lock.keeps_nobody_out()) {
            names.push("SHARED".to_owned());
        }
        if let Held::File { beside: Beside::Slot(lock), .. } = &self.held {
            names.extend(lock.slots().map(|slot| format!("READ{slot}")));
        }
        names
    }

    /// Whether commits have to wait: in rollback mode, where a lock is held.
    pub(crate) fn holds_commits_up(&self) -> bool {
        let locked = self.held.lock().is_some_and(|lock| !lock.keeps_nobody_out());
        locked && !self.logged
    }
}

/// Whether the header says that the database is in WAL mode.
fn says_log(database: &LockFile, files: &SideFiles) -> Result<bool> {
    let mut header = [0; DATABASE_HEADER_BYTES];
    read_padded(database, &mut header, 0).map_err(Error::io("read", files.database().path()))?;
    Ok(header.get(READ_VERSION_OFFSET) == Some(&LOG_READ_VERSION))
}
