//! A file opened in order to lock ranges of it, without ever breaking anyone's locks by closing it.

use super::device_sync;
use super::file_identity::{FileIdentity, FileTimes};
use super::parked_files;
use super::place::{Access, Place};
use super::random_access::{ReadAt, write_all_at};
use super::range_lock::{self, Asker, ByteRange, Conflict, LockKind};
use super::rights::Rights;
use super::unfit::Unfit;
use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// An open file that owns the locks taken through it.
///
/// Two of these on one file are two owners, in one process too. Dropping it lets its locks go; the descriptor is then
/// parked, not closed (C8).
#[derive(Debug)]
pub(crate) struct LockFile {
    /// `None` only while it is being dropped.
    file: Option<File>,
    identity: FileIdentity,
    access: Access,
    owner: u64,
}

impl LockFile {
    /// Opens the regular file at `place` for reading.
    pub(crate) fn open(place: &Place) -> io::Result<Self> {
        Self::open_with(place, Access::Read)
    }

    /// Opens the file or block device at `place`, which nobody writes, for reading.
    pub(crate) fn open_immutable(place: &Place) -> io::Result<Self> {
        match Self::open(place) {
            Err(error) if Unfit::in_error(&error) == Some(Unfit::BlockDevice) => {
                let (file, status) = place.open_immutable()?;
                Ok(Self::new(file, status.identity, Access::Read))
            }
            opened => opened,
        }
    }

    /// Opens the regular file at `place` for reading and writing: only so can it be locked exclusively.
    pub(crate) fn open_to_write(place: &Place) -> io::Result<Self> {
        Self::open_with(place, Access::ReadWrite)
    }

    /// The same for a side file, which must have no other name.
    pub(crate) fn open_alone(place: &Place) -> io::Result<Self> {
        let link_count = place.status()?.map_or(0, |status| status.link_count);
        if link_count > 1 {
            return Err(Unfit::Names(link_count).into());
        }
        Self::open_to_write(place)
    }

    fn open_with(place: &Place, access: Access) -> io::Result<Self> {
        if !parked_files::is_empty()
            && let Some(identity) = place.identity()?
            && let Some(file) = parked_files::take(identity, access)
        {
            return Ok(Self::new(file, identity, access));
        }
        let (file, status) = place.open(access)?;
        Ok(Self::new(file, status.identity, access))
    }

    fn new(file: File, identity: FileIdentity, access: Access) -> Self {
        static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);
        Self { file: Some(file), identity, access, owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed) }
    }

    /// Which file it is.
    pub(crate) fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// When it was last changed.
    pub(crate) fn times(&self) -> io::Result<FileTimes> {
        FileTimes::of_file(self.file()?)
    }

    /// What the system tells of it.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file()?.metadata()
    }

    /// Who may use it.
    pub(crate) fn rights(&self) -> io::Result<Rights> {
        Rights::of_file(self.file()?)
    }

    /// Writes all of `bytes` at `offset`. No other descriptor of the file has to be opened, and closed, for that (C8).
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(self.file()?, bytes, offset)
    }

    /// Cuts or extends the file to `size_bytes`; what is new reads as zeros.
    pub(crate) fn set_size(&self, size_bytes: u64) -> io::Result<()> {
        self.file()?.set_len(size_bytes)
    }

    /// Brings what was written to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        device_sync::sync(self.file()?)
    }

    /// Takes a lock; `false` when somebody is in the way.
    pub(crate) fn try_lock(&self, range: ByteRange, kind: LockKind) -> io::Result<bool> {
        range_lock::try_lock(self.asker()?, range, kind)
    }

    /// Whether locks had to be those of the process, which others in it can drop.
    pub(crate) fn locks_belong_to_process() -> bool {
        range_lock::belong_to_process()
    }

    /// Turns the lock that it has on `range` from one kind into another; when somebody is in the way it stays as it was.
    pub(crate) fn convert(&self, range: ByteRange, from: LockKind, to: LockKind) -> io::Result<bool> {
        if !cfg!(windows) {
            return self.try_lock(range, to);
        }
        // Windows cannot convert a lock: it is let go and taken anew, and the old one taken again when that fails.
        self.unlock(range)?;
        Ok(self.try_lock(range, to)? || {
            self.try_lock(range, from)?;
            false
        })
    }

    /// Lets go of whatever it holds in `range`.
    pub(crate) fn unlock(&self, range: ByteRange) -> io::Result<()> {
        range_lock::unlock(self.asker()?, range)
    }

    /// One lock of somebody else that a lock of `kind` on `range` would meet.
    pub(crate) fn find_conflict(&self, range: ByteRange, kind: LockKind) -> io::Result<Option<Conflict>> {
        range_lock::find_conflict(self.asker()?, range, kind)
    }

    /// Takes the other kind of lock, `flock`, on the whole file, shared; `false` when somebody is in the way.
    pub(crate) fn try_lock_whole(&self) -> io::Result<bool> {
        match self.file()?.try_lock_shared() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Lets go of the lock on the whole file.
    pub(crate) fn unlock_whole(&self) -> io::Result<()> {
        self.file()?.unlock()
    }

    /// The file itself, to be read by the system; `None` only while it is being dropped.
    pub(crate) fn as_file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Lets the system forget what it has of the file in its cache.
    #[cfg(feature = "manifest")]
    pub(crate) fn forget_cached(&self) {
        if let Some(file) = &self.file {
            super::page_cache::forget(file);
        }
    }

    /// Lets its locks go and closes it, if nobody in this process can have a lock on it: else it is as when it is dropped. For files that
    /// we have locked exclusively just now, or could have.
    pub(crate) fn close(mut self) {
        self.let_go(parked_files::close);
    }

    fn let_go(&mut self, then: impl FnOnce(FileIdentity, Access, File)) {
        let everything = ByteRange { start: 0, length: i64::MAX.unsigned_abs() };
        let is_unlocked = cfg!(windows) || (self.file.is_some() && self.unlock(everything).is_ok());
        let Some(file) = self.file.take() else { return };
        if is_unlocked {
            then(self.identity, self.access, file);
        }
        // Else closing is what is left to let the locks go (C7), and it is done here by dropping `file`.
    }

    fn asker(&self) -> io::Result<Asker<'_>> {
        Ok(Asker { file: self.file()?, identity: self.identity, owner: self.owner })
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl ReadAt for LockFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file()?.read_at(buffer, offset)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.file()?.size_bytes()
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        self.let_go(parked_files::park);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: ByteRange = ByteRange { start: 1_073_741_826, length: 510 };

    fn file() -> (tempfile::TempDir, Place) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "content").unwrap();
        let place = Place::of_existing(&path).unwrap();
        (folder, place)
    }

    #[test]
    fn two_opens_in_one_process_are_two_owners() {
        let (_folder, path) = file();
        let [a, b] = [(); 2].map(|()| LockFile::open_to_write(&path).unwrap());
        let strengthen = |one: &LockFile| one.convert(RANGE, LockKind::Shared, LockKind::Exclusive).unwrap();
        assert!(a.try_lock(RANGE, LockKind::Shared).unwrap());
        assert!(b.try_lock(RANGE, LockKind::Shared).unwrap());
        assert!(!strengthen(&b));
        a.unlock(RANGE).unwrap();
        assert!(strengthen(&b));
        assert_eq!(a.find_conflict(RANGE, LockKind::Shared).unwrap().unwrap().kind, LockKind::Exclusive);
    }

    #[test]
    fn dropping_lets_go_and_opening_again_reuses_the_descriptor() {
        let (_folder, path) = file();
        let other = LockFile::open_to_write(&path).unwrap();
        let one = LockFile::open(&path).unwrap();
        assert!(one.try_lock(RANGE, LockKind::Shared).unwrap());
        assert!(!other.try_lock(RANGE, LockKind::Exclusive).unwrap());
        drop(one);
        assert!(other.try_lock(RANGE, LockKind::Exclusive).unwrap());
        assert!(!LockFile::open(&path).unwrap().try_lock(RANGE, LockKind::Shared).unwrap());
    }

    #[test]
    fn folders_and_pipes_are_no_files() {
        let (folder, _) = file();
        assert!(LockFile::open(&Place::of_existing(folder.path()).unwrap()).is_err());
    }
}
