//! A database to be copied: finds out in what state it is, and gives a snapshot of it at a time.

use super::change_stamp::ChangeStamp;
use super::file_watch::{self, FileWatch};
use super::first_locks::{acquire, close_gate, open};
use super::frame_index::Log;
use super::held::{Beside, Held};
use super::hot_journal::KnownJournal;
use super::side_file::SideFile;
use super::snapshot::{Snapshot, Standing};
use super::source_bytes::{JournalOf, SourceBytes, WalOf};
use super::source_notes::FileDetour;
use super::source_options::{Opaque, SourceOptions};
use super::view::View;
use super::wal_join::{Patience, Terms, Want};
use super::wal_snapshot::KnownLog;
use super::{hot_journal, rollback_snapshot, version, wal_snapshot};
use crate::attempt::{Attempt, LockHolder, Obstacle};
use crate::error::{Error, Result};
use crate::format::{JournalMode, PageSize};
use crate::halt::Halt;
use crate::lock::database_lock;
use crate::lock::lock_holders;
use crate::lock::lock_style::ReadLock;
use crate::lock::wal_lock::{self, WalGate};
use crate::os::clock::Deadline;
use crate::os::file_identity::{CLOCK_STEP, FileIdentity, FileTimes, Found};
use crate::os::lock_file::LockFile;
use crate::os::mounts;
use crate::side_files::SideFiles;
use crate::state::log::has_log;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// After what pauses a database that makes no sense is looked at again.
const DOUBTS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(10), Duration::from_millis(50)];

/// What a source made of bytes is called in messages.
const IN_MEMORY: &str = "memory";

/// A database to be copied. It is only ever read (C1), and nothing is locked but while a snapshot lasts.
///
/// One exception: a database in WAL mode stays locked SHARED between the steps of one copy, as in SQLite. This holds up
/// no reader, writer or checkpoint; without it the log could vanish between two steps, and nobody could tell whether
/// something had been committed (C5).
///
/// ```no_run
/// use litecopy::{Database, SourceOptions, inspect};
///
/// # fn main() -> litecopy::Result<()> {
/// let source = SourceOptions::new().as_of(Some(3)).open("app.db")?; // as of the third commit in the log
/// let space = inspect::space(&Database::open(source, None)?)?;
/// println!("{} pages", space.page_count);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Source {
    content: Content,
    options: SourceOptions,
    /// SHARED on a database in WAL mode, between two snapshots.
    resting: Option<ReadLock>,
    /// The file as it was opened to see that it can be read, for the first lock.
    opened: Option<LockFile>,
    known: Known,
    detour: Option<FileDetour>,
}

/// What was learned for the snapshot before, and need not be again; and what may end the reading.
#[derive(Debug, Default)]
struct Known {
    log: KnownLog,
    journal: Option<KnownJournal>,
    seen: Seen,
    halt: Halt,
}

/// The times of files, as they were longer ago than a step of the clock.
#[derive(Debug, Default)]
struct Seen {
    database: Option<FileTimes>,
    watch: Option<FileWatch>,
}

#[derive(Debug)]
enum Content {
    /// The name that the caller gave, and where it leads.
    Files(PathBuf, SideFiles),
    Bytes(Arc<SourceBytes>),
}

impl Source {
    /// The database at `path`.
    pub(super) fn from_path(path: &Path, options: &SourceOptions) -> Result<Self> {
        let files = SideFiles::of(path)?;
        let opened = open(files.database(), options).map_err(Error::io("open", path))?;
        let source = Self::new(Content::Files(path.to_owned(), files), *options);
        Ok(Self { opened: Some(opened), ..source })
    }

    /// The database `files`, which `path` names.
    pub(crate) fn of_files(path: &Path, files: SideFiles, options: &SourceOptions) -> Self {
        Self::new(Content::Files(path.to_owned(), files), *options)
    }

    /// A database made of bytes.
    pub(super) fn from_bytes(bytes: SourceBytes, options: &SourceOptions) -> Self {
        Self::new(Content::Bytes(Arc::new(bytes)), *options)
    }

    fn new(content: Content, options: SourceOptions) -> Self {
        let detour = match &content {
            Content::Files(_, files) => mounts::detour(files.database().path()).map(FileDetour::from),
            Content::Bytes(_) => None,
        };
        Self { content, options, resting: None, opened: None, known: Known::default(), detour }
    }

    /// Which file it is, now; `None` when it is made of bytes.
    pub(super) fn identity(&self) -> Result<Option<FileIdentity>> {
        let Content::Files(path, files) = &self.content else { return Ok(None) };
        files.database().identity().map_err(Error::io("look at it", path))
    }

    /// The path of the database file, symbolic links resolved; `None` when it is made of bytes.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.content {
            Content::Files(_, files) => Some(files.database().path()),
            Content::Bytes(_) => None,
        }
    }

    /// The file and its side files, where they were found when it was opened; `None` when it is made of bytes.
    pub(crate) fn files(&self) -> Option<&SideFiles> {
        match &self.content {
            Content::Files(_, files) => Some(files),
            Content::Bytes(_) => None,
        }
    }

    /// The bytes that it is made of; `None` for files.
    pub(crate) fn bytes(&self) -> Option<&SourceBytes> {
        match &self.content {
            Content::Files(..) => None,
            Content::Bytes(bytes) => Some(bytes),
        }
    }

    pub(crate) fn options(&self) -> &SourceOptions {
        &self.options
    }

    /// The log and the journal as they are, whether SQLite would heed them or not; `None` for one that is not there.
    pub(crate) fn open_side_files(&self) -> Result<[Option<SideFile>; 2]> {
        match &self.content {
            Content::Files(_, files) => Ok([SideFile::open(files.wal())?, SideFile::open(files.journal())?]),
            Content::Bytes(bytes) => Ok([
                Some(SideFile::from_bytes(WalOf(Arc::clone(bytes)), IN_MEMORY.into())),
                Some(SideFile::from_bytes(JournalOf(Arc::clone(bytes)), IN_MEMORY.into())),
            ]),
        }
    }

    /// Which version was asked for.
    pub(crate) fn as_of(&self) -> Option<u64> {
        self.options.as_of
    }

    /// What to call it in messages.
    pub(crate) fn name(&self) -> &Path {
        match &self.content {
            Content::Files(name, _) => name,
            Content::Bytes(_) => Path::new(IN_MEMORY),
        }
    }

    /// Who holds locks on it now, as far as can be told.
    pub(crate) fn lock_holders(&self) -> Vec<LockHolder> {
        self.path().map(|path| lock_holders(path).unwrap_or_default()).unwrap_or_default()
    }

    /// Whether somebody else has begun to write, or waits for readers to go before it commits (RESERVED, PENDING or
    /// EXCLUSIVE), as far as can be told. In WAL mode no writer waits for readers, and none is told.
    pub(crate) fn writer_waits(&self) -> bool {
        let waits = |path| LockFile::open(path).and_then(|file| database_lock::writer_is_there(&file));
        matches!(&self.content, Content::Files(_, files) if waits(files.database()).unwrap_or(false))
    }

    /// The stamp of the version that is there now; `None` when somebody holds a lock that keeps us from looking. Nothing stays
    /// locked.
    ///
    /// # Errors
    ///
    /// Whatever keeps the database from being read.
    pub fn stamp(&mut self) -> Result<Option<ChangeStamp>> {
        let stamp = match self.begin()? {
            Attempt::Got(snapshot) => {
                let stamp = snapshot.stamp();
                (self.end(snapshot)? == Standing::Confirmed).then_some(stamp)
            }
            Attempt::Busy(_) => None,
        };
        self.let_go();
        Ok(stamp)
    }

    /// From now on whatever is read of log and journal ends early when it has to.
    pub(crate) fn halt_by(&mut self, halt: Halt) {
        self.known.halt = halt;
    }

    /// From now on only versions that were committed are read.
    pub(crate) fn read_committed(&mut self) {
        self.options.committed = true;
    }

    /// From now on snapshots can tell which pages were changed since an earlier one, as far as the log tells.
    pub(crate) fn follow_log(&mut self) {
        self.known.log.follow = true;
    }

    /// The size of the log in bytes, now; 0 where none is.
    pub(crate) fn log_bytes(&self) -> Result<u64> {
        let Content::Files(_, files) = &self.content else { return Ok(0) };
        let wal = files.wal();
        match wal.look().map_err(Error::io("look at it", wal.path()))? {
            Found::File { size_bytes } => Ok(size_bytes),
            _ => Ok(0),
        }
    }

    /// Whether somebody does a checkpoint and waits for readers of the log to go, with every writer waiting for it: a
    /// held snapshot keeps them waiting. Somebody may seem to for a moment, also when nobody does.
    pub(crate) fn checkpointer_waits(&self) -> bool {
        let Content::Files(_, files) = &self.content else { return false };
        let waits = LockFile::open(files.wal_index()).and_then(|file| wal_lock::checkpointer_waits(&file));
        waits.unwrap_or(false)
    }

    /// Begins a snapshot: locks first (C2), then looks.
    pub(crate) fn begin(&mut self) -> Result<Attempt<Snapshot>> {
        match self.begin_with(Patience::Brief)? {
            // So that the next look can tell whether something was committed: with nothing but SHARED held meanwhile.
            Attempt::Got(snapshot) if !snapshot.is_settled(self.known.seen.watch.as_ref()) => {
                let seen = Seen { database: snapshot.stamp().file_times(), watch: snapshot.watch().cloned() };
                self.end(snapshot)?;
                Deadline::after(None).sleep(CLOCK_STEP);
                self.known.seen = seen;
                self.begin_settled()
            }
            begun => Ok(begun),
        }
    }

    /// Begins a snapshot; files that no lock keeps still, and that were changed just now, are somebody's at work.
    fn begin_settled(&mut self) -> Result<Attempt<Snapshot>> {
        match self.begin_with(Patience::Brief)? {
            Attempt::Got(snapshot)
                if snapshot.watch().is_some_and(|it| !it.is_settled(self.known.seen.watch.as_ref())) =>
            {
                self.end(snapshot)?;
                Ok(Attempt::Busy(Obstacle::Change))
            }
            begun => Ok(begun),
        }
    }

    /// The same without waiting for anything: for when other databases are locked already.
    pub(crate) fn begin_at_once(&mut self) -> Result<Attempt<Snapshot>> {
        self.begin_with(Patience::None)
    }

    /// What may be a change seen half-way is looked at again before it is an error, unless nobody can have made one.
    fn begin_with(&mut self, patience: Patience) -> Result<Attempt<Snapshot>> {
        let doubts = match &self.content {
            Content::Files(..) if patience == Patience::Brief && !self.options.immutable => DOUBTS,
            _ => &[],
        };
        for &pause in doubts {
            match self.begin_once(patience) {
                Err(error) if error.may_be_half_a_change() => Deadline::after(None).sleep(pause),
                begun => return begun,
            }
        }
        self.begin_once(patience)
    }

    fn begin_once(&mut self, patience: Patience) -> Result<Attempt<Snapshot>> {
        let begun = self.begin_without_settling(patience)?;
        Ok(begun.map(|mut snapshot| {
            snapshot.stamp.settle(self.known.seen.database);
            snapshot.detour = self.detour;
            snapshot
        }))
    }

    fn begin_without_settling(&mut self, patience: Patience) -> Result<Attempt<Snapshot>> {
        let options = &self.options;
        match &self.content {
            Content::Files(_, files) => {
                let held = (self.resting.take(), self.opened.take());
                begin_from_files(files, options, held, &mut self.known, patience)
            }
            Content::Bytes(bytes) => begin_from_bytes(bytes, options, &mut self.known).map(Attempt::Got),
        }
    }

    /// Takes the lock on the database that the next snapshot begins with, and keeps it.
    pub(crate) fn lock(&mut self) -> Result<Attempt<()>> {
        if let (Content::Files(_, files), None) = (&self.content, &self.resting) {
            match acquire(files.database(), &self.options, self.opened.take())? {
                Attempt::Got(lock) => self.resting = Some(lock),
                Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
            }
        }
        Ok(Attempt::Got(()))
    }

    /// Keeps everybody from publishing a commit in the wal-index, if there is one, as long as the gate lives.
    /// [`lock`](Self::lock) comes before.
    pub(crate) fn close_gate(&self) -> Result<Attempt<Option<WalGate>>> {
        match (&self.content, &self.resting) {
            (Content::Files(_, files), Some(lock)) => close_gate(files, lock),
            _ => Ok(Attempt::Got(None)),
        }
    }

    /// Lets go of what is held between two snapshots.
    pub(crate) fn let_go(&mut self) {
        self.resting = None;
    }

    /// Ends a snapshot of this source, and says whether what was read in it counts.
    pub(crate) fn end(&mut self, snapshot: Snapshot) -> Result<Standing> {
        let standing = self.standing(&snapshot)?;
        self.resting = snapshot.into_rest();
        Ok(standing)
    }

    /// Whether what was read so far in a snapshot of this source counts.
    pub(crate) fn standing(&self, snapshot: &Snapshot) -> Result<Standing> {
        let journal_stood = match (&self.content, &snapshot.view.rollback, snapshot.view.held.lock()) {
            (Content::Files(_, files), Some(rollback), Some(lock)) => rollback.still_stands(files, lock)?,
            _ => true,
        };
        let stood = journal_stood && snapshot.view.held.stood()?;
        Ok(if stood { Standing::Confirmed } else { Standing::Withdrawn })
    }

    /// Reads it from now on as a database whose header cannot be read, with pages of this size.
    pub(crate) fn read_as_opaque(&mut self, page_size: PageSize) {
        self.options.opaque = Some(Opaque { page_size: Some(page_size), must_divide: false });
    }
}

/// Goes through SQLite's own order of questions (`[copy-protocol.md#beginning-a-snapshot]`).
fn begin_from_files(
    files: &SideFiles,
    options: &SourceOptions,
    (resting, opened): (Option<ReadLock>, Option<LockFile>),
    known: &mut Known,
    patience: Patience,
) -> Result<Attempt<Snapshot>> {
    let place = files.database();
    let was_opened = resting.is_none() && opened.is_some();
    let lock = match resting {
        Some(lock) => lock,
        None => match acquire(place, options, opened)? {
            Attempt::Got(lock) => lock,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        },
    };
    let identity = lock.file().identity();
    if place.identity().map_err(Error::io("look at it", place.path()))? != Some(identity) {
        // Another file has been put in its place: its side files are under these names now.
        if was_opened {
            // That may be long ago.
            drop(lock);
            return begin_from_files(files, options, (None, None), known, patience);
        }
        return Ok(Attempt::Busy(Obstacle::Change));
    }
    if !lock.keeps_nobody_out() || options.immutable {
        return begin_locked(files, options, (lock, Beside::Nothing), known, patience);
    }
    let watch = FileWatch::over(files)?;
    let begun = begin_locked(files, options, (lock, Beside::Watch(watch.clone())), known, patience);
    match begun {
        // Nothing kept anybody out: what makes no sense may be somebody's work half done.
        Err(error) if error.may_be_half_a_change() => {
            let stands = watch.is_settled(known.seen.watch.as_ref()) && watch.unchanged()?;
            if stands { Err(error) } else { Ok(Attempt::Busy(Obstacle::Change)) }
        }
        begun => begun,
    }
}

/// The same, once the database is locked.
fn begin_locked(
    files: &SideFiles,
    options: &SourceOptions,
    (lock, beside): (ReadLock, Beside),
    known: &mut Known,
    patience: Patience,
) -> Result<Attempt<Snapshot>> {
    let (path, identity) = (files.database().path(), lock.file().identity());
    let bounds = (&options.limits, &known.halt);
    let told = options.as_found.map(|found| found.rolls_back);
    let rollback =
        version::laid_over(options, || hot_journal::find(files, (&lock, told), bounds, &mut known.journal))?;
    let held = Held::File { lock, beside };
    let mut view = View {
        name: path.to_owned(),
        options: *options,
        held,
        rollback,
        frames: None,
        halt: known.halt.clone(),
        file_bytes: OnceLock::new(),
    };
    let has_log = has_log(files)?;
    if has_log {
        view.check_not_emptied(wal_snapshot::open_log(files)?.as_ref())?;
    }
    if !is_logged(files, &view, has_log)? {
        view.expect_no_log(files.wal_index().clone());
        return rollback_snapshot::of(view, Some(identity)).map(Attempt::Got);
    }
    let terms = Terms {
        patience,
        want: if options.as_of.is_some() { Want::EveryVersion } else { Want::Newest },
        expects_index: !options.alone
            && options.opaque.is_none()
            && view.read_page_one()?.journal_mode() == JournalMode::Wal,
    };
    wal_snapshot::begin(files, view, &mut known.log, terms)
}

/// Whether the database is in WAL mode. A log with anything in it counts, whatever the header says; and where the header
/// cannot be read, also the sign that somebody uses one.
fn is_logged(files: &SideFiles, view: &View, has_log: bool) -> Result<bool> {
    if view.is_empty()? {
        return Ok(false);
    }
    if has_log {
        return Ok(true);
    }
    match view.options.opaque {
        None => Ok(view.read_page_one()?.journal_mode() == JournalMode::Wal),
        Some(_) => file_watch::appeared(files.wal_index()),
    }
}

/// The same questions, asked of bytes: there are no locks, and nobody is connected.
fn begin_from_bytes(
    bytes: &Arc<SourceBytes>,
    options: &SourceOptions,
    known: &mut Known,
) -> Result<Snapshot> {
    let name = Path::new(IN_MEMORY);
    let journal = Box::new(JournalOf(Arc::clone(bytes)));
    let bounds = (&options.limits, &known.halt);
    let rollback = match bytes.database.len() {
        0 | 1 => None,
        _ => version::laid_over(options, || hot_journal::find_in(journal, name, &bytes.database, bounds))?,
    };
    let held = Held::Bytes(Arc::clone(bytes));
    let view = View {
        name: name.to_owned(),
        options: *options,
        held,
        rollback,
        frames: None,
        halt: known.halt.clone(),
        file_bytes: OnceLock::new(),
    };
    if bytes.wal.is_empty() {
        return rollback_snapshot::of(view, None);
    }
    let log = Log { file: Box::new(WalOf(Arc::clone(bytes))), path: name.to_owned() };
    if view.is_empty()? {
        view.check_not_emptied(Some(&log))?;
        return rollback_snapshot::of(view, None);
    }
    wal_snapshot::of(view, Some(log), None, &mut known.log)
}
