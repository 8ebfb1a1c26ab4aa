//! `litecopy copy`: one database into one file or a stream, or a set of them into a new folder.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;

use litecopy::{CopyOptions, CopyReport, DatabaseSet, Error, Progress, Source, SourceOptions};

use super::arguments::CopyArguments;
use super::exit_code::Ending;
use super::job::{Copied, report};
use super::manifest_file::ManifestFile;
use super::repeat::{first_stamp, repeat};
use super::run::{say, say_error};
use super::stream;

pub(crate) fn copy(arguments: &CopyArguments) -> Ending {
    if let Some(refusal) = stream::refusal(arguments) {
        say_error(&format!("litecopy: {refusal}"));
        return Ending::WrongUse;
    }
    let say = if stream::is_wanted(arguments) { stream::say_beside } else { say };
    let source = || Source::open_with(&arguments.source, &source_options(arguments));
    repeat(arguments.every, source, |stamp| {
        report(&arguments.telling, say, |progress| {
            let copied = copies(arguments, progress)?;
            *stamp = first_stamp(&copied);
            Ok(copied)
        })
    })
}

/// Copies what was asked for: a database by its path, one of a set, or the whole set.
fn copies(
    arguments: &CopyArguments,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Vec<Copied>, Error> {
    let (options, source, target) = (options(arguments), &arguments.source, &arguments.target);
    let one = |name, source: &Path, report| {
        vec![Copied { name, source: source.to_owned(), target: target.clone(), report }]
    };
    if arguments.all {
        let copied = options.copy_set_with_progress(&set(arguments)?, target, progress)?;
        let in_folder = |(name, report): (String, CopyReport)| {
            let source = path_of(arguments, &name);
            let target = target.join(file_name(source));
            Copied { source: source.to_owned(), name: Some(name), target, report }
        };
        return Ok(copied.into_iter().map(in_folder).collect());
    }
    if stream::is_wanted(arguments) {
        let (source, path) = self::source(arguments)?;
        let report = stream::copy_to_stdout(&options, source, progress)?;
        return Ok(one(arguments.name.clone(), path, report));
    }
    if let Some(manifest) = &arguments.treatment.manifest {
        return with_manifest(arguments, manifest, progress)
            .map(|(path, report)| one(arguments.name.clone(), path, report));
    }
    if let Some(name) = &arguments.name {
        let report = options.copy_named_with_progress(&set(arguments)?, name, target, progress)?;
        return Ok(one(Some(name.clone()), path_of(arguments, name), report));
    }
    options.copy_with_progress(source, target, progress).map(|report| one(None, source, report))
}

/// Copies one database, and writes the manifest of its copy. Gives the database's path.
fn with_manifest<'a>(
    arguments: &'a CopyArguments,
    manifest: &Path,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<(&'a Path, CopyReport), Error> {
    let replace = arguments.replace || arguments.in_place;
    let (source, path) = source(arguments)?;
    let file = ManifestFile::admit(manifest, path, &arguments.target, replace)?;
    let (report, manifest) = options(arguments).copy_with_manifest(source, &arguments.target, progress)?;
    file.write(&manifest)?;
    Ok((path, report))
}

/// The one database that was asked for, and the path that was given with it.
fn source(arguments: &CopyArguments) -> Result<(Source, &Path), Error> {
    Ok(match &arguments.name {
        Some(name) => (set(arguments)?.source(name)?, path_of(arguments, name)),
        None => {
            (Source::open_with(&arguments.source, &source_options(arguments))?, arguments.source.as_path())
        }
    })
}

fn set(arguments: &CopyArguments) -> Result<DatabaseSet, Error> {
    let main = DatabaseSet::open(&arguments.source)?.with_options(source_options(arguments));
    arguments.attach.iter().try_fold(main, |set, attached| set.attach(&attached.name, &attached.path))
}

/// The path that was given with a name of the set.
fn path_of<'a>(arguments: &'a CopyArguments, name: &str) -> &'a Path {
    let attached = arguments.attach.iter().find(|attached| attached.name.eq_ignore_ascii_case(name));
    attached.map_or(&arguments.source, |attached| &attached.path)
}

/// The name of the file that a path leads to, links resolved, which is also that of its copy in a folder.
fn file_name(path: &Path) -> OsString {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.file_name().unwrap_or_default().to_owned()
}

fn source_options(arguments: &CopyArguments) -> SourceOptions {
    let options = arguments.reading.options();
    arguments.opaque.map_or(options, |page_size| options.opaque(page_size))
}

fn options(arguments: &CopyArguments) -> CopyOptions {
    let options = arguments.course.options().source(source_options(arguments));
    let options = options.treatment(arguments.treatment.treatment());
    options.replace(arguments.replace).in_place(arguments.in_place).sync(!arguments.no_sync)
}
