//! The whole job in one call: a database by its path, to a file, to memory or into a stream.

use super::consistency::{Consistency, HoldLimits};
use super::run::{CopyReport, Progress, RunOptions};
use super::stepwise::Backup;
use super::treatment::{Fidelity, Treatment};
use crate::error::Result;
use crate::source::{DatabaseSet, Source, SourceOptions};
use crate::targets::{FileTarget, InPlaceTarget, MemoryTarget, StreamTarget, Target};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Copies the live database at `source` to a new file at `target`: all pages in one step, durable when it returns.
///
/// The source is only read. For steps, progress, waiting times, or a target that may be replaced, see [`CopyOptions`].
///
/// # Errors
///
/// See [`ErrorKind`](crate::ErrorKind). After an error nothing lies at `target` that did not lie there before.
///
/// # Examples
///
/// ```no_run
/// let report = litecopy::copy_database("app.db", "backup.db")?;
/// println!("{} pages in {:?}", report.page_count, report.elapsed);
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn copy_database(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<CopyReport> {
    CopyOptions::new().copy(source, target)
}

/// Puts the content of the database at `backup` into the database at `database`, which others may have open: they see it at
/// their next transaction. Where nothing is there, a new file is made.
///
/// See [`CopyOptions::in_place`]; for other options than the defaults, use that.
///
/// # Errors
///
/// See [`ErrorKind`](crate::ErrorKind). After an error the database is what it was before.
///
/// # Examples
///
/// ```no_run
/// litecopy::restore("backup.db", "app.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn restore(backup: impl AsRef<Path>, database: impl AsRef<Path>) -> Result<CopyReport> {
    CopyOptions::new().in_place(true).copy(backup, database)
}

/// How to copy a database; the defaults are those of [`copy_database`].
///
/// Beside Python's `source.backup(target, *, pages=-1, progress=None, name="main", sleep=0.250)`:
///
/// | Python | here | meaning |
/// |---|---|---|
/// | `source` | the first argument of [`copy`](Self::copy) | the database, by path instead of by connection |
/// | `target` | the second argument, or [`copy_to_memory`](Self::copy_to_memory) | a file or memory; [`copy_to_writer`](Self::copy_to_writer): a stream; [`copy_for_deserialize`](Self::copy_for_deserialize): for an in-memory connection |
/// | `pages=-1` | [`pages_per_step(-1)`](Self::pages_per_step) | pages per step; at or below 0 all in one step |
/// | `progress=None` | [`copy_with_progress`](Self::copy_with_progress) | called after every step, the last included, with status (0, 5, 6, 101), remaining and total |
/// | `name="main"` | the path, or [`copy_named`](Self::copy_named) | which database of a [`DatabaseSet`] is copied |
/// | `sleep=0.250` | [`sleep(250 ms)`](Self::sleep) | slept between tries, after a step that was busy |
/// | waits without end | [`lock_timeout(Some(30 s))`](Self::lock_timeout) | how long a lock is waited for; `None` as in Python |
/// | | [`deadline(None)`](Self::deadline) | how long the whole may take |
/// | overwrites | [`replace(false)`](Self::replace) | whether a file that is there may be replaced |
/// | as `PRAGMA synchronous` of the target | [`sync(true)`](Self::sync) | whether the copy is brought to the device |
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct CopyOptions {
    pub(super) run: RunOptions,
    source: SourceOptions,
    consistency: Consistency,
    hold_limits: HoldLimits,
    patience: Option<Duration>,
    pub(super) treatment: Treatment,
    pub(super) replace: bool,
    in_place: bool,
    pub(super) sync: bool,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            run: RunOptions::default(),
            source: SourceOptions::default(),
            consistency: Consistency::default(),
            hold_limits: HoldLimits::default(),
            patience: None,
            treatment: Treatment::default(),
            replace: false,
            in_place: false,
            sync: true,
        }
    }
}

impl CopyOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pages per step; at or below 0 all in one step, or with [`Consistency::Auto`] 1,000; with a [`rate`](Self::rate) so
    /// many that the pauses between them are short.
    pub fn pages_per_step(mut self, pages: i32) -> Self {
        self.run.pages_per_step = pages;
        self
    }

    /// How long to sleep after a step that found the source busy.
    pub fn sleep(mut self, sleep: Duration) -> Self {
        self.run.sleep = sleep;
        self
    }

    /// How long to wait for a lock since it was last had; `None` waits without end.
    pub fn lock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.run.lock_timeout = timeout;
        self
    }

    /// How long the whole may take; `None` sets no end.
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.run.deadline = deadline;
        self
    }

    /// How many bytes a second may be copied at most, on the average; `None` for as many as can be.
    ///
    /// Kept by pauses between steps; while commits wait for a snapshot that is held, it is not kept.
    pub fn rate(mut self, bytes_per_second: Option<u64>) -> Self {
        self.run.bytes_per_second = bytes_per_second;
        self
    }

    /// Whether to pause for a moment after a step at whose end a writer waits or is at work
    /// ([`RunOptions::gentle`](crate::RunOptions::gentle)).
    pub fn gentle(mut self, gentle: bool) -> Self {
        self.run.gentle = gentle;
        self
    }

    /// How the source is read: what its files may make us do.
    pub fn source(mut self, source: SourceOptions) -> Self {
        self.source = source;
        self
    }

    /// What is held between steps.
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// How long a snapshot may be held, and what happens then.
    pub fn hold_limits(mut self, limits: HoldLimits) -> Self {
        self.hold_limits = limits;
        self
    }

    /// After how long without a new low of `remaining` steps are taken to lead nowhere
    /// ([`Backup::with_patience`]): then [`Auto`](Consistency::Auto) holds, and [`Step`](Consistency::Step) ends with
    /// [`Stalled`](crate::ErrorKind::Stalled).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// What is done to the pages on their way: [`fidelity`](Treatment::fidelity), [`skip_free`](Treatment::skip_free),
    /// [`scrub`](Treatment::scrub) and [`verify`](Treatment::verify) all at once.
    pub fn treatment(mut self, treatment: Treatment) -> Self {
        self.treatment = treatment;
        self
    }

    /// How the header of the copy compares with that of its source; see [`Treatment::fidelity`].
    pub fn fidelity(self, fidelity: Fidelity) -> Self {
        let treatment = self.treatment.fidelity(fidelity);
        self.treatment(treatment)
    }

    /// Whether free pages are left out; see [`Treatment::skip_free`].
    pub fn skip_free(self, skip_free: bool) -> Self {
        let treatment = self.treatment.skip_free(skip_free);
        self.treatment(treatment)
    }

    /// Whether nothing that was deleted is left in the copy; see [`Treatment::scrub`].
    pub fn scrub(self, scrub: bool) -> Self {
        let treatment = self.treatment.scrub(scrub);
        self.treatment(treatment)
    }

    /// Whether the copy is read back and compared before it is shown; see [`Treatment::verify`].
    pub fn verify(self, verify: bool) -> Self {
        let treatment = self.treatment.verify(verify);
        self.treatment(treatment)
    }

    /// Whether a file that is there already may be replaced; also then not while somebody has it open.
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Whether the copy is brought to the device before it is done, as [`FileTarget::sync`].
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Whether a database that is there already is written over in place, by SQLite's own protocol, so that others can go on
    /// with it ([`InPlaceTarget`]). Before [`replace`](Self::replace); a new file is made as ever.
    ///
    /// The target is locked before the first page is read: [`lock_timeout`](Self::lock_timeout) counts for it too. It is always
    /// brought to the device: without its syncs the protocol would protect nothing.
    pub fn in_place(mut self, in_place: bool) -> Self {
        self.in_place = in_place;
        self
    }

    /// Copies the database at `source` to the file `target`.
    ///
    /// # Errors
    ///
    /// As [`copy_database`].
    pub fn copy(&self, source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<CopyReport> {
        self.copy_with_progress(source, target, |_| ControlFlow::Continue(()))
    }

    /// The same, with `progress` called after every step; [`ControlFlow::Break`] stops the copy.
    ///
    /// # Errors
    ///
    /// As [`copy_database`], and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn copy_with_progress(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        let source = Source::open_with(source, &self.source)?;
        self.run_to_path(source, target.as_ref(), progress)
    }

    /// Brings the copy of `source` at `copy` up to date: only pages that differ are written.
    ///
    /// In place, behind a journal from which SQLite, or the next refresh, would roll back: a crash leaves the old copy or the new
    /// one. With [`replace`](Self::replace) a new file takes its place instead, all at once; where the file system can clone files, that
    /// writes no more. A copy that is not there is made. Afterwards it is byte for byte what [`copy`](Self::copy) would make.
    ///
    /// # Errors
    ///
    /// As [`copy_database`], and [`TargetInUse`](crate::ErrorKind::TargetInUse) while somebody uses the copy.
    pub fn refresh(&self, source: impl AsRef<Path>, copy: impl AsRef<Path>) -> Result<CopyReport> {
        self.refresh_with_progress(source, copy, |_| ControlFlow::Continue(()))
    }

    /// The same, with `progress` called after every step; [`ControlFlow::Break`] stops it.
    ///
    /// # Errors
    ///
    /// As [`Self::refresh`], and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn refresh_with_progress(
        &self,
        source: impl AsRef<Path>,
        copy: impl AsRef<Path>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        let source = Source::open_with(source, &self.source)?;
        let copy = copy.as_ref();
        if self.replace || !copy.exists() {
            return self.copy_to_target(source, self.update(copy), progress).map(|(report, _)| report);
        }
        self.copy_to_target(source, update_in_place(copy), progress).map(|(report, _)| report)
    }

    /// Copies the database of `set` that is called `name` to the file `target`.
    ///
    /// The set's own [`SourceOptions`] count.
    ///
    /// # Errors
    ///
    /// As [`copy_database`], and [`UnknownName`](crate::ErrorKind::UnknownName).
    pub fn copy_named(&self, set: &DatabaseSet, name: &str, target: impl AsRef<Path>) -> Result<CopyReport> {
        self.copy_named_with_progress(set, name, target, |_| ControlFlow::Continue(()))
    }

    /// The same, with `progress` called after every step; [`ControlFlow::Break`] stops the copy.
    ///
    /// # Errors
    ///
    /// As [`Self::copy_named`], and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn copy_named_with_progress(
        &self,
        set: &DatabaseSet,
        name: &str,
        target: impl AsRef<Path>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        let source = set.source(name)?;
        self.run_to_path(source, target.as_ref(), progress)
    }

    /// Copies the database at `source` into memory: the bytes of the file that [`copy`](Self::copy) would make.
    ///
    /// # Errors
    ///
    /// As [`copy_database`].
    pub fn copy_to_memory(&self, source: impl AsRef<Path>) -> Result<(Vec<u8>, CopyReport)> {
        self.memory_target(source.as_ref()).map(|(report, target)| (target.into_bytes(), report))
    }

    /// The same, as `sqlite3_deserialize` takes it: see [`MemoryTarget::into_deserializable`].
    ///
    /// # Errors
    ///
    /// As [`copy_database`].
    pub fn copy_for_deserialize(&self, source: impl AsRef<Path>) -> Result<(Vec<u8>, CopyReport)> {
        self.memory_target(source.as_ref()).map(|(report, target)| (target.into_deserializable(), report))
    }

    fn memory_target(&self, source: &Path) -> Result<(CopyReport, MemoryTarget)> {
        let source = Source::open_with(source, &self.source)?;
        self.copy_to_target(source, MemoryTarget::new(), |_| ControlFlow::Continue(()))
    }

    /// Copies the database at `source` into a stream: the bytes of the file that [`copy`](Self::copy) would make, in order.
    ///
    /// One snapshot is held until the end, whatever [`consistency`](Self::consistency) says. After an error what was written
    /// is no database and has to be thrown away. The writer is flushed at the end, and not otherwise made durable.
    ///
    /// # Errors
    ///
    /// As [`copy_database`], and [`StreamClosed`](crate::ErrorKind::StreamClosed) when the other end of a pipe was closed,
    /// [`SourceChanged`](crate::ErrorKind::SourceChanged) when the snapshot turned out not to have held.
    pub fn copy_to_writer(&self, source: impl AsRef<Path>, writer: impl Write) -> Result<CopyReport> {
        let source = Source::open_with(source, &self.source)?;
        let target = StreamTarget::new(writer);
        self.copy_to_target(source, target, |_| ControlFlow::Continue(())).map(|(report, _)| report)
    }

    fn run_to_path(
        &self,
        source: Source,
        target: &Path,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<CopyReport> {
        if self.is_in_place(target) {
            let target = InPlaceTarget::new(target);
            return self.copy_to_target(source, target, progress).map(|(report, _)| report);
        }
        self.copy_to_target(source, self.file_target(target), progress).map(|(report, _)| report)
    }

    /// Copies `source`, with the options that it was opened with, to any kind of target, and gives that back; `progress` is
    /// called after every step.
    ///
    /// # Errors
    ///
    /// As [`copy_database`], whatever the target fails with, and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn copy_to_target<T: Target>(
        &self,
        source: Source,
        target: T,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(CopyReport, T)> {
        self.run_to_target(source, target, progress).map(|(report, backup)| (report, backup.into_target()))
    }

    /// The same, with all that the copy knows of itself.
    pub(super) fn run_to_target<T: Target>(
        &self,
        source: Source,
        target: T,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(CopyReport, Backup<T>)> {
        let mut backup = self.prepare(source, target)?;
        let report = backup.run_to_completion(&self.run, progress)?;
        Ok((report, backup))
    }

    /// A copy as these options want it, before its first step.
    pub(super) fn prepare<T: Target>(&self, source: Source, target: T) -> Result<Backup<T>> {
        let backup = Backup::new(source, target)?
            .with_consistency(self.consistency)
            .with_hold_limits(self.hold_limits)
            .with_treatment(self.treatment);
        Ok(match self.patience {
            Some(patience) => backup.with_patience(patience),
            None => backup,
        })
    }

    /// Whether `target` is a database to be written over in place.
    pub(super) fn is_in_place(&self, target: &Path) -> bool {
        self.in_place && target.exists()
    }

    /// A new file that begins as the copy that it takes the place of.
    pub(super) fn update(&self, copy: &Path) -> FileTarget {
        FileTarget::update(copy).sync(self.sync)
    }

    pub(super) fn file_target(&self, path: &Path) -> FileTarget {
        let target = if self.replace { FileTarget::replace(path) } else { FileTarget::create(path) };
        target.sync(self.sync).reserve_space(!self.treatment.leaves_out())
    }
}

/// A copy that is brought up to date where it is, and stays the image of its source.
pub(super) fn update_in_place(copy: &Path) -> InPlaceTarget {
    InPlaceTarget::new(copy).exact(true)
}
