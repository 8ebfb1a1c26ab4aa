//! What Windows tells of an open file, and the standard library does not.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};

/// The volume's serial number and the file's index on it.
pub(super) fn identity(file: &File) -> io::Result<(u64, u64)> {
    // SAFETY: a plain C structure of integers, for which all bits zero is a value.
    #[allow(unsafe_code, reason = "the standard library does not tell a file's identity")]
    let mut information: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the handle is open as long as `file` lives, `information` outlives the call.
    #[allow(unsafe_code, reason = "the standard library does not tell a file's identity")]
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow);
    Ok((information.dwVolumeSerialNumber.into(), index))
}
