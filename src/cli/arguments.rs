//! What can be said on the command line, and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use litecopy::lock::{LockStyle, UnknownLockStyle};
use litecopy::{Limit, Limits, PageSize, SourceOptions, UnknownLimit};

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
    /// Say what a database file is: header, journal mode, side files, schema, locks
    Info(InfoArguments),
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
    #[arg(long, group = "choice", conflicts_with_all = ["pages", "replace"])]
    pub(crate) all: bool,

    /// Pages copied each time the source is locked; writers get their turn in between, and the copy starts again
    /// when one commits. 0 or less: all in one go, from one snapshot
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pub(crate) pages: i32,

    /// Wait this long before trying again when the source is locked (seconds, or with a unit: 250ms, 2s, 1m)
    #[arg(long, value_name = "SECONDS", default_value = "0.25", value_parser = duration)]
    pub(crate) sleep: Duration,

    /// Give up when the source has been locked by another this long
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// Give up when the whole copy takes longer than this [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,

    /// Put the copy in the place of an existing TARGET, at the end and in one move
    #[arg(long)]
    pub(crate) replace: bool,

    /// Do not wait until the copy is on the device: sooner done, but a power cut soon after may damage it
    #[arg(long)]
    pub(crate) no_sync: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArguments,

    /// Copy a database whose pages are encrypted, as it is. Its page size cannot be read: give it, unless there is a
    /// log, which tells it
    #[arg(long, value_name = "PAGE_SIZE", num_args = 0..=1, require_equals = true, value_parser = page_size)]
    pub(crate) opaque: Option<Option<PageSize>>,

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

/// A length of time: seconds, with a fraction if wanted, or a number with one of the units ms, s, m, h.
fn duration(words: &str) -> Result<Duration, String> {
    let words = words.trim();
    let digits = words.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_in_seconds = match &words[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let number: f64 = digits.trim().parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number * unit_in_seconds)
        .map_err(|_| "a length of time is 0 or more, and not for ever".to_owned())
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

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        assert_eq!(duration("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2 s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "x", "-1", "inf", "nan", "1d", "1e400", "5 parsecs"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
