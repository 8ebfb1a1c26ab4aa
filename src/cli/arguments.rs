//! What can be said on the command line, and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use litecopy::lock::{LockStyle, UnknownLockStyle};
use litecopy::{Limit, Limits, PageSize, SourceOptions, UnknownLimit};

use super::course_arguments::{CourseArguments, duration};
use super::treatment_arguments::TreatmentArguments;

/// Copies a live SQLite database, page by page, without libsqlite3
#[derive(Debug, Parser)]
#[command(name = "litecopy", version, after_help = super::exit_code::HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Copy a database that others may be using; the source is only read
    Copy(CopyArguments),
    /// Put the content of a backup into a database, which others may have open: they see it at their next transaction
    Restore(RestoreArguments),
    /// Bring an existing copy up to date, writing only the pages that differ
    Refresh(RefreshArguments),
    /// Say what a database file is: header, journal mode, side files, schema, locks
    Info(InfoArguments),
    /// Say whether a copy is still what it was when it was made, and which pages are not
    Verify(VerifyArguments),
    /// Say who holds which lock on a database, and what its readers keep of its log
    Locks(LocksArguments),
}

#[derive(Debug, Args)]
#[command(after_help = super::exit_code::COPY_HELP)]
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

    /// Go on for ever: look at the source this often, and copy it again when something was committed. Needs --replace or
    /// --in-place
    #[arg(long, value_name = "SECONDS", value_parser = duration, conflicts_with = "choice", requires = "over")]
    pub(crate) every: Option<Duration>,

    #[command(flatten)]
    pub(crate) course: CourseArguments,

    /// Put the copy in the place of an existing TARGET, at the end and in one move
    #[arg(long, group = "over")]
    pub(crate) replace: bool,

    /// Do not wait until the copy is on the device: sooner done, but a power cut soon after may damage it
    #[arg(long)]
    pub(crate) no_sync: bool,

    /// Write over an existing TARGET in place, by SQLite's own protocol: who has it open keeps it open, and sees the new
    /// content at the next transaction
    #[arg(long, group = "over", conflicts_with_all = ["all", "opaque", "no_sync"])]
    pub(crate) in_place: bool,

    #[command(flatten)]
    pub(crate) treatment: TreatmentArguments,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    /// Copy a database whose pages are encrypted, as it is. Its page size cannot be read: give it, unless there is a
    /// log, which tells it
    #[arg(long, value_name = "PAGE_SIZE", num_args = 0..=1, require_equals = true, value_parser = page_size)]
    pub(crate) opaque: Option<Option<PageSize>>,

    #[command(flatten)]
    pub(crate) telling: TellingArguments,
}

#[derive(Debug, Args)]
#[command(after_help = super::exit_code::RESTORE_HELP)]
pub(crate) struct RestoreArguments {
    /// The database whose content is wanted; it is only read, and may be in use too
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

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The copy to check; it is only read
    pub(crate) copy: PathBuf,

    /// What `litecopy copy --manifest FILE` wrote when it made the copy
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = super::exit_code::REFRESH_HELP)]
pub(crate) struct RefreshArguments {
    /// The database; it is only read
    pub(crate) source: PathBuf,

    /// The copy of it that is to be brought up to date; where nothing is, it is made
    pub(crate) copy: PathBuf,

    /// Put a new file in the place of the copy, at the end and in one move, instead of writing into it
    #[arg(long)]
    pub(crate) replace: bool,

    /// Do not read back from the copy what FILE, the manifest of the last time, tells of it; and write FILE anew
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,

    /// Go on for ever: look at the source this often, and refresh the copy when something was committed
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    pub(crate) every: Option<Duration>,

    #[command(flatten)]
    pub(crate) course: CourseArguments,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    #[command(flatten)]
    pub(crate) telling: TellingArguments,
}

/// What is said meanwhile.
#[derive(Debug, Args)]
pub(crate) struct TellingArguments {
    /// How to show the way, on stderr
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,

    /// Say nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A database that is attached, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// A bar when stderr is a terminal, else nothing
    Auto,
    /// A bar (it is drawn on terminals only)
    Bar,
    /// For programs: a JSON object a line
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    /// The database to look at; it is only read
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LocksArguments {
    /// The database to look at; nobody is held up
    pub(crate) file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the source is read.
#[derive(Debug, Args)]
pub(crate) struct ReadingArguments {
    /// Refuse a file that wants more than this; can be given several times. NAME is pages, log-bytes, journal-bytes,
    /// overlay-bytes, chain-length or record-bytes
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<(Limit, i64)>,

    /// By what kind of lock the programs that use the source keep out of each other's way, if not the usual one. Under
    /// dotfile a folder SOURCE.lock is there while the source is read; none takes no lock, and reads again what changed
    #[arg(long, value_name = "STYLE", default_value = "posix", value_parser = lock_style)]
    lock_style: LockStyle,

    /// Take no lock and check nothing at the end, for files that nobody can change: evidence, snapshots, read-only media
    #[arg(long)]
    immutable: bool,
}

impl ReadingArguments {
    pub(crate) fn options(&self) -> SourceOptions {
        let mut limits = Limits::new();
        for &(limit, value) in &self.limits {
            limits.set(limit, value);
        }
        SourceOptions::new().limits(limits).lock_style(self.lock_style).immutable(self.immutable)
    }
}

fn lock_style(name: &str) -> Result<LockStyle, String> {
    name.parse().map_err(|error: UnknownLockStyle| error.to_string())
}

fn page_size(words: &str) -> Result<PageSize, String> {
    let size = words.parse().ok().and_then(PageSize::new);
    size.ok_or_else(|| "not a page size: a power of two from 512 to 65536".to_owned())
}

/// A limit and its value. As everywhere, a negative value changes nothing, and one too high is cut to the hard bound.
fn limit(words: &str) -> Result<(Limit, i64), String> {
    let (name, value) = words.split_once('=').ok_or("not of the form NAME=VALUE")?;
    let limit = name.trim().parse().map_err(|error: UnknownLimit| error.to_string())?;
    let value = value.trim().parse().map_err(|_| format!("`{value}` is not a whole number"))?;
    Ok((limit, value))
}

/// `NAME=PATH`; the name ends at the first `=`.
fn attached(words: &str) -> Result<Attached, String> {
    match words.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(Attached { name: name.to_owned(), path: path.into() })
        }
        _ => Err("a database is attached by NAME=PATH".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_limit_has_a_name_and_a_value() {
        assert_eq!(limit("pages=12"), Ok((Limit::Pages, 12)));
        assert_eq!(limit("record-bytes = -1"), Ok((Limit::RecordBytes, -1)));
        for wrong in
            ["", "pages", "pages=", "pages=many", "pages=1.5", "page=1", "=1", "pages=99999999999999999999"]
        {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_attached_has_a_name_and_a_path() {
        let of = |name: &str, path: &str| Ok(Attached { name: name.to_owned(), path: path.into() });
        assert_eq!(attached("logs=a/b.db"), of("logs", "a/b.db"));
        assert_eq!(attached("a=b=c"), of("a", "b=c"));
        for wrong in ["", "logs", "=a.db", "logs="] {
            assert!(attached(wrong).is_err(), "{wrong}");
        }
    }
}
