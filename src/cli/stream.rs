//! `litecopy copy SOURCE -`: the copy goes to stdout, and all that is said to stderr.

#[cfg(unix)]
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::path::Path;

use litecopy::{CopyOptions, CopyReport, Error, Progress, Source, StreamTarget};

use super::arguments::CopyArguments;
use super::exit_code::Ending;
use super::run::say_error;

/// Whether the target is stdout. A file of that name can be had as `./-`.
pub(crate) fn is_wanted(arguments: &CopyArguments) -> bool {
    arguments.target.as_os_str() == "-"
}

/// Why stdout cannot be the target, if so.
pub(crate) fn refusal(arguments: &CopyArguments) -> Option<&'static str> {
    if !is_wanted(arguments) {
        None
    } else if arguments.all {
        Some("a whole set (--all) needs a folder, not a stream")
    } else if arguments.replace {
        Some("there is nothing in a stream to --replace")
    } else if arguments.in_place {
        Some("there is nothing in a stream to be written over (--in-place)")
    } else if arguments.treatment.reads_back() {
        Some("what went into a stream cannot be read back (--verify, --manifest)")
    } else if io::stdout().is_terminal() {
        Some("a database is not for a terminal: send stdout into a file or a pipe")
    } else if leads_to(&arguments.source) {
        Some("stdout is the source itself")
    } else {
        None
    }
}

/// Whether what is written to stdout goes to the file at `path` (C9).
#[cfg(unix)]
fn leads_to(path: &Path) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
    let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    matches!((stdout, path.metadata()), (Ok(stdout), Ok(file)) if identity(&stdout) == identity(&file))
}

#[cfg(not(unix))]
fn leads_to(_: &Path) -> bool {
    false
}

/// Says how it went where the stream does not go.
pub(crate) fn say_beside(text: &str) -> Ending {
    say_error(text);
    Ending::Done
}

pub(crate) fn copy_to_stdout(
    options: &CopyOptions,
    source: Source,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<CopyReport, Error> {
    let target = StreamTarget::new(io::stdout().lock());
    options.copy_to_target(source, target, progress).map(|(report, _)| report)
}
