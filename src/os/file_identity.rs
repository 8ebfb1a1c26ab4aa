//! Which file this is, whatever it is called, and when it was last changed.

use super::unfit::Unfit;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

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
        Ok(Status::of_file(file)?.identity)
    }

    /// Major and minor device number and inode, as the kernel's lists name a file.
    #[cfg(target_os = "linux")]
    pub(crate) fn kernel_name(self) -> (u32, u32, u64) {
        (libc::major(self.device), libc::minor(self.device), self.inode)
    }
}

/// What the system tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) identity: FileIdentity,
    pub(crate) found: Found,
    pub(crate) times: FileTimes,
    /// How many names it has.
    pub(crate) link_count: u64,
    /// Its owner's number; 0 where files have none.
    pub(crate) owner: u32,
    /// How many bytes of its file system it takes, without its holes.
    pub(crate) occupied_bytes: u64,
}

impl Status {
    /// Of the open `file`.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        #[cfg(unix)]
        return Self::of_descriptor(file);
        #[cfg(windows)]
        {
            let names = super::windows_file::names(file)?;
            let identity = FileIdentity { device: names.volume, inode: names.index };
            Ok(Self::of_metadata(&file.metadata()?, identity, names.count))
        }
        #[cfg(not(any(unix, windows)))]
        {
            let _ = file;
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    #[cfg(unix)]
    pub(super) fn of_descriptor(descriptor: impl std::os::fd::AsFd) -> io::Result<Self> {
        Ok(Self::of_stat(&rustix::fs::fstat(descriptor)?))
    }

    #[cfg(unix)]
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_truncation,
        reason = "the numbers have other types on other systems, none of which is too small for what it holds"
    )]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let size_bytes = stat.st_size as u64;
        let identity = FileIdentity { device: stat.st_dev as u64, inode: stat.st_ino as u64 };
        let modified = (stat.st_mtime as i64, stat.st_mtime_nsec as u32);
        Self {
            identity,
            found: Found::of_mode(rustix::fs::FileType::from_raw_mode(stat.st_mode), size_bytes),
            times: FileTimes {
                size_bytes,
                modified: time_from(modified.0, modified.1),
                changed: Some((stat.st_ctime as i64, stat.st_ctime_nsec as i64)),
            },
            link_count: stat.st_nlink as u64,
            owner: stat.st_uid,
            occupied_bytes: (stat.st_blocks as u64).saturating_mul(512),
        }
    }

    #[cfg(windows)]
    fn of_metadata(metadata: &fs::Metadata, identity: FileIdentity, link_count: u64) -> Self {
        let size_bytes = metadata.len();
        let kind = metadata.file_type();
        Self {
            identity,
            found: match () {
                () if kind.is_file() => Found::File { size_bytes },
                () if kind.is_dir() => Found::Unfit(Unfit::Folder),
                () if kind.is_symlink() => Found::Unfit(Unfit::Link),
                () => Found::Unfit(Unfit::Device),
            },
            times: FileTimes { size_bytes, modified: metadata.modified().ok(), changed: None },
            link_count,
            owner: 0,
            occupied_bytes: size_bytes,
        }
    }
}

/// A time by its seconds and nanoseconds; `None` where the system's clock cannot tell it.
#[cfg(unix)]
fn time_from(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    second?.checked_add(Duration::from_nanos(nanoseconds.into()))
}

/// Longer than the steps of the clock that local file systems mark times by: at most 10 ms on Linux.
pub(crate) const CLOCK_STEP: Duration = Duration::from_millis(20);

/// When and at what size a file was last changed, as far as its file system tells.
///
/// Two equal values do not prove that nothing was written; two different ones prove that something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileTimes {
    size_bytes: u64,
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of content or metadata; unix only.
    changed: Option<(i64, i64)>,
}

impl FileTimes {
    /// What the open `file` says now.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Status::of_file(file)?.times)
    }

    /// Whether the last change is so long ago that a further one would have had to leave another time: file systems mark
    /// it by a clock that may stand still for some milliseconds. A time that lies ahead of the clock is no mark of a change
    /// that has just been made either.
    pub(crate) fn are_settled(&self) -> bool {
        self.modified
            .is_some_and(|modified| modified.elapsed().unwrap_or_else(|ahead| ahead.duration()) >= CLOCK_STEP)
    }
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

/// What lies under a name: nothing, a regular file of so many bytes, or what is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File { size_bytes: u64 },
    Unfit(Unfit),
}

impl Found {
    #[cfg(unix)]
    fn of_mode(kind: rustix::fs::FileType, size_bytes: u64) -> Self {
        use rustix::fs::FileType;
        Self::Unfit(match kind {
            FileType::RegularFile => return Self::File { size_bytes },
            FileType::Symlink => Unfit::Link,
            FileType::Directory => Unfit::Folder,
            FileType::Fifo => Unfit::Pipe,
            FileType::Socket => Unfit::Socket,
            FileType::BlockDevice => Unfit::BlockDevice,
            _ => Unfit::Device,
        })
    }
}

/// What lies at any `path`, links followed: not for what is opened afterwards, which is what a [`Place`](super::place::Place) is for.
pub(crate) fn look(path: &Path) -> io::Result<Found> {
    Ok(match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Found::File { size_bytes: metadata.len() },
        Ok(metadata) if metadata.is_dir() => Found::Unfit(Unfit::Folder),
        Ok(_) => Found::Unfit(Unfit::Device),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(error) => return Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::place::Place;

    #[test]
    fn names_of_one_file_share_its_identity_and_a_copy_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let [one, link, copy] = ["one", "link", "copy"].map(|name| folder.path().join(name));
        fs::write(&one, "x").unwrap();
        fs::hard_link(&one, &link).unwrap();
        fs::copy(&one, &copy).unwrap();
        let identity = |path: &Path| Place::of_existing(path).unwrap().identity().unwrap().unwrap();
        assert_eq!(identity(&one), identity(&link));
        assert_eq!(identity(&one), FileIdentity::of_file(&File::open(&link).unwrap()).unwrap());
        assert_ne!(identity(&one), identity(&copy));
    }

    #[test]
    fn a_look_tells_files_from_folders_and_from_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "four").unwrap();
        assert_eq!(look(&folder.path().join("file")).unwrap(), Found::File { size_bytes: 4 });
        assert_eq!(look(folder.path()).unwrap(), Found::Unfit(Unfit::Folder));
        assert_eq!(look(&folder.path().join("none")).unwrap(), Found::Nothing);
    }

    #[test]
    fn a_time_far_from_now_is_settled_in_both_directions() {
        let file = tempfile::tempfile().unwrap();
        let settled_at = |time| {
            file.set_times(std::fs::FileTimes::new().set_modified(time)).unwrap();
            FileTimes::of_file(&file).unwrap().are_settled()
        };
        let hour = Duration::from_secs(3600);
        assert!(settled_at(SystemTime::now() - hour) && settled_at(SystemTime::now() + hour));
        // An hour ahead of a test that is stopped meanwhile; now itself would depend on being fast.
        assert!(!FileTimes { modified: None, ..FileTimes::of_file(&file).unwrap() }.are_settled());
    }

    #[cfg(unix)]
    #[test]
    fn times_are_those_that_the_standard_library_tells() {
        let file = tempfile::tempfile().unwrap();
        for seconds in [-2_000_000_000, -1, 0, 1_000_000_000_i64] {
            let time = time_from(seconds, 250_000_000).unwrap();
            file.set_times(std::fs::FileTimes::new().set_modified(time)).unwrap();
            let status = Status::of_file(&file).unwrap();
            assert_eq!(status.times.modified, file.metadata().unwrap().modified().ok());
            assert_eq!(status.times.modified, Some(time));
        }
    }
}
