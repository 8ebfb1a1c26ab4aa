//! Opens what a name leads to only if it is a plain file: nobody waits for the other end of a pipe.

use std::fs::File;
use std::io;
use std::path::Path;

/// The file at `path`, to be read.
///
/// # Errors
///
/// Also for a pipe, a device or a folder: those are not read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"))
    }
}
