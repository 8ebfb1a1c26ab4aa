//! One `fcntl` call with a `flock` structure, made safe.

use super::{ByteRange, Conflict, LockKind};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// A lock command of `fcntl`.
#[derive(Clone, Copy)]
pub(super) struct Command(libc::c_int);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Command {
    pub(super) const SET_OF_OPEN_FILE: Self = Self(libc::F_OFD_SETLK);
    pub(super) const GET_OF_OPEN_FILE: Self = Self(libc::F_OFD_GETLK);
}

#[cfg(target_vendor = "apple")]
impl Command {
    // From <sys/fcntl.h>; the `libc` crate does not name them.
    pub(super) const SET_OF_OPEN_FILE: Self = Self(90);
    pub(super) const GET_OF_OPEN_FILE: Self = Self(92);
}

impl Command {
    pub(super) const SET_OF_PROCESS: Self = Self(libc::F_SETLK);
    pub(super) const GET_OF_PROCESS: Self = Self(libc::F_GETLK);
}

/// Takes (`Some`) or drops (`None`) a lock; `false` when somebody else's is in the way.
///
/// The errors that SQLite takes for "busy" are busy here too (`[locks.md#errors-that-mean-busy]`).
pub(super) fn set(
    command: Command,
    file: &File,
    range: ByteRange,
    kind: Option<LockKind>,
) -> io::Result<bool> {
    let mut request = request(range, kind)?;
    match call(command, file, &mut request) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EACCES | libc::EAGAIN | libc::ETIMEDOUT | libc::EBUSY | libc::EINTR)
                if kind.is_some() =>
            {
                Ok(false)
            }
            // To SQLite this is busy too, and a program waits for a writer that there is not.
            Some(libc::ENOLCK) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the system has no locks to give (ENOLCK), as NFS without its lock service",
            )),
            _ => Err(error),
        },
    }
}

/// One lock of somebody else that a lock of `kind` on `range` would meet.
pub(super) fn get(
    command: Command,
    file: &File,
    range: ByteRange,
    kind: LockKind,
) -> io::Result<Option<Conflict>> {
    let mut request = request(range, Some(kind))?;
    call(command, file, &mut request)?;
    let kind = match request.l_type {
        found if found == UNLOCKED => return Ok(None),
        found if found == EXCLUSIVE => LockKind::Exclusive,
        _ => LockKind::Shared,
    };
    Ok(Some(Conflict { kind, process_id: u32::try_from(request.l_pid).ok().filter(|&process| process != 0) }))
}

/// The type of `flock.l_type`, whose constants have another type on some systems.
type LockType = libc::c_short;
const UNLOCKED: LockType = as_lock_type(libc::F_UNLCK as i64);
const SHARED: LockType = as_lock_type(libc::F_RDLCK as i64);
const EXCLUSIVE: LockType = as_lock_type(libc::F_WRLCK as i64);

#[allow(clippy::cast_possible_truncation, reason = "the constants are 0 to 3 on every system")]
const fn as_lock_type(constant: i64) -> LockType {
    constant as LockType
}

fn request(range: ByteRange, kind: Option<LockKind>) -> io::Result<libc::flock> {
    let beyond = |_| io::Error::from(io::ErrorKind::InvalidInput);
    // SAFETY: `flock` is a plain C structure of integers, for which all bits zero is a value; `l_whence` 0 is the start
    // of the file, and `l_pid` has to be 0.
    #[allow(unsafe_code, reason = "a C structure whose fields differ between systems")]
    let mut request: libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = match kind {
        None => UNLOCKED,
        Some(LockKind::Shared) => SHARED,
        Some(LockKind::Exclusive) => EXCLUSIVE,
    };
    request.l_start = range.start.try_into().map_err(beyond)?;
    // Longer than the system can say (all there is, where its numbers have 32 bits): 0 is up to the end.
    request.l_len = range.length.try_into().unwrap_or(0);
    Ok(request)
}

fn call(command: Command, file: &File, request: &mut libc::flock) -> io::Result<()> {
    let request: *mut libc::flock = request;
    // SAFETY: the descriptor is open as long as `file` lives, `request` points to a `flock` that outlives the call,
    // and every command of `Command` takes such a pointer.
    #[allow(unsafe_code, reason = "the standard library has no byte-range locks")]
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command.0, request) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
