//! The whole job of a copy that comes with its manifest.

use super::copy_database::{CopyOptions, update_in_place};
use super::known_pages::KnownPages;
use super::run::{CopyReport, Progress};
use super::stepwise::Backup;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::source::Source;
use crate::targets::{InPlaceTarget, Target};
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
        told(report, manifest, target)
    }

    /// As [`refresh`](Self::refresh), of a `source` with the options that it was opened with, and tells by what the copy can be
    /// checked, or refreshed again, later.
    ///
    /// `known` is the manifest of the last time: pages whose sums are in it are neither read back from the copy nor written. It counts
    /// only if the copy has the size that it tells, and was not written since. Two pages of one sum are taken to be equal,
    /// which is wrong once in 4 billion times that a page has changed. Unless the treatment
    /// [verifies](crate::Treatment::verify), the copy is not read back then.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh), [`NotAsWritten`](crate::ErrorKind::NotAsWritten), and
    /// [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn refresh_with_manifest(
        &self,
        source: Source,
        copy: impl AsRef<Path>,
        known: Option<&Manifest>,
        progress: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(CopyReport, Manifest)> {
        let copy = copy.as_ref();
        let options = self.treatment(self.treatment.manifest(true));
        let known = known.and_then(|manifest| KnownPages::of(copy, manifest));
        let (report, manifest) = if self.replace || !copy.exists() {
            run(options.prepare(source, options.update(copy))?.with_known_pages(known), &options, progress)?
        } else {
            run(options.prepare(source, update_in_place(copy))?.with_known_pages(known), &options, progress)?
        };
        told(report, manifest, copy)
    }
}

fn run<T: Target>(
    mut backup: Backup<T>,
    options: &CopyOptions,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<(CopyReport, Option<Manifest>)> {
    let report = backup.run_to_completion(&options.run, progress)?;
    Ok(taken((report, backup)))
}

fn told(report: CopyReport, manifest: Option<Manifest>, path: &Path) -> Result<(CopyReport, Manifest)> {
    let none = || Error::from_io("tell the sums of", path, io::ErrorKind::NotFound.into());
    Ok((report, manifest.ok_or_else(none)?))
}

fn taken<T: Target>((report, backup): (CopyReport, Backup<T>)) -> (CopyReport, Option<Manifest>) {
    (report, backup.manifest().cloned())
}
