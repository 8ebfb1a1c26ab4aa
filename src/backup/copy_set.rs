//! The whole job for databases that belong together: all of a set into a new folder, as of one instant.

use super::copy_database::CopyOptions;
use super::run::{self, CopyReport, Progress};
use super::set_backup::SetBackup;
use crate::error::Result;
use crate::source::DatabaseSet;
use std::ops::ControlFlow;
use std::path::Path;

impl CopyOptions {
    /// Copies all databases of `set` as of one instant into the new folder `folder`, each under the name of its file.
    ///
    /// A transaction that was committed in several of them is in all the copies or in none. All locks are had before the
    /// first page is read, and each database is let go when it is copied: in rollback mode its commits wait until then,
    /// in WAL mode only for the moment in which all are locked. Under [`LockStyle::None`](crate::lock::LockStyle::None), where nobody
    /// is kept out, each copy is right in itself, but a commit over several that is just then under way may be in some only.
    /// The folder appears when all is complete and durable.
    ///
    /// [`consistency`](Self::consistency), [`replace`](Self::replace) and [`source`](Self::source) do not matter here: a
    /// set is held, a folder is never replaced, and the set's own [`SourceOptions`](crate::SourceOptions) count. Gives
    /// a report for each database by its name; restarts, busy tries and time are those of the whole.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind). After an error nothing lies at `folder` that did not lie there before.
    pub fn copy_set(&self, set: &DatabaseSet, folder: impl AsRef<Path>) -> Result<Vec<(String, CopyReport)>> {
        self.copy_set_with_progress(set, folder, |_| ControlFlow::Continue(()))
    }

    /// The same, with `progress` called after every step, with the pages of all databases together;
    /// [`ControlFlow::Break`] stops the copy.
    ///
    /// # Errors
    ///
    /// As [`Self::copy_set`], and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn copy_set_with_progress(
        &self,
        set: &DatabaseSet,
        folder: impl AsRef<Path>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Vec<(String, CopyReport)>> {
        let mut backup = SetBackup::new(set, folder.as_ref(), self.sync, self.treatment)?;
        let ran = run::run(&mut backup, &self.run, progress)?;
        Ok(backup.into_reports(&ran))
    }
}
