//! What can be done with a database in one call, and how a copy begins.

use super::backup::Backup;
use super::copied::Copied;
use super::copy_options::CopyOptions;
use super::report::CopyReport;
use super::set_backup::{CopiedMember, SetBackup};
use super::step_outcome::quiet;
use crate::error::Result;
use crate::source::{DatabaseSet, Origin};
use crate::targets::{FileTarget, Target};
use std::path::{Path, PathBuf};

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
pub fn copy_database(source: impl Into<Origin>, target: impl Into<PathBuf>) -> Result<CopyReport> {
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
pub fn restore(backup: impl Into<Origin>, database: impl Into<PathBuf>) -> Result<CopyReport> {
    CopyOptions::new().in_place(true).copy(backup, database)
}

/// # Copying
impl CopyOptions {
    /// Copies `source` (a path, a member of a set, bytes) to the file `target`, and tells what came of it.
    ///
    /// # Errors
    ///
    /// As [`copy_database`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use litecopy::CopyOptions;
    ///
    /// CopyOptions::new().scrub(true).verify(true).copy("app.db", "to-publish.db")?;
    /// CopyOptions::new().refresh(true).copy("app.db", "yesterdays-backup.db")?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn copy(&self, source: impl Into<Origin>, target: impl Into<PathBuf>) -> Result<CopyReport> {
        let Copied { report, .. } = self.begin(source, FileTarget::new(target))?.run(quiet)?;
        Ok(report)
    }

    /// Prepares a copy of `source` (a path, a member of a set, bytes) to any target: for progress, for steps, or for what is no
    /// file. No lock is taken, and nothing is created.
    ///
    /// # Errors
    ///
    /// When the source cannot be opened, or the target refuses it: [`SameFile`](crate::ErrorKind::SameFile),
    /// [`TargetExists`](crate::ErrorKind::TargetExists) and their like.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use litecopy::{CopyOptions, MemoryTarget};
    /// use std::ops::ControlFlow;
    ///
    /// let copied = CopyOptions::new().pages_per_step(100).begin("app.db", MemoryTarget::new())?.run(|progress| {
    ///     println!("{} of {} pages left", progress.remaining, progress.page_count);
    ///     ControlFlow::Continue(())
    /// })?;
    /// println!("{} bytes after {} restarts", copied.output.len(), copied.report.restarts);
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn begin<T: Target>(&self, source: impl Into<Origin>, target: T) -> Result<Backup<T>> {
        Backup::new(self.clone(), self.source.open(source)?, target)
    }

    /// Copies all databases of `set` as of one instant into the new folder `folder`, each under the name of its file.
    ///
    /// A transaction that was committed in several of them is in all the copies or in none. All locks are had before the
    /// first page is read, and each database is let go when it is copied: in rollback mode its commits wait until then,
    /// in WAL mode only for the moment in which all are locked. Under [`LockStyle::None`](crate::lock::LockStyle::None), where nobody
    /// is kept out, each copy is right in itself, but a commit over several that is just then under way may be in some only.
    /// The folder appears when all is complete and durable.
    ///
    /// [`consistency`](Self::consistency) and [`replace`](Self::replace) do not matter here: a set is held, and a folder is
    /// never replaced. Gives a report for each database; restarts, busy tries and time are those of the whole.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind). After an error nothing lies at `folder` that did not lie there before.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let set = litecopy::DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
    /// for member in litecopy::CopyOptions::new().copy_set(&set, "backup")? {
    ///     println!("{}: {} pages", member.name, member.report.page_count);
    /// }
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn copy_set(&self, set: &DatabaseSet, folder: impl AsRef<Path>) -> Result<Vec<CopiedMember>> {
        self.begin_set(set, folder)?.run(quiet)
    }

    /// Prepares a copy of all databases of `set`, as [`copy_set`](Self::copy_set) makes it, for progress or for steps. No lock is
    /// taken, and nothing is created.
    ///
    /// # Errors
    ///
    /// When a source cannot be opened, or the folder cannot be made.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let set = litecopy::DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
    /// litecopy::CopyOptions::new().begin_set(&set, "backup")?.run(|progress| {
    ///     println!("{} pages left", progress.remaining);
    ///     std::ops::ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn begin_set(&self, set: &DatabaseSet, folder: impl AsRef<Path>) -> Result<SetBackup> {
        SetBackup::new(self, set, folder.as_ref())
    }
}
