//! `litecopy restore`: the content of one database into another, which others may have open.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use litecopy::FileTarget;

use super::course_arguments::CourseArguments;
use super::exit_code::Ending;
use super::job::{CopiedFile, report};
use super::output::{say, say_error};
use super::reading_arguments::ReadingArguments;
use super::sandbox::Needs;
use super::spool::{self, Spool};
use super::telling_arguments::TellingArguments;

/// What the help of `restore` says beyond its options.
const HELP: &str = "\
DATABASE is written over by SQLite's own protocol: whoever has it open keeps it open, and sees the new content at the next \
transaction. Nobody else can read or write it meanwhile (in WAL mode, while others have it open, they can read). A crash \
at any moment leaves the old content, after SQLite's own recovery, or the new. The page size may differ, unless DATABASE is in \
WAL mode and open elsewhere.

Exit codes:
  0  done: the content is there and on disk
  1  refused or failed; DATABASE is as it was, unless the message says that only the last sync failed
  2  wrong use
  5  BACKUP or DATABASE was still busy at the timeout, or the restore not done at the deadline
130  stopped by Ctrl-C, a termination or a hang-up; DATABASE is as it was";

/// Put the content of a backup into a database, which others may have open: they see it at their next transaction
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct RestoreArguments {
    /// The database whose content is wanted; it is only read, and may be in use too. From a pipe, or with `-` from stdin, it
    /// is kept in a temporary file (in TMPDIR) until it is there as a whole
    pub(crate) backup: PathBuf,

    /// The database that is to get it; where nothing is, it is made
    pub(crate) database: PathBuf,

    #[command(flatten)]
    pub(crate) course: CourseArguments,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    #[command(flatten)]
    pub(crate) telling: TellingArguments,
}

impl RestoreArguments {
    pub(crate) fn run(&self) -> Ending {
        let RestoreArguments { backup, database, course, reading, telling } = self;
        if let Some(refusal) = refusal(backup, database) {
            say_error(&format!("litecopy: {refusal}"));
            return Ending::WrongUse;
        }
        let temporary = if spool::is_pipe(backup) { vec![std::env::temp_dir()] } else { Vec::new() };
        let needs = Needs { sources: vec![backup], targets: vec![database], temporary, ..Needs::default() };
        reading.confine_copy(needs, telling);
        let end = course.end();
        report(telling, say, |progress| {
            let spool = if spool::is_pipe(backup) { Some(Spool::read(backup, end)?) } else { None };
            let source = reading.options();
            // Nobody else can reach what came through the pipe.
            let source = if spool.is_some() { source.immutable(true) } else { source };
            // What the pipe took is gone of the deadline.
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let options = course.options(reading).source(source).in_place(true).deadline(left);
            let from = spool.as_ref().map_or(backup.as_path(), Spool::path);
            let report = options.begin(from, FileTarget::new(database))?.run(progress)?.report;
            Ok(vec![CopiedFile { name: None, source: backup.clone(), target: database.clone(), report }])
        })
    }
}

/// Why it cannot be done, if so.
fn refusal(backup: &Path, database: &Path) -> Option<&'static str> {
    if spool::is_terminal(backup) {
        Some("a backup is not typed: send it through a pipe, or name its file")
    } else if database.as_os_str() == "-" {
        Some("a stream cannot be restored into: name a database (a file called `-` is `./-`)")
    } else {
        None
    }
}
