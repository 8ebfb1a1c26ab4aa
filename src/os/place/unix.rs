//! A folder by its descriptor, and what is done with the names in it.

use super::{Access, links::Link};
use crate::os::clock::Deadline;
use crate::os::file_identity::{FileIdentity, Found, Status};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use rustix::fs::Dir;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// A folder that is held open. Nobody locks folders by ranges, so it may be closed at any time.
#[derive(Debug)]
pub(in crate::os) struct Folder {
    descriptor: OwnedFd,
    identity: FileIdentity,
    /// As it was named, from the current folder on.
    named: PathBuf,
    /// What it is called, links resolved, once that was asked for.
    path: OnceLock<PathBuf>,
    /// The same folder open to be listed, once that was wanted.
    listing: OnceLock<File>,
}

/// Linux opens a folder also for who may not list it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const TO_USE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const TO_USE: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

const TO_LIST: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// A pipe under the name must not make us wait for its other end, nor a terminal become ours; and links are not followed.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// What is under a name itself, to be asked about.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HANDLE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How often, and after what pause, a file is opened again on which somebody has a lease: one of ours asks with it who has the file open
/// ([`openers`](super::super::openers)), and gives it back at once.
const MOST_LEASE_TRIES: u32 = 100;
const LEASE_PAUSE: Duration = Duration::from_millis(2);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::new(open_at(CWD, path, TO_USE, Mode::empty())?, path.to_owned())
    }

    /// The folder that `path` leads to from here.
    pub(super) fn open_within(&self, path: &Path) -> io::Result<Self> {
        Self::new(open_at(&self.descriptor, path, TO_USE, Mode::empty())?, self.named.join(path))
    }

    /// The folder of that name here, which is no link; its path is `path`.
    pub(super) fn open_named(&self, name: &OsStr, path: &Path) -> io::Result<Self> {
        let descriptor = open_at(&self.descriptor, name, TO_USE | OFlags::NOFOLLOW, Mode::empty())?;
        Self::new(descriptor, path.to_owned())
    }

    fn new(descriptor: OwnedFd, named: PathBuf) -> io::Result<Self> {
        let identity = Status::of_descriptor(&descriptor)?.identity;
        Ok(Self { descriptor, identity, named, path: OnceLock::new(), listing: OnceLock::new() })
    }

    /// What it is called now, links resolved; as it was named where that cannot be told.
    pub(super) fn path(&self) -> &Path {
        self.path.get_or_init(|| {
            path_of(&self.descriptor).unwrap_or_else(|| match self.named.canonicalize() {
                Ok(path) => path,
                Err(_) => self.named.clone(),
            })
        })
    }

    pub(super) fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// What the system tells of what lies under a name; of a link itself.
    pub(super) fn status(&self, name: &OsStr) -> io::Result<Option<Status>> {
        match rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Status::of_stat(&stat))),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Found> {
        Ok(self.status(name)?.map_or(Found::Nothing, |status| status.found))
    }

    /// What a link under a name leads to in the end, whatever its text says: those in `/proc` name pipes that have no name.
    pub(super) fn look_through(&self, name: &OsStr) -> io::Result<Found> {
        match rustix::fs::statat(&self.descriptor, name, AtFlags::empty()) {
            Ok(stat) => Ok(Status::of_stat(&stat).found),
            Err(Errno::NOENT | Errno::NAMETOOLONG | Errno::LOOP | Errno::NOTDIR | Errno::ACCESS) => {
                Ok(Found::Nothing)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a file system is mounted on what lies under a name, as far as the system tells.
    #[cfg(target_os = "linux")]
    pub(super) fn is_mount_root(&self, name: &OsStr) -> bool {
        use rustix::fs::{StatxAttributes, StatxFlags, statx};
        statx(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok_and(|it| {
            (it.stx_attributes & it.stx_attributes_mask).contains(StatxAttributes::MOUNT_ROOT)
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_mount_root(&self, _: &OsStr) -> bool {
        false
    }

    /// What the link under a name says, and whose it is; `None` when it is no link any more.
    pub(super) fn read_link(&self, name: &OsStr) -> io::Result<Option<Link>> {
        match self.try_read_link(name) {
            Ok((stat, text)) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                Ok(Some(Link {
                    owner: Status::of_stat(&stat).owner,
                    leads_to: OsString::from_vec(text.into_bytes()).into(),
                }))
            }
            Ok(_) | Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What lies under a name, be it a link, held without being opened.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn open_handle(&self, name: &OsStr) -> io::Result<OwnedFd> {
        Ok(open_at(&self.descriptor, name, HANDLE, Mode::empty())?)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn try_read_link(&self, name: &OsStr) -> rustix::io::Result<(Stat, CString)> {
        let link = open_at(&self.descriptor, name, HANDLE, Mode::empty())?;
        Ok((rustix::fs::fstat(&link)?, rustix::fs::readlinkat(&link, c"", Vec::new())?))
    }

    /// Where a link cannot be opened itself: looked at before and after.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn try_read_link(&self, name: &OsStr) -> rustix::io::Result<(Stat, CString)> {
        let look = || rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW);
        let before = look()?;
        let text = rustix::fs::readlinkat(&self.descriptor, name, Vec::new())?;
        let after = look()?;
        let same = Status::of_stat(&before) == Status::of_stat(&after);
        if same { Ok((after, text)) } else { Err(Errno::INVAL) }
    }

    /// Whose the folder is.
    pub(super) fn owner(&self) -> io::Result<u32> {
        Ok(Status::of_descriptor(&self.descriptor)?.owner)
    }

    /// Opens what lies under a name; whether it is a file is to be looked at afterwards.
    pub(super) fn open_file(&self, name: &OsStr, access: Access) -> io::Result<File> {
        let flags = match access {
            Access::Read => OFlags::RDONLY | FILE,
            Access::ReadWrite => OFlags::RDWR | FILE,
        };
        // Without marking the time of access, where the file is ours or we are root.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if access == Access::Read {
            match self.try_open(name, flags | OFlags::NOATIME) {
                Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {}
                other => return other,
            }
        }
        self.try_open(name, flags)
    }

    /// Opens a file past the system's cache.
    #[cfg(target_os = "linux")]
    pub(in crate::os) fn open_direct(&self, name: &OsStr) -> io::Result<File> {
        self.try_open(name, OFlags::RDONLY | OFlags::DIRECT | FILE)
    }

    fn try_open(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let open = || open_at(&self.descriptor, name, flags, Mode::empty());
        let mut opened = open();
        for _ in 0..MOST_LEASE_TRIES {
            if !matches!(opened, Err(Errno::AGAIN)) {
                break;
            }
            Deadline::after(None).sleep(LEASE_PAUSE);
            opened = open();
        }
        match opened {
            Ok(descriptor) => Ok(descriptor.into()),
            Err(Errno::NAMETOOLONG) => Err(io::ErrorKind::NotFound.into()),
            Err(error) => match self.look(name)? {
                // What is no file is named, instead of what the system says of it.
                Found::Unfit(unfit) => Err(unfit.into()),
                _ => Err(error.into()),
            },
        }
    }

    pub(super) fn create_file(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | FILE;
        Ok(open_at(&self.descriptor, name, flags, mode_of(mode))?.into())
    }

    pub(super) fn create_folder(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.descriptor, name, mode_of(mode))?)
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())?)
    }

    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR)?)
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    /// Gives a file another name, which nothing may have yet: in one step where the system has a call for it, else by a second
    /// name and the removal of the first.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            let here = &self.descriptor;
            match renameat_with(here, from, here, to, RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
                other => return Ok(other?),
            }
        }
        match rustix::fs::linkat(&self.descriptor, from, &self.descriptor, to, AtFlags::empty()) {
            Ok(()) => {
                // The file has its name; that it has the other one still is in nobody's way.
                let _ = self.remove(from);
                Ok(())
            }
            // File systems without hard links have many ways to say so.
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL | Errno::MLINK) => {
                self.rename_over_empty(from, to)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// For file systems that have neither: the name is taken by an empty file, which nobody else can do at the same time, and that is
    /// replaced. A crash in between leaves the empty file.
    fn rename_over_empty(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        drop(self.create_file(to, 0o600)?);
        self.rename(from, to).inspect_err(|_| {
            // Nothing has come of it: the name is free again.
            let _ = self.remove(to);
        })
    }

    /// The folder itself, open so that its names can be listed and synced.
    pub(in crate::os) fn to_list(&self) -> io::Result<&File> {
        if let Some(open) = self.listing.get() {
            return Ok(open);
        }
        let open = self.to_lock()?;
        Ok(self.listing.get_or_init(|| open))
    }

    /// The same, opened anew: its lock is nobody else's.
    pub(in crate::os) fn to_lock(&self) -> io::Result<File> {
        Ok(open_at(&self.descriptor, c".", TO_LIST, Mode::empty())?.into())
    }

    /// The folder of that name, likewise.
    pub(in crate::os) fn folder_to_list(&self, name: &OsStr) -> io::Result<File> {
        Ok(open_at(&self.descriptor, name, TO_LIST | OFlags::NOFOLLOW, Mode::empty())?.into())
    }

    /// The names in it. On Linux by the descriptor that it is synced by too.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        use rustix::fs::{RawDir, SeekFrom, seek};
        const ROOM_BYTES: usize = 8 * 1024;
        let listing = self.to_list()?;
        seek(listing, SeekFrom::Start(0))?;
        let mut room = Vec::with_capacity(ROOM_BYTES);
        let mut entries = RawDir::new(listing, room.spare_capacity_mut());
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::new(self.to_lock()?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }
}

/// The number of the user who may do everything.
pub(super) const ROOT: u32 = 0;

/// By whose rights we work.
pub(super) fn our_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What Linux calls the file that a descriptor is of.
fn path_of(descriptor: &OwnedFd) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(descriptor));
    let is_there =
        |path: &PathBuf| path.is_absolute() && !path.as_os_str().as_bytes().ends_with(b" (deleted)");
    std::fs::read_link(link).ok().filter(is_there)
}

#[allow(clippy::cast_possible_truncation, reason = "permission bits; their type is smaller on some systems")]
fn mode_of(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as RawMode)
}

/// Opens a name in a folder; a signal that comes in between is carried on with.
fn open_at(
    folder: impl AsFd,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    rustix::io::retry_on_intr(|| rustix::fs::openat(&folder, name, flags, mode))
}
