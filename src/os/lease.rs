//! A lease on a file (Linux): had only by who has it open alone; as long as it lasts, nobody else can open it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Which signal tells that a lease is wanted back.
const F_SETSIG: libc::c_int = 10;

/// Takes the lease. `Ok(false)`: the file is open elsewhere too, in this process or in another. It ends by [`give_back`], or when
/// the file is closed.
///
/// # Errors
///
/// Only the file's owner and root may ask, and not every file system has an answer.
pub(super) fn take(file: &File) -> io::Result<bool> {
    // Whoever opens the file while the lease lasts waits for its end, and the system tells us by a signal: one that is ignored
    // unless somebody wants it, instead of SIGIO, which would end the process.
    set(file, F_SETSIG, libc::SIGURG)?;
    match set(file, libc::F_SETLEASE, libc::F_WRLCK) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends the lease.
pub(super) fn give_back(file: &File) {
    // It ends with the descriptor in any case.
    let _ = set(file, libc::F_SETLEASE, libc::F_UNLCK);
}

fn set(file: &File, command: libc::c_int, argument: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open, and these commands take a number, no pointer.
    #[allow(unsafe_code, reason = "no safe crate has leases")]
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_tells_of_any_other_open_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let Ok(sole) = take(file.as_file()) else { return };
        assert!(sole);
        give_back(file.as_file());
        let again = File::open(file.path()).unwrap();
        assert!(!take(file.as_file()).unwrap());
        drop(again);
        assert!(take(file.as_file()).unwrap());
    }
}
