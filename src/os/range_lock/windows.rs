//! Locks that belong to one handle of a file: `LockFileEx`.
//!
//! They are mandatory: whoever reads a byte that another handle has locked exclusively is refused.

use super::{Asker, ByteRange, Conflict, LockKind};
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// They never do.
pub(in crate::os) fn belong_to_process() -> bool {
    false
}

pub(in crate::os) fn try_lock(asker: Asker<'_>, range: ByteRange, kind: LockKind) -> io::Result<bool> {
    let exclusive = if kind == LockKind::Exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
    let (low, high) = halves(range.length);
    let mut place = place_of(range);
    // SAFETY: the handle is open as long as the file lives; `place` outlives the call, which does not wait because of
    // LOCKFILE_FAIL_IMMEDIATELY on a handle that was not opened for overlapped I/O.
    #[allow(unsafe_code, reason = "the standard library has no byte-range locks")]
    let done = unsafe {
        LockFileEx(
            asker.file.as_raw_handle(),
            exclusive | LOCKFILE_FAIL_IMMEDIATELY,
            0,
            low,
            high,
            &mut place,
        )
    };
    if done != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().and_then(|code| u32::try_from(code).ok()) {
        Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Ok(false),
        _ => Err(error),
    }
}

pub(in crate::os) fn unlock(asker: Asker<'_>, range: ByteRange) -> io::Result<()> {
    let (low, high) = halves(range.length);
    let mut place = place_of(range);
    // SAFETY: as for `LockFileEx`.
    #[allow(unsafe_code, reason = "the standard library has no byte-range locks")]
    let done = unsafe { UnlockFileEx(asker.file.as_raw_handle(), 0, low, high, &mut place) };
    if done != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().and_then(|code| u32::try_from(code).ok()) {
        Some(ERROR_NOT_LOCKED) => Ok(()),
        _ => Err(error),
    }
}

/// Windows has no question, only the try: the lock is taken and dropped again, so the range must not be ours.
pub(in crate::os) fn find_conflict(
    asker: Asker<'_>,
    range: ByteRange,
    kind: LockKind,
) -> io::Result<Option<Conflict>> {
    for (tried, found) in [(LockKind::Shared, LockKind::Exclusive), (LockKind::Exclusive, LockKind::Shared)] {
        if tried <= kind {
            if !try_lock(asker, range, tried)? {
                return Ok(Some(Conflict { kind: found, process_id: None }));
            }
            unlock(asker, range)?;
        }
    }
    Ok(None)
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
fn halves(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}

fn place_of(range: ByteRange) -> OVERLAPPED {
    // SAFETY: a plain C structure, for which all bits zero is a value: no event, no earlier status.
    #[allow(unsafe_code, reason = "a C structure with a union in it")]
    let mut place: OVERLAPPED = unsafe { std::mem::zeroed() };
    let (low, high) = halves(range.start);
    place.Anonymous.Anonymous.Offset = low;
    place.Anonymous.Anonymous.OffsetHigh = high;
    place
}
