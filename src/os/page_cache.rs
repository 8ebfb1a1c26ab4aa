//! The system's cache of a file's content, where it can be told to forget.

use std::fs::File;

/// Lets the system forget what it has of a file that was synced, so that the next reading is from the device. Where the
/// system cannot do that, or will not, nothing happens.
pub(crate) fn forget(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}
