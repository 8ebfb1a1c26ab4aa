//! `litecopy copy`: one database into one file or a stream, or a set of them into a new folder.

use std::ffi::OsString;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use litecopy::{
    CopiedMember, CopyOptions, DatabaseSet, Error, FileTarget, PageSize, Progress, Source, SourceOptions,
    StreamTarget,
};

use super::attached::{Attached, attached};
use super::course_arguments::CourseArguments;
use super::exit_code::Ending;
use super::job::{CopiedFile, report};
use super::manifest_file::ManifestFile;
use super::output::{say, say_error};
use super::reading_arguments::ReadingArguments;
use super::repeat::{first_stamp, repeat};
use super::sandbox::Needs;
use super::stream;
use super::telling_arguments::TellingArguments;
use super::treatment_arguments::TreatmentArguments;
use super::values::{duration, page_size};

/// What the help of `copy` says beyond its options.
const HELP: &str = "\
The target is written under a temporary name and renamed when it is complete and on disk: a copy that fails leaves \
nothing under the target's name, or what was there before (only when the very last step fails, the sync of the folder, is the copy there, \
and the message says so). With `--all` the same holds of the whole folder. The target `-` is \
stdout, from one snapshot and in order; what it gives is a database only if the copy ends with 0, and what is said goes to stderr.

On stdout: one line at the end, or one for each database of a set. On stderr: progress, and errors. With `--progress json` each line of either is a JSON \
object with the member `event`: `progress` (with status 0, 5, 6 or 101, remaining, page_count, restarts) and `error` \
(with kind, message, advice, path) and `note` (with kind, message, advice) on stderr, `done` on stdout.

Exit codes:
  0  done: the copy is complete and on disk
  1  refused or failed
  2  wrong use
  5  the source was still busy at the timeout, the target in use, or the copy not done at the deadline or a limit to holding, or steps made no progress
130  stopped by Ctrl-C, a termination or a hang-up; nothing is left behind
141  whoever read the stream (`-`) went away before its end";

/// Copy a database that others may be using; the source is only read
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CopyArguments {
    /// The database to copy
    pub(crate) source: PathBuf,

    /// The file to make, or with --all the folder; the folder it lies in must be there. `-` is stdout
    pub(crate) target: PathBuf,

    /// Make a set of SOURCE, which is `main` in it, and the database PATH under NAME; can be given again. Needs --name or
    /// --all
    #[arg(long, value_name = "NAME=PATH", value_parser = attached, requires = "choice")]
    pub(crate) attach: Vec<Attached>,

    /// Copy the database of this name: main, or an attached one
    #[arg(long, value_name = "NAME", group = "choice")]
    pub(crate) name: Option<String>,

    /// Copy all of the set, as of one instant, into the new folder TARGET, each under the name of its file
    #[arg(long, group = "choice", conflicts_with_all = ["pages", "consistency", "replace"])]
    pub(crate) all: bool,

    /// Look at the source this often, and copy it again when something was committed, until a signal ends it. Needs
    /// --replace or --in-place
    #[arg(long, value_name = "SECONDS", value_parser = duration, conflicts_with = "choice", requires = "over")]
    pub(crate) every: Option<Duration>,

    /// Put the copy in the place of an existing TARGET, at the end and in one move
    #[arg(long, group = "over")]
    pub(crate) replace: bool,

    /// The folder in which a copy for stdout is kept until it is taken, where commits would wait for that otherwise
    /// (consistency auto, rollback mode, more than 16 MiB) [default: TMPDIR, or /tmp]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) spool: Option<PathBuf>,

    /// Do not wait until the copy is on the device: sooner done, but a power cut soon after may damage it
    #[arg(long)]
    pub(crate) no_sync: bool,

    /// Write over an existing TARGET in place, by SQLite's own protocol: who has it open keeps it open, and sees the new
    /// content at the next transaction
    #[arg(long, group = "over", conflicts_with_all = ["all", "opaque", "no_sync"])]
    pub(crate) in_place: bool,

    /// Copy a database whose pages are encrypted, as it is. Its page size cannot be read: give it, unless there is a
    /// log, which tells it
    #[arg(long, value_name = "PAGE_SIZE", num_args = 0..=1, require_equals = true, value_parser = page_size)]
    pub(crate) opaque: Option<Option<PageSize>>,

    #[command(flatten)]
    pub(crate) treatment: TreatmentArguments,

    #[command(flatten)]
    pub(crate) course: CourseArguments,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    #[command(flatten)]
    pub(crate) telling: TellingArguments,
}

impl CopyArguments {
    pub(crate) fn run(&self) -> Ending {
        if let Some(refusal) = refusal(self) {
            say_error(&format!("litecopy: {refusal}"));
            return Ending::WrongUse;
        }
        self.reading.confine_copy(needs(self), &self.telling);
        let say = if stream::is_wanted(&self.target) { stream::say_beside } else { say };
        let source = || source_options(self).open(&self.source);
        repeat(self.every, &self.target, source, |stamp| {
            report(&self.telling, say, |progress| {
                let copied = copies(self, progress)?;
                *stamp = first_stamp(&copied);
                Ok(copied)
            })
        })
    }
}

/// Why stdout cannot be the target, if so.
fn refusal(arguments: &CopyArguments) -> Option<&'static str> {
    if !stream::is_wanted(&arguments.target) {
        None
    } else if arguments.all {
        Some("a whole set (--all) needs a folder, not a stream")
    } else if arguments.replace {
        Some("there is nothing in a stream to --replace")
    } else if arguments.in_place {
        Some("there is nothing in a stream to be written over (--in-place)")
    } else if arguments.treatment.reads_back() {
        Some("what went into a stream cannot be read back (--verify, --manifest)")
    } else if stream::is_terminal() {
        Some("a database is not for a terminal: send stdout into a file or a pipe")
    } else if sources(arguments).any(stream::leads_to) {
        Some("stdout is the source itself, or a side file of it")
    } else {
        None
    }
}

/// Copies what was asked for: a database by its path, one of a set, or the whole set.
fn copies(
    arguments: &CopyArguments,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Vec<CopiedFile>, Error> {
    let (options, target) = (options(arguments), &arguments.target);
    if arguments.all {
        let copied = options.begin_set(&set(arguments)?, target)?.run(progress)?;
        let in_folder = |CopiedMember { name, report, .. }| {
            let source = path_of(arguments, &name);
            let target = target.join(file_name(source));
            CopiedFile { source: source.to_owned(), name: Some(name), target, report }
        };
        return Ok(copied.into_iter().map(in_folder).collect());
    }
    let (source, path) = source(arguments)?;
    let report = if stream::is_wanted(target) {
        options.begin(source, StreamTarget::new(io::stdout().lock()))?.run(progress)?.report
    } else {
        let replace = arguments.replace || arguments.in_place;
        let manifest = arguments.treatment.manifest.as_deref();
        let manifest =
            manifest.map(|manifest| ManifestFile::admit(manifest, path, target, replace)).transpose()?;
        let copied = options.begin(source, FileTarget::new(target))?.run(progress)?;
        if let (Some(file), Some(manifest)) = (manifest, &copied.manifest) {
            file.write(manifest)?;
        }
        copied.report
    };
    Ok(vec![CopiedFile {
        name: arguments.name.clone(),
        source: path.to_owned(),
        target: target.clone(),
        report,
    }])
}

/// The one database that was asked for, and the path that was given with it.
fn source(arguments: &CopyArguments) -> Result<(Source, &Path), Error> {
    let options = source_options(arguments);
    Ok(match &arguments.name {
        Some(name) => (options.open(set(arguments)?.member(name)?)?, path_of(arguments, name)),
        None => (options.open(&arguments.source)?, arguments.source.as_path()),
    })
}

fn set(arguments: &CopyArguments) -> Result<DatabaseSet, Error> {
    let main = DatabaseSet::open(&arguments.source)?;
    arguments.attach.iter().try_fold(main, |set, attached| set.attach(&attached.name, &attached.path))
}

/// What has to be opened for it.
fn needs(arguments: &CopyArguments) -> Needs<'_> {
    let into_stream = stream::is_wanted(&arguments.target);
    let target = (!into_stream).then_some(&arguments.target);
    let spool = into_stream.then(|| arguments.spool.clone().unwrap_or_else(std::env::temp_dir));
    Needs {
        sources: sources(arguments).collect(),
        targets: target.into_iter().chain(&arguments.treatment.manifest).map(PathBuf::as_path).collect(),
        temporary: spool.into_iter().collect(),
        again: arguments.every.is_some(),
        ..Needs::default()
    }
}

/// All databases that were named.
fn sources(arguments: &CopyArguments) -> impl Iterator<Item = &Path> {
    let attached = arguments.attach.iter().map(|attached| attached.path.as_path());
    std::iter::once(arguments.source.as_path()).chain(attached)
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
    let options = arguments.course.options(&arguments.reading).source(source_options(arguments));
    let options = arguments.treatment.apply(options);
    let options = options.spool_folder(arguments.spool.clone());
    options.replace(arguments.replace).in_place(arguments.in_place).sync(!arguments.no_sync)
}
