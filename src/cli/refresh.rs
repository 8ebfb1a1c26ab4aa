//! `litecopy refresh`: an existing copy is brought up to date, by writing only what differs.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use litecopy::{CopyOptions, CopyReport, Error, FileTarget, Progress};

use super::course_arguments::CourseArguments;
use super::exit_code::Ending;
use super::job::{CopiedFile, report};
use super::manifest_file::ManifestFile;
use super::output::{say, say_error};
use super::reading_arguments::ReadingArguments;
use super::repeat::{first_stamp, repeat};
use super::sandbox::Needs;
use super::telling_arguments::TellingArguments;
use super::values::duration;

/// What the help of `refresh` says beyond its options.
const HELP: &str = "\
COPY becomes what a new copy would be, byte for byte. It is written behind a journal from which SQLite, or the next refresh, would \
roll back: a crash leaves the old copy or the new one. With --replace a new file takes its place instead; where the file system \
can clone files, that writes no more.

Exit codes:
  0  done: the copy is up to date and on disk
  1  refused or failed; COPY is as it was, unless the message says that only the last sync failed
  2  wrong use
  5  SOURCE or COPY was still busy at the timeout, or the refresh not done at the deadline
130  stopped by Ctrl-C, a termination or a hang-up; COPY is as it was";

/// Bring an existing copy up to date, writing only the pages that differ
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct RefreshArguments {
    /// The database; it is only read
    pub(crate) source: PathBuf,

    /// The copy of it that is to be brought up to date; where nothing is, it is made
    pub(crate) copy: PathBuf,

    /// Put a new file in the place of the copy, at the end and in one move, instead of writing into it
    #[arg(long)]
    pub(crate) replace: bool,

    /// Read the copy back, and write FILE, by which `litecopy verify` can check it later, in the place of an older one
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,

    /// Look at the source this often, and refresh the copy when something was committed, until a signal ends it
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    pub(crate) every: Option<Duration>,

    #[command(flatten)]
    pub(crate) course: CourseArguments,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    #[command(flatten)]
    pub(crate) telling: TellingArguments,
}

impl RefreshArguments {
    pub(crate) fn run(&self) -> Ending {
        let RefreshArguments { source, copy, every, replace, course, reading, telling, .. } = self;
        if copy.as_os_str() == "-" {
            say_error(
                "litecopy: a stream cannot be refreshed: `copy SOURCE -` writes a new one (a file called `-` is `./-`)",
            );
            return Ending::WrongUse;
        }
        let targets = std::iter::once(copy).chain(&self.manifest).map(PathBuf::as_path).collect();
        let needs = Needs { sources: vec![source], targets, again: every.is_some(), ..Needs::default() };
        reading.confine_copy(needs, telling);
        let options = course.options(reading).source(reading.options()).replace(*replace).refresh(true);
        repeat(
            *every,
            copy,
            || reading.options().open(source),
            |stamp| {
                report(telling, say, |progress| {
                    let report = refresh_once(self, &options, progress)?;
                    let copied =
                        vec![CopiedFile { name: None, source: source.clone(), target: copy.clone(), report }];
                    *stamp = first_stamp(&copied);
                    Ok(copied)
                })
            },
        )
    }
}

fn refresh_once(
    RefreshArguments { source, copy, manifest, .. }: &RefreshArguments,
    options: &CopyOptions,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<CopyReport, Error> {
    let target = FileTarget::new(copy);
    let Some(path) = manifest else { return Ok(options.begin(source, target)?.run(progress)?.report) };
    let file = ManifestFile::admit(path, source, copy, true)?;
    let options = options.clone().manifest(true);
    let copied = options.begin(source, target)?.run(progress)?;
    if let Some(manifest) = &copied.manifest {
        file.write(manifest)?;
    }
    Ok(copied.report)
}
