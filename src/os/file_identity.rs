//! Which file this is, whatever it is called, and when it was last changed.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Tells two files apart by what they are, not by their names (C9): device and inode.
///
/// On Windows the volume's serial number and the file's index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of the open `file`.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self::of_metadata(&file.metadata()?));
        #[cfg(windows)]
        return super::range_lock::windows::file_identity(file).map(|(device, inode)| Self { device, inode });
    }

    /// The identity of what `path` leads to, symbolic links followed; `None` where nothing is.
    pub(crate) fn of_path(path: &Path) -> io::Result<Option<Self>> {
        // On unix a look at the name opens no descriptor, so none is closed either (C8).
        #[cfg(unix)]
        let found = fs::metadata(path).map(|metadata| Self::of_metadata(&metadata));
        #[cfg(windows)]
        let found = File::open(path).and_then(|file| Self::of_file(&file));
        absent_as_none(found)
    }

    #[cfg(unix)]
    pub(crate) fn of_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Major and minor device number and inode, as the kernel's lists name a file.
    #[cfg(target_os = "linux")]
    pub(crate) fn kernel_name(self) -> (u32, u32, u64) {
        (libc::major(self.device), libc::minor(self.device), self.inode)
    }
}

/// Longer than the steps of the clock that local file systems mark times by: at most 10 ms on Linux.
pub(crate) const CLOCK_STEP: Duration = Duration::from_millis(20);

/// When and at what size a file was last changed, as far as its file system tells.
///
/// Two equal values do not prove that nothing was written; two different ones prove that something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileTimes {
    size_bytes: u64,
    modified: Option<std::time::SystemTime>,
    /// Seconds and nanoseconds of the last change of content or metadata; unix only.
    changed: Option<(i64, i64)>,
}

impl FileTimes {
    /// What the open `file` says now.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of_metadata(&file.metadata()?))
    }

    /// What the file that `path` leads to says now; `None` where nothing is.
    pub(crate) fn of_path(path: &Path) -> io::Result<Option<Self>> {
        absent_as_none(fs::metadata(path).map(|metadata| Self::of_metadata(&metadata)))
    }

    /// Whether the last change is so long ago that a further one would have had to leave another time: file systems mark
    /// it by a clock that may stand still for some milliseconds.
    pub(crate) fn are_settled(&self) -> bool {
        self.modified.is_some_and(|modified| modified.elapsed().is_ok_and(|age| age >= CLOCK_STEP))
    }

    fn of_metadata(metadata: &Metadata) -> Self {
        Self { size_bytes: metadata.len(), modified: metadata.modified().ok(), changed: changed(metadata) }
    }
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}

/// The size, and the times since 1970 in seconds and nanoseconds.
impl std::fmt::Display for FileTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "of {} bytes", self.size_bytes)?;
        if let Some(modified) = self.modified {
            // Before 1970 it counts backwards.
            let (sign, since) = match modified.duration_since(std::time::UNIX_EPOCH) {
                Ok(since) => ("", since),
                Err(error) => ("-", error.duration()),
            };
            write!(f, " modified {sign}{}.{:09}", since.as_secs(), since.subsec_nanos())?;
        }
        if let Some((seconds, nanoseconds)) = self.changed {
            write!(f, " changed {seconds}.{nanoseconds:09}")?;
        }
        Ok(())
    }
}

/// What lies under a name: nothing, a regular file of so many bytes, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File { size_bytes: u64 },
    Folder,
    Other,
}

/// Looks under `path`, symbolic links followed, without opening it.
pub(crate) fn look(path: &Path) -> io::Result<Found> {
    Ok(match absent_as_none(fs::metadata(path))? {
        // A link that leads nowhere is something all the same: nothing new can take its name.
        None if absent_as_none(fs::symlink_metadata(path))?.is_some() => Found::Other,
        None => Found::Nothing,
        Some(metadata) if metadata.is_file() => Found::File { size_bytes: metadata.len() },
        Some(metadata) if metadata.is_dir() => Found::Folder,
        Some(_) => Found::Other,
    })
}

/// How many bytes of its file system the file that `path` leads to takes, without its holes; 0 where nothing is.
pub(crate) fn occupied_bytes(path: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    let of_metadata =
        |metadata: Metadata| std::os::unix::fs::MetadataExt::blocks(&metadata).saturating_mul(512);
    #[cfg(not(unix))]
    let of_metadata = |metadata: Metadata| metadata.len();
    Ok(absent_as_none(fs::metadata(path))?.map_or(0, of_metadata))
}

fn absent_as_none<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_file_share_its_identity_and_a_copy_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let [one, link, copy] = ["one", "link", "copy"].map(|name| folder.path().join(name));
        fs::write(&one, "x").unwrap();
        fs::hard_link(&one, &link).unwrap();
        fs::copy(&one, &copy).unwrap();
        let identity = |path: &Path| FileIdentity::of_path(path).unwrap().unwrap();
        assert_eq!(identity(&one), identity(&link));
        assert_eq!(identity(&one), FileIdentity::of_file(&File::open(&link).unwrap()).unwrap());
        assert_ne!(identity(&one), identity(&copy));
        assert_eq!(FileIdentity::of_path(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_look_tells_files_from_folders_and_from_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "four").unwrap();
        assert_eq!(look(&folder.path().join("file")).unwrap(), Found::File { size_bytes: 4 });
        assert_eq!(look(folder.path()).unwrap(), Found::Folder);
        assert_eq!(look(&folder.path().join("none")).unwrap(), Found::Nothing);
    }
}
