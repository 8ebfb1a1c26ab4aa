//! Who may use a file: its mode, its owner, its access control list.
//!
//! Where a file has such a list, the group's bits of its mode are the mask of the list, and say nothing of the group. So a file that is
//! made like it without the list gets the bits that the list has for the group: else the group might use what it may not.

use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

/// What says who may use a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    mode: u32,
    user: u32,
    group: u32,
    list: Option<AccessList>,
}

impl Rights {
    /// Those of an open file.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            mode: metadata.permissions().mode() & 0o777,
            user: metadata.uid(),
            group: metadata.gid(),
            list: AccessList::of_file(file),
        })
    }

    /// Those of the file or block device at `place`; `None` where nothing is. On Linux it is not opened, so that nobody takes us for
    /// a user of it, and nothing has to be closed (C8).
    pub(crate) fn of_place(place: &Place) -> io::Result<Option<Self>> {
        #[cfg(target_os = "linux")]
        match of_linux::rights_at(place) {
            // Without `/proc` it has to be.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            told => return told,
        }
        match LockFile::open_immutable(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened?.rights().map(Some),
        }
    }

    /// The user whom the file belongs to.
    pub(super) fn user(&self) -> u32 {
        self.user
    }

    /// The mode to make a new file with, less the process's mask: as `cp` does, but never more than the list allows.
    pub(super) fn mode_without_list(&self) -> u32 {
        match &self.list {
            Some(list) => self.mode & !0o070 | list.group_bits() << 3,
            None => self.mode,
        }
    }

    /// Gives the list to a file that was made with [`mode_without_list`](Self::mode_without_list) and belongs to us, where that can
    /// be done.
    pub(super) fn give_list(&self, file: &File) {
        if let Some(list) = &self.list {
            // Where it cannot be kept, the mode is right without.
            let _ = list.within(process_mask().unwrap_or(0o077)).give(file);
        }
    }

    /// Gives all of them to a file, as far as the system lets us: who is not root cannot give files away, nor to a group that it is
    /// not in. Then those of the group have no more than all have.
    pub(in crate::os) fn give(&self, file: &File) -> io::Result<()> {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (self.user, self.group)
            && fchown(file, Some(self.user), Some(self.group)).is_err()
        {
            let _ = fchown(file, None, Some(self.group));
        }
        let mode = if file.metadata()?.gid() == self.group {
            self.mode_without_list()
        } else {
            // One that another group than its own may use.
            self.mode & (0o707 | (self.mode & 0o007) << 3)
        };
        AccessList::take_away(file);
        if file.metadata()?.permissions().mode() & 0o777 != mode {
            file.set_permissions(PermissionsExt::from_mode(mode))?;
        }
        if let Some(list) = &self.list {
            let _ = list.give(file);
        }
        Ok(())
    }
}

/// The bits that this process takes from the mode of every new file; `None` where the system does not tell.
fn process_mask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(mask.trim(), 8).ok()
}

/// An access control list as Linux keeps it: 4 bytes of version, then entries of a tag and bits of 2 bytes each and an id of 4.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AccessList(Vec<u8>);

/// The tags of the entries that the three digits of a mode are, and of the mask.
const USER: u16 = 0x01;
const GROUP: u16 = 0x04;
const MASK: u16 = 0x10;
const OTHERS: u16 = 0x20;

/// The bytes before the first entry, and of an entry.
const VERSION_BYTES: usize = 4;
const ENTRY_BYTES: usize = 8;

impl AccessList {
    /// The bits that the group of the file really has.
    fn group_bits(&self) -> u32 {
        let of = |tag| self.bits(tag).unwrap_or(0);
        of(GROUP) & self.bits(MASK).unwrap_or(0o7)
    }

    fn bits(&self, tag: u16) -> Option<u32> {
        let entries = self.0.get(VERSION_BYTES..)?.as_chunks::<ENTRY_BYTES>().0;
        let found = entries.iter().find(|&&[a, b, ..]| u16::from_le_bytes([a, b]) == tag)?;
        let &[_, _, c, d, ..] = found;
        Some(u32::from(u16::from_le_bytes([c, d])) & 0o7)
    }

    /// The same, less what a mask of new files takes away.
    fn within(&self, process_mask: u32) -> Self {
        let mut list = self.clone();
        let entries = list.0.get_mut(VERSION_BYTES..).unwrap_or_default();
        for [a, b, bits, ..] in entries.as_chunks_mut::<ENTRY_BYTES>().0 {
            let place = match u16::from_le_bytes([*a, *b]) {
                USER => 6,
                MASK => 3,
                OTHERS => 0,
                _ => continue,
            };
            *bits &= !u8::try_from(process_mask >> place & 0o7).unwrap_or(0o7);
        }
        list
    }
}

#[cfg(target_os = "linux")]
mod of_linux {
    use super::{AccessList, Rights};
    use crate::os::file_identity::{Found, Status};
    use crate::os::place::Place;
    use crate::os::unfit::Unfit;
    use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr, getxattr};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;

    const NAME: &str = "system.posix_acl_access";

    /// More than any file system keeps for one file.
    const MOST_BYTES: usize = 64 * 1024;

    /// Of what lies at a place, by a descriptor that does not count as one of an open file.
    pub(super) fn rights_at(place: &Place) -> io::Result<Option<Rights>> {
        let Some(handle) = place.open_handle()? else { return Ok(None) };
        let stat = rustix::fs::fstat(&handle)?;
        match Status::of_stat(&stat).found {
            Found::File { .. } | Found::Unfit(Unfit::BlockDevice) => {}
            Found::Unfit(unfit) => return Err(unfit.into()),
            Found::Nothing => return Ok(None),
        }
        let by_handle = format!("/proc/self/fd/{}", handle.as_raw_fd());
        let list = match AccessList::from_reading(|bytes| getxattr(&by_handle, NAME, bytes)) {
            Err(Errno::NOENT) => return Err(io::ErrorKind::Unsupported.into()),
            list => list.ok(),
        };
        Ok(Some(Rights { mode: stat.st_mode & 0o777, user: stat.st_uid, group: stat.st_gid, list }))
    }

    impl AccessList {
        /// That of an open file, if it has one and the file system keeps such.
        pub(super) fn of_file(file: &File) -> Option<Self> {
            Self::from_reading(|bytes| fgetxattr(file, NAME, bytes)).ok()
        }

        fn from_reading(read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Self> {
            // Most files have none: then no room for it is needed.
            read(&mut [])?;
            let mut bytes = vec![0; MOST_BYTES];
            let count = read(&mut bytes)?;
            bytes.truncate(count);
            Ok(Self(bytes))
        }

        pub(in crate::os) fn give(&self, file: &File) -> io::Result<()> {
            Ok(fsetxattr(file, NAME, &self.0, XattrFlags::empty())?)
        }

        pub(super) fn take_away(file: &File) {
            // Most files have none.
            let _ = fremovexattr(file, NAME);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl AccessList {
    fn of_file(_: &File) -> Option<Self> {
        None
    }

    fn give(&self, _: &File) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn take_away(_: &File) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The owner may do all but execute, a user of the number 1111 may read, the group nothing, nor others: the mode is 0640.
    fn list() -> AccessList {
        let mut bytes = vec![2, 0, 0, 0];
        for (tag, bits, id) in [
            (USER, 6_u16, u32::MAX),
            (2, 4, 1111),
            (GROUP, 0, u32::MAX),
            (MASK, 4, u32::MAX),
            (OTHERS, 0, u32::MAX),
        ] {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        AccessList(bytes)
    }

    #[test]
    fn the_mask_of_a_list_is_not_taken_for_the_bits_of_the_group() {
        let rights = Rights { mode: 0o640, user: 0, group: 0, list: Some(list()) };
        assert_eq!(rights.mode_without_list(), 0o600);
        assert_eq!(Rights { list: None, ..rights }.mode_without_list(), 0o640);
        assert_eq!(list().within(0o077).bits(MASK), Some(0));
        assert_eq!(list().within(0o022), list());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_list_is_kept_where_the_file_system_keeps_such() {
        let [like, new] = [(); 2].map(|()| tempfile::tempfile().unwrap());
        if list().give(&like).is_err() {
            return;
        }
        let rights = Rights::of_file(&like).unwrap();
        let named = tempfile::NamedTempFile::new().unwrap();
        list().give(named.as_file()).unwrap();
        let place = Place::of_existing(named.path()).unwrap();
        assert_eq!(Rights::of_place(&place).unwrap().as_ref(), Some(&rights));
        assert_eq!(Rights::of_place(&place.beside("-none")).unwrap(), None);
        assert_eq!((rights.mode, &rights.list), (0o640, &Some(list())));
        rights.give(&new).unwrap();
        assert_eq!(Rights::of_file(&new).unwrap(), rights);
        Rights { list: None, mode: 0o604, ..rights }.give(&new).unwrap();
        let found = Rights::of_file(&new).unwrap();
        assert_eq!((found.mode, found.list), (0o604, None));
    }
}
