//! How a database is read: what every verb that reads one takes.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use litecopy::lock::{LockStyle, UnknownLockStyle};
use litecopy::{Database, Limit, Limits, SourceOptions, UnknownLimit};

use super::notes::Note;
use super::output::{say_error, say_error_json};
use super::printable::printable;
use super::sandbox::{self, Needs};
use super::telling_arguments::{ProgressKind, TellingArguments};
use super::values::duration;

/// How the source is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "How the source is read")]
pub(crate) struct ReadingArguments {
    /// Refuse a file that needs more than this; may be given several times. NAME is pages, log-bytes, journal-bytes,
    /// overlay-bytes, chain-length, record-bytes or schema-bytes
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<(Limit, i64)>,

    /// The file is a stranger's: tight limits on all that it may make us do, which --limit can still change; and on Linux
    /// nothing can be opened any more but the source, its side files that are there, and the folder of what is written
    #[arg(long)]
    untrusted: bool,

    /// The kind of lock that the programs using the source take, if not the usual one. dotfile: a folder SOURCE.lock exists
    /// while the source is read; none: no lock is taken, and what changed meanwhile is read again
    #[arg(long, value_name = "STYLE", default_value = "posix", value_parser = lock_style)]
    lock_style: LockStyle,

    /// Take no locks and check nothing at the end, for files that nobody can change: evidence, snapshots, read-only media
    #[arg(long)]
    immutable: bool,

    /// Do not refuse a database that somebody has open in WAL mode under another name: you know that nothing is written there
    #[arg(long)]
    alone: bool,

    /// Read the version after the N-th commit that is in the log; 0 is the database file alone. Without it the newest
    #[arg(long, value_name = "N")]
    as_of: Option<u64>,

    /// Give up when another process has kept the source locked for this long
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = duration)]
    timeout: Duration,
}

impl ReadingArguments {
    pub(crate) fn options(&self) -> SourceOptions {
        let mut limits = if self.untrusted { Limits::untrusted() } else { Limits::new() };
        for &(limit, value) in &self.limits {
            limits.set(limit, value);
        }
        SourceOptions::new()
            .limits(limits)
            .lock_style(self.lock_style)
            .immutable(self.immutable)
            .as_of(self.as_of)
            .alone(self.alone)
    }

    /// With `--untrusted`, lets this process open nothing but what it needs from here on. For verbs that print a report.
    pub(crate) fn confine(&self, sources: &[&Path], targets: &[&Path]) {
        let needs = Needs { sources: sources.to_vec(), targets: targets.to_vec(), ..Needs::default() };
        if let Some(note) = self.shut_off(needs) {
            say_error(&note.text());
        }
    }

    /// The same for who reads all that lies beside a file.
    pub(crate) fn confine_to_folder_of(&self, file: &Path) {
        let needs = Needs { sources: vec![file], again: true, ..Needs::default() };
        if let Some(note) = self.shut_off(needs) {
            say_error(&note.text());
        }
    }

    /// The same for verbs that copy, which are told what to say.
    pub(crate) fn confine_copy(&self, needs: Needs<'_>, telling: &TellingArguments) {
        if let Some(note) = self.shut_off(needs).filter(|_| !telling.quiet && !telling.no_notes) {
            match telling.progress {
                ProgressKind::Json => say_error_json(&note.json()),
                _ => say_error(&note.text()),
            }
        }
    }

    fn shut_off(&self, needs: Needs<'_>) -> Option<Note> {
        let lock_folders = self.lock_style == LockStyle::Dotfile;
        if self.untrusted { sandbox::confine(&Needs { lock_folders, ..needs }) } else { None }
    }

    /// Opens the database for reports.
    pub(crate) fn database(&self, file: &Path) -> litecopy::Result<Database> {
        Database::open(self.options().open(file)?, Some(self.timeout))
    }

    /// The options with which a file is opened that is open already.
    pub(crate) fn options_again(&self) -> SourceOptions {
        // A lock of these styles lets nobody in but its holder: the first one is held for both.
        let is_held = matches!(self.lock_style, LockStyle::Flock | LockStyle::Dotfile);
        let options = self.options();
        if is_held { options.lock_style(LockStyle::None) } else { options }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
}

fn lock_style(name: &str) -> Result<LockStyle, String> {
    name.parse().map_err(|error: UnknownLockStyle| printable(&error.to_string()))
}

/// A limit and its value. As everywhere, a negative value changes nothing, and one too high is cut to the hard bound.
fn limit(words: &str) -> Result<(Limit, i64), String> {
    let (name, value) = words.split_once('=').ok_or("not of the form NAME=VALUE")?;
    let limit = name.trim().parse().map_err(|error: UnknownLimit| printable(&error.to_string()))?;
    let value = value.trim().parse().map_err(|_| format!("`{}` is not a whole number", printable(value)))?;
    Ok((limit, value))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
