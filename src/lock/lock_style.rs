//! By what kind of lock a database is read: SQLite has several, and all who use a database must use the same.

use super::database_lock::SharedLock;
use crate::attempt::Attempt;
use crate::os::file_identity::{FileIdentity, Found};
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::os::unfit::Unfit;
use std::io;
use std::str::FromStr;

/// The locks of SQLite's own ways to reach a file (its VFSs), by the names that they have there.
///
/// Nobody can see from outside which one another program uses. All but the first know no shared memory, so no database
/// in WAL mode is in use by others under them.
///
/// ```
/// use litecopy::SourceOptions;
/// use litecopy::lock::LockStyle;
///
/// assert_eq!("dotfile".parse(), Ok(LockStyle::Dotfile));
/// let options = SourceOptions::new().lock_style(LockStyle::Flock);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockStyle {
    /// Byte-range locks: `unix`, `unix-excl` and `win32`. What nearly everybody uses.
    #[default]
    Posix,
    /// A lock on the whole file: `unix-flock`.
    Flock,
    /// A folder beside the database, named like it with `.lock` behind: `unix-dotfile`. The one style that cannot be
    /// followed without creating something beside the source: the folder is there while a snapshot lasts.
    Dotfile,
    /// No locks: `unix-none`, `nolock=1`. What was read counts only if no file has changed by the end.
    None,
}

impl LockStyle {
    /// All of them, with their names.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("posix", Self::Posix), ("flock", Self::Flock), ("dotfile", Self::Dotfile), ("none", Self::None)];
}

impl FromStr for LockStyle {
    type Err = UnknownLockStyle;

    fn from_str(name: &str) -> Result<Self, UnknownLockStyle> {
        let found = Self::ALL.iter().find(|&&(known, _)| known == name);
        found.map(|&(_, style)| style).ok_or(UnknownLockStyle)
    }
}

/// A name that no lock style has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a lock style: posix, flock, dotfile and none are")]
pub struct UnknownLockStyle;

/// The right to read a database, of whatever style; let go when dropped.
#[derive(Debug)]
pub(crate) enum ReadLock {
    Posix(SharedLock),
    Flock(FlockLock),
    Dotfile {
        file: LockFile,
        #[expect(dead_code, reason = "held, not looked at")]
        folder: LockFolder,
    },
    None(LockFile),
}

/// `flock` on the whole file.
#[derive(Debug)]
pub(crate) struct FlockLock(LockFile);

impl Drop for FlockLock {
    fn drop(&mut self) {
        // Before the descriptor is parked: as long as it is open, so is the lock. A failure leaves it to the process's end.
        let _ = self.0.unlock_whole();
    }
}

/// The folder that stands for a lock; removed when dropped.
#[derive(Debug)]
pub(crate) struct LockFolder(Place, Option<FileIdentity>);

impl LockFolder {
    /// Where that of the database at `place` lies.
    pub(crate) fn of(place: &Place) -> Place {
        place.beside(".lock")
    }

    /// Whether somebody has locked the database at `place` by such a folder.
    pub(crate) fn is_there(place: &Place) -> io::Result<bool> {
        Ok(Self::of(place).look()? == Found::Unfit(Unfit::Folder))
    }

    /// Makes it; `None` when it is there.
    fn create(place: &Place) -> io::Result<Option<Self>> {
        let folder = Self::of(place);
        match folder.create_folder(0o777) {
            Ok(()) => folder.identity().map(|identity| Some(Self(folder, identity))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for LockFolder {
    fn drop(&mut self) {
        // Who removed it meanwhile has broken the lock; there is nothing left for us to do about it.
        let _ = self.1.map(|identity| self.0.remove_folder(identity));
    }
}

impl ReadLock {
    /// Locks the open database `file`, which lies at `place`. Busy: somebody writes, or under some styles reads.
    pub(crate) fn acquire(style: LockStyle, file: LockFile, place: &Place) -> io::Result<Attempt<Self, ()>> {
        Ok(match style {
            LockStyle::Posix => match SharedLock::acquire(file)? {
                Attempt::Got(shared) => Attempt::Got(Self::Posix(shared)),
                Attempt::Busy(_) => Attempt::Busy(()),
            },
            LockStyle::Flock if file.try_lock_whole()? => Attempt::Got(Self::Flock(FlockLock(file))),
            LockStyle::Flock => Attempt::Busy(()),
            LockStyle::Dotfile => match LockFolder::create(place)? {
                Some(folder) => Attempt::Got(Self::Dotfile { file, folder }),
                None => Attempt::Busy(()),
            },
            LockStyle::None => Attempt::Got(Self::None(file)),
        })
    }

    /// The locked file, to be read.
    pub(crate) fn file(&self) -> &LockFile {
        match self {
            Self::Posix(shared) => shared.file(),
            Self::Flock(FlockLock(file)) | Self::Dotfile { file, .. } | Self::None(file) => file,
        }
    }

    /// Whether somebody else is about to write. Under `flock` and the folder nobody can be: we have the only lock.
    pub(crate) fn reserved_by_other(&self) -> io::Result<bool> {
        match self {
            Self::Posix(shared) => shared.reserved_by_other(),
            Self::Flock(_) | Self::Dotfile { .. } | Self::None(_) => Ok(false),
        }
    }

    /// Whether a process holds SHARED on the database as SQLite does, as far as can be told.
    pub(crate) fn shared_by_process(&self) -> io::Result<bool> {
        match self {
            Self::Posix(shared) => shared.shared_by_process(),
            Self::Flock(_) | Self::Dotfile { .. } | Self::None(_) => Ok(false),
        }
    }

    /// Whether the locks on a wal-index mean anything: only beside byte-range locks on the database.
    pub(crate) fn joins_live_logs(&self) -> bool {
        matches!(self, Self::Posix(_))
    }

    /// Whether nobody is kept from writing while this is held.
    pub(crate) fn keeps_nobody_out(&self) -> bool {
        matches!(self, Self::None(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        std::fs::write(&path, "x").unwrap();
        let place = Place::of_existing(&path).unwrap();
        (folder, place)
    }

    fn acquire(style: LockStyle, path: &Place) -> Option<ReadLock> {
        match ReadLock::acquire(style, LockFile::open(path).unwrap(), path).unwrap() {
            Attempt::Got(lock) => Some(lock),
            Attempt::Busy(()) => None,
        }
    }

    #[test]
    fn flock_keeps_writers_out_until_it_is_dropped() {
        let (_folder, path) = database();
        let lock = acquire(LockStyle::Flock, &path).unwrap();
        let writer = std::mem::ManuallyDrop::new(std::fs::File::open(path.path()).unwrap());
        assert!(writer.try_lock().is_err());
        drop(lock);
        writer.try_lock().unwrap();
        assert!(acquire(LockStyle::Flock, &path).is_none());
    }

    #[test]
    fn the_folder_is_there_as_long_as_the_lock() {
        let (_folder, path) = database();
        let lock = acquire(LockStyle::Dotfile, &path).unwrap();
        assert!(LockFolder::is_there(&path).unwrap());
        assert!(acquire(LockStyle::Dotfile, &path).is_none());
        drop(lock);
        assert!(!LockFolder::is_there(&path).unwrap());
    }

    #[test]
    fn names_are_those_of_sqlite() {
        for &(name, style) in LockStyle::ALL {
            assert_eq!(name.parse(), Ok(style));
        }
        assert_eq!("afp".parse::<LockStyle>(), Err(UnknownLockStyle));
    }
}
