//! The locks that a connection in WAL mode holds, so that its wal-index is believed and its log is written into.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::Path;

const SHARED: (i64, i64) = (0x4000_0002, 510);
const DEAD_MANS_SWITCH: (i64, i64) = (128, 1);

/// A connection that holds what it holds between transactions. Its locks belong to open files, so that they stand in the way of
/// others in this process too.
pub struct Connected {
    _files: [File; 2],
}

impl Connected {
    /// Connects to the database, which needs a wal-index.
    pub fn to(database: &Path) -> Self {
        let wal_index = database.with_extension("db-shm");
        let files = [(database, SHARED), (&wal_index, DEAD_MANS_SWITCH)].map(|(path, (start, length))| {
            let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
            let lock = libc::flock {
                l_type: libc::F_RDLCK as _,
                l_whence: libc::SEEK_SET as _,
                l_start: start,
                l_len: length,
                l_pid: 0,
            };
            // SAFETY: the file is open, and the lock a whole one.
            let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &lock) };
            assert_eq!(taken, 0, "nobody else locks");
            file
        });
        Self { _files: files }
    }
}
