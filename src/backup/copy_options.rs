//! How a copy is to be made: every option, in one place.

use super::consistency::{AtLimit, Consistency, HoldLimits};
use super::stall_watch::PATIENCE;
use super::treatment::{Fidelity, Treatment};
use crate::halt::CancelToken;
use crate::source::SourceOptions;
use crate::targets::{FileOptions, OwnerPolicy};
use std::path::PathBuf;
use std::time::Duration;

/// How to copy a database; the defaults are those of [`copy_database`](crate::copy_database).
///
/// Plain data: set what is to be other than the default, then [`copy`](Self::copy), or [`begin`](Self::begin) for progress,
/// steps, or a target that is no file; and the same options can be used again.
///
/// Beside Python's `source.backup(target, *, pages=-1, progress=None, name="main", sleep=0.250)`:
///
/// | Python | here | meaning |
/// |---|---|---|
/// | `source` | the first argument of [`copy`](Self::copy) | the database, by path instead of by connection |
/// | `target` | the second argument, or any [`Target`](crate::Target) given to [`begin`](Self::begin) | a file, memory, a stream |
/// | `pages=-1` | [`pages_per_step(-1)`](Self::pages_per_step) | pages per step; at or below 0 all in one step |
/// | `progress=None` | [`Backup::run`](crate::Backup::run) | called after every step, the last included, with status (0, 5, 6, 101), remaining and total |
/// | `name="main"` | the path, or [`DatabaseSet::member`](crate::DatabaseSet::member) | which database is copied |
/// | `sleep=0.250` | [`sleep(250 ms)`](Self::sleep) | slept between tries, after a step that was busy |
/// | waits without end | [`lock_timeout(30 s)`](Self::lock_timeout) | how long a lock is waited for; `None` as in Python |
/// | | [`deadline(None)`](Self::deadline) | how long the whole may take |
/// | overwrites | [`replace(false)`](Self::replace) | whether a file that is there may be replaced |
/// | as `PRAGMA synchronous` of the target | [`sync(true)`](Self::sync) | whether the copy is brought to the device |
///
/// # Examples
///
/// ```no_run
/// use litecopy::CopyOptions;
/// use std::time::Duration;
///
/// let options = CopyOptions::new().replace(true).deadline(Duration::from_secs(60));
/// options.copy("app.db", "backup.db")?;
/// options.copy("logs.db", "logs-backup.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct CopyOptions {
    pub(super) run: RunOptions,
    pub(super) source: SourceOptions,
    pub(super) consistency: Consistency,
    pub(super) hold_limits: HoldLimits,
    pub(super) patience: Duration,
    pub(super) treatment: Treatment,
    file: FileOptions,
    pub(super) spool_folder: Option<PathBuf>,
}

/// In what steps a copy runs, and how long it waits.
#[derive(Clone, Debug)]
pub(super) struct RunOptions {
    pub(super) pages_per_step: i32,
    pub(super) sleep: Duration,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) deadline: Option<Duration>,
    pub(super) bytes_per_second: Option<u64>,
    pub(super) gentle: bool,
    pub(super) cancel: Option<CancelToken>,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            run: RunOptions {
                pages_per_step: -1,
                sleep: Duration::from_millis(250),
                lock_timeout: Some(Duration::from_secs(30)),
                deadline: None,
                bytes_per_second: None,
                gentle: false,
                cancel: None,
            },
            source: SourceOptions::default(),
            consistency: Consistency::default(),
            hold_limits: HoldLimits::default(),
            patience: PATIENCE,
            treatment: Treatment::default(),
            file: FileOptions::default(),
            spool_folder: None,
        }
    }
}

/// # The course of a copy
impl CopyOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pages per step; at or below 0 all in one step, or with [`Consistency::Auto`] 1,000; with a [`rate`](Self::rate) so
    /// many that the pauses between them are short. Default -1.
    pub fn pages_per_step(mut self, pages: i32) -> Self {
        self.run.pages_per_step = pages;
        self
    }

    /// How long to sleep after a try that found the source busy (each try itself is as patient as the first 78 ms of
    /// SQLite's busy handler). Default 250 ms.
    pub fn sleep(mut self, sleep: Duration) -> Self {
        self.run.sleep = sleep;
        self
    }

    /// How long to wait for a lock since it was last had; `None` waits without end. Default 30 s.
    pub fn lock_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.run.lock_timeout = timeout.into();
        self
    }

    /// How long the whole may take; `None`, the default, sets no end. Also a step under way is broken off then.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.run.deadline = deadline.into();
        self
    }

    /// By what the copy can be stopped from elsewhere, also between two calls of a progress callback: it ends within half a
    /// second, with [`Cancelled`](crate::ErrorKind::Cancelled), and leaves the target as it was. Default `None`.
    ///
    /// ```no_run
    /// let token = litecopy::CancelToken::new();
    /// let stop = token.clone();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_secs(5));
    ///     stop.cancel();
    /// });
    /// litecopy::CopyOptions::new().cancel(token).copy("app.db", "backup.db")?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn cancel(mut self, token: impl Into<Option<CancelToken>>) -> Self {
        self.run.cancel = token.into();
        self
    }

    /// How many bytes a second may be copied at most, on the average; `None`, the default, for as many as can be.
    ///
    /// Kept by pauses between steps; while commits wait for a snapshot that is held, it is not kept.
    pub fn rate(mut self, bytes_per_second: impl Into<Option<u64>>) -> Self {
        self.run.bytes_per_second = bytes_per_second.into();
        self
    }

    /// Whether to pause, for 1 to 64 ms, after each step at whose end a writer waits for a lock or is at work. Then commits
    /// wait less and the copy takes longer. Default no.
    pub fn gentle(mut self, gentle: bool) -> Self {
        self.run.gentle = gentle;
        self
    }

    /// What is held between steps. A target that takes pages only in order, each once, has to have one snapshot, and gets it
    /// whatever is asked for; with [`Auto`](Consistency::Auto) no commit waits for whoever takes them
    /// ([`spool_folder`](Self::spool_folder)). Default [`Step`](Consistency::Step).
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// How long a snapshot may be held; `None`, the default, for as long as it takes.
    pub fn max_hold(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.hold_limits.time = time.into();
        self
    }

    /// How many bytes the log may grow by while a snapshot is held in WAL mode; `None`, the default, for as many as are
    /// committed.
    pub fn max_log_growth(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.hold_limits.log_growth_bytes = bytes.into();
        self
    }

    /// What to do when a snapshot was held for as long as it may be. Default [`Step`](AtLimit::Step).
    pub fn at_limit(mut self, then: AtLimit) -> Self {
        self.hold_limits.then = then;
        self
    }

    /// After how long without a new minimum of remaining pages stepping is given up: then [`Auto`](Consistency::Auto) holds,
    /// and [`Step`](Consistency::Step) ends with [`Stalled`](crate::ErrorKind::Stalled). Never less than twice the longest
    /// time between two restarts. Default 2 s.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How the source is read: what its files may make us do, how they are locked. Counts for sources that are opened by
    /// the copy.
    pub fn source(mut self, source: SourceOptions) -> Self {
        self.source = source;
        self
    }
}

/// # What is done to the pages on their way
impl CopyOptions {
    /// How the header of the copy compares with that of its source. Default [`Exact`](Fidelity::Exact).
    pub fn fidelity(mut self, fidelity: Fidelity) -> Self {
        self.treatment.fidelity = fidelity;
        self
    }

    /// Whether free pages are left out: they are neither read nor written, and are zeros in the copy (holes, where the
    /// file system has them). It takes one bit of memory a page. Default no.
    ///
    /// The freelist is believed, as SQLite believes it; one that cannot be (a loop, a page that there is not) is
    /// [`Damaged`](crate::ErrorKind::Damaged). A database that is copied as opaque has no freelist that could be read.
    pub fn skip_free(mut self, skip_free: bool) -> Self {
        self.treatment.skip_free = skip_free;
        self
    }

    /// Whether nothing that was deleted is left in the copy: free pages are left out, and the unused bytes of all other
    /// pages are zeros, as are pages that belong to nothing. The content stays the same. Default no.
    ///
    /// For this all b-trees are walked before the first page is copied, and one that cannot be walked is
    /// [`Damaged`](crate::ErrorKind::Damaged). It takes up to three bits of memory a page and 8 bytes for each overflow
    /// chain.
    pub fn scrub(mut self, scrub: bool) -> Self {
        self.treatment.scrub = scrub;
        self
    }

    /// Whether the copy is read back from its device before it is shown, and each page compared with what was read of
    /// the source, by its CRC32. It takes 4 bytes of memory a page. Default no.
    ///
    /// A difference is [`NotAsWritten`](crate::ErrorKind::NotAsWritten), and there is no copy then.
    pub fn verify(mut self, verify: bool) -> Self {
        self.treatment.verify = verify;
        self
    }

    /// Whether a [`Manifest`](crate::Manifest) of the copy is made: [`Copied::manifest`](crate::Copied::manifest). For that all
    /// of it is read back, as by [`verify`](Self::verify). Default no.
    #[cfg(feature = "manifest")]
    pub fn manifest(mut self, manifest: bool) -> Self {
        self.treatment.manifest = manifest;
        self
    }
}

/// # What becomes of the target
impl CopyOptions {
    /// Whether a file that is there already may be replaced; also then not while somebody has it open. Default no.
    pub fn replace(mut self, replace: bool) -> Self {
        self.file.replace = replace;
        self
    }

    /// Whether a database that is there already is written over in place, by SQLite's own protocol: who has it open keeps it
    /// open, and sees the new content at the next transaction. Before [`replace`](Self::replace); a new file is made as
    /// ever. Default no.
    ///
    /// The target is locked before the first page is read: [`lock_timeout`](Self::lock_timeout) counts for it too. Nobody else
    /// can read or write it until the copy is done (in WAL mode with others connected only nobody else can write it). A crash
    /// at any moment leaves the old database, after SQLite's own recovery, or the new one. It is always brought to the
    /// device: without its syncs the protocol would protect nothing.
    pub fn in_place(mut self, in_place: bool) -> Self {
        self.file.in_place = in_place;
        self
    }

    /// Whether what is there already is an older copy of the source, to be brought up to date: only pages that differ are
    /// written. Default no.
    ///
    /// In place, behind a journal from which SQLite, or the next refresh, would roll back: a crash leaves the old copy or the
    /// new one. With [`replace`](Self::replace) a new file takes its place instead, all at once; where the file system can
    /// clone files, that writes no more. A copy that is not there is made. Afterwards it is byte for byte what a new copy
    /// would be.
    pub fn refresh(mut self, refresh: bool) -> Self {
        self.file.refresh = refresh;
        self
    }

    /// Whom a new file belongs to, and who may use it. Default: whoever makes the copy, as with `cp`. A file that is replaced keeps its
    /// owner, mode and access control list in any case.
    pub fn owner(mut self, owner: OwnerPolicy) -> Self {
        self.file.owner = owner;
        self
    }

    /// Whether file and folder are brought to the device before the copy is done. Default yes. Without, the copy is there
    /// sooner and all at once as ever; but when the power goes in the seconds after, it may be damaged or gone, and so may
    /// what it replaced.
    pub fn sync(mut self, sync: bool) -> Self {
        self.file.sync = sync;
        self
    }

    /// In which folder a copy is kept until its stream takes it, if commits would wait for that otherwise
    /// ([`Consistency::Auto`], in rollback mode); `None`, the default, for that of the system. A copy of up to 16 MiB is kept in
    /// memory; the file of a larger one has no name, so that nothing is left of it.
    pub fn spool_folder(mut self, folder: impl Into<Option<PathBuf>>) -> Self {
        self.spool_folder = folder.into();
        self
    }

    /// What a file is told of all this.
    pub(super) fn file_options(&self) -> FileOptions {
        FileOptions { reserve: !self.treatment.leaves_out(), ..self.file }
    }
}
