//! What to do about an error, in the words of the command line; where they have nothing to add, what the library says.

use std::fs;
use std::io;
use std::path::Path;

use litecopy::{Error, ErrorKind};

use super::plain_file;

/// What the library says to whoever wants a folder where something is.
const NEW_FOLDER: &str = "name a folder that is not there yet";

/// The advice for whoever typed the command.
pub(crate) fn advice(error: &Error) -> Option<String> {
    let general = error.advice();
    let option = match error.kind() {
        // Where a folder is to be made, nothing is replaced, whatever is there.
        ErrorKind::TargetExists if general == Some(NEW_FOLDER) => "",
        ErrorKind::TargetExists => return Some(on_existing(error.path()).to_owned()),
        ErrorKind::NotFound if error.path().as_os_str() == "-" => {
            return Some(
                "a live database is not read through a pipe; `restore - DATABASE` takes a backup from one"
                    .to_owned(),
            );
        }
        ErrorKind::Busy if is_exclusive(error) => {
            "\n  An application in exclusive locking mode never lets go: `--lock-style none` copies beside it, but \
             cannot always see a change that is made meanwhile"
        }
        ErrorKind::Busy => " (`--timeout`)",
        ErrorKind::TargetInUse if !is_locked(error) => "; or write into it in place (`--in-place`)",
        ErrorKind::DeadlinePassed => " (`--deadline`, `--pages`)",
        ErrorKind::NotADatabase => " (`--opaque=PAGE_SIZE`)",
        ErrorKind::PageSizeUnknown => " (`--opaque=PAGE_SIZE`)",
        ErrorKind::LogOnNetwork => " (`--lock-style none`)",
        ErrorKind::LimitExceeded => " (`--limit`)",
        ErrorKind::Stalled => " (`--consistency auto`)",
        ErrorKind::HoldLimit => " (`--max-hold`, `--max-log-growth`, `--at-limit`)",
        _ => "",
    };
    general.map(|general| format!("{general}{option}"))
}

/// The same for whoever makes a bundle of evidence, which does not go on in steps.
pub(crate) fn advice_on_bundle(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::HoldLimit => Some("let the files be held still for longer (`--max-hold`)".to_owned()),
        _ => advice(error),
    }
}

/// What is there decides: only a file can be replaced, and only a set that is not there yet can be made.
fn on_existing(target: &Path) -> &'static str {
    match fs::symlink_metadata(target) {
        Ok(found) if found.is_dir() => NEW_FOLDER,
        Ok(found) if found.is_symlink() && !target.exists() => {
            "it is a symbolic link that leads nowhere: name the file itself, or remove the link"
        }
        Ok(found) if (found.is_symlink() || found.is_file()) && is_foreign(target) => {
            "name another target: what is neither empty nor a database is not replaced"
        }
        Ok(found) if found.is_symlink() || found.is_file() => {
            "name another target, or have this one replaced (`--replace`)"
        }
        _ => "name another target: this one is no file; into a pipe, a copy goes by `copy SOURCE - > PIPE`",
    }
}

/// Whether a file is neither empty nor a database, as far as its first bytes tell.
fn is_foreign(path: &Path) -> bool {
    let mut first = [0; 16];
    let read = plain_file::open(path).and_then(|mut file| io::Read::read(&mut file, &mut first));
    read.is_ok_and(|count| count > 1 && first != *b"SQLite format 3\0")
}

/// Whether somebody holds a lock, by which it could not be written over in place either.
fn is_locked(error: &Error) -> bool {
    error.lock_holders().iter().any(|holder| holder.lock != "OPEN")
}

/// Whether somebody keeps everybody out: a writer for as long as it commits, or exclusive locking mode for ever.
fn is_exclusive(error: &Error) -> bool {
    error.lock_holders().iter().any(|holder| holder.lock == "EXCLUSIVE")
}
