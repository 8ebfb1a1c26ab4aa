//! How the command ends, and what it says when something is wrong.

use std::process::ExitCode;

use litecopy::inspect::JsonName;
use litecopy::{Error, ErrorKind};

use super::advice::advice;
use super::printable::printable;

/// The exit codes, as the help shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  refused or failed
  2  wrong use
  5  the database was still busy at the timeout, or the copy not done at the deadline";

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
    message_with(error, advice(error))
}

/// The same with other advice.
pub(crate) fn message_with(error: &Error, advice: Option<String>) -> String {
    match advice {
        Some(advice) => format!("litecopy: {}\n  {advice}", printable(&error.to_string())),
        None => format!("litecopy: {}", printable(&error.to_string())),
    }
}

/// The same for a program: one JSON object.
pub(crate) fn json_message(error: &Error) -> serde_json::Value {
    serde_json::json!({
        "event": "error",
        "kind": error.kind().name(),
        "message": error.to_string(),
        "advice": advice(error),
        "path": JsonName(error.path().as_os_str()),
    })
}
