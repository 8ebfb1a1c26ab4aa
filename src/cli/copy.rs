//! `litecopy copy` and `litecopy restore`: one database into one file or a stream, or a set of them into a new folder.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use litecopy::{CopyOptions, CopyReport, DatabaseSet, Error, JournalMode, Progress, Source, SourceOptions};
use serde_json::json;

use super::arguments::{CopyArguments, ProgressKind, RestoreArguments, TellingArguments};
use super::exit_code::{Ending, json_message, message};
use super::interrupt;
use super::manifest_file::ManifestFile;
use super::notes::Note;
use super::numbers::{counted, size, time};
use super::progress::Reporter;
use super::run::{say, say_error};
use super::stream;

/// One database that was copied.
struct Copied {
    /// Its name in the set, when a set was asked for.
    name: Option<String>,
    source: PathBuf,
    target: PathBuf,
    report: CopyReport,
}

pub(crate) fn copy(arguments: &CopyArguments) -> Ending {
    if let Some(refusal) = stream::refusal(arguments) {
        say_error(&format!("litecopy: {refusal}"));
        return Ending::WrongUse;
    }
    let say = if stream::is_wanted(arguments) { stream::say_beside } else { say };
    report(&arguments.telling, say, |progress| copies(arguments, progress))
}

pub(crate) fn restore(arguments: &RestoreArguments) -> Ending {
    let RestoreArguments { backup, database, course, reading, telling } = arguments;
    let options = course.options().source(reading.options()).in_place(true);
    report(telling, say, |progress| {
        let report = options.copy_with_progress(backup, database, progress)?;
        Ok(vec![Copied { name: None, source: backup.clone(), target: database.clone(), report }])
    })
}

/// Does the job, tells of its progress, and says what came of it.
fn report(
    telling: &TellingArguments,
    say: fn(&str) -> Ending,
    job: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<Vec<Copied>, Error>,
) -> Ending {
    let reporter = Reporter::new(telling.progress, telling.quiet);
    interrupt::listen();
    let result = job(&mut |progress| {
        reporter.show(progress);
        if interrupt::came() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    reporter.clear();
    let for_programs = telling.progress == ProgressKind::Json;
    match result {
        Ok(_) if telling.quiet => Ending::Done,
        Ok(copied) => {
            for it in &copied {
                let faulty = it.report.wal_reset_fault.map(Note::wal_reset_fault);
                for note in faulty.into_iter().chain(it.report.network_file_system.map(Note::network)) {
                    let note = note.of(it.name.clone());
                    say_error(&if for_programs { note.json().to_string() } else { note.text() });
                }
            }
            let line = |it: &Copied| if for_programs { json_summary(it).to_string() } else { summary(it) };
            say(&copied.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Err(error) => {
            if for_programs {
                say_error(&json_message(&error).to_string());
            } else {
                say_error(&message(&error));
            }
            Ending::of(&error)
        }
    }
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
    let (source, path) = source(arguments)?;
    let file = ManifestFile::admit(manifest, path, &arguments.target, arguments.replace)?;
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

fn summary(Copied { source, target, report, .. }: &Copied) -> String {
    let mut line = format!(
        "{} -> {}: {} of {} bytes ({}) in {}, {} mode",
        source.display(),
        target.display(),
        counted(u64::from(report.page_count), "page", "pages"),
        report.page_size.bytes(),
        size(copied_bytes(report)),
        time(report.elapsed),
        mode_name(report.mode),
    );
    if report.restarts > 0 {
        line.push_str(&format!(", started again {}", counted(report.restarts, "time", "times")));
    }
    if !report.longest_lock.is_zero() {
        line.push_str(&format!(", held commits up for at most {}", time(report.longest_lock)));
    }
    if report.busy_count > 0 {
        line.push_str(&format!(", found it locked {}", counted(report.busy_count, "time", "times")));
    }
    line
}

fn json_summary(Copied { name, source, target, report }: &Copied) -> serde_json::Value {
    let mut object = json!({
        "event": "done",
        "source": source.to_string_lossy(),
        "target": target.to_string_lossy(),
        "page_count": report.page_count,
        "page_size": report.page_size.bytes(),
        "bytes": copied_bytes(report),
        "restarts": report.restarts,
        "busy_count": report.busy_count,
        "held": report.held,
        "longest_lock_seconds": report.longest_lock.as_secs_f64(),
        "locked_seconds": report.locked.as_secs_f64(),
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "journal_mode": mode_name(report.mode),
    });
    if let (Some(name), Some(members)) = (name, object.as_object_mut()) {
        members.insert("name".to_owned(), json!(name));
    }
    object
}

fn copied_bytes(report: &CopyReport) -> u64 {
    u64::from(report.page_count) * u64::from(report.page_size.bytes())
}

fn mode_name(mode: JournalMode) -> &'static str {
    match mode {
        JournalMode::Wal => "wal",
        JournalMode::Rollback => "rollback",
    }
}
