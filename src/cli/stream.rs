//! `litecopy copy SOURCE -`: the copy goes to stdout, and all that is said to stderr.

#[cfg(unix)]
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal};
use std::path::Path;

use super::exit_code::Ending;
use super::output::say_error;

/// Whether the target is stdout. A file of that name can be had as `./-`.
pub(crate) fn is_wanted(target: &Path) -> bool {
    target.as_os_str() == "-"
}

/// Whether stdout is a terminal, which a database would upset.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether what is written to stdout goes to the database at `path`, or to a side file of it (C9).
#[cfg(unix)]
pub(crate) fn leads_to(path: &Path) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let Ok(stdout) = stdout.map(identity) else { return false };
    let database = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    ["", "-journal", "-wal", "-shm"].iter().any(|suffix| {
        let mut name = database.clone().into_os_string();
        name.push(suffix);
        Path::new(&name).metadata().is_ok_and(|file| identity(file) == stdout)
    })
}

#[cfg(not(unix))]
pub(crate) fn leads_to(_: &Path) -> bool {
    false
}

/// Says how it went where the stream does not go.
pub(crate) fn say_beside(text: &str) -> Ending {
    say_error(text);
    Ending::Done
}
