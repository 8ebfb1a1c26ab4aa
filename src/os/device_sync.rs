//! Brings what was written to a file to its device.

use std::fs::File;
use std::io;

/// Comes back when all of it is there, as far as the device tells the truth.
pub(super) fn sync(file: &File) -> io::Result<()> {
    let synced = file.sync_all();
    // That asks for F_FULLFSYNC, which not every file system has (SMB): as SQLite does then.
    #[cfg(target_vendor = "apple")]
    let synced = synced.or_else(|_| Ok(rustix::fs::fsync(file)?));
    synced
}
