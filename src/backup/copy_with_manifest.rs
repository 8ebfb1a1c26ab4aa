//! The whole job of a copy that comes with its manifest.

use super::copy_database::CopyOptions;
use super::run::{CopyReport, Progress};
use super::stepwise::Backup;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::source::Source;
use crate::target::{InPlaceTarget, Target};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

impl CopyOptions {
    /// Copies `source`, with the options that it was opened with, to the file `target`, reads the copy back, and tells by
    /// what it can be checked later; `progress` is called after every step.
    ///
    /// # Errors
    ///
    /// As [`copy_database`](crate::copy_database), [`NotAsWritten`](crate::ErrorKind::NotAsWritten), and
    /// [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn copy_with_manifest(
        &self,
        source: Source,
        target: impl AsRef<Path>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(CopyReport, Manifest)> {
        let target = target.as_ref();
        let options = self.treatment(self.treatment.manifest(true));
        let (report, manifest) = if options.is_in_place(target) {
            taken(options.run_to_target(source, InPlaceTarget::new(target), progress)?)
        } else {
            taken(options.run_to_target(source, options.file_target(target), progress)?)
        };
        let none = || Error::from_io("tell the sums of", target, io::ErrorKind::NotFound.into());
        Ok((report, manifest.ok_or_else(none)?))
    }
}

fn taken<T: Target>((report, backup): (CopyReport, Backup<T>)) -> (CopyReport, Option<Manifest>) {
    (report, backup.manifest().cloned())
}
