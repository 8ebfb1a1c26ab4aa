//! From the words of the command line to an exit code. A reader that goes away (a closed pipe) is no failure.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use super::arguments::{Arguments, Verb};
use super::copy::copy;
use super::exit_code::{Ending, message};
use super::info::info;
use super::locks::locks;
use super::refresh::refresh;
use super::restore::restore;
use super::verify::verify;

pub(crate) fn run() -> ExitCode {
    let ending = match Arguments::try_parse() {
        Ok(arguments) => match &arguments.verb {
            Verb::Copy(arguments) => copy(arguments),
            Verb::Restore(arguments) => restore(arguments),
            Verb::Refresh(arguments) => refresh(arguments),
            Verb::Info(arguments) => info(arguments),
            Verb::Verify(arguments) => verify(arguments),
            Verb::Locks(arguments) => locks(arguments),
        },
        Err(help_or_error) => {
            let wrong_use = help_or_error.use_stderr();
            let printed = said(help_or_error.print());
            if wrong_use { Ending::WrongUse } else { printed }
        }
    };
    ending.code()
}

/// One line, or several, on stdout.
pub(crate) fn say(text: &str) -> Ending {
    let mut stdout = io::stdout().lock();
    said(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// What a report of a file tells: as lines for people, or as one JSON object.
pub(crate) fn say_report<R: Serialize>(
    report: litecopy::Result<R>,
    file: &Path,
    as_json: bool,
    text: impl FnOnce(&R) -> String,
) -> Ending {
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            say_error(&message(&error));
            return Ending::of(&error);
        }
    };
    if !as_json {
        return say(text(&report).trim_end());
    }
    match serde_json::to_string_pretty(&report) {
        Ok(json) => say(&json),
        Err(error) => {
            say_error(&format!("litecopy: {}: cannot be told as JSON: {error}", file.display()));
            Ending::Failed
        }
    }
}

fn said(result: io::Result<()>) -> Ending {
    match result {
        Ok(()) => Ending::Done,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ending::Done,
        Err(error) => {
            say_error(&format!("litecopy: stdout: cannot be written: {error}"));
            Ending::Failed
        }
    }
}

/// On stderr; when nobody reads that either, the exit code must do.
pub(crate) fn say_error(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
