//! Errors, by who must act. `cargo run --example errors SOURCE TARGET`

use litecopy::{CopyOptions, Error, ErrorKind};
use std::process::ExitCode;

/// Who can do something about it.
#[derive(Debug, PartialEq, Eq)]
enum WhoActs {
    /// It passes by itself: the same copy may succeed later.
    Nobody,
    /// The program that holds a lock, or has the target open.
    OtherProgram,
    /// Whoever runs the machine: room, rights, devices.
    Administrator,
    /// Whoever keeps the database: it is damaged, or none.
    Keeper,
    /// Whoever called: another path, another option.
    Caller,
}

fn who_acts(error: &Error) -> WhoActs {
    match error.kind() {
        ErrorKind::DeadlinePassed | ErrorKind::Stalled | ErrorKind::HoldLimit | ErrorKind::SourceChanged => {
            WhoActs::Nobody
        }
        ErrorKind::Busy | ErrorKind::TargetInUse => WhoActs::OtherProgram,
        ErrorKind::NoSpace | ErrorKind::PermissionDenied | ErrorKind::Io | ErrorKind::NotAsWritten => {
            WhoActs::Administrator
        }
        ErrorKind::NotADatabase | ErrorKind::Damaged | ErrorKind::LimitExceeded => WhoActs::Keeper,
        // New kinds may come: what is not known is the caller's to look at.
        _ => WhoActs::Caller,
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (Some(source), Some(target)) = (words.next(), words.next()) else {
        eprintln!("usage: errors SOURCE TARGET");
        return ExitCode::from(2);
    };
    let Err(error) = CopyOptions::new().copy(&source, target) else { return ExitCode::SUCCESS };
    // One line that names the file and what about it.
    eprintln!("{error}");
    for holder in error.lock_holders() {
        eprintln!("  {} is held by process {:?} ({:?})", holder.lock, holder.process_id, holder.command);
    }
    if let Some(advice) = error.advice() {
        eprintln!("  {advice}");
    }
    let who = who_acts(&error);
    eprintln!(
        "  to act: {who:?}; SQLite's code is {}, the system said {:?}",
        error.sqlite_code(),
        std::error::Error::source(&error)
    );
    if who == WhoActs::Nobody { ExitCode::from(5) } else { ExitCode::FAILURE }
}
