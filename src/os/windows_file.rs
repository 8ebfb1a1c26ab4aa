//! What Windows tells of a file and does with its name, and the standard library does not.

use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    GetDiskFreeSpaceExW, GetFileInformationByHandle, MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH,
    MoveFileExW,
};

/// What is opened under a name that is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpensWhat {
    /// The link itself.
    Named,
    /// What it leads to.
    LedTo,
}

/// Opens a file, a folder or a link to learn what it is, which nobody can refuse by having it open.
pub(super) fn open_to_look(path: &Path, what: OpensWhat) -> io::Result<File> {
    let link = if what == OpensWhat::Named { FILE_FLAG_OPEN_REPARSE_POINT } else { 0 };
    File::options().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | link).open(path)
}

/// What an open file is known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// The serial number of its volume.
    pub(super) volume: u64,
    /// Its index there.
    pub(super) index: u64,
    /// How many names it has.
    pub(super) count: u64,
}

pub(super) fn names(file: &File) -> io::Result<Names> {
    // SAFETY: a plain C structure of integers, for which all bits zero is a value.
    #[allow(unsafe_code, reason = "the standard library does not tell a file's identity")]
    let mut information: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the handle is open as long as `file` lives, `information` outlives the call.
    #[allow(unsafe_code, reason = "the standard library does not tell a file's identity")]
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Names {
        volume: information.dwVolumeSerialNumber.into(),
        index: u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow),
        count: information.nNumberOfLinks.into(),
    })
}

/// Gives a file or folder another name, and comes back when that is on the device. With `replace` a file that lies there is
/// replaced, in one step: one that somebody has open is not.
pub(super) fn rename(from: &Path, to: &Path, replace: bool) -> io::Result<()> {
    let flags = MOVEFILE_WRITE_THROUGH | if replace { MOVEFILE_REPLACE_EXISTING } else { 0 };
    let to_is_file = to.is_file();
    let (from, to) = (wide(from), wide(to));
    // SAFETY: both are strings of 16-bit units that end with 0, and outlive the call.
    #[allow(unsafe_code, reason = "the standard library always replaces, and does not wait for the device")]
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), flags) };
    if done != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    // One that may be replaced, and is not, is open.
    if replace && matches!(code, Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION)) && to_is_file {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, error));
    }
    Err(error)
}

/// How many bytes the volume on which the folder at `path` lies has left: for us, and for all.
pub(super) fn free_bytes(path: &Path) -> io::Result<(u64, u64)> {
    let folder = wide(path);
    let (mut common_bytes, mut all_bytes) = (0, 0);
    // SAFETY: a string of 16-bit units that ends with 0, and two numbers; all outlive the call, and the third may be null.
    #[allow(unsafe_code, reason = "the standard library does not tell what room is left")]
    let done = unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &mut common_bytes, std::ptr::null_mut(), &mut all_bytes)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok((common_bytes, all_bytes)) }
}

/// A path as Windows takes it. One that is to be longer than 260 units has to begin with `\\?\`, as canonical ones do.
fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}
