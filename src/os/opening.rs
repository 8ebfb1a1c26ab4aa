//! Opening a file so that looking at it changes nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens the file at `path` for reading.
///
/// On Linux without marking the time of access, where the file is ours or we are root; elsewhere the file system may
/// mark it, as it does for every reader.
pub(crate) fn to_read(path: &Path) -> io::Result<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    match with_flags(File::options().read(true), libc::O_NOATIME).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {}
        other => return other,
    }
    with_flags(File::options().read(true), 0).open(path)
}

/// Opens the file at `path` for reading and writing.
pub(crate) fn to_write(path: &Path) -> io::Result<File> {
    with_flags(File::options().read(true).write(true), 0).open(path)
}

/// A pipe under the name must not make us wait for its other end, nor a terminal become ours.
#[cfg(unix)]
fn with_flags(options: &mut OpenOptions, flags: libc::c_int) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | libc::O_NOCTTY | flags)
}

#[cfg(not(unix))]
fn with_flags(options: &mut OpenOptions, _: i32) -> &mut OpenOptions {
    options
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, SystemTime};

    #[test]
    fn reading_leaves_the_time_of_access() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "content").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let times = std::fs::FileTimes::new().set_accessed(long_ago);
        to_write(&path).unwrap().set_times(times).unwrap();
        to_read(&path).unwrap().read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().atime(), 1_000_000);
    }
}
