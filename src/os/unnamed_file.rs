//! A file that has no name, or none that stays: it is gone when it is closed, whatever happens.

use std::fs::File;
use std::io;
use std::path::Path;

/// A new one on the file system of `folder`, to be read and written. On Windows it lies there under a random name meanwhile.
pub(crate) fn create(folder: &Path) -> io::Result<File> {
    #[cfg(any(unix, windows))]
    return tempfile::tempfile_in(folder);
    #[cfg(not(any(unix, windows)))]
    {
        let _ = folder;
        Err(io::ErrorKind::Unsupported.into())
    }
}
