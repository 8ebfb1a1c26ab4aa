//! How the command ends, and what it says when something is wrong.

use std::process::ExitCode;

use litecopy::{Error, ErrorKind};

/// The exit codes, as the help shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  refused or failed
  2  wrong use
  5  the database was still busy at the timeout, or the copy not done at the deadline";

/// What the help of `copy` says beyond its options.
pub(crate) const COPY_HELP: &str = "\
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
  5  the source was still busy at the timeout, the target in use, or the copy not done at the deadline or the limits to holding, or led nowhere
130  stopped by Ctrl-C, a termination or a hang-up; nothing is left behind
141  whoever read the stream (`-`) went away before its end";

/// What the help of `restore` says beyond its options.
pub(crate) const RESTORE_HELP: &str = "\
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

/// What the help of `refresh` says beyond its options.
pub(crate) const REFRESH_HELP: &str = "\
COPY becomes what a new copy would be, byte for byte. It is written behind a journal from which SQLite, or the next refresh, would \
roll back: a crash leaves the old copy or the new one. With --replace a new file takes its place instead; where the file system \
can clone files, that writes no more.

Exit codes:
  0  done: the copy is up to date and on disk
  1  refused or failed; COPY is as it was, unless the message says that only the last sync failed
  2  wrong use
  5  SOURCE or COPY was still busy at the timeout, or the refresh not done at the deadline
130  stopped by Ctrl-C, a termination or a hang-up; COPY is as it was";

/// What a shell shows for a process that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// What a shell shows for a process that wrote into a closed pipe.
const STREAM_CLOSED: u8 = 141;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
    WrongUse,
    StillBusy,
    Interrupted,
    StreamClosed,
}

impl Ending {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::WrongUse => 2,
            Self::StillBusy => 5,
            Self::Interrupted => INTERRUPTED,
            Self::StreamClosed => STREAM_CLOSED,
        })
    }

    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            // These pass by themselves: the same command may succeed later.
            ErrorKind::Busy
            | ErrorKind::TargetInUse
            | ErrorKind::DeadlinePassed
            | ErrorKind::Stalled
            | ErrorKind::HoldLimit
            | ErrorKind::SourceChanged => Self::StillBusy,
            ErrorKind::StreamClosed => Self::StreamClosed,
            // Nobody else cancels a copy of the command.
            ErrorKind::Cancelled => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

/// What was wrong and, on a second line, what to do about it.
pub(crate) fn message(error: &Error) -> String {
    match error.advice() {
        Some(advice) => format!("litecopy: {error}\n  {advice}"),
        None => format!("litecopy: {error}"),
    }
}

/// The same for a program: one JSON object.
pub(crate) fn json_message(error: &Error) -> serde_json::Value {
    serde_json::json!({
        "event": "error",
        "kind": kind_name(error.kind()),
        "message": error.to_string(),
        "advice": error.advice(),
        "path": error.path().to_string_lossy(),
    })
}

/// The kind's name in the style of JSON members: `TargetExists` is `target_exists`.
fn kind_name(kind: ErrorKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars().take_while(|c| c.is_alphanumeric()) {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_in_small_letters() {
        assert_eq!(kind_name(ErrorKind::TargetExists), "target_exists");
        assert_eq!(kind_name(ErrorKind::NotADatabase), "not_a_database");
        assert_eq!(kind_name(ErrorKind::Busy), "busy");
    }
}
