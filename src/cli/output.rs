//! What is said, and where: reports on stdout, errors and notes on stderr. A reader that goes away (a closed pipe) is no failure.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::path::Path;

use litecopy::Error;
use serde::Serialize;

use super::exit_code::{Ending, message};
use super::printable::{printable_json, printable_lines, printable_path};

/// How much of a long report is written at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// One line, or several, on stdout.
pub(crate) fn say(text: &str) -> Ending {
    say_lines(|output| output.line(text))
}

/// A text that we made ourselves, as it is.
pub(crate) fn say_text(text: &[u8]) -> Ending {
    say_lines(|output| output.0.write_all(text))
}

/// On stderr; when nobody reads that either, the exit code must do.
pub(crate) fn say_error(text: &str) {
    drop(writeln!(io::stderr(), "{}", printable_lines(text)));
}

/// One JSON object, on stderr.
pub(crate) fn say_error_json(value: &serde_json::Value) {
    drop(writeln!(io::stderr(), "{}", printable_json(value.to_string())));
}

/// Says what went wrong, and gives the ending that it means.
pub(crate) fn say_failure(error: &Error) -> Ending {
    say_error(&message(error));
    Ending::of(error)
}

/// A report: as lines for people, or as one JSON object.
pub(crate) fn say_report<R: Serialize>(
    report: litecopy::Result<R>,
    file: &Path,
    as_json: bool,
    text: impl FnOnce(&R) -> String,
) -> Ending {
    let report = match report {
        Ok(report) => report,
        Err(error) => return say_failure(&error),
    };
    if !as_json {
        return say(text(&report).trim_end());
    }
    match serde_json::to_string_pretty(&report) {
        Ok(json) => say_lines(|output| output.json_text(json)),
        Err(error) => {
            say_error(&format!("litecopy: {}: cannot be told as JSON: {error}", printable_path(file)));
            Ending::Failed
        }
    }
}

/// A long report, line by line as it is made. What `write` gives back as an error is taken for one of stdout.
pub(crate) fn say_lines(write: impl FnOnce(&mut Output) -> io::Result<()>) -> Ending {
    let mut output = Output(BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()));
    said(write(&mut output).and_then(|()| output.0.flush()))
}

/// Stdout, while a report is written to it.
pub(crate) struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    /// Text for people; all but its line breaks is made harmless.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0, "{}", printable_lines(text))
    }

    /// Text with colours of our own; what comes from files in it has been through `printable`.
    pub(crate) fn styled_line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0, "{text}")
    }

    /// One JSON object on a line of its own.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(value)?;
        self.json_text(json)
    }

    /// Where bytes go as they are: what was made for other programs, with nothing in it that acts on a terminal.
    pub(crate) fn writer(&mut self) -> &mut impl Write {
        &mut self.0
    }

    /// Bytes as they are: what was made for other programs, or has been through `printable`.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn json_text(&mut self, json: String) -> io::Result<()> {
        writeln!(self.0, "{}", printable_json(json))
    }
}

/// The ending that writing to stdout means.
pub(crate) fn said(result: io::Result<()>) -> Ending {
    match result {
        Ok(()) => Ending::Done,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ending::Done,
        Err(error) => {
            say_error(&format!("litecopy: stdout: cannot be written: {error}"));
            Ending::Failed
        }
    }
}
